"""Bounds of unknowns that constraints imply, by shaving: what lies beyond one is excluded.

A norm that is bounded bounds every entry, a product that is at least one bounds a factor whose
other factor is positive, and so on: whatever the enclosures of the rules show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import fmpq

from cvxnet.analysis.constraints import kind_of
from cvxnet.analysis.deciders import outward
from cvxnet.analysis.derivation import derive_facts, leaf_bounds
from cvxnet.analysis.documents import tape_of
from cvxnet.analysis.evidence import Proof
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.inequalities import Row, constraint_rows, start_of
from cvxnet.analysis.questions import Question
from cvxnet.analysis.spaces import Segment
from cvxnet.analysis.tape import Tape
from cvxnet.functions.arithmetic import as_rational
from cvxnet.types import Array

MOST_ENTRIES = 24  # of all unknowns, where bounds are looked for
MOST_CONSTRAINTS = 24
MOST_NODES = 400  # of all constraints
FAR = 1e6  # bounds beyond are not looked for
COARSE = (-100, -1, 0, 1, 100)  # where a bisection looks first
STEPS = 24
ROUNDS = 2
TIED = {"symmetric", "diag", "PSD", "NSD", "hermitian", "complex", "imag", "sparsity"}


@dataclass(frozen=True)
class End:
    """The lower end (sign -1) or the upper one (1) of an entry of an unknown."""

    leaf: Any
    entry: int
    sign: int

    @property
    def side(self) -> str:
        """As the checker calls it."""
        return "high" if self.sign > 0 else "low"

    @property
    def opposite(self) -> End:
        """The other end of the same entry."""
        return replace(self, sign=-self.sign)

    @property
    def tied(self) -> bool:
        """Whether the entry depends on others of the unknown."""
        used = {name for name, value in self.leaf.attributes.items() if value not in (None, False)}
        return bool(used & TIED)

    def value(self, question: Question) -> float:
        """Where it is, perhaps infinite."""
        low, high = leaf_bounds(self.leaf, question)
        bound = np.broadcast_to(high if self.sign > 0 else low, self.leaf.shape)
        return float(np.ravel(bound)[self.entry])

    def moved(self, question: Question, value: float) -> Question:
        """The question with the end elsewhere."""
        pair = leaf_bounds(self.leaf, question)
        low, high = (np.array(np.broadcast_to(bound, self.leaf.shape)) for bound in pair)
        changed = (high if self.sign > 0 else low).reshape(-1)
        changed[self.entry] = value
        return replace(question, bounds={**question.bounds, id(self.leaf): (low, high)})


@dataclass(frozen=True)
class Bounded:
    """A question with narrower bounds, and why they hold: one row for each bound."""

    original: Question
    question: Question
    bounds: tuple[dict[str, Any], ...]

    def proof(self, inner: Proof) -> Proof:
        """The proof about the original question."""
        place = tape_of(self.original).place
        rows = [{**row, "leaf": place[row["leaf"]]} for row in self.bounds]
        evidence = {"kind": "bounded", "bounds": rows, "proof": dict(inner.evidence)}
        return Proof(f"with bounds that the constraints imply: {inner.reason}", evidence)

    def back(self, found: Segment) -> Segment:
        """A segment of the new question, which is one of the original."""
        return found


def bounded(question: Question) -> Bounded | None:
    """The question with the bounds that its constraints imply; None where there are none."""
    if not is_small(question):
        return None
    changed = replace(question, options={**question.options, "bounded": True})
    rows = list[dict[str, Any]]()
    for _ in range(ROUNDS):
        known = len(rows)
        for end in ends_of(question):
            row = new_bound(changed, end)
            if row is not None:
                changed = end.moved(changed, row["end"])
                rows.append(row)
        if len(rows) == known:
            break
    return Bounded(question, changed, tuple(rows)) if rows else None


def ends_of(question: Question) -> Iterator[End]:
    """Both ends of every entry of the unknowns."""
    for leaf in question.unknowns:
        for entry in range(leaf.size):
            yield from (End(leaf, entry, -1), End(leaf, entry, 1))


def is_small(question: Question) -> bool:
    """Whether there are constraints, and few enough."""
    few = 0 < len(question.constraints) <= MOST_CONSTRAINTS
    if not few or "bounded" in question.options:
        return False
    entries = sum(leaf.size for leaf in question.unknowns)
    roots = [arg for constraint in question.constraints for arg in constraint.args]
    return entries <= MOST_ENTRIES and len(Tape(roots).nodes) <= MOST_NODES


def new_bound(question: Question, end: End) -> dict[str, Any] | None:
    """A finite value for an infinite end, and the constraint that implies it, for the checker."""
    if np.isfinite(end.value(question)) or end.tied:
        return None
    for number, constraint in enumerate(question.constraints):
        value = implied_end(question, end, constraint) if is_about(constraint, end.leaf) else None
        if value is not None:
            row = {"leaf": id(end.leaf), "entry": end.entry, "side": end.side}
            return {**row, "end": value, "constraint": number}
    return None


def is_about(constraint: Any, leaf: Any) -> bool:
    """Whether a constraint compares something that depends on a leaf."""
    if not kind_of(constraint).compared:
        return False
    return any(node is leaf for node in Tape(constraint.args).nodes)


def implied_end(question: Question, end: End, constraint: Any) -> float | None:
    """The end that one constraint implies, exactly where that is affine."""
    found = end_of_rows(question, end, constraint)
    return shaved(question, end, constraint) if found is None else found


def end_of_rows(question: Question, end: End, constraint: Any) -> float | None:
    """The end that an affine constraint implies, rounded outward."""
    bounds = [leaf_bounds(u, question) for u in question.unknowns]
    low, high = (np.concatenate([np.ravel(b[i]) for b in bounds]) for i in (0, 1))
    place = start_of(end.leaf, question) + end.entry
    found = list[float]()
    for row in constraint_rows(constraint, question):
        slope = row.coefficients.get(place, fmpq(0))
        most = largest_rest(row, place, low, high) if slope * end.sign < 0 else None
        if most is not None:
            found.append(outward(most / -slope, end.sign * np.inf))
    narrowest = min if end.sign > 0 else max
    return narrowest(found, default=None)


def largest_rest(row: Row, place: int, low: Array, high: Array) -> fmpq | None:
    """The largest value of a row without one of its terms; None where it has none."""
    rest = [(j, v) for j, v in row.coefficients.items() if j != place]
    corner = [(v, high[j] if v > 0 else low[j]) for j, v in rest]
    if not all(np.isfinite(value) for _, value in corner):
        return None
    return row.constant + sum((v * as_rational(float(value)) for v, value in corner), fmpq(0))


def shaved(question: Question, end: End, constraint: Any) -> float | None:
    """The narrowest end that a constraint implies, found by bisection; None where it has none."""

    def excluded(value: float) -> bool:
        return is_excluded(end.opposite.moved(question, value), constraint)

    far, other = end.sign * FAR, end.opposite.value(question)
    start = end.sign * max(end.sign * other, -FAR) if np.isfinite(other) else -far
    if not excluded(far) or excluded(start):
        return None
    between = [float(end.sign * c) for c in COARSE] if abs(start) >= FAR else []
    first = next((k for k, value in enumerate(between) if excluded(value)), len(between))
    inside, outside = [start, *between, far][first : first + 2]
    return bisected(excluded, inside, outside)


def bisected(excluded: Callable[[float], bool], inside: float, outside: float) -> float:
    """The value nearest to the inside that is found to be excluded."""
    for _ in range(STEPS):
        middle = 0.5 * (inside + outside)
        if abs(outside - inside) <= 1e-6 * (1.0 + abs(outside)) or outside == 0.0:
            break
        inside, outside = (inside, middle) if excluded(middle) else (middle, outside)
    return outside


@np.errstate(all="ignore")
def is_excluded(question: Question, constraint: Any) -> bool:
    """Whether no point within the bounds satisfies a constraint."""
    kind = kind_of(constraint)
    fact: Facts = derive_facts(question, Tape([kind.judged(constraint)]))[-1]
    return bool((fact.low > 0.0).any() or (kind.affine and (fact.high < 0.0).any()))
