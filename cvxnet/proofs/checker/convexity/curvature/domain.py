"""What is certain about normal forms on the domain: signs, affine and semidefinite ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flint import fmpq

from ...arrays import require
from ...exact import over_common_denominator
from ...semidefinite import MAX_ORDER, eliminates, semidefinite
from ..forms.conditions import condition, implied
from ..forms.factors import Factor, exponent_of, powers_of
from ..forms.normal import NormalForms
from ..forms.polynomials import Monomial, Polynomial
from ..forms.ranges import Range
from .parts import is_absolute, is_linear, is_quadratic

EXACT = 30  # rows of a matrix that is eliminated in rationals if balls cannot tell
POWERS = ("root", "inverse", "value")
"""The factors that are powers of their argument."""
ZERO = fmpq(0)
Entry = tuple[int, int]
"""The place of a leaf and the position of an entry."""


class FormDomain:
    """Polynomials on the domain of a statement, wherever its expression has values."""

    def __init__(self, forms: NormalForms) -> None:
        self.forms, self.statement, self.clock = forms, forms.statement, forms.clock
        self.known = forms.conditions[forms.statement.root]
        self.fixed: dict[Factor, bool] = {}

    def is_affine(self, polynomial: Polynomial) -> bool:
        """Whether no term has more than one unknown, and none is in a function."""
        return all(map(is_linear, self.terms(polynomial)))

    def terms(self, polynomial: Polynomial) -> dict[Monomial, Polynomial]:
        """The products of what depends on unknowns, and their coefficients, which do not."""
        found: dict[Monomial, Polynomial] = {}
        for monomial, value in polynomial.terms.items():
            rest = frozenset(pair for pair in powers_of(monomial) if self.is_fixed(pair[0]))
            moving = monomial - rest
            term = Polynomial({rest: value})
            found[moving] = found[moving] + term if moving in found else term
        return {m: c for m, c in found.items() if c.terms}

    def is_fixed(self, factor: Factor) -> bool:
        """Whether a factor depends on no unknown."""
        if factor not in self.fixed:
            if factor.name == "entry":
                self.fixed[factor] = cast(Entry, factor.options)[0] not in self.statement.unknowns
            else:
                self.fixed[factor] = all(
                    self.is_fixed(f)
                    for arg in factor.args
                    for m in arg.terms
                    for f, _ in powers_of(m)
                )
        return self.fixed[factor]

    def range(self, polynomial: Polynomial) -> Range:
        """Where its values are: by the bounds, and where the expression has values."""
        among = self.forms.algebra.range(polynomial)
        if not among.above_zero and self.has("positive", polynomial):
            return among._replace(low=max(ZERO, among.low or ZERO), positive=True)
        if not among.nonnegative and self.has("nonnegative", polynomial):
            return among._replace(low=ZERO)
        return among

    def has(self, kind: str, polynomial: Polynomial) -> bool:
        """Whether a condition holds wherever the expression has values."""
        return implied(self.forms.algebra, condition(kind, polynomial), self.known)

    def is_nonnegative(self, polynomial: Polynomial) -> bool:
        """Whether it is, wherever the expression has values."""
        return self.range(polynomial).nonnegative

    def is_semidefinite(self, terms: dict[Monomial, Polynomial]) -> bool:
        """Whether a quadratic form is; coefficients that are not known may be those of squares."""
        matrix: dict[tuple[Factor, Factor], fmpq] = {}
        for monomial, coefficient in terms.items():
            ((one, power), *rest) = powers_of(monomial)
            value = coefficient.constant
            if value is None:
                if power != 2 or not self.forms.algebra.range(coefficient).nonnegative:
                    return False
            elif power == 2:
                matrix[one, one] = 2 * value
            else:
                matrix[one, rest[0][0]] = matrix[rest[0][0], one] = value
        factors = sorted({f for pair in matrix for f in pair}, key=lambda f: f.number)
        rows = [[matrix.get((f, g), ZERO) for g in factors] for f in factors]
        return self.is_psd(rows)

    def is_psd(self, rows: list[list[fmpq]]) -> bool:
        """Whether a symmetric rational matrix is positive semidefinite."""
        require(len(rows) <= MAX_ORDER, "a quadratic form in too many unknowns")
        if len(rows) <= EXACT:
            return eliminates([list(row) for row in rows])
        return semidefinite(over_common_denominator(rows)[0], self.clock)

    def is_bordered_psd(self, terms: dict[Monomial, Polynomial]) -> bool:
        """Whether a quadratic function is ``[x; 1]' M [x; 1]`` with a semidefinite M."""
        if not all(is_linear(m) or is_quadratic(m) for m in terms):
            return False
        values = {m: c.constant for m, c in terms.items()}
        known = {m: value for m, value in values.items() if value is not None}
        return len(known) == len(terms) and self.is_psd(bordered(known))

    def split(self, monomial: Monomial) -> tuple[list[Polynomial], list[tuple[Polynomial, fmpq]]]:
        """The exponents of exponentials, and all else as powers of bases."""
        exponents, powers = [], dict[Polynomial, fmpq]()
        for f, power in powers_of(monomial):
            if f.name == "exp":
                exponents.append(power * f.args[0])
                continue
            base = f.args[0] if f.name in POWERS else Polynomial.symbol(f)
            powers[base] = powers.get(base, ZERO) + power * exponent_of(f)
        for base in [b for b in powers if is_absolute(b)]:
            inner = next(iter(base.symbols)).args[0]  # type: ignore[attr-defined]
            if inner in powers and powers[inner].q == 1 and powers[inner].p % 2 == 0:
                powers[base] += powers.pop(inner)
        return exponents, list(powers.items())


def bordered(terms: Mapping[Monomial, fmpq]) -> list[list[fmpq]]:
    """The symmetric M of a quadratic function ``[1; x]' M [1; x]``."""
    factors = sorted({f for m in terms for f, _ in powers_of(m)}, key=lambda f: f.number)
    places = {f: k for k, f in enumerate(factors, 1)}
    rows = [[ZERO] * (len(places) + 1) for _ in range(len(places) + 1)]
    for monomial, value in terms.items():
        i, j, *_ = [*(places[f] for f, power in powers_of(monomial) for _ in range(power)), 0, 0]
        rows[i][j] += value / 2
        rows[j][i] += value / 2
    return rows
