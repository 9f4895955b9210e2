"""What every loss says of itself, and what follows from that for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import cvxpy as cp
import numpy as np
from scipy.optimize import brentq

from cvxnet.errors import InputError
from cvxnet.functions.arithmetic import FLOATS, Arithmetic
from cvxnet.losses.cone import LossCone, Vector

QUOTIENT = 2.0**-50
"""A quotient less this part of it, times the divisor, is not above the dividend."""


class Loss(ABC):
    """A convex loss, one term for each sample, bounded below. Subclasses are stateless.

    A loss is a subclass in a file of its own, with a ``name``. It states its terms, their slopes
    and its conjugate; the domain of the conjugate contains 0, and is an interval for each entry.

    Predictions, targets and dual vectors are (n,), or with c outputs (n, c), and the loss is the
    sum over all entries; where it is not, as with cross entropy, ``terms`` are (n, 1) and some of
    what stands here for intervals is different.
    """

    name: str
    degree: int | None = None
    """``l(s f, s y) = s**degree l'(f, y)`` for s > 0, with ``l'`` as `in_units` says."""
    labels: bool = False
    """Whether the target are classes: two, -1 and +1."""
    classes: bool = False
    """Whether they are any number of classes instead, rows with a 1 and zeros."""
    smooth: bool = True
    """Whether the gradient is Lipschitz continuous."""
    strictly_convex: bool = False
    """Whether it is linear on no segment, so that there is only one vector of best predictions."""
    kinked_at_target: bool = False
    """Whether each term is linear on both sides of a kink where the prediction is the target."""
    outputs: bool = True
    """Whether there may be several outputs."""

    def formula(self, f: Any, y: Any, K: Arithmetic) -> Any:
        """The loss of each sample in the arithmetic K, see ``cvxnet.functions.arithmetic``."""
        raise TypeError(f"{type(self).__name__} has no formula")

    def terms(self, f: Vector, y: Vector) -> Vector:
        """The loss of each sample at the predictions ``f``, (n,)."""
        terms: Vector = self.formula(f, y, FLOATS)
        return terms

    @abstractmethod
    def gradient(self, f: Vector, y: Vector) -> Vector:
        """The gradient of ``l`` at ``f``, (n,): the dual vector that ``f`` proposes.

        At a kink it is the middle one of the subgradients.
        """

    @abstractmethod
    def curvature(self, f: Vector, y: Vector) -> Vector:
        """The diagonal of the Hessian of ``l`` at ``f``, (n,); one of its sides where it jumps."""

    @abstractmethod
    def domain(self, y: Vector) -> tuple[Vector, Vector]:
        """Lower and upper end, (n,) each, of the interval where the conjugate is finite."""

    @abstractmethod
    def conjugate_inside(self, v: Vector, y: Vector) -> Vector:
        """The conjugate of each term at ``v`` in its domain, (n,)."""

    @abstractmethod
    def conjugate_slope(self, v: Vector, y: Vector) -> Vector:
        """The slope of ``l*`` at ``v`` in its domain, (n,): predictions whose gradient is ``v``."""

    @abstractmethod
    def term_expressions(self, f: cp.Expression, y: Vector) -> cp.Expression:
        """The terms as a CVXPY expression, convex in ``f``, (n,)."""

    def cone(self, y: Vector) -> LossCone:
        """``l`` as a piece of a cone program, where CVXPY's compilation would take too long."""
        raise TypeError(f"{type(self).__name__} has no cone")

    def in_units(self, s: float) -> Loss:
        """The loss when predictions and targets are measured in units of ``s``.

        It is the same loss, but for losses that have a length of their own.
        """
        return self

    def smoothed(self, mu: float, centre: Any = 0.0) -> Loss:
        """A smooth loss just below this one, at most ``mu`` times a constant; itself if smooth.

        Its conjugate is larger than this one's by what grows with the distance from a ``centre``,
        (n,) or 0.
        """
        if self.smooth:
            return self
        raise TypeError(f"{type(self).__name__} is not smooth and has no smoothed form")

    def curvature_times(self, f: Vector, y: Vector, D: Vector) -> Vector:
        """The Hessian of ``l`` at ``f`` times a direction shaped as ``f``, or many: (..., n, c)."""
        return self.curvature(f, y) * D

    def value(self, f: Vector, y: Vector) -> float:
        """``l(f)`` at the predictions ``f``, (n,)."""
        return float(self.terms(f, y).sum())

    def inside(self, v: Vector, y: Vector, w: Any = 1.0) -> Any:
        """Whether each term of ``v`` is in ``w`` times the domain of the conjugate."""
        low, high = self.domain(y)
        return np.asarray((w * low <= v) & (v <= w * high))

    def conjugate_terms(self, v: Vector, y: Vector) -> Vector:
        """The conjugate of each term, (n,); infinite outside the domain."""
        values = self.conjugate_inside(self.clip(v, y), y)
        return np.where(self.inside(v, y), values, np.inf)

    def conjugate(self, v: Vector, y: Vector) -> float:
        """``l*(v)``; infinite outside the domain."""
        return float(self.conjugate_terms(v, y).sum())

    def clip(self, v: Vector, y: Vector, w: Any = 1.0) -> Vector:
        """The dual vector nearest to ``v`` in ``w`` times the domain of the conjugate, (n,)."""
        low, high = self.domain(y)
        return np.asarray(np.clip(v, w * low, w * high))

    def room(self, v: Vector, y: Vector, w: Any = 1.0) -> Vector:
        """How far each entry may move either way within ``w`` times the domain; 0 outside."""
        low, high = self.domain(y)
        return np.asarray(np.maximum(np.minimum(v - w * low, w * high - v), 0.0))

    def moved_off(self, v: Vector, y: Vector, Q: Vector, w: Any = 1.0) -> Vector:
        """``v - D Q (Q^T D Q)^-1 Q^T v`` with ``D = diag(min(1, room))``, for each output.

        It is orthogonal to the columns of Q, (n, k), and nearly in ``w`` times the domain where
        ``v`` is.
        """
        D = np.minimum(1.0, self.room(v, y, w))
        moved = [
            a - d * (Q @ (np.linalg.pinv((Q.T * d) @ Q, hermitian=True) @ (Q.T @ a)))
            for a, d in zip(np.atleast_2d(v.T), np.atleast_2d(D.T), strict=True)
        ]
        return np.reshape(np.transpose(moved), v.shape)

    def best_scale(self, v: Vector, y: Vector, largest: float) -> float:
        """The ``t`` in [0, largest] that maximises the dual value ``-l*(t v)``.

        It is concave in ``t``, with slope ``-v.f`` at the predictions ``f`` of ``t v``.
        """

        def slope(t: float) -> float:
            f = self.conjugate_slope(self.clip(t * v, y), y)
            return -float(np.vdot(v, np.where(v != 0.0, f, 0.0)))

        end = self.largest_scale(v, y, largest)
        if end == 0.0 or not v.any() or slope(0.0) <= 0.0:
            return 0.0
        if end == np.inf:
            end = 1.0
            while slope(end) > 0.0:
                end *= 2.0
        if slope(end) >= 0.0:
            return end
        rtol = 4.0 * np.finfo(float).eps
        return float(brentq(slope, 0.0, end, xtol=1e-300, rtol=rtol, maxiter=2000, disp=False))

    def largest_scale(self, v: Vector, y: Vector, largest: float) -> float:
        """The largest ``t <= largest`` for which ``t v`` is in the domain of the conjugate.

        Up to rounding, and never outside; 0 where ``largest`` is below that.
        """
        low, high = self.domain(y)
        end = max(float(largest), 0.0)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            ends = np.maximum(low / v, high / v)
        end = min(end, float(ends.min(where=v != 0.0, initial=np.inf)))
        for t in (end, end * (1.0 - QUOTIENT)):
            if t == np.inf or self.inside(t * v, y).all():
                return t
        return 0.0

    def expression(self, f: cp.Expression, y: Vector) -> cp.Expression:
        """``l(f)`` as a CVXPY expression, convex in ``f``."""
        total: cp.Expression = cp.sum(self.term_expressions(f, y))
        return total

    def rounding(self, error: Vector, y: Vector) -> float:
        """The loss of predictions that are right but for an ``error``, (n,)."""
        return self.value(self.nearly_right(error, y), y)

    def margins(self, f: Vector, y: Vector) -> Vector:
        """By how much each sample is on the right side, with labels: ``y f``."""
        return y * f

    def nearly_right(self, error: Vector, y: Vector) -> Vector:
        """Predictions that are this far, (n,), from those of loss zero."""
        return y * (1.0 - error) if self.labels else y - error

    def check_target(self, y: Vector) -> Vector:
        """Return the target as this loss wants it, or raise InputError."""
        if not self.labels:
            return y
        if y.ndim == 1:
            return as_labels(y, self.name)
        return np.column_stack([as_labels(column, self.name) for column in y.T])


def as_labels(y: Vector, name: str) -> Vector:
    """Two classes as -1 (the smaller number) and +1; InputError for more.

    Of one class alone the label says which it is: -1 and 0 are the one, 1 is the other.
    """
    labels = np.unique(y)
    if labels.size == 1:
        if labels[0] not in (-1.0, 0.0, 1.0):
            raise InputError(
                f"every label of y is {labels[0]:g}, so which of two classes it is cannot be told. "
                "Encode it as -1 or +1 (0 and 1 are accepted too)."
            )
        return np.where(y > 0.0, 1.0, -1.0)
    if labels.size != 2:
        found = ", ".join(f"{value:g}" for value in labels[:5])
        more = ", ..." if labels.size > 5 else ""
        raise InputError(
            f"the {name} loss needs a target with at most two classes, but y has "
            f"{labels.size} distinct values ({found}{more}). "
            "Encode the two classes as -1 and +1 (0 and 1 are accepted too), or use "
            'loss="squared" for a numeric target.'
        )
    return np.where(y == labels[1], 1.0, -1.0)
