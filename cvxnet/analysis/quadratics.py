"""Positive semidefiniteness, decided exactly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
from flint import arb, ctx, fmpq, fmpq_mat
from numpy.typing import NDArray

from cvxnet.functions.arithmetic import RATIONALS, Undecided, as_fraction, as_rational

EXACT_SIZE = 60
PIVOT_BITS = 256
ROUNDING = 64  # units in the last place of its largest entry, times its size: a matrix's rounding


@dataclass(frozen=True)
class Definiteness:
    """How far a matrix is from positive semidefinite (or negative, where it was negated).

    Attributes
    ----------
    exact : bool
        Whether it certainly is.
    rounded : bool
        Whether it certainly is after a shift by no more than its rounding.
    eigenvalue, largest : float or None
        The extreme eigenvalue that is in the way and the largest absolute value, rounded; None
        where the matrix is not known.
    """

    exact: bool
    rounded: bool
    eigenvalue: float | None = None
    largest: float | None = None

    def __str__(self) -> str:
        if self.eigenvalue is None:
            return "not proved, its values are not known"
        if self.exact:
            return "it is"
        near = "which is within its rounding" if self.rounded else "so it is not"
        return f"an eigenvalue is {self.eigenvalue:.2g} (the largest {self.largest:.2g}), {near}"


def definiteness(matrix: Any, sign: int = 1) -> Definiteness:
    """What is certain about ``sign * (P + P')`` of a square rational matrix or None."""
    if matrix is None:
        return Definiteness(False, False)
    if not len(matrix):
        return Definiteness(True, True, 0.0, 0.0)
    return computed(tuple(np.ravel(matrix)), len(matrix), sign)


@lru_cache(maxsize=64)  # rules, blame and repairs ask about the same few matrices
def computed(entries: tuple[fmpq, ...], size: int, sign: int) -> Definiteness:
    """The same of the entries of a matrix by rows."""
    matrix = np.array(entries, dtype=object).reshape(size, size)
    double = (matrix + matrix.T) * sign
    values = np.linalg.eigvalsh(as_floats(double)) / 2
    lowest, largest = float(values[0]), float(np.abs(values).max())
    if is_definite(double):
        return Definiteness(True, True, lowest * sign, largest)
    direction = negative_direction(double, as_floats(double))
    if direction is not None:
        square = rayleigh(double, direction) / (
            2 * sum(as_rational(float(v)) ** 2 for v in direction)
        )
        lowest = float(as_fraction(square))
    return Definiteness(False, is_definite(shifted(double)), lowest * sign, largest)


def shift_of(matrix: Any) -> float:
    """The rounding of a symmetric matrix: the largest shift of its diagonal that counts as none."""
    largest = max((abs(v) for v in np.ravel(matrix)), default=fmpq(0))
    return ROUNDING * len(matrix) * float(np.finfo(float).eps) * float(as_fraction(largest))


def shifted(matrix: Any) -> Any:
    """The matrix with its rounding added to the diagonal."""
    return matrix + RATIONALS.number(shift_of(matrix) * np.eye(len(matrix)))


def is_definite(matrix: Any) -> bool:
    """Whether a rational matrix is certainly positive semidefinite."""
    try:
        return is_psd(matrix)
    except (Undecided, OverflowError):
        return False


def as_floats(matrix: Any) -> NDArray[np.float64]:
    """A rational matrix, rounded."""
    return np.array([[float(v.p) / float(v.q) for v in row] for row in matrix], dtype=np.float64)


def is_psd(matrix: Any) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite.

    A Cholesky factorisation of the matrix minus more than its own rounding errors proves it
    (Rump 2006); a vector v with ``v' P v < 0`` in rationals refutes it; otherwise a factorisation
    in balls or elimination in rationals decides.
    """
    if len(matrix) == 0:
        return True
    try:
        rounded = as_floats(matrix)
    except OverflowError:
        rounded = np.full((len(matrix), len(matrix)), np.nan)
    if has_cholesky(rounded):
        return True
    if negative_direction(matrix, rounded) is not None:
        return False
    if has_positive_pivots(matrix):
        return True
    if len(matrix) <= EXACT_SIZE:
        return eliminate(matrix)
    raise Undecided("a matrix too large for exact elimination")


def has_cholesky(rounded: NDArray[np.float64]) -> bool:
    """Whether a rounded matrix minus more than all roundings has a Cholesky factorisation."""
    size = len(rounded)
    room = 8.0 * (size + 2) * np.finfo(float).eps * np.abs(rounded).sum(axis=1).max()
    if not np.isfinite(room):
        return False
    try:
        np.linalg.cholesky(rounded - room * np.eye(size))
    except np.linalg.LinAlgError:
        return False
    return True


def negative_direction(matrix: Any, rounded: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """A vector v with ``v' P v < 0``, verified in rationals; None where eigenvectors give none.

    The Rayleigh quotient of a computed eigenvector is right up to the square of its error, so that
    it shows eigenvalues far below the rounding of the matrix. Where several are that small, their
    vectors are mixed at random: the matrix on their span, computed exactly, sorts them out.
    """
    if not np.isfinite(rounded).all() or not rounded.any():
        return None
    values, vectors = np.linalg.eigh(rounded)
    if rayleigh(matrix, vectors[:, 0]) < 0:
        return vectors[:, 0] / np.abs(vectors[:, 0]).max()
    small = vectors[:, values <= len(matrix) * np.finfo(float).eps * np.abs(values).max()]
    if small.shape[1] < 2:
        return None
    exact = fmpq_mat(len(matrix), len(matrix), [as_rational(v) for v in np.ravel(matrix)])
    rows, columns = small.shape
    span = fmpq_mat(rows, columns, [as_rational(float(v)) for v in np.ravel(small)])
    inner = as_floats((span.transpose() * exact * span).tolist())
    v = small @ np.linalg.eigh(inner)[1][:, 0]
    return v / np.abs(v).max() if rayleigh(matrix, v) < 0 else None


def rayleigh(matrix: Any, v: NDArray[np.float64]) -> fmpq:
    """``v' P v``, exactly."""
    exact = RATIONALS.number(v)
    return cast(fmpq, exact @ (np.asarray(matrix, dtype=object) @ exact))


def has_positive_pivots(matrix: Any) -> bool:
    """Whether elimination in balls meets certainly positive pivots only."""
    with ctx.workprec(PIVOT_BITS):
        work = [[arb(v) for v in row] for row in matrix]
        for k in range(len(work)):
            if not work[k][k] > 0:
                return False
            for i in range(k + 1, len(work)):
                factor = work[i][k] / work[k][k]
                for j in range(i, len(work)):
                    work[i][j] = work[j][i] = work[i][j] - factor * work[k][j]
    return True


def eliminate(matrix: Any) -> bool:
    """Symmetric elimination: every pivot is positive, or zero with a zero row."""
    work = [list(row) for row in matrix]
    size = len(work)
    for k in range(size):
        pivot = work[k][k]
        rest = [i for i in range(k + 1, size) if work[k][i] != 0]
        if pivot < 0 or (pivot == 0 and rest):
            return False
        for i in rest:
            factor: fmpq = work[i][k] / pivot
            for j in range(i, size):
                work[i][j] -= factor * work[k][j]
                work[j][i] = work[i][j]
    return True
