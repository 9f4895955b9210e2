"""Sliding: local improvement of all units at once, across cell boundaries.

Between conic solves the units of a network move freely (quasi-Newton on their weights, signs
fixed). That walks them through many cells in the time of one conic solve; the solves then make
exact what sliding has found.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from cvxnet.training.problem import Array, Problem, Units

TINY = 1e-15


SMOOTHING = 1e-3
"""Width, in units of the target, in which a loss with kinks is smoothed."""


def slide(problem: Problem, units: Units, steps: int, precision: float = 2e-9) -> Units:
    """Move the units downhill by at most ``steps`` quasi-Newton steps (L-BFGS).

    Ends where a step lowers the objective by less than ``precision``, relatively.
    """
    family, signs, shape = problem.family, units.signs, units.weights.shape
    loss, y, F = problem.loss.smoothed(SMOOTHING), problem.y, problem.F

    def objective(x: Array) -> tuple[float, Array]:
        U, c = x[:U_size].reshape(shape), x[U_size:]
        sizes = np.sqrt((U * U).sum(axis=1)) + TINY
        f = family.features(U) @ signs + F @ c
        value = loss.value(f, y) + problem.weight_decay * sizes.sum()
        v = loss.gradient(f, y)
        gradient = family.pull_back(U, v) * signs[:, None]
        gradient += problem.weight_decay * U / sizes[:, None]
        return float(value), np.concatenate([gradient.ravel(), F.T @ v])

    U_size = units.weights.size
    start = np.concatenate([units.weights.ravel(), units.free])
    options = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": 20, "ftol": precision, "gtol": 0.0}
    x = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x
    return Units(x[:U_size].reshape(shape), signs, x[U_size:])
