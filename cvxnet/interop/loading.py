"""Find what a command line names: a network file, a file of weights or ``module.py:name``."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import cvxpy as cp

from cvxnet.errors import InputError
from cvxnet.interop.onnx.reading import from_onnx
from cvxnet.interop.sklearn import adopt
from cvxnet.interop.state_dicts import ACTIVATIONS, NOTHING, network_from_state
from cvxnet.interop.torch.conversion import from_torch
from cvxnet.interop.weight_files import READERS, check_there, nature, read_weights_file
from cvxnet.layers.containers import Sequential, load
from cvxnet.layers.layer import Layer

TO_ONNX = "Write the model as ONNX and read that ({}; then cvxnet.from_onnx). "
ADVICE: dict[tuple[str, ...], str] = {
    (".h5", ".hdf5", ".keras"): TO_ONNX.format(
        "keras: model.export('net.onnx', format='onnx'); before keras 3: tf2onnx"
    ),
    (".tflite",): TO_ONNX.format("python -m tf2onnx.convert --tflite net.tflite --output net.onnx"),
    (".mlmodel", ".mlpackage"): TO_ONNX.format("with the package that trained it"),
    (".pkl", ".pickle", ".joblib"): (
        "Where you trust it, open it in Python and hand over the model: "
        "cvxnet.from_sklearn(model) or cvxnet.from_torch(module). "
    ),
}
"""What to do with files of others, by their endings."""


def load_thing(target: str | Path, activation: str = "relu") -> Any:
    """The network, CVXPY expression or CVXPY problem that a command-line argument names.

    Parameters
    ----------
    target : str or path
        A network saved by cvxnet (``net.json``); an ONNX model (``net.onnx``); names and arrays
        alone, a torch state dict or a checkpoint that has one (``.pt``, ``.pth``, ``.ckpt``,
        ``.bin``), ``.safetensors`` or ``.npz``; or ``file.py:name``, which runs the Python file and
        takes the object of that name (called, if it is a function). A torch module there goes
        through `from_torch`, an estimator through `from_sklearn`. No code in other files is run.
    activation : str
        What stands between the linear layers of a state dict, which does not say it; "none" for
        nothing.

    Returns
    -------
    layer, CVXPY expression or CVXPY problem
        What `convexity` accepts.

    See Also
    --------
    from_file, assumed_activation

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
    path, colon, name = text.rpartition(":")
    ending = Path(text).suffix.lower()
    if ending in READERS:
        return network_from_state(read_weights_file(text), text, activation)
    if activation != "relu":
        raise InputError(
            f"{text} says itself which activations it has; activation={activation!r} is for state "
            f"dicts ({', '.join(READERS)}) only."
        )
    if colon and path.endswith(".py"):
        return load_from_python(Path(path), name)
    if ending == ".py":
        raise InputError(f"{text} is a Python file; name the object in it, as in {text}:net.")
    if ending == ".onnx":
        return from_onnx(text)
    if ending == ".json":
        return load(Path(text))
    raise InputError(unknown_file(Path(text)))


def from_file(path: str | Path, activation: str = "relu") -> Sequential:
    """The network in a file, whoever wrote it; no code in the file is run.

    Parameters
    ----------
    path : str or path
        A network saved by cvxnet (``.json``); an ONNX model (``.onnx``; extra ``onnx``); a torch
        state dict, or a checkpoint that has one (``.pt``, ``.pth``, ``.ckpt``, ``.bin``; extra
        ``torch``); ``.safetensors`` (extra of that name); ``.npz`` with names like those of a state
        dict.
    activation : str
        State dicts name only layers with weights, in the order in which they were defined. Between
        two Linear layers this activation is assumed, or nothing for "none". Numbers tell where
        layers stand that have no weights; a batch normalisation is assumed to stand before the
        activation where they do not say otherwise, and to have torch's ``eps`` of 1e-5.

    Returns
    -------
    Sequential
        Weights that ``torch.nn.utils`` keeps in parts (weight and spectral normalisation) are put
        together.

    Raises
    ------
    InputError
        Says what the file is, and what to write instead.

    See Also
    --------
    from_torch, from_onnx, load

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "net.npz"
    >>> np.savez(file, **{"fc1.weight": np.ones((3, 2)), "fc2.weight": np.ones((1, 3))})
    >>> from_file(file, activation="tanh")
    Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
    """
    if str(path).rpartition(":")[0].endswith(".py"):
        raise InputError(f"from_file runs no Python; import the object of {path} instead.")
    thing = load_thing(path, activation)
    if not isinstance(thing, Sequential):
        raise InputError(f"{path} holds a {type(thing).__name__}, not a network.")
    return thing


def unknown_file(path: Path) -> str:
    """What a file is that is not read, what to do with it, and which ones are read."""
    check_there(path)
    ending = path.suffix.lower()
    advice = next((text for endings, text in ADVICE.items() if ending in endings), "")
    return (
        f"{path} is {nature(path)}, by its name no file of a network. {advice}Known are: .json "
        f"(saved by cvxnet), .onnx, {', '.join(READERS)} (weights by name) and FILE.py:NAME (a "
        "network, torch module or function that returns one; FILE is run)."
    )


def assumed_activation(target: str | Path, thing: Any, activation: str = "relu") -> str | None:
    """The activation that `load_thing` had to assume for what it returned; None where it did not.

    Examples
    --------
    >>> from cvxnet.layers import Linear, ReLU, Sequential
    >>> net = Sequential(Linear(1, 2), ReLU(), Linear(2, 1))
    >>> assumed_activation("net.pt", net), assumed_activation("net.json", net)
    ('relu', None)
    """
    if Path(target).suffix.lower() not in READERS or activation == NOTHING:
        return None
    return activation if any(isinstance(x, ACTIVATIONS[activation]) for x in thing) else None


def check_activation(activation: str) -> None:
    """Raise InputError for a name that is not in the list."""
    known = (*ACTIVATIONS, NOTHING)
    if activation not in known:
        raise InputError(f"unknown activation {activation!r}; known: {', '.join(known)}.")


def load_from_python(path: Path, name: str) -> Any:
    """Run a Python file and take the object of that name."""
    thing = defined_in(path, name)
    if callable(thing) and not is_thing(thing) and not is_torch_module(thing):
        thing = call(thing, f"{name} in {path}")
    if is_torch_module(thing):
        return from_torch(thing)
    if (estimator := adopt(thing)) is not None:
        return estimator
    if not is_thing(thing):
        raise InputError(
            f"{name} in {path} is a {type(thing).__name__}; expected a cvxnet network, a torch "
            "module, a fitted estimator, a CVXPY expression or a CVXPY problem (or a function that "
            "returns one)."
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
