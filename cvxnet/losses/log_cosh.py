"""The log-cosh loss: smooth like the squared one near 0, linear far away."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
from scipy.special import xlogy

from cvxnet.functions.arithmetic import Arithmetic
from cvxnet.losses.cone import LossCone, Vector, interleave, stack
from cvxnet.losses.huber import Huber
from cvxnet.losses.loss import Loss
from cvxnet.losses.squared import Squared

SMALL = 0.03
"""Below this k, ``1/2 r^2`` is right to k^2 / 6 for the residuals that there are, about one."""

LARGE = 1e4
"""Beyond this k, the Huber loss of width 1 / k is right to about as much, relatively."""


class LogCosh(Loss):
    """``log cosh(k r) / k^2`` with ``r = f - y`` and k = 1; other k are for internal use.

    The conjugate is ``v y + h(k v) / k^2`` with ``h(u) = ((1+u) log(1+u) + (1-u) log(1-u)) / 2``
    for ``|u| <= 1``.

    Examples
    --------
    >>> f, y = np.array([0.0, 30.0]), np.array([0.0, 0.0])
    >>> LogCosh().terms(f, y).round(4).tolist(), LogCosh().gradient(f, y).tolist()
    ([0.0, 29.3069], [0.0, 1.0])
    """

    name = "log_cosh"
    degree = 2
    strictly_convex = True

    def __init__(self, k: float = 1.0) -> None:
        self.k = k

    def in_units(self, s: float) -> LogCosh:
        return LogCosh(self.k * s)

    def formula(self, f: Any, y: Any, K: Arithmetic) -> Any:
        size = K.absolute(K.number(self.k) * (f - y))
        far = K.expm1(K.number(-2.0) * size)
        return (size + K.log1p(K.number(0.5) * far)) / K.number(self.k**2)

    def terms(self, f: Vector, y: Vector) -> Vector:
        size = np.abs(self.k * (f - y))
        near = np.log1p(2.0 * np.sinh(0.5 * np.minimum(size, 1.0)) ** 2)  # nothing cancels
        return np.where(size < 1.0, near / self.k**2, super().terms(f, y))

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return np.tanh(self.k * (f - y)) / self.k

    def curvature(self, f: Vector, y: Vector) -> Vector:
        return 1.0 - np.tanh(self.k * (f - y)) ** 2

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        return np.full_like(y, -1.0 / self.k), np.full_like(y, 1.0 / self.k)

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        u = np.clip(self.k * v, -1.0, 1.0)
        far = 0.5 * (xlogy(1.0 + u, 1.0 + u) + xlogy(1.0 - u, 1.0 - u))
        small = np.clip(u, -0.5, 0.5)  # the same, where that would cancel
        near = small * np.arctanh(small) + 0.5 * np.log1p(-small * small)
        return v * y + np.where(np.abs(u) < 0.5, near, far) / self.k**2

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        with np.errstate(divide="ignore"):
            return np.arctanh(np.clip(self.k * v, -1.0, 1.0)) / self.k + y

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        if self.k < SMALL:
            return Squared().term_expressions(f, y)
        if self.k > LARGE:
            return Huber(1.0 / self.k).term_expressions(f, y)
        r = self.k * (f - y)
        terms: cp.Expression = (cp.logistic(2.0 * r) - r - np.log(2.0)) / self.k**2
        return terms

    def cone(self, y: Vector) -> LossCone:
        # For small k, log cosh(k r) is beyond a solver's precision, and 1/2 (k r)^2 is not; for
        # large k its exponential cones are, and the Huber loss of the same slopes is not. The
        # network is refined with the loss itself.
        if self.k < SMALL:
            return Squared().cone(y)
        if self.k > LARGE:
            return Huber(1.0 / self.k).cone(y)
        # t >= log(e^kr + e^-kr) - log 2 iff e^(kr-t) <= c and e^(-kr-t) <= d with c + d <= 2.
        # Columns r, t, c, d; rows: the sums, then the cones (kr - t, 1, c) and (-kr - t, 1, d).
        n = y.size
        blocks: list[list[Vector | float]] = [
            [0.0, 0.0, 1.0, 1.0],
            [-self.k, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, -1.0, 0.0],
            [self.k, 1.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, -1.0],
        ]
        rows = np.concatenate([np.arange(n), n + interleave(n, 3), 4 * n + interleave(n, 3)])
        return LossCone(
            shift=y,
            curvature=np.zeros(4 * n),
            q=np.repeat([0.0, 1.0 / self.k**2, 0.0, 0.0], n),
            A=stack(blocks, n)[rows],
            b=np.repeat([2.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0], n)[rows],
            nonneg=n,
            exponential=2 * n,
        )
