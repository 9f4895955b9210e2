"""A loss with sample weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.losses.cone import LossCone, Vector
from cvxnet.losses.loss import Loss


class Weighted(Loss):
    """``sum_i w_i l_i(f_i)`` with weights ``w > 0``, (n,), of predictions (n,) or (n, c).

    The conjugate of ``w l`` is ``w l*(v / w)``, on ``w`` times the domain.

    Examples
    --------
    >>> from cvxnet.losses import get_loss
    >>> loss = Weighted(get_loss("squared"), np.array([1.0, 3.0]))
    >>> f, y = np.array([2.0, 1.0]), np.zeros(2)
    >>> loss.value(f, y), loss.gradient(f, y).tolist()
    (3.5, [2.0, 3.0])
    """

    def __init__(self, loss: Loss, weights: Vector) -> None:
        self.loss, self.weights = loss, weights
        self.name, self.degree = loss.name, loss.degree
        self.labels, self.classes, self.smooth = loss.labels, loss.classes, loss.smooth
        self.strictly_convex = loss.strictly_convex
        self.kinked_at_target = loss.kinked_at_target

    def beside(self, y: Vector) -> Vector:
        """The weights in the shape that goes with targets ``y``: (n,) or (n, 1)."""
        return self.weights if y.ndim == 1 else self.weights[:, None]

    def terms(self, f: Vector, y: Vector) -> Vector:
        return self.beside(y) * self.loss.terms(f, y)

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return self.beside(y) * self.loss.gradient(f, y)

    def curvature(self, f: Vector, y: Vector) -> Vector:
        return self.beside(y) * self.loss.curvature(f, y)

    def curvature_times(self, f: Vector, y: Vector, D: Vector) -> Vector:
        return self.beside(y) * self.loss.curvature_times(f, y, D)

    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        low, high = self.loss.domain(y)
        return self.beside(y) * low, self.beside(y) * high

    def inside(self, v: Vector, y: Vector, w: Any = 1.0) -> Any:
        return self.loss.inside(v, y, w * self.beside(y))

    def clip(self, v: Vector, y: Vector, w: Any = 1.0) -> Vector:
        return self.loss.clip(v, y, w * self.beside(y))

    def room(self, v: Vector, y: Vector, w: Any = 1.0) -> Vector:
        return self.loss.room(v, y, w * self.beside(y))

    def moved_off(self, v: Vector, y: Vector, Q: Vector, w: Any = 1.0) -> Vector:
        return self.loss.moved_off(v, y, Q, w * self.beside(y))

    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        return self.beside(y) * self.loss.conjugate_inside(self.unweighted(v, y), y)

    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        return self.loss.conjugate_slope(self.unweighted(v, y), y)

    def margins(self, f: Vector, y: Vector) -> Vector:
        return self.loss.margins(f, y)

    def nearly_right(self, error: Vector, y: Vector) -> Vector:
        return self.loss.nearly_right(error, y)

    def unweighted(self, v: Vector, y: Vector) -> Vector:
        """``v / w``, kept in the domain of the loss itself where the quotient is rounded."""
        return self.loss.clip(v / self.beside(y), y)

    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        terms = self.loss.term_expressions(f, y)
        return cp.multiply(np.broadcast_to(self.beside(y), terms.shape), terms)

    def cone(self, y: Vector) -> LossCone:
        # Each column belongs to one sample, so its share of the objective takes that weight.
        cone = self.loss.cone(y)
        weights = np.tile(self.weights, cone.q.size // y.size)
        return replace(cone, curvature=weights * cone.curvature, q=weights * cone.q)

    def in_units(self, s: float) -> Loss:
        return Weighted(self.loss.in_units(s), self.weights)

    def smoothed(self, mu: float, centre: Any = 0.0) -> Loss:
        if self.smooth:
            return self
        return Weighted(self.loss.smoothed(mu, centre / self.weights), self.weights)
