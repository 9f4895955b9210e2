"""Local maxima of ``s v . phi_u(X)`` over |u| = 1, by gradient ascent from many starts.

With c outputs, v is (n, c), those of the length of ``v^T phi_u(X)``: with w the direction that it
has at u, it is the value of the dual vector ``v w`` there, and at least that elsewhere.

Where exact pricing is out of reach this finds units worth adding. It proves nothing: ``error`` is
infinite.

All starts go together. With c(u) the gradient of g at u, a step goes from u to the direction of
``u + t c(u)`` and counts only if g rises there; t grows after steps that count and shrinks after
others. For g convex near u every t works, and a large t is the fixed-point step ``u <- c / |c|``.
In the l1 ball it goes to the closest point of the ball, which has zeros.
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
    move: Callable[[Array], Array] | None = None,
) -> LocalMaxima:
    """Local maxima of s g above ``floor`` reached from the rows of ``starts``, for each sign s.

    At the deadline (`now`) it ends where it is.

    Parameters
    ----------
    features : (m, r) -> (n, m)
    pull_back : (m, r), (n, m) -> (m, r)
        As in UnitFamily.
    starts : (m, r) array
    v : (n,) or (n, c) array
    sides : tuple of float
        The signs s; of one output.
    move : (m, r) -> (m, r), optional
        Where |u| = 1 is closest to rows, which are not zero; `to_sphere` if not given.

    Examples
    --------
    >>> X = np.eye(2)
    >>> def pull_back(U, v):
    ...     return (np.where(X @ U.T > 0, 1.0, 0.0) * v).T @ X
    >>> found = ascend(lambda U: np.maximum(X @ U.T, 0), pull_back, np.ones((1, 2)),
    ...                np.array([3.0, 4.0]), 0.0)
    >>> round(found.rho, 6), found.error
    (5.0, inf)
    """
    move = move or to_sphere
    U = move(starts[starts.any(axis=1)])
    signs = np.repeat(sides, len(U)) if v.ndim == 1 else None
    U = np.tile(U, (len(sides) if v.ndim == 1 else 1, 1))
    (values, outputs), t = heights(v, features(U), signs), np.full(len(U), 1.0)
    size = float(np.linalg.norm(pull_back(U, along(v, outputs)), axis=1).max(initial=0.0)) or 1.0
    for _ in range(ASCENT_STEPS):
        slope = pull_back(U, along(v, outputs)) / size
        tried = U + t[:, None] * slope
        moved = (tried != 0.0).any(axis=1, keepdims=True)
        tried = np.where(moved, move(np.where(moved, tried, U)), U)
        reached, directions = heights(v, features(tried), signs)
        better = reached > values
        U[better], values[better], outputs[better] = (
            tried[better],
            reached[better],
            directions[better],
        )
        t = np.where(better, GROW * t, SHRINK * t)
        if (t < SHORTEST).all() or now() > deadline:
            break
    return collect(U, values, outputs, floor)


def to_sphere(W: Array) -> Array:
    """Rows in the direction of others, of length one."""
    return np.asarray(W / np.linalg.norm(W, axis=1)[:, None])


def to_l1_sphere(W: Array) -> Array:
    """The closest rows whose absolute values add up to one at most, made as long as that allows.

    Examples
    --------
    >>> to_l1_sphere(np.array([[3.0, -2.5, 0.1], [0.125, 0.0, -0.375]])).tolist()
    [[0.75, -0.25, 0.0], [0.25, 0.0, -0.75]]
    """
    sizes = np.abs(W)
    falling = -np.sort(-sizes, axis=1)
    excess = (np.cumsum(falling, axis=1) - 1.0) / np.arange(1, W.shape[1] + 1)
    last = (falling > excess).sum(axis=1) - 1
    level = np.maximum(np.take_along_axis(excess, last[:, None], axis=1), 0.0)
    close = np.sign(W) * np.maximum(sizes - level, 0.0)
    return np.asarray(close / np.abs(close).sum(axis=1)[:, None])


def heights(v: Array, features: Array, signs: Array | None) -> tuple[Array, Array]:
    """The values at units with these features, (n, m), and their outputs: the given signs.

    With several outputs the values are lengths, and the outputs directions (m, c).
    """
    if signs is not None:
        return signs * (v @ features), signs.copy()
    g = features.T @ v
    lengths = np.linalg.norm(g, axis=1)
    return lengths, g / np.where(lengths > 0.0, lengths, 1.0)[:, None]


def along(v: Array, outputs: Array) -> Array:
    """The dual vector of one output that each unit sees, (n, m)."""
    return np.asarray(v[:, None] * outputs if v.ndim == 1 else v @ outputs.T)


def collect(U: Array, values: Array, outputs: Array, floor: float) -> LocalMaxima:
    """Distinct points above the floor, best first."""
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > floor]
    kept: list[int] = []
    directed = to_sphere(U)
    for i in order:
        same = [j for j in kept if outputs.ndim == 2 or outputs[j] == outputs[i]]
        if not same or (directed[same] @ directed[i]).max() < np.cos(APART):
            kept.append(int(i))
    rho = max(float(values.max(initial=floor)), floor)
    return LocalMaxima(rho, np.inf, values[kept], U[kept], outputs[kept])


def how_many_starts(numbers: int) -> int:
    """Fewer than STARTS where one of them looks at many numbers."""
    return min(max(LONG // numbers, FEWEST), STARTS)


def random_starts(rows: Array, v: Array, seed: int = 0) -> Array:
    """Directions to start from: the gradients at random units."""
    rng = np.random.default_rng(seed)
    _, _, Vt = np.linalg.svd(rows, full_matrices=False)
    G = rng.standard_normal((how_many_starts(rows.size), len(Vt))) @ Vt
    starts = ((rows @ G.T > 0.0) * v[:, None]).T @ rows
    starts[~starts.any(axis=1)] = 1.0
    return np.asarray(starts)
