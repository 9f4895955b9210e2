"""Squared ReLU units of rank 7 at most, in cones, in floating point with bounds on rounding errors.

`cvxnet.proofs.checker.cones` does the same exactly. What is proved here is a proof, if the
processor, numpy and numba follow IEEE 754. Let eps = 2^-53, and s g(u) = s sum_j v_j (x_j.u)_+^2.

In the coordinates of rounded_rows.py it is at most h(w) = sum_j k_j (z_j.w)_+^2, k_j = s v_j, and
sum_j |v_j| |e_j| (2 |x_j| + |e_j|), for |w| <= 1. To show is h(w) <= L |w|^2.

Cones. Their corners w_i, r of them, are exact: at first unit vectors and their opposites, then the
middle of two others, as long as that has no more digits than a double. For w = sum t_i w_i, t >= 0,
and p_ij = z_j.w_i, rows are settled, where no p_ij is negative: they count with k_j (z_j.w)^2; or
none is positive: not at all; or in doubt, where they count with k_j (z_j.w)^2 or k_j (sum_i t_i
(p_ij)_+)^2 if k_j > 0, and are left out if k_j < 0. With M the sum of k_j z_j z_j^T over the
settled rows that count, and D that over those in doubt with k_j > 0, it is enough if

    L I - M - D is positive semidefinite; or of the numbers
    b_ik = w_i^T (L I - M) w_k - sum k_j (p_ij)_+ (p_kj)_+, over rows in doubt with k_j > 0,
    none is negative, or those that are, and the b_ii, make a positive semidefinite matrix.

A cone for which neither is so is cut in two at the middle of its longest edge. The level L rises to
a little above a local maximum of h that is above it, and where a cone cannot be cut until that is
proved.

Rounding. All w of a cone have the same signs, and corners |w_i|_1 = 1, so that sum_i t_i |w_i| and
sum_i t_i are at most sqrt(r) |w|. With S = sum_j |k_j| |z_j|^2, entries of M and D err by (n + 10)
eps S, of L I - M in the coordinates of corners by (n + 4 r + 40) eps (S + L) |w_i| |w_k|; p_ij by r
eps |z_j| |w_i|: so what has the wrong sign counts for r^3 eps^2 S, and positive parts for 2 r^2 eps
S. Elimination is exact for a matrix that is closer than 2 (r + 2) eps of its trace (Demmel 1989).
Together this changes the form by at most

    r (2 n + 8 r^2 + 100) eps (S + L) |w|^2,

so much less than L is what is to be shown.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cvxnet.kernels import add, dot
from cvxnet.proofs.checker.claims import Claims
from cvxnet.proofs.checker.coordinates import MAX_RANK, NEGLIGIBLE
from cvxnet.proofs.checker.document import RefusalError
from cvxnet.proofs.checker.dual import Clock, Dual
from cvxnet.proofs.rounded_rows import EPS, climb, in_few_coordinates
from cvxnet.types import Array

DEPTH = 400
"""Cuts of a cone one after the other: fewer than digits of doubles suffice for."""
HARDLY = 1e-9
"""By so much the level is above values, relatively, once one was above it."""
PORTION = 2_000_000
"""Rows of cones that are looked at before the clock is."""
OVERHEAD = 20
"""The work on a cone, beside that on its rows, in rows."""
LARGEST = 10_000
"""Samples for which there is room."""


class Stack(NamedTuple):
    """Room for cones that wait: corners (r, r), M (r, r), rows that are not settled, how many."""

    corners: Array
    forms: Array
    rows: NDArray[np.int64]
    counts: NDArray[np.int64]


def violation_in_squares(claims: Claims, dual: Dual, clock: Clock) -> Fraction:
    """0 if ``rho(v) <= weight_decay`` is proved; otherwise a bound on how far it is above that."""
    Z, rests, v = in_few_coordinates(claims, dual, LARGEST)
    if not len(v):
        return Fraction(0)
    squares = (Z * Z).sum(axis=1)
    slack = 1.001 * float(np.abs(v) @ (rests * (2.001 * np.sqrt(squares) + 3.0 * rests)))
    most = (float(claims.weight_decay) - slack) * (1.0 - 4.0 * EPS)
    if slack > float(NEGLIGIBLE) * most:
        raise RefusalError(f"the rank of the rows of X that v is not 0 on is above {MAX_RANK}")
    level = most
    for side in claims.sides:
        level = largest(Z, side * v, level, clock)
    return Fraction(max(level / most - 1.0, 0.0))


def largest(Z: Array, k: Array, level: float, clock: Clock) -> float:
    """A bound on h over the unit ball, or the level where that is larger."""
    n, r = Z.shape
    size = 1.001 * float(np.abs(k) @ (Z * Z).sum(axis=1))
    stack = Stack(
        np.empty((DEPTH + 2, r, r)),
        np.empty((DEPTH + 2, r, r)),
        np.empty((DEPTH + 2, n), dtype=np.int64),
        np.empty(DEPTH + 2, dtype=np.int64),
    )

    def at(w: Array) -> tuple[float, Array]:
        z = np.maximum(Z @ w, 0.0)
        return float(k @ (z * z)), 2.0 * (k * z) @ Z

    for signs in product((1.0, -1.0), repeat=r):
        stack.corners[0], stack.forms[0] = np.diag(signs), 0.0
        stack.rows[0], stack.counts[0], top = np.arange(n), n, 0
        while top >= 0:
            clock.check()
            top, raised = search(stack, top, Z, k, size, level)
            if top >= 0 and raised > level:
                raised = max(raised, (1.0 + HARDLY) * climb(at, middle_of(stack.corners[top])))
            level = raised
            if not np.isfinite(level):
                raise FloatingPointError("numbers of very different size")
    return float(level)


def middle_of(corners: Array) -> Array:
    """The direction of the sum of the corners."""
    total = corners.sum(axis=0)
    return np.asarray(total / np.linalg.norm(total))


@njit(cache=True, nogil=True)
def search(stack, top, Z, k, size, level):  # type: ignore[no-untyped-def]
    """Look at cones for a while; the top of what is left, and the level that bounds the others.

    It ends where a value is above the level, with that cone at the top.
    """
    corners, forms, rows, counts = stack
    n, r = Z.shape
    heights, B, E = np.empty((n, r)), np.empty((r, r)), np.empty((r, r))
    room = r * (2.0 * n + 8.0 * r * r + 100.0) * EPS
    work = PORTION
    while top >= 0 and work > 0:
        work -= counts[top] + OVERHEAD
        settle(corners[top], forms[top], rows, counts, Z, k, heights, top)
        cone = corners[top], forms[top], rows[top], counts[top]
        if is_proved(cone, Z, k, heights, level - room * (size + level), B, E):
            top -= 1
            continue
        value = value_within(corners[top], Z, k)
        if value > level:
            return top, (1.0 + HARDLY) * value
        if top > DEPTH or not cut(corners, top):
            step = HARDLY
            while level < np.inf:
                if is_proved(cone, Z, k, heights, level - room * (size + level), B, E):
                    break
                level, step = (1.0 + step) * level, 2.0 * step
            top -= 1
            continue
        for i in range(r):
            for j in range(r):
                forms[top + 1, i, j] = forms[top, i, j]
        for t in range(counts[top]):
            rows[top + 1, t] = rows[top, t]
        counts[top + 1] = counts[top]
        top += 1
    return top, level


@njit(cache=True)
def settle(corners, form, rows, counts, Z, k, heights, top):  # type: ignore[no-untyped-def]
    """Take the rows that are settled off the list, and add them to M; the heights of the others."""
    r, count = corners.shape[0], 0
    for t in range(counts[top]):
        j = rows[top, t]
        lowest, highest = np.inf, -np.inf
        for i in range(r):
            heights[count, i] = dot(Z[j], corners[i])
            lowest, highest = min(lowest, heights[count, i]), max(highest, heights[count, i])
        if lowest >= 0.0:
            add_square(form, k[j], Z[j])
        elif highest > 0.0:
            rows[top, count] = j
            count += 1
    counts[top] = count


@njit(cache=True)
def add_square(form, factor, z):  # type: ignore[no-untyped-def]
    """``form += factor z z^T`` in place."""
    for i in range(z.size):
        add(form[i], factor * z[i], z)


@njit(cache=True)
def is_proved(cone, Z, k, heights, level, B, E):  # type: ignore[no-untyped-def]
    """Whether the function is at most the level on a cone; B and E are room for (r, r) numbers."""
    corners, form, rows, count = cone
    r = corners.shape[0]
    for i in range(r):
        for j in range(r):
            E[i, j] = (level if i == j else 0.0) - form[i, j]
    for i in range(r):
        for j in range(r):
            B[i, j] = 0.0
            for x in range(r):
                B[i, j] += corners[i, x] * dot(E[x], corners[j])
    for t in range(count):
        j = rows[t]
        if k[j] > 0.0:
            add_square(E, -k[j], Z[j])
            for i in range(r):
                heights[t, i] = max(heights[t, i], 0.0)
            add_square(B, -k[j], heights[t])
    if is_semidefinite(E):
        return True
    lowest = np.inf
    for i in range(r):
        for j in range(r):
            lowest = min(lowest, B[i, j])
            if i != j:
                B[i, j] = min(B[i, j], 0.0)
    return lowest >= 0.0 or is_semidefinite(B)


@njit(cache=True)
def is_semidefinite(A):  # type: ignore[no-untyped-def]
    """Whether all pivots of A (r, r) are positive; A is lost.

    Of what rounding makes different in both halves, the upper one counts alone: with both, small
    pivots would make an indefinite matrix pass.
    """
    r = A.shape[0]
    for i in range(r):
        if not A[i, i] > 0.0:
            return False
        for j in range(i + 1, r):
            add(A[j], -A[i, j] / A[i, i], A[i])
    return True


@njit(cache=True)
def value_within(corners, Z, k):  # type: ignore[no-untyped-def]
    """About the value at the sum of the corners, made as long as one."""
    r = corners.shape[0]
    w, value = np.zeros(r), 0.0
    for i in range(r):
        add(w, 1.0, corners[i])
    for j in range(k.size):
        value += k[j] * max(dot(Z[j], w), 0.0) ** 2
    return value / dot(w, w)


@njit(cache=True)
def cut(corners, top):  # type: ignore[no-untyped-def]
    """Two halves of a cone in place of it, and whether its new corner is exact."""
    r = corners.shape[1]
    longest, first, second = -1.0, 0, 0
    for i in range(r):
        for j in range(i):
            square = 0.0
            for x in range(r):
                square += (corners[top, i, x] - corners[top, j, x]) ** 2
            if square > longest:
                longest, first, second = square, i, j
    for i in range(r):
        for x in range(r):
            corners[top + 1, i, x] = corners[top, i, x]
    for x in range(r):
        a, b = 0.5 * corners[top, first, x], 0.5 * corners[top, second, x]
        if (a + b) - a != b or (a + b) - b != a:  # one of both differences is exact
            return False
    for x in range(r):
        middle = 0.5 * corners[top, first, x] + 0.5 * corners[top, second, x]
        corners[top, first, x] = corners[top + 1, second, x] = middle
    return True
