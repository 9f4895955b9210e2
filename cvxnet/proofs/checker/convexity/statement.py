"""What is claimed: an expression, a domain, and what is said of the expression there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any, NamedTuple, cast

from flint import fmpq

from ..arrays import Array, require
from ..document import RefusalError
from ..dual import Clock
from ..witness import number, read_constants

GOALS = ("convex", "concave", "affine", "quasiconvex", "quasiconcave", "sublevel")
OPPOSITE = {
    "convex": "concave",
    "concave": "convex",
    "affine": "affine",
    "quasiconvex": "quasiconcave",
    "quasiconcave": "quasiconvex",
}
COMPLEX = frozenset({"complex", "imag", "hermitian"})
"""Attributes of leaves whose entries are complex numbers."""
REAL = frozenset({"real", "imag", "abs", "norm1", "norm_inf", "Pnorm", "quad_over_lin"})
"""Atoms with real values, whatever they are made of."""
Node = Mapping[str, Any]
Proof = Mapping[str, Any]
Bounds = list[tuple[fmpq | None, fmpq | None]]
"""Of each entry of a leaf; None where it is infinite."""


@dataclass(frozen=True)
class Statement:
    """The entries asked for have the property ``goal`` on the domain, as functions of the unknowns.

    The domain: all values of the leaves within their bounds and attributes for which every
    constraint holds. The leaves that are no unknowns have one value each, any of the admissible
    ones, and the statement is about all of these. Where an atom has no value nothing is said: the
    statement is about the segments of the domain on which the expression has values. The goal
    "sublevel" says that the points with values at most zero form a convex set, for each entry.

    ``nodes`` are those of the document, each after its arguments (see `witness`); ``entry`` is a
    position in row-major order, or None for all entries; ``proved_bounds`` are bounds of leaves
    that an outer proof has derived from the constraints.
    """

    nodes: Sequence[Node]
    constraints: Sequence[Mapping[str, Any]]
    unknowns: frozenset[int]
    root: int
    goal: str
    entry: int | None = None
    proved_bounds: Mapping[int, Bounds] = field(default_factory=dict)
    memory: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    """What was derived about the nodes, for statements that share nodes, domain and unknowns."""

    def about(self, **changes: Any) -> Statement:
        """The statement with another goal, root, entry, ..."""
        shared = changes.keys() <= {"root", "goal", "entry"}
        return replace(self, **(changes if shared else {"memory": {}, **changes}))

    def extended(self, nodes: Sequence[Node]) -> Statement:
        """The statement with more nodes behind the others, for its proof to use."""
        found = [*self.nodes, *nodes]
        for place in range(len(self.nodes), len(found)):
            check_node(place, found[place])
            require(found[place]["atom"] != "leaf", "a proof may not bring leaves")
        return self.about(nodes=found)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the root."""
        return tuple(self.nodes[self.root]["shape"])

    @property
    def entries(self) -> list[int]:
        """The positions that the statement is about."""
        return list(range(prod(self.shape))) if self.entry is None else [self.entry]

    @cached_property
    def constants(self) -> dict[int, Array]:
        """The values of the constants, by their place."""
        return read_constants(list(self.nodes))

    @property
    def complex_places(self) -> set[int]:
        """The places of the nodes that may have complex entries."""
        if "complex" not in self.memory:
            found = self.memory["complex"] = set[int]()
            for place, node in enumerate(self.nodes):
                inner = node["atom"] not in REAL and any(k in found for k in node.get("args", ()))
                if inner or is_complex(node):
                    found.add(place)
        return cast(set[int], self.memory["complex"])

    def bounds(self, place: int) -> Bounds:
        """The bounds of each entry of a leaf: given, by its attributes, or proved."""
        if place in self.proved_bounds:
            return self.proved_bounds[place]
        leaf = self.nodes[place]
        check_real_leaf(leaf)
        pairs = zip(leaf["low"], leaf["high"], strict=True)
        return [admissible(low, high, set(leaf["attributes"])) for low, high in pairs]


def is_complex(node: Node) -> bool:
    """Whether a leaf or a constant has complex entries."""
    return bool(COMPLEX & set(node.get("attributes", ()))) or any(
        map(is_complex_number, node.get("entries", ()))
    )


def is_complex_number(value: Any) -> bool:
    """Whether the entry of a constant is complex, which is text."""
    return isinstance(value, str) and value.rstrip(")").endswith("j")


def check_real_leaf(leaf: Node) -> None:
    """Refuse what has no bounds."""
    require(leaf["atom"] == "leaf", "only leaves have bounds")
    require(not COMPLEX & set(leaf["attributes"]), "complex numbers have no bounds")


def admissible(low: Any, high: Any, attributes: set[str]) -> tuple[fmpq | None, fmpq | None]:
    """The bounds of one entry, given and by its attributes; refused where no number is between."""
    least = None if low is None else number(low)
    most = None if high is None else number(high)
    if {"nonneg", "pos"} & attributes:
        least = fmpq(0) if least is None else max(least, fmpq(0))
    if {"nonpos", "neg"} & attributes:
        most = fmpq(0) if most is None else min(most, fmpq(0))
    empty = least is not None and most is not None and least > most
    require(not empty, "a leaf without admissible values: all would be true of it")
    return least, most


def check_node(place: int, node: Node) -> None:
    """Refuse a node that does not come after its arguments."""
    require(all(0 <= k < place for k in node.get("args", ())), "arguments come first")


def check_places(places: Sequence[Any], nodes: Sequence[Node]) -> None:
    """Refuse what are not places of different leaves; one below zero would name none."""
    require(all(type(k) is int and 0 <= k < len(nodes) for k in places), "there is no such leaf")
    require(all(nodes[k]["atom"] == "leaf" for k in places), "unknowns are leaves")
    require(len(set(places)) == len(places), "a leaf is named twice")


class Checking(NamedTuple):
    """A check in progress: the time left, and how parts of a proof are checked."""

    clock: Clock
    kinds: Mapping[str, Kind]

    def prove(self, statement: Statement, proof: Any) -> None:
        """Refuse unless the proof proves the statement."""
        self.clock.check()
        require(statement.goal in GOALS, f"nothing is proved here about {statement.goal!r}")
        kind = proof.get("kind") if isinstance(proof, dict) else None
        if not isinstance(kind, str) or kind not in self.kinds:
            raise RefusalError(f"there is no kind of proof {kind!r}")
        self.kinds[kind](statement, proof, self)


Kind = Callable[[Statement, Proof, Checking], None]
"""Checks one kind of proof; returns where the statement is proved, refuses otherwise."""
