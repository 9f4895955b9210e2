"""Networks to ONNX files: the one place where onnx is imported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cvxnet.data.files import check_path, replacing
from cvxnet.errors import InputError, MissingExtraError, UnsupportedError
from cvxnet.interop.operators import ACTIVATIONS, OTHERS
from cvxnet.layers import Conv2d, Sequential
from cvxnet.layers.images import Pool2d
from cvxnet.layers.layer import Layer
from cvxnet.types import Array

# Read by onnxruntime 1.14 (2023) and everything after it.
OPSET, IR_VERSION = 18, 8
SUPPORTED = ", ".join(layer.__name__ for layer in (*OTHERS, *ACTIVATIONS))


def import_onnx() -> Any:
    """The onnx package, or a MissingExtraError that names the extra."""
    try:
        import onnx
    except ImportError:
        raise MissingExtraError('onnx is not installed: pip install "cvxnet[onnx]".') from None
    return onnx


def to_onnx(net: Sequential, path: str | Path) -> None:
    """Write a network as an ONNX file: opset 18, float64, checked by ``onnx.checker``.

    Parameters
    ----------
    net : Sequential
        Of any of cvxnet's layers. Weights keep their names (``"0.weight"``) as initializers; those
        that are CVXPY expressions are written with their values.
    path : str or path
        The file. Its input ``x`` is a float64 matrix of n rows, for any n, and its output ``y`` is
        one as well.

    Raises
    ------
    UnsupportedError
        Names the first layer that is not cvxnet's own by its path.
    MissingExtraError
        Where onnx is not installed.

    See Also
    --------
    to_torch

    Notes
    -----
    Run by onnxruntime, the outputs equal ``net(X)`` up to rounding: each layer to about 1e-15 of
    the largest number in it.

    Examples
    --------
    ``cn.to_onnx(net, "net.onnx")``, and where the network is used
    ``onnxruntime.InferenceSession("net.onnx").run(None, {"x": X})``, without cvxnet.
    """
    if type(net) is not Sequential:
        raise InputError(f"to_onnx writes a Sequential, not a {type(net).__name__}.")
    path = check_path(path)
    onnx = import_onnx()
    graph = Graph(onnx, net.state_dict())
    y = Place(graph, "").inner("", net, Value(graph, "x"))
    graph.add("Identity", [y.name], "y")
    columns = input_columns(net)
    model = graph.model(columns, net.width(columns))
    onnx.checker.check_model(model, full_check=True)
    with replacing(path) as draft:
        draft.write_bytes(model.SerializeToString())


def input_columns(layer: Layer) -> int | None:
    """The number of columns that a layer takes; None where any number will do.

    Examples
    --------
    >>> from cvxnet.layers import Linear, ReLU
    >>> input_columns(Sequential(ReLU(), Linear(3, 2))), input_columns(ReLU())
    (3, None)
    """
    if isinstance(layer, Conv2d | Pool2d):
        return layer.windows.columns
    for name in ("in_features", "features"):
        if hasattr(layer, name):
            return int(getattr(layer, name))
    columns = map(input_columns, layer.children().values())
    return next((count for count in columns if count is not None), None)


class Graph:
    """The nodes of an ONNX graph in the order in which they are written, and its constants."""

    def __init__(self, onnx: Any, state: Mapping[str, Array]) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = dict(state)

    def constant(self, value: Any) -> Value:
        """Numbers that are no weights: float64, or whole numbers (shapes, indices)."""
        name = f"constant{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return Value(self, name)

    def add(self, kind: str, inputs: list[str], output: str = "", **attributes: Any) -> Value:
        """One more node."""
        output = output or f"{kind.lower()}{len(self.nodes)}"
        node = self.onnx.helper.make_node(kind, inputs, [output], output, **attributes)
        self.nodes.append(node)
        return Value(self, output)

    def model(self, columns: int | None, outputs: int | None) -> Any:
        """The whole model, for that many columns that go in and come out."""
        helper, double = self.onnx.helper, self.onnx.TensorProto.DOUBLE
        constants = self.constants.items()
        graph = helper.make_graph(
            self.nodes,
            "cvxnet",
            [helper.make_tensor_value_info("x", double, ["n", columns or "d"])],
            [helper.make_tensor_value_info("y", double, ["n", outputs or "c"])],
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

    def columns(self, index: Any) -> Value:
        """The columns at an array of indices, whose axes take the place of the last one."""
        return self.op("Gather", index, axis=1)

    def shaped(self, *shape: int) -> Value:
        """The same numbers in another shape: 0 keeps an axis, -1 takes what is left."""
        return self.op("Reshape", np.array(shape))


class Place:
    """Where in the network a layer stands: its path, and with it its weights."""

    def __init__(self, graph: Graph, path: str) -> None:
        self.graph, self.path = graph, path

    def weight(self, name: str) -> Value:
        """A weight of the layer here."""
        return Value(self.graph, self.name(name))

    def name(self, own: str) -> str:
        """The full name of a weight or layer here."""
        return f"{self.path}.{own}" if self.path else own

    def inner(self, name: str, layer: Layer, z: Value) -> Value:
        """A layer inside this one, applied to ``z``."""
        inside = Place(self.graph, self.name(name))
        if type(layer) in ACTIVATIONS:
            return ACTIVATIONS[type(layer)](layer, z)
        if type(layer) in OTHERS:
            return OTHERS[type(layer)](layer, z, inside)
        raise UnsupportedError(
            f"{inside.path}: {type(layer).__name__} cannot be written as ONNX; supported: "
            f"{SUPPORTED}."
        )
