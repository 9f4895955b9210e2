"""Pricing by a sweep over all cells, in at most three dimensions: an oracle for the tests.

Exact, by another way than `cvxnet.training.pricing.subdivision`.

The function to maximise on the unit sphere is, for s = +1 and for s = -1,

    s g(u) = s sum_k plus_k (e_k.u)_+ + minus_k (-e_k.u)_+            (e_k: unit normals).

Inside a cell it is linear, ``s c.u`` with ``c`` the sum of ``plus_k e_k`` over the normals with
``e_k.u > 0`` less the sum of ``minus_k e_k`` over the others. So a local maximum is one of

* a cell's ``u = s c / |c|``, where that lies in its own cell (value ``|c|``),
* an arc's: the same with ``c`` projected on the plane of a circle ``e_i.u = 0``,
* a vertex, where two circles cross.

On a circle whose kink is convex, s (plus_i + minus_i) > 0, there is none of the last two kinds.

Sweep: for each i walk along the circle ``e_i.u = 0``. The other circles cross it at directions
sorted once; between crossings ``c`` is constant, and a crossing adds or removes one normal. Each
arc shows its two cells, its edge and the vertex at its start. Every cell has an arc, so nothing
is missed: O(h^2 log h) time for h circles and O(h) memory per core; no list of cells is stored.
The half circle suffices, as the opposite arc (its ``c`` kept alongside) has opposite signs.

In two dimensions the one circle is the whole sphere and its arcs are the cells; one dimension is
two dimensions with nothing in the second. Both are swept as a circle that no normal owns. In more
than three dimensions circles are many: `cvxnet.training.pricing.subdivision` goes another way.

Rounding: sums of h terms err by at most about ``error``, (h + 100) units of rounding of the sum of
all coefficients. A test passes when it is met up to that, and a point that passes counts with the
length of ``c``, which is then above the true value by no more than that order; ``rho + error``
bounds the maximum.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cvxnet.training.geometry.circles import add3, crossings, dot3, in_cell, plane_basis
from cvxnet.types import Array

KEPT = 16
"""Local maxima remembered per circle (the best ones); the maximum itself is never dropped."""


def sweep_sphere(normals: Array, plus: Array, minus: Array, floor: float, error: float) -> Array:
    """Local maxima (value, u, sign) in at most three dimensions, largest first."""
    h, r = normals.shape
    solid = np.zeros((h, 3))
    solid[:, :r] = normals
    circles, owners = (solid, np.arange(h)) if r == 3 else (np.eye(3)[2:], np.full(1, -1))
    found = sweep_circles(circles, owners, solid, plus, minus, floor, error).reshape(-1, 6)
    found = local_maxima(found[found[:, 0] > floor])
    return np.delete(found, [*range(1 + r, 4), 5], axis=1)


@njit(cache=True, nogil=True)
def sweep_circles(circles, owners, normals, plus, minus, floor, tolerance):  # type: ignore[no-untyped-def]
    """Candidates (value, u, sign, vertex or not), KEPT for each circle; unused rows are zero."""
    m = circles.shape[0]
    found = np.zeros((m, KEPT, 6))
    for i in range(m):
        sweep_circle(circles[i], owners[i], normals, plus, minus, floor, tolerance, found[i])
    return found


@njit(cache=True)
def sweep_circle(axis, own, normals, plus, minus, floor, tol, found):  # type: ignore[no-untyped-def]
    """Walk along the circle ``axis.u = 0``; ``own`` is the normal that owns it, or -1."""
    p, q = plane_basis(axis)
    order, along, side = crossings(normals, own, p, q)
    c = sums_before_first_crossing(normals, plus, minus, order, side)
    vertex = 1.0 if own >= 0 else 0.0  # in the plane its circle is all there is
    own_plus = plus[own] if own >= 0 else 0.0
    own_minus = minus[own] if own >= 0 else 0.0
    u = np.empty(3)
    for t in range(order.size):
        k = order[t]
        e, jump = normals[k], plus[k] + minus[k]
        start = along[t]
        end = along[t + 1] if t + 1 < order.size else -along[0]
        side[k] = -side[k]
        add3(c[0], side[k] * jump, e)
        add3(c[1], -side[k] * jump, e)
        turn = side[k] * jump * (dot3(e, q) * start[0] - dot3(e, p) * start[1])
        for h in (1.0, -1.0):  # the arc, then the opposite one
            for s in (1.0, -1.0):  # g, then -g
                w = c[0] if h > 0.0 else c[1]
                wp, wq, wa = s * h * dot3(w, p), s * h * dot3(w, q), s * dot3(w, axis)
                if s * (own_plus + own_minus) <= 0.0:
                    slope = wq * start[0] - wp * start[1]
                    if s * jump < 0.0 and slope <= tol and slope - s * turn >= -tol:
                        value = wp * start[0] + wq * start[1]
                        if value > floor:
                            keep(found, value, h * start[0], p, h * start[1], q, s, vertex)
                    if wa + s * own_plus <= tol and wa - s * own_minus >= -tol:
                        value = np.hypot(wp, wq)
                        if value > floor and between(start, end, wp, wq, tol):
                            keep(found, value, h * wp / value, p, h * wq / value, q, s, 0.0)
                if own < 0:
                    continue
                for own_side in (1.0, -1.0):
                    step = s * (own_plus if own_side > 0.0 else -own_minus)
                    value = np.sqrt(wp * wp + wq * wq + (wa + step) ** 2)
                    if value > floor and own_side * (wa + step) > 0.0:
                        for x in range(3):
                            u[x] = s / value * w[x] + step / value * axis[x]
                        if in_cell(normals, h, side, order, t, u, tol / value):
                            keep(found, value, 1.0, u, 0.0, u, s, 0.0)


@njit(cache=True)
def sums_before_first_crossing(normals, plus, minus, order, side):  # type: ignore[no-untyped-def]
    """``c`` on the arc that ends at the first crossing, and on the opposite arc."""
    c = np.zeros((2, 3))
    for k in order:
        add3(c[0], plus[k] if side[k] > 0 else -minus[k], normals[k])
        add3(c[1], -minus[k] if side[k] > 0 else plus[k], normals[k])
    return c


@njit(cache=True)
def between(start, end, wp, wq, tol):  # type: ignore[no-untyped-def]
    """Whether (wp, wq) points into the arc from ``start`` to ``end`` (at most a half circle)."""
    if start[0] * wq - start[1] * wp < -tol or wp * end[1] - wq * end[0] < -tol:
        return False
    return wp * (start[0] + end[0]) + wq * (start[1] + end[1]) >= 0.0


def local_maxima(found: Array) -> Array:
    """Each candidate once, largest first; vertices only where two circles found them.

    Between the circles through a vertex g is linear, so a vertex is a local maximum if it is one
    along all of them. (Where more than two cross, two are taken for all. The largest candidate
    always stays.)
    """
    _, first, times = np.unique(
        found[:, 1:].round(9), axis=0, return_index=True, return_counts=True
    )
    confirmed = (found[first, 5] == 0.0) | (times > 1)
    if len(first):
        confirmed[np.argmax(found[first, 0])] = True
    found = found[first[confirmed]]
    return found[np.argsort(-found[:, 0], kind="stable")]


@njit(cache=True)
def keep(found, value, a, p, b, q, s, vertex):  # type: ignore[no-untyped-def]
    """Put the unit ``a p + b q`` in the place of the smallest one remembered, if larger."""
    worst = 0
    for row in range(1, len(found)):
        if found[row, 0] < found[worst, 0]:
            worst = row
    if value > found[worst, 0]:
        found[worst, 0], found[worst, 4], found[worst, 5] = value, s, vertex
        for x in range(3):
            found[worst, 1 + x] = a * p[x] + b * q[x]
