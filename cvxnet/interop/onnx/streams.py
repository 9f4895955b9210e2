"""What the tensors of a graph are as functions of its input, and the layers that they come to.

A stream is another stream and one step after it, so streams are a tree whose root is the input. Two
that meet again in a sum or a product have a last stream in common: what stands between is two paths
of steps. Steps that work entry by entry are kept as functions until all of a formula is there; see
`cvxnet.interop.onnx.recognition`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import takewhile
from typing import Any, TypeAlias

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.interop.folding import Part, Scaling, Selection, finished
from cvxnet.interop.onnx.recognition import (
    ACTIVATIONS,
    Function,
    activation_like,
    identity,
    row_function_like,
    stretched_like,
)
from cvxnet.layers import BatchNorm, Linear, Residual, Sequential
from cvxnet.layers.activations import Activation
from cvxnet.layers.layer import Layer
from cvxnet.types import Array

Shape: TypeAlias = tuple[Any, ...]
"""Of one sample, in whole numbers; None where the file does not say."""

MOST_STEPS = 2000
"""A stream that would be computed with more is refused: formulas can grow exponentially."""


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
        return [*takewhile(lambda stream: stream is not before, self.upward())][::-1]

    def upward(self) -> Iterator[Stream]:
        """This stream, what comes before it, and so on to the input."""
        stream: Stream | None = self
        while stream is not None:
            yield stream
            stream = stream.parent


@dataclass(frozen=True, eq=False)
class Columns:
    """A tensor whose columns are the samples: a stream of rows, turned."""

    rows: Stream


def last_in_common(one: Stream, other: Stream) -> Stream:
    """Where the ways to two streams part.

    Examples
    --------
    >>> x = Stream((2,))
    >>> last_in_common(x.then(None).then(None), x.then(None)) is x
    True
    """
    passed = {id(stream) for stream in one.upward()}
    return next(stream for stream in other.upward() if id(stream) in passed)


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
        found, used = next_parts(path)
        parts += found
        path = path[used:]
    return parts


def next_parts(path: Sequence[Stream]) -> tuple[list[Part], int]:
    """What the first steps of a path are, and how many: as many as possible."""
    first = path[0].step
    run = []
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
            known = ", ".join(kind.__name__ for kind in ACTIVATIONS)
            raise UnsupportedError(
                f"{path[0].where}: no layer of cvxnet is this function. Its activations are "
                f"{known}; train the network with one of them."
            )
        return [first.instead()], 1
    return ([] if first is None else [first]), 1


def recognised(formula: Formula, first: Stream) -> list[Part] | None:
    """The layers that a formula is, by its values; None where there are none."""
    function, numbers, precision = formula.function, formula.numbers, first.precision
    if formula.rowwise:
        width = first.parent.width if first.parent else None
        layer = None if width is None else row_function_like(function, width, numbers, precision)
        return None if layer is None else [layer]
    found = activation_like(function, numbers, precision)
    if found is None and not isinstance(first.step, Scaling):
        stretched = stretched_like(function, numbers, precision)
        if stretched is None:
            return None
        c, activation = stretched
        return [Scaling.of(weight=c), activation, Scaling.of(spread=c)]
    if isinstance(found, Activation):
        return [found]
    return None if found is None else []


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
