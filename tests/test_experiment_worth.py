"""What experiments/worth computes itself: its objective, effective units, standard errors."""

import numpy as np
import pytest

import cvxnet as cn
from experiments.worth.comparisons import Paired, corrected_error
from experiments.worth.gradients import Job, Rule, Trained, descend, goal_of
from experiments.worth.methods import optimum_of, predictor_of
from experiments.worth.samples import Data, error_of, loss_of, share_apart, split_of
from experiments.worth.units import effective_units, living_units


def few(outputs):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 2))
    y = np.stack([np.maximum(X[:, 0], 0.0), np.abs(X[:, 1])], axis=1)
    return Data(X, y[:, 0] if outputs == 1 else y)


@pytest.mark.parametrize("outputs", [1, 2])
def test_adam_minimises_the_objective_of_the_optimum(outputs):
    data = few(outputs)
    best = cn.train(
        "relu", data.X, data.y, weight_decay=1.0, output_bias=True, gap=1e-3, time_limit=10.0
    )
    for end in descend(Rule("Adam", 0.05, None, 800), [Job(data, 1.0, k) for k in range(2)], 20):
        assert best.lower_bound <= end.value <= 1.02 * best.value


def test_sgd_draws_batches_for_each_network():
    data = few(1)
    same, other = descend(Rule("SGD", 0.05, 8, 200), [Job(data, 1.0, 0), Job(data, 1.0, 0)], 5)
    assert not np.array_equal(same.W, other.W)
    assert same.value == pytest.approx(other.value, rel=0.1)


def test_a_network_may_have_one_unit():
    (end,) = descend(Rule("Adam", 0.05, None, 3), [Job(few(2), 1.0, 0)], 1)
    assert end.W.shape == (1, 3) and end.a.shape == end.free.shape == (1, 2)


def doubled():
    """One unit in three parts, a dead one, and one that is small."""
    data = few(1)
    W = np.array([[1.0, 0, 0], [2.0, 0, 0], [1.0, 1e-3, 0], [0, 0, -1.0], [1e-3, 1.0, 0]])
    a = np.array([0.4, 0.2, 0.2, 3.0, 1e-3])
    return Trained(goal_of(data, 1.0), W, a, np.zeros(1))


def test_units_that_are_one_count_once():
    end = doubled()
    assert living_units(end) == 4
    assert effective_units(end) == 1


def test_units_that_matter_count():
    data = few(2)
    end = Trained(
        goal_of(data, 0.1), np.eye(2, 3), np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros((1, 2))
    )
    assert effective_units(end) == living_units(end) == 2


def test_the_corrected_error_is_wider():
    differences = np.array([0.0, 1.0, 2.0, 3.0])
    plain = Paired(differences).plain
    assert corrected_error(differences) == pytest.approx(plain * np.sqrt(1 + 0.5 * 4))
    assert Paired(np.array([1.0, 1.1, 0.9, 1.0])).clear == 1
    assert Paired(differences - 1.5).clear == 0


@pytest.mark.parametrize("name", ["iris 2", "digits", "linnerud"])
def test_splits_keep_test_and_training_apart(name):
    split = split_of(name, 3)
    n = len(split.train.X)
    assert len(split.fit.X) + len(split.held.X) == n
    assert 0.4 < len(split.test.X) / n < 0.6
    assert np.allclose(split.train.X.mean(axis=0), 0.0)
    assert not {row.tobytes() for row in split.fit.X} & {row.tobytes() for row in split.test.X} or (
        name == "iris 2"
    )
    again = split_of(name, 3)
    assert np.array_equal(split.test.X, again.test.X)


def test_predictors_say_chances():
    split = split_of("iris 2", 0)
    model = optimum_of(split.train, 1.0, 5.0)
    said = predictor_of(model.network_, split.train)(split.test.X)
    assert np.allclose(np.exp(said).sum(axis=1), 1.0)
    assert error_of(said, split.test) == pytest.approx(
        1.0 - model.score(split.test.X, split.test.y)
    )
    assert np.isfinite(loss_of(said, split.test))
    assert share_apart(said, said, classes=True) == 0.0
