"""The convex problem on some units, their directions fixed:

    minimise  loss(H w + F c) + weight_decay * sum w       over w >= 0 and any c.

Solved by `cvxnet.training.sizes`. A loss with kinks is replaced by its envelope,
which is a little smaller: what the solution proposes is a dual vector all the same, and bounds are
computed with the loss itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cvxnet.losses import Loss
from cvxnet.training.nonneg_least_squares import minima
from cvxnet.training.problem import Problem
from cvxnet.training.sizes import columns_of, model_at, solve_sizes
from cvxnet.types import Array


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
        return model_at(self.problem, self.loss, columns_of(self.problem.F, self.H), self.f)

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
    x = np.concatenate([free, sizes])
    return Master(problem, loss, H, *solve_sizes(problem, loss, columns_of(problem.F, H), x))
