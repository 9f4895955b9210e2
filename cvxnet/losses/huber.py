"""The Huber loss."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.functions import formulas
from cvxnet.functions.arithmetic import Arithmetic
from cvxnet.losses.cone import LossCone, Vector, stack
from cvxnet.losses.loss import Loss


class Huber(Loss):
    """``1/2 r^2`` for ``|r| <= d`` and ``d (|r| - d/2)`` beyond, with ``r = f - y`` and d = 1.

    The conjugate is ``1/2 v^2 + v y`` for ``|v| <= d``. Other d are for internal use.

    Examples
    --------
    >>> f, y = np.array([1.0, 3.0]), np.array([0.5, 0.0])
    >>> Huber().terms(f, y).tolist(), Huber().gradient(f, y).tolist()
    ([0.125, 2.5], [0.5, 1.0])
    """

    name = "huber"
    degree = 2

    def __init__(self, d: float = 1.0) -> None:
        self.d = d

    def in_units(self, s: float) -> Huber:
        return Huber(self.d / s)

    def formula(self, f: Any, y: Any, K: Arithmetic) -> Any:
        return K.number(0.5) * formulas.huber(f - y, self.d, K)

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return np.clip(f - y, -self.d, self.d)

    def curvature(self, f: Vector, y: Vector) -> Vector:
        return np.where(np.abs(f - y) <= self.d, 1.0, 0.0)

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        return np.full_like(y, -self.d), np.full_like(y, self.d)

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        return v * (0.5 * v + y)

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        return v + y

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        terms: cp.Expression = 0.5 * cp.huber(f - y, self.d)  # type: ignore[arg-type]
        return terms

    def cone(self, y: Vector) -> LossCone:
        # huber(r) = min over a of 1/2 a^2 + d |r - a|. Columns r, a, t with -t <= r - a <= t.
        n = y.size
        return LossCone(
            shift=y,
            curvature=np.repeat([0.0, 1.0, 0.0], n),
            q=np.repeat([0.0, 0.0, self.d], n),
            A=stack([[1.0, -1.0, -1.0], [-1.0, 1.0, -1.0]], n),
            b=np.zeros(2 * n),
            nonneg=2 * n,
        )
