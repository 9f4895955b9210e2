"""Without a time limit results are a function of the data: the clock has no say in them."""

import time
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from families import make_family
from numba.core.compiler_lock import global_compiler_lock

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.training import certificates, first_networks
from cvxnet.training.certificates import checking_seconds
from cvxnet.training.pricing import subdivision
from cvxnet.training.problem import Problem, Units
from cvxnet.training.sizes import fit_sizes


def waves(n, d, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, np.sin(2.0 * X[:, 0]) + 0.3 * rng.standard_normal(n)


def classes(n, d):
    X, y = waves(n, d)
    return X, np.sign(y)


def outputs(n):
    X, y = waves(n, 1)
    return X, np.column_stack([y, y**2])


PROBLEMS = {
    "one feature": ("relu", *waves(60, 1), {}),
    "two features": ("relu", *waves(60, 2), {"output_bias": True}),
    "many units": ("relu", *waves(30, 2), {"weight_decay": 1e-2, "gap": 1e-3}),
    "large": ("relu", *waves(1001, 2), {"weight_decay": 50.0, "gap": 1e-2}),
    "classes": ("abs", *classes(100, 2), {"loss": "logistic"}),
    "kinks": ("relu", *waves(40, 2), {"loss": "absolute"}),
    "rank 4": ("relu", *waves(50, 3), {"weight_decay": 1.0}),
    "norm l1": ("relu", *waves(40, 2), {"norm": "l1"}),
    "outputs": ("relu", *outputs(12), {}),
    "steps": ("threshold", *waves(40, 2), {}),
    "tanh": ("tanh", *waves(20, 1), {"gap": 1e-2}),
    "columns": ("coordinate", *waves(60, 20), {"weight_decay": 2.0}),
}


@pytest.fixture(params=[0.01, 100.0], ids=["slow clock", "fast clock"])
def another_clock(request, monkeypatch):
    """Switches on a clock that runs at another speed, as those of other machines seem to do.

    The checker, whose clock it is, too, may then have no time for a certificate that holds.
    """
    true = time.monotonic

    def switch():
        monkeypatch.setattr(time, "monotonic", lambda: request.param * true())

    return switch


@cache
def trained(name):
    units, X, y, options = PROBLEMS[name]
    return cn.train(units, X, y, **{"weight_decay": 0.1} | options)


@pytest.mark.parametrize("name", PROBLEMS)
def test_networks_and_proofs_do_not_depend_on_the_clock(name, another_clock):
    first = trained(name)
    another_clock()
    second = trained.__wrapped__(name)
    assert second.certificate == first.certificate
    assert second.status == first.status and second.stats["priced"] == first.stats["priced"]
    assert len(second.stats["history"]) == len(first.stats["history"])


@pytest.mark.parametrize("name", ["two features", "rank 4", "steps", "outputs"])
def test_nor_does_the_largest_weight_decay(name, another_clock):
    units, X, y, _ = PROBLEMS[name]
    first = cn.largest_weight_decay(units, X, y)
    another_clock()
    assert cn.largest_weight_decay(units, X, y) == first


def test_nor_does_the_choice_of_cross_validation(another_clock):
    """The last certificate may, where the checker had no time to ask for a shorter dual vector."""
    pytest.importorskip("sklearn")
    X, y = waves(24, 2)
    model = cn.ConvexNetRegressorCV("relu", path_gap=0.1, smallest=0.1, cv=2, time_limit=None)
    model.fit(X, y)
    first = vars(model).copy()
    another_clock()
    model.fit(X, y)
    assert model.weight_decay_ == first["weight_decay_"]
    assert np.array_equal(model.scores_, first["scores_"])
    assert np.array_equal(model.predict(X), np.asarray(first["network_"](X))[:, 0])


def test_rows_are_counted_with_a_limit_and_without():
    """Also where the search ends within its portion, and in each cone by itself."""
    rng = np.random.default_rng(0)
    normals = rng.standard_normal((40, 3))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    plus, minus = rng.standard_normal((2, 40))
    whole = subdivision.subdivide(normals, plus, minus)
    budget = subdivision.Budget(work=1e9)
    limited = subdivision.subdivide(normals, plus, minus, budget=budget)
    assert whole.work == limited.work == 1e9 - budget.work > 40
    cut = subdivision.subdivide(normals, plus, minus, budget=subdivision.Budget(work=40))
    assert cut.error == np.inf and cut.work < whole.work


def test_a_check_may_take_what_is_counted():
    """More for more samples and more rows, within bounds; at the bound where there is evidence."""
    sizes = [checking_seconds(n, priced) for n, priced in ((10, 0), (10**4, 0), (10**4, 1e8))]
    assert sizes == sorted(sizes) and sizes[0] == certificates.AT_LEAST
    assert checking_seconds(10, 1e12) == certificates.AT_MOST
    assert checking_seconds(10, 1e12, object()) == certificates.AT_MOST


def test_a_check_that_compiled_kernels_is_made_once_more(monkeypatch):
    """The checker's clock counts compiling; what is left of the time goes without that."""
    asked = []

    def check(document, data, *, rounded, time_limit):
        asked.append(time_limit)
        if len(asked) == 1:
            with global_compiler_lock:
                time.sleep(0.01)
        return SimpleNamespace(valid=len(asked) == 2, violation=0.0, method="", reason="late")

    monkeypatch.setattr(certificates, "check_bracket", check)
    assert certificates.check_with({}, True, 5.0).valid and len(asked) == 2
    assert asked[0] == 5.0 and 0.0 < asked[1] <= 5.0
    asked[:] = [0.0, 0.0]
    assert not certificates.check_with({}, True, 5.0).valid and len(asked) == 3


def test_local_search_has_no_more_work_than_pricing_had(monkeypatch):
    """Where that was not quick: what is spent before exact pricing goes on is about as much."""
    networks = []
    start = first_networks.start_wide

    def counted(*given):
        for network in start(*given):
            networks.append(len(network))
            yield network

    monkeypatch.setattr(first_networks, "start_wide", counted)
    monkeypatch.setattr(first_networks, "QUICK", 0)
    X, y = waves(60, 2)
    solution = cn.train("relu", X, y, weight_decay=0.1)
    assert len(networks) == 1 and solution.status == "optimal"


def test_sizes_are_not_fitted_after_the_deadline():
    """They are those to start from, and as good."""
    X, y = classes(60, 2)
    problem = Problem(make_family("relu", X), get_loss("logistic"), y, 0.5, np.zeros((60, 0)))
    units = Units(np.random.default_rng(0).standard_normal((5, 2)), np.ones(5), np.zeros(0))
    sizes = problem.family.sizes(units.weights)
    late = fit_sizes(problem, units, sizes, deadline=-np.inf)
    assert np.allclose(late.weights, units.weights)
    assert problem.objective(fit_sizes(problem, units, sizes)) < problem.objective(late)
