"""What the table of linear models says: coordinate units beside solvers for nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cvxnet.plots.style import BLUE, COLORS, MARKERS, WIDTH, new_figure, styled
from experiments.peers.linear import GAP
from experiments.peers.methods import EVERY
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TWICE = 2.0
"""The goal: so many times the time of the fastest."""


def say_linear(report: Report, rows: list[Row]) -> None:
    """Coordinate units beside the specialists."""
    problems = dict.fromkeys((row["kind"], row["loss"]) for row in rows)
    ratios: dict[tuple[str, str], float] = {}
    for key in problems:
        own = [row for row in rows if (row["kind"], row["loss"]) == key and reached(row)]
        times = {row["method"]: row["seconds"] for row in own}
        best = min((t for name, t in times.items() if name != "proved_linear"), default=np.nan)
        ratios[key] = times.get("proved_linear", np.inf) / best
    report.expect(
        f"time of coordinate units over that of the fastest specialist, to the gap {GAP:g}",
        expected=f"at most {TWICE:g}",
        found="; ".join(f"{kind}, {loss}: {ratio:.2g}" for (kind, loss), ratio in ratios.items()),
        holds=all(ratio <= TWICE for ratio in ratios.values()),
        source="the goal of this work",
    )
    report.answer(
        "How fast are linear models beside their specialists?",
        linear_text(rows),
        linear_picture(rows),
        "linear",
    )


def reached(row: Row) -> bool:
    """Whether a line has a point whose certified gap is small enough."""
    return row["status"] == "done" and row["gap"] <= GAP


def linear_text(rows: list[Row]) -> str:
    """Seconds of all, and what kept the others."""
    parts = []
    for kind, loss in dict.fromkeys((row["kind"], row["loss"]) for row in rows):
        own = [row for row in rows if (row["kind"], row["loss"]) == (kind, loss)]
        told = ", ".join(f"{EVERY[row['method']].label} {ended(row)}" for row in own)
        parts.append(f"{kind} {own[0]['shape'][0]:,} x {own[0]['shape'][1]:,}, {loss} loss: {told}")
    return f"Processor seconds to a certified gap of {GAP:g}. {'; '.join(parts)}."


def ended(row: Row) -> str:
    """Seconds, or what kept it."""
    if row["status"] != "done":
        return f"({row['status']})"
    if row["gap"] > GAP:
        return f"{row['seconds']:.2g} s (gap {row['gap']:.1e})"
    return f"{row['seconds']:.2g} s"


def linear_picture(rows: list[Row]) -> Figure:
    """Seconds by problem, a mark a solver."""
    problems = list(dict.fromkeys((row["kind"], row["loss"]) for row in rows))
    methods = list(dict.fromkeys(row["method"] for row in rows))
    with styled():
        figure = new_figure(WIDTH, 1.6 + 0.75 * len(problems))
        axes = figure.add_subplot()
        for k, name in enumerate(methods):
            own = [row for row in rows if row["method"] == name and row["status"] == "done"]
            color = BLUE if k == 0 else COLORS[k]
            for row in own:
                face = color if reached(row) else "white"
                at = problems.index((row["kind"], row["loss"]))
                axes.plot(row["seconds"], at + 0.12 * (k - 2), MARKERS[k], color=color,
                          markersize=9, markerfacecolor=face)  # fmt: skip
            axes.plot([], [], MARKERS[k], color=color, label=EVERY[name].label)
        axes.set_yticks(range(len(problems)), [f"{kind},\n{loss}" for kind, loss in problems])
        axes.invert_yaxis()
        axes.set(xscale="log", xlabel=f"processor seconds to a certified gap of {GAP:g}")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes.set_title("L1-regularised linear models (hollow: a larger gap)")
    return figure
