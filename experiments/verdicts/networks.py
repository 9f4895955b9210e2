"""Networks with their truth: by theorem, by construction, or decided by brute force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np

import cvxnet as cn
from cvxnet.losses import LOSSES
from experiments.verdicts.cases import Case
from experiments.verdicts.chains import LAYERS, Chain, is_convex, refuted

UP: dict[str, Any] = {"nonneg": True}
Sizes = tuple[int, ...]
MORE_INPUTS = ((3, 4, 1), (3, 4, 3, 1), (4, 4, 4, 1), (5, 6, 4, 1), (3, 4, 4, 4, 1), (4, 8, 8, 1))
RISING = ("ReLU", "Softplus", "LeakyReLU", "ELU", "SquaredReLU", "Squareplus", "CELU")
"""Activations that are convex, rising, and not affine."""
CONVEX = (*RISING, "Abs", "Square")
BENT_BOTH_WAYS = ("Sigmoid", "Tanh", "HardTanh", "SiLU", "GELU", "SELU", "Threshold", "Sign")
SMOOTH = ("Softplus", "Square", "Squareplus")
"""Activations with a second derivative > 0 everywhere."""


def two_layers(activation: str, sizes: Sizes = (2, 3, 1), **last: Any) -> cn.Sequential:
    """Weights that are not given: a verdict is about all of them."""
    d, m, c = sizes
    return cn.Sequential(cn.Linear(d, m), getattr(cn, activation)(), cn.Linear(m, c, **last))


def deep(activation: str, widths: Sizes, signs: tuple[bool, ...]) -> cn.Sequential:
    """Layers of these widths; which of the later ones have weights >= 0."""
    layers: list[cn.Layer] = [cn.Linear(widths[0], widths[1])]
    for left, right, up in zip(widths[1:-1], widths[2:], signs, strict=True):
        layers += [getattr(cn, activation)(), cn.Linear(left, right, nonneg=up)]
    return cn.Sequential(*layers)


def ask(
    text: str, truth: bool, why: str, make: Callable[[], Any], family: str, **options: Any
) -> Case:
    """A case that is a network."""
    said = [f"{k}={v if isinstance(v, str) else '...'}" for k, v in options.items()]
    word = "convex" if truth else "not convex"
    made = "weight" in text
    return Case(", ".join([text, *said]), word, why, family, {}, made, make, options)


# Networks whose weights are any that the signs allow


def in_the_input() -> Iterator[Case]:
    """By activation and signs of the weights."""
    family = "any weights, in the input"
    for name in CONVEX:
        one = partial(lambda name: cn.Sequential(cn.Linear(2, 3), getattr(cn, name)()), name)
        yield ask(f"Linear, {name}", True, "convex function of an affine one", one, family)
        for up in (True, False):
            why = "a sum of convex functions" if up else "an output weight can be negative"
            make = partial(two_layers, name, nonneg=up)
            sign = ">= 0" if up else "free"
            yield ask(f"Linear, {name}, Linear {sign}", up, why, make, family)
    for name in BENT_BOTH_WAYS:
        make = partial(two_layers, name, nonneg=True)
        yield ask(f"Linear, {name}, Linear >= 0", False, f"{name} is not convex", make, family)
    for name in RISING:
        for signs in ((True, True), (False, True), (True, False)):
            truth = all(signs)
            why = "rising convex functions of convex ones" if truth else "a later weight can be < 0"
            make = partial(deep, name, (2, 3, 3, 1), signs)
            words = ", ".join(">= 0" if up else "free" for up in signs)
            yield ask(f"three layers, {name}, later {words}", truth, why, make, family)


def in_the_weights() -> Iterator[Case]:
    """By block of weights and loss."""
    family = "any weights, in the weights"
    for name in (*CONVEX, *BENT_BOTH_WAYS):
        yield ask(f"two layers, {name}", True, "affine in the last layer",
                  partial(two_layers, name), family, wrt="2")  # fmt: skip
        yield ask(f"two layers, {name}", False, "two layers multiply, or one bends both ways",
                  partial(two_layers, name), family, wrt="weights")  # fmt: skip
    for name in CONVEX:
        for up in (True, False):
            yield ask(f"two layers, {name}, last {'>= 0' if up else 'free'}", up,
                      "a sum of convex functions" if up else "an output weight can be < 0",
                      partial(two_layers, name, nonneg=up), family, wrt="0")  # fmt: skip
    for loss in sorted(set(LOSSES) - {"cross_entropy"}):
        linear = partial(cn.Linear, 2, 1)
        yield ask("linear model", True, "the loss is convex", linear, family, loss=loss)
        for wrt, truth in (("2", True), ("weights", False)):
            why = "a convex loss of an affine score" if truth else "two layers multiply"
            yield ask("two layers, ReLU", truth, why, partial(two_layers, "ReLU"), family,
                      loss=loss, wrt=wrt)  # fmt: skip
    data = ([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], ["a", "b", "c"])
    scores = partial(two_layers, "ReLU", (2, 3, 3))
    for wrt, truth in (("2", True), ("weights", False), ("0", False)):
        yield ask("three classes", truth, "scores affine, or products", scores, family,
                  loss="cross_entropy", data=data, wrt=wrt)  # fmt: skip


# Given weights


def drawn(rng: np.random.Generator, sizes: Sizes, activation: str, up: bool) -> Chain:
    """Whole numbers; ``up`` makes those after the first layer non-negative."""
    weights, biases = [], []
    for k, (left, right) in enumerate(pairwise(sizes)):
        pairs = 2 if activation == "maxout" and k < len(sizes) - 2 else 1
        weight = rng.integers(-3, 4, (pairs * right, left)).astype(float)
        weights.append(np.abs(weight) if up and k else weight)
        biases.append(rng.integers(-3, 4, pairs * right).astype(float))
    return Chain(weights, biases, activation)


def spoiled(rng: np.random.Generator, chain: Chain, weight: float) -> Chain:
    """One weight of a later layer replaced."""
    layer = int(rng.integers(1, len(chain.weights)))
    weights = [part.copy() for part in chain.weights]
    weights[layer].flat[int(rng.integers(weights[layer].size))] = weight
    return Chain(weights, chain.biases, chain.activation)


def by_brute_force() -> Iterator[Case]:
    """Of one and two inputs, with later weights of any sign, or one that is wrong."""
    rng = np.random.default_rng(17)
    for sizes in ((1, 3, 1), (1, 3, 3, 1), (2, 3, 1), (2, 3, 2, 1), (2, 3, 3, 1), (2, 3, 3, 3, 1)):
        for activation in LAYERS:
            for up in (False, True):
                chain = drawn(rng, sizes, activation, up)
                word = ", one weight -1/16" if up else ""
                yield decided(spoiled(rng, chain, -0.0625) if up else chain, word)
                if up and activation != "hardtanh":
                    yield decided(tilted(rng, chain), ", a negative weight that never shows")


def decided(chain: Chain, word: str) -> Case:
    """The truth by brute force."""
    sizes = [part.shape[1] for part in chain.weights]
    family, why = "given weights, one or two inputs", "all cells, in rational arithmetic"
    text = f"{chain.activation}, sizes {sizes}{word}, {fingerprint(chain)}"
    return ask(text, is_convex(chain), why, chain.network, family)


def fingerprint(chain: Chain) -> str:
    """Tells networks apart."""
    total = sum(float(np.sum(part * (k + 1))) for k, part in enumerate(chain.weights))
    return f"#{total:g}"


def tilted(rng: np.random.Generator, chain: Chain) -> Chain:
    """One more first unit, the negative of another, with a smaller weight of the other sign.

    c relu(t) - b relu(-t) with 0 <= b <= c is convex and rises with t: its slopes are b and c.
    """
    if chain.activation in ("maxout", "abs"):
        return chain
    unit = int(rng.integers(len(chain.weights[0])))
    first, second, *rest = chain.weights
    second = second.copy()
    second[:, unit] = np.maximum(second[:, unit], 1.0)
    weights = [np.vstack([first, -first[unit]]), np.column_stack([second, -second[:, unit] / 2])]
    biases = [np.append(chain.biases[0], -chain.biases[0][unit]), *chain.biases[1:]]
    return Chain([*weights, *rest], biases, chain.activation)


def of_more_inputs() -> Iterator[Case]:
    """Three to five inputs: convex by construction, or refuted by three rational points."""
    rng = np.random.default_rng(5)
    family = "given weights, three to five inputs"
    for sizes in MORE_INPUTS:
        for activation in ("relu", "leaky", "maxout"):
            chain = drawn(rng, sizes, activation, True)
            yield ask(f"{activation}, sizes {list(sizes)}", True, "later weights >= 0",
                      chain.network, family)  # fmt: skip
            if activation == "relu":
                yield ask(f"{activation}, sizes {list(sizes)}, a negative weight that never shows",
                          True, "relu(t) and relu(-t) together rise and are convex",
                          tilted(rng, chain).network, family)  # fmt: skip
            for weight in (-0.05, -1.0):
                bad = spoiled(rng, chain, weight)
                if refuted(bad, 400, 0) is not None:
                    yield ask(f"{activation}, sizes {list(sizes)}, one weight {weight:g}", False,
                              "three rational points", bad.network, family)  # fmt: skip


def smooth() -> Iterator[Case]:
    """One hidden layer with independent rows: convex iff no output weight is negative.

    Along v with w_i.v = 0 for all i but one, the second derivative is a_i times a positive number.
    """
    rng = np.random.default_rng(3)
    family = "given weights, smooth units"
    for name in SMOOTH:
        for d, m in ((1, 1), (2, 2), (3, 2), (3, 3), (4, 4)):
            rows = np.eye(m, d) + np.triu(rng.integers(-2, 3, (m, d)), 1)
            for last in (rng.integers(1, 4, m), np.append(np.ones(m - 1), -0.25)):
                yield ask(f"{name}, rows {rows.tolist()}, output {last.tolist()}",
                          bool((last >= 0).all()), "independent rows: every sign counts",
                          partial(given, name, rows, last), family)  # fmt: skip
    for name in (*SMOOTH, "Sigmoid", "Tanh", "GELU", "SiLU"):
        odd = name in ("Tanh", "Sigmoid")
        rows, last = np.array([[1.0, -2.0], [-1.0, 2.0]]), np.array([1.0, 1.0 if odd else -1.0])
        yield ask(f"{name}, mirrored units that cancel", True,
                  "phi(t) - phi(-t), or + for those that are odd up to a constant, is affine",
                  partial(given, name, rows, last), family)  # fmt: skip


def given(name: str, rows: np.ndarray, last: np.ndarray) -> cn.Sequential:
    """Two layers with these weights."""
    d, m = rows.shape[1], len(rows)
    network = cn.Sequential(cn.Linear(d, m, False), getattr(cn, name)(), cn.Linear(m, 1, False))
    network.load_state_dict({"0.weight": rows, "2.weight": last[None].astype(float)})
    return network


def with_structure() -> Iterator[Case]:
    """Residuals, images, pooling, skip connections."""
    family = "residuals, images, skips"
    up, free = UP, dict[str, Any]()
    for sign in (up, free):
        truth, word = bool(sign), ">= 0" if sign else "free"
        why = "convex and rising parts" if truth else "a later weight can be < 0"
        body = partial(_body, sign)
        yield ask(f"residual, inner Linear {word}", truth, why, partial(_residual, body), family)
        yield ask(f"two residuals, inner Linear {word}", truth, why, partial(_residual, body, 2),
                  family)  # fmt: skip
        yield ask(f"convolution, relu, convolution {word}", truth, why, partial(_images, sign),
                  family)  # fmt: skip
        yield ask(f"convolution, max pooling, Linear {word}", truth, why, partial(_pooled, sign),
                  family)  # fmt: skip
    for sizes in ([2, 3, 1], [2, 3, 3, 1], [4, 6, 6, 1], [3, 8, 8, 8, 1], [10, 16, 16, 1]):
        yield ask(f"input_convex({sizes})", True, "non-negative weights between hidden layers",
                  partial(cn.input_convex, sizes), family)  # fmt: skip
        yield ask(f"input_convex({sizes})", False, "layers multiply",
                  partial(cn.input_convex, sizes), family, wrt="weights")  # fmt: skip


def _body(sign: dict[str, Any]) -> cn.Sequential:
    return cn.Sequential(cn.ReLU(), cn.Linear(2, 2, **sign))


def _residual(body: Callable[[], cn.Layer], count: int = 1) -> cn.Sequential:
    return cn.Sequential(cn.Linear(2, 2), *[cn.Residual(body()) for _ in range(count)])


def _images(sign: dict[str, Any]) -> cn.Sequential:
    first = cn.Conv2d(1, 2, 2, image=(3, 3))
    return cn.Sequential(first, cn.ReLU(), cn.Conv2d(2, 1, 2, image=(2, 2), **sign))


def _pooled(sign: dict[str, Any]) -> cn.Sequential:
    pool = cn.MaxPool2d(2, channels=1, image=(2, 4))
    return cn.Sequential(cn.Conv2d(1, 1, 2, image=(3, 5)), pool, cn.Linear(2, 1, **sign))


@cache
def networks() -> tuple[Case, ...]:
    """All of them."""
    return (
        *in_the_input(),
        *in_the_weights(),
        *by_brute_force(),
        *of_more_inputs(),
        *smooth(),
        *with_structure(),
    )
