"""Refinement: Newton's method on the units of a master's solution, to the last digits.

An interior point stops at about eight digits, less with exponential cones, and spreads a unit over
the cells that touch it. That is little where weight decay is small: pricing compares ``rho(v)``
with ``weight_decay``, and ``v`` inherits the error of the predictions.

At the optimum every unit is a local maximum of ``|v . phi_u(X)|`` at level ``weight_decay``, and
near the optimum the local maxima that pricing finds are those units up to the error of ``v``, each
exactly on its face of the arrangement. On the faces the objective is smooth,

    F(w) = loss(sum_j s_j A_j w_j) + weight_decay sum_j |w_j|,       unit j = B_j w_j,

with ``B_j`` a basis of the face of unit j and ``A_j`` its features there, so Newton's method
converges quadratically. Far from the optimum the result may be worse than what it began with; the
bracket keeps whichever network is better.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from cvxnet.training.problem import Array, Problem, Units
from cvxnet.training.sweep import LocalMaxima
from cvxnet.training.vertex import eliminate_dependent

LEVEL = 0.01
"""Local maxima down to this fraction below ``weight_decay`` may be units of the optimum."""
NEWTON_STEPS = 20
DEPENDENT = 1e-6
"""Features this close to dependent are so: local maxima are known to about as many digits."""
SMALL = 1e-7
"""Units smaller than this, relative to the largest, are left out."""


def refine(problem: Problem, units: Units, maxima: LocalMaxima) -> Units:
    """The units moved to the local maxima nearest to them, then Newton's method on their faces.

    ``maxima`` are those of the dual vector that the units propose, down to LEVEL.
    """
    units = gather(units, maxima).without_small(SMALL)
    units = eliminate_dependent(problem, units, DEPENDENT)
    for _ in range(3):
        moved = newton(problem, units)
        forward = (moved.weights * units.weights).sum(axis=1) > 0.0
        if forward.all():
            return moved
        units = units.pick(forward)
    return units


def gather(units: Units, maxima: LocalMaxima) -> Units:
    """The local maxima, each as large as the units of its sign that are nearest to it."""
    signs = -maxima.signs
    sizes = np.zeros(len(signs))
    for sign in (1.0, -1.0):
        mine, theirs = units.signs == sign, np.flatnonzero(signs == sign)
        if mine.any() and theirs.size:
            nearest = np.argmax(units.weights[mine] @ maxima.units[theirs].T, axis=1)
            np.add.at(sizes, theirs[nearest], units.sizes[mine])
    return Units(sizes[:, None] * maxima.units, signs)


def newton(problem: Problem, units: Units) -> Units:
    """Newton's method on F with every unit on its face.

    A step counts if it shrinks the gradient: near the optimum the value no longer shows progress,
    as it errs by the square of what the gradient does.
    """
    if not len(units):
        return units
    smooth = Smooth(problem, units)
    w, gradient = smooth.start, smooth.gradient(smooth.start)
    for _ in range(NEWTON_STEPS):
        step = solve_positive(smooth.hessian(w), gradient)
        for scale in (1.0, 0.5, 0.1, 0.01):
            slope = smooth.gradient(w - scale * step)
            if np.linalg.norm(slope) < 0.9 * np.linalg.norm(gradient):
                w, gradient = w - scale * step, slope
                break
        else:
            break
    return Units(smooth.weights(w), units.signs)


class Smooth:
    """F and its derivatives for units on their faces; ``w`` holds all ``w_j`` in a row."""

    def __init__(self, problem: Problem, units: Units) -> None:
        self.problem = problem
        faces = [problem.family.face(u) for u in units.weights]
        self.bases = [B for _, B in faces]
        self.M = np.hstack([s * A for (A, _), s in zip(faces, units.signs, strict=True)])
        self.ends = np.cumsum([B.shape[1] for B in self.bases])
        self.owner = np.repeat(np.arange(len(faces)), np.diff(self.ends, prepend=0))
        pairs = zip(self.bases, units.weights, strict=True)
        self.start = np.concatenate([B.T @ u for B, u in pairs])

    def weights(self, w: Array) -> Array:
        """The units ``B_j w_j``, one a row."""
        parts = np.split(w, self.ends[:-1])
        return np.array([B @ part for B, part in zip(self.bases, parts, strict=True)])

    def sizes(self, w: Array) -> Array:
        """``|w_j|``, once for every entry of ``w``."""
        return np.sqrt(np.bincount(self.owner, w * w))[self.owner]

    def gradient(self, w: Array) -> Array:
        """The gradient of F; infinite where a unit vanishes, as F has none there."""
        problem, sizes = self.problem, self.sizes(w)
        if not (sizes > 0.0).all():
            return np.full_like(w, np.inf)
        slope = problem.loss.gradient(self.M @ w, problem.y)
        return self.M.T @ slope + problem.weight_decay * w / sizes

    def hessian(self, w: Array) -> Array:
        """The Hessian of F: ``|w_j|`` adds ``(I - w_j w_j^T / |w_j|^2) / |w_j|``."""
        problem, sizes = self.problem, self.sizes(w)
        bend = problem.loss.curvature(self.M @ w, problem.y)
        H = (self.M.T * bend) @ self.M
        unit = w / sizes
        same = self.owner[:, None] == self.owner
        H -= problem.weight_decay * same * np.outer(unit, unit / sizes)
        H[np.diag_indices_from(H)] += problem.weight_decay / sizes
        return H


def solve_positive(H: Array, gradient: Array) -> Array:
    """``H^-1 gradient`` for a positive semidefinite H; zero if it is numerically indefinite."""
    ridge = 1e-14 * np.trace(H) / len(H)
    try:
        return cho_solve(cho_factor(H + ridge * np.eye(len(H))), gradient)
    except LinAlgError:
        return np.zeros_like(gradient)
