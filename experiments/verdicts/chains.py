"""Piecewise-linear networks as plain numbers: exact values, and convexity by brute force.

Nothing here knows cvxnet's way to decide: a network of two inputs is cut into its cells, polygons
with rational corners, one affine function each. A continuous function that is affine on each cell
is convex if and only if it is the largest of its pieces: if it is convex, every piece supports it;
and a largest of affine functions is convex. Both sides are affine on a cell, so its corners decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from cvxnet.layers import Abs, HardTanh, Layer, LeakyReLU, Linear, Maxout, ReLU, Sequential

SLOPE = Fraction(1, 4)
FAR = Fraction(10**9)
"""Half of the side of the square: corners of cells of small whole numbers lie far inside."""
LAYERS = {
    "relu": ReLU,
    "abs": Abs,
    "leaky": lambda: LeakyReLU(float(SLOPE)),
    "hardtanh": HardTanh,
    "maxout": lambda: Maxout(2),
}
Row = list[Fraction]
"""An affine function of the inputs: coefficients, and the constant last."""
Point = tuple[Fraction, ...]
Cell = list[Point]


@dataclass(frozen=True)
class Chain:
    """Layers of whole or dyadic numbers with one activation between them, and one output.

    Attributes
    ----------
    weights, biases : sequences of arrays
        Of each layer: (out, in) and (out,).
    activation : str
        One of `LAYERS`.
    """

    weights: Sequence[np.ndarray]
    biases: Sequence[np.ndarray]
    activation: str = "relu"

    @property
    def inputs(self) -> int:
        """How many there are."""
        return int(self.weights[0].shape[1])

    def network(self) -> Sequential:
        """The same as a cvxnet network."""
        layers: list[Layer] = []
        for weight, bias in zip(self.weights, self.biases, strict=True):
            layer = Linear(weight.shape[1], weight.shape[0])
            layer.load_state_dict({"weight": weight, "bias": bias})
            layers += [layer, LAYERS[self.activation]()]
        return Sequential(*layers[:-1])

    def exact(self) -> Iterator[tuple[list[Row], bool]]:
        """Each layer's rows, the bias last, as fractions; and whether an activation follows."""
        last = len(self.weights) - 1
        for k, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            rows = np.column_stack([weight, bias])
            yield [[Fraction(float(v)) for v in row] for row in rows], k < last

    def value(self, point: Point) -> Fraction:
        """The exact output."""
        values = list(point)
        for rows, bends in self.exact():
            values = [dot(row[:-1], values) + row[-1] for row in rows]
            values = bent(values, self.activation) if bends else values
        return values[0]


def dot(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction:
    """The sum of products."""
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def bent(values: list[Fraction], activation: str) -> list[Fraction]:
    """The activation of numbers."""
    if activation == "maxout":
        return [max(pair) for pair in zip(values[::2], values[1::2], strict=True)]
    formulas = {
        "relu": lambda t: max(t, Fraction(0)),
        "abs": abs,
        "leaky": lambda t: max(t, SLOPE * t),
        "hardtanh": lambda t: max(Fraction(-1), min(Fraction(1), t)),
    }
    return [formulas[activation](value) for value in values]


# Cells


def is_convex(chain: Chain) -> bool:
    """Whether a network of one or two inputs is convex: it is the largest of its pieces."""
    found = list(pieces(chain))
    functions = {tuple(function) for _, function in found}
    return all(
        at(function, corner) >= max(at(other, corner) for other in functions)
        for cell, function in found
        for corner in cell
    )


def pieces(chain: Chain) -> Iterator[tuple[Cell, Row]]:
    """The cells with the affine function on each."""
    square: Cell = [(-FAR, -FAR), (FAR, -FAR), (FAR, FAR), (-FAR, FAR)]
    start = square if chain.inputs == 2 else [(-FAR,), (FAR,)]
    columns = range(chain.inputs + 1)
    cells = [(start, [[Fraction(int(i == j)) for j in columns] for i in columns[:-1]])]
    for rows, bends in chain.exact():
        cells = [(cell, [through(row, inner) for row in rows]) for cell, inner in cells]
        if bends:
            cells = [part for cell, inner in cells for part in cut(cell, inner, chain.activation)]
    yield from ((cell, outputs[0]) for cell, outputs in cells)


def through(row: Row, inner: list[Row]) -> Row:
    """An affine function of affine functions."""
    columns = zip(*inner, strict=True)
    found = [dot(row[:-1], column) for column in columns]
    return [*found[:-1], found[-1] + row[-1]]


def cut(cell: Cell, inner: list[Row], activation: str) -> Iterator[tuple[Cell, list[Row]]]:
    """The parts of a cell on which every unit is affine, with what comes out."""
    todo = [(cell, list[Row]())]
    for branches in units(inner, activation):
        todo = [
            (part, [*done, output])
            for old, done in todo
            for kinks, output in branches
            if (part := clipped(old, kinks))
        ]
    yield from todo


def units(inner: list[Row], activation: str) -> Iterator[list[tuple[list[Row], Row]]]:
    """For each unit its branches: where they hold (rows >= 0), and the output there."""
    if activation == "maxout":
        for left, right in zip(inner[::2], inner[1::2], strict=True):
            yield [([minus(left, right)], left), ([minus(right, left)], right)]
        return
    for row in inner:
        zero, one = times(row, Fraction(0)), constant(row, 1)
        if activation == "hardtanh":
            below = [minus(times(row, Fraction(-1)), one)]
            middle = [plus(row, one), minus(one, row)]
            yield [(below, times(one, Fraction(-1))), (middle, row), ([minus(row, one)], one)]
        else:
            left = {"relu": zero, "abs": times(row, Fraction(-1)), "leaky": times(row, SLOPE)}
            yield [([row], row), ([times(row, Fraction(-1))], left[activation])]


def times(row: Row, factor: Fraction) -> Row:
    """A multiple."""
    return [factor * v for v in row]


def plus(a: Row, b: Row) -> Row:
    """A sum."""
    return [x + y for x, y in zip(a, b, strict=True)]


def minus(a: Row, b: Row) -> Row:
    """A difference."""
    return [x - y for x, y in zip(a, b, strict=True)]


def constant(row: Row, value: int) -> Row:
    """The constant function with as many coefficients."""
    return [*[Fraction(0)] * (len(row) - 1), Fraction(value)]


def at(row: Sequence[Fraction], point: Point) -> Fraction:
    """The value of an affine function."""
    return dot(row[:-1], point) + row[-1]


def clipped(cell: Cell, kinks: list[Row]) -> Cell:
    """The part of a cell where the rows are not negative; empty if that has no inside."""
    for row in kinks:
        values = [at(row, corner) for corner in cell]
        if min(values, default=Fraction(0)) < 0:
            cell = clip(cell, values) if max(values) > 0 else []
    return cell


def clip(cell: Cell, values: list[Fraction]) -> Cell:
    """The part of an interval or polygon where the values are not negative, some being so."""
    found: Cell = []
    closed = [*zip(cell, values, strict=True)]
    for (a, u), (b, v) in pairwise([*closed, closed[0]]):
        found += [a] if u >= 0 else []
        if u * v < 0:
            t = u / (u - v)
            found.append(tuple(x + t * (y - x) for x, y in zip(a, b, strict=True)))
    return [*dict.fromkeys(found)]


# Counterexamples


def refuted(chain: Chain, tries: int, seed: int) -> tuple[Point, Point] | None:
    """Two points with a midpoint above the chord, in exact arithmetic, near kinks; or None."""
    rng = np.random.default_rng(seed)
    for _ in range(tries):
        x = np.round(rng.normal(size=chain.inputs) * rng.choice([0.5, 2.0, 8.0]), 2)
        step = rng.normal(size=chain.inputs)
        grid = np.linspace(-4.0, 4.0, 161)
        values = float_values(chain, x + grid[:, None] * step)
        bends = values[2:] - 2.0 * values[1:-1] + values[:-2]
        k = int(np.argmin(bends))
        if bends[k] < -1e-9:
            a, b = (fractions(x + grid[j] * step) for j in (k, k + 2))
            middle = tuple((u + v) / 2 for u, v in zip(a, b, strict=True))
            if 2 * chain.value(middle) > chain.value(a) + chain.value(b):
                return a, b
    return None


def fractions(point: np.ndarray) -> Point:
    """The doubles, exactly."""
    return tuple(Fraction(float(v)) for v in point)


def float_values(chain: Chain, points: np.ndarray) -> np.ndarray:
    """The outputs for rows, in floating point."""
    last = len(chain.weights) - 1
    for k, (weight, bias) in enumerate(zip(chain.weights, chain.biases, strict=True)):
        points = points @ weight.T + bias
        points = float_bent(points, chain.activation) if k < last else points
    return points[:, 0]


def float_bent(values: np.ndarray, activation: str) -> np.ndarray:
    """The activation in floating point."""
    if activation == "maxout":
        return np.maximum(values[:, ::2], values[:, 1::2])
    formulas = {
        "relu": lambda t: np.maximum(t, 0.0),
        "abs": np.abs,
        "leaky": lambda t: np.maximum(t, float(SLOPE) * t),
        "hardtanh": lambda t: np.clip(t, -1.0, 1.0),
    }
    return formulas[activation](values)
