"""Proofs by the checker's rows of power means, inner functions and perspectives.

The rows are in `cvxnet.proofs.checker.convexity.terms`, above all in its module `means`. What is
looked for here are functions of one variable that no row decides and whose second derivative,
enclosed on boxes, has one sign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import prod

from flint import ctx, fmpq

from cvxnet.analysis.derivation import Derived
from cvxnet.analysis.evidence import Proof, statement_of
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.arrays import Array
from cvxnet.proofs.checker.convexity import Statement, check_proof
from cvxnet.proofs.checker.convexity.terms.proofs import reason_by_terms
from cvxnet.proofs.checker.dual import Clock
from cvxnet.proofs.checker.witness import evaluate_all, number

MOST_ENTRIES = 4000
SECONDS = 5.0
SECONDS_OF_LEMMA = 0.5
MOST_LEMMAS = 4
BITS = 128  # of the balls
STEPS = (-30, -8, -3, -1, -0.3, 0, 0.3, 1, 3, 8, 30)
"""Where a function of one variable is looked at."""


class Asking:
    """Tries what the second derivative on boxes says of functions of one variable.

    Attributes
    ----------
    found : list of (number, goal)
        Those of which it says something, by their number in the order in which they are met.
    """

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []
        self.count = self.tried = 0

    def __call__(self, statement: Callable[[str], Statement]) -> str:
        """What is proved of the next one."""
        self.count += 1
        goal = plausible_goal(statement("convex"))
        if not goal or self.tried >= MOST_LEMMAS:
            return ""
        self.tried += 1
        try:
            check_proof(statement(goal), {"kind": "boxes"}, Clock(SECONDS_OF_LEMMA))
        except RefusalError:
            return ""
        self.found.append((self.count, goal))
        return goal


def plausible_goal(statement: Statement) -> str:
    """How a function of one variable bends at a few points, if everywhere the same way."""
    (place,) = statement.unknowns
    leaf = statement.nodes[place]
    low, high = (None if t[0] is None else number(t[0]) for t in (leaf["low"], leaf["high"]))
    points = points_between(low, high)
    values = []
    for t in points:
        given = statement.constants | {place: Array((), [t])}
        try:
            values.append(evaluate_all(list(statement.nodes), given)[statement.root].entries[0])
        except (RefusalError, ZeroDivisionError):
            return ""
    rows = zip(pairwise(values), pairwise(points), strict=True)
    slopes = [(t - s) / (b - a) for (s, t), (a, b) in rows]
    if all(t >= s for s, t in pairwise(slopes)):
        return "convex"
    return "concave" if all(t <= s for s, t in pairwise(slopes)) else ""


def points_between(low: fmpq | None, high: fmpq | None) -> list[fmpq]:
    """Some points inside an interval, in order."""
    if low is not None and high is not None:
        return [low + (high - low) * fmpq(k, 12) for k in range(1, 12)]
    steps = [fmpq(*float(t).as_integer_ratio()) for t in STEPS]
    away = [t for t in steps if t > 0]
    if low is not None:
        return [low + t for t in away]
    return steps if high is None else [high - t for t in away[::-1]]


def prove_by_terms(asked: Derived, goal: str) -> Iterator[Proof]:
    """The rows, where they prove it; the reason is the one that proves the first entry."""
    if sum(prod(node.shape) for node in asked.tape.nodes) > MOST_ENTRIES:
        return
    asking = Asking()
    with ctx.workprec(BITS):
        try:
            reason = reason_by_terms(
                statement_of(asked.question, goal), asked.clock(SECONDS), asking
            )
        except RefusalError:
            return
    lemmas = {"lemmas": [list(row) for row in asking.found]} if asking.found else {}
    yield Proof(reason, {"kind": "terms", **lemmas})
