"""The search of `cvxnet.training.pricing.subdivision` in one cone, depth first.

A stack holds the cones to be looked at: ``cones[top]`` has the corners, the dual basis and the
slope c; ``marks[top]`` says which stretch of ``row`` the parent left undecided, in P and in N,
which corner the parent did not have (or -1), and the depth. ``height`` has the heights of those
rows at the corners and, last, at the cut. A cone appends to what its parent left, so the
stretches of all its ancestors lie in a line.

The search can be left and taken up again: all there is to know is on the stack. So the kernel is
called for a portion of work at a time, and the clock is looked at in between.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cvxnet.training.pricing.cone_cuts import cut, try_signs
from cvxnet.training.pricing.nearest_point import dot, nearest_point
from cvxnet.types import Array

FEW = 2
"""Convex kinks whose signs are tried out rather than cut."""
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
OVERHEAD = 20
"""The work on a cone, beside that on its rows, in rows."""
CONES, ROWS = 50, 4
"""Room for so many cones, and so many times all rows, on a new stack."""
LARGEST = 100_000_000
"""Numbers on a stack. Where that does not suffice the search is cut short."""


class Stack(NamedTuple):
    """The cones to be looked at, as the module's text says."""

    cones: Array
    marks: NDArray[np.int64]
    row: NDArray[np.int64]
    height: Array


def new_stack(corners: Array, rows: Array, convex: int, b: Array) -> Stack:
    """The stack with one cone; ``rows``, ``convex`` and ``b`` as in subdivision."""
    h, r = len(rows), b.size
    stack = Stack(
        cones=np.empty((CONES, 2 * r + 1, r)),
        marks=np.empty((CONES, 5), np.int64),
        row=np.empty(ROWS * (h + 1), np.int64),
        height=np.empty((ROWS * (h + 1), r + 1)),
    )
    stack.cones[0] = np.vstack([corners, np.linalg.inv(corners).T, b])
    stack.marks[0] = (0, convex, h, -1, 0)
    stack.row[:h] = np.arange(h)
    stack.height[:h, :r] = rows[:, :r] @ corners.T
    return stack


def larger(stack: Stack) -> Stack | None:
    """The same with twice the room; None where that would be too much."""
    if 2 * sum(array.size for array in stack) > LARGEST:
        return None
    return Stack(*(np.concatenate([array, np.empty_like(array)]) for array in stack))


@njit(cache=True, nogil=True)
def search(cones, marks, row, height, top, rows, convex, b, floor, error, best, work):  # type: ignore[no-untyped-def]
    """Local maxima (value, u) in the cones up to ``top``, with about so much work.

    ``best`` is the largest of all searches so far. Returns what was found, the top of what is left
    (-1: nothing), the work left, and whether the stack is too small for what is left.
    """
    h, r = rows.shape[0], b.size
    lengths, slope = 0.0, 0.0
    for k in range(h):
        lengths += rows[k, r]
    for x in range(r):
        slope += abs(b[x])
    scale = lengths + slope
    found, count = np.zeros((16, r + 1)), np.int64(0)  # no literal: see `sorting`
    u, full = np.empty(r), False
    while top >= 0 and work > 0:
        level = max(floor, LEAST * best[0])
        lengthened = 2 * marks[top, 2] - marks[top, 0]
        if lengthened > row.size or top + 1 >= cones.shape[0]:
            full = True
            break
        work -= marks[top, 2] - marks[top, 0] + OVERHEAD
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
            work -= h
            value, excess = climb(cones, row, rows, top, middle, last, level, u)
            true = value_at(u, rows, convex, b) if value > level else np.inf
            if true <= value * (1.0 + SAME) + error:
                value = min(value, true + excess)
                best[0] = max(best[0], value)
                found = keep(found, count, value, u)
                count += 1
            top -= 1
    return found[:count], top, work, full


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
def climb(cones, row, rows, top, middle, last, level, u):  # type: ignore[no-untyped-def]
    """The local maximum in a simple cone: its value, from above, and by how much at most; ``u``.

    The value is 0 where there is none.
    """
    r = u.size
    for x in range(r):
        u[x] = 0.0
        for i in range(r):
            u[x] += cones[top, i, x]
    value, excess = nearest_point(cones[top, 2 * r], rows, row[middle:last], level, u)
    if value <= level:
        return 0.0, 0.0
    far = ROOM + np.sqrt(excess) / value  # how far u may be off
    for i in range(r, 2 * r):
        normal = cones[top, i]
        if normal @ u < -far * np.sqrt(normal @ normal):
            return 0.0, 0.0
    return value, excess / value


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
        for i in range(count):
            for x in range(found.shape[1]):
                more[i, x] = found[i, x]
        found = more
    found[count, 0] = value
    for x in range(u.size):
        found[count, 1 + x] = u[x]
    return found
