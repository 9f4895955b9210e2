"""Hessians in normal form: the checker differentiates, and finds the minors non-negative."""

from __future__ import annotations

from collections.abc import Iterator

from cvxnet.analysis.derivation import Derived
from cvxnet.analysis.evidence import Finding, Proof, statement_of
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity.hessians import by_hessian
from cvxnet.proofs.checker.convexity.statement import Checking
from cvxnet.proofs.checker.dual import Clock

SECONDS = 5.0
REASON = "the minors of its Hessian, differentiated exactly, are non-negative"
EVIDENCE = {"kind": "hessian"}


def prove_by_hessian(asked: Derived, goal: str) -> Iterator[Finding]:
    """A proof, where the checker finds one."""
    try:
        by_hessian(statement_of(asked.question, goal), EVIDENCE, Checking(Clock(SECONDS), {}))
    except RefusalError:
        return
    yield Proof(REASON, EVIDENCE)
