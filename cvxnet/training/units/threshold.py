"""Threshold units ``1[x.u >= 0]`` (Ergen, Gulluk, Lacotte, Pilanci 2023; Bengio et al. 2005).

On its hyperplane a unit is 1 at all rows, whichever way they point. Are there features that no unit
inside a cell has?

* None where some w has ``x_j.w > 0`` for all rows, as with a column of ones. A unit u does what
  ``u + e w`` does for small e > 0, which is off all hyperplanes.
* Otherwise ``u = 0`` is 1 everywhere and no other unit need be; and so on hyperplanes with opposite
  rows, and where more of them meet than dimensions. Pricing looks at all these faces, so its bound
  holds for every network. Faces whose units doubles cannot hold exactly (rows that are no small
  integers) count in the bound only; there the bracket may stay open.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cvxnet.layers import Threshold
from cvxnet.training.pricing.steps.dichotomies import Signs
from cvxnet.training.pricing.steps.faces import middle_of_cell
from cvxnet.training.units.family import Array
from cvxnet.training.units.steps import StepUnits


@dataclass(frozen=True, eq=False)
class ThresholdUnits(StepUnits):
    """Threshold units on the data matrix ``X`` (n x d, the column of ones included where wanted).

    Examples
    --------
    >>> units = ThresholdUnits(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    >>> units.features(np.array([[3.0, -4.0]])).ravel().tolist()
    [5.0, 0.0, 0.0]
    >>> units.price(np.array([1.0, 2.0, -2.0]), 0.0).rho
    2.0
    """

    name = "threshold"
    layer = Threshold

    def step(self, sides: Signs) -> Array:
        """1 where the sign is not negative."""
        return (sides >= 0).astype(float)

    @cached_property
    def lifted(self) -> bool:
        """Unless all rows are strictly on one side of some hyperplane."""
        planes = self.planes
        ahead, behind = planes.totals(np.ones(len(self.X)))
        if ((ahead > 0) & (behind > 0)).any() or (planes.owner < 0).any():
            return True
        sides = np.where(ahead > 0, np.int8(1), np.int8(-1))
        return middle_of_cell(planes.normals, sides) is None
