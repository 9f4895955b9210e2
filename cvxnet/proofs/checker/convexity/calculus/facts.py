"""What is known of one entry of a node, and how that passes through sums, products and choices.

This is the composition calculus (Boyd and Vandenberghe 2004, section 3.2) entry by entry, with an
interval in place of a sign. Whatever is said of how an entry bends includes that the points where
it has a value, within the domain, form a convex set; so its sublevel sets are convex where it is
quasiconvex.

A `Fact` is calculated with like a number, so that the formulas of values (`..atoms`) serve for
facts wherever they only add, multiply and move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_
from typing import Any, NamedTuple

from flint import fmpq

from .intervals import (
    EVERYTHING,
    End,
    Interval,
    added,
    inverted,
    is_above,
    is_below,
    larger,
    mirrored,
    multiplied,
)

CONVEX, CONCAVE, QUASICONVEX, QUASICONCAVE, DOMAIN, CONSTANT = 1, 2, 4, 8, 16, 32
AFFINE = CONVEX | CONCAVE
ALL = 63
OPPOSITE = [
    (k & ~15) | (k & 5) << 1 | (k & 10) >> 1  # what is known of -f where k is known of f
    for k in range(ALL + 1)
]


class Fact(NamedTuple):
    """Of one entry: an interval that holds its values, and as bits what was proved of it.

    CONVEX, CONCAVE, QUASICONVEX and QUASICONCAVE are about the entry as a function of the unknowns,
    for each admissible value of all else; DOMAIN: the points where it has a value form a convex
    set; CONSTANT: it depends on no unknown.
    """

    low: End
    high: End
    bends: int

    @property
    def interval(self) -> Interval:
        """The ends."""
        return self.low, self.high

    @property
    def constant(self) -> bool:
        """Whether it depends on no unknown."""
        return bool(self.bends & CONSTANT)

    @property
    def affine(self) -> bool:
        """Whether it is convex and concave."""
        return self.bends & AFFINE == AFFINE

    def has(self, bend: int) -> bool:
        """Whether all of these were proved."""
        return self.bends & bend == bend

    def __neg__(self) -> Fact:
        return Fact(*mirrored(self.interval), OPPOSITE[self.bends])

    def __add__(self, other: Any) -> Fact:
        return total([self, as_fact(other)])

    def __radd__(self, other: Any) -> Fact:
        return total([as_fact(other), self])

    def __sub__(self, other: Any) -> Fact:
        return total([self, -as_fact(other)])

    def __rsub__(self, other: Any) -> Fact:
        return total([as_fact(other), -self])

    def __mul__(self, other: Any) -> Fact:
        return product(self, as_fact(other))

    def __rmul__(self, other: Any) -> Fact:
        return product(as_fact(other), self)


def fact(interval: Interval, bends: int) -> Fact:
    """A fact with all that follows: one value is constant, convex functions are quasiconvex."""
    low, high = interval
    if not bends & DOMAIN:
        return Fact(low, high, 0)
    if bends & CONSTANT or (low is not None and low == high):
        return Fact(low, high, ALL)
    return Fact(low, high, bends | (bends & AFFINE) << 2)


def known(value: fmpq) -> Fact:
    """A number."""
    return Fact(value, value, ALL)


def as_fact(value: Any) -> Fact:
    """A number as what is known of it."""
    return value if isinstance(value, Fact) else known(fmpq(value))


NOTHING = Fact(None, None, 0)


def shared(facts: Iterable[Fact]) -> int:
    """What was proved of all."""
    return reduce(and_, (one.bends for one in facts), ALL)


def total(terms: Sequence[Fact]) -> Fact:
    """A sum is convex where all terms are; a constant moves sublevel sets and keeps them."""
    bends = shared(terms)
    if sum(not term.constant for term in terms) > 1:
        bends &= ~(QUASICONVEX | QUASICONCAVE)
    return fact(added(term.interval for term in terms), bends)


def product(one: Fact, other: Fact) -> Fact:
    """A constant factor >= 0 keeps how the other bends, one <= 0 mirrors it."""
    interval = multiplied(one.interval, other.interval)
    if other.constant:
        one, other = other, one
    if one.constant:
        return fact(interval, scaled(one, other))
    return fact(interval, together(one, other))


def scaled(factor: Fact, other: Fact) -> int:
    """How a multiple by a constant bends; whatever its sign, as both multiples do."""
    opposite = OPPOSITE[other.bends]
    if is_above(factor.interval):
        return other.bends
    return opposite if is_below(factor.interval) else other.bends & opposite


def together(one: Fact, other: Fact) -> int:
    """How a product of two functions bends.

    Of two concave functions f, g >= 0 it is quasiconcave: log f + log g is concave where both are
    above zero, and elsewhere the product is 0, its least value. Two signs more leave it so, one
    turns it over.
    """
    found = one.bends & other.bends & DOMAIN
    signs = log_concave_sign(one) * log_concave_sign(other)
    if signs == 0:
        return found
    return found | (QUASICONCAVE if signs > 0 else QUASICONVEX)


def log_concave_sign(one: Fact) -> int:
    """1 for a concave function >= 0, -1 for a convex one <= 0; else 0."""
    if one.has(CONCAVE) and is_above(one.interval):
        return 1
    return -1 if one.has(CONVEX) and is_below(one.interval) else 0


def square(one: Fact) -> Fact:
    """``f^2`` is convex for affine f, for convex f >= 0 and for concave f <= 0."""
    size = magnitude(one)
    bends = size.bends if size.constant else size.bends & ~CONCAVE
    return fact(multiplied(size.interval, size.interval), bends)


def magnitude(one: Fact) -> Fact:
    """``|f|``, likewise; it is f or -f where the sign is known."""
    if is_above(one.interval):
        return one
    if is_below(one.interval):
        return -one
    low, high = one.interval
    most = None if low is None or high is None else max(-low, high)
    bends = one.bends & (DOMAIN | CONSTANT)
    if one.affine:
        bends |= CONVEX
    if one.has(QUASICONVEX | QUASICONCAVE):  # |t| falls, then rises, along with f on a line
        bends |= QUASICONVEX
    return fact((fmpq(0), most), bends)


def quotient(top: Fact, bottom: Fact) -> Fact:
    """``f / g`` for g of one sign; a constant g scales."""
    interval = multiplied(top.interval, inverted(bottom.interval))
    if bottom.constant:
        inverse = Fact(*inverted(bottom.interval), ALL)
        return fact(interval, scaled(inverse, top))
    if is_below(bottom.interval):
        top, bottom = -top, -bottom
    if not is_above(bottom.interval):
        return Fact(*interval, 0)
    return fact(interval, ratio(top, bottom))


def ratio(top: Fact, bottom: Fact) -> int:
    """How ``f / g`` bends for g > 0.

    ``1 / g`` falls in g, and is convex for concave g. ``f / g <= t`` is ``f - t g <= 0``: convex
    for convex f where g is affine; or concave, and f >= 0 (then there are only t >= 0); or convex,
    and f <= 0 (as every t >= 0 allows all). So f / g is quasiconvex there.
    """
    if not (is_positive(bottom) or bottom.has(QUASICONCAVE)):
        return 0
    found = top.bends & bottom.bends & DOMAIN
    if top.constant:
        inverse = (-bottom).bends & (QUASICONVEX | QUASICONCAVE) | found
        inverse |= CONVEX if bottom.has(CONCAVE) else 0
        found |= scaled(top, Fact(fmpq(0), None, inverse))
    return found | flat_below(top, bottom) | OPPOSITE[flat_below(-top, bottom)]


def is_positive(one: Fact) -> bool:
    """Whether it is certainly above zero."""
    return one.low is not None and one.low > 0


def flat_below(top: Fact, bottom: Fact) -> int:
    """QUASICONVEX where the sublevel sets of f / g are convex for g > 0."""
    above = bottom.has(CONCAVE) and is_above(top.interval)
    below = bottom.has(CONVEX) and is_below(top.interval)
    return QUASICONVEX if top.has(CONVEX) and (bottom.affine or above or below) else 0


def largest(terms: Sequence[Fact]) -> Fact:
    """The maximum of convex functions is convex; what one always exceeds is no matter.

    The term with the highest lower end exceeds all that any term always exceeds.
    """
    low, high = interval = larger([term.interval for term in terms])
    if not shared(terms) & DOMAIN:
        return Fact(low, high, 0)
    rivals = list(terms)
    if low is not None:
        first = max((t for t in terms if t.low == low), key=lambda t: (t.high is None, t.high))
        rivals = [t for t in terms if t is first or t.high is None or t.high > low]
    bends = shared(rivals)
    if len(rivals) > 1 and not bends & CONSTANT:
        bends &= ~(CONCAVE | QUASICONCAVE)
    return fact(interval, bends)


def smallest(terms: Sequence[Fact]) -> Fact:
    """``-max(-f)``."""
    return -largest([-term for term in terms])


def vague(facts: Iterable[Fact], interval: Interval = EVERYTHING) -> Fact:
    """An entry made of these of which only an interval is known; of constants it is constant."""
    return fact(interval, ALL if shared(facts) & CONSTANT else 0)
