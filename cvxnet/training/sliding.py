"""Sliding: local improvement of all units at once, across cell boundaries.

Between conic solves the units of a network move freely (quasi-Newton on their weights, signs
fixed). That walks them through many cells in the time of one conic solve; the solves then make
exact what sliding has found.

The penalty ``|z|`` of a row z has a kink at zero. In p with ``z = |p| p``, the weights of the
balanced network, it is ``|p|^2``, and by the chain rule a gradient g in z becomes
``|p| g + (p.g) p / |p|``: smooth, and quasi-Newton steps are good near small units too.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from cvxnet.training.clock import now
from cvxnet.training.problem import Array, Problem, Units

TINY = 1e-150
SMOOTHING = 1e-3
"""Width, in units of the target, in which a loss with kinks is smoothed."""


def slide(
    problem: Problem,
    units: Units,
    steps: int,
    precision: float = 2e-9,
    deadline: float = np.inf,
    width: float = 0.0,
) -> Units:
    """Move the units downhill by at most ``steps`` quasi-Newton steps (L-BFGS).

    Ends where a step lowers the objective by less than ``precision``, relatively, or at the
    deadline (`now`). With a ``width`` kinks are rounded off on it, where a family has
    any, and the objective of the units themselves may rise.
    """
    family = problem.family.rounded(width) if width else problem.family
    signs, shape = units.signs, units.weights.shape
    loss, y, F = problem.loss.smoothed(SMOOTHING), problem.y, problem.F

    def objective(x: Array) -> tuple[float, Array]:
        P, c = x[:U_size].reshape(shape), x[U_size:]
        lengths = np.sqrt((P * P).sum(axis=1))[:, None] + TINY
        f = family.features(lengths * P) @ signs + F @ c
        value = loss.value(f, y) + problem.weight_decay * (P * P).sum()
        v = loss.gradient(f, y)
        G = family.pull_back(lengths * P, v) * signs[:, None]
        gradient = lengths * G + (P * G).sum(axis=1)[:, None] * P / lengths
        gradient += 2.0 * problem.weight_decay * P
        return float(value), np.concatenate([gradient.ravel(), F.T @ v])

    U_size = units.weights.size
    roots = np.sqrt(units.sizes)[:, None] + TINY
    start = np.concatenate([(units.weights / roots).ravel(), units.free])
    options = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": 20, "ftol": precision, "gtol": 0.0}

    def stop_in_time(_: Array) -> None:
        if now() > deadline:
            raise StopIteration

    x = minimize(
        objective, start, jac=True, method="L-BFGS-B", callback=stop_in_time, options=options
    ).x
    P = x[:U_size].reshape(shape)
    return Units(P * np.linalg.norm(P, axis=1)[:, None], signs, x[U_size:])
