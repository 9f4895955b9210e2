"""Leaves of trees whose units have one kink, in floating point with bounds on all rounding errors.

`cvxnet.proofs.checker.simplices` explains regions and coordinates, and does the same exactly. What
is proved here is a proof, if the processor, numpy and numba follow IEEE 754. Let eps = 2^-53.

A unit u may be replaced by its projection on the span of the chosen rows, which is no longer and
changes g by at most slack |u|. There the cone has corners w_k = B^T H^{-1} t_k in R^d, d columns,
whose lengths do not matter. Of them doubles w^_k are known, of length one up to 2^-40, and some
delta_k >= |w^_k - w_k|: at first 2^-48, and for a new corner w' = (a w_i + b w_j) / l, with doubles
a, b, l, ((a delta_i + b delta_j) + 8 eps (a + b)) / l, as each entry is computed in four roundings
of numbers no larger. For any a, b > 0 the halves cover the cone.

Let s g(u) = c.u + sum_j k_j (x_j.u)_+, s = 1 or -1, with k_j = s (right - left) v_j and c = s left
sum_j v_j x_j rounded to doubles, and K >= |c| + sum_j |k_j| |x_j|. For u = sum_k y_k w_k, y >= 0,
and p_jk = x_j.w^_k, rows are

    settled, where no p_jk is negative: they count with k_j x_j.u; or none is positive: not at all
    (2^-46 |x_j| may be on the other side);
    convex, k_j > 0 and signs differ: (x_j.u)_+ <= sum_k y_k (p_jk)_+;
    concave, k_j < 0 and signs differ: (x_j.u)_+ >= t_j x_j.u, for any t_j in [0, 1];

each up to 2 |x_j| delta_k and the rounding of the product. So s g(u) <= sum_k y_k (h_k + e_k) for
the sums h_k that are computed, where e_k = K (2 delta_k + 2^-46 + (4 n + 12 d + 60) eps) has room
for the errors of k_j, three eps each, of c, of p_jk, d eps, and of sums of n and of d terms.
Numbers of data and dual vector other than 0 are between 2^-300 and 2^300, so that underflow counts
for nothing beside K eps.

If a double vector q has q.w_k >= h_k + e_k at all corners, then s g(u) <= q.u <= |q| |u|. The
shortest one is q = sum_k l_k w_k, l >= 0, where all k with l_k > 0 reach what they must: r linear
equations or fewer. What is found is made longer until it satisfies that, with room for |q| (delta_k
+ 2 d eps). The t_j are at first the share of the positive p_jk, then those that are right at u = q.

A cone on which |q| is above the level is cut at an edge where the row crosses it that errs most;
where no row has corners on both sides, the level rises to |q|.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq
from numba import njit
from numpy.typing import NDArray

from cvxnet.kernels import add, assign, dot
from cvxnet.proofs.checker.claims import Claims
from cvxnet.proofs.checker.coordinates import NEGLIGIBLE
from cvxnet.proofs.checker.document import RefusalError
from cvxnet.proofs.checker.dual import Clock
from cvxnet.proofs.checker.exact import bits, inner
from cvxnet.proofs.checker.simplices import ConeSpace, Corner, Region
from cvxnet.types import Array

EPS = 2.0**-53
FIRST = 2.0**-48
"""Errors of corners of the tree."""
DIGITS = 60
"""Binary digits of these that are looked at."""
DEPTH = 200
"""Cuts of a cone one after the other."""
PORTION = 2_000_000
"""Rows of cones that are looked at before the clock is."""
OVERHEAD = 20
"""The work on a cone, beside that on its rows, in rows."""
TURNS = 3
"""Choices of the t_j."""
FLAT = 2.0**-46
"""Heights of the wrong sign that do not count, as parts of the length of the row."""
LITTLE = 2.0**-46
"""A cone whose rows all err by less than this part of the level is not cut."""
THIN = 1e-12
"""Corners closer than this to the span of others are not told apart."""
LEAST = 2.0**-60
"""How much of a corner there is in a new one, at least."""
LARGEST, MOST_COLUMNS = 10_000, 1_000
"""Samples and columns for which there is room, and for which the derivation holds."""
RANGE = 2.0**300
"""Numbers are at most this, and at least its inverse."""


class RoundedConeSpace(ConeSpace):
    """The same regions, proved in floating point."""

    def __init__(self, claims: Claims, slopes: tuple[Fraction, Fraction]) -> None:
        super().__init__(claims, (fmpq_of(slopes[0]), fmpq_of(slopes[1])))
        self.rows = np.array([[*row, 1.0][: len(row) + claims.bias] for row in claims.X])
        if len(self.rows) > LARGEST or self.rows.shape[1] > MOST_COLUMNS:
            raise FloatingPointError(f"more than {LARGEST} samples or {MOST_COLUMNS} columns")
        check_range(self.rows)
        check_range(np.array([claims.weight_decay]))
        self.lengths = np.linalg.norm(self.rows, axis=1)
        self.flat = FLAT * self.lengths
        self.both = [float(slope) for slope in slopes]
        self.known: dict[Corner, Array] = {}
        scale = Fraction(1, self.x_scale * self.seen.scale)
        self.rests = np.array([float(rest * scale) for rest in self.seen.rests])
        self.stack = new_stack(len(self.seen.P), *self.rows.shape)

    def direction(self, corner: Corner) -> Array:
        """The corner in R^d, of length one."""
        if corner not in self.known:
            whole = [inner(column, corner.image) for column in zip(*self.basis, strict=True)]
            spare = max(bits([whole]) - DIGITS, 0)
            found = np.array([float(x >> spare) for x in whole])
            self.known[corner] = found / np.linalg.norm(found)
        return self.known[corner]

    def violations(self, regions: list[Region], v: list[Any], clock: Clock) -> Iterator[Fraction]:
        try:
            doubles = np.array([int(x.p) / int(x.q) for x in v])
        except OverflowError:
            raise FloatingPointError("a dual vector with huge numbers") from None
        check_range(doubles)
        left, right = self.both
        size = 1.001 * np.abs(doubles) @ self.lengths
        slack = 1.001 * max(abs(left), abs(right)) * (np.abs(doubles) @ self.rests)
        most = (float(self.beta) - slack) * (1.0 - 4.0 * EPS)
        if slack > float(NEGLIGIBLE) * most:
            raise RefusalError("not proved: the rank of X is more than the tree has rows")
        kinks, slope = (right - left) * doubles, left * (doubles @ self.rows)
        total = (abs(right - left) + abs(left)) * size
        for region in regions:
            function = Function(-region.sign * kinks, -region.sign * slope, total)
            yield Fraction(max(self.largest(region, function, most, clock) / most - 1.0, 0.0))

    def largest(self, region: Region, function: Function, most: float, clock: Clock) -> float:
        """A bound on s g in a region, or ``most`` where that is larger."""
        n, d = self.rows.shape
        room = (4 * n + 12 * d + 60) * EPS + FLAT
        for corners in region.cones:
            stack, top = self.stack, 0
            for k, corner in enumerate(corners):
                stack.corners[0, k] = self.direction(corner)
            stack.errors[0], stack.slopes[0], stack.rows[0] = FIRST, function.slope, np.arange(n)
            stack.marks[0] = n, 0
            while top >= 0:
                clock.check()
                top, most = search(stack, top, self.rows, self.flat, function, room, most)
                if not np.isfinite(most):
                    raise FloatingPointError("a cone is too thin")
        return most


class Function(NamedTuple):
    """The k_j, c and K."""

    kinks: Array
    slope: Array
    total: float


class Stack(NamedTuple):
    """Room for DEPTH cones to be looked at.

    Their corners (r, d), the errors of these, what the settled rows add up to (d), the rows that
    are not settled; and marks: how many these are, and how deep the cone is.
    """

    corners: Array
    errors: Array
    slopes: Array
    rows: NDArray[np.int64]
    marks: NDArray[np.int64]


def new_stack(r: int, n: int, d: int) -> Stack:
    """An empty one."""
    return Stack(
        np.empty((DEPTH + 2, r, d)),
        np.empty((DEPTH + 2, r)),
        np.empty((DEPTH + 2, d)),
        np.empty((DEPTH + 2, n), dtype=np.int64),
        np.empty((DEPTH + 2, 2), dtype=np.int64),
    )


def fmpq_of(x: Fraction) -> fmpq:
    """The same for flint."""
    return fmpq(x.numerator, x.denominator)


def check_range(numbers: Array) -> None:
    """Refuse numbers that are too large or too small."""
    sizes = np.abs(numbers[numbers != 0.0])
    if sizes.size and (sizes.max() > RANGE or sizes.min() < 1.0 / RANGE):
        raise FloatingPointError("numbers of very different size")


@njit(cache=True, nogil=True)
def search(stack, top, rows, flat, function, room, level):  # type: ignore[no-untyped-def]
    """Look at cones for a while; the top of what is left, and the level that bounds the others."""
    corners, errors, slopes, left, marks = stack
    kinks = function.kinks
    r, d = corners.shape[1], corners.shape[2]
    heights = np.empty((rows.shape[0], r))
    q, need = np.empty(d), np.empty(r)
    work = PORTION
    while top >= 0 and work > 0:
        work -= marks[top, 0] + OVERHEAD
        settle(corners, slopes, left, marks, rows, flat, kinks, heights, top)
        best = bound_on(stack, top, rows, heights, function, room, level, q, need)
        if best <= level:
            top -= 1
            continue
        count = marks[top, 0]
        t, error = worst_row(left, kinks, heights, top, count, LITTLE * level)
        if error == 0.0 or marks[top, 1] >= DEPTH:
            level = best
            top -= 1
        else:
            cut(corners, errors, slopes, left, marks, heights, top, count, t)
            top += 1
    return top, level


@njit(cache=True)
def bound_on(stack, top, rows, heights, function, room, level, q, need):  # type: ignore[no-untyped-def]
    """A bound on the function in a cone, the best of a few choices of the t_j.

    The first one that is below the level will do.
    """
    corners, errors, slopes, left, marks = stack
    kinks, _, total = function
    count, best = marks[top, 0], np.inf
    for turn in range(TURNS):
        concave = requirements(
            corners, errors, slopes, left, rows, kinks, heights, top, count, turn, q, need
        )
        for k in range(need.size):
            need[k] += total * (2.0 * errors[top, k] + room)
        best = min(best, shortest(corners, errors, top, need, level, q))
        if best <= level or not concave or best == np.inf:
            break
    return best


@njit(cache=True)
def settle(  # type: ignore[no-untyped-def]
    corners, slopes, left, marks, rows, flat, kinks, heights, top
):
    """Take the rows that are settled off the list; the heights of the others."""
    r, d = corners.shape[1], corners.shape[2]
    count = 0
    for t in range(marks[top, 0]):
        j = left[top, t]
        lowest, highest = np.inf, -np.inf
        for k in range(r):
            height = 0.0
            for x in range(d):
                height += rows[j, x] * corners[top, k, x]
            heights[count, k] = height
            lowest, highest = min(lowest, height), max(highest, height)
        if lowest >= -flat[j]:
            for x in range(d):
                slopes[top, x] += kinks[j] * rows[j, x]
        elif highest > flat[j] and kinks[j] != 0.0:
            left[top, count] = j
            count += 1
    marks[top, 0] = count


@njit(cache=True)
def requirements(  # type: ignore[no-untyped-def]
    corners, errors, slopes, left, rows, kinks, heights, top, count, turn, q, need
):
    """Write the h_k into ``need`` (r,); says whether any row is concave.

    With the t_j of the first turn, or those that are right at q.
    """
    r, d = corners.shape[1], corners.shape[2]
    for k in range(r):
        need[k] = 0.0
        for x in range(d):
            need[k] += slopes[top, x] * corners[top, k, x]
    concave = False
    for t in range(count):
        kink = kinks[left[top, t]]
        if kink > 0.0:
            for k in range(r):
                need[k] += kink * max(heights[t, k], 0.0)
            continue
        concave = True
        row = rows[left[top, t]]
        share = share_of(heights, t, r) if turn == 0 else ahead(row, q)
        for k in range(r):
            need[k] += kink * share * heights[t, k]
    return concave


@njit(cache=True)
def ahead(row, q):  # type: ignore[no-untyped-def]
    """1 where ``x_j.q`` is positive, else 0."""
    return 1.0 if dot(row, q) > 0.0 else 0.0


@njit(cache=True)
def share_of(heights, t, r):  # type: ignore[no-untyped-def]
    """Of the sizes of the heights of a row, that of the positive ones."""
    positive, total = 0.0, 0.0
    for k in range(r):
        positive += max(heights[t, k], 0.0)
        total += abs(heights[t, k])
    return min(positive / total, 1.0)


@njit(cache=True)
def shortest(corners, errors, top, need, level, q):  # type: ignore[no-untyped-def]
    """The length of a vector that meets the needs; q is about the shortest one, as is its length.

    Of the sets of corners that may reach their needs, all is tried first, then all others, until
    one is short enough.
    """
    highest = -np.inf
    for k in range(need.size):
        highest = max(highest, need[k])
    if highest <= 0.0:
        empty(q)
        return 0.0
    best, kept, trial = np.inf, np.zeros(q.size), np.empty(q.size)
    for mask in range((1 << need.size) - 1, 0, -1):
        reached = meet(corners, errors, top, need, mask, trial)
        if reached < best:
            best = reached
            assign(kept, trial)
        if best <= level:
            break
    assign(q, kept)
    return best


@njit(cache=True)
def meet(corners, errors, top, need, mask, q):  # type: ignore[no-untyped-def]
    """The length of a combination q of the corners in the mask that meets all needs, or infinity.

    The second time with room for what is lost by the length of the first.
    """
    length = 0.0
    for _ in range(2):
        if not solve(corners, errors, top, need, 4.0 * length, mask, q):
            break
        length = norm(q)
        reached = lengthened(corners, errors, top, need, q, length)
        if reached < np.inf:
            return reached
    return np.inf


@njit(cache=True)
def solve(corners, errors, top, need, room, mask, q):  # type: ignore[no-untyped-def]
    """The combination q (d,) of the corners in the mask that meets their needs; whether there is.

    With room for the rounding of a vector of a quarter of this length.

    By Gram and Schmidt: need not be precise.
    """
    d, size = q.size, 0
    basis = np.empty((need.size, d))
    empty(q)
    for k in range(need.size):
        if not (mask >> k) & 1:
            continue
        corner, new = corners[top, k], basis[size]
        missing = need[k] + room * (errors[top, k] + 2.0 * (d + 4) * EPS) - dot(q, corner)
        assign(new, corner)
        for i in range(size):
            add(new, -dot(basis[i], new), basis[i])
        length = norm(new)
        if length < THIN:
            return False
        for x in range(d):
            new[x] /= length
        add(q, missing / dot(new, corner), new)
        size += 1
    return True


@njit(cache=True)
def empty(q):  # type: ignore[no-untyped-def]
    """Make it zero."""
    for x in range(q.size):
        q[x] = 0.0


@njit(cache=True)
def norm(q):  # type: ignore[no-untyped-def]
    """Its length."""
    return np.sqrt(dot(q, q))


@njit(cache=True)
def lengthened(corners, errors, top, need, q, length):  # type: ignore[no-untyped-def]
    """How long q has to be to meet all needs; infinite where that takes more than its length."""
    d, factor = q.size, 1.0
    for side in range(2):
        for k in range(need.size):
            reached = dot(q, corners[top, k])
            reached -= 1.01 * length * (errors[top, k] + 2.0 * (d + 4) * EPS)
            if side == 0 and need[k] > 0.0:
                if reached <= 0.0:
                    return np.inf
                factor = max(factor, need[k] / reached * (1.0 + 4.0 * EPS))
            elif side == 1 and need[k] <= 0.0 and factor * reached * (1.0 + 4.0 * EPS) < need[k]:
                return np.inf
    return factor * length * (1.0 + 2.0 * (d + 10) * EPS)


@njit(cache=True)
def cut(corners, errors, slopes, left, marks, heights, top, count, t):  # type: ignore[no-untyped-def]
    """Replace the cone by its two parts, at an edge that row t crosses."""
    r, d = corners.shape[1], corners.shape[2]
    i, j = 0, 0
    for k in range(1, r):
        i = k if heights[t, k] > heights[t, i] else i
        j = k if heights[t, k] < heights[t, j] else j
    a, b = -heights[t, j], heights[t, i]
    most = max(a, b)
    a, b = max(a / most, LEAST), max(b / most, LEAST)
    square = 0.0
    for x in range(d):
        corner = a * corners[top, i, x] + b * corners[top, j, x]
        square += corner * corner
    length = np.sqrt(square)
    error = (a * errors[top, i] + b * errors[top, j] + 8.0 * EPS * (a + b)) / length
    new = top + 1
    for k in range(r):
        errors[new, k] = errors[top, k]
        for x in range(d):
            corners[new, k, x] = corners[top, k, x]
    for x in range(d):
        slopes[new, x] = slopes[top, x]
        corner = (a * corners[top, i, x] + b * corners[top, j, x]) / length
        corners[top, i, x], corners[new, j, x] = corner, corner
    errors[top, i] = errors[new, j] = error * (1.0 + 16.0 * EPS)
    for s in range(count):
        left[new, s] = left[top, s]
    marks[top, 1] += 1
    marks[new, 0], marks[new, 1] = count, marks[top, 1]


@njit(cache=True)
def worst_row(left, kinks, heights, top, count, little):  # type: ignore[no-untyped-def]
    """The row that errs most, of convex ones if there are any, and by how much.

    Of those that err by more than a little; 0.0 where there is none.
    """
    chosen, worst, convex = 0, 0.0, False
    r = heights.shape[1]
    for t in range(count):
        kink = kinks[left[top, t]]
        lowest, highest = np.inf, -np.inf
        for k in range(r):
            lowest, highest = min(lowest, heights[t, k]), max(highest, heights[t, k])
        error = abs(kink) * min(-lowest, highest)
        if error <= little:
            continue
        if (kink > 0.0 and not convex) or ((kink > 0.0) == convex and error > worst):
            chosen, worst, convex = t, error, kink > 0.0
    return chosen, worst
