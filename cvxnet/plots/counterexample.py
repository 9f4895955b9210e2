"""The picture of a counterexample: a function between two points, and the chord beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.analysis.witnesses import Counterexample
from cvxnet.errors import InputError
from cvxnet.plots.slices import Slice
from cvxnet.plots.style import (
    BLUE,
    DASHED,
    INK,
    ORANGE,
    PALE,
    RED,
    entitle,
    head,
    literal,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

POINTS = 201
"""Places on the segment, the ends and the middle among them."""
LABELS = ["a", "midpoint", "b"]
MOST_POINTS_TOLD = 6
"""Lines about a, b and what is fixed below the picture."""


def counterexample_slice(counterexample: Counterexample) -> Slice:
    """What `plot_counterexample` draws.

    Parameters
    ----------
    counterexample : Counterexample
        As in ``verdict.counterexample``.

    Returns
    -------
    Slice
        The function between a and b; both ends and the middle are the values that were verified.

    Raises
    ------
    InputError
        For anything else, such as the None of a verdict that refuted nothing.

    Examples
    --------
    >>> import cvxpy as cp
    >>> from cvxnet.analysis import convexity
    >>> x = cp.Variable(name="x")
    >>> counterexample_slice(convexity(cp.square(cp.square(x) - 1)).counterexample)
    <Slice: f(a) = 0, f(b) = 0, midpoint 1, chord 0>
    """
    if not isinstance(counterexample, Counterexample):
        raise InputError(
            f"a counterexample is drawn, not {counterexample!r}; verdict.counterexample is one "
            "where the verdict is 'not convex' or 'not concave'."
        )
    t = np.linspace(0.0, 1.0, POINTS)
    return Slice(
        t=t,
        values=counterexample.along(t),
        f_a=counterexample.f_a,
        f_b=counterexample.f_b,
        f_middle=counterexample.f_middle,
    )


def said_of(counterexample: Counterexample) -> str:
    """What was proved, in one sentence."""
    kind, gap = counterexample.arithmetic, counterexample.gap
    if counterexample.refutes == "set":
        return f"a and b are feasible, their midpoint is not ({kind} arithmetic): no convex set."
    side = "above" if counterexample.refutes == "convex" else "below"
    return (
        f"The midpoint is {side} the chord by {gap} ({kind} arithmetic): "
        f"not {counterexample.refutes}."
    )


def plot_counterexample(counterexample: Counterexample) -> Figure:
    """Draw the function on the segment from a to b, and its chord.

    The three marked values are those that the checker verified; the curve between them is floating
    point. For a feasible set the curve is how far a constraint is broken, which is allowed up to 0.

    Parameters
    ----------
    counterexample : Counterexample
        As in ``verdict.counterexample``.

    Returns
    -------
    matplotlib.figure.Figure
        For `save_figure`.

    Raises
    ------
    MissingExtraError
        Where matplotlib is not installed.
    InputError
        For anything but a counterexample.

    Examples
    --------
    >>> import cvxnet as cn
    >>> net = cn.Sequential(cn.Linear(1, 1), cn.ReLU(), cn.Linear(1, 1))
    >>> figure = plot_counterexample(cn.convexity(net, wrt="weights").counterexample)
    >>> figure.axes[0].get_xlabel()
    'from a to b'
    """
    found = counterexample_slice(counterexample)
    with styled():
        figure = new_figure(8.0, 5.2)
        axes = figure.subplots()
        draw_segment(axes, found, counterexample.refutes == "set")
        entitle(axes, said_of(counterexample))
        head(figure, "", [literal(line) + "." for line in told(counterexample)])
    return figure


def told(counterexample: Counterexample) -> list[str]:
    """The points in words, where they are few enough to stand below a picture."""
    lines = counterexample.point_lines()
    if len(lines) > MOST_POINTS_TOLD:
        return [*lines[:MOST_POINTS_TOLD], "and more: counterexample.a, .b and .fixed have them"]
    return lines


def draw_segment(axes: Axes, found: Slice, feasible: bool) -> None:
    """The curve, the chord (or the level that is allowed), and the distance at the midpoint."""
    mean = 0.0 if feasible else found.chord
    level = (0.0, 0.0) if feasible else (found.f_a, found.f_b)
    look: dict[str, Any] = {"markersize": 9.0, "markeredgecolor": INK, "zorder": 4}
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.plot(found.t, found.values, color=BLUE, linewidth=2.4, zorder=3)
    axes.plot([0.0, 1.0], level, color=ORANGE, linestyle=DASHED, zorder=2)
    axes.plot([0.5, 0.5], [mean, found.f_middle], color=RED, linewidth=2.0, zorder=3)
    ends = [found.f_a, found.f_b]
    axes.plot([0.0, 1.0], ends, "o", markerfacecolor=BLUE, clip_on=False, **look)
    axes.plot([0.5], [found.f_middle], "D", markerfacecolor=RED, **look)
    axes.plot([0.5], [mean], "o", markerfacecolor="white", **look)
    axes.set_xticks([0.0, 0.5, 1.0], LABELS)
    axes.set(xlabel="from a to b", ylabel="constraint broken by" if feasible else "f")
    axes.margins(0.08, 0.2)
    side = 1.0 if found.f_middle > mean else -1.0
    rise = found.f_b - found.f_a
    rises = np.sign(rise) if abs(rise) > 0.1 * abs(found.f_middle - mean) else 0.0
    name_height(axes, "at the midpoint" if feasible else "f(midpoint)", found.f_middle, side, rises)
    name_height(axes, "allowed" if feasible else "mean of the ends", mean, -side, rises)


def name_height(axes: Axes, name: str, height: float, side: float, rises: float) -> None:
    """A value at the midpoint in words, above (1) or below (-1), where a line that rises is not."""
    away = -side * rises
    axes.annotate(
        f"{name} = {height:.4g}",
        (0.5, height),
        (10.0 * away, (6.0 if away else 16.0) * side),
        textcoords="offset points",
        ha={1.0: "left", 0.0: "center", -1.0: "right"}[away],
        va="bottom" if side > 0.0 else "top",
    )
