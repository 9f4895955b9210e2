"""The training problem: units, weights on them, objective and dual value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnet.losses import Loss
from cvxnet.training.units.family import UnitFamily

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Units:
    """Hidden units with their output weights.

    Row ``j`` of ``weights`` is ``|a_j| u_j`` (the unit times the size of its output weight) and
    ``signs[j]`` is the sign of ``a_j``; the penalty on the pair is the length of the row.
    """

    weights: Array
    signs: Array

    @property
    def sizes(self) -> Array:
        """``|u_j| |a_j|``."""
        return np.linalg.norm(self.weights, axis=1)

    def __len__(self) -> int:
        return len(self.signs)

    def __add__(self, other: Units) -> Units:
        return Units(
            np.vstack([self.weights, other.weights]), np.concatenate([self.signs, other.signs])
        )

    def pick(self, which: NDArray) -> Units:
        """The units at an index array or mask."""
        return Units(self.weights[which], self.signs[which])

    def without_small(self, relative: float) -> Units:
        """Only the units larger than ``relative`` times the largest."""
        sizes = self.sizes
        return self.pick(sizes > relative * sizes.max(initial=0.0))


def no_units(rank: int) -> Units:
    """The empty network."""
    return Units(np.zeros((0, rank)), np.zeros(0))


@dataclass(frozen=True)
class Problem:
    """``minimise loss(features @ signs) + weight_decay * sum of sizes`` over all units."""

    family: UnitFamily
    loss: Loss
    y: Array
    weight_decay: float

    def fit(self, units: Units) -> Array:
        """The predictions on the training data, (n,)."""
        return self.family.features(units.weights) @ units.signs

    def objective(self, units: Units) -> float:
        """The primal value: the training objective of the balanced network."""
        penalty = self.weight_decay * float(units.sizes.sum())
        return self.loss.value(self.fit(units), self.y) + penalty

    def dual_vector(self, units: Units) -> Array:
        """The gradient of the loss at the predictions."""
        return self.loss.gradient(self.fit(units), self.y)
