"""How a question is settled: rules, exact deciders, other forms, then counterexamples."""

from __future__ import annotations

from dataclasses import dataclass

from cvxnet.analysis.deciders import DECIDERS, Decider, decide
from cvxnet.analysis.derivation import derive_facts
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.identities import PATTERNS, Pattern, rewritten_everywhere
from cvxnet.analysis.questions import Question
from cvxnet.analysis.search import STAGES, Stage, find_counterexample
from cvxnet.analysis.simplification import simplest
from cvxnet.analysis.spaces import Segment, Space
from cvxnet.analysis.tape import Tape
from cvxnet.analysis.witnesses import Counterexample

MOST_CANDIDATES = 60
"""Candidates of a decider that are verified."""


@dataclass(frozen=True)
class Methods:
    """What is tried beside the composition rules, each in its order.

    Attributes
    ----------
    effort : int
        How hard to look for counterexamples, from 1.
    deciders, patterns, stages : tuples
        Exact deciders, identities, and ways to look for counterexamples.
    """

    effort: int = 1
    deciders: tuple[Decider, ...] = DECIDERS
    patterns: tuple[Pattern, ...] = PATTERNS
    stages: tuple[Stage, ...] = STAGES


METHODS = Methods()


@dataclass(frozen=True)
class Derived:
    """A question, its tape, and what the rules say about every node."""

    question: Question
    tape: Tape
    facts: list[Facts]


@dataclass(frozen=True)
class Settled:
    """The answer for one curvature, why, and the counterexample if there is one."""

    answer: bool | None
    reason: str
    witness: Counterexample | None = None


def derived(question: Question) -> Derived:
    """The question with the facts that the rules derive."""
    tape = question.tape()
    return Derived(question, tape, derive_facts(question, tape))


def settle(asked: Derived, goal: str, methods: Methods = METHODS) -> Settled:
    """Whether a question has the curvature ``goal``, "convex" or "concave"."""
    reason, candidates = prove(asked, goal, methods)
    if reason:
        return Settled(True, reason)
    found = refute(asked, goal, candidates, methods)
    if found is not None:
        reason = f"a counterexample, verified in {found.arithmetic} arithmetic"
        return Settled(False, reason, found)
    return Settled(None, unknown_reason(asked, goal))


def prove(asked: Derived, goal: str, methods: Methods = METHODS) -> tuple[str, tuple[Segment, ...]]:
    """Why the curvature is proved, or "" and where a decider saw that it fails."""
    if getattr(asked.facts[-1], goal).all():
        return "composition rules", ()
    decision = decide(asked.question, asked.tape, goal, methods.deciders)
    if decision is not None and decision.proved:
        return decision.reason, ()
    if name := proved_form(asked.question, goal, methods.patterns):
        return f"the same function as {name}, by the composition rules", ()
    return "", () if decision is None else decision.candidates


def proved_form(question: Question, goal: str, patterns: tuple[Pattern, ...]) -> str:
    """The name of an identical form that the rules prove, or ""."""
    if question.network is not None:
        return ""
    for rewrite in rewritten_everywhere(question, patterns):
        tape = Tape([rewrite.expression])
        if rewrite.same and getattr(derive_facts(question, tape)[-1], goal).all():
            return " and ".join(rewrite.names)
    return ""


def refute(
    asked: Derived, goal: str, candidates: tuple[Segment, ...], methods: Methods
) -> Counterexample | None:
    """The first candidate of a decider that is verified, or what the search finds."""
    if candidates:
        space = Space(asked.question, asked.tape)
        for candidate in candidates[:MOST_CANDIDATES]:
            found = simplest(space, candidate, goal)
            if found is not None:
                return found
    space = Space(asked.question, asked.tape)
    return find_counterexample(space, goal, methods.effort, methods.stages)


def unknown_reason(asked: Derived, goal: str) -> str:
    """Why there is no answer."""
    if getattr(asked.question.expression, f"is_{goal}")():
        return "CVXPY accepts it within its tolerance, but exactly it could not be proved"
    obstacle = Space(asked.question, asked.tape).obstacle
    if obstacle:
        return f"the rules stop, and no counterexample was looked for: {obstacle}"
    return "the rules stop, and no counterexample was found"
