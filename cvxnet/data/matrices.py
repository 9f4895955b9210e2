"""A data matrix at the door, dense or sparse: one pass over its entries where all is well.

What is returned shares nothing with what was given, so that neither can change the other. A sparse
matrix stays by columns where it is: its products take as long as by rows, and to turn it takes as
long as ten of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from cvxnet.data.validation import (
    LARGEST,
    SMALLEST,
    as_matrix,
    check_finite,
    check_matrix,
    check_size,
)
from cvxnet.errors import InputError
from cvxnet.types import Array

REAL = "biuf"
"""Kinds of numpy's types that are real numbers."""
PART = 2**16
"""Entries that are looked at together: few enough for a cache, and no second copy of all."""


def check_any_matrix(X: Any, what: str = "X") -> Any:
    """`check_matrix`; of a sparse matrix of SciPy a sparse array without zeros and duplicates.

    By columns where it is given by columns, otherwise by rows.

    Examples
    --------
    >>> check_any_matrix(sparse.coo_array([[0.0, 2.0]])).indices.tolist()
    [1]
    """
    if not sparse.issparse(X):
        return check_matrix(X, what)
    own = as_sparse(X, what)
    check_entries(own, *entry_sizes(own), what)
    return own


def check_data_matrix(X: Any, what: str = "X") -> Any:
    """`check_any_matrix`, of columns of a size that can be computed with."""
    if not sparse.issparse(X):
        own = as_matrix(X, what)
        lengths = column_lengths(own)
        # the largest entry of a column is from length / sqrt(n) to length
        if lengths.min() >= SMALLEST * np.sqrt(len(own)) and lengths.max() <= LARGEST:
            return own
        check_finite(own, what)
        check_columns(np.maximum(own.max(axis=0), -own.min(axis=0)), what)
        return own
    own = as_sparse(X, what)
    smallest, largest = entry_sizes(own)
    if smallest >= SMALLEST and largest <= LARGEST:
        return own
    check_entries(own, smallest, largest, what)
    check_columns(abs(own).max(axis=0).toarray(), what)
    return own


def column_lengths(X: Array) -> Array:
    """The Euclidean length of each column of a dense matrix; infinite where squares are too large.

    Examples
    --------
    >>> column_lengths(np.array([[3.0, 1.0], [4.0, 0.0]])).tolist()
    [5.0, 1.0]
    """
    if not X.flags.f_contiguous:
        return np.sqrt(np.einsum("ij,ij->j", X, X))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.vecdot(X.T, X.T)))  # column by column that is twice as fast


def as_sparse(X: Any, what: str) -> Any:
    """A copy of a sparse matrix as an array by columns or by rows, without duplicates.

    Its indices are of 32 bits where these are enough: half the memory.
    """
    if X.dtype.kind not in REAL or X.ndim != 2 or 0 in X.shape:
        raise InputError(
            f"{what} is a sparse matrix of shape {X.shape} with entries of type {X.dtype}; "
            "expected real numbers, n rows (samples) by d columns (features), neither of them 0."
        )
    form = sparse.csc_array if X.format == "csc" else sparse.csr_array
    read = form(X, dtype=np.float64)
    kind = sparse.get_index_dtype(maxval=max(read.nnz, *read.shape))
    shared = X.format == read.format and np.may_share_memory(read.data, X.data)
    entries = read.data.copy() if shared else read.data
    places = read.indices.astype(kind), read.indptr.astype(kind)
    own = form((entries, *places), shape=read.shape)
    own.sum_duplicates()
    return own


def entry_sizes(X: Any) -> tuple[float, float]:
    """The size of the smallest and of the largest entry that is stored; NaN where one is NaN.

    Examples
    --------
    >>> entry_sizes(sparse.csr_array([[0.0, -2.0, 3.0]]))
    (2.0, 3.0)
    """
    parts = (np.abs(X.data[k : k + PART]) for k in range(0, X.nnz, PART))
    sizes = [(part.min(), part.max()) for part in parts]
    if not sizes:
        return np.inf, 0.0
    smallest, largest = np.transpose(sizes)
    return float(smallest.min()), float(largest.max())


def check_entries(X: Any, smallest: float, largest: float, what: str) -> None:
    """Drop zeros of a sparse matrix; InputError naming the first entry by rows that is not finite.

    ``smallest`` and ``largest`` are as of `entry_sizes`.
    """
    if not smallest > 0.0:
        X.eliminate_zeros()
    if largest < np.inf:
        return
    rows = X.tocsr()
    bad = np.flatnonzero(~np.isfinite(rows.data))
    i, j = np.searchsorted(rows.indptr, bad[0], side="right") - 1, rows.indices[bad[0]]
    raise InputError(
        f"{what}[{i}, {j}] is {rows.data[bad[0]]} ({len(bad)} such entr"
        f"{'y' if len(bad) == 1 else 'ies'} in all). Remove or impute these rows first."
    )


def check_columns(sizes: Array, what: str) -> None:
    """`check_size` for each column of a matrix, by the size of its largest entry."""
    wrong = (sizes > LARGEST) | ((sizes > 0.0) & (sizes < SMALLEST))
    if wrong.any():
        check_size(sizes[np.argmax(wrong)], f"column {np.argmax(wrong)} of {what}")
