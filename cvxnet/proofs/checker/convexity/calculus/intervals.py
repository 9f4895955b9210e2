"""Intervals of rational numbers, whose ends may be infinite: what a value is known to lie in.

An interval is closed, a pair (low, high); None stands for minus infinity as a low end and for plus
infinity as a high one. An operation returns an interval that holds all of its values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from flint import arb, fmpq, fmpz

from ...document import RefusalError
from ...exact import Number

End: TypeAlias = fmpq | None
Interval: TypeAlias = tuple[End, End]

EVERYTHING: Interval = (None, None)
LONG = 1000  # bits of an end that is kept as it is
FAR = 4000  # the power of two beyond which a number counts as infinite, or as zero


def inside(one: Interval, other: Interval) -> bool:
    """Whether one interval lies in the other."""
    (low, high), (least, most) = one, other
    above = least is None or (low is not None and low >= least)
    return above and (most is None or (high is not None and high <= most))


def middle(one: Interval) -> fmpq:
    """Where to cut an interval in two; infinite ones at 0, +-1, +-2, +-4, ..."""
    low, high = one
    if low is not None and high is not None:
        return (low + high) / 2
    if low is not None:
        return max(2 * low, fmpq(1)) if low >= 0 else fmpq(0)
    return -middle((-high, None)) if high is not None else fmpq(0)


def clipped(one: Interval, other: Interval) -> Interval:
    """What two intervals have in common."""
    lows = [t for t in (one[0], other[0]) if t is not None]
    highs = [t for t in (one[1], other[1]) if t is not None]
    return max(lows, default=None), min(highs, default=None)


def added(terms: Iterable[Interval]) -> Interval:
    """The sum."""
    low: End = fmpq(0)
    high: End = fmpq(0)
    for least, most in terms:
        low = None if low is None or least is None else low + least
        high = None if high is None or most is None else high + most
    return low, high


def mirrored(one: Interval) -> Interval:
    """The interval mirrored at zero."""
    low, high = one
    return None if high is None else -high, None if low is None else -low


def multiplied(one: Interval, other: Interval) -> Interval:
    """The product; an infinite end times zero is zero, as every value is finite."""
    if is_below(one) and not is_above(one):
        return mirrored(multiplied(mirrored(one), other))
    if is_below(other) and not is_above(other):
        return mirrored(multiplied(one, mirrored(other)))
    if is_above(one) and is_above(other):
        return times(one[0], other[0]), times(one[1], other[1])
    if is_above(other):
        one, other = other, one
    low, high = times(one[1], other[0]), times(one[1], other[1])
    if is_above(one):
        return low, high
    return least([low, times(one[0], other[1])]), greatest([high, times(one[0], other[0])])


def least(ends: Sequence[End]) -> End:
    """The least low end: minus infinity where one is."""
    finite = [end for end in ends if end is not None]
    return min(finite) if len(finite) == len(ends) else None


def greatest(ends: Sequence[End]) -> End:
    """The largest high end: infinity where one is."""
    finite = [end for end in ends if end is not None]
    return max(finite) if len(finite) == len(ends) else None


def larger(values: Sequence[Interval]) -> Interval:
    """What holds the maximum of values: at least each low end, at most the largest high end."""
    lows = [low for low, _ in values if low is not None]
    return max(lows, default=None), greatest([high for _, high in values])


def is_above(one: Interval) -> bool:
    """Whether nothing in it is below zero."""
    return one[0] is not None and one[0] >= 0


def is_below(one: Interval) -> bool:
    """Whether nothing in it is above zero."""
    return one[1] is not None and one[1] <= 0


def cone_of(one: Interval) -> Interval:
    """The half line from zero, or all, that holds every multiple by a number > 0."""
    return fmpq(0) if is_above(one) else None, fmpq(0) if is_below(one) else None


def times(s: End, t: End) -> End:
    """The product of two ends whose signs say which infinity an infinite one is."""
    if s == 0 or t == 0:
        return fmpq(0)
    return None if s is None or t is None else s * t


def inverted(one: Interval) -> Interval:
    """``1 / t`` for t other than zero."""
    low, high = one
    if is_above(one):
        return inverse(high, fmpq(0)), inverse(low, None)
    if is_below(one):
        return inverse(high, None), inverse(low, fmpq(0))
    return EVERYTHING


def inverse(end: End, otherwise: End) -> End:
    """``1 / end``; what infinite ends or zero become is named."""
    if end == 0:
        return None
    return otherwise if end is None else 1 / end


def shortened(one: Interval) -> Interval:
    """The interval, or a slightly larger one, without long numbers."""
    low, high = one
    if low is not None and low.height_bits() > LONG:
        low = lower_end(arb(low))
    if high is not None and high.height_bits() > LONG:
        high = upper_end(arb(high))
    return low, high


def lower_end(value: Number) -> End:
    """A rational number not above a value; None where there is none worth having."""
    if isinstance(value, fmpq):
        return value
    end = value.lower()
    if not end.is_finite():
        return None
    mantissa, exponent = end.man_exp()
    size = int(exponent) + fmpz(mantissa).bit_length()
    if mantissa == 0 or (size < -FAR and mantissa > 0):
        return fmpq(0)
    if size > FAR:
        return fmpq(2) ** (FAR - 1) if mantissa > 0 else None
    if size < -FAR:
        return -(fmpq(2) ** -FAR)
    return fmpq(mantissa) * fmpq(2) ** int(exponent)


def upper_end(value: Number) -> End:
    """A rational number not below a value; None where there is none worth having."""
    end = lower_end(-value)
    return None if end is None else -end


def value_at(function: Callable[..., Number], *arguments: Number) -> Interval:
    """What encloses the value of a function; everything where it has none."""
    try:
        value = function(*arguments)
    except (RefusalError, ZeroDivisionError):
        return EVERYTHING
    return lower_end(value), upper_end(value)
