"""What can be seen of expressions at once: whether two are the same, what is squared, a number."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis.algebra_atoms import multiply
from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.derivation import derive_facts
from cvxnet.analysis.operations import exponent_of
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Tape, bare, dense, inner

MOST_COMPARED = 200  # nodes of two expressions that are compared part by part


def is_nonneg(expression: Any, question: Question) -> bool:
    """Whether every entry is proved to be >= 0."""
    return bool((derive_facts(question, Tape([expression]))[-1].low >= 0.0).all())


def is_same(one: Any, two: Any) -> bool:
    """Whether two expressions are made of the same leaves and constants in the same way."""
    if one is two:
        return True
    tapes = Tape([one]), Tape([two])
    if one.shape != two.shape or max(len(tape.nodes) for tape in tapes) > MOST_COMPARED:
        return False
    return structure(tapes[0]) == structure(tapes[1])


def structure(tape: Tape) -> list[Any]:
    """The nodes as comparable values; leaves are themselves, whatever their names."""
    return [
        (id(node) if not node.args and not isinstance(node, cp.Constant) else plain(node), inputs)
        for node, inputs in zip(tape.nodes, tape.inputs, strict=True)
    ]


def plain(value: Any) -> Any:
    """A node without its arguments, a constant or an option as a value that can be compared."""
    if isinstance(value, cp.Constant):
        return "constant", value.shape, dense(value.value).tobytes()
    if isinstance(value, cp.Expression) and inner(value):
        options: Any = value.get_data()  # type: ignore[func-returns-value]  # atoms override it
        return type(value), value.shape, tuple(map(plain, options or ()))
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    simple = value is None or isinstance(value, bool | int | float | str | slice | np.number)
    return repr(value) if simple else id(value)


def is_number(node: Any, value: float) -> bool:
    """Whether a node is a constant with that value everywhere."""
    inner = bare(node)
    return isinstance(inner, cp.Constant) and bool(np.all(dense(inner.value) == value))


def square_of(node: Any) -> Any:
    """The argument of a square or of a sum of squares, or None."""
    if isinstance(node, POWERS) and exponent_of(node) == 2:
        return node.args[0]
    if isinstance(node, multiply) and is_same(*node.args):
        return node.args[0]
    if isinstance(node, cp.quad_over_lin) and node.axis is None and is_number(node.args[1], 1.0):
        return node.args[0]
    return None
