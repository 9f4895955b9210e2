"""What every unit family brings to training: features, pricing with a proved bound, its blocks.

A unit with output weight ``a`` is one row ``z = |a| u`` and the sign of ``a``, where ``u`` has
length one in the family's norm. Its feature is extended to rows of every length,

    feature(z) = |z| phi_{z / |z|}(X),

homogeneous of degree one, so the predictions are ``features(Z) @ signs`` and the penalty is
``weight_decay * sum |z|`` for every family.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cvxnet.data.matrices import column_lengths
from cvxnet.objective.families import FAMILIES, Traits
from cvxnet.training.matrices import is_sparse, largest_entry, row_lengths
from cvxnet.training.pricing.maxima import BOTH, LocalMaxima, Sides
from cvxnet.types import Array

RIDGE = 1e-4
"""Directions that the data see less than this (relative, squared) are stretched no further: there
the penalty is what steps feel."""


@dataclass(frozen=True)
class Block:
    """A piece of the master problem: units that act linearly on the data, with one output sign.

    A vector ``w`` with ``facets @ w >= 0`` adds ``matrix @ w`` to the predictions at the price
    ``weight_decay |w|`` and stands for the unit ``w @ directions``. Blocks with equal keys are the
    same piece.

    Attributes
    ----------
    key : hashable
    sign : float
        The output sign, already in ``matrix``.
    matrix : (n, k) array
    facets : (f, k) array
    directions : (k, rank) array, dense or sparse
        Rows of length one.
    """

    key: Any
    sign: float
    matrix: Array
    facets: Array
    directions: Any


@dataclass(frozen=True, eq=False)
class UnitFamily:
    """Units on fixed data. Subclasses are dataclasses: their fields are the family's options.

    Attributes
    ----------
    X : (n, d) array
        The data, the column of ones included where hidden units have a bias.
    norm : str
        Of the ball that ``u`` lives in.
    output_signs : tuple of float
        The signs that output weights may have.
    """

    X: Array
    norm: str = field(default="l2", kw_only=True)
    output_signs: tuple[float, ...] = field(default=BOTH, kw_only=True)

    name: ClassVar[str]
    smooth: ClassVar[bool] = False
    """Whether features are differentiable in ``u``, so that sliding ends at a local optimum."""
    positive: ClassVar[bool] = False
    """Whether features are never negative."""
    climbs: ClassVar[bool] = False
    """Whether ``climb`` is there, for where exact pricing takes too long."""

    @property
    def slides(self) -> bool:
        """Whether ``pull_back`` is there, so that units can be moved by their gradient."""
        return False

    @property
    def exact(self) -> bool:
        """Whether ``price`` proves ``rho``, given time; elsewhere `proof_search` bounds it."""
        return True

    @property
    def rank(self) -> int:
        """The dimension of ``u``."""
        return int(self.X.shape[1])

    @property
    def traits(self) -> Traits:
        """What is known of the units whatever the data."""
        return FAMILIES[self.name]

    @property
    def priced_sides(self) -> Sides:
        """The signs of ``v . phi_u(X)`` that count: a unit that lowers the loss has the other one.

        With ``a >= 0`` alone the derivative of the objective in ``a`` is ``v . phi_u(X) +
        weight_decay`` and need only not be negative, so ``rho(v)`` is the maximum of 0 and
        ``-v . phi_u(X)``.
        """
        return tuple(side for side in BOTH if -side in self.output_signs)

    def points_away(self, v: Array) -> bool:
        """Whether no unit can lower the loss, as all terms of ``v . phi_u(X)`` have one sign.

        Then ``rho(v)`` is 0, exactly: no rounding of sums is in the way of multiples of v.
        """
        return self.positive and all((side * v <= 0.0).all() for side in self.priced_sides)

    @cached_property
    def by_columns(self) -> Any:
        """``X``, one column after the other in memory."""
        X: Any = self.X
        return X.tocsc() if is_sparse(X) else np.asfortranarray(X)

    @cached_property
    def column_sizes(self) -> Any:
        """The lengths of the columns of a dense X, the largest entry of a sparse one."""
        X: Any = self.X
        return largest_entry(X) if is_sparse(X) else column_lengths(X)

    def on(self, X: Array) -> UnitFamily:
        """The same family on other data; on its own, with what is known of them."""
        return self if X is self.X else replace(self, X=X)

    def sizes(self, W: Array) -> Array:
        """``|z|`` of each row in the family's norm."""
        return row_lengths(W, 1 if self.norm == "l1" else 2)

    @cached_property
    def frame(self) -> Array:
        """``S``, (rank, rank): the data see units ``S z`` about equally well in all directions."""
        return np.eye(self.rank)

    def features(self, W: Array) -> Array:
        """The columns ``feature(z)`` of the units in the rows of ``W``: (m, rank) -> (n, m)."""
        raise TypeError(f"{self.name} units have no features")

    def predictions(self, W: Array, outputs: Array) -> Array:
        """``features(W) @ outputs``, (n,) or (n, c)."""
        return np.asarray(self.features(W) @ outputs)

    def feature_parts(self, W: Array) -> Iterator[tuple[slice, Array]]:
        """The features of some samples after the other: which these are, and their rows."""
        yield slice(None), self.features(W)

    def pull_back(self, W: Array, v: Array) -> Array:
        """Gradient of ``v . feature(z)`` with respect to each row of ``W``: (m, rank).

        ``v`` is one vector for all units, (n,), or has a column for each of them, (n, m).
        """
        raise TypeError(f"{self.name} units do not slide")

    def random_units(self, count: int, rng: np.random.Generator) -> Array:
        """Directions (count, rank) to begin a search from."""
        return rng.standard_normal((count, self.rank))

    def price(
        self, v: Array, floor: float, deadline: float = np.inf, work: float = np.inf
    ) -> LocalMaxima:
        """Local maxima over all ``|u| = 1`` of ``s v . phi_u(X)`` above ``floor``.

        The signs s are the priced sides: mostly both, and it is ``|v . phi_u(X)|``.

        ``rho + error`` is a proved bound on the maximum; where none was looked for, ``error`` is
        infinite. Pricing that may take long ends soon after the deadline (`now`), and after so much
        ``work``, in rows looked at or what takes as long. What was not finished has an infinite
        ``error``, or a larger one.
        """
        raise TypeError(f"{self.name} units have no pricing")

    def climb(self, v: Array, floor: float, units: Array, deadline: float) -> LocalMaxima:
        """Local maxima found by local search, from the rows of ``units`` among other starts."""
        raise TypeError(f"{self.name} units do not climb")

    def simplify(self, W: Array, signs: Array) -> tuple[Array, Array]:
        """Fewer units with the same predictions and no larger penalty, where that is simple."""
        return W, signs

    def block(self, u: Array, sign: float) -> Block:
        """A block that contains the unit ``u``; by default the unit alone."""
        return single_unit(self, u, sign)

    @property
    def block_width(self) -> int:
        """Columns of a block."""
        return self.rank

    def hidden(self, U: Array) -> Array:
        """Hidden weights, in the columns of ``X``, of units of length one: (m, rank) -> (m, d)."""
        return U

    def gate_of(self, W: Array) -> NDArray[np.int64] | None:
        """Which gate each unit uses, for families that have gates."""
        return None

    def idle(self) -> Array:
        """Hidden weights (1, d) of the unit that stands for the empty network."""
        return np.zeros((1, self.X.shape[1]))

    def coordinates(self, W: Array, gate: Any = None) -> Array:
        """The inverse of ``hidden``, up to what the data do not see: (m, d) -> (m, rank).

        ``gate`` is what `gate_of` says of the units.
        """
        return W


def as_columns(v: Array) -> Array:
    """``v`` as a column for all units, (n, 1), or with one for each, as `pull_back` takes it."""
    return v[:, None] if v.ndim == 1 else v


def along_features(v: Array, features: Array) -> Array:
    """``v . feature`` of each column of ``features``, (m,), with ``v`` as in `as_columns`."""
    return np.asarray(v @ features if v.ndim == 1 else (v * features).sum(axis=0))


def frame_of(rows: Array, ridge: float = RIDGE) -> Array:
    """``S`` for which the columns of ``rows @ S`` are orthogonal and of size one, up to the ridge.

    With the singular values s and right singular vectors V of ``rows / sqrt(n)``,
    ``S = V diag((s^2 + ridge s_1^2)^(-1/2))``.

    Examples
    --------
    >>> rows = np.array([[1000.0, 1.0], [1000.0, -1.0]])
    >>> np.abs(rows @ frame_of(rows, 0.0)).round(6).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    R, k = np.linalg.qr(rows, mode="r"), rows.shape[1]
    square = np.zeros((k, k))
    square[: len(R)] = R
    _, s, Vt = np.linalg.svd(square / np.sqrt(len(rows)))
    largest = s.max(initial=0.0) or 1.0
    return np.asarray(Vt.T / np.hypot(s, np.sqrt(ridge) * largest))


def bending(rows: Array, count: int, rng: np.random.Generator) -> Array:
    """Random directions, each orthogonal to one of the rows: its unit bends at that sample.

    Of purely random ones hardly any bends within the data where columns are offset. One along its
    row, as where the data come from the same random numbers, stays as it is.
    """
    found = rng.standard_normal((count, rows.shape[1]))
    at = rows[rng.integers(len(rows), size=count)]
    squares = (at * at).sum(axis=1)
    height = (found * at).sum(axis=1) / np.where(squares > 0.0, squares, 1.0)
    turned = found - (height * (rows.shape[1] > 1))[:, None] * at
    return np.where(turned.any(axis=1)[:, None], turned, found)


def single_unit(family: UnitFamily, u: Array, sign: float) -> Block:
    """The block of one unit alone: a column with a non-negative coefficient."""
    direction = (u / family.sizes(u[None])[0])[None]
    return Block(
        key=(direction.tobytes(), sign),
        sign=sign,
        matrix=sign * family.features(direction),
        facets=np.ones((1, 1)),
        directions=direction,
    )
