"""Exact pricing against brute force over every activation pattern."""

from itertools import product

import numpy as np
import pytest
from examples import small_matrices
from scipy.optimize import nnls

from cvxnet.training.pricing.subdivision import subdivide
from cvxnet.training.units.piecewise_linear import ReLUUnits


def brute_force(X, v):
    """max |v.(Xu)_+| over the unit ball: in each pattern's cone the projection of its vector.

    The maximum of c.u over |u| <= 1 in the cone {S X u >= 0} is |c + X^T S l| at the best l >= 0
    (one non-negative least squares problem each), and all 2^n sign vectors cover the space.
    """
    best = 0.0
    for signs in product([-1.0, 1.0], repeat=len(X)):
        cone = np.array(signs)[:, None] * X
        c = X.T @ (v * (np.array(signs) > 0))
        for s in (1.0, -1.0):
            best = max(best, nnls(cone.T, -s * c)[1])
    return best


def dual_vectors(X, rng):
    yield rng.standard_normal(len(X))
    yield np.round(rng.standard_normal(len(X)))
    yield -np.abs(rng.standard_normal(len(X)))


@pytest.mark.parametrize("X", small_matrices(120, seed=4))
def test_pricing_equals_brute_force(X):
    rng = np.random.default_rng(7)
    units = ReLUUnits(X)
    for v in dual_vectors(X, rng):
        found, expected = units.price(v, 0.0), brute_force(X, v)
        scale = np.abs(v) @ np.linalg.norm(X, axis=1)
        assert found.rho == pytest.approx(expected, rel=1e-10, abs=1e-12 * scale)
        if expected > 1e-9 * scale:
            u = units.hidden(found.units[:1])[0]
            assert np.linalg.norm(u) == pytest.approx(1.0)
            value = found.outputs[0] * (v @ np.maximum(X @ u, 0.0))
            assert value == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("r", [1, 2, 3])
def test_no_point_of_the_sphere_is_above_rho(seed, r):
    rng = np.random.default_rng(seed)
    X, v = rng.standard_normal((40, r)), rng.standard_normal(40)
    U = rng.standard_normal((r, 20000))
    values = np.abs(v @ np.maximum(X @ (U / np.linalg.norm(U, axis=0)), 0.0))
    rho = ReLUUnits(X).price(v, 0.0).rho
    assert values.max() <= rho * (1 + 1e-12)
    assert rho <= values.max() * 1.1


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("r", [1, 2, 3])
def test_found_units_are_local_maxima(seed, r):
    rng = np.random.default_rng(seed)
    X, v = rng.standard_normal((30, r)), rng.standard_normal(30)
    found = ReLUUnits(X).price(v, 0.0)
    assert (np.diff(found.values) <= 0.0).all()
    for value, u, sign in zip(found.values, found.units, found.outputs, strict=True):
        near = u[:, None] + 1e-5 * rng.standard_normal((r, 500))
        near /= np.linalg.norm(near, axis=0)
        assert (sign * v @ np.maximum(X @ near, 0.0)).max() <= value + 1e-9


@pytest.mark.parametrize("r", [1, 2, 3])
def test_no_local_maximum_above_the_floor_is_missed(r):
    rng = np.random.default_rng(5)
    X, v = rng.standard_normal((12, r)), rng.standard_normal(12)
    everything = ReLUUnits(X).price(v, 0.0)
    floor = 0.5 * everything.rho
    above = ReLUUnits(X).price(v, floor)
    np.testing.assert_allclose(above.values, everything.values[everything.values > floor])
    starts = rng.standard_normal((300, r))
    for u in starts / np.linalg.norm(starts, axis=1)[:, None]:
        for _ in range(
            400
        ):  # fixed-point ascent u <- c(u) / |c(u)| stays at or climbs to a maximum
            c = X.T @ (v * (X @ u > 0.0))
            if np.linalg.norm(c) == 0.0 or (c @ u) <= 0.0:
                break
            u = c / np.linalg.norm(c)
        c = X.T @ (v * (X @ u > 0.0))
        if np.allclose(c, (c @ u) * u) and c @ u > floor:
            positive = above.units[above.signs > 0]
            assert np.linalg.norm(positive - u, axis=1).min() < 1e-7


def test_both_slopes_count():
    """abs units: plus = minus = v. In the plane, max |sum v_j |x_j.u|| by a fine grid."""
    rng = np.random.default_rng(3)
    normals = rng.standard_normal((6, 2))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    v = rng.standard_normal(6)
    angles = np.linspace(0.0, 2 * np.pi, 200_001)
    U = np.vstack([np.cos(angles), np.sin(angles)])
    expected = np.abs(v @ np.abs(normals @ U)).max()
    assert subdivide(normals, v, v).rho == pytest.approx(expected, rel=1e-8)


def test_nothing_to_price():
    assert subdivide(np.eye(3), np.zeros(3), np.zeros(3)).rho == 0.0
    assert len(subdivide(np.eye(3), np.ones(3), np.ones(3), floor=10.0).values) == 0
