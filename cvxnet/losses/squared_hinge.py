"""The squared hinge loss."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.functions import formulas
from cvxnet.functions.arithmetic import Arithmetic
from cvxnet.losses.cone import LossCone, Vector, stack
from cvxnet.losses.loss import Loss


class SquaredHinge(Loss):
    """``max(0, 1 - y f)^2`` with labels -1 and +1; conjugate ``1/4 v^2 + v y`` for ``-y v >= 0``.

    Examples
    --------
    >>> f, y = np.array([0.5, -2.0]), np.array([1.0, -1.0])
    >>> SquaredHinge().terms(f, y).tolist(), SquaredHinge().gradient(f, y).tolist()
    ([0.25, 0.0], [-1.0, 0.0])
    """

    name = "squared_hinge"
    labels = True
    outputs = False

    def formula(self, f: Any, y: Any, K: Arithmetic) -> Any:
        return formulas.squared_relu(K.number(1.0) - y * f, K)

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return -2.0 * y * np.maximum(0.0, 1.0 - y * f)

    def curvature(self, f: Vector, y: Vector) -> Vector:
        return np.where(y * f < 1.0, 2.0, 0.0)

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        ends = np.copysign(np.inf, -y)
        return np.minimum(ends, 0.0), np.maximum(ends, 0.0)

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        return v * (0.25 * v + y)

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        return 0.5 * v + y

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        terms: cp.Expression = cp.square(cp.pos(1.0 - cp.multiply(y, f)))
        return terms

    def cone(self, y: Vector) -> LossCone:
        # Columns f, s with s >= 1 - y f; where that is negative, the least s^2 is 0 all the same.
        n = y.size
        return LossCone(
            shift=np.zeros(n),
            curvature=np.repeat([0.0, 2.0], n),
            q=np.zeros(2 * n),
            A=stack([[-y, -1.0]], n),
            b=np.full(n, -1.0),
            nonneg=n,
        )
