"""Lifts: other variables in which training with weight decay is convex and keeps its optimum.

A lift of the whole problem may be large, so what is judged is the lifted problem for a few samples
of the data (or made-up ones): it is convex whatever the data are, as the same rules apply.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from cvxnet import layers as L  # noqa: N812
from cvxnet.analysis.questions import (
    Question,
    as_expression,
    check_blocks,
    flat,
    given_target,
    objective,
    weight_names,
)
from cvxnet.analysis.remedies import Proposal, network_of
from cvxnet.data.validation import as_floats
from cvxnet.errors import CvxnetError
from cvxnet.losses import get_loss
from cvxnet.objective.networks import TwoLayers, flattened, read_network
from cvxnet.training.program import program
from cvxnet.types import Array

MOST_SAMPLES = 8
MOST_ENTRIES = 200  # of a lifted matrix that is judged
WEIGHT_DECAY = 0.1  # of the lifted problem that is judged; any other is as good
RANK = 0.5  # a lift keeps the problem: before most other repairs


def lift_two_layers(question: Question) -> Iterator[Proposal]:
    """Two-layer training is a convex program in what the units of each cell add up to.

    For ReLU units that is one vector for each activation pattern (Pilanci and Ergen 2020); with
    several outputs one matrix.
    """
    two = asked_two_layers(question)
    if two is None:
        return
    loss = question.options["loss"]
    X, y = sample_data(question, two)
    try:
        written = program(
            two.family,
            X,
            y,
            loss=loss,
            weight_decay=WEIGHT_DECAY,
            output_weights=two.output_weights,
        )
    except CvxnetError:
        return
    name, options = two.family.name, two.output_weights
    signs = "" if options == "any" else f', output_weights="{options}"'
    yield Proposal(
        f'lift exactly: cn.train("{name}", X, y, loss="{loss}"{signs}, weight_decay=...)',
        "needs weight decay; width is chosen by the optimum, and the number of cells grows like "
        "n^rank",
        RANK,
        written,
        f"verified on the program for {len(X)} samples with {X.shape[1]} features",
    )


def asked_two_layers(question: Question) -> TwoLayers | None:
    """The network taken apart, where all weights of a two-layer one are trained, else None."""
    if question.options["loss"] is None or not asks_about_all(question):
        return None
    try:
        return read_network(network_of(question))
    except CvxnetError:
        return None


def asks_about_all(question: Question) -> bool:
    """Whether all weights are unknowns, and nothing else."""
    network = network_of(question)
    return check_blocks(network, question.options["wrt"]) == set(weight_names(network))


def sample_data(question: Question, two: TwoLayers) -> tuple[Any, Any]:
    """A few samples, given or made up; with one feature where outputs share units, else two."""
    c, loss = two.weights.outputs, get_loss(question.options["loss"])
    data = question.options["data"]
    features = 2 if c == 1 else 1
    if data is not None:
        X, y = as_floats(data[0], "X"), given_target(data[1], len(data[0]), c, loss)
        few = first_samples(y) if loss.classes else np.arange(min(len(y), MOST_SAMPLES))
        return X[few, :features], y[few]
    if c == 1:
        X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [-1.0, 0.5]])
        return X[:, : two.weights.W.shape[1]], np.array([1.0, -1.0, 1.0, -1.0])
    X = np.arange(float(max(4, c)))[:, None] - 1.0
    labels = np.arange(len(X)) % c
    return X, labels if loss.classes else np.where(labels[:, None] == np.arange(c), 1.0, -1.0)


def first_samples(y: Array) -> NDArray[np.int64]:
    """The first sample of each class, and others up to MOST_SAMPLES, in order."""
    first = y.argmax(axis=0)
    others = np.setdiff1d(np.arange(len(y)), first)
    return np.sort(np.concatenate([first, others[: max(MOST_SAMPLES - len(first), 0)]]))


def lift_attention(question: Question) -> Iterator[Proposal]:
    """Linear attention is linear in one matrix, whose nuclear norm is what weight decay becomes."""
    layer, loss = asked_attention(question), question.options["loss"]
    if layer is None or np.prod(layer.lifted_shape) > MOST_ENTRIES:
        return
    Z = cp.Variable(layer.lifted_shape, name="Z")
    X, y = attention_data(question, layer)
    fit = objective(loss, flat(as_expression(layer.lifted(X, Z))), y)
    value = fit + WEIGHT_DECAY * cp.normNuc(Z)
    rows, columns = layer.lifted_shape
    yield Proposal(
        f"lift exactly: with Z = sum over heads of vec(mixing) vec(value)' ({rows} x {columns}), "
        "minimise loss(layer.lifted(X, Z)) + weight_decay * cp.normNuc(Z); layer.of_lifted(Z) "
        "has the heads",
        f"needs weight decay; the number of heads is chosen by the optimum, at most "
        f"{min(rows, columns)}",
        RANK,
        cp.Problem(cp.Minimize(value)),
        f"verified on the lifted problem for {len(X)} samples",
    )


def asked_attention(question: Question) -> L.LinearAttention | None:
    """The layer, where all weights of one linear attention are trained, else None."""
    if question.options["loss"] is None or not asks_about_all(question):
        return None
    parts = flattened(network_of(question))
    first = parts[0] if len(parts) == 1 else None
    return first if isinstance(first, L.LinearAttention) else None


def attention_data(question: Question, layer: L.LinearAttention) -> tuple[Any, Any]:
    """A few samples, given or made up."""
    data, columns = question.options["data"], layer.tokens * layer.features
    c, loss = layer.width(None), get_loss(question.options["loss"])
    if data is not None:
        X = as_floats(data[0], "X")[:MOST_SAMPLES]
        return X, given_target(data[1], len(data[0]), c, loss)[:MOST_SAMPLES]
    X = np.cos(np.arange(2.0 * columns)).reshape(2, columns)
    y = np.where(np.arange(2 * c).reshape(2, c) % 2, 1.0, -1.0)
    y = np.eye(c)[[0, c - 1]] if loss.classes else y
    return X, y[:, 0] if c == 1 else y
