"""The bound in floating point at ranks above 3: above the maximum, and hardly above it."""

from dataclasses import replace

import numpy as np
import pytest
from claimed import Claimed, samples

import cvxnet as cn
from cvxnet.proofs.checking import ROUNDED

UNITS = [{"name": "relu"}, {"name": "leaky_relu", "slope": 0.3}, {"name": "abs"}]


def certificate(X, v, units, beta, output_weights="any"):
    """About that dual vector, without a network."""
    d = X.shape[1]
    return Claimed(
        units=units, loss="squared", weight_decay=beta, bias=False, X=X, y=np.zeros(len(X)), v=v,
        W=np.zeros((0, d)), b=None, a=[], output_weights=output_weights, lower=0.0, upper=0.0,
    ).rounded_outward()  # fmt: skip


def rounded(*args, **kwargs):
    return cn.check(certificate(*args, **kwargs).to_dict(), rounded=True)


def largest_sampled(X, v, units, sides=(1, -1)):
    """The largest s g at random units, and where the gradient in their cell points."""
    slope = {"relu": 0.0, "abs": -1.0}.get(units["name"], units.get("slope"))
    u = np.random.default_rng(0).standard_normal((20_000, X.shape[1]))
    best = 0.0
    for side in sides:
        for _ in range(30):
            u /= np.linalg.norm(u, axis=1)[:, None]
            z = u @ X.T
            slopes = np.where(z > 0.0, 1.0, slope)
            best = max(best, float((side * (slopes * z) @ v).max()))
            u = side * (slopes * v) @ X
            u = u[np.linalg.norm(u, axis=1) > 0.0]
    return best


@pytest.mark.parametrize("units", UNITS, ids=lambda units: units["name"])
@pytest.mark.parametrize(("n", "d", "rank"), [(9, 4, 4), (12, 6, 4), (10, 5, 5), (10, 7, 6)])
def test_no_sampled_unit_is_above_what_is_proved_and_the_bound_is_tight(units, n, d, rank):
    rng = np.random.default_rng(n + d + rank)
    X, v = samples(rng, n, d, rank)
    rho = cn.largest_weight_decay(
        cn.Family(**units) if len(units) > 1 else units["name"], X, v, bias=False
    )
    assert largest_sampled(X, v, units) <= rho * (1.0 + 1e-12)
    proved = rounded(X, v, units, rho * (1.0 + 1e-9))
    assert proved.valid and proved.method == ROUNDED and ROUNDED in proved.reason
    less = rounded(X, v, units, rho * (1.0 - 1e-6))
    assert not less.valid and 0.99e-6 < less.violation < 1.02e-6


@pytest.mark.parametrize("sign", ["nonneg", "nonpos"])
def test_one_sign_of_the_output_weights_needs_one_side_only(sign):
    rng = np.random.default_rng(1)
    X, v = rng.standard_normal((10, 4)), np.abs(rng.standard_normal(10))
    beta = 1.01 * largest_sampled(X, v, UNITS[0])
    assert rounded(X, v, UNITS[0], beta).valid
    side = rounded(X, v, UNITS[0], 1e-3 * beta, output_weights=sign)
    assert side.valid == (sign == "nonneg")  # a g(u) is negative only where g is


def test_a_dual_vector_of_zeros_and_one_that_was_changed():
    rng = np.random.default_rng(2)
    X, v = rng.standard_normal((10, 4)), rng.standard_normal(10)
    beta = (1.0 + 1e-9) * cn.largest_weight_decay("relu", X, v, bias=False)
    assert rounded(X, 0.0 * v, UNITS[0], 1e-9).valid
    assert rounded(X, v, UNITS[0], beta).valid
    assert not rounded(X, v * (1.0 + 1e-8), UNITS[0], beta).valid
    assert not rounded(np.eye(8), np.ones(8), UNITS[0], 9.0).valid  # above rank 7


@pytest.mark.parametrize(("n", "columns"), [(40, 3), (25, 4)])
def test_training_has_its_brackets_checked_at_higher_ranks(n, columns):
    rng = np.random.default_rng(n)
    X, y = rng.standard_normal((n, columns)), rng.standard_normal(n)
    beta = 0.3 * cn.largest_weight_decay("relu", X, y)
    solution = cn.train("relu", X, y, weight_decay=beta)
    assert solution.status == "optimal" and not solution.stats["checked"].startswith("not")
    assert cn.check(solution, rounded=True).valid
    longer = replace(solution.certificate, v=solution.certificate.v * (1.0 + 1e-6))
    assert not cn.check(longer.rounded_outward(), rounded=True).valid


@pytest.mark.parametrize(("x", "v"), [(1e-170, 1.0), (1e-60, 1e-85), (1e200, 1.0), (1e85, 1e85)])
@pytest.mark.parametrize("units", UNITS, ids=lambda units: units["name"])
def test_products_whose_squares_no_double_can_hold(units, x, v):
    """They were taken for no rows at all, and so any weight decay for enough."""
    X, weights = x * np.eye(4), np.array([v, -v, v, v])
    rho = x * v  # at least
    assert not rounded(X, weights, units, max(1e-3 * rho, 1e-300)).valid
    assert rounded(X, weights, units, 1e-3 * rho + 1e-89).valid == (rho < 1e-100 and x > 1e-89)


@pytest.mark.parametrize("name", ["relu", "squared_relu"])
def test_dual_vectors_that_round_to_zero_are_not_zero(name):
    """What is free moves v, to numbers below all doubles, which belong to a huge row here."""
    X = np.zeros((2, 4))
    X[0, 0] = 2.0**1000
    given = Claimed(
        units=name, loss="squared", weight_decay=2.0**-200, bias=False, X=X, y=[-4.0, 4.0],
        v=[2.0**-1074, 0.0], W=np.zeros((0, 4)), b=None, a=[], c=0.0, lower=0.0, upper=0.0,
    ).rounded_outward()  # fmt: skip
    assert given.lower > 0.0  # and above the optimum
    document = given.to_dict()
    assert not cn.check(document).valid and not cn.check(document, rounded=True).valid
