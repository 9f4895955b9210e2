"""Arrays of exact numbers or balls: how entries move, as in CVXPY and numpy, in a few lines.

An array is its shape and its entries in row-major order. Whatever only moves entries is a walk
through the positions of another array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from math import prod
from operator import mul
from typing import Any, NamedTuple

from flint import arb, arb_mat, fmpq, fmpq_mat

from .document import RefusalError
from .exact import Number

Shape = tuple[int, ...]


class Array(NamedTuple):
    """A shape, and as many entries as it asks for."""

    shape: Shape
    entries: list[Number]


def scalar(value: Number) -> Array:
    """A number as an array."""
    return Array((), [value])


def require(holds: object, text: str) -> None:
    """Refuse where something does not certainly hold."""
    if not holds:
        raise RefusalError(text)


def strides(shape: Shape) -> list[int]:
    """How far apart neighbours along each axis are.

    >>> strides((2, 3))
    [3, 1]
    """
    return [prod(shape[k + 1 :]) for k in range(len(shape))]


def walk(shape: Iterable[int], steps: Iterable[int], start: int = 0) -> list[int]:
    """The positions met from ``start`` on, the last axis fastest.

    >>> walk((2, 2), (1, 2))
    [0, 2, 1, 3]
    """
    positions = [start]
    for length, step in zip(shape, steps, strict=True):
        positions = [p + k * step for p in positions for k in range(length)]
    return positions


def picked(array: Array, shape: Sequence[int], steps: Iterable[int], start: int = 0) -> Array:
    """The entries met on a walk."""
    return Array(tuple(shape), [array.entries[k] for k in walk(shape, steps, start)])


def broadcast(array: Array, shape: Sequence[int]) -> Array:
    """Copies along new axes in front, and along axes of length one."""
    shape = tuple(shape)
    if array.shape == shape:
        return array
    own = (1,) * (len(shape) - len(array.shape)) + array.shape
    fits = len(own) == len(shape) and all(d in (1, n) for d, n in zip(own, shape, strict=True))
    require(fits, f"the shape {array.shape} does not fit {shape}")
    steps = [0 if d == 1 else step for d, step in zip(own, strides(own), strict=True)]
    return picked(array, shape, steps)


def common_shape(shapes: Iterable[Shape]) -> Shape:
    """The smallest shape that all of these fit."""
    axes = zip_longest(*(shape[::-1] for shape in shapes), fillvalue=1)
    return tuple(next((d for d in axis if d != 1), 1) for axis in axes)[::-1]


def entrywise(function: Callable[..., Number], *arrays: Array) -> Array:
    """A function of numbers, entry by entry."""
    shape = common_shape(array.shape for array in arrays)
    columns = [broadcast(array, shape).entries for array in arrays]
    return Array(shape, [function(*row) for row in zip(*columns, strict=True)])


def transposed(array: Array, axes: Sequence[int] | None = None) -> Array:
    """Permuted axes; reversed ones without ``axes``."""
    axes = range(len(array.shape))[::-1] if axes is None else axes_of(array, list(axes))
    steps = strides(array.shape)
    return picked(array, [array.shape[a] for a in axes], [steps[a] for a in axes])


def reshaped(array: Array, shape: Sequence[int], by_columns: bool = False) -> Array:
    """The same entries, read and written by rows, or by columns."""
    shape = tuple(shape)
    require(prod(shape) == len(array.entries), f"{array.shape} does not reshape to {shape}")
    if not by_columns:
        return Array(shape, array.entries)
    return transposed(Array(shape[::-1], transposed(array).entries))


def indexed(array: Array, key: Sequence[Any]) -> Array:
    """Basic indexing by whole numbers, [start, stop, step], None (a new axis) and "..."."""
    used = sum(item not in (None, "...") for item in key)
    require(used <= len(array.shape), "an index of more axes than there are")
    rest: list[Any] = [[None, None, None]] * (len(array.shape) - used)
    if "..." in key:
        at = list(key).index("...")
        key = [*key[:at], *rest, *key[at + 1 :]]
    else:
        key = [*key, *rest]
    start, shape, steps = 0, [], []
    axes = iter(zip(array.shape, strides(array.shape), strict=True))
    for item in key:
        length, stride = (1, 0) if item is None else next(axes)
        if isinstance(item, int):
            start += range(length)[item] * stride
        else:
            places = range(length)[slice(*item) if item else slice(None)]
            start += places.start * stride if places else 0
            shape.append(len(places))
            steps.append(places.step * stride)
    return picked(array, shape, steps, start)


def axes_of(array: Array, axis: Any) -> list[int]:
    """An axis, several, or None for all, as a list of numbers >= 0."""
    dimensions = len(array.shape)
    if axis is None:
        return list(range(dimensions))
    several = axis if isinstance(axis, list | tuple) else [axis]
    require(all(-dimensions <= a < dimensions for a in several), "there is no such axis")
    return [a % dimensions for a in several]


def groups(array: Array, axes: Sequence[int]) -> list[list[Number]]:
    """The entries that share their place on all other axes, one list a place."""
    kept = [a for a in range(len(array.shape)) if a not in axes]
    moved = transposed(array, [*kept, *axes]).entries
    length = prod(array.shape[a] for a in axes)
    return [moved[k : k + length] for k in range(0, len(moved), length)] if length else []


def reduced(
    function: Callable[[list[Number]], Number], array: Array, axis: Any, keepdims: bool
) -> Array:
    """A function of many numbers along one axis, several or all."""
    axes = axes_of(array, axis)
    kept = [1 if a in axes else d for a, d in enumerate(array.shape) if keepdims or a not in axes]
    return Array(tuple(kept), [function(group) for group in groups(array, axes)])


def swapped(array: Array, axis: int) -> Array:
    """The axis and the first one exchanged."""
    axes = list(range(len(array.shape)))
    axes[0], axes[axis] = axes[axis], axes[0]
    return transposed(array, axes)


def accumulated(
    function: Callable[[Number, Number], Number], array: Array, axis: int | None
) -> Array:
    """Running results along an axis; along all entries in one row without one."""
    if axis is None:
        array, axis = reshaped(array, (len(array.entries),)), 0
    axis = axes_of(array, axis)[0]
    front = swapped(array, axis)
    entries, step = list(front.entries), prod(front.shape[1:])
    for k in range(step, len(entries)):
        entries[k] = function(entries[k - step], entries[k])
    return swapped(Array(front.shape, entries), axis)


def joined(arrays: Sequence[Array], axis: int) -> Array:
    """Arrays one after the other along an axis that all have."""
    axis = axes_of(arrays[0], axis)[0]
    require(all(axis < len(array.shape) for array in arrays), "these shapes cannot be joined")
    fronts = [swapped(array, axis) for array in arrays]
    rest = fronts[0].shape[1:]
    require(all(front.shape[1:] == rest for front in fronts), "these shapes cannot be joined")
    length = sum(front.shape[0] for front in fronts)
    entries = [value for front in fronts for value in front.entries]
    return swapped(Array((length, *rest), entries), axis)


def matrix(shape: Shape, entries: list[Number]) -> Any:
    """A matrix of flint: of rationals if all entries are, of balls otherwise."""
    rows, columns = shape
    if set(map(type, entries)) <= {fmpq}:
        return fmpq_mat(rows, columns, entries)
    return arb_mat(rows, columns, list(map(arb, entries)))


def matrix_product(
    left: Array,
    right: Array,
    times: Callable[..., Any],
    block: Callable[[Array, Array], list[Any]],
    check: Callable[[int, int, int, int], object] = lambda *sizes: None,
) -> Array:
    """The product of numbers, vectors, matrices or stacks of matrices, as numpy's ``@``.

    ``times`` multiplies two entries, and ``block`` two matrices, whose product it returns row by
    row. ``check`` may refuse products that are too large, before anything is copied: so many,
    of (rows, inner) with (inner, columns).
    """
    if not left.shape or not right.shape:
        return entrywise(times, left, right)
    a = left if len(left.shape) > 1 else reshaped(left, (1, *left.shape))
    b = right if len(right.shape) > 1 else reshaped(right, (*right.shape, 1))
    (rows, inner), (also, columns) = a.shape[-2:], b.shape[-2:]
    require(inner == also, f"{left.shape} and {right.shape} have no product")
    stack = common_shape([a.shape[:-2], b.shape[:-2]])
    check(prod(stack), rows, inner, columns)
    a, b = broadcast(a, (*stack, rows, inner)), broadcast(b, (*stack, inner, columns))
    entries: list[Any] = []
    for k in range(prod(stack)):
        one = a.entries[k * rows * inner : (k + 1) * rows * inner]
        two = b.entries[k * inner * columns : (k + 1) * inner * columns]
        entries += block(Array((rows, inner), one), Array((inner, columns), two))
    kept = (rows,) * (len(left.shape) > 1) + (columns,) * (len(right.shape) > 1)
    return Array((*stack, *kept), entries)


def rows_by_columns(
    dot: Callable[[list[Any], list[Any]], Any],
) -> Callable[[Array, Array], list[Any]]:
    """The ``block`` of `matrix_product` in which ``dot`` multiplies a row and a column."""

    def block(left: Array, right: Array) -> list[Any]:
        (rows, inner), columns = left.shape, right.shape[1]
        return [
            dot(left.entries[i * inner : (i + 1) * inner], right.entries[j::columns])
            for i in range(rows)
            for j in range(columns)
        ]

    return block


def multiplied(left: Array, right: Array) -> Array:
    """`matrix_product` of numbers."""
    return matrix_product(left, right, mul, product_of)


def product_of(left: Array, right: Array) -> list[Number]:
    """The entries of the product of two matrices."""
    one, two = matrix(left.shape, left.entries), matrix(right.shape, right.entries)
    if type(one) is not type(two):
        one, two = arb_mat(one), arb_mat(two)
    return list((one * two).entries())
