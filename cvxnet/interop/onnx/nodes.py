"""Nodes of ONNX graphs: their inputs and options, and what those that calculate make of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit, ndtr

from cvxnet.errors import UnsupportedError
from cvxnet.interop.folding import Part, Scaling, decimal
from cvxnet.interop.onnx.recognition import Function
from cvxnet.interop.onnx.streams import (
    Columns,
    Formula,
    Stream,
    last_in_common,
    path_formula,
    residual,
)
from cvxnet.types import Array

Constant: TypeAlias = NDArray[Any]
BATCH = 2**52
"""Stands for the number of rows in shapes that a graph computes."""


@dataclass(frozen=True)
class Unread:
    """A tensor that cvxnet has no layers for: what is wrong, and the kind of node that made it.

    Attributes
    ----------
    why : str
        For a message.
    kind : str
        Of the node.
    sources : tuple of str
        The names of the tensors that the node reads.
    """

    why: str
    kind: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Node:
    """One node of a graph, with what its inputs are.

    Attributes
    ----------
    kind, name : str
        The operator and the name of the node, or of its output.
    inputs : sequence of Stream, array or None
        None where an optional one is left out.
    options : mapping of str to object
        Its attributes.
    opset : int
        The version of the operators.
    """

    kind: str
    name: str
    inputs: Sequence[Stream | Constant | None]
    options: Mapping[str, Any]
    opset: int

    @property
    def where(self) -> str:
        """How messages call it."""
        return f"node {self.name!r} ({self.kind})"

    def refusal(self, why: str) -> UnsupportedError:
        """What is not covered here."""
        return UnsupportedError(f"{self.where}: {why}")

    def input(self, position: int) -> Stream | Constant | None:
        """An input; None where it is left out."""
        return self.inputs[position] if position < len(self.inputs) else None

    def stream(self, position: int = 0) -> Stream:
        """An input that depends on the input of the graph."""
        value = self.input(position)
        if not isinstance(value, Stream):
            raise self.refusal(f"its input {position} is a constant or missing.")
        return value

    def constant(self, position: int) -> Constant | None:
        """An input that is a constant, or left out."""
        value = self.input(position)
        if isinstance(value, Stream | Columns):
            raise self.refusal(
                f"its input {position} depends on the input of the graph, cvxnet's is a constant."
            )
        return value

    def array(self, position: int) -> Array:
        """A constant input as float64."""
        value = self.constant(position)
        if value is None:
            raise self.refusal(f"its input {position} is missing.")
        return np.asarray(value, dtype=np.float64)

    def whole(self, name: str, position: int, default: Sequence[int] | None) -> list[int] | None:
        """Whole numbers that are an attribute in some opsets and an input in others."""
        value = self.options.get(name, self.constant(position))
        if value is None:
            return None if default is None else list(default)
        return [int(v) for v in np.atleast_1d(value)]

    def number(self, name: str, default: float) -> float:
        """A float attribute: ONNX keeps them in single precision, so 0.01 is what rounds to it."""
        return decimal(np.float32(self.options.get(name, default)))

    def only(self, name: str, *values: Any) -> None:
        """Refuse an attribute with another value than these; the first is its default."""
        value = self.options.get(name, values[0])
        if value not in values:
            raise self.refusal(f"{name}={value!r} is not supported, only {values[-1]!r}.")

    def axis(self, rank: int, default: int) -> int:
        """The attribute ``axis``, counted from the first, which is the rows."""
        axis = int(self.options.get("axis", default))
        return axis + rank if axis < 0 else axis


def single_number(constant: Constant) -> float | None:
    """The number that all entries are; None where they differ."""
    if constant.size and (constant == constant.flat[0]).all():
        return decimal(constant.flat[0])
    return None


def normal_gelu(z: Array) -> Array:
    """``z Phi(z)``."""
    return z * ndtr(z)


def tanh_gelu(z: Array) -> Array:
    """The approximation of it by ``tanh``."""
    return 0.5 * z * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (z + 0.044715 * z**3)))


def softplus(z: Array) -> Array:
    """``log(1 + exp(z))``."""
    return np.logaddexp(0.0, z)


def elu(z: Array, alpha: float) -> Array:
    """``z`` for z >= 0, ``alpha (exp(z) - 1)`` below."""
    return np.where(z >= 0.0, z, alpha * np.expm1(np.minimum(z, 0.0)))


ENTRYWISE: dict[str, Function] = {
    "Abs": np.abs,
    "Erf": erf,
    "Exp": np.exp,
    "Log": np.log,
    "Not": np.logical_not,
    "Reciprocal": np.reciprocal,
    "Relu": lambda z: np.maximum(z, 0.0),
    "Sigmoid": expit,
    "Sign": np.sign,
    "Softplus": softplus,
    "Softsign": lambda z: z / (1.0 + np.abs(z)),
    "HardSwish": lambda z: z * np.clip(z / 6.0 + 0.5, 0.0, 1.0),
    "Mish": lambda z: z * np.tanh(softplus(z)),
    "Sqrt": np.sqrt,
    "Tanh": np.tanh,
}
"""Functions of one input without options."""

OPTIONED: dict[str, tuple[Callable[..., Array], dict[str, float]]] = {
    "Celu": (lambda z, alpha: alpha * elu(z / alpha, 1.0), {"alpha": 1.0}),
    "Elu": (elu, {"alpha": 1.0}),
    "LeakyRelu": (lambda z, alpha: np.where(z >= 0.0, z, alpha * z), {"alpha": 0.01}),
    "Selu": (
        lambda z, alpha, gamma: gamma * elu(z, alpha),
        {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805},
    ),
    "ThresholdedRelu": (lambda z, alpha: np.where(z > alpha, z, 0.0), {"alpha": 1.0}),
    "Swish": (lambda z, alpha: z * expit(alpha * z), {"alpha": 1.0}),
}
"""Functions of one input with numbers as attributes, and their defaults."""


def largest(*values: Array) -> Array:
    """Entry by entry."""
    result = values[0]
    for value in values[1:]:
        result = np.maximum(result, value)
    return result


def smallest(*values: Array) -> Array:
    """Entry by entry."""
    return -largest(*(-np.asarray(value) for value in values))


OPERATORS: dict[str, Callable[..., Array]] = {
    "Add": np.add,
    "Div": np.divide,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Max": largest,
    "Min": smallest,
    "Mul": np.multiply,
    "Pow": np.power,
    "PRelu": lambda z, slope: np.where(z >= 0.0, z, slope * z),
    "Sub": np.subtract,
    "Where": np.where,
}
"""Functions of several inputs, entry by entry with broadcasting."""

SCALINGS: dict[tuple[str, int], Callable[[Array], Scaling]] = {
    ("Add", 0): lambda c: Scaling.of(bias=c),
    ("Add", 1): lambda c: Scaling.of(bias=c),
    ("Sub", 0): lambda c: Scaling.of(mean=c),
    ("Sub", 1): lambda c: Scaling.of(weight=-1.0, bias=c),
    ("Mul", 0): lambda c: Scaling.of(weight=c),
    ("Mul", 1): lambda c: Scaling.of(weight=c),
    ("Div", 0): lambda c: Scaling.of(spread=c),
}
"""Arithmetic with one constant, by the place of the stream."""


def entrywise(node: Node) -> Stream:
    """A function of one input."""
    return node.stream().then(Formula(ENTRYWISE[node.kind]), where=node.where)


def optioned(node: Node) -> Stream:
    """A function of one input with numbers as attributes."""
    function, defaults = OPTIONED[node.kind]
    given = {name: node.number(name, default) for name, default in defaults.items()}
    formula = Formula(lambda z: function(z, **given), frozenset(given.values()))
    return node.stream().then(formula, where=node.where)


def gelu(node: Node) -> Stream:
    """Exact or approximate."""
    exact = node.options.get("approximate", b"none") == b"none"
    return node.stream().then(Formula(normal_gelu if exact else tanh_gelu), where=node.where)


def negative(node: Node) -> Stream:
    """``-z``."""
    return node.stream().then(Scaling.of(weight=-1.0), where=node.where)


def hard_sigmoid(node: Node) -> Stream:
    """``alpha z + beta``, clipped to [0, 1]."""
    line = Scaling.of(weight=node.number("alpha", 0.2), bias=node.number("beta", 0.5))
    formula = Formula(lambda z: np.clip(z, 0.0, 1.0), frozenset({0.0, 1.0}))
    return node.stream().then(line, where=node.where).then(formula, where=node.where)


def clip(node: Node) -> Stream:
    """Limits are attributes up to opset 10, then inputs, and may be left out."""
    limits = []
    for position, (name, default) in enumerate((("min", -np.inf), ("max", np.inf)), start=1):
        given = node.constant(position)
        value = node.options.get(name, default) if given is None else given
        limits.append(decimal(value) if np.isfinite(value) else float(value))
    low, high = limits
    numbers = frozenset(value for value in limits if np.isfinite(value))
    formula = Formula(lambda z: np.minimum(np.maximum(z, low), high), numbers)
    return node.stream().then(formula, where=node.where)


def operator(node: Node) -> Stream:
    """A function of several inputs: constants are scalars, or those of the columns."""
    streams = [value for value in node.inputs if isinstance(value, Stream)]
    place = 0 if isinstance(node.inputs[0], Stream) else 1
    other = node.input(1 - place)
    if isinstance(other, np.ndarray) and (node.kind, place) in SCALINGS:
        return scaled(node, streams[0], other, SCALINGS[node.kind, place])
    common = reduce(last_in_common, streams)
    arguments = [argument(node, value, common) for value in node.inputs]
    known = [formula for formula in arguments if formula is not None]
    if len(known) == len(arguments):
        return calculated(node, common, streams, known)
    if node.kind in ("Add", "Sub") and len(streams) == 2:
        return added(node, common, streams)
    raise node.refusal(
        "parts of the network meet here that are not functions of the same entries. cvxnet has "
        "sums of parts (Residual), but no products, choices or maxima of them."
    )


def argument(node: Node, value: Stream | Constant | None, common: Stream) -> Formula | None:
    """An input as a function of the last stream that all have in common."""
    if isinstance(value, Stream):
        return path_formula(value.since(common))
    number = None if value is None else single_number(value)
    if number is None or value is None:
        return None
    return Formula(lambda z: np.asarray(number), frozenset({number}))


def calculated(
    node: Node, common: Stream, streams: list[Stream], arguments: list[Formula]
) -> Stream:
    """Entry by entry, of formulas of the same stream."""
    function = OPERATORS[node.kind]
    shape = broadcast_shape(node, [stream.shape for stream in streams])
    summed = node.kind in ("Add", "Sub") and len(streams) == 2
    alike = summed and streams[0].shape == streams[1].shape
    formula = Formula(
        function=lambda z: function(*(formula.function(z) for formula in arguments)),
        numbers=frozenset().union(*(formula.numbers for formula in arguments)),
        rowwise=any(formula.rowwise for formula in arguments),
        instead=(lambda: sum_of(node, common, streams)) if alike else None,
    )
    return common.then(formula, shape, node.where, steps_of(common, streams))


def added(node: Node, common: Stream, streams: list[Stream]) -> Stream:
    """The sum or difference of two parts of the network."""
    one, other = streams
    if one.shape != other.shape:
        raise node.refusal(
            f"it adds parts of the shapes {one.shape} and {other.shape}; cvxnet's are the same."
        )
    part = sum_of(node, common, streams)
    return common.then(part, one.shape, node.where, steps_of(common, streams))


def sum_of(node: Node, common: Stream, streams: list[Stream]) -> Part:
    """The sum or difference of two streams."""
    one, other = streams
    if node.kind == "Sub":
        other = other.then(Scaling.of(weight=-1.0), where=node.where)
    return residual(common, one, other)


def prelu(node: Node) -> Stream:
    """Slopes that differ between columns are a sum: ``(1 - slope) max(z, 0) + slope z``."""
    z, slope = node.stream(), node.constant(1)
    if slope is None or single_number(slope) is not None:
        return operator(node)
    positive = z.then(Formula(ENTRYWISE["Relu"]), where=node.where)
    positive = scaled(node, positive, 1.0 - slope.astype(np.float64), SCALINGS["Mul", 0])
    part = residual(z, positive, scaled(node, z, slope, SCALINGS["Mul", 0]))
    return z.then(part, where=node.where, steps=4)


def steps_of(common: Stream, streams: Sequence[Stream]) -> int:
    """How many steps it takes to compute what several streams are joined to."""
    return 1 + sum(stream.steps - common.steps for stream in streams)


def broadcast_shape(node: Node, shapes: Sequence[Any]) -> Any:
    """The common shape of what is joined entry by entry."""
    if all(shape == shapes[0] for shape in shapes):
        return shapes[0]
    if any(None in shape for shape in shapes) or len({len(shape) for shape in shapes}) > 1:
        raise node.refusal(f"it joins parts of the shapes {', '.join(map(str, shapes))}.")
    try:
        return tuple(int(size) for size in np.broadcast_shapes(*shapes))
    except ValueError:
        raise node.refusal(f"it joins parts of the shapes {', '.join(map(str, shapes))}.") from None


def scaled(
    node: Node, stream: Stream, constant: Constant, scaling: Callable[[Array], Scaling]
) -> Stream:
    """Arithmetic with a constant: a scalar, or one number for each column."""
    if node.kind == "Div" and not constant.all():
        raise node.refusal("it divides by zero.")
    number = single_number(constant)
    sizes = [size for size in constant.shape if size != 1]
    if number is not None and (not sizes or fits(constant, stream)):
        exact = float(constant.flat[0])
        return stream.then(scaling(np.asarray(exact)), where=node.where)
    if stream.shape == (None,) and len(sizes) == 1:
        stream = stream.then(None, (sizes[0],))
    if not fits(constant, stream):
        raise node.refusal(
            f"its constant has the shape {constant.shape}, which does not fit samples of the shape "
            f"{stream.shape}."
        )
    columns = np.broadcast_to(constant.astype(np.float64), (1, *stream.shape)).ravel()
    return stream.then(scaling(columns), where=node.where)


def fits(constant: Constant, stream: Stream) -> bool:
    """Whether a constant is spread over the entries of samples, the same for all samples."""
    if None in stream.shape:
        return False
    shape = (1, *stream.shape)
    try:
        return np.broadcast_shapes(constant.shape, shape) == shape
    except ValueError:
        return False
