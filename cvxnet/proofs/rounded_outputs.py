"""A bound on rho(V) in floating point with several outputs, as rounded_sweep.py has it for one.

Here h is (3, c) and the k_j are vectors: g(u) = h^T u + sum_j k_j |e_j.u|. On a face g(u) = M^T u
with M = h + sum_j +-e_j k_j^T, (3, c); the norm of a matrix is that of its entries. What is said
there of circles, walks, E and sums holds for all outputs together. The level L is fixed while all
circles are walked: what is not proved to be at most L is found, and then L is raised to the largest
that was found, until nothing is. Margins are (128 + c) eps (|M| + 2 |h|)^2, more than what rounding
does to the squares below, sums of c products and a few steps of some eps each.

Circles. On an arc |M^T u|^2 is A + C cos 2 (theta - theta*), largest at theta* or, if neither that
nor its opposite is in the arc, at an end. In a basis of the plane A, C and theta* come from a 2x2
matrix with an error below half a margin; then if C is larger than the error theta* may be wrong by
no more than error / C, and what is missed at an end next to it is less than a margin, and else all
values are within a margin.

Cells. Suppose that all circles have |g| <= L, but that u* has |g(u*)| > L (1 + 2^-49), a maximum of
|g|. If u* is within an angle of eta of a circle, then |M^T u| >= |g(u*)| cos(eta) at the nearest
point of it, as u* is a top eigenvector of K in the interior of its cell, or on a circle: a
contradiction. So it is deep inside, and the walk looks at M and at the signs of its cell. That is
dismissed only where one of these is certain:

  lambda_1(K) <= L^2                                  then |g| <= L in the cell
  lambda_2(K) > L^2                                   then N = {|M^T u| > L} on the sphere is
                                                      connected; u* is in it and -u*, outside
  some z, |z| = 1, with z^T K z > L^2, z and -z outside     if lambda_2 <= L^2, N is +-C with C
                                                      connected, so z or -z is where u* is

In both of the latter N leads from inside the cell to outside, and where it passes a circle |g| =
|M^T u| > L: a contradiction.

Eigenvalues are taken from T = W^T K W where W is about orthogonal, |W^T W - I| <= d, whatever made
it: those of K and T differ by factors between 1 - d and 1 + d (Ostrowski), those of T and its
diagonal by at most the largest row sum of the rest (Weyl).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numba import njit

from cvxnet.proofs.rounded_sweep import (
    CIRCLES_AT_ONCE,
    EPS,
    OUTSIDE,
    Rows,
    Scaled,
    add,
    crossings,
    dot,
    ends_of_arcs,
    gradient,
    place,
    scaled,
    walk_start,
)
from cvxnet.types import Array

CERTAIN = 2.0**-45
"""By so much products of unit vectors and rows are certainly negative."""
MORE = 1.0 + 2.0**-44
"""By so much the level is above what was found."""


def bound_of_outputs(
    X: Array,
    V: Rows,
    left: Fraction,
    right: Fraction,
    floor: Fraction = Fraction(0),
    watch: Callable[[], None] = lambda: None,
) -> Fraction:
    """An upper bound on ``rho(V)``, or on ``floor`` where that is larger; hardly above it.

    Parameters
    ----------
    X : (n, d) array
        At most three columns; finite.
    V : n rows of c numbers
    left, right : slopes of the units
    floor : values below need not be told apart; the closer to rho, the faster
    watch : called now and then; may raise

    Examples
    --------
    >>> V = [[Fraction(3), Fraction(4)], [Fraction(1), Fraction(0)]]
    >>> found = bound_of_outputs(np.eye(2), V, Fraction(0), Fraction(1))
    >>> 5 < found < 6
    True
    """
    problem = scaled(X, V, left, right) or without_kinks(X, V, (right + left) / 2)
    level = float(floor / problem.unit) * (1.0 - 2.0**-48)
    while (found := largest_found(problem, level, watch)) > level:
        level = found * MORE
    return max(floor, Fraction(level) * (1 + Fraction(1, 2**49)) * problem.unit)


def without_kinks(X: Array, V: Rows, slope: Fraction) -> Scaled:
    """g is linear; a plane without a kink cuts the sphere in two."""
    c = len(V[0])
    sums = [
        slope * sum((Fraction(x) * row[k] for x, row in zip(column, V, strict=True)), Fraction(0))
        for k in range(c)
        for column in [*X.T.tolist(), *[[0.0] * len(X)] * (3 - X.shape[1])]
    ]
    unit = max([Fraction(1), *map(abs, sums)])
    h, nothing = np.array([float(x / unit) for x in sums]), np.zeros((1, 3 * c))
    return Scaled(np.array([[0.5, 0.0, 0.0]]), nothing, nothing, h, 0.0, 2.0**-60, unit)


def largest_found(problem: Scaled, level: float, watch: Callable[[], None]) -> float:
    """The level, or what is found above it."""
    E, first, rest, h, _, error, _ = problem
    size, found = float(np.linalg.norm(h)) * (1.0 + 2.0**-48), level
    for i in range(len(E)):
        if i % CIRCLES_AT_ONCE == 0:
            watch()
        sizes = (size, error, level)
        found = max(found, circle(E, first, rest, h, sizes, E[i], crossings(E, i)))
    return found


@njit(cache=True, nogil=True)
def circle(E, first, rest, h, sizes, e, crossings):  # type: ignore[no-untyped-def]
    """The level, or the largest above it on one circle's arcs and in the two cells beside each.

    E is (n, 3), first and rest are (n, 3 c), h has 3 c numbers; sizes are |h|, E and the level.
    """
    ratio, start, near, _, order = crossings
    size, error, level = sizes
    far, along, beside, sign = walk_start(first, rest, crossings)
    ends = ends_of_arcs(ratio, order)
    M, found, limit = np.empty(h.size), level, max(level - error, 0.0) ** 2
    for t in range(order.size + 1):
        if t > 0:
            j = order[t - 1]
            add(along if near[j] else far, -2.0 * start[j], first[j], rest[j])
            sign[j] = -sign[j]
        for turn in (1.0, -1.0):
            margin = room(gradient(M, far, 1.0, along, turn, h), size, M.size)
            square = on_arc(M, e, ends[t], ends[t + 1], limit - margin) + margin
            if square > limit:
                found = max(found, np.sqrt(square) + error)
            for side in (1.0, -1.0):
                square = gradient(M, far, side, beside, turn, h)
                margin = room(square, size, M.size)
                if square + margin > level * level:
                    square = in_cell(M, level * level, margin, E, sign, order, t, side * e)
                    found = max(found, np.sqrt(square))
    return found


@njit(cache=True)
def room(square, size, numbers):  # type: ignore[no-untyped-def]
    """The margin for |M|^2 = ``square`` of so many numbers, and |h| = ``size``."""
    return (128.0 + numbers) * EPS * (np.sqrt(square) + 2.0 * size) ** 2


@njit(cache=True)
def seen(M, u, v):  # type: ignore[no-untyped-def]
    """``(M^T u) . (M^T v)``; M has 3 c numbers."""
    total = 0.0
    for k in range(0, M.size, 3):
        total += dot(M[k : k + 3], u) * dot(M[k : k + 3], v)
    return total


@njit(cache=True)
def on_arc(M, e, before, after, enough):  # type: ignore[no-untyped-def]
    """The largest |M^T u|^2 on the arc of the circle of e between rows of these ratios.

    If that is no more than ``enough`` on the whole circle, that.
    """
    U, V, W = place(e, before), place(e, after), np.empty(3)
    divide(U, np.sqrt(dot(U, U)))
    divide(V, np.sqrt(dot(V, V)))
    turn = np.sign(e[np.argmax(np.abs(e))]) / np.sqrt(dot(e, e))  # from U to V
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        W[i] = turn * (e[j] * U[k] - e[k] * U[j])
    a, b, d = seen(M, U, U), seen(M, U, W), seen(M, W, W)
    top = (a + d) / 2.0 + np.hypot((a - d) / 2.0, b)
    if top <= enough:
        return top
    angle = np.arctan2(2.0 * b, a - d) / 2.0
    x, y, s, t = np.cos(angle), np.sin(angle), dot(V, U), dot(V, W)
    behind, ahead = y, x * t - y * s
    if min(behind, ahead) < -OUTSIDE and max(behind, ahead) > OUTSIDE:
        return max(a, a * s * s + 2.0 * b * s * t + d * t * t)
    return top


@njit(cache=True)
def divide(U, length):  # type: ignore[no-untyped-def]
    """``U /= length`` in place."""
    for i in range(U.size):
        U[i] /= length


@njit(cache=True)
def in_cell(M, square, margin, E, sign, order, t, e):  # type: ignore[no-untyped-def]
    """No less than the largest |M^T u|^2 in the cell beside arc t to which e points.

    0 if it is certain that this is at most ``square``, as long as that holds on all circles.
    """
    K = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            K[i, j] = entry(M, i, j)
    if definite(square - 2.0 * margin, K):
        return 0.0
    _, W = np.linalg.eigh(K)
    T, defect = turned(K, W), defect_of(W)
    rest, a, b, d = beside_diagonal(T), T[0, 0], T[1, 1], T[2, 2]
    middle, high = max(min(a, b), min(max(a, b), d)), max(a, b, d)
    top = (high + rest) * (1.0 + 2.0 * defect) + margin
    if top <= square or (middle - rest) * (1.0 - 2.0 * defect) - margin > square:
        return 0.0
    z = np.array([W[0, 2], W[1, 2], W[2, 2]])
    if seen(M, z, z) * (1.0 - 2.0 * defect) - margin > square and outside(E, sign, order, t, e, z):
        return 0.0
    return top


@njit(cache=True)
def entry(M, i, j):  # type: ignore[no-untyped-def]
    """Entry (i, j) of ``K = M M^T``."""
    total = 0.0
    for k in range(0, M.size, 3):
        total += M[k + i] * M[k + j]
    return total


@njit(cache=True)
def turned(K, W):  # type: ignore[no-untyped-def]
    """``W^T K W``, of (3, 3) matrices."""
    T = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            for k in range(3):
                T[i, j] += W[k, i] * (K[k, 0] * W[0, j] + K[k, 1] * W[1, j] + K[k, 2] * W[2, j])
    return T


@njit(cache=True)
def beside_diagonal(T):  # type: ignore[no-untyped-def]
    """The largest sum of a row of ``|T|`` without the diagonal, for T (3, 3)."""
    largest = 0.0
    for i in range(3):
        largest = max(largest, abs(T[i, i - 1]) + abs(T[i, i - 2]))
    return largest


@njit(cache=True)
def defect_of(W):  # type: ignore[no-untyped-def]
    """The d of ``|W^T W - I| <= d``, for W (3, 3)."""
    largest = 0.0
    for i in range(3):
        for j in range(3):
            x = W[0, i] * W[0, j] + W[1, i] * W[1, j] + W[2, i] * W[2, j]
            largest = max(largest, abs(x - 1.0 if i == j else x))
    return 3.0 * largest


@njit(cache=True)
def definite(level, K):  # type: ignore[no-untyped-def]
    """Whether all pivots of ``level I - K`` are positive, for K (3, 3)."""
    first = level - K[0, 0]
    if first <= 0.0:
        return False
    b, c = K[1, 0] / first, K[2, 0] / first
    second = level - K[1, 1] - b * K[1, 0]
    if second <= 0.0:
        return False
    mixed = K[2, 1] + b * K[2, 0]
    return level - K[2, 2] - c * K[2, 0] - mixed * mixed / second > 0.0


@njit(cache=True)
def outside(E, sign, order, t, e, z):  # type: ignore[no-untyped-def]
    """Whether z and -z are certainly outside of the cell beside arc t to which e points.

    E is (n, 3), sign has n numbers, order has the rows as they cross: the next ones tell most.
    """
    x = dot(e, z)
    plus, minus = x < -CERTAIN, x > CERTAIN
    for k in range(2 * max(t, order.size - t)):
        place = t + k // 2 if k % 2 else t - 1 - k // 2
        if 0 <= place < order.size:
            x = sign[order[place]] * dot(E[order[place]], z)
            plus, minus = plus or x < -CERTAIN, minus or x > CERTAIN
            if plus and minus:
                return True
    return False
