"""Neural spectrahedra (Bartan and Pilanci 2021): polynomial units as semidefinite programs.

A unit ``a t^2 + b t + c`` of ``t = x.u``, |u| = 1, at the price of its output weight, is linear in
``(u, 1)(u, 1)^T``; so the penalty of a network depends on the matrix ``Z`` of its squares and the
vector ``z`` of its slopes alone,

    R(Z, z) = min w + w'   over   [[P, p], [p^T, w]], [[Q, q], [q^T, w']] >= 0
              with P - Q = Z, p - q = z, trace P = w, trace Q = w'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cvxpy as cp
import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, LINES, MARKERS, new_figure, styled
from cvxnet.types import Array
from experiments.after2020.programs import TIGHT
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SOURCE = "Bartan and Pilanci 2021 (arXiv 2101.02429)"
UNITS = {"like ReLU": (0.09, 0.5, 0.47), "square": (1.0, 0.0, 0.0), "mixed": (1.0, -1.0, 0.5)}
BETA = 0.1
GOLDEN = (1.0 + np.sqrt(5.0)) / 2.0


def atomic_norm(Z: Array, z: Array) -> float:
    """R(Z, z) by its semidefinite program."""
    d = len(z)
    blocks = [cp.Variable((d + 1, d + 1), PSD=True) for _ in range(2)]
    D = blocks[0] - blocks[1]
    balanced = [cp.trace(B[:d, :d]) == B[d, d] for B in blocks]
    size = sum(B[d, d] for B in blocks)
    program = cp.Problem(cp.Minimize(size), [D[:d, :d] == Z, D[:d, d] == z, *balanced])
    return float(program.solve(solver="CLARABEL", **TIGHT))


def orthogonal(S: float, T: float) -> float:
    """R(S v v^T, T u) in closed form, for u and v of length one, orthogonal, and S, T >= 0."""
    return (S * S + 2.0 * S * T + 2.0 * T * T) / (S + 2.0 * T) if S + T else 0.0


def bounded_below(S: float, T: float) -> float:
    """Half the nuclear norm of ``[[Z, z], [z^T, trace Z]]``, or the nuclear norm of Z."""
    M = np.array([[S, 0.0, 0.0], [0.0, 0.0, T], [0.0, T, S]])
    return float(max(S, 0.5 * np.abs(np.linalg.eigvalsh(M)).sum()))


def norms(direction: str, S: float, T: float) -> Row:
    """R of a square and a slope along the same direction or an orthogonal one."""
    Z, z = np.diag([S, 0.0]), np.zeros(2)
    z[0 if direction == "same" else 1] = T
    closed = max(S, T) if direction == "same" else orthogonal(S, T)
    lower = max(S, T) if direction == "same" else bounded_below(S, T)
    return {"program": atomic_norm(Z, z), "closed": closed, "lower": lower}


def one_feature(units: str, seed: int) -> Row:
    """One feature without a bias: the semidefinite program against max(|s|, |t|)."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal(12), rng.standard_normal(12)
    a, b, c = UNITS[units]
    s, t = cp.Variable(), cp.Variable()
    f = a * s * x**2 + b * t * x + c * s
    if b == 0.0:
        form = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + BETA * cp.abs(s)))
    else:
        penalty = cp.maximum(cp.abs(s), cp.abs(t))
        form = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + BETA * penalty))
    small = form.solve(solver="CLARABEL", **TIGHT)
    return both_ways(cn.Family("polynomial", coefficients=UNITS[units]), x[:, None], y, small)


def quadratic(seed: int) -> Row:
    """Quadratic units: the program of cvxnet against the nuclear norm."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((30, 4)), rng.standard_normal(30)
    S = cp.Variable((4, 4), symmetric=True)
    f = cp.sum(cp.multiply(X @ S, X), axis=1)
    form = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + BETA * cp.normNuc(S)))
    return both_ways("quadratic", X, y, form.solve(solver="CLARABEL", **TIGHT))


def both_ways(units: object, X: Array, y: Array, small: float) -> Row:
    """The semidefinite program and column generation, beside another form of the problem."""
    options = {"weight_decay": BETA, "bias": False}
    program = cn.program(units, X, y, **options)
    written = program.solve(solver="CLARABEL", **TIGHT)
    trained = cn.train(units, X, y, gap=1e-9, **options)
    return {"form": small, "program": written, "trained": trained.value, "gap": trained.gap}


def decomposition(n: int, d: int, seed: int) -> Row:
    """Planted units as in the authors' notebook: from the program's solution to a network."""
    rng = np.random.default_rng(seed)
    coefficients = UNITS["like ReLU"]
    X, U = rng.standard_normal((n, d)), rng.standard_normal((5, d))
    y = polynomial(X @ U.T / np.linalg.norm(U, axis=1), coefficients).sum(axis=1)
    family = cn.Family("polynomial", coefficients=coefficients)
    program = cn.program(family, X, y, weight_decay=BETA, bias=False)
    value = program.solve(solver="CLARABEL", **TIGHT)
    network = cn.recover(program)
    state = network.state_dict()
    # units stand in it as squares, out (k t + ...)^2 with a hidden row of length k
    lengths = np.linalg.norm(state["0.weight"], axis=1)
    sizes = np.abs(state["2.weight"].ravel()) * lengths**2 / coefficients[0]
    rebuilt = 0.5 * np.sum((network(X)[:, 0] - y) ** 2) + BETA * sizes.sum()
    return {"program": value, "network": float(rebuilt), "units": len(sizes), "most": 2 * (d + 1)}


def polynomial(t: Any, coefficients: tuple[float, float, float]) -> Any:
    """``a t^2 + b t + c`` of an array or a tensor."""
    a, b, c = coefficients
    return (a * t + b) * t + c


def report_on(report: Report) -> None:
    """Closed forms, nuclear norms and networks."""
    quick = report.options.quick
    seeds = range(1 if quick else min(report.options.seeds, 5))
    angles = (45.0,) if quick else tuple(np.linspace(0.0, 90.0, 13))
    units = [{"S": np.cos(np.deg2rad(t)), "T": np.sin(np.deg2rad(t))} for t in angles]
    points = [{"S": 1.0, "T": 1.0}, *units]
    sides = [{"direction": side} | point for side in ("same", "orthogonal") for point in points]
    balls = report.table("penalty", norms, sides)
    line = [{"units": name, "seed": seed} for name in UNITS for seed in seeds]
    forms = report.table("one_feature", one_feature, line)
    nuclear = report.table("quadratic", quadratic, [{"seed": seed} for seed in seeds])
    shapes = ((8, 3),) if quick else ((8, 3), (30, 5), (100, 20))
    networks = report.table(
        "decomposition",
        decomposition,
        [{"n": n, "d": d, "seed": seed} for n, d in shapes for seed in seeds],
    )
    expect_equal(report, balls, forms, nuclear)
    expect_networks(report, networks)
    answer_shape(report, balls, networks)


def apart(rows: list[Row], one: str, other: str) -> float:
    """The largest relative difference of two columns."""
    return max(abs(row[one] - row[other]) / max(abs(row[one]), 1e-12) for row in rows)


def expect_equal(report: Report, balls: list[Row], forms: list[Row], nuclear: list[Row]) -> None:
    """Closed forms against semidefinite programs."""
    for what, rows, source in (
        ("one feature: semidefinite program = penalty max(|s|, |t|)", forms, "closed form D8"),
        ("quadratic units: semidefinite program = nuclear norm", nuclear, SOURCE),
    ):
        both = max(apart(rows, "form", "program"), apart(rows, "form", "trained"))
        report.expect(
            what,
            expected="equal to 1e-6",
            found=f"{len(rows)} problems, at most {both:.0e} apart, cvxnet.train included",
            holds=both < 1e-6,
            source=source,
        )
    example = next(r for r in balls if r["direction"] == "orthogonal" and r["S"] == r["T"] == 1.0)
    report.expect(
        "R(v v^T, u) for orthogonal u and v, and its lower bound by a nuclear norm",
        expected=f"5/3 = {5 / 3:.6f}, {GOLDEN:.6f}",
        found=f"{example['program']:.6f}, {example['lower']:.6f}",
        holds=abs(example["program"] - 5 / 3) < 1e-6 and abs(example["lower"] - GOLDEN) < 1e-6,
        source=f"{SOURCE}; literature B5",
    )
    report.expect(
        "R of a square and a slope, along one direction and orthogonal",
        expected="max(S, T) and (S^2 + 2 S T + 2 T^2) / (S + 2 T)",
        found=f"{len(balls)} pairs, at most {apart(balls, 'closed', 'program'):.0e} apart",
        holds=apart(balls, "closed", "program") < 1e-6,
        source="literature B5",
    )


def expect_networks(report: Report, rows: list[Row]) -> None:
    """The neural decomposition."""
    gap = apart(rows, "program", "network")
    report.expect(
        "neural decomposition: a network with the value of the program",
        expected="the same to 1e-6, at most 2 (d + 1) units",
        found=f"at most {gap:.0e} apart; units of most: "
        + ", ".join(f"{row['units']} of {row['most']}" for row in rows),
        holds=gap < 1e-6 and all(row["units"] <= row["most"] for row in rows),
        source=SOURCE,
    )


def answer_shape(report: Report, balls: list[Row], networks: list[Row]) -> None:
    """The penalty as a norm."""
    worst = max(apart(networks, "program", "network"), 0.0)
    units = ", ".join(
        f"{max(r['units'] for r in networks if r['d'] == d)} of at most {2 * (d + 1)} for d = {d}"
        for d in dict.fromkeys(row["d"] for row in networks)
    )
    tight = sum(row["program"] - row["lower"] < 1e-6 for row in balls)
    report.answer(
        "What does a network of quadratic units with a slope cost?",
        "Its penalty depends on two things only: the matrix of its squares and the vector of its "
        "slopes. Where both lie along one direction it is the larger of the two; where they are "
        "orthogonal it is a rounder norm, 5/3 for sizes of one, between the golden ratio, which a "
        f"nuclear norm proves, and the sum. That bound is tight for {tight} of {len(balls)} pairs. "
        "The semidefinite program of training is exact in every dimension, and its solution turns "
        f"into a network with few units ({units}) and the same objective to {worst:.0e}.",
        picture_balls(balls),
        "penalty",
    )


def picture_balls(rows: list[Row]) -> Figure:
    """Where R = 1, by formula and by program."""
    t = np.linspace(0.0, np.pi / 2, 181)
    curves = (
        ("one direction: max(S, T)", [max(np.cos(a), np.sin(a)) for a in t]),
        ("orthogonal", [orthogonal(np.cos(a), np.sin(a)) for a in t]),
        (
            "orthogonal, lower bound by a nuclear norm",
            [bounded_below(np.cos(a), np.sin(a)) for a in t],
        ),
    )
    with styled():
        figure = new_figure(9.6, 5.4)
        axes = figure.add_subplot()
        for k, (label, values) in enumerate(curves):
            x, y = np.cos(t) / values, np.sin(t) / values
            axes.plot(x, y, color=COLORS[k], linestyle=LINES[k], label=label)
        for k, side in enumerate(("same", "orthogonal")):
            mine = [row for row in rows if row["direction"] == side]
            x, y = (np.array([row[key] / row["program"] for row in mine]) for key in "ST")
            axes.plot(
                x, y, MARKERS[k], color=COLORS[k], label=None if k else "semidefinite program"
            )
        axes.annotate("R(1, 1) = 5/3", (0.6, 0.6), (0.68, 0.72), arrowprops={"arrowstyle": "->"})
        axes.set(xlabel="S: size of the square", ylabel="T: size of the slope", aspect="equal")
        axes.set(xlim=(0, 1.15), ylim=(0, 1.1))
        axes.set_anchor("W")
        axes.set_title("Squares and slopes of penalty 1")
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure
