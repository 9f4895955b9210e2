"""Pricing at any rank: the bound is above all units, near the exact value, and provable."""

import time
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.training.pricing.relaxation import Side, best_multiplier, bounds_on_rho
from cvxnet.training.units import make_family

FAMILIES = [("relu", {}), ("leaky_relu", {"slope": 0.2}), ("abs", {})]


def last_bound(rows, family, v, seconds=0.7):
    return list(bounds_on_rho(rows, family.slopes, v, time.monotonic() + seconds))[-1][0]


@pytest.mark.parametrize(("name", "options"), FAMILIES)
@given(seed=st.integers(0, 10**6), n=st.integers(2, 12), r=st.integers(1, 6))
@settings(max_examples=8, deadline=None)
def test_no_unit_is_above_the_bound(name, options, seed, n, r):
    rng = np.random.default_rng(seed)
    X, v = rng.standard_normal((n, r)), rng.standard_normal(n)
    family = make_family(name, X, **options)
    bound = last_bound(X, family, v, 0.3)
    U = rng.standard_normal((3000, r))
    U /= np.linalg.norm(U, axis=1)[:, None]
    plus, minus = family.slopes
    t = X @ U.T
    values = v @ (plus * np.maximum(t, 0.0) + minus * np.maximum(-t, 0.0))
    assert np.abs(values).max() <= bound


@pytest.mark.parametrize(("name", "options"), FAMILIES)
@pytest.mark.parametrize("seed", range(3))
def test_near_the_exact_value_at_rank_three(name, options, seed):
    rng = np.random.default_rng(seed)
    X, v = rng.standard_normal((25, 3)), rng.standard_normal(25)
    family = make_family(name, X, **options)
    exact = family.price(v, 0.0)
    bound = last_bound(X, family, v)
    assert exact.rho <= bound <= 1.6 * exact.rho


def test_bounds_fall_and_first_is_worse_than_last():
    rng = np.random.default_rng(0)
    X, v = rng.standard_normal((30, 6)), rng.standard_normal(30)
    bounds = [b for b, _ in islice(bounds_on_rho(X, (1.0, 0.0), v, np.inf), 6)]
    assert bounds[-1] < bounds[0]
    assert all(after <= before for before, after in pairwise(bounds))


def test_gradient_of_the_bound():
    rng = np.random.default_rng(1)
    X, w = rng.standard_normal((9, 4)), rng.standard_normal(9)
    side = Side(X, X.T @ w, w)
    z = side.z + 0.1 * rng.uniform(size=side.z.size)
    value, gradient = side.value_and_gradient(z, 0.05)
    for direction in rng.standard_normal((5, z.size)):
        h = 1e-6
        up, down = (side.value_and_gradient(z + s * h * direction, 0.05)[0] for s in (1, -1))
        assert (up - down) / (2 * h) == pytest.approx(gradient @ direction, rel=1e-4, abs=1e-6)
    assert np.isfinite(value)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_best_multiplier_is_the_maximum_on_the_ball(seed):
    rng = np.random.default_rng(seed)
    A, c = rng.standard_normal((3, 3)), rng.standard_normal(3)
    Q = A @ A.T
    mu, gaps, V = best_multiplier(Q, c, 1e-12)
    value = mu + ((V.T @ c) ** 2 / (4 * gaps)).sum()
    U = rng.standard_normal((4000, 3))
    U /= np.linalg.norm(U, axis=1)[:, None]
    values = np.einsum("ij,jk,ik->i", U, Q, U) + U @ c
    assert values.max() <= value + 1e-9
    u = V @ ((V.T @ c) / (2 * gaps))
    assert np.linalg.norm(u) == pytest.approx(1.0, abs=1e-5)
    assert u @ Q @ u + c @ u == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
@pytest.mark.parametrize(("name", "options"), FAMILIES)
def test_brackets_at_rank_nine_are_proved_by_the_checker(name, options, loss):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((50, 8))
    y = np.maximum(X[:, 0], 0.0) - 0.5 * np.abs(X[:, 1]) + 0.1 * rng.standard_normal(50)
    y = y if loss in ("squared",) else np.where(y > np.median(y), 1.0, -1.0)
    family = cn.Family(name, **options)
    beta = 0.3 * cn.largest_weight_decay(family, X, y, loss=loss)
    solution = cn.train(
        family, X, y, loss=loss, weight_decay=beta, output_bias=True, time_limit=2.5
    )
    assert 0.0 < solution.lower_bound <= solution.value
    assert solution.gap < 0.5
    result = cn.check(solution.certificate.to_dict())
    assert result.valid, result.reason
    assert (result.lower, result.upper) == (solution.lower_bound, solution.value)


def test_tampered_evidence_is_refused():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((20, 6)), rng.standard_normal(20)
    beta = 0.5 * cn.largest_weight_decay("relu", X, y)
    document = cn.train("relu", X, y, weight_decay=beta, time_limit=2.0).certificate.to_dict()
    assert cn.check(document).valid
    leaf = document["evidence"]["plus"]
    leaf["mu"] = (float.fromhex(leaf["mu"]) * 0.5).hex()
    assert not cn.check(document).valid
