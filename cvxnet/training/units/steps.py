"""Units that are steps: constant on each side of a hyperplane, whatever the length of ``u``.

A unit is determined by its dichotomy: on which side each row of the data lies. There are finitely
many, so training is a Lasso over all dichotomies (Bengio, Le Roux, Vincent, Delalleau and Marcotte
2005; Ergen, Gulluk, Lacotte and Pilanci 2023), solved here by column generation with exact pricing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.pricing.steps.dichotomies import Signs
from cvxnet.training.pricing.steps.faces import middle_of_cell
from cvxnet.training.pricing.steps.hyperplanes import Hyperplanes, find_hyperplanes
from cvxnet.training.pricing.steps.pricing import (
    StepFunction,
    price_dichotomies,
    step_function,
    unit_with,
)
from cvxnet.training.pricing.steps.search import search_dichotomies
from cvxnet.training.units.family import Block, UnitFamily, single_unit
from cvxnet.types import Array

EXACT_SAMPLES = {4: 2000, 5: 600, 6: 150}
"""At these ranks, exact pricing takes seconds up to so many samples."""
FEW = 3_000_000
"""Beyond rank 3 all faces are looked at where the walks see at most so many crossings."""
ON = 1e-13
"""A unit closer than this angle to a hyperplane is on it; others are well clear of it."""


class StepUnits(UnitFamily):
    """Units ``phi_u(x) = step(sign(x.u))``."""

    odd: ClassVar[bool] = False
    """Whether ``phi_{-u} = -phi_u``."""

    def step(self, sides: Signs) -> Array:
        """The unit's value at rows with these signs."""
        raise TypeError(f"{self.name} units have no step")

    @cached_property
    def planes(self) -> Hyperplanes:
        """The hyperplanes of the rows."""
        return find_hyperplanes(self.X)

    @property
    def exact(self) -> bool:
        """At rank 3 and below; beyond, up to some number of samples."""
        most = np.inf if self.planes.rank <= 3 else EXACT_SAMPLES.get(self.planes.rank, 0)
        return self.looks_everywhere or len(self.X) <= most

    @property
    def looks_everywhere(self) -> bool:
        """Whether pricing walks along all circles."""
        cells = self.planes.dichotomies
        return cells.rank <= 3 or cells.work <= FEW

    @property
    def lifted(self) -> bool:
        """Whether units on hyperplanes, ``u = 0`` first of all, do what no others do.

        ``u = 0`` is then the last basis vector.
        """
        return False

    @property
    def rank(self) -> int:
        """The rank of ``X``, and one more where ``u = 0`` counts."""
        return self.planes.rank + self.lifted

    def sides(self, W: Array) -> Signs:
        """The signs of ``X z`` for each row z of ``W``: (n, m)."""
        rows = self.planes.rows
        heights = rows @ W[:, : self.planes.rank].T
        sizes = np.linalg.norm(rows, axis=1)[:, None] * self.sizes(W)
        return np.where(np.abs(heights) <= ON * sizes, 0, np.sign(heights)).astype(np.int8)

    def features(self, W: Array) -> Array:
        """``|z| step(sign(X z))`` for each row."""
        return self.step(self.sides(W)) * self.sizes(W)

    def function(self, v: Array) -> StepFunction:
        """``v . phi_u(X)``. Rounding counts all rows: those on one hyperplane may cancel."""
        ahead, behind, level = self.step(np.array([1, -1, 0], dtype=np.int8))
        plus, minus = self.planes.totals(v)
        on = level * (plus + minus) if self.lifted else None
        constant = level * float(v[self.planes.owner < 0].sum())
        coefficients = ahead * plus + behind * minus, behind * plus + ahead * minus
        g = step_function(self.planes, *coefficients, on, constant)
        rounding = 4 * len(v) * np.finfo(float).eps * float(np.abs(v).sum())
        return g._replace(error=g.error + rounding)

    def price(
        self, v: Array, floor: float, deadline: float = np.inf, work: float = np.inf
    ) -> LocalMaxima:
        """The best of all faces, or by search; with the bound that was proved by the deadline."""
        g = self.function(v)
        if self.looks_everywhere:
            found = price_dichotomies(g, floor, deadline)._replace(work=g.cells.work)
        else:
            found = search_dichotomies(g, floor, self.exact, deadline, work)
        if not self.lifted:
            return found
        zero = ~found.units.any(axis=1)
        return found._replace(units=np.column_stack([found.units, zero]))

    def block(self, u: Array, sign: float) -> Block:
        """The feature of ``u``, alone."""
        return replace(
            single_unit(self, u, sign), key=(self.step(self.sides(u[None])).tobytes(), sign)
        )

    def unit_with(self, sides: Signs) -> Array:
        """A unit of length one with these sides of the hyperplanes."""
        u = unit_with(self.planes.dichotomies, sides)
        if u is None:
            raise UnsupportedError(
                "the program with all dichotomies of these data has some that no unit reaches in "
                "floating point: rows nearly, but not exactly, on one line or plane. cvxnet.train "
                "needs no list and bounds these as well; rounding the data may help."
            )
        u = np.append(u, not u.any()) if self.lifted else u
        return np.asarray(u / np.linalg.norm(u))

    @property
    def block_width(self) -> int:
        """One column."""
        return 1

    def hidden(self, U: Array) -> Array:
        """Weights that products with the data do not round to another dichotomy."""
        U = U[:, : self.planes.rank].copy()
        heights = U @ self.planes.normals.T
        sides = np.where(np.abs(heights) <= ON, 0, np.sign(heights)).astype(np.int8)
        for i in np.flatnonzero(sides.any(axis=1) & ~sides.all(axis=1)):
            exact = unit_with(self.planes.dichotomies, sides[i])
            U[i] = U[i] if exact is None else exact
        return self.planes.weights(U)

    def coordinates(self, W: Array, gate: Any = None) -> Array:
        """Units of the columns that span the data."""
        U = self.planes.coordinates(W)
        return np.column_stack([U, ~U.any(axis=1)]) if self.lifted else U


@dataclass(frozen=True, eq=False)
class SignUnits(StepUnits):
    """Sign units ``sign(x.u)``, -1, 0 or 1 (Bengio et al. 2005).

    On its hyperplane a unit is the mean of two units on either side of it, so only dichotomies
    count. The constant of a network is a unit like all others: with a bias ``u = (0, ..., 0, 1)``.

    Examples
    --------
    >>> units = SignUnits(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    >>> units.features(np.array([[3.0, -4.0]])).ravel().tolist()
    [5.0, -5.0, -5.0]
    >>> units.price(np.array([1.0, 2.0, -2.0]), 0.0).rho
    3.0
    """

    name = "sign"
    odd: ClassVar[bool] = True

    def step(self, sides: Signs) -> Array:
        """The signs."""
        return sides.astype(float)


@dataclass(frozen=True, eq=False)
class ThresholdUnits(StepUnits):
    """Threshold units ``1[x.u >= 0]`` (Ergen et al. 2023; Bengio et al. 2005).

    On its hyperplane a unit is 1 at all rows, whichever way they point. Are there features that no
    unit inside a cell has?

    * None where some w has ``x_j.w > 0`` for all rows, as with a column of ones. A unit u does what
      ``u + e w`` does for small e > 0, which is off all hyperplanes.
    * Otherwise ``u = 0`` is 1 everywhere and no other unit need be; and so on hyperplanes with
      opposite rows, and where more of them meet than dimensions. Pricing looks at all these faces,
      so its bound holds for every network. Faces whose units doubles cannot hold exactly (rows that
      are no small integers) count in the bound only; there the bracket may stay open.

    Examples
    --------
    >>> units = ThresholdUnits(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    >>> units.features(np.array([[3.0, -4.0]])).ravel().tolist()
    [5.0, 0.0, 0.0]
    >>> units.price(np.array([1.0, 2.0, -2.0]), 0.0).rho
    2.0
    """

    name = "threshold"

    def step(self, sides: Signs) -> Array:
        """1 where the sign is not negative."""
        return (sides >= 0).astype(float)

    @cached_property
    def lifted(self) -> bool:
        """Unless all rows are strictly on one side of some hyperplane."""
        planes = self.planes
        ahead, behind = planes.totals(np.ones(len(self.X)))
        if ((ahead > 0) & (behind > 0)).any() or (planes.owner < 0).any():
            return True
        sides = np.where(ahead > 0, np.int8(1), np.int8(-1))
        return middle_of_cell(planes.normals, sides) is None
