"""Repairs: changes that restore convexity, each verified by a verdict of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnet.analysis.questions import Question
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
        The verdict on the changed question (None where log-log rules proved it).
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
    found.sort(key=lambda repair: repair.rank)
    return tuple(found[:MOST_REPAIRS])


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
