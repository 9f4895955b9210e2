"""Conditional gradient: its rate, its gap, and the optimum that it approaches."""

import numpy as np
import pytest
from examples import random_data
from families import make_family

import cvxnet as cn


def solved(units, n=25, loss="squared"):
    """Data, the optimum of the penalised problem, and its gauge: the radius at which both agree."""
    X, y = random_data(0, n, 2)
    y = y if loss == "squared" else np.sign(y)
    beta = 0.05 * cn.largest_weight_decay(units, X, y, loss=loss)
    solution = cn.train(units, X, y, loss=loss, weight_decay=beta, gap=1e-9)
    state = solution.network.state_dict()
    W = np.column_stack([state["0.weight"], state["0.bias"]])
    radius = float(np.linalg.norm(W, axis=1) @ np.abs(state["2.weight"].ravel()))
    if units in ("sign", "threshold"):
        radius = float(np.abs(state["2.weight"]).sum())
    return X, y, solution.value - beta * radius, radius


@pytest.mark.parametrize(("units", "loss"), [("relu", "squared"), ("abs", "logistic")])
def test_rate_and_gap(units, loss):
    """value - optimum <= 2 L D^2 / (t + 2) with D = 2 radius max |phi_u(X)|, and <= the gap."""
    X, y, optimum, radius = solved(units, loss=loss)
    descent = cn.conditional_gradient(units, X, y, radius=radius, steps=250, loss=loss)
    rows = np.column_stack([X, np.ones(len(X))])
    if units == "relu":  # max_u sum (x.u)_+^2 is the pricing of squared ReLU units
        longest = np.sqrt(make_family("squared_relu", rows).price(np.ones(len(X)), 0.0).rho)
    else:
        longest = np.linalg.norm(rows, 2)
    lipschitz = 1.0 if loss == "squared" else 0.25
    excess = descent.values - optimum
    t = np.arange(len(excess))
    assert excess.min() >= -1e-7 * optimum
    assert (excess[1:] <= 2 * lipschitz * (2 * radius * longest) ** 2 / (t[1:] + 2)).all()
    assert (excess <= descent.gaps + 1e-7 * optimum).all()
    assert descent.lower_bound <= optimum * (1 + 1e-7)
    assert excess[250] < 0.2 * excess[25]


def test_network_has_the_value_and_the_radius():
    X, y, _, radius = solved("relu")
    descent = cn.conditional_gradient("relu", X, y, radius=radius, steps=60)
    state = descent.network.state_dict()
    assert len(state["2.weight"].ravel()) <= 60
    f = descent.network(X).ravel()
    assert 0.5 * np.sum((f - y) ** 2) == pytest.approx(descent.values[-1], rel=1e-9)
    W = np.column_stack([state["0.weight"], state["0.bias"]])
    assert np.linalg.norm(W, axis=1) @ np.abs(state["2.weight"].ravel()) <= radius * (1 + 1e-9)


def test_losses_with_kinks_are_refused():
    X, y = random_data(0, 10, 2)
    with pytest.raises(cn.UnsupportedError, match="smooth"):
        cn.conditional_gradient("relu", X, y, radius=1.0, loss="absolute")


def test_a_radius_of_zero_is_refused():
    X, y = random_data(0, 10, 2)
    with pytest.raises(cn.InputError, match="radius"):
        cn.conditional_gradient("relu", X, y, radius=0.0)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_several_outputs_descend_to_the_optimum_of_training(loss):
    """Below the penalised optimum's own loss at its own radius nothing can be, nor far above."""
    X, _ = random_data(0, 12, 2)
    y = np.arange(12) % 3 if loss == "cross_entropy" else np.column_stack([X, X[:, 0] * X[:, 1]])
    solution = cn.train("relu", X, y, loss=loss, weight_decay=0.3, gap=1e-9)
    state = solution.network.state_dict()
    W = np.column_stack([state["0.weight"], state["0.bias"]])
    radius = float(np.linalg.norm(W, axis=1) @ np.linalg.norm(state["2.weight"], axis=0))
    optimum = solution.value - 0.3 * radius
    descent = cn.conditional_gradient("relu", X, y, radius=radius, steps=300, loss=loss)
    assert descent.network(X).shape == (12, 3)
    assert descent.lower_bound <= optimum * (1 + 1e-7)
    excess = descent.values - optimum
    assert excess.min() >= -1e-7 * optimum and excess[300] < 0.3 * excess[30]
    assert (excess <= descent.gaps + 1e-7 * optimum).all()
