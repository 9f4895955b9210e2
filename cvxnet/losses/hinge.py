"""The hinge loss."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.functions import formulas
from cvxnet.functions.arithmetic import Arithmetic
from cvxnet.losses.cone import LossCone, Vector, stack
from cvxnet.losses.envelope import Envelope
from cvxnet.losses.loss import Loss


class Hinge(Loss):
    """``max(0, 1 - y f)`` with labels -1 and +1; the conjugate is ``v y`` for ``-y v`` in [0, 1].

    Examples
    --------
    >>> f, y = np.array([0.25, -2.0]), np.array([1.0, -1.0])
    >>> Hinge().terms(f, y).tolist(), Hinge().gradient(f, y).tolist()
    ([0.75, 0.0], [-1.0, 0.0])
    """

    name = "hinge"
    labels = True
    outputs = False
    smooth = False
    kinked_at_target = True

    def formula(self, f: Any, y: Any, K: Arithmetic) -> Any:
        return formulas.relu(K.number(1.0) - y * f, K)

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return -y * np.heaviside(1.0 - y * f, 0.5)

    def curvature(self, f: Vector, y: Vector) -> Vector:
        return np.zeros_like(f)

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        return np.minimum(-y, 0.0), np.maximum(-y, 0.0)

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        return v * y

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        return y

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        terms: cp.Expression = cp.pos(1.0 - cp.multiply(y, f))
        return terms

    def cone(self, y: Vector) -> LossCone:
        # Columns f, t with t >= 0 and t >= 1 - y f.
        n = y.size
        return LossCone(
            shift=np.zeros(n),
            curvature=np.zeros(2 * n),
            q=np.repeat([0.0, 1.0], n),
            A=stack([[0.0, -1.0], [-y, -1.0]], n),
            b=np.repeat([0.0, -1.0], n),
            nonneg=2 * n,
        )

    def smoothed(self, mu: float, centre: Any = 0.0) -> Loss:
        return Envelope(self, mu, centre)
