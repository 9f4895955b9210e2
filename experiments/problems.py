"""Data sets that experiments share: features X and target y, made or bundled, never fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets

from cvxnet.types import Array

CLASSES: dict[str, Callable[[], Any]] = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast_cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "moons": lambda: datasets.make_moons(300, noise=0.3, random_state=0),
}
NUMBERS: dict[str, Callable[[], Any]] = {
    "diabetes": lambda: datasets.load_diabetes(return_X_y=True),
    "friedman": lambda: datasets.make_friedman1(300, noise=1.0, random_state=0),
    "linnerud": lambda: datasets.load_linnerud(return_X_y=True),
}
TWO_FEATURES = {"iris": (2, 3), "breast_cancer": (20, 27), "diabetes": (2, 8)}
"""Petals; worst radius and worst concave points; body mass index and blood lipids (s5)."""


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


def data_set(name: str) -> tuple[Array, Array]:
    """Features (n, d), and target (n,) or (n, c), as they come.

    "iris 2", and so on, has `TWO_FEATURES` of it.
    """
    whole, _, two = name.partition(" ")
    X, y = (CLASSES | NUMBERS)[whole]()
    return X[:, TWO_FEATURES[whole]] if two else X, y


def has_classes(name: str) -> bool:
    """Whether the targets are labels."""
    return name.partition(" ")[0] in CLASSES


def standardised(X: Array) -> Array:
    """Columns of mean 0 and standard deviation 1, without those that are constant."""
    X = X[:, X.std(axis=0) > 0.0]
    return (X - X.mean(axis=0)) / X.std(axis=0)


def two_classes(name: str, raw: bool = False) -> tuple[Array, Array]:
    """breast_cancer, or digits (0-4 against 5-9), standardised unless raw; labels -1 and +1."""
    X, y = data_set(name)
    positive = y > 0 if name == "breast_cancer" else y >= 5
    return (X if raw else standardised(X)), np.where(positive, 1.0, -1.0)


def bundled(name: str) -> tuple[Array, Array]:
    """diabetes, breast_cancer, digits, iris or wine, standardised; all classes, as 0, 1, ..."""
    X, y = data_set(name)
    return standardised(X), (y - y.mean()) / y.std() if name == "diabetes" else y
