"""Verdicts on whole CVXPY problems: the objective on the feasible set, and every constraint."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.answers import answer
from cvxnet.analysis.derivation import Derivation
from cvxnet.analysis.domains import domain_of
from cvxnet.analysis.questions import Question
from cvxnet.analysis.search import Space
from cvxnet.analysis.tape import Tape, bare, dense, short
from cvxnet.analysis.verdicts import Verdict
from cvxnet.analysis.witnesses import Counterexample, exact_values, named_fixed, satisfied

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
            witness, goal = find_infeasible_midpoint(problem, variables), "set"
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


@np.errstate(all="ignore")
def find_infeasible_midpoint(
    problem: cp.Problem, variables: tuple[Any, ...]
) -> Counterexample | None:
    """Two feasible points whose midpoint certainly breaks a constraint."""
    expressions = [c.expr for c in problem.constraints if hasattr(c, "expr")]
    if not expressions or len(expressions) < len(problem.constraints):
        return None
    everything = cp.hstack([cp.vec(e, order="F") for e in expressions])
    question = Question(expression=everything, unknowns=variables, names={}, about="constraints")
    space = Space(question, question.tape())
    if not space.searchable or space.free or any(domain_of(v, question) is None for v in variables):
        return None
    points = np.concatenate([space.draw(1500, True), space.draw(500, False)])
    feasible = points[holds(problem, expressions, space.f(points, {}), 0.0)]
    if len(feasible) < 2:
        return None
    pairs = space.rng.integers(0, len(feasible), (2, 3000))
    a, b = feasible[pairs[0]], feasible[pairs[1]]
    middle = 0.5 * (a + b)
    bad = ~holds(problem, expressions, space.f(middle, {}), 1e-9)
    cost = np.abs(a).sum(1) + np.abs(b).sum(1)
    for row in sorted(np.flatnonzero(bad), key=lambda r: cost[r])[:5]:
        found = verify_midpoint(problem, question, space, a[row : row + 1], b[row : row + 1])
        if found is not None:
            return found
    return None


def holds(problem: cp.Problem, expressions: list[Any], values: Any, room: float) -> Any:
    """Which points satisfy every constraint, up to ``room``."""
    good, start = np.ones(len(values), dtype=bool), 0
    for constraint, expression in zip(problem.constraints, expressions, strict=True):
        part = values[:, start : start + expression.size]
        start += expression.size
        kind = type(constraint).__name__
        signed = (
            np.abs(part) if kind in ("Equality", "Zero") else -part if kind == "NonNeg" else part
        )
        good &= (signed <= room).all(axis=1) & np.isfinite(part).all(axis=1)
    return good


def verify_midpoint(
    problem: cp.Problem, question: Question, space: Space, a: Any, b: Any
) -> Counterexample | None:
    """The counterexample, if both ends are feasible and the midpoint is not, in exact terms."""
    ends = [{k: np.asarray(v[0]) for k, v in space.split(p).items()} for p in (a, b)]
    if not all(satisfied(constraint, *ends) for constraint in problem.constraints):
        return None
    exact = exact_values(Tape([question.expression]), ends[0], ends[1], {})
    if exact is None:
        return None
    start = 0
    for constraint in problem.constraints:
        size = constraint.expr.size
        values = exact[0][:, start : start + size]
        start += size
        kind = type(constraint).__name__
        for k in range(size):
            v = values[2, k]
            wrong = v < 0 if kind == "NonNeg" else v > 0
            if wrong or (kind in ("Equality", "Zero") and v < 0):
                return build_witness(question, ends, values[:, k], exact[1], short(constraint))
    return None


def build_witness(
    question: Question, ends: list[Any], values: Any, arithmetic: str, label: str
) -> Counterexample:
    """The infeasible midpoint as a counterexample."""
    from cvxnet.analysis.witnesses import as_float, describe_gap

    f_a, f_b, f_middle = (as_float(v) for v in values)
    names = {question.name(leaf): id(leaf) for leaf in question.unknowns if id(leaf) in ends[0]}
    return Counterexample(
        refutes="set",
        a={name: ends[0][k] for name, k in names.items()},
        b={name: ends[1][k] for name, k in names.items()},
        fixed=named_fixed(question, question.tape(), {}),
        entry=(),
        f_a=f_a,
        f_b=f_b,
        f_middle=f_middle,
        chord=0.5 * (f_a + f_b),
        arithmetic=arithmetic,
        gap=describe_gap(values[2]),
        found_by=f"the midpoint breaks {label}",
        _question=question,
    )
