"""What trainings at two weight decays prove of all between them.

Write ``p(b)`` for the optimum at the weight decay b, and ``D(v) = -l*(v)``. A network with the loss
L and the penalty R has the objective ``U(b) = L + b R`` at every b: a line above p, and a tangent
where the network is optimal. Dual vectors ``v_i`` with ``rho(v_i) <= b_i`` prove ::

    p(b) >= D(sum c_i v_i)    for all c_i >= 0 with sum c_i b_i <= b,

as rho is a norm: at a weight decay between two trainings, mixtures of both vectors, for any
other the multiples of one. Let a network have ``(1 - gap) U <= D`` at two weight decays b' and b",
with such coefficients c' and c". Between them, at ``b = (1 - s) b' + s b"``, the coefficients
``(1 - s) c' + s c"`` are such, D is concave and U affine, so that ::

    (1 - gap) U(b) = (1 - s) (1 - gap) U(b') + s (1 - gap) U(b")
                  <= (1 - s) D' + s D" <= D(b) <= p(b)

for every b: two ends prove a piece. Of two neighbours in a path, the line of each is the lower one
on its side of where they cross, so one piece ends there and the other begins, and that crossing is
where the gap is largest.

That is narrow. With the same active units at both weight decays and the squared loss the optimal v
is affine in b, and a mixture of two of them is optimal: only the lines are away from p.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from cvxnet.losses import Loss
from cvxnet.objective import Objective
from cvxnet.proofs.certificate import Certificate
from cvxnet.proofs.gaps import relative_gap
from cvxnet.training.problem import Problem
from cvxnet.training.recovery import units_of
from cvxnet.types import Array

GOLDEN = (5.0**0.5 - 1.0) / 2.0
HALVINGS, CUTS = 60, 40
"""Of the search for where one training alone reaches, and of that for the best mixture."""
SHORTER = 1.0 - 2.0**-50
"""Of coefficients whose sum is too large by rounding."""


@dataclass(frozen=True, eq=False)
class Point:
    """A training on the path: a line above the optimum, and a dual vector below it.

    Attributes
    ----------
    certificate : Certificate
        Of network and dual vector, at the weight decay trained at.
    loss, penalty : float
        The network's; the penalty without the weight decay.
    """

    certificate: Certificate
    loss: float
    penalty: float

    @property
    def weight_decay(self) -> float:
        """The one trained at."""
        return float(self.certificate.weight_decay)

    @property
    def gap(self) -> float:
        """The relative gap there."""
        return self.certificate.gap

    def upper(self, weight_decay: float) -> float:
        """The network's objective."""
        return self.loss + weight_decay * self.penalty


def point_of(certificate: Certificate, given: Problem) -> Point:
    """The point that a certificate makes; ``given`` is its problem, at whatever weight decay."""
    units = units_of(given, certificate.weights, certificate.objective.form)
    return Point(certificate, given.loss.value(given.fit(units), given.y), given.penalty(units))


@dataclass(frozen=True)
class Bounds:
    """Lower bounds from the dual vectors of points, for one objective at every weight decay."""

    loss: Loss
    y: Array

    def value(self, v: Array) -> float:
        """``D(v)``."""
        return -self.loss.conjugate(v, self.y)

    def scale(self, point: Point, weight_decay: float) -> float:
        """The best multiple of the vector of one point."""
        v, largest = point.certificate.v, weight_decay / point.weight_decay
        return self.loss.best_scale(v, self.y, largest)

    def alone(self, point: Point, weight_decay: float) -> float:
        """What one point proves."""
        return self.value(self.scale(point, weight_decay) * point.certificate.v)

    def mixture(self, above: Point, below: Point, weight_decay: float) -> tuple[float, float]:
        """The best coefficients for the vectors of two points, at a weight decay between theirs.

        With ``c b_1 + d b_2 = b`` and ``c + d <= 1``, so that a mixture stays in the domain of l*.
        D is concave along them: golden section.
        """
        b, v, w = weight_decay, above.certificate.v, below.certificate.v
        top, bottom = above.weight_decay, below.weight_decay
        most = b / top
        least = min(most * (b - bottom) / (b * (1.0 - bottom / top)), most) if top > bottom else 0.0

        def other(c: float) -> float:
            return max(b - c * top, 0.0) / bottom

        def value(c: float) -> float:
            return self.value(c * v + other(c) * w)

        low, high = least, most
        x, y = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        at_x, at_y = value(x), value(y)
        for _ in range(CUTS):
            if at_x > at_y:
                high, y, at_y = y, x, at_x
                x = high - GOLDEN * (high - low)
                at_x = value(x)
            else:
                low, x, at_x = x, y, at_y
                y = low + GOLDEN * (high - low)
                at_y = value(y)
        c = max((least, 0.5 * (low + high), most), key=value)
        return c, other(c)

    def between(self, above: Point, below: Point, weight_decay: float) -> float:
        """What two points prove at a weight decay between theirs."""
        c, d = self.mixture(above, below, weight_decay)
        return self.value(c * above.certificate.v + d * below.certificate.v)

    def gap_between(self, above: Point, below: Point) -> float:
        """The largest relative gap on the way from one point to the next."""
        b = crossing(above, below)
        upper = max(above.upper(b), below.upper(b))
        return max(above.gap, below.gap, relative_gap(self.between(above, below, b), upper))

    def reach(self, point: Point, gap: float, lowest: float) -> float:
        """The smallest weight decay, from ``lowest`` on, up to which a point alone holds.

        Where it does, ``(1 - gap) U <= D`` holds on an interval around the weight decay trained at.
        """

        def holds(b: float) -> bool:
            return (1.0 - gap) * point.upper(b) <= self.alone(point, b)

        low, high = np.log(lowest), np.log(point.weight_decay)
        if holds(lowest):
            return lowest
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if holds(float(np.exp(middle))) else (middle, high)
        return min(float(np.exp(high)), point.weight_decay)


def bounds_of(objective: Objective) -> Bounds:
    """Those of an objective."""
    return Bounds(objective.weighted_loss, objective.y)


def crossing(above: Point, below: Point) -> float:
    """The weight decay between two points at which their networks are level.

    Where one of them is nowhere the better one, the end that leaves all to the other.
    """
    top, bottom = above.weight_decay, below.weight_decay
    if above.upper(bottom) <= below.upper(bottom):
        return bottom
    if below.upper(top) <= above.upper(top):
        return top
    b = (above.loss - below.loss) / (below.penalty - above.penalty)
    return float(np.clip(b, bottom, top))


def feasible(
    coefficients: list[tuple[int, float]], decays: list[float], weight_decay: float
) -> list[tuple[int, float]]:
    """The same coefficients, ``sum c_i b_i <= b`` exactly, and ``sum c_i <= 1`` where it nearly is.

    Examples
    --------
    >>> feasible([(0, 0.5), (1, 0.5)], [2.0, 1.0], 1.5)
    [(0, 0.5), (1, 0.5)]
    >>> feasible([(0, 0.1), (1, 0.9)], [3.0, 1.0], 1.2)[1][1] < 0.9
    True
    """

    def total(weights: list[float]) -> Fraction:
        return sum((Fraction(c) * Fraction(weights[i]) for i, c in coefficients if c), Fraction(0))

    def too_long() -> bool:
        one = total([1.0] * len(decays))
        return total(decays) > Fraction(weight_decay) or 1 < one < 1 + Fraction(1, 2**40)

    while too_long():
        coefficients = [(i, SHORTER * c) for i, c in coefficients]
    return [(i, c) for i, c in coefficients if c]
