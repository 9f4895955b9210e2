"""Units of trained networks, over one or two features: where the input of each is zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cvxnet.objective import Objective
from cvxnet.plots.canvas import draw_lines, left_out, segments, view_of
from cvxnet.plots.style import BLUE, GREY, RED, color_of, say_nothing_to_see
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes

VISIBLE = 1e-3
"""Units smaller than this share of the largest are not drawn over two features."""


@dataclass(frozen=True)
class Over:
    """What units are drawn over: the names of features, and mean and scale of their columns."""

    names: list[str]
    mean: Array
    scale: Array


def draw_units(
    axes: Axes, objective: Objective, weights: tuple[Array, Array | None, Array], over: Over
) -> str:
    """Where each unit's input is zero; larger for larger units, by color and line their sign.

    With several outputs the color is that of the output on which a unit has the largest effect.
    Returns what is to be said of it.
    """
    W, b, a = weights
    b = np.zeros(len(W)) if b is None else b
    order = 1 if objective.norm == "l1" else 2
    outer = np.linalg.norm(a.reshape(len(W), -1), axis=1)
    size = np.linalg.norm(np.column_stack([W, b]), axis=1, ord=order) * outer
    there = size > VISIBLE * size.max(initial=0.0)
    if not there.any():
        say_nothing_to_see(axes, "no hidden units")
        return ""
    a, size = a[there], size[there]
    W = W[there] / over.scale
    b = b[there] - W @ over.mean
    X = over.mean + over.scale * objective.X
    draw = draw_stems if len(over.names) == 1 else draw_kink_lines
    return draw(axes, X, (W, b), (a, size), over.names)


def unit_colors(a: Array) -> list[str]:
    """A color for each hidden unit by its output weights, (m,) or (m, c).

    Of their sign; with several outputs that of the output where it is largest.
    """
    if a.ndim == 1:
        return [RED if weight > 0.0 else BLUE for weight in a]
    return [color_of(int(k)) for k in np.abs(a).argmax(axis=1)]


def draw_kink_lines(
    axes: Axes, X: Array, lines: tuple[Array, Array], sizes: tuple[Array, Array], names: list[str]
) -> str:
    """With two features: a line, dashed where the output weight is negative."""
    (a, size), box = sizes, [view_of(column) for column in X.T]
    axes.set(xlim=box[0], ylim=box[1], xlabel=names[0], ylabel=names[1])
    axes.plot(*X.T, "o", color=GREY, markersize=2.5, alpha=0.6)
    hidden = 0
    for w, shift, weight, share, color in zip(
        *lines, a, size / size.max(), unit_colors(a), strict=True
    ):
        found = segments(w[None], np.array([shift]), box)
        negative = a.ndim == 1 and weight < 0.0
        dashes = (0, (5, 2)) if negative else "-"
        draw_lines(axes, found, colors=color, linewidths=0.5 + 2.5 * share, linestyles=dashes)
        hidden += not found
    signs = "Lines: red of positive, blue and dashed of negative units." if a.ndim == 1 else ""
    return f"{signs} {left_out({'units': (hidden, len(a))})}".strip()


def draw_stems(
    axes: Axes, X: Array, lines: tuple[Array, Array], sizes: tuple[Array, Array], names: list[str]
) -> str:
    """With one feature: a stem where each unit's input is zero, as high as the unit is large."""
    (slope, shift), (a, size) = lines, sizes
    view = view_of(X[:, 0], margin=0.25)
    axes.set_xlim(view)
    axes.axhline(0.0, color=GREY, linewidth=0.9)
    axes.plot(X[:, 0], 0.0 * X[:, 0], "o", color=GREY, markersize=5.0)
    heights = np.sign(a) * size if a.ndim == 1 else size
    hidden = 0
    for w, c, h, color in zip(slope[:, 0], shift, heights, unit_colors(a), strict=True):
        at = -c / w if w else np.inf
        if view[0] <= at <= view[1]:
            axes.plot([at, at], [0.0, h], color=color, linewidth=1.8, alpha=0.85)
        else:
            hidden += 1
    axes.set(xlabel=names[0], ylabel="size of the unit" + ", signed" * (a.ndim == 1))
    return left_out({"units": (hidden, len(a))})
