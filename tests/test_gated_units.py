"""Gated ReLU units: against the norm constrained program, and against ReLU units."""

from itertools import pairwise

import cvxpy as cp
import numpy as np
import pytest
from examples import random_data

import cvxnet as cn


def all_gates(X, draws=200_000):
    """A gate in every cell that Gaussian directions hit; Cover's formula says when that is all."""
    G = np.random.default_rng(0).standard_normal((draws, X.shape[1]))
    _, first = np.unique(X @ G.T >= 0.0, axis=1, return_index=True)
    return G[first]


@pytest.mark.parametrize("solver", [cp.CLARABEL, cp.SCS])
def test_value_is_that_of_the_group_lasso(solver):
    """Written down here anew: minimise 1/2 |sum_g D_g X w_g - y|^2 + beta sum |w_g|."""
    X, y = random_data(0, 20, 3)
    gates = np.random.default_rng(1).standard_normal((12, 3))
    W = cp.Variable((3, 12))
    f = cp.sum(cp.multiply((X @ gates.T >= 0).astype(float), X @ W), axis=1)
    objective = 0.5 * cp.sum_squares(f - y) + 0.3 * cp.sum(cp.norm(W, 2, axis=0))
    program = cp.Problem(cp.Minimize(objective))
    program.solve(solver=solver, **({"eps": 1e-9} if solver == cp.SCS else {}))
    family = cn.Family("gated_relu", gates=gates)
    solution = cn.train(family, X, y, weight_decay=0.3, bias=False)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(program.value, rel=1e-6)
    assert cn.check(solution.certificate.to_dict()).valid


def test_ratios_of_relu_and_gated_optimum():
    """The order gated <= ReLU <= decomposed, with all gates; the first ratio is largest."""
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((8, 3)), rng.standard_normal(8)
    gates = all_gates(X)
    assert len(gates) == 58
    ratios = []
    for beta in (0.01, 0.1, 0.5):
        family = cn.Family("gated_relu", gates=gates)
        gated = cn.train(family, X, y, weight_decay=beta, bias=False)
        relu = cn.train("relu", X, y, weight_decay=beta, bias=False)
        decomposed = cn.decompose(gated)
        assert gated.status == relu.status == "optimal"
        assert relu.lower_bound <= decomposed.value
        ratios.append(relu.value / gated.value)
    np.testing.assert_allclose(ratios, [3.77, 2.34, 1.28], atol=0.005)


def test_sampled_gates_approach_all_gates():
    """More gates never hurt, and with all of them nothing is missing (Kim and Pilanci 2024)."""
    X, y = random_data(4, 8, 3)
    gates = np.random.default_rng(2).permutation(all_gates(X))
    values = [
        cn.train(cn.Family("gated_relu", gates=gates[:k]), X, y, weight_decay=0.1, bias=False).value
        for k in (2, 5, 20, 58)
    ]
    assert all(more <= less * (1 + 1e-6) for less, more in pairwise(values))


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_decomposition_predicts_the_same(loss):
    X, y = random_data(5, 20, 2)
    y = y if loss == "squared" else np.sign(y)
    family = cn.Family("gated_relu", gates=15, seed=3)
    gated = cn.train(
        family, X, y, loss=loss, weight_decay=0.1, output_bias=True, sample_weight=np.arange(1, 21)
    )
    decomposed = cn.decompose(gated)
    np.testing.assert_allclose(decomposed.network(X), gated.network(X), atol=1e-5)
    assert decomposed.value >= gated.lower_bound


def test_network_survives_saving(tmp_path):
    X, y = random_data(6, 15, 2)
    network = cn.train(cn.Family("gated_relu", gates=6), X, y, weight_decay=0.1).network
    network.save(tmp_path / "net.json")
    np.testing.assert_array_equal(cn.load(tmp_path / "net.json")(X), network(X))


@pytest.mark.parametrize("gates", [0, np.zeros((3, 9)), np.full((2, 3), np.nan)])
def test_bad_gates_are_refused(gates):
    X, y = random_data(6, 15, 2)
    with pytest.raises(cn.InputError, match="gate"):
        cn.train(cn.Family("gated_relu", gates=gates), X, y, weight_decay=0.1)


def test_only_gated_solutions_decompose():
    X, y = random_data(6, 15, 2)
    with pytest.raises(cn.InputError, match="gated_relu"):
        cn.decompose(cn.train("relu", X, y, weight_decay=0.1))


@pytest.mark.parametrize("rows", [3, 4000])
def test_units_keep_their_gates_on_other_samples(rows):
    """Equal samples are solved as one; of many samples local search takes a part first."""
    rng = np.random.default_rng(0)
    X, gates = rng.standard_normal((rows, 2)), rng.standard_normal((4, 2))
    y = np.abs(X[:, 0]) + X[:, 1]
    units, options = cn.Family("gated_relu", gates=gates), {"weight_decay": 0.1 * rows}
    once = cn.train(units, X, y, bias=False, **options)
    again = [np.repeat(A, 2, axis=0) for A in (X, y)]
    twice = cn.train(units, *again, bias=False, weight_decay=0.2 * rows)
    assert once.status == twice.status == "optimal"
    assert twice.value == pytest.approx(2.0 * once.value, rel=1e-5)
