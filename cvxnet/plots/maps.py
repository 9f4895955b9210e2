"""Two features: the network from above and in space, or the regions of its classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.plots.canvas import (
    Range,
    counted,
    draw_gap,
    draw_kinks_over,
    draw_points,
    left_out,
    outside,
    point_look,
    spread_legend,
    view_of,
)
from cvxnet.plots.style import (
    INK,
    SMALL,
    WIDTH,
    color_scale,
    entitle,
    new_figure,
    output_colors,
    short,
)
from cvxnet.plots.subject import Subject, count_units
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure, ScalarMappable

COLUMNS, MAPS = 3, 5
"""Panels side by side where each output has one, and how many outputs have."""
NAMES, MANY = 22, 150
"""Letters of a name beside the surface, and from how many samples on they are smaller."""
FAINT, FULL = 0.15, 0.6
"""How much of its color a place has where no class is surer than the others, and at most."""
PIXELS, FACETS = 300, 60
"""Places along each side of a map, and of the surface in space."""


def two_features(subject: Subject) -> tuple[Figure, list[str]]:
    """Map, relief and gap side by side; for classes their regions, for several outputs maps."""
    if subject.outputs > 1 and not subject.softmax:
        return maps_of_outputs(subject)
    if subject.labels:
        figure = new_figure(WIDTH, 5.6)
        flat, gap = figure.subplots(1, 2, width_ratios=[1.6, 1.0])
        notes = draw_regions(flat, subject, 0)
        classes = len(subject.labels)
        spread_legend(flat, classes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        entitle(flat, told_over(subject, "regions"))
        draw_gap(gap, subject.solution)
        return figure, notes
    figure = new_figure(WIDTH, 4.8)
    grid = figure.add_gridspec(1, 3, width_ratios=[1.3, 1.15, 0.95])
    flat = figure.add_subplot(grid[0])
    solid = figure.add_subplot(grid[1], projection="3d")
    colors, notes = draw_map(flat, subject, 0)
    entitle(flat, told_over(subject, "network"))
    draw_relief(solid, subject, colors)
    draw_gap(figure.add_subplot(grid[2]), subject.solution)
    return figure, notes


def told_over(subject: Subject, what: str) -> str:
    """The title of a map."""
    lines = subject.change and f" and {subject.change} (dashed)"
    return f"{count_units(subject.solution)}: {what}, data{lines}"


def maps_of_outputs(subject: Subject) -> tuple[Figure, list[str]]:
    """A map for each output, with colors of its own, and the gap at the end."""
    drawn = subject.main_outputs(MAPS)
    lines = -(-(len(drawn) + 1) // COLUMNS)
    figure = new_figure(WIDTH, 4.2 * lines)
    panels = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
    notes: list[str] = []
    for axes, output in zip(panels, drawn, strict=False):
        if subject.labels:
            notes = draw_regions(axes, subject, output)
        else:
            _, notes = draw_map(axes, subject, output)
        entitle(axes, subject.targets[output])
    if subject.labels:
        spread_legend(panels[0], 2, loc="best")
    draw_gap(panels[len(drawn)], subject.solution)
    for empty in panels[len(drawn) + 1 :]:
        empty.set_axis_off()
    about = f"{told_over(subject, 'each output')}."
    return figure, [about, *notes, counted(len(drawn), subject.outputs, "outputs")]


def box_of(subject: Subject) -> list[Range]:
    """What is shown of both features."""
    return [view_of(column) for column in subject.X.T]


def grid_over(box: list[Range], points: int) -> tuple[Array, Array, Array]:
    """An even grid over a box, (points, points) twice, and as rows."""
    A, B = np.meshgrid(*(np.linspace(*side, points) for side in box))
    return A, B, np.column_stack([A.ravel(), B.ravel()])


def draw_over(axes: Axes, subject: Subject, pixels: Any, box: list[Range], **look: Any) -> int:
    """An image under thin lines where units have their kinks; how many of those are not in view."""
    (left, right), (bottom, top) = box
    extent = (left, right, bottom, top)
    axes.imshow(pixels, origin="lower", extent=extent, aspect="auto", **look)
    axes.set(xlabel=subject.features[0], ylabel=subject.features[1])
    return draw_kinks_over(axes, *subject.kinks(), box)


def draw_map(axes: Axes, subject: Subject, output: int) -> tuple[ScalarMappable, list[str]]:
    """An output from above with the data, in one scale of colors."""
    targets = subject.targets_shown[:, output]
    colors = color_scale(*map(float, np.quantile(targets, [0.02, 0.98])))
    look: dict[str, Any] = {"cmap": colors.cmap, "norm": colors.norm}
    box = box_of(subject)
    F = subject.shown(grid_over(box, PIXELS)[2])[:, output].reshape(PIXELS, PIXELS)
    hidden = draw_over(axes, subject, F, box, interpolation="nearest", **look)
    x, y = subject.X.T
    size = 8.0 if len(x) < MANY else 5.0
    beyond = draw_points(axes, x, y, {"marker": "o", "color": INK, "markersize": size})
    seen = ~outside(x, y, axes)
    look |= {"edgecolors": "white", "linewidths": size / 8.0, "zorder": 4}
    axes.scatter(x[seen], y[seen], 0.47 * size**2, targets[seen], **look)
    axes.figure.colorbar(
        colors, ax=axes, label=subject.targets[output], pad=0.02, aspect=30, extend="both"
    )
    return colors, told_outside(subject, beyond, hidden)


def told_outside(subject: Subject, beyond: int, hidden: int) -> list[str]:
    """Samples and kinks that are not in view."""
    kinks = (hidden, len(subject.kinks()[1]))
    return [left_out({"samples": (beyond, len(subject.X)), subject.change: kinks})]


def draw_relief(axes: Any, subject: Subject, colors: ScalarMappable) -> None:
    """The surface in space."""
    A, B, rows = grid_over(box_of(subject), FACETS)
    F = subject.shown(rows)[:, 0].reshape(A.shape)
    look = {"rcount": FACETS, "ccount": FACETS, "linewidth": 0, "antialiased": False}
    solid = axes.plot_surface(A, B, F, facecolors=colors.to_rgba(F), **look)
    solid.set_rasterized(True)  # as shapes its facets make large files
    names = [short(name, NAMES) for name in subject.features]
    axes.set_xlabel(names[0], fontsize=SMALL)
    axes.set_ylabel(names[1], fontsize=SMALL)
    axes.tick_params(labelsize=8.5, pad=0)
    axes.locator_params(nbins=4)
    entitle(axes, f"The same in space, upward: {subject.targets[0]}")
    axes.view_init(elev=24, azim=-125)
    axes.set_box_aspect(None, zoom=0.9)


def draw_regions(axes: Axes, subject: Subject, output: int) -> list[str]:
    """The region of each class from above with the data, paler where the network is less sure."""
    box = box_of(subject)
    A, B, rows = grid_over(box, PIXELS)
    P = subject.shares(rows, output)
    colors, least = output_colors(P.shape[1]), 1.0 / P.shape[1]
    share = FAINT + (FULL - FAINT) * (P.max(axis=1) - least) / (1.0 - least)
    pixels = share[:, None] * colors[P.argmax(axis=1)] + 1.0 - share[:, None]
    hidden = draw_over(
        axes, subject, pixels.reshape(PIXELS, PIXELS, 3), box, interpolation="nearest"
    )
    draw_borders(axes, A, B, P.reshape(PIXELS, PIXELS, -1))
    own = subject.own if subject.own.ndim == 1 else subject.own[:, output]
    beyond = 0
    for k, label in enumerate(subject.labels):
        look = point_look(k, label=label, markersize=7.0, zorder=4)
        x, y = subject.X[own == k].T
        beyond += draw_points(axes, x, y, look)
    sure = "where it is less probable" if subject.probable else "within the margin"
    about = f"The color of a class is paler {sure}; solid lines: borders of the regions."
    return [about, *told_outside(subject, beyond, hidden)]


def draw_borders(axes: Axes, A: Array, B: Array, P: Array) -> None:
    """Where the surest class is another one."""
    best = P.argmax(axis=2)
    for k in np.unique(best):
        others = np.delete(P, k, axis=2).max(axis=2)
        lead = P[..., k] - others
        if lead.min() < 0.0:
            axes.contour(A, B, lead, [0.0], colors=INK, linewidths=1.8)
