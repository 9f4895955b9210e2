"""The logistic loss."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
from scipy.special import expit, logit, xlogy

from cvxnet.functions import formulas
from cvxnet.functions.arithmetic import Arithmetic
from cvxnet.losses.cone import LossCone, Vector, interleave, stack
from cvxnet.losses.loss import Loss


class Logistic(Loss):
    """``log(1 + exp(-y f))`` with labels -1 and +1.

    The conjugate at ``v = -y a`` is ``a log a + (1-a) log(1-a)`` for ``a`` in [0, 1].
    """

    name = "logistic"
    labels = True
    strictly_convex = True

    def formula(self, f: Any, y: Any, K: Arithmetic) -> Any:
        return formulas.softplus(-y * f, K)

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return np.asarray(-y * expit(-y * f))

    def curvature(self, f: Vector, y: Vector) -> Vector:
        e = np.exp(-np.abs(f))
        return np.asarray(e / (1.0 + e) ** 2)

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        return np.minimum(-y, 0.0), np.maximum(-y, 0.0)

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        a = -y * v
        return np.asarray(xlogy(a, a) + xlogy(1.0 - a, 1.0 - a))

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        return np.asarray(-y * logit(-y * v))

    def nearly_right(self, error: Vector, y: Vector) -> Vector:
        # No finite prediction has loss zero; this one has the loss ``error``.
        return -y * np.log(np.expm1(error))

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        return cp.logistic(cp.multiply(-y, f))

    def cone(self, y: Vector) -> LossCone:
        # log(1 + exp(-y f)) <= t  iff  exp(-t) <= c and exp(-y f - t) <= d with c + d <= 1.
        # Columns f, t, c, d; rows: the sums, then the cones (-t, 1, c) and (-y f - t, 1, d).
        n = y.size
        blocks: list[list[Vector | float]] = [
            [0.0, 0.0, 1.0, 1.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, -1.0, 0.0],
            [y, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, -1.0],
        ]
        rows = np.concatenate([np.arange(n), n + interleave(n, 3), 4 * n + interleave(n, 3)])
        return LossCone(
            shift=np.zeros(n),
            curvature=np.zeros(4 * n),
            q=np.repeat([0.0, 1.0, 0.0, 0.0], n),
            A=stack(blocks, n)[rows],
            b=np.repeat([1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0], n)[rows],
            nonneg=n,
            exponential=2 * n,
        )
