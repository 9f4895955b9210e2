"""Gated ReLU units ``1[x.g >= 0] (x.w)`` with fixed gates g (Mishkin, Sahiner, Pilanci 2022).

With the gates fixed a unit is linear in w: one block for each gate, no inequalities, and
``rho(v) = max_g |X^T D_g v|`` exactly, at any size. Gates are given or sampled; either way the
optimum is over networks with these gates. `cvxnet.decompose` turns such a network into one with
ReLU units.

A unit is a row of g d numbers: zero but for the d that belong to its gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.units.family import Block, UnitFamily, as_columns
from cvxnet.types import Array


@dataclass(frozen=True, eq=False)
class GatedReLUUnits(UnitFamily):
    """Gated ReLU units.

    Parameters
    ----------
    gates : (g, d) array
        One gate a row, in the columns of ``X``.

    Examples
    --------
    >>> units = GatedReLUUnits(np.array([[1.0], [-1.0]]), gates=np.array([[1.0], [-1.0]]))
    >>> units.features(np.array([[2.0, 0.0], [0.0, 2.0]])).tolist()
    [[2.0, 0.0], [0.0, -2.0]]
    """

    gates: Array

    name = "gated_relu"
    slides = True

    @property
    def rank(self) -> int:
        """Numbers of gates and of columns, multiplied."""
        return int(self.gates.size)

    @property
    def block_width(self) -> int:
        """The columns of ``X``."""
        return int(self.X.shape[1])

    @cached_property
    def is_open(self) -> NDArray[np.bool_]:
        """``1[X g >= 0]``, (n, gates)."""
        return np.asarray(self.X @ self.gates.T >= 0.0)

    def gate_of(self, W: Array) -> NDArray[np.int64]:
        """The gate whose numbers are not zero; 0 for a row of zeros."""
        parts = W.reshape(len(W), *self.gates.shape)
        return np.asarray(np.argmax((parts != 0.0).any(axis=2), axis=1))

    def features(self, W: Array) -> Array:
        """``D_g X w`` for each unit."""
        gate = self.gate_of(W)
        return np.where(self.is_open[:, gate], self.X @ self.hidden(W).T, 0.0)

    def pull_back(self, W: Array, v: Array) -> Array:
        """``X^T D_g v`` in the place of each unit's gate."""
        gate = self.gate_of(W)
        slopes = np.zeros((len(W), *self.gates.shape))
        slopes[np.arange(len(W)), gate] = (self.is_open[:, gate] * as_columns(v)).T @ self.X
        return slopes.reshape(W.shape)

    def price(
        self, v: Array, floor: float, deadline: float = np.inf, work: float = np.inf
    ) -> LocalMaxima:
        """One candidate for each gate: exact."""
        slopes = (self.is_open * v[:, None]).T @ self.X
        lengths = np.linalg.norm(slopes, axis=1)
        size = float(np.linalg.norm(np.abs(self.X).T @ np.abs(v)))
        order = np.argsort(-lengths, kind="stable")
        order = order[lengths[order] > floor]
        units = np.zeros((len(order), *self.gates.shape))
        units[np.arange(len(order)), order] = slopes[order] / lengths[order, None]
        error = (len(v) + 10) * np.finfo(float).eps * size
        return LocalMaxima(
            rho=max(float(lengths.max()), floor),
            error=error,
            values=lengths[order],
            units=units.reshape(len(order), self.rank),
            outputs=np.ones(len(order)),
        )

    def simplify(self, W: Array, signs: Array) -> tuple[Array, Array]:
        """One unit for each gate in use, the sum of its units."""
        gates, which = np.unique(self.gate_of(W), return_inverse=True)
        total = np.zeros((len(gates), W.shape[1]))
        np.add.at(total, which, signs[:, None] * W)
        return total, np.ones(len(gates))

    def block(self, u: Array, sign: float) -> Block:
        """All units with this gate; the output sign is in ``u``."""
        return self.gate_block(int(self.gate_of(u[None])[0]))

    def gate_block(self, gate: int) -> Block:
        """All units with one gate."""
        d = self.X.shape[1]
        return Block(
            key=(gate,),
            sign=1.0,
            matrix=self.is_open[:, gate, None] * self.X,
            facets=np.zeros((0, d)),
            directions=sparse.csr_array(sparse.eye_array(d, self.rank, k=gate * d)),
        )

    def hidden(self, U: Array) -> Array:
        """The numbers that belong to each unit's gate."""
        parts = U.reshape(len(U), *self.gates.shape)
        return np.asarray(parts[np.arange(len(U)), self.gate_of(U)])

    def coordinates(self, W: Array, gate: Any = None) -> Array:
        """The numbers of each unit in the place of its gate; of the first one where none is said.

        Examples
        --------
        >>> units = GatedReLUUnits(np.eye(2), gates=np.eye(2))
        >>> units.coordinates(np.array([[3.0, 4.0]]), [1]).tolist()
        [[0.0, 0.0, 3.0, 4.0]]
        """
        parts = np.zeros((len(W), *self.gates.shape))
        parts[np.arange(len(W)), np.zeros(len(W), int) if gate is None else gate] = W
        return parts.reshape(len(W), self.rank)
