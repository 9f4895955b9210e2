"""Answers on questions and problems: rules, exact deciders, then verified counterexamples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.blame import Blame, find_blame
from cvxnet.analysis.blocks import find_blocks
from cvxnet.analysis.constraints import finite, kind_of, simple_bounds
from cvxnet.analysis.derivation import Derivation, Derived, derive_facts, derived, explain
from cvxnet.analysis.disciplines import find_disciplines
from cvxnet.analysis.discrete import discrete_names, find_gap, gaps, has_gaps, relaxed
from cvxnet.analysis.methods import METHODS, Methods, prove, settle
from cvxnet.analysis.premises import not_numbers, premises
from cvxnet.analysis.questions import Question
from cvxnet.analysis.readings import Reading, nearest_reading
from cvxnet.analysis.repairs import find_repairs
from cvxnet.analysis.restrictions import restrictions, without_value
from cvxnet.analysis.search import find_infeasible_midpoint
from cvxnet.analysis.tape import Tape, bare, short
from cvxnet.analysis.verdicts import Beside, Repair, Verdict
from cvxnet.analysis.witnesses import Counterexample

GOALS = ("convex", "concave")
RELAXED = " with its integer variables and finite sets relaxed to intervals"


@np.errstate(all="ignore")  # extreme points overflow on purpose; what is not finite is dropped
def answer(question: Question, methods: Methods = METHODS) -> Verdict:
    """The verdict on a question."""
    tape = question.tape()
    if missing := not_numbers(tape):
        return unanswered(question, missing, premises=(missing,))
    facts = derive_facts(question, tape)
    domain, empty = restrictions(question, tape, facts)
    empty = without_value(question, tape) or empty
    if empty and (
        domain or "where" in question.options
    ):  # of a problem, it is the problem's to say
        return unanswered(question, f"the domain is empty: {empty}", domain=domain, empty=empty)
    asked = Derived(question, tape, facts)
    found = {goal: settle(asked, goal, methods) for goal in GOALS}
    reasons = {goal: settled.reason for goal, settled in found.items()}
    rounding: dict[str, Reading] = {}
    for goal, settled in found.items():
        reading = None if settled.answer else nearest_reading(asked, settled.witness, goal)
        if reading is not None:
            rounding[goal] = reading
            reasons[goal] += f"; within rounding: {goal} if {reading}"
    return Verdict(
        about=question.about,
        convex=found["convex"].answer,
        concave=found["concave"].answer,
        reasons=reasons,
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


# Problems


def judge_problem(problem: cp.Problem, methods: Methods = METHODS) -> Verdict:
    """Convex if the objective and the feasible set are.

    Proved needs every part proved: the objective convex (concave for Maximize), left minus right
    of each inequality convex, each equality affine. Refuted needs feasible points: either an
    objective that rises above a chord between them, or a midpoint that is not feasible. With
    integer variables that is asked twice, with and without the gaps between their values.
    """
    verdict = judge_relaxation(problem, methods)
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


def judge_relaxation(problem: cp.Problem, methods: Methods) -> Verdict:
    """The verdict on the problem in which integer variables and finite sets have no gaps."""
    given = [*map(finite, problem.constraints)]
    parts = judge_parts(problem, given, methods)
    objective = parts["objective"]
    domain, empty = common_domain(objective.question, parts)
    empty = empty or broken_bound(given, parts)
    failing = {label: part for label, part in parts.items() if not part_holds(part)}
    found = {} if empty or not failing else refute_problem(objective)
    return Verdict(
        about="the problem",
        convex=False if found else None if failing else True,
        concave=None,
        reasons={"convex": reason(found, [*failing], empty) + near(objective)},
        derivation=Derivation(()),
        counterexamples=found,
        blame=first_blame(failing.values()),
        dcp="DCP" if problem.is_dcp() else "not DCP",
        parts=parts,
        domain=domain,
        empty=empty,
        premises=tuple(dict.fromkeys(chain(*(part.premises for part in parts.values())))),
        rounding={} if "set" in found else objective.rounding,
        question=objective.question,
        beside=BESIDE,
    )


def first_blame(parts: Iterable[Verdict]) -> Blame | None:
    """Where the rules stop in the first of these parts that says so."""
    return next(filter(None, (part.blame for part in parts)), None)


def refute_problem(objective: Verdict) -> dict[str, Counterexample]:
    """Feasible points between which the objective rises above a chord, or which leave the set."""
    witness = objective.counterexamples.get("convex")
    witness = witness or find_infeasible_midpoint(objective.question)
    return {} if witness is None else {witness.refutes: witness}


def judge_parts(problem: cp.Problem, given: list[Any], methods: Methods) -> dict[str, Verdict]:
    """The verdicts on the objective on the feasible set, and on each constraint, by label."""
    constraints = tuple(c for constraint in given for c in relaxed(constraint))
    variables, bounds = tuple(problem.variables()), simple_bounds(constraints)
    question = ask_about_objective(problem, constraints, variables, bounds)
    parts = {"objective": answer(question, methods)}
    for number, constraint in enumerate(given):
        label = f"constraint {number}: {short(problem.constraints[number])}"
        parts[label] = judge_constraint(constraint, variables, bounds, methods)
    return parts


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


def reason(found: Mapping[str, Counterexample], failing: list[str], empty: str) -> str:
    """Why the answer is what it is."""
    if empty:
        return f"the feasible set is empty: {empty}"
    if not failing:
        return "the objective and every constraint are proved"
    for goal, witness in found.items():
        where = "feasible ends, infeasible midpoint" if goal == "set" else "feasible points"
        return f"a counterexample ({where}), verified in {witness.arithmetic} arithmetic"
    return f"not proved, and no feasible counterexample was found: {', '.join(failing)}"


def near(objective: Verdict) -> str:
    """What is to be added where the objective is convex within rounding."""
    reading = objective.rounding.get("convex")
    return "" if reading is None else f"; within rounding: the objective is convex if {reading}"


def part_holds(part: Verdict) -> bool:
    """Whether a part is proved to be what it has to be."""
    return bool(part.convex and (part.concave or "affine" not in part.reasons))


def ask_about_objective(
    problem: cp.Problem, constraints: tuple[Any, ...], variables: tuple[Any, ...], bounds: Any
) -> Question:
    """The question about the objective, turned into a minimisation, on the feasible set."""
    maximise = isinstance(problem.objective, cp.Maximize)
    expression = problem.objective.args[0]
    return Question(
        expression=-expression if maximise else expression,
        unknowns=variables,
        names={},
        bounds=bounds,
        constraints=constraints,
        about=f"the objective{' (negated, because it is maximised)' if maximise else ''}",
    )


def judge_constraint(
    constraint: Any, variables: tuple[Any, ...], bounds: Any, methods: Methods
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
    verdict = answer(question, methods)
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
    asked = derived(thing)
    if not any(prove(asked, goal) for goal in goals):
        return None
    verdict = answer(thing)
    return verdict if any(getattr(verdict, goal) for goal in goals) else None


@np.errstate(all="ignore")
def is_convex(question: Question) -> bool | None:
    """The answer about convexity alone."""
    tape = question.tape()
    if not_numbers(tape):
        return None
    facts = derive_facts(question, tape)
    domain, empty = restrictions(question, tape, facts)
    settled = None if domain and empty else settle(Derived(question, tape, facts), "convex")
    return None if settled is None else settled.answer


BESIDE = Beside(disciplines_of, blocks_of, repairs_of)
