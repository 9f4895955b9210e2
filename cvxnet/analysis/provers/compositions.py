"""Proofs by the checker's rows of power means, inner functions and perspectives.

Nothing has to be found for them but whether they apply: the rows are in
`cvxnet.proofs.checker.convexity.logarithms` and `cvxnet.proofs.checker.convexity.composition`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from flint import ctx

from cvxnet.analysis.derivation import Derived
from cvxnet.analysis.evidence import Proof, statement_of
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity.composition import reason_by_terms
from cvxnet.proofs.checker.dual import Clock

MOST_ENTRIES = 4000
SECONDS = 5.0
BITS = 128  # of the balls


def prove_by_terms(asked: Derived, goal: str) -> Iterator[Proof]:
    """The rows, where they prove it; the reason is the one that proves the first entry."""
    if sum(prod(node.shape) for node in asked.tape.nodes) > MOST_ENTRIES:
        return
    with ctx.workprec(BITS):
        try:
            reason = reason_by_terms(statement_of(asked.question, goal), Clock(SECONDS))
        except RefusalError:
            return
    yield Proof(reason, {"kind": "terms"})
