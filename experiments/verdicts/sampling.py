"""What one does without a library: Hessians by finite differences at random points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cvxpy as cp
import numpy as np

from experiments.verdicts.cases import Case

POINTS = 10
STEP = 1e-4
SLACK = 1e-5
"""How far below zero an eigenvalue may be, relative to the values over the square of the step."""
Function = Callable[[np.ndarray], np.ndarray]


def sampled(case: Case, points: int = POINTS, seed: int = 0) -> bool | None:
    """Whether no Hessian that was sampled has a negative eigenvalue; None where none is asked."""
    if case.network is not None:
        return None if "any weights" in case.family or case.options else of_network(case, points)
    if not case.is_expression:
        return None
    expression = case.make()
    variables = expression.variables()
    rng, parameters = np.random.default_rng(seed), expression.parameters()

    def values(x: np.ndarray) -> np.ndarray:
        place(variables, x)
        if not all(constraint.value() for constraint in expression.domain):
            return np.array(np.nan)
        return np.asarray(expression.value, float).ravel()

    def one() -> bool:
        place(parameters, draw(parameters, rng))
        return looks_convex(values, draw(variables, rng))

    return all(one() for _ in range(points))


def of_network(case: Case, points: int) -> bool:
    """The same for a network with given weights in its input."""
    assert case.network is not None
    network, rng = case.network(), np.random.default_rng(0)
    columns = network.columns()
    return all(
        looks_convex(lambda x: network(x[None]).ravel(), rng.normal(size=columns) * 2.0)
        for _ in range(points)
    )


@np.errstate(all="ignore")
def looks_convex(f: Function, x: np.ndarray) -> bool:
    """Whether the Hessian of every entry of f has no negative eigenvalue at x, nearly."""
    n, middle = len(x), f(x)
    steps = STEP * (1.0 + np.abs(x))
    sides = [[f(x + sign * step * unit(n, i)) for sign in (1, -1)]
             for i, step in enumerate(steps)]  # fmt: skip
    hessian = np.empty((middle.size, n, n))
    for i in range(n):
        hessian[:, i, i] = (sides[i][0] - 2.0 * middle + sides[i][1]) / steps[i] ** 2
        for j in range(i):
            both = [f(x + s * (steps[i] * unit(n, i) + steps[j] * unit(n, j))) for s in (1, -1)]
            cross = both[0] + both[1] + 2.0 * middle - sum(sides[i]) - sum(sides[j])
            hessian[:, i, j] = hessian[:, j, i] = cross / (2.0 * steps[i] * steps[j])
    if not np.isfinite(hessian).all():
        return True
    floor = SLACK * (1.0 + np.abs(hessian).max())
    return bool(np.linalg.eigvalsh(hessian).min() >= -floor)


def unit(n: int, i: int) -> np.ndarray:
    """A unit vector."""
    return np.eye(n)[i]


def place(variables: Sequence[Any], x: np.ndarray) -> None:
    """Give variables their values; a symmetric one has both halves from one."""
    at = 0
    for variable in variables:
        part = x[at : at + variable.size].reshape(variable.shape)
        at += variable.size
        symmetric = variable.attributes["symmetric"] or variable.attributes["PSD"]
        variable.save_value((part + part.T) / 2.0 if symmetric else part)


def draw(variables: Sequence[Any], rng: np.random.Generator) -> np.ndarray:
    """A random point of the domain that the variables declare."""
    parts = [drawn(variable, rng).ravel() for variable in variables]
    return np.concatenate(parts) if parts else np.empty(0)


def drawn(variable: cp.Variable | cp.Parameter, rng: np.random.Generator) -> np.ndarray:
    """A random value of a variable or a parameter."""
    value = rng.normal(size=variable.shape) * 2.0
    attributes = variable.attributes
    if attributes["bounds"] is not None:
        low, high = (np.maximum(np.minimum(end, 9.0), -9.0) for end in attributes["bounds"])
        return np.asarray(low + (high - low) * rng.random(variable.shape))
    if attributes["pos"] or attributes["nonneg"]:
        return np.asarray(np.abs(value) + 0.01)
    if attributes["nonpos"]:
        return np.asarray(-np.abs(value))
    return value @ value.T + 0.1 * np.eye(len(value)) if attributes["PSD"] else np.asarray(value)
