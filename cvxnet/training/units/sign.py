"""Sign units ``sign(x.u)``, -1, 0 or 1 (Bengio, Le Roux, Vincent, Delalleau, Marcotte 2005).

On its hyperplane a unit is the mean of two units on either side of it, so only dichotomies count.
The constant of a network is a unit like all others: with a bias ``u = (0, ..., 0, 1)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cvxnet.layers import Sign
from cvxnet.training.pricing.steps.dichotomies import Signs
from cvxnet.training.units.family import Array
from cvxnet.training.units.steps import StepUnits


@dataclass(frozen=True, eq=False)
class SignUnits(StepUnits):
    """Sign units on the data matrix ``X`` (n x d, the column of ones included where wanted).

    Examples
    --------
    >>> import numpy as np
    >>> units = SignUnits(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    >>> units.features(np.array([[3.0, -4.0]])).ravel().tolist()
    [5.0, -5.0, -5.0]
    >>> units.price(np.array([1.0, 2.0, -2.0]), 0.0).rho
    3.0
    """

    name = "sign"
    layer = Sign
    odd: ClassVar[bool] = True

    def step(self, sides: Signs) -> Array:
        """The signs."""
        return sides.astype(float)
