"""Proximal steps for losses with kinks: envelopes about a centre, what they cost, the optimum."""

import cvxpy as cp
import numpy as np
import pytest
from families import make_family
from hypothesis import given, settings
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.losses import Weighted, get_loss
from cvxnet.training import plans
from cvxnet.training.problem import Problem, Units
from cvxnet.training.proximal import COST, proximal_loss
from cvxnet.training.sizes import fit_sizes
from cvxnet.training.start import open_bracket

LOSSES = st.sampled_from(["hinge", "absolute"])


def samples(seed, n, name, weighted=False):
    """A loss, targets, and a vector in the domain of its conjugate."""
    rng, loss = np.random.default_rng(seed), get_loss(name)
    y = rng.standard_normal(n)
    y = np.where(y > 0.0, 1.0, -1.0) if loss.labels else y
    loss = Weighted(loss, rng.uniform(0.5, 2.0, n)) if weighted else loss
    return loss, y, rng.uniform(*loss.domain(y)), rng


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), LOSSES, st.booleans(), st.floats(1e-3, 3.0))
def test_an_envelope_about_a_centre_lies_below_and_touches_there(seed, name, weighted, mu):
    loss, y, centre, rng = samples(seed, 30, name, weighted)
    smooth = loss.smoothed(mu, centre)
    f, h = y + rng.standard_normal(30), 1e-6
    assert (smooth.terms(f, y) <= loss.terms(f, y) + 1e-12).all()
    v = smooth.gradient(f, y)
    slope = (smooth.terms(f + h, y) - smooth.terms(f - h, y)) / (2.0 * h)
    np.testing.assert_allclose(v, slope, atol=1e-5 + 2.0 * h / mu)
    both = smooth.terms(f, y) + smooth.conjugate_terms(v, y)  # Fenchel, with equality
    np.testing.assert_allclose(both, v * f, atol=1e-9)
    assert (smooth.conjugate_terms(centre, y) == loss.conjugate_terms(centre, y)).all()
    own = loss.conjugate_slope(centre, y)
    np.testing.assert_allclose(smooth.conjugate_slope(centre, y), own, atol=1e-12)
    value = float(smooth.expression(cp.Constant(f), y).value)
    assert value == pytest.approx(smooth.value(f, y), rel=1e-6, abs=1e-9)


def example(seed, name, n=60, free=1):
    loss, y, _, rng = samples(seed, n, name)
    X = np.column_stack([rng.standard_normal((n, 2)), np.ones(n)])
    F = np.column_stack([np.ones(n), X[:, 0]])[:, :free]
    problem = Problem(make_family("relu", X), loss, y, 0.5, F)
    return problem, Units(rng.standard_normal((9, 3)), rng.choice([-1.0, 1.0], 9), np.zeros(free))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), LOSSES, st.integers(0, 2))
def test_steps_cost_no_more_than_they_say_and_never_lower_the_dual_value(seed, name, free):
    """Among fixed columns: the dual vector is allowed, and no worse than one that was before."""
    problem, units = example(seed, name, free=free)
    bracket, values = open_bracket(problem), list[float]()
    directions = units.weights / problem.family.sizes(units.weights)[:, None]
    H = problem.family.features(directions) * units.outputs
    for _ in range(12):
        if bracket.gap <= 1e-6:
            break
        loss = proximal_loss(bracket, units)
        fitted = fit_sizes(problem, units, np.zeros(len(units)), loss)
        f, y = problem.fit(fitted), problem.y
        v = loss.gradient(f, y)
        assert (H.T @ v >= -problem.weight_decay * (1.0 + 1e-4)).all()
        assert np.abs(problem.F.T @ v).max(initial=0.0) <= 1e-4 * len(y)
        between = problem.loss.value(f, y) + problem.loss.conjugate(v, y) - v @ f
        assert -1e-9 <= between <= 2.0 * loss.mu * np.abs(v - bracket.dual).sum() + 1e-9
        values.append(-problem.loss.conjugate(v, y))
        bracket.dual, bracket.lower = v, values[-1]
        bracket.upper = min(bracket.upper, problem.objective(fitted))
    assert (np.diff(values) >= -1e-4 * abs(values[-1])).all()
    # Of the master of these columns, not of all units: the bracket closes on its optimum.
    assert bracket.upper >= bracket.lower * (1.0 - 1e-4)


def test_mu_is_a_part_of_the_bracket_and_a_smooth_loss_stands_for_itself():
    problem, units = example(0, "absolute")
    bracket = open_bracket(problem)
    bracket.lower = bracket.upper * (1.0 - 1e-6)
    width = bracket.upper - bracket.lower
    assert proximal_loss(bracket, units).mu * (1 + len(units) + 1) == pytest.approx(COST * width)
    smooth = Problem(problem.family, get_loss("squared"), problem.y, 0.5, problem.F)
    assert proximal_loss(open_bracket(smooth), units) is smooth.loss


@pytest.mark.parametrize("loss", ["hinge", "absolute"])
@pytest.mark.parametrize("options", [{}, {"output_bias": True, "sample_weight": True}])
def test_training_ends_where_masters_of_cells_end(loss, options, monkeypatch):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((70, 2))
    y = np.sin(2.0 * X[:, 0]) + 0.3 * rng.standard_normal(70)
    if loss == "hinge":
        y = np.where(y > 0.0, 1.0, -1.0)
    if "sample_weight" in options:
        options = options | {"sample_weight": rng.uniform(0.5, 2.0, 70)}
    form = {"output_bias": options.get("output_bias", False)}
    decay = 0.05 * cn.largest_weight_decay("relu", X, y, loss=loss, **form)
    options = options | {"loss": loss, "weight_decay": decay, "gap": 1e-5}
    solution = cn.train("relu", X, y, **options)
    assert solution.status == "optimal" and cn.check(solution.certificate, rounded=True)
    monkeypatch.setattr(plans, "fit_columns", plans.slide_and_solve)
    monkeypatch.setattr(plans, "start_from_part", plans.start_from_local_search)
    cells = cn.train("relu", X, y, **options)
    assert cells.status == "optimal" and solution.value == pytest.approx(cells.value, rel=2e-5)
