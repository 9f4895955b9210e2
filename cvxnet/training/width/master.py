"""The convex problem on some units, their directions fixed:

    minimise  loss(H w + F c) + weight_decay * sum w       over w >= 0 and any c.

Newton's method; each step is a problem of `cvxnet.training.width.quadratic`. With the squared loss
one step is all there is. Elsewhere a step that goes too far ends at the minimum on its line, which
or where that is farther away, which
finds the narrow stretches in which a loss bends that is almost linear.

A loss with kinks is replaced by its envelope, which is a little smaller: what the solution proposes
is a dual vector all the same, and bounds are computed with the loss itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from cvxnet.losses import Loss
from cvxnet.training.problem import Problem
from cvxnet.training.width.quadratic import OPTIMAL, RIDGE, ROUNDING, minima, minimise
from cvxnet.types import Array

STEPS = 100
"""Of Newton's method."""
CONVERGED = 1e-16
"""A step along which the objective falls by less, relatively, is the last."""
LEVEL = 1e-9
"""Curvatures below this, relative to the largest, count as this."""
NEAR, LONGER, PRECISION = 0.5, 8.0, 1e-13
"""A step is whole where the slope at its end is less than this, relatively. Otherwise it is longer
by such factors, as long as the objective falls, or shorter, up to this precision."""


@dataclass(frozen=True, eq=False)
class Master:
    """The convex problem of some units.

    Attributes
    ----------
    problem : Problem
    loss : Loss
        That of the problem, or its envelope.
    H : (n, k) array
        Their features, times the sign of their outputs.
    x : (f + k,) array
        The free weights and the sizes of the units.
    f : (n,) array
        The predictions.
    """

    problem: Problem
    loss: Loss
    H: Array
    x: Array
    f: Array

    @property
    def sizes(self) -> Array:
        """Of the units, (k,)."""
        return self.x[self.problem.F.shape[1] :]

    @property
    def free(self) -> Array:
        """The free weights."""
        return self.x[: self.problem.F.shape[1]]

    @cached_property
    def value(self) -> float:
        """The objective: that of the loss itself."""
        return self.value_with(self.problem.loss)

    @cached_property
    def minimum(self) -> float:
        """What was minimised: the objective with its own loss."""
        return self.value_with(self.loss)

    def value_with(self, loss: Loss) -> float:
        """The objective with some loss."""
        return loss.value(self.f, self.problem.y) + float(
            self.problem.weight_decay * self.sizes.sum()
        )

    @cached_property
    def dual(self) -> Array:
        """The dual vector that the predictions propose."""
        problem = self.problem
        return problem.make_feasible(self.loss.gradient(self.f, problem.y))

    @cached_property
    def model(self) -> tuple[Array, Array]:
        """Q and b of the quadratic model at the solution."""
        A = np.hstack([self.problem.F, self.H])
        return model_at(self.problem, self.loss, A, self.f)

    def pick(self, which: NDArray[np.bool_]) -> Master:
        """The same without units of size zero; ``which`` (k,) are the others."""
        x = np.concatenate([self.free, self.sizes[which]])
        return Master(self.problem, self.loss, self.H[:, which], x, self.f)

    def without(self, kept: Array) -> Array:
        """The objective (p,) of the model where only some units are kept, (p, k), above its own."""
        Q, b = self.model
        free = self.problem.F.shape[1]
        sets = np.hstack([np.ones((len(kept), free), dtype=bool), kept])
        own = 0.5 * self.x @ Q @ self.x - b @ self.x
        return np.asarray(minima(Q, b, free, np.ascontiguousarray(sets), self.x) - own)


def solve_master(problem: Problem, loss: Loss, H: Array, sizes: Array, free: Array) -> Master:
    """The best sizes, (k,), from those given, and free weights, for a smooth loss."""
    k = problem.F.shape[1]
    A = np.hstack([problem.F, H]) if k else H
    x = np.concatenate([free, sizes])
    if loss.name == "squared":
        least(*model_at(problem, loss, A, A @ x), k, x, OPTIMAL)
        return Master(problem, loss, H, x, A @ x)
    return Master(problem, loss, H, *newton(problem, loss, A, x))


def newton(problem: Problem, loss: Loss, A: Array, x: Array) -> tuple[Array, Array]:
    """The minimiser and its predictions, from a starting point."""
    y, k = problem.y, problem.F.shape[1]
    decay = np.repeat([0.0, problem.weight_decay], [k, len(x) - k])
    f, optimal = A @ x, OPTIMAL if problem.loss.smooth else ROUNDING
    for _ in range(STEPS):
        moved, (Q, b) = x.copy(), model_at(problem, loss, A, f)
        unpulled = b + RIDGE * Q.diagonal().max(initial=0.0) * x  # not towards zero
        least(Q, unpulled, k, moved, optimal)
        step = moved - x
        ahead, price = A @ step, float(decay @ step)

        def slope(t: float, f: Array = f, ahead: Array = ahead, price: float = price) -> float:
            """Of the objective along the step."""
            return float(loss.gradient(f + t * ahead, y) @ ahead) + price

        falls = -slope(0.0)
        last = falls <= CONVERGED * (loss.value(f, y) + float(decay @ x))
        if falls <= 0.0:
            break
        x = x + (1.0 if last else along(slope, falls, room(x, step, k))) * step
        f = A @ x
        if last:
            break
    return x, f


def room(x: Array, step: Array, free: int) -> float:
    """How often the step may be taken until a size is zero; at least once."""
    falling = np.flatnonzero(step[free:] < 0.0) + free
    return max(float((x[falling] / -step[falling]).min(initial=np.inf)), 1.0)


def along(slope: Callable[[float], float], falls: float, end: float) -> float:
    """Where on its line a step should end: after one, if that is near enough to the minimum."""
    t = 1.0
    if abs(slope(t)) <= NEAR * falls:
        return t
    while slope(t) < 0.0 and t < end:
        t = min(LONGER * t, end)
    if slope(t) <= 0.0:
        return t
    return float(brentq(slope, 0.0, t, xtol=PRECISION * t))


def least(Q: Array, b: Array, free: int, x: Array, optimal: float) -> float:
    """The minimum of a model, written into ``x`` from there; see `quadratic.minimise`."""
    return float(minimise(Q, b, free, np.ones(len(b), dtype=bool), x, optimal))


def model_at(problem: Problem, loss: Loss, A: Array, f: Array) -> tuple[Array, Array]:
    """Q and b of the quadratic model of the objective at predictions f, for all x with f = A x.

    ``1/2 x^T Q x - b^T x`` with ``Q = A^T D A`` and ``b = A^T (D f - gradient) - weight decay``.
    """
    y, k = problem.y, problem.F.shape[1]
    D = loss.curvature(f, y)
    if loss.name != "squared":
        most = np.maximum(loss.curvature(y, y), loss.curvature(0.0 * f, y))
        D = np.maximum(D, LEVEL * np.maximum(D, most))
    b = A.T @ (D * f - loss.gradient(f, y))
    b[k:] -= problem.weight_decay
    return np.asarray((A.T * D) @ A), b
