"""ReLU units ``(x.u)_+`` with ``|u| <= 1``, exact for data of rank at most three.

Pilanci and Ergen 2020 (arXiv 2002.10553); Bach 2014 with alpha = 1. In the cell of ``u`` with
activation pattern ``D`` the feature is ``D X u``; the cell's inequalities are cut down to facets.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from cvxnet.errors import UnsupportedError
from cvxnet.training.arrangement import Arrangement, arrange, count_cells
from cvxnet.training.cells import (
    ON_HYPERPLANE,
    Signs,
    all_cells,
    all_facets,
    facets,
    move_inside,
    signs_at,
)
from cvxnet.training.sweep import LocalMaxima, sweep
from cvxnet.training.units.family import Array, Block

LARGEST_RANK = 3


class ReLUUnits:
    """ReLU units on the data matrix ``X`` (n x d, the column of ones included where wanted).

    Examples
    --------
    >>> units = ReLUUnits(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> units.features(np.array([[0.6, -0.8]])).ravel().tolist()
    [0.6, 0.0]
    >>> units.price(np.array([3.0, 4.0]), 0.0).rho
    5.0
    """

    name = "relu"

    def __init__(self, X: Array) -> None:
        self.arrangement: Arrangement = arrange(X)
        n, r = len(X), self.arrangement.rank
        if r > LARGEST_RANK:
            raise UnsupportedError(
                f"the data matrix ({n} rows, column of ones included where there is a bias) has "
                f"rank r = {r}; exact training of ReLU units is there for r <= {LARGEST_RANK} so "
                f"far. With n = {n} rows of rank {r} there are up to "
                f"{count_cells(n, r):.3g} activation patterns. Choose at most "
                f"{LARGEST_RANK - 1} features plus bias (or {LARGEST_RANK} without)."
            )

    @property
    def rank(self) -> int:
        """``r``, the rank of ``X``."""
        return self.arrangement.rank

    @property
    def rows(self) -> Array:
        """The data in the coordinates of ``u``, (n, r)."""
        return self.arrangement.rows

    def features(self, U: Array) -> Array:
        """``(X u)_+`` for each row ``u`` of ``U``."""
        return np.maximum(self.rows @ U.T, 0.0)

    def pull_back(self, U: Array, v: Array) -> Array:
        """``X^T D_u v`` for each row ``u`` of ``U``."""
        rows = self.rows
        return np.where(rows @ U.T > 0.0, v[:, None], 0.0).T @ rows

    def price(self, v: Array, floor: float) -> LocalMaxima:
        """Exact pricing by the sweep over all cells.

        The error counts all rows: those on one hyperplane may cancel, their rounding does not.
        """
        a = self.arrangement
        used, h = a.owner >= 0, len(a.normals)
        owner, length, v = a.owner[used], a.length[used], v[used]
        plus = np.zeros(h)
        minus = np.zeros(h)
        np.add.at(plus, owner, np.maximum(length, 0.0) * v)
        np.add.at(minus, owner, np.maximum(-length, 0.0) * v)
        error = (len(a.owner) + 100) * np.finfo(float).eps * float(np.abs(length) @ np.abs(v))
        return sweep(a.normals, plus, minus, floor)._replace(error=error)

    def block(self, u: Array, sign: float) -> Block:
        """The cell of ``u``; where ``u`` lies on its boundary, one of the cells that share it."""
        inside = move_inside(self.arrangement.normals, u)
        return self._cell_block(signs_at(self.arrangement.normals, inside), inside, sign)

    def _cell_block(self, signs: Signs, inside: Array, sign: float) -> Block:
        a = self.arrangement
        rows = facets(a.normals, signs, inside)
        active = a.row_sides(signs) > 0
        return Block(
            key=(signs.tobytes(), sign),
            sign=sign,
            matrix=sign * np.where(active[:, None], a.rows, 0.0),
            facets=signs[rows, None] * a.normals[rows],
        )

    def snap(self, u: Array, close: float) -> Array:
        """The projection on the intersection of all hyperplanes closer than ``close``."""
        basis = self._intersection(u, close)
        return basis @ (basis.T @ u) if basis.size else u

    def face(self, u: Array) -> tuple[Array, Array]:
        """The intersection of the hyperplanes that ``u`` lies on; inside a cell, the space."""
        basis = self._intersection(u, ON_HYPERPLANE)
        on = basis @ (basis.T @ u)
        return np.where((self.rows @ on > 0.0)[:, None], self.rows, 0.0) @ basis, basis

    def _intersection(self, u: Array, close: float) -> Array:
        """A basis of the intersection of all hyperplanes within the angle ``close`` of ``u``."""
        normals = self.arrangement.normals
        height = normals @ u / np.linalg.norm(u)
        _, singular, Vt = np.linalg.svd(normals[np.abs(height) <= close])
        return Vt[int((singular > close).sum()) :].T

    def all_cells(self) -> tuple[Signs, sparse.csr_array]:
        """Every activation pattern but the empty one, and the facets of all their cells.

        Returns ``D`` (P, n) of 0 and 1 and ``F``, for which ``F @ z >= 0`` says that each of the P
        vectors (of length rank) stacked in ``z`` lies in its cell.
        """
        a = self.arrangement
        cells = all_cells(a.normals)
        active = a.row_sides(cells) > 0
        used = active.any(axis=1)
        which, normal = np.nonzero(all_facets(cells)[used])
        rows = cells[used][which, normal, None] * a.normals[normal]
        columns = which[:, None] * self.rank + np.arange(self.rank)
        index = np.repeat(np.arange(len(rows)), self.rank)
        shape = (len(rows), int(used.sum()) * self.rank)
        F = sparse.csr_array((rows.ravel(), (index, columns.ravel())), shape=shape)
        return active[used].astype(np.int8), F

    def weights(self, U: Array) -> Array:
        """Units in the coordinates of the columns of ``X``."""
        return U @ self.arrangement.basis.T
