"""Functions of matrices, and how the entries of some atoms move.

Symmetric and definite are what matrices certainly are; where a ball cannot tell, the evaluation is
refused. Matrices whose spectrum or inverse is asked for are small.
"""

from __future__ import annotations

from operator import mul
from typing import Any

from flint import acb_mat, arb, arb_mat

from .arrays import (
    Array,
    entrywise,
    groups,
    joined,
    matrix,
    multiplied,
    require,
    reshaped,
    scalar,
    transposed,
)
from .document import RefusalError
from .exact import Number
from .scalars import ONE, ZERO, all_rational, ordered
from .semidefinite import pivots

LARGEST_MATRIX = 50  # rows of a matrix that is inverted, eliminated or has its spectrum computed


def square_matrix(array: Array) -> Any:
    """Of flint, small enough for eliminations and spectra."""
    require(len(array.shape) == 2 and array.shape[0] == array.shape[1], "no square matrix")
    require(array.shape[0] <= LARGEST_MATRIX, "a matrix too large for its inverse or spectrum")
    return matrix(array.shape, array.entries)


def symmetric(array: Array) -> Any:
    """A square matrix that certainly equals its transpose."""
    pairs = zip(array.entries, transposed(array).entries, strict=True)
    found = square_matrix(array)
    require(all(s is t or s == t for s, t in pairs), "a matrix that is not symmetric")
    return found


def eigenvalues(array: Array, symmetry: bool = True) -> list[Number]:
    """Enclosures of all eigenvalues of a symmetric matrix, in rising order."""
    found = symmetric(array) if symmetry else square_matrix(array)
    balls = acb_mat(arb_mat(found))
    try:
        values = balls.eig(multiple=True)
    except ValueError:
        raise RefusalError("eigenvalues that could not be isolated") from None
    return ordered([value.real for value in values])


def positive_definite(array: Array) -> Any:
    """A symmetric matrix whose pivots are all certainly positive."""
    found = symmetric(array)
    signs = [t > 0 for t in pivots(groups(array, [1]))]
    require(len(signs) == array.shape[0] and all(signs), "a matrix that is not positive definite")
    return found


def exactly_semidefinite(array: Array) -> bool:
    """Whether a symmetric matrix is of rationals, and positive semidefinite by elimination."""
    square_matrix(array)
    if not all_rational(*array.entries):
        return False
    signs = [t >= 0 for t in pivots(groups(array, [1]))]
    return len(signs) == array.shape[0] and all(signs)


def singular_values(array: Array) -> list[Number]:
    """All of them, and zeros."""
    squares = eigenvalues(gram(array))
    return [arb(t).nonnegative_part().sqrt() for t in squares]


def gram(array: Array) -> Array:
    """``A' A``, symmetric to the last bit."""
    product = multiplied(transposed(array), array)
    size = product.shape[0]
    pairs = [(min(i, j), max(i, j)) for i in range(size) for j in range(size)]
    return Array(product.shape, [product.entries[i * size + j] for i, j in pairs])


def matrix_fraction(X: Array, P: Array) -> Array:
    """``trace(X' P^-1 X)``."""
    columns = X if len(X.shape) == 2 else reshaped(X, (*X.shape, 1))
    inverse = Array(P.shape, list(positive_definite(P).inv().entries()))
    product = multiplied(multiplied(transposed(columns), inverse), columns)
    return scalar(sum(product.entries[:: product.shape[0] + 1], ZERO))


def generalised(A: Array, B: Array) -> Array:
    """The largest eigenvalue of ``B^-1 A``, which are all real."""
    symmetric(A)
    inverse = Array(B.shape, list(positive_definite(B).inv().entries()))
    return scalar(eigenvalues(multiplied(inverse, A), symmetry=False)[-1])


def kronecker(A: Array, B: Array) -> Array:
    """Blocks of B, one for each entry of A."""
    require(
        len(A.shape) == len(B.shape) == 2, "a Kronecker product of something else than matrices"
    )
    (m, n), (p, q) = A.shape, B.shape
    a, b = Array((m, 1, n, 1), A.entries), Array((1, p, 1, q), B.entries)
    return reshaped(entrywise(mul, a, b), (m * p, n * q))


def convolved(a: Array, b: Array) -> Array:
    """``c_k = sum a_i b_(k-i)``, as a column where either is one."""
    m, n = len(a.entries), len(b.entries)
    sums = [ZERO] * (m + n - 1)
    for i, s in enumerate(a.entries):
        for j, t in enumerate(b.entries):
            sums[i + j] = sums[i + j] + s * t
    return Array((m + n - 1,) + (1,) * (len(a.shape) == 2 or len(b.shape) == 2), sums)


def diagonal_matrix(vector: Array, k: int) -> Array:
    """A vector on the k-th diagonal."""
    length = vector.shape[0]
    size = length + abs(k)
    entries = [ZERO] * (size * size)
    start = k if k > 0 else -k * size
    for i, t in enumerate(vector.entries):
        entries[start + i * (size + 1)] = t
    return Array((size, size), entries)


def diagonal(array: Array, k: int = 0) -> Array:
    """The k-th diagonal of a square matrix."""
    size = array.shape[0]
    start = k if k > 0 else -k * size
    places = [start + i * (size + 1) for i in range(size - abs(k))]
    return Array((len(places),), [array.entries[p] for p in places])


def upper_triangle(array: Array) -> Array:
    """What stands above the diagonal, row by row, as a column."""
    size = array.shape[-1]
    places = [i * size + j for i in range(size) for j in range(i + 1, size)]
    block, entries = size * size, array.entries
    chosen = [entries[k + p] for k in range(0, len(entries), block) for p in places]
    return Array((*array.shape[:-2], len(places), 1), chosen)


def stacked(*arrays: Array) -> Array:
    """Blocks on top of each other; numbers and vectors are rows."""
    rows = [a if len(a.shape) > 1 else Array((1, *(a.shape or (1,))), a.entries) for a in arrays]
    return joined(rows, 0)


def side_by_side(*arrays: Array) -> Array:
    """Blocks beside each other; numbers and vectors one after the other."""
    parts = [a if a.shape else Array((1,), a.entries) for a in arrays]
    return joined(parts, 0 if len(parts[0].shape) == 1 else 1)


def quadratic_form(x: Array, P: Array) -> Array:
    """``x' P x``."""
    column = reshaped(x, (len(x.entries), 1))
    return Array((), multiplied(multiplied(transposed(column), P), column).entries)


def inverse_of_rest(X: Array) -> Array:
    """``(I - X)^-1``."""
    size = X.shape[0]
    rest = entrywise(lambda s, t: s - t, diagonal_matrix(Array((size,), [ONE] * size), 0), X)
    try:
        return Array(X.shape, list(square_matrix(rest).inv().entries()))
    except ZeroDivisionError:
        raise RefusalError("a matrix without an inverse") from None


def mirrored(x: Array, sign: int = 1) -> bool:
    """Whether a matrix is the transpose of itself, or of its negative."""
    return len(x.shape) == 2 and x == entrywise(lambda t: sign * t, transposed(x))


def negated(x: Array) -> Array:
    """``-x``."""
    return entrywise(lambda t: -t, x)


def is_psd(x: Array) -> bool:
    """Whether a matrix is certainly symmetric and positive semidefinite."""
    return mirrored(x) and exactly_semidefinite(x)
