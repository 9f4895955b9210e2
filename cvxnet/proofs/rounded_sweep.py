"""A bound on rho(v) in floating point, for ReLU-like units and at most three columns, O(n^2 log n).

Where exact integers take too long. Every rounding error is bounded here, so what comes out is a
proof, if the processor, numpy and numba follow IEEE 754. It shares no code with training or
with the exact checker. What it bounds, over the unit ball of R^3 (fewer columns: zeros added), is

    g(u) = sum_j v_j phi(x_j.u) = h.u + sum_j k_j |e_j.u|,     phi(z) = right z_+ - left (-z)_+,

with e_j = x_j / 2^p_j, its largest entry in [1/2, 1), so exact; k_j = v_j 2^p_j (right - left) / 2;
h = (right + left) / 2 sum_j v_j x_j. Rows on one hyperplane are taken together. All is scaled by a
power of two, so that K = sum_j |k_j| is in (1/2, 1]. Let eps = 2^-53. Underflow adds less than
2^-1000 to anything below.

Circles. On the circle e_i.u = 0 let k be the largest entry of e = e_i, and p, q the other two.
With s = u_p and t = u_q, u_k = -(e_p s + e_q t) / e_k and

    e_j.u = (a s + b t) / e_k,     a = e_k x_p - e_p x_k,   b = e_k x_q - e_q x_k   (x = e_j).

Products are taken with their errors (`difference`), so a and b come out with errors below
2.01 eps |a|, 2.01 eps |b|, + 2^-103. The circle is walked in order of the rounded ratio b / a (on
the half t >= 0; opposite, all signs of e_j.u are opposite). Moving the ratio, rounding included,
into b: the walk is that of exact numbers a^, b^ with |a^ - a| <= 2^-102, |b^ - b| <= 5.03 eps |b|
+ 2^-102. Where the walk has the wrong sign for row j, (a^ s + b^ t) and (a s + b t) have different
signs, so e_j.u is no larger than their difference over e_k: at most 5.03 eps |b t / e_k| + 2^-100
<= 7.2 eps |e_j| as |b / e_k| <= |x_q| + |x_k| <= sqrt(2) |e_j|. This is why ties may be passed in
any order. With c the gradient that the walk has, therefore, everywhere on the circle

    |g(u) - c.u| <= E = 15 eps sum_j |k_j| |e_j| + 2^-60.

On an arc |c.u| is largest at an end, or, if some multiple M of c's projection on the circle's
plane is in the arc, there: M is in the arc if P.u, P = e x c, changes sign between the ends. A
projection as long as `floor` that is outside by less than 2^-28 may be taken for inside: it counts
for more than it has to. Never the other way round: P.u has an error below 16 eps |c| |e| |u|, and
|c| <= 2^20 floor.

Cells. Let u* maximise |g|, and M be the maximum. (A) If u* is on a circle or at an angle of at
most eta = 2^-25 from one: go to the nearest point of the nearest circle. The way stays in the
closed cell, where g = c.u and u* = +-c / |c|, so there |g| >= M cos(eta). (B) Otherwise u* is deep
inside its cell. The cell has at most n arcs; one is seen from u* under 2 pi / n or more, so it is
at least sin(eta) 2 pi / n long, and if the walk starts in it, one part is half as long. Let m be
the middle of that, e = e_i its circle, on either side. Rows with |a|, |b| <= 2^-40 are near: their
normal is within 2^-37 of a multiple of e, so on the cell they have the sign of that multiple.
Others have |e_j.m| >= sqrt(a^2 + b^2) sin(sin(eta) pi / (2 n)) / sqrt(3), more than the walk's
error 5.03 eps |b / e_k| + 2^-100 if n <= 10^5, so the walk passes m with their right signs. So
for one of the arcs, one of its sides and one of the signs (g or -g) the gradient is the cell's.
There (B) says sign_j e_j.u* >= |e_j| sin(eta) > 2^-27 for all j, while rounding of u* = c / |c| and
of the product leaves less than 2^-29. So M <= |c| for a gradient that passes the test, in
floating point, to be in its own cell. Hence M <= max(largest value found on arcs + E, largest cell
found) / cos(eta).

Sums. k_j e_j is split, from exact fractions, into a multiple of 2^-51 and the rest. Sums and
differences of the first part are exact (all are below 4), the rests are below 2^-52 and their sums
err by less than 2^-68 for n <= 10^5. So c = D + h errs by at most eps (|D| + |h| + |c|) and a
little, and what is computed from it (lengths, c.u / |u| at an end, |e x c| / |e|) by less than
32 eps (|c| + 2 |h|), which is added.

One side. Where only g or only -g has to be bounded, what is attained where it is negative does not
count: ends of arcs with the other sign; cells that hold the multiple of c with the other sign; and
a projection if c.m has the other sign by more than 2^-28 of its length, where m points to the
middle of the arc, as what is in the arc is within a right angle of m. Of unit vectors, both the sum
of the ends and what leads into the arc at one end, less what leads out at the other, point there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from operator import mul
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cvxnet.types import Array

EPS = 2.0**-53
NEAR = 2.0**-40
"""Rows whose a and b are no larger are taken for multiples of the circle's normal."""
OUTSIDE = 2.0**-28
LARGEST = 100_000
"""Rows for which the derivation holds."""
CIRCLES_AT_ONCE = 20
Rows = Sequence[Sequence[Fraction]]


def bound(
    X: Array,
    v: Sequence[Fraction],
    left: Fraction,
    right: Fraction,
    floor: Fraction = Fraction(0),
    watch: Callable[[], None] = lambda: None,
    sides: tuple[int, ...] = (1, -1),
) -> Fraction:
    """An upper bound on ``rho(v)``, or on ``floor`` where that is larger; hardly above it.

    Parameters
    ----------
    X : (n, d) array
        At most three columns; finite.
    v : n numbers
    left, right : slopes of the units
    floor : values below need not be told apart; the closer to rho, the faster
    watch : called now and then; may raise
    sides : which of g and -g are to be bounded

    Examples
    --------
    >>> one = Fraction(1)
    >>> found = bound(np.eye(2), [3 * one, 4 * one], 0 * one, one)
    >>> 5 <= found <= 5 + Fraction(1, 10**13)
    True
    """
    problem = scaled(X, [[x] for x in v], left, right)
    if problem is None:
        h = (right + left) / 2
        sums = [h * inner(v, map(Fraction, column)) for column in X.T.tolist()]
        return max(floor, root_above(inner(sums, sums)))
    found = sweep(problem, floor / problem.unit, watch, sides)
    return max(floor, found * problem.unit)


class Scaled(NamedTuple):
    """The sum in numbers divided by ``unit``, a power of two.

    E has the e_j, (m, 3). With c outputs ``first`` and ``rest``, (m, 3 c), have the two parts of
    k_j e_j, output by output, and h is (3 c). ``total`` is K, ``error`` E.
    """

    E: Array
    first: Array
    rest: Array
    h: Array
    total: float
    error: float
    unit: Fraction


def scaled(X: Array, V: Rows, left: Fraction, right: Fraction) -> Scaled | None:
    """The problem of X and V (n rows of c numbers) in scaled numbers; None if all k_j are 0."""
    E, exact, weights = rows_that_count(X, V)
    kept, k = one_a_hyperplane(exact, multiplied(weights, (right - left) / 2))
    total = sum((sum(map(abs, row)) for row in k), Fraction(0))
    if not total:
        return None
    if len(kept) > LARGEST:
        raise OverflowError(f"{len(kept)} rows; the rounding bounds hold for {LARGEST} at most")
    unit = power_of_two_above(total)
    pairs = zip(multiplied(k, 1 / unit), kept, strict=True)
    first, rest = in_two_parts([[w * x for w in row for x in exact[j]] for row, j in pairs])
    slope = (right + left) / 2 / unit
    h = np.array([float(slope * x) for row in products_of_columns(weights, exact) for x in row])
    error = 16.0 * EPS * float(np.linalg.norm(first + rest, axis=1).sum()) + 2.0**-60
    return Scaled(E[kept], first, rest, h, float(total / unit), error, unit)


def multiplied(rows: Rows, factor: Fraction) -> list[list[Fraction]]:
    """``factor * rows``."""
    return [[factor * x for x in row] for row in rows]


def products_of_columns(A: Rows, B: Rows) -> list[list[Fraction]]:
    """``A^T B``."""
    columns = list(zip(*B, strict=True))
    return [[inner(a, b) for b in columns] for a in zip(*A, strict=True)]


def in_two_parts(rows: Rows) -> tuple[Array, Array]:
    """Multiples of 2^-51, and what is left."""
    first = np.array([[round(x * 2**51) / 2**51 for x in row] for row in rows])
    pairs = zip(rows, first.tolist(), strict=True)
    rest = [[float(x - Fraction(y)) for x, y in zip(*pair, strict=True)] for pair in pairs]
    return first, np.array(rest)


def rows_that_count(X: Array, V: Rows) -> tuple[Array, list[list[Fraction]], list[list[Fraction]]]:
    """The e_j, (n, 3) and as fractions, and the v_j 2^p_j, where neither x_j nor v_j is zero."""
    rows = [j for j, x in enumerate(X) if any(V[j]) and x.any()]
    E, powers = normalised(in_space(X[rows]))
    weights = [[v * Fraction(2) ** int(p) for v in V[j]] for j, p in zip(rows, powers, strict=True)]
    return E, [[Fraction(x) for x in e] for e in E.tolist()], weights


def in_space(rows: Array) -> Array:
    """Rows (n, d), d <= 3, with columns of zeros up to three: (n, 3)."""
    solid = np.zeros((len(rows), 3))
    solid[:, : rows.shape[1]] = rows
    return solid


def inner(x: Iterable[Fraction], y: Iterable[Fraction]) -> Fraction:
    """``x . y``."""
    return sum(map(mul, x, y), Fraction(0))


def power_of_two_above(x: Fraction) -> Fraction:
    """The unit with ``unit / 2 < x <= unit``."""
    unit = Fraction(2) ** (x.numerator.bit_length() - x.denominator.bit_length())
    return unit if x <= unit else 2 * unit


def normalised(rows: Array) -> tuple[Array, NDArray[np.int64]]:
    """Rows with a largest entry in [1/2, 1), and the powers of two that were divided by."""
    powers = np.frexp(np.abs(rows).max(axis=1, initial=0.0))[1]
    scaled = np.ldexp(rows, -powers[:, None])
    if (np.ldexp(scaled, powers[:, None]) != rows).any():
        raise FloatingPointError("entries of a row differ by more than doubles can hold")
    return scaled, powers


def one_a_hyperplane(
    rows: list[list[Fraction]], k: list[list[Fraction]]
) -> tuple[list[int], list[list[Fraction]]]:
    """One row of each hyperplane, by its index, and the sum of its kinks; none where they cancel.

    Rows that are multiples of one another have ``|x.u|`` in proportion. What cancels exactly would
    otherwise be taken for as large as rounding, 2^-20 of its terms.

    Examples
    --------
    >>> rows = [[Fraction(x) for x in row] for row in ([1, 2], [0, 1], [-3, -6], [0, 2])]
    >>> one_a_hyperplane(rows, [[Fraction(5)], [Fraction(2)], [Fraction(1)], [Fraction(-1)]])
    ([0], [[Fraction(8, 1)]])
    """
    sums: dict[tuple[int, ...], list[Fraction]] = {}
    first: dict[tuple[int, ...], tuple[int, Fraction]] = {}
    for j, (row, jump) in enumerate(zip(rows, k, strict=True)):
        direction, length = direction_of(row)
        first.setdefault(direction, (j, length))
        before = sums.get(direction, [Fraction(0)] * len(jump))
        sums[direction] = [x + length * y for x, y in zip(before, jump, strict=True)]
    left = [direction for direction, total in sums.items() if any(total)]
    return [first[d][0] for d in left], [multiplied([sums[d]], 1 / first[d][1])[0] for d in left]


def direction_of(row: list[Fraction]) -> tuple[tuple[int, ...], Fraction]:
    """Whole numbers that are the same for all multiples of a row, and how often they are in it.

    The second is positive: it is a length.
    """
    common = max(x.denominator for x in row)  # all are powers of two
    whole = [int(x * common) for x in row]
    divisor = math.gcd(*whole) * (1 if max(whole, key=abs) > 0 else -1)
    return tuple(x // divisor for x in whole), Fraction(abs(divisor), common)


def root_above(square: Fraction) -> Fraction:
    """A little more than the square root, relatively 2^-100 or so."""
    if not square:
        return Fraction(0)
    shift = max(0, 200 - square.numerator.bit_length() + square.denominator.bit_length())
    shift += shift % 2
    return Fraction(math.isqrt(math.ceil(square * 2**shift)) + 1, 2 ** (shift // 2))


def sweep(
    problem: Scaled, floor: Fraction, watch: Callable[[], None], sides: tuple[int, ...]
) -> Fraction:
    """The bound, in the scaled numbers, with one output."""
    E, first, rest, h, total, error, _ = problem
    size = float(np.linalg.norm(h)) * (1.0 + 2.0**-48)
    within_reach = float(min(floor, Fraction(size) + 4))  # rho <= |h| + sqrt(3) K
    best = max(
        within_reach * (1.0 - 2.0**-48) - error - 8.0 * EPS * size,
        2.0**-20 * (size + 2.0 * total),
    )
    for i in range(len(E)):
        if i % CIRCLES_AT_ONCE == 0:
            watch()
        limits = (size, best, float(sum(sides)))
        best = circle(E, first, rest, h, limits, E[i], crossings(E, i))
    # (1 + 8 eps) best + 8 eps |h|: what was dismissed because its square is at most that of best
    seen = Fraction(best) * (1 + Fraction(EPS) * 8) + Fraction(8.0 * EPS * size)
    return (seen + Fraction(error)) * (1 + Fraction(1, 2**50))  # 1 / cos(eta) < 1 + 2^-50


class Crossings(NamedTuple):
    """How the rows cross a circle.

    ``ratio`` is b / a of each row, ``start`` its sign where the walk starts, ``near`` whether it is
    near, and ``multiple`` then the sign of the multiple of the normal that it is, 0 for others.
    ``order`` has the rows that cross, in order. A start of 0 is a = b = 0. Where only a = 0 the
    row crosses where the walk ends.
    """

    ratio: Array
    start: Array
    near: NDArray[np.bool_]
    multiple: Array
    order: NDArray[np.int64]


def crossings(E: Array, i: int) -> Crossings:
    """The crossings of all rows with the circle of row i."""
    e, x, k = E[i], E.T, int(np.argmax(np.abs(E[i])))
    p, q = (k + 1) % 3, (k + 2) % 3
    a, b = difference(e[k], x[p], e[p], x[k]), difference(e[k], x[q], e[q], x[k])
    with np.errstate(over="ignore"):
        ratio = np.divide(b, a, out=np.full(len(E), np.inf), where=a != 0.0)
    start = np.sign(np.where(a != 0.0, a, b)) * np.sign(e[k])
    near = (np.abs(a) <= NEAR) & (np.abs(b) <= NEAR)
    multiple = np.where(near, np.sign(x[k]) * np.sign(e[k]), 0.0)
    order = np.flatnonzero(start)
    return Crossings(ratio, start, near, multiple, order[np.argsort(ratio[order])])


def difference(x: Any, y: Any, z: Any, w: Any) -> Any:
    """``x y - z w`` for numbers below 1, with an error below 2.01 eps of it + 2^-103."""
    s, t = x * y, z * w
    return (s - t) + (product_error(x, y, s) - product_error(z, w, t))


def product_error(x: Any, y: Any, product: Any) -> Any:
    """``x y - product``, exactly where nothing underflows (Dekker 1971)."""
    s, t = 134217729.0 * x, 134217729.0 * y
    x_high, y_high = s - (s - x), t - (t - y)
    x_low, y_low = x - x_high, y - y_high
    return x_low * y_low - (((product - x_high * y_high) - x_low * y_high) - x_high * y_low)


@njit(cache=True, nogil=True)
def circle(E, first, rest, h, limits, e, crossings):  # type: ignore[no-untyped-def]
    """The largest of ``best`` and what is on one circle's arcs and in the two cells beside each.

    E, first and rest are (n, 3), h and e three numbers; limits are about |h|, what is the best, and
    1 for g, -1 for -g, 0 for both.
    """
    ratio, start, near, _, order = crossings
    size, best, wanted = limits
    far, along, beside, sign = walk_start(first, rest, crossings)
    ends = ends_of_arcs(ratio, order)
    c = np.empty(3)
    for t in range(order.size + 1):
        if t > 0:
            j = order[t - 1]
            add(along if near[j] else far, -2.0 * start[j], first[j], rest[j])
            sign[j] = -sign[j]
        for turn in (1.0, -1.0):  # the gradient of g, then that of -g on the opposite face
            square = gradient(c, far, 1.0, along, turn, h)
            if square > best * best:
                reached = on_arc(c, e, ends[t], ends[t + 1], wanted)
                best = max(best, reached + rounding(square, size))
            for side in (1.0, -1.0):
                square = gradient(c, far, side, beside, turn, h)
                toward = side * upward(e, c)
                if square <= best * best or toward * wanted < 0.0:
                    continue
                if in_cell(E, sign, order, t, c, toward):
                    best = max(best, np.sqrt(square) + rounding(square, size))
    return best


@njit(cache=True)
def ends_of_arcs(ratio, order):  # type: ignore[no-untyped-def]
    """The ratios between which the arcs are: those of the rows in order, between infinite ones."""
    ends = np.empty(order.size + 2)
    ends[0], ends[order.size + 1] = -np.inf, np.inf
    for t in range(order.size):
        ends[t + 1] = ratio[order[t]]
    return ends


@njit(cache=True)
def walk_start(first, rest, crossings):  # type: ignore[no-untyped-def]
    """Where the walk starts, signed sums of k_j e_j, each in two parts, (2, 3 c); and n signs.

    Sums are of rows that are not near; of near ones on the arc; of near ones on the side of the
    circle to which e points. Signs are those of the rows that are not near, 0 for the others.
    """
    far, along, beside = np.zeros((3, 2, first.shape[1]))
    _, start, near, multiple, _ = crossings
    sign = np.empty(start.size)
    for j in range(start.size):
        add(along if near[j] else far, start[j], first[j], rest[j])
        add(beside, multiple[j], first[j], rest[j])
        sign[j] = 0.0 if near[j] else start[j]
    return far, along, beside, sign


@njit(cache=True)
def rounding(square, size):  # type: ignore[no-untyped-def]
    """What values computed from a gradient with that square may err by; size is about |h|."""
    return 32.0 * EPS * (np.sqrt(square) + 2.0 * size)


@njit(cache=True)
def upward(e, c):  # type: ignore[no-untyped-def]
    """1 where c is on the side to which e points, otherwise -1."""
    return 1.0 if dot(e, c) > 0.0 else -1.0


@njit(cache=True)
def add(total, factor, first, rest):  # type: ignore[no-untyped-def]
    """Add ``factor`` times both parts, 3 c numbers each, to the sum ``total``, (2, 3 c).

    The factor is 0 or a power of two but for its sign, so that nothing is rounded.
    """
    for x in range(first.size):
        total[0, x] += factor * first[x]
        total[1, x] += factor * rest[x]


@njit(cache=True)
def gradient(c, far, side, near, turn, h):  # type: ignore[no-untyped-def]
    """Put ``far + side * near + turn * h`` into c, 3 c numbers; returns its square.

    far and near are sums in two parts, (2, 3 c).
    """
    square = 0.0
    for x in range(c.size):
        D = (far[0, x] + side * near[0, x]) + (far[1, x] + side * near[1, x])
        c[x] = D + turn * h[x]
        square += c[x] * c[x]
    return square


@njit(cache=True)
def place(e, ratio):  # type: ignore[no-untyped-def]
    """Where the walk on the circle of e crosses a row with that ratio: a s + b t = 0, t >= 0."""
    U, k = np.empty(3), np.argmax(np.abs(e))
    p, q = (k + 1) % 3, (k + 2) % 3
    if abs(ratio) <= 1.0:
        U[p], U[q] = -ratio, 1.0
    else:
        U[p], U[q] = -np.sign(ratio), 1.0 / abs(ratio)
    U[k] = -(e[p] * U[p] + e[q] * U[q]) / e[k]
    return U


@njit(cache=True)
def on_arc(c, e, before, after, wanted):  # type: ignore[no-untyped-def]
    """The largest ``|c.u| / |u|`` on the arc of the circle of e between rows of these ratios.

    Where ``wanted`` is 1 or -1, the largest of that times c.u / |u|, or 0.
    """
    U, V = place(e, before), place(e, after)
    P = np.array([e[1] * c[2] - e[2] * c[1], e[2] * c[0] - e[0] * c[2], e[0] * c[1] - e[1] * c[0]])
    length, first, last = np.sqrt(dot(P, P)), np.sqrt(dot(U, U)), np.sqrt(dot(V, V))
    start, end, margin = dot(P, U) / first, dot(P, V) / last, OUTSIDE * length
    a, b, radius = dot(c, U) / first, dot(c, V) / last, np.sqrt(dot(e, e))
    inside = not ((start > margin and end > margin) or (start < -margin and end < -margin))
    middle = a + b + np.sign(e[np.argmax(np.abs(e))]) * (end - start) / radius
    if inside and wanted * middle >= -margin:
        return length / radius
    if wanted == 0.0:
        return max(abs(a), abs(b))
    return max(wanted * a, wanted * b, 0.0)


@njit(cache=True)
def in_cell(E, sign, order, t, c, toward):  # type: ignore[no-untyped-def]
    """Whether ``toward * c`` has the n signs of arc t; the next crossings dismiss most.

    E is (n, 3), order has the rows as they cross.
    """
    for x in range(t, order.size):
        j = order[x]
        if sign[j] * toward * dot(E[j], c) < 0.0:
            return False
        if x - t == 3:
            break
    for x in range(t - 1, -1, -1):
        j = order[x]
        if sign[j] * toward * dot(E[j], c) < 0.0:
            return False
    for x in range(t, order.size):
        j = order[x]
        if sign[j] * toward * dot(E[j], c) < 0.0:
            return False
    return True


@njit(cache=True)
def dot(x, y):  # type: ignore[no-untyped-def]
    return x[0] * y[0] + x[1] * y[1] + x[2] * y[2]
