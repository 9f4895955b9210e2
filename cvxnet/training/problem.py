"""The training problem: units, weights on them, objective and dual value."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cvxnet.losses import Loss
from cvxnet.training.units.family import UnitFamily

Array = NDArray[np.float64]

EPS = float(np.finfo(float).eps)
ROUNDING = 1e-12
"""Relative rounding of sums over all samples."""


@dataclass(frozen=True)
class Units:
    """Hidden units with their output weights, and the weights that are not decayed.

    Row ``j`` of ``weights`` is ``|a_j| u_j`` (the unit times the size of its output weight) and
    ``signs[j]`` is the sign of ``a_j``; the penalty on the pair is the length of the row. ``free``
    holds the coefficients of the problem's free columns.
    """

    weights: Array
    signs: Array
    free: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def sizes(self) -> Array:
        """Euclidean lengths of the rows; in the norm l2 ``|u_j| |a_j|``."""
        return np.asarray(np.linalg.norm(self.weights, axis=1))

    def __len__(self) -> int:
        return len(self.signs)

    def __add__(self, other: Units) -> Units:
        weights = np.vstack([self.weights, other.weights])
        return Units(weights, np.concatenate([self.signs, other.signs]), self.free)

    def pick(self, which: NDArray) -> Units:
        """The units at an index array or mask."""
        return Units(self.weights[which], self.signs[which], self.free)

    def without_small(self, relative: float) -> Units:
        """Only the units larger than ``relative`` times the largest."""
        sizes = self.sizes
        return self.pick(sizes > relative * sizes.max(initial=0.0))


def no_units(rank: int, free: int = 0) -> Units:
    """The empty network."""
    return Units(np.zeros((0, rank)), np.zeros(0), np.zeros(free))


@dataclass(frozen=True)
class Problem:
    """``minimise loss(features @ signs + F @ free) + weight_decay * sum of sizes``.

    ``F``, the free columns, (n, k), are output bias and skip connection; often there are none.
    Its dual: maximise ``-loss*(v)`` over ``rho(v) <= weight_decay`` and ``F^T v = 0``.
    """

    family: UnitFamily
    loss: Loss
    y: Array
    weight_decay: float
    F: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        if self.F.size == 0:
            object.__setattr__(self, "F", np.zeros((len(self.y), 0)))

    @cached_property
    def scale(self) -> float:
        """The loss at zero predictions."""
        return self.loss.value(np.zeros_like(self.y), self.y)

    def fit(self, units: Units) -> Array:
        """The predictions on the training data, (n,)."""
        f = self.family.features(units.weights) @ units.signs
        return f + self.F @ units.free if self.F.size else f

    def penalty(self, units: Units) -> float:
        """The sum of the sizes in the family's norm."""
        return float(self.family.sizes(units.weights).sum())

    def objective(self, units: Units) -> float:
        """The primal value: the training objective of the balanced network."""
        return self.loss.value(self.fit(units), self.y) + self.weight_decay * self.penalty(units)

    def largest_multiple(self, bound: float) -> float:
        """The largest t for which ``rho(v) <= bound`` shows that ``rho(t v) <= weight_decay``."""
        return self.weight_decay / bound if bound > 0.0 else np.inf

    def rounding(self, free: Array) -> float:
        """The loss of predictions that are right but for rounding, with these free weights.

        Targets are given, and free weights and their products with data computed, to a relative
        EPS.
        """
        error = EPS * (np.abs(self.y) + np.abs(self.F) @ np.abs(free))
        return self.loss.rounding(error, self.y)

    def dual_vector(self, units: Units) -> Array:
        """The gradient of the loss at the predictions, where it is smooth; ``F^T v = 0``."""
        return self.make_feasible(self.loss.gradient(self.fit(units), self.y))

    def make_feasible(self, v: Array) -> Array:
        """The nearest dual vector in the conjugate's domain with ``F^T v = 0``.

        Entries move in proportion to their room, ``v - D F (F^T D F)^-1 F^T v`` with
        ``D = diag(min(1, room))``, so that none leaves the domain.
        """
        v = self.loss.clip(v, self.y)
        if not self.F.size:
            return v
        for _ in range(5):
            D = np.minimum(1.0, self.loss.room(v, self.y))
            G = (self.F.T * D) @ self.F
            v = v - D * (self.F @ (np.linalg.pinv(G, hermitian=True) @ (self.F.T @ v)))
            v = self.loss.clip(v, self.y)
        return v

    def ignores_free(self, v: Array) -> bool:
        """Whether ``F^T v = 0`` up to rounding, without which v proves nothing."""
        size = np.abs(self.F).T @ np.abs(v)
        return bool((np.abs(self.F.T @ v) <= ROUNDING * size).all())

    def propose(self, units: Units, v: Array) -> Array:
        """The dual vector after a master: its multipliers ``v``, or better the gradient."""
        return self.dual_vector(units) if self.loss.smooth else self.make_feasible(v)
