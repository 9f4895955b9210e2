"""The memory that training takes, predicted from shapes: what would not fit is refused at the door.

Columns here are those of the data, the hidden bias included. The numbers that training holds at its
peak grow with the samples, n, and with the columns, k:

    numbers(n, k) = n (PER_SAMPLE outputs + PER_ENTRY k)

The constants are from the peak of the resident memory (`resource.getrusage`) over what the process
had before, at 10^5 samples of 2 columns and 10^4 of 100: for relu, linear, quadratic and coordinate
units it was from a half to 1.4 times what they say.

Of a sparse matrix nothing is made dense. With so many entries stored,

    numbers(n, k, stored) = PER_STORED stored + PER_LINE (n + k),

whose constants are from coordinate units on 10^6 entries in 2 10^4 rows and 10^4 columns, and on
4 10^5 in 2 10^5 of each, by rows and by columns, with the check of the certificate, which takes
several times what the search does.
"""

from __future__ import annotations

import math
from typing import Any

from scipy.sparse import issparse

from cvxnet.data.memory import (
    DOUBLE,
    check_memory,
    shape_of,
    share_that_fits,
    sizes_text,
    sparse_text,
)
from cvxnet.errors import InputError
from cvxnet.objective.families import FAMILIES, Family

PER_SAMPLE = 250.0
"""Numbers for each sample and output: targets, predictions, dual vectors, the steps of local
search, and the rows that a cone program has for it, in several copies."""
PER_ENTRY = 25.0
"""Numbers for each entry of the data: a few copies of them, and the columns of the units that a
master has."""

PER_STORED = 16.0
"""Numbers for each entry of a sparse matrix: a copy as it was given, perhaps one by columns, those
of the columns in use, and what the checker holds of the certificate."""
PER_LINE = 35.0
"""Numbers for each row and each column of it: targets, predictions, dual vectors, slopes."""


def predicted_sparse_memory(n: int, columns: int, stored: int) -> float:
    """The same for a sparse matrix with so many entries stored.

    Examples
    --------
    >>> predicted_sparse_memory(10**5, 10**5, 10**7) / 1e9
    1.336
    """
    return DOUBLE * (PER_STORED * stored + PER_LINE * (n + columns))


def predicted_memory(n: int, columns: int, outputs: int = 1) -> float:
    """Bytes that training takes at its peak, about.

    Examples
    --------
    >>> predicted_memory(2000, 3) / predicted_memory(1000, 3)
    2.0
    """
    return DOUBLE * n * (PER_SAMPLE * outputs + PER_ENTRY * columns)


def check_fits(units: Family, X: Any, y: Any, bias: bool) -> None:
    """Refuse data that are too large to train on, before anything is made of them.

    Parameters
    ----------
    units : Family
    X, y : anything that numpy makes arrays of
        Only their shapes are looked at, and how many entries a sparse matrix stores.
    bias : bool
        Whether hidden units have one.

    Raises
    ------
    InputError
        For a sparse matrix, where the units need a dense one.
    UnsupportedError
        For more than there is memory for, with what is predicted.
    """
    shape = shape_of(X)
    if len(shape) != 2:
        return  # which is refused, or as small as a list
    n, d = shape
    if issparse(X):
        if not units.traits.sparse:
            raise InputError(sparse_text(X, "X", why_dense(units)))
        needed = predicted_sparse_memory(n, d + bias, int(X.nnz) + n * bias)
        data = f"a sparse X of shape {sizes_text(shape)} with {X.nnz:,} entries stored"
    else:
        outputs = shape_of(y)[1] if len(shape_of(y)) == 2 else 1
        needed = predicted_memory(n, d + bias, outputs)
        data = f"X of shape {sizes_text(shape)}"
    share = share_that_fits(needed)
    if share == 1.0:
        return
    rows = math.floor(n * share)
    check_memory(
        needed,
        f"training {units.name} units on {data}",
        f"About {rows:,} samples of this kind would fit: train on a part of the rows, or where "
        "there is more memory.",
    )


def why_dense(units: Family) -> str:
    """Which units take a sparse matrix, and that these do not."""
    known = " and ".join(name for name, traits in FAMILIES.items() if traits.sparse)
    others = f"; {known} units take it as it is" if known else ""
    return f"{units.name} units need a dense one{others}"
