"""Units with one kink, the kink rounded off: for local search in many dimensions.

Quasi-Newton steps stop where many units have samples on their kinks, short of any local optimum.
With ``phi(t) = a t + b |t|`` the feature of a row z is taken to be

    a x.z + b sqrt((x.z)^2 + (width |x| |z|)^2),

homogeneous of degree one in z as the unit itself is, with the gradient ``(a + b x.z / R) x +
b (width |x|)^2 z / R`` where R is the root. The width then goes to 0 in a few steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.types import Array

TINY = 1e-300


@dataclass(frozen=True)
class RoundedUnits:
    """Units ``phi(t) = plus (t)_+ + minus (-t)_+`` on the rows of data, their kinks rounded off.

    Examples
    --------
    >>> units = RoundedUnits(np.array([[3.0], [-4.0]]), (1.0, 0.0), 0.1)
    >>> units.features(np.array([[1.0]])).round(4).ravel().tolist()
    [3.0075, 0.01]
    """

    rows: Array
    slopes: tuple[float, float]
    width: float

    def parts(self, W: Array) -> tuple[Array, Array, Array]:
        """``x.z`` and R for each row of data and of ``W``, and ``(width |x|)^2``."""
        t = self.rows @ W.T
        blur = self.width**2 * (self.rows**2).sum(axis=1)[:, None]
        return t, np.sqrt(t**2 + blur * (W**2).sum(axis=1) + TINY), blur

    def features(self, W: Array) -> Array:
        """The features of the rows of ``W``, (n, m)."""
        plus, minus = self.slopes
        t, root, _ = self.parts(W)
        return (plus - minus) / 2.0 * t + (plus + minus) / 2.0 * root

    def pull_back(self, W: Array, v: Array) -> Array:
        """Gradient of ``v . feature(z)`` with respect to each row of ``W``, (m, r)."""
        plus, minus = self.slopes
        a, b = (plus - minus) / 2.0, (plus + minus) / 2.0
        t, root, blur = self.parts(W)
        along = ((a + b * t / root) * v[:, None]).T @ self.rows
        return np.asarray(along + b * (v @ (blur / root))[:, None] * W)


@singledispatch
def rounded(family: UnitFamily, width: float) -> UnitFamily | RoundedUnits:
    """What slides in place of units whose kinks, rounded off on so much width, are in the way."""
    return family


@rounded.register
def rounded_kinks(family: PiecewiseLinearUnits, width: float) -> RoundedUnits:
    """``width`` is that of the length of each row."""
    return RoundedUnits(family.rows, family.slopes, width)
