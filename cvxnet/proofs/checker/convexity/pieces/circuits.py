"""Piecewise-linear expressions as circuits: affine functions and positive parts of them, exactly.

Every atom that is piecewise linear is made of affine functions and of ``max(z, 0)``:

    max(a, b) = b + max(a - b, 0)        min(a, b) = -max(-a, -b)        abs(t) = max(t, -t)

so an expression becomes a list of gates, ``h_j = max(z_j, 0)`` where z_j is affine in the inputs
and in the gates before it, and each entry is affine in the inputs and all gates. A gate is made
once: ``max(s z, 0) = s max(z, 0)`` for s > 0 and ``max(-z, 0) = max(z, 0) - z`` use the one of z.
Where the bounds of the inputs show that z has one sign, there is no gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from operator import mul
from typing import Any, TypeAlias

from flint import fmpq

from ...arrays import (
    Array,
    accumulated,
    axes_of,
    entrywise,
    matrix_product,
    reduced,
    require,
    reshaped,
    rows_by_columns,
)
from ...atoms import FORMULAS, LINEAR, evaluate
from ...dual import Clock
from ...witness import read_options
from ..statement import Node, Statement

MOST_GATES = 4000
MOST_TERMS = 4_000_000
ZERO, ONE = fmpq(0), fmpq(1)
Range: TypeAlias = tuple[fmpq | None, fmpq | None]
Terms: TypeAlias = dict[int, fmpq]
"""Coefficients, not zero, by the number of the input or gate; the constant has the number 0."""


class Affine:
    """An affine function of inputs and gates; arithmetic with numbers and others of its kind."""

    __slots__ = ("terms",)

    def __init__(self, terms: Terms) -> None:
        self.terms = terms

    @property
    def constant(self) -> fmpq:
        """The value where all inputs and gates are zero."""
        return self.terms.get(0, ZERO)

    @property
    def is_number(self) -> bool:
        """Whether nothing but a constant is left."""
        return not self.terms or (len(self.terms) == 1 and 0 in self.terms)

    def __add__(self, other: Any) -> Affine:
        return combined([(ONE, self), (ONE, as_affine(other))])

    __radd__ = __add__

    def __neg__(self) -> Affine:
        return self.scaled(-ONE)

    def __sub__(self, other: Any) -> Affine:
        return combined([(ONE, self), (-ONE, as_affine(other))])

    def __rsub__(self, other: Any) -> Affine:
        return combined([(ONE, as_affine(other)), (-ONE, self)])

    def __mul__(self, other: Any) -> Affine:
        one, two = self, as_affine(other)
        if one.is_number:
            one, two = two, one
        require(two.is_number, "a product of two functions is not piecewise linear")
        return one.scaled(two.constant)

    __rmul__ = __mul__

    def scaled(self, factor: fmpq) -> Affine:
        """A multiple."""
        return Affine({k: factor * v for k, v in self.terms.items()} if factor else {})


def as_affine(value: Any) -> Affine:
    """A number as a constant function."""
    if isinstance(value, Affine):
        return value
    require(isinstance(value, fmpq), "a number that is not rational")
    return Affine({0: value} if value else {})


def combined(parts: Iterable[tuple[fmpq, Affine]]) -> Affine:
    """A sum of multiples.

    >>> one, two = Affine({0: fmpq(1), 3: fmpq(1)}), Affine({3: fmpq(-2)})
    >>> combined([(fmpq(2), one), (fmpq(1), two)]).terms
    {0: 2}
    """
    total: Terms = {}
    for factor, part in parts:
        for k, value in part.terms.items():
            total[k] = total[k] + factor * value if k in total else factor * value
    return Affine({k: value for k, value in total.items() if value})


class Circuit:
    """The inputs, the gates, and the entries of every node.

    Attributes
    ----------
    ranges : list
        The range of each number: 0 is the constant, then inputs, then gates.
    inputs : int
        How many inputs there are, numbered from 1.
    free : set
        The inputs in which the expression is to be convex; others have one value each, any.
    gates : list of Affine
        What each gate is the positive part of; the gate j has the number ``inputs + 1 + j``.
    origins : list of (int, int)
        The place of the node that made the gate, and which of its positive parts it is.
    """

    def __init__(self, statement: Statement, clock: Clock) -> None:
        self.statement, self.clock = statement, clock
        self.ranges: list[Range] = [(ONE, ONE)]
        self.free: set[int] = set()
        self.numbers: dict[int, list[int]] = {}
        self.leaves = {
            place: self.read_leaf(place)
            for place, node in enumerate(statement.nodes)
            if node["atom"] == "leaf"
        }
        self.inputs = len(self.ranges) - 1
        self.gates: list[Affine] = []
        self.origins: list[tuple[int, int]] = []
        self.place, self.parts, self.terms = 0, 0, 0
        self.known: dict[tuple[tuple[int, fmpq], ...], tuple[int, fmpq]] = {}

    def read_leaf(self, place: int) -> Array:
        """An input for each entry of a leaf; a number where its bounds meet."""
        leaf = self.statement.nodes[place]
        shape, attributes = tuple(leaf["shape"]), set(leaf["attributes"])
        numbers, entries = [], []
        for k, (low, high) in enumerate(self.statement.bounds(place)):
            other = mirrored(k, shape, attributes)
            if other is None or (low is not None and low == high):
                numbers.append(0)
                entries.append(as_affine(ZERO if other is None else low))
            elif other < k:
                numbers.append(numbers[other])
                entries.append(entries[other])
            else:
                numbers.append(len(self.ranges))
                entries.append(Affine({len(self.ranges): ONE}))
                self.ranges.append((low, high))
        if place in self.statement.unknowns:
            self.free |= {number for number in numbers if number}
        self.numbers[place] = numbers
        return Array(shape, entries)

    def move(self, number: int) -> None:
        """Let an input be itself plus ``max(s, 0)`` for a new input s: the first gate.

        The weight of this gate is the derivative in the input. Only what is near s = 0 counts, so
        nothing moves as far as ranges are concerned.
        """
        require(not self.gates, "an input that is moved too late")
        self.inputs += 1
        self.ranges += [(None, None), (ZERO, ZERO)]
        self.free = {self.inputs}
        self.gates, self.origins = [Affine({self.inputs: ONE})], [(-1, 0)]
        moved = Affine({number: ONE, self.inputs + 1: ONE})
        for place, leaf in self.leaves.items():
            entries = [moved if entry.terms == {number: ONE} else entry for entry in leaf.entries]
            self.leaves[place] = Array(leaf.shape, entries)

    def gate(self, number: int) -> int:
        """Which gate has a number; negative for inputs."""
        return number - self.inputs - 1

    def range(self, z: Affine) -> Range:
        """Bounds of an affine function, by those of what it is made of."""
        low: fmpq | None = ZERO
        high: fmpq | None = ZERO
        for k, factor in z.terms.items():
            first, last = self.ranges[k] if factor > 0 else self.ranges[k][::-1]
            low = None if low is None or first is None else low + factor * first
            high = None if high is None or last is None else high + factor * last
        return low, high

    def positive_part(self, value: Any) -> Affine:
        """``max(z, 0)``: a gate, unless z is a number, has one sign, or had its gate before."""
        z = as_affine(value)
        self.parts += 1
        low, high = self.range(z)
        if low is not None and low >= 0:
            return z
        if high is not None and high <= 0:
            return Affine({})
        lead = z.terms[max(z.terms)]
        key = tuple(sorted((k, v / lead) for k, v in z.terms.items()))
        if key not in self.known:
            self.known[key] = (self.new_gate(z, high), lead)
        number, scale = self.known[key]
        part = Affine({number: abs(lead / scale)})
        return part if lead / scale > 0 else part + z

    def new_gate(self, z: Affine, high: fmpq | None) -> int:
        """The number of a new gate."""
        require(len(self.gates) < MOST_GATES, "a piecewise-linear function of too many gates")
        self.terms += len(z.terms)
        require(self.terms < MOST_TERMS, "a piecewise-linear function of too many terms")
        self.clock.check()
        self.gates.append(z)
        self.origins.append((self.place, self.parts - 1))
        self.ranges.append((ZERO, high))
        return len(self.ranges) - 1

    def larger(self, s: Any, t: Any) -> Affine:
        """The maximum."""
        return as_affine(t) + self.positive_part(as_affine(s) - t)

    def smaller(self, s: Any, t: Any) -> Affine:
        """The minimum."""
        return as_affine(t) - self.positive_part(as_affine(t) - s)

    def size(self, t: Any) -> Affine:
        """The absolute value."""
        return self.larger(t, -as_affine(t))

    def largest_sum(self, row: Sequence[Any], k: fmpq) -> Affine:
        """The sum of the k largest, one sweep of comparisons for each."""
        whole, rest, found = int(k.floor()), list(row), []
        for _ in range(min(whole + 1, len(row))):
            top = rest[0]
            for place, other in enumerate(rest[1:], 1):
                larger = self.larger(top, other)
                rest[place], top = as_affine(top) + other - larger, larger
            found.append(top)
            rest = rest[1:]
        parts = [(min(ONE, k - place), as_affine(top)) for place, top in enumerate(found)]
        return combined([(factor, top) for factor, top in parts if factor > 0])

    def entries_of(self, root: int) -> list[Affine]:
        """The entries of a node, each as an affine function of inputs and gates."""
        values: dict[int, Array] = {}
        for place in needed(self.statement.nodes, root):
            self.clock.check()
            self.place, self.parts = place, 0
            values[place] = self.value(self.statement.nodes[place], values)
            shape = tuple(self.statement.nodes[place]["shape"])
            require(values[place].shape == shape, "an atom that has not the shape it claims")
        return [as_affine(entry) for entry in values[root].entries]

    def value(self, node: Node, values: Mapping[int, Array]) -> Array:
        """The entries of one node: numbers where all arguments are, else affine functions."""
        if node["atom"] == "leaf":
            return self.leaves[self.place]
        if node["atom"] == "constant":
            return self.statement.constants[self.place]
        arguments = [values[k] for k in node["args"]]
        options, name = read_options(node["options"]), node["atom"]
        if all(isinstance(entry, fmpq) for array in arguments for entry in array.entries):
            return evaluate(name, arguments, options)
        if name in ADDING:
            return FORMULAS[name](*arguments, **options)
        require(name in OPERATIONS, f"{name} is not piecewise linear")
        return OPERATIONS[name](self, *arguments, **options)


def mirrored(k: int, shape: tuple[int, ...], attributes: set[str]) -> int | None:
    """The entry that an entry of a symmetric matrix equals; None off the diagonal of a diagonal."""
    if not attributes & {"symmetric", "diag", "PSD", "NSD"}:
        return k
    i, j = divmod(k, shape[1])
    if "diag" in attributes:
        return k if i == j else None
    return min(k, j * shape[1] + i)


def needed(nodes: Sequence[Node], root: int) -> list[int]:
    """The places of the nodes below a root, arguments first."""
    found, stack = {root}, [root]
    while stack:
        for k in nodes[stack.pop()].get("args", ()):
            if k not in found:
                found.add(k)
                stack.append(k)
    return sorted(found)


def product(circuit: Circuit, left: Array, right: Array) -> Array:
    """The matrix product of which one factor is constant."""

    def dot(row: list[Any], column: list[Any]) -> Any:
        circuit.clock.check()
        return combined(map(as_factor, row, column))

    return matrix_product(left, right, mul, rows_by_columns(dot))


def as_factor(s: Any, t: Any) -> tuple[fmpq, Affine]:
    """A product as a multiple of an affine function."""
    s, t = as_affine(s), as_affine(t)
    s, t = (s, t) if s.is_number else (t, s)
    require(s.is_number, "a product of two functions is not piecewise linear")
    return s.constant, t


def summed(row: Sequence[Any]) -> Affine:
    """A sum of many."""
    return combined((ONE, as_affine(t)) for t in row)


def along(function: Callable[[Circuit, list[Any]], Any]) -> Callable[..., Array]:
    """An operation on the entries along an axis."""

    def operation(circuit: Circuit, x: Array, axis: Any = None, keepdims: bool = False) -> Array:
        axes_of(x, axis)
        return reduced(lambda row: function(circuit, row), x, axis, keepdims)

    return operation


def leaky(circuit: Circuit, x: Array, slope: fmpq) -> Array:
    """``max(t, 0) + slope min(t, 0)``."""
    return entrywise(lambda t: slope * as_affine(t) + (1 - slope) * circuit.positive_part(t), x)


def clipped(circuit: Circuit, x: Array, low: fmpq, high: fmpq) -> Array:
    """``min(max(t, low), high)``."""
    return entrywise(lambda t: circuit.smaller(circuit.larger(t, low), high), x)


def sum_largest(
    circuit: Circuit, x: Array, k: fmpq | int, axis: Any = None, keepdims: bool = False
) -> Array:
    """Of the entries along an axis."""
    require(k >= 0, "a sum of less than no entries")
    return reduced(lambda row: circuit.largest_sum(row, fmpq(k)), x, axis, keepdims)


def first_power(circuit: Circuit, x: Array, p: fmpq) -> Array:
    """``t^1``."""
    require(p == 1, "a power is not piecewise linear")
    return x


def quotients(x: Array, y: Array) -> Array:
    """Entry by entry, by numbers other than zero; of the shape of x if that has as many entries."""
    value = entrywise(lambda s, t: as_affine(s).scaled(1 / number_of(t)), x, y)
    return reshaped(value, x.shape) if len(value.entries) == len(x.entries) else value


def number_of(value: Any) -> fmpq:
    """The value of a constant other than zero."""
    t = as_affine(value)
    require(t.is_number and t.constant != 0, "a division by what may be zero")
    return t.constant


ADDING = {*LINEAR, "multiply"}
"""Atoms whose formulas only add, move and multiply by constants."""

OPERATIONS: dict[str, Callable[..., Array]] = {
    "MulExpression": product,
    "DivExpression": lambda circuit, x, y: quotients(x, y),
    "Sum": along(lambda circuit, row: summed(row)),
    "maximum": lambda circuit, *args: reduce(lambda s, t: entrywise(circuit.larger, s, t), args),
    "minimum": lambda circuit, *args: reduce(lambda s, t: entrywise(circuit.smaller, s, t), args),
    "max": along(lambda circuit, row: reduce(circuit.larger, row)),
    "min": along(lambda circuit, row: reduce(circuit.smaller, row)),
    "cummax": lambda circuit, x, axis: accumulated(circuit.larger, x, axis),
    "abs": lambda circuit, x: entrywise(circuit.size, x),
    "norm1": along(lambda circuit, row: summed([circuit.size(t) for t in row])),
    "norm_inf": along(lambda circuit, row: reduce(circuit.larger, map(circuit.size, row))),
    "sum_largest": sum_largest,
    "Power": first_power,
    "cvxnet.leaky_relu": leaky,
    "cvxnet.hardtanh": clipped,
}
