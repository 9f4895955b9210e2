"""What the entries of atoms are made of, as terms, and what atoms ask of their arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from flint import fmpq

from ...arrays import Array, entrywise, require
from ...atoms import FORMULAS
from ...document import RefusalError
from ...matrices import exactly_semidefinite, negated
from ...scalars import HALF, ONE, is_everywhere
from .table import Terms


class Restriction(NamedTuple):
    """The values of a term that an atom asks for: at least ``low``, or above it."""

    place: int
    low: fmpq
    strict: bool


class Maker:
    """What entries are made of, with the restrictions that atoms put on their arguments."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.restrictions: set[Restriction] = set()
        self.divisors: set[int] = set()

    def above(self, place: int, low: fmpq | int = 0, *, strict: bool = False) -> int:
        """The term, of which an atom asks that it be at least ``low``, or above it."""
        self.restrictions.add(Restriction(place, fmpq(low), strict))
        return place

    def total(self, row: Iterable[int]) -> int:
        """The sum."""
        return self.terms.add((ONE, t) for t in row)

    def product(self, row: Iterable[int]) -> int:
        """The product."""
        return self.terms.multiply((t, ONE) for t in row)

    def power(self, t: int, p: Any) -> int:
        """``t^p`` on the domain of CVXPY's power."""
        require(isinstance(p, fmpq | int), "a power that is not known")
        p = fmpq(p)
        if not is_everywhere(p):
            self.above(t, strict=bool(p < 0))
        return self.terms.power(t, p)

    def quotient(self, s: int, t: int) -> int:
        """``s / t``."""
        self.divisors.add(t)
        return self.terms.multiply([(s, ONE), (t, fmpq(-1))])

    def function(self, name: str, t: int, **options: Any) -> int:
        """A function of one number."""
        return self.terms.call(name, t, options=tuple(sorted(options.items())))

    def logarithm(self, t: int) -> int:
        """``log t`` for t > 0."""
        return self.terms.call("log", self.above(t, strict=True))

    def logistic(self, t: int) -> int:
        """``log(1 + exp t)``."""
        return self.terms.call("log", self.terms.add([(ONE, self.terms.call("exp", t))], 1))

    def entropy(self, t: int) -> int:
        """``-t log t`` for t >= 0."""
        return self.terms.call("entr", self.above(t))

    def relative_entropy(self, s: int, t: int) -> int:
        """``s log(s / t)`` for s >= 0, t > 0, as the limit from s > 0."""
        ratio = self.quotient(self.above(s), self.above(t, strict=True))
        return self.product([s, self.terms.call("log", ratio)])

    def magnitudes(self, row: Iterable[int]) -> list[int]:
        """The absolute values."""
        return [self.terms.call("abs", t) for t in row]

    def leaky(self, t: int, slope: fmpq) -> int:
        """``max(t, 0) + slope min(t, 0)``, one maximum or minimum."""
        if slope == 0:
            return self.terms.call("max", t, self.terms.number(0))
        lower = self.terms.add([(slope, t)])
        return self.terms.call("max" if slope <= 1 else "min", t, lower)

    def norm(self, row: list[int], p: fmpq) -> int:
        """``(sum |t|^p)^(1/p)``; below p = 1 for t >= 0."""
        row = self.magnitudes(row) if p >= 1 else [self.above(t, strict=p < 0) for t in row]
        return self.terms.power(self.total(self.terms.power(t, p) for t in row), 1 / p)

    def geometric_mean(self, row: list[int], weights: Array) -> int:
        """``prod t^w`` for t >= 0."""
        pairs = zip(row, weights.entries, strict=True)
        return self.terms.multiply((self.above(t), w) for t, w in pairs if w)

    def squares(self, row: list[int], y: int) -> int:
        """``sum t^2 / y`` for y > 0."""
        top = self.total(self.terms.power(t, 2) for t in row)
        return self.quotient(top, self.above(y, strict=True))

    def log_sum_exp(self, row: list[int]) -> int:
        """``log sum exp t``."""
        return self.terms.call("log", self.total(self.terms.call("exp", t) for t in row))

    def form(self, x: Array, P: Array) -> int:
        """``x' P x`` for a fixed P; one whole where P is semidefinite."""
        values = Array(P.shape, [self.fixed(t) for t in P.entries])
        mirror = Array(P.shape, [ONE * t for t in values.entries])
        symmetrical = entrywise(lambda s, t: (s + t) * HALF, values, FORMULAS["transpose"](mirror))
        for sign, matrix in ((1, symmetrical), (-1, negated(symmetrical))):
            if exactly_semidefinite(matrix):
                whole = self.terms.call("form", *x.entries, options=tuple(matrix.entries))
                return self.terms.add([(sign, whole)])
        raise RefusalError("a form that is indefinite")

    def fixed(self, place: int) -> fmpq:
        """The value of a term that is a number."""
        require(self.terms[place].kind == "number", "a matrix that is not known")
        return fmpq(self.terms[place].data)

    def asserted(self, x: Array, of_unknowns: bool, sign: int) -> Array:
        """Values of one sign: of unknowns, that is a restriction; of constants, it may be false."""
        if of_unknowns:
            for t in x.entries:
                self.above(self.terms.add([(sign, t)]))
        return x
