"""What remains convex in the post's network, and what does not: verdicts, and lines to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnet.analysis import convexity
from cvxnet.analysis.verdicts import BLOCK_WORDS
from cvxnet.layers import Linear, ReLU, Sequential
from cvxnet.plots import slice_between
from cvxnet.types import Array
from experiments.report import Row
from experiments.seed_claims.claims import UP, two_layers, two_nodes

AMOS = "Amos, Xu and Kolter 2017"
DGP = "Agrawal, Diamond and Boyd 2019"


@dataclass(frozen=True)
class Part:
    """Something that may be convex, the line on which it is shown, and what theory says.

    Attributes
    ----------
    line : callable
        The function at (k,) places of a line: 0 is one end, 1 is the other.
    """

    panel: str
    label: str
    ask: Callable[[], bool | None]
    line: Callable[[Array], Array]
    convex: bool
    source: str


def between(a: Any, b: Any, t: Array) -> Array:
    """The arrays on the line from a to b, stacked."""
    one, other = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    place = t.reshape(-1, *[1] * one.ndim)
    return (1.0 - place) * one + place * other


def scores(X: Array, first: Array, last: Array) -> Array:
    """``relu(X W1') W2'``, for weights that may be stacked."""
    return np.maximum(X @ np.swapaxes(first, -1, -2), 0.0) @ np.swapaxes(last, -1, -2)


def node_loss(first: Array, last: Array) -> Array:
    """Cross entropy of two nodes for the sample (1, 2) of class 1."""
    y = scores(np.array([[1.0, 2.0]]), first, last)[..., 0, :]
    return np.asarray(np.logaddexp(0.0, y[..., 0] - y[..., 1]))


def label_loss(first: Array, last: Array) -> Array:
    """The logistic loss of the samples (1, 0) and (0, 1), the one of label 1, the other of -1."""
    margins = scores(np.eye(2), first, last)[..., 0] * np.array([1.0, -1.0])
    return np.asarray(np.logaddexp(0.0, -margins).sum(axis=-1))


def output(last: list[float]) -> Callable[[Array], Array]:
    """``relu(x)`` and ``relu(-x)`` with these output weights, for x from -1 to 1."""
    first = np.array([[1.0], [-1.0]])
    return lambda t: scores(between([-1.0], [1.0], t), first, np.array([last]))[:, 0]


def sum_of_products(w: Array) -> Array:
    """The output of two units, all of their weights and the input above zero."""
    return np.asarray(w[:, 0] * w[:, 2] + w[:, 1] * w[:, 3])


def positive_network() -> Any:
    """The verdict on it, in all weights."""
    net = Sequential(Linear(1, 2, False, **UP), ReLU(), Linear(2, 1, False, **UP))
    return convexity(net, "weights", inputs="nonneg")


def is_log_log_convex() -> bool:
    """Whether it is log-log convex by the rules."""
    return positive_network().disciplines["log-log convex (DGP)"].startswith("log-log ")


UNIT = np.array([[0.0, 0.0], [0.0, 1.0]])
FIRST = np.array([[1.0, 0.0], [0.0, 0.0]])
SIDES = np.array([[0.0, 1.0], [0.0, 0.0]])
WEIGHTS = ([3.0, 0.05, 0.3, 0.8], [0.05, 3.0, 0.8, 0.3])
NODES = "Cross entropy of two output nodes, one sample"
LOGS = "A network of positive weights"
INPUT = "A network in its input"
LABELS = "Logistic loss, samples of both labels"
PARTS = (
    Part(
        NODES,
        "first layer alone",
        lambda: two_nodes("0", inputs="nonneg").convex,
        lambda t: node_loss(between(0 * UNIT, 2 * UNIT, t), SIDES),
        True,
        "no unit clips: affine scores",
    ),
    Part(
        NODES,
        "last layer alone",
        lambda: two_nodes("2", inputs="nonneg").convex,
        lambda t: node_loss(UNIT, between(2 * SIDES, 0 * SIDES, t)),
        True,
        "affine scores",
    ),
    Part(
        NODES,
        "both at once",
        lambda: two_nodes("weights", data=(np.array([[1.0, 2.0]]), [1])).convex,
        lambda t: node_loss(between(0 * UNIT, 2 * UNIT, t), between(2 * SIDES, 0 * SIDES, t)),
        False,
        "two layers multiply",
    ),
    Part(
        LOGS,
        "log y in the logarithms of weights",
        is_log_log_convex,
        lambda t: np.log(sum_of_products(np.exp(between(*map(np.log, WEIGHTS), t)))),
        True,
        f"a posynomial: {DGP}",
    ),
    Part(
        LOGS,
        "y in the weights",
        lambda: positive_network().convex,
        lambda t: sum_of_products(between(*WEIGHTS, t)),
        False,
        "a sum of products",
    ),
    Part(
        INPUT,
        "output weights >= 0",
        lambda: convexity(two_layers(ReLU(), **UP), "input").convex,
        output([1.0, 0.6]),
        True,
        f"an input-convex network: {AMOS}",
    ),
    Part(
        INPUT,
        "output weights of any sign",
        lambda: convexity(two_layers(ReLU()), "input").convex,
        output([-1.0, -0.6]),
        False,
        "minus a convex function",
    ),
    Part(
        LABELS,
        "last layer",
        lambda: convexity(two_layers(ReLU()), "2", loss="logistic").convex,
        lambda t: label_loss(np.eye(2), between([[-2.0, -2.0]], [[2.0, 2.0]], t)),
        True,
        "the hidden layer frozen, the score is affine",
    ),
    Part(
        LABELS,
        "first layer, output weights >= 0",
        lambda: convexity(two_layers(ReLU(), **UP), "0", loss="logistic").convex,
        lambda t: label_loss(between(-2 * FIRST, 2 * FIRST, t), np.array([[1.0, 0.0]])),
        False,
        "a convex score enters with both signs",
    ),
)


def remaining(number: int) -> Row:
    """The verdict on one of them, and the function on its line."""
    part = PARTS[number]
    found = slice_between(lambda rows: part.line(rows[:, 0]), 0.0, 1.0)
    return {
        "asked": f"{part.panel}: {part.label}",
        "verdict": BLOCK_WORDS[part.ask()],
        "above the chord": found.rise,
        "slice": found,
    }


BENT = 1e-8
"""Second differences smaller than this are rounding."""
PLACES = np.linspace(-4.0, 4.0, 161)
"""Logarithms of scores."""
LOSSES = {
    "softplus(y)": lambda one, other: softplus(np.exp(one)),
    "softplus(-y)": lambda one, other: softplus(-np.exp(one)),
    "softplus(y0 - y1)": lambda one, other: softplus(np.exp(one) - np.exp(other)),
}
"""Losses in the logarithms of positive scores."""
CURVED = {"softplus(y)": "convex", "softplus(-y)": "concave", "softplus(y0 - y1)": "neither"}
"""What their logarithms are, as functions of those (second derivatives by hand)."""


def softplus(z: Array) -> Array:
    """``log(1 + exp(z))``."""
    return np.asarray(np.logaddexp(0.0, z))


def bend_in_logs(loss: str) -> Row:
    """The least and the largest second difference of log loss over logarithms of the scores."""
    bends = []
    for other in (-1.0, 0.0, 1.0):
        values = np.log(LOSSES[loss](PLACES, np.full_like(PLACES, other)))
        bends.append(np.diff(values, 2) / (PLACES[1] - PLACES[0]) ** 2)
    return {"least": float(np.min(bends)), "largest": float(np.max(bends))}


def bent(row: Row) -> str:
    """Convex, concave or neither, as far as the second differences tell."""
    if row["least"] >= -BENT:
        return "convex"
    return "concave" if row["largest"] <= BENT else "neither"
