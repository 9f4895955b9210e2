"""Tanh units ``tanh(x.u)`` with ``|u| <= radius`` (Bengio et al. 2005 with tanh for sign).

Without the radius the supremum over all units may be a sign unit, which none of them is.

A row stands for the size and for u at once, in one dimension more: ``z = |z| (w, h)``, ``h > 0``,
for the unit ``u = radius w / h``. Rows outside the cone ``|w| <= h`` stand for the unit on the
sphere in the direction of w, so every row is some unit. Pricing is by local search with a bound
from branch and bound, which finishes where the data have small rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from cvxnet.training.geometry.arrangement import reduce_to_rank
from cvxnet.training.pricing.box_search import price_tanh
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.training.units.curved import split
from cvxnet.training.units.family import UnitFamily
from cvxnet.types import Array

INSIDE = 1.0 - 1e-14
"""Factor on the length of hidden weights, so that rounding leaves none longer than the radius."""


@dataclass(frozen=True, eq=False)
class TanhUnits(UnitFamily):
    """Tanh units; ``radius`` bounds the length of the hidden weights, the bias included.

    Examples
    --------
    >>> units = TanhUnits(np.array([[1.0], [-2.0]]), radius=2.0)
    >>> units.features(np.array([[1.0, 2.0]])).round(4).tolist()       # u = 1, |z| = sqrt(5)
    [[1.703], [-2.1556]]
    """

    radius: float = 10.0

    name = "tanh"
    slides = True
    smooth: ClassVar[bool] = True

    @cached_property
    def reduced(self) -> tuple[Array, Array]:
        """The data in an orthonormal basis of their row space, and that basis."""
        return reduce_to_rank(self.X)

    @property
    def rank(self) -> int:
        """One more than the rank of ``X``."""
        return int(self.reduced[0].shape[1] + 1)

    def units(self, W: Array) -> Array:
        """The ``u / radius`` that rows stand for, of length at most one."""
        length, direction = split(W[:, :-1])
        height = W[:, -1]
        inside = height > length
        return np.where(inside, length / np.where(inside, height, 1.0), 1.0)[:, None] * direction

    def features(self, W: Array) -> Array:
        """``|z| tanh(X u)`` for each row."""
        X, sizes = self.radius * self.reduced[0], self.sizes(W)
        return np.tanh(X @ self.units(W).T) * sizes

    def pull_back(self, W: Array, v: Array) -> Array:
        """Gradient of ``v . feature(z)`` for each row.

        By the chain rule: du is dw / h - u dh / h inside the cone, and the part of dw across w,
        over ``|w|``, outside.
        """
        X, (sizes, Z) = self.radius * self.reduced[0], split(W)
        U = self.units(W)
        T = np.tanh(X @ U.T)
        slope = ((1.0 - T * T) * v[:, None]).T @ X
        length, height = np.linalg.norm(W[:, :-1], axis=1), W[:, -1]
        inside = (height > length)[:, None]
        along = (slope * U).sum(axis=1)[:, None]
        scale = np.where(inside, height[:, None], length[:, None])
        turn = np.where(inside, slope, slope - along * U) / np.where(scale > 0.0, scale, 1.0)
        fall = np.where(inside, -along, 0.0) / np.where(scale > 0.0, scale, 1.0)
        return (v @ T)[:, None] * Z + sizes[:, None] * np.hstack([turn, fall])

    def price(
        self, v: Array, floor: float, deadline: float = np.inf, work: float = np.inf
    ) -> LocalMaxima:
        """Local search, and a bound by branch and bound, the one reached by the deadline."""
        budget = Budget(deadline, work)
        found = price_tanh(self.reduced[0], v, self.radius, floor, budget)
        error = found.error + self.radius * float(self.left_out @ np.abs(v))
        return found._replace(units=self.embed(found.units), error=error)

    @cached_property
    def left_out(self) -> Array:
        """How far each row is from its coordinates, (n,), at most."""
        rows, basis = self.reduced
        rounding = (self.X.shape[1] + 10) * np.finfo(float).eps * np.linalg.norm(self.X, axis=1)
        return np.asarray(np.linalg.norm(self.X - rows @ basis.T, axis=1) + rounding)

    def embed(self, U: Array) -> Array:
        """The rows of length one that stand for units."""
        rows = np.hstack([U / self.radius, np.ones((len(U), 1))])
        return np.asarray(rows / np.linalg.norm(rows, axis=1)[:, None])

    def hidden(self, U: Array) -> Array:
        """The weights ``u`` in the columns of ``X``."""
        return INSIDE * self.radius * self.units(U) @ self.reduced[1].T

    def coordinates(self, W: Array, gate: Any = None) -> Array:
        """The rows of length one that stand for hidden weights."""
        return self.embed(W @ self.reduced[1])
