"""Sliding: local improvement of all units at once, across cell boundaries.

Between conic solves the units of a network move freely (quasi-Newton on their weights, signs
fixed). That walks them through many cells in the time of one conic solve; the solves then make
exact what sliding has found.

The penalty ``|z|`` of a row z has a kink at zero. In p with ``z = |p| p``, the weights of the
balanced network, it is ``|p|^2``: smooth, and quasi-Newton steps are good near small units too.
Where the columns of the data differ in size, or are offset, the steps are taken where they are
not: with the family's frame S, ``z = |p| S p`` and ``|z| = |p| |S p|``. By the chain rule a
gradient g in z becomes ``|p| S^T g + (S p.g) p / |p|`` in p.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from cvxnet.training.clock import now
from cvxnet.training.problem import Problem, Units
from cvxnet.training.rounding import rounded
from cvxnet.training.units.family import frame_of
from cvxnet.types import Array

TINY = 1e-150
SMOOTHING = 1e-3
"""Width, in units of the target, in which a loss with kinks is smoothed."""
FREE_RIDGE = 1e-12
"""Free weights have no penalty; only dependent columns must not be stretched without end."""


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
    family = rounded(problem.family, width) if width else problem.family
    signs, shape = units.signs, units.weights.shape
    loss, y = problem.loss.smoothed(SMOOTHING), problem.y
    S, T = problem.family.frame, frame_of(problem.F, FREE_RIDGE)
    F = problem.F @ T

    def rows_at(P: Array) -> tuple[Array, Array, Array]:
        """``S p``, ``|p|`` and ``|S p|`` of each row."""
        R = P @ S.T
        return R, lengths(P), lengths(R)

    def objective(x: Array) -> tuple[float, Array]:
        P, c = x[:U_size].reshape(shape), x[U_size:]
        R, size, stretched = rows_at(P)
        f = family.features(size * R) @ signs + F @ c
        value = loss.value(f, y) + problem.weight_decay * float((size * stretched).sum())
        v = loss.gradient(f, y)
        G = family.pull_back(size * R, v) * signs[:, None] + problem.weight_decay * R / stretched
        gradient = size * (G @ S) + (R * G).sum(axis=1)[:, None] * P / size
        return float(value), np.concatenate([gradient.ravel(), F.T @ v])

    U_size = units.weights.size
    P: Array = np.linalg.solve(S, units.weights.T).T.astype(np.float64)
    free = np.linalg.solve(T, units.free)
    start = np.concatenate([(P / np.sqrt(lengths(P))).ravel(), free])
    options = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": 20, "ftol": precision, "gtol": 0.0}

    def stop_in_time(_: Array) -> None:
        if now() > deadline:
            raise StopIteration

    x = minimize(
        objective, start, jac=True, method="L-BFGS-B", callback=stop_in_time, options=options
    ).x
    R, size, _ = rows_at(x[:U_size].reshape(shape))
    return Units(size * R, signs, T @ x[U_size:])


def lengths(P: Array) -> Array:
    """The lengths of the rows, (m, 1), none of them zero."""
    return np.asarray(np.sqrt((P * P).sum(axis=1))[:, None] + TINY)
