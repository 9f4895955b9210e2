"""Regions of units of which there are finitely many features: parts of a list of columns.

A unit counts by its feature. Those of coordinate units are the columns of the data, those of sign
and threshold units belong to the faces into which the hyperplanes of the rows cut R^r: cells, and
where a unit on hyperplanes does what no unit off them does, all other faces too. One column is
listed for each pair of opposite features, as output weights have either sign; none for zeros, which
do nothing. `cvxnet.proofs.checker.columns` forms the same list, exactly and by itself.

A sign unit is 0 on its hyperplanes. As the mean of two units on either side it is nothing new where
units are not counted; among networks of at most m units it is.

The list is in lexicographic order, by the numbers at the samples one after the other. So columns
that agree at the first samples stand side by side, and a cut where two neighbours differ early
parts the units by a hyperplane. A region is a range of the list with one sign, cut at an index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property, singledispatch
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.errors import UnsupportedError
from cvxnet.training.geometry.arrangement import count_cells
from cvxnet.training.pricing.steps.dichotomies import Signs
from cvxnet.training.pricing.steps.faces import all_sides
from cvxnet.training.pricing.steps.pricing import unit_with
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.training.problem import Units
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.linear import CoordinateUnits
from cvxnet.training.units.steps import StepUnits
from cvxnet.training.width.regions import Mask, Pricing, Region, Space
from cvxnet.types import Array

MOST_NUMBERS = 20_000_000
"""In the list; the checker takes as many."""
CUTS = 8
"""Places that are tried out for a cut."""
KEPT = 6
"""Columns of a region that are returned, best first."""

Order = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class ColumnSpace(Space):
    """All units of a family with finitely many features.

    Attributes
    ----------
    family : UnitFamily
    rows : (n,) integer array
        The samples, in the order in which columns are compared.
    columns : (N, n) array
        The features, a row for each.
    unit : callable
        The unit of length one with the feature at an index; one that is near to it where no doubles
        have it.
    """

    family: UnitFamily
    rows: Order
    columns: Array
    unit: Callable[[int], Array]

    stuck = (
        "the bound counts units on whose hyperplanes samples lie exactly, as no doubles do here: "
        "round the data, to fewer digits, or ask for a wider gap"
    )

    @cached_property
    def squares(self) -> Array:
        """``|phi|^2`` of each, (N,)."""
        return np.asarray((self.columns * self.columns).sum(axis=1))

    @cached_property
    def largest(self) -> float:
        """The largest number."""
        return float(np.abs(self.columns).max(initial=0.0))

    @cached_property
    def agreement(self) -> NDArray[np.intp]:
        """At how many samples each agrees with the one before it until they differ, (N,)."""
        ordered = self.columns[:, self.rows]
        return np.append(0, (ordered[1:] != ordered[:-1]).argmax(axis=1))[: len(ordered)]

    def region(self, sign: float) -> ColumnRegion:
        """The whole list."""
        return ColumnRegion(self, sign, 0, len(self.columns))

    def pricing(self, v: Array, floor: float) -> ColumnPricing:
        return ColumnPricing(self, v, floor)

    def atoms_of(self, units: Units) -> tuple[Array, Array]:
        """The nearest columns of the list; units that do nothing, where it is empty, are none."""
        if not len(self.columns):
            return np.zeros((0, 1)), np.zeros(0)
        features = self.family.features(units.weights / units.sizes[:, None])
        products = self.columns @ features
        index = np.argmax(2.0 * np.abs(products) - self.squares[:, None], axis=0)
        turned = np.where(products[index, np.arange(len(index))] < 0.0, -1.0, 1.0)
        return index[:, None].astype(np.float64), units.outputs * turned

    def features(self, U: Array) -> Array:
        return self.columns[indices(U)].T

    def merge(self, U: Array, sizes: Array) -> tuple[Array, float]:
        """The one of them that, with the best size, comes closest to their sum."""
        own = indices(U)
        columns, squares = self.columns[own], self.squares[own]
        products = columns @ (sizes @ columns)
        best = int(np.argmax(products * np.abs(products) / squares))
        return U[best], max(float(products[best] / squares[best]), 0.0)

    def units(self, U: Array, sizes: Array, signs: Array, free: Array) -> Units:
        rows = [size * self.unit(j) for j, size in zip(indices(U), sizes, strict=True)]
        return Units(np.reshape(rows, (len(rows), self.family.rank)), signs, free)


@dataclass(frozen=True, eq=False)
class ColumnRegion(Region):
    """Columns ``first`` up to but not ``last``, with one sign."""

    space: ColumnSpace
    sign: float
    first: int
    last: int

    @property
    def parts(self) -> int:
        return self.last - self.first

    def contains(self, U: Array) -> Mask:
        return (U[:, 0] >= self.first) & (U[:, 0] < self.last)

    def cuts(self, U: Array, sizes: Array, pull: Array) -> Iterator[Any]:
        """Between two neighbours of its atoms each, where columns differ early.

        Of many such places those that leave about equal shares of the sizes between them.
        """
        inside, place = np.unique(indices(U), return_inverse=True)
        if len(inside) < 2:
            inside = np.array([self.first, self.last - 1])
        gaps = np.arange(len(inside) - 1)
        if len(gaps) > CUTS:
            before = np.cumsum(np.bincount(place, sizes))[:-1]
            shares = np.linspace(0.0, sizes.sum(), CUTS + 2)[1:-1]
            gaps = np.unique(np.searchsorted(before, shares).clip(max=gaps[-1]))
        agreement = self.space.agreement
        for low, high in zip(inside[gaps].tolist(), inside[gaps + 1].tolist(), strict=True):
            if low < high:
                yield low + 1 + int(np.argmin(agreement[low + 1 : high + 1]))

    def in_first(self, cut: Any, U: Array) -> Mask:
        return np.asarray(U[:, 0] < cut)

    def halves(self, cut: Any) -> tuple[list[int], Region, Region]:
        first = ColumnRegion(self.space, self.sign, self.first, cut)
        return [cut - self.first], first, ColumnRegion(self.space, self.sign, cut, self.last)


class ColumnPricing(Pricing):
    """A dual vector, multiplied with columns."""

    def __init__(self, space: ColumnSpace, v: Array, floor: float) -> None:
        self.space, self.v, self.floor = space, v, floor

    @property
    def error(self) -> float:
        rounding = (len(self.v) + 10) * np.finfo(float).eps
        return rounding * self.space.largest * float(np.abs(self.v).sum())

    def maxima(self, region: Region, budget: Budget) -> tuple[Array, bool]:
        assert isinstance(region, ColumnRegion)
        values = self.space.columns[region.first : region.last] @ (-region.sign * self.v)
        kept = min(KEPT, len(values))
        best = np.argpartition(-values, kept - 1)[:kept] if kept else np.zeros(0, dtype=np.intp)
        best = best[values[best] > self.floor]
        return np.column_stack([values[best], region.first + best]), True


def indices(U: Array) -> NDArray[np.int64]:
    """The places in the list that atoms, (k, 1), are."""
    return U[:, 0].astype(np.int64)


@singledispatch
def column_space(family: UnitFamily, order: Order) -> ColumnSpace:
    """The list of features, compared at the samples in that order.

    Raises
    ------
    UnsupportedError
        Where the list would be too long.
    """
    raise UnsupportedError(f"{family.name} units have infinitely many features.")


@column_space.register
def coordinate_columns(family: CoordinateUnits, order: Order) -> ColumnSpace:
    """The columns of the data."""
    check_count(family, family.rank)
    signs, columns = forward(family.X.T, order)
    kept = distinct(columns, order)

    def unit(j: int) -> Array:
        return np.asarray(signs[kept[j]] * np.eye(1, family.rank, kept[j])[0])

    return ColumnSpace(family, order, columns[kept], unit)


@column_space.register
def step_columns(family: StepUnits, order: Order) -> ColumnSpace:
    """What units do on cells, and on other faces where that is something else."""
    planes, faces = family.planes, family.odd or family.lifted
    check_count(family, count_features(family))
    sides = all_sides(planes.dichotomies, faces)
    sides = sides[np.argsort((sides == 0).sum(axis=1), kind="stable")]
    values = family.step(np.array([-1, 0, 1], dtype=np.int8)).astype(np.int8)
    signs, features = forward(values[planes.row_sides(sides) + 1], order)
    sides, features = sides[signs > 0], features[signs > 0]
    kept = distinct(features, order)
    columns, sides = features[kept].astype(np.float64), sides[kept]

    @cache
    def unit(j: int) -> Array:
        for near in neighbours(sides, j, family.odd):
            u = unit_with(planes.dichotomies, near)
            if u is not None:
                u = np.append(u, not u.any()) if family.lifted else u
                return np.asarray(u / np.linalg.norm(u))
        return np.array(np.eye(1, family.rank)[0])  # of no use, as its network will show

    return ColumnSpace(family, order, columns, unit)


def neighbours(sides: Signs, j: int, odd: bool) -> Iterator[Signs]:
    """The sides of a face, and of those that it is on the boundary of, cells first."""
    yield sides[j]
    agree = sides.astype(np.int64) @ sides[j]
    found = np.flatnonzero((np.abs(agree) if odd else agree) == np.count_nonzero(sides[j]))
    for k in found[np.argsort((sides[found] == 0).sum(axis=1), kind="stable")]:
        yield np.sign(agree[k]) * sides[k]


def count_features(family: StepUnits) -> int:
    """At most so many are listed; in general position so many."""
    h, r = len(family.planes), family.planes.rank
    if not (family.odd or family.lifted):
        return count_cells(h, r)
    faces = 1 + sum(comb(h, k) * count_cells(h - k, r - k) for k in range(r))
    return faces // 2 if family.odd else faces


def check_count(family: UnitFamily, count: int) -> None:
    """Refuse a list that is too long."""
    n = len(family.X)
    if count * n > MOST_NUMBERS:
        raise UnsupportedError(
            f"width: {family.name} units have up to {count:,} features on these {n:,} samples, all "
            f"of which are listed for networks of at most so many units. Lists of up to "
            f"{MOST_NUMBERS // n:,} features of {n:,} samples are: take fewer samples or features "
            "of the data, or leave out width."
        )


def forward(features: NDArray[Any], order: Order) -> tuple[NDArray[Any], NDArray[Any]]:
    """Signs (N,) and features (N, n) whose first number other than 0 is positive; 0 for zeros."""
    ordered = features[:, order]
    first = (ordered != 0).argmax(axis=1)
    signs = np.sign(ordered[np.arange(len(ordered)), first])
    return signs, signs[:, None] * features + 0


def distinct(features: NDArray[Any], order: Order) -> NDArray[np.intp]:
    """Where the different ones are first, in lexicographic order, without zeros."""
    ordered = features[:, order]
    index = np.lexsort(ordered.T[::-1])
    ordered = ordered[index]
    new = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1))[: len(ordered)]
    return index[new & ordered.any(axis=1)]
