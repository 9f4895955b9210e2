"""Least squares with weights that must not be negative, small and many times over.

    minimise  1/2 x^T Q x - b^T x       with x_j >= 0 for all j but the first ``free``,

by the method of Lawson and Hanson (1974), begun from a guess at the weights above zero. Columns
may depend on one another, even be equal; a tiny ridge decides between them.
"""

from __future__ import annotations

import numpy as np
from numba import njit

RIDGE = 1e-13
"""Relative to the largest number on the diagonal."""
OPTIMAL, ROUNDING = 1e-12, 1e-15
"""A slope below this, relative to the largest ``b_j``, is zero; one below that in any case. Down
there weights come in and go out many times, for digits that only losses with kinks need."""
MOST_STEPS = 10
"""So many times the number of weights, at most, one comes in or goes out."""


@njit(cache=True, nogil=True)
def minimise(Q, b, free, allowed, x, optimal):  # type: ignore[no-untyped-def]
    """Write the minimiser into ``x`` (k,), begun from those above zero; returns the minimum.

    Weights that are not ``allowed`` (k,) are zero. ``Q`` is (k, k), ``b`` (k,). Slopes below
    ``optimal``, relative to the largest ``b_j``, are zero.
    """
    k = b.size
    used, order, s = np.zeros(k, np.bool_), np.empty(k, np.int64), np.empty(k)
    L, ridge, tolerance = np.empty((k, k)), 0.0, 0.0
    entering = -1
    may = allowed.copy()
    for j in range(k):
        ridge, tolerance = max(ridge, RIDGE * Q[j, j]), max(tolerance, optimal * abs(b[j]))
        used[j] = allowed[j] and (j < free or x[j] > 0.0)
        x[j] = x[j] if used[j] else 0.0
    for _ in range(MOST_STEPS * (k + 1)):
        size = gather(used, order)
        solve(Q, b, order, size, ridge, L, s)
        first = retreat(order, size, free, s, x)
        if first >= 0:
            used[first] = False
            may[first] = may[first] and first != entering  # it would come back at once
            continue
        entering = steepest(Q, b, used, may, order, size, x, tolerance)
        if entering < 0:
            break
        used[entering] = True
    return value_of(Q, b, order, gather(used, order), x)


@njit(cache=True)
def gather(used, order):  # type: ignore[no-untyped-def]
    """Write the indices of those used into ``order``; returns how many they are."""
    size = np.int64(0)  # no literal: see `kernels`
    for j in range(used.size):
        if used[j]:
            order[size] = j
            size += 1
    return size


@njit(cache=True)
def solve(Q, b, order, size, ridge, L, s):  # type: ignore[no-untyped-def]
    """Write the minimiser over the weights in ``order``, of any sign, into ``s[:size]``."""
    for i in range(size):
        for j in range(i + 1):
            entry = Q[order[i], order[j]]
            for t in range(j):
                entry -= L[i, t] * L[j, t]
            if i == j:
                L[i, i] = np.sqrt(max(entry + ridge, ridge)) if ridge > 0.0 else 1.0
            else:
                L[i, j] = entry / L[j, j]
    for i in range(size):
        entry = b[order[i]]
        for t in range(i):
            entry -= L[i, t] * s[t]
        s[i] = entry / L[i, i]
    for i in range(size - 1, -1, -1):
        entry = s[i]
        for t in range(i + 1, size):
            entry -= L[t, i] * s[t]
        s[i] = entry / L[i, i]


@njit(cache=True)
def retreat(order, size, free, s, x):  # type: ignore[no-untyped-def]
    """Move ``x`` towards ``s`` as far as no weight becomes negative; the one that is 0 there."""
    step, first = 1.0, np.int64(-1)  # no literal: see `kernels`
    for i in range(size):
        j = order[i]
        if j >= free and s[i] <= 0.0:
            share = x[j] / (x[j] - s[i]) if x[j] > 0.0 else 0.0
            if share <= step:
                step, first = share, j
    for i in range(size):
        j = order[i]
        x[j] += step * (s[i] - x[j])
    if first >= 0:
        x[first] = 0.0
    return first


@njit(cache=True)
def steepest(Q, b, used, allowed, order, size, x, tolerance):  # type: ignore[no-untyped-def]
    """The weight, of those at zero, that lowers the objective fastest; -1 for none."""
    best, entering = tolerance, -1
    for j in range(b.size):
        if used[j] or not allowed[j]:
            continue
        slope = b[j]
        for i in range(size):
            slope -= Q[j, order[i]] * x[order[i]]
        if slope > best:
            best, entering = slope, j
    return entering


@njit(cache=True)
def value_of(Q, b, order, size, x):  # type: ignore[no-untyped-def]
    """``1/2 x^T Q x - b^T x``."""
    total = 0.0
    for i in range(size):
        row = 0.0
        for t in range(size):
            row += Q[order[i], order[t]] * x[order[t]]
        total += x[order[i]] * (0.5 * row - b[order[i]])
    return total


@njit(cache=True, nogil=True)
def minima(Q, b, free, sets, x):  # type: ignore[no-untyped-def]
    """The minimum (p,) with each of some sets of weights allowed, (p, k)."""
    values, start = np.empty(sets.shape[0]), np.empty(x.size)
    for p in range(sets.shape[0]):
        for j in range(x.size):
            start[j] = x[j]
        values[p] = minimise(Q, b, free, sets[p], start, OPTIMAL)
    return values
