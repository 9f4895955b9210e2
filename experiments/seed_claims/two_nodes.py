"""The network that the post asks about, two output nodes and cross entropy: verdicts, training.

With inputs and weights >= 0 no unit clips, so the scores are ``W2 W1 x``, and any matrix >= 0 is
such a product. Its rows are a0 and a1. Weight decay costs at least the nuclear norm of the matrix,
and two units, one for each row, cost ``|a0| + |a1|``; where only ``c = a1 - a0`` matters the least
of both is ``|max(c, 0)| + |max(-c, 0)|`` (a trace with the two rows of unit length proves it). So
the post's training is a convex problem in a0 and a1: logistic regression.
"""

from __future__ import annotations

import cvxpy as cp
import numpy as np
from scipy.optimize import minimize
from scipy.special import entr, expit

import cvxnet as cn
from cvxnet.analysis import convexity
from cvxnet.analysis.verdicts import BLOCK_WORDS
from cvxnet.layers import Linear, ReLU, Sequential
from cvxnet.types import Array
from experiments.report import Row
from experiments.seed_claims.claims import evidence

WEIGHT_DECAY = 0.1
GAP = 1e-8
WIDTH = 4
"""Units of the networks that local search trains."""
SIDE = 3.0
"""Inputs are between 0 and this."""
REACHED = 1e-4
"""Relative excess below which a local search has found the optimum."""
CLOSE = 1e-6
"""Relative difference of two optima that are the same number by theory."""
LAYERS = {"all weights": "weights", "the first layer": "0", "the last layer": "2"}
SAMPLES = {
    ">= 0": np.array([[1.0, 2.0], [2.0, 1.0]]),
    "of any sign": np.array([[1.0, -2.0], [-2.0, 1.0]]),
}
LABELS = {"class 1 only": [1, 1], "both classes": [0, 1]}


def verdict_on(unknown: str, weights: str, inputs: str, labels: str) -> Row:
    """Whether cross entropy of two samples is convex in some weights, with these signs."""
    up = weights == ">= 0"
    net = Sequential(Linear(2, 2, False, nonneg=up), ReLU(), Linear(2, 2, False, nonneg=up))
    verdict = convexity(
        net, LAYERS[unknown], loss="cross_entropy", data=(SAMPLES[inputs], LABELS[labels])
    )
    refuted = verdict.counterexamples.get("convex")
    above = 0.0 if refuted is None else refuted.f_middle - refuted.chord
    return {
        "verdict": BLOCK_WORDS[verdict.convex],
        "above the chord": above,
        "evidence": evidence(verdict),
    }


def samples(seed: int) -> tuple[Array, Array]:
    """Inputs >= 0 with a column of ones, and classes: four clouds crosswise."""
    rng = np.random.default_rng(seed)
    corner = np.arange(32) % 4
    centres = 0.25 * SIDE * np.array([[1.0, 1.0], [1.0, 3.0], [3.0, 1.0], [3.0, 3.0]])
    X = centres[corner] + 0.15 * SIDE * rng.standard_normal((32, 2))
    y = np.isin(corner, [1, 2]).astype(int)
    return np.column_stack([np.clip(X, 0.0, SIDE), np.ones(32)]), y


def post_optimum(X: Array, y: Array, weight_decay: float) -> tuple[float, Array]:
    """The least objective of the post's network, and a0 and a1 in rows."""
    a = cp.Variable((2, X.shape[1]), nonneg=True)
    margins = cp.multiply(np.where(y == 1, 1.0, -1.0), X @ (a[1] - a[0]))
    decay = weight_decay * (cp.norm(a[0]) + cp.norm(a[1]))
    problem = cp.Problem(cp.Minimize(cp.sum(cp.logistic(-margins)) + decay))
    value = problem.solve(solver=cp.CLARABEL, tol_gap_rel=1e-10, tol_feas=1e-10)
    return float(value), np.asarray(a.value)


def post_objective(w: Array, X: Array, y: Array, weight_decay: float) -> tuple[float, Array]:
    """The objective of the post's network in its weights >= 0, where no unit clips; its gradient.

    The weights are ``w = (W1', W2)`` in one row, with as many units as fit.
    """
    d, sign = X.shape[1], np.where(y == 1, 1.0, -1.0)
    W1, W2 = np.split(w.reshape(d + 2, -1), [d])
    hidden = X @ W1
    margins = sign * (hidden @ (W2[1] - W2[0]))
    slope = sign * expit(-margins)
    back = np.concatenate([np.outer(X.T @ slope, W2[0] - W2[1]), [slope @ hidden, -slope @ hidden]])
    value = np.logaddexp(0.0, -margins).sum() + 0.5 * weight_decay * w @ w
    return float(value), back.ravel() + weight_decay * w


def searched(X: Array, y: Array, weight_decay: float, width: int, seed: int) -> float:
    """The objective at which L-BFGS-B ends from random weights >= 0."""
    start = np.random.default_rng(seed).uniform(0.0, 1.0, (X.shape[1] + 2) * width)
    found = minimize(
        post_objective,
        start,
        (X, y, weight_decay),
        method="L-BFGS-B",
        jac=True,
        bounds=[(0.0, None)] * len(start),
        options={"maxiter": 5000, "ftol": 1e-14, "gtol": 1e-9},
    )
    return float(found.fun)


def trained(seed: int, starts: int) -> Row:
    """The post's network and the free one, exactly, and local search for the post's weights."""
    X, y = samples(seed)
    post, a = post_optimum(X, y, WEIGHT_DECAY)
    ends = np.array([searched(X, y, WEIGHT_DECAY, WIDTH, start) for start in range(starts)])
    common = {"bias": False, "gap": GAP}
    free = cn.train("relu", X, y, loss="cross_entropy", weight_decay=WEIGHT_DECAY, **common)
    smaller = WEIGHT_DECAY / np.sqrt(2.0)
    one = cn.train("relu", X, 2.0 * y - 1.0, loss="logistic", weight_decay=smaller, **common)
    return {
        "post": post,
        "best search": float(ends.min()),
        "worst search": float(ends.max()),
        "reached": float(np.mean(ends < post * (1.0 + REACHED))),
        "post correct": correct(X @ (a[1] - a[0]), y),
        "free lower": free.lower_bound,
        "free": free.value,
        "units": free.units,
        "free correct": correct(np.diff(free.network(X))[:, 0], y),
        "one node lower": one.lower_bound,
        "one node": one.value,
        "X": X,
        "y": y,
        "a": a,
        "network": free.network,
        "ends": ends,
    }


def correct(margins: Array, y: Array) -> float:
    """The share of samples whose score is on the right side."""
    return float(np.mean((margins > 0.0) == (y == 1)))


def one_sample(x: Array, weight_decay: float) -> Row:
    """The optimum for a single sample of class 1: of the post's network, and of a free one."""
    X, y = x[None, :], np.array([1])
    smaller = weight_decay / np.sqrt(2.0)
    one = cn.train("relu", X, [1.0], loss="logistic", weight_decay=smaller, bias=False, gap=GAP)
    shares = weight_decay / np.linalg.norm(x), smaller / np.linalg.norm(x)
    return {
        "post": post_optimum(X, y, weight_decay)[0],
        "post by hand": entropy(shares[0]),
        "free": one.value,
        "free by hand": entropy(shares[1]),
    }


def entropy(q: float) -> float:
    """``-q log q - (1 - q) log(1 - q)``: the dual objective of the logistic loss."""
    return float(entr(q) + entr(1.0 - q))
