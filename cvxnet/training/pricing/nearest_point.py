"""The point of a zonotope nearest to the origin, by Wolfe's method (1976).

The zonotope is ``{c - sum_k t_k a_k : |t_k| <= 1}``. Its support is cheap: of all its points
``c - sum_k sign(a_k.u) a_k`` has the smallest product with u. So the distance to the origin is

    max over |u| <= 1 of  c.u - sum_k |a_k.u|,

which is why pricing needs it, and the maximiser is the direction of the nearest point.

Wolfe keeps a few affinely independent points and the nearest point ``x`` of their convex hull. The
support at x either proves that x is nearest or gives a point to add; points that the nearest
one no longer needs are dropped. It ends after finitely many steps. At every moment ``|x|`` bounds
the distance from above, so a search for large distances may stop early.
"""

from __future__ import annotations

import numpy as np
from numba import njit

MOST_POINTS = 100
"""So often a point is added."""
CONVERGED = 1e-15
"""A support that lowers ``|x|^2`` by less, relatively, proves that x is nearest."""
DEPENDENT = 1e-12
"""Points are affinely dependent where their edges meet at angles below this."""


@njit(cache=True, nogil=True)
def nearest_point(c, rows, used, level, u):  # type: ignore[no-untyped-def]
    """The distance (from above) and how much less its square may be; both 0 if below ``level``.

    ``rows`` (h, r or more columns) start with the ``a_k``, of which those in ``used`` (k,) count;
    ``c`` is (r,), and so is ``u``: a guess at the direction, which it becomes.
    """
    r = u.size
    points, shares, size = np.empty((r + 2, r)), np.zeros(r + 2), np.int64(0)  # not a literal
    edges, system, wanted = np.empty((r + 2, r)), np.empty((r + 2, r + 2)), np.empty(r + 2)
    distance, excess = np.inf, np.inf
    for _ in range(MOST_POINTS):
        add_support(c, rows, used, u, points, size)
        if size:
            excess = distance * (distance - dot_row(points, size, u))
            if excess <= CONVERGED * distance * distance or size > r:
                break
        shares[size] = 0.0 if size else 1.0
        size = reduce_hull(points, shares, size + 1, edges, system, wanted)
        shorter = combine(points, shares, size, r, wanted)
        if shorter <= level:
            return 0.0, 0.0
        if shorter >= distance:
            break
        distance = shorter
        for x in range(r):
            u[x] = wanted[x] / distance
    return distance, max(excess, 0.0)


# Below, ``points`` (r + 2, r) and their ``shares`` (r + 2,) are used up to ``size``; ``edges``
# (r + 2, r), ``system`` (r + 2, r + 2) and ``wanted`` (r + 2,) are room to work in.


@njit(cache=True)
def combine(points, shares, size, r, total):  # type: ignore[no-untyped-def]
    """Write the sum of ``shares[i] points[i]`` into ``total[:r]``; returns its length."""
    square = 0.0
    for x in range(r):
        entry = 0.0
        for i in range(size):
            entry += shares[i] * points[i, x]
        total[x] = entry
        square += entry * entry
    return np.sqrt(square)


@njit(cache=True)
def dot_row(points, i, vector):  # type: ignore[no-untyped-def]
    """``points[i] . vector``, (m, r or more) and (r,): a slice would cost more than the product."""
    total = 0.0
    for x in range(vector.size):
        total += points[i, x] * vector[x]
    return total


@njit(cache=True)
def dot_rows(points, i, others, j):  # type: ignore[no-untyped-def]
    """``points[i] . others[j]``, both (m, r)."""
    total = 0.0
    for x in range(points.shape[1]):
        total += points[i, x] * others[j, x]
    return total


@njit(cache=True)
def add_support(c, rows, used, u, points, place):  # type: ignore[no-untyped-def]
    """Write the point of the zonotope with the smallest product with u into ``points[place]``."""
    for x in range(u.size):
        points[place, x] = c[x]
    for k in used:
        side = 1.0 if dot_row(rows, k, u) > 0.0 else -1.0
        for x in range(u.size):
            points[place, x] -= side * rows[k, x]


@njit(cache=True)
def reduce_hull(points, shares, size, edges, system, wanted):  # type: ignore[no-untyped-def]
    """Move the shares to the nearest point of the hull; returns how many points it needs.

    Where the nearest point of the affine hull has a negative share, go towards it as far as the
    hull reaches, drop the point whose share vanishes there, and try again.
    """
    while size > 1:
        if not affine_shares(points, size, edges, system, wanted):
            return size  # the new point adds nothing
        step, first = 1.0, -1
        for i in range(size):
            if wanted[i] <= 0.0 and shares[i] <= step * (shares[i] - wanted[i]):
                step, first = shares[i] / (shares[i] - wanted[i]) if shares[i] else 0.0, i
        for i in range(size):
            shares[i] += step * (wanted[i] - shares[i])
        if first < 0:
            break
        size -= 1
        shares[first] = shares[size]
        for x in range(points.shape[1]):
            points[first, x] = points[size, x]
    return size


@njit(cache=True)
def affine_shares(points, size, edges, system, shares):  # type: ignore[no-untyped-def]
    """Barycentric coordinates ``shares`` of the point of the affine hull nearest to the origin.

    Gram and Schmidt on the edges from the first point, each scaled to length 1 so that short
    ones count. False if the points are dependent.
    """
    r = points.shape[1]
    for i in range(1, size):
        for x in range(r):
            edges[i, x] = points[i, x] - points[0, x]
        system[0, i] = normalise(edges, i)
        if system[0, i] == 0.0:
            return False
        for j in range(1, i):
            system[j, i] = dot_rows(edges, i, edges, j)
            for x in range(r):
                edges[i, x] -= system[j, i] * edges[j, x]
        system[i, i] = normalise(edges, i)
        if system[i, i] <= DEPENDENT:
            return False
    shares[0] = 1.0
    for i in range(size - 1, 0, -1):
        share = 0.0
        for x in range(r):
            share -= edges[i, x] * points[0, x]
        for j in range(i + 1, size):
            share -= system[i, j] * shares[j] * system[0, j]
        shares[i] = share / (system[i, i] * system[0, i])
        shares[0] -= shares[i]
    return True


@njit(cache=True)
def normalise(points, i):  # type: ignore[no-untyped-def]
    """Scale ``points[i]``, of (m, r), to length one; returns the length it had."""
    length = np.sqrt(dot_rows(points, i, points, i))
    for x in range(points.shape[1]):
        points[i, x] /= length if length > 0.0 else 1.0
    return length
