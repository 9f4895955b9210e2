"""Rows of data for proofs in floating point: which numbers there may be, and few coordinates.

Let eps = 2^-53. Numbers other than 0 are between 2^-300 and 2^300 in size, so that underflow counts
for nothing beside the rounding of what is larger.

Coordinates. Let B be a matrix (d, r) with about orthonormal columns, and |B| <= 1 + defect. With
doubles z_j about (1 + defect) B^T x_j and e_j = x_j - B z_j / (1 + defect), x_j.u = z_j.w + e_j.u
where w = B^T u / (1 + defect): so |w| <= 1 if |u| <= 1. What is computed for e_j errs in each entry
by (r + 10) eps of |x_j| + |B| |z_j| at most. The e_j are nothing but rounding, if the rank is r.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from cvxnet.proofs.checker.claims import Claims
from cvxnet.proofs.checker.coordinates import MAX_RANK
from cvxnet.proofs.checker.dual import Dual
from cvxnet.types import Array

EPS = 2.0**-53
RANGE = 2.0**300
"""Numbers are at most this, and at least its inverse."""
DEPENDENT = 1e-10
"""What is left of rows, relative to the longest, that is their rounding."""
CLIMB = 200
"""Steps towards a local maximum."""


class Rows(NamedTuple):
    """The z_j (n, r), bounds on the |e_j| (n,), and the v_j (n,), none of them 0."""

    Z: Array
    rests: Array
    v: Array


def rows_with_ones(claims: Claims) -> Array:
    """X (n, d), or with a column of ones where there are hidden biases."""
    X = np.array(claims.X)
    return np.column_stack([X, np.ones(len(X))]) if claims.bias else X


def check_range(numbers: Array) -> None:
    """Refuse numbers that are too large or too small."""
    sizes = np.abs(numbers[numbers != 0.0])
    if sizes.size and (sizes.max() > RANGE or sizes.min() < 1.0 / RANGE):
        raise FloatingPointError("numbers of very different size")


def doubles_of(quotients: Iterable[tuple[int, int]]) -> Array:
    """Quotients of whole numbers as doubles; refuses those that are too large or too small.

    Also such that would be rounded to 0: they may belong to huge rows.
    """
    given = list(quotients)
    try:
        found = np.array([p / q for p, q in given])
    except OverflowError:
        raise FloatingPointError("a dual vector with huge numbers") from None
    if any(p and not x for (p, _), x in zip(given, found, strict=True)):
        raise FloatingPointError("numbers of very different size")
    check_range(found)
    return found


def in_few_coordinates(claims: Claims, dual: Dual, most: int) -> Rows:
    """The rows with a v_j other than 0, at most so many, in the coordinates w of the unit ball."""
    check_range(np.array([claims.weight_decay]))
    v = doubles_of((x, dual.v_scale) for x in dual.v)
    X, v = rows_with_ones(claims)[v != 0.0], v[v != 0.0]
    if len(v) > most:
        raise FloatingPointError(f"more than {most} samples")
    check_range(X)
    if not X.any():
        return Rows(np.zeros((0, 0)), np.zeros(0), np.zeros(0))
    _, s, basis = np.linalg.svd(np.linalg.qr(X, mode="r"), full_matrices=False)
    r = min(int((s > DEPENDENT * s[0]).sum()), MAX_RANK)
    B, d = basis[:r].T, X.shape[1]
    defect = float(np.linalg.norm(B.T @ B - np.eye(r))) + r * (d + 10) * EPS
    scale = (1.0 + defect) * (1.0 + 4.0 * EPS)
    Z = X @ (scale * B)
    W = Z / scale
    rounding = (r + 10) * EPS * (np.abs(X) + np.abs(W) @ np.abs(B.T))
    return Rows(Z, np.linalg.norm(np.abs(X - W @ B.T) + rounding, axis=1), v)


def climb(at: Callable[[Array], tuple[float, Array]], w: Array) -> float:
    """About the value of a local maximum in the unit ball, from w: a search, no proof.

    ``at`` has value and gradient. Where a proof fails, the level of what can be proved jumps there.
    """
    w = w / max(float(np.linalg.norm(w)), 1.0)
    (value, slope), step = at(w), 1.0
    for _ in range(CLIMB):
        moved = w + step * slope / max(float(np.linalg.norm(slope)), 1.0 / RANGE)
        moved /= max(float(np.linalg.norm(moved)), 1.0)
        higher, steeper = at(moved)
        if higher > value:
            w, value, slope, step = moved, higher, steeper, 2.0 * step
        else:
            step *= 0.25
    return float(value)
