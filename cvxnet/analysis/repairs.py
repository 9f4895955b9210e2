"""Repairs: changes that restore convexity, each verified by a verdict of its own.

A rewrite of a CVXPY expression is offered if CVXPY then accepts it as DCP. Each is an identity, by
the rules of `cvxnet.analysis.rewriting`, for the signs at hand or for those that it says it needs;
that both sides agree at random points is looked at besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import cvxpy as cp
import numpy as np

from cvxnet.analysis.lifts import lift_attention, lift_two_layers
from cvxnet.analysis.questions import Question, ask_about_expression
from cvxnet.analysis.readings import definite_forms
from cvxnet.analysis.remedies import (
    Proposal,
    clip_weights,
    freeze,
    replace_activations,
    switch_loss,
    take_logarithms,
)
from cvxnet.analysis.rewriting.rules import Rewritten, another_form
from cvxnet.analysis.spaces import Space
from cvxnet.analysis.verdicts import Repair, Verdict

MOST_REPAIRS = 8
Judge: TypeAlias = Callable[[Question | cp.Problem], Verdict | None]
"""Gives the verdict on a changed question or a problem, or None where it has no curvature."""


REMEDIES: tuple[Callable[[Question], Iterator[Proposal]], ...] = (
    clip_weights,
    freeze,
    replace_activations,
    switch_loss,
    lift_two_layers,
    lift_attention,
    take_logarithms,
)


def propose_for_network(question: Question) -> Iterator[Proposal]:
    """Everything that might help a network, each change once."""
    seen = set()
    for remedy in REMEDIES:
        for proposal in remedy(question):
            if proposal.change not in seen:
                seen.add(proposal.change)
                yield proposal


def find_repairs(verdict: Verdict, judge: Judge) -> tuple[Repair, ...]:
    """Repairs that were verified, the smallest change first; none for what is convex."""
    question = verdict.question
    if verdict.convex:
        accepted = question.expression.is_convex() or question.expression.is_concave()
        return () if accepted else tuple(rewritten(question, judge))
    found = rewritten(question, judge)
    if question.network is not None:
        proposals = propose_for_network(question)
        found += [r for proposal in proposals if (r := verified(proposal, judge)) is not None]
    for goal in verdict.rounding:
        found += read_again(verdict, goal, judge)
    found.sort(key=lambda repair: repair.rank)
    return tuple(found[:MOST_REPAIRS])


def verified(proposal: Proposal, judge: Judge) -> Repair | None:
    """The repair, if what is proposed has the answer convex (a rewrite may be concave)."""
    if proposal.changed is None:
        return Repair(proposal.change, proposal.outcome, proposal.cost, proposal.rank, None)
    verdict = judge(proposal.changed)
    if verdict is None:
        return None
    goal = "convex" if verdict.convex else "concave"
    outcome = "affine" if verdict.convex and verdict.concave else goal
    said = f"{outcome}, {proposal.outcome or verdict.reasons[goal]}"
    return Repair(proposal.change, said, proposal.cost, proposal.rank, verdict)


def read_again(verdict: Verdict, goal: str, judge: Judge) -> list[Repair]:
    """For a refutation within rounding: forms that have the curvature, and the nearest reading."""
    found = []
    for change, distance, expression in definite_forms(verdict.question.expression):
        asked = replace(verdict.question, expression=expression, owners={}, weights={})
        cost = "rests on that" if distance is None else f"moves numbers by at most {distance:.2g}"
        repair = verified(Proposal(change, cost, 0.1, asked), judge)
        found += [] if repair is None else [repair]
    reading = verdict.rounding[goal]
    cost = f"moves numbers by at most {reading.distance:.2g}"
    outcome = f"{goal}, proved of that function"
    return [*found, Repair(f"read it so: {reading.change}", outcome, cost, 0.2, None)]


def rewritten(question: Question, judge: Judge) -> list[Repair]:
    """For CVXPY expressions: the same function written so that CVXPY accepts it."""
    if question.network is not None:
        return []
    found = []
    for goal in ("convex", "concave"):
        rewrite = another_form(question, goal, assuming=True)
        if rewrite is not None and equal(question.expression, rewrite.expression):
            asked = replace(question, expression=rewrite.expression, owners={}, weights={})
            change = f"write it as {', '.join(rewrite.names)}"
            repair = verified(Proposal(change, cost_of(rewrite), 0.0, asked), judge)
            found += [] if repair is None else [repair]
    return found


def cost_of(rewrite: Rewritten) -> str:
    """What a rewrite costs: nothing, or the part of the domain that it leaves out."""
    if rewrite.needs:
        domain = ", ".join(str(need >= 0) for need in rewrite.needs)
        return f"restricts to {domain}; the same function there"
    if rewrite.rounded:
        return "nothing: the same function, with coefficients rounded"
    return "nothing: the same function"


@np.errstate(all="ignore")
def equal(one: Any, two: Any) -> bool:
    """Whether two expressions agree at random points where both are defined."""
    question = ask_about_expression(cp.hstack([cp.vec(one, order="F"), cp.vec(two, order="F")]))
    space = Space(question, question.tape())
    if not space.drawable or not space.size:
        return False
    points = space.clipped(np.abs(space.draw(200, False)))
    f = space.f(points, space.draw_free(200, False))
    left, right = f[:, : one.size], f[:, one.size :]
    both = np.isfinite(left) & np.isfinite(right)
    close = np.abs(left - right) <= 1e-7 * (1.0 + np.abs(left))
    return bool(both.any() and close[both].all())
