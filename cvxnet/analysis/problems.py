"""Verdicts on whole CVXPY problems: the objective on the feasible set, and every constraint."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.answers import answer
from cvxnet.analysis.derivation import Derivation, derive_facts
from cvxnet.analysis.discrete import discrete_names, find_gap, gaps, has_gaps, relaxed
from cvxnet.analysis.questions import Question
from cvxnet.analysis.restrictions import restrictions
from cvxnet.analysis.search import find_infeasible_midpoint
from cvxnet.analysis.tape import Tape, bare, dense, short
from cvxnet.analysis.verdicts import Verdict
from cvxnet.analysis.witnesses import Counterexample

RELAXED = " with its integer variables and finite sets relaxed to intervals"


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
    )


def common_domain(question: Question, parts: dict[str, Verdict]) -> tuple[tuple[str, ...], str]:
    """What the parts need beyond the constraints, and why no feasible point has all of it."""
    tape = Tape([part.question.expression for part in parts.values()])
    return restrictions(question, tape, derive_facts(question, tape))


def broken_bound(constraints: list[Any], parts: dict[str, Verdict]) -> str:
    """The first constraint that holds nowhere, by the bounds of its expression, or ""."""
    for constraint, (label, part) in zip(constraints, list(parts.items())[1:], strict=True):
        question, kind = part.question, type(constraint).__name__
        if kind in ("Inequality", "NonNeg", "NonPos", "Equality", "Zero"):
            fact = derive_facts(question, question.tape())[-1]
            below = kind in ("Equality", "Zero") and (fact.high < 0.0).any()
            if (fact.low > 0.0).any() or below:
                return f"{label.partition(': ')[2]} holds nowhere"
    return ""


def finite(constraint: Any) -> Any:
    """An inequality without the entries that an infinite bound leaves free."""
    if type(constraint).__name__ != "Inequality":
        return constraint
    left, right = constraint.args
    for side, void in ((left, -np.inf), (right, np.inf)):
        value = dense(bare(side).value) if isinstance(bare(side), cp.Constant) else np.zeros(())
        free = np.broadcast_to(value == void, constraint.shape)
        if free.size and free.all():
            return cp.Constant(0.0) <= 0.0
        if free.any():
            kept = cp.Constant(np.broadcast_to(value, free.shape)[~free])
            other = right if side is left else left
            other = (other if other.shape == free.shape else cp.broadcast_to(other, free.shape))[
                ~free
            ]
            return kept <= other if side is left else other <= kept
    return constraint


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


def simple_bounds(constraints: tuple[Any, ...]) -> dict[int, tuple[Any, Any]]:
    """Bounds from constraints that compare a variable with a constant."""
    bounds: dict[int, tuple[Any, Any]] = {}
    for constraint in constraints:
        if type(constraint).__name__ != "Inequality":
            continue
        left, right = (bare(arg) for arg in constraint.args)
        for leaf, other, is_lower in ((right, left, True), (left, right, False)):
            if isinstance(leaf, cp.Variable) and isinstance(other, cp.Constant):
                value = dense(other.value)
                low, high = bounds.get(id(leaf), (-np.inf, np.inf))
                new = (np.maximum(low, value), high) if is_lower else (low, np.minimum(high, value))
                bounds[id(leaf)] = new
    return bounds


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
    kind = type(constraint).__name__
    own = {id(bare(arg)) for arg in constraint.args}
    others = {k: v for k, v in bounds.items() if k not in own}
    if kind == "Inequality":
        expression, about = constraint.args[0] - constraint.args[1], "left minus right"
    elif kind == "NonNeg":
        expression, about = -constraint.args[0], "minus the expression"
    elif kind in ("NonPos", "Equality", "Zero"):
        expression, about = constraint.expr, "the expression"
    elif kind == "FiniteSet":
        expression, about = constraint.args[0], "what is in a finite set"
    else:
        parts = [cp.vec(arg, order="F") for arg in constraint.args]
        expression = parts[0] if len(parts) == 1 else cp.hstack(parts)
        about = "the members of the cone"
    question = Question(
        expression=expression, unknowns=variables, names={}, bounds=others, about=about
    )
    verdict = answer(question, effort)
    if kind not in ("Inequality", "NonNeg", "NonPos"):
        reasons = {**verdict.reasons, "affine": "an equality or cone needs an affine expression"}
        verdict = replace(verdict, reasons=reasons, about=f"{about} (must be affine)")
    return verdict
