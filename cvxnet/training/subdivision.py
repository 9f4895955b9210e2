"""Exact maximisation over all cells of an arrangement in any dimension, by subdividing cones.

The function is that of `cvxnet.training.sweep`. For s = +1 and for s = -1, with its kinks apart,

    s g(u) = b.u + sum_P |a_k.u| - sum_N |a_k.u|,        a_k = |plus_k + minus_k| / 2  e_k,

where P are the normals with s (plus_k + minus_k) > 0, whose kinks are convex, N those below 0, and
``b`` the sum of ``s (plus_k - minus_k) / 2  e_k``. No local maximum lies on a hyperplane of P.

The sphere is covered by cones, each spanned by r corners, unit vectors ``v_i``; the dual basis
``n_i`` gives the shares of ``u = sum_i (n_i.u) v_i``. A row ``a_k`` that has all corners on one
side is linear on the cone, and goes into its slope ``c``. Undecided rows leave three ways to go on.

* The cone is too low. At its corners let ``h_i = c.v_i + sum_P |a_k.v_i| - sum_N t_k a_k.v_i`` with
  any ``|t_k| <= 1``. As ``|a_k.u|`` is convex and ``-|a_k.u| <= -t_k a_k.u``, s g is at most
  ``sum_i (n_i.u) h_i`` on the cone; so at most ``|sum_i h_i n_i|``, and at most
  ``max_i h_i |sum_i n_i|``.
* The cone is barren. At a local maximum u some ``x = c + sum t_k a_k``, ``|t_k| <= 1``, is
  ``|x| u`` and so lies in the cone. If ``n_i.c + sum |n_i.a_k| < 0`` for some i, there is none.
* The cone is simple: no row of P is undecided. Then s g is concave there, and its one maximum on
  the sphere is found by `nearest_point`; it counts if it lies in the cone.

All others are cut in two, at an edge on which convexity counts most, where a hyperplane of P
crosses it. So walls of cones become hyperplanes of P, and cones end inside cells of P. No vertex,
edge or degenerate position needs a case of its own. Cones deeper than LEVELS are cut by one
hyperplane after the other, which ends for sure. When only FEW rows of P are undecided, it is
cheaper to try out their signs on the whole cone; what is found must have these signs.

The number of cones depends on how far the floor is above most of g more than on the number h of
hyperplanes, and grows quickly with the dimension; memory is O(LEVELS h).

Rounding: as in the sweep, sums of h terms err by about ``error``. Corners, heights and dual bases
come from those of the parent by one combination; what they lose over all levels is far below
ROOM, by which bounds are raised, and CLEAR, up to which walls count as part of both cones.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from joblib import Parallel, delayed
from numba import njit
from numpy.typing import NDArray

from cvxnet.training.nearest_point import dot, dot_rows, nearest_point

Array = NDArray[np.float64]

FEW = 2
"""Convex kinks whose signs are tried out rather than cut."""
LEVELS = 100
"""Depth up to which cuts are chosen freely."""
LEAST = 0.5
"""Local maxima below this part of the largest are not looked for."""
ZERO = 1e-14
"""Corners closer than this to a hyperplane lie on it."""
CLEAR = 1e-12
"""Rows of N are linear in cones this far off their hyperplane."""
ROOM = 1e-9
"""Relative room for the rounding of bounds, and of shares of points in the cone."""
BARREN = 1e-10
"""Room for the rounding of ``n_i.x``, relative to the size of all terms of g."""
SAME = 1e-10
"""A local maximum with wrong signs shows by g being larger than this, relatively."""
SLIVER = 1e3
"""Normals ``n_i`` longer than this are too uncertain to call a cone barren."""
IN_PARALLEL = 20
"""With more hyperplanes than this the cones go to joblib's threads."""


def subdivide(normals: Array, plus: Array, minus: Array, floor: float, error: float) -> Array:
    """Local maxima of ``|g|`` above the floor and above LEAST of the largest, largest first.

    Parameters
    ----------
    normals : (h, r) array
        Distinct unit normals.
    plus, minus : (h,) arrays
        Coefficients of ``(e_k.u)_+`` and ``(-e_k.u)_+`` in ``g``.
    floor, error : float
        Values up to the floor do not matter; the rounding of values.

    Returns
    -------
    (m, r + 2) array
        Value, unit vector and sign of g.

    Examples
    --------
    >>> found = subdivide(np.eye(4), np.array([0.0, 3.0, 4.0, 0.0]), np.zeros(4), 4.5, 1e-14)
    >>> found.round(6).tolist()
    [[5.0, 0.0, 0.6, 0.8, 0.0, 1.0]]
    """
    h, r = normals.shape
    orthants = np.array([np.diag(signs) for signs in product((1.0, -1.0), repeat=r)])
    best = np.zeros(1)
    sides = [(s, split_kinks(normals, s * plus, s * minus)) for s in (1.0, -1.0)]
    tasks = (delayed(search)(cone, *g, floor, error, best) for _, g in sides for cone in orthants)
    jobs = Parallel(n_jobs=-1 if h > IN_PARALLEL else 1, require="sharedmem")
    signs = np.repeat([1.0, -1.0], len(orthants))
    found = [np.insert(part, r + 1, s, axis=1) for part, s in zip(jobs(tasks), signs, strict=True)]
    return distinct(np.concatenate(found), max(floor, LEAST * best[0]))


def distinct(found: Array, floor: float) -> Array:
    """Each local maximum above the floor once, largest first; several cones may share one."""
    found = found[found[:, 0] > floor]
    found = found[np.argsort(-found[:, 0], kind="stable")]
    _, first = np.unique(found[:, 1:].round(9), axis=0, return_index=True)
    return found[np.sort(first)]


def split_kinks(normals: Array, plus: Array, minus: Array) -> tuple[Array, int, Array]:
    """The rows ``a_k``, each with its length, those of P first; their number; b."""
    bend, b = (plus + minus) / 2.0, (plus - minus) / 2.0 @ normals
    convex, concave = np.flatnonzero(bend > 0.0), np.flatnonzero(bend < 0.0)
    order = np.concatenate([convex, concave])
    lengths = np.abs(bend[order, None])
    return np.hstack([lengths * normals[order], lengths]), convex.size, b


@njit(cache=True, nogil=True)
def search(orthant, rows, convex, b, floor, error, best):  # type: ignore[no-untyped-def]
    """Local maxima (value, u) in one orthant; ``best`` is the largest of all searches so far.

    A stack holds the cones to be looked at: ``cones[top]`` the corners, the dual basis and the
    slope c; ``marks[top]`` which stretch of ``row`` the parent left undecided, in P and in N, the
    corner that the parent did not have (or -1), and the depth. ``height`` has the heights of
    those rows at the corners and at the cut. A cone appends to what its parent left, so the
    stretches of all its ancestors lie in a line.
    """
    h, r = rows.shape[0], b.size
    most, room = LEVELS + r * h, LEVELS * h + r * h * (h + 1) // 2 + 2 * h
    cones, marks = np.empty((most, 2 * r + 1, r)), np.empty((most, 5), np.int64)
    row, height = np.empty(room, np.int64), np.empty((room, r + 1))
    cones[0, :r] = cones[0, r : 2 * r] = orthant
    cones[0, 2 * r] = b
    mark(marks, 0, 0, convex, h, -1, 0)
    for k in range(h):
        row[k] = k
        for i in range(r):
            height[k, i] = dot_rows(orthant, i, rows, k)
    scale = rows[:, r].sum() + np.abs(b).sum()
    found, count = np.zeros((16, r + 1)), 0
    top, u = 0, np.empty(r)
    while top >= 0:
        level = max(floor, LEAST * best[0])
        first, middle, last = decide(cones, marks, row, height, rows, top)
        bound = upper_bound(cones, height, top, first, middle, last, u)
        if bound <= level or barren(cones, row, rows, top, first, last, scale):
            top -= 1
        elif middle - first > FEW:
            cut(cones, marks, height, top, first, middle, last)
            top += 1
        elif middle > first:
            try_signs(cones, marks, rows, row[first], top, first, middle, last)
            top += 1
        else:
            value = climb(cones, row, rows, top, middle, last, level, u)
            if value > level and value_at(u, rows, convex, b) <= value * (1.0 + SAME) + error:
                best[0] = max(best[0], value)
                found = keep(found, count, value, u)
                count += 1
            top -= 1
    return found[:count]


@njit(cache=True)
def mark(marks, place, first, middle, last, new, depth):  # type: ignore[no-untyped-def]
    marks[place, 0], marks[place, 1], marks[place, 2] = first, middle, last
    marks[place, 3], marks[place, 4] = new, depth


@njit(cache=True)
def decide(cones, marks, row, height, rows, top):  # type: ignore[no-untyped-def]
    """Move the rows with all corners on one side into the slope; the stretch of the others."""
    r, new = cones.shape[2], marks[top, 3]
    begin, turn, first = marks[top, 0], marks[top, 1], marks[top, 2]
    middle = last = first
    for t in range(begin, first):
        lowest, highest, total = np.inf, -np.inf, 0.0
        for i in range(r):
            corner = height[t, r if i == new else i]
            height[last, i] = corner
            lowest, highest, total = min(lowest, corner), max(highest, corner), total + corner
        k = row[t]
        slack = ZERO * rows[k, r] if t < turn else -CLEAR * rows[k, r]
        if lowest >= -slack or highest <= slack:
            side = 1.0 if (total > 0.0) == (t < turn) else -1.0
            for x in range(r):
                cones[top, 2 * r, x] += side * rows[k, x]
        else:
            row[last] = k
            last += 1
            middle += t < turn
    return first, middle, last


@njit(cache=True)
def upper_bound(cones, height, top, first, middle, last, bounds):  # type: ignore[no-untyped-def]
    """A bound on the value in the cone; ``bounds``, those at its corners, is room to work in."""
    r = bounds.size
    for i in range(r):
        bounds[i] = 0.0
        for x in range(r):
            bounds[i] += cones[top, 2 * r, x] * cones[top, i, x]
    for t in range(first, middle):
        for i in range(r):
            bounds[i] += abs(height[t, i])
    for t in range(middle, last):
        total = 0.0
        for i in range(r):
            total += height[t, i]
        side = 1.0 if total > 0.0 else -1.0
        for i in range(r):
            bounds[i] -= side * height[t, i]
    largest, reach, length = -np.inf, 0.0, 0.0
    for x in range(r):
        largest = max(largest, bounds[x])
        total = weighted = 0.0
        for i in range(r):
            total += cones[top, r + i, x]
            weighted += bounds[i] * cones[top, r + i, x]
        reach += total * total
        length += weighted * weighted
    return min(largest * np.sqrt(reach), np.sqrt(length)) * (1.0 + ROOM)


@njit(cache=True)
def barren(cones, row, rows, top, first, last, scale):  # type: ignore[no-untyped-def]
    """Whether the cone holds no local maximum whatever its value."""
    r = cones.shape[2]
    for i in range(r, 2 * r):
        most = length = 0.0
        for x in range(r):
            most += cones[top, i, x] * cones[top, 2 * r, x]
            length += cones[top, i, x] * cones[top, i, x]
        length = np.sqrt(length)
        if length > SLIVER:
            continue
        most += BARREN * scale * length
        for t in range(first, last):
            k, product = row[t], 0.0
            for x in range(r):
                product += cones[top, i, x] * rows[k, x]
            most += abs(product)
        if most < 0.0:
            return True
    return False


@njit(cache=True)
def cut(cones, marks, height, top, first, middle, last):  # type: ignore[no-untyped-def]
    """Replace the cone by its two parts, at ``top`` and ``top + 1``."""
    r, depth = cones.shape[2], marks[top, 4]
    i, j, t = choose_cut(height, first, middle if depth < LEVELS else first + 1, r)
    p, q, length = abs(height[t, j]), abs(height[t, i]), 0.0
    for x in range(r):
        length += (p * cones[top, i, x] + q * cones[top, j, x]) ** 2
    p, q = p / np.sqrt(length), q / np.sqrt(length)
    for t in range(first, last):
        height[t, r] = p * height[t, i] + q * height[t, j]
    copy(cones, top)
    for x in range(r):
        corner = p * cones[top, i, x] + q * cones[top, j, x]
        cones[top, i, x] = cones[top + 1, j, x] = corner
        cones[top, r + j, x] -= q / p * cones[top, r + i, x]
        cones[top, r + i, x] /= p
        cones[top + 1, r + i, x] -= p / q * cones[top + 1, r + j, x]
        cones[top + 1, r + j, x] /= q
    mark(marks, top, first, middle, last, i, depth + 1)
    mark(marks, top + 1, first, middle, last, j, depth + 1)


@njit(cache=True)
def choose_cut(height, first, last, r):  # type: ignore[no-untyped-def]
    """An edge (i, j) and a row that crosses it: those where interpolation errs most.

    Interpolating ``|a.u|`` between opposite heights errs by twice the lower one.
    """
    worst, edge, other = -1.0, 0, 1
    for i in range(r):
        for j in range(i):
            total = 0.0
            for t in range(first, last):
                total += error_between(height[t, i], height[t, j])
            if total > worst:
                worst, edge, other = total, i, j
    worst, chosen = -1.0, first
    for t in range(first, last):
        error = error_between(height[t, edge], height[t, other])
        if error > worst:
            worst, chosen = error, t
    return edge, other, chosen


@njit(cache=True)
def error_between(a, b):  # type: ignore[no-untyped-def]
    return abs(a) + abs(b) - abs(a + b)


@njit(cache=True)
def try_signs(cones, marks, rows, k, top, first, middle, last):  # type: ignore[no-untyped-def]
    """Replace the cone by two copies in which the first undecided row, k, counts as decided."""
    r = cones.shape[2]
    copy(cones, top)
    for x in range(r):
        cones[top, 2 * r, x] += rows[k, x]
        cones[top + 1, 2 * r, x] -= rows[k, x]
    mark(marks, top, first + 1, middle, last, -1, marks[top, 4])
    mark(marks, top + 1, first + 1, middle, last, -1, marks[top, 4])


@njit(cache=True)
def copy(cones, top):  # type: ignore[no-untyped-def]
    """The cone once more, above it."""
    for i in range(cones.shape[1]):
        for x in range(cones.shape[2]):
            cones[top + 1, i, x] = cones[top, i, x]


@njit(cache=True)
def climb(cones, row, rows, top, middle, last, level, u):  # type: ignore[no-untyped-def]
    """The value of the local maximum in a simple cone, and ``u`` itself; 0 where there is none."""
    r = u.size
    for x in range(r):
        u[x] = 0.0
        for i in range(r):
            u[x] += cones[top, i, x]
    value, excess = nearest_point(cones[top, 2 * r], rows, row[middle:last], level, u)
    if value <= level:
        return 0.0
    far = ROOM + np.sqrt(excess) / value  # how far u may be off
    for i in range(r, 2 * r):
        normal = cones[top, i]
        if normal @ u < -far * np.sqrt(normal @ normal):
            return 0.0
    return value


@njit(cache=True)
def value_at(u, rows, convex, b):  # type: ignore[no-untyped-def]
    """``s g(u)``."""
    value = b @ u
    for k in range(rows.shape[0]):
        height = abs(dot(rows, k, u))
        value += height if k < convex else -height
    return value


@njit(cache=True)
def keep(found, count, value, u):  # type: ignore[no-untyped-def]
    """``found`` with one more row."""
    if count == found.shape[0]:
        more = np.zeros((2 * count, found.shape[1]))
        more[:count] = found
        found = more
    found[count, 0] = value
    found[count, 1:] = u
    return found
