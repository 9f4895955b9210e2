"""Modules with a forward pass of their own, followed by ``torch.fx``.

The trace says what the forward pass calls and in which order. It is run once on random rows, in
float64, so that the shape of every tensor is known; what depends on the input is read as layers
(operations.py), everything else is computed by torch. What stands on two ways from
one tensor and is added up again is a residual sum.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Iterable, Iterator
from typing import Any

from cvxnet.errors import CvxnetError, InputError, UnsupportedError
from cvxnet.interop.torch.evaluation import ANY_WIDTH, ROWS, in_double, output_of, random_rows
from cvxnet.interop.torch.modules import (
    NO_IMAGE,
    SUPPORTED,
    Reader,
    kind,
)
from cvxnet.interop.torch.names import ADVICE, ALIASES, CONSTANT
from cvxnet.interop.torch.operations import RULES, function_names
from cvxnet.interop.torch.pairs import Image
from cvxnet.interop.torch.signals import Operation, Signal, check_rows
from cvxnet.interop.torch.tracer import fx_classes, map_nodes, own_path, place_of
from cvxnet.layers import Flatten, Sequential
from cvxnet.optional import import_fx


def trace(torch: Any, module: Any, reader: Reader) -> Sequential:
    """The chain of layers that a module is, read from a trace of its forward pass."""
    check_inputs(module)
    whole_class, tracer_class = fx_classes(torch, import_fx())
    whole = whole_class(module)
    whole.training = False
    tracer = tracer_class(reader)
    try:
        graph = tracer.trace(whole)
    except CvxnetError:
        raise
    except Exception as error:
        graph, rows = traced_again(torch, whole, tracer, error)
    else:
        rows = first_rows(torch, whole, graph, reader.image)
    return Follower(torch, whole, reader).follow(graph, rows)


def traced_again(torch: Any, whole: Any, tracer: Any, error: Exception) -> tuple[Any, Any]:
    """The trace with shapes that are known, and the rows; the first error where it fails, too."""
    try:
        rows = first_rows(torch, whole, tracer.graph, tracer.reader.image)
        kind_of = next((p.dtype for p in whole.parameters() if p.is_floating_point()), None)
        return type(tracer)(tracer.reader, rows.to(kind_of or torch.float32)).trace(whole), rows
    except CvxnetError as problem:
        if NO_IMAGE in str(problem):
            raise
    except Exception as problem:
        error = problem
    branch = "control flow" in str(error)
    why = (
        "what it does depends on its input there, so it is no chain of layers. Write the branch "
        "that is used"
        if branch
        else f"{type(error).__name__}: {first_line(error)}. Write what it does"
    )
    raise UnsupportedError(
        f"the module: forward of {kind(whole.module)} cannot be followed beyond "
        f"{place_of(error, torch)}: {why} as a module of its own, or as a "
        "torch.nn.Sequential(net.fc1, torch.nn.ReLU(), net.fc2)."
    ) from None


def check_inputs(module: Any) -> None:
    """Refuse forward passes of more than one input."""
    parameters = inspect.signature(module.forward).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL]
    if len(needed) > 1:
        raise UnsupportedError(
            f"the module: forward of {kind(module)} takes {len(needed)} inputs "
            f"({', '.join(needed)}); cvxnet's networks take one. Give the others default values, "
            "or wrap it in a module whose forward sets them."
        )


def first_line(error: BaseException | None) -> str:
    """The first line of a message of torch."""
    return str(error).strip().split("\n")[0]


def first_rows(torch: Any, whole: Any, graph: Any, image: Image) -> Any:
    """Random input of the first width that the module can be run on."""
    problem: Exception | None = None
    for shape in [image] if image else dict.fromkeys(widths(torch, whole, graph)):
        rows = random_rows(torch, ROWS, shape, seed=0)
        try:
            output_of(torch, whole, rows)
        except Exception as error:
            problem = problem or error
        else:
            return rows
    if image is None and any(takes_images(torch, part) for part in whole.modules()):
        raise InputError(f"the module: {NO_IMAGE}")
    where = place_of(problem, torch) if problem else ""
    raise InputError(
        f"the module cannot be run on {'images' if image else 'rows'} of random numbers: "
        f"{type(problem).__name__}: {first_line(problem)} ({where})."
    )


def takes_images(torch: Any, module: Any) -> bool:
    """Whether a module is a convolution or pooling of images."""
    return isinstance(
        module, torch.nn.Conv2d | torch.nn.MaxPool2d | torch.nn.AvgPool2d | torch.nn.BatchNorm2d
    )


def widths(torch: Any, whole: Any, graph: Any) -> Iterator[tuple[int]]:
    """Widths that the input may have, those first that the forward pass uses first."""
    for node in graph.nodes:
        if node.op == "call_module":
            part = whole.get_submodule(node.target)
            yield from product_of(getattr(part, "unflattened_size", ()))
            yield from ends(part.parameters())
            yield from ends(part.buffers())
        elif node.op == "get_attr":
            tensor = operator.attrgetter(node.target)(whole)
            yield from ends([tensor] if torch.is_tensor(tensor) else [])
        else:
            yield from product_of(s for s in node.args[1:] if isinstance(s, int) and s > 0)
    yield from ends(whole.parameters())
    yield (ANY_WIDTH,)


def product_of(sizes: Iterable[int]) -> list[tuple[int]]:
    """The width of rows that are given this shape."""
    sizes = list(sizes)
    return [(math.prod(sizes),)] if sizes else []


def ends(tensors: Iterable[Any]) -> list[tuple[int]]:
    """The last and the first size of each tensor."""
    return [(t.shape[end],) for t in tensors if t.ndim for end in (-1, 0)]


class Follower:
    """Runs a trace node by node, and keeps for each node its value or its `Signal`."""

    def __init__(self, torch: Any, whole: Any, reader: Reader) -> None:
        self.torch, self.whole, self.reader = torch, whole, reader
        homes = {"torch.special": torch.special, "torch.nn.functional": torch.nn.functional}
        self.names = function_names(homes | {"torch": torch, "operator": operator})
        self.used: set[str] = set()
        self.found: dict[Any, Any] = {}

    def follow(self, graph: Any, rows: Any) -> Sequential:
        """The layers from the input to the output."""
        for node in graph.nodes:
            if node.op == "placeholder":
                self.found[node] = Signal(rows)
            elif node.op == "output":
                return self.finish(self.look_up(node.args[0]))
            else:
                self.found[node] = self.read(node)
        raise InputError("the module: forward returns nothing.")

    def finish(self, out: Any) -> Sequential:
        """The network, from what the forward pass returns."""
        if isinstance(out, tuple | list | dict):
            raise UnsupportedError(
                f"the module: forward returns a {type(out).__name__}; cvxnet's networks return one "
                "tensor. Wrap it in a module whose forward returns the one that is meant."
            )
        if not isinstance(out, Signal):
            raise InputError("the module: what forward returns does not depend on its input.")
        if len(out.value) != ROWS:
            raise UnsupportedError("the module: forward joins its samples, not one row for each.")
        return Sequential(*out.settled) if out.settled else Sequential(Flatten())

    def look_up(self, arguments: Any) -> Any:
        """Arguments with values in place of nodes."""
        return map_nodes(arguments, self.found.__getitem__)

    def read(self, node: Any) -> Any:
        """The value of one node, or the signal that comes out of it."""
        if node.op == "get_attr":
            return self.constant(node)
        arguments, options = self.look_up(node.args), self.look_up(node.kwargs)
        value = self.run(node, values(arguments), values(options))
        signals = list(signals_in((arguments, options)))
        if not signals:
            return value
        try:
            if node.op == "call_module":
                return self.read_module(node, arguments, options, value)
            return self.read_call(node, arguments, options, value)
        except CvxnetError as error:
            raise type(error)(f"{self.where(node)}{error}") from None

    def where(self, node: Any) -> str:
        """The beginning of a message about a node."""
        if node.op == "call_module":
            return ""
        inside, place = node.meta["inside"], node.meta["place"]
        return f"{inside}: forward calls {self.title(node)} at {place}: "

    def title(self, node: Any) -> str:
        """What a node calls, as users write it."""
        if node.op == "call_method":
            return f"Tensor.{node.target}"
        if node.target is getattr:
            return f"Tensor.{node.args[1]}"
        return ".".join(self.names.get(node.target, ("torch", self.name(node))))

    def name(self, node: Any) -> str:
        """The name by which rules know what a node calls."""
        if node.target is getattr:
            name = str(node.args[1])
        elif node.op == "call_method":
            name = node.target
        elif node.target in self.names:
            name = self.names[node.target][1]
        else:
            name = getattr(node.target, "__name__", str(node.target))
        name = name if name.startswith("_") else name.rstrip("_")
        return ALIASES.get(name, name)

    def constant(self, node: Any) -> Any:
        """A weight, statistic or other tensor of the module, in float64."""
        tensor = operator.attrgetter(node.target)(self.whole)
        if not self.torch.is_tensor(tensor):
            return tensor
        if isinstance(tensor, self.torch.nn.Parameter) and not all(map(asks_only, node.users)):
            path = own_path(node.target)
            use = f"{path} at {node.meta['place']}"
            if id(tensor) in self.reader.owners:
                use = f"{use}, a second time"
            self.reader.own(tensor, use, "forward shares it")
        tensor = tensor.detach().cpu()
        return tensor.double() if tensor.is_floating_point() else tensor

    def run(self, node: Any, arguments: Any, options: Any) -> Any:
        """What torch itself computes."""
        if node.op == "call_module":
            part = self.whole.get_submodule(node.target)
            whole = self.torch.func.functional_call
            return whole(part, in_double(part), arguments, options)
        if node.op == "call_method":
            return getattr(arguments[0], node.target)(*arguments[1:], **options)
        return node.target(*arguments, **options)

    def read_module(self, node: Any, arguments: Any, options: Any, value: Any) -> Signal:
        """The layer of a module that gets a signal."""
        path = own_path(node.target)
        part = self.whole.get_submodule(node.target)
        if len(arguments) + len(options) != 1:
            raise UnsupportedError(f"{path}: {kind(part)} gets more than one input.")
        if path in self.used and any(True for _ in part.parameters()):
            raise UnsupportedError(
                f"{path}: forward uses {kind(part)} twice ({node.meta['place']}), which cvxnet "
                "would take for two layers with independent weights; give each use a layer of its "
                "own (copy.deepcopy)."
            )
        self.used.add(path)
        signal = next(signals_in((arguments, options)))
        self.reader.image = signal.image
        try:
            check_rows(self.reader, part, signal)
        except UnsupportedError as error:
            raise UnsupportedError(f"{path or 'the module'}: {kind(part)}: {error}.") from None
        layer = self.reader.read(part, path)
        images = isinstance(part, self.torch.nn.BatchNorm2d)
        return moved(signal.then(layer, images), value)

    def read_call(self, node: Any, arguments: Any, options: Any, value: Any) -> Any:
        """The layers of a function, operator or method that gets a signal."""
        name = self.name(node)
        if name in CONSTANT or (name in ("to", "type_as") and not isinstance(arguments[0], Signal)):
            return value
        if name not in RULES:
            advice = f"{ADVICE[name]}; " if name in ADVICE else ""
            raise UnsupportedError(f"cvxnet does not have it; {advice}supported: {SUPPORTED}.")
        try:
            call = Operation(name, arguments, options, value, self.reader)
            return moved(RULES[name](call), value)
        except CvxnetError as error:
            advice = f"; {ADVICE[name]}" if name in ADVICE else ""
            raise type(error)(f"{str(error).rstrip('.')}{advice}.") from None


def asks_only(node: Any) -> bool:
    """Whether a node asks a tensor for its shape, type or place."""
    return node.target is getattr and node.args[1] in CONSTANT


def moved(signal: Signal, value: Any) -> Signal:
    """The signal with the value that came out."""
    return Signal(value.double(), signal.layers, signal.affine)


def values(arguments: Any) -> Any:
    """Arguments with the values of signals."""
    return import_fx().node.map_aggregate(
        arguments, lambda part: part.value if isinstance(part, Signal) else part
    )


def signals_in(arguments: Any) -> Iterator[Signal]:
    """Every signal in nested arguments."""
    if isinstance(arguments, Signal):
        yield arguments
    elif isinstance(arguments, tuple | list):
        for part in arguments:
            yield from signals_in(part)
    elif isinstance(arguments, dict):
        yield from signals_in(list(arguments.values()))
