"""Intervals with rational ends, which may be infinite: what bounds say about polynomials."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product, starmap
from typing import NamedTuple

from flint import fmpq

from .polynomials import Monomial, Polynomial, Symbol


class Range(NamedTuple):
    """All numbers from ``low`` to ``high``; None where there is no end.

    ``positive``: none of them is taken unless it is above zero.
    """

    low: fmpq | None = None
    high: fmpq | None = None
    positive: bool = False

    @property
    def nonnegative(self) -> bool:
        """Whether no number of it is below zero."""
        return self.positive or (self.low is not None and self.low >= 0)

    @property
    def nonpositive(self) -> bool:
        """Whether no number of it is above zero."""
        return self.high is not None and self.high <= 0

    @property
    def above_zero(self) -> bool:
        """Whether all numbers of it are above zero."""
        return self.positive or (self.low is not None and self.low > 0)

    def plus(self, other: Range) -> Range:
        """The range of sums."""
        low = None if self.low is None or other.low is None else self.low + other.low
        high = None if self.high is None or other.high is None else self.high + other.high
        strict = self.above_zero or other.above_zero
        return Range(low, high, strict and self.nonnegative and other.nonnegative)

    def times(self, other: Range) -> Range:
        """The range of products."""
        sides = (((one.low, -1), (one.high, 1)) for one in (self, other))
        ends = list(starmap(end_product, product(*sides)))
        finite = [end for end in ends if isinstance(end, fmpq)]
        low = None if -1 in ends else min(finite)
        high = None if 1 in ends else max(finite)
        if self.nonnegative and other.nonnegative:
            low = fmpq(0) if low is None else max(low, fmpq(0))
        return Range(low, high, self.above_zero and other.above_zero)

    def power(self, exponent: int) -> Range:
        """The range of a whole power >= 1; of an even one nothing is below zero."""
        found = self
        for _ in range(exponent - 1):
            found = found.times(self)
        if exponent % 2 == 0:
            low = fmpq(0) if found.low is None else max(found.low, fmpq(0))
            return Range(low, found.high, found.positive)
        return found

    def scaled(self, factor: fmpq) -> Range:
        """The range of a multiple."""
        ends = [None if end is None else factor * end for end in (self.low, self.high)]
        low, high = ends if factor >= 0 else ends[::-1]
        return Range(low, high, self.positive and factor > 0)


End = tuple[fmpq | None, int]


def end_product(one: End, two: End) -> fmpq | int:
    """The product of two ends: a rational, or the sign of an infinite one."""
    (a, side), (b, other) = one, two
    if a is not None and b is not None:
        return a * b
    signs = [way if end is None else (end > 0) - (end < 0) for end, way in ((a, side), (b, other))]
    product = signs[0] * signs[1]
    return product if product else fmpq(0)


EVERYTHING = Range()


def range_of(polynomial: Polynomial, of_symbol: Callable[[Symbol], Range]) -> Range:
    """A range of a polynomial, from ranges of its symbols."""
    total = Range(fmpq(0), fmpq(0))
    for monomial, value in polynomial.terms.items():
        total = total.plus(range_of_monomial(monomial, of_symbol).scaled(value))
        if total == EVERYTHING:
            return EVERYTHING
    return total


def range_of_monomial(monomial: Monomial, of_symbol: Callable[[Symbol], Range]) -> Range:
    """A range of a product of powers."""
    return product_of(of_symbol(symbol).power(power) for symbol, power in monomial)


def product_of(ranges: Iterable[Range]) -> Range:
    """A range of products."""
    total = Range(fmpq(1), fmpq(1), positive=True)
    for one in ranges:
        total = total.times(one)
    return total
