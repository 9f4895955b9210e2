"""What the nodes of a document are, entry by entry, as terms.

Atoms that only move entries are moved by the formulas that evaluate them; others have a line here,
which says what each entry is made of. What has no line is no term, and nothing is proved
about expressions that hold it. Where an atom asks for arguments >= 0 or > 0, that is written down:
the statement is about points where the expression has a value, so it holds for all of it.
"""

from __future__ import annotations

from math import prod
from typing import Any

from ...arrays import Array, require
from ...atoms import FORMULAS
from ...scalars import ZERO
from ...witness import ATTRIBUTES, read_options
from ..statement import Bounds, Statement
from .atoms import ATOMS, MOST_ENTRIES
from .maker import Maker
from .table import Terms

MOST_LEAVES = 500


MOVES = {
    *("Promote", "broadcast_to", "reshape", "transpose", "index", "special_index", "Hstack"),
    *("Vstack", "Concatenate", "diag_vec", "diag_mat", "upper_tri", "real", "conj"),
}


UNREAD = {"complex", "imag", "hermitian", "skew_symmetric"}
"""Attributes of leaves that are no real entries, or entries with more laws than are read here."""


class Entries:
    """The entries of nodes as terms, with the restrictions that the atoms put on them."""

    def __init__(self, statement: Statement, nonneg: set[Any] | None = None) -> None:
        self.statement = statement
        self.known_nonneg = nonneg or set[Any]()
        self.terms = Terms(self.leaf_is_nonneg)
        self.maker = Maker(self.terms)
        self.bounds: dict[int, Bounds] = {}
        self.arrays: dict[int, Array] = {}
        self.alike: dict[Any, int] = {}  # the first of equal nodes

    def leaf_is_nonneg(self, leaf: Any) -> bool:
        """Whether an entry of a leaf is >= 0 by its bounds or by what atoms ask for."""
        if leaf in self.known_nonneg:
            return True
        if leaf[0] == "inner":  # stands for a part, and says so itself
            return bool(leaf[1])
        low = self.bounds_of(leaf[0])[leaf[1]][0]
        return low is not None and bool(low >= 0)

    def bounds_of(self, place: int) -> Bounds:
        """The bounds of a leaf."""
        if place not in self.bounds:
            self.bounds[place] = self.statement.bounds(place)
        return self.bounds[place]

    def of(self, root: int) -> Array:
        """The terms of a node."""
        for place in below(self.statement, root):
            if place not in self.arrays:
                self.arrays[place] = self.node(place)
        return self.arrays[root]

    def node(self, place: int) -> Array:
        """The terms of a node whose arguments are known."""
        node = self.statement.nodes[place]
        name, shape = node["atom"], tuple(node["shape"])
        if name == "leaf":
            return self.leaf(place)
        if name == "constant":
            constant = self.statement.constants[place]
            return Array(shape, [self.terms.number(t) for t in constant.entries])
        arguments = [self.arrays[k] for k in node["args"]]
        if name not in MOVES and name not in ATOMS:
            return self.whole(place)
        options = read_options(node["options"])
        if name in MOVES:
            found = FORMULAS[name](*arguments, **options)
            entries = [self.terms.number(t) if t is ZERO else t for t in found.entries]
            found = Array(found.shape, entries)
        else:
            found = ATOMS[name](self.maker, *arguments, **options)
        require(len(found.entries) <= MOST_ENTRIES, "an expression of too many entries")
        require(found.shape == shape, f"{name} has not the shape {shape}")
        return found

    def whole(self, place: int) -> Array:
        """Entries of which only what the composition calculus says is known."""
        node = self.statement.nodes[place]
        made_of = [t for k in node["args"] for t in self.arrays[k].entries]
        leaves = self.terms.leaves(*made_of) if made_of else []
        require(len(leaves) <= MOST_LEAVES, "an atom of too many leaves")
        arguments = tuple((self.arrays[k].shape, *self.arrays[k].entries) for k in node["args"])
        place = self.alike.setdefault((node["atom"], arguments, repr(node["options"])), place)
        count = prod(node["shape"])
        entries = [
            self.terms.call("whole", *leaves, options=(place, k, *leaves)) for k in range(count)
        ]
        return Array(tuple(node["shape"]), entries)

    def leaf(self, place: int) -> Array:
        """Entries of a leaf; those that are equal by an attribute are one."""
        node = self.statement.nodes[place]
        attributes, shape = set(node["attributes"]), tuple(node["shape"])
        require(not attributes & UNREAD, "a leaf of a kind that is not read here")
        mirrored = bool(attributes & {"symmetric", "PSD", "NSD"} & set(ATTRIBUTES))
        entries = []
        for k, (low, high) in enumerate(self.bounds_of(place)):
            row, column = divmod(k, shape[1]) if len(shape) == 2 else (0, k)
            if low is not None and low == high:
                entries.append(self.terms.number(low))
            elif "diag" in attributes and row != column:
                entries.append(self.terms.number(0))
            else:
                own = min(k, column * shape[1] + row) if mirrored else k
                entries.append(self.terms.leaf((place, own)))
        return Array(shape, entries)


def below(statement: Statement, root: int) -> list[int]:
    """The nodes that a node is made of, arguments first."""
    found, waiting = {root}, [root]
    while waiting:
        for k in statement.nodes[waiting.pop()].get("args", ()):
            if k not in found:
                found.add(k)
                waiting.append(k)
    return sorted(found)
