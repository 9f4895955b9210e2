"""The log-cosh loss: smooth like the squared one near 0, linear far away."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
from scipy.special import xlogy

from cvxnet.losses.cone import LossCone, Vector, interleave, stack
from cvxnet.losses.loss import Loss


class LogCosh(Loss):
    """``log cosh r`` with ``r = f - y``.

    The conjugate is ``v y + ((1+v) log(1+v) + (1-v) log(1-v)) / 2`` for ``|v| <= 1``.

    Examples
    --------
    >>> f, y = np.array([0.0, 30.0]), np.array([0.0, 0.0])
    >>> LogCosh().terms(f, y).round(4).tolist(), LogCosh().gradient(f, y).tolist()
    ([0.0, 29.3069], [0.0, 1.0])
    """

    name = "log_cosh"

    def terms(self, f: Vector, y: Vector) -> Vector:
        size = np.abs(f - y)
        near = np.log1p(2.0 * np.sinh(0.5 * np.minimum(size, 1.0)) ** 2)  # nothing cancels
        return np.where(size < 1.0, near, size + np.log1p(0.5 * np.expm1(-2.0 * size)))

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return np.tanh(f - y)

    def curvature(self, f: Vector, y: Vector) -> Vector:
        return 1.0 - np.tanh(f - y) ** 2

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        return np.full_like(y, -1.0), np.full_like(y, 1.0)

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        far = 0.5 * (xlogy(1.0 + v, 1.0 + v) + xlogy(1.0 - v, 1.0 - v))
        u = np.clip(v, -0.5, 0.5)  # the same, where that would cancel
        near = u * np.arctanh(u) + 0.5 * np.log1p(-u * u)
        return v * y + np.where(np.abs(v) < 0.5, near, far)

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        with np.errstate(divide="ignore"):
            return np.arctanh(v) + y

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        return cp.logistic(2.0 * (f - y)) - (f - y) - np.log(2.0)

    def cone(self, y: Vector) -> LossCone:
        # t >= log(e^r + e^-r) - log 2 iff e^(r-t) <= c and e^(-r-t) <= d with c + d <= 2.
        # Columns r, t, c, d; rows: the sums, then the cones (r - t, 1, c) and (-r - t, 1, d).
        n = y.size
        blocks: list[list[Vector | float]] = [
            [0.0, 0.0, 1.0, 1.0],
            [-1.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, -1.0, 0.0],
            [1.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, -1.0],
        ]
        rows = np.concatenate([np.arange(n), n + interleave(n, 3), 4 * n + interleave(n, 3)])
        return LossCone(
            shift=y,
            curvature=np.zeros(4 * n),
            q=np.repeat([0.0, 1.0, 0.0, 0.0], n),
            A=stack(blocks, n)[rows],
            b=np.repeat([2.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0], n)[rows],
            nonneg=n,
            exponential=2 * n,
        )
