"""Networks and problems of several outputs: weights, units and scales lead there and back."""

import numpy as np
import pytest
from claimed import objective_with
from scipy.optimize import minimize

from cvxnet.objective import FAMILIES, Family, Form, Weights, network_of, read_network
from cvxnet.training.problem import Units
from cvxnet.training.recovery import problem_of, units_of, weights_of
from cvxnet.training.scaling import merge_equal_samples, rescale
from cvxnet.training.start import fit_free, open_bracket
from cvxnet.training.units import bind

RNG = np.random.default_rng(0)
X = 7.0 * RNG.standard_normal((20, 2)) + [3.0, 0.0]
TARGETS = {
    "squared": 100.0 * RNG.standard_normal((20, 3)) + 1e4,
    "huber": 5.0 * RNG.standard_normal((20, 3)),
    "logistic": RNG.choice([-1.0, 1.0], (20, 3)),
    "cross_entropy": RNG.permutation(list("abca" * 5)),
}
SHARING = [name for name, traits in FAMILIES.items() if traits.outputs]
OPTIONS = {"leaky_relu": {"slope": 0.2}, "gated_relu": {"gates": 3}}
FORMS = [Form(), Form(False), Form(True, True, True)]


def goal_of(name="relu", loss="squared", form=FORMS[2], **options):
    given = {"bias": form.bias, "output_bias": form.output_bias, "skip": form.skip}
    family = Family(name, **OPTIONS.get(name, {}))
    return objective_with(family, X, TARGETS[loss], loss=loss, **given, **options)


def some_units(problem, m=4):
    rng = np.random.default_rng(1)
    outputs = rng.standard_normal((m, 3))
    outputs /= np.linalg.norm(outputs, axis=1)[:, None]
    rows = rng.standard_normal((m, problem.family.rank))
    if problem.family.name == "coordinate":
        rows = np.eye(2)[[0, 1, 0, 1]]
    if problem.family.name == "gated_relu":
        width = problem.family.rank // 3
        rows[:, width:] = 0.0  # units of the first gate
    return Units(rows, outputs, rng.standard_normal((problem.F.shape[1], 3)))


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("name", SHARING)
def test_the_network_has_the_predictions_of_the_units(name, form):
    goal = goal_of(name, form=form)
    problem = problem_of(goal)
    units = some_units(problem)
    weights = weights_of(problem, units, goal.form)
    assert weights.a.shape == (4, 3) and weights.outputs == 3
    said = network_of(goal.units, weights)(goal.X)
    np.testing.assert_allclose(said, problem.fit(units), rtol=1e-9, atol=1e-9)
    again = units_of(problem, weights, goal.form)
    np.testing.assert_allclose(problem.fit(again), problem.fit(units), rtol=1e-9, atol=1e-9)
    assert problem.penalty(again) == pytest.approx(problem.penalty(units))


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("name", ["relu", "linear", "quadratic"])
def test_a_network_taken_apart_is_the_network(name, form):
    rng = np.random.default_rng(0)
    weights = Weights(
        W=rng.standard_normal((4, 2)),
        b=rng.standard_normal(4) if form.bias else None,
        a=rng.standard_normal((4, 3)),
        c=rng.standard_normal(3) if form.output_bias else None,
        s=rng.standard_normal((2, 3)) if form.skip else None,
    )
    family = Family(name).complete(2 + form.bias)
    network = network_of(family, weights)
    two = read_network(network)
    assert (two.family, two.form, two.weights.outputs) == (family, form, 3)
    again = network_of(two.family, two.weights)
    np.testing.assert_array_equal(again(X), network(X))
    hidden = X @ weights.W.T + (0.0 if weights.b is None else weights.b)
    features = {"relu": np.maximum(hidden, 0.0), "linear": hidden, "quadratic": hidden**2}[name]
    expected = features @ weights.a
    if form.output_bias:
        expected = expected + weights.c + X @ weights.s
    np.testing.assert_allclose(network(X), expected, rtol=1e-12, atol=1e-12)


def test_the_empty_network_has_its_outputs():
    goal = goal_of()
    problem = problem_of(goal)
    alone, _ = fit_free(problem)
    network = network_of(goal.units, weights_of(problem, alone, goal.form))
    assert network(X).shape == (20, 3)
    np.testing.assert_allclose(network(X), problem.fit(alone), rtol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", TARGETS)
def test_rescaling_changes_the_units_and_nothing_else(loss, weighted):
    weights = np.linspace(0.5, 2.0, 20) if weighted else None
    problem = problem_of(goal_of(loss=loss, sample_weight=weights))
    rescaled, scale = rescale(problem)
    units = some_units(problem)
    there = scale.redo(units)
    back = scale.undo(there)
    np.testing.assert_allclose(problem.fit(back), problem.fit(units), rtol=1e-9, atol=1e-6)
    assert rescaled.objective(there) * scale.value == pytest.approx(
        problem.objective(units), rel=1e-9
    )
    v = rescaled.dual_vector(fit_free(rescaled)[0])
    value = -rescaled.loss.conjugate(v, rescaled.y) * scale.value
    assert value == pytest.approx(-problem.loss.conjugate(scale.dual * v, problem.y), rel=1e-6)


@pytest.mark.parametrize("loss", TARGETS)
def test_equal_samples_are_one(loss):
    goal = goal_of(loss=loss)
    twice = objective_with(
        goal.units, np.tile(X, (3, 1)), np.tile(goal.y, (3, 1)), loss=loss, bias=False
    )
    problem = problem_of(twice)
    merged = merge_equal_samples(problem)
    assert merged.problem.y.shape == (20, 3)
    units = some_units(merged.problem)
    same = Units(units.weights, units.outputs, units.free)
    assert merged.problem.objective(units) == pytest.approx(problem.objective(same))
    v = merged.problem.dual_vector(units)
    spread = merged.spread(v, problem)
    assert merged.problem.loss.conjugate(v, merged.problem.y) == pytest.approx(
        problem.loss.conjugate(spread, problem.y)
    )


@pytest.mark.parametrize("loss", TARGETS)
def test_free_weights_are_the_best_ones(loss):
    problem = problem_of(goal_of(loss=loss))
    alone, v = fit_free(problem)
    assert problem.ignores_free(v)
    value = problem.loss.value(problem.fit(alone), problem.y)
    assert -problem.loss.conjugate(v, problem.y) == pytest.approx(value, rel=1e-6)

    def loss_of(c):
        f = problem.F @ c.reshape(-1, 3)
        return problem.loss.value(f, problem.y), problem.F.T @ problem.loss.gradient(f, problem.y)

    def slope(c):
        return loss_of(c)[1].ravel()

    found = minimize(lambda c: loss_of(c)[0], np.zeros(9), jac=slope, method="BFGS").fun
    assert value <= found * (1.0 + 1e-9)


@pytest.mark.parametrize("loss", TARGETS)
def test_the_first_bracket_is_true(loss):
    problem = problem_of(goal_of(loss=loss))
    bracket = open_bracket(problem)
    assert bracket.lower <= bracket.upper
    units = some_units(problem, m=1)
    bracket.offer_units(units)
    assert bracket.upper <= problem.objective(units)
    family = bind(Family("relu").complete(3), problem.family.X, "l2")
    rho = float(np.linalg.norm(np.abs(bracket.proposal).T @ np.abs(family.X)))
    bracket.offer_dual(bracket.proposal, rho)  # a crude bound on the length of V^T phi
    assert bracket.lower <= bracket.upper
    assert problem.ignores_free(bracket.dual)
