"""The hyperplane arrangement ``{u : x_j.u = 0}`` of a data matrix, in the coordinates of its rank.

Only the component of ``u`` in the row space of ``X`` reaches the data, so ``u`` lives in ``R^r``.
Rows that are multiples of one another cut the same hyperplane: they are grouped once, here, so
that whatever walks along the arrangement meets every hyperplane exactly once, duplicates and
zero rows included.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Array = NDArray[np.float64]

SAME_HYPERPLANE = 1e-12
"""Unit normals closer than this (up to sign) are one hyperplane in floating point."""


@dataclass(frozen=True)
class Arrangement:
    """The distinct hyperplanes of a data matrix.

    Attributes
    ----------
    rows : (n, r) array
        The data in an orthonormal basis of its row space: ``X = rows @ basis.T``.
    basis : (d, r) array
        That basis; the identity when ``X`` has full column rank.
    normals : (h, r) array
        One unit normal for each distinct hyperplane.
    owner : (n,) integer array
        The hyperplane of each row; -1 for a zero row.
    length : (n,) array
        Signed length of each row: ``rows[j] = length[j] * normals[owner[j]]``.

    Examples
    --------
    >>> arrangement = arrange(np.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 3.0], [0.0, 0.0]]))
    >>> arrangement.rank, len(arrangement.normals), arrangement.owner.tolist()
    (2, 2, [0, 0, 1, -1])
    >>> arrangement.length.tolist()
    [1.0, -2.0, 3.0, 0.0]
    """

    rows: Array
    basis: Array
    normals: Array
    owner: NDArray[np.int64]
    length: Array

    @property
    def rank(self) -> int:
        """``r``, the dimension of the space in which the units live."""
        return self.rows.shape[1]

    def row_sides(self, sides: NDArray[np.int8]) -> NDArray[np.int8]:
        """Signs of ``rows @ u`` in cells given by their signs at the normals, ``(..., h)``.

        Zero rows get sign -1 (never active).
        """
        if not len(self.normals):
            return np.full((*sides.shape[:-1], len(self.owner)), -1, dtype=np.int8)
        signs = sides[..., self.owner] * np.sign(self.length).astype(np.int8)
        return np.where(self.owner < 0, np.int8(-1), signs)


def arrange(X: Array) -> Arrangement:
    """The arrangement of a finite data matrix ``X``, n x d."""
    rows, basis = reduce_to_rank(X)
    length = np.linalg.norm(rows, axis=1)
    used = np.flatnonzero(length > 0.0)
    owner = np.full(len(rows), -1)
    if not used.size:
        return Arrangement(rows, basis, np.zeros((0, 0)), owner, length)
    unit = rows[used] / length[used, None]
    flip = leading_sign(unit)
    normals, owner[used] = merge_equal(unit * flip[:, None])
    length[used] *= flip
    return Arrangement(rows, basis, normals, owner, length)


def reduce_to_rank(X: Array) -> tuple[Array, Array]:
    """Coordinates of the rows in an orthonormal basis of their span, and that basis."""
    _, singular, Vt = np.linalg.svd(X, full_matrices=False)
    tolerance = max(X.shape) * np.finfo(float).eps * singular[0]
    rank = int((singular > tolerance).sum())
    if rank == X.shape[1]:
        return X.copy(), np.eye(rank)
    rows, basis = X @ Vt[:rank].T, Vt[:rank].T
    rows[~X.any(axis=1)] = 0.0
    return rows, basis


def leading_sign(unit: Array) -> Array:
    """The sign of each row's first entry that is not (nearly) zero."""
    first = np.argmax(np.abs(unit) > np.sqrt(SAME_HYPERPLANE), axis=1)
    return np.sign(unit[np.arange(len(unit)), first])


def merge_equal(points: Array) -> tuple[Array, NDArray[np.int64]]:
    """Distinct points up to SAME_HYPERPLANE, in order of appearance, and the group of each."""
    distinct, exact = np.unique(points, axis=0, return_inverse=True)
    pairs = cKDTree(distinct).query_pairs(SAME_HYPERPLANE, output_type="ndarray")
    size = len(distinct)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    _, close = connected_components(graph, directed=False)
    _, first, group = np.unique(close[exact.ravel()], return_index=True, return_inverse=True)
    order = np.argsort(first)
    return points[first[order]], np.argsort(order)[group]


def count_cells(hyperplanes: int, rank: int) -> int:
    """Cells of ``hyperplanes`` distinct central hyperplanes in general position (Cover 1965).

    An upper bound on the cells of any arrangement of that many hyperplanes.

    >>> [count_cells(n, r) for n, r in [(5, 2), (6, 3), (8, 3), (7, 4), (50, 3)]]
    [10, 32, 58, 84, 2452]
    """
    return 2 * sum(comb(hyperplanes - 1, k) for k in range(rank)) if hyperplanes else 1
