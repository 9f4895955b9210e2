"""What was decided by class, beside the peers; and the times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cvxnet.plots.style import BLUE, INK, LINES, ORANGE, PALE, RED, SKY, WIDTH, new_figure, styled
from experiments.report import Row

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

PARTS = (("right", BLUE, ""), ("unknown", PALE, "/"), ("wrong", RED, "x"))


def decided(rows: list[Row]) -> Figure:
    """Shares of right, unknown and wrong answers by class: cvxnet, CVXPY, Hessian sampling."""
    families = list(dict.fromkeys(row["class"] for row in rows))
    with styled():
        figure = new_figure(WIDTH, 1.6 + 0.34 * len(families))
        panels = figure.subplots(1, 3, sharey=True)
        titles = ("cvxnet", "CVXPY alone", "Hessian sampling")
        for axes, title in zip(panels, titles, strict=True):
            for place, family in enumerate(families):
                inside = [row for row in rows if row["class"] == family]
                draw_bar(axes, place, outcomes(inside, title))
            axes.set_title(title)
            axes.set(xlabel="% of the class", xlim=(0, 100))
        panels[0].set_yticks(range(len(families)), families)
        panels[0].invert_yaxis()
        for name, color, hatch in PARTS:
            panels[0].bar(0, 0, color=color, hatch=hatch, edgecolor="white", label=name)
        figure.legend(loc="outside lower center", ncols=3)
        figure.suptitle("Questions about convexity, by class: right, unknown and wrong answers")
    return figure


def outcomes(rows: list[Row], who: str) -> list[int]:
    """How many are right, unknown and wrong."""
    if who == "cvxnet":
        wrong = sum(row["wrong"] for row in rows)
        unknown = sum(row["unknown"] and not row["wrong"] for row in rows)
    elif who == "CVXPY alone":
        wrong, unknown = 0, sum(not row["CVXPY"] for row in rows)
    else:
        wrong = sum(row["sampled"] == "wrong" for row in rows)
        unknown = sum(not row["sampled"] for row in rows)
    return [len(rows) - wrong - unknown, unknown, wrong]


def draw_bar(axes: Axes, place: int, counts: list[int]) -> None:
    """One class."""
    left, total = 0.0, max(1, sum(counts))
    for count, (_, color, hatch) in zip(counts, PARTS, strict=True):
        share = 100.0 * count / total
        axes.barh(place, share, left=left, color=color, hatch=hatch, edgecolor="white")
        left += share


def times(rows: list[Row]) -> Figure:
    """How many answers there are within a time, for expressions, problems and networks."""
    kinds = ("expressions", "problems", "networks")
    with styled():
        figure = new_figure(8.0, 4.2)
        axes = figure.add_subplot()
        for kind, color, line in zip(kinds, (BLUE, ORANGE, SKY), LINES, strict=False):
            found = np.sort([row["ms"] for row in rows if row["kind"] == kind])
            if len(found):
                share = 100.0 * np.arange(1, len(found) + 1) / len(found)
                axes.plot(found, share, color=color, linestyle=line, label=kind)
        axes.axvline(50.0, color=INK, linewidth=1.0, linestyle=":")
        axes.set(
            xscale="log",
            xlabel="milliseconds of the processor until the answer",
            ylabel="% of them",
        )
        axes.legend()
        figure.suptitle("How long an answer takes")
    return figure
