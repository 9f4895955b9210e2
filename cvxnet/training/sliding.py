"""Sliding: local improvement of all units at once, across cell boundaries.

Between conic solves the units of a network move freely (quasi-Newton on their weights, signs
fixed). That walks them through many cells in the time of one conic solve; the solves then make
exact what sliding has found.

The penalty ``|z|`` of a row z has a kink at zero. In p with ``z = |p| p``, the weights of the
balanced network, it is ``|p|^2``: smooth, and quasi-Newton steps are good near small units too.
Where the columns of the data differ in size, or are offset, the steps are taken where they are
not: with the family's frame S, ``z = |p| S p`` and ``|z| = |p| |S p|``. By the chain rule a
gradient g in z becomes ``|p| S^T g + (S p.g) p / |p|`` in p.

In the l1 ball ``z = p - q`` with p and q not negative, and the penalty is the sum of both.

With several outputs the weights ``(p, a)`` of the balanced network move, the unit being ``S p`` and
its output weights a: the penalty is ``1/2 (|S p|^2 + |a|^2)``, which is ``|S p| |a|`` at the best
balance.

In many dimensions quasi-Newton steps stop where many units have samples on their kinks, short of
any local optimum. With ``phi(t) = a t + b |t|`` the feature of a row z is then taken to be

    a x.z + b sqrt((x.z)^2 + (width |x| |z|)^2),

homogeneous of degree one in z as the unit itself is, with the gradient ``(a + b x.z / R) x +
b (width |x|)^2 z / R`` where R is the root. The width then goes to 0 in a few steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch

import numpy as np
from scipy.optimize import Bounds, minimize

from cvxnet.training.clock import now
from cvxnet.training.problem import Problem, Units
from cvxnet.training.units.family import UnitFamily, along_features, as_columns, frame_of
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.types import Array

LEAST_LENGTH, LEAST_SQUARE = 1e-150, 1e-300
"""Added to lengths and to their squares, so that none is zero."""
SMOOTHING = 1e-3
"""Width, in units of the target, in which a loss with kinks is smoothed."""
FREE_RIDGE = 1e-12
"""Free weights have no penalty; only dependent columns must not be stretched without end."""


def slide(
    problem: Problem,
    units: Units,
    steps: int,
    precision: float = 2e-9,
    deadline: float = np.inf,
    width: float = 0.0,
) -> Units:
    """Move the units downhill by at most ``steps`` quasi-Newton steps (L-BFGS).

    Ends where a step lowers the objective by less than ``precision``, relatively, or at the
    deadline (`now`). With a ``width`` kinks are rounded off on it, where a family has
    any, and the objective of the units themselves may rise.
    """
    if units.outputs.ndim == 2:
        return slide_factors(problem, units, steps, precision, deadline=deadline, width=width)
    if problem.family.norm == "l1":
        return slide_parts(problem, units, steps, precision, deadline=deadline, width=width)
    family = smoothed(problem.family, width) if width else problem.family
    signs, shape = units.outputs, units.weights.shape
    loss, y = problem.loss.smoothed(SMOOTHING), problem.y
    S, T = problem.family.frame, frame_of(problem.F, FREE_RIDGE)
    F = problem.F @ T

    def rows_at(P: Array) -> tuple[Array, Array, Array]:
        """``S p``, ``|p|`` and ``|S p|`` of each row."""
        R = P @ S.T
        return R, lengths(P), lengths(R)

    def objective(x: Array) -> tuple[float, Array]:
        P, c = x[:U_size].reshape(shape), x[U_size:]
        R, size, stretched = rows_at(P)
        f = family.features(size * R) @ signs + F @ c
        value = loss.value(f, y) + problem.weight_decay * float((size * stretched).sum())
        v = loss.gradient(f, y)
        G = family.pull_back(size * R, v) * signs[:, None] + problem.weight_decay * R / stretched
        gradient = size * (G @ S) + (R * G).sum(axis=1)[:, None] * P / size
        return float(value), np.concatenate([gradient.ravel(), F.T @ v])

    U_size = units.weights.size
    P: Array = np.linalg.solve(S, units.weights.T).T.astype(np.float64)
    free = np.linalg.solve(T, units.free)
    start = np.concatenate([(P / np.sqrt(lengths(P))).ravel(), free])
    x = quasi_newton(objective, start, steps, precision, deadline)
    R, size, _ = rows_at(x[:U_size].reshape(shape))
    return Units(size * R, signs, T @ x[U_size:])


def slide_parts(
    problem: Problem,
    units: Units,
    steps: int,
    precision: float,
    *,
    deadline: float = np.inf,
    width: float = 0.0,
) -> Units:
    """The same in the l1 ball."""
    family = smoothed(problem.family, width) if width else problem.family
    signs, shape, size = units.outputs, units.weights.shape, units.weights.size
    loss, y, decay = problem.loss.smoothed(SMOOTHING), problem.y, problem.weight_decay
    T = frame_of(problem.F, FREE_RIDGE)
    F = problem.F @ T

    def rows_at(x: Array) -> Array:
        return (x[:size] - x[size : 2 * size]).reshape(shape)

    def objective(x: Array) -> tuple[float, Array]:
        Z, c = rows_at(x), x[2 * size :]
        f = family.features(Z) @ signs + F @ c
        value = loss.value(f, y) + decay * float(x[: 2 * size].sum())
        v = loss.gradient(f, y)
        G = (family.pull_back(Z, v) * signs[:, None]).ravel()
        return float(value), np.concatenate([G + decay, decay - G, F.T @ v])

    z, free = units.weights.ravel(), np.linalg.solve(T, units.free)
    start = np.concatenate([np.maximum(z, 0.0), np.maximum(-z, 0.0), free])
    least = np.concatenate([np.zeros(2 * size), np.full(len(free), -np.inf)])
    x = quasi_newton(objective, start, steps, precision, deadline, Bounds(least, np.inf))
    return Units(rows_at(x), signs, T @ x[2 * size :])


def slide_factors(
    problem: Problem,
    units: Units,
    steps: int,
    precision: float,
    *,
    deadline: float = np.inf,
    width: float = 0.0,
    faces: Array | None = None,
) -> Units:
    """The same for several outputs.

    ``faces``, (m, r, r), are projections on subspaces that the units do not leave, where they have
    kinks that they would otherwise stop at.
    """
    family = smoothed(problem.family, width) if width else problem.family
    (m, r), c, k = units.weights.shape, units.outputs.shape[1], problem.F.shape[1]
    loss, y, decay = problem.loss.smoothed(SMOOTHING), problem.y, problem.weight_decay
    S, T = problem.family.frame, frame_of(problem.F, FREE_RIDGE)
    F = problem.F @ T

    def confined(R: Array) -> Array:
        return R if faces is None else np.einsum("mij,mj->mi", faces, R)

    def parts(x: Array) -> tuple[Array, Array, Array]:
        """``S p``, a and the free weights."""
        P, A, free = np.split(x, [m * r, m * (r + c)])
        return confined(P.reshape(m, r) @ S.T), A.reshape(m, c), free.reshape(k, c)

    def objective(x: Array) -> tuple[float, Array]:
        R, A, free = parts(x)
        H = family.features(R)
        f = H @ A + F @ free
        value = loss.value(f, y) + 0.5 * decay * float((R * R).sum() + (A * A).sum())
        V = loss.gradient(f, y)
        G = confined(family.pull_back(R, V @ A.T) + decay * R)
        slopes = [(G @ S).ravel(), (H.T @ V + decay * A).ravel(), (F.T @ V).ravel()]
        return float(value), np.concatenate(slopes)

    root = np.sqrt(units.sizes)[:, None] + LEAST_LENGTH
    P = np.linalg.solve(S, (units.weights / root).T).T
    free = np.linalg.solve(T, units.free)
    start = np.concatenate([P.ravel(), (root * units.outputs).ravel(), free.ravel()])
    R, A, free = parts(quasi_newton(objective, start, steps, precision, deadline))
    return units_of_factors(R, A, T @ free)


def units_of_factors(U: Array, A: Array, free: Array) -> Units:
    """The units with these hidden and output weights, one a row; those of size zero left out."""
    size = np.linalg.norm(A, axis=1)
    used = (size > 0.0) & U.any(axis=1)
    size = size[used, None]
    return Units(size * U[used], A[used] / size, free)


def quasi_newton(
    objective: Callable[[Array], tuple[float, Array]],
    start: Array,
    steps: int,
    precision: float,
    deadline: float,
    bounds: Bounds | None = None,
) -> Array:
    """Where L-BFGS comes to within so many steps, this precision and the deadline (`now`)."""
    options = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": 20, "ftol": precision, "gtol": 0.0}

    def stop_in_time(_: Array) -> None:
        if now() > deadline:
            raise StopIteration

    return np.asarray(
        minimize(
            objective,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            callback=stop_in_time,
            options=options,
        ).x
    )


def lengths(P: Array) -> Array:
    """The lengths of the rows, (m, 1), none of them zero."""
    return np.asarray(np.sqrt((P * P).sum(axis=1))[:, None] + LEAST_LENGTH)


@dataclass(frozen=True)
class SmoothedUnits:
    """Units ``phi(t) = plus (t)_+ + minus (-t)_+`` on the rows of data, their kinks rounded off.

    Examples
    --------
    >>> units = SmoothedUnits(np.array([[3.0], [-4.0]]), (1.0, 0.0), 0.1)
    >>> units.features(np.array([[1.0]])).round(4).ravel().tolist()
    [3.0075, 0.01]
    """

    rows: Array
    slopes: tuple[float, float]
    width: float

    def parts(self, W: Array) -> tuple[Array, Array, Array]:
        """``x.z`` and R for each row of data and of ``W``, and ``(width |x|)^2``."""
        t = self.rows @ W.T
        blur = self.width**2 * (self.rows**2).sum(axis=1)[:, None]
        return t, np.sqrt(t**2 + blur * (W**2).sum(axis=1) + LEAST_SQUARE), blur

    def features(self, W: Array) -> Array:
        """The features of the rows of ``W``, (n, m)."""
        plus, minus = self.slopes
        t, root, _ = self.parts(W)
        return (plus - minus) / 2.0 * t + (plus + minus) / 2.0 * root

    def pull_back(self, W: Array, v: Array) -> Array:
        """Gradient of ``v . feature(z)`` with respect to each row of ``W``, (m, r)."""
        plus, minus = self.slopes
        a, b = (plus - minus) / 2.0, (plus + minus) / 2.0
        t, root, blur = self.parts(W)
        along = ((a + b * t / root) * as_columns(v)).T @ self.rows
        return np.asarray(along + b * along_features(v, blur / root)[:, None] * W)


@singledispatch
def smoothed(family: UnitFamily, width: float) -> UnitFamily | SmoothedUnits:
    """What slides in place of units whose kinks, rounded off on so much width, are in the way."""
    return family


@smoothed.register
def smoothed_kinks(family: PiecewiseLinearUnits, width: float) -> SmoothedUnits:
    """``width`` is that of the length of each row."""
    return SmoothedUnits(family.rows, family.slopes, width)
