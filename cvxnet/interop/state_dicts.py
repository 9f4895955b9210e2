"""Networks from names and arrays alone: what a state dict says, and what has to be assumed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from cvxnet.errors import InputError
from cvxnet.layers import BatchNorm, LeakyReLU, Linear, Sequential, activations
from cvxnet.layers.activations import Activation
from cvxnet.layers.layer import Layer
from cvxnet.types import Array

NOTHING = "none"
ACTIVATIONS: dict[str, type[Activation]] = {
    kind().profile.name: kind
    for kind in vars(activations).values()
    if isinstance(kind, type) and issubclass(kind, Activation) and kind is not Activation
}
"""What may stand between the layers of a state dict, which names only layers with weights."""
WRAPPERS = {"module", "_orig_mod", "_forward_module", "_fsdp_wrapped_module"}
"""Parts of names that come from DataParallel, ``torch.compile`` and the like."""
STATISTICS = {"running_mean", "running_var", "num_batches_tracked"}
EPS = 1e-5
"""torch's, which a state dict does not say."""


@dataclass
class Part:
    """The weights of one module of a state dict, by their own names."""

    path: str
    tensors: dict[str, Array] = field(default_factory=dict)

    @property
    def number(self) -> int | None:
        """Its number, where it is called by one."""
        last = self.path.rpartition(".")[2]
        return int(last) if last.isdecimal() else None

    @property
    def parent(self) -> str:
        """The path of what it is part of."""
        return self.path.rpartition(".")[0]

    def layer(self) -> Layer | None:
        """The layer that has such weights; None for what is not known."""
        names, t = set(self.tensors), self.tensors
        shape = t["weight"].shape if "weight" in names else ()
        if names <= {"weight", "bias"} and len(shape) == 2:
            linear = Linear(shape[1], shape[0], bias="bias" in names)
            return linear.load_state_dict(t)
        if {"running_mean", "running_var"} <= names <= STATISTICS | {"weight", "bias"}:
            norm = BatchNorm(len(t["running_mean"]), EPS)
            return norm.load_state_dict(
                norm.state_dict() | {name: t[name] for name in names - {"num_batches_tracked"}}
            )
        if names == {"weight"} and shape == (1,):
            return LeakyReLU(float(t["weight"][0]))
        return None


def network_from_state(
    arrays: Mapping[str, Any], source: str, activation: str = "relu"
) -> Sequential:
    """The chain of Linear layers (and batch normalisations) that a state dict is.

    A state dict names only layers with weights, in the order in which they were defined, and not
    what stands between: between two Linear layers one activation is assumed, unless they are
    numbered as neighbours among others that are not. Batch normalisations have torch's usual
    ``eps``, and stand before the activation where their numbers do not say otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> state = {"fc1.weight": np.ones((3, 2)), "fc2.weight": np.ones((1, 3))}
    >>> network_from_state(state, "an example")
    Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    """
    parts = parts_of(arrays)
    layers = [part.layer() for part in parts]
    unknown = [part for part, layer in zip(parts, layers, strict=True) if layer is None]
    if unknown or not any(isinstance(layer, Linear) for layer in layers):
        raise InputError(
            f"the state dict in {source} is not one of Linear layers, batch normalisations and "
            f"activations alone, it has {described(unknown or parts)}. Convert the module in "
            "Python with cvxnet.from_torch instead."
        )
    chain: list[Layer] = []
    steps = in_order(parts, source)
    places = activated(steps) if activation != NOTHING else set()
    for position, (_, layer) in enumerate(steps):
        chain += [ACTIVATIONS[activation]()] if position in places else []
        chain.append(layer)
    return Sequential(*chain)


def parts_of(arrays: Mapping[str, Array]) -> list[Part]:
    """The modules with weights, in order, weights that are computed from others computed."""
    parts: dict[str, Part] = {}
    for name, array in arrays.items():
        path, own = plain_name(name)
        parts.setdefault(path, Part(path)).tensors[own] = np.asarray(array)
    for part in parts.values():
        part.tensors = computed(part.tensors)
    return list(parts.values())


PARAMETRIZED = {"original0": "g", "original1": "v", "original": "orig", "0._u": "u", "0._v": "v"}
"""What parametrizations call the numbers that older versions of torch kept as ``weight_g``."""


def plain_name(name: str) -> tuple[str, str]:
    """The path of a module and the name of its weight, without wrappers.

    Examples
    --------
    >>> plain_name("module.net._orig_mod.0.weight")
    ('net.0', 'weight')
    >>> plain_name("fc.parametrizations.weight.original0")
    ('fc', 'weight_g')
    """
    home, parametrized, rest = name.partition("parametrizations.")
    if parametrized:
        weight, _, role = rest.partition(".")
        name = f"{home}{weight}_{PARAMETRIZED.get(role, role)}"
    *path, own = (part for part in name.split(".") if part not in WRAPPERS)
    return ".".join(path), own


def computed(tensors: dict[str, Array]) -> dict[str, Array]:
    """The weight that weight or spectral normalisation or pruning computes, not its parts."""
    found = dict(tensors)
    for name in ("weight", "bias"):
        if {f"{name}_orig", f"{name}_mask"} <= found.keys():
            found = {name: found.pop(f"{name}_orig") * found.pop(f"{name}_mask")} | found
    if {"weight_g", "weight_v"} <= found.keys():
        size, direction = found.pop("weight_g"), found.pop("weight_v")
        axes = tuple(axis for axis, n in enumerate(size.shape) if n == 1) or None
        length = np.sqrt((direction**2).sum(axis=axes, keepdims=size.ndim > 0))
        return {"weight": direction / length * size} | found
    if {"weight_orig", "weight_u", "weight_v"} <= found.keys():
        weight, u, v = (found.pop(f"weight_{role}") for role in ("orig", "u", "v"))
        return {"weight": weight / (u @ weight.reshape(len(weight), -1) @ v)} | found
    return found


Step = tuple[Part, Layer]


def in_order(parts: list[Part], source: str) -> list[Step]:
    """The parts in the order in which they were defined, where their widths fit.

    Files that keep names sorted are read by number: ``2`` before ``10``.
    """
    paths = [part.path for part in parts]
    if paths == sorted(paths):
        parts = sorted(parts, key=lambda part: natural(part.path))
    steps = [(part, layer) for part in parts if (layer := part.layer()) is not None]
    columns = None
    for part, layer in steps:
        try:
            columns = layer.width(columns)
        except InputError as error:
            raise InputError(
                f"the state dict in {source} is no chain in the order of its names, "
                f"{described(parts)}: {part.path}: {error} Convert the module in Python with "
                "cvxnet.from_torch instead."
            ) from None
    return steps


def natural(path: str) -> list[tuple[int, str]]:
    """A key that sorts numbers in names as numbers."""
    return [
        (int(piece), "") if piece.isdecimal() else (-1, piece)
        for piece in re.split(r"(\d+)", path)
        if piece
    ]


def activated(steps: list[Step]) -> set[int]:
    """Before which of the steps an activation is assumed: one between two Linear layers."""
    linear = [position for position, (_, layer) in enumerate(steps) if isinstance(layer, Linear)]
    parts = [part for part, _ in steps]
    spread = {a.parent for a, b in pairwise(parts) if (hidden(a, b) or 0) > 0}
    places = set()
    for start, end in pairwise(linear):
        inside = range(start + 1, end + 1)
        if not any(isinstance(steps[position][1], Activation) for position in inside):
            gaps = {position: hidden(parts[position - 1], parts[position]) for position in inside}
            places |= place_between(gaps, end, neighbours=parts[end].parent in spread)
    return places


def place_between(gaps: dict[int, int | None], end: int, neighbours: bool) -> set[int]:
    """Where between two Linear layers their activation stands.

    ``gaps`` has for each step from the first to the second (``end``) how many numbers are missing
    before it; ``neighbours``: whether numbers tell where there is none.
    """
    missing = [position for position, gap in gaps.items() if gap]
    unknown = [position for position, gap in gaps.items() if gap is None]
    if missing:
        return {missing[0]}
    if unknown:
        return {unknown[-1]}
    return set() if neighbours else {end}


def hidden(a: Part, b: Part) -> int | None:
    """How many numbers are missing between two parts; None where they are not counted together."""
    if a.parent != b.parent or a.number is None or b.number is None:
        return None
    return b.number - a.number - 1


def described(parts: list[Part]) -> str:
    """The parts with the shapes of their weights, for a message."""
    if not parts:
        return "nothing"
    sizes = [", ".join(f"{name} {shape(t)}" for name, t in part.tensors.items()) for part in parts]
    return ", ".join(
        f"{p.path} ({size})" if p.path else size for p, size in zip(parts, sizes, strict=True)
    )


def shape(array: Array) -> str:
    """``3 x 2``.

    Examples
    --------
    >>> shape(np.ones((3, 2))), shape(np.ones(()))
    ('3 x 2', 'one number')
    """
    return " x ".join(map(str, array.shape)) or "one number"
