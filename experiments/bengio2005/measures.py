"""What each table measures, a line at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import cvxpy as cp
import numpy as np
from sklearn.datasets import make_moons
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.tree import DecisionTreeClassifier

import cvxnet as cn
from cvxnet.types import Array
from experiments.bengio2005.convex_nn import (
    LEARNERS,
    Run,
    convex_nn,
    exact_unit,
    fit_weights,
    rows_of,
    signs,
    thinned,
)
from experiments.report import Row

LAMBDA = 1.0
"""The paper's."""
FRESH, LATER = 20_000, 1000
"""Points of the test sample, and what is added to the seed for it."""
BOOSTERS: dict[str, Callable[[int], Any]] = {
    "AdaBoost, stumps": lambda rounds: AdaBoostClassifier(
        DecisionTreeClassifier(max_depth=1), n_estimators=rounds, random_state=0
    ),
    "gradient boosting, stumps": lambda rounds: GradientBoostingClassifier(
        max_depth=1, n_estimators=rounds, random_state=0
    ),
    "AdaBoost, logistic regression": lambda rounds: AdaBoostClassifier(
        LogisticRegression(), n_estimators=rounds, random_state=0
    ),
    "AdaBoost, perceptrons": lambda rounds: AdaBoostClassifier(
        Perceptron(), n_estimators=rounds, random_state=0
    ),
}
"""Boosting, with so many rounds at most."""


def moons(n: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Double moons with labels -1 and 1."""
    X, y = make_moons(n, noise=noise, random_state=seed)
    return X, 2.0 * y - 1.0


@cache
def fresh(noise: float, seed: int) -> tuple[Array, Array]:
    """The test sample of a seed."""
    return moons(FRESH, noise, LATER + seed)


def test_error(predict: Any, noise: float, seed: int) -> float:
    """The share of fresh points on the wrong side."""
    X, y = fresh(noise, seed)
    return float(np.mean((predict(X) > 0.0) != (y > 0.0)))


def by_train(n: int, noise: float, seed: int) -> Row:
    """The optimum, found by `cvxnet.train`."""
    X, y = moons(n, noise, seed)
    found = cn.train("sign", X, y, weight_decay=LAMBDA / 2)
    return {
        "value": 2.0 * found.value,
        "lower": 2.0 * found.lower_bound,
        "status": found.status,
        "rounds": found.stats["rounds"],
        "units": found.units,
        "test_error": test_error(found.predict, noise, seed),
    }


def by_learner(n: int, noise: float, seed: int, learner: str) -> Row:
    """ConvexNN with one learner, and what `cvxnet.certify` says of the network."""
    X, y = moons(n, noise, seed)
    run = convex_nn(LEARNERS[learner], X, y, LAMBDA)
    few, last = thinned(run, X), run.rounds[-1]
    judged = cn.certify(run.network(), X, y, weight_decay=LAMBDA / 2)
    return {
        "value": last.value,
        "own_bound": last.lower,
        "certified_value": 2.0 * judged.value,
        "certified_lower": 2.0 * judged.lower,
        "excess_at_least": judged.excess[0],
        "rounds": len(run.rounds),
        "units": len(few.units),
        "offered_at_stop": last.offered,
        "largest_at_stop": last.largest,
        "training_error": float(np.mean(few.predict(X) * y <= 0.0)),
        "test_error": test_error(few.predict, noise, seed),
        "run": few,
    }


def columns(n: int, noise: float, seed: int) -> Row:
    """Dichotomies, each once up to its sign, as columns of the whole program."""
    X, y = moons(n, noise, seed)
    program = cn.program("sign", X, y, weight_decay=LAMBDA / 2)
    return {"columns": program.var_dict["w"].size, "formula": (n * n - n + 2) // 2}


def targets(data: str, n: int, seed: int) -> tuple[Array, Array]:
    """Moons, or Gaussian points with random labels or random numbers."""
    if data == "moons":
        return moons(n, 0.1, seed)
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, 2)), rng.standard_normal(n)
    return X, np.where(y > np.median(y), 1.0, -1.0) if data == "random labels" else y


def width(loss: str, data: str, share: float, n: int, seed: int) -> Row:
    """Units of the optimum that `cvxnet.train` returns, and for the hinge loss of a vertex."""
    X, y = targets(data, n, seed)
    decay = share * cn.largest_weight_decay("sign", X, y, loss=loss)
    found = cn.train("sign", X, y, loss=loss, weight_decay=decay)
    row = {"units": found.units, "value": found.value, "lower": found.lower_bound}
    if loss == "hinge":
        program = cn.program("sign", X, y, loss=loss, weight_decay=decay)
        value = program.solve(solver=cp.SCIPY, scipy_options={"method": "highs-ds"})
        weights = program.var_dict["w"].value
        row |= {"vertex_units": int((np.abs(weights) > 1e-9).sum()), "vertex_value": value}
    return row


def tanh(n: int, noise: float, seed: int, radius: float, seconds: float) -> Row:
    """Tanh units whose weights, the bias included, are at most so long."""
    X, y = moons(n, noise, seed)
    family = cn.Family("tanh", radius=radius)
    found = cn.train(family, X, y, weight_decay=LAMBDA / 2, gap=1e-4, time_limit=seconds)
    return {
        "value": 2.0 * found.value,
        "lower": 2.0 * found.lower_bound,
        "status": found.status,
        "units": found.units,
        "test_error": test_error(found.predict, noise, seed),
    }


def penalty(n: int, noise: float, seed: int, how: str, size: float) -> Row:
    """The exact optimum of a penalty; or none: on the units of lambda = 1, or on ever more."""
    X, y = moons(n, noise, seed)
    if how == "none, unit by unit":
        run = convex_nn(exact_unit, X, y, 0.0, most=n)
    else:
        found = cn.train("sign", X, y, weight_decay=(size or LAMBDA) / 2)
        units, weights = rows_of(found.network), found.network.state_dict()["2.weight"][0]
        run = Run(units, weights, [])
        if how == "none, same units":
            run = Run(units, fit_weights(signs(X, units), y, 0.0), [])
    residual = run.predict(X) - y
    return {
        "units": int(np.count_nonzero(run.weights)),
        "squared_error": float(residual @ residual),
        "weights_sum": float(np.abs(run.weights).sum()),
        "test_error": test_error(run.predict, noise, seed),
    }


def boosting(n: int, noise: float, seed: int, method: str, rounds: int) -> Row:
    """A boosted classifier of scikit-learn; its learners are counted as units."""
    X, y = moons(n, noise, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = BOOSTERS[method](rounds).fit(X, y)
    return {
        "units": len(fitted.estimators_),
        "training_error": float(np.mean(fitted.predict(X) != y)),
        "test_error": test_error(fitted.predict, noise, seed),
    }
