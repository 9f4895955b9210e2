"""Proofs as plain objects that the independent checker reads, and the claims that they prove.

A prover looks for evidence, in floating point and with solvers; whether that is a proof is decided
by `cvxnet.proofs.checker.convexity`, which shares nothing with the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from cvxnet.analysis.derivation import SECONDS, Derived
from cvxnet.analysis.documents import expression_document
from cvxnet.analysis.questions import Question
from cvxnet.analysis.spaces import Segment
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity import Statement, check_proof
from cvxnet.proofs.checker.dual import Clock


@dataclass(frozen=True)
class Proof:
    """Why a question has a curvature, in words and for the checker.

    Attributes
    ----------
    reason : str
        The proof in one line.
    evidence : mapping
        What the checker needs: "kind" says which, see `cvxnet.proofs.checker.convexity`.
    """

    reason: str
    evidence: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Unfinished:
    """What was left to do when the time of a prover ended, in words."""

    text: str


Finding: TypeAlias = Proof | Segment | Unfinished
"""A proof for the checker, where a counterexample is to be looked for, or what was left to do."""
Prover: TypeAlias = Callable[[Derived, str], Iterator[Finding]]
"""Looks for proofs that a question has the curvature "convex" or "concave"."""


def claim(question: Question, says: str, proof: Mapping[str, Any]) -> dict[str, Any]:
    """A claim about the question's expression, as the checker reads it."""
    return {**expression_document(question), "says": says, "proof": dict(proof)}


def statement_of(question: Question, goal: str) -> Statement:
    """What is to be proved, as the checker reads it."""
    document = expression_document(question)
    return Statement(
        nodes=document["nodes"],
        constraints=document["constraints"],
        unknowns=frozenset(document["unknowns"]),
        root=document["root"],
        goal=goal,
    )


def is_proved(question: Question, goal: str, proof: Proof, seconds: float = SECONDS) -> bool:
    """Whether the checker accepts the proof."""
    try:
        check_proof(statement_of(question, goal), dict(proof.evidence), Clock(seconds))
    except RefusalError:
        return False
    return True
