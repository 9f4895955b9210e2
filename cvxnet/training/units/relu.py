"""ReLU units ``(x.u)_+`` (Pilanci and Ergen 2020; Bach 2014 with alpha = 1)."""

from __future__ import annotations

from dataclasses import dataclass

from cvxnet.layers import ReLU
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits


@dataclass(frozen=True, eq=False)
class ReLUUnits(PiecewiseLinearUnits):
    """ReLU units on the data matrix ``X`` (n x d, the column of ones included where wanted).

    Examples
    --------
    >>> import numpy as np
    >>> units = ReLUUnits(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> units.features(np.array([[0.6, -0.8]])).ravel().tolist()
    [0.6, 0.0]
    >>> units.price(np.array([3.0, 4.0]), 0.0).rho
    5.0
    """

    name = "relu"
    slopes = (1.0, 0.0)
    layer = ReLU
