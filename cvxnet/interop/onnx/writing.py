"""Networks to ONNX files, layer by layer; each writer mirrors the layer's ``forward``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.files import check_path, replacing
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.functions.arithmetic import Undecided
from cvxnet.interop.onnx.graph import ABOUT, VALUES, Graph, Value
from cvxnet.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    GatedLinear,
    InputConvex,
    LayerNorm,
    Linear,
    LogSumExp,
    Maxout,
    MaxPool2d,
    Residual,
    Sequential,
    Softmax,
    network_file,
)
from cvxnet.layers.activations import Activation
from cvxnet.layers.images import Pool2d, Windows
from cvxnet.layers.layer import Layer
from cvxnet.optional import import_onnx

LAST = np.array([-1])
DTYPES = ("float64", "float32")


def to_onnx(net: Sequential, path: str | Path, dtype: str = "float64") -> None:
    """Write a network as an ONNX file: opset 18, checked by ``onnx.checker``.

    Parameters
    ----------
    net : Sequential
        Of any of cvxnet's layers. Weights keep their names (``"0.weight"``) as initializers; those
        that are CVXPY expressions are written with their values.
    path : str or path
        The file. Its input ``x`` is a matrix of n rows, for any n, and its output ``y`` is one as
        well.
    dtype : str
        What the file calculates in, its input and its output included: "float64", or "float32" for
        devices that have no other.

    Raises
    ------
    UnsupportedError
        Names the first layer that is not cvxnet's own by its path.
    InputError
        For weights that are too large for float32.
    MissingExtraError
        Where onnx is not installed.

    See Also
    --------
    from_onnx, to_torch

    Notes
    -----
    Run by onnxruntime, the outputs equal ``net(X)`` up to rounding: each layer to about 1e-15 of
    the largest number in it, in float32 to about 1e-6. The file also says which layers were
    written, in an entry ``cvxnet`` of its metadata, so that `from_onnx` finds them again.

    Examples
    --------
    Where the network is used, ``onnxruntime.InferenceSession(file).run(None, {"x": X})`` needs no
    cvxnet.

    >>> import pathlib, tempfile
    >>> from cvxnet.layers import Linear, ReLU, Sequential
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "net.onnx"
    >>> to_onnx(Sequential(Linear(2, 3), ReLU()), file)
    >>> file.exists()
    True
    """
    if type(net) is not Sequential:
        raise InputError(f"to_onnx writes a Sequential, not a {type(net).__name__}.")
    if dtype not in DTYPES:
        raise InputError(f"dtype is {' or '.join(map(repr, DTYPES))}, not {dtype!r}.")
    path = check_path(path)
    onnx = import_onnx()
    graph = Graph(onnx, net.state_dict(), np.dtype(dtype))
    y = write(net, Value(graph, "x"), Place(graph, ""))
    graph.add("Identity", [y.name], "y")
    columns = net.columns(None)
    model = graph.model(columns, net.width(columns))
    onnx.helper.set_model_props(model, {ABOUT: json.dumps(network_file.about(net))})
    onnx.checker.check_model(model, full_check=True)
    with replacing(path) as draft:
        draft.write_bytes(model.SerializeToString())


class Place:
    """Where in the network a layer stands: its path, and with it its weights."""

    def __init__(self, graph: Graph, path: str) -> None:
        self.graph, self.path = graph, path

    def name(self, own: str) -> str:
        """The full name of a weight or layer here."""
        return f"{self.path}.{own}" if self.path else own

    def weight(self, name: str) -> Value:
        """A weight of the layer here."""
        return Value(self.graph, self.name(name))

    def inner(self, name: str, layer: Layer, z: Value) -> Value:
        """A layer inside this one, applied to ``z``."""
        return write(layer, z, Place(self.graph, self.name(name)))


def write(layer: Layer, z: Value, at: Place) -> Value:
    """A layer applied to ``z``."""
    if isinstance(layer, Activation):
        try:
            result: Value = layer.profile.formula(z, VALUES)
        except Undecided as error:
            raise UnsupportedError(
                f"{at.path}: {type(layer).__name__} cannot be written as ONNX: {error}."
            ) from None
        return result
    if type(layer) not in WRITERS:
        raise UnsupportedError(
            f"{at.path}: {type(layer).__name__} cannot be written as ONNX; supported: "
            f"{', '.join(kind.__name__ for kind in WRITERS)} and activations."
        )
    return WRITERS[type(layer)](layer, z, at)


def write_linear(layer: Linear, z: Value, at: Place) -> Value:
    """``z W^T + b``."""
    bias = [] if layer.bias is None else [at.weight("bias")]
    return z.op("Gemm", at.weight("weight"), *bias, transB=1)


def write_gated(layer: GatedLinear, z: Value, at: Place) -> Value:
    """``1[z G^T + h >= 0] (z W^T + b)``."""
    biases = {name: [at.weight(name)] for name in ("gate_bias", "bias") if name in layer.tensors}
    gate = z.op("Gemm", at.weight("gate_weight"), *biases.get("gate_bias", []), transB=1)
    return VALUES.step(gate) * z.op("Gemm", at.weight("weight"), *biases.get("bias", []), transB=1)


def write_conv(layer: Conv2d, z: Value, at: Place) -> Value:
    """One product a place of the window: rows (channel, cell) of the image times the weights."""
    index = padded_indices(layer.windows)
    if layer.windows.padding:
        z = z.op("Pad", np.array([0, 0, 0, 1]))  # a column of zeros, at index -1
    weight = at.weight("weight").shaped(layer.out_channels, -1).op("Transpose", perm=[1, 0])
    product = z.columns(index) @ weight
    if layer.bias is not None:
        product = product + at.weight("bias")
    return product.op("Transpose", perm=[0, 2, 1]).shaped(0, -1)


def padded_indices(windows: Windows) -> NDArray[np.int64]:
    """(place, channel and cell) -> column; -1 is the column of zeros after the last.

    Examples
    --------
    >>> padded_indices(Windows(2, (1, 2), 1, 1))
    array([[0, 2],
           [1, 3]])
    """
    index = windows.indices().transpose(1, 0, 2)
    return index.reshape(len(index), -1)


def write_batch_norm(layer: BatchNorm, z: Value, at: Place) -> Value:
    """``weight (z - running_mean) / sqrt(running_var + eps) + bias``."""
    spread = (at.weight("running_var") + layer.eps).op("Sqrt")
    return (z - at.weight("running_mean")) / spread * at.weight("weight") + at.weight("bias")


def write_layer_norm(layer: LayerNorm, z: Value, at: Place) -> Value:
    """Each row standardised by its own mean and variance."""
    centered = z - z.op("ReduceMean", LAST, keepdims=1)
    variance = (centered * centered).op("ReduceMean", LAST, keepdims=1)
    standard = centered / (variance + layer.eps).op("Sqrt")
    return standard * at.weight("weight") + at.weight("bias")


def write_sequential(layer: Sequential, z: Value, at: Place) -> Value:
    """One layer after the other."""
    for name, child in layer.children().items():
        z = at.inner(name, child, z)
    return z


def write_residual(layer: Residual, z: Value, at: Place) -> Value:
    """``z + body(z)``, or ``shortcut(z) + body(z)``."""
    inside = layer.children()
    direct = at.inner("shortcut", inside["shortcut"], z) if "shortcut" in inside else z
    return direct + at.inner("body", layer.body, z)


def write_input_convex(layer: InputConvex, x: Value, at: Place) -> Value:
    """``z_k = Wz_k relu(z_(k-1)) + Wx_k x + b_k``."""
    z = at.inner("x0", layer.x[0], x)
    for k, (from_x, from_z) in enumerate(zip(layer.x[1:], layer.z, strict=True), start=1):
        z = at.inner(f"z{k}", from_z, z.op("Relu")) + at.inner(f"x{k}", from_x, x)
    return z


def write_softmax(layer: Softmax, z: Value, at: Place) -> Value:
    """``exp(z_i) / sum_j exp(z_j)`` over the columns."""
    return z.op("Softmax", axis=-1)


def write_log_sum_exp(layer: LogSumExp, z: Value, at: Place) -> Value:
    """``log(sum of exp)`` over the columns."""
    return z.op("ReduceLogSumExp", LAST, keepdims=1)


def write_maxout(layer: Maxout, z: Value, at: Place) -> Value:
    """The maximum of each k consecutive columns."""
    return z.shaped(0, -1, layer.k).op("ReduceMax", LAST, keepdims=0)


def write_max_pool(layer: MaxPool2d, z: Value, at: Place) -> Value:
    """The largest entry of each window."""
    return windows_reduced(layer, z, "ReduceMax")


def write_average_pool(layer: AvgPool2d, z: Value, at: Place) -> Value:
    """The mean of each window."""
    return windows_reduced(layer, z, "ReduceMean")


def windows_reduced(layer: Pool2d, z: Value, kind: str) -> Value:
    """Each window of a flattened image reduced to one number."""
    return z.columns(layer.windows.indices()).op(kind, LAST, keepdims=0).shaped(0, -1)


def write_flatten(layer: Flatten, z: Value, at: Place) -> Value:
    """Images are rows already."""
    return z


WRITERS: dict[type[Layer], Callable[[Any, Value, Place], Value]] = {
    Linear: write_linear,
    GatedLinear: write_gated,
    Conv2d: write_conv,
    BatchNorm: write_batch_norm,
    LayerNorm: write_layer_norm,
    Sequential: write_sequential,
    Residual: write_residual,
    InputConvex: write_input_convex,
    Softmax: write_softmax,
    LogSumExp: write_log_sum_exp,
    Maxout: write_maxout,
    MaxPool2d: write_max_pool,
    AvgPool2d: write_average_pool,
    Flatten: write_flatten,
}
"""Layers other than activations, which are written by their formulas."""
