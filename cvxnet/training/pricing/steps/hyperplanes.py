"""The distinct hyperplanes ``{u : x_j.u = 0}`` of a data matrix, exactly.

`arrange` merges rows that rounding cannot tell apart, which units that are continuous in ``u`` do
not notice. Sign and threshold units do: their scale is free, so any difference between two rows,
however small, lets a unit tell them apart. Here two rows share a hyperplane only where one is a
multiple of the other as real numbers, and columns are left out only where they depend on the others
exactly. Every double is an integer times a power of two, so both are questions about integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import lcm

import numpy as np
from numpy.typing import NDArray

from cvxnet.errors import UnsupportedError
from cvxnet.training.pricing.steps.dichotomies import Dichotomies
from cvxnet.training.pricing.steps.integer_rows import Primitive, exact_columns, primitive
from cvxnet.types import Array

Signs = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Hyperplanes:
    """The distinct hyperplanes of the rows of ``X``; ``u`` lives in ``R^r``, r the rank.

    Attributes
    ----------
    columns : (r,) integer array
        Independent columns of ``X``; the others depend on them.
    dependence : (r, d) array
        How all columns depend on those: ``X = X[:, columns] @ dependence``.
    scale : (r,) array
        Powers of two; ``rows = X[:, columns] * scale`` has columns of size about one.
    rows : (n, r) array
    owner : (n,) integer array
        The hyperplane of each row; -1 for a zero row.
    orientation : (n,) array of -1, 0 and 1
        The side of its hyperplane that a row points to; 0 for a zero row.
    integers : list of h tuples
        A normal of each hyperplane, in coprime integers, as an exact multiple of a row.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0, 1.0], [-2.0, 0.0, -2.0], [0.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    >>> planes = find_hyperplanes(X)
    >>> planes.columns.tolist(), planes.integers
    ([0, 1], [(1, 0), (0, 1)])
    >>> planes.owner.tolist(), planes.orientation.tolist()
    ([0, 0, 1, -1], [1, -1, 1, 0])
    """

    columns: NDArray[np.int64]
    dependence: Array
    scale: Array
    rows: Array
    owner: NDArray[np.int64]
    orientation: Signs
    integers: list[Primitive]

    @property
    def rank(self) -> int:
        """``r``."""
        return int(self.rows.shape[1])

    def __len__(self) -> int:
        return len(self.integers)

    @cached_property
    def dichotomies(self) -> Dichotomies:
        """The cells that they cut."""
        return Dichotomies(self.integers)

    @property
    def normals(self) -> Array:
        """(h, r), of length one, rounded."""
        return self.dichotomies.normals

    def totals(self, v: Array) -> tuple[Array, Array]:
        """Sums of ``v`` over the rows on the two sides of each hyperplane, (h,) each."""
        plus, minus = np.zeros(len(self)), np.zeros(len(self))
        np.add.at(plus, self.owner[self.orientation > 0], v[self.orientation > 0])
        np.add.at(minus, self.owner[self.orientation < 0], v[self.orientation < 0])
        return plus, minus

    def row_sides(self, sides: Signs) -> Signs:
        """Signs of ``rows @ u`` given those at the normals, (..., h); 0 for zero rows."""
        if not len(self):
            return np.zeros((*sides.shape[:-1], len(self.owner)), dtype=np.int8)
        return sides[..., self.owner] * self.orientation

    def weights(self, U: Array) -> Array:
        """Units in the columns of ``X``: (m, r) -> (m, d)."""
        W = np.zeros((len(U), self.dependence.shape[1]))
        W[:, self.columns] = U * self.scale
        return W

    def coordinates(self, W: Array) -> Array:
        """Units in ``R^r`` that do to the data what the rows of ``W`` do: (m, d) -> (m, r)."""
        return W @ self.dependence.T / self.scale


def find_hyperplanes(X: Array) -> Hyperplanes:
    """The hyperplanes of a finite matrix.

    Raises
    ------
    UnsupportedError
        Where columns depend on one another up to rounding, yet not exactly.
    """
    columns, dependence = independent_columns(X)
    rows = X[:, columns]
    scale = powers_of_two(rows)
    rows = rows * scale
    primitives = [primitive(to_integers(row)) for row in rows.tolist()]
    index: dict[Primitive, int] = {}
    owner = [-1 if not sign else index.setdefault(key, len(index)) for key, sign in primitives]
    return Hyperplanes(
        columns=columns,
        dependence=dependence,
        scale=scale,
        rows=rows,
        owner=np.array(owner),
        orientation=np.array([sign for _, sign in primitives], dtype=np.int8),
        integers=list(index),
    )


def independent_columns(X: Array) -> tuple[NDArray[np.int64], Array]:
    """Independent columns ``C`` of ``X``, and the matrix B (r, d) with ``X = X[:, C] B``."""
    n, d = X.shape
    singular = np.linalg.svd(X * powers_of_two(X), compute_uv=False)
    numerical = int((singular > max(n, d) * np.finfo(float).eps * singular[0]).sum())
    if numerical == d:
        return np.arange(d), np.eye(d)
    columns, dependence = exact_columns(list({to_integers(row) for row in X.tolist()}))
    if len(columns) > numerical:
        raise UnsupportedError(
            f"the {d} columns of the data (column of ones included where there is a bias) depend "
            f"on one another up to rounding (numerical rank {numerical}), but not exactly (rank "
            f"{len(columns)}). Sign and threshold units, whose scale is free, can use such "
            "differences. Leave out a column that is a combination of the others."
        )
    return columns, dependence


def powers_of_two(X: Array) -> Array:
    """Factors, powers of two, that bring the largest entry of each column to about one."""
    largest = np.abs(X).max(axis=0, initial=0.0)
    _, exponents = np.frexp(np.where(largest > 0.0, largest, 1.0))
    return np.asarray(np.ldexp(1.0, -exponents))


def to_integers(row: list[float]) -> tuple[int, ...]:
    """The row times a power of two.

    >>> to_integers([0.0, -0.5, 1.5])
    (0, -1, 3)
    """
    fractions = [x.as_integer_ratio() for x in row]
    denominator = lcm(*(below for _, below in fractions))
    return tuple(above * (denominator // below) for above, below in fractions)
