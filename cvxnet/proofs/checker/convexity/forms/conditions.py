"""Where expressions have values: conditions on polynomials, and which of them imply others."""

from __future__ import annotations

from typing import NamedTuple

from .algebra import Algebra
from .factors import lead_of, powers_of
from .polynomials import Polynomial


class Condition(NamedTuple):
    """A polynomial that is "positive", "nonnegative" or "nonzero", or an atom that is "defined"."""

    kind: str
    of: Polynomial


Conditions = frozenset[Condition]


def condition(kind: str, polynomial: Polynomial) -> Condition:
    """Of all multiples that say the same, the same one."""
    if polynomial.constant is not None:
        return Condition(kind, polynomial)
    size = polynomial.terms[lead_of(polynomial)]
    return Condition(kind, polynomial * (1 / (size if kind == "nonzero" else abs(size))))


def holds(algebra: Algebra, asked: Condition) -> bool:
    """Whether the bounds imply a condition."""
    if asked.kind == "defined":
        return False
    among = algebra.range(asked.of)
    if asked.kind == "nonnegative":
        return among.nonnegative
    below_zero = among.high is not None and among.high < 0
    return among.above_zero or (asked.kind == "nonzero" and below_zero)


def implied(algebra: Algebra, asked: Condition, known: Conditions) -> bool:
    """Whether conditions, with the bounds, imply another one."""
    if asked in known or holds(algebra, asked):
        return True
    if asked.kind == "defined":
        return False
    stronger = [condition("positive", asked.of)]
    if asked.kind == "nonzero":
        stronger.append(condition("positive", -asked.of))
    if any(one in known for one in stronger):
        return True
    return len(asked.of.terms) == 1 and implied_by_factors(asked, known)


def implied_by_factors(asked: Condition, known: Conditions) -> bool:
    """Whether conditions imply one on a product, through its factors."""
    ((monomial, value),) = asked.of.terms.items()
    nonzero = {f for one in known if one.kind in ("positive", "nonzero") for f in factors(one.of)}
    signed = {one.of for one in known if one.kind in ("positive", "nonnegative")}
    for f, power in powers_of(monomial):
        if asked.kind != "nonnegative" and f not in nonzero and not f.range.above_zero:
            return False
        even = power % 2 == 0 or asked.kind == "nonzero"
        if not (even or f.range.nonnegative or Polynomial.symbol(f) in signed):
            return False
    return asked.kind == "nonzero" or value > 0


def factors(polynomial: Polynomial) -> set[object]:
    """What cannot be zero where a product is not."""
    if len(polynomial.terms) != 1:
        return set()
    (monomial,) = polynomial.terms
    return {f for f, _ in powers_of(monomial)}
