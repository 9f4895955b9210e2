"""What the experiment `peers` computes by itself, beside independent computations."""

import numpy as np
import pytest
from sklearn.neural_network import MLPRegressor

import cvxnet as cn
from experiments.peers.expectations import cover
from experiments.peers.measuring import certify, problem, targets
from experiments.peers.objective import objective
from experiments.peers.sampled import Admm, decomposed, lifted, sampled_gates
from experiments.peers.trained import folded
from experiments.peers.whole import cvxnet


@pytest.fixture
def asked():
    return problem(data="rough", loss="squared", decay=0.05, n=12, rank=3)


def test_the_objective_is_that_of_cvxnet(asked):
    """Whatever the scale of the units."""
    found = cvxnet(asked, 10.0)()
    assert objective(found, asked) == pytest.approx(found["claimed"], rel=1e-9)
    scaled = found | {"W": 3.0 * found["W"], "b": 3.0 * found["b"], "A": found["A"] / 3.0}
    assert objective(scaled, asked) == pytest.approx(found["claimed"], rel=1e-9)


def test_certify_scales_units_and_leaves_out_those_that_do_nothing(asked):
    rng = np.random.default_rng(0)
    network = {"W": rng.normal(size=(4, 2)), "b": rng.normal(size=4), "A": rng.normal(size=(1, 4))}
    network["A"][0, 2] = 0.0
    proved = certify(10.0, network, data="rough", loss="squared", decay=0.05, n=12, rank=3)
    assert proved["value"] == pytest.approx(objective(network, asked), rel=1e-9)
    assert proved["lower"] <= proved["value"]


def test_losses_of_classes_are_those_of_cvxnet():
    X = np.random.default_rng(1).normal(size=(9, 1))
    y = np.arange(9) % 3
    for loss in ("cross_entropy", "squared"):
        Y = targets(y, loss)
        asked = {"X": X, "Y": Y, "loss": loss, "weight_decay": 0.2}
        solution = cn.train("relu", X, Y, loss=loss, weight_decay=0.2)
        weights = solution.network.state_dict()
        network = {"W": weights["0.weight"], "b": weights["0.bias"], "A": weights["2.weight"]}
        assert objective(network, asked) == pytest.approx(solution.value, rel=1e-9)


def test_the_linear_system_of_admm_is_solved(asked):
    X, y = lifted(asked["X"]), asked["Y"][:, 0]
    admm = Admm(X, y, 0.1, sampled_gates(X, 6), penalty=0.7)
    shape = (2, len(admm.D), X.shape[1])
    F = np.array([admm.fit(e.reshape(shape)) for e in np.eye(np.prod(shape))]).T
    right = np.random.default_rng(0).normal(size=shape)
    once = np.kron(np.eye(2 * len(admm.D)), np.eye(X.shape[1]) + X.T @ X)
    expected = np.linalg.solve(F.T @ F + 0.7 * once, right.ravel())
    np.testing.assert_allclose(admm.solve(right).ravel(), expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(admm.back(y).ravel(), F.T @ y, rtol=1e-10)


def test_admm_with_nearly_all_cells_comes_near_the_optimum():
    asked = problem(data="rough", loss="squared", decay=0.05, n=8, rank=3)
    X, y = lifted(asked["X"]), asked["Y"][:, 0]
    gates = sampled_gates(X, 2000)
    assert gates.shape[1] <= cover(8, 3)
    V = Admm(X, y, float(asked["weight_decay"]), gates).run(limit=20.0)
    half = len(V) // 2
    network = {"W": V[:, :2], "b": V[:, 2], "A": np.repeat([[1.0, -1.0]], half, axis=1)}
    best = cn.train("relu", asked["X"], y, weight_decay=float(asked["weight_decay"])).value
    assert best * (1 - 1e-9) <= objective(network, asked) <= best * (1 + 1e-2)


def test_decomposed_gates_are_relu_units_in_their_cones(asked):
    X = lifted(asked["X"])
    gates = sampled_gates(X, 5)
    weights = np.random.default_rng(0).normal(size=(gates.shape[1], 3))
    units, a = decomposed(X, gates, weights)
    gated = (gates * (X @ weights.T)).sum(axis=1)
    np.testing.assert_allclose(np.maximum(X @ units.T, 0.0) @ a, gated, atol=1e-8)


def test_the_output_bias_of_an_mlp_is_a_unit():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.normal(size=20)
    with pytest.warns(Warning, match="converge"):
        mlp = MLPRegressor(hidden_layer_sizes=(5,), max_iter=5, random_state=0).fit(X, y)
    network = folded(mlp)
    f = np.maximum(X @ network["W"].T + network["b"], 0.0) @ network["A"].T
    np.testing.assert_allclose(f[:, 0], mlp.predict(X), rtol=1e-10)
