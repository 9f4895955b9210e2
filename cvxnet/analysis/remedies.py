"""Proposals for networks; `repairs` verifies them and throws most of them away.

Most change the network or what is trained. A lift changes the variables instead: the training
problem becomes convex and keeps its optimum.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from cvxnet import layers as L  # noqa: N812
from cvxnet.analysis.blocks import block_names, largest_sets
from cvxnet.analysis.disciplines import log_log_curvature
from cvxnet.analysis.domains import ask_again
from cvxnet.analysis.questions import (
    Question,
    check_blocks,
    named_by,
)
from cvxnet.errors import CvxnetError
from cvxnet.functions.profile import EVERYWHERE
from cvxnet.layers.activations import Activation
from cvxnet.layers.layer import Layer
from cvxnet.losses import LOSSES

MOST_SINGLE = 6  # with more layers, only all of them together
MOST_SAMPLES = 8
MOST_FROZEN = 10  # layers of which some are to be trained alone


@dataclass(frozen=True)
class Proposal:
    """A change that may help.

    Attributes
    ----------
    change, cost : str
        What to do, and what is given up.
    rank : float
        Smaller changes first.
    changed : Question, CVXPY problem or None
        What is to be judged; None for a change that is proved already.
    outcome : str
        What is said of the proof; "" for the reason that the verdict gives.
    """

    change: str
    cost: str
    rank: float
    changed: Question | cp.Problem | None
    outcome: str = ""


NEAREST: dict[type[Layer], tuple[type[Layer], ...]] = {
    L.Tanh: (L.ReLU, L.Softplus),
    L.SELU: (L.ELU,),
    L.Square: (L.SquaredReLU,),
    L.ELU: (L.ELU,),
}
"""Convex activations that are nearer to these than what `relatives` would choose."""


def relatives(layer: Layer) -> tuple[type[Layer], ...]:
    """Convex nondecreasing activations in place of one that is not, the smooth one first."""
    if not isinstance(layer, Activation) or type(layer) in NEAREST:
        return NEAREST.get(type(layer), ())
    profile = layer.profile
    if profile.convex == profile.rising == EVERYWHERE:
        return ()
    return (L.Softplus, L.ReLU) if profile.smooth else (L.ReLU,)


def clip_weights(question: Question) -> Iterator[Proposal]:
    """Make later weights nonnegative: one layer, or all layers after the first unknown."""
    later = later_layers(question)
    one_by_one = [[name] for name in later] if 1 < len(later) <= MOST_SINGLE else []
    for chosen in [*one_by_one, later]:
        if chosen:
            network, cost, rank = clipped(question, chosen)
            if network is not None:
                change = f"make the weights of layer {', '.join(chosen)} >= 0"
                yield Proposal(change, cost, rank, ask_again(question, network))


def later_layers(question: Question) -> list[str]:
    """Linear layers that the unknowns reach only through other layers."""
    network = network_of(question)
    names = [name for name, layer in network.named_layers() if isinstance(layer, L.Linear)]
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
    """A copy of the network with those weights made nonnegative, what it changes, and its rank."""
    network = copy.deepcopy(network_of(question))
    layers = dict(network.named_layers())
    linear = (layer for name in names if isinstance(layer := layers[name], L.Linear))
    chosen = [*filter(may_be_clipped, linear)]
    negative = [w for layer in chosen if layer.given for w in layer.weight[layer.weight < 0.0]]
    for layer in chosen:
        layer.nonneg, layer.nonpos = True, False
        if layer.given:
            layer.tensors["weight"] = np.maximum(layer.weight, 0.0)
    if negative:
        cost = f"clips {len(negative)} entries, the smallest {min(negative):.3g}"
        return network, cost, 1.0 + len(negative) / 1000
    if not chosen or all(layers[name].given for name in names):
        return None, "", 0.0
    return network, "restricts those layers to nonneg=True", 1.0 + len(chosen) / 10


def may_be_clipped(layer: L.Linear) -> bool:
    """Whether a layer has weights of its own that may be below zero."""
    return not layer.nonneg and isinstance(layer.weight, np.ndarray)


def replace_activations(question: Question) -> Iterator[Proposal]:
    """Exchange activations that are not convex and rising, alone and with clipped weights."""
    later = later_layers(question)
    for position in (0, 1):
        network, changes = exchanged(network_of(question), position)
        if not changes:
            continue
        change, cost = f"replace {', '.join(changes)}", "another activation: train again"
        changed = ask_again(question, network)
        yield Proposal(change, cost, 2.0, changed)
        both, price, _ = clipped(changed, later) if later else (None, "", 0.0)
        if both is not None:
            change += f" and make the weights of layer {', '.join(later)} >= 0"
            yield Proposal(change, f"{cost}; {price}", 3.0, ask_again(question, both))


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
    options = relatives(layer)
    if not options:
        return layer
    chosen = options[min(position, len(options) - 1)]
    changes.append(f"{type(layer).__name__} (layer {name}) by {chosen.__name__}")
    return chosen()


def freeze(question: Question) -> Iterator[Proposal]:
    """Train fewer layers at a time."""
    network = network_of(question)
    asked = check_blocks(network, question.options["wrt"])
    names = [n for n in block_names(network) if named_by(n, asked)]
    alone = len(names) == 1  # then another layer may do
    names = block_names(network) if alone else names
    if "input" in asked or not 2 <= len(names) <= MOST_FROZEN:
        return
    for chosen in largest_sets(question, names):
        extra = " (the score becomes affine in it)" if chosen == (names[-1],) else ""
        frozen = ", ".join(n for n in names if n not in chosen)
        text = f"train layer {', '.join(chosen)} {'instead' if alone else 'only'}{extra}"
        rank = 1.5 + 0.1 * (len(names) - len(chosen))
        changed = ask_again(question, wrt=list(chosen))
        yield Proposal(text, f"layer {frozen} stays fixed", rank, changed)


def switch_loss(question: Question) -> Iterator[Proposal]:
    """Another loss, or none."""
    current = question.options["loss"]
    if current is None:
        return
    for name, loss in LOSSES.items():
        if name != current and loss.classes == LOSSES[current].classes:
            try:
                changed = ask_again(question, loss=name)
            except CvxnetError:
                continue  # the labels do not fit that loss
            yield Proposal(f"use the {name} loss", "another objective", 2.5, changed)


def take_logarithms(question: Question) -> Iterator[Proposal]:
    """Log-log convex functions of positive unknowns are convex in the logarithms."""
    word, _ = log_log_curvature(question, question.tape())
    if word in ("convex", "affine"):
        yield Proposal(
            "substitute W = exp(V) and minimise the logarithm (geometric programming)",
            "all unknowns, and free weights and inputs, must be > 0",
            2.0,
            None,
            f"log-log {word}, by the log-log rules",
        )
