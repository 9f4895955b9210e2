"""Rows of units, dense or sparse: with a sparse X of many columns a unit of one column is sparse.

A dense X has dense rows, and all else is written for these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxnet.types import Array

EPS = float(np.finfo(float).eps)
SPARE = 10
"""Roundings more than there are: norms are rounded, too."""
PART = 2**18
"""Entries that are counted together: a second copy of all takes longer to come by."""


def as_rows_of(X: Any, columns: NDArray[np.intp], values: Array) -> Any:
    """A row for each column and value, (m, d), with that entry alone; sparse where X is.

    Examples
    --------
    >>> as_rows_of(np.eye(3), np.array([1]), np.array([2.0])).tolist()
    [[0.0, 2.0, 0.0]]
    """
    m, d = len(columns), X.shape[1]
    if sparse.issparse(X):
        return sparse.csr_array((values, columns, np.arange(m + 1)), shape=(m, d))
    rows = np.zeros((m, d))
    rows[np.arange(m), columns] = values
    return rows


def entries_of(W: Any) -> tuple[NDArray[np.intp], Array]:
    """The column and the size of the entry of each row of `as_rows_of`, (m,) each.

    Examples
    --------
    >>> [found.tolist() for found in entries_of(np.array([[0.0, 2.0, 0.0]]))]
    [[1], [2.0]]
    """
    if sparse.issparse(W):
        return W.indices.astype(np.intp), np.abs(W.data)
    columns = np.argmax(np.abs(W), axis=1)
    return columns, np.abs(W[np.arange(len(W)), columns])


def used_columns(W: Any) -> NDArray[np.intp]:
    """The columns in which rows have entries, in order.

    Examples
    --------
    >>> used_columns(np.array([[0.0, 2.0, 0.0], [0.0, 1.0, -1.0]])).tolist()
    [1, 2]
    """
    return np.unique(W.indices) if sparse.issparse(W) else np.flatnonzero(W.any(axis=0))


def combined_columns(X: Any, W: Any, outputs: Array) -> Array:
    """``X W^T outputs``, of a sparse matrix by columns from those alone that rows of W have.

    Examples
    --------
    >>> X = sparse.csc_array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    >>> combined_columns(X, sparse.csr_array([[0.0, 5.0, 0.0]]), np.ones(1)).tolist()
    [10.0, 0.0]
    """
    w = W.T @ outputs
    if is_sparse(W) and X.format == "csc" and 2 * W.nnz < X.shape[1]:
        used = used_columns(W)
        return np.asarray(X[:, used] @ w[used])
    return np.asarray(X @ w)


def columns_of(X: Any, columns: NDArray[np.intp]) -> Any:
    """Some columns, in order, one after the other in memory; sparse ones as a library has them."""
    A = X if len(columns) == X.shape[1] else X[:, columns]
    if not sparse.issparse(A):
        return np.asfortranarray(A)
    A = A.tocsc()
    small = (A.indices.astype(np.int32, copy=False), A.indptr.astype(np.int32, copy=False))
    return sparse.csc_array((A.data, *small), shape=A.shape)


def pick_columns(X: Array, columns: NDArray[np.intp]) -> Array:
    """Some columns of a dense matrix, by columns or by rows in memory as that is: what is quick.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> [pick_columns(way(X), np.array([2, 0])).tolist() for way in (np.array, np.asfortranarray)]
    [[[3.0, 1.0], [6.0, 4.0]], [[3.0, 1.0], [6.0, 4.0]]]
    """
    return X.T[columns].T if X.flags.f_contiguous else X.take(columns, axis=1)


def row_lengths(W: Any, order: int = 2) -> Array:
    """``|z|`` of each row, (m,)."""
    if sparse.issparse(W):
        return np.asarray(abs(W).sum(axis=1) if order == 1 else np.sqrt(squares(W).sum(axis=1)))
    if order == 2:
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", W, W)))
    return np.asarray(np.linalg.norm(W, axis=1, ord=order))


def largest_entry(X: Any) -> float:
    """``max |x_ij|`` of a matrix, dense or sparse.

    Examples
    --------
    >>> largest_entry(np.array([[2.0, -4.0]])), largest_entry(sparse.eye_array(4, format="csr"))
    (4.0, 1.0)
    """
    entries = X.data if sparse.issparse(X) else X
    return float(max(entries.max(initial=0.0), -entries.min(initial=0.0)))


def squares(X: Any) -> Any:
    """The square of each entry of a sparse matrix, in the same places."""
    return with_entries(X, X.data * X.data)


def with_entries(X: Any, entries: Array) -> Any:
    """A sparse matrix with other entries in the same places, which are not copied."""
    return type(X)((entries, X.indices, X.indptr), shape=X.shape)


def over(X: Any, size: float) -> Any:
    """A data matrix divided by a number.

    Examples
    --------
    >>> over(np.array([[2.0, 4.0]]), 2.0).tolist()
    [[1.0, 2.0]]
    """
    if size == 1.0:
        return X
    return with_entries(X, X.data / size) if sparse.issparse(X) else X / size


def is_sparse(X: Any) -> bool:
    """Whether a matrix is one of SciPy."""
    return bool(sparse.issparse(X))


def are_equal(A: Any, B: Any) -> bool:
    """Whether two arrays have the same entries, both dense or both sparse.

    Examples
    --------
    >>> X = sparse.eye_array(2, format="csr")
    >>> are_equal(X, X.tocsc()), are_equal(X, 2.0 * X), are_equal(X, X.toarray())
    (True, False, False)
    """
    if is_sparse(A) and is_sparse(B):
        return bool(A.shape == B.shape and (A != B).nnz == 0)
    return not (is_sparse(A) or is_sparse(B)) and np.array_equal(A, B)


def scaled(W: Any, factors: Array) -> Any:
    """Each row times its factor."""
    if sparse.issparse(W):
        return sparse.csr_array(sparse.diags_array(factors) @ W)
    return W * factors[:, None]


def divided(W: Any, divisors: Array) -> Any:
    """Each row divided by a number: by its own entry it is exactly one."""
    if sparse.issparse(W):
        entries = W.data / np.repeat(divisors, np.diff(W.indptr))
        return sparse.csr_array((entries, W.indices, W.indptr), shape=W.shape)
    return W / divisors[:, None]


def beside(first: Any, second: Array) -> Any:
    """Columns beside each other."""
    if sparse.issparse(first):
        return sparse.csr_array(sparse.hstack([first, second], format="csr"))
    return np.hstack([first, second])


def stacked(first: Any, second: Any) -> Any:
    """Rows one below the other."""
    if sparse.issparse(first) or sparse.issparse(second):
        return sparse.csr_array(sparse.vstack([first, second], format="csr"))
    return np.vstack([first, second])


def product_error(X: Any, size: Any, norm: str = "l1") -> float:
    """A bound on the rounding of ``X^T v`` relative to ``|v|``: of any entry (l1), or of all (l2).

    That of an entry is at most k eps times ``|x_j| |v|``, where k entries of column j are added
    up (Higham 2002, "Accuracy and Stability of Numerical Algorithms", 3.1). Columns of a sparse
    matrix are no longer than sqrt(k) times its largest entry. So ``size`` is the largest entry of a
    sparse matrix, and of a dense one the lengths of all columns.

    Examples
    --------
    >>> X = np.array([[3.0, 0.0], [4.0, 1.0]])
    >>> dense, thin = (X, np.array([5.0, 1.0])), (sparse.csr_array(X), 4.0)
    >>> round(product_error(*dense) / EPS), round(product_error(*thin) / EPS)
    (60, 68)
    """
    if is_sparse(X):
        k = most_in_a_column(X)
        longest = size * np.sqrt(k) if norm == "l1" else np.linalg.norm(X.data)
    else:
        k, longest = len(X), size.max(initial=0.0) if norm == "l1" else np.linalg.norm(size)
    return float((k + SPARE) * EPS * longest)


def most_in_a_column(X: Any) -> int:
    """How many entries the fullest column of a sparse matrix has.

    Examples
    --------
    >>> most_in_a_column(sparse.csr_array([[3.0, 0.0], [4.0, 1.0]]))
    2
    """
    if X.format == "csc":
        return int(np.diff(X.indptr).max())
    counts = np.zeros(X.shape[1], dtype=np.intp)
    for k in range(0, X.nnz, PART):
        counts += np.bincount(X.indices[k : k + PART], minlength=len(counts))
    return int(counts.max())
