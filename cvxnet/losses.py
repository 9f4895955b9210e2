"""Losses: value, gradient, conjugate, domain of the conjugate and CVXPY expression, one class each.

Every loss is a sum over samples (design: never the mean), convex and finite in the predictions
``f``. With the conjugate ``l*(v) = sup_f v.f - l(f)`` any ``v`` in its domain proves the bound
``l(f) >= v.f - l*(v)`` for all ``f``, with equality at ``v = gradient(f)``.

Examples
--------
>>> import numpy as np
>>> loss = get_loss("squared")
>>> f, y = np.array([1.0, 2.0]), np.array([0.0, 2.0])
>>> loss.value(f, y)
0.5
>>> v = loss.gradient(f, y)
>>> float(v @ f - loss.conjugate(v, y))
0.5
"""

from __future__ import annotations

from typing import ClassVar

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy

from cvxnet.errors import InputError

Vector = NDArray[np.float64]


class Loss:
    """A convex loss, summed over samples. Subclasses are stateless."""

    name: ClassVar[str]

    def value(self, f: Vector, y: Vector) -> float:
        """``l(f)`` at the predictions ``f``, shape (n,)."""
        raise TypeError(f"{type(self).__name__} has no value")

    def gradient(self, f: Vector, y: Vector) -> Vector:
        """The gradient of ``l`` at ``f``, shape (n,): the dual vector that ``f`` proposes."""
        raise TypeError(f"{type(self).__name__} has no gradient")

    def curvature(self, f: Vector, y: Vector) -> Vector:
        """The diagonal of the Hessian of ``l`` at ``f``, shape (n,)."""
        raise TypeError(f"{type(self).__name__} has no curvature")

    def conjugate(self, v: Vector, y: Vector) -> float:
        """``l*(v)``; infinite outside the domain."""
        raise TypeError(f"{type(self).__name__} has no conjugate")

    def best_scale(self, v: Vector, y: Vector, largest: float) -> float:
        """The ``t`` in [0, largest] that maximises the dual value ``-l*(t v)``."""
        raise TypeError(f"{type(self).__name__} has no best scale")

    def expression(self, f: cp.Expression, y: Vector) -> cp.Expression:
        """``l(f)`` as a CVXPY expression, convex in ``f``."""
        raise TypeError(f"{type(self).__name__} has no expression")

    def check_target(self, y: Vector) -> Vector:
        """Return the target as this loss wants it, or raise InputError."""
        return y


class Squared(Loss):
    """``1/2 (f - y)^2``, with conjugate ``1/2 v^2 + v y``."""

    name = "squared"

    def value(self, f: Vector, y: Vector) -> float:
        r = f - y
        return 0.5 * float(r @ r)

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return f - y

    def curvature(self, f: Vector, y: Vector) -> Vector:
        return np.ones_like(f)

    def conjugate(self, v: Vector, y: Vector) -> float:
        return 0.5 * float(v @ v) + float(v @ y)

    def best_scale(self, v: Vector, y: Vector, largest: float) -> float:
        vv = float(v @ v)
        return 0.0 if vv == 0.0 else min(max(-float(v @ y) / vv, 0.0), largest)

    def expression(self, f: cp.Expression, y: Vector) -> cp.Expression:
        return 0.5 * cp.sum_squares(f - y)


class Logistic(Loss):
    """``log(1 + exp(-y f))`` with labels -1 and +1.

    The conjugate at ``v = -y a`` is ``a log a + (1-a) log(1-a)`` for ``a`` in [0, 1].
    """

    name = "logistic"

    def value(self, f: Vector, y: Vector) -> float:
        return float(np.logaddexp(0.0, -y * f).sum())

    def gradient(self, f: Vector, y: Vector) -> Vector:
        return -y * expit(-y * f)

    def curvature(self, f: Vector, y: Vector) -> Vector:
        return expit(f) * expit(-f)

    def conjugate(self, v: Vector, y: Vector) -> float:
        a = -y * v
        if a.size and (a.min() < 0.0 or a.max() > 1.0):
            return np.inf
        return float((xlogy(a, a) + xlogy(1.0 - a, 1.0 - a)).sum())

    def best_scale(self, v: Vector, y: Vector, largest: float) -> float:
        # phi(t) = -l*(t v) is concave with phi'(t) = -sum a_i log(t a_i / (1 - t a_i)); bisect.
        a = -y * v
        a = a[a > 0.0]
        if a.size == 0:
            return 0.0
        low, high = 0.0, min(largest, 1.0 / float(a.max()))

        def slope(t: float) -> float:
            with np.errstate(divide="ignore"):
                return -float(a @ (np.log(t * a) - np.log1p(-t * a)))

        if high > 0.0 and t_is_interior(high, a) and slope(high) >= 0.0:
            return high
        for _ in range(100):
            middle = 0.5 * (low + high)
            if middle in (low, high):
                break
            low, high = (middle, high) if slope(middle) > 0.0 else (low, middle)
        return low

    def expression(self, f: cp.Expression, y: Vector) -> cp.Expression:
        return cp.sum(cp.logistic(cp.multiply(-y, f)))

    def check_target(self, y: Vector) -> Vector:
        labels = np.unique(y)
        if labels.size != 2:
            found = ", ".join(f"{value:g}" for value in labels[:5])
            more = ", ..." if labels.size > 5 else ""
            raise InputError(
                f"the logistic loss needs a target with exactly two classes, but y has "
                f"{labels.size} distinct value{'s' * (labels.size != 1)} ({found}{more}). "
                "Encode the two classes as -1 and +1 (0 and 1 are accepted too), or use "
                'loss="squared" for a numeric target.'
            )
        return np.where(y == labels[1], 1.0, -1.0)


def t_is_interior(t: float, a: Vector) -> bool:
    """Whether ``t a < 1`` in floating point, where the logarithms are finite."""
    return bool(t * a.max() < 1.0)


LOSSES: dict[str, Loss] = {loss.name: loss for loss in (Squared(), Logistic())}


def get_loss(name: str | Loss) -> Loss:
    """The loss of that name; InputError lists the names there are."""
    if isinstance(name, Loss):
        return name
    try:
        return LOSSES[name]
    except (KeyError, TypeError):
        known = ", ".join(sorted(LOSSES))
        raise InputError(f"unknown loss {name!r}; known losses: {known}.") from None
