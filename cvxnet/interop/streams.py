"""What the tensors of a graph are as functions of its input, and the layers that they come to.

A stream is another stream and one step after it, so streams are a tree whose root is the input. Two
that meet again in a sum or a product have a last stream in common: what stands between is two paths
of steps. Steps that work entry by entry are kept as functions until all of a formula is there; see
`cvxnet.interop.recognition`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.interop.recognition import Function, activation_like, identity, row_function_like
from cvxnet.layers import BatchNorm, Conv2d, Flatten, LayerNorm, Linear, Residual, Sequential
from cvxnet.layers.layer import Layer
from cvxnet.types import Array

Shape: TypeAlias = tuple[int | None, ...]
"""Of one sample; None where the file does not say."""

MOST_STEPS = 2000
"""A stream that would be computed with more is refused: formulas can grow exponentially."""
MOST_ENTRIES = 2**24
"""Of a matrix that stands for a selection of columns or for a convolution."""
TINY = 1e-300
"""Added to a variance in doubles it changes nothing."""


@dataclass(frozen=True, eq=False)
class Formula:
    """A function of each entry, or of each row, that is not known as a layer yet.

    Attributes
    ----------
    function : callable
        Of arrays of rows.
    numbers : set of float
        Those in the formula.
    rowwise : bool
        Whether it reduces rows, rather than working entry by entry.
    instead : callable, optional
        What it is where it is neither an activation nor a function of rows.
    """

    function: Function
    numbers: frozenset[float] = frozenset()
    rowwise: bool = False
    instead: Callable[[], Part] | None = None


@dataclass(frozen=True, eq=False)
class Scaling:
    """``weight (z - mean) / spread + bias`` in each column; scalars hold for all of them."""

    mean: Array
    spread: Array
    weight: Array
    bias: Array

    @classmethod
    def of(
        cls, *, mean: object = 0.0, spread: object = 1.0, weight: object = 1.0, bias: object = 0.0
    ) -> Scaling:
        """With what is left out changing nothing."""
        return cls(*(np.asarray(v, dtype=np.float64) for v in (mean, spread, weight, bias)))

    @property
    def line(self) -> tuple[Array, Array]:
        """Slope and value at zero."""
        slope = self.weight / self.spread
        return slope, self.bias - self.mean * slope

    @property
    def numbers(self) -> frozenset[float]:
        """Those in it, as decimals."""
        return frozenset(decimal(v) for v in (self.mean, self.spread, self.weight, self.bias))

    @property
    def scalar(self) -> bool:
        """Whether it is the same in all columns."""
        return max(v.ndim for v in (self.mean, self.spread, self.weight, self.bias)) == 0

    def __call__(self, z: Array) -> Array:
        return self.weight * (z - self.mean) / self.spread + self.bias

    def then(self, later: Scaling) -> Scaling:
        """Both as one. Subtracting and dividing stay what they are, so a scaler keeps its numbers.

        Examples
        --------
        >>> both = Scaling.of(mean=3.0).then(Scaling.of(spread=2.0)).then(Scaling.of(bias=1.0))
        >>> float(both.mean), float(both.spread), float(both.weight), float(both.bias)
        (3.0, 2.0, 1.0, 1.0)
        """
        slope, shift = later.line
        plain = not np.any(self.bias) and np.all(self.weight == 1.0)
        if plain and np.all(self.spread == 1.0):
            return replace(later, mean=self.mean + later.mean)
        if plain and not np.any(later.mean):
            return replace(later, mean=self.mean, spread=self.spread * later.spread)
        return replace(self, weight=self.weight * slope, bias=self.bias * slope + shift)

    def layer(self, width: int) -> BatchNorm:
        """Of that many columns."""
        ones = np.ones(width)
        return BatchNorm(width, eps=TINY).load_state_dict(
            {
                "weight": self.weight * np.sign(self.spread) * ones,
                "bias": self.bias * ones,
                "running_mean": self.mean * ones,
                "running_var": self.spread**2 * ones,
            }
        )


@dataclass(frozen=True, eq=False)
class Selection:
    """Some columns of those that come in, in some order."""

    index: Array
    width: int

    def layer(self) -> Linear:
        """As a matrix of zeros and ones."""
        return linear(np.eye(self.width)[self.index])


Part: TypeAlias = Layer | Scaling | Selection
Step: TypeAlias = Layer | Scaling | Selection | Formula


@dataclass(frozen=True, eq=False)
class Stream:
    """A tensor of the graph.

    Attributes
    ----------
    shape : tuple
        Of one sample.
    parent : Stream, optional
        What comes before the step; None for the input of the graph.
    step : Step, optional
        None where only the shape changes.
    depth : int
        How many streams there are before this one.
    steps : int
        How many steps it takes to compute it, each as often as it is computed.
    where : str
        The node, for messages.
    precision : float
        Of the numbers in the file.
    """

    shape: Shape
    parent: Stream | None = None
    step: Step | None = None
    depth: int = 0
    steps: int = 0
    where: str = "the input"
    precision: float = 0.0

    def then(
        self, step: Step | None, shape: Shape | None = None, where: str = "", steps: int = 1
    ) -> Stream:
        """With one more step."""
        shape = self.shape if shape is None else shape
        total = self.steps + steps
        if total > MOST_STEPS:
            raise UnsupportedError(f"{where}: more than {MOST_STEPS} steps lead to it.")
        return replace(
            self,
            shape=shape,
            parent=self,
            step=step,
            depth=self.depth + 1,
            steps=total,
            where=where or self.where,
        )

    @property
    def width(self) -> int | None:
        """The number of columns of its rows."""
        sizes = [size for size in self.shape if size is not None]
        return math.prod(sizes) if len(sizes) == len(self.shape) else None

    def since(self, before: Stream) -> list[Stream]:
        """The streams after an earlier one up to this one, first to last."""
        path, stream = [], self
        while stream is not before:
            path.append(stream)
            assert stream.parent is not None  # before is one of its ancestors
            stream = stream.parent
        return path[::-1]


def decimal(value: Any) -> float:
    """A number in single precision as the shortest decimal that rounds to it; others as they are.

    Examples
    --------
    >>> decimal(0.009999999776482582), decimal(0.1)
    (0.01, 0.1)
    """
    single = np.float32(value) if abs(value) < 1e38 else np.float32(np.inf)
    return float(str(single)) if float(single) == float(value) else float(value)


def last_in_common(one: Stream, other: Stream) -> Stream:
    """Where the ways to two streams part.

    Examples
    --------
    >>> x = Stream((2,))
    >>> last_in_common(x.then(None).then(None), x.then(None)) is x
    True
    """
    while one is not other:
        if one.depth < other.depth:
            one, other = other, one
        assert one.parent is not None  # the input is common to all
        one = one.parent
    return one


def as_formula(step: Step | None) -> Formula | None:
    """The step as a function of entries or rows, where it is one."""
    if step is None:
        return Formula(identity)
    if isinstance(step, Scaling) and step.scalar:
        return Formula(step, step.numbers)
    return step if isinstance(step, Formula) else None


def path_formula(path: Sequence[Stream]) -> Formula | None:
    """All steps of a path as one function, where they are."""
    formulas = [as_formula(stream.step) for stream in path]
    known = [formula for formula in formulas if formula is not None]
    return composed(known) if len(known) == len(formulas) else None


def composed(formulas: Sequence[Formula]) -> Formula:
    """One after the other."""
    functions = [formula.function for formula in formulas]
    return Formula(
        function=lambda z: reduce(lambda value, function: function(value), functions, z),
        numbers=frozenset().union(*(formula.numbers for formula in formulas)),
        rowwise=any(formula.rowwise for formula in formulas),
    )


def layers_between(before: Stream, after: Stream) -> list[Layer]:
    """The layers that lead from one stream to a later one."""
    return finished(parts_between(before, after), before.width)


def parts_between(before: Stream, after: Stream) -> list[Part]:
    """The same before neighbours are folded into each other."""
    path = [stream for stream in after.since(before) if stream.step is not None]
    parts: list[Part] = []
    while path:
        part, used = next_part(path)
        if part is not identity:
            parts.append(part)
        path = path[used:]
    return parts


def next_part(path: Sequence[Stream]) -> tuple[Any, int]:
    """What the first steps of a path are (or `identity`), and how many: as many as possible."""
    first = path[0].step
    run: list[Formula] = []
    for stream in path:
        formula = as_formula(stream.step)
        if formula is None:
            break
        run.append(formula)
    for used in range(len(run), 0, -1):
        found = recognised(composed(run[:used]), path[0])
        if found is not None:
            return found, used
    if isinstance(first, Formula):
        if first.instead is None:
            raise UnsupportedError(
                f"{path[0].where}: no layer of cvxnet is this function. Covered are the "
                "activations that from_onnx lists; train with one of them."
            )
        return first.instead(), 1
    return first, 1


def recognised(formula: Formula, first: Stream) -> Any:
    """The activation or row function that a formula is, `identity`, or None."""
    if not formula.rowwise:
        return activation_like(formula.function, formula.numbers, first.precision)
    width = first.parent.width if first.parent else None
    if width is None:
        return None
    return row_function_like(formula.function, width, formula.numbers, first.precision)


def finished(parts: Sequence[Part], width: int | None) -> list[Layer]:
    """The parts as layers: scalings and selections become part of Linear layers beside them."""
    merged = merge(list(parts), merge_into_earlier)
    merged = merge(merged, merge_into_later)
    return list(as_layers(merged, width))


def as_layers(parts: Sequence[Part], width: int | None) -> Iterator[Layer]:
    """Scalings and selections that are left get layers of their own."""
    for part in parts:
        if isinstance(part, Scaling):
            if width is None:
                raise UnsupportedError(
                    "the file does not say how many columns its input has. Export it with a fixed "
                    "number of features."
                )
            yield part.layer(width)
        elif isinstance(part, Selection):
            width = len(part.index)
            if part.width * width > MOST_ENTRIES:
                raise UnsupportedError(
                    f"it takes {width} of {part.width} columns in another order, which would be a "
                    "Linear layer of too many weights. Export it with images in the order "
                    "(channels, height, width)."
                )
            yield part.layer()
        else:
            yield part
            width = part.width(width)


def merge(
    parts: list[Part], rule: Callable[[Part, Part, bool], list[Part] | None]
) -> list[Part]:
    """Neighbours made one by a rule, which also gets whether they are the first."""
    done: list[Part] = []
    for part in parts:
        done.append(part)
        while len(done) > 1 and (one := rule(done[-2], done[-1], len(done) == 2)) is not None:
            done[-2:] = one
    return done


def merge_into_earlier(one: Part, other: Part, first: bool) -> list[Part] | None:
    """What comes right after a Linear layer, a convolution, a scaling or a normalisation."""
    if isinstance(other, Scaling):
        return scaled(one, other)
    if isinstance(other, Selection) and type(one) is Linear:
        return [linear(one.weight[other.index], None if one.bias is None else one.bias[other.index])]
    if isinstance(one, Selection) and isinstance(other, Selection):
        return [Selection(one.index[other.index], one.width)]
    if isinstance(one, Selection) and type(other) is Flatten:
        return [other, one]
    return None


def scaled(one: Part, scaling: Scaling) -> list[Part] | None:
    """A layer and a scaling after it as one layer."""
    slope, shift = scaling.line
    if isinstance(one, Scaling):
        return [one.then(scaling)]
    if type(one) is Linear:
        bias = shift if one.bias is None else one.bias * slope + shift
        if one.bias is None and not np.any(shift):
            return [linear(one.weight * np.reshape(slope, (-1, 1)))]
        weight = one.weight * np.reshape(slope, (-1, 1))
        return [linear(weight, np.broadcast_to(bias, len(one.weight)))]
    if type(one) is Conv2d:
        return scaled_conv(one, slope, shift)
    if isinstance(one, BatchNorm | LayerNorm) and {slope.size, shift.size} <= {1, one.features}:
        state = one.state_dict()
        state |= {"weight": state["weight"] * slope, "bias": state["bias"] * slope + shift}
        return [type(one)(one.features, one.eps).load_state_dict(state)]
    return None


def scaled_conv(conv: Conv2d, slope: Array, shift: Array) -> list[Part] | None:
    """A convolution and a scaling that is the same all over each of its channels."""
    channels, places = conv.out_channels, math.prod(conv.windows.out)
    by_channel = []
    for values in (slope, shift):
        spread = np.broadcast_to(values, channels * places).reshape(channels, places)
        if np.any(spread != spread[:, :1]):
            return None
        by_channel.append(spread[:, 0])
    options = conv.options() | {"bias": True}
    bias = np.zeros(channels) if conv.bias is None else conv.bias
    state = {
        "weight": conv.weight * by_channel[0][:, None, None, None],
        "bias": bias * by_channel[0] + by_channel[1],
    }
    if conv.bias is None and not np.any(by_channel[1]):
        options, _ = options | {"bias": False}, state.pop("bias")
    return [Conv2d(**options).load_state_dict(state)]


def merge_into_later(one: Part, other: Part, first: bool) -> list[Part] | None:
    """What comes right before a Linear layer; a scaler of the input stays as it is."""
    if type(other) is not Linear:
        return None
    if isinstance(one, Selection):
        weight = np.zeros((other.out_features, one.width))
        np.add.at(weight.T, one.index, other.weight.T)
        return [linear(weight, other.bias)]
    if isinstance(one, Scaling) and not first:
        slope, shift = one.line
        more = other.weight @ np.broadcast_to(shift, other.in_features)
        bias = more if other.bias is None else other.bias + more
        keep = other.bias is None and not np.any(more)
        return [linear(other.weight * slope, None if keep else bias)]
    return None


def linear(weight: Array, bias: Array | None = None) -> Linear:
    """A Linear layer with these weights.

    Examples
    --------
    >>> linear(np.ones((1, 2)), np.ones(1))([1.0, 1.0])
    array([3.])
    """
    state = {"weight": weight} | ({} if bias is None else {"bias": bias})
    out, columns = weight.shape
    return Linear(columns, out, bias=bias is not None).load_state_dict(state)


def line_between(before: Stream, after: Stream) -> tuple[Array, Array] | None:
    """Matrix (in, out) and shift, where what leads from one stream to the other is linear."""
    layers = layers_between(before, after)
    if before.width is None or not all(isinstance(layer, Linear | BatchNorm) for layer in layers):
        return None
    values = reduce(lambda z, layer: layer(z), layers, np.eye(before.width + 1, before.width, -1))
    return values[1:] - values[0], values[0]


def as_one(layers: Sequence[Layer]) -> Layer:
    """A layer that is all of these."""
    return layers[0] if len(layers) == 1 else Sequential(*layers)


def residual(before: Stream, body: Stream, shortcut: Stream) -> Part:
    """The sum of two streams, as what comes after the stream that they have in common."""
    bodies, shortcuts = layers_between(before, body), layers_between(before, shortcut)
    if len(bodies) < len(shortcuts):
        bodies, shortcuts = shortcuts, bodies
    if not bodies:
        return Scaling.of(weight=2.0)
    return Residual(as_one(bodies), shortcut=as_one(shortcuts) if shortcuts else None)
