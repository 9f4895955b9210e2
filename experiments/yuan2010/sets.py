"""The problems: data in two classes, split, with a loss and a C."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from experiments.problems import standardised, two_classes
from experiments.yuan2010.solvers import SOLVERS, Problem

CHOICES = tuple(10.0**k for k in range(-3, 3))
"""Of C."""
FOLDS = 3
HELD_OUT = 0.2


@dataclass(frozen=True, eq=False)
class Split:
    """Samples to train on, and those that are held out."""

    X: Any
    y: np.ndarray
    X_test: Any
    y_test: np.ndarray


def digit_pairs() -> tuple[np.ndarray, np.ndarray]:
    """All products of two pixels, a pixel with itself among them."""
    X, y = two_classes("digits", raw=True)
    first, second = np.triu_indices(X.shape[1])
    return standardised(X[:, first] * X[:, second]), y


def made_dense(seed: int, n: int = 500, d: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Groups of ten features that have a half of their variance in common; 50 features count."""
    rng = np.random.default_rng(seed)
    common = np.repeat(rng.standard_normal((n, -(-d // 10))), 10, axis=1)[:, :d]
    X = np.sqrt(0.5) * (common + rng.standard_normal((n, d)))
    w = np.zeros(d)
    w[rng.choice(d, 50, replace=False)] = rng.standard_normal(50)
    return X, labels(X @ w, rng)


def made_sparse(
    seed: int, n: int = 125_000, d: int = 100_000, entries: int = 30
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Rows like those of short documents: some words are in many, most in few; length one."""
    rng = np.random.default_rng(seed)
    share = 1.0 / np.arange(10, d + 10)
    columns = rng.choice(d, n * entries, p=share / share.sum())
    rows = np.repeat(np.arange(n), entries)
    X = sparse.coo_matrix((np.ones(n * entries), (rows, columns)), shape=(n, d)).tocsr()
    X.data = 1.0 + np.log(X.data)
    X = sparse.csr_matrix(sparse.diags(1.0 / np.sqrt(X.multiply(X).sum(axis=1).A1)) @ X)
    w = np.zeros(d)
    w[rng.choice(d // 20, 1000, replace=False)] = 5.0 * rng.standard_normal(1000)
    return X, labels(X @ w, rng)


def labels(f: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Classes by the sign, after noise of three tenths of the size of f."""
    return np.where(f + 0.3 * f.std() * rng.standard_normal(len(f)) > 0.0, 1.0, -1.0)


MADE = {"dense": made_dense, "sparse": made_sparse}


def whole(name: str, seed: int = 0) -> tuple[Any, np.ndarray]:
    """All samples, X and y."""
    if name in MADE:
        return MADE[name](seed)
    return digit_pairs() if name == "digit pairs" else two_classes(name)


@lru_cache(maxsize=2)
def split(name: str, seed: int) -> Split:
    """Four fifths to train on."""
    X, y = whole(name, seed)
    order = np.random.default_rng(seed).permutation(len(y))
    held = int(HELD_OUT * len(y))
    test, train = order[:held], order[held:]
    return Split(X[train], y[train], X[test], y[test])


def problem(name: str, loss: str, C: float, seed: int) -> Problem:
    """What is minimised over the samples to train on."""
    data = split(name, seed)
    return Problem(data.X, data.y, loss, C)


def choose(name: str, loss: str, seed: int) -> dict[str, float]:
    """The C of the best accuracy in cross-validation, by scikit-learn's liblinear."""
    from sklearn.model_selection import StratifiedKFold

    data, scores = split(name, seed), np.zeros(len(CHOICES))
    for train, test in StratifiedKFold(FOLDS).split(data.y, data.y):
        part = Problem(data.X[train], data.y[train], loss, 1.0)
        for k, C in enumerate(CHOICES):
            w, _ = SOLVERS["scikit-learn liblinear"].prepare(replace(part, C=C))(1e-2)
            scores[k] += np.mean((data.X[test] @ w > 0.0) == (data.y[test] > 0.0)) / FOLDS
    best = int(np.argmax(scores))
    return {"C": CHOICES[best], "accuracy": float(scores[best])}
