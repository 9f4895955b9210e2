"""Whoever listens to training is told the truth after each round."""

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.training.progress import Round


def sine(n=30):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1.0, 1.0, (n, 1))
    return X, np.sin(4.0 * X[:, 0])


@pytest.mark.parametrize("repeated", [False, True], ids=["different samples", "repeated"])
def test_rounds_are_what_training_knew(repeated):
    X, y = sine()
    if repeated:
        X, y = np.vstack([X, X]), np.hstack([y, y])
    beta, rounds = 0.1, []
    solution = cn.train("relu", X, y, weight_decay=beta, progress=rounds.append)
    assert [(r.seconds, r.lower, r.upper, r.units) for r in rounds] == solution.stats["history"]
    for r in rounds:
        f = r.network(X)[:, 0]
        weights = r.network.state_dict().values()
        value = 0.5 * ((f - y) ** 2).sum() + beta / 2 * sum((w**2).sum() for w in weights)
        assert value == pytest.approx(r.upper, rel=1e-9)
        assert r.dual.shape == y.shape
        assert r.lower <= solution.value
    assert rounds[-1].dual == pytest.approx(rounds[-1].network(X)[:, 0] - y, abs=1e-4)
    uppers = [r.upper for r in rounds]
    assert uppers == sorted(uppers, reverse=True)
    assert isinstance(rounds[0], Round) and "optimum" in repr(rounds[0])


def test_classes_have_a_dual_vector_each():
    X, y = sine()
    rounds = []
    cn.train(
        "relu",
        X,
        np.digitize(y, [-0.5, 0.5]),
        loss="cross_entropy",
        weight_decay=1.0,
        gap=0.01,
        progress=rounds.append,
    )
    assert rounds[-1].dual.shape == (30, 3) and rounds[-1].network(X).shape == (30, 3)


def test_an_exception_of_the_listener_ends_training():
    class EnoughError(Exception):
        pass

    def refuse(state):
        raise EnoughError

    with pytest.raises(EnoughError):
        cn.train("relu", *sine(), weight_decay=0.1, progress=refuse)


def test_something_else_is_refused():
    with pytest.raises(cn.InputError, match="progress must be"):
        cn.train("relu", *sine(), weight_decay=0.1, progress="yes")
