"""Sign and threshold units: training, against programs over all features that exist."""

import cvxpy as cp
import numpy as np
import pytest
from covectors import covectors
from examples import small_matrices
from sklearn.datasets import load_iris, make_moons

import cvxnet as cn
from cvxnet.layers import Linear, Sequential, Sign, Threshold
from cvxnet.training.enumeration import all_blocks
from cvxnet.training.units import steps
from cvxnet.training.units.steps import SignUnits, ThresholdUnits

FAMILIES = {"sign": SignUnits, "threshold": ThresholdUnits}
both_families = pytest.mark.parametrize("name", FAMILIES)


def all_features(name, X):
    """Every feature of a unit on the data, cells and faces, (n, P), from exact sign vectors."""
    faces = covectors(X)
    columns = np.sign(faces) if name == "sign" else faces >= 0
    return np.unique(columns.astype(float), axis=0).T


def lasso(D, y, weight_decay):
    """``min 1/2 |D z - y|^2 + weight_decay |z|_1``, by Clarabel through CVXPY."""
    z = cp.Variable(D.shape[1])
    objective = 0.5 * cp.sum_squares(D @ z - y) + weight_decay * cp.norm1(z)
    return cp.Problem(cp.Minimize(objective)).solve(solver="CLARABEL")


def objective(network, X, y, weight_decay):
    """The training objective of a network, from its weights: amplitude one, ``sum |a|``."""
    a = network.state_dict()["2.weight"]
    return 0.5 * np.sum((network(X).ravel() - y) ** 2) + weight_decay * np.abs(a).sum()


# -------------------------------------------------------------------------- known optima


@pytest.mark.parametrize(("seed", "expected"), [(0, 2.9525), (1, 2.9530)])
def test_bengio_2005(seed, expected):
    """Double moon, (f - y)^2 + |w|_1 over all sign units, the constant among the penalised ones."""
    X, labels = make_moons(100, noise=0.1, random_state=seed)
    y = 2.0 * labels - 1.0
    solution = cn.train("sign", X, y, weight_decay=0.5)  # our loss is half of theirs
    assert solution.status == "optimal"
    assert 2.0 * solution.value == pytest.approx(expected, abs=5e-5)
    assert 2.0 * solution.lower_bound == pytest.approx(expected, abs=5e-5)
    assert objective(solution.network, X, y, 0.5) == pytest.approx(solution.value, rel=1e-9)
    assert np.array_equal(np.sign(solution.network(X).ravel()), y)


def test_bengio_2005_has_4951_columns():
    X, _ = make_moons(100, noise=0.1, random_state=0)
    family = SignUnits(np.column_stack([X, np.ones(100)]))
    assert len(all_blocks(family)) == 4951


@pytest.mark.parametrize("weight_decay", [0.05, 0.3, 1.0])
def test_all_patterns_have_the_gauge_in_closed_form(weight_decay):
    """Ergen et al. 2023 where the data are shattered: max (f)_+ + max (-f)_+ is the penalty."""
    y = np.array([1.0, -2.0, 0.5])
    f = cp.Variable(3)
    gauge = cp.max(cp.pos(f)) + cp.max(cp.neg(f))
    program = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + weight_decay * gauge))
    expected = program.solve(solver="CLARABEL")
    solution = cn.train("threshold", np.eye(3), y, weight_decay=weight_decay, bias=False)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(expected, rel=1e-6)
    v = np.array([1.0, -3.0, 1.5])
    assert ThresholdUnits(np.eye(3)).price(v, 0.0).rho == pytest.approx(3.0)


# -------------------------------------------------------------- against programs with all


SMALL = [X for X in small_matrices(14, seed=21, most=6) if len(X) > 1]
CASES = [(X, bias) for X in SMALL for bias in (False, True)]


@both_families
@pytest.mark.parametrize(("X", "bias"), CASES)
def test_training_reaches_the_optimum_over_all_features(name, X, bias):
    rows = np.column_stack([X, np.ones(len(X))]) if bias else X
    y = np.random.default_rng(len(X)).standard_normal(len(X))
    expected = lasso(all_features(name, rows), y, 0.1)
    solution = cn.train(name, X, y, weight_decay=0.1, bias=bias)
    assert solution.lower_bound <= expected * (1 + 1e-7)
    assert solution.value >= expected * (1 - 1e-7)
    if bias or name == "sign" or np.array_equal(X, X.round()):
        assert solution.status == "optimal"
    assert objective(solution.network, X, y, 0.1) == pytest.approx(solution.value, rel=1e-9)


@both_families
@pytest.mark.parametrize("bias", [False, True])
def test_the_full_program_is_the_same_problem(name, bias):
    rng = np.random.default_rng(3)
    X, y = rng.integers(-2, 3, (8, 2)).astype(float), rng.standard_normal(8)
    rows = np.column_stack([X, np.ones(8)]) if bias else X
    program = cn.program(name, X, y, weight_decay=0.2, bias=bias)
    value = program.solve(solver="CLARABEL")
    assert program.is_dcp()
    assert value == pytest.approx(lasso(all_features(name, rows), y, 0.2), rel=1e-6)
    assert value == pytest.approx(cn.train(name, X, y, weight_decay=0.2, bias=bias).value, rel=1e-6)
    assert objective(cn.recover(program), X, y, 0.2) == pytest.approx(value, rel=1e-6)


# ------------------------------------------------------------------- units on hyperplanes


def test_the_zero_unit_is_needed_without_a_half_space():
    """Rows all around: only ``u = 0`` is 1 everywhere."""
    angles = 2.0 * np.pi * np.arange(5) / 5.0 + 0.1
    X, y = np.column_stack([np.cos(angles), np.sin(angles)]), np.linspace(1.0, 1.01, 5)
    solution = cn.train("threshold", X, y, weight_decay=0.1, bias=False)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(lasso(np.ones((5, 1)), y, 0.1), rel=1e-6)
    assert not solution.network.state_dict()["0.weight"].any()


def test_units_on_hyperplanes_with_opposite_rows():
    """XOR without bias: units on a diagonal are 1 at both of its ends."""
    X = np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    y = np.array([1.0, 1.0, -1.0, -1.0])
    solution = cn.train("threshold", X, y, weight_decay=0.1, bias=False)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(lasso(all_features("threshold", X), y, 0.1), rel=1e-6)
    inside = np.unique((X @ np.random.default_rng(0).standard_normal((2, 99)) >= 0).T, axis=0)
    assert solution.value < 0.5 * lasso(inside.T.astype(float), y, 0.1)


def test_faces_that_doubles_cannot_hold_count_in_the_bound():
    """Rows x and -x without short integers: the bound is true, the bracket may stay open."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4, 3))
    X, y = np.vstack([X, -X]), np.abs(rng.standard_normal(8))
    solution = cn.train("threshold", X, y, weight_decay=0.1, bias=False)
    expected = lasso(all_features("threshold", X), y, 0.1)
    assert solution.lower_bound <= expected * (1 + 1e-7) <= solution.value * (1 + 2e-7)
    v = rng.standard_normal(8)
    found = ThresholdUnits(X).price(v, 0.0)
    assert found.rho == pytest.approx(np.abs(all_features("threshold", X).T @ v).max())


@both_families
def test_no_network_is_below_the_bound(name):
    """Integer weights, zeros among them: units on hyperplanes and u = 0."""
    rng = np.random.default_rng(1)
    X, y = rng.integers(-2, 3, (9, 3)).astype(float), rng.standard_normal(9)
    lower = cn.train(name, X, y, weight_decay=0.1, bias=False).lower_bound
    phi = np.sign if name == "sign" else lambda z: (z >= 0.0).astype(float)
    for _ in range(200):
        D = phi(X @ rng.integers(-1, 2, (3, 6)))
        a = np.linalg.lstsq(D, y, rcond=None)[0] * rng.random()
        value = 0.5 * np.sum((D @ a - y) ** 2) + 0.1 * np.abs(a).sum()
        assert value >= lower * (1 - 1e-9)


# ------------------------------------------------------------------- features and networks


@both_families
@pytest.mark.parametrize("X", small_matrices(20, seed=31))
def test_networks_do_what_the_units_do(name, X):
    family = FAMILIES[name](X)
    v = np.random.default_rng(0).standard_normal(len(X))
    found = family.price(v, 0.0)
    W = 3.0 * found.units / np.linalg.norm(found.units, axis=1)[:, None]
    phi = family.traits.layer()(X @ family.hidden(W / 3.0).T)
    np.testing.assert_allclose(family.features(W), 3.0 * phi, rtol=1e-12)
    np.testing.assert_allclose(found.outputs * (v @ phi), found.values, atol=1e-12)
    again = family.coordinates(family.hidden(W / 3.0))
    np.testing.assert_array_equal(family.sides(again), family.sides(W))


@pytest.mark.parametrize("layer", [Sign, Threshold])
def test_a_network_stands_for_its_family(layer):
    X, labels = make_moons(30, noise=0.2, random_state=0)
    y = 2.0 * labels - 1.0
    network = Sequential(Linear(2, 4), layer(), Linear(4, 1, bias=False))
    solution = cn.train(network, X, y, weight_decay=0.5)
    assert isinstance(list(solution.network.children().values())[1], layer)
    by_name = cn.train(layer.__name__.lower(), X, y, weight_decay=0.5)
    assert solution.value == pytest.approx(by_name.value, rel=1e-6)


@both_families
def test_certificates_hold_in_exact_arithmetic(name, tmp_path):
    rng = np.random.default_rng(5)
    X, y = rng.integers(-3, 4, (15, 2)).astype(float), rng.standard_normal(15)
    for bias in (False, True):
        solution = cn.train(name, X, y, weight_decay=0.2, bias=bias)
        solution.certificate.save(tmp_path / "cert.json")
        result = cn.check(tmp_path / "cert.json")
        assert result.valid, result.reason
        assert result.lower == pytest.approx(solution.lower_bound, rel=1e-9)


def test_rank_five_closes_by_branch_and_bound(monkeypatch):
    monkeypatch.setattr(steps, "FEW", -1)
    X, labels = load_iris(return_X_y=True)
    y = np.where(labels == 2, 1.0, -1.0)
    solution = cn.train("sign", X, y, weight_decay=10.0)
    assert solution.status == "optimal"


def test_search_beyond_rank_three_ends_in_time():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 5))
    y = np.sin(2.0 * X[:, 0]) * np.cos(2.0 * X[:, 1]) + 0.1 * rng.standard_normal(60)
    decay = 0.1 * cn.largest_weight_decay("sign", X, y)
    solution = cn.train("sign", X, y, weight_decay=decay, time_limit=2.0)
    assert 0.0 < solution.lower_bound <= solution.value
