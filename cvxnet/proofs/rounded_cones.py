"""Units that have one kink, in cones, in floating point with bounds on all rounding errors.

All units, of rank 7 at most, or the regions of a tree; with one output.
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
from cvxnet.proofs.checker.coordinates import MAX_RANK, NEGLIGIBLE
from cvxnet.proofs.checker.document import RefusalError
from cvxnet.proofs.checker.dual import Clock
from cvxnet.proofs.checker.exact import bits, inner
from cvxnet.proofs.checker.simplices import ConeSpace, Corner, Region
from cvxnet.proofs.rounded_rows import (
    DEPENDENT,
    EPS,
    RANGE,
    check_range,
    doubles_of,
    rows_with_ones,
)
from cvxnet.types import Array

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
PASSES, HASTY = 50, 1e-2
"""Passes in which better t_j are looked for; one that gains less of what is missing is the last."""
SINGULAR = 1e-15
"""What makes a matrix that has no inverse one that has."""
FLAT = 2.0**-46
"""Heights of the wrong sign that do not count, as parts of the length of the row."""
MET = 1.0 + 1e-10
"""Times its length that meets all needs: so much more is not worth a second try."""
LITTLE = 2.0**-46
"""A cone whose rows all err by less than this part of the level is not cut."""
THIN = 1e-12
"""Corners closer than this to the span of others are not told apart."""
SHORTEST = 2.0**-500
"""No length is taken for less, as squares of what is below would vanish."""
LEAST = 2.0**-60
"""How much of a corner there is in a new one, at least."""
LARGEST, MOST_COLUMNS = 10_000, 1_000
"""Samples and columns for which there is room, and for which the derivation holds."""


class RoundedConeSpace(ConeSpace):
    """The same regions, proved in floating point."""

    def __init__(
        self,
        claims: Claims,
        slopes: tuple[Fraction, Fraction],
        chosen: list[int] | None = None,
    ) -> None:
        super().__init__(claims, (fmpq_of(slopes[0]), fmpq_of(slopes[1])), chosen)
        self.rows = rows_with_ones(claims)
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
        doubles = doubles_of((int(x.p), int(x.q)) for x in v)
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


def violation_of_cones(
    claims: Claims, v: list[fmpq], slopes: tuple[Fraction, Fraction], clock: Clock
) -> Fraction:
    """0 if ``rho(v) <= weight_decay`` is proved; otherwise a bound on ``rho / weight_decay - 1``.

    For one output, and units with these slopes. The first cones are what the planes of some rows
    cut out.
    """
    rows = rows_with_ones(claims)
    check_range(rows)
    chosen = independent_rows(rows, doubles_of((int(x.p), int(x.q)) for x in v))
    if not chosen:
        return Fraction(0)
    if len(chosen) > MAX_RANK:
        raise RefusalError(f"the rank of the rows of X that v is not 0 on is above {MAX_RANK}")
    space = RoundedConeSpace(claims, slopes, chosen)
    return max(space.violations([space.region(-side) for side in claims.sides], v, clock))


def independent_rows(rows: Array, v: Array) -> list[int]:
    """As many rows ``v_j x_j`` as their rank, each the one left longest by those before.

    Whatever is chosen, the proof holds or fails; long ones make good first cones. But none is only
    where all are zero: they are scaled, as squares of products may be too large or too small.
    """
    left, chosen, longest = v[:, None] * rows, list[int](), 0.0
    left = left / (np.abs(left).max(initial=0.0) or 1.0)
    for _ in range(min(rows.shape[1], MAX_RANK + 1)):
        lengths = np.linalg.norm(left, axis=1)
        k = int(lengths.argmax())
        longest = longest or lengths[k]
        if lengths[k] <= DEPENDENT * longest:
            break
        chosen.append(k)
        direction = left[k] / lengths[k]
        left = left - np.outer(left @ direction, direction)
    return chosen


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
    """A bound on the function in a cone, with the first t_j, and if that is too much with better.

    The first one that is below the level will do.
    """
    corners, errors, slopes, left, marks = stack
    kinks, _, total = function
    count, r = marks[top, 0], need.size
    shares, least = np.empty(count), np.empty(r)
    concave = first_shares(left, kinks, heights, top, count, shares)
    for k in range(r):
        least[k] = dot(slopes[top], corners[top, k]) + total * (2.0 * errors[top, k] + room)
    requirements(left, kinks, heights, top, count, shares, least, need)
    best = shortest(corners, errors, top, need, level, q)
    if best > level and concave:
        descend(corners, left, kinks, heights, top, count, level, least, shares)
        requirements(left, kinks, heights, top, count, shares, least, need)
        best = min(best, shortest(corners, errors, top, need, level, q))
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
def first_shares(left, kinks, heights, top, count, shares):  # type: ignore[no-untyped-def]
    """Write the first t_j of concave rows into ``shares``; says whether there are any."""
    concave = False
    for t in range(count):
        if kinks[left[top, t]] < 0.0:
            concave = True
            shares[t] = share_of(heights, t, heights.shape[1])
    return concave


@njit(cache=True)
def requirements(left, kinks, heights, top, count, shares, least, need):  # type: ignore[no-untyped-def]
    """Write the h_k + e_k into ``need`` (r,): ``least`` and what the rows in doubt add."""
    for k in range(need.size):
        need[k] = least[k]
    for t in range(count):
        kink = kinks[left[top, t]]
        for k in range(need.size):
            height = heights[t, k]
            need[k] += kink * (max(height, 0.0) if kink > 0.0 else shares[t] * height)


@njit(cache=True)
def descend(corners, left, kinks, heights, top, count, level, least, shares):  # type: ignore[no-untyped-def]
    """Change ``shares`` so that the length of the shortest q becomes small: a search, no proof.

    Its square is the least of ``c . M c`` for c at least the needs, M the inverse of the corners'
    products: by coordinate descent in the shares, and in what c has above the needs, with a Newton
    step in those that are at no end after each pass.
    """
    r = least.size
    M = inverse_of_products(corners, top, r)
    steps, ends, D = np.zeros(count + r), np.full(count + r, np.inf), np.zeros((count + r, r))
    need, size = least.copy(), 0
    for t in range(count):
        kink = kinks[left[top, t]]
        for k in range(r):
            if kink > 0.0:
                need[k] += kink * max(heights[t, k], 0.0)
            else:
                D[size, k] = kink * heights[t, k]
                need[k] += shares[t] * D[size, k]
        if kink < 0.0:
            steps[size], ends[size] = shares[t], 1.0
            size += 1
    for k in range(r):
        D[size + k, k] = 1.0
    minimise(M, D[: size + r], steps, ends, need, level * level)
    size = 0
    for t in range(count):
        if kinks[left[top, t]] < 0.0:  # what is no number counts as 0
            shares[t] = 1.0 if steps[size] >= 1.0 else steps[size] if steps[size] > 0.0 else 0.0
            size += 1


@njit(cache=True)
def inverse_of_products(corners, top, r):  # type: ignore[no-untyped-def]
    """About the inverse of the products of corners, (r, r)."""
    G = np.empty((r, r))
    for i in range(r):
        for k in range(r):
            G[i, k] = dot(corners[top, i], corners[top, k])
    inverse = np.eye(r)
    eliminate(G, inverse)
    return inverse


@njit(cache=True)
def eliminate(A, B):  # type: ignore[no-untyped-def]
    """Turn B (r, m) into about ``A^{-1} B``; A (r, r) is positive semidefinite, and lost.

    By Gauss and Jordan; pivots are at least what rounding leaves of them.
    """
    r, least = A.shape[0], 1.0 / RANGE
    for i in range(r):
        least = max(least, SINGULAR * A[i, i])
    for i in range(r):
        pivot = max(A[i, i], least)
        for x in range(r):
            A[i, x] /= pivot
        for x in range(B.shape[1]):
            B[i, x] /= pivot
        for k in range(r):
            factor = A[k, i]
            if k != i and factor != 0.0:
                add(A[k], -factor, A[i])
                add(B[k], -factor, B[i])


@njit(cache=True)
def minimise(M, D, steps, ends, c, goal):  # type: ignore[no-untyped-def]
    """Lower ``c . M c`` by steps between 0 and their ends along the rows of D (m, r)."""
    images = D @ M
    m = len(D)
    y, bends = M @ c, np.empty(m)
    for j in range(m):
        bends[j] = dot(D[j], images[j])
    square = dot(c, y)
    for _ in range(PASSES):
        before = square
        for j in range(m):
            if bends[j] > 0.0:
                slope = dot(D[j], y)
                change = min(max(steps[j] - slope / bends[j], 0.0), ends[j]) - steps[j]
                square += change * (2.0 * slope + change * bends[j])
                move(j, change, steps, D, images, c, y)
        square += newton(D, images, steps, ends, c, y)
        if square < goal or before - square <= HASTY * (square - goal):
            break


@njit(cache=True)
def move(j, change, steps, D, images, c, y):  # type: ignore[no-untyped-def]
    """One step by so much."""
    steps[j] += change
    add(c, change, D[j])
    add(y, change, images[j])


@njit(cache=True)
def newton(D, images, steps, ends, c, y):  # type: ignore[no-untyped-def]
    """Newton's step in what is at no end, as far as all of them may go; how the square changes."""
    free = np.empty(c.size, np.int64)
    size = free_steps(steps, ends, free)
    if size == 0:
        return 0.0
    A, wanted, part, gain = np.empty((size, size)), np.empty((size, 1)), 1.0, 0.0
    for i in range(size):
        wanted[i, 0] = dot(D[free[i]], y)
        for k in range(size):
            A[i, k] = dot(D[free[i]], images[free[k]])
    eliminate(A, wanted)
    for i in range(size):
        j, change = free[i], wanted[i, 0]
        gain += change * dot(D[j], y)
        if change != 0.0:
            part = min(part, (ends[j] - steps[j] if change < 0.0 else steps[j]) / abs(change))
    before = dot(c, y)
    if part * gain > 0.0:
        for i in range(size):
            j = free[i]
            to = min(max(steps[j] - part * wanted[i, 0], 0.0), ends[j])
            move(j, to - steps[j], steps, D, images, c, y)
    return dot(c, y) - before


@njit(cache=True)
def free_steps(steps, ends, free):  # type: ignore[no-untyped-def]
    """Write down which steps are at no end, and count them; 0 where there is no room for all."""
    size = 0
    for j in range(steps.size):
        if 0.0 < steps[j] < ends[j]:
            if size == free.size:
                return 0
            free[size] = j
            size += 1
    return size


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

    Where it has to be made much longer, a second time with room for what is lost by the length of
    the first: a need of nearly nothing is met by nearly nothing.
    """
    length, best = 0.0, np.inf
    for _ in range(2):
        if not solve(corners, errors, top, need, 4.0 * length, mask, q):
            break
        length = max(norm(q), SHORTEST)
        best = min(best, lengthened(corners, errors, top, need, q, length))
        if best <= MET * length:
            break
    return best


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
