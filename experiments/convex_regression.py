"""How is a convex function best fitted to noisy samples: proved optimum, QP, or gradient training?

    python -m experiments convex_regression [--quick] [--seeds 1] [--out DIR]

Three ways to a convex function, on the same noisy samples of functions that are convex:

* cvxnet: ``cn.train("relu", ..., output_weights="nonneg", output_bias=True, skip=True)``, a sum of
  ReLU units and an affine function, by least squares with weight decay, to its proved optimum.
* QP: convex regression (Boyd and Vandenberghe 2004, section 6.5.5). Values f_i and slopes g_i with
  ``f_j >= f_i + g_i.(x_j - x_i)`` for all pairs minimise ``1/2 sum (f_i - y_i)^2 + ridge/2 sum
  |g_i - mean g|^2``; at new points the function is ``max_i f_i + g_i.(x - x_i)``. The ridge leaves
  an affine function alone, as weight decay does with a skip connection. Its inequalities are added
  where they are violated, as those of all pairs would take a minute at n = 200.
* lpcf (Schaller, Bemporad and Boyd 2025), where it is installed (``pip install lpcf``): networks of
  the same form, trained by Adam and L-BFGS from several seeds, of which it keeps the best. They are
  in the class that cvxnet optimises over, so `cvxnet.certify` says how far above the optimum of
  the same objective they are. (lpcf decays the affine part, too.)

Each has one number to choose, from five candidates: the one with the least error on a fifth of the
samples that are kept apart. With it the method sees all samples. Errors are root mean squares on
new points, without noise; seconds are those of that last fit, of the processor.

In full some eight minutes of one core, more with lpcf. In five dimensions training ends by its time
limit: those numbers depend on the machine.
"""

from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import cvxpy as cp
import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, GREY, MARKERS, WIDTH, entitle, new_figure, styled
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = np.ndarray

FORM = {"output_weights": "nonneg", "output_bias": True, "skip": True}
SHARES = (0.1, 0.03, 0.01, 0.003, 0.001)
"""Weight decays that are tried, of the largest useful one."""
RIDGES = (0.1, 0.03, 0.01, 0.003, 0.001)
"""Ridges that are tried, of the variance of the target."""
FIRST, MORE, VIOLATED = 5, 5, 1e-6
"""Inequalities of the QP for each plane: at first, and more in each round; and by how much, of the
standard deviation of the target, one may be violated."""
UNITS, SEEDS, SECONDS = 30, 4, 60.0
"""Hidden units and starts of lpcf; time limit of cvxnet."""
APART = 0.2
"""Of the samples, for the choice."""
CASES = (("planes", 100, 2), ("bowl", 200, 2), ("units", 400, 2), ("bowl", 200, 5))
QUICK = (("planes", 20, 2), ("bowl", 15, 3))
NOISE = 0.2
"""Of the standard deviation of the function."""


@dataclass(frozen=True)
class Data:
    """Samples of a convex function with noise, and new points without."""

    name: str
    X: Array
    y: Array
    new: Array
    truth: Array


@dataclass(frozen=True)
class Fit:
    """A function, and what there is to say of its objective: the value, and more."""

    predict: Callable[[Array], Array]
    judge: Callable[[], Row]

    def error(self, X: Array, y: Array) -> float:
        """The root mean square error."""
        return float(np.sqrt(np.mean((self.predict(X) - y) ** 2)))


Method = Callable[[Data, float], Fit]
"""Takes samples and the number that is to be chosen."""


def planes(X: Array) -> Array:
    """The largest of six affine functions."""
    slopes = np.random.default_rng(7).standard_normal((6, X.shape[1]))
    return (X @ slopes.T - 0.3 * (slopes**2).sum(axis=1)).max(axis=1)


def bowl(X: Array) -> Array:
    """Smooth, and curved in all directions."""
    return np.sqrt(1.0 + 4.0 * (X**2).sum(axis=1)) + 0.5 * X[:, 0] ** 2


def units(X: Array) -> Array:
    """A sum of functions of single directions."""
    return np.abs(X[:, 0] - X[:, 1]) + np.maximum(X[:, 1:].sum(axis=1), 0.2) ** 2


FUNCTIONS = {"planes": planes, "bowl": bowl, "units": units}


def sample(name: str, n: int, d: int, seed: int) -> Data:
    """Points of the cube [-1, 1]^d."""
    rng, function = np.random.default_rng(seed), FUNCTIONS[name]
    X, new = rng.uniform(-1.0, 1.0, (n, d)), rng.uniform(-1.0, 1.0, (2000, d))
    truth = function(new)
    y = function(X) + NOISE * truth.std() * rng.standard_normal(n)
    return Data(f"{name}, {d}-D, n = {n}", X, y, new, truth)


# The methods


def weight_decay(data: Data, share: float) -> float:
    """The share of the largest useful one."""
    return share * cn.largest_weight_decay("relu", data.X, data.y, **FORM)


def proved_network(data: Data, share: float) -> Fit:
    """The optimum of cvxnet."""
    decay = weight_decay(data, share)
    found = cn.train(
        "relu", data.X, data.y, weight_decay=decay, gap=1e-4, time_limit=SECONDS, **FORM
    )

    def judge() -> Row:
        proved = bool(cn.convexity(found.network, wrt="input").convex)
        return {
            "value": found.value,
            "gap": found.gap,
            "pieces": found.units,
            "proved_convex": proved,
        }

    return Fit(found.predict, judge)


def convex_regression(data: Data, ridge: float) -> Fit:
    """The QP, its inequalities added where they are violated (Bertsimas and Mundru 2021)."""
    X, n = data.X, len(data.y)
    squares = ((X[:, None] - X[None]) ** 2).sum(axis=2) + np.diag(np.full(n, np.inf))
    chosen = squares.argsort(axis=1).argsort(axis=1) < FIRST
    size = ridge * float(np.var(data.y))
    while True:
        value, f, slopes = solve_qp(data, size, *np.nonzero(chosen))
        offsets = f - (slopes * X).sum(axis=1)
        excess = (slopes @ X.T + offsets[:, None] - f[None]) / np.std(data.y)  # of plane i at x_j
        worst = np.argpartition(-excess, MORE, axis=1)[:, :MORE]
        added = np.zeros_like(chosen)
        np.put_along_axis(
            added, worst, np.take_along_axis(excess, worst, axis=1) > VIOLATED, axis=1
        )
        if not (added & ~chosen).any():
            break
        chosen |= added
    return Fit(
        lambda Z: (Z @ slopes.T + offsets).max(axis=1), lambda: {"value": value, "pieces": n}
    )


def solve_qp(data: Data, size: float, i: Array, j: Array) -> tuple[float, Array, Array]:
    """The QP with the inequalities of the pairs i, j: its value, the f_i and the g_i."""
    X, (n, d) = data.X, data.X.shape
    f, g = cp.Variable(n), cp.Variable((n, d))
    above = f[j] >= f[i] + cp.sum(cp.multiply(g[i], X[j] - X[i]), axis=1)
    mean = cp.Variable((1, d))
    spread = g - np.ones((n, 1)) @ mean  # the best number for this is the mean
    objective = 0.5 * cp.sum_squares(f - data.y) + 0.5 * size * cp.sum_squares(spread)
    value = cp.Problem(cp.Minimize(objective), [above]).solve(solver=cp.CLARABEL)
    return float(value), f.value, g.value


def gradient_network(data: Data, share: float) -> Fit:
    """The network of lpcf at the weight decay of cvxnet, and how far above its optimum it is.

    lpcf adds ``rho`` times all squared weights to the mean of squared errors: cvxnet's objective
    times ``2 / n`` for ``rho = weight_decay / n``, but for the affine part.
    """
    from lpcf.pcf import PCF

    n, decay = len(data.y), weight_decay(data, share)
    model = PCF(widths=[UNITS], widths_psi=[])  # a convex function without parameters
    with contextlib.redirect_stdout(io.StringIO()):
        model.fit(
            data.y, data.X, np.zeros((n, 1)), rho_th=decay / n, seeds=np.arange(SEEDS), cores=1
        )
    network = from_lpcf(np.asarray(model.model.params[1]).ravel(), data.X.shape[1])

    def judge() -> Row:
        found = cn.certify(
            network, data.X, data.y, weight_decay=decay, gap=1e-4, time_limit=SECONDS
        )
        low, high = found.excess
        return {"value": found.value, "excess_at_least": low, "excess_at_most": high}

    return Fit(lambda Z: network(Z)[:, 0], judge)


def from_lpcf(weights: Array, d: int) -> cn.Sequential:
    """The same network in cvxnet; negative output weights of lpcf count as zero."""
    a, U, s, b, c = np.split(weights, np.cumsum([UNITS, UNITS * d, d, UNITS]))
    body = cn.Sequential(cn.Linear(d, UNITS), cn.ReLU(), cn.Linear(UNITS, 1, nonneg=True))
    body.load_state_dict(
        {
            "0.weight": U.reshape(UNITS, d),
            "0.bias": b,
            "2.weight": np.maximum(a, 0.0)[None],
            "2.bias": c,
        }
    )
    skip = cn.Linear(d, 1, bias=False).load_state_dict({"weight": s[None]})
    return cn.Sequential(cn.Residual(body, shortcut=skip))


METHODS = {
    "cvxnet": (proved_network, SHARES),
    "QP": (convex_regression, RIDGES),
    "lpcf": (gradient_network, SHARES),
}


def chosen(
    method: Callable[[Data, float], Fit], candidates: tuple[float, ...], data: Data
) -> float:
    """The candidate with the least error on samples that are kept apart."""
    if len(candidates) == 1:
        return candidates[0]
    apart = np.random.default_rng(1).permutation(len(data.y)) < APART * len(data.y)
    seen = replace(data, X=data.X[~apart], y=data.y[~apart])
    return min(candidates, key=lambda k: method(seen, k).error(data.X[apart], data.y[apart]))


def fit_one(function: str, n: int, d: int, seed: int, method: str, quick: bool) -> Row:
    """One method on one set of data."""
    data = sample(function, n, d, seed)
    row: Row = {"spread": float(data.truth.std())}
    if method == "lpcf" and not find_spec("lpcf"):
        return row | {"status": "absent: pip install lpcf"}
    fitter, candidates = METHODS[method]
    number = chosen(fitter, candidates[1::2] if quick else candidates, data)
    begin = time.process_time()
    fit = fitter(data, number)
    seconds = time.process_time() - begin
    return row | {
        "status": "fitted",
        "chosen": number,
        "error_on_samples": fit.error(data.X, data.y),
        "error_on_new_points": fit.error(data.new, data.truth),
        "seconds": seconds,
        **fit.judge(),
    }


def title(row: Row) -> str:
    """What was fitted."""
    return f"{row['function']}, {row['d']}-D, n = {row['n']}"


def mean(rows: list[Row], key: str, case: str, method: str) -> float:
    """The mean over seeds."""
    return float(
        np.mean([row[key] for row in rows if (title(row), row["method"]) == (case, method)])
    )


def picture(rows: list[Row], cases: list[str], methods: list[str]) -> Figure:
    """Errors on new points, in spreads of the function, a line for each set of data."""
    with styled():
        figure = new_figure(WIDTH, 1.6 + 0.9 * len(cases))
        axes = figure.add_subplot()
        for k, method in enumerate(methods):
            here = [row for row in rows if row["method"] == method]
            errors = [row["error_on_new_points"] / row["spread"] for row in here]
            heights = [-cases.index(title(row)) for row in here]
            look = {"color": COLORS[k], "markersize": 11.0, "linestyle": "", "alpha": 0.8}
            axes.plot(errors, heights, MARKERS[k], label=method, **look)
        axes.set_yticks([-i for i in range(len(cases))], cases)
        axes.set(ylim=(0.5 - len(cases), 0.5), xlim=(0.0, None))
        axes.set_xlabel("error on new points / standard deviation of the function")
        axes.grid(axis="y", color=GREY, alpha=0.15)
        axes.legend()
        entitle(
            axes,
            f"Convex functions from samples with {NOISE:.0%} noise: how far fits are from them",
        )
    return figure


def expect(report: Report, rows: list[Row], cases: list[str]) -> None:
    """What theory says of these fits, and an earlier run."""
    ours = [row for row in rows if row["method"] == "cvxnet"]
    flat = [row["gap"] for row in ours if row["d"] == 2]
    report.expect(
        "brackets of cvxnet in two dimensions",
        expected="closed to 1e-4",
        found=f"relative gaps at most {max(flat):.1e}",
        holds=max(flat) <= 1e-4,
        source="pricing is exact up to rank three",
    )
    proved = sum(row["proved_convex"] for row in ours)
    report.expect(
        "networks of cvxnet are convex functions of their input",
        expected=f"proved for all {len(ours)}",
        found=f"proved for {proved}",
        holds=proved == len(ours),
        source="output weights are not negative",
    )
    pairs = [
        [mean(rows, "error_on_new_points", case, method) for method in ("cvxnet", "QP")]
        for case in cases
    ]
    report.expect(
        "errors on new points, cvxnet against convex regression",
        expected="cvxnet's are smaller in every case",
        found="; ".join(f"{ours:.3g} against {qp:.3g}" for ours, qp in pairs),
        holds=all(ours < qp for ours, qp in pairs),
        source="an earlier run",
    )
    excess = [row["excess_at_least"] for row in rows if "excess_at_least" in row]
    if excess:
        report.expect(
            "networks of lpcf are not below the proved optimum",
            expected="at least 0 above it",
            found=f"{min(excess):.1%} to {max(excess):.1%} above it, at least",
            holds=min(excess) >= 0.0,
            source="they are networks of the same form",
        )


def told(rows: list[Row], case: str, methods: list[str]) -> str:
    """A sentence about a set of data."""
    parts = [
        f"{method} {mean(rows, 'error_on_new_points', case, method):.3g} in "
        f"{mean(rows, 'seconds', case, method):.1f} s"
        for method in methods
    ]
    return f"{case}: {', '.join(parts)}."


def main(argv: list[str]) -> int:
    """Fit everything, and say who was nearest to the truth."""
    report = Report("convex_regression", __doc__, argv, packages=("lpcf",))
    quick = report.options.quick
    cn.train("relu", np.eye(3), np.ones(3), weight_decay=0.1)  # compiles
    settings = [
        dict(zip(("function", "n", "d"), case, strict=True))
        | {"seed": seed, "method": method, "quick": quick}
        for case in (QUICK if quick else CASES)
        for seed in range(report.options.seeds)
        for method in METHODS
    ]
    rows = report.table("convex_regression", fit_one, settings)
    fitted = [row for row in rows if row["status"] == "fitted"]
    cases = list(dict.fromkeys(title(row) for row in rows))
    methods = [name for name in METHODS if any(row["method"] == name for row in fitted)]
    expect(report, fitted, cases)
    absent = "" if "lpcf" in methods else " lpcf was not installed: its rows say so."
    report.answer(
        "Which fit is nearest to the true convex function?",
        "Root mean square errors on new points, and seconds of the last fit. "
        + " ".join(told(fitted, case, methods) for case in cases)
        + absent,
        picture(fitted, cases, methods),
        "errors",
    )
    return report.close()
