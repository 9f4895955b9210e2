"""The mathematics of experiments/after2020, beside other ways to compute it."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import approx_fprime

import cvxnet as cn
from experiments.after2020.features import Feature, dictionary, interpolate, matrix, rational_dual
from experiments.after2020.isometry import all_active, cover, isometry, planted, recover
from experiments.after2020.optima import with_ones
from experiments.after2020.programs import (
    Network,
    all_patterns,
    merged,
    sampled_patterns,
    solve_over,
    vertex,
)
from experiments.after2020.spectrahedra import UNITS, atomic_norm, orthogonal
from experiments.after2020.starts import MOST_UNITS, PENALTIES, objective
from experiments.after2020.tuning import factors

rng = np.random.default_rng(0)


def relu(t):
    return np.maximum(t, 0.0)


def test_the_program_over_all_patterns_is_training_and_corners_are_as_good():
    features, y = rng.standard_normal((8, 2)), rng.standard_normal(8)
    X = with_ones(features)
    full = solve_over(X, y, 0.1, all_patterns(X)).larger_than(1e-6)
    value = cn.train("relu", features, y, weight_decay=0.1, gap=1e-9).value
    assert full.objective(X, y, 0.1) == pytest.approx(value, rel=1e-8)
    for corner in (vertex(full, X), vertex(merged(full), X)):
        assert corner.objective(X, y, 0.1) == pytest.approx(value, rel=1e-8)
        assert np.linalg.matrix_rank(corner.columns(X)) == len(corner.W) <= 8
    few = solve_over(X, y, 0.1, sampled_patterns(X, 4, rng))
    assert few.objective(X, y, 0.1) >= value * (1.0 - 1e-9)


def test_units_in_one_direction_become_one_and_opposite_ones_stay():
    u = np.array([3.0, 4.0])
    network = Network(np.array([u, 2.0 * u, u, -u]), np.array([1.0, 1.0, -1.0, 1.0]))
    fewer = merged(network)
    assert sorted(fewer.sizes) == pytest.approx([5.0, 5.0, 15.0])
    X = rng.standard_normal((6, 2))
    assert fewer.predict(X) == pytest.approx(network.predict(X))


def test_factors_leave_training_predictions_as_they_are():
    X, others = rng.standard_normal((2, 5, 3))
    network = Network(rng.standard_normal((9, 3)), rng.choice([-1.0, 1.0], 9))
    c = factors(network, "least length", X, others, np.ones(5))
    assert network.columns(X) @ c == pytest.approx(network.predict(X), abs=1e-6)
    assert np.linalg.norm(c * network.sizes) <= np.linalg.norm(network.sizes)


def test_features_are_narrow_networks():
    x = np.linspace(-3.0, 12.0, 31)
    deep = Feature((-1, 1, -1), (4, 1, 7))(x)
    f = [x, *np.array([[4.0], [1.0], [7.0]])]
    for k, s in enumerate((-1, 1, -1)):
        f = [relu(s * (each - f[k + 1])) for each in f]
    assert deep == pytest.approx(f[0])
    assert [len(dictionary((0, 1, 3), depth)) for depth in (2, 3, 4)] == [6, 36, 432]


def test_the_least_norm_is_proved_in_rational_numbers():
    x, y = (0, 4, 5, 7, 10, 11), (0, 0, 0, 2, 3, 3)
    A = matrix(dictionary(x, 3), x)
    z, xi, v = interpolate(A, y)
    assert A @ z + xi == pytest.approx(np.array(y, float), abs=1e-9)
    exact = rational_dual(A, v)
    assert sum(exact) == 0 and sum(a * b for a, b in zip(exact, y, strict=True)) == Fraction(1)
    assert np.abs(A.T @ np.array(exact, float)).max() <= 1.0 + 1e-12


def test_cells_are_counted_and_isometry_recovers():
    X, w, _ = planted(14, 3, 3)
    patterns = all_patterns(X)
    assert len(patterns) in (cover(14, 3), cover(14, 3) - 1)
    dual = X @ np.linalg.inv(X.T @ X) @ w
    level = max(np.linalg.norm(X.T @ np.diag(pattern) @ dual) for pattern in patterns)
    assert isometry(X, w, patterns) == pytest.approx(level)
    assert level >= 1.0 or recover(X, w, patterns)
    assert not recover(X[:3], w, all_patterns(X[:3]))
    assert all_active(X) == patterns.all(axis=1).any() and all_active(X[:3])


@pytest.mark.parametrize(("S", "T"), [(1.0, 1.0), (0.3, 2.0), (2.0, 0.3)])
def test_a_square_and_an_orthogonal_slope(S, T):
    assert atomic_norm(np.diag([S, 0.0]), np.array([0.0, T])) == pytest.approx(orthogonal(S, T))


@pytest.mark.parametrize("penalty", PENALTIES)
def test_gradients_are_those_of_differences(penalty):
    pytest.importorskip("torch")
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    function = objective(PENALTIES[penalty], UNITS["like ReLU"], X, y, 0.3)
    theta = rng.standard_normal(MOST_UNITS * 3)
    slope = approx_fprime(theta, lambda t: function(t)[0], 1e-7)
    assert function(theta)[1] == pytest.approx(slope, rel=1e-4, abs=1e-4)
