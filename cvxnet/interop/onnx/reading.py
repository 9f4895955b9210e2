"""Networks from ONNX files, whoever wrote them.

Each tensor of the graph becomes a constant, or a stream: a function of the input
(streams.py). The stream that the output is comes to layers. What the layers compute
is compared with what the file computes before anybody gets them.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cvxnet.errors import CvxnetError, InputError, UnsupportedError
from cvxnet.interop.agreement import difference, random_rows
from cvxnet.interop.onnx.file import FLOATS, first_line, open_model, precision_of, run
from cvxnet.interop.onnx.graph import ABOUT
from cvxnet.interop.onnx.nodes import Node, Unread
from cvxnet.interop.onnx.operators import (
    ADVICE,
    AFTER_SCORES,
    CONSTANTS,
    DOMAINS,
    READERS,
    of_columns,
)
from cvxnet.interop.onnx.streams import Columns, Stream, layers_between
from cvxnet.layers import Flatten, Sequential, network_file
from cvxnet.optional import import_onnx

HALF = 1e-4
"""Numbers of half precision are less precise than this, those of single precision more."""


def from_onnx(source: Any, output: str | None = None) -> Sequential:
    """The cvxnet network that is the same function as an ONNX model.

    Parameters
    ----------
    source : str, path or onnx.ModelProto
        A file, of any operator set from 7 on and in any float format. Weights may stand in other
        files of its folder.
    output : str, optional
        The tensor to compute: an output of the graph, or any tensor inside it. The output of the
        graph where left out. Where labels are chosen from scores in the graph (``ArgMax``,
        ``ZipMap``), it is the scores, with a warning that says so.

    Returns
    -------
    Sequential
        Images are flattened rows in cvxnet: give it ``images.reshape(n, -1)``.

    Raises
    ------
    UnsupportedError
        Names the node that cvxnet has no layer for, and what to do.
    InputError
        For files that are damaged or none of ONNX, and where the network would not be the same
        function.
    MissingExtraError
        Where onnx is not installed.

    Warns
    -----
    UserWarning
        Where something after the scores was left off.

    See Also
    --------
    to_onnx, from_torch, from_sklearn

    Notes
    -----
    Covered are Linear layers however they are written (Gemm, MatMul and Add, scalings, selections
    of columns), Conv2d with square windows, pooling, normalisation, softmax, residual sums of
    these, and every activation of cvxnet, also where it is written as a formula: it is recognised
    by its values. Constants that scale or shift columns go into the Linear layer beside them;
    those of a scaler in front become a `BatchNorm` of their own.

    Every network is compared with the file on random samples before it is returned, run by
    onnxruntime where that is installed and otherwise by onnx's reference implementation; a
    difference above thirty times what rounding in the precision of the file can change is an
    error. A file that `to_onnx` wrote says what its layers are, and comes back number for number.
    ONNX does not say which weights are one parameter: where two nodes share weights, each layer
    gets its copy.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from cvxnet.interop import to_onnx
    >>> from cvxnet.layers import Linear, ReLU
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "net.onnx"
    >>> to_onnx(Sequential(Linear(2, 3), ReLU(), Linear(3, 1)), file)
    >>> from_onnx(file)
    Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    """
    onnx = import_onnx()
    model, name = open_model(onnx, source)
    try:
        known = described(onnx, model) if output is None else None
        if known is not None and unlike(model, known) is None:
            return known
        graph = GraphReader(onnx, model)
        network, end = graph.network(output)
        wrong = unlike(leading_to(onnx, model, end), network, graph.columns)
    except CvxnetError as error:
        raise type(error)(f"{name}: {error}") from None
    except RecursionError:
        raise UnsupportedError(f"{name}: its layers are nested too deeply.") from None
    if wrong is not None:
        raise InputError(
            f"{name}: it was read as {network!r}, but this is another function: {wrong} Please "
            "report this, with the file if you can."
        )
    for remark in graph.remarks:
        warnings.warn(f"{name}: {remark}", UserWarning, stacklevel=2)
    return network


def described(onnx: Any, model: Any) -> Sequential | None:
    """The network that `to_onnx` wrote down beside the graph; None where that does not fit."""
    texts = [entry.value for entry in model.metadata_props if entry.key == ABOUT]
    if not texts:
        return None
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    try:
        about = json.loads(texts[0])
        description, given = about["network"], set(about["given"])
        network_file.check_size(description, sum(array.size for array in stored.values()))
        network = network_file.build(description)
        network.load_state_dict({name: stored[name] for name in network.state_dict()})
    except (CvxnetError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # another tool has changed the file; its graph says what it is
    for prefix, layer in network.named_layers():
        layer.given = prefix in given
    return network if isinstance(network, Sequential) else None


def unlike(model: Any, net: Sequential, columns: int | None = None) -> str | None:
    """How the outputs of a network and of a model differ; None where only by rounding."""
    X, precision = random_rows(net.columns(None) or columns or 3), precision_of(model)
    if precision > HALF:
        X = X.astype(np.float16).astype(np.float64)
    if model.graph.input[0].type.tensor_type.elem_type not in FLOATS:
        X = np.round(X)
    try:
        with np.errstate(all="ignore"):
            found = run(model, X)
    except Exception as error:  # whatever a runtime raises
        raise InputError(
            f"it could not be run for comparison ({type(error).__name__}: {first_line(error)}), "
            "and what is not compared is not returned."
        ) from None
    return difference(net, X, found, precision)


def leading_to(onnx: Any, model: Any, output: str) -> Any:
    """The model with one output, and without the nodes that do not lead to it."""
    pruned = onnx.ModelProto()
    pruned.CopyFrom(model)
    needed, nodes = {output}, []
    for node in reversed(model.graph.node):
        if needed & {*node.output}:
            needed |= {*node.input}
            nodes.append(node)
    known = {value.name: value for value in model.graph.output}
    anything = onnx.helper.make_tensor_value_info(output, 1, None)
    wanted = known.get(output) or inferred(onnx, model, output) or anything
    graph = pruned.graph
    kept = [tensor for tensor in model.graph.initializer if tensor.name in needed]
    inputs = [value for value in model.graph.input if value.name in needed]
    for old in (graph.node, graph.output, graph.initializer, graph.input, graph.value_info):
        del old[:]
    graph.node.extend(nodes[::-1])
    graph.output.append(wanted)
    graph.initializer.extend(kept)
    graph.input.extend(inputs)
    return pruned


def inferred(onnx: Any, model: Any, name: str) -> Any:
    """What onnx says of a tensor inside the graph."""
    try:
        values = onnx.shape_inference.infer_shapes(model).graph.value_info
    except Exception:  # of no consequence: it is a guess at a type
        return None
    return next((value for value in values if value.name == name), None)


def reader_of(node: Node) -> Callable[[Node], Any]:
    """What makes something of a node: of its kind, and of what its inputs are."""
    if any(isinstance(value, Columns) for value in node.inputs):
        return of_columns
    table = READERS if any(isinstance(value, Stream) for value in node.inputs) else CONSTANTS
    if node.kind not in table:
        raise node.refusal(ADVICE.get(node.kind, "cvxnet has no layer for it."))
    return table[node.kind]


class GraphReader:
    """Reads the nodes of a graph one after the other."""

    def __init__(self, onnx: Any, model: Any) -> None:
        self.onnx, self.graph = onnx, model.graph
        self.opsets = {entry.domain: entry.version for entry in model.opset_import}
        self.remarks: list[str] = []
        self.values: dict[str, Any] = {"": None}
        for tensor in model.graph.initializer:
            self.values[tensor.name] = onnx.numpy_helper.to_array(tensor)
        self.input = self.read_input(precision_of(model))
        self.columns = self.input.width
        for node in model.graph.node:
            self.read(node)

    def read_input(self, precision: float) -> Stream:
        """The one input that is no weight."""
        inputs = [value for value in self.graph.input if value.name not in self.values]
        if len(inputs) != 1:
            raise UnsupportedError(
                f"it has {len(inputs)} inputs ({', '.join(value.name for value in inputs)}); "
                "cvxnet's networks have one, a matrix of rows. Export it with all columns in one."
            )
        name, tensor = inputs[0].name, inputs[0].type.tensor_type
        sizes = [dim.dim_value or None for dim in tensor.shape.dim]
        if not tensor.HasField("shape"):
            sizes = [None, None]
        if len(sizes) < 2 or (len(sizes) > 2 and None in sizes[1:]):
            raise UnsupportedError(
                f"its input {name!r} has the shape {sizes}; cvxnet's networks take samples of a "
                "fixed size, side by side along the first axis. Export it that way."
            )
        self.values[name] = Stream(tuple(sizes[1:]), precision=precision)
        return self.values[name]

    def read(self, proto: Any) -> None:
        """What a node makes, or why it cannot be read."""
        inputs = [self.values.get(name) for name in proto.input]
        bad = next((value for value in inputs if isinstance(value, Unread)), None)
        value = self.made(proto, inputs) if bad is None else bad
        several = value if isinstance(value, tuple) else (value,)
        more = bad or Unread(f"a further output of {proto.op_type} is read.", proto.op_type, ())
        for position, name in enumerate(proto.output):
            self.values[name] = several[position] if position < len(several) else more

    def made(self, proto: Any, inputs: list[Any]) -> Any:
        """The constant, stream or refusal that a node makes of its inputs."""
        try:
            options = {a.name: self.option(a) for a in proto.attribute}
            opset = self.opsets.get(proto.domain, 1)
            name = proto.name or proto.output[0]
            node = Node(proto.op_type, name, inputs, options, opset)
            if proto.domain not in DOMAINS:
                raise node.refusal(f"cvxnet does not know operators of {proto.domain!r}.")
            return reader_of(node)(node)
        except CvxnetError as error:
            return Unread(str(error), proto.op_type, tuple(proto.input))
        except (ValueError, TypeError, KeyError, IndexError, ArithmeticError) as error:
            why = f"node {proto.name!r} ({proto.op_type}) is damaged: {error}."
            return Unread(why, proto.op_type, tuple(proto.input))

    def option(self, attribute: Any) -> Any:
        """The value of an attribute; tensors as arrays."""
        if attribute.HasField("t"):
            return self.onnx.numpy_helper.to_array(attribute.t)
        return self.onnx.helper.get_attribute_value(attribute)

    def network(self, output: str | None) -> tuple[Sequential, str]:
        """The layers that lead to a tensor, and its name."""
        end = self.end(output)
        stream = self.values[end]
        if isinstance(stream, Columns):
            raise UnsupportedError(f"the samples of {end!r} are columns. Turn them at the end.")
        if not isinstance(stream, Stream):
            why = stream.why if isinstance(stream, Unread) else "it does not depend on the input."
            raise UnsupportedError(why)
        return Sequential(*(layers_between(self.input, stream) or [Flatten()])), end

    def end(self, output: str | None) -> str:
        """The name of the tensor to compute."""
        if output is not None:
            if output not in self.values:
                raise InputError(f"it has no tensor {output!r}; its outputs are {self.outputs}.")
            return output
        names = [value.name for value in self.graph.output]
        streams = [name for name in names if isinstance(self.values.get(name), Stream)]
        scores = {*streams} or {*self.before_labels(names)}
        if len(scores) == 1:
            (score,) = scores
            if names != [score]:
                self.remarks.append(
                    f"read up to {score!r}; what labels and tables are made of it was left off. "
                    f"from_onnx(..., output={score!r}) says the same."
                )
            return score
        if len(names) == 1:
            return names[0]
        raise UnsupportedError(
            f"it has the outputs {self.outputs}; say which: from_onnx(..., output={names[0]!r})."
        )

    @property
    def outputs(self) -> str:
        """The names of all outputs."""
        return ", ".join(repr(value.name) for value in self.graph.output)

    def before_labels(self, names: list[str]) -> Iterator[str]:
        """The tensors that labels and tables of probabilities are made from."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, Unread) and value.kind in AFTER_SCORES:
                yield from (s for s in value.sources if isinstance(self.values.get(s), Stream))
