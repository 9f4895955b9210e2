"""Bounds for one output in directions of several: what stands at the corners of a sphere.

`cvxnet.training.outputs.sphere` has the geometry. The bounds are those of exact pricing where that
is quick, otherwise those of the relaxation of `cvxnet.training.bounds`, which can be worked at.

The row space. Of V, (n, c), let ``V' = V - V B^T B`` be what is outside of the span of an
orthonormal basis B, (k, c). For w orthogonal to the span ``h(w) <= e |w|``, with e the sum of
``|V'_i|`` times the largest ``|phi_u(x_i)|``; hence for w in the span and w' orthogonal to it

    h(w + w') <= p.w + e |w'| <= sqrt(|p|^2 + e^2) |w + w'|.

So directions in which V is small cost next to nothing: its square counts. Where the rows of V add
up to zero, as those of cross entropy do, those of B do so exactly, and the checker finds e = 0.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from cvxnet.training.bounds.claims import multipliers_of, proved_bound
from cvxnet.training.bounds.evidence import Evidence
from cvxnet.training.bounds.proof_search import (
    FINER,
    FINEST,
    FIRST,
    LITTLE_GAIN,
)
from cvxnet.training.bounds.relaxation import Side
from cvxnet.training.bounds.stages import run_brief_stage
from cvxnet.training.clock import now
from cvxnet.training.outputs.sphere import Frame, ScalarBound, Sphere
from cvxnet.training.pricing.maxima import BOTH
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.training.units.polynomial import PolynomialUnits
from cvxnet.types import Array

NEGLIGIBLE = 1e-6
"""What V has outside of a basis is left out where it is less than this part of all: of the bound
that changes the square of it."""
NO_SUM = 1e-12
"""Rows add up to zero if their sums are smaller than this, relatively."""
GRID = 2.0**48
"""Entries of a basis with exact sums are multiples of one over this."""
AT_FIRST = 0.5
"""The share of a bound that the first stage promises to take away."""
FEW_STEPS, MOST_STEPS, MORE = 25, 250, 2
"""Quasi-Newton steps of a first stage, and how many times more each next one has: so that there are
bounds in all directions before much is spent on one."""
MOVED = 1e-3
"""The least smoothing for multipliers that come from another direction: with less, steps are small.
"""
MOST_DIRECTIONS = 10
"""Row spaces up to this dimension k are triangulated, from 2^(k - 1) orthants."""
QUICK = 200_000
"""Exact pricing of units with kinks is for where it takes less: rows looked at."""


@dataclass
class Exact:
    """The bound of exact pricing, and the units where it is attained or nearly so."""

    bound: float
    units: Array
    promise: float = 0.0
    numbers: int = 0

    def improve(self) -> None:
        """There is nothing to be done."""

    def evidence(self) -> None:
        """The checker needs none."""


class OneSide:
    """The bound of the relaxation for v or, with the sign -1, for -v.

    How much a stage will gain is guessed: at first much; then half of what the last stage has
    gained, or where that was little a tenth of what smoothing may hide.
    """

    def __init__(
        self, family: PiecewiseLinearUnits, v: Array, sign: float, deadline: float
    ) -> None:
        self.family, self.deadline, self.smoothing = family, deadline, FIRST
        self.side, self.steps = Side(family.rows, family.slopes, sign, v), FEW_STEPS
        self.take(v)
        self.promise = AT_FIRST * self.bound

    def take(self, v: Array) -> None:
        """Keep the multipliers, for another v."""
        self.side.take(v)
        self.left_out = self.family.left_out(v)
        self.bound = proved_bound(self.side) + self.left_out
        self.promise = LITTLE_GAIN * self.smoothing * self.bound

    def moved(self, v: Array, sign: float) -> OneSide:
        """The same multipliers for another v, or for -v as they were for v."""
        other = copy(self)
        other.side = copy(self.side)
        other.side.z = self.side.z.copy()
        other.side.a, other.side.b = sign * self.side.a, sign * self.side.b
        other.smoothing = max(self.smoothing, MOVED)
        other.take(v)
        return other

    def improve(self) -> None:
        """A stage of better multipliers."""
        run_brief_stage(self.side, self.smoothing, self.deadline, self.steps)
        self.steps = min(MORE * self.steps, MOST_STEPS)
        before, self.bound = self.bound, proved_bound(self.side) + self.left_out
        gain, hidden = before - self.bound, LITTLE_GAIN * self.smoothing * self.bound
        if gain < hidden:
            self.smoothing /= FINER
            hidden = hidden / FINER if self.smoothing > FINEST else 0.0
        self.promise = hidden if gain < hidden else gain / 2.0


class Relaxed:
    """The bound of the relaxation for v, (n,), from its two sides."""

    def __init__(self, sides: list[OneSide]) -> None:
        self.sides = sides

    @property
    def larger(self) -> OneSide:
        """The side that counts."""
        return max(self.sides, key=lambda side: side.bound)

    @property
    def bound(self) -> float:
        """The larger one of both sides."""
        return self.larger.bound

    @property
    def promise(self) -> float:
        """That of the larger side."""
        return self.larger.promise

    @property
    def numbers(self) -> int:
        """How many numbers the evidence has."""
        return sum(one.side.numbers for one in self.sides)

    def improve(self) -> None:
        """A stage for the larger side, and for the other if that is larger then."""
        done: list[OneSide] = []
        while (side := self.larger) not in done:
            side.improve()
            done.append(side)

    def take(self, v: Array) -> None:
        """Keep the multipliers, for another v."""
        for side in self.sides:
            side.take(v)

    def moved(self, v: Array, sign: float) -> Relaxed:
        """The same multipliers for another v that is near, or with the sign -1 near -v."""
        sides = self.sides if sign > 0.0 else self.sides[::-1]
        return Relaxed([side.moved(v, sign) for side in sides])

    def evidence(self) -> Evidence:
        """The multipliers."""
        plus, minus = (multipliers_of(one.side) for one in self.sides)
        return Evidence(plus, minus)


class Directions:
    """An orthonormal basis of the rows of V, and the bounds in its directions.

    Attributes
    ----------
    basis : (k, c) array
    V : (n, c) array
    reduced : (n, k) array
        V in the coordinates of the basis.
    outside : float
        ``e``, a bound on what V has outside of the span.
    units : (m, r) array
        The best units of exact pricing so far.

    Examples
    --------
    >>> from cvxnet.training.units import ReLUUnits
    >>> V = np.array([[1.0, -1.0, 0.0], [0.0, 0.5, -0.5], [2.0, 0.0, -2.0]])
    >>> directions = Directions(ReLUUnits(np.eye(3)), V)
    >>> directions.basis.shape, directions.basis.sum(axis=1).tolist()
    ((2, 3), [0.0, 0.0])
    >>> bool(directions.price(np.array([1.0, 0.0])).bound >= 2.0)  # in V times a unit vector
    True
    """

    def __init__(self, family: UnitFamily, V: Array, deadline: float = np.inf) -> None:
        self.family, self.deadline, self.basis = family, deadline, row_space(V)
        self.units = np.zeros((0, family.rank))
        self.relaxed = list[tuple[Array, Relaxed]]()
        self.take(V)

    def take(self, V: Array) -> None:
        """Go on with another matrix in the same basis."""
        self.V, self.reduced = V, V @ self.basis.T
        left = np.linalg.norm(V - self.reduced @ self.basis, axis=1)
        self.outside = float(left @ largest_features(self.family))

    def price(self, direction: Array) -> ScalarBound:
        """The bound in a direction (k,); TimeoutError where the time is over."""
        if now() > self.deadline:
            raise TimeoutError
        found = price_scalar(self.family, self.reduced @ direction, self.deadline)
        if isinstance(found, Exact):
            self.units = np.vstack([self.units, found.units[:1]])
            return found
        return self.from_nearest(direction, found)

    def from_nearest(self, direction: Array, fresh: Relaxed) -> Relaxed:
        """The multipliers of the nearest direction, or fresh ones where these prove more."""
        w = direction / np.linalg.norm(direction)
        cosines = np.array([w @ known for known, _ in self.relaxed])
        found = fresh
        if cosines.any():
            nearest = int(np.argmax(np.abs(cosines)))
            v, sign = self.reduced @ direction, float(np.sign(cosines[nearest]))
            moved = self.relaxed[nearest][1].moved(v, sign)
            found = min(fresh, moved, key=lambda one: one.bound)
            found.improve()
        self.relaxed.append((w, found))
        return found

    def with_rest(self, bound: float) -> float:
        """A bound for the span, with what V has outside of it."""
        return float(np.hypot(bound, self.outside))


Bounds = Sphere | Frame


def bounds_at(directions: Directions) -> Bounds:
    """A sphere, or a frame where directions are too many."""
    k = len(directions.basis)
    return (Sphere if k <= MOST_DIRECTIONS else Frame)(k, directions.price)


def price_scalar(family: UnitFamily, v: Array, deadline: float) -> Exact | Relaxed:
    """The bound for one output: exact where that is quick."""
    if family.exact:
        found = family.price(v, 0.0, deadline, QUICK if family.rank > 3 else np.inf)
        if np.isfinite(found.error):
            return Exact(found.rho + found.error, found.units)
    if isinstance(family, PiecewiseLinearUnits):
        return Relaxed([OneSide(family, v, sign, deadline) for sign in BOTH])
    return Exact(np.inf, np.zeros((0, family.rank)))


def row_space(V: Array) -> Array:
    """An orthonormal basis (k, c) of the rows, but for directions in which they are negligible."""
    rows = V / np.abs(V).max()
    sums = adds_up_to_zero(V)
    if sums:
        rows = rows - rows.mean(axis=1)[:, None]
    _, s, basis = np.linalg.svd(np.linalg.qr(rows, mode="r"), full_matrices=False)
    rest = np.sqrt(np.cumsum((s * s)[::-1])[::-1])
    basis = basis[rest > NEGLIGIBLE * rest[0]]
    return with_exact_sums(basis) if sums else np.asarray(basis)


def adds_up_to_zero(V: Array) -> bool:
    """Whether each row does, up to rounding."""
    return bool(np.abs(V.sum(axis=1)).max() <= NO_SUM * np.abs(V).sum(axis=1).max())


def with_exact_sums(basis: Array) -> Array:
    """Rows that add up to zero exactly, where they did so up to rounding."""
    basis = np.round(basis * GRID) / GRID
    places = np.arange(len(basis)), np.abs(basis).argmax(axis=1)
    basis[places] -= basis.sum(axis=1)
    return basis


def largest_features(family: UnitFamily) -> Array:
    """Bounds on ``|phi_u(x_i)|``, (n,)."""
    sizes = np.linalg.norm(family.X, axis=1)
    if isinstance(family, PiecewiseLinearUnits):
        return np.asarray(max(map(abs, family.slopes)) * sizes)
    a, b, c = family.coefficients if isinstance(family, PolynomialUnits) else (1.0, 0.0, 0.0)
    return np.asarray(abs(a) * sizes**2 + abs(b) * sizes + abs(c))
