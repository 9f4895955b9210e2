"""One feature: the network and its samples as curves over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.plots.canvas import (
    Range,
    counted,
    draw_gap,
    draw_kink_places,
    draw_points,
    left_out,
    point_look,
    spread_legend,
    union,
    view_of,
)
from cvxnet.plots.style import (
    COLORS,
    INK,
    RED,
    WIDTH,
    color_of,
    entitle,
    line_of,
    marker_of,
    new_figure,
)
from cvxnet.plots.subject import Subject, count_units
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

POINTS = 1001
STRIP = 0.06
"""Distance of the strips below zero in which the samples of each class stand."""


def one_feature(subject: Subject) -> tuple[Figure, list[str]]:
    """Network, data and kinks over the feature, and the gap beside it."""
    figure = new_figure(WIDTH, 5.2)
    axes, gap = figure.subplots(1, 2, width_ratios=[1.5, 1.0])
    view = view_of(subject.X[:, 0])
    W, b = subject.kinks()
    places, hidden = draw_kink_places(axes, W, b, view)
    drawn = subject.main_outputs(len(COLORS))
    grid = np.sort(np.concatenate([np.linspace(*view, POINTS), places]))
    curves = subject.shown(grid[:, None])[:, drawn]
    axes.set(xlim=view, ylim=heights(subject, drawn, curves), xlabel=subject.features[0])
    axes.set_ylabel(subject.told)
    draw_curves(axes, subject, drawn, grid, curves)
    beyond = draw_samples(axes, subject, drawn)
    if subject.labels or subject.outputs > 1:
        spread_legend(axes, len(drawn), loc="upper left", bbox_to_anchor=(1.0, 1.0))
    parts = ["network", "data", *([f"{subject.change} (dashed)"] if len(places) else [])]
    entitle(axes, f"{count_units(subject.solution)}: {', '.join(parts)}")
    draw_gap(gap, subject.solution)
    left = {"samples": (beyond, len(subject.X)), subject.change: (hidden, len(W))}
    kind = "classes" if subject.softmax else "outputs"
    return figure, [left_out(left), counted(len(drawn), subject.outputs, kind)]


def heights(subject: Subject, drawn: list[int], curves: Array) -> Range:
    """What the vertical axis shows: probabilities, or the usual targets and predictions."""
    if subject.softmax:
        return -STRIP * (len(drawn) + 1.0), 1.04
    if subject.probable:
        return -0.04, 1.04
    return union(view_of(subject.targets_shown[:, drawn].ravel()), view_of(curves.ravel()))


def draw_curves(axes: Axes, subject: Subject, drawn: list[int], grid: Array, curves: Array) -> None:
    """A curve for each output."""
    several = len(drawn) > 1
    for place, k in enumerate(drawn):
        look: dict[str, Any] = {
            "color": color_of(place) if several else RED,
            "linestyle": line_of(place),
        }
        axes.plot(grid, curves[:, place], linewidth=2.2, zorder=3, **look)
        if several:  # the marker of the samples and the line of the curve have one entry
            entry = {"marker": marker_of(place), "markeredgecolor": INK, "markersize": 6.5}
            axes.plot([], [], label=subject.targets[k], **look | entry)


def draw_samples(axes: Axes, subject: Subject, drawn: list[int]) -> int:
    """The samples at their targets, or those of each class in a row; how many are not in view."""
    x, y = subject.X[:, 0], subject.targets_shown
    if subject.softmax:
        axes.set_yticks(np.linspace(0.0, 1.0, 6))
        rows = [(subject.own == k, -STRIP * (place + 1.0)) for place, k in enumerate(drawn)]
        names: list[str | None] = [None] * len(rows)
    elif subject.labels and subject.outputs == 1:
        levels = (0.0 if subject.probable else -1.0, 1.0)
        rows = [(subject.own == k, level) for k, level in enumerate(levels)]
        names = [*subject.labels]
    else:
        looks = [point_look(place, alpha=0.75) for place in range(len(drawn))]
        return sum(draw_points(axes, x, y[:, k], o) for k, o in zip(drawn, looks, strict=True))
    beyond = 0
    for place, ((mine, height), name) in enumerate(zip(rows, names, strict=True)):
        look = point_look(place, alpha=0.8, label=name)
        beyond += draw_points(axes, x[mine], np.full(mine.sum(), height), look)
    return beyond
