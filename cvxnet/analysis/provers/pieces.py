"""Piecewise-linear functions of any depth: every kink is searched for a facet where it bends down.

A tree over the signs of gates (`cvxnet.proofs.checker.convexity.pieces` has the theorem), depth
first, one linear program a node. Gates without a sign are relaxed to ``h >= 0`` and ``h >= z``, so
those that matter most are split on first, whatever their layer. A leaf is closed as soon as the
weight of its kink has a lower bound >= 0, or its linear program says that it is empty. A point on
the kink where the weight is negative gives a segment that refutes convexity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from cvxnet.analysis.derivation import Derived
from cvxnet.analysis.documents import tape_of
from cvxnet.analysis.evidence import SECONDS, Finding, Proof, statement_of
from cvxnet.analysis.spaces import Segment
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity import Statement
from cvxnet.proofs.checker.convexity.circuits import LINEAR, OPERATIONS, Affine, Circuit
from cvxnet.proofs.checker.convexity.pieces import KINK, Cell, Domain, Function
from cvxnet.proofs.checker.dual import Clock
from cvxnet.types import Array

TOLERANCE = 1e-7
MOST_NODES = 20_000
"""Linear programs for one entry."""
STEPS = (0.9, 0.3, 0.03)
KNOWN = LINEAR | OPERATIONS.keys() | {"leaf", "constant"}


def prove_by_pieces(asked: Derived, goal: str) -> Iterator[Finding]:
    """A proof for each entry, or a segment across the first facet where the slope falls."""
    statement = statement_of(asked.question, goal)
    clock = Clock(SECONDS)
    try:
        circuit = Circuit(statement, clock)
        outputs = circuit.entries_of(statement.root)
        domain = Domain(circuit)
        inside = point_inside(domain)
    except RefusalError:
        return
    if not circuit.gates and not outputs:
        return
    parts, sign = [], 1 if goal == "convex" else -1
    for place, output in enumerate(outputs):
        search = Search(Function(circuit, domain, output.scaled(output_sign(sign)), ()))
        try:
            parts.append(search.run())
        except RefusalError:
            return
        except Refuted as refuted:
            entry = np.unravel_index(place, statement.shape) if statement.shape else ()
            yield from segments(asked, circuit, refuted, tuple(int(i) for i in entry))
            return
    evidence: dict[str, Any] = {"kind": "pieces", "entries": parts}
    if inside is not None:
        evidence["inside"] = inside
    yield Proof(reason_of(circuit), evidence)
