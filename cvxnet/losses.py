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

from dataclasses import dataclass
from typing import ClassVar

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, logit, xlogy

from cvxnet.errors import InputError

Vector = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LossCone:
    """``l(shift + g)`` as a cone program in ``(g, w)`` with the conventions of cvxnet.cones.

    ``1/2 sum curvature g^2 + q.(g, w)`` subject to ``b - A (g, w)`` in a non-negative orthant
    followed by exponential cones; minimised over the auxiliary ``w`` it is the loss.
    """

    shift: Vector
    curvature: Vector
    q: Vector
    A: sparse.csr_array
    b: Vector
    nonneg: int = 0
    exponential: int = 0


class Loss:
    """A convex loss, summed over samples. Subclasses are stateless."""

    name: ClassVar[str]
    degree: ClassVar[int | None] = None
    """``l(s f, s y) = s**degree l(f, y)`` for s > 0, where the loss is homogeneous."""

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

    def cone(self, y: Vector) -> LossCone:
        """``l`` as a piece of a cone program, where CVXPY's compilation would take too long."""
        raise TypeError(f"{type(self).__name__} has no cone form")

    def check_target(self, y: Vector) -> Vector:
        """Return the target as this loss wants it, or raise InputError."""
        return y


class Squared(Loss):
    """``1/2 (f - y)^2``, with conjugate ``1/2 v^2 + v y``."""

    name = "squared"
    degree = 2

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

    def cone(self, y: Vector) -> LossCone:
        n = y.size
        empty = sparse.csr_array((0, n))
        return LossCone(shift=y, curvature=np.ones(n), q=np.zeros(n), A=empty, b=np.zeros(0))


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
        # -l*(t v) is concave in t with slope -sum_i a_i log(t a_i / (1 - t a_i)); bisect its sign.
        a = -y * v
        a = a[a > 0.0]
        if a.size == 0:
            return 0.0
        low, high = 0.0, min(largest, 1.0 / float(a.max()))
        for _ in range(100):
            middle = 0.5 * (low + high)
            if float(a @ logit(middle * a)) < 0.0:
                low = middle
            else:
                high = middle
        return low

    def expression(self, f: cp.Expression, y: Vector) -> cp.Expression:
        return cp.sum(cp.logistic(cp.multiply(-y, f)))

    def cone(self, y: Vector) -> LossCone:
        # log(1 + exp(-y f)) <= t  iff  exp(-t) <= c and exp(-y f - t) <= d with c + d <= 1.
        # Columns f, t, c, d; rows: the sums, then the cones (-t, 1, c) and (-y f - t, 1, d).
        n = y.size
        one, zero = sparse.eye_array(n), sparse.csr_array((n, n))
        blocks = [
            [zero, zero, one, one],
            [zero, one, zero, zero],
            [zero, zero, zero, zero],
            [zero, zero, -one, zero],
            [sparse.diags_array(y), one, zero, zero],
            [zero, zero, zero, zero],
            [zero, zero, zero, -one],
        ]
        A = sparse.csr_array(sparse.block_array(blocks))
        b = np.concatenate([np.ones(n)] + 2 * [np.zeros(n), np.ones(n), np.zeros(n)])
        rows = np.concatenate([np.arange(n), n + interleave(n, 3), 4 * n + interleave(n, 3)])
        return LossCone(
            shift=np.zeros(n),
            curvature=np.zeros(4 * n),
            q=np.repeat([0.0, 1.0, 0.0, 0.0], n),
            A=sparse.csr_array(A[rows]),
            b=b[rows],
            nonneg=n,
            exponential=2 * n,
        )

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


def interleave(n: int, parts: int) -> NDArray[np.int64]:
    """Order that puts the i-th rows of ``parts`` stacked groups of n beside each other."""
    return np.arange(n * parts).reshape(parts, n).T.ravel()


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
