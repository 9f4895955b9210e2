"""Smooth losses below losses with kinks."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxnet.losses.cone import LossCone, Vector, stack
from cvxnet.losses.loss import Loss


class Envelope(Loss):
    """``min_g l(g) + (f - g)^2 / (2 mu) + c (f - g)`` of a loss with conjugate ``v y``.

    (The hinge and the absolute loss have it.) With c = 0, or another ``centre`` in the domain of
    the conjugate, it is the Moreau envelope. Its conjugate is ``v y + 1/2 mu (v - c)^2`` on the
    same domain, so it is the largest of ``v (f - y) - 1/2 mu (v - c)^2`` there, at
    ``v = c + (f - y) / mu`` clipped to the domain. It lies below the loss by at most
    ``1/2 mu (v - c)^2``; of the absolute loss it is a Huber loss of width ``mu``, about a point
    that ``c`` has moved.

    Examples
    --------
    >>> from cvxnet.losses import get_loss
    >>> loss, zero = get_loss("absolute").smoothed(0.5), np.zeros(2)
    >>> loss.terms(np.array([0.25, 2.0]), zero).tolist()
    [0.0625, 1.75]
    """

    def __init__(self, loss: Loss, mu: float, centre: Vector | float = 0.0) -> None:
        self.loss, self.mu, self.centre = loss, mu, centre
        self.name = f"smoothed {loss.name}"
        self.labels = loss.labels

    def terms(self, f: Vector, y: Vector) -> Vector:
        v = self.gradient(f, y)
        return np.asarray(v * (f - y) - 0.5 * self.mu * (v - self.centre) ** 2)

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return self.clip(self.centre + (f - y) / self.mu, y)

    def curvature(self, f: Vector, y: Vector) -> Vector:
        low, high = self.domain(y)
        v = self.centre + (f - y) / self.mu
        return np.where((low <= v) & (v <= high), 1.0 / self.mu, 0.0)

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        return self.loss.domain(y)

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        more = 0.5 * self.mu * (v - self.centre) ** 2
        return np.asarray(self.loss.conjugate_inside(v, y) + more)

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        return np.asarray(self.loss.conjugate_slope(v, y) + self.mu * (v - self.centre))

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        low, high = self.domain(y)
        r, c = f - y + self.mu * self.centre, self.centre
        terms: cp.Expression = self.side(cp.pos(r), high) + self.side(cp.neg(r), -low)
        terms -= 0.5 * self.mu * c**2
        return terms

    def side(self, x: cp.Expression, end: Vector) -> cp.Expression:
        """The largest of ``v x - 1/2 mu v^2`` for ``v`` in [0, end], where ``x >= 0``."""
        width = self.mu * np.where(end > 0.0, end, 1.0)
        share = cp.huber(cp.multiply(1.0 / width, x))
        return cp.multiply(0.5 * self.mu * end**2, share)

    def cone(self, y: Vector) -> LossCone:
        # With r = f - y + mu c the envelope is, but for the constant mu c^2 / 2, the least of
        # a^2 / (2 mu) + max(low (r - a), high (r - a)). Columns r, a and t, above that maximum.
        n, (low, high) = y.size, self.domain(y)
        return LossCone(
            shift=y - self.mu * self.centre,
            curvature=np.repeat([0.0, 1.0 / self.mu, 0.0], n),
            q=np.repeat([0.0, 0.0, 1.0], n),
            A=stack([[high, -high, -1.0], [low, -low, -1.0]], n),
            b=np.zeros(2 * n),
            nonneg=2 * n,
        )
