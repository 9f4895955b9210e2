"""Refinement: Newton's method on the units of a master's solution, to the last digits.

An interior point stops at about eight digits, less with exponential cones, and spreads a unit over
the cells that touch it. That is little where weight decay is small: pricing compares ``rho(v)``
with ``weight_decay``, and ``v`` inherits the error of the predictions.

At the optimum every unit is a local maximum of ``|v . phi_u(X)|`` at level ``weight_decay``, and
near the optimum the local maxima that pricing finds are those units up to the error of ``v``, each
exactly on its face of the arrangement. On the faces the objective is smooth,

    F(w) = loss(sum_j s_j A_j w_j) + weight_decay sum_j |w_j|,       unit j = B_j w_j,

with ``B_j`` a basis of the face of unit j and ``A_j`` its features there, so Newton's method
converges quadratically.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from cvxnet.training.pricing.sweep import LocalMaxima
from cvxnet.training.problem import Array, Problem, Units
from cvxnet.training.vertex import eliminate_dependent, merge

LEVEL = 0.01
"""Local maxima down to this fraction below ``weight_decay`` may be units of the optimum."""
CLOSE = (1e-3, 1e-4, 1e-5, 1e-6)
"""Otherwise: how close (radians) units are to each other, and to faces that they lie on."""
RISE = 1e-9
"""Relative rise of the objective that still counts as the same network."""
NEWTON_STEPS = 20
RIDGES = (1e-14, 1e-11, 1e-8, 1e-5, 1e-2)
"""Levenberg's ridges, for where the optimum is not unique and the Hessian singular."""
ATTEMPTS = 5
"""Newton runs; after each that fails the unit that fits least is left out."""
CONVERGED = 1e-8
"""Gradient, relative to ``weight_decay``, at which Newton's method has converged."""
DEPENDENT = 1e-6
"""Features this close to dependent are so: local maxima are known to about as many digits."""
SMALL = 1e-7
"""Units smaller than this, relative to the largest, are left out."""


def refine(problem: Problem, units: Units, maxima: LocalMaxima) -> Units:
    """The same network after Newton's method, or itself where no guess at its faces was right.

    ``maxima`` are those of the dual vector that the units propose, down to LEVEL.
    """
    limit = problem.objective(units) * (1.0 + RISE)
    for guess in guesses(problem, units, maxima):
        refined = settle(problem, resize(problem, guess))
        if problem.objective(refined) <= limit:
            return refined
    return units


def guesses(problem: Problem, units: Units, maxima: LocalMaxima) -> Iterator[Units]:
    """Units on faces: first the local maxima, then the units themselves moved to close faces.

    Two units of the optimum that are close together may show as one local maximum.
    """
    yield gather(units, maxima)
    for close in CLOSE:
        merged = merge(units.without_small(SMALL), close)
        on_faces = [problem.family.snap(u, close) for u in merged.weights]
        yield Units(np.reshape(on_faces, merged.weights.shape), merged.signs, merged.free)


def settle(problem: Problem, units: Units) -> Units:
    """Newton's method, without the units that turn out not to belong there."""
    units = eliminate_dependent(problem, units.without_small(SMALL), DEPENDENT)
    for _ in range(ATTEMPTS):
        moved, converged = newton(problem, units)
        forward = (moved.weights * units.weights).sum(axis=1) > 0.0
        if converged and forward.all():
            return moved
        if forward.all():
            forward[np.argmin(moved.sizes)] = False
        units = units.pick(forward)
    return units


def gather(units: Units, maxima: LocalMaxima) -> Units:
    """The local maxima, each as large as the units of its sign that are nearest to it.

    Those without such a unit get a token size.
    """
    sizes = np.zeros(len(maxima.values))
    for sign in (1.0, -1.0):
        mine, theirs = units.signs == sign, np.flatnonzero(maxima.signs == -sign)
        if mine.any() and theirs.size:
            nearest = np.argmax(units.weights[mine] @ maxima.units[theirs].T, axis=1)
            np.add.at(sizes, theirs[nearest], units.sizes[mine])
    token = SMALL * (sizes.max(initial=0.0) or 1.0)
    return Units(np.maximum(sizes, token)[:, None] * maxima.units, -maxima.signs, units.free)


def resize(problem: Problem, units: Units) -> Units:
    """The best sizes for fixed directions, from the sizes given (quasi-Newton with bounds).

    Units that the optimum does not use come out with size zero.
    """
    if not len(units):
        return units
    sizes = problem.family.sizes(units.weights)
    directions = units.weights / sizes[:, None]
    M = np.hstack([problem.family.features(directions) * units.signs, problem.F])
    decay = np.repeat([problem.weight_decay, 0.0], [len(sizes), len(units.free)])

    def objective(c: Array) -> tuple[float, Array]:
        f = M @ c
        value = problem.loss.value(f, problem.y) + decay @ c
        return float(value), M.T @ problem.loss.gradient(f, problem.y) + decay

    start = np.concatenate([sizes, units.free])
    bounds = [(0.0, None)] * len(sizes) + [(None, None)] * len(units.free)
    options = {"maxiter": 500, "maxcor": 20, "ftol": 1e-15, "gtol": 1e-9 * problem.weight_decay}
    c = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    sizes, free = np.split(c, [len(sizes)])
    return Units(sizes[:, None] * directions, units.signs, free)


def newton(problem: Problem, units: Units) -> tuple[Units, bool]:
    """Newton's method on F with every unit on its face, and whether it converged.

    A step counts if it shrinks the gradient: near the optimum the value no longer shows progress,
    as it errs by the square of what the gradient does. Ridges are raised until a step does.
    """
    if not len(units):
        return units, True
    smooth = Smooth(problem, units)
    w, gradient = smooth.start, smooth.gradient(smooth.start)
    for _ in range(NEWTON_STEPS):
        H = smooth.hessian(w)
        for ridge in RIDGES:
            moved = w - solve_positive(H, gradient, ridge)
            slope = smooth.gradient(moved)
            if np.linalg.norm(slope) < 0.9 * np.linalg.norm(gradient):
                w, gradient = moved, slope
                break
        else:
            break
    converged = bool(np.abs(gradient).max() <= CONVERGED * problem.weight_decay)
    return Units(smooth.weights(w), units.signs, w[smooth.ends[-1] :]), converged


class Smooth:
    """F and its derivatives for units on their faces.

    ``w`` holds all ``w_j`` in a row, and then the free weights, whose price is zero.
    """

    def __init__(self, problem: Problem, units: Units) -> None:
        self.problem = problem
        faces = [problem.family.face(u) for u in units.weights]
        self.bases = [B for _, B in faces]
        columns = [s * A for (A, _), s in zip(faces, units.signs, strict=True)]
        self.M = np.hstack([*columns, problem.F])
        self.ends = np.cumsum([B.shape[1] for B in self.bases])
        self.owner = np.repeat(np.arange(len(faces)), np.diff(self.ends, prepend=0))
        pairs = zip(self.bases, units.weights, strict=True)
        # The columns of a basis are orthogonal, but in the norm l1 not of length one.
        parts = [B.T @ u / (B * B).sum(axis=0) for B, u in pairs]
        self.start = np.concatenate([*parts, units.free])

    def weights(self, w: Array) -> Array:
        """The units ``B_j w_j``, one a row."""
        parts = np.split(w, self.ends)[:-1]
        return np.array([B @ part for B, part in zip(self.bases, parts, strict=True)])

    def sizes(self, w: Array) -> Array:
        """``|w_j|``, once for every entry of every ``w_j``."""
        w = w[: self.ends[-1]]
        return np.sqrt(np.bincount(self.owner, w * w))[self.owner]

    def gradient(self, w: Array) -> Array:
        """The gradient of F; infinite where a unit vanishes, as F has none there."""
        problem, sizes = self.problem, self.sizes(w)
        if not (sizes > 0.0).all():
            return np.full_like(w, np.inf)
        gradient = self.M.T @ problem.loss.gradient(self.M @ w, problem.y)
        gradient[: sizes.size] += problem.weight_decay * w[: sizes.size] / sizes
        return np.asarray(gradient)

    def hessian(self, w: Array) -> Array:
        """The Hessian of F: ``|w_j|`` adds ``(I - w_j w_j^T / |w_j|^2) / |w_j|``."""
        problem, sizes = self.problem, self.sizes(w)
        bend = problem.loss.curvature(self.M @ w, problem.y)
        H = (self.M.T * bend) @ self.M
        k = sizes.size
        unit = w[:k] / sizes
        same = self.owner[:, None] == self.owner
        H[:k, :k] -= problem.weight_decay * same * np.outer(unit, unit / sizes)
        H[np.arange(k), np.arange(k)] += problem.weight_decay / sizes
        return np.asarray(H)


def solve_positive(H: Array, gradient: Array, ridge: float) -> Array:
    """``H^-1 gradient`` for a semidefinite H raised by a relative ridge; zero if that fails."""
    raised = H + ridge * np.trace(H) / len(H) * np.eye(len(H))
    try:
        return cho_solve(cho_factor(raised), gradient)
    except LinAlgError:
        return np.zeros_like(gradient)
