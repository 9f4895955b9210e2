"""The evidence that a tree makes.

Each leaf needs a vector whose dual value is at least the bound of the whole tree, and most leaves
have a better one. A multiple of that which is just good enough leaves room below the weight decay:
then four bytes a number are enough, and the checker has less to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cvxnet.training.problem import Problem
from cvxnet.training.width.evidence import TreeEvidence
from cvxnet.training.width.nodes import Branch, Leaf
from cvxnet.training.width.tree import Tree
from cvxnet.types import Array

HALVINGS = 14
"""Of the interval in which the smallest multiple of a vector is looked for."""
SMALLER = 2.0**-20
"""A vector of four bytes a number is made shorter by this, at least, for its rounding."""
ROOM = 2.0**-32
"""All others are, by this: pricing and the checker, who moves v off the free part, round."""


def tree_evidence(tree: Tree) -> TreeEvidence:
    """The tree as it is, open nodes with the vectors that they have so far."""
    vectors, numbers, nodes = list[Array](), dict[int, int](), list[Any]()
    lower = tree.lower
    for node in preorder(tree.root):
        if isinstance(node, Branch):
            nodes.append([node.region, *node.cut])
            continue
        if id(node.v) not in numbers:
            vectors.append(shortest(tree.problem, node.v, lower))
            numbers[id(node.v)] = len(vectors)
        nodes.append(numbers[id(node.v)])
    return TreeEvidence(tree.space.rows.tolist(), np.array(vectors), nodes)


def preorder(root: Branch) -> Iterator[Branch | Leaf]:
    """All nodes but the root."""
    stack = root.children[::-1]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Branch):
            stack += node.children[::-1]


def shortest(problem: Problem, v: Array, lower: float) -> Array:
    """The shortest multiple of a vector with that bound, in numbers of four bytes where they do."""

    def bound(v: Array) -> float:
        return float(-problem.loss.conjugate(v, problem.y))

    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if bound(middle * v) >= lower else (middle, high)
    short = min(high * (1.0 + SMALLER), 1.0 - SMALLER) * v
    short = short.astype(np.float32).astype(np.float64)
    if bound(problem.make_feasible(short)) >= lower:
        return short
    return min(high, 1.0 - ROOM) * v
