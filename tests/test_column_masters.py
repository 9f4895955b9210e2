"""Masters of linear models on given columns: few sweeps and Newton steps end at the optimum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

import cvxnet as cn
from cvxnet.losses import LOSSES, Weighted
from cvxnet.training import linear_models
from cvxnet.training.linear_models import ColumnMaster, iterated_step, solved_step
from cvxnet.training.problem import Problem
from cvxnet.training.units.linear import CoordinateUnits

SMOOTH = [name for name, loss in LOSSES.items() if loss.smooth and not loss.classes]
GAP = 1e-7
SHAPES = [(200, 40), (80, 120)]


def data(loss, shape, seed=0):
    """Sparse columns that depend on one another, with a mean, and targets that are mostly noise."""
    rng = np.random.default_rng(seed)
    X = sparse.random_array(shape, density=0.2, rng=rng, format="csc")
    X = sparse.hstack([X[:, 1:], X[:, :1] + 1e-4 * X[:, 1:2]], format="csc")
    y = 1.0 + np.asarray(X.sum(axis=1)) + 3.0 * rng.standard_normal(shape[0])
    return X, np.where(y > np.median(y), 1.0, -1.0) if LOSSES[loss].labels else y


def problem(loss, shape, share, free, dense):
    """The problem of coordinate units on these, with weights of samples."""
    X, y = data(loss, shape)
    weighted = Weighted(LOSSES[loss], np.random.default_rng(1).uniform(0.5, 2.0, len(y)))
    decay = share * float(np.abs(X.T @ weighted.gradient(np.zeros(len(y)), y)).max())
    units = CoordinateUnits(X.toarray() if dense else X)
    return Problem(units, weighted, y, decay, np.full((len(y), int(free)), 0.5))


def violation(asked, point):
    """By how much the conditions of the optimum fail, relative to the weight decay."""
    v = asked.loss.gradient(point.f, asked.y)
    slope, used = asked.family.X.T @ v, point.w != 0.0
    wrong = np.abs(slope + asked.weight_decay * np.sign(point.w))[used].max(initial=0.0)
    steep = np.abs(slope).max() - asked.weight_decay
    return max(steep, wrong, np.abs(asked.F.T @ v).max(initial=0.0)) / asked.weight_decay


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("free", [False, True], ids=["none", "free"])
@pytest.mark.parametrize("dense", [False, True], ids=["sparse", "dense"])
def test_a_master_ends_where_the_conditions_of_the_optimum_hold(loss, shape, free, dense):
    for share in (0.3, 0.01):
        asked = problem(loss, shape, share, free, dense)
        master = ColumnMaster(asked, np.arange(shape[1]))
        point = master.solve(master.at(np.zeros(shape[1]), 0.0), GAP, np.inf)
        assert master.gap(point) <= GAP
        assert violation(asked, point) < 1e-5
        assert np.allclose(point.f, asked.family.X @ point.w + point.c, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("dense", [False, True], ids=["sparse", "dense"])
def test_a_step_leaves_the_point_that_it_begins_at(loss, dense):
    asked = problem(loss, SHAPES[0], 0.05, free=True, dense=dense)
    master = ColumnMaster(asked, np.arange(SHAPES[0][1]))
    point = master.at(np.full(SHAPES[0][1], 0.1), 0.5)
    before, value = point.w.copy(), point.value
    moved = master.lasso(point, GAP, linear_models.SWEEPS)
    assert moved.value < value
    assert np.array_equal(point.w, before) and (point.c, point.value) == (0.5, value)


@pytest.mark.parametrize("free", [False, True], ids=["none", "free"])
@pytest.mark.parametrize("dense", [False, True], ids=["sparse", "dense"])
def test_iterated_steps_are_those_of_the_linear_system(free, dense, monkeypatch):
    monkeypatch.setattr(linear_models, "SOLVED", 1e-12)
    X = data("squared", (200, 40))[0][:, :-1]
    rng = np.random.default_rng(2)
    D, slope = rng.uniform(0.1, 1.0, 200), rng.standard_normal(39 + free)
    known = solved_step(X.toarray(), D, slope)
    step = iterated_step(X.toarray() if dense else X, D, slope)
    assert np.allclose(step, known, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("free", [False, True], ids=["none", "free"])
@pytest.mark.parametrize("dense", [False, True], ids=["sparse", "dense"])
def test_many_weights_of_small_decay_close(loss, free, dense, monkeypatch):
    monkeypatch.setattr(linear_models, "EVERY", 10)
    monkeypatch.setattr("cvxnet.training.working_sets.MOST", 40)
    X, y = data(loss, (300, 300), seed=3)
    X = X.toarray() if dense else X
    decay = 0.01 * cn.largest_weight_decay("coordinate", X, y, loss=loss, output_bias=free)
    more = {"loss": loss, "weight_decay": decay, "output_bias": free}
    solution = cn.train("coordinate", X, y, **more)
    assert solution.status == "optimal" and solution.units > 100
    assert cn.check(solution).valid


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_more_columns_than_samples_are_interpolated(loss):
    x, y = np.array([0.0, 4, 5, 7, 10, 11]), np.array([0.0, 0, 0, 2, 3, 3])
    hinges = np.maximum(np.hstack([x[:, None] - x, x - x[:, None]]), 0.0)
    more = {"loss": loss, "output_bias": True, "gap": 1e-8}
    for decay in (1e-2, 1e-4):
        dense, thin = (
            cn.train("coordinate", X, y, weight_decay=decay, **more)
            for X in (hinges, sparse.csc_array(hinges))
        )
        assert dense.status == thin.status == "optimal"
        assert thin.value == pytest.approx(dense.value, rel=2e-8)
