"""Every layer in ONNX's operators; `cvxnet.interop.onnx` collects them into a file.

ONNX keeps the options of its ready-made activations in float32, and onnxruntime has most of those,
convolutions and ``Erf`` for float32 only. So layers are composed of operators that it has for
float64. Each writer mirrors the layer's ``forward``; `Value` makes nodes of arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import NDArray
from scipy.special import erfcx

from cvxnet import layers
from cvxnet.functions import catalogue
from cvxnet.layers.images import Pool2d, Windows
from cvxnet.layers.layer import Layer
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.interop.onnx import Place, Value

LAST = np.array([-1])


def relu(z: Value) -> Value:
    """``max(z, 0)``."""
    return z.op("Relu")


def elu(z: Value, alpha: float) -> Value:
    """``max(z, 0) + alpha (exp(m) - 1)`` with ``m = min(z, 0)``.

    ``exp(m) - 1`` would cancel near 0; ``tanh(m/2) (exp(m) + 1)`` is the same number.
    """
    m = z.op("Min", 0.0)
    return relu(z) + (m * 0.5).op("Tanh") * (m.op("Exp") + 1.0) * alpha


def softplus(z: Value, beta: float) -> Value:
    """``log(1 + exp(beta z)) / beta`` without overflow."""
    scaled = z * beta
    tail = scaled.op("Abs").op("Neg").op("Exp")
    return (relu(scaled) + (tail + 1.0).op("Log")) / beta


def squareplus(z: Value, b: float) -> Value:
    """``(z + sqrt(z^2 + b)) / 2 = max(z, 0) + b/2 / (|z| + sqrt(z^2 + b))``, cancelling nowhere."""
    root = (z * z + b).op("Sqrt")
    return relu(z) + (z.op("Abs") + root).op("Reciprocal") * (0.5 * b)


def gelu(z: Value) -> Value:
    """``z Phi(z) = max(z, 0) - |z| Phi(-|z|)``, where with ``m = |z| / sqrt(2)``

    ``Phi(-|z|) = exp(-m^2) q / (2 (1 + 2m))``, ``q = (1 + 2m) exp(m^2) erfc(m)``. The last is so
    smooth in ``t = (m - 3) / (m + 3)`` that a polynomial gives all digits (Shepherd and Laframboise
    1981).
    """
    m = z.op("Abs") * np.sqrt(0.5)
    t = (m - 3.0) / (m + 3.0)
    first, second, *others = gelu_coefficients()
    q = t * first + second
    for coefficient in others:
        q = q * t + coefficient
    tail = (m * m).op("Neg").op("Exp") * q / ((m * 2.0 + 1.0) * 2.0)
    return relu(z) - z.op("Abs") * tail


@cache
def gelu_coefficients() -> Array:
    """The polynomial for ``q`` in `gelu`, highest power first.

    Examples
    --------
    >>> m = np.array([0.0, 0.5, 3.0, 50.0])
    >>> q = np.polyval(gelu_coefficients(), (m - 3) / (m + 3))
    >>> bool(np.allclose(q, (1 + 2 * m) * erfcx(m), rtol=1e-14))
    True
    """

    def q(t: Array) -> Array:
        m = 3.0 * (1.0 + t) / (1.0 - t)
        return (1.0 + 2.0 * m) * erfcx(m)

    polynomial = Chebyshev.interpolate(q, 22).convert(kind=Polynomial)
    return np.array(polynomial.coef[::-1], dtype=np.float64)


def threshold(z: Value) -> Value:
    """1 for z >= 0, else 0."""
    return z.op("GreaterOrEqual", 0.0).op("Where", 1.0, 0.0)


def maxout(z: Value, k: int) -> Value:
    """The maximum of each k consecutive columns."""
    return z.shaped(0, -1, k).op("ReduceMax", LAST, keepdims=0)


def pool(layer: Pool2d, z: Value, kind: str) -> Value:
    """Each window of a flattened image reduced to one number."""
    return z.columns(layer.windows.indices()).op(kind, LAST, keepdims=0).shaped(0, -1)


# One function a layer without weights. Clip after Relu and z times Sigmoid(z) are avoided:
# onnxruntime fuses them into operators that it lacks, or has lacked, for float64.
ACTIVATIONS: dict[type[Layer], Callable[[Any, Value], Value]] = {
    layers.ReLU: lambda layer, z: relu(z),
    layers.LeakyReLU: lambda layer, z: relu(z) + z.op("Min", 0.0) * layer.slope,
    layers.ELU: lambda layer, z: elu(z, layer.alpha),
    layers.CELU: lambda layer, z: elu(z / layer.alpha, 1.0) * layer.alpha,
    layers.SELU: lambda layer, z: elu(z, catalogue.SELU_ALPHA) * catalogue.SELU_SCALE,
    layers.Softplus: lambda layer, z: softplus(z, layer.beta),
    layers.SquaredReLU: lambda layer, z: relu(z) * relu(z),
    layers.Square: lambda layer, z: z * z,
    layers.Abs: lambda layer, z: z.op("Abs"),
    layers.Squareplus: lambda layer, z: squareplus(z, layer.b),
    layers.Sigmoid: lambda layer, z: z.op("Sigmoid"),
    layers.Tanh: lambda layer, z: z.op("Tanh"),
    layers.HardTanh: lambda layer, z: z.op("Max", layer.low).op("Min", layer.high),
    layers.SiLU: lambda layer, z: z / (z.op("Neg").op("Exp") + 1.0),
    layers.GELU: lambda layer, z: gelu(z),
    layers.Sign: lambda layer, z: z.op("Sign"),
    layers.Threshold: lambda layer, z: threshold(z),
    layers.Softmax: lambda layer, z: z.op("Softmax", axis=-1),
    layers.LogSumExp: lambda layer, z: z.op("ReduceLogSumExp", LAST, keepdims=1),
    layers.Maxout: lambda layer, z: maxout(z, layer.k),
    layers.MaxPool2d: lambda layer, z: pool(layer, z, "ReduceMax"),
    layers.AvgPool2d: lambda layer, z: pool(layer, z, "ReduceMean"),
    layers.Flatten: lambda layer, z: z,
}


def write_linear(layer: layers.Linear, z: Value, at: Place) -> Value:
    """``z W^T + b``."""
    bias = [] if layer.bias is None else [at.weight("bias")]
    return z.op("Gemm", at.weight("weight"), *bias, transB=1)


def write_gated(layer: layers.GatedLinear, z: Value, at: Place) -> Value:
    """``1[z G^T + h >= 0] (z W^T + b)``."""
    biases = {name: [at.weight(name)] for name in ("gate_bias", "bias") if name in layer.tensors}
    gate = z.op("Gemm", at.weight("gate_weight"), *biases.get("gate_bias", []), transB=1)
    return threshold(gate) * z.op("Gemm", at.weight("weight"), *biases.get("bias", []), transB=1)


def write_conv(layer: layers.Conv2d, z: Value, at: Place) -> Value:
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


def write_batch_norm(layer: layers.BatchNorm, z: Value, at: Place) -> Value:
    """``weight (z - running_mean) / sqrt(running_var + eps) + bias``."""
    spread = (at.weight("running_var") + layer.eps).op("Sqrt")
    return (z - at.weight("running_mean")) / spread * at.weight("weight") + at.weight("bias")


def write_layer_norm(layer: layers.LayerNorm, z: Value, at: Place) -> Value:
    """Each row standardised by its own mean and variance."""
    centered = z - z.op("ReduceMean", LAST, keepdims=1)
    variance = (centered * centered).op("ReduceMean", LAST, keepdims=1)
    standard = centered / (variance + layer.eps).op("Sqrt")
    return standard * at.weight("weight") + at.weight("bias")


def write_sequential(layer: layers.Sequential, z: Value, at: Place) -> Value:
    """One layer after the other."""
    for name, child in layer.children().items():
        z = at.inner(name, child, z)
    return z


def write_residual(layer: layers.Residual, z: Value, at: Place) -> Value:
    """``z + body(z)``, or ``shortcut(z) + body(z)``."""
    inside = layer.children()
    direct = at.inner("shortcut", inside["shortcut"], z) if "shortcut" in inside else z
    return direct + at.inner("body", layer.body, z)


def write_input_convex(layer: layers.InputConvex, x: Value, at: Place) -> Value:
    """``z_k = Wz_k relu(z_(k-1)) + Wx_k x + b_k``."""
    z = at.inner("x0", layer.x[0], x)
    for k, (from_x, from_z) in enumerate(zip(layer.x[1:], layer.z, strict=True), start=1):
        z = at.inner(f"z{k}", from_z, relu(z)) + at.inner(f"x{k}", from_x, x)
    return z


# And those with weights or layers inside.
OTHERS: dict[type[Layer], Callable[[Any, Value, Place], Value]] = {
    layers.Linear: write_linear,
    layers.GatedLinear: write_gated,
    layers.Conv2d: write_conv,
    layers.BatchNorm: write_batch_norm,
    layers.LayerNorm: write_layer_norm,
    layers.Sequential: write_sequential,
    layers.Residual: write_residual,
    layers.InputConvex: write_input_convex,
}
