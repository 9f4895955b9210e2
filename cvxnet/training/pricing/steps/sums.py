"""Sums of steps along the circles of an arrangement.

At a point u of the sphere a step function has the value ``sum_k side_k c_k`` plus ``d_k`` for each
hyperplane k that u lies on. Along a circle the sum R over the other hyperplanes changes only at
crossings, by ``-2 side_k c_k`` (side before), and on the opposite half circle it is ``-R``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numba import njit
from numpy.typing import NDArray

from cvxnet.training.pricing.steps.circles import Circles
from cvxnet.types import Array

CROSSINGS_A_TASK = 2_000_000
"""With more crossings than this the walk goes to joblib's threads."""


class Sums(NamedTuple):
    """What a walk along m circles has seen.

    Attributes
    ----------
    arcs : (m, kept) array
        R on the arcs where ``|R|`` has a local maximum, largest first; 0 where there are fewer.
    places : (m, kept) integer array
        The crossing that each of those arcs starts at; -1 where there are fewer.
    vertices : (m, 2) array
        Largest ``|R| + s d`` over the vertices for s = 1 and s = -1, with R the sum over the
        hyperplanes that do not meet there and d over those that do, the circle's own left out.
    """

    arcs: Array
    places: NDArray[np.int64]
    vertices: Array


def walk(circles: Circles, c: Array, d: Array, kept: int) -> Sums:
    """Walk along all circles.

    Examples
    --------
    >>> from cvxnet.training.pricing.steps.circles import sort_circles
    >>> from cvxnet.training.pricing.steps.hyperplanes import find_hyperplanes
    >>> planes = find_hyperplanes(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    >>> circles = sort_circles(np.zeros((1, 0), int), planes.normals, planes.dichotomies.residues)
    >>> walk(circles, np.array([3.0, 4.0, -1.0]), np.zeros(3), 2).arcs.tolist()
    [[6.0, 0.0]]
    """
    parts = max(1, circles.entries.size // CROSSINGS_A_TASK)
    jobs = Parallel(n_jobs=-1, require="sharedmem") if parts > 1 else Parallel(n_jobs=1)
    arrays = (circles.entries, circles.joined, circles.crossing)
    done = jobs(
        delayed(walk_part)(*part, c, d, kept)
        for part in zip(*(np.array_split(array, parts) for array in arrays), strict=True)
    )
    return Sums(*(np.concatenate(results) for results in zip(*done, strict=True)))


@njit(cache=True, nogil=True)
def walk_part(entries, joined, crossing, c, d, kept):  # type: ignore[no-untyped-def]
    """`walk` for one thread: entries and joined are (m, w), crossing (m,), c and d (h,)."""
    m, width = entries.shape
    arcs = np.zeros((m, kept))
    places = np.full((m, kept), -1)
    vertices = np.full((m, 2), -np.inf)
    R, start = np.empty(width), np.empty(width, np.int64)
    for i in range(m):
        groups = walk_circle(entries[i], joined[i], crossing[i], c, d, R, start, vertices[i])
        for t in range(groups):  # the arc after the last is the first's opposite
            here, before = abs(R[t]), abs(R[t - 1 if t else groups - 1])
            after = abs(R[t + 1 if t + 1 < groups else 0])
            if here >= before and here >= after:
                keep(arcs[i], places[i], R[t], start[t])
    return arcs, places, vertices


@njit(cache=True)
def walk_circle(entries, joined, crossing, c, d, R, start, vertices):  # type: ignore[no-untyped-def]
    """R and the crossing at the start of each arc; returns the number of arcs.

    entries and joined have w places, R and start are filled in, vertices (2,) is raised.
    """
    total = 0.0
    for t in range(crossing):
        k = abs(entries[t]) - 1
        total += c[k] if entries[t] > 0 else -c[k]
    groups, before, extra = 0, total, 0.0
    for t in range(crossing):
        k = abs(entries[t]) - 1
        total -= 2.0 * (c[k] if entries[t] > 0 else -c[k])
        extra += d[k]
        if t + 1 < crossing and joined[t + 1]:
            continue
        middle = 0.5 * abs(before + total)
        vertices[0] = max(vertices[0], middle + extra)
        vertices[1] = max(vertices[1], middle - extra)
        R[groups], start[groups] = total, t
        groups, before, extra = groups + 1, total, 0.0
    return groups


@njit(cache=True)
def keep(arcs, places, value, place):  # type: ignore[no-untyped-def]
    """Insert one arc into the row of those with the largest ``|R|``, and where it starts."""
    for t in range(arcs.size):
        if abs(value) > abs(arcs[t]) or places[t] < 0:
            for later in range(arcs.size - 1, t, -1):
                arcs[later], places[later] = arcs[later - 1], places[later - 1]
            arcs[t], places[t] = value, place
            return
