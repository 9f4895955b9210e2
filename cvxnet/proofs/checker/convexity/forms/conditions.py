"""Where expressions have values: conditions on polynomials, and which of them imply others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .algebra import Algebra
from .factors import Factor, lead_of, powers_of
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
    powers = powers_of(monomial)
    if asked.kind != "nonnegative" and not are_nonzero([f for f, _ in powers], known):
        return False
    if asked.kind == "nonzero":
        return True
    signed = {one.of for one in known if one.kind in ("positive", "nonnegative")}
    odd = [f for f, power in powers if power % 2]
    return value > 0 and all(f.range.nonnegative or Polynomial.symbol(f) in signed for f in odd)


def are_nonzero(asked: Iterable[Factor], known: Conditions) -> bool:
    """Whether conditions, or their ranges, say that factors are not zero."""
    strict = [one.of for one in known if one.kind in ("positive", "nonzero")]
    nonzero = set[Factor]().union(*map(factors, strict))
    return all(f in nonzero or f.range.above_zero for f in asked)


def factors(polynomial: Polynomial) -> set[object]:
    """What cannot be zero where a product is not."""
    if len(polynomial.terms) != 1:
        return set()
    (monomial,) = polynomial.terms
    return {f for f, _ in powers_of(monomial)}
