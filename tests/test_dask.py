"""What users run many times, on a local Dask cluster of two processes, one of which is killed."""

import os
import pickle
from contextlib import contextmanager

import joblib
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.baselines import tasks
from cvxnet.training.pricing import subdivision

pytest.importorskip("distributed")
selection = pytest.importorskip("sklearn.model_selection")

from experiments.cluster import a_worker_killed, local_cluster  # noqa: E402

pytestmark = pytest.mark.failure

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((12, 2)), rng.standard_normal(12)
WAVES = np.sin(2 * X[:, 0]) * np.cos(2 * X[:, 1])
DECAYS = (0.3, 0.2, 0.1, 0.05, 0.02, 0.01)
RUNS = {"weight_decay": 0.1, "optimizers": ("adam", "lbfgs"), "widths": (3, 4), "seeds": 4}
RUNS |= {"epochs": 300, "rates": {"adam": (0.02, 0.1)}, "width_seconds": 0}


@pytest.fixture
def client(forked_workers):
    """A cluster for each test: what Dask does after the death of a worker is not ours to test."""
    with local_cluster() as client:
        yield client


def solve(weight_decay):
    """One training."""
    return cn.train("relu", X, WAVES, weight_decay=weight_decay)


@contextmanager
def a_worker_dies(client):
    """Both have loaded all kernels before; work goes to them."""
    client.run(solve, 0.1)
    assert len({os.getpid(), *client.run(os.getpid).values()}) == 3
    with a_worker_killed(client), joblib.parallel_config("dask"):
        yield


def each(function, values):
    """One after the other, or wherever joblib is told."""
    return joblib.Parallel()(joblib.delayed(function)(value) for value in values)


def same(there, here):
    """Networks, brackets and proofs, to the last bit."""
    documents = [[one.certificate.to_dict() for one in many] for many in (there, here)]
    return documents[0] == documents[1] and len(there) == len(here)


def optima(k):
    """The optimum of each width, on other targets for each k."""
    return cn.widths("relu", X[:6, :1], WAVES[k : k + 6], weight_decay=0.1, gap=1e-3, up_to=2)


def test_weight_decays_and_widths(client):
    with a_worker_dies(client):
        there = each(solve, DECAYS), each(optima, range(3))
    here = each(solve, DECAYS), each(optima, range(3))
    assert same(there[0], here[0]) and all(one.status == "optimal" for one in here[0])
    for one, other in zip(there[1], here[1], strict=True):
        assert same(one.solutions, other.solutions) and one.values == other.values


def test_folds_and_a_grid_and_folds_of_a_path(client):
    """The worker dies during the first of them: all are scikit-learn's folds."""
    model = cn.ConvexNetRegressor(gap=1e-6, time_limit=None)
    paths = cn.ConvexNetRegressorCV(path_gap=0.1, smallest=0.1, cv=3, gap=1e-3, time_limit=None)
    search = selection.GridSearchCV(model, {"weight_decay": DECAYS[:3]}, cv=3)
    with a_worker_dies(client):
        there = search.fit(X, WAVES)
        folds = selection.cross_validate(
            model.set_params(weight_decay=0.1), X, WAVES, cv=3, return_estimator=True
        )
        path = pickle.loads(pickle.dumps(paths)).fit(X, WAVES)
    scores = {name: found for name, found in there.cv_results_.items() if name.endswith("_score")}
    best = there.best_estimator_
    here = search.fit(X, WAVES)
    serial = selection.cross_validate(model, X, WAVES, cv=3, return_estimator=True)
    for name, found in scores.items():
        np.testing.assert_array_equal(found, here.cv_results_[name])
    assert best.certificate_.to_dict() == here.best_estimator_.certificate_.to_dict()
    for one, other in zip(folds["estimator"], serial["estimator"], strict=True):
        assert one.certificate_.to_dict() == other.certificate_.to_dict()
    same_path = paths.fit(X, WAVES)
    np.testing.assert_array_equal(path.scores_, same_path.scores_)
    assert path.weight_decay_ == same_path.weight_decay_
    assert path.certificate_.to_dict() == same_path.certificate_.to_dict()


def test_cones_of_one_pricing(client, monkeypatch):
    """They go to processes from more samples on than a test has time for."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((2000, 2))
    y = np.sin(2 * X[:, 0]) * np.cos(2 * X[:, 1]) + 0.1 * rng.standard_normal(2000)
    here = cn.largest_weight_decay("relu", X, y)
    monkeypatch.setattr(subdivision, "WORTH_SENDING", 0.0)
    with a_worker_dies(client):
        assert cn.largest_weight_decay("relu", X, y) == here


def test_seeds_and_widths_of_compare(client, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(tasks, "SEEDS_TOGETHER", 2)
    with a_worker_dies(client):
        parallel = cn.compare("relu", X, Y, **RUNS, store=tmp_path)
    assert not parallel.interrupted and len(list(tmp_path.glob("*.npz"))) == 2 * (1 + 4)
    serial = cn.compare("relu", X, Y, **RUNS)
    assert len(parallel.records) == len(serial.records) == 8
    for there, here in zip(parallel.records, serial.records, strict=True):
        for name in ("optimizer", "seeds", "rates"):
            assert getattr(there, name) == getattr(here, name)
        assert (there.objective == here.objective).all() and (there.W == here.W).all()
