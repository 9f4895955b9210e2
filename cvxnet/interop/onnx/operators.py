"""The operators of ONNX that cvxnet reads, by name: with streams as inputs, and without."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from cvxnet.interop.folding import MOST_ENTRIES, Scaling
from cvxnet.interop.onnx import layers, nodes, shapes
from cvxnet.interop.onnx.nodes import BATCH, ENTRYWISE, OPERATORS, OPTIONED, Constant, Node
from cvxnet.interop.onnx.streams import Columns, Formula, Stream
from cvxnet.layers import Softmax

DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")


def shape_of(node: Node) -> Constant:
    """A shape whose first entry stands for the number of rows."""
    z = node.stream()
    if None in z.shape:
        raise node.refusal("the size of its samples is not known.")
    return np.array([BATCH, *z.shape], dtype=np.int64)[
        node.options.get("start", 0) : node.options.get("end", None)
    ]


def scaler(node: Node) -> Stream:
    """scikit-learn's ``StandardScaler``: ``(z - offset) * scale``."""
    offset = np.asarray(node.options.get("offset", [0.0]), dtype=np.float64)
    scale = np.asarray(node.options.get("scale", [1.0]), dtype=np.float64)
    z = layers.rows(node, node.stream(), max(offset.size, scale.size))
    return z.then(Scaling.of(mean=offset, weight=scale), where=node.where)


def linear_model(node: Node) -> Stream:
    """scikit-learn's linear models; the names of classes are left off."""
    z, given = node.stream(), np.asarray(node.options["coefficients"], dtype=np.float64)
    shift = np.asarray(node.options.get("intercepts", [0.0]), dtype=np.float64)
    outputs = node.options.get("targets", max(shift.size, 1))
    weight = given.reshape(outputs, -1)
    scores = layers.product(node, z, weight.T, np.broadcast_to(shift, (outputs,)))
    last = node.options.get("post_transform", b"NONE")
    if last == b"LOGISTIC":
        return scores.then(Formula(ENTRYWISE["Sigmoid"]), where=node.where)
    if last == b"SOFTMAX":
        return scores.then(Softmax(), where=node.where)
    node.only("post_transform", b"NONE")
    return scores


def classifier(node: Node) -> Any:
    """The scores of a linear classifier are its second output; see `GraphReader`."""
    return (nodes.Unread("labels are no numbers", "LinearClassifier", ()), linear_model(node))


READERS: dict[str, Callable[[Node], Any]] = {
    **dict.fromkeys(ENTRYWISE, nodes.entrywise),
    **dict.fromkeys(OPTIONED, nodes.optioned),
    **dict.fromkeys(OPERATORS, nodes.operator),
    **dict.fromkeys(layers.REDUCTIONS, layers.reduction),
    "ReduceLogSumExp": layers.reduction,
    "PRelu": nodes.prelu,
    "Gelu": nodes.gelu,
    "Neg": nodes.negative,
    "HardSigmoid": nodes.hard_sigmoid,
    "Clip": nodes.clip,
    "MatMul": layers.matmul,
    "Gemm": layers.gemm,
    "Conv": layers.conv,
    "MaxPool": layers.pool,
    "AveragePool": layers.pool,
    "GlobalAveragePool": layers.global_pool,
    "GlobalMaxPool": layers.global_pool,
    "BatchNormalization": layers.batch_norm,
    "LayerNormalization": layers.layer_norm,
    "Softmax": layers.softmax,
    "LogSoftmax": layers.softmax,
    "Reshape": shapes.reshape,
    "Flatten": shapes.flatten,
    "Squeeze": shapes.squeeze,
    "Unsqueeze": shapes.unsqueeze,
    "Transpose": shapes.transpose,
    "Gather": shapes.gather,
    "Slice": shapes.cut,
    "Concat": shapes.concatenated,
    "Identity": shapes.kept,
    "Pad": shapes.padded,
    "Dropout": shapes.dropout,
    "Cast": shapes.cast,
    "CastLike": shapes.kept,
    "Shape": shape_of,
    "Scaler": scaler,
    "LinearRegressor": linear_model,
    "LinearClassifier": classifier,
}
"""What depends on the input of the graph."""


def of_columns(node: Node) -> Stream | Columns:
    """What a node makes of samples that are columns.

    ``W x^T`` is ``(x W^T)^T``, so it is the node for rows with everything turned, and its result is
    turned; where the node turns its input itself, that is what the node for rows gets.
    """
    if node.kind == "Transpose":
        (turned,) = node.inputs
        return turned.rows if isinstance(turned, Columns) else shapes.transpose(node)
    if node.kind in ("Gemm", "MatMul"):
        return product_of_columns(node)
    if node.kind not in (*ENTRYWISE, *OPTIONED, *OPERATORS, *ON_ENTRIES):
        raise node.refusal("its samples are columns. Turn them back by a Transpose before it.")
    inputs = [of_rows(node, value) for value in node.inputs]
    return Columns(READERS[node.kind](replace(node, inputs=inputs)))


ON_ENTRIES = ("Clip", "Gelu", "HardSigmoid", "Neg", "Identity", "Dropout", "Cast")
"""Nodes that treat each entry alike, beside those in the tables of functions."""


def of_rows(node: Node, value: Any) -> Any:
    """What stands beside rows where this stands beside columns."""
    if isinstance(value, Columns):
        return value.rows
    if isinstance(value, Stream):
        raise node.refusal("some of its samples are columns, and others are rows.")
    constant = np.asarray(value)
    if constant.size > 1 and constant.ndim != 2:
        raise node.refusal(
            f"numbers of the shape {constant.shape} stand beside samples that are columns: there "
            "would be one for each sample."
        )
    return None if value is None else constant.T


def product_of_columns(node: Node) -> Stream | Columns:
    """Products with columns: turned by the node itself, or with the weights on the left."""
    left, right, *added = node.inputs
    if isinstance(left, Columns) and node.options.get("transA", 0):
        options = {key: value for key, value in node.options.items() if key != "transA"}
        return layers.gemm(replace(node, inputs=[left.rows, right, *added], options=options))
    if not isinstance(right, Columns) or node.options.get("transB", 0):
        raise node.refusal("it multiplies columns from the right, or samples with samples.")
    weight = node.array(0) if node.options.get("transA", 0) else node.array(0).T
    inputs = [right.rows, weight, *(of_rows(node, value) for value in added)]
    kept = {key: node.options[key] for key in ("alpha", "beta") if key in node.options}
    multiply = layers.matmul if node.kind == "MatMul" else layers.gemm
    return Columns(multiply(replace(node, inputs=inputs, options=kept)))


def given(node: Node) -> Constant:
    """A constant that stands in the graph."""
    ((name, value),) = node.options.items()
    if not name.startswith("value") or "string" in name or "sparse" in name:
        raise node.refusal(f"a constant in {name!r} is not supported.")
    return np.asarray(value, np.float32 if "float" in name else None)


def sizes(node: Node, position: int) -> list[int]:
    """A shape; one row stands for all of them."""
    return [1 if size == BATCH else int(size) for size in np.asarray(node.constant(position))]


def filled(node: Node) -> Constant:
    """An array of one number."""
    shape = sizes(node, 0)
    check_product(node, shape)
    value = np.asarray(node.options.get("value", np.zeros(1, np.float32)))
    return np.full(shape, value.flat[0])


def check_product(node: Node, shape: Any) -> None:
    """Refuse arrays that are too large before memory is taken for them."""
    if math.prod(int(size) for size in shape) > MOST_ENTRIES:
        raise node.refusal(f"it makes constants of the shape {tuple(shape)}.")


def calculated(node: Node) -> Constant:
    """Arithmetic of constants."""
    values = [np.asarray(node.constant(i)) for i in range(len(node.inputs))]
    check_product(node, np.broadcast_shapes(*(value.shape for value in values)))
    result = np.asarray({**OPERATORS, **ENTRYWISE}[node.kind](*values))
    return result.astype(values[-1].dtype) if node.kind in SAME_TYPE else result


SAME_TYPE = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sqrt", "Reciprocal", "Abs", "Exp", "Log")
"""Arithmetic whose result has the format of what goes in."""
TYPES = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64}


def converted(node: Node) -> Constant:
    """To another number format."""
    value, target = np.asarray(node.constant(0)), TYPES.get(node.options["to"])
    return value if target is None else value.astype(target)


def expanded(node: Node) -> Constant:
    """Broadcast to a shape."""
    value, shape = np.asarray(node.constant(0)), sizes(node, 1)
    check_product(node, np.broadcast_shapes(value.shape, tuple(shape)))
    return np.broadcast_to(value, np.broadcast_shapes(value.shape, tuple(shape)))


def joined(node: Node) -> Constant:
    """One after the other."""
    values = [np.asarray(node.constant(i)) for i in range(len(node.inputs))]
    return np.concatenate(values, axis=node.options.get("axis", 0))


def picked(node: Node) -> Constant:
    """Entries along an axis."""
    value, index = np.asarray(node.constant(0)), np.asarray(node.constant(1))
    return np.take(value, index.astype(int), axis=node.options.get("axis", 0))


def without_ones(node: Node) -> Constant:
    """Without axes of length one."""
    axes = node.whole("axes", 1, None)
    return np.squeeze(np.asarray(node.constant(0)), None if axes is None else tuple(axes))


def with_ones(node: Node) -> Constant:
    """With more axes of length one."""
    return np.expand_dims(np.asarray(node.constant(0)), tuple(node.whole("axes", 1, []) or ()))


def reshaped(node: Node) -> Constant:
    """The same numbers in another shape."""
    value, shape = np.asarray(node.constant(0)), node.whole("shape", 1, [-1]) or []
    return value.reshape([value.shape[i] if size == 0 else size for i, size in enumerate(shape)])


def sliced(node: Node) -> Constant:
    """A part along some axes."""
    value = np.asarray(node.constant(0))
    for axis, piece in shapes.slices(node, value.ndim):
        value = value[(slice(None),) * axis + (piece,)]
    return value


CONSTANTS: dict[str, Callable[[Node], Constant]] = {
    **dict.fromkeys(OPERATORS, calculated),
    **dict.fromkeys(ENTRYWISE, calculated),
    "Neg": lambda node: -np.asarray(node.constant(0)),
    "Constant": given,
    "ConstantOfShape": filled,
    "Cast": converted,
    "Concat": joined,
    "Expand": expanded,
    "Gather": picked,
    "Identity": lambda node: np.asarray(node.constant(0)),
    "Mod": lambda node: np.mod(np.asarray(node.constant(0)), np.asarray(node.constant(1))),
    "MatMul": lambda node: np.asarray(node.constant(0)) @ np.asarray(node.constant(1)),
    "Reshape": reshaped,
    "Shape": lambda node: np.array(np.asarray(node.constant(0)).shape, np.int64),
    "Slice": sliced,
    "Squeeze": without_ones,
    "Transpose": lambda node: np.transpose(np.asarray(node.constant(0)), node.options.get("perm")),
    "Unsqueeze": with_ones,
}
"""What is the same for every input of the graph."""


AFTER_SCORES = frozenset(
    {"ArgMax", "ArgMin", "ArrayFeatureExtractor", "Binarizer", "LabelEncoder", "LinearClassifier"}
    | {"Normalizer", "TopK", "ZipMap"}
)
"""Operators that make labels and tables of scores."""

ADVICE: dict[str, str] = {
    **dict.fromkeys(
        ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "MatMulInteger"),
        "the model is quantised. Export it before quantisation.",
    ),
    **dict.fromkeys(
        ("If", "Loop", "Scan"),
        "what it does depends on the data. Export a network without branches and loops.",
    ),
    **dict.fromkeys(
        ("LSTM", "GRU", "RNN", "Attention"), "cvxnet has feed-forward networks of rows only."
    ),
    **dict.fromkeys(
        ("TreeEnsembleRegressor", "TreeEnsembleClassifier", "SVMRegressor", "SVMClassifier"),
        "this is no neural network.",
    ),
    **dict.fromkeys(
        sorted(AFTER_SCORES),
        "it makes labels of scores. Take the scores: from_onnx(..., output=...) with the name of "
        "the tensor that goes in.",
    ),
}
"""What is said of operators that cvxnet has no layer for."""
