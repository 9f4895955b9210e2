"""Level sets of functions of one variable: the checker walks along the line by itself."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from cvxnet.analysis.derivation import Derived
from cvxnet.analysis.evidence import Proof, statement_of
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity.domains.levels import by_levels
from cvxnet.proofs.checker.convexity.statement import Checking
from cvxnet.proofs.checker.dual import Clock

MOST_ENTRIES = 200
SECONDS = 0.5
REASON = "values and slopes of a function of one variable"


def prove_level(asked: Derived) -> Iterator[Proof]:
    """A proof that what has to be at most zero is so on an interval, for small expressions."""
    if sum(prod(node.shape) for node in asked.tape.nodes) > MOST_ENTRIES:
        return
    proof, statement = Proof(REASON, {"kind": "level"}), statement_of(asked.question, "sublevel")
    try:
        by_levels(statement, proof.evidence, Checking(Clock(SECONDS), {}))
    except RefusalError:
        return
    yield proof
