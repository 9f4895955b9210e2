"""One entry of a CVXPY expression, written with the entries of what it is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cvxpy as cp
import numpy as np
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
        return entry_of(low, place) if low.shape in ((), node.shape) else node[place]
    if works_by_entry(node):
        return node.copy([entry_of(arg, place) for arg in node.args])
    if (
        isinstance(node, MulExpression)
        and len(node.args[1].shape) == 1
        and node.args[0].is_constant()
    ):
        return node.args[0][place[0]] @ node.args[1]
    return node[place]


def works_by_entry(node: Any) -> bool:
    """Whether an entry depends on the same entry of each argument only; scalars are promoted."""
    same = all(arg.shape in ((), node.shape) for arg in inner(node))
    return same and isinstance(node, BY_ENTRY)


def by_entries(node: Any, form: Callable[[Any], Any]) -> Any:
    """What a function makes of every entry, as an array; None where it makes None of one."""
    entries = []
    for place in np.ndindex(node.shape):
        entry = form(entry_of(node, place))
        if entry is None:
            return None
        entries.append(entry)
    return stacked(entries, node.shape)


def stacked(entries: list[Any], shape: tuple[int, ...]) -> Any:
    """Scalars by rows as an array of that shape."""
    flat = cp.hstack(
        [cp.reshape(entry, (), order="F") if entry.shape else entry for entry in entries]
    )
    return flat if len(shape) == 1 else cp.reshape(flat, shape, order="C")
