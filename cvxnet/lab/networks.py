"""Networks as short texts of an address, such as ``linear-4,relu,linear-1-nonneg``, and back."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from cvxnet.errors import InputError
from cvxnet.layers import (
    ELU,
    GELU,
    Abs,
    InputConvex,
    Layer,
    LeakyReLU,
    Linear,
    LogSumExp,
    Maxout,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Softplus,
    Square,
    SquaredReLU,
    Tanh,
)
from cvxnet.types import Array

MOST_INPUTS, MOST_LAYERS, WIDEST = 4, 6, 8
MOST_TEXT = 300
"""Characters of a network."""
MOST_EDITS = 4000
"""Characters of entries that were changed."""
LARGEST = 100.0
"""No weight is larger."""
SIGNS = ("nonneg", "nonpos")
LINEAR_WORDS = (*SIGNS, "nobias")
ACTIVATIONS: dict[str, type[Layer]] = {
    "relu": ReLU,
    "abs": Abs,
    "square": Square,
    "squared_relu": SquaredReLU,
    "softplus": Softplus,
    "elu": ELU,
    "tanh": Tanh,
    "sigmoid": Sigmoid,
    "gelu": GELU,
    "logsumexp": LogSumExp,
}
ENTRY = re.compile(r"([\w.]+)~([\d~]+)~(-?[\d.]+(?:e-?\d+)?)")


def read_network(text: str, inputs: int) -> Sequential:
    """The network that a text describes.

    Layers are separated by commas: ``linear-4`` (4 outputs) with ``-nonneg``, ``-nonpos`` and
    ``-nobias`` behind it, an activation, ``leaky-0.1``, ``maxout-2``, ``residual-relu`` (input plus
    relu of a linear layer, with the same words behind it), ``inputconvex-4`` (4 hidden units).

    Raises
    ------
    InputError
        Naming the layer that is not understood, is too wide, or does not fit.

    Examples
    --------
    >>> read_network("linear-4,relu,linear-1-nonneg", 2)
    Sequential(Linear(2, 4), ReLU(), Linear(4, 1, nonneg=True))
    """
    parts = text.split(",")
    if len(parts) > MOST_LAYERS:
        raise InputError(f"the network has {len(parts)} layers; at most {MOST_LAYERS} are taken.")
    layers: list[Layer] = []
    columns = inputs
    for position, part in enumerate(parts):
        layer = read_layer(part, columns, position)
        found = layer.width(columns)
        columns = columns if found is None else found
        layers.append(layer)
    return Sequential(*layers)


def read_layer(text: str, columns: int, position: int) -> Layer:
    """One layer, for so many columns."""
    kind, *words = text.split("-")
    if kind in ACTIVATIONS and not words:
        return ACTIVATIONS[kind]()
    reader = READERS.get(kind)
    if reader is None:
        known = ", ".join([*READERS, *ACTIVATIONS])
        raise InputError(f"layer {position} is {text!r}; expected one of {known}.")
    try:
        return reader(columns, words)
    except InputError as error:
        raise InputError(f"layer {position}: {error}") from None
    except (ValueError, IndexError, KeyError):
        raise InputError(f"layer {position}, {text!r}, is not understood.") from None


def read_linear(columns: int, words: list[str]) -> Linear:
    """``linear-OUT`` and what is said of its weights."""
    return make_linear(columns, width_of(words[0]), words[1:])


def make_linear(columns: int, out: int, words: list[str]) -> Linear:
    """A linear layer with a sign and a bias, or without."""
    if not set(words) <= {*LINEAR_WORDS}:
        raise ValueError(words)
    signs = {sign: sign in words for sign in SIGNS}
    return Linear(columns, out, bias="nobias" not in words, **signs)


def read_residual(columns: int, words: list[str]) -> Residual:
    """``residual-ACTIVATION``: the input, plus an activation of a linear layer."""
    return Residual(Sequential(make_linear(columns, columns, words[1:]), ACTIVATIONS[words[0]]()))


def width_of(word: str) -> int:
    """A number of units."""
    if not 1 <= int(word) <= WIDEST:
        raise InputError(f"a layer of {word} units; from 1 to {WIDEST} are taken.")
    return int(word)


def read_slope(columns: int, words: list[str]) -> LeakyReLU:
    """``leaky-SLOPE``."""
    slope = float("-".join(words))
    if not abs(slope) <= LARGEST:
        raise ValueError(words)
    return LeakyReLU(slope)


def read_maxout(columns: int, words: list[str]) -> Maxout:
    """``maxout-K``."""
    return Maxout(width_of(words[0]))


def read_input_convex(columns: int, words: list[str]) -> InputConvex:
    """``inputconvex-HIDDEN``, one or more hidden layers, one output."""
    return InputConvex([columns, *map(width_of, words), 1])


READERS: Mapping[str, Callable[[int, list[str]], Layer]] = {
    "linear": read_linear,
    "leaky": read_slope,
    "maxout": read_maxout,
    "residual": read_residual,
    "inputconvex": read_input_convex,
}


def write_network(network: Sequential) -> str:
    """The text of a network; "" where there is none.

    Examples
    --------
    >>> write_network(read_network("residual-relu-nonneg,leaky-0.1,linear-1", 2))
    'residual-relu-nonneg,leaky-0.1,linear-1'
    """
    parts = [write_layer(layer) for layer in network]
    return ",".join(parts) if all(parts) else ""


def write_layer(layer: Layer) -> str:
    """The text of a layer; "" where there is none."""
    names = {cls: name for name, cls in ACTIVATIONS.items()}
    if isinstance(layer, Linear):
        return "-".join(["linear", str(layer.out_features), *linear_words(layer)])
    if isinstance(layer, Residual) and isinstance(layer.body, Sequential):
        linear, activation = layer.body
        known = names.get(type(activation), "")
        return "-".join(["residual", known, *linear_words(linear)]) if known else ""
    if isinstance(layer, InputConvex):
        return "-".join(["inputconvex", *map(str, layer.sizes[1:-1])])
    if isinstance(layer, LeakyReLU):
        return f"leaky-{layer.slope:g}"
    return f"maxout-{layer.k}" if isinstance(layer, Maxout) else names.get(type(layer), "")


def linear_words(layer: Any) -> Iterator[str]:
    """What is said of the weights of a linear layer."""
    yield from filter(None, [layer.sign("weight")])
    if layer.bias is None:
        yield "nobias"


def python_of(layer: Layer) -> str:
    """A layer as Python that makes it.

    Examples
    --------
    >>> python_of(read_network("linear-4-nobias", 2)[0])
    'cn.Linear(2, 4, bias=False)'
    """
    if isinstance(layer, Linear):
        options = {k: v for k, v in layer.options().items() if k in SIGNS and v}
        options |= {"bias": False} if layer.bias is None else {}
        more = "".join(f", {name}={value}" for name, value in options.items())
        return f"cn.Linear({layer.in_features}, {layer.out_features}{more})"
    if isinstance(layer, Residual) and isinstance(layer.body, Sequential):
        return f"cn.Residual(cn.Sequential({', '.join(map(python_of, layer.body))}))"
    return f"cn.{layer!r}"


# Weights


def give_weights(network: Sequential, seed: int, edits: str = "") -> None:
    """Weights with one decimal, clipped to the signs that are declared, some entries changed.

    Raises
    ------
    InputError
        For changed entries that are none, and values that are too large.

    Examples
    --------
    >>> network = read_network("linear-1-nonneg-nobias", 2)
    >>> give_weights(network, 0, "0.weight~0~1~0.25")
    >>> network.state_dict()
    {'0.weight': array([[0.3 , 0.25]])}
    """
    state = drawn_weights(network, seed)
    for name, place, value in read_edits(edits):
        if name not in state or len(place) != state[name].ndim:
            raise InputError(f"{name} {list(place)} is no entry of this network's weights.")
        if (np.array(place) >= state[name].shape).any() or not abs(value) <= LARGEST:
            raise InputError(f"{name}{list(place)} = {value:g} is out of range.")
        state[name][place] = value
    network.load_state_dict(state)


def drawn_weights(network: Sequential, seed: int) -> dict[str, Array]:
    """The weights of a seed. A sign clips them, so that it changes nothing else."""
    rng = np.random.default_rng(seed)
    layers = dict(network.named_layers())
    state = {}
    for name, tensor in network.named_tensors().items():
        prefix, _, own = name.rpartition(".")
        sign = layers[prefix].sign(own)
        values = np.round(rng.uniform(-1.0, 1.0, tensor.shape), 1) + 0.0
        low, high = (0.0 if sign == "nonneg" else -1.0), (0.0 if sign == "nonpos" else 1.0)
        state[name] = np.clip(values, low, high)
    return state


def read_edits(edits: str) -> Iterator[tuple[str, tuple[int, ...], float]]:
    """Changed entries, ``2.weight~0~1~0.5`` separated by commas: name, place, value."""
    for part in filter(None, edits.split(",")):
        found = ENTRY.fullmatch(part)
        if found is None:
            raise InputError(f"{part!r} is no changed entry, such as 2.weight~0~1~0.5.")
        name, place, value = found.groups()
        yield name, tuple(map(int, place.split("~"))), float(value)


def write_edits(network: Sequential, seed: int) -> str:
    """How the weights differ from those of the seed."""
    usual = drawn_weights(network, seed)
    parts = []
    for name, values in network.state_dict().items():
        for place in itertools.product(*map(range, values.shape)):
            if values[place] != usual[name][place]:
                parts.append("~".join([name, *map(str, place), f"{values[place]:.12g}"]))
    return ",".join(parts)
