"""Answers on questions and problems: rules, exact deciders, then verified counterexamples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis import problems
from cvxnet.analysis.blame import find_blame
from cvxnet.analysis.blocks import find_blocks
from cvxnet.analysis.derivation import Derivation, Derived, derive_facts, explain
from cvxnet.analysis.disciplines import find_disciplines, problem_disciplines
from cvxnet.analysis.methods import METHODS, Methods, Settled, settle
from cvxnet.analysis.premises import not_numbers, premises
from cvxnet.analysis.questions import Question
from cvxnet.analysis.readings import Reading, nearest_reading
from cvxnet.analysis.repairs import find_repairs
from cvxnet.analysis.restrictions import restrictions, without_value
from cvxnet.analysis.verdicts import Beside, Repair, Verdict

GOALS = ("convex", "concave")
QUICK = Methods(seconds=1.0)
"""For what is said beside the verdict: much is asked, and what takes long is left out."""
RELAXED = " with its integer variables and finite sets relaxed to intervals"


@np.errstate(all="ignore")  # extreme points overflow on purpose; what is not finite is dropped
def answer(question: Question, methods: Methods = METHODS, goals: Iterable[str] = GOALS) -> Verdict:
    """The verdict on a question, or on one of its goals alone."""
    tape = question.tape()
    if missing := not_numbers(tape):
        return unanswered(question, missing, premises=(missing,))
    facts = derive_facts(question, tape)
    domain, empty = restrictions(question, tape, facts)
    empty = without_value(question, tape) or empty
    if empty and (domain or "where" in question.options):  # else it is for the problem to say
        return unanswered(question, f"the domain is empty: {empty}", domain=domain, empty=empty)
    asked = Derived(question, tape, facts)
    found = {goal: settle(asked, goal, methods) for goal in goals}
    rounding = near_readings(asked, found)
    answers = {goal: settled.answer for goal, settled in found.items()}
    return Verdict(
        about=question.about,
        convex=answers.get("convex"),
        concave=answers.get("concave"),
        reasons=reasons_of(found, rounding),
        derivation=explain(question, tape, facts),
        proofs={g: s.proof for g, s in found.items() if s.proof is not None},
        counterexamples={g: s.witness for g, s in found.items() if s.witness is not None},
        blame=find_blame(question, tape, facts),
        dcp=question.expression.curvature,
        domain=domain,
        premises=premises(question, tape, facts),
        rounding=rounding,
        question=question,
        beside=BESIDE,
    )


def reasons_of(found: Mapping[str, Settled], rounding: Mapping[str, Reading]) -> dict[str, str]:
    """How each answer was found, and what would have to be meant within rounding."""
    reasons = {goal: settled.reason for goal, settled in found.items()}
    for goal, reading in rounding.items():
        reasons[goal] += f"; within rounding: {goal} if {reading}"
    return reasons


def unanswered(question: Question, why: str, **evidence: Any) -> Verdict:
    """The verdict where there is nothing to judge."""
    return Verdict(
        about=question.about,
        convex=None,
        concave=None,
        reasons=dict.fromkeys(GOALS, why),
        derivation=Derivation(()),
        counterexamples={},
        blame=None,
        dcp=question.expression.curvature,
        question=question,
        beside=BESIDE,
        **evidence,
    )


def judge_problem(problem: cp.Problem, methods: Methods = METHODS) -> Verdict:
    """The verdict on a problem."""
    return problems.judge(problem, lambda part, goals: answer(part, methods, goals), methods)


# What a verdict says beside convexity


def disciplines_of(verdict: Verdict) -> Mapping[str, str]:
    """The other disciplines, of a problem those of all of it."""
    if not verdict.parts:
        return find_disciplines(verdict.question)
    holds = {label: problems.part_holds(part) for label, part in verdict.parts.items()}
    return problem_disciplines(verdict.question.options["problem"], verdict.question, holds)


def blocks_of(verdict: Verdict) -> Mapping[str, Any]:
    """Convexity in each block of weights."""
    return find_blocks(verdict.question, is_convex)


def repairs_of(verdict: Verdict) -> tuple[Repair, ...]:
    """The repairs that were verified."""
    return find_repairs(verdict, judge)


def judge(thing: Question | cp.Problem) -> Verdict | None:
    """The verdict on a repaired question or problem, or None where nothing is proved of it.

    Of networks convexity alone is asked first: most of what is proposed fails there.
    """
    if isinstance(thing, cp.Problem):
        verdict = judge_problem(thing, QUICK)
        return verdict if verdict.convex else None
    if thing.network is not None and not is_convex(thing):
        return None
    verdict = answer(thing, QUICK)
    return verdict if verdict.convex or verdict.concave else None


@np.errstate(all="ignore")
def is_convex(question: Question) -> bool | None:
    """The answer about convexity alone."""
    tape = question.tape()
    if not_numbers(tape):
        return None
    facts = derive_facts(question, tape)
    domain, empty = restrictions(question, tape, facts)
    asked = Derived(question, tape, facts)
    settled = None if domain and empty else settle(asked, "convex", QUICK)
    return None if settled is None else settled.answer


BESIDE = Beside(disciplines_of, blocks_of, repairs_of)


def near_readings(asked: Derived, found: Mapping[str, Settled]) -> dict[str, Reading]:
    """What would have to be meant for a goal that fails within rounding only."""
    readings = {
        goal: nearest_reading(asked, settled.witness, goal)
        for goal, settled in found.items()
        if not settled.answer
    }
    return {goal: reading for goal, reading in readings.items() if reading is not None}
