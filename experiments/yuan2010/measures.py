"""What is measured of weights, by the same functions whoever found them: lines of the tables."""

from __future__ import annotations

import numpy as np

import cvxnet as cn
from cvxnet.losses import get_loss
from experiments.report import Row
from experiments.yuan2010.pictures import PAIR
from experiments.yuan2010.sets import made_dense, problem, split, whole
from experiments.yuan2010.solvers import SOLVERS, Problem, series

LEVELS = {"1e-2": 1e-2, "1e-4": 1e-4, "1e-6": 1e-6}
PROVED = 1e-6
THEIRS, OURS = PAIR


def shortest_subgradient(problem: Problem, w: np.ndarray) -> np.ndarray:
    """Of the objective at w: its entries are those of the gradient moved towards 0 by up to one."""
    gradient = problem.smooth(w)[1]
    resting = np.sign(gradient) * np.maximum(np.abs(gradient) - 1.0, 0.0)
    return np.where(w == 0.0, resting, gradient + np.sign(w))


def lower_bound(problem: Problem, w: np.ndarray) -> float:
    """What the gradient of the losses at w proves as a dual vector, made short enough."""
    loss = get_loss(problem.loss)
    v = loss.gradient(problem.X @ w, problem.y)
    most = problem.C * np.abs(problem.X.T @ v).max(initial=0.0)
    return -problem.C * loss.conjugate(v / max(most, 1.0), problem.y)


def accuracy(X: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    """The share of samples on the right side."""
    return float(np.mean((X @ w > 0.0) == (y > 0.0)))


def reference(C: float, solver: str) -> Row:
    """One precise run on all samples of breast_cancer."""
    given = Problem(*whole("breast_cancer"), "logistic", C)
    w, _ = SOLVERS[solver].prepare(given)(1e-10)
    slope = float(np.linalg.norm(shortest_subgradient(given, w)))
    return {
        "value": given.value(w),
        "nonzeros": int(np.count_nonzero(w)),
        "subgradient": slope,
        "lower": lower_bound(given, w),
    }


def optimum(
    name: str, loss: str, C: float, seed: int, tolerance: float, W: list[np.ndarray]
) -> Row:
    """The smallest value among all weights that were found, and the largest bound they prove.

    A run of liblinear at that tolerance is among them.
    """
    given = problem(name, loss, C, seed)
    W = [*W, SOLVERS[THEIRS].prepare(given)(tolerance)[0]]
    values = [given.value(w) for w in W]
    best, lower = min(values), max(lower_bound(given, w) for w in W)
    n, d = given.X.shape
    return {
        "n": n,
        "d": d,
        "value": best,
        "lower": lower,
        "gap": (best - lower) / best,
        "nonzeros": int(np.count_nonzero(W[int(np.argmin(values))])),
    }


def judged(
    name: str, loss: str, C: float, seed: int, solver: str, tolerance: float, seconds: float,
    w: np.ndarray, best: float,
) -> Row:  # fmt: skip
    """The four measures of the weights of one run."""
    given, data = problem(name, loss, C, seed), split(name, seed)
    return {
        "error": (given.value(w) - best) / best,
        "subgradient": float(np.linalg.norm(shortest_subgradient(given, w))),
        "accuracy": accuracy(data.X_test, data.y_test, w),
        "nonzeros": int(np.count_nonzero(w)),
    }


def reached(
    name: str, loss: str, seed: int, solver: str, outcome: str, took: list[float],
    errors: list[float],
) -> Row:  # fmt: skip
    """The least seconds of a run that came within each level."""
    return {
        level: min((s for s, e in zip(took, errors, strict=True) if e <= most), default=None)
        for level, most in LEVELS.items()
    }


def grown(d: int, loss: str) -> Row:
    """cvxnet to a proved gap, and liblinear until it is as near to that optimum."""
    X, y = made_dense(0, d // 8, d)
    decay = 0.1 * cn.largest_weight_decay("coordinate", X, y, loss=loss)
    given = Problem(X, y, loss, 1.0 / decay)
    ((_, seconds, w),) = series(OURS, given, 0.0, [PROVED])
    best = given.value(w)
    theirs = next(
        (
            took
            for _, took, u in series(THEIRS, given, np.inf)
            if given.value(u) <= best * (1 + PROVED)
        ),
        None,
    )
    return {"units": int(np.count_nonzero(w)), OURS: seconds, THEIRS: theirs}
