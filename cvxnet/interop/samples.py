"""What the estimators do with samples before training."""

from __future__ import annotations

import numpy as np

from cvxnet.types import Array


def merge_rows(X: Array, y: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Equal samples as one with the sum of their weights, in an order of their own.

    The objective is the same. So repeating a sample is exactly the same as doubling its weight, and
    the order in which samples come makes no difference.

    Examples
    --------
    >>> X, y, weights = merge_rows(np.array([[2.0], [1.0], [2.0]]), np.ones(3), np.ones(3))
    >>> X.ravel().tolist(), weights.tolist()
    ([1.0, 2.0], [1.0, 2.0])
    """
    rows, where = np.unique(np.column_stack([X, y]), axis=0, return_inverse=True)
    together = np.bincount(where.ravel(), weights).astype(np.float64)
    return rows[:, :-1], rows[:, -1], together
