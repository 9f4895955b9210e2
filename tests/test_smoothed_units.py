"""Kinks rounded off, and the wide start that needs it: right gradients, no worse networks."""

import numpy as np
import pytest
from claimed import objective_with
from families import make_family

import cvxnet as cn
from cvxnet.training import local_search
from cvxnet.training.clock import now
from cvxnet.training.local_search import start_wide
from cvxnet.training.recovery import problem_of
from cvxnet.training.scaling import rescale
from cvxnet.training.sliding import slide, smoothed
from cvxnet.training.start import open_bracket

FAMILIES = [("relu", {}), ("leaky_relu", {"slope": 0.2}), ("abs", {})]


@pytest.mark.parametrize(("name", "options"), FAMILIES)
def test_smoothed_features_tend_to_the_features_and_have_their_gradient(name, options):
    rng = np.random.default_rng(0)
    X, W, v = rng.standard_normal((9, 4)), rng.standard_normal((3, 4)), rng.standard_normal(9)
    family = make_family(name, X, **options)
    W = family.coordinates(W)
    for width in (1e-1, 1e-3, 1e-6):
        sizes = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(W, axis=1)
        error = np.abs(smoothed(family, width).features(W) - family.features(W))
        assert (error <= width * sizes * (1.0 + 1e-9)).all()
    units, h = smoothed(family, 0.1), 1e-6
    assert units.features(3.0 * W) == pytest.approx(3.0 * units.features(W))
    gradient = units.pull_back(W, v)
    for direction in rng.standard_normal((4, *W.shape)):
        up, down = (v @ units.features(W + s * h * direction) for s in (1.0, -1.0))
        assert (up - down) / (2.0 * h) == pytest.approx(
            (gradient * direction).sum(axis=1), rel=1e-6
        )


def offer_all(bracket):
    """All networks of the wide start."""
    for network in start_wide(bracket.problem, bracket.units.free, np.inf):
        bracket.offer_units(network)


@pytest.mark.parametrize("loss", ["squared", "logistic", "absolute"])
def test_wide_start_comes_near_what_any_width_reaches(loss, monkeypatch):
    monkeypatch.setattr(local_search, "UNITS", (30, 30))
    rng = np.random.default_rng(1)
    X = rng.standard_normal((50, 7))
    y = np.maximum(X[:, 0], 0.0) - np.abs(X[:, 1] + X[:, 2]) + 0.1 * rng.standard_normal(50)
    y = y if loss != "logistic" else np.sign(y - np.median(y) + 1e-9)
    decay = 0.1 * cn.largest_weight_decay("relu", X, y, loss=loss)
    problem, scale = rescale(problem_of(objective_with("relu", X, y, loss, decay)))
    bracket = open_bracket(problem)
    empty = bracket.upper
    offer_all(bracket)
    best = cn.train("relu", X, y, loss=loss, weight_decay=decay, gap=0.5)
    assert bracket.upper < 0.7 * empty
    assert best.value <= bracket.upper * scale.value <= 1.02 * best.value


def test_wide_start_leaves_units_alone_that_cannot_slide():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((20, 2)), rng.standard_normal(20)
    for units in ("sign", "coordinate"):
        problem = rescale(problem_of(objective_with(units, X, y, "squared", 0.5)))[0]
        assert not list(start_wide(problem, np.zeros(0), np.inf))


def test_wide_start_ends_at_a_deadline_in_the_past():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((20, 2)), rng.standard_normal(20)
    problem = rescale(problem_of(objective_with("relu", X, y, "squared", 0.5)))[0]
    assert not list(start_wide(problem, np.zeros(0), now() - 1.0))


@pytest.mark.parametrize("units", ["relu", "squared_relu", "tanh"])
def test_of_many_samples_a_part_has_nearly_the_network_of_all(units, monkeypatch):
    """The part's network is the first to come, and the best of all is hardly better."""
    monkeypatch.setattr(local_search, "MANY", 150)
    monkeypatch.setattr(local_search, "PART", 100)
    monkeypatch.setattr(local_search, "UNITS", (20, 20))
    rng = np.random.default_rng(4)
    X = rng.standard_normal((300, 3)) @ np.array([[1.0, 0.0, 1.0, 2.0], [0, 1, 1, 0], [1, 0, 0, 1]])
    y = np.abs(X[:, 0]) + 0.1 * rng.standard_normal(300)
    problem = rescale(problem_of(objective_with(units, X, y, "squared", 2.5)))[0]
    bracket = open_bracket(problem)
    values = [problem.objective(network) for network in start_wide(problem, np.zeros(0), np.inf)]
    assert min(values) <= values[0] <= min(values) + 0.1 * (bracket.upper - min(values))


@pytest.mark.parametrize(
    "units, loss", [("relu", "absolute"), ("squared_relu", "squared"), ("tanh", "squared")]
)
def test_the_mean_of_networks_comes_last_and_leads_further(units, loss, monkeypatch):
    """It is no worse than they are on average, and predicts their mean."""
    monkeypatch.setattr(local_search, "UNITS", (10, 10))
    rng = np.random.default_rng(5)
    X = rng.standard_normal((60, 4))
    y = np.sin(2.0 * X[:, 0]) + X[:, 1] * X[:, 2]
    problem = rescale(problem_of(objective_with(units, X, y, loss, 0.5)))[0]
    one = list(start_wide(problem, np.zeros(0), np.inf, starts=1))
    found = list(start_wide(problem, np.zeros(0), np.inf))
    assert problem.objective(found[-1]) < min(map(problem.objective, one))
    parts = one[-1], found[len(one)]
    mean = local_search.mean_of(list(parts))
    fits, values = map(problem.fit, parts), list(map(problem.objective, parts))
    np.testing.assert_allclose(problem.fit(mean), np.mean(list(fits), axis=0), atol=1e-12)
    assert problem.objective(mean) <= np.mean(values) * (1.0 + 1e-12)


def test_sliding_on_rounded_kinks_ends_below_sliding_on_kinks(monkeypatch):
    monkeypatch.setattr(local_search, "UNITS", (25,))
    rng = np.random.default_rng(3)
    X = rng.standard_normal((50, 8))
    y = np.sin(2.0 * X[:, 0]) + X[:, 1] * X[:, 2]
    decay = 0.05 * cn.largest_weight_decay("relu", X, y)
    problem = rescale(problem_of(objective_with("relu", X, y, "squared", decay)))[0]
    bracket = open_bracket(problem)
    offer_all(bracket)
    rows = rng.standard_normal((50, problem.family.rank))
    rows *= 0.1 * problem.scale / (decay * np.linalg.norm(rows, axis=1).sum())
    units = type(bracket.units)(rows, np.where(np.arange(50) % 2 == 0, 1.0, -1.0))
    assert bracket.upper < problem.objective(slide(problem, units, 1500, 1e-9))


def random_problem(loss, rank=9, units="relu"):
    """Thirty samples, a smooth loss."""
    rng = np.random.default_rng(6)
    X = rng.standard_normal((30, rank))
    y = np.abs(X[:, 0]) - np.maximum(X[:, 1] + X[:, 2], 0.0) + 0.1 * rng.standard_normal(30)
    y = np.sign(y - np.median(y) + 1e-9) if loss == "logistic" else y
    decay = 0.1 * cn.largest_weight_decay(units, X, y, loss=loss)
    return rescale(problem_of(objective_with(units, X, y, loss, decay)))[0]


def random_networks(problem, count=3):
    """Networks that slid a little from random units."""
    rng, free = np.random.default_rng(7), open_bracket(problem).units.free
    starts = [local_search.random_units(problem, 10, free, rng) for _ in range(count)]
    return [slide(problem, units, 20) for units in starts]


@pytest.mark.parametrize("units", ["relu", "abs"])
@pytest.mark.parametrize("loss", ["squared", "logistic", "huber"])
def test_networks_that_grow_are_never_worse_than_those_given(units, loss):
    """Nor than their mean, nor than the one before; in the end no unit is worth adding."""
    problem = random_problem(loss, units=units)
    networks = random_networks(problem)
    parts = [*networks, local_search.mean_of(networks)]
    least = min(map(problem.objective, parts))
    found = list(local_search.grow(problem, networks, np.inf))
    values = np.array(list(map(problem.objective, found)))
    assert values[0] <= least * (1.0 + 1e-12)
    assert (np.diff(values) <= 0.0).all()
    v, rank = problem.dual_vector(found[-1]), problem.family.rank
    rows = np.random.default_rng(0).standard_normal((5000, rank))
    heights = np.abs(v @ problem.family.features(rows / problem.family.sizes(rows)[:, None]))
    assert heights.max() <= problem.weight_decay * 1.01


def test_networks_that_grow_are_the_same_each_time():
    problem = random_problem("squared")
    networks = random_networks(problem)
    one, other = (list(local_search.grow(problem, networks, np.inf)) for _ in range(2))
    for here, there in zip(one, other, strict=True):
        np.testing.assert_array_equal(here.weights, there.weights)
        np.testing.assert_array_equal(here.outputs, there.outputs)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_networks_grow_to_the_optimum_where_it_is_known(loss):
    """Exact pricing proves it in three dimensions."""
    problem = random_problem(loss, rank=3)
    *_, best = local_search.grow(problem, random_networks(problem), np.inf)
    decay = problem.weight_decay
    rho = problem.family.price(problem.dual_vector(best), 0.999 * decay).rho
    assert rho <= decay * (1.0 + 1e-4)


def test_all_starts_together_are_no_worse_than_the_first(monkeypatch):
    monkeypatch.setattr(local_search, "UNITS", (20, 20))
    problem = random_problem("squared")
    one = list(start_wide(problem, np.zeros(0), np.inf, starts=1))
    found = list(start_wide(problem, np.zeros(0), np.inf))
    values = list(map(problem.objective, found))
    assert problem.objective(found[-1]) == min(values) < min(map(problem.objective, one))
