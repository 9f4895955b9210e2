"""Gradient starts on polynomial units under three penalties, beside the semidefinite optimum."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize

import cvxnet as cn
from cvxnet.plots.style import COLORS, LINES, WIDTH, new_figure, styled
from cvxnet.types import Array
from experiments.after2020.spectrahedra import SOURCE, UNITS, polynomial
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STARTS, MOST_UNITS, SHARE = 30, 12, 0.3
"""Gradient starts: how many, of how many units, with which share of the largest weight decay."""


def starts(penalty: str, units: str, seed: int, count: int) -> Row:
    """L-BFGS from Gaussian starts on one objective, beside the semidefinite optimum."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((20, 3)), rng.standard_normal(20)
    family = cn.Family("polynomial", coefficients=UNITS[units])
    decay = SHARE * cn.largest_weight_decay(family, X, y, bias=False)
    optimum = cn.train(family, X, y, weight_decay=decay, bias=False, gap=1e-9)
    function = objective(PENALTIES[penalty], UNITS[units], X, y, decay)
    ends = [descend(function, rng.standard_normal((MOST_UNITS, 4))) for _ in range(count)]
    values = np.sort(ends)
    exact = penalty != "squares"
    reference = optimum.lower_bound if exact else values[0]
    excess = values / reference - 1.0
    return {
        "semidefinite": optimum.value,
        "best": values[0],
        "worst": values[-1],
        "excess_of_best": excess[0],
        "close": float(np.mean(excess <= 1e-4)),
        "ends": len(np.unique(np.round(np.log(values), 4))),
        "excess": excess,
    }


def objective(
    penalty: Penalty, coefficients: tuple[float, float, float], X: Array, y: Array, decay: float
) -> Callable[[Array], tuple[float, Array]]:
    """The training objective of hidden and output weights, and its gradient."""
    import torch

    A, b = torch.tensor(X), torch.tensor(y)

    def evaluate(flat: Array) -> tuple[float, Array]:
        theta = torch.tensor(flat.reshape(MOST_UNITS, -1), requires_grad=True)
        W, a, price = penalty(theta[:, :-1], theta[:, -1])
        fit = polynomial(A @ W.T, coefficients) @ a
        value = 0.5 * ((fit - b) ** 2).sum() + decay * price
        value.backward()
        return float(value.detach()), theta.grad.numpy().ravel()

    return evaluate


def of_unit_length(W: Any, a: Any) -> tuple[Any, Any, Any]:
    """|u| = 1 at the price sum |a|: a is plus or minus a square, by turns, which is smooth."""
    import torch

    signs = torch.tensor([1.0, -1.0] * (MOST_UNITS // 2), dtype=a.dtype)
    return W / W.norm(dim=1, keepdim=True), signs * a**2, (a**2).sum()


def of_cubes(W: Any, a: Any) -> tuple[Any, Any, Any]:
    """(2 |u|^3 + |a|^3) / 3, which is at least |u|^2 |a|."""
    return W, a, (2.0 * W.norm(dim=1) ** 3 + a.abs() ** 3).sum() / 3.0


def of_squares(W: Any, a: Any) -> tuple[Any, Any, Any]:
    """(|u|^2 + a^2) / 2: weight decay as usual."""
    return W, a, 0.5 * ((W**2).sum() + (a**2).sum())


Penalty = Callable[[Any, Any], tuple[Any, Any, Any]]
PENALTIES: dict[str, Penalty] = {
    "unit length": of_unit_length,
    "cubes": of_cubes,
    "squares": of_squares,
}
FORMULAS = {
    "unit length": "β Σ|a|, |u| = 1",
    "cubes": "β/3 Σ(2|u|³ + |a|³)",
    "squares": "β/2 Σ(|u|² + a²), standard",
}


LOW = 1e-8
"""What is closer is drawn here."""


def descend(function: Callable[[Array], tuple[float, Array]], start: Array) -> float:
    """Where L-BFGS ends."""
    options = {"maxiter": 5000, "maxfun": 10000, "ftol": 1e-15, "gtol": 1e-9}
    found = minimize(function, start.ravel(), jac=True, method="L-BFGS-B", options=options)
    return float(found.fun)


def report_on(report: Report) -> None:
    """All penalties on square units, and the exact one on units like ReLU."""
    quick = report.options.quick
    runs = [(penalty, "square") for penalty in PENALTIES]
    if not quick:
        runs.append(("unit length", "like ReLU"))
    rows = report.table(
        "starts",
        starts,
        [
            {"penalty": penalty, "units": name, "seed": seed, "count": 2 if quick else STARTS}
            for penalty, name in runs
            for seed in range(1 if quick else min(report.options.seeds, 5))
        ],
    )
    expect_starts(report, rows)
    answer_starts(report, rows)


def expect_starts(report: Report, rows: list[Row]) -> None:
    """Gradient training against the semidefinite optimum."""
    exact = [row for row in rows if row["penalty"] != "squares"]
    report.expect(
        "gradient starts below the semidefinite optimum",
        expected="none",
        found=f"lowest excess over the proved bound {min(r['excess_of_best'] for r in exact):.1e}",
        holds=all(row["excess_of_best"] > -1e-12 for row in exact),
        source=SOURCE,
    )
    report.expect(
        "the best start comes as close as in an earlier check (1.728560 to 1.728534)",
        expected="within 1.5e-5",
        found=f"at most {max(row['excess_of_best'] for row in exact):.1e} above",
        holds=all(row["excess_of_best"] < 1.5e-5 for row in exact),
        source="literature B5, 12 starts, other data",
    )
    ends = {
        name: [r["ends"] for r in rows if r["penalty"] == name and r["units"] == "square"]
        for name in PENALTIES
    }
    report.expect(
        "square units: values at which all starts on one data set end, to four digits",
        expected="one with cubes, whose penalty is convex in disguise; several with standard "
        "weight decay, whose penalty is concave, on some data set",
        found="; ".join(f"{name} {', '.join(map(str, counts))}" for name, counts in ends.items()),
        holds=max(ends["cubes"]) == 1 < max(ends["squares"]),
        source=f"standard weight decay is NP-hard in general: {SOURCE}; literature B5",
    )


def answer_starts(report: Report, rows: list[Row]) -> None:
    """What gradient starts reach under three penalties."""
    said = []
    for penalty in PENALTIES:
        mine = [r for r in rows if r["penalty"] == penalty and r["units"] == "square"]
        close = float(np.mean([row["close"] for row in mine]))
        worst = max(row["worst"] / row["best"] - 1.0 for row in mine)
        said.append(f"{FORMULAS[penalty]}: {close:.0%} (the worst {worst:.1%} above)")
    report.answer(
        "Does gradient training of quadratic units find the optimum, and which one?",
        f"Square units, {MOST_UNITS} of them, L-BFGS from {rows[0]['count']} Gaussian starts on "
        f"each of {len({row['seed'] for row in rows})} data sets; share of starts that end within "
        f"1e-4 of the optimum, or of the best one found: {'; '.join(said)}. The first two are the "
        "semidefinite program in disguise and have its optimum. Standard weight decay is another "
        "problem: scaling units turns it into the power 2/3 of their sizes, which is concave, and "
        "nobody knows its optimum here; what stands in its row is measured against the best start.",
        picture_starts(rows),
        "starts",
    )


def picture_starts(rows: list[Row]) -> Figure:
    """Excess of all starts in rising order, for each penalty, square units, first data set."""
    with styled():
        figure = new_figure(WIDTH, 4.8)
        axes = figure.add_subplot()
        for k, penalty in enumerate(PENALTIES):
            mine = [r for r in rows if r["penalty"] == penalty and r["units"] == "square"]
            excess = np.sort(np.concatenate([row["excess"] for row in mine]))
            at = np.concatenate([[LOW / 3], np.maximum(excess, LOW), [1.0]])
            share = np.concatenate([[0.0], np.arange(1, len(excess) + 1) / len(excess), [1.0]])
            style = {"color": COLORS[k], "linestyle": LINES[k], "where": "post"}
            axes.step(at, share, label=FORMULAS[penalty], **style)
        axes.set(xscale="log", ylabel="share of starts", ylim=(0, 1.05))
        axes.set(xlabel="objective above the optimum (standard: above the best start), relative")
        axes.set_title("Share of starts of L-BFGS that end so close (square units)")
        axes.legend(loc="lower right")
    return figure
