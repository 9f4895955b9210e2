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
from typing import NamedTuple

import numpy as np
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
DOUBLINGS = 20
"""At most so often a step is made twice as long."""
LAST_DIGITS = 1e-11
"""A step that promises less, relatively, counts if it shrinks the gradient."""
SHRINKS = 0.9
"""The gradient has to become smaller than so much of itself then."""
VANISHED = 1e-8
"""Units smaller than this, relative to the largest, are left out."""
LARGEST = 40_000_000
"""Numbers of the Jacobian beyond which Newton's method is not tried."""


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
    """The objective near a point, and its derivatives."""

    def __init__(self, problem: Problem, point: Point) -> None:
        self.problem, self.point = problem, point
        self.f = self.fit(point)
        self.V = problem.loss.gradient(self.f, problem.y)
        self.value = self.value_at(point)

    def fit(self, point: Point) -> Array:
        """The predictions, (n, c)."""
        return np.asarray(
            self.problem.family.features(point.U) @ point.A + self.problem.F @ point.free
        )

    def value_at(self, point: Point) -> float:
        """The objective at any point."""
        price = float((point.U * point.U).sum() + (point.A * point.A).sum())
        problem = self.problem
        value = problem.loss.value(self.fit(point), problem.y)
        return value + 0.5 * problem.weight_decay * price

    def expand(self) -> None:
        """Find parts, Jacobian (numbers, n, c) and gradient."""
        U, A, _ = self.point
        (n, c), decay = self.f.shape, self.problem.weight_decay
        self.parts = [part_of(self.problem.family, u) for u in U]
        self.ends = np.cumsum([part.B.shape[1] + c for part in self.parts], dtype=np.int64)
        k = self.problem.F.shape[1] * c
        size = (int(self.ends[-1]) if len(self.parts) else 0) + k
        self.J, price = np.zeros((size, n, c)), np.zeros(size)
        for part, end, u, a in zip(self.parts, self.ends, U, A, strict=True):
            middle = end - c
            own = slice(middle - part.B.shape[1], middle)
            self.J[own] = part.A.T[:, :, None] * a
            self.J[np.arange(middle, end), :, np.arange(c)] = part.h
            price[own], price[middle:end] = part.B.T @ u, a
        for j, column in enumerate(self.problem.F.T):
            rows = size - k + j * c + np.arange(c)
            self.J[rows, :, np.arange(c)] = column
        self.gradient = self.J.reshape(size, -1) @ self.V.ravel() + decay * price

    def hessian(self) -> Array:
        """The Hessian at the point."""
        problem, size, c = self.problem, len(self.J), self.f.shape[1]
        HJ = problem.loss.curvature_times(self.f, problem.y, self.J)
        H = self.J.reshape(size, -1) @ HJ.reshape(size, -1).T
        for part, end in zip(self.parts, self.ends, strict=True):
            w, a = np.split(np.arange(end - c - part.B.shape[1], end), [part.B.shape[1]])
            across = part.A.T @ self.V
            H[np.ix_(w, w)] += problem.weight_decay * (part.B.T @ part.B)
            H[np.ix_(w, a)] += across
            H[np.ix_(a, w)] += across.T
            H[a, a] += problem.weight_decay
        return np.asarray(H)

    def after(self, step: Array) -> Iterator[Point]:
        """Where a step leads: straight on, and with units that stop where they would cross."""
        (U, A, free), c = self.point, self.f.shape[1]
        *pieces, last = np.split(step, self.ends)
        ends, outputs = U.copy(), A.copy()
        for j, (part, piece) in enumerate(zip(self.parts, pieces, strict=True)):
            ends[j] += part.B @ piece[:-c]
            outputs[j] += piece[-c:]
        moved = Point(ends, outputs, free + last.reshape(free.shape))
        yield moved
        stops = stopped(self.problem.family, U, ends)
        if (stops != ends).any():
            yield moved._replace(U=stops)

    def descend(self) -> Point | None:
        """The next point, or None where nothing leads further down."""
        self.expand()
        H = self.hessian()
        for damping in DAMPINGS:
            step = damped_step(H, self.gradient, damping)
            if step is None or not step @ self.gradient < 0.0:
                continue
            found = min(self.after(step), key=self.value_at)
            if -(step @ self.gradient) < LAST_DIGITS * abs(self.value):
                return found if self.shrinks(found) else None
            if self.value_at(found) < self.value:
                return self.further(step, found)
        return None

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
        after.expand()
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


def numbers(problem: Problem, units: Units) -> int:
    """Of the Jacobian."""
    return (units.weights.size + units.outputs.size + units.free.size) * problem.y.size


def newton(problem: Problem, units: Units, deadline: float = np.inf) -> Units:
    """A local optimum from these units on their faces; never a worse network."""
    if numbers(problem, units) > LARGEST:
        return units
    point = point_of(units.without_small(VANISHED))
    for _ in range(STEPS):
        better = Local(problem, point).descend() if now() < deadline else None
        if better is None:
            break
        point = better.without_small()
    return point.units
