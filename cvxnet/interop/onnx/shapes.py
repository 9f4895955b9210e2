"""Nodes of ONNX graphs that move numbers about, within each sample, as steps of streams."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import reduce
from typing import Any

import numpy as np

from cvxnet.interop.folding import MOST_ENTRIES, Selection, linear
from cvxnet.interop.onnx.nodes import BATCH, Node, steps_of
from cvxnet.interop.onnx.streams import Columns, Shape, Stream, last_in_common, line_between
from cvxnet.layers import Flatten


def reshaped(node: Node, z: Stream, shape: Shape) -> Stream:
    """The same numbers in samples of another shape; torch needs to know where images begin."""
    becomes_rows = len(z.shape) == 3 and len(shape) == 1
    becomes_images = len(z.shape) == 1 and len(shape) == 3 and z.parent is None
    return z.then(Flatten() if becomes_rows or becomes_images else None, shape, node.where)


def reshape(node: Node) -> Stream:
    """A shape whose first axis is that of the samples."""
    z = node.stream()
    target = node.whole("shape", 1, [])
    if not target or (node.options.get("allowzero", 0) and 0 in target):
        raise node.refusal("its shape is missing, or has an axis without entries.")
    before = (BATCH, *z.shape)
    sizes = [before[i] if size == 0 and i < len(before) else size for i, size in enumerate(target)]
    shape = completed(z, sizes[1:])
    if shape is None:
        raise node.refusal(
            f"it makes {target} of samples of the shape {z.shape}; cvxnet keeps each sample a row."
        )
    return reshaped(node, z, shape)


def completed(z: Stream, sizes: list[Any]) -> Shape | None:
    """The shape of a sample with the size that is left for -1; None where numbers do not fit.

    Examples
    --------
    >>> completed(Stream((6,)), [2, -1]), completed(Stream((6,)), [4])
    ((2, 3), None)
    """
    if z.width is None:
        return (None if sizes[0] == -1 else sizes[0],) if len(sizes) == len(z.shape) else None
    known = math.prod(size for size in sizes if size not in (-1, None))
    shape = tuple(z.width // max(known, 1) if size == -1 else size for size in sizes)
    return shape if None not in shape and math.prod(shape) == z.width else None


def flatten(node: Node) -> Stream:
    """Everything behind the first axis in one."""
    z = node.stream()
    if node.axis(len(z.shape) + 1, 1) != 1:
        raise node.refusal("axis=1 is the only one that keeps each sample a row.")
    return reshaped(node, z, (z.width,))


def squeeze(node: Node) -> Stream:
    """Without axes of length one."""
    z = node.stream()
    rank = len(z.shape) + 1
    ones = [i for i, size in enumerate(z.shape, start=1) if size == 1]
    axes = [axis % rank for axis in node.whole("axes", 1, ones) or ()]
    if any(axis not in ones for axis in axes):
        raise node.refusal(f"axes={axes} of samples of the shape {z.shape} are not of length one.")
    shape = tuple(size for i, size in enumerate(z.shape, start=1) if i not in axes)
    return reshaped(node, z, shape)


def unsqueeze(node: Node) -> Stream:
    """With more axes of length one."""
    z = node.stream()
    given = node.whole("axes", 1, []) or []
    rank = len(z.shape) + 1 + len(given)
    axes = sorted(axis % rank for axis in given)
    if 0 in axes:
        raise node.refusal("axis 0 is that of the samples.")
    shape = list(z.shape)
    for axis in axes:
        shape.insert(axis - 1, 1)
    return reshaped(node, z, tuple(shape))


def transpose(node: Node) -> Stream | Columns:
    """The axes of each sample in another order, or rows as columns."""
    z = node.stream()
    rank = len(z.shape) + 1
    order = list(node.options.get("perm", range(rank)[::-1]))
    if order == [1, 0]:
        return Columns(z)
    if order[0] != 0:
        raise node.refusal("it moves the axis of the samples; cvxnet keeps each sample a row.")
    if z.width is None:
        raise node.refusal(f"the size of samples of the shape {z.shape} is not known.")
    return selected(node, z, np.arange(z.width).reshape(1, *z.shape).transpose(order))


def selected(node: Node, z: Stream, index: Any) -> Stream:
    """Entries of each sample by an array of their positions, with one axis more in front."""
    shape, flat = index.shape[1:], index.ravel()
    if np.array_equal(flat, np.arange(z.width or 0)):
        return reshaped(node, z, shape)
    if flat.size == 0:
        raise node.refusal("nothing is left of the samples.")
    return z.then(Selection(flat, z.width or 0), shape, node.where)


def gather(node: Node) -> Stream:
    """Entries along an axis, by constant numbers."""
    z, index = node.stream(), node.constant(1)
    axis = node.axis(len(z.shape) + 1, 0)
    if axis == 0 or z.width is None or index is None:
        raise node.refusal(f"it takes entries along axis {axis} of samples of the shape {z.shape}.")
    places = np.arange(z.width).reshape(1, *z.shape)
    return selected(node, z, np.take(places, index.astype(int), axis=axis))


def cut(node: Node) -> Stream:
    """Slices of each sample."""
    z = node.stream()
    if z.width is None:
        raise node.refusal("the file does not say how many columns come in.")
    places = np.arange(z.width).reshape(1, *z.shape)
    for axis, piece in slices(node, places.ndim):
        if axis == 0:
            raise node.refusal("it takes some of the samples; cvxnet keeps them all.")
        places = places[(slice(None),) * axis + (piece,)]
    return selected(node, z, places)


def slices(node: Node, rank: int) -> Iterator[tuple[int, slice]]:
    """The axes that a ``Slice`` cuts, and where."""
    starts, ends = node.whole("starts", 1, []) or [], node.whole("ends", 2, []) or []
    axes = node.whole("axes", 3, range(len(starts))) or []
    steps = node.whole("steps", 4, [1] * len(starts)) or []
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        to_the_first = step < 0 and end < -MOST_ENTRIES
        yield axis % rank, slice(start, None if to_the_first else end, step)


def concatenated(node: Node) -> Stream:
    """Columns side by side, where each part is linear in what all have in common."""
    streams = [node.stream(position) for position in range(len(node.inputs))]
    common = reduce(last_in_common, streams)
    if node.axis(2, 1) != 1 or any(len(stream.shape) != 1 for stream in streams):
        raise node.refusal("it joins along another axis than the columns of rows.")
    lines = [line_between(common, stream) for stream in streams]
    known = [line for line in lines if line is not None]
    if len(known) < len(lines):
        raise node.refusal(
            "it puts parts of the network side by side that are not linear in what they have in "
            "common; cvxnet has sums of parts (Residual) only."
        )
    weight = np.concatenate([line[0] for line in known], axis=1)
    layer = linear(weight.T, np.concatenate([line[1] for line in known]))
    return common.then(layer, (weight.shape[1],), node.where, steps_of(common, streams))


def padded(node: Node) -> Stream:
    """Nothing around the samples."""
    if any(node.whole("pads", 1, []) or ()):
        raise node.refusal("cvxnet pads within convolutions only; give the padding to the Conv.")
    return node.stream()


def kept(node: Node) -> Stream:
    """The same numbers."""
    return node.stream()


def dropout(node: Node) -> Stream:
    """Nothing, in evaluation mode."""
    training = node.constant(2)
    if training is not None and np.any(training):
        raise node.refusal("it is in training mode; export the model in evaluation mode.")
    return node.stream()


def cast(node: Node) -> Stream:
    """From one float format to another."""
    if node.options.get("to") not in (1, 10, 11, 16):
        raise node.refusal("it rounds to whole numbers, for which cvxnet has no layer.")
    return node.stream()
