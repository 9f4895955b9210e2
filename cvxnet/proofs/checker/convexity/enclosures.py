"""Intervals of rational numbers, whose ends may be infinite: what a value is known to lie in.

An interval is closed, a pair (low, high); None stands for minus infinity as a low end and for plus
infinity as a high one. An operation returns an interval that holds all of its values.
"""Intervals with ends that may be infinite: what holds the values of a function on a box.

The ends are balls of radius zero or infinite, rounded outward by every operation. ``inputs`` says,
bit by bit, on which coordinates of the box the value may depend; numbers have none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from flint import arb, fmpq, fmpz

from ..document import RefusalError
from ..exact import Number

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
    lows = [low, times(one[0], other[1])]
    highs = [high, times(one[0], other[0])]
    return (
        None if None in lows else min(t for t in lows if t is not None),
        None if None in highs else max(t for t in highs if t is not None),
    )


def is_above(one: Interval) -> bool:
    """Whether nothing in it is below zero."""
    return one[0] is not None and one[0] >= 0


def is_below(one: Interval) -> bool:
    """Whether nothing in it is above zero."""
    return one[1] is not None and one[1] <= 0


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
from flint import arb, fmpq

from ..arrays import require

INF = arb.pos_inf()
LOW = -INF
NOTHING = arb(0)


def down(value: arb) -> arb:
    """The lower end of a ball; of one that says nothing, minus infinity."""
    end = value.lower()
    return LOW if end.is_nan() else end


def up(value: arb) -> arb:
    """The upper end of a ball; of one that says nothing, infinity."""
    end = value.upper()
    return INF if end.is_nan() else end


def times(s: arb, t: arb) -> arb:
    """The product of two ends: zero times infinity is zero, as all numbers inside are finite."""
    return NOTHING if s == 0 or t == 0 else s * t


class Interval:
    """All numbers from ``low`` to ``high``; immutable.

    >>> Interval.number(2) * Interval.between(fmpq(-1), None)
    [-2.00000000000000, inf]
    """

    __slots__ = ("high", "inputs", "low")

    def __init__(self, low: arb, high: arb, inputs: int = 0) -> None:
        self.low, self.high, self.inputs = low, high, inputs

    @classmethod
    def number(cls, value: fmpq | int | arb) -> Interval:
        """One number."""
        ball = arb(value)
        return cls(down(ball), up(ball))

    @classmethod
    def between(cls, low: fmpq | None, high: fmpq | None, inputs: int = 0) -> Interval:
        """From one number to another; None is infinite."""
        least = LOW if low is None else down(arb(low))
        most = INF if high is None else up(arb(high))
        return cls(least, most, inputs)

    def __repr__(self) -> str:
        ends = ("-inf" if self.low == LOW else self.low, "inf" if self.high == INF else self.high)
        return f"[{ends[0]}, {ends[1]}]"

    @property
    def exact(self) -> fmpq | None:
        """The number, if there is only one."""
        thin = self.low == self.high and self.low.is_finite()
        return self.low.fmpq() if thin else None

    @property
    def is_zero(self) -> bool:
        """Whether zero is the only number."""
        return bool(self.low == 0 and self.high == 0)

    @property
    def mixed(self) -> bool:
        """Whether zero is in it, perhaps at an end."""
        return bool(self.low <= 0 <= self.high)

    def __add__(self, other: Interval) -> Interval:
        return Interval(
            down(self.low + other.low), up(self.high + other.high), self.inputs | other.inputs
        )

    def __neg__(self) -> Interval:
        return Interval(-self.high, -self.low, self.inputs)

    def __sub__(self, other: Interval) -> Interval:
        return self + -other

    def __mul__(self, other: Interval) -> Interval:
        if self.is_zero or other.is_zero:
            return ZERO
        inputs = self.inputs | other.inputs
        a, b, c, d = self.low, self.high, other.low, other.high
        if a >= 0 and c >= 0:
            return Interval(down(times(a, c)), up(times(b, d)), inputs)
        products = [times(a, c), times(a, d), times(b, c), times(b, d)]
        return Interval(min(map(down, products)), max(map(up, products)), inputs)

    def scaled(self, factor: fmpq | int) -> Interval:
        """A multiple."""
        return self * Interval.number(factor)

    def square(self) -> Interval:
        """The squares."""
        if self.low >= 0:
            return self * self
        if self.high <= 0:
            return -self * -self
        most = max(-self.low, self.high)
        return Interval(NOTHING, up(times(most, most)), self.inputs)

    def meet(self, low: arb, high: arb) -> Interval:
        """What lies between two numbers; refused where nothing does."""
        least, most = max(self.low, low), min(self.high, high)
        require(least <= most, "an atom that has no value on a box")
        return Interval(least, most, self.inputs)

    def hull(self, other: Interval) -> Interval:
        """The smallest interval around both."""
        inputs = self.inputs | other.inputs
        return Interval(min(self.low, other.low), max(self.high, other.high), inputs)

    def maximum(self, other: Interval) -> Interval:
        """The larger numbers."""
        inputs = self.inputs | other.inputs
        return Interval(max(self.low, other.low), max(self.high, other.high), inputs)

    def inverse(self) -> Interval:
        """One over the numbers other than zero, of one sign where zero is at an end."""
        require(not self.is_zero, "a division by zero")
        if self.high <= 0:
            return -(-self).inverse()
        if self.low < 0:
            return Interval(LOW, INF, self.inputs)
        least = NOTHING if self.high == INF else down(1 / self.high)
        most = INF if self.low == 0 else up(1 / self.low)
        return Interval(least, most, self.inputs)


ZERO, ONE = Interval.number(0), Interval.number(1)
