"""Polynomials with rational coefficients in any symbols: the algebra that normal forms share."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeAlias

from flint import fmpq

from ...arrays import require

MOST_TERMS = 20_000
Symbol: TypeAlias = Hashable
"""What is multiplied: an entry of a leaf, or a function of other polynomials."""
Monomial: TypeAlias = frozenset[tuple[Symbol, int]]
"""Symbols with their powers >= 1; the empty set is 1."""
ONE: Monomial = frozenset()


class Polynomial:
    """A sum of monomials with coefficients other than zero; immutable, equal if the same.

    >>> x = Polynomial.symbol("x")
    >>> (x + 1) * (x - 1) == x * x - 1
    True
    """

    def __init__(self, terms: Mapping[Monomial, fmpq]) -> None:
        require(len(terms) <= MOST_TERMS, "a polynomial of too many terms")
        self.terms = {monomial: value for monomial, value in terms.items() if value != 0}
        self._hash: int | None = None

    @classmethod
    def symbol(cls, symbol: Symbol) -> Polynomial:
        """One symbol."""
        return cls({frozenset({(symbol, 1)}): fmpq(1)})

    @classmethod
    def number(cls, value: fmpq | int) -> Polynomial:
        """A constant."""
        return cls({ONE: fmpq(value)})

    @property
    def constant(self) -> fmpq | None:
        """The value of a constant polynomial; None of any other."""
        if not self.terms:
            return fmpq(0)
        return self.terms[ONE] if set(self.terms) == {ONE} else None

    @property
    def symbols(self) -> set[Symbol]:
        """The symbols that occur."""
        return {symbol for monomial in self.terms for symbol, _ in monomial}

    @property
    def degree(self) -> int:
        """The largest sum of the powers in a monomial."""
        return max((sum(p for _, p in monomial) for monomial in self.terms), default=0)

    def __add__(self, other: Polynomial | fmpq | int) -> Polynomial:
        terms = dict(self.terms)
        for monomial, value in as_polynomial(other).terms.items():
            terms[monomial] = terms.get(monomial, fmpq(0)) + value
        return Polynomial(terms)

    __radd__ = __add__

    def __neg__(self) -> Polynomial:
        return Polynomial({monomial: -value for monomial, value in self.terms.items()})

    def __sub__(self, other: Polynomial | fmpq | int) -> Polynomial:
        return self + -as_polynomial(other)

    def __rsub__(self, other: Polynomial | fmpq | int) -> Polynomial:
        return -self + other

    def __mul__(self, other: Polynomial | fmpq | int) -> Polynomial:
        right = as_polynomial(other)
        require(len(self.terms) * len(right.terms) <= MOST_TERMS, "a product of too many terms")
        terms: dict[Monomial, fmpq] = {}
        for one, value in self.terms.items():
            for two, factor in right.terms.items():
                monomial = multiplied(one, two)
                terms[monomial] = terms.get(monomial, fmpq(0)) + value * factor
        return Polynomial(terms)

    __rmul__ = __mul__

    def __pow__(self, power: int) -> Polynomial:
        require(0 <= power <= 64, "a power that is too high")
        result = Polynomial.number(1)
        for _ in range(power):
            result = result * self
        return result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Polynomial) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset((m, int(v.p), int(v.q)) for m, v in self.terms.items()))
        return self._hash

    def derivative(self, symbol: Symbol) -> Polynomial:
        """The derivative in one symbol, as if the others did not depend on it."""
        terms: dict[Monomial, fmpq] = {}
        for monomial, value in self.terms.items():
            powers = dict(monomial)
            if power := powers.pop(symbol, 0):
                rest = frozenset((powers | ({symbol: power - 1} if power > 1 else {})).items())
                terms[rest] = terms.get(rest, fmpq(0)) + power * value
        return Polynomial(terms)


def as_polynomial(value: Polynomial | fmpq | int) -> Polynomial:
    """A number as a constant polynomial."""
    return value if isinstance(value, Polynomial) else Polynomial.number(value)


def multiplied(one: Iterable[tuple[Symbol, int]], two: Iterable[tuple[Symbol, int]]) -> Monomial:
    """The product of two monomials."""
    powers = dict(one)
    for symbol, power in two:
        powers[symbol] = powers.get(symbol, 0) + power
    return frozenset(powers.items())
