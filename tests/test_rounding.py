"""Kinks rounded off, and the wide start that needs it: right gradients, no worse networks."""

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.training.opening import open_bracket, start_wide
from cvxnet.training.scaling import rescale
from cvxnet.training.setup import set_up
from cvxnet.training.sliding import slide
from cvxnet.training.units import make_family

FAMILIES = [("relu", {}), ("leaky_relu", {"slope": 0.2}), ("abs", {})]


@pytest.mark.parametrize(("name", "options"), FAMILIES)
def test_rounded_features_tend_to_the_features_and_have_their_gradient(name, options):
    rng = np.random.default_rng(0)
    X, W, v = rng.standard_normal((9, 4)), rng.standard_normal((3, 4)), rng.standard_normal(9)
    family = make_family(name, X, **options)
    W = family.coordinates(W)
    for width in (1e-1, 1e-3, 1e-6):
        sizes = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(W, axis=1)
        error = np.abs(family.rounded(width).features(W) - family.features(W))
        assert (error <= width * sizes * (1.0 + 1e-9)).all()
    units, h = family.rounded(0.1), 1e-6
    assert units.features(3.0 * W) == pytest.approx(3.0 * units.features(W))
    gradient = units.pull_back(W, v)
    for direction in rng.standard_normal((4, *W.shape)):
        up, down = (v @ units.features(W + s * h * direction) for s in (1.0, -1.0))
        assert (up - down) / (2.0 * h) == pytest.approx(
            (gradient * direction).sum(axis=1), rel=1e-6
        )


@pytest.mark.parametrize("loss", ["squared", "logistic", "absolute"])
def test_wide_start_comes_near_what_any_width_reaches(loss):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((90, 9))
    y = np.maximum(X[:, 0], 0.0) - np.abs(X[:, 1] + X[:, 2]) + 0.1 * rng.standard_normal(90)
    y = y if loss != "logistic" else np.sign(y - np.median(y) + 1e-9)
    decay = 0.1 * cn.largest_weight_decay("relu", X, y, loss=loss)
    problem, scale = rescale(set_up("relu", X, y, loss, decay).problem)
    assert not problem.family.exact
    bracket = open_bracket(problem)
    empty = bracket.upper
    start_wide(bracket, np.inf)
    best = cn.train("relu", X, y, loss=loss, weight_decay=decay, gap=0.5)
    assert bracket.upper < 0.7 * empty
    assert best.value <= bracket.upper * scale.value <= 1.02 * best.value


def test_wide_start_leaves_exact_families_alone():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((20, 2)), rng.standard_normal(20)
    bracket = open_bracket(rescale(set_up("relu", X, y, "squared", 0.5).problem)[0])
    start_wide(bracket, np.inf)
    assert len(bracket.units) == 0


def test_sliding_on_rounded_kinks_ends_below_sliding_on_kinks():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((150, 12))
    y = np.sin(2.0 * X[:, 0]) + X[:, 1] * X[:, 2]
    decay = 0.05 * cn.largest_weight_decay("relu", X, y)
    problem = rescale(set_up("relu", X, y, "squared", decay).problem)[0]
    bracket = open_bracket(problem)
    start_wide(bracket, np.inf)
    rows = rng.standard_normal((100, problem.family.rank))
    rows *= 0.1 * problem.scale / (decay * np.linalg.norm(rows, axis=1).sum())
    units = type(bracket.units)(rows, np.where(np.arange(100) % 2 == 0, 1.0, -1.0))
    assert bracket.upper < problem.objective(slide(problem, units, 2500, 1e-9))
