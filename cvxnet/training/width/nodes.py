"""Nodes of the search for exactly m units, and the tree that they leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.training.width.regions import Region, Space
from cvxnet.types import Array


@dataclass(frozen=True, eq=False)
class Atoms:
    """Units of length one in the regions of a node.

    Attributes
    ----------
    U : (k, r) array
    owner : (k,) array
        The place of their region in the node.
    sizes : (k,) array
        What the last master gave them.
    """

    U: Array
    owner: NDArray[np.intp]
    sizes: Array

    def pick(self, which: NDArray[Any]) -> Atoms:
        """Those at an index array or mask."""
        return Atoms(self.U[which], self.owner[which], self.sizes[which])

    def joined(self, more: Atoms) -> Atoms:
        """These and more."""
        return Atoms(
            np.vstack([self.U, more.U]),
            np.concatenate([self.owner, more.owner]),
            np.concatenate([self.sizes, more.sizes]),
        )

    def features(self, space: Space, regions: tuple[Region, ...]) -> Array:
        """Their features, times the sign of their region, (n, k)."""
        signs = np.array([region.sign for region in regions])
        return np.asarray(space.features(self.U) * signs[self.owner])

    def largest_first(self, place: int) -> NDArray[np.intp]:
        """The indices of the units of a region."""
        own = np.flatnonzero(self.owner == place)
        return own[np.argsort(-self.sizes[own], kind="stable")]


@dataclass(frozen=True, eq=False)
class Leaf:
    """What bounds a node: its dual vector, and the bound."""

    v: Array
    bound: float


@dataclass(frozen=True, eq=False)
class Branch:
    """Which of the regions of a node was cut, and where; its children, leaves or branches.

    Of the root, which has no regions, the children are: units of sign + alone, of sign - alone, of
    both signs; those that there may be.
    """

    region: int
    cut: Any
    children: list[Leaf | Branch]

    def below(self) -> Iterator[Leaf | Branch]:
        """All nodes but this one, each before its children."""
        stack = self.children[::-1]
        while stack:
            node = stack.pop()
            yield node
            if isinstance(node, Branch):
                stack += node.children[::-1]

    def leaves(self) -> Iterator[Leaf]:
        """All leaves, in order."""
        return (node for node in self.below() if isinstance(node, Leaf))


@dataclass(eq=False)
class Node:
    """An open node, which is a leaf of the tree until it is branched.

    Attributes
    ----------
    regions : tuple of Region
    atoms : Atoms
        Units there, from the masters of its ancestors.
    free : (f,) array
        The free weights of the last master.
    parent : Branch
        Of whose ``children`` it is the one at ``place``.
    """

    regions: tuple[Region, ...]
    atoms: Atoms
    free: Array
    parent: Branch
    place: int

    @property
    def leaf(self) -> Leaf:
        """Its dual vector and bound."""
        leaf = self.parent.children[self.place]
        assert isinstance(leaf, Leaf)
        return leaf

    @property
    def bound(self) -> float:
        """What is known of the objective of its networks."""
        return self.leaf.bound

    def becomes(self, node: Leaf | Branch) -> None:
        """What stands in its place in the tree."""
        self.parent.children[self.place] = node
