"""ConvexNN, the algorithm of the paper, for the squared loss with any learner of single units.

A unit is a row (weights, bias). Values, penalties and correlations are in the paper's scale: the
loss is (f - y)^2, without a half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linprog
from sklearn.base import clone
from sklearn.linear_model import Lasso, LogisticRegression, Perceptron
from sklearn.svm import SVC

import cvxnet as cn
from cvxnet.types import Array

SLACK = 1e-6
"""The stopping test's tolerance, relative to the penalty: units in use reach it exactly."""
PRECISE = {"fit_intercept": False, "tol": 1e-12, "max_iter": 1_000_000}
ZERO = 1e-9
"""Output weights below this are none."""
TRIES = 20
Learner = Callable[[Array, Array], Array]
"""Finds a unit whose signs at the rows of X agree with the signs of v, by the weights |v|."""


class Round(NamedTuple):
    """After the output weights are fitted again, and before a unit is added.

    The objective, the best lower bound so far, and ``|sum_t q_t h(x_t)| / lambda`` of the unit that
    the learner offers and of the best of all units.
    """

    value: float
    lower: float
    offered: float
    largest: float


@dataclass(frozen=True)
class Run:
    """The network in the end, and all rounds."""

    units: Array
    weights: Array
    rounds: list[Round]

    def predict(self, X: Array) -> Array:
        """The network's values."""
        return signs(X, self.units) @ self.weights

    def network(self) -> cn.Sequential:
        """The network as one of cvxnet."""
        m, columns = self.units.shape
        net = cn.Sequential(cn.Linear(columns - 1, m), cn.Sign(), cn.Linear(m, 1, bias=False))
        return net.load_state_dict(
            {
                "0.weight": self.units[:, :-1],
                "0.bias": self.units[:, -1],
                "2.weight": self.weights[None],
            }
        )


def signs(X: Array, units: Array) -> Array:
    """Outputs of the units, (n, m)."""
    return np.sign(X @ units[:, :-1].T + units[:, -1])


def rows_of(network: Any) -> Array:
    """The hidden units of a network of cvxnet, as rows."""
    state = network.state_dict()
    return np.column_stack([state["0.weight"], state["0.bias"]])


def exact_unit(X: Array, v: Array) -> Array:
    """The best of all units: the first step of conditional gradient is one exact pricing."""
    step = cn.conditional_gradient("sign", X, -v, radius=1.0, steps=1)
    return rows_of(step.network)[0]


def classifier(model: Any) -> Learner:
    """A learner that fits a linear classifier of scikit-learn to weighted samples."""

    def learn(X: Array, v: Array) -> Array:
        if np.ptp(np.sign(v)) == 0.0:
            return constant(X)
        fitted = clone(model).fit(X, np.sign(v), sample_weight=np.abs(v) / np.abs(v).mean())
        return np.append(fitted.coef_, fitted.intercept_)

    return learn


def best_of(learners: list[Learner]) -> Learner:
    """The best unit that one of them finds."""

    def learn(X: Array, v: Array) -> Array:
        units = np.array([learner(X, v) for learner in learners])
        return units[np.abs(v @ signs(X, units)).argmax()]

    return learn


LEARNERS: dict[str, Learner] = {
    "exact": exact_unit,
    "linear SVM": classifier(SVC(kernel="linear")),
    "logistic regression": classifier(LogisticRegression()),
    "perceptron": classifier(Perceptron(random_state=0)),
    f"{TRIES} perceptrons": best_of([classifier(Perceptron(random_state=k)) for k in range(TRIES)]),
}


SINGLE = tuple(LEARNERS)[1:-1]
"""Those that fit one classifier a round."""


def constant(X: Array) -> Array:
    """The unit that is one everywhere."""
    return np.append(np.zeros(X.shape[1]), 1.0)


def fit_weights(H: Array, y: Array, penalty: float) -> Array:
    """The best output weights: the objective is 2n times that of scikit-learn's Lasso."""
    if penalty == 0.0:
        return np.linalg.lstsq(H, y, rcond=None)[0]
    return Lasso(alpha=penalty / (2 * len(y)), **PRECISE).fit(H, y).coef_


def lower_bound(y: Array, v: Array, penalty: float, largest: float) -> float:
    """The dual objective at the best multiple of the residual v = f - y that is feasible.

    `largest` is the largest |sum q_t h(x_t)| of all units for q = 2 v.
    """
    if not v.any():
        return 0.0
    t = np.clip(-(v @ y) / (v @ v), 0.0, penalty / max(largest, 1e-300))
    return float(-t * t * (v @ v) - 2.0 * t * (v @ y))


def convex_nn(learner: Learner, X: Array, y: Array, penalty: float, most: int = 1000) -> Run:
    """Add units until the learner offers none that is worth its price, at most so many rounds."""
    units, rounds, lower = constant(X)[None], list[Round](), 0.0
    while True:
        H = signs(X, units)
        weights = fit_weights(H, y, penalty)
        v = H @ weights - y
        largest = 2.0 * cn.largest_weight_decay("sign", X, v)
        lower = max(lower, lower_bound(y, v, penalty, largest))
        unit = learner(X, v)
        offered = 2.0 * abs(float(v @ signs(X, unit[None])[:, 0]))
        value = float(v @ v + penalty * np.abs(weights).sum())
        price = penalty or 1.0
        rounds.append(Round(value, lower, offered / price, largest / price))
        if offered <= penalty * (1.0 + SLACK) + ZERO or len(rounds) == most:
            return Run(units, weights, rounds)
        units = np.vstack([units, unit])


def thinned(run: Run, X: Array) -> Run:
    """The same predictions at the same price with fewest units that this is possible with here.

    A vertex of the linear program ``min |w|_1  subject to  H w = f``: its columns are independent.
    """
    H = signs(X, run.units)
    m = H.shape[1]
    both = np.hstack([H, -H])
    found = linprog(np.ones(2 * m), A_eq=both, b_eq=H @ run.weights, method="highs-ds")
    weights = run.weights if found.x is None else found.x[:m] - found.x[m:]
    used = np.abs(weights) > ZERO
    return Run(run.units[used], weights[used], run.rounds)
