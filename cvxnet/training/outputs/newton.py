"""Newton's method on the faces of the arrangement, for several outputs: to the last digits.

While every unit stays on its face, features are linear and the objective is smooth. The weights of
the balanced network are moved, of unit j the hidden ones ``u_j = B_j w_j``, with a basis B_j of its
face and the features ``A_j`` there, and the output weights ``a_j``:

    F(w, a) = loss(sum_j A_j w_j a_j^T) + weight_decay sum_j 1/2 (|u_j|^2 + |a_j|^2).

Its Hessian is that of Gauss and Newton, ``J^T H J`` with H that of the loss, plus what the products
bend, with V the gradient of the loss ``A_j^T V`` between w_j and a_j, plus that of the price. A
unit that is not needed shrinks to zero quadratically, as the price is smooth there.

Steps are damped until the objective falls, not the gradient, which is small at saddles too. The
objective is that of the true features: where a unit crosses a hyperplane on its way, either that
lowers the objective all the same, or the unit stops there, and its face has lost a dimension.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from cvxnet.training.clock import now
from cvxnet.training.faces import face
from cvxnet.training.problem import Problem, Units
from cvxnet.training.sliding import units_of_factors
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.types import Array

STEPS = 30
"""At most so many Newton steps."""
DAMPINGS = (0.0, *(10.0**k for k in range(-10, 4)))
"""Levenberg's damping, relative to the diagonal of the Hessian, the least first."""
LESS = 2
"""The next step is tried with a damping so many places earlier."""
DOUBLINGS = 20
"""At most so often a step is made twice as long."""
LAST_DIGITS = 1e-11
"""A step that promises less, relatively, counts if it shrinks the gradient."""
SHRINKS = 0.9
"""The gradient has to become smaller than so much of itself then."""
VANISHED = 1e-8
"""Units smaller than this, relative to the largest, are left out."""
LARGEST = 2000
"""Numbers that change beyond which Newton's method is not tried."""


class Point(NamedTuple):
    """Hidden weights (m, r), output weights (m, c) and free ones (k, c) of a balanced network."""

    U: Array
    A: Array
    free: Array

    @property
    def units(self) -> Units:
        """The units of these weights."""
        return units_of_factors(*self)

    def without_small(self) -> Point:
        """The same without the units that have vanished."""
        sizes = np.linalg.norm(self.U, axis=1) * np.linalg.norm(self.A, axis=1)
        used = sizes > VANISHED * sizes.max(initial=0.0)
        return Point(self.U[used], self.A[used], self.free)


def point_of(units: Units) -> Point:
    """The balanced weights of units."""
    root = np.sqrt(units.sizes)[:, None]
    return Point(units.weights / root, root * units.outputs, units.free)


class Part(NamedTuple):
    """The face of one unit: the unit ``B w`` has the feature ``A w``, which is ``h`` now."""

    A: Array
    B: Array
    h: Array


def part_of(family: UnitFamily, u: Array) -> Part:
    """The face of the unit ``u``."""
    A, B = face(family, u)
    B = B if isinstance(B, np.ndarray) else B.toarray()
    return Part(A, B, A @ (B.T @ u))


def stopped(family: UnitFamily, start: Array, end: Array) -> Array:
    """The ends of ways, one a row, that go no further than to the first hyperplane."""
    if not isinstance(family, PiecewiseLinearUnits):
        return end
    pairs = zip(start, end, strict=True)
    stops = [first_crossing(family.arrangement.normals, u, w) for u, w in pairs]
    return np.reshape(stops, end.shape)


def first_crossing(normals: Array, u: Array, w: Array) -> Array:
    """The first point of a hyperplane that u is not on, on the way from u to w; or w."""
    start, end = normals @ u, normals @ w
    crossed = (start * end < 0.0) & (np.abs(start) > 1e-9 * np.linalg.norm(u))
    if not crossed.any():
        return w
    t = float((start[crossed] / (start[crossed] - end[crossed])).min())
    return np.asarray(u + t * (w - u))


class Local:
    """The objective near a point, and its derivatives.

    The numbers that change are all w in a row, the output weights and the free ones, the weights of
    one unit or column together. The columns of ``slopes``, (n, numbers of w), are those of all
    ``A_j``, with ``owner`` their units; those of ``heads`` the features and the free columns.
    """

    def __init__(self, problem: Problem, point: Point) -> None:
        self.problem, self.point = problem, point
        self.f = self.fit(point)
        self.V = problem.loss.gradient(self.f, problem.y)
        self.value = self.value_at(point)

    def fit(self, point: Point) -> Array:
        """The predictions, (n, c)."""
        family, F = self.problem.family, self.problem.F
        return np.asarray(family.features(point.U) @ point.A + F @ point.free)

    def value_at(self, point: Point) -> float:
        """The objective at any point."""
        price = float((point.U * point.U).sum() + (point.A * point.A).sum())
        problem = self.problem
        value = problem.loss.value(self.fit(point), problem.y)
        return value + 0.5 * problem.weight_decay * price

    @cached_property
    def parts(self) -> list[Part]:
        """The face of each unit."""
        return [part_of(self.problem.family, u) for u in self.point.U]

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """The unit of each number of w."""
        widths = [part.B.shape[1] for part in self.parts]
        return np.repeat(np.arange(len(widths)), widths)

    @cached_property
    def slopes(self) -> Array:
        """How features change with w."""
        return np.hstack([np.zeros((len(self.f), 0)), *(part.A for part in self.parts)])

    @cached_property
    def heads(self) -> Array:
        """What output weights and free weights are coefficients of."""
        return np.hstack([*(part.h[:, None] for part in self.parts), self.problem.F])

    @cached_property
    def gradient(self) -> Array:
        """Of the objective."""
        (U, A, free), decay = self.point, self.problem.weight_decay
        w = [part.B.T @ u for part, u in zip(self.parts, U, strict=True)]
        along = (self.slopes * (self.V @ A.T)[:, self.owner]).sum(axis=0)
        out = self.heads.T @ self.V + decay * np.vstack([A, np.zeros_like(free)])
        return np.concatenate([along + decay * np.concatenate([*w, np.zeros(0)]), out.ravel()])

    def hessian(self) -> Array:
        """Of the objective.

        With ``D_km`` the second derivatives of the loss in outputs k and m of each sample, all that
        is needed are the products ``L^T D_km L`` of L, slopes and heads beside each other: output
        weights enter as factors of its columns.
        """
        c, q = self.f.shape[1], len(self.owner)
        L, A = np.hstack([self.slopes, self.heads]), self.point.A[self.owner]
        heads = self.heads.shape[1]
        ww, wa = np.zeros((q, q)), np.zeros((q, heads, c))
        aa = np.zeros((heads, c, heads, c))
        directions = np.broadcast_to(np.eye(c)[:, None], (c, *self.f.shape))
        D = self.problem.loss.curvature_times(self.f, self.problem.y, directions)
        for k, m in zip(*np.nonzero(D.any(axis=1)), strict=True):
            G = (L.T * D[k, :, m]) @ L
            ww += A[:, k : k + 1] * G[:q, :q] * A[:, m]
            wa[:, :, m] += A[:, k : k + 1] * G[:q, q:]
            aa[:, k, :, m] = G[q:, q:]
        wa[np.arange(q), self.owner] += self.slopes.T @ self.V
        rest = heads * c
        H = np.empty((q + rest, q + rest))
        H[:q, :q], H[:q, q:], H[q:, q:] = ww, wa.reshape(q, rest), aa.reshape(rest, rest)
        H[q:, :q] = H[:q, q:].T
        priced = np.arange(q + len(self.parts) * c)
        H[priced, priced] += self.problem.weight_decay
        return H

    def after(self, step: Array) -> Iterator[Point]:
        """Where a step leads: straight on, and with units that stop where they would cross."""
        (U, A, free), q = self.point, len(self.owner)
        ends = U.copy()
        for j, part in enumerate(self.parts):
            ends[j] += part.B @ step[:q][self.owner == j]
        out = np.vstack([A, free]) + step[q:].reshape(len(A) + len(free), self.f.shape[1])
        moved = Point(ends, out[: len(A)], out[len(A) :])
        yield moved
        stops = stopped(self.problem.family, U, ends)
        if (stops != ends).any():
            yield moved._replace(U=stops)

    def descend(self, first: int) -> tuple[Point | None, int]:
        """The next point, or None where nothing leads further down, and the damping it took.

        Dampings are tried from the ``first`` on.
        """
        H = self.hessian()
        for k in range(first, len(DAMPINGS)):
            step = damped_step(H, self.gradient, DAMPINGS[k])
            if step is None or not step @ self.gradient < 0.0:
                continue
            found = min(self.after(step), key=self.value_at)
            if -(step @ self.gradient) < LAST_DIGITS * abs(self.value):
                return (found, k) if self.shrinks(found) else (None, k)
            if self.value_at(found) < self.value:
                return self.further(step, found), k
        return None, 0

    def further(self, step: Array, found: Point) -> Point:
        """The best point along a step that leads down: a damped one may be far too short."""
        lowest = self.value_at(found)
        for _ in range(DOUBLINGS):
            step = 2.0 * step
            tried = min(self.after(step), key=self.value_at)
            value = self.value_at(tried)
            if not value < lowest:
                break
            found, lowest = tried, value
        return found

    def shrinks(self, found: Point) -> bool:
        """Whether the gradient has become smaller, and the objective no larger."""
        after = Local(self.problem, found)
        smaller = np.linalg.norm(after.gradient) < SHRINKS * np.linalg.norm(self.gradient)
        return bool(smaller and after.value <= self.value * (1.0 + 1e-13))


def damped_step(H: Array, gradient: Array, damping: float) -> Array | None:
    """The Newton step with the diagonal enlarged, None where that is not positive definite."""
    diagonal = np.abs(np.diag(H))
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, diagonal.max(initial=0.0) or 1.0))
    scaled = scale[:, None] * H * scale
    scaled[np.diag_indices_from(scaled)] += damping
    try:
        factor = cho_factor(scaled, overwrite_a=True)
    except (LinAlgError, ValueError):
        return None
    return np.asarray(-scale * cho_solve(factor, scale * gradient))


def is_large(units: Units) -> bool:
    """Whether there are too many numbers for Newton's method."""
    return units.weights.size + units.outputs.size + units.free.size > LARGEST


def newton(problem: Problem, units: Units, deadline: float = np.inf, enough: float = 0.0) -> Units:
    """A local optimum from these units on their faces; never a worse network.

    It ends where a step lowers the objective by less than ``enough``.
    """
    if is_large(units):
        return units
    point, first = point_of(units.without_small(VANISHED)), 0
    local = Local(problem, point)
    for _ in range(STEPS):
        better, damping = local.descend(first) if now() < deadline else (None, 0)
        if better is None:
            break
        before, first = local.value, max(damping - LESS, 0)
        local = Local(problem, better.without_small())
        if before - local.value < enough:
            break
    return local.point.units
