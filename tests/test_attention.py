"""Linear attention: against loops, and its training against the lift."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import minimize

import cvxnet as cn
from cvxnet import layers as L  # noqa: N812
from cvxnet.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 6))
Y = RNG.normal(size=(5, 3))


def drawn(tokens, features, out, heads):
    layer = L.LinearAttention(tokens, features, out, heads)
    return layer.load_state_dict(
        {name: RNG.normal(size=layer.shape(name)) for name in ("mixing", "value")}
    )


def lift_of(layer):
    pairs = zip(layer.tensors["mixing"], layer.tensors["value"], strict=True)
    return sum(np.outer(M.ravel(), V.ravel()) for M, V in pairs)


def test_against_a_loop():
    layer = drawn(3, 2, 2, 2)
    tokens = X[0].reshape(3, 2)
    expected = np.zeros((3, 2))
    for M, V in zip(layer.tensors["mixing"], layer.tensors["value"], strict=True):
        scores = tokens @ M @ tokens.T
        for t in range(3):
            expected[t] += sum(scores[t, s] * (tokens[s] @ V) for s in range(3))
    np.testing.assert_allclose(layer(X[0]), expected.ravel())


def test_the_lift_is_the_layer_and_back():
    layer = drawn(3, 2, 2, 3)
    Z = lift_of(layer)
    np.testing.assert_allclose(layer.lifted(X, Z), layer(X), atol=1e-12)
    again = layer.of_lifted(Z)
    assert again.heads == np.linalg.matrix_rank(Z)
    np.testing.assert_allclose(again(X), layer(X), atol=1e-12)
    half = 0.5 * sum((t**2).sum() for t in again.tensors.values())
    assert half == pytest.approx(np.linalg.norm(Z, "nuc"))
    assert half <= 0.5 * sum((t**2).sum() for t in layer.tensors.values()) + 1e-12


def test_no_local_search_ends_below_the_lift_and_its_heads_reach_it():
    beta, layer = 0.3, L.LinearAttention(3, 2, 1, 2)
    Z = cp.Variable(layer.lifted_shape)
    fit = 0.5 * cp.sum_squares(layer.lifted(X, Z) - Y)
    problem = cp.Problem(cp.Minimize(fit + beta * cp.normNuc(Z)))
    problem.solve(solver="CLARABEL")
    optimum = problem.value

    def value(layer):
        decay = sum((t**2).sum() for t in layer.tensors.values())
        return 0.5 * ((layer(X) - Y) ** 2).sum() + 0.5 * beta * decay

    assert value(layer.of_lifted(Z.value)) == pytest.approx(optimum, rel=1e-6)

    def of_vector(w):
        M, V = w[:8].reshape(2, 2, 2), w[8:].reshape(2, 2, 1)
        return value(L.LinearAttention(3, 2, 1, 2).load_state_dict({"mixing": M, "value": V}))

    ends = [minimize(of_vector, RNG.normal(size=12), method="L-BFGS-B").fun for _ in range(4)]
    assert min(ends) >= optimum - 1e-6
    assert min(ends) == pytest.approx(optimum, rel=1e-3)


def test_the_verdict_names_the_lift():
    layer = L.LinearAttention(3, 2, 1, 2)
    verdict = cn.convexity(layer, loss="squared", weight_decay=0.1)
    assert verdict.convex is False and verdict.counterexample.verify()
    lift = next(r for r in verdict.repairs if r.change.startswith("lift exactly"))
    assert "normNuc" in lift.change and lift.verdict.convex
    assert cn.convexity(layer, wrt="value", loss="squared").convex
    assert cn.convexity(layer, wrt="mixing", loss="squared").convex
    assert cn.convexity(layer, wrt="input").convex is False


@pytest.mark.parametrize("layer", [L.Abs(), L.LeakyReLU(0.2), L.Square()])
def test_the_lift_of_other_units_is_named(layer):
    net = L.Sequential(L.Linear(2, 2), layer, L.Linear(2, 1))
    verdict = cn.convexity(net, loss="squared")
    assert any(r.change.startswith("lift exactly: cn.train(") for r in verdict.repairs)


def test_a_lift_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"Z has shape \(2, 2\); expected \(4, 2\)"):
        L.LinearAttention(3, 2, 1).lifted(X, np.eye(2))
