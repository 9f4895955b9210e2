"""Items about networks: convex in the input, the entry to blame, repairs, blocks of weights."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from cvxnet import layers as L  # noqa: N812
from cvxnet.analysis import Verdict, convexity
from cvxnet.lab.quiz.items import Item, Option, curvature_options, number, odd_one_out, told
from cvxnet.types import Array

ACTIVATIONS = {
    "relu": L.ReLU,
    "abs": L.Abs,
    "softplus": L.Softplus,
    "tanh": L.Tanh,
    "square": L.Square,
}
"""Activations by the name that formulas have for them."""


def network(activation: str, *weights: Any) -> L.Sequential:
    """Layers with these weights and no biases, an activation between them."""
    layers = list[L.Layer]()
    for W in map(np.asarray, weights):
        layers += [L.Linear(W.shape[1], W.shape[0], bias=False), ACTIVATIONS[activation]()]
    net = L.Sequential(*layers[:-1])
    net.load_state_dict(
        {f"{2 * k}.weight": np.asarray(W, dtype=float) for k, W in enumerate(weights)}
    )
    return net


def linear_text(weights: Sequence[float] | Array, names: Sequence[str]) -> str:
    """A linear combination, as one writes it.

    >>> linear_text([1, -2, 0], ["x", "y", "z"])
    'x − 2·y'
    """
    text = ""
    for weight, name in zip(weights, names, strict=True):
        size = "" if abs(weight) == 1 else f"{number(abs(weight))}·"
        sign = ("−" if weight < 0 else "") if not text else (" − " if weight < 0 else " + ")
        text += f"{sign}{size}{name}" if weight else ""
    return text or "0"


def formula_of(activation: str, W: Array, a: Array) -> str:
    """A network with one hidden layer as a formula in x and y."""
    return linear_text(a, [f"{activation}({linear_text(w, ['x', 'y'])})" for w in W])


def whole_numbers(rng: np.random.Generator, *shape: int, most: int = 2) -> Array:
    """Weights that are whole numbers, none of them 0."""
    return rng.integers(1, most + 1, shape) * rng.choice([-1.0, 1.0], shape)


def in_input(rng: np.random.Generator) -> Item | None:
    """Is this network convex in its input?"""
    activation = str(rng.choice(list(ACTIVATIONS)))
    W, a = whole_numbers(rng, 2, 2), whole_numbers(rng, 2, most=3)
    if rng.random() < 0.25:
        W[1], a[1] = -W[0], -a[0]  # for relu: what is left is linear
    net = network(activation, W, a[None])
    options = curvature_options(convexity(net, wrt="input"))
    if options is None:
        return None
    return Item(
        "What is this network as a function of its input (x, y)?",
        (f"f(x, y) = {formula_of(activation, W, a)}",),
        options,
        "A unit with a convex activation is convex in the input whatever its hidden weights: they "
        "are affine maps. The signs of the output weights decide, unless kinks cancel.",
        'cn.convexity(net, wrt="input")',
    )


def matrix_text(name: str, W: Array) -> str:
    """A matrix in one line, its rows between semicolons."""
    return f"{name} = [{'; '.join('  '.join(number(v) for v in row) for row in W)}]"


def to_blame(rng: np.random.Generator) -> Item | None:
    """Which single entry keeps a deep network from being convex?"""
    first = whole_numbers(rng, 2, 2, most=3)
    second, third = np.abs(whole_numbers(rng, 2, 2, most=3)), np.abs(whole_numbers(rng, 1, 2))
    place = rng.integers(3)  # two rows of the second layer, or the third
    guilty = second[place % 2] if place < 2 else third[0]
    guilty[rng.integers(2)] *= -1.0
    weights = [first, second, third]
    if convexity(network("relu", *weights), wrt="input").convex is not False:
        return None
    known = (
        option
        for k in rng.permutation(3)
        for i, j in rng.permutation(list(np.ndindex(weights[k].shape)))
        if (option := without_sign(weights, int(k), int(i), int(j))) is not None
    )
    options = odd_one_out(rng, known)
    if options is None:
        return None
    return Item(
        "This network is not convex in x. Changing the sign of one entry makes it convex: which?",
        (
            "f(x) = W₃·relu(W₂·relu(W₁·x))",
            *(matrix_text(f"W{sub}", W) for sub, W in zip("₁₂₃", weights, strict=True)),
        ),
        options,
        "The first layer is an affine map, so its signs do not matter. From the second layer on a "
        "negative weight multiplies a convex function and makes it concave.",
        'cn.convexity(net, wrt="input").blame',
    )


def without_sign(weights: list[Array], k: int, i: int, j: int) -> Option | None:
    """The option to change the sign of one entry; None where nobody knows what that leads to."""
    changed = copy.deepcopy(weights)
    changed[k][i, j] *= -1.0
    verdict = convexity(network("relu", *changed), wrt="input")
    if verdict.convex is None:
        return None
    text = f"{number(weights[k][i, j])} in row {i + 1}, column {j + 1} of W{'₁₂₃'[k]}"
    return Option(text, verdict.convex, f"With the other sign: {lowered(told(verdict))}")


def lowered(text: str) -> str:
    """With a small first letter."""
    return text[:1].lower() + text[1:]


def repair(rng: np.random.Generator) -> Item | None:
    """Which change makes it convex?"""
    return repair_of_input(rng) if rng.random() < 0.5 else repair_of_training(rng)


def repair_of_input(rng: np.random.Generator) -> Item | None:
    """Changes of a network that is not convex in its input."""
    activation = str(rng.choice(["relu", "tanh"]))
    W, a = whole_numbers(rng, 2, 2), np.abs(whole_numbers(rng, 2, most=3))
    if activation == "relu":
        a[rng.integers(2)] *= -1.0

    def changed(name: str, first: Array, last: Array) -> L.Sequential:
        return network(name, first, last[None])

    smooth = str(rng.choice(["relu", "softplus", "abs"] if activation == "tanh" else ["softplus"]))
    changes = {
        "make the output weights nonnegative": changed(activation, W, np.abs(a)),
        "make the hidden weights nonnegative": changed(activation, np.abs(W), a),
        f"put {smooth} in place of {activation}": changed(smooth, W, a),
        "double all weights": changed(activation, 2.0 * W, 2.0 * a),
        "put a linear layer in front": changed(
            activation, W @ np.array([[2.0, 1.0], [1.0, 1.0]]), a
        ),
        "change the sign of all output weights": changed(activation, W, -a),
    }
    if convexity(network(activation, W, a[None]), wrt="input").convex is not False:
        return None
    names = list(changes)
    judged = ((names[k], convexity(changes[names[k]])) for k in rng.permutation(len(names)))
    options = odd_one_out(rng, known_options(judged))
    if options is None:
        return None
    return Item(
        "This network is not convex in its input. Which change makes it convex?",
        (f"f(x, y) = {formula_of(activation, W, a)}",),
        options,
        "Convex units, added up with nonnegative weights, are convex: an input-convex network. "
        "Hidden weights may have any sign.",
        'cn.convexity(net, wrt="input").repairs',
    )


def known_options(judged: Iterable[tuple[str, Verdict]]) -> Iterator[Option]:
    """What is convex and what is not, as options; what nobody knows is left out."""
    for text, verdict in judged:
        if verdict.convex is not None:
            yield Option(text, verdict.convex, told(verdict))


def repair_of_training(rng: np.random.Generator) -> Item | None:
    """Ways to train that are convex problems, or not."""
    loss = str(rng.choice(["squared", "logistic", "absolute"]))
    width = int(rng.integers(2, 4))
    relu = two_layers(L.ReLU(), width)
    right: dict[str, tuple[L.Layer, dict[str, Any]]] = {
        "train the output weights only": (relu, {"wrt": "2"}),
        "leave the hidden layer out: f = w·x + b": (L.Sequential(L.Linear(2, 1)), {}),
    }
    wrong: dict[str, tuple[L.Layer, dict[str, Any]]] = {
        "train the hidden weights only": (relu, {"wrt": "0"}),
        "keep all weights nonnegative": (two_layers(L.ReLU(), width, nonneg=True), {}),
        "put x² in place of relu": (two_layers(L.Square(), width), {}),
        "put softplus in place of relu": (two_layers(L.Softplus(), width), {}),
        "leave the relu out: f = a·(W·x + b)": (
            L.Sequential(L.Linear(2, width), L.Linear(width, 1)),
            {},
        ),
        "add weight decay 0.1": (relu, {"weight_decay": 0.1}),
    }
    one = list(right.items())[rng.integers(2)]
    others = list(wrong.items())
    tried = [one, *(others[k] for k in rng.permutation(len(others))[:3])]
    judged = ((text, training_verdict(loss, *asked)) for text, asked in tried)
    options = odd_one_out(rng, known_options(judged))
    if options is None:
        return None
    return Item(
        f"Training a two-layer ReLU network of {width} units with the {loss} loss is not a convex "
        "problem in its weights. Which of these is?",
        (),
        options,
        "Two layers that are trained at once multiply each other. One of them has to be fixed, or "
        "the problem has to be lifted, as cn.train does.",
        f'cn.convexity(net, wrt="weights", loss="{loss}").repairs',
    )


def two_layers(activation: L.Layer, width: int, nonneg: bool = False) -> L.Sequential:
    """A network of two features whose weights are not given."""
    return L.Sequential(
        L.Linear(2, width, nonneg=nonneg), activation, L.Linear(width, 1, nonneg=nonneg)
    )


def training_verdict(loss: str, net: L.Layer, asked: dict[str, Any]) -> Verdict:
    """The verdict on training with any data."""
    return convexity(net, **{"wrt": "weights", "loss": loss, **asked})


BLOCKS = {
    (True, True, False): "in each layer alone, but not in both together",
    (False, True, False): "in the output weights alone, nothing more",
    (True, False, False): "in the hidden weights alone, nothing more",
    (False, False, False): "in neither layer, nor in both together",
    (True, True, True): "in both layers together",
}
"""Words for (convex in the first layer, in the last, in both)."""
NETWORKS = {
    "f(x) = a·relu(W·x)": (L.ReLU, False),
    "f(x) = a·relu(W·x), a ≥ 0": (L.ReLU, True),
    "f(x) = a·softplus(W·x), a ≥ 0": (L.Softplus, True),
    "f(x) = a·tanh(W·x)": (L.Tanh, False),
    "f(x) = a·(W·x)": (None, False),
}
LOSSES = {
    "the squared loss ½(f − y)²": "squared",
    "the logistic loss log(1 + exp(−y·f))": "logistic",
    "the absolute loss |f − y|": "absolute",
}


def blocks(rng: np.random.Generator) -> Item | None:
    """In which weights is training convex?"""
    form, (activation, nonneg) = list(NETWORKS.items())[rng.integers(len(NETWORKS))]
    words, loss = list(LOSSES.items())[rng.integers(len(LOSSES))]
    given = (form, f"{words}, summed over three samples")
    y = rng.integers(-2, 3, 3).astype(float)
    if loss == "logistic":
        y = rng.choice([-1.0, 1.0], 3) if rng.random() < 0.5 else np.full(3, -1.0)
    x = whole_numbers(rng, 3, most=3)
    middle = [] if activation is None else [activation()]
    net = L.Sequential(
        L.Linear(1, 2, bias=False), *middle, L.Linear(2, 1, bias=False, nonneg=nonneg)
    )
    last = str(1 + len(middle))
    verdicts = [
        convexity(net, wrt=wrt, loss=loss, data=(x[:, None], y)) for wrt in ("0", last, "weights")
    ]
    found = tuple(verdict.convex for verdict in verdicts)
    if None in found:
        return None
    names = ("Hidden weights", "Output weights", "Both")
    why = " ".join(f"{name}: {lowered(told(v))}" for name, v in zip(names, verdicts, strict=True))
    options = tuple(Option(text, key == found, why) for key, text in BLOCKS.items())
    return Item(
        "In which weights is the training loss convex, whatever values the others have?",
        (*given, f"x = ({row(x)}), y = ({row(y)})"),
        options,
        "In the output weights the prediction is affine, so every convex loss stays convex. In the "
        "hidden weights it is convex where a ≥ 0, which helps only a loss that rises with it.",
        "cn.convexity(net, wrt=..., loss=..., data=(X, y))",
        {"x": x.tolist(), "y": y.tolist()},
    )


def row(values: Array) -> str:
    """Numbers between commas."""
    return ", ".join(map(number, values))
