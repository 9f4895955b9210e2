"""Brackets of certificates in floating point enclose the exact ones, and are hardly wider."""

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.objective import Family, Weights, make_objective
from cvxnet.proofs.certificate import Certificate
from cvxnet.training import rounded_certificates
from cvxnet.training.rounded_certificates import (
    LOSSES,
    can_be_rounded,
    certificate_in_haste,
    rounded_ends,
    seconds_reserved,
)

UNITS = ["relu", "abs", Family("leaky_relu", slope=0.25)]


def samples(loss, n=40):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 2))
    y = np.sin(2.0 * X[:, 0]) + 0.3 * rng.standard_normal(n)
    return X, np.where(y > 0.0, 1.0, -1.0) if get_loss(loss).labels else y


@pytest.mark.parametrize("units", UNITS, ids=str)
@pytest.mark.parametrize("loss", LOSSES)
def test_they_enclose_the_exact_ends(units, loss):
    """Those of any network, and of any vector in the domain of the conjugate."""
    X, y = samples(loss)
    objective = make_objective(units, X, y, loss=loss, weight_decay=0.3)
    rng = np.random.default_rng(1)
    W, b, a = (rng.standard_normal(size) for size in [(7, 2), 7, 7])
    v = 0.5 * objective.loss.gradient(rng.standard_normal(len(y)), y)
    given = {"objective": objective, "weights": Weights(W=W, b=b, a=a), "v": v}
    exact = Certificate(**given, lower=0.0, upper=0.0).rounded_outward()
    lower, upper = rounded_ends(objective, exact.weights, v)
    assert lower <= exact.lower <= exact.upper <= upper
    assert max(upper - exact.upper, exact.lower - lower) < 1e-11 * upper


def test_the_certificate_is_a_proof(monkeypatch):
    """The checker evaluates it exactly, and finds no end of it claimed too much."""
    X, y = samples("squared")
    monkeypatch.setattr(rounded_certificates, "ENOUGH", np.inf)
    solution = cn.train("relu", X, y, weight_decay=0.3, time_limit=60.0)
    assert solution.status == "optimal" and solution.stats["checked"].startswith("not")
    assert cn.check(solution).valid


@pytest.mark.parametrize(
    "options",
    [
        {"output_bias": True},
        {"skip": True},
        {"norm": "l1"},
        {"sample_weight": np.full(40, 2.0)},
        {"width": 2},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_is_not_derived_is_evaluated_exactly(options):
    X, y = samples("squared")
    assert not can_be_rounded(
        make_objective("relu", X, y, loss="squared", weight_decay=0.3, **options)
    )


def test_it_is_made_where_time_is_short_alone():
    X, y = samples("squared")
    solution = cn.train("relu", X, y, weight_decay=0.3)
    objective, weights = solution.certificate.objective, solution.certificate.weights
    reserved = seconds_reserved(objective, np.inf)
    assert reserved == seconds_reserved(objective, 5.0 * reserved)
    assert seconds_reserved(objective, 3.0 * reserved) < 0.5 * reserved
    assert certificate_in_haste(objective, weights, None, np.inf) is None
