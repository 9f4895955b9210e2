"""Affine functions of the entries of leaves, and the equations that constraints make of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flint import fmpq

from ...arrays import require
from ...document import RefusalError
from ...dual import Clock
from ..statement import Statement
from .factors import Factor
from .normal import NormalForms, normal_forms
from .polynomials import Polynomial

Entry = tuple[int, int]
"""An entry of a leaf: the place of the leaf, and the position in it."""
MOST_EQUATIONS = 2_000
ZERO = fmpq(0)


@dataclass(frozen=True)
class Affine:
    """``sum of slopes[entry] * entry + constant``; no slope is zero."""

    slopes: Mapping[Entry, fmpq] = field(default_factory=dict)
    constant: fmpq = ZERO

    def plus(self, other: Affine, factor: fmpq) -> Affine:
        """The sum with a multiple of another one."""
        slopes = dict(self.slopes)
        for entry, slope in other.slopes.items():
            slopes[entry] = slopes.get(entry, ZERO) + factor * slope
        kept = {entry: slope for entry, slope in slopes.items() if slope != 0}
        return Affine(kept, self.constant + factor * other.constant)

    def moved(self, instead: Mapping[int, int]) -> Affine:
        """The same about other leaves, by their places; two may be one."""
        found = Affine({}, self.constant)
        for (place, k), slope in self.slopes.items():
            found = found.plus(Affine({(instead[place], k): slope}), fmpq(1))
        return found


def affine_of(polynomial: Polynomial) -> Affine:
    """A polynomial as an affine function of entries of leaves; refused where it is none."""
    slopes, constant = {}, ZERO
    for monomial, value in polynomial.terms.items():
        if not monomial:
            constant = value
            continue
        require(len(monomial) == 1, "a product where an affine function is needed")
        ((factor, power),) = monomial
        is_entry = power == 1 and isinstance(factor, Factor) and factor.name == "entry"
        require(is_entry, "something that is not affine where an affine function is needed")
        slopes[factor.options] = value  # type: ignore[attr-defined]
    return Affine(slopes, constant)


def affine_entries(forms: NormalForms, place: int) -> list[Affine]:
    """The entries of a node; refused where they are not all affine."""
    return [affine_of(polynomial) for polynomial in forms.of(place)]


def differences(forms: NormalForms, left: int, right: int) -> list[Affine]:
    """``right - left`` entry by entry, a single entry as often as needed."""
    one, other = affine_entries(forms, left), affine_entries(forms, right)
    size = max(len(one), len(other))
    require({len(one), len(other)} <= {1, size}, "sides of different sizes")
    one, other = one * (size // len(one)), other * (size // len(other))
    return [b.plus(a, fmpq(-1)) for a, b in zip(one, other, strict=True)]


class Equations:
    """Equations ``affine = 0`` in reduced form: what an affine function is where they hold."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.solved: dict[Entry, Affine] = {}
        self.contradictory = False

    def add(self, row: Affine) -> None:
        """One more equation."""
        self.clock.check()
        row = self.reduced(row)
        if not row.slopes:
            self.contradictory = self.contradictory or row.constant != 0
            return
        require(len(self.solved) < MOST_EQUATIONS, "too many equations")
        pivot = min(row.slopes)
        scaled = Affine().plus(row, 1 / row.slopes[pivot])
        for other, known in self.solved.items():
            if pivot in known.slopes:
                self.solved[other] = known.plus(scaled, -known.slopes[pivot])
        self.solved[pivot] = scaled

    def reduced(self, row: Affine) -> Affine:
        """The same function where the equations hold, without the entries that they fix."""
        for entry, slope in row.slopes.items():
            if entry in self.solved:
                row = row.plus(self.solved[entry], -slope)
        return row

    def zero(self, row: Affine) -> bool:
        """Whether the function is zero wherever the equations hold."""
        rest = self.reduced(row)
        return self.contradictory or (not rest.slopes and rest.constant == 0)


def equations_of(statement: Statement, clock: Clock) -> Equations:
    """What the constraints say that are affine equations."""
    forms, found = normal_forms(statement, clock), Equations(clock)
    for row in equal_rows(statement.constraints, forms):
        found.add(row)
    return found


def equal_rows(constraints: Iterable[Mapping[str, Any]], forms: NormalForms) -> Iterator[Affine]:
    """The affine functions that constraints make zero; other constraints are passed over."""
    for constraint in constraints:
        try:
            if constraint["kind"] == "Equality":
                yield from differences(forms, *constraint["args"])
            elif constraint["kind"] == "Zero":
                yield from affine_entries(forms, *constraint["args"])
        except RefusalError:
            forms.clock.check()
