"""Losses and their conjugates.

A loss l of one number is a function h of q = y f where the target is a label y = -1 or +1, and of
q = f - y otherwise. With h*(p) = sup_q p q - h(q), the conjugate l*(v) = sup_f v f - l(f) is
h*(y v), and h*(v) + v y otherwise. Of several outputs it is the sum.

Cross entropy is l(f) = log sum_k e^(f_k) - f_y of the class y. Its conjugate is sum_k p_k log p_k
where p = v + (the row of zeros with a one at y) is a distribution: none is negative, their sum is
one. Otherwise it is infinite.

Of a loss with the weight w the conjugate is w l*(v / w). (Rockafellar, Convex Analysis, 1970,
section 12.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import add, mul, sub
from typing import NamedTuple

from flint import arb, fmpq

from .document import RefusalError
from .exact import Number, inner, positive

Row = Sequence[fmpq]
"""One number an output."""


class Loss(NamedTuple):
    """A sum over outputs.

    ``conjugate(p)`` is h*(-p) for 0 <= p <= end where there are labels, else h*(p), |p| <= end.
    Functions of exact numbers or balls; an end of None is none.
    """

    labels: bool
    value: Callable[[Number], Number]
    conjugate: Callable[[fmpq], Number]
    end: int | None

    @property
    def targets(self) -> str:
        """What targets there are."""
        return "-1 and +1" if self.labels else "numbers"

    def allows(self, y: Row) -> bool:
        """Whether these are targets."""
        return not self.labels or all(abs(x) == 1 for x in y)

    def completed(self, v: list[fmpq], y: Row) -> list[fmpq]:
        """The dual vector of a sample that these numbers are written for."""
        return v

    def rooms(self, v: Row, y: Row, w: fmpq) -> list[fmpq]:
        """How far each number may move, at most 1, for v to stay in the domain of the conjugate.

        Negative where v is outside.
        """
        return [min([fmpq(1), *self.distances(*pair, w)]) for pair in zip(v, y, strict=True)]

    def distances(self, v: fmpq, y: fmpq, w: fmpq) -> list[fmpq]:
        """From the ends of the domain of v."""
        p = -y * v if self.labels else abs(v)
        above = [] if self.end is None else [w * self.end - p]
        return [p, *above] if self.labels else above

    def of(self, f: Sequence[Number], y: Row) -> Number:
        """The loss of a sample with predictions f."""
        return sum(map(self.value, map(mul if self.labels else sub, f, y)), fmpq(0))

    def conjugate_of(self, v: Row, y: Row, w: fmpq) -> Number:
        """``w l*(v / w)`` of a sample."""
        if min(self.rooms(v, y, w)) < 0:
            outside = f"-y_i v_i / w_i is outside [0, {self.end or 'inf'}]"
            outside = outside if self.labels else "|v_i| / w_i > 1"
            raise RefusalError(f"the dual vector proves nothing: some {outside}")
        if self.labels:
            return w * sum((self.conjugate(-p / w) for p in map(mul, y, v)), fmpq(0))
        return w * sum((self.conjugate(x / w) for x in v), fmpq(0)) + inner(v, y)


class CrossEntropy:
    """Of a sample that belongs to one of several classes; its target has a one there, else 0."""

    targets = "rows with a one at the class and else 0, of two classes or more"

    def allows(self, y: Row) -> bool:
        """Whether this is a target."""
        return len(y) > 1 and sorted(y) == [0] * (len(y) - 1) + [1]

    def completed(self, v: list[fmpq], y: Row) -> list[fmpq]:
        """With sum zero, exactly: the number at the class is minus the sum of the others."""
        others = sum(v, fmpq(0)) - inner(v, y)
        return [-others if there else x for x, there in zip(v, y, strict=True)]

    def rooms(self, v: Row, y: Row, w: fmpq) -> list[fmpq]:
        """As for other losses; moves that keep the sum may be as large as the smallest w p_k."""
        return [min([fmpq(1), *map(add, v, (w * x for x in y))])] * len(v)

    def of(self, f: Sequence[Number], y: Row) -> arb:
        """The loss of a sample, written so that no exponential overflows."""
        top = max(range(len(f)), key=lambda k: arb(f[k]).mid())
        others = sum((arb(x - f[top]).exp() for k, x in enumerate(f) if k != top), arb(0))
        return others.log1p() + arb(f[top] - inner(f, y))

    def conjugate_of(self, v: Row, y: Row, w: fmpq) -> arb:
        """``w l*(v / w)`` of a sample."""
        p = [x / w + there for x, there in zip(v, y, strict=True)]
        if min(p) < 0 or sum(p, fmpq(0)) != 1:
            raise RefusalError("the dual vector proves nothing: some v_i / w_i + y_i is negative")
        return -arb(w) * sum(map(entropy, p), arb(0))


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


LOSSES: dict[str, Loss | CrossEntropy] = {
    "squared": Loss(False, lambda q: square(q) / 2, lambda p: square(p) / 2, None),
    "absolute": Loss(False, abs, lambda p: fmpq(0), 1),
    "huber": Loss(False, huber, lambda p: square(p) / 2, 1),
    "log_cosh": Loss(False, log_cosh, lambda p: -(entropy(1 + p) + entropy(1 - p)) / 2, 1),
    "logistic": Loss(True, lambda q: softplus(-q), lambda p: -entropy(p) - entropy(1 - p), 1),
    "hinge": Loss(True, lambda q: positive(1 - q), lambda p: -p, 1),
    "squared_hinge": Loss(True, lambda q: square(positive(1 - q)), lambda p: p * p / 4 - p, None),
    "cross_entropy": CrossEntropy(),
}
