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


def slide(problem: Problem, units: Units, steps: int) -> Units:
    """Move the units downhill for at most ``steps`` quasi-Newton steps (L-BFGS)."""
    shape = units.weights.shape
    family, signs = problem.family, units.signs

    def objective(flat: Array) -> tuple[float, Array]:
        U = flat.reshape(shape)
        sizes = np.sqrt((U * U).sum(axis=1)) + TINY
        f = family.features(U) @ signs
        value = problem.loss.value(f, problem.y) + problem.weight_decay * sizes.sum()
        v = problem.loss.gradient(f, problem.y)
        gradient = family.pull_back(U, v) * signs[:, None]
        gradient += problem.weight_decay * U / sizes[:, None]
        return float(value), gradient.ravel()

    options = {"maxiter": steps, "maxcor": 20}
    result = minimize(
        objective, units.weights.ravel(), jac=True, method="L-BFGS-B", options=options
    )
    return Units(result.x.reshape(shape), signs)
