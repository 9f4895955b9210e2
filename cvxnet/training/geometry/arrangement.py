"""The hyperplane arrangement ``{u : x_j.u = 0}`` of a data matrix, in the coordinates of its rank.

Only the component of ``u`` in the row space of ``X`` reaches the data, so ``u`` lives in ``R^r``.
Rows that are multiples of one another cut the same hyperplane: they are grouped once, here, so
that whatever walks along the arrangement meets every hyperplane exactly once, duplicates and
zero rows included.

Both the rank and which rows are multiples are decided up to rounding. What that leaves out of each
row is kept, as its ``slack``: whoever maximises over the arrangement adds it to the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from cvxnet.types import Array

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
    slack : (n,) array
        How far each row of ``X`` is from what stands for it here, at most.

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
    slack: Array

    @property
    def rank(self) -> int:
        """``r``, the dimension of the space in which the units live."""
        return int(self.rows.shape[1])

    def row_sides(self, sides: NDArray[np.int8]) -> NDArray[np.int8]:
        """Signs of ``rows @ u`` in cells given by their signs at the normals, ``(..., h)``.

        Zero rows get sign -1 (never active).
        """
        if not len(self.normals):
            return np.full((*sides.shape[:-1], len(self.owner)), -1, dtype=np.int8)
        signs = sides[..., self.owner] * np.sign(self.length).astype(np.int8)
        return np.where(self.owner < 0, np.int8(-1), signs)


def arrange(X: Array) -> Arrangement:
    """The arrangement of a finite data matrix ``X``, n x d.

    Once rows are merged, the normals may span less than the rows did; then the rank is theirs.
    """
    rows, basis = reduce_to_rank(X)
    normals, owner, length = find_hyperplanes(rows)
    if 0 < len(normals) < rows.shape[1]:
        basis = basis @ reduce_to_rank(normals)[1]
        rows = X @ basis
        normals, owner, length = find_hyperplanes(rows)
    return Arrangement(
        rows=rows,
        basis=basis,
        normals=normals,
        owner=owner,
        length=length,
        slack=slack(X, basis, normals, owner=owner, length=length),
    )


def find_hyperplanes(rows: Array) -> tuple[Array, NDArray[np.int64], Array]:
    """Normals, owner and length of an `Arrangement`."""
    length = np.linalg.norm(rows, axis=1)
    used = np.flatnonzero(length > 0.0)
    owner = np.full(len(rows), -1)
    if not used.size:
        return np.zeros((0, rows.shape[1])), owner, length
    unit = rows[used] / length[used, None]
    normals, owner[used] = merge_parallel(unit)
    length[used] *= np.sign((unit * normals[owner[used]]).sum(axis=1))
    return normals, owner, length


def slack(X: Array, basis: Array, normals: Array, owner: NDArray[np.int64], length: Array) -> Array:
    """The distance of each row from ``length * normals[owner]``, and the rounding of that."""
    kept = length[:, None] * np.vstack([normals, np.zeros(normals.shape[1])])[owner]
    size = np.linalg.norm(X, axis=1)
    rounding = (X.shape[1] + 10) * np.finfo(float).eps * size
    return np.asarray(np.linalg.norm(X - kept @ basis.T, axis=1) + rounding)


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


def merge_parallel(unit: Array) -> tuple[Array, NDArray[np.int64]]:
    """Distinct unit vectors up to sign and SAME_HYPERPLANE, and the group of each.

    In order of appearance, with the first entry that is not (nearly) zero positive. All that are
    closer than SAME_HYPERPLANE are in one group, and none that are three times as far and have no
    others between them.
    """
    first = np.argmax(np.abs(unit) > np.sqrt(SAME_HYPERPLANE), axis=1)
    points = unit * np.sign(unit[np.arange(len(unit)), first])[:, None]
    # k vectors next to each other would be k^2 / 2 pairs. So one stands for all in a small box, and
    # as it may be half of SAME_HYPERPLANE off, those of neighbours may be twice that apart.
    boxes = np.floor(points / (0.5 * SAME_HYPERPLANE / np.sqrt(unit.shape[1])))
    _, some, box = np.unique(boxes, axis=0, return_index=True, return_inverse=True)
    distinct, near = points[some], 2.0 * SAME_HYPERPLANE
    tree, size = cKDTree(distinct), len(distinct)
    pairs = tree.query_pairs(near, output_type="ndarray")
    # Vectors next to zero in their first entry may have got different signs.
    opposite = tree.query(-distinct, distance_upper_bound=near)[1]
    turned = np.flatnonzero(opposite < size)
    pairs = np.vstack([pairs, np.column_stack([turned, opposite[turned]])])
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    _, close = connected_components(graph, directed=False)
    _, first, group = np.unique(close[box.ravel()], return_index=True, return_inverse=True)
    order = np.argsort(first)
    return points[first[order]], np.argsort(order)[group]


def count_cells(hyperplanes: int, rank: int) -> int:
    """Cells of ``hyperplanes`` distinct central hyperplanes in general position (Cover 1965).

    An upper bound on the cells of any arrangement of that many hyperplanes.

    >>> [count_cells(n, r) for n, r in [(5, 2), (6, 3), (8, 3), (7, 4), (50, 3)]]
    [10, 32, 58, 84, 2452]
    """
    return 2 * sum(comb(hyperplanes - 1, k) for k in range(rank)) if hyperplanes else 1
