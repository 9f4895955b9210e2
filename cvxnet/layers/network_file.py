"""Networks on disk: one JSON file, exact numbers, written whole or not at all.

The file holds ``format``, ``version``, the ``network`` (layer names and their options) and the
``state`` (every weight by its torch name). JSON numbers are written with ``repr``, which a double
survives unchanged.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from cvxnet.errors import InputError
from cvxnet.layers import activations, columns, images, normalization
from cvxnet.layers.containers import Residual, Sequential
from cvxnet.layers.gated import GatedLinear
from cvxnet.layers.input_convex import InputConvex
from cvxnet.layers.layer import Layer
from cvxnet.layers.linear import Linear

FEW = 10**6
"""For so many weights there is room in any case."""
MOST_PIXELS = 10**8
"""In all windows of a layer together: indices of a gigabyte."""
FORMAT = "cvxnet network"
VERSION = 1
LAYERS: dict[str, type[Layer]] = {
    layer.__name__: layer
    for layer in (
        *activations.ACTIVATIONS,
        *images.IMAGE_LAYERS,
        *normalization.NORMALIZATIONS,
        *columns.POOLINGS,
        GatedLinear,
        InputConvex,
        Linear,
        Residual,
    )
}


def save(network: Layer, path: str | Path) -> None:
    """Write a network as JSON, atomically: a reader sees the old file or the whole new one."""
    state = {name: weight.tolist() for name, weight in network.state_dict().items()}
    content = {
        "format": FORMAT,
        "version": VERSION,
        "network": describe(network),
        "given": [prefix for prefix, layer in network.named_layers() if layer.given],
        "state": state,
    }
    write_text(Path(path), json.dumps(content, allow_nan=False) + "\n")


def load(path: str | Path) -> Sequential:
    """Read a network that `Sequential.save` wrote.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from cvxnet.layers import Linear, ReLU, Sequential
    >>> net = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "net.json"
    >>> net.save(file)
    >>> bool((load(file)([1.0, 2.0]) == net([1.0, 2.0])).all())
    True
    """
    content = read_json(check_path(path))
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"{path} is not a cvxnet network (no 'format': {FORMAT!r} in it).")
    if content.get("version") != VERSION:
        raise InputError(
            f"{path} has version {content.get('version')!r}; this cvxnet reads version {VERSION}. "
            "Update cvxnet, or save the network again with this version."
        )
    try:
        check_size(content["network"], count(content["state"]))
        network = build(content["network"])
        network.load_state_dict(content["state"])
        given = set(content["given"])
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged: {error!r}. Save the network again.") from None
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}") from None
    if not isinstance(network, Sequential):
        raise InputError(f"{path} holds a {type(network).__name__}, not a Sequential.")
    for prefix, layer in network.named_layers():
        layer.given = prefix in given
    return network


def describe(layer: Layer) -> dict[str, Any]:
    """The layer's name, options and children, as JSON types."""
    if type(layer) is not Sequential and LAYERS.get(type(layer).__name__) is not type(layer):
        raise InputError(f"{layer!r} is not one of cvxnet's layers and cannot be saved.")
    children = layer.children().values() if layer.wraps else ()
    return {
        "layer": type(layer).__name__,
        "options": layer.options(),
        "children": [describe(child) for child in children],
    }


def check_size(description: dict[str, Any], available: int) -> None:
    """Refuse layers that need more numbers than a file has, before memory is taken for them."""
    for child in description["children"]:
        check_size(child, available)
    options = description.get("options", {})
    kernel = options.get("kernel_size", 1) ** 2
    weights = [
        options.get("in_features", 0) * options.get("out_features", 0),
        options.get("in_channels", 0) * options.get("out_channels", 0) * kernel,
        options.get("features", 0),
        *(left * right for left, right in pairwise(options.get("sizes", ()))),
    ]
    if max(weights) > max(available, FEW):
        raise InputError(
            f"the layer {description['layer']} needs {max(weights):.3g} weights, but the file has "
            f"{available} numbers"
        )
    channels = options.get("channels", options.get("in_channels", 1))
    pixels = math.prod(options.get("image", ())) * channels * kernel
    if pixels > MOST_PIXELS:
        raise InputError(f"the layer {description['layer']} sees {pixels:.3g} pixels, too many")


def count(state: Any) -> int:
    """How many numbers there are in dicts and lists."""
    if isinstance(state, dict):
        return count(list(state.values()))
    return sum(map(count, state)) if isinstance(state, list) else 1


def build(description: dict[str, Any]) -> Layer:
    """The layer that `describe` described."""
    children = [build(child) for child in description["children"]]
    name = description["layer"]
    if name == "Sequential":
        return Sequential(*children)
    if name not in LAYERS:
        raise InputError(f"unknown layer {name!r}; known: {', '.join(LAYERS)}, Sequential.")
    return LAYERS[name](*children, **description["options"])


def check_path(path: Any) -> Path:
    """A path; InputError for what is none."""
    try:
        return Path(path)
    except TypeError:
        raise InputError(
            f"a file is named by a str or a path, not by a {type(path).__name__}."
        ) from None


def read_json(path: Path) -> Any:
    """The content of a JSON file, or an InputError that says why it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({error}).") from None


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of text in UTF-8."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file by renaming a finished temporary one over it."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}.") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp makes files private; a saved network is not
        os.replace(temporary, path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror}.") from None
