"""Data sets that experiments share: features X and target y, made or bundled, never fetched."""

from __future__ import annotations

import numpy as np

from cvxnet.types import Array


def five_points() -> tuple[Array, Array]:
    """The five points of Pilanci and Ergen 2020, of their figure of SGD by width."""
    X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    return X, np.array([1.0, -1.0, 1.0, 1.0, -1.0])


def target(kind: str, n: int, seed: int, d: int = 2) -> tuple[Array, Array]:
    """Gaussian features; "planted" (a network of five units) or "rough" (waves), with noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    if kind == "planted":
        U, a = rng.standard_normal((d + 1, 5)), rng.standard_normal(5)
        f = np.maximum(np.column_stack([X, np.ones(n)]) @ U, 0.0) @ a
    else:
        f = np.sin(2 * X[:, 0]) * np.cos(2 * X[:, -1])
    return X, f + 0.1 * rng.standard_normal(n)


def standardised(X: Array) -> Array:
    """Columns of mean 0 and standard deviation 1, without those that are constant."""
    X = X[:, X.std(axis=0) > 0.0]
    return (X - X.mean(axis=0)) / X.std(axis=0)


def two_classes(name: str, raw: bool = False) -> tuple[Array, Array]:
    """breast_cancer, or digits (0-4 against 5-9), standardised unless raw; labels -1 and +1."""
    from sklearn import datasets

    if name == "breast_cancer":
        X, y = datasets.load_breast_cancer(return_X_y=True)
        y = 2.0 * y - 1.0
    else:
        X, y = datasets.load_digits(return_X_y=True)
        y = np.where(y >= 5, 1.0, -1.0)
    return (X if raw else standardised(X)), y


def bundled(name: str) -> tuple[Array, Array]:
    """diabetes, breast_cancer, digits, iris or wine, standardised; all classes, as 0, 1, ..."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return standardised(X), (y - y.mean()) / y.std() if name == "diabetes" else y
