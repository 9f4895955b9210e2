"""Repairs: changes that restore convexity, each verified by a verdict of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cvxnet.analysis.questions import Question
from cvxnet.analysis.readings import definite_forms
from cvxnet.analysis.verdicts import Verdict

MOST_REPAIRS = 8


@dataclass(frozen=True)
class Repair:
    """A change, what it costs, and the verdict that it leads to.

    Attributes
    ----------
    change : str
        What to do.
    outcome : str
        What was then proved.
    cost : str
        What is given up.
    rank : float
        Smaller changes first.
    verdict : Verdict or None
        The verdict on the changed question (None where log-log rules proved it, or where it is
        the nearest reading of the numbers, which carries its own question).
    """

    change: str
    outcome: str
    cost: str
    rank: float
    verdict: Verdict | None


def find_repairs(verdict: Verdict) -> tuple[Repair, ...]:
    """Repairs that were verified, the smallest change first; none for what is convex."""
    question = verdict.question
    if verdict.convex:
        accepted = question.expression.is_convex() or question.expression.is_concave()
        return () if accepted else tuple(rewritten(question))
    proposals = propose_for_network(question) if question.network is not None else iter(())
    found = [r for proposal in proposals if (r := verified(*proposal)) is not None]
    found += rewritten(question)
    if question.network is not None:
        from cvxnet.analysis.lifts import find_lifts

        found += [Repair(*lift) for lift in find_lifts(question)]
    found += [again for goal in verdict.rounding for again in read_again(verdict, goal)]
    found.sort(key=lambda repair: repair.rank)
    return tuple(found[:MOST_REPAIRS])


def read_again(verdict: Verdict, goal: str) -> list[Repair]:
    """For a refutation within rounding: forms that have the curvature, and the nearest reading."""
    found = []
    for change, distance, expression in definite_forms(verdict.question.expression):
        asked = replace(verdict.question, expression=expression, owners={}, weights={})
        cost = "rests on that" if distance is None else f"moves numbers by at most {distance:.2g}"
        repair = verified(change, cost, 0.1, asked)
        if repair is not None:
            found.append(repair)
    reading = verdict.rounding[goal]
    cost = f"moves numbers by at most {reading.distance:.2g}"
    outcome = f"{goal}, proved of that function"
    return [*found, Repair(f"read it so: {reading.change}", outcome, cost, 0.2, None)]


def verified(change: str, cost: str, rank: float, question: Question) -> Repair | None:
    """The repair, if the changed question has the answer convex (a rewrite may be concave)."""
    from cvxnet.analysis.answers import answer  # answers builds verdicts, which ask for repairs

    verdict = answer(question)
    goal = "convex" if verdict.convex else "concave"
    if not verdict.convex and not (verdict.concave and question.network is None):
        return None
    outcome = "affine" if verdict.convex and verdict.concave else goal
    return Repair(change, f"{outcome}, {verdict.reasons[goal]}", cost, rank, verdict)


def rewritten(question: Question) -> list[Repair]:
    """For CVXPY expressions: the same function written so that CVXPY accepts it."""
    from cvxnet.analysis.rewrites import find_rewrites

    return [] if question.network is not None else find_rewrites(question)


def propose_for_network(question: Question) -> Iterator[tuple[str, str, float, Question]]:
    """Everything that might help a network, most of it verified away again."""
    from cvxnet.analysis.remedies import REMEDIES

    seen = set()
    for remedy in REMEDIES:
        for change, cost, rank, changed in remedy(question):
            if change not in seen:
                seen.add(change)
                yield change, cost, rank, changed


def asked_again(question: Question, network: Any = None, **options: Any) -> Question:
    """The question about another network or with other options."""
    from cvxnet.analysis.questions import ask_about_network

    merged = {**question.options, **options}
    again: Any = question.network if network is None else network
    return ask_about_network(
        again,
        merged["wrt"],
        merged["loss"],
        merged["data"],
        merged["inputs"],
        merged["weight_decay"],
    )


def count_negative(weight: Any) -> tuple[int, float]:
    """How many entries are below zero, and the smallest."""
    return int((weight < 0.0).sum()), float(np.min(weight, initial=0.0))
