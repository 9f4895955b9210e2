"""What predictions mean, and how good they are: values, or classes with their probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from cvxnet.data.preparation import Preparation
from cvxnet.data.tables import Data
from cvxnet.losses import get_loss
from cvxnet.types import Array

Score = float | None | dict[str, float | None]
"""A number, None where there is none; with several targets one for each, by name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """The outputs of a network, (n, c), with what they stand for.

    Examples
    --------
    >>> columns = Preparation(features=("age",), targets=("smokes",), classes=("no", "yes"))
    >>> found = Predictions(outputs=np.array([[0.0], [2.0]]), preparation=columns, loss="logistic")
    >>> found.columns()["smokes"], found.columns()["p(yes)"].round(2).tolist()
    (['no', 'yes'], [0.5, 0.88])
    >>> found.scores(np.array([0, 1]))["accuracy"]
    1.0
    """

    outputs: Array
    preparation: Preparation
    loss: str

    @property
    def signs(self) -> bool:
        """Whether outputs are the signs of labels -1 and +1, for want of names."""
        return get_loss(self.loss).labels and self.preparation.classes is None

    @property
    def places(self) -> NDArray[Any]:
        """The place of each row's class among the classes."""
        f = self.outputs
        return (f[:, 0] > 0.0).astype(int) if f.shape[1] == 1 else f.argmax(axis=1)

    @property
    def probabilities(self) -> Array | None:
        """Of the classes, (n, c); None where the loss is not about any."""
        f = self.outputs
        if self.loss == "cross_entropy":
            return np.asarray(softmax(f, axis=1))
        return np.hstack([expit(-f), expit(f)]) if self.loss == "logistic" else None

    def columns(self) -> dict[str, Any]:
        """What goes into a table: names, and a value for each row."""
        classes = self.preparation.classes
        if classes is None:
            values = np.where(self.outputs > 0.0, 1.0, -1.0) if self.signs else self.outputs
            return dict(zip(self.preparation.targets, values.T, strict=True))
        found: dict[str, Any] = {
            self.preparation.targets[0]: [classes[place] for place in self.places]
        }
        if self.probabilities is not None:
            names = [f"p({label})" for label in classes]
            found |= dict(zip(names, self.probabilities.T, strict=True))
        return found

    def scores(self, y: NDArray[Any]) -> dict[str, Score]:
        """How good the predictions are, for targets as `targets_in` and `targets_of` give them."""
        if self.preparation.classes is None:
            y = y.reshape(len(y), -1)
            if self.signs:
                return {
                    "accuracy": self.by_target(((self.outputs > 0.0) == (y > 0.0)).mean(axis=0))
                }
            return {
                "R2": self.by_target(r2(y, self.outputs)),
                "mean absolute error": self.by_target(np.abs(y - self.outputs).mean(axis=0)),
            }
        found: dict[str, Score] = {"accuracy": float((self.places == y).mean())}
        if self.probabilities is not None:
            p = self.probabilities[np.arange(len(y)), y.astype(int)]
            found["log loss"] = float(-np.log(np.maximum(p, np.finfo(float).tiny)).mean())
        return found

    def by_target(self, values: Array) -> Score:
        """One number, or one for each target by its name; None for what is no number."""
        known = [None if np.isnan(value) else float(value) for value in values]
        targets = self.preparation.targets
        return known[0] if len(targets) == 1 else dict(zip(targets, known, strict=True))


def r2(y: Array, f: Array) -> Array:
    """The share of the variance that is explained, column by column; NaN where there is none."""
    rest, all_of_it = ((y - f) ** 2).sum(axis=0), ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    share = np.full(len(rest), np.nan)
    np.divide(rest, all_of_it, out=share, where=all_of_it > 0.0)
    return np.asarray(1.0 - share)


def targets_of(data: Data, preparation: Preparation) -> NDArray[Any]:
    """The targets of these rows: numbers, or the place of each label among the classes."""
    classes = preparation.classes
    if classes is None:
        return data.y
    if data.classes is not None and len(classes) == 2 and data.y.dtype.kind == "f":
        return (data.y > 0.0).astype(int)  # these labels have become -1 and +1
    places = {label: place for place, label in enumerate(classes)}
    return np.array([places[label] for label in data.y.tolist()])


def scores_text(scores: Mapping[str, Score]) -> str:
    """Scores in a line.

    >>> scores_text({"R2": {"a": 0.5, "b": None}, "mean absolute error": 2.0})
    'R2 a 0.5, b undefined; mean absolute error 2'
    """
    return "; ".join(f"{name} {score_text(score)}" for name, score in scores.items())


def score_text(score: Score) -> str:
    """One score, or one for each target."""
    if isinstance(score, dict):
        return ", ".join(f"{target} {score_text(one)}" for target, one in score.items())
    return "undefined" if score is None else f"{score:.4g}"
