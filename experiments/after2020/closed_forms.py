"""Optima in closed form: two opposite points, and samples that are orthonormal (whitened)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, LINES, MARKERS, head, new_figure, styled
from experiments.after2020.optima import NONZERO
from experiments.after2020.programs import all_patterns, merged, solve_over, vertex
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DATA = {
    "two opposite points": (np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])),
    "orthonormal samples": (np.eye(3), np.array([3.0, 4.0, -5.0])),
}
STATED = {
    ("two opposite points", 0.1): 0.29,
    ("two opposite points", 0.5): 1.25,
    ("two opposite points", 1.0): 2.0,
    ("orthonormal samples", 1.0): 9.0,
    ("orthonormal samples", 2.0): 16.0,
    ("orthonormal samples", 6.0): 25.0,
}
MOST = {"two opposite points": 1.0, "orthonormal samples": 7.0}


def closed(example: str, beta: float) -> float:
    """The optimum: ``3 beta - beta^2`` up to beta = 1; and a sum over both signs of targets.

    Orthonormal samples of one sign share a unit, which costs beta times the length of what it
    says: ``beta t - beta^2 / 2`` for targets of length t >= beta, and t^2 / 2 without it.
    """
    if example == "two opposite points":
        return 3.0 * beta - beta**2
    y = DATA[example][1]
    lengths = [float(np.linalg.norm(np.maximum(sign * y, 0.0))) for sign in (1.0, -1.0)]
    return sum(beta * t - beta**2 / 2 if t >= beta else t**2 / 2 for t in lengths)


def optimum(example: str, beta: float) -> Row:
    """The same by training, and by the whole program with a corner of its optima."""
    X, y = DATA[example]
    trained = cn.train("relu", X, y, weight_decay=beta, bias=False, gap=1e-10)
    full = solve_over(X, y, beta, all_patterns(X))
    kept = full.larger_than(NONZERO)
    corner = vertex(merged(kept), X)
    return {
        "closed": closed(example, beta),
        "trained": trained.value,
        "program": full.objective(X, y, beta),
        "corner": corner.objective(X, y, beta),
        "trained_units": trained.units,
        "groups": len(kept.W),
        "corner_units": len(corner.W),
    }


def report_on(report: Report) -> None:
    """The stated values, and the curves between them."""
    steps = 1 if report.options.quick else 15
    more = [
        (example, round(float(beta), 4))
        for example, most in MOST.items()
        for beta in np.linspace(0.0, most, steps + 2)[1:-1]
    ]
    settings = [{"example": e, "beta": b} for e, b in sorted({*STATED, *more})]
    rows = report.table("closed_forms", optimum, settings)
    expect(report, rows)
    worst = max(abs(row["trained"] / row["closed"] - 1.0) for row in rows)
    two = [row for row in rows if row["example"] == "orthonormal samples" and row["beta"] < 5.0]
    report.answer(
        "Is there a network whose optimum can be written down?",
        f"Two opposite points on a line, and samples that are orthonormal, have optima in closed "
        f"form; training has them to {worst:.0e} at {len(rows)} weight decays. Of orthonormal "
        f"samples those with one sign share a unit: training ends with "
        f"{max(row['trained_units'] for row in two)} units at most below a weight decay of 5, a "
        f"corner of the optima of the whole program with "
        f"{max(row['corner_units'] for row in two)}, while an interior point leaves up to "
        f"{max(row['groups'] for row in two)} groups above zero.",
        picture(rows),
        "closed_forms",
    )


def expect(report: Report, rows: list[Row]) -> None:
    """The values of the reference, and two units."""
    found = {(row["example"], row["beta"]): row for row in rows}
    for example in DATA:
        mine = [(found[key], value) for key, value in STATED.items() if key[0] == example]
        report.expect(
            f"{example}: the optimum at three weight decays",
            expected=", ".join(f"{value:g}" for _, value in mine),
            found=", ".join(f"{row['trained']:.8g}" for row, _ in mine),
            holds=all(abs(row["trained"] - value) < 1e-6 * value for row, value in mine),
            source="literature table D2; Ergen and Pilanci 2021 for whitened data",
        )
    apart = max(
        abs(row[key] / row["closed"] - 1.0) for row in rows for key in ("program", "corner")
    )
    two = [row for row in rows if row["example"] == "orthonormal samples" and row["beta"] < 5.0]
    report.expect(
        "orthonormal samples with targets of both signs: units at a corner, values everywhere",
        expected="2 units; the closed form to 1e-6",
        found=f"{', '.join(str(row['corner_units']) for row in two)}; {apart:.0e} apart",
        holds=all(row["corner_units"] == 2 for row in two) and apart < 1e-6,
        source="literature table D2",
    )


def picture(rows: list[Row]) -> Figure:
    """Optimum over weight decay: formula, training, whole program."""
    with styled():
        figure = new_figure(9.6, 3.6)
        for axes, example in zip(figure.subplots(1, 2), DATA, strict=True):
            draw(axes, example, [row for row in rows if row["example"] == example])
        head(figure, "Two optima in closed form, and what training finds")
    return figure


def draw(axes: Axes, example: str, rows: list[Row]) -> None:
    """One of the two."""
    grid = np.linspace(0.0, MOST[example], 201)
    values = [closed(example, float(beta)) for beta in grid]
    axes.plot(grid, values, LINES[0], color=COLORS[0], label="closed form")
    at = [row["beta"] for row in rows]
    for k, (key, label) in enumerate(
        (("trained", "cvxnet.train"), ("corner", "corner of the whole program")), start=1
    ):
        style = {"color": COLORS[k], "markersize": 9 - 3 * (k - 1), "linestyle": ""}
        axes.plot(at, [row[key] for row in rows], marker=MARKERS[k], label=label, **style)
    axes.set(xlabel="weight decay", ylabel="optimum")
    axes.set_title(example)
    axes.legend(loc="lower right")
