"""The convex problem on some units, their directions fixed:

    minimise  loss(H w + F c) + weight_decay * sum w       over w >= 0 and any c.

Newton's method; each step is a problem of `cvxnet.training.width.quadratic`. With the squared loss
one step is all there is. A loss with kinks is replaced by its envelope, which is a little smaller:
what the solution proposes is a dual vector all the same, and bounds are computed with the loss
itself.
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

WIDTH = 1e-4
"""Of the envelope of a loss with kinks, in units of the target."""
STEPS, HALVINGS = 50, 40
"""Of Newton's method."""
CONVERGED = 1e-10
"""A step that promises less, relative to the objective, is the last."""
BEND = 1e-9
"""Curvature below this part of the largest counts as this."""


@dataclass(frozen=True, eq=False)
class Master:
    """The convex problem of some units.

    Attributes
    ----------
    problem : Problem
    H : (n, k) array
        Their features, times the sign of their outputs.
    x : (f + k,) array
        The free weights and the sizes of the units.
    f : (n,) array
        The predictions.
    """

    problem: Problem
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
        return problem.make_feasible(smooth(problem.loss).gradient(self.f, problem.y))

    @cached_property
    def model(self) -> tuple[Array, Array]:
        """Q and b of the quadratic model at the solution."""
        return model_at(self.problem, np.hstack([self.problem.F, self.H]), self.f)

    def pick(self, which: NDArray[np.bool_]) -> Master:
        """The same without units of size zero; ``which`` (k,) are the others."""
        x = np.concatenate([self.free, self.sizes[which]])
        return Master(self.problem, self.H[:, which], x, self.f)

    def without(self, kept: Array) -> Array:
        """The objective (p,) of the model where only some units are kept, (p, k), above its own."""
        Q, b = self.model
        free = self.problem.F.shape[1]
        sets = np.hstack([np.ones((len(kept), free), dtype=bool), kept])
        own = 0.5 * self.x @ Q @ self.x - b @ self.x
        return np.asarray(minima(Q, b, free, np.ascontiguousarray(sets), self.x) - own)


def solve_master(problem: Problem, H: Array, sizes: Array, free: Array) -> Master:
    """The best sizes, (k,), from those given, and free weights."""
    loss, y, k = smooth(problem.loss), problem.y, problem.F.shape[1]
    A = np.hstack([problem.F, H]) if k else H
    decay = np.repeat([0.0, problem.weight_decay], [k, H.shape[1]])
    x, every = np.concatenate([free, sizes]), np.ones(A.shape[1], dtype=bool)
    f = A @ x
    quadratic = problem.loss.degree == 2 and loss is problem.loss
    value = loss.value(f, y) + decay @ x
    for _ in range(STEPS):
        Q, b = model_at(problem, A, f)
        moved = x.copy()
        least = minimise(Q, b, k, every, moved)
        promised = 0.5 * x @ Q @ x - b @ x - least
        if promised <= CONVERGED * abs(value) and not quadratic:
            break
        step, ahead = moved - x, A @ moved
        for _ in range(HALVINGS):
            new = loss.value(ahead, y) + decay @ (x + step)
            if new <= value - 0.25 * promised or quadratic:
                break
            step, promised = 0.5 * step, 0.5 * promised
            ahead = A @ (x + step)
        if not new < value and not quadratic:
            break
        x, f, value = x + step, ahead, new
        if quadratic:
            break
    return Master(problem, H, x, f)


def model_at(problem: Problem, A: Array, f: Array) -> tuple[Array, Array]:
    """Q and b of the quadratic model of the objective at predictions f, for all x with f = A x.

    ``1/2 x^T Q x - b^T x`` with ``Q = A^T D A`` and ``b = A^T (D f - gradient) - weight decay``.
    """
    loss, y, k = smooth(problem.loss), problem.y, problem.F.shape[1]
    D = loss.curvature(f, y)
    D = np.maximum(D, BEND * D.max(initial=0.0))
    b = A.T @ (D * f - loss.gradient(f, y))
    b[k:] -= problem.weight_decay
    return np.asarray((A.T * D) @ A), b


def smooth(loss: Loss) -> Loss:
    """The loss, or its envelope where it has kinks."""
    return loss if loss.smooth else loss.smoothed(WIDTH)
