"""Branching on the signs of rows: smaller bounds on pricing, as long as there is time.

Where ``x_l.u >= 0`` is known, |x_l.u| is linear. A tree of such cases covers all units, and the
largest bound of its leaves is one on them. The leaf with the largest bound is split first, on the
row whose sign is most in doubt: the one for which ``|w_l| (E |x_l.u| - |x_l.E u|)`` is largest, by
what the leaf's multipliers stand for. Children start from the multipliers of their parent, with
which their bounds are no larger than its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnet.training.bounds.evidence import Evidence, Node, Split
from cvxnet.training.bounds.relaxation import Side
from cvxnet.types import Array

LARGEST = 1_500_000
"""Numbers that the evidence of a forest may have: some 20 MB of a certificate."""


@dataclass
class Branch:
    """A node with its children; a leaf has none."""

    side: Side
    row: int = -1
    children: tuple[Branch, ...] = ()

    def leaves(self) -> list[Branch]:
        """All leaves below, or this one."""
        return [leaf for child in self.children for leaf in child.leaves()] or [self]

    def evidence(self) -> Node:
        """The tree as evidence."""
        if not self.children:
            return self.side.multipliers()
        plus, minus = (child.evidence() for child in self.children)
        return Split(self.row, plus, minus)


class Forest:
    """A tree for the pricing function and one for its negative.

    Examples
    --------
    >>> rows, v = np.eye(2), np.array([3.0, -4.0])  # rho(v) is 4
    >>> forest = Forest(rows, (1.0, 0.0), v)
    >>> len(forest.sides), len(forest.grow()), len(forest.sides), bool(forest.bound() >= 4.0)
    (2, 2, 3, True)
    """

    def __init__(self, rows: Array, slopes: tuple[float, float], v: Array) -> None:
        self.roots = [Branch(Side(rows, slopes, sign, v)) for sign in (1.0, -1.0)]

    @property
    def sides(self) -> list[Side]:
        """What the leaves bound."""
        return [leaf.side for root in self.roots for leaf in root.leaves()]

    def bound(self) -> float:
        """A proved bound on ``rho(v)``; not a number where that of a leaf is none."""
        return float(np.max([side.bound() for side in self.sides]))

    def evidence(self) -> Evidence:
        """What proves it."""
        return Evidence(*(root.evidence() for root in self.roots))

    def grow(self) -> list[Side]:
        """Split the leaf with the largest bound; returns its children, none where it cannot be."""
        leaves = [leaf for root in self.roots for leaf in root.leaves()]
        leaf = max(leaves, key=lambda leaf: leaf.side.bound())
        row = leaf.side.most_in_doubt()
        if row is None or sum(leaf.side.numbers for leaf in leaves) > LARGEST:
            return []
        leaf.row = row
        leaf.children = tuple(Branch(leaf.side.child(row, sign)) for sign in (1.0, -1.0))
        return [child.side for child in leaf.children]
