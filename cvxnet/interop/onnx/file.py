"""ONNX files: opened with care, and run beside the network that was read from them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cvxnet.data.files import check_path
from cvxnet.errors import InputError, MissingExtraError, UnsupportedError
from cvxnet.optional import import_onnx, import_onnxruntime
from cvxnet.types import Array

MOST_NUMBERS = 2**28
"""In all weights of a file together: 2 GiB as doubles."""
MOST_NODES = 20_000
FLOATS = {1: np.float32, 10: np.float16, 11: np.float64}
"""The formats of what goes into a model, by ONNX's numbers."""
DIGITS = {11: 52, 1: 23, 10: 10, 16: 7}
"""Binary digits of float formats, by ONNX's numbers."""
IN_SINGLE = {"BatchNormalization", "Celu", "Clip", "Elu", "HardSigmoid", "LayerNormalization"}
IN_SINGLE |= {"LeakyRelu", "Selu", "Swish", "ThresholdedRelu"}
"""Operators whose numbers ONNX keeps in single precision, whatever the file is in."""


def open_model(onnx: Any, source: Any) -> tuple[Any, str]:
    """The model that a path or a model is, checked, with what messages call it."""
    if isinstance(source, onnx.ModelProto):
        model, name = onnx.ModelProto(), "the model"
        model.CopyFrom(source)
        folder = None
    else:
        path = check_path(source)
        model, name, folder = read_file(onnx, path), str(path), path.parent
    check_size(model, name)
    try:
        load_outside(onnx, model, folder)
        check_model(onnx, model)
        if model.functions:
            model = import_onnx("inliner").inline_local_functions(model)
    except Exception as error:  # of a kind for each way in which a file can be wrong
        raise InputError(
            f"{name} is damaged, or newer than the installed onnx {onnx.__version__}: "
            f"{first_line(error)}."
        ) from None
    return model, name


def check_model(onnx: Any, model: Any) -> None:
    """Raise what onnx has to say; it asks for the shapes of inputs and outputs, cvxnet does not."""
    values = [*model.graph.input, *model.graph.output]
    tensors = [value.type.tensor_type for value in values if value.type.HasField("tensor_type")]
    without = [tensor for tensor in tensors if not tensor.HasField("shape")]
    for tensor in without:
        tensor.shape.SetInParent()
    onnx.checker.check_model(model)
    for tensor in without:
        tensor.ClearField("shape")


def read_file(onnx: Any, path: Path) -> Any:
    """The model in a file, without the weights that stand in other files."""
    try:
        model = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}.") from None
    except Exception as error:  # what protobuf raises depends on its version
        raise InputError(f"{path} is no ONNX file ({type(error).__name__}).") from None
    if not model.graph.node:
        raise InputError(f"{path} is no ONNX file, or its graph is empty.")
    return model


def tensors(graph: Any) -> Iterator[Any]:
    """Every tensor with numbers in a graph."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from [attribute.t] if attribute.HasField("t") else attribute.tensors


def check_size(model: Any, name: str) -> None:
    """Refuse what would take more memory than networks of cvxnet need, before it is taken."""
    if len(model.graph.node) > MOST_NODES:
        raise UnsupportedError(f"{name} has {len(model.graph.node)} nodes, more than {MOST_NODES}.")
    sizes = [(math.prod(tensor.dims), tensor.name) for tensor in tensors(model.graph)]
    total = sum(abs(size) for size, _ in sizes)
    if total > MOST_NUMBERS:
        raise UnsupportedError(
            f"{name} has {total:.3g} weights, {max(sizes)[1]!r} most of them; cvxnet takes "
            f"{MOST_NUMBERS:.3g}."
        )


def load_outside(onnx: Any, model: Any, folder: Path | None) -> None:
    """Weights from other files in the same folder."""
    helper = onnx.external_data_helper
    outside = [t for t in tensors(model.graph) if helper.uses_external_data(t)]
    if outside and folder is None:
        raise InputError(
            f"the weights {outside[0].name!r} are in another file; pass the path of the .onnx file"
        )
    for tensor in outside:
        helper.load_external_data_for_tensor(tensor, str(folder))
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def first_line(error: Exception) -> str:
    """What an exception says first, without its full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")[:300]


def precision_of(model: Any) -> float:
    """The relative precision of the numbers in a model: that of its shortest floats."""
    kinds = {tensor.data_type for tensor in tensors(model.graph)}
    kinds |= {value.type.tensor_type.elem_type for value in model.graph.input}
    kinds |= {kind for node in model.graph.node for kind in formats(node)}
    return float(0.5 ** min((DIGITS[kind] for kind in kinds if kind in DIGITS), default=52))


def formats(node: Any) -> Iterator[int]:
    """The number formats that a node has for itself."""
    if node.op_type in IN_SINGLE or node.domain == "ai.onnx.ml":
        yield 1
    for attribute in node.attribute:
        if node.op_type == "Cast" and attribute.name == "to":
            yield attribute.i
        elif attribute.f not in (0.0, 1.0) or attribute.floats:
            yield 1


def run(model: Any, X: Array) -> Array:
    """The one output of a model for rows, one after the other where it takes no more at once."""
    name, tensor = model.graph.input[0].name, model.graph.input[0].type.tensor_type
    batch, *shape = [dim.dim_value or -1 for dim in tensor.shape.dim] or [-1, -1]
    fed = X.reshape(len(X), *shape).astype(FLOATS.get(tensor.elem_type, np.int64))
    run_once, rows = runner(model), batch if batch > 0 else len(X)
    try:
        found = [run_once({name: part}) for part in batches(fed, rows)]
    except Exception:  # shapes for one row, written into a graph for many
        rows, found = 1, [run_once({name: part}) for part in batches(fed, 1)]
    flat = [np.asarray(part, dtype=np.float64).reshape(rows, -1) for part in found]
    return np.concatenate(flat)[: len(X)]


def batches(X: Any, size: int) -> Iterator[Any]:
    """Blocks of that many rows, the last one filled with its last row."""
    for first in range(0, len(X), size):
        block = X[first : first + size]
        yield np.concatenate([block, np.repeat(block[-1:], size - len(block), axis=0)])


def runner(model: Any) -> Any:
    """Inputs by name to the output: onnxruntime where it is there and has what the model needs."""
    try:
        runtime = import_onnxruntime()
        options = runtime.SessionOptions()
        options.log_severity_level, options.intra_op_num_threads = 4, 1
        session = runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return lambda inputs: session.run(None, inputs)[0]
    except MissingExtraError:
        pass
    except Exception:  # an operator that it lacks for these numbers
        pass
    evaluator = import_onnx("reference").ReferenceEvaluator(model)
    return lambda inputs: evaluator.run(None, inputs)[0]
