"""Hessians in normal form: the checker differentiates, and finds the minors non-negative."""

from __future__ import annotations

from collections.abc import Iterator

from flint import fmpq

from cvxnet.analysis.derivation import Derived
from cvxnet.analysis.evidence import Finding, Proof, statement_of
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity.curvature.hessians import by_hessian, check_hessians
from cvxnet.proofs.checker.convexity.statement import Checking

SECONDS, SECONDS_TO_SAY = 5.0, 2.0
DIGITS = (3, 6, 9)
MOST_COORDINATES = 2
REASON = "the minors of its Hessian, differentiated exactly, are non-negative"
EVIDENCE = {"kind": "hessian"}


def prove_by_hessian(asked: Derived, goal: str) -> Iterator[Finding]:
    """A proof, where the checker finds one."""
    try:
        by_hessian(statement_of(asked.question, goal), EVIDENCE, Checking(asked.clock(SECONDS), {}))
    except RefusalError:
        return
    yield Proof(REASON, EVIDENCE)


def what_would_do(asked: Derived, goal: str) -> str:
    """How little is missing: which multiple of the squares of the unknowns would be enough."""
    if sum(int(u.size) for u in asked.question.unknowns) > MOST_COORDINATES:
        return ""
    found, clock = "", asked.clock(SECONDS_TO_SAY)
    for digits in DIGITS:
        try:
            statement = statement_of(asked.question, goal)
            check_hessians(statement, Checking(clock, {}), fmpq(1, 10**digits))
        except RefusalError:
            break
        way = "added" if goal == "convex" else "taken away"
        found = f"; with 1e-{digits} times the squares of the unknowns {way} it is proved {goal}"
    return found
