"""Units with finitely many features, exactly m of them: the list, and optima by brute force."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from covectors import covectors
from examples import small_matrices
from scipy.optimize import minimize

import cvxnet as cn
from cvxnet.errors import UnsupportedError
from cvxnet.training.units.linear import CoordinateUnits
from cvxnet.training.units.steps import SignUnits, ThresholdUnits
from cvxnet.training.width.columns import column_space

STEPS = {"sign": (SignUnits, (-1, 0, 1)), "threshold": (ThresholdUnits, (0, 1, 1))}


def listed(features):
    """Different rows other than zero, one of each pair, by brute force."""
    rows = {tuple(row) for row in features.tolist() if any(row)}
    return sorted({max(row, tuple(0.0 - x for x in row)) for row in rows})


MATRICES = [*small_matrices(20, seed=3, most=6), np.zeros((2, 2))]


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("X", MATRICES)
def test_all_features_of_steps_are_listed(name, X):
    family, values = STEPS[name]
    order = np.random.default_rng(len(X)).permutation(len(X))
    expected = listed(np.array(values, dtype=float)[covectors(X)[:, order] + 1])
    found = column_space(family(X), order)
    assert list(map(tuple, found.columns[:, order].tolist())) == expected


@pytest.mark.parametrize(("n", "r"), [(6, 2), (7, 3), (6, 4)])
def test_in_general_position_so_many(n, r):
    X = np.random.default_rng(n).standard_normal((n, r))
    X[:, -1] = 1.0
    cells = 2 * sum(comb(n - 1, k) for k in range(r))
    assert len(column_space(ThresholdUnits(X), np.arange(n)).columns) == cells - 1
    faces = sum(comb(n, k) * 2 * sum(comb(n - k - 1, i) for i in range(r - k)) for k in range(r))
    assert len(column_space(SignUnits(X), np.arange(n)).columns) == faces // 2


def test_columns_of_the_data_once():
    x = np.array([0.0, -2.0, 1.0])
    X = np.column_stack([x, -x, 0.0 * x, x, 2.0 * x, np.ones(3)])
    order = np.array([2, 0, 1])
    space = column_space(CoordinateUnits(X), order)
    assert space.columns.tolist() == [x.tolist(), [1, 1, 1], (2.0 * x).tolist()]


@pytest.mark.parametrize("family", [SignUnits, ThresholdUnits, CoordinateUnits])
@pytest.mark.parametrize("X", [X for X in MATRICES if np.array_equal(X, X.round())][:4])
def test_units_have_the_features(family, X):
    space = column_space(family(X), np.arange(len(X)))
    for j, column in enumerate(space.columns):
        assert np.allclose(space.family.features(space.unit(j)[None])[:, 0], column, atol=1e-14)


# ------------------------------------------------------------------- optima by brute force


def features_of(name, X):
    """All different features, (n, N), from exact sign vectors."""
    if name == "coordinate":
        return X
    values = np.array(STEPS[name][1], dtype=float)
    return np.unique(values[covectors(X) + 1], axis=0).T


def least_squares(H, F, y, weight_decay):
    """``min 1/2 |H z + F c - y|^2 + weight_decay sum z``; infinite where some z is negative."""
    A = np.hstack([H, F])
    decay = np.repeat([weight_decay, 0.0], [H.shape[1], F.shape[1]])
    x = np.linalg.pinv(A.T @ A) @ (A.T @ y - decay)
    if (x[: H.shape[1]] < -1e-12).any():
        return np.inf  # with one column less it is better
    return 0.5 * np.sum((A @ x - y) ** 2) + decay @ x


def logistic(H, F, y, weight_decay, weights=1.0):
    """The same with the logistic loss, and weights of the samples."""
    A = y[:, None] * np.hstack([H, F])
    decay = np.repeat([weight_decay, 0.0], [H.shape[1], F.shape[1]])

    def objective(x):
        t = A @ x
        slope = -weights / (1.0 + np.exp(t))
        return np.sum(weights * np.logaddexp(0.0, -t)) + decay @ x, A.T @ slope + decay

    if not len(decay):
        return objective(decay)[0]
    bounds = [(0.0, None)] * H.shape[1] + [(None, None)] * F.shape[1]
    options = {"ftol": 1e-15, "gtol": 1e-10}
    return minimize(objective, np.zeros(len(decay)), jac=True, bounds=bounds, options=options).fun


def best_subset(solve, D, F, width):
    """The optimum over all sets of at most so many columns, and their signs."""
    return min(
        solve(D[:, list(chosen)] * signs, F)
        for k in range(width + 1)
        for chosen in combinations(range(D.shape[1]), k)
        for signs in product((1.0, -1.0), repeat=k)
    )


def bracket(name, X, y, width, **options):
    """The bracket that training proves, to a gap of 1e-6."""
    solution = cn.train(name, X, y, width=width, **options)
    assert solution.units <= width
    assert cn.check(solution).valid
    return solution.lower_bound, solution.value


RNG = np.random.default_rng(7)
LINE, GRID = RNG.standard_normal((6, 1)), RNG.permutation(list(product((-1.0, 0.0, 1.0), repeat=2)))
CASES = [
    ("coordinate", RNG.standard_normal((8, 5)), {}, (1, 2, 3)),
    ("coordinate", RNG.standard_normal((8, 4)), {"output_bias": True}, (2,)),
    ("sign", LINE, {}, (1, 3)),
    ("sign", GRID[:5], {}, (2,)),
    ("threshold", LINE, {}, (2,)),
    ("threshold", GRID[:6], {"bias": False, "output_bias": True}, (1, 2)),
    ("threshold", RNG.standard_normal((5, 2)), {}, (2,)),
]


@pytest.mark.parametrize(("name", "X", "form", "widths"), CASES)
def test_optima_are_those_of_all_subsets(name, X, form, widths):
    n, bias = len(X), form.get("bias", name != "coordinate")
    y = X[:, 0] ** 2 - X[:, -1] + 0.3 * np.sin(9.0 * np.arange(n))
    D = features_of(name, np.column_stack([X, np.ones(n)]) if bias else X)
    F = np.ones((n, int(form.get("output_bias", False))))
    weight_decay = 0.05 * cn.largest_weight_decay(name, X, y, **form)
    for width in widths:
        expected = best_subset(lambda H, F: least_squares(H, F, y, weight_decay), D, F, width)
        lower, value = bracket(name, X, y, width, weight_decay=weight_decay, **form)
        assert value == pytest.approx(expected, rel=1e-6)
        assert expected * (1.0 - 2e-6) <= lower <= expected * (1.0 + 1e-9)


@pytest.mark.parametrize(
    ("name", "X"), [("sign", LINE), ("coordinate", RNG.standard_normal((9, 4)))]
)
def test_classes_with_sample_weights(name, X):
    y, weights = np.where(np.sin(5.0 * X[:, 0]) > 0.0, 1.0, -1.0), 1.0 + np.arange(len(X)) % 3
    y[0] = -y[1]
    D = features_of(name, np.column_stack([X, np.ones(len(X))]) if name == "sign" else X)
    objective = {"loss": "logistic", "sample_weight": weights}
    weight_decay = 0.1 * cn.largest_weight_decay(name, X, y, **objective)
    expected = best_subset(
        lambda H, F: logistic(H, F, y, weight_decay, weights), D, np.zeros((len(X), 0)), 2
    )
    lower, value = bracket(name, X, y, 2, weight_decay=weight_decay, **objective)
    assert value == pytest.approx(expected, rel=1e-6)
    assert expected * (1.0 - 2e-6) <= lower <= expected * (1.0 + 1e-9)


def test_samples_on_the_hyperplane_of_a_sign_unit():
    """One unit is 0 at one of them: the mean of two units that are not, and less by itself."""
    X, y = np.array([[-1.0], [0.3], [1.0]]), np.array([-1.0, 0.0, 1.0])
    lower, value = bracket("sign", X, y, 1, weight_decay=0.1)
    assert lower == pytest.approx(value, rel=2e-6)
    assert value == pytest.approx(0.1 * 1.0 - 0.1**2 / 4.0)  # the least of (1 - a)^2 + 0.1 a


def test_faces_that_no_doubles_are_on_count_in_the_bound():
    X = np.array([[0.1, 0.7], [-0.3, 0.4], [0.9, -0.6], [-0.7, -0.2], [0.33, 0.21]])
    y = np.array([1.0, -1.0, 1.0, -1.0, 0.0])
    D = features_of("sign", np.column_stack([X, np.ones(5)]))
    expected = best_subset(lambda H, F: least_squares(H, F, y, 0.1), D, np.zeros((5, 0)), 1)
    lower, value = bracket("sign", X, y, 1, weight_decay=0.1)
    assert lower == pytest.approx(expected, rel=1e-6)
    assert lower <= expected * (1.0 + 1e-9) < value


def test_too_many_columns_are_refused():
    family = SignUnits(np.random.default_rng(0).standard_normal((400, 3)))
    with pytest.raises(UnsupportedError, match=r"up to .* features on these 400 samples"):
        column_space(family, np.arange(400))
