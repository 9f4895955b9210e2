"""How a question is settled: rules, exact deciders, other forms, counterexamples, provers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from cvxnet.analysis.bounding import bounded
from cvxnet.analysis.deciders import DECIDERS, Decider, decide
from cvxnet.analysis.derivation import SECONDS, Derived, Progress, derived
from cvxnet.analysis.equalities import eliminated
from cvxnet.analysis.evidence import Finding, Proof, Prover, Unfinished, is_proved
from cvxnet.analysis.provers import PROVERS
from cvxnet.analysis.provers.hessians import what_would_do
from cvxnet.analysis.provers.same import prove_by_another_form
from cvxnet.analysis.rewriting.rules import RULES
from cvxnet.analysis.rewriting.search import Rules
from cvxnet.analysis.search import STAGES, Stage, find_counterexample
from cvxnet.analysis.simplification import simplest
from cvxnet.analysis.spaces import Segment, Space
from cvxnet.analysis.witnesses import Counterexample, verify

MOST_CANDIDATES = 60
"""Candidates of a decider that are verified."""
INNER = (1.0, 0.75, 0.5)
"""Parts of a segment that are tried in the place of it."""


@dataclass(frozen=True)
class Methods:
    """What is tried beside the composition rules, each in its order.

    Attributes
    ----------
    effort : int
        How hard to look for counterexamples, from 1.
    deciders : tuple
        Exact deciders.
    rules : Rules
        By which other forms of an expression are written.
    stages, provers : tuples
        Ways to look for counterexamples, and, where none was found, ways to look for proofs.
    seconds : float
        For the provers together, and for the check of what they find.
    report : callable, optional
        Is told how far a long search for a proof has come.
    """

    effort: int = 1
    deciders: tuple[Decider, ...] = DECIDERS
    rules: Rules = RULES
    stages: tuple[Stage, ...] = STAGES
    provers: tuple[Prover, ...] = PROVERS
    seconds: float = SECONDS
    report: Callable[[Progress], object] | None = None


METHODS = Methods()


@dataclass(frozen=True)
class Settled:
    """The answer for one curvature: why, and the proof or the counterexample if there is one."""

    answer: bool | None
    reason: str
    proof: Proof | None = None
    witness: Counterexample | None = None


def settle(asked: Derived, goal: str, methods: Methods = METHODS) -> Settled:
    """Whether a question has the curvature ``goal``, "convex" or "concave"."""
    proof, candidates = derive(asked, goal, methods)
    if proof is not None:
        return Settled(True, proof.reason, proof)
    found, proof = on_less(asked, goal, methods)
    if proof is not None:
        return Settled(True, proof.reason, proof)
    found = found or refute(asked, goal, candidates, methods)
    unfinished: tuple[str, ...] = ()
    if found is None:
        proof, found, unfinished = find(asked, goal, methods)
        if proof is not None:
            return Settled(True, proof.reason, proof)
    if found is not None:
        reason = f"a counterexample, verified in {found.arithmetic} arithmetic"
        return Settled(False, reason, witness=found)
    return Settled(None, "; ".join((unknown_reason(asked, goal, methods), *unfinished)))


def on_less(
    asked: Derived, goal: str, methods: Methods
) -> tuple[Counterexample | None, Proof | None]:
    """What is found without the affine equalities, or within the bounds that constraints imply."""
    reduced = eliminated(asked.question) or bounded(asked.question)
    if reduced is None:
        return None, None
    settled = settle(derived(reduced.question), goal, methods)
    if settled.proof is not None:
        return None, reduced.proof(settled.proof)
    if settled.witness is None:
        return None, None
    found = settled.witness.segment
    parts = (verify(asked.question, reduced.back(nearer(found, t)), goal) for t in INNER)
    return next((witness for witness in parts if witness is not None), None), None


def nearer(found: Segment, share: float) -> Segment:
    """The part around the midpoint: an end may lie on a border that does not belong to the set."""
    half = {k: 0.5 * share * (found.b[k] - a) for k, a in found.a.items()}
    middle = {k: 0.5 * (a + found.b[k]) for k, a in found.a.items()}
    ends = [{k: middle[k] + sign * step for k, step in half.items()} for sign in (-1.0, 1.0)]
    return found if share == 1.0 else replace(found, a=ends[0], b=ends[1])


def prove(asked: Derived, goal: str, methods: Methods = METHODS) -> Proof | None:
    """The first proof that is found, whatever the method."""
    found = derive(asked, goal, methods)[0]
    if found is None:
        reduced = eliminated(asked.question) or bounded(asked.question)
        inner = None if reduced is None else prove(derived(reduced.question), goal, methods)
        found = None if reduced is None or inner is None else reduced.proof(inner)
    return found or find(asked, goal, methods).proof


def derive(
    asked: Derived, goal: str, methods: Methods = METHODS
) -> tuple[Proof | None, tuple[Segment, ...]]:
    """A proof by rules, normal forms or other forms; or None and where a decider saw it fail."""
    if getattr(asked.facts[-1], goal).all():
        return Proof("composition rules", {"kind": "rules"}), ()
    decision = decide(asked.question, asked.tape, goal, methods.deciders)
    if decision is not None and decision.proved:
        return Proof(decision.reason, {"kind": "normal form"}), ()
    for proof in prove_by_another_form(asked, goal, methods.rules):
        if is_proved(asked.question, goal, proof):
            return proof, ()
    return None, () if decision is None else decision.candidates


class Found(NamedTuple):
    """What provers have found: a proof that the checker accepts, or a verified counterexample.

    ``unfinished`` is what they had left to do when their time ended.
    """

    proof: Proof | None = None
    witness: Counterexample | None = None
    unfinished: tuple[str, ...] = ()


def find(asked: Derived, goal: str, methods: Methods) -> Found:
    """What the first prover that decides has found, while there is time."""
    end = time.monotonic() + methods.seconds
    unfinished: tuple[str, ...] = ()
    if any(node.is_complex() for node in asked.tape.nodes):
        return Found()  # beyond the rules, all arithmetic is about real numbers
    for prover in methods.provers:
        left = end - time.monotonic()
        if left <= 0.0:
            over = f"not all ways to a proof were tried within {methods.seconds:g} s: allow more"
            return Found(unfinished=(*unfinished, over))
        search = prover(replace(asked, seconds=left, report=methods.report), goal)
        try:
            found = judged(search, replace(asked, seconds=methods.seconds), goal)
        except (OverflowError, np.linalg.LinAlgError):  # doubles do not hold these numbers
            continue
        if found.proof is not None or found.witness is not None:
            return found
        unfinished += found.unfinished
    return Found(unfinished=unfinished)


def judged(findings: Iterable[Finding], asked: Derived, goal: str) -> Found:
    """The findings of one prover in the eyes of the checker."""
    candidates, unfinished = list[Segment](), list[str]()
    for finding in findings:
        if isinstance(finding, Segment):
            candidates.append(finding)
        elif isinstance(finding, Unfinished):
            unfinished.append(finding.text)
        elif is_proved(asked.question, goal, finding, asked.seconds):
            return Found(finding)
    witness = verified(Space(asked.question, asked.tape), goal, tuple(candidates))
    return Found(None, witness, tuple(unfinished))


def refute(
    asked: Derived, goal: str, candidates: tuple[Segment, ...], methods: Methods
) -> Counterexample | None:
    """The first candidate of a decider that is verified, or what the search finds."""
    found = verified(Space(asked.question, asked.tape), goal, candidates)
    if found is not None:
        return found
    space = Space(asked.question, asked.tape)
    return find_counterexample(space, goal, methods.effort, methods.stages)


def verified(space: Space, goal: str, candidates: tuple[Segment, ...]) -> Counterexample | None:
    """The first candidate that the checker proves, with the shortest numbers."""
    if not space.searchable:
        return None
    found = (simplest(space, candidate, goal) for candidate in candidates[:MOST_CANDIDATES])
    return next((witness for witness in found if witness is not None), None)


def unknown_reason(asked: Derived, goal: str, methods: Methods) -> str:
    """Why there is no answer."""
    if getattr(asked.question.expression, f"is_{goal}")():
        return "CVXPY accepts it within its tolerance, but exactly it could not be proved"
    obstacle = Space(asked.question, asked.tape).obstacle
    if obstacle:
        return f"the rules stop, and no counterexample was looked for: {obstacle}"
    more = what_would_do(replace(asked, seconds=methods.seconds), goal)
    return "the rules stop, and no counterexample was found" + more
