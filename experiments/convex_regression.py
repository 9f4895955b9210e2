"""Convex functions fitted to noisy data: to a proved optimum, by the classical QP, and by lpcf.

    python -m experiments convex_regression [--quick] [--seed 0] [--out FOLDER]

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
new points, without noise; seconds are those of that last fit.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import cvxpy as cp
import numpy as np

import cvxnet as cn

Array = np.ndarray

FORM = {"output_weights": "nonneg", "output_bias": True, "skip": True}
SHARES = (0.1, 0.03, 0.01, 0.003, 0.001)
"""Weight decays that are tried, of the largest useful one."""
RIDGES = (0.1, 0.03, 0.01, 0.003, 0.001)
"""Ridges that are tried, of the variance of the target."""
FIRST, MORE, VIOLATED = 5, 5, 1e-6
"""Inequalities of the QP for each plane: at first, and more in each round; and by how much, of the
standard deviation of the target, one may be violated."""
WIDTH, SEEDS, SECONDS = 30, 4, 60.0
"""Hidden units and starts of lpcf; time limit of cvxnet."""
APART = 0.2
"""Of the samples, for the choice."""
CASES = (("planes", 100, 2), ("bowl", 200, 2), ("units", 400, 2), ("bowl", 200, 5))
QUICK = (("planes", 20, 2), ("bowl", 20, 3))
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
    """A function, and what there is to say of its objective: the value, and a note."""

    predict: Callable[[Array], Array]
    judge: Callable[[], tuple[float, str]]

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

    def judge() -> tuple[float, str]:
        proved = "" if cn.convexity(found.network, wrt="input").convex else "not "
        note = f"gap {found.gap:.0e}, {found.units} units, {proved}proved convex"
        return found.value, note

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
    return Fit(lambda Z: (Z @ slopes.T + offsets).max(axis=1), lambda: (value, f"{n} planes"))


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
    model = PCF(widths=[WIDTH], widths_psi=[])  # a convex function without parameters
    with contextlib.redirect_stdout(io.StringIO()):
        model.fit(
            data.y, data.X, np.zeros((n, 1)), rho_th=decay / n, seeds=np.arange(SEEDS), cores=1
        )
    network = from_lpcf(np.asarray(model.model.params[1]).ravel(), data.X.shape[1])

    def judge() -> tuple[float, str]:
        found = cn.certify(
            network, data.X, data.y, weight_decay=decay, gap=1e-4, time_limit=SECONDS
        )
        low, high = found.excess
        return found.value, f"{low:.1%} to {high:.1%} above cvxnet's optimum at this decay"

    return Fit(lambda Z: network(Z)[:, 0], judge)


def from_lpcf(weights: Array, d: int) -> cn.Sequential:
    """The same network in cvxnet; negative output weights of lpcf count as zero."""
    a, U, s, b, c = np.split(weights, np.cumsum([WIDTH, WIDTH * d, d, WIDTH]))
    body = cn.Sequential(cn.Linear(d, WIDTH), cn.ReLU(), cn.Linear(WIDTH, 1, nonneg=True))
    body.load_state_dict(
        {
            "0.weight": U.reshape(WIDTH, d),
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


def run(data: Data, name: str, quick: bool) -> dict[str, object]:
    """One method on one set of data."""
    method, candidates = METHODS[name]
    number = chosen(method, candidates[1::2] if quick else candidates, data)
    begin = time.perf_counter()
    fit = method(data, number)
    seconds = time.perf_counter() - begin
    value, note = fit.judge()
    return {
        "data": data.name,
        "method": name,
        "chosen": number,
        "value": value,
        "seconds": seconds,
        "error_on_samples": fit.error(data.X, data.y),
        "error_on_new_points": fit.error(data.new, data.truth),
        "note": note,
    }


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer samples and candidates")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for convex_regression.csv")
    arguments = parser.parse_args(argv)
    names = [name for name in METHODS if name != "lpcf" or find_spec("lpcf")]
    rows = []
    cn.train("relu", np.eye(3), np.ones(3), weight_decay=0.1)  # compiles
    for case in QUICK if arguments.quick else CASES:
        data = sample(*case, arguments.seed)
        spread = float(data.truth.std())
        print(f"{data.name}: standard deviation {spread:.3f}, noise {NOISE * spread:.3f}")
        print("  method  chosen      value  seconds  on samples  new points")
        for name in names:
            row = run(data, name, arguments.quick)
            rows.append(row)
            print(
                f"  {name:6}  {row['chosen']:6g}  {row['value']:9.5g}  {row['seconds']:7.2f}"
                f"  {row['error_on_samples']:10.4f}  {row['error_on_new_points']:10.4f}"
                f"  {row['note']}",
                flush=True,
            )
    if "lpcf" not in names:
        print("lpcf is not installed (pip install lpcf), so it is left out.")
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        with open(arguments.out / "convex_regression.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
