"""Proposals for networks; `repairs` verifies them and throws most of them away."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from cvxnet.analysis.blocks import block_names, largest_sets
from cvxnet.analysis.questions import Question, check_blocks
from cvxnet.analysis.repairs import asked_again, count_negative
from cvxnet.errors import CvxnetError
from cvxnet.layers import activations
from cvxnet.layers.layer import Layer
from cvxnet.layers.linear import Linear
from cvxnet.losses import LOSSES

MOST_SINGLE = 6  # with more layers, only all of them together
Proposal: TypeAlias = tuple[str, str, float, Question]

RELATIVES: dict[str, tuple[str, ...]] = {
    "Sigmoid": ("Softplus", "ReLU"),
    "Tanh": ("ReLU", "Softplus"),
    "HardTanh": ("ReLU",),
    "SiLU": ("Softplus", "ReLU"),
    "GELU": ("Softplus", "ReLU"),
    "SELU": ("ELU",),
    "Sign": ("ReLU",),
    "Threshold": ("ReLU",),
    "Square": ("SquaredReLU",),
    "Abs": ("ReLU",),
    "ELU": ("ELU",),
    "LeakyReLU": ("ReLU",),
}


def clip_weights(question: Question) -> Iterator[Proposal]:
    """Make later weights nonnegative: one layer, or all layers after the first unknown."""
    later = later_layers(question)
    one_by_one = [[name] for name in later] if 1 < len(later) <= MOST_SINGLE else []
    for chosen in [*one_by_one, later]:
        if chosen:
            network, cost, rank = clipped(question, chosen)
            if network is not None:
                yield (
                    f"make the weights of layer {', '.join(chosen)} >= 0",
                    cost,
                    rank,
                    asked_again(question, network),
                )


def later_layers(question: Question) -> list[str]:
    """Linear layers that the unknowns reach only through other layers."""
    network = network_of(question)
    names = [name for name, layer in network.named_layers() if isinstance(layer, Linear)]
    asked = check_blocks(network, question.options["wrt"])
    if "input" in asked:
        return names[1:]
    first = min(
        (k for k, name in enumerate(names) if any(a.startswith(f"{name}.") for a in asked)),
        default=0,
    )
    return names[first + 1 :]


def network_of(question: Question) -> Layer:
    """The question's network; only questions about networks get here."""
    if question.network is None:
        raise TypeError("this question has no network")
    return question.network


def clipped(question: Question, names: list[str]) -> tuple[Layer | None, str, float]:
    """A copy of the network with those weights made nonnegative, and what it changes."""
    network = copy.deepcopy(network_of(question))
    layers = dict(network.named_layers())
    entries, deepest, declared = 0, 0.0, 0
    for name in names:
        layer = layers[name]
        if (
            not isinstance(layer, Linear)
            or layer.nonneg
            or not isinstance(layer.weight, np.ndarray)
        ):
            continue
        if layer.given:
            count, smallest = count_negative(layer.weight)
            entries, deepest = entries + count, min(deepest, smallest)
            layer.tensors["weight"] = np.maximum(layer.weight, 0.0)
        declared += 1
        layer.nonneg, layer.nonpos = True, False
    if not declared or (not entries and all(layers[n].given for n in names)):
        return None, "", 0.0
    if entries:
        return network, f"clips {entries} entries, the smallest {deepest:.3g}", 1.0 + entries / 1000
    return network, "restricts those layers to nonneg=True", 1.0 + declared / 10


def replace_activations(question: Question) -> Iterator[Proposal]:
    """Exchange activations that are not convex and rising, alone and with clipped weights."""
    later = later_layers(question)
    for position in (0, 1):
        network, changes = exchanged(network_of(question), position)
        if not changes:
            continue
        text = ", ".join(changes)
        yield (
            f"replace {text}",
            "another activation: train again",
            2.0,
            asked_again(question, network),
        )
        changed = asked_again(question, network)
        both, cost, _ = clipped(changed, later) if later else (None, "", 0.0)
        if both is not None:
            yield (
                f"replace {text} and make the weights of layer {', '.join(later)} >= 0",
                f"another activation: train again; {cost}",
                3.0,
                asked_again(question, both),
            )


def exchanged(network: Layer, position: int) -> tuple[Layer, list[str]]:
    """A copy with every such activation exchanged for its relative number ``position``."""
    network = copy.deepcopy(network)
    changes: list[str] = []
    for prefix, layer in list(network.named_layers()):
        if hasattr(layer, "layers"):
            layer.layers = tuple(
                relative(child, f"{prefix}.{k}" if prefix else str(k), position, changes)
                for k, child in enumerate(layer.layers)
            )
        elif hasattr(layer, "body"):
            layer.body = relative(layer.body, f"{prefix}.body", position, changes)
    return network, changes


def relative(layer: Layer, name: str, position: int, changes: list[str]) -> Layer:
    """The convex relative of an activation, or the layer itself."""
    options = RELATIVES.get(type(layer).__name__, ())
    if not options:
        return layer
    chosen = options[min(position, len(options) - 1)]
    changes.append(f"{type(layer).__name__} (layer {name}) by {chosen}")
    replacement: Layer = getattr(activations, chosen)()
    return replacement


def freeze(question: Question) -> Iterator[Proposal]:
    """Train fewer layers at a time."""
    network = network_of(question)
    asked = check_blocks(network, question.options["wrt"])
    if "input" in asked:
        return
    names = [n for n in block_names(network) if any(a.startswith(f"{n}.") for a in asked)]
    alone = len(names) == 1  # then another layer may do
    names = block_names(network) if alone else names
    if len(names) < 2 or len(names) > 10:
        return
    for chosen in largest_sets(question, names):
        extra = " (the score becomes affine in it)" if chosen == (names[-1],) else ""
        frozen = ", ".join(n for n in names if n not in chosen)
        text = f"train layer {', '.join(chosen)} {'instead' if alone else 'only'}{extra}"
        rank = 1.5 + 0.1 * (len(names) - len(chosen))
        yield text, f"layer {frozen} stays fixed", rank, asked_again(question, wrt=list(chosen))


def switch_loss(question: Question) -> Iterator[Proposal]:
    """Another loss, or none."""
    current = question.options["loss"]
    if current is None:
        return
    for name in LOSSES:
        if name != current:
            try:
                yield (
                    f"use the {name} loss",
                    "another objective",
                    2.5,
                    asked_again(question, loss=name),
                )
            except CvxnetError:
                continue  # the labels do not fit that loss


REMEDIES: tuple[Callable[[Question], Iterator[Proposal]], ...] = (
    clip_weights,
    freeze,
    replace_activations,
    switch_loss,
)
