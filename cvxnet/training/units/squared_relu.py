"""Squared ReLU units ``(x.u)_+^2`` with ``|u| = 1`` (Bach 2014 with alpha = 2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cvxnet.training.geometry.arrangement import Arrangement, arrange
from cvxnet.training.pricing.box_search import price_squared_relu
from cvxnet.training.pricing.maxima import LocalMaxima, none_above
from cvxnet.training.pricing.quadratic_sweep import quadratic_sweep
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.training.units.curved import CurvedUnits
from cvxnet.training.units.family import bending
from cvxnet.types import Array

LARGEST_RANK, MANY_ROWS = 3, 100
"""Where the sweep can and should be used: beyond, branch and bound is faster."""


@dataclass(frozen=True, eq=False)
class SquaredReLUUnits(CurvedUnits):
    """Squared ReLU units.

    Examples
    --------
    >>> units = SquaredReLUUnits(np.eye(2))
    >>> units.features(np.array([[0.6, -0.8]])).ravel().round(2).tolist()
    [0.36, 0.0]
    >>> units.price(np.array([3.0, -4.0]), 0.0).rho
    4.0
    """

    name = "squared_relu"
    positive = True

    @cached_property
    def arrangement(self) -> Arrangement:
        """The hyperplanes at which units bend."""
        return arrange(self.X)

    @property
    def rank(self) -> int:
        """``r``, the rank of ``X``."""
        return self.arrangement.rank

    @property
    def rows(self) -> Array:
        """The data in the coordinates of ``u``, (n, r)."""
        return self.arrangement.rows

    def random_units(self, count: int, rng: np.random.Generator) -> Array:
        return bending(self.rows, count, rng)

    def phi(self, t: Array) -> Array:
        return np.maximum(t, 0.0) ** 2

    def slope(self, t: Array) -> Array:
        return 2.0 * np.maximum(t, 0.0)

    def price(
        self, v: Array, floor: float, deadline: float = np.inf, work: float = np.inf
    ) -> LocalMaxima:
        """For small data of rank up to 3 by the sweep over all cells, else by branch and bound.

        Branch and bound ends at the deadline, with the bound that it has then. The sweep's error
        counts all rows: those on one hyperplane may cancel, their rounding does not. What the
        arrangement leaves out of rows is in both errors.
        """
        if self.points_away(v):
            return none_above(floor, self.rank)
        a = self.arrangement
        size, slack = np.abs(a.length) + a.slack, a.slack
        left_out = float((2.0 * size + slack) * slack @ np.abs(v))
        if self.rank > LARGEST_RANK or len(a.normals) > MANY_ROWS:
            budget = Budget(deadline, work)
            found = price_squared_relu(self.rows, v, floor, budget, self.priced_sides)
            return found._replace(error=found.error + left_out)
        used, h = a.owner >= 0, len(a.normals)
        owner, length = a.owner[used], a.length[used]
        plus, minus = np.zeros(h), np.zeros(h)
        np.add.at(plus, owner, np.maximum(length, 0.0) ** 2 * v[used])
        np.add.at(minus, owner, np.maximum(-length, 0.0) ** 2 * v[used])
        error = (len(v) + 100) * np.finfo(float).eps * float(length**2 @ np.abs(v[used]))
        error += left_out
        found = quadratic_sweep(a.normals, plus, minus, floor, self.priced_sides)
        return found._replace(error=error)

    def hidden(self, U: Array) -> Array:
        """Units in the coordinates of the columns of ``X``."""
        return U @ self.arrangement.basis.T

    def coordinates(self, W: Array, gate: Any = None) -> Array:
        """The component in the row space of ``X``."""
        return W @ self.arrangement.basis
