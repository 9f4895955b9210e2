"""The tracer of ``torch.fx``, which notes where in the user's files a call is written."""

from __future__ import annotations

import operator
import sys
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from cvxnet.interop.torch.modules import Reader, check_hooks
from cvxnet.optional import import_fx


@cache
def shaped_proxy(fx: Any) -> Any:
    """The class of what stands for a tensor while shapes are known."""

    class Shaped(fx.Proxy):
        """A tensor of which all is known but its numbers."""

        @property
        def shape(self) -> Any:
            return self.node.meta["value"].shape

        @property
        def ndim(self) -> int:
            return len(self.shape)

        @property
        def dtype(self) -> Any:
            return self.node.meta["value"].dtype

        def size(self, dim: int | None = None) -> Any:
            return self.shape if dim is None else self.shape[dim]

        def dim(self) -> int:
            return self.ndim

        def __len__(self) -> int:
            return int(self.shape[0])

    return Shaped


@cache
def fx_classes(torch: Any, fx: Any) -> tuple[Any, Any]:
    """The module that is traced, and the tracer; made once torch is there."""
    shaped = shaped_proxy(fx)

    class Whole(torch.nn.Module):
        """A module with one input, so that its other arguments have their defaults."""

        def __init__(self, module: Any) -> None:
            super().__init__()
            self.module = module

        def forward(self, x: Any) -> Any:
            return self.module(x)

    class Tracer(fx.Tracer):
        """Notes for every call where it is written, and in the forward pass of which module.

        With rows to run it on, forward passes may ask for the shapes of their tensors.
        """

        def __init__(self, reader: Reader, rows: Any = None) -> None:
            super().__init__()
            self.reader, self.rows = reader, rows
            self.inside = [""]
            self.running = False

        def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: Any) -> Any:
            if self.running:
                return attr_val
            return super().getattr(attr, attr_val, parameter_proxy_cache)

        def proxy(self, node: Any) -> Any:
            return super().proxy(node) if self.rows is None else shaped(node, self)

        def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
            return self.reader.is_leaf(m)

        def call_module(self, m: Any, forward: Any, args: Any, kwargs: Any) -> Any:
            if self.running:
                return forward(*args, **kwargs)
            path = own_path(self.path_of_module(m))
            if not self.reader.is_leaf(m):
                check_hooks(torch, m, path or "the module")
            self.inside.append(path)
            try:
                return super().call_module(m, forward, args, kwargs)
            finally:
                self.inside.pop()

        def create_node(self, *args: Any, **kwargs: Any) -> Any:
            node = super().create_node(*args, **kwargs)
            node.meta["place"] = place_in(sys._getframe(1), torch)
            node.meta["inside"] = self.inside[-1] or "the module"
            if self.rows is not None and node.op != "output":
                self.running = True
                try:
                    node.meta["value"] = value_of(node, self.root, self.rows)
                finally:
                    self.running = False
            return node

    return Whole, Tracer


def value_of(node: Any, root: Any, rows: Any) -> Any:
    """What a node is where rows come in, from the values of the nodes before it."""

    def known(arguments: Any) -> Any:
        return map_nodes(arguments, lambda part: part.meta["value"])

    if node.op == "placeholder":
        return rows
    if node.op == "get_attr":
        return operator.attrgetter(node.target)(root)
    call = node.target
    arguments, options = known(node.args), known(node.kwargs)
    if node.op == "call_module":
        call = root.get_submodule(node.target)
    elif node.op == "call_method":
        call, arguments = getattr(arguments[0], node.target), arguments[1:]
    return call(*arguments, **options)


def map_nodes(arguments: Any, function: Callable[[Any], Any]) -> Any:
    """Nested arguments with something in place of each node."""
    return import_fx().node.map_arg(arguments, function)


def own_path(target: str) -> str:
    """The path of a module in the user's, from that in `Whole`."""
    return target.removeprefix("module").removeprefix(".")


def is_foreign(file: str, torch: Any) -> bool:
    """Whether a file is the user's, not torch's and not ours."""
    homes = (Path(torch.__file__).parent, Path(__file__).parent)
    return not any(home in Path(file).parents for home in homes)


def place_in(frame: Any, torch: Any) -> str:
    """``net.py:12``: the innermost line of the user's."""
    while frame is not None:
        if is_foreign(frame.f_code.co_filename, torch):
            return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
        frame = frame.f_back
    return "an unknown line"


def place_of(error: BaseException, torch: Any) -> str:
    """The innermost line of the user's that an error went through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_foreign(f.filename, torch)]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown line"
