"""One entry of a CVXPY expression, written with the entries of what it is made of."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
from cvxpy.atoms.elementwise.elementwise import Elementwise

from cvxnet.analysis.algebra_atoms import (
    AddExpression,
    DivExpression,
    MulExpression,
    NegExpression,
    multiply,
)
from cvxnet.analysis.tape import bare, dense, inner

BY_ENTRY = (Elementwise, AddExpression, DivExpression, NegExpression, multiply)


def entry_of(node: Any, place: tuple[int, ...]) -> Any:
    """The scalar ``node[place]``, with the index moved to the leaves where atoms work by entry."""
    if not node.shape:
        return node
    if isinstance(node, cp.Constant):
        return cp.Constant(dense(node.value)[place])
    low = bare(node)
    if low is not node:
        return (
            low
            if not low.shape
            else node[place]
            if low.shape != node.shape
            else entry_of(low, place)
        )
    if isinstance(node, BY_ENTRY) and all(arg.shape in ((), node.shape) for arg in inner(node)):
        return node.copy([entry_of(arg, place) for arg in node.args])
    if (
        isinstance(node, MulExpression)
        and len(node.args[1].shape) == 1
        and node.args[0].is_constant()
    ):
        return node.args[0][place[0]] @ node.args[1]
    return node[place]


def stacked(entries: list[Any], shape: tuple[int, ...]) -> Any:
    """Scalars by rows as an array of that shape."""
    flat = cp.hstack(
        [cp.reshape(entry, (), order="F") if entry.shape else entry for entry in entries]
    )
    return flat if len(shape) == 1 else cp.reshape(flat, shape, order="C")
