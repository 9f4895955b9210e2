"""The search of `cvxnet.training.pricing.subdivision` in one cone, depth first.

A stack holds the cones to be looked at: ``cones[top]`` has the corners, the dual basis and the
slope c; ``marks[top]`` says which stretch of ``undecided`` the parent left undecided, in P and in
N, whether another cone needs it too, the depth, and on which walls each corner lies. A cone appends
to what its parent left, so the stretches of all its ancestors lie in a line; the second half of a
parent writes over it.

The rows of a cone lie together, so memory is read in order, and their products with the corners are
computed anew: that takes less time than to fetch them. With k rows left by the parent a cone takes
about ``2 r^2 k`` multiplications, and ``r^2`` more for those it leaves itself if it is cut.

The search can be left and taken up again: all there is to know is on the stack. So the kernel is
called for a portion of work at a time, and the clock is looked at in between.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cvxnet.training.pricing.cone_bounds import holds_nothing, is_barren, upper_bound
from cvxnet.training.pricing.cone_maxima import (
    SAME,
    choose_signs,
    maximum_in,
    rows_of,
    signs_agree,
    sums_of,
    value_at,
)
from cvxnet.training.pricing.cone_rows import BLOCK, choose_cut, keep_undecided, look
from cvxnet.types import Array

LEVELS = 100
"""Depth up to which cuts are chosen freely."""
FEW = 3
"""Convex kinks whose signs are tried out rather than cut."""
LEAST = 0.5
"""Of what the largest is above the floor: local maxima with less are not looked for."""
OVERHEAD = 20
"""The work on a cone, beside that on its rows, in rows."""
CONES, ROWS = 100, 4
"""Room for so many cones, and so many times all rows, on a new stack."""
LARGEST = 100_000_000
"""Numbers on a stack. Where that does not suffice the search is cut short."""


class Stack(NamedTuple):
    """Room for m cones and k rows that they left undecided, as the module's text says.

    Attributes
    ----------
    cones : (m, 2 r + 1, r) array
        The corners, the dual basis and the slope of each cone.
    marks : (m, 5 + r) integer array
        Where the stretch begins that its parent left undecided, where N begins in it, where it
        ends; 1 where no other cone needs it, else 0; the depth; and for each corner the walls that
        it lies on, a bit each.
    undecided : (r + 1, k) array
        The undecided rows with their lengths, one a column: see `cone_rows`.
    side : (h,) array
        Of the rows that one cone looks at: the signs of those that are decided there, else 0.
    walls : (w, r) array
        The inner normals of the first cone, where it has walls; otherwise none. They stay.
    """

    cones: Array
    marks: NDArray[np.int64]
    undecided: Array
    side: Array
    walls: Array


class Function(NamedTuple):
    """``s g`` of `cvxnet.training.pricing.subdivision`, to be maximised.

    Attributes
    ----------
    rows : (h, r + 1) array
        The ``a_k``, each with its length, those of P first.
    convex : int
        How many of them are in P.
    b : (r,) array
        The slope.
    floor : float
        Values up to it do not matter.
    error : float
        Rounding of values.
    least : float
        Of what the largest is above the floor: local maxima with less are not looked for.
    """

    rows: Array
    convex: int
    b: Array
    floor: float
    error: float
    least: float = LEAST

    def own(self) -> Function:
        """The same with arrays that may be written to: what other processes send may be not.

        Kernels need not be compiled once more for that.
        """
        return self._replace(
            rows=np.require(self.rows, requirements="W"), b=np.require(self.b, requirements="W")
        )


def new_stack(corners: Array, g: Function, walled: bool = False) -> Stack:
    """The stack with the cone of these corners (r, r); ``walled``: there is nothing beyond it."""
    stack = empty_stack(len(g.rows), g.b.size, walled)
    normals = np.asarray(np.linalg.inv(corners).T, dtype=np.float64)
    begin(stack, np.ascontiguousarray(corners), np.ascontiguousarray(normals), g)
    return stack


def empty_stack(h: int, r: int, walled: bool) -> Stack:
    """Room for searches with h rows in cones of r corners, with walls or without."""
    return Stack(
        cones=np.empty((CONES, 2 * r + 1, r)),
        marks=np.empty((CONES, 5 + r), np.int64),
        undecided=np.empty((r + 1, ROWS * (h + 1))),
        side=np.empty(h + 1),
        walls=np.empty((r * walled, r)),
    )


def larger(stack: Stack) -> Stack | None:
    """The same with half as much room again; None where that would be too much."""
    if 1.5 * sum(array.size for array in stack) > LARGEST:
        return None
    return stack._replace(
        cones=lengthened(stack.cones, 0),
        marks=lengthened(stack.marks, 0),
        undecided=lengthened(stack.undecided, 1),
    )


def lengthened(array: NDArray[Any], axis: int) -> NDArray[Any]:
    """The array with half as many zeros again along an axis."""
    shape = list(array.shape)
    shape[axis] = shape[axis] // 2 + 1
    return np.concatenate([array, np.zeros(shape, array.dtype)], axis)


# In all kernels below ``cones``, ``marks``, ``undecided`` are those of a `Stack`; ``rows``
# (h, r + 1), ``convex`` and ``b`` (r,) are those of a `Function`; ``top`` is the cone looked at,
# and ``u`` is (r,). Records are not handed on where many cones pass: counting references to their
# arrays costs a tenth.


@njit(cache=True)
def begin(stack, corners, normals, g):  # type: ignore[no-untyped-def]
    """Put a cone, (r, r) and its dual basis, onto the empty stack, no row decided."""
    r, h, walled = g.b.size, g.rows.shape[0], stack.walls.shape[0] > 0
    none, alone = np.int64(0), np.int64(1)  # no literals: see `kernels`
    mark(stack.marks, none, (none, np.int64(g.convex), np.int64(h)), alone, none)
    for i in range(r):
        for x in range(r):
            stack.cones[0, i, x] = corners[i, x]
            stack.cones[0, r + i, x] = normals[i, x]
            if walled:
                stack.walls[i, x] = normals[i, x]
        stack.cones[0, 2 * r, i] = g.b[i]
        # Each corner lies on all walls but the one opposite.
        stack.marks[0, 5 + i] = ((1 << r) - 1 - (1 << i)) * walled
    for x in range(r + 1):
        for k in range(h):
            stack.undecided[x, k] = g.rows[k, x]


@njit(cache=True, nogil=True)
def search_walled(stack, place, top, corners, normals, g, best, work):  # type: ignore[no-untyped-def]
    """`search` in cones with walls, (m, r, r) and their dual bases, one after the other.

    From ``place`` on, whose search has come to ``top``, or not begun where that is -1. Returns also
    the next place and top, and the work left; in the end ``place`` is m. Where work is left before,
    the stack is too small.
    """
    r = g.b.size
    found, count = np.zeros((16, r + 1)), np.int64(0)  # no literal: see `kernels`
    while place < corners.shape[0] and work > 0:
        if top < 0:
            begin(stack, corners[place], normals[place], g)
            top = np.int64(0)  # no literal: see `kernels`
        more, top, work = search(stack, top, g, best, work)
        for i in range(more.shape[0]):
            found = append(found, count, more[i, 0], more[i, 1:])
            count += 1
        if top >= 0:
            break
        place += 1
    return found[:count], place, top, work


@njit(cache=True, nogil=True)
def search(stack, top, g, best, work):  # type: ignore[no-untyped-def]
    """Local maxima (count, 1 + r), as (value, u), in the cones up to ``top``.

    ``best`` (1,) has the largest value of all searches so far. Returns also the top of what is left
    (-1: nothing) and the work left. Where both are left, the stack is too small.
    """
    cones, marks, undecided, side, walls = stack
    r, scale, walled = g.b.size, size_of_terms(g.rows, g.b), walls.shape[0] > 0
    found, count = np.zeros((16, r + 1)), np.int64(0)  # no literal: see `kernels`
    sums, rooms, before = np.empty((2, r)), np.empty(r), np.empty(r)
    errors, scratch, index = np.empty((r, r)), np.empty((r + 3, BLOCK)), np.empty(BLOCK, np.int64)
    while top >= 0 and work > 0:
        level, cone = g.floor + g.least * max(best[0] - g.floor, 0.0), cones[top]
        set_row(before, cone[2 * r])
        stretch = (marks[top, 0], marks[top, 1], marks[top, 2])
        work -= stretch[2] - stretch[0] + OVERHEAD
        convex, left = look(cone, undecided, stretch, walled, side, sums, scratch)
        touched = walls_touched(marks, top)
        nothing, reach = holds_nothing(cone, touched, walls, level, scale, sums, rooms)
        if nothing:
            top -= 1
            continue
        place = stretch[0] if marks[top, 3] else stretch[2]
        if place + left > undecided.shape[1] or top + 1 >= marks.shape[0]:
            set_row(cone[2 * r], before)  # as if it had not been looked at
            break
        keep_undecided(undecided, stretch, side, place, index)
        stretch = (place, place + convex, place + left)
        if convex > FEW:
            cut(cones, marks, undecided, top, stretch, errors, scratch)
            top += 1
        else:
            more, used = maxima_of(
                cone, marks, undecided, top, stretch, walled, g, level, reach, rooms
            )
            work -= used
            for i in range(more.shape[0]):
                best[0] = max(best[0], more[i, 0])
                found = append(found, count, more[i, 0], more[i, 1:])
                count += 1
            top -= 1
    return found[:count], top, work


@njit(cache=True)
def set_row(target, source):  # type: ignore[no-untyped-def]
    """Copy one vector to another."""
    for x in range(target.size):
        target[x] = source[x]


@njit(cache=True)
def size_of_terms(rows, b):  # type: ignore[no-untyped-def]
    """The sum of the sizes of all terms."""
    total = 0.0
    for x in range(b.size):
        total += abs(b[x])
    for k in range(rows.shape[0]):
        total += rows[k, b.size]
    return total


@njit(cache=True)
def walls_touched(marks, top):  # type: ignore[no-untyped-def]
    """The walls that some corner lies on, a bit each."""
    touched = np.int64(0)  # no literal: see `kernels`
    for j in range(5, marks.shape[1]):
        touched |= marks[top, j]
    return touched


@njit(cache=True)
def is_whole_face(marks, top, face, r):  # type: ignore[no-untyped-def]
    """Whether the corners in ``face``, a bit each, span the face of the first cone they lie on."""
    walls, spare = (1 << r) - 1, r
    for i in range(r):
        if (face >> i) & 1:
            walls &= marks[top, 5 + i]
            spare -= 1
    for k in range(r):
        spare -= (walls >> k) & 1
    return spare == 0


@njit(cache=True)
def maxima_of(cone, marks, undecided, top, stretch, walled, g, level, reach, rooms):  # type: ignore[no-untyped-def]
    """The local maxima of a simple cone, and the work they took."""
    r = g.b.size
    found, count, used = np.zeros((1, r + 1)), np.int64(0), np.int64(0)  # no literals
    tried = rows_of(undecided, stretch[0], stretch[1])
    inner = rows_of(undecided, stretch[1], stretch[2])
    slope, sums, u = np.empty(r), np.empty((3, r)), np.empty(r)
    sums_of(cone, inner, sums)
    whole = (1 << r) - 1
    for signs in range(1 << tried.shape[0]):
        choose_signs(cone, tried, signs, slope, sums)
        low = upper_bound(cone, sums[0], reach) <= level
        if low or is_barren(cone, slope, sums[1], rooms):
            continue
        for face in range(1 if walled else whole, whole + 1):
            if is_whole_face(marks, top, face, r):
                value, more = maximum_of(cone, slope, tried, signs, inner, face, g, level, reach, u)
                used += more
                if value > 0.0:
                    found = append(found, count, value, u)
                    count += 1
    return found[:count], used


@njit(cache=True)
def maximum_of(cone, slope, tried, signs, inner, face, g, level, reach, u):  # type: ignore[no-untyped-def]
    """The value of the local maximum on a face, 0 where there is none, ``u``, and the work it took.

    It counts if it has the signs tried; where rounding hides that, if g is no larger there.
    """
    value, far, unclear = maximum_in(cone, slope, inner, face, level, reach, u)
    agree = signs_agree(tried, signs, u, far) if value > 0.0 else 0
    if agree == 0:
        return 0.0, 0
    if agree > 0 and not unclear:
        return value, 0
    true = value_at(u, g.rows, g.convex, g.b)
    return 0.0 if true > value * (1.0 + SAME) + g.error else value, g.rows.shape[0]


@njit(cache=True)
def append(found, count, value, u):  # type: ignore[no-untyped-def]
    """``found`` (m, 1 + r), of which ``count`` rows are used, with one more."""
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


@njit(cache=True)
def cut(cones, marks, undecided, top, stretch, errors, scratch):  # type: ignore[no-untyped-def]
    """Replace the cone by its two parts, the smaller one on top.

    It comes first and leaves its rows beyond those of the parent; the larger one writes over them.

    The new corner ``v = p v_i + q v_j`` replaces ``v_i``; in the dual basis ``n_i / p`` replaces
    ``n_i`` and ``n_j - (q / p) n_i`` replaces ``n_j``. In the other part i and j change places.
    """
    r, depth, cone = cones.shape[2], marks[top, 4], cones[top]
    first, middle, _ = stretch
    i, j, t = choose_cut(
        cone, undecided, first, middle if depth < LEVELS else first + 1, errors, scratch
    )
    p = q = length = 0.0
    for x in range(r):
        p += cone[j, x] * undecided[x, t]
        q += cone[i, x] * undecided[x, t]
    p, q = abs(p), abs(q)
    if p < q:
        i, j, p, q = j, i, q, p
    most = p  # squares of tiny heights would vanish
    p, q = p / most, q / most
    for x in range(r):
        length += (p * cone[i, x] + q * cone[j, x]) ** 2
    p, q = p / np.sqrt(length), q / np.sqrt(length)
    copy(cones, marks, top)
    for x in range(r):
        corner = p * cone[i, x] + q * cone[j, x]
        cones[top, i, x] = cones[top + 1, j, x] = corner
        cones[top, r + j, x] -= q / p * cones[top, r + i, x]
        cones[top, r + i, x] /= p
        cones[top + 1, r + i, x] -= p / q * cones[top + 1, r + j, x]
        cones[top + 1, r + j, x] /= q
    alone = np.int64(1)  # no literal: see `kernels`
    mark(marks, top, stretch, alone, depth + 1)
    mark(marks, top + 1, stretch, alone - 1, depth + 1)
    marks[top, 5 + i] = marks[top + 1, 5 + j] = marks[top, 5 + i] & marks[top, 5 + j]


@njit(cache=True)
def mark(marks, place, stretch, alone, depth):  # type: ignore[no-untyped-def]
    """Write all of a row of ``marks`` (m, 5 + r) but the walls."""
    marks[place, 0], marks[place, 1], marks[place, 2] = stretch
    marks[place, 3], marks[place, 4] = alone, depth


@njit(cache=True)
def copy(cones, marks, top):  # type: ignore[no-untyped-def]
    """The cone once more, above it; ``cones`` (m, 2 r + 1, r), ``marks`` (m, 5 + r)."""
    for i in range(5, marks.shape[1]):
        marks[top + 1, i] = marks[top, i]
    for i in range(cones.shape[1]):
        for x in range(cones.shape[2]):
            cones[top + 1, i, x] = cones[top, i, x]
