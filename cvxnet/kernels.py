"""What compiled kernels share: products of short vectors, sorting, and what Ctrl-C does to them.

Products and sorting are written out, as both are slow otherwise: numpy's products make a temporary
array or call BLAS, and numba's own sorts take seconds to compile wherever one is used.

What also makes kernels slow to compile, and is avoided in them: arithmetic and assignment of whole
arrays (their errors bring numba's text formatting along, two to four seconds), and arguments of
several types for one function (literal numbers among them), each of which is a compilation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numba import njit

RUN = 16
"""Stretches of this length are sorted by insertion before they are merged."""


@njit(cache=True)
def dot(a, b):  # type: ignore[no-untyped-def]
    """The inner product of two vectors of one length."""
    total = 0.0
    for x in range(a.size):
        total += a[x] * b[x]
    return total


@njit(cache=True)
def add(total, factor, vector):  # type: ignore[no-untyped-def]
    """``total += factor * vector`` in place, both of one length."""
    for x in range(total.size):
        total[x] += factor * vector[x]


@njit(cache=True)
def assign(vector, other):  # type: ignore[no-untyped-def]
    """``vector[:] = other``, both of one length."""
    for x in range(vector.size):
        vector[x] = other[x]


@njit(cache=True)
def stable_order(keys):  # type: ignore[no-untyped-def]
    """Indices (n,) that sort an array of floats (n,), equal ones in order of appearance.

    Examples
    --------
    >>> stable_order(np.array([2.0, 1.0, 2.0, -np.inf])).tolist()
    [3, 1, 0, 2]
    """
    n = keys.size
    order, spare = np.empty(n, np.int64), np.empty(n, np.int64)
    for start in range(0, n, RUN):
        sort_run(keys, order, start, min(start + RUN, n))
    width = RUN
    while width < n:
        for start in range(0, n, 2 * width):
            middle, end = min(start + width, n), min(start + 2 * width, n)
            merge_runs(keys, order, spare, start, middle, end)
        order, spare = spare, order
        width *= 2
    return order


@njit(cache=True)
def sort_run(keys, order, start, end):  # type: ignore[no-untyped-def]
    """Write the indices from ``start`` to ``end`` into ``order`` (n,), by ``keys`` (n,)."""
    for t in range(start, end):
        place = t
        while place > start and keys[order[place - 1]] > keys[t]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = t


@njit(cache=True)
def merge_runs(keys, order, spare, start, middle, end):  # type: ignore[no-untyped-def]
    """Merge the runs ``start:middle`` and ``middle:end`` of ``order`` into ``spare`` (n,)."""
    i, j = start, middle
    for t in range(start, end):
        if j == end or (i < middle and keys[order[i]] <= keys[order[j]]):
            spare[t] = order[i]
            i += 1
        else:
            spare[t] = order[j]
            j += 1


@contextmanager
def true_interruptions() -> Iterator[None]:
    """A context in which Ctrl-C stays a KeyboardInterrupt.

    Where it comes while numba makes a result of records into one of Python, it ends as the cause of
    a SystemError.
    """
    try:
        yield
    except SystemError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise error.__cause__ from None
        raise
