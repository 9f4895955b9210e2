"""Networks on disk: one JSON file, exact numbers, written whole or not at all.

The file holds ``format``, ``version``, the ``network`` (layer names and their options), the
``state`` (every weight by its torch name) and, where it is known, the ``origin`` of the network:
what it was trained on, and how a table becomes that (see `Origin`). JSON numbers are written with
``repr``, which a double survives unchanged.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

from cvxnet.data.files import check_path, read_json, replacing
from cvxnet.data.preparation import Origin
from cvxnet.errors import InputError
from cvxnet.layers.layer import KINDS, Layer

FEW = 10**6
"""For so many weights there is room in any case."""
MOST_PIXELS = 10**8
"""In all windows of a layer together: indices of a gigabyte."""
FORMAT = "cvxnet network"
VERSION = 1


def save(network: Layer, path: str | Path, origin: Origin | None = None) -> None:
    """Write a network as JSON, atomically: a reader sees the old file or the whole new one."""
    state = {name: weight.tolist() for name, weight in network.state_dict().items()}
    content = {
        "format": FORMAT,
        "version": VERSION,
        **about(network),
        "state": state,
    }
    if origin is not None:
        content["origin"] = origin.to_dict()
    with replacing(path) as draft:
        draft.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")


def read(path: str | Path) -> tuple[Layer, Origin | None]:
    """What is in a file that `save` wrote; InputError where it is damaged or another's."""
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
        origin = read_origin(content.get("origin"), network)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged: {error!r}. Save the network again.") from None
    except InputError as error:
        raise InputError(f"{path} is damaged: {error}") from None
    for prefix, layer in network.named_layers():
        layer.given = prefix in given
    return network, origin


def read_origin(entry: Any, network: Layer) -> Origin | None:
    """What the network was trained on, where the file says so; it has to fit the network."""
    if entry is None:
        return None
    origin = Origin.from_dict(entry)
    features, columns = len(origin.preparation.features), network.columns()
    if columns not in (None, features):
        raise InputError(f"the network has {columns} inputs, but {features} features are named.")
    return origin


def about(network: Layer) -> dict[str, Any]:
    """Everything about a network but its weights, as JSON types."""
    given = [prefix for prefix, layer in network.named_layers() if layer.given]
    return {"network": describe(network), "given": given}


def describe(layer: Layer) -> dict[str, Any]:
    """The layer's name, options and children, as JSON types."""
    if KINDS.get(type(layer).__name__) is not type(layer):
        raise InputError(
            f"{layer!r} cannot be saved: the name of its class is that of another layer. Rename it."
        )
    options = layer.options()
    lost = {*layer.arguments} - {*options}
    if lost:
        raise InputError(
            f"{layer!r} cannot be saved: its options() do not say what {min(lost)!r} is. Keep it "
            "as an attribute of that name, or define options()."
        )
    children = layer.children().values() if layer.wraps else ()
    return {
        "layer": type(layer).__name__,
        "options": options,
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
    if name not in KINDS:
        raise InputError(f"unknown layer {name!r}; known: {', '.join(KINDS)}.")
    return KINDS[name](*children, **description["options"])
