"""Absolute value units ``|x.u|`` (Pilanci and Ergen 2020 with ``2D - I`` for ``D``)."""

from __future__ import annotations

from dataclasses import dataclass

from cvxnet.layers import Abs
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits


@dataclass(frozen=True, eq=False)
class AbsUnits(PiecewiseLinearUnits):
    """Absolute value units.

    Examples
    --------
    >>> import numpy as np
    >>> units = AbsUnits(np.array([[1.0], [-1.0]]))
    >>> units.price(np.array([1.0, 2.0]), 0.0).rho
    3.0
    """

    name = "abs"
    slopes = (1.0, 1.0)
    layer = Abs
