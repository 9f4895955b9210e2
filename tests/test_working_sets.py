"""Working sets: from wherever they begin, they end where the conditions of the optimum hold."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnet.losses import LOSSES, Weighted
from cvxnet.training.problem import Problem, Units, no_units
from cvxnet.training.units.linear import CoordinateUnits
from cvxnet.training.working_sets import WorkingSet, bend, fit_working_set

SMOOTH = [name for name, loss in LOSSES.items() if loss.smooth and not loss.classes]
GAP = 1e-9


def problem(loss, shape, share, free=True, outliers=0):
    """Columns of which some are equal, or nearly, on targets some of which are far away."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal(shape)
    X[:, 1], X[:, 3] = X[:, 0], X[:, 2] + 1e-6 * X[:, 4]
    y = X[:, :5].sum(axis=1) + 0.5 * rng.standard_normal(len(X))
    y[:outliers] *= 1e5
    if LOSSES[loss].labels:
        y = np.where(y > np.median(y), 1.0, -1.0)
    weighted = Weighted(LOSSES[loss], rng.uniform(0.5, 2.0, len(X)))
    v = weighted.gradient(np.zeros(len(X)), y)
    decay = share * float(np.abs(X.T @ v).max())
    return Problem(CoordinateUnits(X), weighted, y, decay, np.full((len(X), int(free)), 0.5))


def fitted(problem, units):
    """The units of the optimum."""
    found, f = fit_working_set(problem, units, GAP, np.inf)
    assert np.allclose(f, problem.fit(found), rtol=0.0, atol=1e-9 * np.abs(f).max(initial=1.0))
    return found


def violation(problem, units):
    """By how much the conditions of the optimum fail, relative to the weight decay."""
    v = problem.loss.gradient(problem.fit(units), problem.y)
    slope, w = problem.family.X.T @ v, units.weights.T @ units.outputs
    steep = np.abs(slope).max() - problem.weight_decay
    wrong = np.abs(slope + problem.weight_decay * np.sign(w))[w != 0.0].max(initial=0.0)
    return max(steep, wrong, np.abs(problem.F.T @ v).max(initial=0.0)) / problem.weight_decay


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("shape", [(200, 20), (40, 120)], ids=str)
@pytest.mark.parametrize("free", [False, True], ids=["none", "free"])
@pytest.mark.parametrize("share", [0.3, 0.01])
def test_the_optimum_is_where_its_conditions_hold(loss, shape, free, share):
    asked = problem(loss, shape, share, free)
    units = fitted(asked, no_units(shape[1], int(free)))
    assert violation(asked, units) < 1e-5
    again = fitted(asked, units)
    assert asked.objective(again) <= asked.objective(units) * (1.0 + 1e-12)


@pytest.mark.parametrize("loss", SMOOTH)
def test_a_start_far_away_leads_to_the_same_optimum(loss):
    asked, rng = problem(loss, (60, 40), 0.05, outliers=3), np.random.default_rng(0)
    far = Units(np.eye(40)[:30], np.sign(rng.standard_normal(30)), np.ones(1))
    found = [fitted(asked, start) for start in (no_units(40, 1), far)]
    assert asked.objective(found[0]) == pytest.approx(asked.objective(found[1]), rel=1e-7)


@pytest.mark.parametrize("loss", SMOOTH)
def test_the_distance_is_a_bound(loss):
    asked = problem(loss, (60, 40), 0.05, free=False)
    best = asked.objective(fitted(asked, no_units(40)))
    rng = np.random.default_rng(1)
    for size in (1e-3, 0.1, 1.0):
        start = Units(size * np.eye(40), np.sign(rng.standard_normal(40)))
        working = WorkingSet(asked, start)
        slope = asked.family.X.T @ working.here.v
        assert working.here.value == pytest.approx(asked.objective(start), rel=1e-12)
        assert working.here.value - working.distance(slope, slope) <= best * (1.0 + 1e-9)


@pytest.mark.parametrize("loss", SMOOTH)
def test_the_parabola_of_a_residual_lies_above_its_loss(loss):
    asked = problem(loss, (60, 5), 0.05)
    f = np.random.default_rng(2).standard_normal(60)
    D, v = bend(asked, f), asked.loss.gradient(f, asked.y)
    assert (D > 0.0).all()
    for step in () if asked.loss.labels else np.linspace(-3.0, 3.0, 13):
        above = asked.loss.terms(f, asked.y) + v * step + 0.5 * D * step**2
        assert (asked.loss.terms(f + step, asked.y) <= above + 1e-12).all()


def test_what_is_over_in_time_is_no_worse_than_the_start():
    asked = problem("logistic", (60, 40), 0.05)
    start = no_units(40, 1)
    assert asked.objective(fit_working_set(asked, start, GAP, -np.inf)[0]) == asked.objective(start)
