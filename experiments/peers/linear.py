"""Solvers of L1-regularised linear models, to one certified gap.

Minimise the sum of the losses of ``X w`` plus ``weight_decay`` times ``|w|_1``, without intercept.
Each solver means something else by its tolerance; so it is run with smaller and smaller ones until
the gap that its own point certifies is as small as asked for, and the last run's time counts: the
mean of as many as take SHORT together, as clocks of the processor may tick in steps of 4 ms; and
the least of such means, as others on the machine make it slower, never faster.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse

SHORT, LONG = 0.05, 0.5
"""Seconds that are long enough to be measured, and for all that is measured."""
TOLERANCES = tuple(10.0**-k for k in range(2, 13))
GAP = 1e-6
MANY = 100_000
"""Iterations, where the default would end a run before its tolerance is reached."""


def data_of(problem: dict[str, Any]) -> Any:
    """X by columns, dense or sparse, as most of them want it."""
    if "X" in problem:
        return np.asfortranarray(problem["X"])
    parts = problem["values"], problem["columns"], problem["starts"]
    return csr_matrix(parts, shape=tuple(problem["shape"])).tocsc()


def bracket(X: Any, y: Any, w: Any, beta: float, loss: str) -> tuple[float, float]:
    """A lower bound of the optimum, by the loss's gradient at these weights, and their value."""
    f = X @ w
    penalty = beta * float(np.abs(w).sum())
    if loss == "squared":
        v = f - y
        most = beta / max(float(np.abs(X.T @ v).max()), 1e-300)
        t = min(most, max(0.0, -float(v @ y) / max(float(v @ v), 1e-300)))
        return -t * float(v @ y) - 0.5 * t**2 * float(v @ v), 0.5 * float(v @ v) + penalty
    share = 1.0 / (1.0 + np.exp(np.minimum(y * f, 700.0)))
    most = min(1.0, beta / max(float(np.abs(X.T @ (y * share)).max()), 1e-300))
    p = np.clip(most * share, 1e-300, 1.0 - 1e-16)
    return -float(np.sum(p * np.log(p) + (1.0 - p) * np.log1p(-p))), float(
        np.logaddexp(0.0, -y * f).sum()
    ) + penalty


def settle(problem: dict[str, Any], limit: float, fit: Callable[..., Any]) -> dict[str, Any]:
    """The first run whose gap is small enough; or the last within the limit."""
    X, y = data_of(problem), problem["Y"][:, 0]
    beta, loss = float(problem["weight_decay"]), str(problem["loss"])
    begin = time.process_time()
    for tolerance in TOLERANCES:
        w, seconds = timed(lambda tolerance=tolerance: fit(X, y, beta, loss, tolerance))
        lower, value = bracket(X, y, w, beta, loss)
        found = {"claimed": value, "lower": lower, "gap": (value - lower) / value}
        found |= {"seconds": seconds, "tolerance": tolerance, "units": np.count_nonzero(w)}
        if found["gap"] <= GAP or time.process_time() - begin > limit:
            break
    return found


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """What a run returns, and the seconds of one."""
    least, begin = np.inf, time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while least == np.inf or time.process_time() - begin < LONG:
            found, seconds = mean_of_runs(run)
            least = min(least, seconds)
    return found, least


def mean_of_runs(run: Callable[[], Any]) -> tuple[Any, float]:
    """The same, of as many as take SHORT."""
    begin, runs = time.process_time(), 0
    while not runs or time.process_time() - begin < SHORT:
        found = run()
        runs += 1
    return found, (time.process_time() - begin) / runs


def liblinear(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """Coordinate descent with second-order steps (Yuan, Ho, Lin 2012)."""
    from liblinear.liblinearutil import parameter, train
    from liblinear.liblinearutil import problem as samples

    if str(problem["loss"]) == "squared":
        raise NotImplementedError("no squared loss with an L1 penalty")

    def fit(X: Any, y: Any, beta: float, loss: str, tolerance: float) -> Any:
        rows = X.tocsr() if issparse(X) else X
        model = train(samples(y, rows), parameter(f"-s 6 -c {1.0 / beta!r} -e {tolerance} -q"))
        w = np.array(model.get_decfun()[0])
        return w if model.get_labels()[0] == 1 else -w

    return settle(problem, limit, fit)


def skglm(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """Working sets with Anderson acceleration; for the logistic loss proximal Newton."""
    from skglm.estimators import Lasso, SparseLogisticRegression

    def fit(X: Any, y: Any, beta: float, loss: str, tolerance: float) -> Any:
        kind = Lasso if loss == "squared" else SparseLogisticRegression
        model = kind(alpha=beta / len(y), tol=tolerance, fit_intercept=False, max_epochs=MANY)
        return model.fit(X, y).coef_.ravel()

    return settle(problem, limit, fit)


def celer(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """Working sets chosen by extrapolated dual vectors."""
    from celer import Lasso, LogisticRegression

    def fit(X: Any, y: Any, beta: float, loss: str, tolerance: float) -> Any:
        terms = {"tol": tolerance, "fit_intercept": False}
        if loss == "squared":
            return Lasso(alpha=beta / len(y), **terms).fit(X, y).coef_
        return LogisticRegression(C=1.0 / beta, **terms).fit(X, y).coef_.ravel()

    return settle(problem, limit, fit)


def sklearn_linear(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """Lasso by coordinate descent, or what it has of liblinear."""
    from sklearn.linear_model import Lasso, LogisticRegression

    def fit(X: Any, y: Any, beta: float, loss: str, tolerance: float) -> Any:
        terms = {"tol": tolerance, "fit_intercept": False, "max_iter": MANY}
        if loss == "squared":
            return Lasso(alpha=beta / len(y), **terms).fit(X, y).coef_
        model = LogisticRegression(l1_ratio=1.0, solver="liblinear", C=1.0 / beta, **terms)
        return model.fit(X, y).coef_.ravel()

    return settle(problem, limit, fit)
