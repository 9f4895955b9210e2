"""The attack on lower bounds finds nothing below a true one, and finds out a false one."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cvxnet as cn

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def falsify():
    path = Path(__file__).parents[1] / "experiments" / "falsify.py"
    spec = importlib.util.spec_from_file_location("falsify_experiment", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def five_points():
    X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    return cn.train("relu", X, y, weight_decay=0.1).certificate


def test_nothing_is_below_a_true_bound(falsify, five_points):
    finding = falsify.attack(five_points, seeds=2, evaluations=200, steps=20)
    assert set(finding.smallest) == set(falsify.ALL) and finding.starts == 9
    assert not falsify.beaten(five_points, finding)
    assert five_points.lower <= finding.best <= five_points.lower * (1 + 1e-6)


def test_a_bound_raised_by_one_percent_is_found_out_from_random_weights(falsify, five_points):
    raised = replace(five_points, lower=five_points.lower * 1.01)
    assert not cn.check(raised.to_dict()).valid
    finding = falsify.attack(raised, kinds=("random",), seeds=4, evaluations=500)
    assert falsify.beaten(raised, finding)


@pytest.mark.parametrize("units", ["relu", "leaky_relu", "abs", "squared_relu", "quadratic"])
@pytest.mark.parametrize("loss", ["squared", "huber", "logistic", "squared_hinge"])
def test_the_objective_written_anew_is_the_exact_one(falsify, units, loss):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(12, 2)), rng.choice([-1.0, 1.0], size=12)
    case = falsify.Case("tiny", X, y, units, loss, 0.1, {"output_bias": units == "relu"})
    target = falsify.Target(case.train(5.0).certificate)
    weights = falsify.torch.tensor
    ours = target.objective(*map(weights, target.network()))
    assert float(ours) == pytest.approx(target.certificate.upper, rel=1e-9)
    assert target.exact(target.network()) == pytest.approx(target.certificate.upper, rel=1e-9)
    other = target.random(4, 1.0, rng)  # balanced or not, the penalty is never understated
    assert target.exact(other) <= float(target.objective(*map(weights, other))) * (1 + 1e-12)
