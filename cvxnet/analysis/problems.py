"""Problems: convex where the objective and the feasible set are, judged part by part.

The set is built up one constraint after the other. Each has to leave a convex set of the convex
set that those before it have left, so each may rest on what they say; the objective on all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeAlias

import cvxpy as cp

from cvxnet.analysis.blame import Blame
from cvxnet.analysis.bounding import bounded
from cvxnet.analysis.constraints import finite, kind_of, simple_bounds
from cvxnet.analysis.derivation import Derivation, Derived, derive_facts, derived
from cvxnet.analysis.discrete import discrete_names, find_gap, gaps, has_gaps, relaxed
from cvxnet.analysis.evidence import Proof, is_proved
from cvxnet.analysis.levels import Level, levels_of
from cvxnet.analysis.methods import METHODS, Methods, derive, prove
from cvxnet.analysis.problem_evidence import Reading, problem_evidence
from cvxnet.analysis.provers.compositions import prove_by_terms
from cvxnet.analysis.provers.levels import prove_level
from cvxnet.analysis.questions import Question
from cvxnet.analysis.restrictions import crooked_domain, restrictions
from cvxnet.analysis.search import find_infeasible_midpoint
from cvxnet.analysis.tape import Tape, bare, short
from cvxnet.analysis.verdicts import Verdict
from cvxnet.analysis.witnesses import Counterexample

Answer: TypeAlias = Callable[[Question, tuple[str, ...]], Verdict]
"""Gives the verdict on the question about a part, for some of "convex" and "concave"."""
Attempt: TypeAlias = Callable[[Derived, str, Methods], Proof | None]
"""Looks for a proof, quickly or thoroughly."""
BOTH = ("convex", "concave")
RELAXED = " with its integer variables and finite sets relaxed to intervals"


def judge(problem: cp.Problem, answer: Answer, methods: Methods = METHODS) -> Verdict:
    """Convex if the objective and the feasible set are.

    Proved needs every part proved. Refuted needs feasible points: either an objective that rises
    above a chord between them, or a midpoint that is not feasible. With integer variables that is
    asked twice, with and without the gaps between their values.
    """
    verdict = judge_relaxation(Asked(problem, answer, methods))
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


@dataclass(frozen=True)
class Parts:
    """The verdicts on the constraints by label, and the order in which they were proved."""

    verdicts: dict[str, Verdict]
    order: list[int]


@dataclass(frozen=True)
class Asked:
    """A problem, and how its parts are judged.

    Attributes
    ----------
    problem : CVXPY problem
    answer : callable
        Gives the full verdict on a part.
    methods : Methods
        What is tried for level sets.
    """

    problem: cp.Problem
    answer: Answer
    methods: Methods

    @property
    def given(self) -> list[Any]:
        """The constraints without what infinite bounds leave free."""
        return [*map(finite, self.problem.constraints)]

    def labels(self) -> list[str]:
        """What the constraints are called."""
        return [f"constraint {k}: {short(c)}" for k, c in enumerate(self.problem.constraints)]

    def about_objective(self, constraints: tuple[Any, ...]) -> Question:
        """The question about the objective, turned into a minimisation, on the feasible set."""
        maximise = isinstance(self.problem.objective, cp.Maximize)
        expression = self.problem.objective.args[0]
        return Question(
            expression=-expression if maximise else expression,
            unknowns=tuple(self.problem.variables()),
            names={},
            bounds=simple_bounds(constraints),
            constraints=constraints,
            about=f"the objective{' (negated, because it is maximised)' if maximise else ''}",
            options={"problem": self.problem},
        )


def judge_relaxation(asked: Asked) -> Verdict:
    """The verdict on the problem in which integer variables and finite sets have no gaps."""
    given = asked.given
    sets = [relaxed(constraint) for constraint in given]
    objective = asked.answer(asked.about_objective(tuple(chain(*sets))), ("convex",))
    judged = judge_constraints(asked, given, sets)
    parts = {"objective": objective, **judged.verdicts}
    domain, empty = common_domain(objective.question, parts)
    empty = empty or broken_bound(given, parts)
    failing = {label: part for label, part in parts.items() if not part_holds(part)}
    found = {} if empty or not failing else refute_problem(objective)
    return Verdict(
        about="the problem",
        convex=overall(found, failing),
        concave=None,
        reasons={"convex": reason(found, failing, empty) + near(objective)},
        derivation=Derivation(()),
        counterexamples=found,
        blame=first_blame(failing),
        dcp="DCP" if asked.problem.is_dcp() else "not DCP",
        parts=parts,
        domain=domain,
        empty=empty,
        premises=tuple(dict.fromkeys(chain(*(part.premises for part in parts.values())))),
        rounding={} if "set" in found else objective.rounding,
        proofs={} if failing else {"convex problem": proof_of_problem(objective, judged, sets)},
        question=objective.question,
        beside=objective.beside,
    )


def overall(found: Mapping[str, Counterexample], failing: Mapping[str, Verdict]) -> bool | None:
    """Refuted by a counterexample, proved if no part fails."""
    if found:
        return False
    return None if failing else True


def proof_of_problem(objective: Verdict, judged: Parts, sets: list[list[Any]]) -> Proof:
    """What was proved of the objective and of each constraint, in the order that it needs."""
    verdicts = [*judged.verdicts.values()]
    steps = [
        (constraint, verdicts[k].question.options) for k in judged.order for constraint in sets[k]
    ]
    evidence = problem_evidence(objective.question, objective.proofs["convex"], steps)
    return Proof("the objective and every constraint", evidence)


def first_blame(failing: Mapping[str, Verdict]) -> Blame | None:
    """Where the rules stop in the first of these parts that says so."""
    blamed = (replace(part.blame, part=label) for label, part in failing.items() if part.blame)
    return next(blamed, None)


def refute_problem(objective: Verdict) -> dict[str, Counterexample]:
    """Feasible points between which the objective rises above a chord, or which leave the set."""
    witness = objective.counterexamples.get("convex")
    witness = witness or find_infeasible_midpoint(objective.question)
    return {} if witness is None else {witness.refutes: witness}


# The constraints, one after the other


def judge_constraints(asked: Asked, given: list[Any], sets: list[list[Any]]) -> Parts:
    """The verdicts on all constraints: what rules prove of each alone, then the others on these.

    A constraint that is not proved is asked about again once more of the others are. ``sets`` has
    the constraints that each is relaxed to.
    """
    bounds = simple_bounds(chain(*sets))
    questions = [about_constraint(asked, constraint, bounds) for constraint in given]
    parts = proved_parts(asked, given, sets, questions)
    order = list(parts)
    for k, constraint in enumerate(given):
        if k not in parts:
            parts[k] = not_proved(constraint, questions[k], asked.answer)
    return Parts({label: parts[k] for k, label in enumerate(asked.labels())}, order)


def proved_parts(
    asked: Asked, given: list[Any], sets: list[list[Any]], questions: list[Question]
) -> dict[int, Verdict]:
    """The verdicts on the constraints that are proved, in an order in which each can be."""
    alone = {
        k: proved_set(constraint, questions[k], derived_only, asked)
        for k, constraint in enumerate(given)
    }
    parts = {k: verdict for k, verdict in alone.items() if verdict is not None}
    proved = -1
    while proved < len(parts) < len(given):
        proved = len(parts)
        for k in [k for k in range(len(given)) if k not in parts]:
            question = replace(questions[k], constraints=tuple(chain(*(sets[n] for n in parts))))
            found = proved_on_set(given[k], question, sets[k], asked)
            if found is not None:
                parts[k] = found
    return parts


def proved_on_set(
    constraint: Any, question: Question, own: list[Any], asked: Asked
) -> Verdict | None:
    """The verdict on a constraint that is proved on the set that others leave, or None."""
    found = proved_set(constraint, question, prove, asked)
    return proved_in_box(constraint, question, own, asked) if found is None else found


def derived_only(part: Derived, goal: str, methods: Methods) -> Proof | None:
    """A proof without any search."""
    return derive(part, goal, methods)[0]


def about_constraint(asked: Asked, constraint: Any, bounds: Mapping[int, Any]) -> Question:
    """The question whether what a constraint compares with zero is convex (or affine)."""
    kind, own = kind_of(constraint), {id(bare(arg)) for arg in constraint.args}
    return Question(
        expression=kind.judged(constraint),
        unknowns=tuple(asked.problem.variables()),
        names={},
        bounds={k: v for k, v in bounds.items() if k not in own},
        about=kind.about,
    )


def goals_of(constraint: Any) -> tuple[str, ...]:
    """What is asked of the expression of a constraint."""
    return BOTH if kind_of(constraint).affine else ("convex",)


def proved_set(
    constraint: Any, question: Question, attempt: Attempt, asked: Asked
) -> Verdict | None:
    """The verdict on a constraint whose set is proved to be convex; None where it is not."""
    part, goals = derived(question), goals_of(constraint)
    proofs = [attempt(part, goal, asked.methods) for goal in goals]
    found = [proof for proof in proofs if proof is not None]
    if len(found) == len(goals) and is_straight(part, goals):
        readings = [
            Reading(Level("difference", goal, question.expression, "", ()), question, proof)
            for goal, proof in zip(goals, found, strict=True)
        ]
        verdict = labelled(constraint, asked.answer(question, goals))
        return with_readings(verdict, readings)
    sides = directions(constraint)
    levels = [first_level(*both, question, (attempt, asked.methods)) for both in sides]
    known = [level for level in levels if level is not None]
    if not known or len(known) < len(sides):
        return None
    return with_readings(level_part(constraint, question, known[0].level, asked.answer), known)


def proved_in_box(
    constraint: Any, question: Question, own: list[Any], asked: Asked
) -> Verdict | None:
    """The same within the bounds that the constraint itself implies with those before it."""
    together = replace(question, constraints=(*question.constraints, *own))
    box = bounded(together)
    if box is None:
        return None
    inside = replace(question, bounds=box.question.bounds)
    found = proved_set(constraint, inside, prove, asked)
    if found is None:
        return None
    options = {**found.question.options, "box": box}
    return replace(found, question=replace(found.question, options=options))


def with_readings(verdict: Verdict, readings: list[Reading]) -> Verdict:
    """The verdict on a part that remembers what was proved."""
    options = {**verdict.question.options, "readings": tuple(readings)}
    return replace(verdict, question=replace(verdict.question, options=options))


def is_straight(part: Derived, goals: Iterable[str]) -> bool:
    """Whether the points where an expression has a value form a convex set within the domain.

    The composition rules prove nothing without that; other proofs are about segments only.
    """
    root = part.facts[-1]
    by_rules = all(getattr(root, goal).all() for goal in goals)
    return by_rules or not crooked_domain(part.question, part.tape, part.facts)


def directions(constraint: Any) -> list[tuple[Any, Any]]:
    """The inequalities ``left <= right`` that a constraint consists of; none for cones."""
    zero = cp.Constant(0.0)
    match constraint:
        case cp.constraints.Inequality():
            return [tuple(constraint.args)]
        case cp.constraints.Equality():
            return [tuple(constraint.args), tuple(constraint.args[::-1])]
        case cp.constraints.NonPos():
            return [(constraint.args[0], zero)]
        case cp.constraints.NonNeg():
            return [(zero, constraint.args[0])]
        case cp.constraints.Zero():
            return [(constraint.args[0], zero), (zero, constraint.args[0])]
    return []


def first_level(
    left: Any, right: Any, question: Question, how: tuple[Attempt, Methods]
) -> Reading | None:
    """The first reading of an inequality that is proved to give a convex set."""
    difference = derived(replace(question, expression=left - right))
    if not is_straight(difference, ("convex",)):
        return None
    for level in levels_of(left, right, question):
        asked = replace(question, expression=level.expression)
        proof = proof_of_level(level, derived(asked), *how)
        if proof is not None:
            return Reading(replace(level, sides=(left, right, *level.sides)), asked, proof)
    return None


def proof_of_level(level: Level, part: Derived, attempt: Attempt, methods: Methods) -> Proof | None:
    """A proof that the expression of a reading has the property that is asked for."""
    if not is_straight(part, ("convex",)):
        return None
    if level.goal == "convex":
        return attempt(part, "convex", methods)
    if level.goal == "sublevel":
        found = prove_level(part)
    elif level.goal == "always" or getattr(part.facts[-1], level.goal).all():
        return Proof("composition rules", {"kind": "rules"})
    else:
        found = prove_by_terms(part, level.goal)
    return next((proof for proof in found if is_proved(part.question, level.goal, proof)), None)


def level_part(constraint: Any, question: Question, level: Level, answer: Answer) -> Verdict:
    """The verdict on a constraint whose points form a convex set all the same."""
    verdict = answer(replace(question, expression=level.expression), ())
    return replace(
        verdict,
        about=f"the set where {short(constraint)}",
        convex=True,
        reasons={"convex": level.reason},
        blame=None,
    )


def not_proved(constraint: Any, question: Question, answer: Answer) -> Verdict:
    """The verdict on a constraint whose set is not proved to be convex."""
    verdict = labelled(constraint, answer(question, BOTH))
    if not part_holds(verdict):
        return verdict
    why = "convex where it has values, but these points may not form a convex set"
    return replace(verdict, convex=None, reasons={**verdict.reasons, "convex": why})


def labelled(constraint: Any, verdict: Verdict) -> Verdict:
    """The verdict with what equalities and cones need."""
    kind = kind_of(constraint)
    if not kind.affine:
        return verdict
    reasons = {**verdict.reasons, "affine": "an equality or cone needs an affine expression"}
    return replace(verdict, reasons=reasons, about=f"{kind.about} (must be affine)")


# The whole


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


def reason(found: Mapping[str, Counterexample], failing: Iterable[str], empty: str) -> str:
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
