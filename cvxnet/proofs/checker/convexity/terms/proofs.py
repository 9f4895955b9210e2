"""The kind of proof "terms": the rows and inner functions, for the entries of a statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...arrays import require
from ...document import RefusalError
from ...dual import Clock
from ..calculus.composition import facts_of
from ..calculus.facts import CONCAVE, CONVEX, QUASICONCAVE, QUASICONVEX
from ..calculus.intervals import EVERYTHING, Interval, clipped, is_above
from ..statement import Checking, Proof, Statement
from .calculus import Budget, Calculus, Lemma, no_lemma
from .entries import Entries
from .inner import further
from .table import Term
from .traits import INF, RULES, Traits, turned

MOST_CHANGES = 200  # of a part into a variable, for one expression


class Lemmas:
    """The functions of one variable whose bend the second derivative on boxes is to prove.

    They are met in one order, and the evidence names them by their number in it.
    """

    def __init__(self, checking: Checking, goals: Mapping[int, str]) -> None:
        self.checking, self.goals, self.count = checking, goals, 0

    def __call__(self, statement: Callable[[str], Statement]) -> str:
        """What is proved of the next one: "convex", "concave" or ""."""
        self.count += 1
        goal = self.goals.get(self.count, "")
        if goal:
            self.checking.prove(statement(goal), {"kind": "boxes"})
        return goal


def by_terms(statement: Statement, proof: Proof, checking: Checking) -> None:
    """The rows of power means and of functions of one inner function, for each entry."""
    goals = {int(number): str(goal) for number, goal in proof.get("lemmas", ())}
    reason_by_terms(statement, checking.clock, Lemmas(checking, goals))


def reason_by_terms(statement: Statement, clock: Clock, lemmas: Lemma) -> str:
    """The row that proves the first entry, in words; refuses where one is not proved."""
    calculus, entries = calculus_of(statement, clock, lemmas)
    for k in statement.entries:
        traits = calculus.of(entries[k])
        if not getattr(traits, statement.goal):
            raise RefusalError(f"the rows do not prove that entry {k} is {statement.goal}")
    rule = calculus.of(entries[statement.entries[0]]).rule
    return RULES.get(rule, "an affine function, once like terms are collected")


def calculus_of(
    statement: Statement, clock: Clock, lemmas: Lemma = no_lemma
) -> tuple[Calculus, list[int]]:
    """The rows for the entries of the root, which are terms, on the domain."""
    first = Entries(statement)
    first.of(statement.root)
    entries = Entries(statement, nonneg_leaves(first))
    roots = entries.of(statement.root).entries
    limits, terms, asked = restricted_terms(entries), entries.terms, entries.maker.divisors
    every = [*roots, *limits, *asked]
    leaves = terms.leaves(*every)
    unknown = [t for t in leaves if terms[t].data[0] in statement.unknowns]
    known = {
        t: leaf_traits(entries, t, limits.get(t, (EVERYTHING, False)), unknown) for t in leaves
    }
    for t in terms.below(*every):
        if terms[t].kind == "call" and terms[t].data[0] == "whole":
            known[t] = whole_traits(statement, terms[t], clock)
    budget = Budget(MOST_CHANGES)
    calculus = Calculus(terms, known, limits, clock, budget, further, lemmas)
    for t in sorted({*limits, *asked}):
        calculus.of(t)
    require(all(has_one_sign(calculus.of(t)) for t in asked), "a divisor that may change its sign")
    return calculus, roots


def has_one_sign(divisor: Traits) -> bool:
    """Whether the points where a divisor is not zero form a convex set."""
    if divisor.constant or divisor.positive or turned(divisor).positive:
        return True
    above = divisor.nonneg and divisor.down > -INF
    return above or (divisor.nonpos and turned(divisor).down > -INF)


def whole_traits(statement: Statement, term: Term, clock: Clock) -> Traits:
    """What the composition calculus says of an entry."""
    place, k = term.data[1][:2]
    fact = facts_of(statement, place, clock).entries[k]
    return Traits(
        interval=fact.interval,
        constant=fact.constant,
        convex=fact.has(CONVEX),
        concave=fact.has(CONCAVE),
        quasiconvex=fact.has(QUASICONVEX),
        quasiconcave=fact.has(QUASICONCAVE),
        rule="whole",
    ).finished()


def leaf_traits(
    entries: Entries, leaf: int, limit: tuple[Interval, bool], unknown: list[int]
) -> Traits:
    """What is known of an entry of a leaf."""
    place, k = entries.terms[leaf].data
    strict = "pos" in entries.statement.nodes[place]["attributes"]
    return Traits(
        interval=clipped(entries.bounds_of(place)[k], limit[0]),
        positive=strict or limit[1],
        constant=leaf not in unknown,
        convex=True,
        concave=True,
        rising=unknown == [leaf],
    ).finished()


def nonneg_leaves(entries: Entries) -> set[tuple[int, int]]:
    """Leaves that atoms ask to be >= 0."""
    limits = restricted_terms(entries)
    return {
        entries.terms[t].data
        for t, (interval, _) in limits.items()
        if entries.terms[t].kind == "leaf" and is_above(interval)
    }


def restricted_terms(entries: Entries) -> dict[int, tuple[Interval, bool]]:
    """For each term that an atom restricts, the interval, and whether zero is left out.

    What is asked of ``c x + d`` is asked of the leaf x, too.
    """
    found: dict[int, tuple[Interval, bool]] = {}

    def put(place: int, interval: Interval, *, positive: bool) -> None:
        old, strict = found.get(place, (EVERYTHING, False))
        found[place] = clipped(old, interval), strict or positive

    for place, low, strict in entries.maker.restrictions:
        put(place, (low, None), positive=strict and low == 0)
        constant, coefficients, parts = entries.terms.as_sum(place)
        if len(parts) == 1 and entries.terms[parts[0]].kind == "leaf":
            end = (low - constant) / coefficients[0]
            interval = (end, None) if coefficients[0] > 0 else (None, end)
            put(parts[0], interval, positive=strict and end == 0 and coefficients[0] > 0)
    return found
