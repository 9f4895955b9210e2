"""The kind "same": another expression has the same values, and the property is proved of that one.

    {"kind": "same", "nodes": [...], "root": 9, "proof": {...}}

The other expression stands behind the nodes of the document; it may use them, but brings no leaves.
Wherever the given expression has values, the other must have them, too, and the same ones: their
normal forms are equal, by laws whose conditions hold there. So on every segment of the domain on
which the given expression has values, it is the other one, and bends as that one does.
"""

from __future__ import annotations

from ...arrays import require
from ..statement import Checking, Proof, Statement
from .normal import equal


def by_same(statement: Statement, proof: Proof, checking: Checking) -> None:
    """The other expression is equal, and has the property."""
    root = proof["root"]
    other = statement.extended(proof["nodes"])
    require(type(root) is int and 0 <= root < len(other.nodes), "there is no such root")
    alike = equal(other, statement.root, root, checking.clock)
    require(alike, "no law that is known here makes the two expressions equal")
    checking.prove(other.about(root=root), proof["proof"])
