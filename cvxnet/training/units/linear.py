"""Linear units ``x.u``: a deep linear network with one output, the base case of the theory.

All units act linearly on the data, so one block holds them all and ``rho(v) = |X^T v|`` in the
dual norm: the largest is one unit, along ``X^T v`` (l2) or along one feature (l1).

Coordinate units are one feature each: L1-regularised linear classification and regression. Yuan,
Chang, Hsieh and Lin 2010 (JMLR 11): ``weight_decay = 1`` with a loss weighted by their C.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cvxnet.training.matrices import (
    as_rows_of,
    combined_columns,
    entries_of,
    is_sparse,
    pick_columns,
    product_error,
)
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.units.family import Block, UnitFamily, frame_of
from cvxnet.types import Array

FEW = 3
"""Columns are few where they are this part of all."""


@dataclass(frozen=True, eq=False)
class LinearUnits(UnitFamily):
    """Linear units with ``|u| <= 1``.

    Examples
    --------
    >>> units = LinearUnits(np.eye(2))
    >>> units.price(np.array([3.0, 4.0]), 0.0).rho
    5.0
    >>> LinearUnits(np.eye(2), norm="l1").price(np.array([3.0, 4.0]), 0.0).rho
    4.0
    """

    name = "linear"

    smooth: ClassVar[bool] = True

    @property
    def slides(self) -> bool:
        """In the round ball; the best units of the l1 ball are single features, all known."""
        return self.norm == "l2"

    @cached_property
    def frame(self) -> Array:
        return frame_of(self.X)

    def features(self, W: Array) -> Any:
        """``X z``."""
        return self.X @ W.T

    def predictions(self, W: Array, outputs: Array) -> Array:
        return combined_columns(self.X, W, outputs)

    def pull_back(self, W: Array, v: Array) -> Array:
        """``X^T v`` for each unit."""
        slope = (self.X.T @ v).T
        return slope if v.ndim == 2 else np.tile(slope, (len(W), 1))

    @cached_property
    def error(self) -> float:
        """What `product_error` says of the dual norm."""
        return product_error(self.X, self.column_sizes, self.norm)

    def simplify(self, W: Array, signs: Array) -> tuple[Array, Array]:
        """One unit, the sum of all."""
        return (signs @ W)[None], np.ones(1)

    def price(
        self, v: Array, floor: float, deadline: float = np.inf, work: float = np.inf
    ) -> LocalMaxima:
        """The dual norm of ``X^T v``."""
        return largest_linear(self.X, v, floor, self.norm, self.error)

    def block(self, u: Array, sign: float) -> Block:
        """The block of all units, or of one feature; the output sign is in ``u``."""
        if self.is_vertex(u):
            return column_block(self.X, int(np.argmax(np.abs(u))))
        d = self.rank
        return Block(
            key=("all",), sign=1.0, matrix=self.X, facets=np.zeros((0, d)), directions=np.eye(d)
        )

    def is_vertex(self, u: Array) -> bool:
        """Whether u is a vertex of the l1 ball: one feature. Its other faces are never needed."""
        return self.norm == "l1" and np.count_nonzero(u) == 1


@dataclass(frozen=True, eq=False)
class CoordinateUnits(UnitFamily):
    """The columns of ``X``: units ``x -> x_j``, so ``rho(v) = max_j |x_j^T v|``.

    Examples
    --------
    >>> CoordinateUnits(np.eye(2)).price(np.array([3.0, -4.0]), 0.0).units.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    name = "coordinate"

    def features(self, W: Array) -> Any:
        """``X z``; every row ``z`` has one entry that is not zero."""
        if is_sparse(self.X):
            return self.X @ W.T
        used, weights = self.used(W)
        return pick_columns(self.X, used) * weights

    def predictions(self, W: Array, outputs: Array) -> Array:
        """Of the columns that are used alone, where these are few and quickly picked."""
        if not len(outputs):
            return np.zeros((self.X.shape[0], *outputs.shape[1:]))
        if is_sparse(self.X) or FEW * len(outputs) > self.rank:
            return combined_columns(self.X, W, outputs)
        used, weights = self.used(W)
        return np.asarray(pick_columns(self.X, used) @ (outputs.T * weights).T)

    def used(self, W: Any) -> tuple[NDArray[np.intp], Array]:
        """The column of each row, and its entry there."""
        found = entries_of(W)[0]
        return found, W.data if is_sparse(W) else W[np.arange(len(found)), found]

    @cached_property
    def error(self) -> float:
        """What `product_error` says of the largest entry."""
        return product_error(self.X, self.column_sizes)

    def price(
        self, v: Array, floor: float, deadline: float = np.inf, work: float = np.inf
    ) -> LocalMaxima:
        """The largest correlation of a column with ``v``."""
        return largest_linear(self.X, v, floor, "l1", self.error)

    def block(self, u: Array, sign: float) -> Block:
        """The column; its coefficient is free, so one block has both signs."""
        return column_block(self.X, int(np.argmax(np.abs(u))))

    @property
    def block_width(self) -> int:
        """One column."""
        return 1

    def idle(self) -> Array:
        """The first column, with coefficient zero."""
        first: Array = as_rows_of(self.X, np.zeros(1, dtype=np.intp), np.ones(1))
        return first


def column_block(X: Any, j: int) -> Block:
    """One feature; its coefficient is free, so one block has both signs."""
    return Block(
        key=(j,),
        sign=1.0,
        matrix=X[:, j : j + 1],
        facets=np.zeros((0, 1)),
        directions=np.eye(1, X.shape[1], j),
    )


def largest_linear(X: Array, v: Array, floor: float, norm: str, error: float) -> LocalMaxima:
    """``max v.Xu`` over the unit ball of the norm, as local maxima: all features for l1.

    ``error`` bounds that of the norm of the product ``X^T v``, relative to ``|v|``.
    """
    slope = X.T @ v
    error = error * float(np.linalg.norm(v))
    if norm == "l1":
        steep = np.abs(slope)
        above = np.flatnonzero(steep > floor)
        order = above[np.argsort(-steep[above], kind="stable")]
        return LocalMaxima(
            rho=float(steep.max(initial=floor)),
            error=error,
            values=steep[order],
            units=as_rows_of(X, order, np.ones(len(order))),
            outputs=np.where(slope[order] < 0.0, -1.0, 1.0),
        )
    rho = float(np.linalg.norm(slope))
    found = int(rho > floor)
    return LocalMaxima(
        rho=max(rho, floor),
        error=error,
        values=np.full(found, rho),
        units=slope[None, :][:found] / (rho or 1.0),
        outputs=np.ones(found),
    )
