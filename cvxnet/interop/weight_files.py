"""Files of named arrays: torch checkpoints, safetensors and npz. No code in a file is run."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cvxnet.errors import InputError
from cvxnet.interop.torch.modules import to_array
from cvxnet.optional import import_safetensors, import_torch
from cvxnet.types import Array

PREFERRED = (
    *("state_dict", "model_state_dict", "model_state", "model", "net", "network", "module"),
    *("weights", "params", "parameters"),
)
"""Where checkpoints have the weights, the likeliest first."""
DEPTH = 3
"""So many dicts deep a checkpoint is looked into."""


def read_weights_file(path: str | Path) -> dict[str, Array]:
    """The arrays in a file by their names, float64.

    Parameters
    ----------
    path : str or path
        A torch state dict or a checkpoint that has one (``.pt``, ``.pth``, ``.ckpt``, ``.bin``;
        read with ``weights_only``), ``.safetensors`` or ``.npz``.

    Raises
    ------
    InputError
        Says what the file is and what to write instead.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "net.npz"
    >>> np.savez(file, **{"0.weight": np.ones((1, 2))})
    >>> read_weights_file(file)
    {'0.weight': array([[1., 1.]])}
    """
    path = Path(path)
    return READERS[path.suffix.lower()](path)


def check_there(path: Path) -> None:
    """Refuse what is no file, with the system's reason."""
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from None


def read_torch(path: Path) -> dict[str, Array]:
    """The state dict in a file of torch."""
    torch = import_torch()
    check_there(path)
    if is_archive(path, "/constants.pkl", "/models/model.json"):
        raise InputError(
            f"{path} is {nature(path)}, which no longer says which layers it has. Save the "
            "weights alone: torch.save(torch.jit.load(path).state_dict(), 'weights.pt'); or "
            "convert the module in Python with cvxnet.from_torch."
        )
    try:
        content = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:
        raise InputError(why_not_loaded(path, error)) from None
    state = find_state(content, path)
    return {str(name): to_array(value, f"{path}: {name}") for name, value in state.items()}


def why_not_loaded(path: Path, error: Exception) -> str:
    """What a file is that torch does not open with ``weights_only``."""
    found = re.search(r"GLOBAL ([\w.]+)", str(error))
    if found is None:
        return (
            f"{path} is no file of torch ({nature(path)}). Save a state dict: "
            "torch.save(module.state_dict(), path)."
        )
    return (
        f"{path} holds a {found[1]}, so it is no plain state dict: checkpoints with other objects "
        "and whole pickled modules can run code and are not opened. Where you trust it, save the "
        "weights alone: x = torch.load(path, weights_only=False), then "
        "torch.save(x.state_dict(), 'weights.pt') of a module, or torch.save(x['state_dict'], "
        "'weights.pt') of a checkpoint."
    )


def find_state(content: Any, path: Path) -> Mapping[str, Any]:
    """The state dict that a checkpoint is, or has somewhere inside."""
    if not isinstance(content, Mapping):
        raise InputError(
            f"{path} holds a {type(content).__name__}, not a state dict. Save one: "
            "torch.save(module.state_dict(), path)."
        )
    found = dict(states_in(content))
    for name in ("", *PREFERRED):
        if name in found:
            return found[name]
    if len(found) == 1:
        return next(iter(found.values()))
    what = f"several ({', '.join(found)})" if found else "none"
    raise InputError(
        f"{path} is a checkpoint with {', '.join(map(repr, content)) or 'nothing in it'}; one "
        f"state dict was expected inside, but there are {what}. Save it alone: "
        "torch.save(module.state_dict(), path)."
    )


def states_in(
    content: Mapping[Any, Any], at: str = "", depth: int = 0
) -> Iterator[tuple[str, Any]]:
    """Every dict of tensors with names, by its own name; "" for the outermost."""
    names = all(isinstance(name, str) for name in content)
    if content and names and all(hasattr(value, "detach") for value in content.values()):
        yield at, content
    elif depth < DEPTH:
        for name, value in content.items():
            if isinstance(value, Mapping):
                yield from states_in(value, str(name), depth + 1)


def read_safetensors(path: Path) -> dict[str, Array]:
    """The tensors of a file of safetensors; torch is needed for bfloat16 only."""
    safetensors = import_safetensors()
    check_there(path)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            short = [name for name in names if file.get_slice(name).get_dtype() == "BF16"]
            if not short:
                return {name: as_float(file.get_tensor(name), path) for name in names}
    except safetensors.SafetensorError as error:
        raise InputError(f"{path} is no file of safetensors ({error}; {nature(path)}).") from None
    import_torch()
    with safetensors.safe_open(path, framework="pt") as file:
        return {name: to_array(file.get_tensor(name), f"{path}: {name}") for name in names}


def read_npz(path: Path) -> dict[str, Array]:
    """The arrays of an archive of numpy."""
    check_there(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, TypeError):
        raise InputError(
            f"{path} is no npz archive of numbers ({nature(path)}). Write one: numpy.savez(path, "
            '**{"0.weight": W, "0.bias": b}).'
        ) from None
    return {name: as_float(array, path) for name, array in arrays.items()}


def as_float(array: Any, path: Path) -> Array:
    """Numbers as float64."""
    if np.asarray(array).dtype.kind not in "fiub":
        raise InputError(f"{path} has an array of {np.asarray(array).dtype}; expected numbers.")
    return np.asarray(array, dtype=np.float64)


READERS: dict[str, Callable[[Path], dict[str, Array]]] = {
    ".pt": read_torch,
    ".pth": read_torch,
    ".ckpt": read_torch,
    ".bin": read_torch,
    ".safetensors": read_safetensors,
    ".npz": read_npz,
}
"""By ending: files that hold weights by name, and not what stands between them."""

BEGINNINGS = {
    b"\x89HDF": "an HDF5 file, such as Keras writes",
    b"\x93NUMPY": "a single array of numpy (.npy)",
    b"\x80": "a Python pickle, which can run code",
    b"\x1f\x8b": "a file compressed by gzip",
    b"{": "JSON",
    b"<": "HTML or XML, perhaps a page that was downloaded in place of the file",
    b"version https://git-lfs": "a pointer of Git LFS in place of the file; run git lfs pull",
}
ARCHIVES = {
    "/constants.pkl": "a TorchScript archive",
    "/models/model.json": "an archive of torch.export",
    "/data.pkl": "a file of torch",
    "config.json": "an archive of Keras",
    "xl/workbook.xml": "a spreadsheet",
    ".npy": "an npz archive of numpy",
}


def is_archive(path: Path, *members: str) -> bool:
    """Whether a file is a zip archive with a member that ends so."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith(members) for name in archive.namelist())


def nature(path: Path) -> str:
    """What a file is, by its first bytes.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "net.h5"
    >>> _ = file.write_bytes(b"\\x89HDF and more")
    >>> nature(file)
    'an HDF5 file, such as Keras writes'
    """
    for member, what in ARCHIVES.items():
        if is_archive(path, member):
            return what
    with open(path, "rb") as file:
        beginning = file.read(64)
    if not beginning:
        return "an empty file"
    for start, what in BEGINNINGS.items():
        if beginning.lstrip().startswith(start):
            return what
    if beginning[8:9] == b"{" and b"dtype" in beginning:
        return "a file of safetensors"
    text = beginning.isascii() and "".join(beginning.decode().split()).isprintable()
    return "text" if text else "binary data of an unknown kind"
