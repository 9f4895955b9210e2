"""ONNX models of a few nodes, written by hand."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

KINDS = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
}


def node(kind, *inputs, to=None, domain="", **options):
    """``kind(inputs) -> to``; without ``to`` the output is called like the operator."""
    outputs = [kind.lower()] if to is None else to.split()
    return helper.make_node(kind, list(inputs), outputs, f"the {kind}", domain=domain, **options)


def model(nodes, weights, shape=("n", 3), *, opset=18, dtype="float32", outputs=("y",), **opsets):
    """The model of these nodes: input ``x``; floats among the weights get its format."""
    arrays = {name: np.asarray(value) for name, value in weights.items()}
    stored = [
        numpy_helper.from_array(a.astype(dtype) if a.dtype.kind == "f" else a, name)
        for name, a in arrays.items()
    ]
    graph = helper.make_graph(
        list(nodes),
        "by hand",
        [helper.make_tensor_value_info("x", KINDS[dtype], list(shape))],
        [helper.make_tensor_value_info(name, KINDS[dtype], None) for name in outputs],
        stored,
    )
    versions = [helper.make_opsetid("", opset)]
    versions += [helper.make_opsetid(f"ai.onnx.{key}", value) for key, value in opsets.items()]
    return helper.make_model(graph, opset_imports=versions, ir_version=8)


def of_formula(formula, opset=18, dtype="float32"):
    """Linear layers around a formula: nodes from ``z`` to ``a``, with constants in the nodes."""
    rng = np.random.default_rng(0)
    first = [node("Gemm", "x", "W", "b", to="z", transB=1)]
    last = [node("MatMul", "a", "V", to="last"), node("Add", "last", "c", to="y")]
    weights = {
        "W": rng.standard_normal((4, 3)),
        "b": rng.standard_normal(4),
        "V": rng.standard_normal((4, 2)),
        "c": rng.standard_normal(2),
    }
    return model([*first, *formula, *last], weights, opset=opset, dtype=dtype)


def number(value, name, dtype="float32"):
    """A node ``Constant``."""
    tensor = numpy_helper.from_array(np.array(value, dtype=dtype))
    return helper.make_node("Constant", [], [name], name, value=tensor)


__all__ = ["model", "node", "number", "of_formula", "onnx"]
