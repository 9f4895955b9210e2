"""Pictures: four curves by solver for each set, the table of times, and times as data grow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnet.plots.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    SMALL,
    WIDTH,
    head,
    new_figure,
    rising_map,
    styled,
)
from experiments.report import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS: dict[str, tuple[str, Any, str]] = {
    "liblinear": (BLUE, "-", "o"),
    "scikit-learn liblinear": (BLUE, "--", "s"),
    "saga": (ORANGE, "-", "^"),
    "celer": (GREEN, "-", "D"),
    "skglm": (RED, "-", "v"),
    "adelie": (SKY, "-", "P"),
    "OWL-QN": (PURPLE, "-", "X"),
    "Clarabel": (GREY, "-", "p"),
    "ECOS": (GREY, "--", "<"),
    "SCS": (GREY, ":", ">"),
    "cvxnet": (INK, "-", "*"),
}
SAID = {"logistic": "logistic loss", "squared_hinge": "squared hinge (L2-loss SVM)"}
SHORTLY = {"logistic": "logistic loss", "squared_hinge": "squared hinge"}
MEASURES = {
    "error": "relative error of f",
    "subgradient": "shortest subgradient",
    "accuracy": "held-out accuracy",
    "nonzeros": "weights that are not 0",
}
PAIR = ("scikit-learn liblinear", "cvxnet")
"""Whose times are compared as data grow."""
LEAST = 1e-13
"""Errors below it are rounding, and are drawn there."""


def in_words(seconds: float) -> str:
    """Seconds with two digits, or milliseconds.

    >>> in_words(0.00123), in_words(0.456), in_words(12.3)
    ('1.2 ms', '456 ms', '12 s')
    """
    if seconds < 1.0:
        thousands = 1000.0 * seconds
        return f"{thousands:.1f} ms" if thousands < 10.0 else f"{thousands:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 10.0 else f"{seconds:.0f} s"


def curves(points: list[Row], title: str) -> Figure:
    """The four measures against processor seconds, a row for each loss."""
    losses = [loss for loss in SAID if any(row["loss"] == loss for row in points)]
    with styled():
        figure = new_figure(WIDTH, 1.4 + 2.9 * len(losses))
        panels = figure.subplots(len(losses), len(MEASURES), squeeze=False, sharex=True)
        for loss, line in zip(losses, panels, strict=True):
            for measure, axes in zip(MEASURES, line, strict=True):
                draw(axes, [row for row in points if row["loss"] == loss], measure)
            line[0].set_ylabel(SAID[loss], fontweight="bold")
        for measure, axes in zip(MEASURES, panels[0], strict=True):
            axes.set_title(MEASURES[measure])
        for axes in panels[-1]:
            axes.set_xlabel("processor seconds")
            axes.set_xlim(decades([row["seconds"] for row in points]))
        handles, names = panels[0][0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=6)
        head(figure, title)
    return figure


def draw(axes: Axes, points: list[Row], measure: str) -> None:
    """One measure, a line for each solver."""
    for solver, (color, line, marker) in LOOKS.items():
        mine = [row for row in points if row["solver"] == solver]
        if not mine:
            continue
        mine.sort(key=lambda row: -row["tolerance"])
        values = [max(row[measure], LEAST) for row in mine]
        thick = 3.0 if solver == "cvxnet" else 1.6
        axes.plot(
            [row["seconds"] for row in mine], values, marker, linestyle=line, color=color,
            linewidth=thick, markersize=10.0 if solver == "cvxnet" else 5.0, label=solver,
        )  # fmt: skip
    axes.set_xscale("log")
    if measure != "accuracy":
        everything = [max(row[measure], LEAST) for row in points]
        axes.set(yscale="log", ylim=decades(everything))
    axes.tick_params(which="minor", labelbottom=False, labelleft=False)


def decades(values: list[float]) -> tuple[float, float]:
    """Powers of ten around numbers, with a little room.

    >>> decades([0.02, 3.0])
    (0.005, 12.5)
    """
    low, high = np.floor(np.log10(min(values))), np.ceil(np.log10(max(values)))
    return float(0.5 * 10.0**low), float(1.25 * 10.0**high)


def table_of_times(times: list[Row], level: str, others: list[str]) -> Figure:
    """Seconds to one level by solver and problem, the first one framed, and who leads at others."""
    problems = list(dict.fromkeys((row["loss"], row["name"]) for row in times))
    solvers = list(LOOKS)
    found = {(row["solver"], row["loss"], row["name"]): row for row in times}
    with styled():
        figure = new_figure(WIDTH, 7.2)
        axes = figure.add_subplot()
        for k, problem in enumerate(problems):
            column = [found[solver, *problem] for solver in solvers]
            fill_column(axes, k, column, level)
            for j, other in enumerate(others):
                say(axes, k, len(solvers) + j, leader(column, other))
        axes.set(xlim=(-0.5, len(problems) - 0.5), ylim=(len(solvers) + len(others) - 0.5, -0.5))
        names = [f"{name}\n{SHORTLY[loss]}" for loss, name in problems]
        axes.set_xticks(range(len(problems)), names)
        firsts = [f"first to {other}" for other in others]
        axes.set_yticks(range(len(solvers) + len(others)), [*solvers, *firsts], fontsize=12.0)
        axes.xaxis.tick_top()
        axes.tick_params(length=0.0)
        axes.spines[:].set_visible(False)
        head(
            figure,
            f"Processor time until f is within {level} of its minimum; the first one is framed",
            ["The darker, the longer beside the first one. A dash: not reached."],
        )
    return figure


def leader(column: list[Row], level: str) -> str:
    """Who is first at a level."""
    reached = [row for row in column if row[level] is not None]
    if not reached:
        return "nobody"
    first = min(reached, key=lambda row: row[level])
    return f"{SHORT.get(first['solver'], first['solver'])}\n{in_words(first[level])}"


SHORT = {"scikit-learn liblinear": "sk. liblinear"}


def fill_column(axes: Axes, k: int, column: list[Row], level: str) -> None:
    """One problem: a cell for each solver."""
    best = min((row[level] for row in column if row[level] is not None), default=1.0)
    for j, row in enumerate(column):
        if row[level] is None:
            say(axes, k, j, WHY.get(row["outcome"], row["outcome"]) or "—", GREY)
            continue
        share = min(np.log10(row[level] / best) / 3.0, 1.0)
        first = row[level] == best
        cell(axes, k, j, rising_map()(1.0 - share), 3.0 if first else 0.0)
        ink = "white" if share > 0.6 else INK
        say(axes, k, j, in_words(row[level]), ink, "bold" if first else "normal")


def cell(axes: Axes, k: int, j: int, color: Any, frame: float) -> None:
    """A filled square, framed or not."""
    axes.bar(
        k, 0.92, 0.92, bottom=j - 0.46, color=color, edgecolor=INK, linewidth=frame, zorder=1
    )  # fmt: skip


def say(axes: Axes, k: int, j: int, text: str, color: str = INK, weight: str = "normal") -> None:
    """Words in a cell."""
    size = SMALL if len(text) < 12 else 8.0
    axes.text(k, j, text, ha="center", va="center", color=color, fontsize=size, weight=weight)


WHY = {
    "does not have this loss": "no such loss",
    "takes no sparse data": "dense only",
    "too slow at this size, not run": "not run",
}


def growth(rows: list[Row]) -> Figure:
    """Seconds to one precision as data grow, of two solvers."""
    with styled():
        figure = new_figure(WIDTH, 5.4)
        panels = figure.subplots(1, 2, sharey=True)
        for loss, axes in zip(SAID, panels, strict=True):
            mine = [row for row in rows if row["loss"] == loss]
            sizes = [row["d"] for row in mine]
            for solver in PAIR:
                color, line, marker = LOOKS[solver]
                took = [row[solver] or np.nan for row in mine]
                axes.plot(
                    sizes, took, marker, linestyle=line, color=color, markersize=9.0, label=solver
                )
            axes.set(xscale="log", yscale="log", xlabel="features d (samples: an eighth)")
            axes.set_xlim(decades(sizes))
            axes.set_ylim(decades([row[solver] for row in rows for solver in PAIR if row[solver]]))
            axes.tick_params(which="minor", labelbottom=False, labelleft=False)
            axes.set_title(SAID[loss])
        panels[0].set_ylabel("processor seconds")
        panels[0].legend(fontsize=14.0)
        head(figure, "Dense data: coordinate units of cvxnet beside liblinear, both within 1e-6")
    return figure
