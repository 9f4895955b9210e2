"""Cutting a cone in two, on the stack of `cvxnet.training.pricing.cone_search`."""

from __future__ import annotations

import numpy as np
from numba import njit

LEVELS = 100
"""Depth up to which cuts are chosen freely."""


@njit(cache=True)
def mark(marks, place, first, middle, last, new, depth):  # type: ignore[no-untyped-def]
    """Note what the parent of a cone left undecided, the corner it did not have, and the depth."""
    marks[place, 0], marks[place, 1], marks[place, 2] = first, middle, last
    marks[place, 3], marks[place, 4] = new, depth


@njit(cache=True)
def cut(cones, marks, height, top, first, middle, last):  # type: ignore[no-untyped-def]
    """Replace the cone by its two parts, at ``top`` and ``top + 1``.

    The new corner ``v = p v_i + q v_j`` replaces ``v_i``; in the dual basis ``n_i / p`` replaces
    ``n_i`` and ``n_j - (q / p) n_i`` replaces ``n_j``. In the other part i and j change places.
    """
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
    """An edge (i, j) and a row that crosses it: those where interpolation errs most."""
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
    """How far ``|a| + |b|`` is above ``|a + b|``: twice the lower one if the signs differ."""
    return abs(a) + abs(b) - abs(a + b)


@njit(cache=True)
def try_signs(cones, marks, rows, k, top, first, middle, last):  # type: ignore[no-untyped-def]
    """Replace the cone by two copies in which the first undecided row, k, counts as decided."""
    r, no_new = cones.shape[2], np.int64(-1)  # no literal: see `sorting`
    copy(cones, top)
    for x in range(r):
        cones[top, 2 * r, x] += rows[k, x]
        cones[top + 1, 2 * r, x] -= rows[k, x]
    mark(marks, top, first + 1, middle, last, no_new, marks[top, 4])
    mark(marks, top + 1, first + 1, middle, last, no_new, marks[top, 4])


@njit(cache=True)
def copy(cones, top):  # type: ignore[no-untyped-def]
    """The cone once more, above it."""
    for i in range(cones.shape[1]):
        for x in range(cones.shape[2]):
            cones[top + 1, i, x] = cones[top, i, x]
