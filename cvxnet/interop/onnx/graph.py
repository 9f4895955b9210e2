"""ONNX graphs: their nodes, and arithmetic that adds to them.

ONNX keeps the options of its ready-made activations in float32, and onnxruntime has most of those,
convolutions and ``Erf`` for float32 only. So everything is composed of operators that it has for
float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial
from scipy.special import erfcx

from cvxnet.errors import InputError
from cvxnet.functions.arithmetic import Arithmetic
from cvxnet.types import Array

# Read by onnxruntime 1.14 (2023) and everything after it.
OPSET, IR_VERSION = 18, 8
ABOUT = "cvxnet"
"""The entry of a file's metadata that says which layers were written."""


class Graph:
    """The nodes of an ONNX graph in the order in which they are written, and its constants."""

    def __init__(self, onnx: Any, state: Mapping[str, Array], dtype: np.dtype[Any]) -> None:
        self.onnx, self.dtype = onnx, dtype
        self.nodes: list[Any] = []
        self.constants = {name: self.rounded(value, name) for name, value in state.items()}

    def constant(self, value: Any) -> Value:
        """Numbers that are no weights: floats, or whole numbers (shapes, indices)."""
        name = f"constant{len(self.constants)}"
        self.constants[name] = self.rounded(np.asarray(value), name)
        return Value(self, name)

    def rounded(self, value: Any, name: str) -> Any:
        """Floats in the format of the graph, which must have room for them."""
        if value.dtype.kind != "f":
            return value
        with np.errstate(over="ignore"):
            result = value.astype(self.dtype)
        if np.isinf(result).any():
            largest = np.abs(value).max()
            raise InputError(
                f"{name!r} has the entry {largest:g}, which is too large for {self.dtype}. "
                "Write the network in float64."
            )
        return result

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> Value:
        """One more node."""
        output = output or f"{kind.lower()}{len(self.nodes)}"
        node = self.onnx.helper.make_node(kind, inputs, [output], output, **attributes)
        self.nodes.append(node)
        return Value(self, output)

    def model(self, columns: int | None, outputs: int | None) -> Any:
        """The whole model, for that many columns that go in and come out."""
        helper = self.onnx.helper
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        constants = self.constants.items()
        graph = helper.make_graph(
            self.nodes,
            "cvxnet",
            [helper.make_tensor_value_info("x", kind, ["n", columns or "d"])],
            [helper.make_tensor_value_info("y", kind, ["n", outputs or "c"])],
            [self.onnx.numpy_helper.from_array(value, name) for name, value in constants],
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="cvxnet"
        )


class Value:
    """A tensor of the graph; arithmetic with it adds nodes.

    Examples
    --------
    ``z * 0.5 + 1.0`` is a ``Mul`` and an ``Add`` with two constants.
    """

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph, self.name = graph, name

    def op(self, kind: str, *others: Any, **attributes: Any) -> Value:
        """A node whose first input this is; numbers and arrays become constants."""
        values = [v if isinstance(v, Value) else self.graph.constant(v) for v in others]
        return self.graph.add(kind, [self.name, *(v.name for v in values)], **attributes)

    def __add__(self, other: Any) -> Value:
        return self.op("Add", other)

    def __sub__(self, other: Any) -> Value:
        return self.op("Sub", other)

    def __mul__(self, other: Any) -> Value:
        return self.op("Mul", other)

    def __truediv__(self, other: Any) -> Value:
        return self.op("Div", other)

    def __matmul__(self, other: Any) -> Value:
        return self.op("MatMul", other)

    def __neg__(self) -> Value:
        return self.op("Neg")

    def __radd__(self, other: Any) -> Value:
        return self.op("Add", other)

    def __rsub__(self, other: Any) -> Value:
        return self.graph.constant(other) - self

    def __rmul__(self, other: Any) -> Value:
        return self.op("Mul", other)

    def __rtruediv__(self, other: Any) -> Value:
        return self.graph.constant(other) / self

    def columns(self, index: Any) -> Value:
        """The columns at an array of indices, whose axes take the place of the last one."""
        return self.op("Gather", index, axis=1)

    def shaped(self, *shape: int) -> Value:
        """The same numbers in another shape: 0 keeps an axis, -1 takes what is left."""
        return self.op("Reshape", np.array(shape))


class Values(Arithmetic):
    """Arithmetic on the tensors of a graph, for `cvxnet.functions.formulas`.

    ``Sigmoid`` is avoided: onnxruntime fuses z times ``Sigmoid(z)`` into an operator that it lacks
    for float64.
    """

    def number(self, value: Any) -> float:
        return float(value)

    def maximum(self, a: Value, b: Any) -> Value:
        return a.op("Relu") if b == 0.0 else a.op("Max", b)

    def minimum(self, a: Value, b: Any) -> Value:
        return a.op("Min", b)

    def absolute(self, t: Value) -> Value:
        return t.op("Abs")

    def sign(self, t: Value) -> Value:
        return t.op("Sign")

    def step(self, t: Value) -> Value:
        return t.op("GreaterOrEqual", 0.0).op("Where", 1.0, 0.0)

    def power(self, t: Value, p: Fraction) -> Value:
        return t.op("Sqrt") if p == Fraction(1, 2) else t.op("Pow", float(p))

    def exp(self, t: Value) -> Value:
        return t.op("Exp")

    def expm1(self, t: Value) -> Value:
        """``exp(t) - 1`` would cancel near 0; ``tanh(t/2) (exp(t) + 1)`` is the same number."""
        return (t * 0.5).op("Tanh") * (t.op("Exp") + 1.0)

    def log(self, t: Value) -> Value:
        return t.op("Log")

    def log1p(self, t: Value) -> Value:
        """``log(1 + t)``, to the precision of ``1 + t``."""
        return (t + 1.0).op("Log")

    def tanh(self, t: Value) -> Value:
        return t.op("Tanh")

    def sigmoid(self, t: Value) -> Value:
        return ((-t).op("Exp") + 1.0).op("Reciprocal")

    def normal(self, t: Value) -> Value:
        """``Phi(-|t|) = exp(-m^2) q / (2 (1 + 2m))`` with ``m = |t| / sqrt(2)``

        and ``q = (1 + 2m) exp(m^2) erfc(m)``, which is so smooth in ``(m - 3) / (m + 3)`` that a
        polynomial gives all digits (Shepherd and Laframboise 1981).
        """
        m = t.op("Abs") * np.sqrt(0.5)
        s = (m - 3.0) / (m + 3.0)
        first, second, *others = normal_coefficients()
        q = s * first + second
        for coefficient in others:
            q = q * s + coefficient
        tail = (m * m).op("Neg").op("Exp") * q / ((m * 2.0 + 1.0) * 2.0)
        return t.op("GreaterOrEqual", 0.0).op("Where", 1.0 - tail, tail)


VALUES = Values()


@cache
def normal_coefficients() -> Array:
    """The polynomial for ``q`` in `Values.normal`, highest power first.

    Examples
    --------
    >>> m = np.array([0.0, 0.5, 3.0, 50.0])
    >>> q = np.polyval(normal_coefficients(), (m - 3) / (m + 3))
    >>> bool(np.allclose(q, (1 + 2 * m) * erfcx(m), rtol=1e-14))
    True
    """

    def q(t: Array) -> Array:
        m = 3.0 * (1.0 + t) / (1.0 - t)
        return (1.0 + 2.0 * m) * erfcx(m)

    polynomial = Chebyshev.interpolate(q, 22).convert(kind=Polynomial)
    return np.array(polynomial.coef[::-1], dtype=np.float64)
