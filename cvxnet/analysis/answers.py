"""Answers on questions and problems: rules, exact deciders, then verified counterexamples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.blame import find_blame
from cvxnet.analysis.blocks import find_blocks
from cvxnet.analysis.constraints import finite, kind_of, simple_bounds
from cvxnet.analysis.deciders import decide
from cvxnet.analysis.derivation import Derivation, derive_facts, explain
from cvxnet.analysis.disciplines import find_disciplines
from cvxnet.analysis.discrete import discrete_names, find_gap, gaps, has_gaps, relaxed
from cvxnet.analysis.facts import Facts
from cvxnet.analysis.identities import rewritten_everywhere
from cvxnet.analysis.premises import not_numbers, premises
from cvxnet.analysis.questions import Question
from cvxnet.analysis.readings import Reading, nearest_reading
from cvxnet.analysis.repairs import find_repairs
from cvxnet.analysis.restrictions import restrictions
from cvxnet.analysis.search import (
    Segment,
    Space,
    find_counterexample,
    find_infeasible_midpoint,
    simplest,
)
from cvxnet.analysis.tape import Tape, bare, short
from cvxnet.analysis.verdicts import Beside, Repair, Verdict
from cvxnet.analysis.witnesses import Counterexample

GOALS = ("convex", "concave")
RELAXED = " with its integer variables and finite sets relaxed to intervals"


@np.errstate(all="ignore")  # extreme points overflow on purpose; what is not finite is dropped
def answer(question: Question, effort: int = 1) -> Verdict:
    """The verdict on a question."""
    tape = question.tape()
    if missing := not_numbers(tape):
        return unanswered(question, missing, premises=(missing,))
    facts = derive_facts(question, tape)
    domain, empty = restrictions(question, tape, facts)
    if domain and empty:  # what the constraints alone exclude is the problem's to say
        return unanswered(question, f"the domain is empty: {empty}", domain=domain, empty=empty)
    root = facts[-1]
    answers: dict[str, bool | None] = {}
    reasons: dict[str, str] = {}
    witnesses: dict[str, Counterexample] = {}
    rounding: dict[str, Reading] = {}
    for goal in GOALS:
        answers[goal], reasons[goal], witness = settle(question, tape, root, goal, effort)
        if witness is not None:
            witnesses[goal] = witness
        if not answers[goal]:
            reading = nearest_reading(question, tape, witness, goal)
            if reading is not None:
                rounding[goal] = reading
                reasons[goal] += f"; within rounding: {goal} if {reading}"
    return Verdict(
        about=question.about,
        convex=answers["convex"],
        concave=answers["concave"],
        reasons=reasons,
        derivation=explain(question, tape, facts),
        counterexamples=witnesses,
        blame=find_blame(question, tape, facts),
        dcp=question.expression.curvature,
        domain=domain,
        premises=premises(question, tape, facts),
        rounding=rounding,
        question=question,
        beside=BESIDE,
    )


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


def settle(
    question: Question, tape: Tape, root: Facts, goal: str, effort: int
) -> tuple[bool | None, str, Counterexample | None]:
    """The answer for one curvature, why, and the counterexample if there is one."""
    reason, candidates = prove(question, tape, root, goal)
    if reason:
        return True, reason, None
    found = first_verified(question, tape, candidates, goal)
    found = found or find_counterexample(question, tape, goal, effort)
    if found is not None:
        return False, f"a counterexample, verified in {found.arithmetic} arithmetic", found
    return None, unknown_reason(question, goal), None


def prove(
    question: Question, tape: Tape, root: Facts, goal: str
) -> tuple[str, tuple[Segment, ...]]:
    """Why the curvature is proved, or "" and where a decider saw that it fails."""
    if getattr(root, goal).all():
        return "composition rules", ()
    decision = decide(question, tape, goal)
    if decision is not None and decision.proved:
        return decision.reason, ()
    if (name := proved_form(question, goal)) is not None:
        return f"the same function as {name}, by the composition rules", ()
    return "", () if decision is None else decision.candidates


def proved_form(question: Question, goal: str) -> str | None:
    """The name of an identical form that the rules prove, or None."""
    if question.network is not None:
        return None
    for rewrite in rewritten_everywhere(question):
        tape = Tape([rewrite.expression])
        if rewrite.same and getattr(derive_facts(question, tape)[-1], goal).all():
            return " and ".join(rewrite.names)
    return None


def unknown_reason(question: Question, goal: str) -> str:
    """Why there is no answer."""
    if getattr(question.expression, f"is_{goal}")():
        return "CVXPY accepts it within its tolerance, but exactly it could not be proved"
    obstacle = Space(question, question.tape()).obstacle
    if obstacle:
        return f"the rules stop, and no counterexample was looked for: {obstacle}"
    return "the rules stop, and no counterexample was found"


def first_verified(
    question: Question, tape: Tape, candidates: tuple[Segment, ...], goal: str
) -> Counterexample | None:
    """The first candidate of a decider that survives verification."""
    if not candidates:
        return None
    space, sign = Space(question, tape), 1.0 if goal == "convex" else -1.0
    for candidate in candidates[:60]:
        found = simplest(space, candidate, goal, sign)
        if found is not None:
            return found
    return None


# Problems


def judge_problem(problem: cp.Problem, effort: int = 1) -> Verdict:
    """Convex if the objective and the feasible set are.

    Proved needs every part proved: the objective convex (concave for Maximize), left minus right
    of each inequality convex, each equality affine. Refuted needs feasible points: either an
    objective that rises above a chord between them, or a midpoint that is not feasible. With
    integer variables that is asked twice, with and without the gaps between their values.
    """
    verdict = judge_relaxation(problem, effort)
    finite_sets = [*filter(has_gaps, problem.constraints)]
    sets = [*gaps(verdict.question), *finite_sets]
    if not sets:
        return verdict
    question = replace(verdict.question, constraints=(*verdict.question.constraints, *sets))
    witness = None
    if not verdict.empty:
        witness = find_infeasible_midpoint(question) or find_gap(verdict.question, finite_sets)
    if witness is not None and "FiniteSet" in witness.found_by:
        witness = replace(witness, found_by="it lies in a gap between the values that are allowed")
    relaxation = replace(verdict, about=f"the problem{RELAXED}")
    names = [*discrete_names(question, question.unknowns)]
    names += [short(constraint) for constraint in finite_sets]
    return replace(
        verdict,
        convex=None if witness is None else False,
        reasons={"convex": reason_of_gaps(witness, names, relaxation)},
        counterexamples={} if witness is None else {"set": witness},
        premises=tuple(p for p in verdict.premises if not p.startswith(tuple(names))),
        relaxation=relaxation,
    )


def reason_of_gaps(witness: Counterexample | None, names: list[str], relaxation: Verdict) -> str:
    """Why a problem with integer variables or finite sets is not convex, or not known to be."""
    which = "; ".join(names)
    if witness is None:
        return f"no two feasible points with a midpoint in a gap were found ({which})"
    word = {True: "convex", False: "not convex either", None: "not decided"}[relaxation.convex]
    return f"values between are not feasible ({which}); its relaxation is {word}"


def judge_relaxation(problem: cp.Problem, effort: int) -> Verdict:
    """The verdict on the problem in which integer variables and finite sets have no gaps."""
    given = [finite(constraint) for constraint in problem.constraints]
    constraints = tuple(c for constraint in given for c in relaxed(constraint))
    bounds = simple_bounds(constraints)
    variables = tuple(problem.variables())
    parts = {"objective": judge_objective(problem, constraints, variables, bounds, effort)}
    for number, constraint in enumerate(given):
        label = f"constraint {number}: {short(problem.constraints[number])}"
        parts[label] = judge_constraint(constraint, variables, bounds, effort)
    question = parts["objective"].question
    domain, empty = common_domain(question, parts)
    empty = empty or broken_bound(given, parts)
    proved = all(part_holds(label, part) for label, part in parts.items())
    witness, goal = None, "convex"
    if not proved and not empty:
        witness = parts["objective"].counterexamples.get("convex")
        if witness is None:
            witness, goal = find_infeasible_midpoint(question), "set"
    failing = [label for label, part in parts.items() if not part_holds(label, part)]
    guilty = next((parts[label].blame for label in failing if parts[label].blame), None)
    return Verdict(
        about="the problem",
        convex=True if proved else False if witness is not None else None,
        concave=None,
        reasons={"convex": reason(proved, witness, failing, empty) + near(parts["objective"])},
        derivation=Derivation(()),
        counterexamples={} if witness is None else {goal: witness},
        blame=guilty,
        dcp="DCP" if problem.is_dcp() else "not DCP",
        parts=parts,
        domain=domain,
        empty=empty,
        premises=tuple(dict.fromkeys(p for part in parts.values() for p in part.premises)),
        rounding={} if goal == "set" and witness is not None else parts["objective"].rounding,
        question=question,
        beside=BESIDE,
    )


def common_domain(question: Question, parts: dict[str, Verdict]) -> tuple[tuple[str, ...], str]:
    """What the parts need beyond the constraints, and why no feasible point has all of it."""
    tape = Tape([part.question.expression for part in parts.values()])
    return restrictions(question, tape, derive_facts(question, tape))


def broken_bound(constraints: list[Any], parts: dict[str, Verdict]) -> str:
    """The first constraint that holds nowhere, by the bounds of its expression, or ""."""
    for constraint, (label, part) in zip(constraints, list(parts.items())[1:], strict=True):
        kind = kind_of(constraint)
        if kind.compared:
            fact = derive_facts(part.question, part.question.tape())[-1]
            if (fact.low > 0.0).any() or (kind.affine and (fact.high < 0.0).any()):
                return f"{label.partition(': ')[2]} holds nowhere"
    return ""


def reason(proved: bool, witness: Counterexample | None, failing: list[str], empty: str) -> str:
    """Why the answer is what it is."""
    if empty:
        return f"the feasible set is empty: {empty}"
    if proved:
        return "the objective and every constraint are proved"
    if witness is None:
        return f"not proved, and no feasible counterexample was found: {', '.join(failing)}"
    where = "feasible points" if witness.refutes != "set" else "feasible ends, infeasible midpoint"
    return f"a counterexample ({where}), verified in {witness.arithmetic} arithmetic"


def near(objective: Verdict) -> str:
    """What is to be added where the objective is convex within rounding."""
    reading = objective.rounding.get("convex")
    return "" if reading is None else f"; within rounding: the objective is convex if {reading}"


def part_holds(label: str, part: Verdict) -> bool:
    """Whether a part is proved to be what it has to be."""
    return bool(part.convex and (part.concave or "affine" not in part.reasons))


def judge_objective(
    problem: cp.Problem,
    constraints: tuple[Any, ...],
    variables: tuple[Any, ...],
    bounds: Any,
    effort: int,
) -> Verdict:
    """The objective, turned into a minimisation, on the feasible set."""
    maximise = isinstance(problem.objective, cp.Maximize)
    expression = problem.objective.args[0]
    question = Question(
        expression=-expression if maximise else expression,
        unknowns=variables,
        names={},
        bounds=bounds,
        constraints=constraints,
        about=f"the objective{' (negated, because it is maximised)' if maximise else ''}",
    )
    return answer(question, effort)


def judge_constraint(
    constraint: Any, variables: tuple[Any, ...], bounds: Any, effort: int
) -> Verdict:
    """An inequality's left minus right must be convex, an equality affine, cone members affine."""
    kind, own = kind_of(constraint), {id(bare(arg)) for arg in constraint.args}
    question = Question(
        expression=kind.judged(constraint),
        unknowns=variables,
        names={},
        bounds={k: v for k, v in bounds.items() if k not in own},
        about=kind.about,
    )
    verdict = answer(question, effort)
    if kind.affine:
        reasons = {**verdict.reasons, "affine": "an equality or cone needs an affine expression"}
        verdict = replace(verdict, reasons=reasons, about=f"{kind.about} (must be affine)")
    return verdict


# What a verdict says beside convexity


def disciplines_of(verdict: Verdict) -> Mapping[str, str]:
    """The other disciplines; of a problem, those of its objective."""
    alone = " (the objective alone, without the constraints)" if verdict.parts else ""
    return {name: line + alone for name, line in find_disciplines(verdict.question).items()}


def blocks_of(verdict: Verdict) -> Mapping[str, Any]:
    """Convexity in each block of weights."""
    return find_blocks(verdict.question, is_convex)


def repairs_of(verdict: Verdict) -> tuple[Repair, ...]:
    """The repairs that were verified."""
    return find_repairs(verdict, judge)


def judge(thing: Question | cp.Problem) -> Verdict | None:
    """The verdict on a repaired question or problem, or None where nothing is proved of it.

    Whether a proof exists is found out first: no time goes into counterexamples to what is not
    going to be offered.
    """
    if isinstance(thing, cp.Problem):
        verdict = judge_problem(thing)
        return verdict if verdict.convex else None
    goals = GOALS if thing.network is None else ("convex",)
    tape = thing.tape()
    root = derive_facts(thing, tape)[-1]
    if not any(prove(thing, tape, root, goal)[0] for goal in goals):
        return None
    verdict = answer(thing)
    return verdict if any(getattr(verdict, goal) for goal in goals) else None


def is_convex(question: Question) -> bool | None:
    """The answer about convexity alone."""
    tape = question.tape()
    if not_numbers(tape):
        return None
    facts = derive_facts(question, tape)
    domain, empty = restrictions(question, tape, facts)
    return None if domain and empty else settle(question, tape, facts[-1], "convex", 1)[0]


BESIDE = Beside(disciplines_of, blocks_of, repairs_of)
