"""From units back to an ordinary network."""

from __future__ import annotations

import numpy as np

from cvxnet.layers import Linear, ReLU, Sequential
from cvxnet.training.problem import Array, Problem, Units


def balanced_weights(problem: Problem, units: Units) -> tuple[Array, Array]:
    """Hidden weights (m, d) and output weights (m,) with ``|u_j| = |a_j|``.

    A unit of size s = |u||a| gets length sqrt(s) on both sides, where
    ``1/2 (|u|^2 + a^2) = |u||a|``: weight decay equals the penalty. Without units one of zeros
    stands for the empty network.
    """
    root = np.sqrt(units.sizes)
    hidden = problem.family.weights(units.weights / root[:, None])
    if not len(units):
        return np.zeros((1, hidden.shape[1])), np.zeros(1)
    return hidden, units.signs * root


def build_network(hidden: Array, output: Array, bias: bool) -> Sequential:
    """``Linear, ReLU, Linear`` with these weights; the last hidden column is the bias."""
    m, d = hidden.shape
    inputs = d - bias
    network = Sequential(Linear(inputs, m, bias=bias), ReLU(), Linear(m, 1, bias=False))
    state = {"0.weight": hidden[:, :inputs], "2.weight": output[None, :]}
    if bias:
        state["0.bias"] = hidden[:, -1]
    network.load_state_dict(state)
    return network


def append_ones(X: Array, bias: bool) -> Array:
    """``X``, with the column of ones that carries the hidden bias where there is one."""
    return np.hstack([X, np.ones((len(X), 1))]) if bias else X
