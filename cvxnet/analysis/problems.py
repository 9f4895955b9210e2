"""Verdicts on whole CVXPY problems: the objective on the feasible set, and every constraint."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.answers import answer
from cvxnet.analysis.derivation import Derivation
from cvxnet.analysis.questions import Question
from cvxnet.analysis.search import find_infeasible_midpoint
from cvxnet.analysis.tape import bare, dense, short
from cvxnet.analysis.verdicts import Verdict
from cvxnet.analysis.witnesses import Counterexample

RELAXED = " with its integer variables relaxed to real ones"


def judge_problem(problem: cp.Problem, effort: int = 1) -> Verdict:
    """Convex if the objective and the feasible set are.

    Proved needs every part proved: the objective convex (concave for Maximize), left minus right
    of each inequality convex, each equality affine. Refuted needs feasible points: either an
    objective that rises above a chord between them, or a midpoint that is not feasible.
    """
    bounds = simple_bounds(problem)
    variables = tuple(problem.variables())
    parts = {"objective": judge_objective(problem, variables, bounds, effort)}
    for number, constraint in enumerate(problem.constraints):
        label = f"constraint {number}: {short(constraint)}"
        parts[label] = judge_constraint(constraint, variables, bounds, effort)
    witness, goal = None, "convex"
    if not all(part_holds(label, part) for label, part in parts.items()):
        witness = parts["objective"].counterexamples.get("convex")
        if witness is None:
            witness, goal = find_infeasible_midpoint(parts["objective"].question), "set"
    proved = all(part_holds(label, part) for label, part in parts.items())
    failing = [label for label, part in parts.items() if not part_holds(label, part)]
    guilty = next((parts[label].blame for label in failing if parts[label].blame), None)
    return Verdict(
        about="the problem" + (RELAXED if problem.is_mixed_integer() else ""),
        convex=True if proved else False if witness is not None else None,
        concave=None,
        reasons={"convex": reason(proved, witness, failing)},
        derivation=Derivation(()),
        counterexamples={} if witness is None else {goal: witness},
        blame=guilty,
        dcp="DCP" if problem.is_dcp() else "not DCP",
        parts=parts,
        question=parts["objective"].question,
    )


def reason(proved: bool, witness: Counterexample | None, failing: list[str]) -> str:
    """Why the answer is what it is."""
    if proved:
        return "the objective and every constraint are proved"
    if witness is None:
        return f"not proved, and no feasible counterexample was found: {', '.join(failing)}"
    where = "feasible points" if witness.refutes != "set" else "feasible ends, infeasible midpoint"
    return f"a counterexample ({where}), verified in {witness.arithmetic} arithmetic"


def part_holds(label: str, part: Verdict) -> bool:
    """Whether a part is proved to be what it has to be."""
    return bool(part.convex and (part.concave or "affine" not in part.reasons))


def simple_bounds(problem: cp.Problem) -> dict[int, tuple[Any, Any]]:
    """Bounds from constraints that compare a variable with a constant."""
    bounds: dict[int, tuple[Any, Any]] = {}
    for constraint in problem.constraints:
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
    problem: cp.Problem, variables: tuple[Any, ...], bounds: Any, effort: int
) -> Verdict:
    """The objective, turned into a minimisation, on the feasible set."""
    maximise = isinstance(problem.objective, cp.Maximize)
    expression = problem.objective.args[0]
    question = Question(
        expression=-expression if maximise else expression,
        unknowns=variables,
        names={},
        bounds=bounds,
        constraints=tuple(problem.constraints),
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
