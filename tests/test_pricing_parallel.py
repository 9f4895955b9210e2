"""Pricing on threads and on processes: the same as one cone after the other, to the last bit."""

import pickle

import joblib
import numpy as np
import pytest

from cvxnet.training.clock import now
from cvxnet.training.geometry.arrangement import arrange
from cvxnet.training.pricing import subdivision
from cvxnet.training.pricing.subdivision import Budget, subdivide

rng = np.random.default_rng(0)
NORMALS = arrange(rng.standard_normal((150, 4))).normals
PLUS, MINUS = rng.standard_normal((2, 150))


def price(budget=None):
    """Everything that one pricing finds, as bytes."""
    found = subdivide(NORMALS, PLUS, MINUS, budget=budget)
    assert len(found.values) > 1
    return [np.asarray(part).tobytes() for part in found[:-1]]


def test_threads_and_processes_find_the_same_bits(monkeypatch):
    monkeypatch.setattr(subdivision, "IN_PARALLEL", np.inf)
    serial = price()
    monkeypatch.setattr(subdivision, "IN_PARALLEL", 0.0)
    monkeypatch.setattr(subdivision, "WORTH_SENDING", 0.0)
    assert price() == serial
    with joblib.parallel_config("loky", n_jobs=2):
        assert price() == serial


def test_small_searches_stay_with_the_threads(monkeypatch):
    """Where processes are asked for, too: sending would take longer than searching."""
    searched, search = [], subdivision.search_cone
    monkeypatch.setattr(subdivision, "IN_PARALLEL", 0.0)
    monkeypatch.setattr(subdivision, "WORTH_SENDING", np.inf)
    monkeypatch.setattr(subdivision, "search_cone", lambda *a: searched.append(a) or search(*a))
    with joblib.parallel_config("loky", n_jobs=2):
        price()
    assert len(searched) == 2 * 2**4


@pytest.mark.parametrize("work", [1e3, 1e5, 1e12])
def test_what_work_allows_does_not_depend_on_the_workers(work, monkeypatch):
    ends = []
    for least in (0.0, np.inf):
        monkeypatch.setattr(subdivision, "IN_PARALLEL", least)
        budget = Budget(work=work)
        found = subdivide(NORMALS, PLUS, MINUS, budget=budget)
        ends.append((found.error, found.values.tobytes(), budget.work))
    assert ends[0] == ends[1]


def test_a_budget_is_sent_as_the_time_that_is_left():
    sent = pickle.loads(pickle.dumps(Budget(now() + 100.0, 7.0)))
    assert sent.work == 7.0
    assert 90.0 < sent.deadline - now() <= 100.0
    assert pickle.loads(pickle.dumps(Budget())).deadline == np.inf
