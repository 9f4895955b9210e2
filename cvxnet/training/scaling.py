"""Rescaling a training problem to numbers of moderate size, exactly.

With ``X = x X'`` and, where the loss is homogeneous of degree p, ``y = t y'`` (else t = 1), units
``z = (t / x) z'`` turn the problem into ``t^p`` times the same problem on ``X', y'`` with weight
decay ``weight_decay / (x t^(p-1))``, and its dual vectors are ``t^(p-1)`` times the others. With
``x`` and ``t`` powers of two nothing is rounded, so the solvers see data of size about one and
nobody else sees that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnet.training.problem import Array, Problem
from cvxnet.training.units import make_family


@dataclass(frozen=True)
class Scale:
    """Factors from the rescaled problem back to the given one."""

    weights: float
    dual: float
    value: float


def rescale(problem: Problem, X: Array) -> tuple[Problem, Scale]:
    """The problem on data whose largest row and largest target are about one."""
    x = power_of_two(float(np.linalg.norm(X, axis=1).max()))
    degree = problem.loss.degree
    t = power_of_two(float(np.abs(problem.y).max())) if degree is not None else 1.0
    slope = t ** (degree - 1) if degree is not None else 1.0
    scaled = Problem(
        make_family(problem.family.name, X / x),
        problem.loss,
        problem.y / t,
        problem.weight_decay / (x * slope),
    )
    return scaled, Scale(weights=t / x, dual=slope, value=t * slope if degree is not None else 1.0)


def power_of_two(size: float) -> float:
    """The power of two at or below ``size``."""
    return float(2.0 ** np.floor(np.log2(size)))
