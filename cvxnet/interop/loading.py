"""Find what a command line names: a network file, a torch file or ``module.py:name``."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cvxpy as cp

from cvxnet.errors import InputError
from cvxnet.interop.modules import to_array
from cvxnet.interop.torch import from_torch
from cvxnet.layers import activations
from cvxnet.layers.activations import Activation
from cvxnet.layers.containers import Sequential, load
from cvxnet.layers.layer import Layer
from cvxnet.layers.linear import Linear
from cvxnet.optional import import_torch
from cvxnet.types import Array

TORCH_ENDINGS = (".pt", ".pth")
ACTIVATIONS: dict[str, type[Activation]] = {
    kind().profile.name: kind
    for kind in vars(activations).values()
    if isinstance(kind, type) and issubclass(kind, Activation) and kind is not Activation
}
"""What may stand between the layers of a state dict, which names only layers with weights."""


def load_thing(target: str | Path, activation: str = "relu") -> Any:
    """The network, CVXPY expression or CVXPY problem that a command-line argument names.

    Parameters
    ----------
    target : str or path
        A network saved by cvxnet (``net.json``), a torch state dict (``net.pt``, read with
        ``weights_only``, so that no code in the file is run) or ``file.py:name``, which runs the
        Python file and takes the object of that name (called, if it is a function). A torch module
        there goes through `from_torch`.
    activation : str
        What stands between the linear layers of a torch state dict, which does not say it.

    Returns
    -------
    layer, CVXPY expression or CVXPY problem
        What `convexity` accepts.

    See Also
    --------
    assumed_activation

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from cvxnet.layers import Linear, Sequential
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "net.json"
    >>> Sequential(Linear(2, 1)).save(file)
    >>> load_thing(file)
    Sequential(Linear(2, 1))
    """
    text = str(target)
    check_activation(activation)
    if text.endswith(TORCH_ENDINGS):
        return network_from_state(read_state_dict(Path(text)), text, activation)
    if activation != "relu":
        raise InputError(
            f"{text} says itself which activations it has; activation={activation!r} is for torch "
            "state dicts (.pt, .pth) only."
        )
    path, colon, name = text.rpartition(":")
    if colon and path.endswith(".py"):
        return load_from_python(Path(path), name)
    if text.endswith(".py"):
        raise InputError(f"{text} is a Python file; name the object in it, as in {text}:net.")
    return load(Path(text))


def assumed_activation(target: str | Path, thing: Any, activation: str = "relu") -> str | None:
    """The activation that `load_thing` had to assume for what it returned; None where it did not.

    Examples
    --------
    >>> from cvxnet.layers import Linear, ReLU, Sequential
    >>> net = Sequential(Linear(1, 2), ReLU(), Linear(2, 1))
    >>> assumed_activation("net.pt", net), assumed_activation("net.json", net)
    ('relu', None)
    """
    if not str(target).endswith(TORCH_ENDINGS):
        return None
    return activation if any(isinstance(x, ACTIVATIONS[activation]) for x in thing) else None


def check_activation(activation: str) -> None:
    """Raise InputError for a name that is not in the list."""
    if activation not in ACTIVATIONS:
        raise InputError(f"unknown activation {activation!r}; known: {', '.join(ACTIVATIONS)}.")


def load_from_python(path: Path, name: str) -> Any:
    """Run a Python file and take the object of that name."""
    thing = defined_in(path, name)
    if callable(thing) and not is_thing(thing) and not is_torch_module(thing):
        thing = call(thing, f"{name} in {path}")
    if is_torch_module(thing):
        return from_torch(thing)
    if not is_thing(thing):
        raise InputError(
            f"{name} in {path} is a {type(thing).__name__}; expected a cvxnet network, a torch "
            "module, a CVXPY expression or a CVXPY problem (or a function that returns one)."
        )
    return thing


def defined_in(path: Path, name: str) -> Any:
    """What a Python file that is run calls by that name."""
    if not path.is_file():
        raise InputError(f"cannot read {path}: there is no such file.")
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        raise InputError(f"{path} failed to run: {type(error).__name__}: {error}.") from error
    if name not in names:
        things = [k for k, v in names.items() if is_thing(v) or is_torch_module(v)]
        known = ", ".join(things) or "nothing that can be judged"
        raise InputError(f"{path} defines no {name!r}; it has {known}.")
    return names[name]


def call(function: Any, what: str) -> Any:
    """What a user's function returns; its errors become messages."""
    try:
        return function()
    except Exception as error:
        raise InputError(f"{what} failed: {type(error).__name__}: {error}.") from error


def is_thing(value: Any) -> bool:
    """Whether `convexity` can judge it."""
    return isinstance(value, Layer | cp.Expression | cp.Problem)


def is_torch_module(value: Any) -> bool:
    """Whether an object is a torch module, without importing torch."""
    return any(base.__module__.startswith("torch.nn") for base in type(value).__mro__)


def read_state_dict(path: Path) -> dict[str, Array]:
    """The arrays of a torch state dict; no code in the file is run."""
    torch = import_torch()
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from None
    except Exception as error:
        raise InputError(
            f"{path} is no plain state dict ({type(error).__name__}). Save it with "
            "torch.save(module.state_dict(), path); whole pickled modules can run code and are "
            "not opened."
        ) from None
    if not isinstance(state, Mapping):
        raise InputError(f"{path} holds a {type(state).__name__}, not a state dict.")
    other = [str(name) for name, value in state.items() if not torch.is_tensor(value)]
    if other:
        raise InputError(
            f"{path} is a dict in which {other[0]!r} is no tensor, so it is no state dict. Where a "
            "checkpoint holds one, save that alone: torch.save(checkpoint['state_dict'], path)."
        )
    return {str(name): to_array(value, f"{path}: {name}") for name, value in state.items()}


def network_from_state(
    arrays: Mapping[str, Any], source: str, activation: str = "relu"
) -> Sequential:
    """Linear layers by their numbers, one activation where a number is missing between two.

    A state dict names only layers with weights. Where two numbers or more are missing in a row, or
    the first one, there is more than one common guess, so that is refused.

    Examples
    --------
    >>> import numpy as np
    >>> state = {"0.weight": np.ones((3, 2)), "0.bias": np.ones(3), "2.weight": np.ones((1, 3))}
    >>> network_from_state(state, "an example")
    Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    """
    prefix = common_prefix(list(arrays))
    state = {name[len(prefix) :]: value for name, value in arrays.items()}
    weights = linear_weights(state)
    if not weights:
        raise InputError(
            f"the state dict in {source} is not that of a torch Sequential of Linear layers "
            f"({', '.join(arrays)}). Convert the module in Python with cvxnet.from_torch instead."
        )
    chain: list[Layer] = []
    for position in range(max(weights) + 1):
        if position in weights:
            weight = weights[position]
            chain.append(Linear(weight.shape[1], weight.shape[0], f"{position}.bias" in state))
        elif position - 1 in weights and position + 1 in weights:
            chain.append(ACTIVATIONS[activation]())
        else:
            raise InputError(
                f"the state dict in {source} has no weights for layer {position}, and what stands "
                f"there is no single activation between two Linear layers ({', '.join(arrays)}). "
                "Convert the module in Python with cvxnet.from_torch instead."
            )
    return Sequential(*chain).load_state_dict(state)


def linear_weights(state: Mapping[str, Any]) -> dict[int, Any]:
    """The weight matrices by layer number; nothing where there is anything but Linear layers.

    Examples
    --------
    >>> import numpy as np
    >>> list(linear_weights({"0.weight": np.ones((3, 2)), "0.bias": np.ones(3)}))
    [0]
    >>> linear_weights({"0.weight": np.ones((3, 2)), "1.gamma": np.ones(3)})
    {}
    """
    weights: dict[int, Any] = {}
    for name, value in state.items():
        position, _, own = name.partition(".")
        if own == "weight" and position.isdecimal() and value.ndim == 2:
            weights[int(position)] = value
    fitting = {f"{position}.{own}" for position in weights for own in ("weight", "bias")}
    return weights if set(state) <= fitting else {}


def common_prefix(names: list[str]) -> str:
    """A module name that all weights share, such as ``net.``; layer numbers are no prefix."""
    heads = {name.split(".")[0] for name in names}
    head = next(iter(heads), "")
    return f"{head}." if len(heads) == 1 and not head.isdigit() else ""
