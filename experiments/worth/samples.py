"""Splits: a third is for the test, and a third of the rest chooses; the same for every method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from experiments.problems import data_set, has_classes

SETS = (
    "iris 2",
    "breast_cancer 2",
    "diabetes 2",
    "iris",
    "wine",
    "breast_cancer",
    "digits",
    "diabetes",
    "linnerud",
)
MOST = 210
"""Samples of a split; each split of a larger set draws its own."""
ANOTHER = 0.1
"""Predictions that differ by more, in standard deviations of the target, are different ones."""


@dataclass(frozen=True)
class Data:
    """Features in standard deviations; labels 0, 1, ..., or numbers in standard deviations."""

    X: np.ndarray
    y: np.ndarray

    @property
    def loss(self) -> str:
        """What networks and linear models minimise."""
        if self.y.dtype.kind == "f":
            return "squared"
        return "logistic" if self.y.max() == 1 else "cross_entropy"


@dataclass(frozen=True)
class Split:
    """What is trained on in the end, in two parts that choose, and what tests."""

    train: Data
    fit: Data
    held: Data
    test: Data


def split_of(name: str, k: int) -> Split:
    """Split k of a set, stratified for classes; nothing of the test is in the scales."""
    X, y = data_set(name)
    classes = has_classes(name)
    rng = np.random.RandomState(k)
    if len(X) > MOST:
        X, _, y, _ = train_test_split(
            X, y, train_size=MOST, random_state=rng, stratify=y if classes else None
        )
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=1 / 3, random_state=rng, stratify=y if classes else None
    )
    fit, held = train_test_split(
        np.arange(len(X)), test_size=1 / 3, random_state=rng, stratify=y if classes else None
    )
    spread = X.std(axis=0)
    spread[spread == 0.0] = 1.0
    X, X_test = (X - X.mean(axis=0)) / spread, (X_test - X.mean(axis=0)) / spread
    if not classes:
        y, y_test = (y - y.mean(axis=0)) / y.std(axis=0), (y_test - y.mean(axis=0)) / y.std(axis=0)
    return Split(Data(X, y), Data(X[fit], y[fit]), Data(X[held], y[held]), Data(X_test, y_test))


def error_of(said: np.ndarray, data: Data) -> float:
    """Share of wrong classes; mean squared error, in variances of the target.

    ``said`` has logarithms of probabilities (n, classes), or numbers.
    """
    if data.loss == "squared":
        return float(((said.reshape(data.y.shape) - data.y) ** 2).mean())
    return float((said.argmax(axis=1) != data.y).mean())


def loss_of(said: np.ndarray, data: Data) -> float:
    """What chooses: the cross entropy of a sample, for numbers the squared error."""
    if data.loss == "squared":
        return error_of(said, data)
    chances = np.exp(said)
    return float(log_loss(data.y, chances / chances.sum(axis=1, keepdims=True)))


def share_apart(one: np.ndarray, other: np.ndarray, classes: bool) -> float:
    """Share of test points at which two predictors say another class, or another number."""
    if classes:
        return float((one.argmax(axis=1) != other.argmax(axis=1)).mean())
    return float((np.abs(one - other) > ANOTHER).mean())
