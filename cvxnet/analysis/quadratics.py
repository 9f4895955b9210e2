"""Positive semidefiniteness, decided exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from cvxnet.analysis.kits import Undecided

EXACT_SIZE = 60


def as_floats(matrix: Any) -> NDArray[np.float64]:
    """A rational matrix, rounded."""
    return np.array([[float(v.p) / float(v.q) for v in row] for row in matrix], dtype=np.float64)


def is_psd(matrix: Any) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite.

    A Cholesky factorisation of the matrix minus more than its own rounding errors proves it
    (Rump 2006); otherwise elimination in rationals decides.
    """
    size = len(matrix)
    if size == 0:
        return True
    try:
        rounded = as_floats(matrix)
    except OverflowError:
        rounded = np.full((size, size), np.nan)
    room = 8.0 * (size + 2) * np.finfo(float).eps * np.abs(rounded).sum(axis=1).max()
    if np.isfinite(room):
        try:
            np.linalg.cholesky(rounded - room * np.eye(size))
        except np.linalg.LinAlgError:
            pass
        else:
            return True
    if size > EXACT_SIZE:
        raise Undecided("a matrix too large for exact elimination")
    return eliminate(matrix)


def eliminate(matrix: Any) -> bool:
    """Symmetric elimination: every pivot is positive, or zero with a zero row."""
    work = [list(row) for row in matrix]
    size = len(work)
    for k in range(size):
        pivot = work[k][k]
        if pivot < 0 or (pivot == 0 and any(work[k][j] != 0 for j in range(k + 1, size))):
            return False
        if pivot == 0:
            continue
        for i in range(k + 1, size):
            factor: fmpq = work[i][k] / pivot
            if factor != 0:
                for j in range(i, size):
                    work[i][j] -= factor * work[k][j]
                    work[j][i] = work[i][j]
    return True
