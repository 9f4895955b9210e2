"""Rescaling a training problem to numbers of moderate size, exactly.

With ``X = x X'``, where the family's features scale like ``x^q``, and, where the loss is
homogeneous of degree p, ``y = t y'`` (else t = 1), units ``z = (t / x^q) z'`` turn the problem into
``t^p`` times the same problem on ``X', y'`` with weight decay ``weight_decay / (x^q t^(p-1))``, and
its dual vectors are ``t^(p-1)`` times the others. A free column divided by k has its coefficient
multiplied by ``t / k``. With powers of two nothing is rounded, so the solvers see data of size
about one and nobody else sees that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnet.training.problem import Array, Problem, Units


@dataclass(frozen=True)
class Scale:
    """Factors from the rescaled problem back to the given one."""

    weights: float
    free: Array
    dual: float
    value: float
    features: float

    def undo(self, units: Units) -> Units:
        """The given problem's units."""
        return Units(units.weights * self.weights, units.signs, units.free * self.free)

    def redo(self, units: Units) -> Units:
        """The rescaled problem's units: the inverse of `undo`."""
        return Units(units.weights / self.weights, units.signs, units.free / self.free)


def rescale(problem: Problem) -> tuple[Problem, Scale]:
    """The problem on data whose largest row and largest target are about one."""
    family, loss = problem.family, problem.loss
    x = power_of_two(float(np.linalg.norm(family.X, axis=1).max())) if family.degree else 1.0
    features = x ** (family.degree or 0)
    t = power_of_two(float(np.abs(problem.y).max())) if loss.degree is not None else 1.0
    slope = t ** (loss.degree - 1) if loss.degree is not None else 1.0
    columns = np.array([power_of_two(size) for size in np.abs(problem.F).max(axis=0, initial=0.0)])
    scaled = Problem(
        family.on(family.X / x),
        loss,
        problem.y / t,
        problem.weight_decay / (features * slope),
        problem.F / columns,
    )
    value = t * slope if loss.degree is not None else 1.0
    return scaled, Scale(
        weights=t / features, free=t / columns, dual=slope, value=value, features=features
    )


def power_of_two(size: float) -> float:
    """The power of two at or below ``size``; 1 for 0."""
    return float(2.0 ** np.floor(np.log2(size))) if size else 1.0
