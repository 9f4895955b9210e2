"""Refinement: Newton's method on the units of a master's solution, to the last digits.

An interior point stops at about eight digits, less with exponential cones, and spreads a unit over
the cells that touch it. That is little where weight decay is small: pricing compares ``rho(v)``
with ``weight_decay``, and ``v`` inherits the error of the predictions.

At the optimum every unit is a local maximum of ``|v . phi_u(X)|`` at level ``weight_decay``, and
near the optimum the local maxima that pricing finds are those units up to the error of ``v``, each
exactly on its face of the arrangement. On the faces the objective is smooth,

    F(w) = loss(sum_j s_j A_j w_j) + weight_decay sum_j |w_j|,       unit j = B_j w_j,

with ``B_j`` a basis of the face of unit j and ``A_j`` its features there, so Newton's method
converges quadratically. Where the columns of the data differ in size so do those of A_j, and
products of them have no digits left. So steps are taken in p with ``w_j = S_j p_j``, for which the
columns of ``A_j S_j`` are orthogonal (`frame_of`): ``|w_j|^2 = p_j^T S_j^T S_j p_j``. Where the
loss is a sum of squares there are as many rows as entries of p (`cvxnet.training.samples`), so that
steps do not know how many samples there are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import LinAlgError, block_diag, solve_triangular
from scipy.optimize import minimize

from cvxnet.training.faces import face, snap
from cvxnet.training.fewer_units import eliminate_dependent, merge
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem, Units
from cvxnet.training.samples import all_samples, is_square, without_n
from cvxnet.training.units.family import frame_of
from cvxnet.types import Array

LEVEL = 0.01
"""Local maxima down to this fraction below ``weight_decay`` may be units of the optimum."""
CLOSE = (1e-3, 1e-4, 1e-5, 1e-6)
"""Otherwise: how close (radians) units are to each other, and to faces that they lie on."""
RISE = 1e-9
"""Relative rise of the objective that still counts as the same network."""
NEWTON_STEPS = 20
RIDGES = tuple(10.0**-k for k in range(20, 1, -2))
"""Levenberg's ridges, for where the optimum is not unique and the Hessian singular."""
RIDGE = 1e-14
"""Ridge of the frames of faces."""
ROUNDINGS = 10.0
"""A gradient below so many roundings is zero."""
ATTEMPTS = 5
"""Newton runs; after each that fails the unit that fits least is left out."""
CONVERGED = 1e-8
"""Gradient, relative to ``weight_decay``, at which Newton's method has converged."""
DEPENDENT = 1e-6
"""Features this close to dependent are so: local maxima are known to about as many digits."""
VANISHED = 1e-7
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


def refine_on_faces(problem: Problem, units: Units) -> Units:
    """The same for units that are on their faces; themselves where these are rays, or in vain."""
    smooth = Smooth(problem, units) if len(units) else None
    if smooth is None or len(smooth.owner) == len(units):
        return units
    refined = settle(problem, units)
    limit = problem.objective(units) * (1.0 + RISE)
    return refined if problem.objective(refined) <= limit else units


def stationary_dual(problem: Problem, units: Units) -> Array:
    """The dual vector of units that Newton's method has come to; see `Smooth.dual_vector`."""
    return Smooth(problem, units).dual_vector() if len(units) else problem.dual_vector(units)


def guesses(problem: Problem, units: Units, maxima: LocalMaxima) -> Iterator[Units]:
    """Units on faces: first the local maxima, then the units themselves moved to close faces.

    Two units of the optimum that are close together may show as one local maximum.
    """
    yield gather(units, maxima)
    for close in CLOSE:
        merged = merge(units.without_small(VANISHED), close)
        on_faces = [snap(problem.family, u, close) for u in merged.weights]
        rows = np.reshape(on_faces, merged.weights.shape)
        yield Units(*problem.family.simplify(rows, merged.outputs), merged.free)


def settle(problem: Problem, units: Units) -> Units:
    """Newton's method, without the units that turn out not to belong there."""
    units = eliminate_dependent(problem, units.without_small(VANISHED), DEPENDENT)
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
        mine, theirs = units.outputs == sign, np.flatnonzero(maxima.outputs == -sign)
        if mine.any() and theirs.size:
            nearest = np.argmax(units.weights[mine] @ maxima.units[theirs].T, axis=1)
            np.add.at(sizes, theirs[nearest], units.sizes[mine])
    token = VANISHED * (sizes.max(initial=0.0) or 1.0)
    return Units(np.maximum(sizes, token)[:, None] * maxima.units, -maxima.outputs, units.free)


def resize(problem: Problem, units: Units) -> Units:
    """The best sizes for fixed directions, from the sizes given (quasi-Newton with bounds).

    Units that the optimum does not use come out with size zero.
    """
    units = units.without_small(0.0)  # a unit of no size has no direction
    if not len(units):
        return units
    sizes = problem.family.sizes(units.weights)
    directions = units.weights / sizes[:, None]
    M = np.hstack([problem.family.features(directions) * units.outputs, problem.F])
    length = np.linalg.norm(M, axis=0)
    length[length == 0.0] = 1.0
    M /= length
    decay = np.repeat([problem.weight_decay, 0.0], [len(sizes), len(units.free)]) / length

    def objective(c: Array) -> tuple[float, Array]:
        f = M @ c
        value = problem.loss.value(f, problem.y) + decay @ c
        return float(value), M.T @ problem.loss.gradient(f, problem.y) + decay

    start = length * np.concatenate([sizes, units.free])
    bounds = [(0.0, None)] * len(sizes) + [(None, None)] * len(units.free)
    options = {"maxiter": 500, "maxcor": 20, "ftol": 1e-15, "gtol": 1e-9 * decay.max()}
    c = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    sizes, free = np.split(c / length, [len(sizes)])
    return Units(sizes[:, None] * directions, units.outputs, free)


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
        J = smooth.root_of_hessian(w)
        for ridge in RIDGES:
            moved = w - solve_squared(J, gradient, ridge)
            slope = smooth.gradient(moved)
            if np.linalg.norm(slope) < 0.9 * np.linalg.norm(gradient):
                w, gradient = moved, slope
                break
        else:
            break
    return smooth.units(w), smooth.converged(w, gradient)


class Smooth:
    """F and its derivatives for units on their faces.

    ``p`` holds all ``p_j`` in a row, and then those of the free weights ``S p``, whose price is
    zero. The frames stand on the diagonal of ``S``.
    """

    def __init__(self, problem: Problem, units: Units) -> None:
        self.problem, self.signs = problem, units.outputs
        faces = [face(problem.family, u) for u in units.weights]
        self.bases = [B for _, B in faces]
        columns = [s * A for (A, _), s in zip(faces, units.outputs, strict=True)]
        self.ends = np.cumsum([B.shape[1] for B in self.bases])
        self.owner = np.repeat(np.arange(len(faces)), np.diff(self.ends, prepend=0))
        self.S = block_diag(*(frame_of(A, RIDGE) for A in (*columns, problem.F)))
        self.M = np.hstack([*columns, problem.F]) @ self.S
        samples = all_samples(self.M, problem.F[:, :0], problem.loss, problem.y)
        self.samples = without_n(samples) if is_square(problem.loss) else samples
        k = self.ends[-1]
        self.G = self.S[:k, :k].T @ self.S[:k, :k]
        pairs = zip(self.bases, units.weights, strict=True)
        # The columns of a basis are orthogonal, but in the norm l1 not of length one.
        parts = [B.T @ u / (B * B).sum(axis=0) for B, u in pairs]
        self.start = np.linalg.solve(self.S, np.concatenate([*parts, units.free]))

    def units(self, p: Array) -> Units:
        """The units ``B_j S_j p_j`` and the free weights."""
        *parts, free = np.split(self.S @ p, self.ends)
        rows = [B @ part for B, part in zip(self.bases, parts, strict=True)]
        return Units(np.array(rows), self.signs, free)

    def stretched(self, p: Array) -> tuple[Array, Array]:
        """``S_j^T S_j p_j`` of all units, and ``|w_j|`` once for every entry."""
        p = p[: len(self.owner)]
        Gp = self.G @ p
        return Gp, np.sqrt(np.bincount(self.owner, p * Gp))[self.owner]

    def gradient(self, p: Array) -> Array:
        """The gradient of F; infinite where a unit vanishes, as F has none there."""
        samples, (Gp, sizes) = self.samples, self.stretched(p)
        if not (sizes > 0.0).all():
            return np.full_like(p, np.inf)
        gradient = samples.matrix.T @ samples.loss.gradient(samples.matrix @ p, samples.y)
        gradient[: sizes.size] += self.problem.weight_decay * Gp / sizes
        return np.asarray(gradient)

    def root_of_hessian(self, p: Array) -> Array:
        """J, triangular, with ``J^T J`` the Hessian of F.

        The Hessian of ``|w_j|`` is ``(I - e e^T) / |w_j|`` with ``e = w_j / |w_j|``, whose square
        is itself times ``1 / |w_j|``.
        """
        samples, k = self.samples, len(self.owner)
        w, sizes = (self.S @ p)[:k], self.stretched(p)[1]
        bend = samples.loss.curvature(samples.matrix @ p, samples.y)
        same = self.owner[:, None] == self.owner
        across = np.eye(k) - same * np.outer(w / sizes, w / sizes)
        root = np.sqrt(self.problem.weight_decay / sizes)[:, None] * across @ self.S[:k]
        J = np.vstack([np.sqrt(bend)[:, None] * samples.matrix, root])
        return np.asarray(np.linalg.qr(J, mode="r"))

    def converged(self, p: Array, gradient: Array) -> bool:
        """Whether the gradient in w, relative to ``weight_decay``, is about zero, or rounding."""
        slope = np.linalg.solve(self.S.T, gradient)
        if np.abs(slope).max() <= CONVERGED * self.problem.weight_decay:
            return True
        return bool((np.abs(gradient) <= self.rounding(p)).all())

    def rounding(self, p: Array) -> Array:
        """How far rounding of the predictions, where large units cancel, moves the gradient."""
        samples = self.samples
        f, size = samples.matrix @ p, np.abs(samples.matrix)
        error = samples.loss.curvature(f, samples.y) * (size @ np.abs(p))
        error += np.abs(samples.loss.gradient(f, samples.y))
        return np.asarray(ROUNDINGS * np.finfo(float).eps * size.T @ error)

    def dual_vector(self) -> Array:
        """The dual vector next to the gradient of the loss at which F is stationary.

        ``M^T v`` is prescribed by the units' directions, which are known to more digits than the
        predictions are where large units cancel, or where ``weight_decay`` is small beside the
        loss's slopes. Entries move in proportion to their room.
        """
        problem, p = self.problem, self.start
        v = problem.loss.gradient(self.M @ p, problem.y)
        root = np.sqrt(np.minimum(1.0, problem.loss.room(v, problem.y)))
        step = np.linalg.lstsq(self.M.T * root, self.gradient(p))[0]
        return problem.make_feasible(v - root * step)


def solve_squared(J: Array, gradient: Array, ridge: float) -> Array:
    """``(J^T J)^-1 gradient`` with a relative ridge; zero if that fails.

    Loss and penalty may curve by many powers of ten more and less, and directions that only the
    penalty sees would be lost in the rounding of ``J^T J``.
    """
    k = J.shape[1]
    size = np.sqrt(ridge * (J * J).sum() / k)
    R = np.linalg.qr(np.vstack([J, size * np.eye(k)]), mode="r")
    try:
        return np.asarray(solve_triangular(R, solve_triangular(R, gradient, trans="T")))
    except LinAlgError:
        return np.zeros_like(gradient)
