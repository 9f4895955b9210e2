"""The squared loss."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
from scipy import sparse

from cvxnet.functions.arithmetic import Arithmetic
from cvxnet.losses.cone import LossCone, Vector
from cvxnet.losses.loss import Loss


class Squared(Loss):
    """``1/2 (f - y)^2``, with conjugate ``1/2 v^2 + v y``."""

    name = "squared"
    degree = 2
    strictly_convex = True

    def formula(self, f: Any, y: Any, K: Arithmetic) -> Any:
        r = f - y
        return K.number(0.5) * r * r

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return f - y

    def curvature(self, f: Vector, y: Vector) -> Vector:
        return np.ones_like(f)

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        return np.full_like(y, -np.inf), np.full_like(y, np.inf)

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        return v * (0.5 * v + y)

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        return v + y

    def conjugate(self, v: Vector, y: Vector) -> float:
        return float(np.vdot(v, 0.5 * v + y))

    def best_scale(self, v: Vector, y: Vector, largest: float) -> float:
        square, t = float(np.vdot(v, v)), -float(np.vdot(v, y))
        return min(max(t / square, 0.0), max(largest, 0.0)) if square > 0.0 else 0.0

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        terms: cp.Expression = 0.5 * cp.square(f - y)
        return terms

    def expression(self, f: cp.Expression, y: Vector) -> cp.Expression:
        terms: cp.Expression = 0.5 * cp.sum_squares(f - y)
        return terms

    def cone(self, y: Vector) -> LossCone:
        n = y.size
        A = sparse.csr_array((0, n))
        return LossCone(shift=y, curvature=np.ones(n), q=np.zeros(n), A=A, b=np.zeros(0))
