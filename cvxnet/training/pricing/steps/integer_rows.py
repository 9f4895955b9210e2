"""Rows of integers of any size: directions, independent columns, what a subset spans."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

import numpy as np
from flint import fmpz_mat
from numpy.typing import NDArray

from cvxnet.types import Array

Primitive = tuple[int, ...]


def primitive(row: Sequence[int]) -> tuple[Primitive, int]:
    """The row over its greatest common divisor, first entry not zero positive, and its sign.

    >>> primitive([0, -2, 6])
    ((0, 1, -3), -1)
    """
    divisor = gcd(*row)
    if not divisor:
        return tuple(row), 0
    sign = next(1 if x > 0 else -1 for x in row if x)
    return tuple(sign * x // divisor for x in row), sign


def unit_vectors(rows: Sequence[Primitive]) -> Array:
    """Directions of rows that are not zero, (h, r), rounded."""
    largest = [max(map(abs, row)) for row in rows]
    scaled = [[x / size for x in row] for row, size in zip(rows, largest, strict=True)]
    vectors = np.array(scaled).reshape(len(rows), len(rows[0]) if rows else 0)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1)[:, None])


def exact_columns(rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], Array]:
    """Independent columns C of an integer matrix, and B (r, d) with ``rows = rows[:, C] B``.

    >>> exact_columns([(1, 2, 0), (2, 4, 3)])
    (array([0, 2]), array([[1., 2., 0.],
           [0., 0., 1.]]))
    """
    reduced, denominator, rank = fmpz_mat([list(row) for row in rows]).rref()
    table = [[int(x) for x in row] for row in reduced.tolist()[:rank]]
    columns = np.array([next(j for j, x in enumerate(row) if x) for row in table], dtype=np.int64)
    dependence = [[x / int(denominator) for x in row] for row in table]
    return columns, np.array(dependence).reshape(rank, len(rows[0]))


def restrict(rows: Sequence[Primitive]) -> tuple[list[Primitive], NDArray[np.int8]]:
    """The same directions in coordinates of their own span, and which of them turned around.

    >>> restrict([(1, -1, 0), (2, -2, 1), (-3, 3, 1)])
    ([(1, 0), (2, 1), (3, -1)], array([ 1,  1, -1], dtype=int8))
    """
    columns, _ = exact_columns(rows)
    pairs = [primitive([row[j] for j in columns]) for row in rows]
    return [integers for integers, _ in pairs], np.array([sign for _, sign in pairs], dtype=np.int8)
