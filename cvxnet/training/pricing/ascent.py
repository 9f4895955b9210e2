"""Local maxima of ``s v . phi_u(X)`` over the unit sphere, by gradient ascent from many starts.

Where exact pricing is out of reach this finds units worth adding. It proves nothing: ``error`` is
infinite.

All starts go together. With c(u) the gradient of g at u, a step goes from u to the direction of
``u + t c(u)`` and counts only if g rises there; t grows after steps that count and shrinks after
others. For g convex near u every t works, and a large t is the fixed-point step ``u <- c / |c|``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cvxnet.training.clock import now
from cvxnet.training.pricing.maxima import BOTH, LocalMaxima, Sides
from cvxnet.types import Array

STARTS, FEWEST = 64, 8
LONG = 2_000_000
"""Starts are fewer than STARTS where one of them would look at more than LONG / STARTS numbers."""
ASCENT_STEPS = 100
"""At most so many steps from each start."""
SHORTEST = 1e-12
"""Where all steps are shorter than this, all are at a maximum."""
GROW, SHRINK = 2.0, 0.25
APART = 1e-4
"""Maxima closer than this (radians) are one."""


def ascend(
    features: Callable[[Array], Array],
    pull_back: Callable[[Array, Array], Array],
    starts: Array,
    v: Array,
    floor: float,
    deadline: float = np.inf,
    sides: Sides = BOTH,
) -> LocalMaxima:
    """Local maxima of s g above ``floor`` reached from the rows of ``starts``, for each sign s.

    At the deadline (`now`) it ends where it is.

    Parameters
    ----------
    features : (m, r) -> (n, m)
    pull_back : (m, r), (n,) -> (m, r)
        As in UnitFamily.
    starts : (m, r) array
    v : (n,) array
    sides : tuple of float
        The signs s.

    Examples
    --------
    >>> X = np.eye(2)
    >>> def pull_back(U, v):
    ...     return (np.where(X @ U.T > 0, 1.0, 0.0) * v[:, None]).T @ X
    >>> found = ascend(lambda U: np.maximum(X @ U.T, 0), pull_back, np.ones((1, 2)),
    ...                np.array([3.0, 4.0]), 0.0)
    >>> round(found.rho, 6), found.error
    (5.0, inf)
    """
    lengths = np.linalg.norm(starts, axis=1)
    U = starts[lengths > 0.0] / lengths[lengths > 0.0, None]
    signs = np.repeat(sides, len(U))
    U = np.tile(U, (len(sides), 1))
    values, t = signs * (v @ features(U)), np.full(len(U), 1.0)
    size = float(np.linalg.norm(pull_back(U, v), axis=1).max()) or 1.0
    for _ in range(ASCENT_STEPS):
        slope = signs[:, None] * pull_back(U, v) / size
        tried = U + t[:, None] * slope
        length = np.linalg.norm(tried, axis=1)[:, None]
        tried = np.where(length > 0.0, tried / np.where(length > 0.0, length, 1.0), U)
        reached = signs * (v @ features(tried))
        better = reached > values
        U, values = np.where(better[:, None], tried, U), np.where(better, reached, values)
        t = np.where(better, GROW * t, SHRINK * t)
        if (t < SHORTEST).all() or now() > deadline:
            break
    return collect(U, values, signs, floor)


def collect(U: Array, values: Array, signs: Array, floor: float) -> LocalMaxima:
    """Distinct points above the floor, best first."""
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > floor]
    kept: list[int] = []
    for i in order:
        same = [j for j in kept if signs[j] == signs[i]]
        if not same or (U[same] @ U[i]).max() < np.cos(APART):
            kept.append(int(i))
    rho = max(float(values.max(initial=floor)), floor)
    return LocalMaxima(rho, np.inf, values[kept], U[kept], signs[kept])


def random_starts(rows: Array, v: Array, seed: int = 0) -> Array:
    """Directions to start from: the gradients at random units."""
    rng = np.random.default_rng(seed)
    _, _, Vt = np.linalg.svd(rows, full_matrices=False)
    count = min(max(LONG // rows.size, FEWEST), STARTS)
    G = rng.standard_normal((count, len(Vt))) @ Vt
    starts = ((rows @ G.T > 0.0) * v[:, None]).T @ rows
    starts[~starts.any(axis=1)] = 1.0
    return np.asarray(starts)
