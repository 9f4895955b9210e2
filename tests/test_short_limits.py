"""What training returns where the time limit is over almost at once."""

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.training import column_generation
from cvxnet.training.column_generation import Search


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge", "absolute"])
@pytest.mark.parametrize("units", ["relu", "threshold", "sign"])
def test_what_pricing_has_found_becomes_a_network(monkeypatch, units, loss):
    """The time is over after the first pricing, before any unit has a size."""
    monkeypatch.setattr(Search, "is_over", lambda search: True)
    monkeypatch.setattr(column_generation, "now", lambda: np.inf)
    monkeypatch.setattr(Search, "price", priced_in_spite_of_the_clock(Search.price))
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 2))
    y = np.sign(X[:, 0] + X[:, 1]) if loss in ("logistic", "hinge") else X[:, 0]
    solution = cn.train(units, X, y, loss=loss, weight_decay=0.1)
    empty = cn.train(units, X, y, loss=loss, weight_decay=1e3)
    assert len(solution.network[0].weight) > 0 and solution.value < empty.value


def priced_in_spite_of_the_clock(price):
    """The method with a deadline that never comes."""
    return lambda search, units, v, deadline=None: price(search, units, v, np.inf)
