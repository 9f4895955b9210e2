"""Intervals with ends that may be infinite: what holds the values of a function on a box.

The ends are balls of radius zero or infinite, rounded outward by every operation. ``inputs`` says,
bit by bit, on which coordinates of the box the value may depend; numbers have none.
"""

from __future__ import annotations

from flint import arb, fmpq

from ...arrays import require
from ...document import RefusalError

INF = arb.pos_inf()
LOW = -INF
NOTHING = arb(0)
LONGEST = 20_000  # digits of a fraction, in bits


def down(value: arb) -> arb:
    """The lower end of a ball; of one that says nothing, minus infinity."""
    end = value.lower()
    return LOW if end.is_nan() else end


def up(value: arb) -> arb:
    """The upper end of a ball; of one that says nothing, infinity."""
    end = value.upper()
    return INF if end.is_nan() else end


def is_moderate(end: arb) -> bool:
    """Whether an end is finite and no fraction of too many digits."""
    return bool(end.is_finite()) and abs(end.man_exp()[1]) < LONGEST


def times(s: arb, t: arb) -> arb:
    """The product of two ends: zero times infinity is zero, as all numbers inside are finite."""
    return NOTHING if s == 0 or t == 0 else s * t


class NowhereError(RefusalError):
    """An atom has no value anywhere on a box, so nothing is said about the box."""


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
        return self.low.fmpq() if self.low == self.high and is_moderate(self.low) else None

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
        """What lies between two numbers, of which an atom has values."""
        least, most = max(self.low, low), min(self.high, high)
        if least > most:
            raise NowhereError("an atom that has no value on a box")
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
