"""Nodes of ONNX graphs that are layers, or that move numbers about, as steps of streams."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cvxnet.errors import InputError
from cvxnet.interop.folding import MOST_ENTRIES, Scaling, linear
from cvxnet.interop.onnx.nodes import Node, operator, scaled
from cvxnet.interop.onnx.streams import Formula, Shape, Stream, residual
from cvxnet.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    LayerNorm,
    LogSumExp,
    Maxout,
    MaxPool2d,
    Sequential,
    Softmax,
)
from cvxnet.layers.layer import Layer
from cvxnet.types import Array


def with_layer(node: Node, stream: Stream, layer: Layer, shape: Shape) -> Stream:
    """A layer after a stream."""
    return stream.then(layer, shape, node.where)


def matmul(node: Node) -> Stream:
    """Rows times a constant matrix."""
    if not isinstance(node.input(0), Stream):
        raise node.refusal(
            "its weights stand on the left. Rows are samples in cvxnet: write x @ W, with W of "
            "shape (in, out)."
        )
    return product(node, node.stream(), node.array(1))


def product(node: Node, z: Stream, weight: Array, bias: Array | None = None) -> Stream:
    """``z W + b`` for a W of shape (in, out)."""
    z = rows(node, z, weight.shape[0] if weight.ndim == 2 else None)
    if weight.ndim != 2 or z.shape[-1] != weight.shape[0]:
        raise node.refusal(
            f"samples of the shape {z.shape} meet weights of the shape {weight.shape}."
        )
    return with_layer(node, z, linear(weight.T, bias), (*z.shape[:-1], weight.shape[1]))


def rows(node: Node, z: Stream, width: int | None = None) -> Stream:
    """The stream, if its samples are rows; where their width is not known, it is this one."""
    if z.shape == (None,) and width is not None:
        return z.then(None, (width,))
    if None in z.shape or z.shape == () or math.prod(z.shape[:-1]) != 1:
        raise node.refusal(
            f"it works on the last axis of samples of the shape {z.shape}; cvxnet's samples are "
            "rows. Flatten them first."
        )
    return z


def gemm(node: Node) -> Stream:
    """``alpha A B + beta C``, with A or B transposed or not."""
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    if node.options.get("transA", 0) or not isinstance(node.input(0), Stream):
        raise node.refusal(
            "its samples would be columns, but these are rows. Write x @ W, with W of shape "
            "(in, out)."
        )
    weight = alpha * node.array(1)
    result = product(node, node.stream(), weight.T if node.options.get("transB", 0) else weight)
    added = node.input(2)
    if added is None or beta == 0.0:
        return result
    if isinstance(added, Stream):
        scaled_by = added.then(Scaling.of(weight=beta), where=node.where) if beta != 1.0 else added
        return operator(Node("Add", node.name, [result, scaled_by], {}, node.opset))
    return scaled(node, result, beta * np.asarray(added, np.float64), lambda c: Scaling.of(bias=c))


def image(node: Node, z: Stream) -> tuple[int, int, int]:
    """Channels, height and width of the samples."""
    if len(z.shape) != 3 or None in z.shape:
        raise node.refusal(
            f"its samples have the shape {z.shape}; cvxnet needs (channels, height, width), known. "
            "Export the model for images of a fixed size."
        )
    channels, height, width = z.shape
    return channels, height, width


def window(node: Node, sizes: tuple[int, int], kernel: list[int]) -> tuple[int, list[int]]:
    """The stride, and the padding (top, left, bottom, right)."""
    strides = node.options.get("strides", [1, 1])
    if len(kernel) != 2 or len(set(strides)) != 1:
        raise node.refusal(
            f"kernel_shape={kernel}, strides={list(strides)}: cvxnet has windows of two "
            "dimensions with the same stride in both."
        )
    padding = node.options.get("auto_pad", b"NOTSET")
    if padding in (b"SAME_UPPER", b"SAME_LOWER"):
        pads = [0, 0, 0, 0]
        for axis, (size, side) in enumerate(zip(sizes, kernel, strict=True)):
            total = max((math.ceil(size / strides[0]) - 1) * strides[0] + side - size, 0)
            more, less = total - total // 2, total // 2
            first = less if padding == b"SAME_UPPER" else more
            pads[axis], pads[axis + 2] = first, total - first
        return strides[0], pads
    return strides[0], [int(p) for p in node.options.get("pads", [0, 0, 0, 0])]


def conv(node: Node) -> Stream:
    """A convolution. Zeros in a larger kernel stand for dilations, groups and one-sided padding."""
    z, weight = node.stream(), node.array(1)
    channels, height, width = image(node, z)
    if weight.ndim != 4:
        raise node.refusal(f"its weights have the shape {weight.shape}; cvxnet has Conv2d only.")
    weight = dilated(grouped(weight, channels), node.options.get("dilations", [1, 1]))
    stride, pads = window(node, (height, width), list(weight.shape[2:]))
    padding = max(pads)
    before, after = [padding - p for p in pads[:2]], [padding - p for p in pads[2:]]
    weight = np.pad(weight, [(0, 0), (0, 0), *zip(before, after, strict=True)])
    out, into, *sides = weight.shape
    if sides[0] != sides[1]:
        raise node.refusal(f"its windows are {sides[0]} x {sides[1]}; cvxnet's are square.")
    if into != channels:
        raise node.refusal(f"it expects {into} channels, but gets {channels}.")
    given = node.constant(2)
    options: dict[str, Any] = {"bias": given is not None, "image": (height, width)}
    layer = Conv2d(channels, out, sides[0], stride, padding, **options)
    if layer.windows.columns * (layer.width(None) or 0) > MOST_ENTRIES:
        raise node.refusal(
            f"from {layer.windows.columns} to {layer.width(None)} columns it is too large: cvxnet "
            "calculates with convolutions as matrices."
        )
    layer.load_state_dict({"weight": weight} | ({} if given is None else {"bias": given}))
    return with_layer(node, z, layer, (out, *layer.windows.out))


def grouped(weight: Array, channels: int) -> Array:
    """The weights between all channels; those between groups are zero."""
    out, into, *sides = weight.shape
    groups = max(channels // into, 1)
    if groups == 1 or out % groups:
        return weight
    whole = np.zeros((out, groups * into, *sides))
    for group, part in enumerate(np.split(weight, groups)):
        first = group * (out // groups)
        whole[first : first + len(part), group * into : (group + 1) * into] = part
    return whole


def dilated(weight: Array, steps: list[int]) -> Array:
    """The kernel with zeros between its entries.

    Examples
    --------
    >>> dilated(np.array([[[[1.0, 2.0]]]]), [1, 3])
    array([[[[1., 0., 0., 2.]]]])
    """
    out, into, *sides = weight.shape
    wide = [(side - 1) * step + 1 for side, step in zip(sides, steps, strict=True)]
    whole = np.zeros((out, into, *wide))
    whole[:, :, :: steps[0], :: steps[1]] = weight
    return whole


def pool(node: Node) -> Stream:
    """The largest entry or the mean of windows without padding."""
    z = node.stream()
    channels, *sizes = image(node, z)
    kernel = [int(side) for side in node.options["kernel_shape"]]
    stride, pads = window(node, (sizes[0], sizes[1]), kernel)
    node.only("ceil_mode", 0)
    if any(pads) or any(step != 1 for step in node.options.get("dilations", [1])):
        raise node.refusal("cvxnet pools without padding and dilation.")
    if kernel[0] != kernel[1]:
        raise node.refusal(f"its windows are {kernel[0]} x {kernel[1]}; cvxnet's are square.")
    kind = MaxPool2d if node.kind == "MaxPool" else AvgPool2d
    layer = kind(kernel[0], stride, channels=channels, image=(sizes[0], sizes[1]))
    return with_layer(node, z, layer, (channels, *layer.windows.out))


def global_pool(node: Node) -> Stream:
    """One window, the whole image."""
    z = node.stream()
    channels, height, width = image(node, z)
    largest = node.kind in ("GlobalMaxPool", "ReduceMax")
    if height == width == 1:
        return z
    if height == width:
        kind = MaxPool2d if largest else AvgPool2d
        layer: Layer = kind(height, channels=channels, image=(height, width))
    elif largest:
        raise node.refusal(f"the image is {height} x {width}; cvxnet pools squares.")
    else:
        layer = linear(np.repeat(np.eye(channels), height * width, axis=1) / (height * width))
    return with_layer(node, z, layer, (channels, 1, 1))


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "ReduceMean": np.mean,
    "ReduceSum": np.sum,
    "ReduceMax": np.max,
    "ReduceMin": np.min,
}


def reduction(node: Node) -> Stream:
    """Over the columns of a row, over images, or over the last axis of groups of columns."""
    z, axes = node.stream(), reduced_axes(node)
    keep, whole = bool(node.options.get("keepdims", 1)), list(range(1, len(z.shape) + 1))
    if axes == whole:
        return reduced_rows(node, z, (1,) * len(whole) if keep else ())
    if axes == [2, 3] and node.kind in ("ReduceMean", "ReduceMax"):
        pooled = global_pool(node)
        return pooled if keep else pooled.then(None, pooled.shape[:1])
    if axes == [2] and len(z.shape) == 2 and node.kind == "ReduceMax":
        groups, k = z.shape
        return with_layer(node, z, Maxout(k), (groups, 1) if keep else (groups,))
    raise node.refusal(f"axes={axes} of samples of the shape {z.shape}: cvxnet reduces whole rows.")


def reduced_axes(node: Node) -> list[int]:
    """The axes that are reduced, counted from the first, which is that of the samples."""
    rank = len(node.stream().shape) + 1
    return sorted(axis % rank for axis in node.whole("axes", 1, range(rank)) or ())


def reduced_rows(node: Node, z: Stream, shape: Shape) -> Stream:
    """One number for each row: part of a formula, or a layer by itself."""
    if node.kind == "ReduceLogSumExp":
        return with_layer(node, z, LogSumExp(), shape)
    if z.width is None:
        raise node.refusal("the file does not say how many columns come in.")
    function = REDUCTIONS[node.kind]
    formula = Formula(lambda t: function(t, axis=-1, keepdims=True), rowwise=True)
    return z.then(formula, shape, node.where)


def batch_norm(node: Node) -> Stream:
    """By fixed statistics, one for each channel."""
    z = node.stream()
    if node.options.get("training_mode", 0):
        raise node.refusal("it is in training mode; export the model in evaluation mode.")
    names = ("weight", "bias", "running_mean", "running_var")
    state = {name: node.array(position) for position, name in enumerate(names, start=1)}
    features = len(state["weight"])
    if z.shape == (None,):
        z = z.then(None, (features,))
    if None in z.shape or not z.shape or z.shape[0] != features:
        raise node.refusal(f"it has {features} channels, but gets samples of the shape {z.shape}.")
    places = math.prod(z.shape[1:])
    layer = BatchNorm(features * places, node.number("epsilon", 1e-5))
    layer.load_state_dict({name: np.repeat(values, places) for name, values in state.items()})
    return with_layer(node, z, layer, z.shape)


def layer_norm(node: Node) -> Stream:
    """By the statistics of each row."""
    z = node.stream()
    scale, given = node.array(1), node.constant(2)
    if node.axis(len(z.shape) + 1, -1) != 1 or (z.width or scale.size) != scale.size:
        raise node.refusal(f"it normalises parts of samples of the shape {z.shape}, not rows.")
    if z.shape == (None,):
        z = z.then(None, (scale.size,))
    bias = np.zeros(scale.size) if given is None else np.ravel(given)
    layer = LayerNorm(scale.size, node.number("epsilon", 1e-5))
    layer.load_state_dict({"weight": scale.ravel(), "bias": bias})
    return with_layer(node, z, layer, z.shape)


def softmax(node: Node) -> Stream:
    """Over the columns; its logarithm is ``z`` minus the log of the sum of exp."""
    z = node.stream()
    default = -1 if node.opset >= 13 else 1
    if len(z.shape) != 1 or node.axis(2, default) != 1:
        raise node.refusal(f"it works on an axis of samples of the shape {z.shape}, not on rows.")
    if node.kind == "Softmax":
        return with_layer(node, z, Softmax(), z.shape)
    if z.shape[0] is None:
        raise node.refusal("the file does not say how many columns come in.")
    minus = linear(np.full((z.shape[0], 1), -1.0))
    largest = z.then(Sequential(LogSumExp(), minus), where=node.where)
    return with_layer(node, z, as_layer(residual(z, largest, z)), z.shape)


def as_layer(part: Any) -> Layer:
    """A part that is a layer."""
    if not isinstance(part, Layer):
        raise InputError(f"{part!r} is no layer.")
    return part
