"""The search of `cvxnet.training.pricing.subdivision` in one cone, depth first.

A stack holds the cones to be looked at: ``cones[top]`` has the corners, the dual basis and the
slope c; ``marks[top]`` says which stretch of ``row`` the parent left undecided, in P and in N,
which corner the parent did not have (or -1), the depth, and on which walls each corner lies.
``height`` has the heights of those rows at the corners and, last, at the cut. A cone appends to
what its parent left, so the stretches of all its ancestors lie in a line.

The search can be left and taken up again: all there is to know is on the stack. So the kernel is
called for a portion of work at a time, and the clock is looked at in between.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cvxnet.training.kernels import dot
from cvxnet.training.pricing.nearest_point import dot_row, dot_rows, nearest_point
from cvxnet.types import Array

LEVELS = 100
"""Depth up to which cuts are chosen freely."""
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
ON_WALL = 1e-11
"""Corners of the first cone this close to a hyperplane were meant to lie on it."""
SAME = 1e-10
"""A local maximum with wrong signs shows by g being larger than this, relatively."""
HALF, FAR = 0.5, 1e300
"""Where products of a dual basis with its corners are off by more, shares may be as large."""
OVERHEAD = 20
"""The work on a cone, beside that on its rows, in rows."""
CONES, ROWS = 50, 4
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
        ends; the corner that the parent did not have, or -1; the depth; and for each corner the
        walls that it lies on, a bit each.
    row : (k,) integer array
        The undecided rows.
    height : (k, r + 1) array
        Their heights at the corners and, last, at the cut.
    walls : (w, r) array
        The inner normals of the first cone, where it has walls; otherwise none. They stay.
    """

    cones: Array
    marks: NDArray[np.int64]
    row: NDArray[np.int64]
    height: Array
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
        Local maxima below this part of the largest are not looked for.
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
        row=np.empty(ROWS * (h + 1), np.int64),
        height=np.empty((ROWS * (h + 1), r + 1)),
        walls=np.empty((r * walled, r)),
    )


def larger(stack: Stack) -> Stack | None:
    """The same with twice the room; None where that would be too much."""
    if 2 * sum(array.size for array in stack) > LARGEST:
        return None
    twice = [np.concatenate([array, np.zeros_like(array)]) for array in stack[:-1]]
    return Stack._make([*twice, stack.walls])


# In all kernels below ``cones``, ``marks``, ``row``, ``height`` are those of a `Stack`; ``rows``
# (h, r + 1), ``convex`` and ``b`` (r,) are those of a `Function`; ``top`` is the cone looked at,
# ``first:middle`` and ``middle:last`` are the stretches of its undecided rows, in P and in N, and
# ``u`` is (r,). Records are not handed on: counting references to their arrays costs a tenth.


@njit(cache=True)
def begin(stack, corners, normals, g):  # type: ignore[no-untyped-def]
    """Put a cone, (r, r) and its dual basis, onto the empty stack, no row decided."""
    r, h, walled = g.b.size, g.rows.shape[0], stack.walls.shape[0] > 0
    no_new, none = np.int64(-1), np.int64(0)  # no literals: see `kernels`
    mark(stack.marks, none, none, g.convex, h, no_new, none)
    for i in range(r):
        for x in range(r):
            stack.cones[0, i, x] = corners[i, x]
            stack.cones[0, r + i, x] = normals[i, x]
            if walled:
                stack.walls[i, x] = normals[i, x]
        stack.cones[0, 2 * r, i] = g.b[i]
        # Each corner lies on all walls but the one opposite.
        stack.marks[0, 5 + i] = ((1 << r) - 1 - (1 << i)) * walled
    for k in range(h):
        stack.row[k] = k
        for i in range(r):
            at = dot_row(g.rows, k, corners[i])
            near = ON_WALL * walled * g.rows[k, r]
            stack.height[k, i] = 0.0 if abs(at) <= near else at


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
    cones, marks, row, height, walls = stack
    rows, convex, b, floor, error, least = g
    r, scale = b.size, size_of_terms(rows, b)
    found, count = np.zeros((16, r + 1)), np.int64(0)  # no literal: see `kernels`
    whole, u = (1 << r) - 1, np.empty(r)
    smallest = 1 if walls.shape[0] else whole
    while top >= 0 and work > 0 and has_room(cones, marks, row, top):
        level = max(floor, least * best[0])
        work -= marks[top, 2] - marks[top, 0] + OVERHEAD
        first, middle, last = decide(cones, marks, row, height, rows, top)
        reach = longest_share(cones, top, u)
        bound = upper_bound(cones, height, top, first, middle, last, reach, u)
        room = (scale, reach)
        if bound <= level or barren(cones, marks, row, rows, walls, top, first, last, room):
            top -= 1
        elif middle > first:
            if middle - first > FEW:
                cut(cones, marks, height, top, first, middle, last)
            else:
                try_signs(cones, marks, rows, row[first], top, first, middle, last)
            top += 1
        else:
            for face in range(smallest, whole + 1):
                if not is_whole_face(marks, top, face, r):
                    continue
                value, excess = local_maximum(cones, rows, row[middle:last], top, face, level, u)
                if value <= 0.0:
                    continue
                work -= rows.shape[0]
                true = value_at(u, rows, convex, b)
                if true <= value * (1.0 + SAME) + error:
                    value = min(value, true + excess)
                    best[0] = max(best[0], value)
                    found = append(found, count, value, u)
                    count += 1
            top -= 1
    return found[:count], top, work


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
def has_room(cones, marks, row, top):  # type: ignore[no-untyped-def]
    """Whether another cone and what the top one leaves undecided fit onto the stack."""
    lengthened = 2 * marks[top, 2] - marks[top, 0]
    return lengthened <= row.size and top + 1 < cones.shape[0]


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
def longest_share(cones, top, sums):  # type: ignore[no-untyped-def]
    """A bound on the sum of the shares that corners have in a unit of the cone.

    ``q``, the sum of the ``n_i``, should have the product 1 with each corner. Where it has at least
    1 - d, the shares of u add up to q.u and d times themselves at most, so to ``|q| / (1 - d)``.
    """
    r, off, length = sums.size, 0.0, 0.0
    for x in range(r):
        sums[x] = 0.0
        for i in range(r, 2 * r):
            sums[x] += cones[top, i, x]
        length += sums[x] * sums[x]
    for i in range(r):
        off = max(off, 1.0 - dot_row(cones[top], i, sums))
    return np.sqrt(length) / (1.0 - off) if off < HALF else FAR


@njit(cache=True)
def upper_bound(cones, height, top, first, middle, last, reach, bounds):  # type: ignore[no-untyped-def]
    """A bound on the value in the cone; ``bounds`` (r,) becomes those at its corners.

    ``p``, the sum of the ``h_i n_i``, should have the product h_i with each corner. What it has
    less counts as often as the shares add up, so at most ``reach`` times.
    """
    r = bounds.size
    bound_corners(cones, height, top, first, middle, last, bounds)
    largest, less, length = -np.inf, 0.0, 0.0
    for i in range(r):
        largest, product = max(largest, bounds[i]), 0.0
        for x in range(r):
            entry = 0.0
            for j in range(r):
                entry += bounds[j] * cones[top, r + j, x]
            product += entry * cones[top, i, x]
            length += entry * entry if i == 0 else 0.0
        less = max(less, bounds[i] - product)
    return min(largest * reach, np.sqrt(length) + less * reach) * (1.0 + ROOM)


@njit(cache=True)
def bound_corners(cones, height, top, first, middle, last, bounds):  # type: ignore[no-untyped-def]
    """Write the ``h_i`` of `subdivision` into ``bounds`` (r,)."""
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


@njit(cache=True)
def barren(cones, marks, row, rows, walls, top, first, last, room):  # type: ignore[no-untyped-def]
    """Whether the cone holds no local maximum whatever its value.

    ``room``: `size_of_terms` and `longest_share`.
    """
    r, (scale, reach) = cones.shape[2], room
    for i in range(r, 2 * r):
        if not turns_from_walls(cones, marks, walls, top, i):
            continue
        most = length = 0.0
        for x in range(r):
            most += cones[top, i, x] * cones[top, 2 * r, x]
            length += cones[top, i, x] * cones[top, i, x]
        most += (BARREN * np.sqrt(length) + lowest_share(cones, top, i) * reach) * scale
        for t in range(first, last):
            k, product = row[t], 0.0
            for x in range(r):
                product += cones[top, i, x] * rows[k, x]
            most += abs(product)
        if most < 0.0:
            return True
    return False


@njit(cache=True)
def lowest_share(cones, top, i):  # type: ignore[no-untyped-def]
    """How far ``n_i``, row i of the cone, has a product below 0 with a corner: by rounding."""
    lowest = 0.0
    for j in range(cones.shape[2]):
        lowest = min(lowest, dot_rows(cones[top], i, cones[top], j))
    return -lowest


@njit(cache=True)
def turns_from_walls(cones, marks, walls, top, i):  # type: ignore[no-untyped-def]
    """Whether ``n_i.w <= 0`` for the inner normals w of all walls that the cone touches.

    ``n_i`` is row i of the cone.
    """
    r = cones.shape[2]
    touched = np.int64(0)  # no literal: see `kernels`
    for j in range(r):
        touched |= marks[top, 5 + j]
    for k in range(walls.shape[0]):
        if (touched >> k) & 1 and dot_row(walls, k, cones[top, i]) > 0.0:
            return False
    return True


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
def local_maximum(cones, rows, undecided, top, face, level, u):  # type: ignore[no-untyped-def]
    """The local maximum on a face of a simple cone: its value, from above, and by how much; ``u``.

    The value is 0 where there is none above the level. ``undecided`` (k,) are rows of N.
    """
    r = u.size
    for x in range(r):
        u[x] = 0.0
        for i in range(r):
            u[x] += cones[top, i, x] * ((face >> i) & 1)
    if face == (1 << r) - 1:
        value, excess = nearest_point(cones[top, 2 * r], rows, undecided, level, u)
    else:
        value, excess = nearest_on_face(cones, rows, undecided, top, face, level, u)
    if value <= level:
        return 0.0, 0.0
    far = ROOM + np.sqrt(excess) / value  # how far u may be off
    for i in range(r):
        normal = cones[top, r + i]
        off = far * np.sqrt(normal @ normal) + lowest_share(cones, top, r + i)
        if (face >> i) & 1 and normal @ u < -off:
            return 0.0, 0.0
    return value, excess / value


@njit(cache=True)
def nearest_on_face(cones, rows, undecided, top, face, level, u):  # type: ignore[no-untyped-def]
    """`nearest_point` among the units that some corners span, all projected on these."""
    r, size = u.size, np.int64(0)  # no literal: see `kernels`
    basis = np.zeros((r, r))
    for i in range(r):
        if (face >> i) & 1:
            for x in range(r):
                basis[size, x] = cones[top, i, x]
            for j in range(size):
                share = dot_row(basis, j, basis[size])
                for x in range(r):
                    basis[size, x] -= share * basis[j, x]
            length = np.sqrt(dot_row(basis, size, basis[size]))
            for x in range(r):
                basis[size, x] /= length
            size += 1
    inner, slope, own = np.empty((undecided.size, size)), np.empty(size), np.empty(size)
    for j in range(size):
        slope[j], own[j] = dot_row(basis, j, cones[top, 2 * r]), dot_row(basis, j, u)
        for k in range(undecided.size):
            inner[k, j] = dot_row(rows, undecided[k], basis[j])
    value, excess = nearest_point(slope, inner, np.arange(undecided.size), level, own)
    for x in range(r):
        u[x] = 0.0
        for j in range(size):
            u[x] += own[j] * basis[j, x]
    return value, excess


@njit(cache=True)
def value_at(u, rows, convex, b):  # type: ignore[no-untyped-def]
    """``s g(u)``."""
    value = b @ u
    for k in range(rows.shape[0]):
        height = abs(dot_row(rows, k, u))
        value += height if k < convex else -height
    return value


@njit(cache=True, nogil=True)
def climb(start, g, steps):  # type: ignore[no-untyped-def]
    """The largest value of ``s g`` met from a start, (r,), in steps to where the slope points."""
    r, best, u = g.b.size, 0.0, start.copy()
    for _ in range(steps):
        length = np.sqrt(dot(u, u))
        slope, value = g.b.copy(), 0.0
        for k in range(g.rows.shape[0]):
            ahead = (dot_row(g.rows, k, u) > 0.0) == (k < g.convex)
            for x in range(r):
                slope[x] += g.rows[k, x] if ahead else -g.rows[k, x]
        value = dot(slope, u)
        if not value > best * length:
            break
        best = value / length
        u = slope
    return best


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
def try_signs(cones, marks, rows, k, top, first, middle, last):  # type: ignore[no-untyped-def]
    """Replace the cone by two copies in which the first undecided row, k, counts as decided."""
    r, no_new = cones.shape[2], np.int64(-1)  # no literal: see `kernels`
    copy(cones, marks, top)
    for x in range(r):
        cones[top, 2 * r, x] += rows[k, x]
        cones[top + 1, 2 * r, x] -= rows[k, x]
    mark(marks, top, first + 1, middle, last, no_new, marks[top, 4])
    mark(marks, top + 1, first + 1, middle, last, no_new, marks[top, 4])


@njit(cache=True)
def cut(cones, marks, height, top, first, middle, last):  # type: ignore[no-untyped-def]
    """Replace the cone by its two parts.

    The new corner ``v = p v_i + q v_j`` replaces ``v_i``; in the dual basis ``n_i / p`` replaces
    ``n_i`` and ``n_j - (q / p) n_i`` replaces ``n_j``. In the other part i and j change places.
    """
    r, depth = cones.shape[2], marks[top, 4]
    i, j, t = choose_cut(height, first, middle if depth < LEVELS else first + 1, r)
    p, q, length = abs(height[t, j]), abs(height[t, i]), 0.0
    most = max(p, q)  # squares of tiny heights would vanish
    p, q = p / most, q / most
    for x in range(r):
        length += (p * cones[top, i, x] + q * cones[top, j, x]) ** 2
    p, q = p / np.sqrt(length), q / np.sqrt(length)
    for t in range(first, last):
        height[t, r] = p * height[t, i] + q * height[t, j]
    copy(cones, marks, top)
    for x in range(r):
        corner = p * cones[top, i, x] + q * cones[top, j, x]
        cones[top, i, x] = cones[top + 1, j, x] = corner
        cones[top, r + j, x] -= q / p * cones[top, r + i, x]
        cones[top, r + i, x] /= p
        cones[top + 1, r + i, x] -= p / q * cones[top + 1, r + j, x]
        cones[top + 1, r + j, x] /= q
    mark(marks, top, first, middle, last, i, depth + 1)
    mark(marks, top + 1, first, middle, last, j, depth + 1)
    marks[top, 5 + i] = marks[top + 1, 5 + j] = marks[top, 5 + i] & marks[top, 5 + j]


@njit(cache=True)
def choose_cut(height, first, last, r):  # type: ignore[no-untyped-def]
    """An edge (i, j) and a row that crosses it: those where interpolation errs most.

    Of the rows ``first:last`` of the heights, (k, r + 1).
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
    """How far ``|a| + |b|`` is above ``|a + b|``: twice the lower one if the signs differ."""
    return abs(a) + abs(b) - abs(a + b)


@njit(cache=True)
def mark(marks, place, first, middle, last, new, depth):  # type: ignore[no-untyped-def]
    """Write all of a row of ``marks`` (m, 5 + r) but the walls."""
    marks[place, 0], marks[place, 1], marks[place, 2] = first, middle, last
    marks[place, 3], marks[place, 4] = new, depth


@njit(cache=True)
def copy(cones, marks, top):  # type: ignore[no-untyped-def]
    """The cone once more, above it; ``cones`` (m, 2 r + 1, r), ``marks`` (m, 5 + r)."""
    for i in range(5, marks.shape[1]):
        marks[top + 1, i] = marks[top, i]
    for i in range(cones.shape[1]):
        for x in range(cones.shape[2]):
            cones[top + 1, i, x] = cones[top, i, x]
