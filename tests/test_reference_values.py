"""Numbers and closed forms from the literature, each computed there by other means."""

import cvxpy as cp
import numpy as np
import pytest
from examples import PE20_X, PE20_Y, random_data
from formulas import Training
from full_programs import all_cells, corners, optimum
from scipy.optimize import minimize

import cvxnet as cn


def trained(units, X, y, **options):
    """The solution, which has to be the optimum."""
    solution = cn.train(units, X, y, **options)
    assert solution.status == "optimal"
    return solution


def eight_points():
    """Eight Gaussian samples of three features, used without bias."""
    rng = np.random.default_rng(3)
    return rng.standard_normal((8, 3)), rng.standard_normal(8)


# --- ReLU and its kin (Pilanci and Ergen 2020; Mishkin, Sahiner and Pilanci 2022) -----------------


@pytest.mark.parametrize(
    ("beta", "relu", "gated"),
    [(0.01, 0.082696, 0.021925), (0.1, 0.484127, 0.206972), (0.5, 1.031713, 0.808503)],
)
def test_relu_and_gated_relu_with_all_58_gates(beta, relu, gated):
    """Printed to six decimals."""
    X, y = eight_points()
    gates = gates_of_all_cells(X)
    assert len(gates) == 58
    options = {"weight_decay": beta, "bias": False, "gap": 1e-7}
    assert trained("relu", X, y, **options).value == pytest.approx(relu, abs=6e-7)
    family = cn.Family("gated_relu", gates=gates)
    assert trained(family, X, y, **options).value == pytest.approx(gated, abs=6e-7)


def gates_of_all_cells(X):
    """A direction inside every cell: a step from each corner, to all sides."""
    cells, gates = set(), []
    for where, g in corners(X):
        basis = np.linalg.pinv(X[list(where)])
        for side in (1.0, -1.0):
            for signs in (
                np.array(np.meshgrid(*[[-1.0, 1.0]] * len(where))).reshape(len(where), -1).T
            ):
                gate = side * g + 1e-6 * basis @ signs
                cell = tuple(np.sign(X @ gate))
                if cell not in cells:
                    cells.add(cell)
                    gates.append(gate)
    assert cells == set(map(tuple, all_cells(X)))
    return np.array(gates)


@pytest.mark.parametrize(
    ("family", "value"),
    [
        (cn.Family("relu"), 0.4841),
        (cn.Family("leaky_relu", slope=0.1), 0.4827),
        (cn.Family("abs"), 0.6704),
    ],
)
def test_activations_on_the_eight_points(family, value):
    """Printed to four decimals."""
    X, y = eight_points()
    assert trained(family, X, y, weight_decay=0.1, bias=False).value == pytest.approx(
        value, abs=6e-5
    )


@pytest.mark.parametrize(
    ("loss", "beta", "value"),
    [
        ("squared", 1e-3, 0.01011683),
        ("squared", 1e-2, 0.10007383),
        ("squared", 1e-1, 0.8914472),
        ("hinge", 1e-3, 0.01012899),
        ("hinge", 1e-2, 0.10128992),
        ("hinge", 1e-1, 1.01289904),
    ],
)
def test_five_points_of_pilanci_and_ergen(loss, beta, value):
    solution = trained("relu", PE20_X, PE20_Y, loss=loss, weight_decay=beta)
    assert solution.value == pytest.approx(value, rel=2e-6)


def test_hinge_at_small_weight_decay_is_the_interpolation_of_least_norm():
    """The hinge loss is an exact penalty: value = 10.128990 weight_decay."""
    for beta in (1e-4, 1e-2):
        solution = trained("relu", PE20_X, PE20_Y, loss="hinge", weight_decay=beta)
        assert solution.value / beta == pytest.approx(10.128990, rel=2e-6)


def test_pruning_keeps_the_value():
    """Mishkin and Pilanci 2023: 18 active cells at an interior point, 6 units after pruning."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((10, 2)), rng.standard_normal(10)
    solution = trained("relu", X, y, weight_decay=0.1)
    assert solution.value == pytest.approx(0.6997383, abs=6e-7)
    assert solution.units <= 6
    program = cn.program("relu", X, y, weight_decay=0.1)
    program.solve(solver="CLARABEL")
    network = cn.recover(program)
    assert network.state_dict()["2.weight"].size <= 6
    state = network.state_dict()
    value = 0.5 * np.sum((network(X).ravel() - y) ** 2)
    value += 0.05 * sum(np.sum(w**2) for w in state.values())
    assert value == pytest.approx(0.6997383, abs=6e-7)


# --- one feature: minimal l1 interpolation with hinges (Zeger et al. 2024) ------------------------


@pytest.mark.parametrize(
    ("x", "y", "norm"),
    [((0, 4, 5, 7, 10, 11), (0, 0, 0, 2, 3, 3), 2.0), ((0, 2, 6, 7), (0, 0, 3, 7), 4.0)],
)
def test_interpolation_with_hinges_at_the_data(x, y, norm):
    """Features ``(x - x_j)_+`` and ``(x_j - x)_+``, free output bias: value / beta -> norm.

    With the absolute loss the value is ``beta norm`` from some beta on; with the squared one it
    is below by ``beta^2 |v|^2 / 2``, where ``beta v`` is the dual vector.
    """
    x, y = np.array(x, dtype=float), np.array(y, dtype=float)
    step = x[:, None] - x
    features = np.hstack([np.maximum(step, 0.0), np.maximum(-step, 0.0)])
    for beta in (1e-4, 1e-2):
        exact = trained(
            "coordinate", features, y, loss="absolute", weight_decay=beta, output_bias=True
        )
        assert exact.value / beta == pytest.approx(norm, rel=2e-6)
    below = []
    for beta in (1e-2, 1e-3, 1e-4):
        near = trained("coordinate", features, y, weight_decay=beta, output_bias=True, gap=1e-8)
        below.append(norm - near.value / beta)
    assert below[0] / below[1] == pytest.approx(10.0, rel=0.01)
    assert below[1] / below[2] == pytest.approx(10.0, rel=0.01)
    assert 0.0 < below[2] < 1e-3


# --- l1-regularised classification (Yuan, Chang, Hsieh and Lin 2010) ------------------------------


def breast_cancer():
    """569 samples, 30 standardised features, labels -1 and +1."""
    datasets = pytest.importorskip("sklearn.datasets")
    X, y = datasets.load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), 2.0 * y - 1.0


@pytest.mark.parametrize(("C", "value", "used"), [(0.1, 12.22277928, 9), (1.0, 46.08174039, 16)])
def test_logistic_regression_on_breast_cancer(C, value, used):
    """``|w|_1 + C sum of losses``; liblinear finds the same weights."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, y = breast_cancer()
    solution = trained(
        "coordinate", X, y, loss="logistic", weight_decay=1.0, sample_weight=np.full(len(y), C)
    )
    assert solution.value == pytest.approx(value, rel=1e-7)
    assert solution.units == used
    w = solution.network.state_dict()["0.weight"].ravel()
    assert np.count_nonzero(w) == used
    liblinear = linear_model.LogisticRegression(
        l1_ratio=1.0, C=C, solver="liblinear", fit_intercept=False, tol=1e-10, max_iter=10_000
    ).fit(X, y)
    theirs = liblinear.coef_.ravel()
    np.testing.assert_allclose(theirs, w, atol=1e-3)
    objective = np.abs(theirs).sum() + C * np.logaddexp(0.0, -y * (X @ theirs)).sum()
    assert solution.lower_bound <= objective <= solution.value * (1 + 1e-6)


@pytest.mark.parametrize("C", [0.1, 1.0])
def test_support_vector_machine_on_breast_cancer(C):
    """The same with squared hinge loss."""
    svm = pytest.importorskip("sklearn.svm")
    X, y = breast_cancer()
    solution = trained(
        "coordinate", X, y, loss="squared_hinge", weight_decay=1.0, sample_weight=np.full(569, C)
    )
    liblinear = svm.LinearSVC(
        penalty="l1", dual=False, C=C, fit_intercept=False, tol=1e-8, max_iter=100_000
    ).fit(X, y)
    w = liblinear.coef_.ravel()
    objective = np.abs(w).sum() + C * (np.maximum(0.0, 1.0 - y * (X @ w)) ** 2).sum()
    assert solution.lower_bound <= objective
    assert solution.value == pytest.approx(objective, rel=1e-5)


# --- polynomial units (Bartan and Pilanci 2021) ---------------------------------------------------

ACTIVATIONS = [(0.09, 0.5, 0.47), (1.0, -1.0, 0.5), (0.3, 0.0, -1.0)]


@pytest.mark.parametrize("coefficients", ACTIVATIONS)
def test_polynomial_units_on_one_feature(coefficients):
    """d = 1: minimise l(p s x^2 + q t x + r s) + beta max(|s|, |t|) over two numbers."""
    p, q, r = coefficients
    X, y = random_data(3, 10, 1)
    x = X.ravel()
    s, t = cp.Variable(), cp.Variable()
    fit = 0.5 * cp.sum_squares((p * x**2 + r) * s + q * x * t - y)
    closed = cp.Problem(cp.Minimize(fit + 0.3 * cp.maximum(cp.abs(s), cp.abs(t))))
    value = closed.solve(solver="CLARABEL")
    family = cn.Family("polynomial", coefficients=coefficients)
    assert trained(family, X, y, weight_decay=0.3, bias=False).value == pytest.approx(
        value, rel=1e-6
    )


@pytest.mark.parametrize("coefficients", ACTIVATIONS)
def test_polynomial_units_on_three_features(coefficients):
    """The semidefinite program, and no network of gradient descent below it."""
    X, y = eight_points()
    problem = Training("polynomial", X, y, "squared", 0.1, {"coefficients": coefficients})
    family = cn.Family("polynomial", coefficients=coefficients)
    solution = trained(family, X, y, weight_decay=0.1, bias=False, gap=1e-7)
    assert solution.value == pytest.approx(optimum(problem), rel=1e-6)
    assert solution.units <= 8  # 2 (d + 1)

    def value(z):
        return float(problem.objective(z[8:].reshape(8, 3), z[:8]))

    rng = np.random.default_rng(0)
    best = min(minimize(value, rng.standard_normal(32), method="L-BFGS-B").fun for _ in range(2))
    assert solution.lower_bound <= best <= 1.02 * solution.value


def test_gauges_of_polynomial_units():
    """The gauge of Z and z, as the least norm that interpolates ``x^T Z x + z.x`` (phi = t^2 + t).

    ``R(Z, 0) = |Z|_*``, ``R(0, z) = |z|``, ``R(s v v^T, t v) = max(|s|, |t|)`` and for u orthogonal
    to v, s = t = 1: 5/3, from ``(s^2 + 2 s t + 2 t^2) / (s + 2 t)``.
    """
    X = np.random.default_rng(1).standard_normal((7, 2))
    e, f = np.eye(2)
    for Z, z, gauge in [
        (np.array([[1.0, 0.5], [0.5, -1.0]]), 0.0 * e, 2.0 * np.sqrt(1.25)),
        (np.zeros((2, 2)), 3.0 * e - 4.0 * f, 5.0),
        (np.outer(e, e), 2.0 * e, 2.0),
        (-3.0 * np.outer(f, f), 2.0 * f, 3.0),
        (np.outer(e, e), f, 5.0 / 3.0),
        (2.0 * np.outer(e, e), f, 10.0 / 4.0),
    ]:
        y = ((X @ Z) * X).sum(axis=1) + X @ z
        family = cn.Family("polynomial", coefficients=(1.0, 1.0, 0.0))
        solution = trained(family, X, y, loss="absolute", weight_decay=1e-3, bias=False)
        assert solution.value / 1e-3 == pytest.approx(gauge, rel=2e-6)


# --- linear networks ------------------------------------------------------------------------------


def test_linear_units_on_orthonormal_columns():
    """X^T X = I: |y|^2/2 - (|X^T y| - beta)_+^2 / 2; for the norm l1 each feature by itself."""
    X = np.linalg.qr(np.random.default_rng(0).standard_normal((9, 4)))[0]
    y = 3.0 * np.random.default_rng(1).standard_normal(9)
    for beta in (0.1, 1.0):
        options = {"weight_decay": beta, "bias": False}
        saved = 0.5 * max(np.linalg.norm(X.T @ y) - beta, 0.0) ** 2
        value = trained("linear", X, y, **options).value
        assert value == pytest.approx(0.5 * y @ y - saved, rel=1e-6)
        saved = 0.5 * np.sum(np.maximum(np.abs(X.T @ y) - beta, 0.0) ** 2)
        for name, norm in (("linear", "l1"), ("coordinate", "l2")):
            value = trained(name, X, y, norm=norm, **options).value
            assert value == pytest.approx(0.5 * y @ y - saved, rel=1e-6)


# --- threshold units (Ergen, Gulluk, Lacotte and Pilanci 2023) ------------------------------------


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber"])
def test_threshold_units_on_shattered_data(loss):
    """All 2^n patterns: the gauge is ``max (f_i)_+ + max (-f_i)_+``."""
    n = 3
    X, y = np.eye(n), np.array([2.0, -1.0, 0.7])
    f = cp.Variable(n)
    terms = {
        "squared": 0.5 * cp.sum_squares(f - y),
        "absolute": cp.norm1(f - y),
        "huber": 0.5 * cp.sum(cp.huber(f - y)),
    }[loss]
    for beta in (0.1, 0.5):
        closed = cp.Problem(
            cp.Minimize(terms + beta * (cp.max(cp.pos(f)) + cp.max(cp.pos(-f))))
        ).solve(solver="CLARABEL")
        value = trained("threshold", X, y, loss=loss, weight_decay=beta, bias=False).value
        assert value == pytest.approx(closed, rel=1e-6)
