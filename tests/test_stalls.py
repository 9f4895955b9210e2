"""Data on which training stalled, or took long for no reason."""

from itertools import count

import numpy as np
import pytest
from claimed import objective_with
from scipy.optimize import minimize
from scipy.special import expit

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.objective import Budget
from cvxnet.proofs import checker
from cvxnet.training import local_search, sliding
from cvxnet.training.local_search import start_wide
from cvxnet.training.recovery import problem_of
from cvxnet.training.scaling import merge_equal_samples, raw_note, rescale
from cvxnet.training.start import fit_by_newton, fit_by_solver, fit_free
from cvxnet.training.trainer import bracket_of
from cvxnet.training.units.family import frame_of

GENEROUS = 120.0
"""Seconds that training may take on a busy machine; all of it takes a few on an idle one."""


def balance_and_income():
    """Columns that differ by a factor of 40, and both by more from the column of ones."""
    rng = np.random.default_rng(2)
    balance = np.round(np.abs(800 + 500 * rng.standard_normal(40)))
    income = np.round(33000 + 9000 * rng.standard_normal(40))
    y = (rng.random(40) < expit(0.007 * balance - 6)).astype(int)
    return np.column_stack([balance, income]), y


# Raw columns


def test_raw_columns_close_and_optima_fall_with_the_weight_decay():
    X, y = balance_and_income()
    options = {"loss": "logistic", "output_bias": True, "time_limit": GENEROUS}
    above = np.inf
    for decay, right in [(1e-2, 0.3441799), (1e-3, 0.0469478)]:
        solution = cn.train("relu", X, y, weight_decay=decay, gap=1e-4, **options)
        assert solution.status == "optimal"
        assert solution.value == pytest.approx(right, rel=1e-3)
        assert solution.value <= above
        assert checker.check(solution.certificate.to_dict()).valid
        above = solution.value
    assert above <= 0.08348  # what the network at 1e-2 costs at 1e-3


@pytest.mark.parametrize("loss", ["squared", "hinge"])
def test_raw_columns_close_for_other_losses(loss):
    X, y = balance_and_income()
    for decay in (100.0, 0.1):
        solution = cn.train(
            "relu", X, y, loss=loss, weight_decay=decay, output_bias=True, gap=1e-4,
            time_limit=GENEROUS,
        )  # fmt: skip
        assert solution.status == "optimal"


def test_offsets_and_near_duplicates_of_columns_close():
    rng = np.random.default_rng(0)
    t = rng.standard_normal((25, 1))
    y = np.maximum(t[:, 0], 0.0) + 0.1 * rng.standard_normal(25)
    for X in (2000.0 + 5.0 * t, np.hstack([t, t + 1e-6 * rng.standard_normal(t.shape)])):
        decay = 0.05 * cn.largest_weight_decay("relu", X, y, output_bias=True)
        solution = cn.train("relu", X, y, weight_decay=decay, output_bias=True, time_limit=GENEROUS)
        assert solution.status == "optimal"
        assert checker.check(solution.certificate.to_dict()).valid


def best_of_starts(X, signs, decay, width, starts):
    """The lowest objective of plain L-BFGS from random starts, in variables that suit it.

    Independent of the package: logistic loss, hidden and output bias, the columns of X whitened.
    """
    rows = np.hstack([X, np.ones((len(X), 1))])
    S = frame_of(rows)
    Z, k = rows @ S, rows.shape[1]

    def objective(p):
        U, a, c = p[: width * k].reshape(width, k), p[width * k : -1], p[-1]
        W, t = U @ S.T, Z @ U.T
        h = np.maximum(t, 0.0)
        f = h @ a + c
        v = -signs * expit(-signs * f)
        value = np.logaddexp(0.0, -signs * f).sum() + 0.5 * decay * ((W**2).sum() + a @ a)
        G = ((t > 0.0) * v[:, None] * a).T @ Z + decay * W @ S
        return value, np.concatenate([G.ravel(), h.T @ v + decay * a, [v.sum()]])

    rng, found = np.random.default_rng(0), []
    for _ in range(starts):
        start = rng.standard_normal(width * k + width + 1) / np.sqrt(k)
        options = {"maxiter": 1000, "maxfun": 2000}
        found.append(minimize(objective, start, jac=True, method="L-BFGS-B", options=options).fun)
    return min(found)


def test_a_network_on_raw_wine_is_as_good_as_the_best_of_many():
    load_wine = pytest.importorskip("sklearn.datasets").load_wine
    X, classes = load_wine(return_X_y=True)
    y = np.where(classes == 1, 1.0, -1.0)
    objective = objective_with("relu", X, y, "logistic", 10.0, output_bias=True)
    problem, scale = rescale(problem_of(objective))
    found = start_wide(problem, fit_free(problem)[0].free, np.inf, starts=1)
    value = scale.value * min(map(problem.objective, found))
    assert value <= best_of_starts(X, y, 10.0, 30, 3) * 1.01


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "logistic", "hinge"])
@pytest.mark.parametrize("largest", [1.0, 100.0])
def test_networks_get_better_as_units_cost_less(loss, largest, monkeypatch):
    """On a clock that only runs when somebody looks at it, so that all have the same steps."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 8)) * np.geomspace(1.0, largest, 8)
    y = np.sin(2.0 * X[:, 0]) + X[:, 1] * X[:, 2] / np.sqrt(largest) + rng.standard_normal(60)
    y = np.sign(y) if loss in ("logistic", "hinge") else y
    top, values = cn.largest_weight_decay("relu", X, y, loss=loss), []
    for decay in top * 10.0 ** -np.arange(1.0, 8.0):
        problem, scale = rescale(problem_of(objective_with("relu", X, y, loss, decay)))
        ticks = count()
        for module in (local_search, sliding):
            monkeypatch.setattr(module, "now", lambda ticks=ticks: float(next(ticks)))
        found = start_wide(problem, fit_free(problem)[0].free, 400.0, starts=1)
        values.append(scale.value * min(map(problem.objective, found)))
    assert (np.diff(values) < 0.0).all()


@pytest.mark.parametrize("loss", ["squared", "logistic", "huber", "squared_hinge", "log_cosh"])
@pytest.mark.parametrize("seed", range(3))
def test_free_weights_by_newton_are_those_of_the_solver(loss, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 4)) * [1.0, 1e3, 1e-3, 1.0] + 10.0
    y = X[:, 0] + 20.0 * rng.standard_normal(40) ** 3
    y = np.sign(y - np.median(y)) if get_loss(loss).labels else y
    objective = objective_with("relu", X, y, loss, 1.0, output_bias=True, skip=True)
    problem, _ = rescale(problem_of(objective))
    ours, theirs = fit_by_newton(problem), fit_by_solver(problem)[0]
    assert ours is not None
    value = problem.loss.value(problem.F @ ours, problem.y)
    assert value <= problem.loss.value(problem.F @ theirs, problem.y) * (1.0 + 1e-12)


def test_what_stands_in_the_way_is_said():
    X = np.random.default_rng(0).standard_normal((60, 8)) * 10.0 ** np.arange(-3, 5)
    y = X[:, 3] + X[:, 7]
    solution = cn.train("relu", X, y, weight_decay=1.0, time_limit=0.5)
    assert solution.status == "gap"
    assert "standardising them gives an easier problem, though another one" in str(solution)


def test_columns_of_one_size_are_not_called_raw():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3))
    assert raw_note(X) == raw_note(1e6 * X) == raw_note(np.hstack([X, np.ones((30, 1))])) == ""
    assert "4e+03" in raw_note(np.hstack([X, 3000.0 + X]))


# Equal samples


@pytest.mark.parametrize(
    "units, loss",
    [("relu", "squared"), ("relu", "logistic"), ("threshold", "hinge"), ("quadratic", "absolute")],
)
def test_equal_samples_are_solved_as_one_of_their_weight(units, loss):
    rng = np.random.default_rng(0)
    points, values = rng.standard_normal((8, 2)), rng.standard_normal(8)
    values = np.sign(values) if loss in ("logistic", "hinge") else values
    which = rng.permutation(np.concatenate([np.arange(8), rng.integers(8, size=300)]))
    X, y, weights = points[which], values[which], rng.uniform(0.5, 2.0, which.size)
    total = np.bincount(which, weights)
    options = {"loss": loss, "weight_decay": 2.0, "output_bias": True}
    merged = cn.train(units, X, y, sample_weight=weights, **options)
    one = cn.train(units, points, values, sample_weight=total, **options)
    assert merged.status == one.status == "optimal"
    assert merged.value == pytest.approx(one.value, rel=2e-6)
    assert merged.certificate.v.shape == (which.size,)
    assert np.bincount(which, merged.certificate.v) == pytest.approx(
        one.certificate.v, abs=1e-2 * np.abs(one.certificate.v).max()
    )
    assert checker.check(merged.certificate.to_dict()).valid


def test_equal_samples_are_few_samples_to_the_solvers():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((8, 2))
    which = rng.integers(8, size=10_000)
    problem = problem_of(objective_with("relu", points[which], points[which, 0], "squared", 1.0))
    merged = merge_equal_samples(problem)
    assert len(merged.problem.y) == 8
    assert merged.problem.loss.weights.sum() == 10_000.0
    assert merge_equal_samples(merged.problem) is None
    assert len(rescale(merged.problem)[0].y) == 8


def test_equal_samples_where_the_data_have_less_rank_than_columns():
    rng = np.random.default_rng(0)
    points = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 4))
    which = np.arange(60) % 6
    y = rng.standard_normal(6)[which]
    objective = objective_with("relu", points[which], y, "squared", 0.5)
    bracket, _ = bracket_of(objective, Budget(), np.inf)
    assert problem_of(objective).objective(bracket.units) == pytest.approx(bracket.upper, rel=1e-8)
    assert bracket.gap <= 1e-6


def test_few_equal_samples_and_long_pricing_leave_the_samples_as_they_are():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 2))
    X[1] = X[0]
    few = problem_of(objective_with("relu", X, np.ones(40), "squared", 0.5))
    assert merge_equal_samples(few) is None
    Z = np.repeat(rng.standard_normal((200, 5)), 3, axis=0)
    long = problem_of(objective_with("relu", Z, Z[:, 0], "squared", 0.5))
    assert merge_equal_samples(long) is None
