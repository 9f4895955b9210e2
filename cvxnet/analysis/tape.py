"""An expression as a list of nodes in the order of evaluation, each node once.

CVXPY walks its trees without memory, which takes 2^L steps through L residual layers, and
recursively, which ends at 90 layers. The tape does neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

Node: TypeAlias = Any
"""A CVXPY expression; its classes do not declare what only some of them have (``p``, ``k``)."""
Batch: TypeAlias = NDArray[Any]
"""Values of a node, of floats or objects, with one more axis in front: the points."""
Value = TypeVar("Value")


class Tape:
    """The nodes of one or more expressions, arguments before what uses them.

    Attributes
    ----------
    nodes : list
        CVXPY expressions, each object once.
    inputs : list of tuple of int
        For each node the places of its arguments.
    """

    def __init__(self, roots: Sequence[cp.Expression]) -> None:
        self.nodes: list[Any] = []
        self.inputs: list[tuple[int, ...]] = []
        self.place: dict[int, int] = {}
        for root in roots:
            self._visit(root)

    def _visit(self, root: Any) -> None:
        stack: list[tuple[Any, list[Any] | None]] = [(root, None)]
        while stack:
            node, arguments = stack.pop()
            if id(node) in self.place:
                continue
            if arguments is None:
                arguments = inner(node)
                stack.append((node, arguments))
                stack.extend((arg, None) for arg in reversed(arguments))
            else:
                self.place[id(node)] = len(self.nodes)
                self.nodes.append(node)
                self.inputs.append(tuple(self.place[id(arg)] for arg in arguments))

    def leaves(self) -> list[Any]:
        """Variables and parameters, in order of appearance."""
        return [n for n in self.nodes if isinstance(n, cp.Variable | cp.Parameter)]

    def evaluate(
        self, leaf: Callable[[Node], Value], node: Callable[[Node, list[Value]], Value]
    ) -> list[Value]:
        """What two hooks make of every node, in order.

        Parameters
        ----------
        leaf : callable of a node
            For what is made of no other expressions: variables, parameters, constants.
        node : callable of a node and what was made of its arguments
            For all others.
        """
        values: list[Value] = []
        for current, inputs in zip(self.nodes, self.inputs, strict=True):
            arguments = [values[k] for k in inputs]
            values.append(node(current, arguments) if inputs else leaf(current))
        return values


def inner(node: Any) -> list[Any]:
    """The expressions that a node is made of; indicators and partial problems are made of others.

    About those only CVXPY has a word.
    """
    arguments: list[Any] = node.args
    return arguments if all(isinstance(a, cp.Expression) for a in arguments) else []


def is_foreign(node: Any) -> bool:
    """Whether a node is made of something else than expressions."""
    return bool(node.args) and not inner(node)


def bound(value: Any, otherwise: float) -> Any:
    """A declared bound of a leaf as an array; one that depends on a parameter may be anything."""
    if isinstance(value, cp.Expression):
        value = None if value.parameters() else value.value
    return otherwise if value is None else dense(value)


def dense(value: Any) -> Any:
    """A constant's value as a plain array, of complex numbers where it has some."""
    array = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    return array if np.iscomplexobj(array) else array.astype(np.float64)


def bare(node: Any) -> Any:
    """The leaf below promotions."""
    while type(node).__name__ in ("Promote", "broadcast_to"):
        node = node.args[0]
    return node


ATOMS = {"Power": "power", "GeoMean": "geo_mean", "Pnorm": "pnorm"}


def chosen(mask: str) -> str:
    """A mask in brackets as the positions that it picks."""
    places = [k for k, word in enumerate(mask[1:-1].split(", ")) if word == "True"]
    return f"[{places[0]}]" if len(places) == 1 else f"[{places}]"


CVXPY_SAYS = (
    (r"Promote\(([^(),]+), \([^()]*\)\)", r"\1"),
    (r"reshape\(([^(),]+), \([^()]*\), \w\)", r"\1"),
    (r"\b(Power|GeoMean|Pnorm)Approx\(", lambda found: ATOMS[found[1]] + "("),
    (r"\[(?:True|False)(?:, (?:True|False))*\]", lambda found: chosen(found[0])),
    (r"\bSum\(([^()]*), None, False\)", r"sum(\1)"),
    (r"\bquad_over_lin\(([^()]*), 1\.0, None, False\)", r"sum_squares(\1)"),
    (r"(?<![\d.])(\d+)\.0(?!\d)", r"\1"),
    (r"\+ -", "- "),
)  # what CVXPY prints, and what people write


def short(value: Any) -> str:
    """An expression or constraint in at most 60 characters."""
    text = " ".join(str(value).split())
    for pattern, written in CVXPY_SAYS:
        text = re.sub(pattern, written, text)
    return text if len(text) <= 60 else text[:57] + "..."
