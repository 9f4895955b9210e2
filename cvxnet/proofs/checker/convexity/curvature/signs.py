"""Non-negative everywhere on a box: polynomials in entries of leaves and functions of them.

In this order: all terms are non-negative; the same after multiplication by denominators that are
positive (or by their squares) and division by what is positive and shared; enclosures on boxes,
halved where they do not tell. In one variable also

* towards infinity, where one of the terms ``c x^a e^(b x)`` is larger than all others together:
  ``x^a e^(b x)`` with b < 0, or b = 0 and a < 0, is largest at the start or at -a/b;
* above a parabola with the value and the slope in the middle, and the least curvature;
* next to a zero: f >= 0 right of c if f(c) = 0 and f' >= 0 right of c, and so on for f', in as many
  steps as the zero has orders. The values at c are exact, where numbers are rational, exp(0) is 1,
  and the like.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from flint import arb, fmpq

from ...document import RefusalError
from ...exact import Number
from ...scalars import exp, log, power, quotient, sigmoid
from ...semidefinite import eliminates
from ..boxes.curves import absolute, exp_of, log_of, power_of, sigmoid_of
from ..boxes.enclosures import ZERO, Interval
from ..calculus.intervals import middle
from ..forms.conditions import condition, implied
from ..forms.factors import (
    SIGMOID,
    Factor,
    exponent_in_part,
    exponent_of,
    inverted,
    powers_of,
    translation_order,
)
from ..forms.normal import NormalForms
from ..forms.polynomials import Monomial, Polynomial
from ..forms.ranges import EVERYTHING, Range, range_of
from .domain import bordered

Side = tuple[fmpq | None, fmpq | None]
Box = dict[Factor, Side]
Derivative = Callable[[Polynomial, Factor], Polynomial]
MOST_BOXES = 1500
MOST_ORDERS = 8
MOST_FRACTIONS = 5
MOST_SQUARES = 50
FARTHEST = 2**10
NARROWEST = fmpq(1, 2**40)


class Signs:
    """Proofs that polynomials are non-negative on a domain."""

    def __init__(
        self,
        forms: NormalForms,
        domain: dict[Factor, Range],
        derivative: Derivative,
        sides: tuple[Polynomial, ...] = (),
    ) -> None:
        self.forms, self.algebra, self.domain = forms, forms.algebra, domain
        self.derivative = derivative
        self.conditions = forms.conditions[forms.statement.root]
        open_ones = [one for one in self.conditions if one.kind in ("positive", "nonzero")]
        simpler = [condition(one.kind, self.simplified(one.of)) for one in open_ones]
        self.conditions = self.conditions.union(
            simpler, [condition("nonnegative", side) for side in sides]
        )

    def nonnegative(self, polynomial: Polynomial) -> bool:
        """Whether it certainly is, wherever it has values."""
        if not polynomial.terms or self.range(polynomial).nonnegative:
            return True
        simple = self.simplified(polynomial)
        if not simple.terms or self.range(simple).nonnegative:
            return True
        if implied(self.algebra, condition("nonnegative", simple), self.conditions):
            return True
        return self.is_quadratic(simple) or self.on_boxes(simple)

    def is_quadratic(self, polynomial: Polynomial) -> bool:
        """Whether it is ``(1, x)' M (1, x)`` with a positive semidefinite M."""
        if polynomial.degree > 2 or any(f.args for f in symbols_of(polynomial)):
            return False
        if len(symbols_of(polynomial)) > MOST_SQUARES:
            return False
        return eliminates(bordered(polynomial.terms))

    # ---------------------------------------------------------------- ranges

    def range(self, polynomial: Polynomial) -> Range:
        """Where its values are, term by term."""
        return range_of(polynomial, self.range_of_factor)

    def range_of_factor(self, f: object) -> Range:
        """Where the values of a symbol are, on the domain."""
        if not isinstance(f, Factor):
            return EVERYTHING
        if f.name == "entry":
            return self.domain.get(f, f.range)
        if f.name == "inverse":
            return inverted(self.range(f.args[0]))
        return f.range

    # ------------------------------------------------------------- simpler ones

    def simplified(self, polynomial: Polynomial) -> Polynomial:
        """Of the same sign, without denominators and without what all terms share."""
        while 0 < len(fractions := self.fractions_in(polynomial)) <= MOST_FRACTIONS:
            polynomial = self.cleared(polynomial, fractions[-1])
        return self.without_shared(polynomial)

    def is_zero(self, polynomial: Polynomial) -> bool:
        """Whether it certainly is zero everywhere."""
        few = len(self.fractions_in(polynomial)) <= MOST_FRACTIONS
        return not polynomial.terms or (few and self.forms.is_zero(polynomial))

    def fractions_in(self, polynomial: Polynomial) -> list[Factor]:
        """The factors that are fractions, in the order in which they were made."""
        names = ("inverse", SIGMOID)
        found = {f for m in polynomial.terms for f, _ in powers_of(m) if f.name in names}
        return sorted(found, key=lambda f: f.number)

    def cleared(self, polynomial: Polynomial, fraction: Factor) -> Polynomial:
        """Times the power of a denominator that it has, or the next even one."""
        above, below = self.algebra.fraction(fraction)
        powers = {m: dict(powers_of(m)).get(fraction, 0) for m in polynomial.terms}
        most = max(powers.values())
        if not implied(self.algebra, condition("positive", below), self.conditions):
            most += most % 2
        total = Polynomial.number(0)
        for monomial, times in powers.items():
            rest = frozenset(pair for pair in monomial if pair[0] is not fraction)
            term = Polynomial({rest: polynomial.terms[monomial]})
            factors = [term, *[above] * times, *[below] * (most - times)]
            total = total + self.algebra.products(factors)
        return total

    def without_shared(self, polynomial: Polynomial) -> Polynomial:
        """Divided by symbols that are not negative and stand in every term."""
        exponents = [exponent_in_part(m) for m in polynomial.terms]
        least = min(exponents, key=lambda a: translation_order(a, exponents), default=None)
        if least is not None and least.terms:
            polynomial = self.algebra.product(polynomial, self.algebra.exp(-least))
        if len(polynomial.terms) < 2:
            return polynomial
        first, *others = [dict(powers_of(m)) for m in polynomial.terms]
        shared = {f: p for f, p in first.items() if self.range_of_factor(f).nonnegative}
        for row in others:
            shared = {f: min(p, row.get(f, 0)) for f, p in shared.items()}
        return Polynomial({without(m, shared): value for m, value in polynomial.terms.items()})

    def is_smooth_inside(self, polynomial: Polynomial) -> bool:
        """Whether roots, logarithms and quotients end on the boundary, or where no values are.

        What an affine function that is nowhere negative has as zeros lies on the boundary of a box.
        """
        for f in symbols_of(polynomial):
            if f.name in ("root", "log", "inverse"):
                base = f.args[0]
                apart = implied(self.algebra, condition("nonzero", base), self.conditions)
                at_end = is_affine(base) and self.range(base).nonnegative
                at_end = at_end or self.is_sum_of_even_powers(base)
                if not (apart or at_end or self.range(base).above_zero):
                    return False
            if not all(map(self.is_smooth_inside, f.args)):
                return False
        return True

    def is_sum_of_even_powers(self, base: Polynomial) -> bool:
        """Whether it is a sum of even powers of entries, of more than one of the unknowns.

        Where it is zero they are, and nearly all segments pass by.
        """
        unknowns, alone = self.forms.statement.unknowns, set[Factor]()
        for monomial, value in base.terms.items():
            powers = powers_of(monomial)
            if value < 0 or any(f.name != "entry" or times % 2 for f, times in powers):
                return False
            if len(powers) == 1 and place_of(powers[0][0]) in unknowns:
                alone.add(powers[0][0])
        return len(alone) > 1

    # ------------------------------------------------------------------ boxes

    def on_boxes(self, polynomial: Polynomial) -> bool:
        """Whether enclosures on boxes tell."""
        entries = sorted(self.entries_in(polynomial), key=lambda f: f.number)
        stack: list[Box] = [{f: (self.domain[f].low, self.domain[f].high) for f in entries}]
        for _ in range(MOST_BOXES):
            if not stack:
                return True
            self.forms.clock.check()
            box = stack.pop()
            if self.on_box(polynomial, box):
                continue
            cut = self.cut(box)
            if cut is None:
                return False
            stack += halves(box, cut)
        return False

    def entries_in(self, polynomial: Polynomial) -> set[Factor]:
        """The entries that it is made of."""
        found = set[Factor]()
        for monomial in polynomial.terms:
            for f, _ in powers_of(monomial):
                parts = [self.entries_in(argument) for argument in f.args]
                found = found.union({f} if f.name == "entry" else set(), *parts)
        return found

    def cut(self, box: Box) -> Factor | None:
        """The entry whose side is halved: an infinite one, or the longest."""
        infinite = [f for f, side in box.items() if None in side]
        if any(end is not None and abs(end) >= FARTHEST for f in infinite for end in box[f]):
            return None
        if infinite:
            return infinite[0]
        longest = max(box, key=lambda f: length(box[f]), default=None)
        return None if longest is None or length(box[longest]) < NARROWEST else longest

    def on_box(self, polynomial: Polynomial, box: Box) -> bool:
        """Whether it is certainly not negative on a box."""
        if self.enclosure(polynomial, box).low >= 0:
            return True
        if len(box) != 1:
            return False
        ((f, (low, high)),) = box.items()
        ends = [(end, way) for end, way in ((low, 1), (high, -1)) if end is not None]
        if len(ends) == 1:
            ((end, way),) = ends
            if way * end >= 1:
                return self.in_tail(polynomial, f, way * end, way)
        if len(ends) == 2 and self.above_parabola(polynomial, f, box):
            return True
        return any(self.beside(polynomial, f, box, side, MOST_ORDERS) for side in ends)

    def enclosure(self, polynomial: Polynomial, box: Box) -> Interval:
        """An enclosure of its values."""
        total, known = ZERO, dict[Factor, Interval]()
        for monomial, value in polynomial.terms.items():
            term = Interval.number(value)
            for f, times in powers_of(monomial):
                term = term * power_of(self.enclosure_of(f, box, known), fmpq(times))
            total = total + term
        return total

    def enclosure_of(self, f: Factor, box: Box, known: dict[Factor, Interval]) -> Interval:
        """An enclosure of the values of a symbol."""
        if f not in known:
            known[f] = self.computed(f, box)
        return known[f]

    def computed(self, f: Factor, box: Box) -> Interval:
        """The same, from its argument."""
        if f.name == "entry":
            return Interval.between(*box[f])
        inner = self.enclosure(f.args[0], box)
        if f.name == "exp":
            return exp_of(inner)
        if f.name == "log":
            return log_of(inner)
        if f.name == "abs":
            return absolute(inner).value
        if f.name == SIGMOID:
            return sigmoid_of(inner)
        if f.name == "inverse":
            return inner.inverse()
        if f.name == "root":
            return power_of(inner.meet(arb(0), arb.pos_inf()), exponent_of(f))
        raise RefusalError(f"{f.name} has no enclosure")

    # ------------------------------------------------------------ one variable

    def beside(
        self, polynomial: Polynomial, f: Factor, box: Box, start: tuple[fmpq, int], orders: int
    ) -> bool:
        """Whether it is not negative from a zero on, to the right (way 1) or left (-1)."""
        end, way = start
        try:
            value = self.value(polynomial, f, end)
        except RefusalError:
            return False
        if not value >= 0 or (orders == MOST_ORDERS and value > 0):
            return False
        if not self.is_smooth(polynomial, box):
            return False
        slope = way * self.derivative(polynomial, f)
        if self.enclosure(slope, box).low >= 0:
            return True
        return orders > 0 and self.beside(slope, f, box, start, orders - 1)

    def above_parabola(self, polynomial: Polynomial, f: Factor, box: Box) -> bool:
        """Whether ``c + s t + b t^2 / 2`` is not negative: value, slope, and least curvature b."""
        if not self.is_smooth(polynomial, box):
            return False
        slope = self.derivative(polynomial, f)
        least = self.enclosure(self.derivative(slope, f), box).low
        if not (least > 0 and least.is_finite()):
            return False
        at = middle(box[f])
        try:
            value, rise = arb(self.value(polynomial, f, at)), arb(self.value(slope, f, at))
        except RefusalError:
            return False
        return bool(value >= rise * rise / (2 * least))

    def is_smooth(self, polynomial: Polynomial, box: Box) -> bool:
        """Whether it is certainly smooth between the ends of a box of one variable."""
        for f in symbols_of(polynomial):
            if f.name in ("inverse", "log", "root"):
                inner = self.enclosure(f.args[0], box)
                apart = inner.low > 0 or inner.high < 0
                at_end = inner.low >= 0 and is_affine(f.args[0])
                if not (apart or at_end):
                    return False
            if not all(self.is_smooth(argument, box) for argument in f.args):
                return False
        return True

    def value(self, polynomial: Polynomial, f: Factor, at: fmpq) -> Number:
        """The value at a number, exact where it can be."""
        total: Number = fmpq(0)
        for monomial, coefficient in polynomial.terms.items():
            term: Number = coefficient
            for symbol, times in powers_of(monomial):
                term = term * self.value_of(symbol, f, at) ** times
            total = total + term
        return total

    def value_of(self, symbol: Factor, f: Factor, at: fmpq) -> Number:
        """The value of a symbol."""
        if symbol is f:
            return at
        inner = self.value(symbol.args[0], f, at) if symbol.args else None
        if symbol.name == "root":
            return power(inner, exponent_of(symbol))
        functions = {"exp": exp, "log": log, SIGMOID: sigmoid}
        if symbol.name == "inverse":
            return quotient(fmpq(1), inner)
        if symbol.name not in functions:
            raise RefusalError(f"{symbol.name} has no value here")
        return functions[symbol.name](inner)

    def in_tail(self, polynomial: Polynomial, f: Factor, start: fmpq, way: int) -> bool:
        """Whether one term outweighs all others for ``way * f >= start >= 1``."""
        rows = [(growth(m, f, way), value) for m, value in polynomial.terms.items()]
        terms = [(*row, value) for row, value in rows if row is not None]
        if len(terms) < len(rows):
            return False
        most, sign, lead = max(terms, key=lambda term: term[0])
        rest = arb(0)
        for order, _, value in terms:
            if order != most:
                gap = (order[0] - most[0], order[1] - most[1])
                rest += abs(arb(value)) * largest(gap, start)
        alone = sum(order == most for order, _, _ in terms) == 1
        return alone and sign * lead > 0 and bool(rest <= abs(arb(lead)))


Order = tuple[fmpq, fmpq]
"""b and a of ``x^a e^(b x)``, compared in this order."""


def without(monomial: Monomial, shared: Mapping[Factor, int]) -> Monomial:
    """A product with lower powers of what is shared."""
    rest = {f: p - shared.get(f, 0) for f, p in powers_of(monomial)}
    return frozenset((f, p) for f, p in rest.items() if p)


def growth(monomial: Monomial, f: Factor, way: int) -> tuple[Order, int] | None:
    """How a monomial grows for ``x = way f`` towards infinity, with its sign; None of others."""
    rate, degree, sign = fmpq(0), fmpq(0), 1
    for symbol, times in powers_of(monomial):
        if symbol is f:
            degree, sign = degree + times, sign * way**times
        elif symbol.name == "exp" and is_multiple(symbol.args[0], f):
            rate += way * times * symbol.args[0].terms[frozenset({(f, 1)})]
        elif symbol.name == "root" and symbol.args[0] == Polynomial.symbol(f) and way > 0:
            degree += times * exponent_of(symbol)
        else:
            return None
    return (rate, degree), sign


def symbols_of(polynomial: Polynomial) -> list[Factor]:
    """The symbols of all terms, in the order in which they were made."""
    found = {f for monomial in polynomial.terms for f, _ in powers_of(monomial)}
    return sorted(found, key=lambda f: f.number)


def place_of(f: Factor) -> int:
    """The place of the leaf that an entry belongs to."""
    return cast(tuple[int, int], f.options)[0]


def is_affine(polynomial: Polynomial) -> bool:
    """Whether it is, in entries of leaves."""
    return polynomial.degree <= 1 and all(f.name == "entry" for f in symbols_of(polynomial))


def is_multiple(argument: Polynomial, f: Factor) -> bool:
    """Whether it is a number times a symbol."""
    return set(argument.terms) == {frozenset({(f, 1)})}


def largest(gap: Order, start: fmpq) -> arb:
    """The largest value of ``x^a e^(b x)`` from a start >= 1 on, where it falls in the end."""
    rate, degree = gap
    at = start if rate == 0 or degree <= 0 else max(start, -degree / rate)
    x = arb(at)
    return (x.log() * arb(degree) + arb(rate) * x).exp().upper()


def length(side: Side) -> fmpq:
    """The length of a finite side."""
    low, high = side
    return fmpq(0) if low is None or high is None else high - low


def halves(box: Box, f: Factor) -> list[Box]:
    """Both parts of a box."""
    low, high = box[f]
    at = middle(box[f])
    return [{**box, f: (low, at)}, {**box, f: (at, high)}]
