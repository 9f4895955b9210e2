"""Find what a command line names: a network file, a torch file or ``module.py:name``."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.errors import InputError, MissingExtraError
from cvxnet.layers.layer import Layer
from cvxnet.layers.linear import Linear
from cvxnet.layers.sequential import Sequential
from cvxnet.layers.storage import load

TORCH_ENDINGS = (".pt", ".pth")


def load_thing(target: str | Path) -> Any:
    """The network, CVXPY expression or CVXPY problem that a command-line argument names.

    Parameters
    ----------
    target : str or path
        A network saved by cvxnet (``net.json``), a torch state dict (``net.pt``, read with
        ``weights_only``, so that no code in the file is run) or ``file.py:name``, which runs the
        Python file and takes the object of that name (called, if it is a function).

    Returns
    -------
    layer, CVXPY expression or CVXPY problem
        What `convexity` accepts.

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
    path, colon, name = text.rpartition(":")
    if colon and path.endswith(".py"):
        return load_from_python(Path(path), name)
    if text.endswith(".py"):
        raise InputError(f"{text} is a Python file; name the object in it, as in {text}:net.")
    if text.endswith(TORCH_ENDINGS):
        return load_from_torch(Path(text))
    return load(Path(text))


def load_from_python(path: Path, name: str) -> Any:
    """Run a Python file and take the object of that name."""
    if not path.is_file():
        raise InputError(f"cannot read {path}: there is no such file.")
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        raise InputError(f"{path} failed to run: {type(error).__name__}: {error}.") from error
    if name not in names:
        known = (
            ", ".join(k for k, v in names.items() if is_thing(v)) or "nothing that can be judged"
        )
        raise InputError(f"{path} defines no {name!r}; it has {known}.")
    thing = names[name]
    if callable(thing) and not is_thing(thing):
        thing = thing()
    if is_torch_module(thing):
        raise InputError(
            f"{name} in {path} is a torch module; turn it into a cvxnet network there with "
            "cvxnet.from_torch(module)."
        )
    if not is_thing(thing):
        raise InputError(
            f"{name} in {path} is a {type(thing).__name__}; expected a cvxnet network, a CVXPY "
            "expression or a CVXPY problem (or a function that returns one)."
        )
    return thing


def is_thing(value: Any) -> bool:
    """Whether `convexity` can judge it."""
    return isinstance(value, Layer | cp.Expression | cp.Problem)


def is_torch_module(value: Any) -> bool:
    """Whether an object is a torch module, without importing torch."""
    return any(base.__module__.startswith("torch.nn") for base in type(value).__mro__)


def load_from_torch(path: Path) -> Sequential:
    """A Sequential of Linear layers with ReLU between them, from a torch state dict.

    A state dict does not say which activations stand between its layers. Numbers that are missing
    in its names (``0.weight, 2.weight``) are taken for ReLU, torch's most common choice.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtraError(
            f'{path} is a torch file, and torch is not installed: pip install "cvxnet[torch]".'
        ) from None
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
    arrays = {str(k): np.asarray(v.detach().numpy(), dtype=np.float64) for k, v in state.items()}
    return network_from_state(arrays, str(path))


def network_from_state(arrays: Mapping[str, Any], source: str) -> Sequential:
    """Linear layers by their numbers, ReLU where a number is missing.

    Examples
    --------
    >>> import numpy as np
    >>> state = {"0.weight": np.ones((3, 2)), "0.bias": np.ones(3), "2.weight": np.ones((1, 3))}
    >>> network_from_state(state, "an example")
    Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    """
    from cvxnet.layers.activations import ReLU

    prefix = common_prefix(list(arrays))
    state = {name[len(prefix) :]: value for name, value in arrays.items()}
    weights = {n: v for n, v in state.items() if n.endswith(".weight") and v.ndim == 2}
    positions = {n.split(".")[0]: n for n in weights}
    extra = [n for n in state if n.split(".")[0] not in positions or n.count(".") != 1]
    if not positions or extra or not all(p.isdigit() for p in positions):
        raise InputError(
            f"the state dict in {source} is not that of a torch Sequential of Linear layers "
            f"({', '.join(arrays)}). Convert the module in Python with cvxnet.from_torch instead."
        )
    layers: list[Layer] = []
    for position in range(max(map(int, positions)) + 1):
        weight = weights.get(f"{position}.weight")
        if weight is None:
            layers.append(ReLU())
        else:
            layers.append(Linear(weight.shape[1], weight.shape[0], f"{position}.bias" in state))
    return Sequential(*layers).load_state_dict(state)


def common_prefix(names: list[str]) -> str:
    """A module name that all weights share, such as ``net.``; layer numbers are no prefix."""
    heads = {name.split(".")[0] for name in names}
    head = next(iter(heads), "")
    return f"{head}." if len(heads) == 1 and not head.isdigit() else ""
