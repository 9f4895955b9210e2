"""Gated units against ReLU units, with every cell as a gate, and the cone decomposition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, LINES, MARKERS, WIDTH, entitle, head, new_figure, styled
from cvxnet.types import Array
from experiments.pilanci2020.programs import (
    gate_for_every_cell,
    least_objective,
    patterns_of,
    with_bias,
)
from experiments.pilanci2020.sampling import eight_points
from experiments.problems import target
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

EIGHT, PLANTED = "eight points", "planted network, n = 20"
RATIOS = {0.01: 3.77, 0.1: 2.34, 0.5: 1.28}
"""ReLU over gated optimum on the eight points, by weight decay."""
CURVES = {
    "decomposed": "cone decomposition of the gated optimum",
    "zero": "no network at all",
    "refitted": "ReLU units in the cells of the gated optimum",
    "relu": "ReLU optimum",
    "gated": "gated optimum",
}
SLACK = 1e-5


def problem_of(name: str) -> tuple[Array, Array]:
    """Rows, the bias included, and target."""
    if name == EIGHT:
        return eight_points()
    X, y = target("planted", 20, 0)
    return with_bias(X), y


def both(problem: str, beta: float) -> Row:
    """The optima of both kinds of units, and two ways from the gated to a ReLU network."""
    rows, y = problem_of(problem)
    patterns, gates = patterns_of(rows, gate_for_every_cell(rows))
    relu = cn.train("relu", rows, y, weight_decay=beta, bias=False).value
    gated = cn.train(cn.Family("gated_relu", gates=gates), rows, y, weight_decay=beta, bias=False)
    used = np.unique(gated.certificate.weights.gate)
    whole = cn.decompose(gated)
    loss = 0.5 * float(((gated.predict(rows) - y) ** 2).sum())
    return {
        "gates": len(gates),
        "relu": relu,
        "gated": gated.value,
        "ratio": relu / gated.value,
        "decomposed": whole.value,
        "growth": (whole.value - loss) / (gated.value - loss) if gated.value > loss else 1.0,
        "refitted": least_objective(rows, y, patterns[used], "squared", beta),
        "zero": 0.5 * float(y @ y),
        "units": gated.units,
    }


def ask(report: Report) -> None:
    """Measure, expect, answer."""
    wanted = {EIGHT: (0.003, 0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0)}
    wanted[PLANTED] = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
    if report.options.quick:
        wanted = {EIGHT: (0.1, 0.5)}
    each = [{"problem": name, "beta": beta} for name, betas in wanted.items() for beta in betas]
    rows = report.table("gated", both, each)
    expect(report, rows)
    answer(report, rows)


def expect(report: Report, rows: list[Row]) -> None:
    """The ratios, and the order of the values."""
    for row in rows:
        if row["problem"] == EIGHT and row["beta"] in RATIOS:
            known = RATIOS[row["beta"]]
            report.expect(
                f"ReLU over gated optimum, eight points, weight decay {row['beta']:g}",
                expected=f"{known:.2f}",
                found=f"{row['ratio']:.4f}",
                holds=abs(row["ratio"] - known) < 5.1e-3,
                source="our own reference values for Mishkin et al. 2022",
            )
    ordered = [
        row["gated"] <= row["relu"] * (1.0 + SLACK)
        and row["relu"] <= row["decomposed"] * (1.0 + SLACK)
        for row in rows
    ]
    report.expect(
        "gated optimum <= ReLU optimum <= cone decomposition",
        expected=f"all {len(rows)} times",
        found=f"{sum(ordered)} of {len(rows)}",
        holds=all(ordered),
        source="Mishkin, Sahiner and Pilanci 2022",
    )


def answer(report: Report, rows: list[Row]) -> None:
    """How good a substitute gated units are."""
    eight = [row for row in rows if row["problem"] == EIGHT]
    low, high = eight[0], eight[-1]
    ratios = [row["ratio"] for row in eight]
    trend = (
        ": the less decay, the more free gates are worth" if ratios == sorted(ratios)[::-1] else ""
    )
    worse = sum(row["decomposed"] > row["zero"] for row in rows)
    refitted = max(row["refitted"] / row["relu"] for row in rows)
    report.answer(
        "Are gated units a substitute for ReLU units?",
        f"With every cell as a gate their optimum is a lower bound. On the eight points the ReLU "
        f"optimum is {low['ratio']:.3g} times the gated one at weight decay {low['beta']:g} and "
        f"{high['ratio']:.3g} times at {high['beta']:g}"
        f"{trend}. The cone decomposition keeps the predictions, but its penalty is up to "
        f"{max(row['growth'] for row in rows):.3g} times as large, and in {worse} of {len(rows)} "
        f"cases the network is worse than none at all. To take from the gated optimum only its "
        f"cells, and train ReLU units in them, ends at up to {refitted:.3g} times the optimum.",
        picture(rows),
        "gated",
    )


def picture(rows: list[Row]) -> Figure:
    """All values over the weight decay, for each problem."""
    problems = list(dict.fromkeys(row["problem"] for row in rows))
    with styled():
        figure = new_figure(WIDTH, 6.4)
        panels = figure.subplots(1, len(problems), squeeze=False)[0]
        for axes, problem in zip(panels, problems, strict=True):
            lines = [row for row in rows if row["problem"] == problem]
            draw_values(axes, lines)
            entitle(axes, f"{problem}, {lines[0]['gates']} gates")
        panels[0].set_ylabel("training objective")
        panels[0].legend(loc="lower right")
        head(
            figure,
            "Gated units bound the ReLU optimum from below, their cone decomposition from above",
        )
    return figure


def draw_values(axes: Axes, rows: list[Row]) -> None:
    """A curve for each of the values."""
    betas = [row["beta"] for row in rows]
    for place, (key, label) in enumerate(CURVES.items()):
        style = {"color": COLORS[place], "marker": MARKERS[place], "linestyle": LINES[place]}
        axes.plot(betas, [row[key] for row in rows], label=label, markersize=6, **style)
    axes.set(xscale="log", yscale="log", xlabel="weight decay")
