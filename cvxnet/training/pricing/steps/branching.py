"""A proved bound on sums of steps in any dimension, by branch and bound over cones.

    max over u of  sum_k side_k c_k + sum of d_k over side_k = 0        (side_k: sign of e_k.u)

In the cone spanned by r vectors, a hyperplane that has all of them strictly on one side has all of
the cone there: its term is fixed. The others add at most ``w_k = max(|c_k|, |d_k|)`` each, which
bounds the sum over the cone. Where that is not below the target, the cone is cut in two through the
middle of its longest edge. ``r + 1`` cones, on all but one of the corners of a simplex around 0,
cover the space.

Where many hyperplanes meet in one ray, cutting cones near it does not help: fewer sides are
possible together than their terms allow. Cones in which nothing changes for long are bounded by
the exact maximum over the arrangement of the hyperplanes that are left in them.

The cones live in coordinates ``u = A w`` in which the normals point everywhere alike; raw data with
a column of ones point all nearly the same way.

Rounding: a hyperplane counts as strictly on one side only by CLEAR times the condition of A, far
above the rounding of products and middles; the cones that the proof is about are the exact ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numba import njit

from cvxnet.kernels import dot
from cvxnet.training.pricing.steps.circles import copy
from cvxnet.training.pricing.steps.dichotomies import Dichotomies
from cvxnet.training.pricing.steps.integer_rows import restrict
from cvxnet.types import Array

CLEAR = 1e-12
DEPTH = 5000
"""Cones waiting at a time, at most: one for each cut from the first cone to the present one."""
STALL = 2
"""A cone is set aside after ``STALL * r^2`` cuts that fixed no term."""
ASIDE = 1000
"""Cones set aside at a time, at most."""
EXACT = 3e6
"""What an exact maximum over the hyperplanes left counts for in the budget."""
ROUNDS = 6
"""How often a cone set aside may be cut further."""
LARGEST_LEFT = 40
"""Exact maxima are taken over at most so many hyperplanes."""


class Bound(NamedTuple):
    """``bound`` holds for all u; ``units`` (m, r) are in cells above the target, if any.

    ``products`` is what it took.
    """

    bound: float
    units: Array
    products: float


class Cones(NamedTuple):
    """What branching is about: rounded normals in the coordinates of the cones, and terms."""

    normals: Array
    clear: float
    c: Array
    weights: Array


def bound_sums(
    cells: Dichotomies, c: Array, d: Array, target: float, budget: float
) -> Bound | None:
    """Prove a bound near ``target``, or None where the budget of products runs out.

    The bound is above the target where a cell is, by its value, and where cones had to be given up
    in which many hyperplanes meet.

    Examples
    --------
    >>> cells = Dichotomies([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)])
    >>> c = np.array([2.0, 3.0, 4.0, -5.0])          # the sides of the first three decide the last
    >>> bound_sums(cells, c, 0.0 * c, 10.0, 1e6).bound
    10.0
    """
    normals, A, condition = whiten(cells.normals)
    problem = Cones(normals, CLEAR * condition, c, np.maximum(np.abs(c), np.abs(d)))
    corners = simplex(cells.rank)
    cones = [np.delete(corners, i, axis=0) for i in range(len(corners))]
    units, known, products = np.zeros((0, cells.rank)), dict[bytes, float](), 0.0
    for turn in range(ROUNDS):
        searched = search(problem, cones, target, budget)
        if searched is None:
            return None
        target, found, aside, spent = searched
        units = np.vstack([units, found @ A.T])
        budget -= EXACT * len(aside)
        products += spent + EXACT * len(aside)
        if budget < 0.0:
            return None
        most = [most_inside(cells, problem, d, cone, known) for cone in aside]
        cones = [cone for cone, value in zip(aside, most, strict=True) if value > target]
        if not cones or turn == ROUNDS - 1:
            break
    return Bound(max([target, *most]), units, products)


def search(
    problem: Cones, cones: list[Array], target: float, budget: float
) -> tuple[float, Array, list[Array], float] | None:
    """Search cones in threads: the target, raised to the largest value met, units, cones aside.

    And the products that it took.
    """
    r = problem.normals.shape[1]
    units, aside, spent = [np.zeros((0, r))], list[Array](), 0.0
    jobs = Parallel(n_jobs=-1, require="sharedmem") if len(cones) > 1 else Parallel(n_jobs=1)
    at_once = effective_n_jobs(jobs.n_jobs)  # each may use up the budget
    for start in range(0, len(cones), at_once):
        batch = cones[start : start + at_once]
        given = budget
        done = jobs(delayed(search_cone)(*problem, cone.ravel(), target, budget) for cone in batch)
        for best, unit, left, put in done:
            if left < 0.0:
                return None
            budget += min(left - budget, 0.0)
            spent += given - left
            if best > target:
                target = best
                units.append(unit.reshape(r, r).sum(axis=0)[None])
            aside.extend(put.reshape(-1, r, r))
    return target, np.vstack(units), aside, spent


def whiten(normals: Array) -> tuple[Array, Array, float]:
    """Unit normals in coordinates w, ``u = A w``, with a round scatter; A; its condition."""
    _, singular, Vt = np.linalg.svd(normals, full_matrices=False)
    A = Vt.T / singular
    white = normals @ A
    condition = float(singular[0] / singular[-1])
    return white / np.linalg.norm(white, axis=1)[:, None], A, condition


def simplex(r: int) -> Array:
    """Corners of a regular simplex around 0, (r + 1, r), of length one."""
    centred = np.eye(r + 1) - 1.0 / (r + 1)
    corners = centred @ np.linalg.svd(centred)[2][:r].T
    return np.asarray(corners / np.linalg.norm(corners, axis=1)[:, None])


def most_inside(
    cells: Dichotomies, problem: Cones, d: Array, cone: Array, known: dict[bytes, float]
) -> float:
    """A bound over one cone: fixed terms and the exact maximum over the hyperplanes left."""
    normals, clear, c, weights = problem
    heights = normals @ cone.T
    ahead, behind = (heights > clear).all(axis=1), (heights < -clear).all(axis=1)
    left = np.flatnonzero(~ahead & ~behind)
    key = left.tobytes()
    if key not in known:
        known[key] = float(weights[left].sum())
        if 0 < len(left) <= LARGEST_LEFT:
            integers, flips = restrict([cells.integers[k] for k in left])
            known[key] = max(Dichotomies(integers).extremes(flips * c[left], d[left]))
    return float(c[ahead].sum() - c[behind].sum()) + known[key]


@njit(cache=True, nogil=True)
def search_cone(normals, clear, c, weights, cone, target, budget):  # type: ignore[no-untyped-def]
    """Depth-first search of one cone.

    Returns the largest value met and its unit, the budget left (below 0: it did not suffice), and
    the cones set aside. The target rises to every larger value met. Normals are (h, r), c and
    weights (h,); a cone, its unit (one that is not summed up yet) and each row of those set aside
    are its r corners in r^2 numbers.
    """
    h, r = normals.shape
    cones, left = np.zeros((DEPTH, r * r)), np.zeros((DEPTH, h), np.int64)
    count, stalled, fixed = np.zeros(DEPTH, np.int64), np.zeros(DEPTH, np.int64), np.zeros(DEPTH)
    aside, put, top = np.zeros((ASIDE, r * r)), 0, np.int64(0)  # a literal has its own compilation
    best, unit = -np.inf, np.zeros(r * r)
    copy(cones[0], cone)
    copy(left[0], np.arange(h))
    count[0] = h
    while top >= 0:
        before = count[top]
        budget -= before * r * r
        value, most = classify(normals, clear, c, weights, cones, left, count, fixed, top)
        stalled[top] = stalled[top] + 1 if count[top] == before else 0
        if value > best:
            best, target = value, max(target, value)
            copy(unit, cones[top])
        if fixed[top] + most <= target:
            top -= 1
        elif budget < 0.0 or top + 1 == DEPTH or put == ASIDE:
            return best, unit, -1.0, aside[:put]
        elif stalled[top] > STALL * r * r:
            copy(aside[put], cones[top])
            put, top = put + 1, top - 1
        else:
            copy(cones[top + 1], cones[top])
            copy(left[top + 1], left[top][:before])
            count[top + 1], fixed[top + 1] = count[top], fixed[top]
            stalled[top + 1] = stalled[top]
            halve(cones[top].reshape(r, r), cones[top + 1].reshape(r, r))
            top += 1
    return best, unit, budget, aside[:put]


@njit(cache=True)
def classify(normals, clear, c, weights, cones, left, count, fixed, top):  # type: ignore[no-untyped-def]
    """Move terms from left to fixed; returns the value at the cone's middle and what is left.

    Of the stack of cones, (DEPTH, r^2), it is the one at ``top``: ``left[top, : count[top]]`` are
    its hyperplanes, by their index.
    """
    r = normals.shape[1]
    kept, most, value = 0, 0.0, 0.0
    for t in range(count[top]):
        k = left[top, t]
        lowest, highest, middle = np.inf, -np.inf, 0.0
        for i in range(r):
            height = 0.0
            for x in range(r):
                height += normals[k, x] * cones[top, i * r + x]
            lowest, highest, middle = min(lowest, height), max(highest, height), middle + height
        if lowest > clear:
            fixed[top] += c[k]
        elif highest < -clear:
            fixed[top] -= c[k]
        else:
            most += weights[k]
            value += c[k] if middle > 0.0 else -c[k]
            left[top, kept] = k
            kept += 1
    count[top] = kept
    return fixed[top] + value, most


@njit(cache=True)
def halve(one, other):  # type: ignore[no-untyped-def]
    """Cut two copies of a cone, (r, r), through the middle of its longest edge: one half each."""
    r = len(one)
    least, i, j = np.inf, 0, 0
    for a in range(r):
        for b in range(a):
            cosine = dot(one[a], one[b])
            if cosine < least:
                least, i, j = cosine, a, b
    length = np.sqrt(2.0 + 2.0 * least)
    for x in range(r):
        middle = (one[i, x] + one[j, x]) / length
        one[i, x], other[j, x] = middle, middle
