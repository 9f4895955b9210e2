"""Units ``phi(x.u)`` with ``phi(t) = plus (t)_+ + minus (-t)_+`` and ``|u| <= 1``.

Pilanci and Ergen 2020 (arXiv 2002.10553); Bach 2014 with alpha = 1. In the cell of ``u`` the
feature is linear: each row of ``X`` counts times ``plus`` where ``x.u > 0`` and times ``-minus``
elsewhere. The cell's inequalities are cut down to facets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from cvxnet.training.geometry.arrangement import Arrangement, arrange
from cvxnet.training.geometry.cells import (
    ON_HYPERPLANE,
    Signs,
    facets,
    move_inside,
    signs_at,
)
from cvxnet.training.pricing.ascent import ascend, random_starts, to_l1_sphere, to_sphere
from cvxnet.training.pricing.circle_walk import walk_circle
from cvxnet.training.pricing.l1_ball import best_vertices
from cvxnet.training.pricing.maxima import LocalMaxima, none_above
from cvxnet.training.pricing.subdivision import Budget, subdivide
from cvxnet.training.units.family import Block, UnitFamily, as_columns, bending, frame_of
from cvxnet.types import Array

ROWS = 8192
"""Features are computed for so many samples at a time: what lies in between stays in the cache."""
LARGEST_RANK = 7
"""Beyond, exact pricing is not tried: nobody could check it, and certificates need evidence."""
CIRCLE = 2
"""Up to this rank one sort finds all local maxima."""


class PiecewiseLinearUnits(UnitFamily):
    """Units with one kink, positively homogeneous."""

    climbs: ClassVar[bool] = True
    slides = True

    @property
    def slopes(self) -> tuple[float, float]:
        """``(plus, minus)``."""
        raise TypeError(f"{self.name} units have no slopes")

    @cached_property
    def arrangement(self) -> Arrangement:
        """The hyperplanes at which the units have their kinks.

        The l1 ball is not round: there the coordinates stay those of ``X``, and the coordinate
        hyperplanes, where the norm has its kinks, come along as rows beyond those of ``X``.
        """
        if self.norm == "l1":
            return arrange(np.vstack([self.X, np.eye(self.X.shape[1])]))
        return arrange(self.X)

    @property
    def rank(self) -> int:
        """``r``, the rank of ``X``."""
        return self.arrangement.rank

    @property
    def rows(self) -> Array:
        """The data in the coordinates of ``u``, (n, r)."""
        return self.arrangement.rows[: len(self.X)]

    @cached_property
    def frame(self) -> Array:
        return frame_of(self.rows)

    def features(self, W: Array) -> Array:
        """``phi(X z)`` for each row ``z`` of ``W``."""
        parts = [features for _, features in self.feature_parts(W)]
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def feature_parts(self, W: Array) -> Iterator[tuple[slice, Array]]:
        plus, minus = self.slopes
        for start in range(0, len(self.rows), ROWS):
            part = slice(start, start + ROWS)
            t = self.rows[part] @ W.T
            yield part, plus * np.maximum(t, 0.0) + (minus * np.maximum(-t, 0.0) if minus else 0.0)

    def slope_of_rows(self, t: Array | Signs) -> Array:
        """``phi'(t)``; at the kink the slope below it."""
        plus, minus = self.slopes
        return np.where(t > 0.0, plus, -minus)

    def pull_back(self, W: Array, v: Array) -> Array:
        """``X^T D_z v`` for each row ``z`` of ``W``, with ``D_z`` the slopes."""
        return (self.slope_of_rows(self.rows @ W.T) * as_columns(v)).T @ self.rows

    def random_units(self, count: int, rng: np.random.Generator) -> Array:
        return bending(self.rows, count, rng)

    def kinks(self, v: Array) -> tuple[Array, Array, float]:
        """``v . phi_u(X)`` as ``sum_k plus_k (e_k.u)_+ + minus_k (-e_k.u)_+``, and its rounding.

        The error counts all rows: those on one hyperplane may cancel, their rounding does not, nor
        what the arrangement leaves out of them. For several outputs, v (n, c), coefficients are
        (h, c).
        """
        a, (plus, minus), left_out = self.arrangement, self.slopes, self.left_out(v)
        used, h, n = a.owner[: len(v)] >= 0, len(a.normals), len(v)
        owner, length, v = a.owner[:n][used], a.length[:n][used], v[used]
        lengths = length.reshape(-1, *[1] * (v.ndim - 1))
        ahead, behind = np.maximum(lengths, 0.0) * v, np.maximum(-lengths, 0.0) * v
        coefficients = np.zeros((2, h, *v.shape[1:]))
        np.add.at(coefficients[0], owner, plus * ahead + minus * behind)
        np.add.at(coefficients[1], owner, minus * ahead + plus * behind)
        size = max(abs(plus), abs(minus)) * float(np.abs(length) @ row_sizes(v))
        error = (len(a.owner) + 100) * np.finfo(float).eps * size + left_out
        return coefficients[0], coefficients[1], error

    def left_out(self, v: Array) -> float:
        """What the slack of the rows changes in ``v . phi_u(X)`` at most."""
        return max(map(abs, self.slopes)) * float(self.arrangement.slack[: len(v)] @ row_sizes(v))

    @property
    def exact(self) -> bool:
        """In the round ball up to LARGEST_RANK; in that of the norm l1 at rank 3 and below."""
        return self.rank <= (LARGEST_RANK if self.norm == "l2" else 3)

    def price(
        self,
        v: Array,
        floor: float,
        deadline: float = np.inf,
        work: float = np.inf,
        rise: float = np.inf,
    ) -> LocalMaxima:
        """Exact pricing over all cells, or all vertices for the l1 ball.

        From ``rise`` on (`now`) the floor rises, so that it ends by the deadline.
        """
        if not self.exact:
            return self.climb(v, floor, np.zeros((0, self.rank)), deadline)
        if self.points_away(v):
            return none_above(floor, self.rank)
        budget = Budget(deadline, work, rise)
        if budget.over:
            return none_above(floor, self.rank, np.inf)
        plus, minus, error = self.kinks(v)
        normals, sides = self.arrangement.normals, self.priced_sides
        if self.norm == "l2" and self.rank <= CIRCLE:
            found = walk_circle(normals, plus, minus, floor, sides)
            return found._replace(error=max(found.error, error))
        search = best_vertices if self.norm == "l1" else subdivide
        found = search(normals, plus, minus, floor=floor, budget=budget, sides=sides)
        return found._replace(error=error if np.isfinite(found.error) else np.inf)

    def climb(self, v: Array, floor: float, units: Array, deadline: float) -> LocalMaxima:
        """From the units, from gradients at random ones, and from the kinks of some rows."""
        starts = np.vstack([random_starts(self.rows, v), units])
        return ascend(
            self.features,
            self.pull_back,
            starts,
            v,
            floor,
            deadline=deadline,
            sides=self.priced_sides,
            move=to_l1_sphere if self.norm == "l1" else to_sphere,
        )

    def block(self, u: Array, sign: float) -> Block:
        """The cell of ``u``; where ``u`` lies on its boundary, one of the cells that share it."""
        a = self.arrangement
        inside = move_inside(a.normals, u)
        signs = signs_at(a.normals, inside)
        rows = facets(a.normals, signs, inside) if self.rank <= 3 else np.arange(len(a.normals))
        return self.cell_block(signs, signs[rows, None] * a.normals[rows], sign)

    def cell_block(self, signs: Signs, facets: Array, sign: float) -> Block:
        """The block of the cell with these signs."""
        slope = self.slope_of_rows(self.arrangement.row_sides(signs)[: len(self.X)])
        return Block(
            key=(signs.tobytes(), sign),
            sign=sign,
            matrix=sign * slope[:, None] * self.rows,
            facets=facets,
            directions=np.eye(self.rank),
        )

    def simplify(self, W: Array, signs: Array) -> tuple[Array, Array]:
        """One unit for each sign and cell, the sum of those in the cell's closure.

        There features are linear, so the sum has their fit, and by the triangle inequality no
        larger penalty.
        """
        sizes, total = self.sizes(W), W.copy()
        sides: dict[int, Signs] = {}
        for j in np.argsort(-sizes, kind="stable").tolist():
            own = self.sides(W[j] / (sizes[j] or 1.0))
            same = (i for i in sides if signs[i] == signs[j])
            home = next((i for i in same if not (sides[i] * own < 0).any()), None)
            if home is None:
                sides[j] = own
            else:
                total[home] += W[j]
                sides[home] = np.where(sides[home] == 0, own, sides[home])
        kept = list(sides)
        return total[kept], signs[kept]

    def sides(self, u: Array) -> Signs:
        """On which side of each hyperplane a unit vector is, (h,); 0 for those that it lies on."""
        height = self.arrangement.normals @ u
        return np.where(np.abs(height) <= ON_HYPERPLANE, 0.0, np.sign(height)).astype(np.int8)

    def hidden(self, U: Array) -> Array:
        """Units in the coordinates of the columns of ``X``."""
        return U @ self.arrangement.basis.T

    def coordinates(self, W: Array, gate: Any = None) -> Array:
        """The component in the row space of ``X``."""
        return W @ self.arrangement.basis


def row_sizes(v: Array) -> Array:
    """The length of each row of a dual vector, (n,) or (n, c)."""
    return np.asarray(np.abs(v) if v.ndim == 1 else np.linalg.norm(v, axis=1))


@dataclass(frozen=True, eq=False)
class ReLUUnits(PiecewiseLinearUnits):
    """ReLU units ``(x.u)_+`` (Pilanci and Ergen 2020; Bach 2014 with alpha = 1).

    Examples
    --------
    >>> units = ReLUUnits(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> units.features(np.array([[0.6, -0.8]])).ravel().tolist()
    [0.6, 0.0]
    >>> units.price(np.array([3.0, 4.0]), 0.0).rho
    5.0
    """

    name = "relu"
    positive = True
    slopes = (1.0, 0.0)


@dataclass(frozen=True, eq=False)
class LeakyReLUUnits(PiecewiseLinearUnits):
    """Leaky ReLU units: ``x.u`` where that is positive, ``slope`` times it elsewhere.

    Examples
    --------
    >>> units = LeakyReLUUnits(np.array([[1.0], [-1.0]]), slope=0.5)
    >>> units.features(np.array([[2.0]])).ravel().tolist()
    [2.0, -1.0]
    """

    slope: float = 0.01

    name = "leaky_relu"

    @property
    def slopes(self) -> tuple[float, float]:
        """``t < 0`` becomes ``slope t``."""
        return 1.0, -self.slope


@dataclass(frozen=True, eq=False)
class AbsUnits(PiecewiseLinearUnits):
    """Absolute value units ``|x.u|`` (Pilanci and Ergen 2020 with ``2D - I`` for ``D``).

    Examples
    --------
    >>> units = AbsUnits(np.array([[1.0], [-1.0]]))
    >>> units.price(np.array([1.0, 2.0]), 0.0).rho
    3.0
    """

    name = "abs"
    positive = True
    slopes = (1.0, 1.0)
