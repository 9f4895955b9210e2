"""How fast are linear models beside their specialists?

L1-regularised linear models without intercept, dense and sparse, by coordinate units, beside
liblinear, skglm, celer and scikit-learn. Gaussian data with a target of ten weights and noise;
weight decay a share of the largest useful one. All are handed the same matrix by columns, which
most of them want. Each specialist is run with smaller and smaller tolerances until the gap that
its own point certifies is 1e-6; the last run's time alone counts. That of cvxnet has its bound in
it; writing and checking the certificate is timed apart.

Every measurement is a process of its own on one thread, after a warm-up on a dozen of the samples.
Seconds are those of the processor, the least of means over a twentieth of a second.

Floors: the squared loss reads X three times, for the data, the first slope and the last, which
proves the bound: 3 n d, or as many stored entries.

    python -m experiments linear_models [--loss squared|logistic] [--only KIND] [--limit SECONDS]
                                        [--quick] [--out DIR]
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, random_array

from cvxnet.plots.style import BLUE, COLORS, MARKERS, WIDTH, new_figure, styled
from experiments.peers.linear import GAP
from experiments.peers.measuring import environment, facts, run
from experiments.peers.methods import EVERY
from experiments.report import Report, Row

if TYPE_CHECKING:
    import argparse

    from matplotlib.figure import Figure

SOLVERS = ("proved_linear", "liblinear", "skglm", "celer", "sklearn_linear")
QUICK_SOLVERS = ("proved_linear", "sklearn_linear")
MODELS = {
    "dense": (10_000, 100, 1.0),
    "dense, tall": (100_000, 50, 1.0),
    "dense, wide": (1_000, 5_000, 1.0),
    "sparse": (10_000, 10_000, 0.01),
    "sparse, large": (100_000, 100_000, 0.001),
}
"""Samples, features, and the share of entries that are not zero."""
SHARES = {"dense": (0.1, 0.01), "sparse": (0.1, 0.01)}
"""Weight decays, relative to the largest useful one; elsewhere a tenth."""
QUICK_MODELS = {"dense": (40, 5, 1.0)}
NONZERO = 10
"""Weights of the model that the target is made of."""
TWICE = 2.0
"""The goal: so many times the time of the fastest."""


@lru_cache(maxsize=2)
def model(shape: tuple[int, int, float], loss: str, share: float) -> dict[str, Any]:
    """A problem of that shape; the largest useful weight decay is max |X^T v| at zero."""
    n, d, density = shape
    rng = np.random.default_rng(0)
    if density == 1.0:
        X: Any = rng.standard_normal((n, d))
    else:
        X = csr_array(random_array((n, d), density=density, rng=rng, format="csr"))
    w = np.zeros(d)
    w[rng.choice(d, min(NONZERO, d), replace=False)] = rng.standard_normal(min(NONZERO, d))
    f = X @ w
    y = f + 0.1 * f.std() * rng.standard_normal(n)
    if loss == "logistic":
        y = np.where(y > np.median(y), 1.0, -1.0)
    slope = X.T @ (0.5 * y if loss == "logistic" else y)
    asked = {"Y": y[:, None], "loss": loss, "weight_decay": share * float(np.abs(slope).max())}
    if density == 1.0:
        return asked | {"X": X}
    parts = {"values": X.data, "columns": X.indices, "starts": X.indptr}
    return asked | parts | {"shape": np.array(X.shape)}


def fit(
    kind: str,
    shape: tuple[int, int, float],
    loss: str,
    share: float,
    method: str,
    limit: float,
    where: str,
) -> Row:
    """One solver on one problem."""
    return facts(run(method, model(shape, loss, share), limit, where))


def settings(options: argparse.Namespace) -> list[Row]:
    """What is asked for."""
    models = QUICK_MODELS if options.quick else MODELS
    return [
        {"kind": kind, "shape": shape, "loss": loss, "share": share, "method": method}
        | {"limit": options.limit, "where": environment(method, options.quick)}
        for kind, shape in models.items()
        if options.only in (None, kind)
        for loss in ("logistic", "squared")
        if options.loss in (None, loss)
        for share in (SHARES if not options.quick else {}).get(kind, (0.1,))
        for method in (QUICK_SOLVERS if options.quick else SOLVERS)
    ]


def problems_of(rows: list[Row]) -> dict[tuple[str, str, float], dict[str, Row]]:
    """The lines of each problem, by method."""
    found: dict[tuple[str, str, float], dict[str, Row]] = {}
    for row in rows:
        found.setdefault((row["kind"], row["loss"], row["share"]), {})[row["method"]] = row
    return found


def reached(row: Row) -> bool:
    """Whether a line has a point whose certified gap is small enough."""
    return row["status"] == "done" and row["gap"] <= GAP


def ratio(lines: dict[str, Row]) -> float:
    """Seconds of cvxnet over those of the fastest specialist that got there."""
    times = {name: row["seconds"] for name, row in lines.items() if reached(row)}
    best = min((t for name, t in times.items() if name != SOLVERS[0]), default=np.nan)
    return float(times.get(SOLVERS[0], np.inf) / best)


def named(kind: str, loss: str, share: float) -> str:
    """A problem in words."""
    return f"{kind}, {loss}, {share:g}"


def text(problems: dict[tuple[str, str, float], dict[str, Row]]) -> str:
    """Seconds of all, and what kept the others."""
    parts = []
    for key, lines in problems.items():
        told = ", ".join(f"{EVERY[name].label} {ended(row)}" for name, row in lines.items())
        n, d, _ = next(iter(lines.values()))["shape"]
        parts.append(f"{named(*key)} ({n:,} x {d:,}): {told}")
    return (
        f"Processor seconds to a certified gap of {GAP:g}, by data, loss, and the share of the "
        f"largest useful weight decay. {'; '.join(parts)}."
    )


def ended(row: Row) -> str:
    """Seconds, or what kept it."""
    if row["status"] != "done":
        return f"({row['status']})"
    if row["gap"] > GAP:
        return f"{row['seconds']:.2g} s (gap {row['gap']:.1e})"
    return f"{row['seconds']:.2g} s"


def picture(problems: dict[tuple[str, str, float], dict[str, Row]]) -> Figure:
    """Seconds by problem, a mark a solver."""
    methods = list(next(iter(problems.values())))
    with styled():
        figure = new_figure(WIDTH, 1.6 + 0.6 * len(problems))
        axes = figure.add_subplot()
        for k, name in enumerate(methods):
            color = BLUE if k == 0 else COLORS[k]
            for at, lines in enumerate(problems.values()):
                row = lines[name]
                if row["status"] == "done":
                    face = color if reached(row) else "white"
                    axes.plot(row["seconds"], at + 0.12 * (k - 2), MARKERS[k], color=color,
                              markersize=9, markerfacecolor=face)  # fmt: skip
            axes.plot([], [], MARKERS[k], color=color, label=EVERY[name].label)
        axes.set_yticks(range(len(problems)), [named(*key) for key in problems])
        axes.invert_yaxis()
        axes.set(xscale="log", xlabel=f"processor seconds to a certified gap of {GAP:g}")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        axes.set_title("L1-regularised linear models (hollow: a larger gap)")
    return figure


def more(parser: argparse.ArgumentParser) -> None:
    """Options of this experiment."""
    parser.add_argument("--loss", choices=["squared", "logistic"], help="one loss")
    parser.add_argument("--only", choices=list(MODELS), help="one kind of data")
    parser.add_argument("--limit", type=float, default=60.0, metavar="SECONDS", help="for each")


def main(argv: list[str]) -> int:
    """Every solver on every problem."""
    report = Report("linear_models", __doc__, argv, more=more, packages=("numba", "threadpoolctl"))
    problems = problems_of(report.table("linear", fit, settings(report.options)))
    report.expect(
        f"time of coordinate units over that of the fastest specialist, to the gap {GAP:g}",
        expected=f"at most {TWICE:g}",
        found="; ".join(f"{named(*key)}: {ratio(lines):.2g}" for key, lines in problems.items()),
        holds=all(ratio(lines) <= TWICE for lines in problems.values()),
        source="the goal of this work",
    )
    valid = [row for lines in problems.values() for row in lines.values() if row.get("valid")]
    report.expect(
        "certificates of coordinate units, read from a file, that the checker proves",
        expected=f"all {len(problems)}",
        found=str(len(valid)),
        holds=len(valid) == len(problems),
        source="every training comes with one",
    )
    report.answer(report.question, text(problems), picture(problems), "linear")
    return report.close()
