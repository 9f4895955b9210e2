"""Bounds of unknowns that constraints imply, by shaving: what lies beyond one is excluded.

A norm that is bounded bounds every entry, a product that is at least one bounds a factor whose
other factor is positive, and so on: whatever the enclosures of the rules show.
"""

from __future__ import annotations

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
from cvxnet.analysis.inequalities import constraint_rows, start_of
from cvxnet.analysis.questions import Question
from cvxnet.analysis.spaces import Segment
from cvxnet.analysis.tape import Tape
from cvxnet.functions.arithmetic import as_rational

MOST_ENTRIES = 24  # of all unknowns, where bounds are looked for
MOST_CONSTRAINTS = 24
MOST_NODES = 400  # of all constraints
FAR = 1e6  # bounds beyond are not looked for
STEPS = 24  # of a bisection
ROUNDS = 2
TIED = {"symmetric", "diag", "PSD", "NSD", "hermitian", "complex", "imag", "sparsity"}


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
    changed, rows = replace(question, options={**question.options, "bounded": True}), []
    for _ in range(ROUNDS):
        found = 0
        for leaf in question.unknowns:
            for k in range(leaf.size):
                for side in ("low", "high"):
                    end = new_end(changed, leaf, k, side)
                    if end is not None:
                        changed = with_end(changed, leaf, k, (side, end[0]))
                        row = {"leaf": id(leaf), "entry": k, "side": side, "end": end[0]}
                        rows.append({**row, "constraint": end[1]})
                        found += 1
        if not found:
            break
    return Bounded(question, changed, tuple(rows)) if rows else None


def is_small(question: Question) -> bool:
    """Whether there are constraints, and few enough."""
    few = 0 < len(question.constraints) <= MOST_CONSTRAINTS
    if not few or "bounded" in question.options:
        return False
    entries = sum(leaf.size for leaf in question.unknowns)
    roots = [arg for constraint in question.constraints for arg in constraint.args]
    return entries <= MOST_ENTRIES and len(Tape(roots).nodes) <= MOST_NODES


def new_end(question: Question, leaf: Any, k: int, side: str) -> tuple[float, int] | None:
    """A finite end for an infinite one (0 first), and the constraint that implies it."""
    low, high = (np.ravel(np.broadcast_to(b, leaf.shape))[k] for b in leaf_bounds(leaf, question))
    used = {name for name, value in leaf.attributes.items() if value not in (None, False)}
    if np.isfinite(low if side == "low" else high) or used & TIED:
        return None
    other = high if side == "low" else low
    for number, constraint in enumerate(question.constraints):
        kind = kind_of(constraint)
        if kind.compared and any(node is leaf for node in Tape(constraint.args).nodes):
            end = end_of_rows(question, leaf, k, side, constraint)
            end = shaved(question, leaf, k, (side, other), constraint) if end is None else end
            if end is not None:
                return end, number
    return None


def end_of_rows(question: Question, leaf: Any, k: int, side: str, constraint: Any) -> float | None:
    """The end that an affine constraint implies, rounded outward."""
    bounds = [leaf_bounds(u, question) for u in question.unknowns]
    low, high = (np.concatenate([np.ravel(b[i]) for b in bounds]) for i in (0, 1))
    entry, upper = start_of(leaf, question) + k, side == "high"
    ends = []
    for row in constraint_rows(constraint, question):
        slope = row.coefficients.get(entry, fmpq(0))
        if (slope < 0) if upper else (slope > 0):
            rest = {j: v for j, v in row.coefficients.items() if j != entry}
            corner = [(v, high[j] if v > 0 else low[j]) for j, v in rest.items()]
            if all(np.isfinite(end) for _, end in corner):
                most = row.constant + sum((v * as_rational(float(e)) for v, e in corner), fmpq(0))
                ends.append(outward(most / -slope, np.inf if upper else -np.inf))
    return (min(ends) if upper else max(ends)) if ends else None


def shaved(
    question: Question, leaf: Any, k: int, room: tuple[str, float], constraint: Any
) -> float | None:
    """The narrowest end that a constraint implies, found by bisection; None where it has none."""
    side, other = room
    sign = 1.0 if side == "high" else -1.0
    start = sign * max(sign * other, -FAR) if np.isfinite(other) else -sign * FAR

    def excluded(end: float) -> bool:
        beyond = ("low" if side == "high" else "high", end)
        return is_excluded(with_end(question, leaf, k, beyond), constraint)

    if not excluded(sign * FAR) or excluded(start):
        return None
    inside, outside = start, sign * FAR
    if abs(inside) >= FAR:
        for simple in (-sign * 100.0, -sign, 0.0, sign, sign * 100.0):
            if excluded(simple):
                outside = simple
                break
            inside = simple
    for _ in range(STEPS):
        middle = 0.5 * (inside + outside)
        if abs(outside - inside) <= 1e-6 * (1.0 + abs(outside)) or outside == 0.0:
            break
        inside, outside = (inside, middle) if excluded(middle) else (middle, outside)
    return outside


def with_end(question: Question, leaf: Any, k: int, end: tuple[str, float]) -> Question:
    """The question with another bound of one entry."""
    side, value = end
    low, high = (np.array(np.broadcast_to(b, leaf.shape)) for b in leaf_bounds(leaf, question))
    changed = (low if side == "low" else high).reshape(-1)
    changed[k] = value
    return replace(question, bounds={**question.bounds, id(leaf): (low, high)})


@np.errstate(all="ignore")
def is_excluded(question: Question, constraint: Any) -> bool:
    """Whether no point within the bounds satisfies a constraint."""
    kind = kind_of(constraint)
    fact: Facts = derive_facts(question, Tape([kind.judged(constraint)]))[-1]
    return bool((fact.low > 0.0).any() or (kind.affine and (fact.high < 0.0).any()))
