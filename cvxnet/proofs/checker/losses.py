"""Losses and their conjugates.

A loss l of a sample is a function h of q = y f where the target is a label y = -1 or +1, and of
q = f - y otherwise. With h*(p) = sup_q p q - h(q), the conjugate l*(v) = sup_f v f - l(f) is
h*(y v), and h*(v) + v y otherwise. Of a loss with the weight w it is w l*(v / w). (Rockafellar,
Convex Analysis, 1970, section 12.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from flint import arb, fmpq

from .exact import Number, positive


class Loss(NamedTuple):
    """``conjugate(p)`` is h*(-p) for 0 <= p <= end where there are labels, else h*(p), |p| <= end.

    Functions of exact numbers or balls; an end of None is none.
    """

    labels: bool
    value: Callable[[Number], Number]
    conjugate: Callable[[fmpq], Number]
    end: int | None

    def room(self, v: fmpq, y: fmpq, w: fmpq) -> fmpq:
        """How far v is inside the domain of the conjugate, at most 1; negative outside."""
        p = -y * v if self.labels else abs(v)
        above = fmpq(1) if self.end is None else w * self.end - p
        return min(fmpq(1), above, p if self.labels else fmpq(1))


def square(x: Number) -> Number:
    """``x^2``; the power of a ball around 0 would be everything."""
    return x * x


def softplus(z: Number) -> arb:
    """``log(1 + exp(z))``, enclosed; written so that no exponential overflows."""
    return arb(positive(z)) + (-abs(arb(z))).exp().log1p()


def entropy(p: fmpq) -> arb:
    """``-p log p``, enclosed."""
    return -arb(p) * arb(p).log() if p else arb(0)


def huber(q: Number) -> Number:
    """``q^2 / 2`` where ``|q| <= 1``, ``|q| - 1/2`` beyond."""
    return (square(q) - square(positive(abs(q) - 1))) / 2


def log_cosh(q: Number) -> arb:
    """``log((e^q + e^-q) / 2)``, enclosed."""
    if q == 0:
        return arb(0)
    return softplus(-2 * abs(q)) + abs(arb(q)) - arb(2).log()


LOSSES = {
    "squared": Loss(False, lambda q: square(q) / 2, lambda p: square(p) / 2, None),
    "absolute": Loss(False, abs, lambda p: fmpq(0), 1),
    "huber": Loss(False, huber, lambda p: square(p) / 2, 1),
    "log_cosh": Loss(False, log_cosh, lambda p: -(entropy(1 + p) + entropy(1 - p)) / 2, 1),
    "logistic": Loss(True, lambda q: softplus(-q), lambda p: -entropy(p) - entropy(1 - p), 1),
    "hinge": Loss(True, lambda q: positive(1 - q), lambda p: -p, 1),
    "squared_hinge": Loss(True, lambda q: square(positive(1 - q)), lambda p: p * p / 4 - p, None),
}
