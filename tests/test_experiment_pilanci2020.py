"""What the experiment on Pilanci and Ergen 2020 computes by itself, held against something else."""

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from experiments.descent import Network, descend
from experiments.pilanci2020.programs import (
    gate_for_every_cell,
    least_norm,
    least_objective,
    patterns_of,
    with_bias,
)
from experiments.pilanci2020.sampling import cells_hit, coverage, eight_points
from experiments.problems import five_points


@pytest.mark.parametrize("loss", ["squared", "hinge"])
def test_with_all_cells_the_program_has_the_optimum(loss):
    X, y = five_points()
    rows = with_bias(X)
    patterns, gates = patterns_of(rows, gate_for_every_cell(rows))
    assert len(patterns) == len(gates) == 10
    exact = cn.train("relu", X, y, loss=loss, weight_decay=0.1).value
    assert least_objective(rows, y, patterns, loss, 0.1) == pytest.approx(exact, rel=1e-6)
    assert least_objective(rows, y, patterns[:4], loss, 0.1) > exact
    assert least_norm(rows, y, patterns) == pytest.approx(10.128990, rel=1e-6)


def test_the_cone_decomposition_is_the_cheapest():
    """One program for all gates, and the matrices of Mishkin et al.: W = U - V."""
    rows, y = eight_points()
    gates = gate_for_every_cell(rows)
    gated = cn.train(cn.Family("gated_relu", gates=gates), rows, y, weight_decay=0.1, bias=False)
    weights = gated.certificate.weights
    W, gate = weights.W * weights.a[:, None], weights.gate
    inside = np.where(rows @ gates[gate].T >= 0.0, 1.0, -1.0)
    U, V = cp.Variable(W.shape), cp.Variable(W.shape)
    cones = [cp.multiply(inside, rows @ Z.T) >= 0.0 for Z in (U, V)]
    penalty = cp.sum(cp.norm(U, 2, axis=1)) + cp.sum(cp.norm(V, 2, axis=1))
    least = cp.Problem(cp.Minimize(penalty), [W == U - V, *cones]).solve(solver="CLARABEL")
    loss = 0.5 * ((gated.predict(rows) - y) ** 2).sum()
    assert cn.decompose(gated).value == pytest.approx(loss + 0.1 * least, rel=1e-6)


def test_cells_hit_are_distinct_patterns():
    rows, rng = with_bias(five_points()[0]), np.random.default_rng(0)
    gates = rng.standard_normal((1000, 2))
    assert len(set(cells_hit(rows, gates))) == len(patterns_of(rows, gates)[0]) == 10
    counted = coverage(5, 20_000)
    assert counted["cells"] == counted["hit"] == 22 and counted["missed"] == 0.0


@pytest.mark.parametrize("output_bias", [False, True])
def test_the_gradient_by_hand(output_bias):
    X, y = five_points()
    network = Network(X, y, "squared", 0.1, 6, output_bias)
    x = network.start(np.random.default_rng(0))
    _, gradient = network.value_and_gradient(x)
    for k, slope in enumerate(gradient):
        step = 1e-6 * np.eye(len(x))[k]
        ends = [network.value_and_gradient(x + side * step)[0] for side in (1, -1)]
        assert slope == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-6)
    best = cn.train("relu", X, y, weight_decay=0.1, output_bias=output_bias)
    assert descend(network.value_and_gradient, x).fun >= best.lower_bound
