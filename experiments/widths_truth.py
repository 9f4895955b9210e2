"""Is the optimum of at most m units, as it is proved, the one that brute force finds?

Tiny data, so that brute force is possible: a convex program for each set of m pairs (cell of the
arrangement, sign of the output weight), as `tests/width_truth.py` writes them down, which shares
nothing with cvxnet. Beside it `cn.train` with ``width``, the check of its certificate, and networks
of that width trained by L-BFGS from random weights.

    python -m experiments widths_truth [--quick] [--seeds 2] [--out DIR]
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, MARKERS, WIDTH, entitle, new_figure, styled
from experiments.adversary import TESTS as _TESTS  # noqa: F401, where width_truth lies
from experiments.problems import five_points
from experiments.report import Report, Row

import width_truth  # isort: skip

if TYPE_CHECKING:
    from cvxnet.plots.style import Figure

GAP = 1e-7
"""Asked of `cn.train`."""
ACCURATE = 1e-6
"""Relative difference from brute force that counts as none; its solver reaches 1e-8."""
STARTS = 20
"""Networks that L-BFGS trains."""
TIME_LIMIT = 60.0
RANKS = {1: (5, 1, False), 2: (5, 1, True), 3: (4, 2, True), 4: (4, 3, True)}
"""Samples, features and hidden bias for each rank."""
LARGER = {1: (7, 1, False), 2: (7, 1, True), 3: (5, 2, True), 4: (5, 3, True)}
"""The same for the odd seeds and up to two units."""
OTHERS: tuple[Row, ...] = (
    {"units": "leaky_relu"},
    {"units": "leaky_relu", "loss": "logistic"},
    {"units": "abs"},
    {"units": "abs", "loss": "logistic"},
    {"loss": "absolute"},
    {"loss": "hinge"},
    {"loss": "huber"},
    {"loss": "squared_hinge"},
    {"loss": "log_cosh"},
    {"option": "output bias"},
    {"option": "skip"},
    {"option": "output bias", "loss": "logistic"},
    {"option": "sample weights"},
    {"option": "output weights >= 0"},
    {"option": "output weights <= 0", "loss": "logistic"},
    {"units": "coordinate"},
    {"units": "coordinate", "loss": "logistic"},
    {"units": "sign"},
    {"units": "sign", "loss": "logistic"},
    {"units": "threshold"},
    {"units": "threshold", "loss": "logistic"},
)
"""What differs from ReLU units, the squared loss and no option."""
LABELS = ("logistic", "hinge", "squared_hinge")


def data(name: str, units: str, rank: int, loss: str, m: int, seed: int) -> tuple[Any, Any, bool]:
    """Features, target, and whether there is a hidden bias."""
    if name == "five points":
        return (*five_points(), True)
    if name == "xor":
        X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
        return X, X[:, 0] * X[:, 1], True
    n, d, bias = (LARGER if seed % 2 and m < 3 else RANKS)[rank]
    if units == "coordinate":
        n, d = 6, 5
    rng = np.random.default_rng([seed, rank])
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    if loss in LABELS:
        y = np.where(y > np.median(y), 1.0, -1.0)
    return X, y, bias


def options_of(option: str, n: int, seed: int) -> dict[str, Any]:
    """Further arguments of `cn.train`."""
    weights = np.random.default_rng(seed).uniform(0.2, 3.0, n)
    return {
        "": {},
        "output bias": {"output_bias": True},
        "skip": {"skip": True},
        "sample weights": {"sample_weight": weights},
        "output weights >= 0": {"output_weights": "nonneg"},
        "output weights <= 0": {"output_weights": "nonpos"},
    }[option]


def measure(
    name: str, units: str, rank: int, loss: str, option: str, fraction: float, m: int, seed: int
) -> Row:
    """The bracket beside the truth."""
    X, y, bias = data(name, units, rank, loss, m, seed)
    shared = {"loss": loss, "bias": bias} | options_of(option, len(X), seed)
    slope = {"slope": 0.1} if units == "leaky_relu" else {}
    family = cn.Family(units, **slope)
    decay = fraction * cn.largest_weight_decay(family, X, y, **shared)
    begin = time.perf_counter()
    solution = cn.train(
        family, X, y, weight_decay=decay, width=m, gap=GAP, time_limit=TIME_LIMIT, **shared
    )
    trained = time.perf_counter()
    problem = width_truth.training(units, X, y, weight_decay=decay, **shared, **slope)
    truth = width_truth.optimum(problem, m)
    done = time.perf_counter()
    size = max(abs(truth), 1e-12)
    descents = [np.inf]
    if units in width_truth.KINKED:
        rng = np.random.default_rng(seed)
        descents = [width_truth.descended(problem, m, rng) for _ in range(STARTS)]
    return {
        "samples": len(X),
        "optimum": truth,
        "lower": solution.lower_bound,
        "upper": solution.value,
        "below": (truth - solution.lower_bound) / size,
        "above": (solution.value - truth) / size,
        "descent": (min(descents) - truth) / size,
        "status": solution.status,
        "valid": cn.check(solution).valid,
        "nodes": solution.stats["nodes"],
        "programs": width_truth.programs(problem, m),
        "seconds": trained - begin,
        "brute_s": done - trained,
    }


def settings(quick: bool, seeds: int) -> list[Row]:
    """Every data set with every number of units."""
    plain = {"name": "random", "units": "relu", "rank": 2, "loss": "squared", "option": ""}
    plain |= {"fraction": 0.1, "m": 1, "seed": 0}
    if quick:
        return [plain | {"m": m, "loss": loss} for m in (1, 2) for loss in ("squared", "logistic")]
    known = [
        plain | {"name": name, "rank": rank, "fraction": fraction, "m": m}
        for name, rank, most in (("five points", 2, 4), ("xor", 3, 3))
        for fraction in (0.1, 0.01)
        for m in range(1, most + 1)
    ]
    random = [
        plain | {"rank": rank, "loss": loss, "fraction": fraction, "m": m, "seed": seed}
        for rank in RANKS
        for loss in ("squared", "logistic")
        for fraction in (0.1, 0.01)
        for m in (1, 2, 3)
        for seed in range(seeds)
    ]
    others = [
        plain | other | {"rank": rank, "fraction": 0.03, "m": m}
        for other in OTHERS
        for rank in (2, 3)
        for m in (1, 2)
    ]
    return known + random + others


def picture(rows: list[Row]) -> Figure:
    """Nodes of the tree beside programs of brute force."""
    with styled():
        figure = new_figure(WIDTH, 5.2)
        axes = figure.subplots()
        for k, m in enumerate(sorted({row["m"] for row in rows})):
            own = [row for row in rows if row["m"] == m]
            x, y = ([row[name] for row in own] for name in ("programs", "nodes"))
            axes.plot(x, y, MARKERS[k], color=COLORS[k], label=f"m = {m}", linestyle="none")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("convex programs of brute force")
        axes.set_ylabel("nodes of the tree")
        entitle(axes, "What a proof of the optimum of at most m units takes")
        axes.legend()
    return figure


def tell(report: Report, rows: list[Row]) -> None:
    """Expectations and the answer."""
    source = "one convex program for each set of pairs (cell, sign)"
    counts = {
        "brackets closed": [row["status"] == "optimal" for row in rows],
        "optima as brute force finds them, to 1e-6": [
            abs(row["above"]) <= ACCURATE and row["below"] <= ACCURATE for row in rows
        ],
        "lower ends that are not above it": [row["below"] >= -ACCURATE / 10.0 for row in rows],
        "brackets below all networks of L-BFGS": [
            row["descent"] + row["below"] >= -ACCURATE / 10.0 for row in rows
        ],
        "certificates proved again": [row["valid"] for row in rows],
    }
    for what, held in counts.items():
        report.expect(
            what,
            expected=f"all {len(rows)}",
            found=f"{sum(held)} of {len(rows)}",
            holds=all(held),
            source=source,
        )
    trained = [row for row in rows if np.isfinite(row["descent"])]
    missed = [row["descent"] for row in trained if row["descent"] > ACCURATE]
    report.answer(
        "Is the optimum of at most m units, as it is proved, the one that brute force finds?",
        f"On {len(rows)} tiny problems of rank 1 to 4, m from 1 to {max(r['m'] for r in rows)}, "
        f"{sum(counts['brackets closed'])} brackets closed. The largest relative difference of "
        f"the network from brute force is {max(abs(row['above']) for row in rows):.1g}, and that "
        f"of the lower end {max(abs(row['below']) for row in rows):.1g}. Brute force took "
        f"{sum(row['programs'] for row in rows):,} convex programs, the trees "
        f"{sum(row['nodes'] for row in rows):,} nodes. The best of {STARTS} networks that L-BFGS "
        f"trained missed the optimum in {len(missed)} of {len(trained)} problems, by up to "
        f"{max(missed, default=0.0):.1%}, and was never below it.",
        picture(rows),
        "nodes",
    )


def main(argv: list[str]) -> int:
    """Train at a width and compare."""
    report = Report("widths_truth", __doc__, argv, seeds=(2, 1))
    rows = report.table(
        "optima", measure, settings(report.options.quick, report.options.seeds), parallel=1
    )
    tell(report, rows)
    return report.close()
