"""What proves a problem convex, as the independent checker reads it.

Every part is a document of its own, so that its proof is about that and nothing else; the checker
reads it beside the problem, see `cvxnet.proofs.checker.convexity.domains.problems`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cvxnet.analysis.bounding import Bounded
from cvxnet.analysis.documents import expression_document, more_nodes, tape_of
from cvxnet.analysis.evidence import Proof
from cvxnet.analysis.levels import Level
from cvxnet.analysis.questions import Question

GOALS = {"left": "quasiconvex", "right": "quasiconcave"}


@dataclass(frozen=True)
class Reading:
    """A way to read a constraint, and the proof of what it needs."""

    level: Level
    question: Question
    proof: Proof


Step = tuple[Any, Mapping[str, Any]]
"""A constraint; its "readings" and, where it implies narrower bounds, the "box"."""


def problem_evidence(objective: Question, proof: Proof, steps: Sequence[Step]) -> dict[str, Any]:
    """The evidence for a problem: its constraints in the order in which they were proved."""
    numbers = {id(c): k for k, c in enumerate(objective.constraints)}
    places = tape_of(objective).place
    return {
        "kind": "problem",
        "sets": [set_evidence(step, numbers, places) for step in steps],
        "objective": dict(proof.evidence),
    }


def set_evidence(
    step: Step, numbers: Mapping[int, int], places: Mapping[int, int]
) -> dict[str, Any]:
    """One constraint: what it rests on, and how each of its directions is read."""
    constraint, options = step
    readings: Sequence[Reading] = options["readings"]
    before = readings[0].question.constraints
    if type(constraint).__name__ == "Inequality" and len(readings) > 1:
        readings = [side_of(constraint, readings)]  # a finite set is relaxed to two of these
    return {
        "constraint": numbers[id(constraint)],
        "after": [numbers[id(c)] for c in before],
        "bounds": box_evidence(options.get("box"), numbers, places),
        "readings": [reading_evidence(reading, places) for reading in readings],
    }


def box_evidence(
    box: Bounded | None, numbers: Mapping[int, int], places: Mapping[int, int]
) -> list[dict[str, Any]]:
    """The bounds that a constraint implies with those before it."""
    if box is None:
        return []
    constraints = [numbers[id(c)] for c in box.original.constraints]
    return [
        {**row, "leaf": places[row["leaf"]], "constraint": constraints[row["constraint"]]}
        for row in box.bounds
    ]


def side_of(constraint: Any, readings: Sequence[Reading]) -> Reading:
    """What is relaxed to an inequality is affine: one side of it is all that is needed."""
    left = constraint.args[0] is readings[0].question.expression
    goal = "convex" if left else "concave"
    one = next(r for r in readings if r.level.goal == goal)
    level = Level("left" if left else "right", goal, one.level.expression, "", constraint.args)
    return Reading(level, one.question, one.proof)


def reading_evidence(reading: Reading, places: Mapping[int, int]) -> dict[str, Any]:
    """The document of a reading, with the sides that it was made of behind its nodes."""
    level, question = reading.level, reading.question
    extra = [*level.sides, *([] if level.factor is None else [level.factor])]
    nodes, found = more_nodes(question, *extra)
    leaves = {
        tape_of(question, *extra).place[id(leaf)]: places[id(leaf)]
        for leaf in tape_of(question, *extra).leaves()
    }
    named: dict[str, Any] = {}
    if len(level.sides) == 4:
        named = {"left": found[0], "right": found[1], "sides": found[2:4]}
    if level.factor is not None:
        named["factor"] = found[-1]
    return {
        **expression_document(question),
        **named,
        "way": level.how,
        "goal": level.goal,
        "more": nodes,
        "leaves": {str(place): of for place, of in leaves.items()},
        "from": list(range(len(question.constraints))),
        "proof": dict(reading.proof.evidence),
    }
