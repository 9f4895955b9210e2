"""The convex problem on some units, their directions fixed:

    minimise  loss(H w + F c) + weight_decay * sum w       over w >= 0 and any c.

Newton's method; each step is a problem of `cvxnet.training.width.quadratic`. With the squared loss
one step is all there is. Elsewhere curvatures below a level count as that: where a step does not
lower the objective as it promised, the level rises, up to the largest curvature that there is.

A loss with kinks is replaced by its envelope, which is a little smaller: what the solution proposes
is a dual vector all the same, and bounds are computed with the loss itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cvxnet.losses import Loss
from cvxnet.training.problem import Problem
from cvxnet.training.width.quadratic import minima, minimise
from cvxnet.types import Array

STEPS = 100
"""Of Newton's method."""
CONVERGED = 1e-11
"""A step that promises less, relative to the objective, is the last."""
LEVELS = (1e-9, 1.0)
"""The lowest and the highest level of curvatures, relative to the largest."""
RAISED, LOWERED = 32.0, 8.0
"""By how much the level changes after a step that was in vain, or not."""


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
        problem = self.problem
        penalty = problem.weight_decay * self.sizes.sum()
        return problem.loss.value(self.f, problem.y) + float(penalty)

    @cached_property
    def dual(self) -> Array:
        """The dual vector that the predictions propose."""
        problem = self.problem
        return problem.make_feasible(self.loss.gradient(self.f, problem.y))

    @cached_property
    def model(self) -> tuple[Array, Array]:
        """Q and b of the quadratic model at the solution."""
        A = np.hstack([self.problem.F, self.H])
        return model_at(self.problem, self.loss, A, self.f, LEVELS[0])

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
        least(*model_at(problem, loss, A, A @ x, LEVELS[0]), k, x)
        return Master(problem, loss, H, x, A @ x)
    return Master(problem, loss, H, *newton(problem, loss, A, x))


def newton(problem: Problem, loss: Loss, A: Array, x: Array) -> tuple[Array, Array]:
    """The minimiser and its predictions, from a starting point."""
    y, k = problem.y, problem.F.shape[1]
    decay = np.repeat([0.0, problem.weight_decay], [k, len(x) - k])
    f, level = A @ x, LEVELS[0]
    value = loss.value(f, y) + decay @ x
    for _ in range(STEPS):
        Q, b = model_at(problem, loss, A, f, level)
        moved = x.copy()
        promised = 0.5 * x @ Q @ x - b @ x - least(Q, b, k, moved)
        if promised <= CONVERGED * abs(value):
            break
        ahead = A @ moved
        new = loss.value(ahead, y) + decay @ moved
        if new <= value - 0.25 * promised:
            x, f, value, level = moved, ahead, new, max(level / LOWERED, LEVELS[0])
        elif level >= LEVELS[1]:
            break
        else:
            level = min(level * RAISED, LEVELS[1])
    return x, f


def least(Q: Array, b: Array, free: int, x: Array) -> float:
    """The minimum of a model, written into ``x`` from there; see `quadratic.minimise`."""
    return float(minimise(Q, b, free, np.ones(len(b), dtype=bool), x))


def model_at(problem: Problem, loss: Loss, A: Array, f: Array, level: float) -> tuple[Array, Array]:
    """Q and b of the quadratic model of the objective at predictions f, for all x with f = A x.

    ``1/2 x^T Q x - b^T x`` with ``Q = A^T D A`` and ``b = A^T (D f - gradient) - weight decay``.
    """
    y, k = problem.y, problem.F.shape[1]
    D = loss.curvature(f, y)
    if loss.name != "squared":
        D = np.maximum(D, level * largest_curvature(loss, f, y, D))
    b = A.T @ (D * f - loss.gradient(f, y))
    b[k:] -= problem.weight_decay
    return np.asarray((A.T * D) @ A), b


def largest_curvature(loss: Loss, f: Array, y: Array, D: Array) -> Array:
    """Of each sample's loss: D at f, or that at its target or at zero, where losses bend most."""
    return np.maximum(D, np.maximum(loss.curvature(y, y), loss.curvature(0.0 * f, y)))
