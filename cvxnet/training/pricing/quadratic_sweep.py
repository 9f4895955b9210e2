"""Exact maximisation of piecewise quadratic forms over all cells, in at most three dimensions.

The function to maximise on the unit sphere is, for s = +1 and for s = -1, or for one of them,

    s g(u) = s sum_k plus_k (e_k.u)_+^2 + minus_k (-e_k.u)_+^2          (e_k: unit normals).

Inside a cell it is ``s u^T A u`` with ``A`` the sum of ``plus_k e_k e_k^T`` over the normals with
``e_k.u > 0`` and of ``minus_k e_k e_k^T`` over the others. Its gradient ``2 A u`` does not jump
from cell to cell, as ``e_k e_k^T u = 0`` where ``e_k.u = 0``. So a critical point on the sphere,
inside a cell or on its boundary, is an eigenvector of that cell's A, and its value the eigenvalue:
vertices and edges need no tests of their own.

One exception: of a multiple eigenvalue the eigenvectors are a plane or all of space, and those
that the decomposition returns need not be in the cell. But where the plane meets the cell (which
is pointed, or all cells are one), it leaves it through an edge, so it crosses an arc of a circle
that bounds the cell; there the plane is met with the circle's own. The start of the arc
stands for the case that the arc lies in the plane, or the plane is all of space.

Sweep: walk along each circle ``e_i.u = 0`` past the sorted crossings of the others; a crossing
changes A by one rank-one term, and an arc shows its two cells. Every cell has an arc. In two
dimensions the one circle is the whole sphere and its arcs are the cells.
Most of them are dismissed as no eigenvalue can exceed the floor: with m the mean of the three and
``|A - m I|`` the Frobenius norm, ``|eigenvalue - m| <= sqrt(2/3) |A - m I|``. Time O(h^2 log h),
memory O(h) per core.

Rounding: A errs by at most about ``error``, (h + 100) units of rounding of the sum of all
coefficients, and so do its eigenvalues; eigenvectors err by that over the distance to the next
eigenvalue, and count as inside a cell up to it. A point that passes counts with the eigenvalue,
so ``rho + error`` bounds the maximum. Eigenvalues closer than CLOSE are multiple, and count with
the larger one.
"""

from __future__ import annotations

import numpy as np
from joblib import Parallel, delayed
from numba import njit

from cvxnet.training.geometry.circles import crossings, dot3, in_cell, plane_basis
from cvxnet.training.pricing.maxima import BOTH, LocalMaxima, Sides, distinct, none_above
from cvxnet.types import Array

CIRCLES_A_TASK = 200
"""Circles swept in one task: with more of them the sweep goes to joblib's threads."""
KEPT = 16
"""Points remembered per circle (the best ones); the maximum itself is never dropped."""
CLOSE = 1e-9
"""Eigenvalues closer than this, relative to the sum of all coefficients, count as multiple."""


def quadratic_sweep(
    normals: Array, plus: Array, minus: Array, floor: float = 0.0, sides: Sides = BOTH
) -> LocalMaxima:
    """Critical points of ``g`` on the sphere with ``s g`` above ``floor``: all local maxima too.

    Parameters
    ----------
    normals : (h, r) array
        Distinct unit normals, r <= 3.
    plus, minus : (h,) arrays
        Coefficients of ``(e_k.u)_+^2`` and ``(-e_k.u)_+^2`` in ``g``.
    floor : float
        Points at or below this value are not looked for.
    sides : tuple of float
        The signs s that count.

    Examples
    --------
    >>> found = quadratic_sweep(np.eye(2), np.array([3.0, 4.0]), np.array([-5.0, 0.0]))
    >>> found.rho, found.units.tolist(), found.outputs.tolist()
    (5.0, [[-1.0, -0.0], [0.0, 1.0], [1.0, 0.0]], [-1.0, 1.0, 1.0])
    """
    h, r = normals.shape
    scale = float(np.abs(plus).sum() + np.abs(minus).sum())
    error = (h + 100) * np.finfo(float).eps * scale
    floor = max(floor, 2 * error, 4 * CLOSE * scale)
    if h == 0 or scale == 0.0:
        return none_above(floor, r, error)
    solid = np.zeros((h, 3))
    solid[:, :r] = normals
    circles, owners = (solid, np.arange(h)) if r == 3 else (np.eye(3)[2:], np.full(1, -1))
    parts = max(1, len(circles) // CIRCLES_A_TASK)
    limits = floor, error, CLOSE * scale, sum(sides)
    tasks = (
        delayed(sweep_circles)(*part, solid, plus, minus, limits)
        for part in zip(np.array_split(circles, parts), np.array_split(owners, parts), strict=True)
    )
    jobs = Parallel(n_jobs=-1, require="sharedmem") if parts > 1 else Parallel(n_jobs=1)
    found = distinct(np.concatenate(jobs(tasks)).reshape(-1, 5), floor)
    rho = float(found[0, 0]) if len(found) else floor
    return LocalMaxima(rho, error, found[:, 0], found[:, 1 : 1 + r], found[:, 4])


# In all kernels below ``normals`` are (h, 3), ``plus`` and ``minus`` (h,), ``axis``, ``start`` and
# ``u`` (3,), forms (3, 3) and ``found`` (KEPT, 5), with rows (value, u, sign). ``limits`` are the
# floor, the error of A, how close eigenvalues count as multiple, and the side (0 where both count).


@njit(cache=True, nogil=True)
def sweep_circles(circles, owners, normals, plus, minus, limits):  # type: ignore[no-untyped-def]
    """What is found on each of the circles, (m, 3), with their ``owners`` (m,): (m, KEPT, 5).

    Unused rows are zero.
    """
    m = circles.shape[0]
    found = np.zeros((m, KEPT, 5))
    for i in range(m):
        sweep_circle(circles[i], owners[i], normals, plus, minus, limits, found[i])
    return found


@njit(cache=True)
def sweep_circle(axis, own, normals, plus, minus, limits, found):  # type: ignore[no-untyped-def]
    """Walk along the circle ``axis.u = 0``; ``own`` is the normal that owns it, or -1."""
    p, q = plane_basis(axis)
    order, along, side = crossings(normals, own, p, q)
    A = forms_before_first_crossing(normals, plus, minus, order, side)
    form, start = np.empty((3, 3)), np.empty(3)
    for t in range(order.size):
        k = order[t]
        side[k] = -side[k]
        jump = side[k] * (plus[k] - minus[k])
        add_square(A[0], jump, normals[k])
        add_square(A[1], -jump, normals[k])
        for x in range(3):
            start[x] = along[t, 0] * p[x] + along[t, 1] * q[x]
        for h in (1.0, -1.0):  # the arc, then the opposite one
            for own_side in (1.0, -1.0):  # the cell on the normal's side, then the other
                if own < 0 and own_side < 0.0:
                    continue
                copy(form, A[0] if h > 0.0 else A[1])
                add_own(form, own, own_side, axis, plus, minus)
                if largest_possible(form) > limits[0]:
                    inner = own_side if own >= 0 else 0.0  # 0: no side to be on
                    cell = (normals, axis, inner, h, side, order, t)
                    examine(form, start, cell, limits, found)


@njit(cache=True)
def add_own(form, own, own_side, axis, plus, minus):  # type: ignore[no-untyped-def]
    """Add the term of the normal that owns the circle, if one does."""
    if own >= 0:
        add_square(form, plus[own] if own_side > 0.0 else minus[own], axis)


@njit(cache=True)
def examine(form, start, cell, limits, found):  # type: ignore[no-untyped-def]
    """Keep the eigenvectors of one cell's form that lie in the cell."""
    floor, tol, close, side = limits
    eigenvalues, vectors = np.linalg.eigh(form)
    u = np.empty(3)
    for i in range(3):
        s = 1.0 if eigenvalues[i] > 0.0 else -1.0
        outward, inward = (i + 1, i - 1) if s > 0.0 else (i - 1, i + 1)
        value, outer = abs(eigenvalues[i]), gap_to(eigenvalues, i, outward)
        if value <= floor or outer <= close or s * side < 0.0:
            continue  # the outermost of several close eigenvalues stands for all
        distance = gap_to(eigenvalues, i, inward)
        if distance > close:
            for x in range(3):
                u[x] = vectors[x, i]
            keep_inside(u, value, s, cell, tol / min(distance, outer), found)
        else:
            keep_multiple(eigenvalues, vectors, i, (form, start, u), cell, limits, found)


@njit(cache=True)
def keep_multiple(eigenvalues, vectors, i, where, cell, limits, found):  # type: ignore[no-untyped-def]
    """Keep where the plane of eigenvalues i and the next inward meets the circle.

    ``where`` has the form, the start of the arc, and room for u.
    """
    _, tol, close, _ = limits
    form, start, u = where
    s = 1.0 if eigenvalues[i] > 0.0 else -1.0
    third = 3 - i - (i - 1 if s > 0.0 else i + 1)
    slack = tol / max(gap_to(eigenvalues, i, third), close)
    for x in range(3):
        y, z = (x + 1) % 3, (x + 2) % 3
        u[x] = vectors[y, third] * cell[1][z] - vectors[z, third] * cell[1][y]
    length = max(np.sqrt(dot3(u, u)), slack)
    for x in range(3):
        u[x] /= length
    for v in (u, start):
        if s * quadratic_form(form, v) >= abs(eigenvalues[i]) - 2.0 * close:
            keep_inside(v, abs(eigenvalues[i]), s, cell, slack, found)


@njit(cache=True)
def gap_to(eigenvalues, i, other):  # type: ignore[no-untyped-def]
    """The distance from eigenvalue i, of (3,), to another; infinite where there is none."""
    return abs(eigenvalues[other] - eigenvalues[i]) if 0 <= other <= 2 else np.inf


@njit(cache=True)
def keep_inside(u, value, s, cell, slack, found):  # type: ignore[no-untyped-def]
    """Keep whichever of u and -u lies in the closed cell.

    A cell is (normals, axis, side of the axis, and the last four arguments of `in_cell`).
    """
    normals, axis, own_side, h, side, order, t = cell
    signed = np.empty(3)
    for sign in (1.0, -1.0):
        for x in range(3):
            signed[x] = sign * u[x]
        beside = sign * own_side * dot3(axis, u) >= -slack
        if beside and in_cell(normals, h, side, order, t, signed, slack):
            replace_smallest(found, value, signed, s)


@njit(cache=True)
def quadratic_form(A, u):  # type: ignore[no-untyped-def]
    """``u^T A u``."""
    return dot3(A[0], u) * u[0] + dot3(A[1], u) * u[1] + dot3(A[2], u) * u[2]


@njit(cache=True)
def largest_possible(A):  # type: ignore[no-untyped-def]
    """A bound on the absolute eigenvalues of a symmetric matrix of order 3."""
    m = (A[0, 0] + A[1, 1] + A[2, 2]) / 3.0
    square = -3.0 * m * m
    for x in range(3):
        square += dot3(A[x], A[x])
    return abs(m) + np.sqrt(max(square, 0.0) * (2.0 / 3.0))


@njit(cache=True)
def forms_before_first_crossing(normals, plus, minus, order, side):  # type: ignore[no-untyped-def]
    """``A`` on the arc that ends at the first crossing, and on the opposite arc, (2, 3, 3)."""
    A = np.zeros((2, 3, 3))
    for k in order:
        add_square(A[0], plus[k] if side[k] > 0 else minus[k], normals[k])
        add_square(A[1], minus[k] if side[k] > 0 else plus[k], normals[k])
    return A


@njit(cache=True)
def copy(target, source):  # type: ignore[no-untyped-def]
    """Write one form over another."""
    for x in range(3):
        for y in range(3):
            target[x, y] = source[x, y]


@njit(cache=True)
def add_square(A, factor, e):  # type: ignore[no-untyped-def]
    """``A += factor e e^T`` in place."""
    for x in range(3):
        for y in range(3):
            A[x, y] += factor * e[x] * e[y]


@njit(cache=True)
def replace_smallest(found, value, u, s):  # type: ignore[no-untyped-def]
    """Put a point in the place of the smallest one remembered, if larger."""
    worst = 0
    for row in range(1, len(found)):
        if found[row, 0] < found[worst, 0]:
            worst = row
    if value > found[worst, 0]:
        found[worst, 0], found[worst, 4] = value, s
        for x in range(3):
            found[worst, 1 + x] = u[x]
