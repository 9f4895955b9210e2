"""Pictures of sampled gates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from cvxnet.plots.style import (
    COLORS,
    GREY,
    LINES,
    MARKERS,
    WIDTH,
    entitle,
    head,
    new_figure,
    styled,
)
from experiments.report import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = {
    "cells": "ReLU units in the cells hit",
    "gated": "gated units",
    "decomposed": "gated units, decomposed",
}
LEAST = 1e-7


def picture_of_cells(cells: list[Row]) -> Figure:
    """Cells and directions that are missed, by the number of gates."""
    with styled():
        figure = new_figure(WIDTH, 6.0)
        left, right = figure.subplots(1, 2)
        draw_sizes(left, cells, "missed")
        draw_sizes(right, cells, "directions_missed")
        left.set(xscale="log", ylabel="share of the cells that is missed", ylim=(-0.03, 1.03))
        right.set(xscale="log", ylabel="share of all directions in cells that are missed")
        right.set(yscale="log", ylim=(3e-6, 1.5))
        right.legend(loc="lower left")
        most = max(cells, key=lambda row: (row["n"], -row["k"]))
        head(
            figure,
            f"{most['k']:,} Gaussian gates hit {most['hit']:,} of {most['cells']:,} cells at "
            f"n = {most['n']}: narrow cells are hit late",
        )
    return figure


def draw_sizes(axes: Axes, rows: list[Row], key: str, least: float = np.nan) -> None:
    """A curve for each number of samples; what is 0 or below `least` is drawn there, or not."""
    for place, n in enumerate(dict.fromkeys(row["n"] for row in rows)):
        lines = [row for row in rows if row["n"] == n]
        heights = [row[key] if row[key] > np.nan_to_num(least) else least for row in lines]
        draw_line(axes, place, lines, heights, f"n = {n}: {lines[0]['cells']:,} cells")
    axes.set(xlabel="Gaussian gates")


def draw_line(
    axes: Axes, place: int, lines: list[Row], heights: Iterable[float], label: str
) -> None:
    """A curve over the number of gates."""
    style = {"color": COLORS[place], "marker": MARKERS[place], "linestyle": LINES[place]}
    axes.plot([row["k"] for row in lines], list(heights), label=label, **style)


def picture_of_values(values: list[Row], costs: list[Row]) -> Figure:
    """Values over the optimum, by the number of gates."""
    with styled():
        figure = new_figure(WIDTH, 6.2)
        left, right = figure.subplots(1, 2)
        draw_kinds(left, values)
        entitle(left, "Eight points, 58 cells: median and range")
        draw_sizes(right, costs, "median", LEAST)
        right.set(xscale="log", yscale="log", ylabel="excess over the ReLU optimum")
        counts = list(dict.fromkeys(row["k"] for row in costs))
        right.set_xticks(counts, [str(k) for k in counts])
        right.set_xticks([], minor=True)
        right.legend(loc="lower left")
        entitle(right, "Planted network, ReLU units in the cells hit: median")
        title = "Sampled gates: ReLU units in their cells cost more; gated units are no bound"
        head(figure, title, [f"On the right what is below {LEAST:g} is drawn there."])
    return figure


def draw_kinds(axes: Axes, values: list[Row]) -> None:
    """A curve for each kind of program, with the range of the draws as a line upwards."""
    for place, (kind, label) in enumerate(KINDS.items()):
        draw_line(axes, place, values, [row[f"{kind}_median"] for row in values], label)
        at = [row["k"] * 1.06 ** (place - 1) for row in values]
        ends = [[row[f"{kind}_{end}"] for row in values] for end in ("least", "most")]
        axes.vlines(at, *ends, color=COLORS[place], linewidth=1.5)
    axes.axhline(1.0, color=GREY, linewidth=1.0, zorder=0.0)
    axes.set(xscale="log", yscale="log", xlabel="Gaussian gates", ylabel="value / ReLU optimum")
    axes.legend()
