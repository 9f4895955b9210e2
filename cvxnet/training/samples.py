"""What a master knows of the samples, and the same for fewer rows.

    L(w, c) = l(M w + F c, y) + slope.(w, c)

is the loss of a master as a function of its coefficients. For the squared loss it does not take n
rows to say: with the triangular factor of ``[M F y]``,

    [M F y] = Q [ R  z ],    |M w + F c - y|^2 = |R (w, c) - z|^2 + d^2,
                [ 0  d ]

there are as many rows as coefficients. The factor is found block of rows by block of rows, each
below the factor of those before, so that no second copy of the matrix is made (Demmel, Grigori,
Hoemmen and Langou 2012, "Communication-optimal parallel and sequential QR and LU factorizations").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cvxnet.losses import Loss, Squared, Weighted
from cvxnet.types import Array

ROWS = 4096
"""At least so many rows are factored at a time."""
TALL = 4
"""And at least so many times the columns, or most work would go to the factor of those before."""


@dataclass(frozen=True)
class Samples:
    """The loss of a master as a function of its coefficients.

    Attributes
    ----------
    matrix : (rows, k) array, dense or sparse
        ``M``: what the coefficients w of the blocks add to the predictions.
    F : (rows, f) array
        What the free weights c add.
    loss : Loss
    y : (rows,) array
        The targets.
    slope : (k + f,) array
        A linear term, of samples that have no rows here.
    """

    matrix: Any
    F: Array
    loss: Loss
    y: Array
    slope: Array

    def with_features(self, size: float) -> Samples:
        """The same for coefficients w that are measured in units of ``size``."""
        k = self.matrix.shape[1]
        slope = np.concatenate([size * self.slope[:k], self.slope[k:]])
        return replace(self, matrix=size * self.matrix, slope=slope)

    def fit(self, w: Array, c: Array) -> Array:
        """The predictions, (rows,)."""
        return np.asarray(self.matrix @ w + self.F @ c)


def all_samples(matrix: Any, F: Array, loss: Loss, y: Array) -> Samples:
    """All samples as they are."""
    return Samples(matrix, F, loss, y, np.zeros(matrix.shape[1] + F.shape[1]))


def is_square(loss: Loss) -> bool:
    """Whether a loss is a sum of squares, with weights or without."""
    return loss.name == Squared.name


def without_n(samples: Samples) -> Samples:
    """The same loss up to a constant, of as many rows as coefficients: a sum of squares.

    Weights become factors of the rows, ``sqrt(w_i)``.

    Examples
    --------
    >>> M, y = np.array([[3.0], [4.0], [0.0]]), np.array([5.0, 0.0, 1.0])
    >>> fewer = without_n(all_samples(M, np.zeros((3, 0)), Squared(), y))
    >>> np.abs(fewer.matrix).tolist(), abs(fewer.fit(np.ones(1), np.zeros(0)) - fewer.y).tolist()
    ([[5.0]], [2.0])
    """
    loss, k = samples.loss, samples.matrix.shape[1]
    roots = np.sqrt(loss.weights) if isinstance(loss, Weighted) else np.ones(len(samples.y))
    R = triangular_factor(weighted_rows(samples, roots))
    return replace(samples, matrix=R[:, :k], F=R[:, k:-1], loss=Squared(), y=R[:, -1])


def weighted_rows(samples: Samples, roots: Array) -> Iterator[Array]:
    """The rows of ``[M F y]``, each times its root, in dense blocks."""
    columns = len(samples.slope) + 1
    size = max(ROWS, TALL * columns)
    for start in range(0, len(roots), size):
        part = slice(start, start + size)
        M = samples.matrix[part]
        dense = M if isinstance(M, np.ndarray) else M.toarray()
        rows = np.column_stack([dense, samples.F[part], samples.y[part]])
        yield roots[part, None] * rows


def triangular_factor(parts: Iterable[Array]) -> Array:
    """The triangular factor of the rows of all parts, without its last row: ``[R z]``."""
    R = np.zeros((0, 1))
    for rows in parts:
        below = rows if not R.size else np.vstack([R, rows])
        R = np.asarray(np.linalg.qr(below, mode="r"))
    return R[: R.shape[1] - 1]
