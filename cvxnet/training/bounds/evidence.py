"""What proves a bound on pricing at any rank: multipliers, or a tree of them.

`cvxnet.training.bounds.relaxation` explains the multipliers. A split on row l says that its two
children speak of the units with ``x_l.u >= 0`` and of those with ``x_l.u <= 0``. Rows are as given.

With several outputs, such evidence in directions of the outputs, and a tree of cones between them,
which `cvxnet.training.outputs.sphere` explains.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from cvxnet.training.bounds.cliques import NONE, Cliques, Indices
from cvxnet.training.width.evidence import TreeEvidence
from cvxnet.types import Array


@dataclass(frozen=True)
class Multipliers:
    """What proves ``G <= bound`` in one leaf."""

    tilt: Array
    carriers: Indices
    budgets: Indices
    lean: Array
    tau: Array
    mu: float
    cliques: Cliques = NONE
    shares: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def numbers(self) -> int:
        """How many numbers its document has."""
        return len(self.tilt) + len(self.tau) + 3 * len(self.lean) + 8 * len(self.shares)

    def times(self, v: float, x: float) -> Multipliers:
        """For dual vectors that are ``v`` times, and rows that are ``x`` times the ones here."""
        return replace(
            self,
            tilt=v * self.tilt,
            lean=v * self.lean,
            tau=v * x * self.tau,
            mu=v * x * self.mu,
            shares=v * x * self.shares,
        )

    @classmethod
    def read(cls, document: dict[str, Any]) -> Multipliers:
        """From what a certificate carries."""
        triples = document["lean"]
        return cls(
            tilt=np.array(document["tilt"]),
            carriers=np.array([i for i, _, _ in triples], dtype=np.int64),
            budgets=np.array([k for _, k, _ in triples], dtype=np.int64),
            lean=np.array([a for _, _, a in triples], dtype=np.float64),
            tau=np.array(document["tau"]),
            mu=document["mu"],
            cliques=cliques_of([entry[:2] for entry in document.get("odd", ())]),
            shares=np.array([share for _, _, share in document.get("odd", ())], dtype=np.float64),
        )

    def document(self) -> dict[str, Any]:
        """As a certificate carries it."""
        triples = zip(self.carriers.tolist(), self.budgets.tolist(), self.lean, strict=True)
        lean = [[i, k, float(a)] for i, k, a in triples if a]
        leaf = {"tilt": self.tilt, "lean": lean, "tau": self.tau, "mu": float(self.mu)}
        return leaf | {"odd": self.odd()} if self.shares.any() else leaf

    def odd(self) -> list[list[Any]]:
        """The inequalities of signs: ``[e_0, [[row, e], ...], multiplier]``."""
        rows = self.cliques.rows.tolist()
        inequalities = zip(self.cliques.constant, self.cliques.weights, self.shares, strict=True)
        return [
            [int(e0), [[i, int(e)] for i, e in zip(rows, weights, strict=True) if e], float(share)]
            for e0, weights, share in inequalities
            if share
        ]


def cliques_of(pairs: list[list[Any]]) -> Cliques:
    """Inequalities of signs, from ``[e_0, [[row, e], ...]]`` of each."""
    rows = np.unique([i for _, terms in pairs for i, _ in terms]).astype(np.int64)
    weights = np.zeros((len(pairs), len(rows)))
    for q, (_, terms) in enumerate(pairs):
        for i, e in terms:
            weights[q, np.searchsorted(rows, i)] = e
    return Cliques(rows, np.array([e0 for e0, _ in pairs], dtype=np.float64), weights)


@dataclass(frozen=True)
class Split:
    """Two cases: ``x_row.u >= 0`` and ``x_row.u <= 0``."""

    row: int
    plus: Node
    minus: Node

    @property
    def numbers(self) -> int:
        """How many numbers its document has."""
        return self.plus.numbers + self.minus.numbers

    def times(self, v: float, x: float) -> Split:
        """See `Multipliers.times`."""
        return Split(self.row, self.plus.times(v, x), self.minus.times(v, x))

    def document(self) -> dict[str, Any]:
        """As a certificate carries it."""
        return {"row": self.row, "plus": self.plus.document(), "minus": self.minus.document()}


Node = Multipliers | Split


@dataclass(frozen=True)
class Evidence:
    """A tree for the pricing function, and one for its negative; None where that does not count."""

    plus: Node | None
    minus: Node | None

    speaks_of_samples: ClassVar[bool] = True
    """It has multipliers of single samples."""

    @property
    def numbers(self) -> int:
        """How many numbers its document has."""
        return sum(tree.numbers for tree in (self.plus, self.minus) if tree is not None)

    def times(self, v: float, x: float = 1.0) -> Evidence:
        """See `Multipliers.times`."""
        return Evidence(self.plus and self.plus.times(v, x), self.minus and self.minus.times(v, x))

    @classmethod
    def read(cls, document: dict[str, Any]) -> Evidence:
        """From what a certificate carries."""
        plus, minus = (document[sign] and node_of(document[sign]) for sign in ("plus", "minus"))
        return cls(plus, minus)

    def document(self) -> dict[str, Any]:
        """As a certificate carries it."""
        return {
            "kind": "relaxation",
            "plus": self.plus and self.plus.document(),
            "minus": self.minus and self.minus.document(),
        }


@dataclass(frozen=True)
class Cut:
    """A cone cut in two at a corner on one of its edges."""

    corner: int
    first: Tree
    second: Tree


Tree = Cut | Array
"""A cone that is cut, or p: a linear function above the heights of its corners."""
Edge = tuple[int, int, float, float]
"""Two corners, and the weights with which they make a third."""


@dataclass(frozen=True)
class SphereEvidence:
    """Bounds on the pricing of one output at the corners of cones, and what is between them.

    Attributes
    ----------
    basis : (k, c) array
        The row space of the dual matrix. Corners are in its coordinates; the first k are its axes.
    edges : tuple
        Where the other corners are.
    heights : (m,) array
        The bound at each corner.
    proofs : tuple
        What proves it, None where the checker needs nothing.
    cones : tuple
        2^(k - 1) trees, one for each orthant up to sign: the first sign is +, and the others are -
        where the binary number of the orthant has a one, the lowest digit first. None where
        heights along the axes are all there is: then ``|p|`` is their length in every orthant.
    """

    basis: Array
    edges: tuple[Edge, ...]
    heights: Array
    proofs: tuple[Evidence | None, ...]
    cones: tuple[Tree, ...]

    @property
    def speaks_of_samples(self) -> bool:
        """Whether it has multipliers of single samples: not where the checker needs no proofs."""
        return any(proof is not None for proof in self.proofs)

    @property
    def numbers(self) -> int:
        """About how many numbers its document has."""
        own = sum(proof.numbers for proof in self.proofs if proof is not None)
        return own + self.basis.size + len(self.heights) * (5 + len(self.basis))

    def times(self, v: float, x: float = 1.0) -> SphereEvidence:
        """See `Multipliers.times`."""
        return replace(
            self,
            heights=v * x * self.heights,
            proofs=tuple(proof and proof.times(v, x) for proof in self.proofs),
            cones=tuple(tree_times(tree, v * x) for tree in self.cones),
        )

    @classmethod
    def read(cls, document: dict[str, Any]) -> SphereEvidence:
        """From what a certificate carries."""
        return cls(
            basis=np.array(document["basis"]),
            edges=tuple((i, j, a, b) for i, j, a, b in document["edges"]),
            heights=np.array(document["bounds"]),
            proofs=tuple(proof and Evidence.read(proof) for proof in document["proofs"]),
            cones=tuple(tree_of(tree) for tree in document["cones"] or ()),
        )

    def document(self) -> dict[str, Any]:
        """As a certificate carries it."""
        return {
            "kind": "sphere",
            "basis": self.basis,
            "edges": [list(edge) for edge in self.edges],
            "bounds": self.heights,
            "proofs": [proof and proof.document() for proof in self.proofs],
            "cones": [tree_document(tree) for tree in self.cones] or None,
        }


AnyEvidence = Evidence | SphereEvidence | TreeEvidence
"""For one output, for several, and for a width."""


def evidence_of(document: dict[str, Any] | None) -> AnyEvidence | None:
    """The evidence of a certificate for every width, as the checker reads it.

    Examples
    --------
    >>> leaf = {"tilt": [0.5, -0.5], "lean": [[0, 1, 0.25]], "tau": [1.0, 2.0], "mu": 3.0}
    >>> document = {"kind": "relaxation", "plus": {"row": 1, "plus": leaf, "minus": leaf}}
    >>> evidence_of(document | {"minus": None}).document()["plus"]["minus"]["lean"]
    [[0, 1, 0.25]]
    """
    if document is None:
        return None
    return KINDS[document["kind"]].read(document)


KINDS: dict[str, type[Evidence] | type[SphereEvidence]] = {
    "relaxation": Evidence,
    "sphere": SphereEvidence,
}


def node_of(document: dict[str, Any]) -> Node:
    """A node of a tree, from what a certificate carries."""
    if "row" not in document:
        return Multipliers.read(document)
    return Split(document["row"], node_of(document["plus"]), node_of(document["minus"]))


def tree_of(document: Any) -> Tree:
    """A cone, from what a certificate carries."""
    if not isinstance(document, dict):
        return np.array(document)
    return Cut(document["corner"], tree_of(document["first"]), tree_of(document["second"]))


def tree_times(tree: Tree, t: float) -> Tree:
    """For bounds that are ``t`` times the ones here."""
    if isinstance(tree, Cut):
        return Cut(tree.corner, tree_times(tree.first, t), tree_times(tree.second, t))
    return np.asarray(t * tree)


def tree_document(tree: Tree) -> Any:
    """As a certificate carries it."""
    if isinstance(tree, Cut):
        first, second = tree_document(tree.first), tree_document(tree.second)
        return {"corner": tree.corner, "first": first, "second": second}
    return tree
