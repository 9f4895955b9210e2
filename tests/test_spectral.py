"""Spectral pricing and semidefinite programs of quadratic and polynomial units."""

import warnings

import cvxpy as cp
import numpy as np
import pytest
from examples import random_data
from families import make_family
from scipy.optimize import minimize

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.training.pricing.spectral import price_polynomial, price_quadratic
from cvxnet.training.problem import Problem
from cvxnet.training.semidefinite import semidefinite_program
from cvxnet.training.units.polynomial import neural_decomposition

RELU_LIKE = (0.09, 0.5, 0.47)
ACTIVATIONS = [RELU_LIKE, (1.0, 0.3, -0.2), (0.5, -1.0, 0.0)]


def polynomial(coefficients, t):
    a, b, c = coefficients
    return a * t**2 + b * t + c


def sphere(rng, count, r):
    U = rng.standard_normal((count, r))
    return U / np.linalg.norm(U, axis=1)[:, None]


def climbed(X, v, coefficients, sign, rng):
    """The largest ``sign * v.phi(Xu)`` on the sphere that gradient ascent finds, by plain numpy.

    With a shift that makes the function convex, ``u <- gradient / |gradient|`` never goes down.
    """
    a, b, c = coefficients
    Q, p = sign * a * (X.T * v) @ X, sign * b * X.T @ v
    shift = (1.1 * np.linalg.norm(Q) + np.linalg.norm(p)) * np.eye(X.shape[1])
    U = sphere(rng, 200, X.shape[1])
    for _ in range(1000):
        U = 2 * U @ (Q + shift) + p
        U /= np.maximum(np.linalg.norm(U, axis=1), 1e-300)[:, None]
    return (((U @ Q) * U).sum(axis=1) + U @ p).max() + sign * c * v.sum()


def problems(rng):
    """Data, dual vector and coefficients: general, without a linear part, and hard cases."""
    for k in range(40):
        n, r = int(rng.integers(1, 12)), int(rng.integers(1, 5))
        X, v = rng.standard_normal((n, r)), rng.standard_normal(n)
        coefficients = tuple(rng.standard_normal(3))
        if k % 4 == 1:  # integers: equal eigenvalues, zeros
            X, v = np.round(X), np.round(v)
        if k % 4 == 2:  # p = 0
            X, v = np.vstack([X, -X]), np.concatenate([v, v])
        if k % 4 == 3:  # p along the first axis only, which Q does not mix with the others
            mirror = X * np.append(1.0, -np.ones(r - 1))
            X, v = np.vstack([X, mirror]), np.concatenate([v, v])
        if k % 5 == 0:
            coefficients = (0.0, *coefficients[1:])
        yield X, v, coefficients


def test_polynomial_pricing_is_the_maximum_on_the_sphere():
    rng = np.random.default_rng(0)
    for X, v, coefficients in problems(rng):
        found = price_polynomial(X, v, coefficients)
        best = max(climbed(X, v, coefficients, sign, rng) for sign in (1.0, -1.0))
        scale = np.abs(v) @ (1.0 + (X * X).sum(axis=1)) + 1e-300
        assert best <= found.rho + found.error
        assert found.rho <= best + 1e-6 * scale
        assert found.error <= 1e-9 * scale
        values = found.outputs * (v @ polynomial(coefficients, X @ found.units.T))
        np.testing.assert_allclose(values, found.values, atol=1e-12 * scale)
        np.testing.assert_allclose(np.linalg.norm(found.units, axis=1), 1.0)


def test_all_critical_points_of_a_polynomial_are_found():
    """On the circle by a fine grid: every local maximum of |f|, global or not."""
    rng = np.random.default_rng(1)
    angles = np.linspace(0.0, 2 * np.pi, 50_000, endpoint=False)
    U = np.column_stack([np.cos(angles), np.sin(angles)])
    seen = 0
    for _ in range(25):
        X, v = rng.standard_normal((5, 2)), rng.standard_normal(5)
        coefficients = (1.0, 0.5 * rng.standard_normal(), 0.0)
        f = np.abs(v @ polynomial(coefficients, X @ U.T))
        peaks = f[(f > np.roll(f, 1)) & (f >= np.roll(f, -1))]
        found = price_polynomial(X, v, coefficients)
        for peak in peaks:
            assert np.abs(found.values - peak).min() < 1e-6 * f.max()
        seen += len(peaks)
    assert seen > 60  # so there were some that are not global


@pytest.mark.parametrize("coefficients", [(1.0, 0.0, 0.0), RELU_LIKE])
def test_pricing_of_large_data(coefficients):
    rng = np.random.default_rng(2)
    X, v = rng.standard_normal((10_000, 100)), rng.standard_normal(10_000)
    found = price_polynomial(X, v, coefficients)
    assert found.error < 1e-8 * found.rho


def test_quadratic_pricing_is_the_spectral_norm():
    rng = np.random.default_rng(3)
    for n, r in [(1, 1), (3, 5), (20, 4)]:
        X, v = rng.standard_normal((n, r)), rng.standard_normal(n)
        found = price_quadratic(X, v)
        assert found.rho == pytest.approx(np.linalg.norm(X.T @ np.diag(v) @ X, 2))
        values = found.outputs * (v @ (X @ found.units.T) ** 2)
        np.testing.assert_allclose(values, found.values, atol=1e-12 * found.rho)
    assert len(price_quadratic(X, v, floor=2 * found.rho).values) == 0


# --- semidefinite programs ------------------------------------------------------------------------


def bound_problem(name, X, y, loss, weight_decay, **options):
    return Problem(make_family(name, X, **options), get_loss(loss), y, weight_decay)


def solved(problem):
    program, find_units = semidefinite_program(problem.family, problem)
    value = program.solve(solver="CLARABEL")
    assert program.is_dcp()
    return value, find_units()


@pytest.mark.parametrize("coefficients", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_in_one_dimension_the_penalty_is_a_maximum(coefficients, loss):
    """R(s, t) = max(|s|, |t|) for the units a s x^2 + b t x + c s."""
    x, y = random_data(4, 7, 1)
    y = np.sign(y) if loss == "logistic" else y
    problem = bound_problem("polynomial", x, y, loss, 0.1, coefficients=coefficients)
    a, b, c = coefficients
    s, t = cp.Variable(2)
    fit = a * s * x[:, 0] ** 2 + b * t * x[:, 0] + c * s
    objective = problem.loss.expression(fit, y) + 0.1 * cp.maximum(cp.abs(s), cp.abs(t))
    expected = cp.Problem(cp.Minimize(objective)).solve(solver="CLARABEL")
    value, units = solved(problem)
    assert value == pytest.approx(expected, rel=1e-6)
    assert problem.objective(units) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("S", "T"), [(1.0, 1.0), (2.0, 0.5), (0.3, 4.0)])
def test_gauge_of_a_square_and_an_orthogonal_line(S, T):
    """R(S v v^T, T u) = (S^2 + 2 S T + 2 T^2) / (S + 2 T) for v orthogonal to u: 5/3 at 1, 1.

    The absolute loss with a small penalty interpolates, so the value is the penalty alone.
    """
    X = np.random.default_rng(5).standard_normal((12, 2))
    y = S * X[:, 0] ** 2 + T * X[:, 1]
    problem = bound_problem("polynomial", X, y, "absolute", 0.01, coefficients=(1.0, 1.0, 0.0))
    value, _ = solved(problem)
    assert value / 0.01 == pytest.approx((S**2 + 2 * S * T + 2 * T**2) / (S + 2 * T), rel=1e-5)


def test_quadratic_program_is_a_nuclear_norm():
    X, y = random_data(6, 15, 3)
    problem = bound_problem("quadratic", X, y, "squared", 0.3)
    S = cp.Variable((3, 3), symmetric=True)
    fit = cp.sum(cp.multiply(X @ S, X), axis=1)
    objective = 0.5 * cp.sum_squares(fit - y) + 0.3 * cp.normNuc(S)
    expected = cp.Problem(cp.Minimize(objective)).solve(solver="CLARABEL")
    value, units = solved(problem)
    assert value == pytest.approx(expected, rel=1e-6)
    assert problem.objective(units) == pytest.approx(expected, rel=1e-6)
    assert len(units) <= 3


@pytest.mark.parametrize("coefficients", ACTIVATIONS)
@pytest.mark.parametrize("d", [2, 3, 5])
def test_decomposition_has_the_value_of_the_program(coefficients, d):
    X, y = random_data(d, 3 * d, d)
    problem = bound_problem("polynomial", X, y, "squared", 0.1, coefficients=coefficients)
    value, units = solved(problem)
    assert len(units) <= 2 * (d + 1)
    assert problem.objective(units) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("d", [1, 2, 6])
def test_neural_decomposition_of_random_matrices(d):
    rng = np.random.default_rng(d)
    for rank in range(1, d + 2):
        vectors = rng.standard_normal((rank, d + 1))
        vectors[:, -1] *= np.linalg.norm(vectors[:, :-1]) / np.linalg.norm(vectors[:, -1])
        Z = vectors.T @ vectors
        found = neural_decomposition(Z)
        assert len(found) <= rank
        np.testing.assert_allclose(found.T @ found, Z, atol=1e-9)
        np.testing.assert_allclose(
            np.linalg.norm(found[:, :-1], axis=1), np.abs(found[:, -1]), atol=1e-7
        )


def test_gradient_training_never_goes_below_the_program():
    X, y = random_data(8, 8, 3)
    problem = bound_problem("polynomial", X, y, "squared", 0.1)
    value, _ = solved(problem)
    rng, m = np.random.default_rng(0), 10

    def objective(x):
        U, a = x[: 3 * m].reshape(m, 3), x[3 * m :]
        U = U / np.linalg.norm(U, axis=1)[:, None]
        residual = polynomial(RELU_LIKE, X @ U.T) @ a - y
        return 0.5 * residual @ residual + 0.1 * np.sqrt(a * a + 1e-12).sum()

    ends = [minimize(objective, rng.standard_normal(4 * m)).fun for _ in range(4)]
    assert min(ends) >= value - 1e-7
    assert min(ends) <= value * 1.01


@pytest.mark.parametrize("name", ["quadratic", "polynomial"])
def test_simplified_networks_are_the_same_network(name):
    rng = np.random.default_rng(11)
    X = rng.standard_normal((30, 3))
    units = make_family(name, X)
    W, signs = rng.standard_normal((20, 3)), rng.choice([-1.0, 1.0], 20)
    fewer, kept = units.simplify(W, signs)
    assert len(kept) <= (3 if name == "quadratic" else 8)
    fit = units.features(W) @ signs
    np.testing.assert_allclose(units.features(fewer) @ kept, fit, atol=1e-9)
    assert units.sizes(fewer).sum() <= units.sizes(W).sum() * (1 + 1e-9)


# --- training -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "units", ["quadratic", "polynomial", cn.Family("polynomial", coefficients=ACTIVATIONS[1])]
)
@pytest.mark.parametrize("loss", ["squared", "logistic", "huber"])
@pytest.mark.parametrize("output_bias", [False, True])
def test_training_reaches_the_program(units, loss, output_bias):
    X, y = random_data(9, 20, 2)
    y = np.sign(y) if loss == "logistic" else y
    options = {"loss": loss, "output_bias": output_bias}
    weight_decay = 0.1 * cn.largest_weight_decay(units, X, y, **options)
    solution = cn.train(units, X, y, weight_decay=weight_decay, **options)
    assert solution.status == "optimal"
    program = cn.program(units, X, y, weight_decay=weight_decay, **options)
    assert solution.value == pytest.approx(program.solve(solver="CLARABEL"), rel=1e-5)
    fit = cn.recover(program)(X).ravel()
    np.testing.assert_allclose(solution.network(X).ravel(), fit, atol=1e-2)


@pytest.mark.parametrize("loss", ["absolute", "hinge"])
@pytest.mark.parametrize("units", ["quadratic", "polynomial"])
@pytest.mark.parametrize("share", [0.2, 0.01])
def test_losses_with_kinks_close_at_once_by_the_program(units, loss, share):
    """Column generation would go on adding units close to those that are there."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 5)), rng.standard_normal(30)
    y = np.sign(y) if loss == "hinge" else y
    weight_decay = share * cn.largest_weight_decay(units, X, y, loss=loss)
    options = {"loss": loss, "weight_decay": weight_decay}
    solution = cn.train(units, X, y, **options)
    assert solution.status == "optimal"
    assert solution.stats["rounds"] <= 2
    assert solution.units <= 14
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Clarabel calls some of them inaccurate
        value = cn.program(units, X, y, **options).solve(solver="CLARABEL")
    assert solution.value == pytest.approx(value, rel=1e-5)
    assert cn.check(solution.certificate.to_dict()).valid


def test_network_of_polynomial_units_is_ordinary():
    X, y = random_data(10, 20, 2)
    solution = cn.train("polynomial", X, y, weight_decay=0.5)
    assert [type(layer).__name__ for layer in solution.network] == ["Linear", "Square", "Linear"]
    straight = cn.train(
        cn.Family("polynomial", coefficients=(0.0, 2.0, 1.0)), X, y, weight_decay=0.5
    )
    assert [type(layer).__name__ for layer in straight.network] == ["Linear"]
    for s in (solution, straight):
        c = s.certificate
        lengths = np.sqrt((c.W**2).sum(axis=1) + c.b**2)
        t = (X @ c.W.T + c.b) / lengths
        fit = polynomial(c.units["coefficients"], t) @ c.a
        np.testing.assert_allclose(s.network(X).ravel(), fit, atol=1e-12)
        value = 0.5 * np.sum((fit - y) ** 2) + 0.5 * np.abs(c.a).sum()
        assert s.value == pytest.approx(value)


@pytest.mark.parametrize("given", [(1.0, 2.0), "abc", 3.0, (0.0, 0.0, 1.0), (1.0, np.nan, 0.0)])
def test_wrong_coefficients_are_refused(given):
    with pytest.raises(cn.errors.InputError):
        cn.Family("polynomial", coefficients=given).complete(2)
