"""The absolute loss."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.functions.arithmetic import Arithmetic
from cvxnet.losses.cone import LossCone, Vector, stack
from cvxnet.losses.envelope import Envelope
from cvxnet.losses.loss import Loss


class Absolute(Loss):
    """``|f - y|``, with conjugate ``v y`` for ``|v| <= 1``.

    Examples
    --------
    >>> f, y = np.array([1.0, 3.0]), np.array([2.0, 3.0])
    >>> Absolute().terms(f, y).tolist(), Absolute().gradient(f, y).tolist()
    ([1.0, 0.0], [-1.0, 0.0])
    """

    name = "absolute"
    degree = 1
    smooth = False
    kinked_at_target = True

    def formula(self, f: Any, y: Any, K: Arithmetic) -> Any:
        return K.absolute(f - y)

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return np.sign(f - y)

    def curvature(self, f: Vector, y: Vector) -> Vector:
        return np.zeros_like(f)

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        return np.full_like(y, -1.0), np.full_like(y, 1.0)

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        return v * y

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        return y

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        return cp.abs(f - y)

    def cone(self, y: Vector) -> LossCone:
        # Columns r = f - y and t with -t <= r <= t.
        n = y.size
        return LossCone(
            shift=y,
            curvature=np.zeros(2 * n),
            q=np.repeat([0.0, 1.0], n),
            A=stack([[1.0, -1.0], [-1.0, -1.0]], n),
            b=np.zeros(2 * n),
            nonneg=2 * n,
        )

    def smoothed(self, mu: float, centre: Any = 0.0) -> Loss:
        return Envelope(self, mu, centre)
