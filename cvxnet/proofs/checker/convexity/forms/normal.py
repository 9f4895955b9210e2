"""Normal forms: the entries of expressions as polynomials in entries of leaves and in functions.

The laws are in `algebra`, which atoms they are laws of in `atoms`. A form equals its entry
wherever the expression has values. Where that is are its conditions: what must be positive, not
negative, or other than zero. An atom that no law is known of is a symbol, the same for the same
arguments. An entry ``s log s`` stands for 0 at s = 0, like CVXPY's.
"""

from __future__ import annotations

from math import prod
from typing import Any

from ...arrays import Array, require
from ...atoms import FORMULAS
from ...document import RefusalError
from ...dual import Clock
from ...scalars import ZERO
from ...witness import read_options
from ..statement import Statement
from .algebra import Algebra
from .atoms import Evaluation, evaluate
from .conditions import Conditions, implied
from .factors import SIGMOID, Factor, powers_of
from .polynomials import Polynomial, as_polynomial
from .ranges import Range

MOST_ENTRIES = 20_000
MIRRORED = frozenset({"symmetric", "PSD", "NSD"})


class NormalForms:
    """The normal forms of the nodes of a statement, each computed when it is asked for.

    Attributes
    ----------
    algebra : Algebra
        Its factors are the symbols; forms of different algebras must not be compared.
    arrays : dict
        The entries of the nodes, by their place; None for a node without normal form.
    conditions : dict
        What has to hold for a node to have a value.
    """

    def __init__(self, statement: Statement, clock: Clock) -> None:
        self.statement, self.clock = statement, clock
        self.algebra = Algebra(clock.check)
        self.arrays: dict[int, Array | None] = {}
        self.conditions: dict[int, Conditions] = {}

    def of(self, root: int) -> list[Polynomial]:
        """The forms of the entries of a node; refused where it has none."""
        for place in below(self.statement, root):
            if place not in self.arrays:
                self.add(place)
        array = self.arrays[root]
        if array is None:
            raise RefusalError(f"{self.statement.nodes[root]['atom']} has no normal form")
        return [as_polynomial(t) for t in array.entries]

    def of_or_nothing(self, root: int) -> list[Polynomial]:
        """The same; no entries where it has none."""
        try:
            return self.of(root)
        except RefusalError:
            self.clock.check()
            return []

    def add(self, place: int) -> None:
        """The forms of one node, from those of its arguments."""
        self.clock.check()
        node = self.statement.nodes[place]
        places = [] if node["atom"] in ("leaf", "constant") else node["args"]
        evaluation = Evaluation(self.algebra, node, set())
        arguments = [self.arrays[k] for k in places]
        try:
            self.arrays[place] = self.array(place, arguments, evaluation)
        except (RefusalError, ZeroDivisionError, RecursionError):
            self.clock.check()
            self.arrays[place] = None
        self.conditions[place] = frozenset(evaluation.found).union(
            *(self.conditions[k] for k in places)
        )

    def array(self, place: int, arguments: list[Any], evaluation: Evaluation) -> Array:
        """The entries of one node; those that are known numbers are rationals."""
        node = self.statement.nodes[place]
        require(prod(node["shape"]) <= MOST_ENTRIES, "too many entries for normal forms")
        require(None not in arguments, "an argument has no normal form")
        if node["atom"] == "constant":
            return self.statement.constants[place]
        if node["atom"] == "leaf":
            return self.leaf(place)
        require(node["atom"] in FORMULAS, f"there is no formula for {node['atom']}")
        value = evaluate(evaluation, arguments, read_options(node["options"]))
        require(value.shape == tuple(node["shape"]), "a node has not the shape that it claims")
        return value

    def leaf(self, place: int) -> Array:
        """The entries of a leaf as symbols; what its attributes make equal is one symbol."""
        node = self.statement.nodes[place]
        shape, attributes = tuple(node["shape"]), set(node["attributes"])
        entries = list[Any]()
        for k, (low, high) in enumerate(self.statement.bounds(place)):
            row, column = divmod(k, shape[-1]) if len(shape) == 2 else (0, 0)
            if "diag" in attributes and row != column:
                entries.append(ZERO)
            elif low is not None and low == high:
                entries.append(low)
            elif attributes & MIRRORED and row > column:
                entries.append(entries[column * shape[-1] + row])
            else:
                among = Range(low, high, "pos" in attributes)
                entries.append(self.algebra.factor("entry", (place, k), [], among))
        return Array(shape, entries)

    def equal(self, one: int, two: int) -> bool:
        """Whether wherever node ``one`` has values, so has ``two``, and they are the same."""
        first, second = self.of(one), self.of(two)
        if self.statement.nodes[one]["shape"] != self.statement.nodes[two]["shape"]:
            return False
        known = self.conditions[one]
        if not all(implied(self.algebra, c, known) for c in self.conditions[two]):
            return False
        return all(self.is_zero(a - b) for a, b in zip(first, second, strict=True))

    def is_zero(self, polynomial: Polynomial) -> bool:
        """Whether it is, multiplied by its denominators."""
        while polynomial.terms:
            self.clock.check()
            fractions = fractions_in(polynomial)
            if not fractions:
                return False
            polynomial = self.algebra.cleared(polynomial, fractions[-1])
        return True


def normal_forms(statement: Statement, clock: Clock) -> NormalForms:
    """The normal forms of the nodes of a statement: ``of(place)`` gives those of all entries."""
    return NormalForms(statement, clock)


def equal(statement: Statement, one: int, two: int, clock: Clock) -> bool:
    """Whether wherever node ``one`` has values, so has ``two``, and they are the same.

    So a proof about ``two`` is one about ``one``. False also where no law known here shows it.
    """
    try:
        return normal_forms(statement, clock).equal(one, two)
    except RefusalError:
        clock.check()
        return False


def fractions_in(polynomial: Polynomial) -> list[Factor]:
    """The factors that are fractions, in the order in which they were made."""
    names = ("inverse", SIGMOID)
    factors = {f for m in polynomial.terms for f, _ in powers_of(m) if f.name in names}
    return sorted(factors, key=lambda f: f.number)


def below(statement: Statement, root: int) -> list[int]:
    """The root and all nodes that it depends on, arguments first."""
    found, waiting = set[int](), [root]
    while waiting:
        place = waiting.pop()
        if place not in found:
            found.add(place)
            waiting += statement.nodes[place].get("args", ())
    return sorted(found)
