"""A loss as a piece of a cone program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Vector = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LossCone:
    """``l(shift + g)`` as a cone program in ``(g, w)``, its cones in the order of training.conic.

    ``1/2 sum curvature g^2 + q.(g, w)`` subject to ``b - A (g, w)`` in a non-negative orthant
    followed by exponential cones; minimised over the auxiliary ``w`` it is the loss. ``curvature``
    and ``q`` belong to all columns ``(g, w)``. The columns come in whole groups of n, the i-th of
    each group belonging to sample i alone.
    """

    shift: Vector
    curvature: Vector
    q: Vector
    A: sparse.csr_array
    b: Vector
    nonneg: int = 0
    exponential: int = 0


def interleave(n: int, parts: int) -> NDArray[np.int64]:
    """Order that puts the i-th rows of ``parts`` stacked groups of n beside each other."""
    return np.arange(n * parts).reshape(parts, n).T.ravel()


def stack(blocks: list[list[Vector | float]], n: int) -> sparse.csr_array:
    """The matrix of diagonal n x n blocks, each given by its diagonal or by one number for all.

    >>> stack([[1.0, 0.0], [np.array([2.0, 3.0]), -1.0]], 2).toarray().tolist()
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [2.0, 0.0, -1.0, 0.0], [0.0, 3.0, 0.0, -1.0]]
    """
    rows = [[sparse.diags_array(np.broadcast_to(d, n)) for d in row] for row in blocks]
    A = sparse.csr_array(sparse.block_array(rows))
    A.eliminate_zeros()
    return A
