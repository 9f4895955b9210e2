"""Local search for good dichotomies in any dimension, along circles.

A cell of the arrangement has its edges on circles in which r - 2 of its facets meet. Walking once
around such a circle finds the best of all cells along it, exactly and in the time of one sort, the
present cell among them: a step that changes many sides at once and never leads down. From each
start the search tries circles of hyperplanes near the present unit until none of many helps.
"""

from __future__ import annotations

import numpy as np
from joblib import Parallel, delayed
from numba import njit

from cvxnet.kernels import dot, stable_order
from cvxnet.training.pricing.steps.branching import whiten
from cvxnet.training.pricing.steps.circles import contains, copy, orthonormal_basis
from cvxnet.types import Array

STARTS = 40
"""Climbs, each from another start."""
TRIES = 100
"""Circles without improvement after which a climb ends."""
NEAREST = 2
"""Circles are drawn from the ``NEAREST * r`` hyperplanes nearest to the unit."""
TRAIL = 8
"""Units remembered of each climb, the last ones."""
NEARLY_DEPENDENT = 1e-9
"""Circles of normals of a smaller volume are left out."""


def search_circles(normals: Array, c: Array, starts: int = STARTS) -> Array:
    """Units with large ``sum_k c_k sign(e_k.u)``: the ends of climbs and the last steps to them.

    Parameters
    ----------
    normals : (h, r) array, r >= 2
    c : (h,) array

    Returns
    -------
    (m, r) array

    Examples
    --------
    >>> normals = np.random.default_rng(0).standard_normal((50, 6))
    >>> c = np.sign(normals @ np.ones(6))                         # the sides of one cell
    >>> units = search_circles(normals, c, starts=4)
    >>> float((np.sign(normals @ units.T).T @ c).max())
    50.0
    """
    normals, A, _ = whiten(normals)
    rng = np.random.default_rng(0)
    weights = rng.exponential(size=(starts, len(c)))
    weights[0] = 1.0
    first = (weights * c) @ normals
    seeds = rng.integers(2**31, size=starts)
    jobs = Parallel(n_jobs=-1, require="sharedmem") if starts > 1 else Parallel(n_jobs=1)
    trails = jobs(delayed(climb)(normals, c, *start) for start in zip(first, seeds, strict=True))
    units = np.vstack(trails)
    return np.asarray(units[units.any(axis=1)] @ A.T)


@njit(cache=True, nogil=True)
def climb(normals, c, u, seed):  # type: ignore[no-untyped-def]
    """The last TRAIL units of a climb from u, (TRAIL, r); unused rows are zero.

    Normals are (h, r), c is (h,), u is (r,).
    """
    np.random.seed(seed)
    r = normals.shape[1]
    trail, steps, fails = np.zeros((TRAIL, r)), 0, 0
    value = signed_sum(normals, c, u)
    copy(trail[0], u)
    near = nearest(normals, u)
    while fails < TRIES:
        draw(near, r - 2)
        higher = step(normals, c, near[: r - 2])
        reached = signed_sum(normals, c, higher)
        fails += 1
        if reached > value + 1e-12 * abs(value):
            value, fails = reached, 0
            near = nearest(normals, higher)
            copy(trail[steps % TRAIL], higher)
            steps += 1
    return trail


@njit(cache=True)
def signed_sum(normals, c, u):  # type: ignore[no-untyped-def]
    """``sum_k c_k sign(e_k.u)``, with e_k in the rows of ``normals``, (h, r)."""
    total = 0.0
    for k in range(c.size):
        total += c[k] if dot(normals[k], u) > 0.0 else -c[k]
    return total


@njit(cache=True)
def nearest(normals, u):  # type: ignore[no-untyped-def]
    """The ``NEAREST * r`` hyperplanes nearest to u, by their index in (h, r)."""
    heights = np.empty(len(normals))
    for k in range(len(normals)):
        heights[k] = abs(dot(normals[k], u))
    return stable_order(heights)[: NEAREST * normals.shape[1]]


@njit(cache=True)
def draw(members, count):  # type: ignore[no-untyped-def]
    """Bring a random choice of so many members to the front (Fisher and Yates)."""
    for t in range(count):
        other = np.random.randint(t, members.size)
        members[t], members[other] = members[other], members[t]


@njit(cache=True)
def step(normals, c, subset):  # type: ignore[no-untyped-def]
    """A unit (r,) inside the best cell along the circle of a subset of r - 2 hyperplanes."""
    h, r = normals.shape
    basis, volume = orthonormal_basis(normals, subset)
    u = np.zeros(r)
    if volume < NEARLY_DEPENDENT:
        return u
    off = to_good_sides(normals, c, subset, basis)
    angle = best_angle(normals, c, subset, basis[r - 2], basis[r - 1])
    for x in range(r):
        u[x] = np.cos(angle) * basis[r - 2, x] + np.sin(angle) * basis[r - 1, x]
    room = 2.0  # half way to the first hyperplane that is not the circle's
    for k in range(h):
        height, rise = dot(normals[k], u), dot(normals[k], off)
        if height * rise < 0.0 and not contains(subset, k):
            room = min(room, -height / rise)
    for x in range(r):
        u[x] += 0.5 * room * off[x]
    return u


@njit(cache=True)
def to_good_sides(normals, c, subset, basis):  # type: ignore[no-untyped-def]
    """A direction off the circle, one away from each of its hyperplanes, where c wants to be.

    In the basis, (r, r), the normals of the subset are lower triangular.
    """
    off = np.zeros(normals.shape[1])
    for i in range(subset.size):
        e = normals[subset[i]]
        good = 1.0 if c[subset[i]] >= 0.0 else -1.0
        along = (good - dot(e, off)) / dot(e, basis[i])
        for x in range(off.size):
            off[x] += along * basis[i, x]
    return off


@njit(cache=True)
def best_angle(normals, c, subset, p, q):  # type: ignore[no-untyped-def]
    """The middle of the arc of the circle where ``sum c_k sign(e_k.u)`` is largest.

    p and q, (r,) each, span the plane of the circle.
    """
    h = len(normals)
    angle, side = np.full(h, np.inf), np.zeros(h)
    total = 0.0
    for k in range(h):
        if not contains(subset, k):
            a, b = dot(normals[k], p), dot(normals[k], q)  # a cos + b sin
            side[k] = 1.0 if a > 0.0 or (a == 0.0 and b > 0.0) else -1.0
            angle[k] = np.arctan2(-a * side[k], b * side[k]) % np.pi
            total += side[k] * c[k]
    order = stable_order(angle)[: h - subset.size]
    best, middle = -np.inf, 0.0
    for t in range(order.size):
        total -= 2.0 * side[order[t]] * c[order[t]]
        if abs(total) > best:
            best = abs(total)
            end = angle[order[t + 1]] if t + 1 < order.size else angle[order[0]] + np.pi
            middle = 0.5 * (angle[order[t]] + end) + (np.pi if total < 0.0 else 0.0)
    return middle
