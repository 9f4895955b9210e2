"""What is known of every term, parts first: the rows, and what is found further."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from flint import fmpq

from ...arrays import require
from ...document import RefusalError
from ...dual import Clock
from ...scalars import ZERO
from ..calculus.intervals import EVERYTHING, Interval, clipped
from ..calculus.shapes import PLAIN, WITH_OPTIONS
from ..statement import Statement
from .means import (
    composed,
    exponential,
    form,
    largest,
    logarithm,
    magnitude,
    mean_of_exponentials,
    powered,
    product,
    smallest,
    softplus,
    total,
)
from .table import Term, Terms
from .traits import INF, Traits, scaled

Lemma: TypeAlias = Callable[[Callable[[str], Statement]], str]


def no_lemma(statement: Callable[[str], Statement]) -> str:
    """No other kind of proof is asked."""
    return ""


class Budget:
    """How many parts of one expression may still be made variables."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self) -> bool:
        """Whether there is one more."""
        self.left -= 1
        return self.left >= 0


Further: TypeAlias = "Callable[[Calculus, int, Traits], Traits]"


def nothing_further(calculus: Calculus, place: int, found: Traits) -> Traits:
    """What the rows say is all that is known."""
    return found


@dataclass
class Calculus:
    """What is known of each term, given what is known of the leaves.

    Attributes
    ----------
    terms : Terms
    leaves : mapping of leaf to traits
    restrictions : mapping of term to (interval, positive)
        What the domain says of some terms.
    clock : Clock
    budget : Budget
    further : callable (calculus, term, traits)
        What else may be found out about a term.
    lemmas : callable
        What another kind of proof says of a function of one variable.
    depth : int
        How many times a part of the expression was made a variable.
    found : mapping of term to traits
        What is known so far.
    """

    terms: Terms
    leaves: Mapping[int, Traits]
    restrictions: Mapping[int, tuple[Interval, bool]]
    clock: Clock
    budget: Budget
    further: Further = nothing_further
    lemmas: Lemma = no_lemma
    depth: int = 0
    found: dict[int, Traits] = field(default_factory=dict)

    def of(self, root: int) -> Traits:
        """What is known of a term."""
        if root not in self.found:
            for place in self.terms.below(root):
                if place not in self.found:
                    self.clock.check()
                    self.found[place] = self.known(place)
        return self.found[root]

    def known(self, place: int) -> Traits:
        """What is known of a term whose parts are known, with what the domain says of it."""
        traits = self.one(place)
        if place in self.restrictions:
            limit = self.restrictions[place]
            limited = self.limited(place, traits, limit)
            require(keeps_convex(traits, limited, limit), "a domain that may not be convex")
            traits = limited
        whole = self.terms[place].kind in ("leaf", "number") or traits.affine
        return traits if whole else self.further(self, place, traits)

    def limited(self, place: int, traits: Traits, limit: tuple[Interval, bool]) -> Traits:
        """What is known of a term on the domain, which says something of it."""
        interval, positive = limit
        if self.terms[place].kind == "sum":
            traits = self.sum(self.terms[place], interval)
        interval, positive = clipped(traits.interval, interval), traits.positive or positive
        return replace(traits, interval=interval, positive=positive).finished()

    def sum(self, term: Term, limit: Interval = EVERYTHING) -> Traits:
        """A sum, of which the domain says that it is within a limit."""
        constant, coefficients = term.data
        parts = [self.found[k] for k in term.parts]
        rows = [scaled(t, c) for t, c in zip(parts, coefficients, strict=True)]
        return total(rows, constant, limit)

    def one(self, place: int) -> Traits:
        """What the rows say of a term, whose parts are known."""
        term = self.terms[place]
        if term.kind == "number":
            return Traits(interval=(term.data, term.data), constant=True).finished()
        if term.kind == "leaf":
            require(place in self.leaves, "a leaf of which nothing is known")
            return self.leaves[place]
        parts = [self.found[k] for k in term.parts]
        if term.kind == "sum":
            return self.sum(term)
        if term.kind == "product":
            return product(self.factors(term))
        return self.call(term, parts)

    def factors(self, term: Term) -> list[Traits]:
        """The powers of a product; ``(exp(u) - 1) / u`` is one of them."""
        rows = dict(zip(term.parts, term.data, strict=True))
        found = []
        for t, u, factor in self.exponentials_less_one(rows):
            for divisor in [b for b, p in rows.items() if p == -rows.get(t, ZERO)]:
                k = self.terms.ratio(u, divisor)
                if k is not None and t in rows:
                    mean = scaled(mean_of_exponentials(self.found[u]), k * factor)
                    found.append(powered(mean, rows.pop(t)))
                    del rows[divisor]
        return [*found, *(powered(self.found[t], p) for t, p in rows.items())]

    def exponentials_less_one(self, rows: Mapping[int, fmpq]) -> list[tuple[int, int, fmpq]]:
        """Factors ``c (exp(u) - 1)``, with u and c."""
        found = []
        for t, p in rows.items():
            constant, coefficients, parts = self.terms.as_sum(t)
            if p > 0 and coefficients == (-constant,):
                inner = self.terms[parts[0]]
                if inner.kind == "call" and inner.data[0] == "exp":
                    found.append((t, inner.parts[0], coefficients[0]))
        return found

    def call(self, term: Term, parts: list[Traits]) -> Traits:
        """A function of terms."""
        name, options = term.data
        if name == "whole":
            same = term.parts == options[2:]
            return self.leaves.get(self.terms.places[term], Traits()) if same else Traits()
        if name == "log" and (inner := self.terms.inside_of_logistic(term.parts[0])) is not None:
            return softplus(parts[0], self.found[inner])
        if name in CALLS:
            return CALLS[name](parts)
        shape = PLAIN.get(name)
        if name in WITH_OPTIONS:
            shape = WITH_OPTIONS[name](**dict(options))
        if shape is None:
            raise RefusalError(f"nothing is proved here about {name}")
        return composed(parts[0], shape, name)


def keeps_convex(traits: Traits, limited: Traits, limit: tuple[Interval, bool]) -> bool:
    """Whether the points where a term is within a limit form a convex set.

    They do if the term is always there, if it is concave or a-concave and the limit is below it,
    and if it is affine.
    """
    (low, high), positive = limit
    inside_already = clipped(traits.interval, limit[0]) == traits.interval
    if traits.affine or (inside_already and (traits.positive or not positive)):
        return True
    return high is None and low is not None and (limited.concave or limited.down > -INF)


CALLS: dict[str, Callable[[list[Traits]], Traits]] = {
    "log": lambda parts: logarithm(parts[0]),
    "exp": lambda parts: exponential(parts[0]),
    "abs": lambda parts: magnitude(parts[0]),
    "form": form,
    "max": largest,
    "min": smallest,
}


def inner_calculus(calculus: Calculus, leaves: Mapping[int, Traits]) -> Calculus:
    """The calculus in new variables."""
    fixed = {t: traits for t, traits in calculus.leaves.items() if traits.constant}
    return replace(
        calculus, leaves={**fixed, **leaves}, restrictions={}, depth=calculus.depth + 1, found={}
    )


def moving_leaves(calculus: Calculus, leaves: list[int]) -> list[int]:
    """The unknowns."""
    return [t for t in leaves if not calculus.leaves[t].constant]
