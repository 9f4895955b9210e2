"""Data sets that experiments share: features X and target y, made or bundled, never fetched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import datasets

import cvxnet as cn
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
FEATURES = {"iris": (2, 3), "breast_cancer": (20, 27), "diabetes": (2, 8, 3), "wine": (6, 9)}
"""Petals; worst radius and worst concave points; body mass index, blood lipids (s5) and blood
pressure; flavanoids and color intensity."""
REPEATED = "repeated "
"""What the name of a set begins with that is repeated with noise."""
NOISE = 0.1
"""Of repeated samples, relative to the standard deviation of each feature."""
ONE_CLASS = {"breast_cancer": 1, "iris": 1, "wine": 1}
"""What is told from all others: benign; versicolor, in the middle of three; the second cultivar."""
FORMULAS: dict[str, Callable[[Array], Array]] = {
    "rough": lambda X: np.sin(2 * X[:, 0]) * np.cos(2 * X[:, -1]),
    "xor": lambda X: np.sign(X[:, 0] * X[:, 1]),
    "sin": lambda X: np.sin(2 * X[:, 0]),
    "noise": lambda X: np.zeros(len(X)),
}
"""Targets before the noise is added."""


def five_points() -> tuple[Array, Array]:
    """The five points of Pilanci and Ergen 2020, of their figure of SGD by width."""
    X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
    return X, np.array([1.0, -1.0, 1.0, 1.0, -1.0])


def four_points() -> tuple[Array, Array]:
    """Exclusive or: the corners of a square, the target the product of their signs."""
    X = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    return X, X[:, 0] * X[:, 1]


POINTS = {"five points": five_points, "four points": four_points}


def target(kind: str, n: int, seed: int, d: int = 2) -> tuple[Array, Array]:
    """Gaussian features; "planted" (a network of five units) or one of `FORMULAS`, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    if kind == "planted":
        U, a = rng.standard_normal((d + 1, 5)), rng.standard_normal(5)
        f = np.maximum(np.column_stack([X, np.ones(n)]) @ U, 0.0) @ a
    else:
        f = FORMULAS[kind](X)
    return X, f + 0.1 * rng.standard_normal(n)


def data_set(name: str) -> tuple[Array, Array]:
    """Features (n, d), and target (n,) or (n, c), as they come.

    "iris 2", and so on, has so many of its `FEATURES`.
    """
    whole, _, count = name.partition(" ")
    X, y = (CLASSES | NUMBERS)[whole]()
    return X[:, FEATURES[whole][: int(count)]] if count else X, y


def repeated(name: str, n: int, seed: int = 0) -> tuple[Array, Array]:
    """A bundled set of two features, standardised: n of its samples, drawn with noise added.

    Targets stay as they are, -1 and 1 where they are classes.
    """
    name = f"{name.removeprefix(REPEATED)} 2"
    X, y = two_classes(name) if has_classes(name) else bundled(name)
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(X), size=n)
    return X[rows] + NOISE * rng.standard_normal((n, X.shape[1])), y[rows]


def has_classes(name: str) -> bool:
    """Whether the targets are labels."""
    return name.partition(" ")[0] in CLASSES


def standardised(X: Array) -> Array:
    """Columns of mean 0 and standard deviation 1, without those that are constant."""
    X = X[:, X.std(axis=0) > 0.0]
    return (X - X.mean(axis=0)) / X.std(axis=0)


def two_classes(name: str, raw: bool = False) -> tuple[Array, Array]:
    """`ONE_CLASS` against the others, of digits 5-9; standardised unless raw; labels -1 and +1."""
    X, y = data_set(name)
    one = ONE_CLASS.get(name.partition(" ")[0])
    positive = y >= 5 if one is None else y == one
    return (X if raw else standardised(X)), np.where(positive, 1.0, -1.0)


def bundled(name: str) -> tuple[Array, Array]:
    """diabetes, breast_cancer, digits, iris or wine, standardised; all classes, as 0, 1, ..."""
    X, y = data_set(name)
    return standardised(X), y if has_classes(name) else (y - y.mean()) / y.std()


@dataclass(frozen=True)
class Problem:
    """What is trained: `data` are "five points", "four points", made by a formula, or bundled.

    Bundled data have so many of their `FEATURES`, or all columns where those are fewer; where they
    have classes, `ONE_CLASS` is told from the others. Weight decay is a share of the largest.
    """

    data: str
    n: int
    features: int
    share: float
    units: str = "relu"
    seed: int = 0

    @property
    def loss(self) -> str:
        """Squared for numbers, logistic for classes."""
        return "logistic" if has_classes(self.data) else "squared"

    def samples(self) -> tuple[Array, Array]:
        """Features (n, features) and target."""
        if self.data in POINTS:
            return POINTS[self.data]()
        if self.data in FORMULAS:
            return target(self.data, self.n, self.seed, self.features)
        known = two_classes if has_classes(self.data) else bundled
        some = self.features <= len(FEATURES[self.data])
        return known(f"{self.data} {self.features}" if some else self.data)

    def arguments(self) -> dict[str, Any]:
        """What `cvxnet.train` is called with."""
        X, y = self.samples()
        largest = cn.largest_weight_decay(self.units, X, y, loss=self.loss)
        decay = self.share * largest
        return {"units": self.units, "X": X, "y": y, "loss": self.loss, "weight_decay": decay}
