"""Coordinate units: one feature each. L1-regularised linear classification and regression.

Yuan, Chang, Hsieh and Lin 2010 (JMLR 11): ``weight_decay = 1`` with a loss that is weighted by
their C. The units are ``x -> x_j``, so ``rho(v) = max_j |x_j^T v|`` over the columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from cvxnet.layers import Linear, Sequential
from cvxnet.training.pricing.sweep import LocalMaxima
from cvxnet.training.units.family import Array, Block, UnitFamily
from cvxnet.training.units.linear import column_block, largest_linear


@dataclass(frozen=True, eq=False)
class CoordinateUnits(UnitFamily):
    """The columns of ``X``.

    Examples
    --------
    >>> CoordinateUnits(np.eye(2)).price(np.array([3.0, -4.0]), 0.0).units.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """

    name = "coordinate"
    degree: ClassVar[int] = 1
    takes_bias: ClassVar[bool] = False

    def features(self, W: Array) -> Array:
        """``X z``; every row ``z`` has one entry that is not zero."""
        return self.X @ W.T

    def price(self, v: Array, floor: float) -> LocalMaxima:
        """The largest correlation of a column with ``v``."""
        return largest_linear(self.X, v, floor, "l1")

    def block(self, u: Array, sign: float) -> Block:
        """The column; its coefficient is free, so one block has both signs."""
        return column_block(self.X, int(np.argmax(np.abs(u))))

    def all_blocks(self, facets_only: bool = True) -> list[Block]:
        """All columns."""
        return [self.block(e, 1.0) for e in np.eye(self.rank)]

    def count_blocks(self) -> int:
        """The number of columns."""
        return self.rank

    @property
    def block_width(self) -> int:
        """One column."""
        return 1

    def idle(self) -> Array:
        """The first column, with coefficient zero."""
        return np.eye(self.rank)[:1]

    def network(
        self, W: Array, b: Array | None, a: Array, c: float | None, gate: Any = None
    ) -> Sequential:
        """One Linear layer: the coefficients."""
        network = Sequential(Linear(W.shape[1], 1, bias=c is not None))
        state = {"0.weight": (a @ W)[None, :]} | ({} if c is None else {"0.bias": [c]})
        return network.load_state_dict(state)
