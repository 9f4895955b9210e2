"""Exact arithmetic: integers and fractions; for roots, logarithms and tanh, balls.

Doubles are dyadic rationals, so nothing is lost when they become fractions, or integers with a
common scale. A ball holds the true value; only `outward` goes back to doubles.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import repeat
from operator import mul
from typing import Any

from flint import arb, ctx, fmpq, fmpz, fmpz_mat

from .document import RefusalError

Number = Any  # int or fmpq: exact; or arb: a ball around the true value
Matrix = list[list[int]]
PRECISION = 256  # bits, of the balls
LONG = 2**14  # bits of a denominator beyond which a sum of fractions is enclosed in a ball
MAX_BITS = 2 * 10**5  # order of a matrix * bits of its entries
MAX_SIZE = 10**9  # numbers * bits of each


def balls(precision: int = 0) -> Any:
    """The context in which balls have that precision, or this one in bits."""
    return ctx.workprec(precision or PRECISION)


def rational(x: float) -> fmpq:
    """The exact value of a double."""
    return fmpq(*x.as_integer_ratio())


def fraction(x: Number) -> Fraction:
    """The value of an exact number, or of a ball of radius 0."""
    if isinstance(x, fmpq):
        return Fraction(int(x.p), int(x.q))
    mantissa, exponent = x.man_exp()
    return int(mantissa) * Fraction(2) ** int(exponent)


def ball(q: Fraction) -> arb:
    """An enclosure of a rational number."""
    return arb(fmpq(q.numerator, q.denominator))


def enclosed(x: Number) -> Number:
    """The same, or a ball around a fraction of very many digits.

    Sums of fractions without a common denominator, n of them, would take time like n^2. Those of
    doubles and their squares have powers of two, below 2^LONG, and stay exact.

    >>> enclosed(fmpq(1, 3)), type(enclosed(fmpq(1, 3**20_000))).__name__
    (1/3, 'arb')
    """
    long = isinstance(x, fmpq) and x.q.bit_length() > LONG
    return arb(x) if long else x


def integers(rows: Iterable[Iterable[float]]) -> tuple[Matrix, int]:
    """Rows of integers k and a power of two s with ``rows = k / s`` exactly.

    >>> integers([[0.75], [2.0]])
    ([[3], [8]], 4)
    """
    kept = [list(row) for row in rows]
    scale = max((x.as_integer_ratio()[1] for row in kept for x in row), default=1)
    largest = max((max(map(abs, row), default=0.0) for row in kept), default=0.0)
    digits = int(largest).bit_length() + scale.bit_length()
    check_size(sum(map(len, kept)), digits)
    if digits > sys.float_info.max_exp:
        return [[whole(x, scale) for x in row] for row in kept], scale
    power = scale.bit_length() - 1  # then nothing is rounded by ldexp
    return [list(map(int, map(math.ldexp, row, repeat(power)))) for row in kept], scale


def over_common_denominator(rows: Sequence[Sequence[fmpq]]) -> tuple[Matrix, int]:
    """Rows of integers k and the least s > 0 with ``rows = k / s`` exactly.

    >>> over_common_denominator([[fmpq(1, 2), fmpq(2, 3)]])
    ([[3, 4]], 6)
    """
    scale = math.lcm(*(int(x.q) for row in rows for x in row))
    return [[int(x * scale) for x in row] for row in rows], scale


def whole(x: float, scale: int) -> int:
    """``scale * x``, where that is an integer."""
    p, q = x.as_integer_ratio()
    return p * (scale // q)


def check_size(count: int, size: int) -> None:
    """Refuse to go on with numbers that would take too much memory together."""
    if count * size > MAX_SIZE:
        raise RefusalError(f"too large: {count} numbers of up to {size} bits")


def bits(rows: Iterable[Iterable[int]]) -> int:
    """The number of digits of the largest integer."""
    return max((x.bit_length() for row in rows for x in row), default=0)


def inner(x: Iterable[Number], y: Iterable[Number]) -> Number:
    """``x . y``, of integers, balls or doubles."""
    return sum(map(mul, x, y))


def congruent(M: Matrix, W: Matrix) -> Matrix:
    """``W M W^T``, for a symmetric M."""
    MW = [[inner(row, w) for row in M] for w in W]
    return [[inner(w, x) for x in MW] for w in W]


def matrix_of(rows: Sequence[Sequence[Any]], columns: int) -> fmpz_mat:
    """Rows of whole numbers, perhaps none, as a matrix of flint."""
    return fmpz_mat(len(rows), columns, [x for row in rows for x in row])


def products(rows: Matrix, points: Matrix) -> Iterator[list[fmpz]]:
    """For each point x, ``row . x`` for all rows, one point at a time to save memory."""
    matrix = matrix_of(rows, len(points[0]))
    for x in points:
        yield (matrix * fmpz_mat(len(x), 1, x)).entries()


def positive(x: Number) -> Number:
    """``max(x, 0)``."""
    return (x + abs(x)) / 2


def above_one(square: Fraction) -> Fraction:
    """0 if the root of the square is at most 1, exactly; otherwise what it has above, or more."""
    return root_above(square) - 1 if square > 1 else Fraction(0)


def root_above(square: Fraction) -> Fraction:
    """A little more than the square root."""
    return Fraction(math.isqrt(math.ceil(square * 4**128)) + 1, 2**128)


def rounded_up(x: fmpq, precision: int = PRECISION) -> fmpq:
    """A number not below x, with few binary digits."""
    scale = fmpq(2) ** (precision + int(x.q).bit_length() - abs(int(x.p)).bit_length())
    return fmpq((x * scale).ceil()) / scale


def outward(value: Number, direction: float) -> float:
    """The nearest double on that side of a number, or of the ball's end on that side.

    >>> outward(fmpq(1, 10), math.inf), outward(fmpq(1, 10), -math.inf)
    (0.1, 0.09999999999999999)
    """
    if isinstance(value, arb):
        if not value.is_finite():
            raise RefusalError("the bracket has an end that cannot be computed")
        value = value.upper() if direction > 0 else value.lower()
    try:
        q = fraction(value)
        x = float(q)
        inside = x < q if direction > 0 else x > q
        x = math.nextafter(x, direction) if inside else x
        return float(Fraction(x))  # raises OverflowError for an infinite x
    except OverflowError:
        raise RefusalError("the bracket has an end that is too large for a double") from None
