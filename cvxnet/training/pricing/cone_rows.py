"""What the search in cones does with many rows at once: passes over stretches of them, in blocks.

Rows stand side by side, ``undecided`` (r + 1, k): all first coordinates together, and so on, and
last the lengths. So a loop over a block of them is one over contiguous numbers, which compilers
turn into vector instructions, also where r is not known beforehand. What such loops write down
fits into the nearest cache: ``scratch`` (r + 3, BLOCK). Sums may be added up in any order, so these
functions allow the compiler to reassociate them.

``stretch`` is (begin, middle, end): P lies in ``begin:middle``, N in ``middle:end``. ``cone``
(2 r + 1, r) has the corners, the dual basis and the slope.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cvxnet.training.pricing.nearest_point import dot_row

BLOCK = 128
"""Rows in a block."""
ZERO, ON_WALL = 1e-14, 1e-11
"""Corners closer than this to a hyperplane lie on it; behind walls, which meet at many."""
CLEAR = 1e-12
"""Rows of N are linear in cones this far off their hyperplane."""

IN_ANY_ORDER = {"reassoc", "nsz", "contract"}
"""What the compiler may do with sums."""


@njit(cache=True, fastmath=IN_ANY_ORDER)
def look(cone, undecided, stretch, walled, side, sums, scratch):  # type: ignore[no-untyped-def]
    """Decide the rows of a stretch, and add up what bounds need; how many are left of P and N.

    Decided rows go into the cone's slope. ``side`` (k,) becomes their sign, and 0 for the others.
    ``sums`` (2, r) become the ``h_i`` of `subdivision`, with ``t_k`` the sign in the middle; and
    for each row ``n_i`` of the dual basis the sum of ``|n_i.a_k|`` over all undecided rows.
    """
    r = cone.shape[1]
    begin, middle, end = stretch
    for i in range(r):
        sums[0, i], sums[1, i] = dot_row(cone, i, cone[2 * r]), 0.0
    left_convex = left = np.int64(0)  # no literal: see `kernels`
    place = begin
    while place < end:
        convex = place < middle
        size = min(BLOCK, (middle if convex else end) - place)
        low, high = scratch[r, :size], scratch[r + 1, :size]
        total, decided = scratch[r + 2, :size], side[place - begin : place - begin + size]
        for i in range(r):
            heights = scratch[i, :size]
            combine(cone[i], undecided, place, heights)
            widen(heights, low, high, total, i == 0)
        decide(undecided[r, place : place + size], low, high, total, convex, walled, decided)
        for i in range(r):
            if convex:
                sums[0, i] += sum_of_sizes(scratch[i, :size])
            else:
                sums[0, i] -= sum_with_signs(scratch[i, :size], total)
        for x in range(r):
            cone[2 * r, x] += product(decided, undecided[x, place : place + size])
        open_rows = mark_open(decided, high)
        if open_rows > 0:
            for i in range(r):
                combine(cone[r + i], undecided, place, low)
                sums[1, i] += sum_of_open(low, high)
        left += open_rows
        left_convex += open_rows * convex
        place += size
    return left_convex, left


@njit(cache=True, fastmath=IN_ANY_ORDER)
def combine(factors, undecided, place, out):  # type: ignore[no-untyped-def]
    """Products of a vector (r,) with the rows from ``place`` on, into ``out``."""
    r, end = factors.size, place + out.size
    if r < 3:
        first, p = undecided[0, place:end], factors[0]
        for t in range(out.size):
            out[t] = p * first[t]
    else:  # three at a time: writing down takes longer than multiplying
        first, p = undecided[0, place:end], factors[0]
        second, q = undecided[1, place:end], factors[1]
        third, s = undecided[2, place:end], factors[2]
        for t in range(out.size):
            out[t] = p * first[t] + q * second[t] + s * third[t]
    for x in range(3 if r >= 3 else 1, r):
        first, p = undecided[x, place:end], factors[x]
        for t in range(out.size):
            out[t] += p * first[t]


@njit(cache=True)
def widen(heights, low, high, total, first):  # type: ignore[no-untyped-def]
    """Lowest and highest of the heights so far, and their sum."""
    if first:
        for t in range(heights.size):
            low[t] = high[t] = total[t] = heights[t]
    else:
        for t in range(heights.size):
            low[t] = min(low[t], heights[t])
            high[t] = max(high[t], heights[t])
            total[t] += heights[t]


@njit(cache=True)
def decide(lengths, low, high, total, convex, walled, decided):  # type: ignore[no-untyped-def]
    """The sign with which each row goes into the slope, or 0; ``total`` becomes its sign."""
    slack, turn = -CLEAR, -1.0
    if convex:
        slack, turn = ON_WALL if walled else ZERO, 1.0
    for t in range(lengths.size):
        near = slack * lengths[t]
        sign = 1.0 if total[t] > 0.0 else -1.0
        total[t] = sign
        decided[t] = turn * sign if low[t] >= -near or high[t] <= near else 0.0


@njit(cache=True, fastmath=IN_ANY_ORDER)
def mark_open(decided, is_open):  # type: ignore[no-untyped-def]
    """1 for rows that are left undecided, 0 for others; how many there are."""
    count = 0.0
    for t in range(decided.size):
        is_open[t] = 1.0 - abs(decided[t])
        count += is_open[t]
    return np.int64(count)


@njit(cache=True, fastmath=IN_ANY_ORDER)
def sum_of_sizes(values):  # type: ignore[no-untyped-def]
    """The sum of the absolute values."""
    total = 0.0
    for t in range(values.size):
        total += abs(values[t])
    return total


@njit(cache=True, fastmath=IN_ANY_ORDER)
def sum_with_signs(values, signs):  # type: ignore[no-untyped-def]
    """The sum of the products."""
    total = 0.0
    for t in range(values.size):
        total += signs[t] * values[t]
    return total


@njit(cache=True, fastmath=IN_ANY_ORDER)
def product(a, b):  # type: ignore[no-untyped-def]
    """The inner product."""
    total = 0.0
    for t in range(a.size):
        total += a[t] * b[t]
    return total


@njit(cache=True, fastmath=IN_ANY_ORDER)
def sum_of_open(values, is_open):  # type: ignore[no-untyped-def]
    """The sum of the sizes of those that are open."""
    total = 0.0
    for t in range(values.size):
        total += is_open[t] * abs(values[t])
    return total


@njit(cache=True)
def keep_undecided(undecided, stretch, side, place, index):  # type: ignore[no-untyped-def]
    """Copy the rows of a stretch whose ``side`` is 0 to ``place``, at its begin or beyond its end.

    ``index`` (BLOCK,) is scratch.
    """
    begin, _, end = stretch
    for block in range(begin, end, BLOCK):
        size = np.int64(0)  # no literal: see `kernels`
        for t in range(block, min(block + BLOCK, end)):
            index[size] = t
            size += side[t - begin] == 0.0
        for x in range(undecided.shape[0]):
            source, target = undecided[x], undecided[x, place : place + size]
            for t in range(size):
                target[t] = source[index[t]]
        place += size


@njit(cache=True)
def choose_cut(cone, undecided, begin, end, errors, scratch):  # type: ignore[no-untyped-def]
    """An edge (i, j) and a row that crosses it: those where interpolation errs most.

    ``errors`` (r, r) is scratch.
    """
    sum_errors(cone, undecided, begin, end, errors, scratch)
    worst, edge, other = -1.0, 0, 1
    for i in range(cone.shape[1]):
        for j in range(i):
            if errors[i, j] > worst:
                worst, edge, other = errors[i, j], i, j
    return edge, other, worst_row(cone[edge], cone[other], undecided, begin, end, scratch)


@njit(cache=True)
def sum_errors(cone, undecided, begin, end, errors, scratch):  # type: ignore[no-untyped-def]
    """Of each edge (i, j), j < i, the sum of `error_between` over some rows, into ``errors``."""
    r = cone.shape[1]
    for i in range(r):
        for j in range(i):
            errors[i, j] = 0.0
    for place in range(begin, end, BLOCK):
        size = min(BLOCK, end - place)
        for i in range(r):
            combine(cone[i], undecided, place, scratch[i, :size])
            for j in range(i):
                errors[i, j] += error_of_edge(scratch[i, :size], scratch[j, :size])


@njit(cache=True)
def worst_row(corner, other, undecided, begin, end, scratch):  # type: ignore[no-untyped-def]
    """The first of the rows with the largest `error_between` on the edge of two corners (r,)."""
    worst, chosen = -1.0, begin
    for place in range(begin, end, BLOCK):
        size = min(BLOCK, end - place)
        combine(corner, undecided, place, scratch[0, :size])
        combine(other, undecided, place, scratch[1, :size])
        for t in range(size):
            error = error_between(scratch[0, t], scratch[1, t])
            if error > worst:
                worst, chosen = error, place + t
    return chosen


@njit(cache=True, fastmath=IN_ANY_ORDER)
def error_of_edge(a, b):  # type: ignore[no-untyped-def]
    """The sum of `error_between` over a block."""
    total = 0.0
    for t in range(a.size):
        total += error_between(a[t], b[t])
    return total


@njit(cache=True)
def error_between(a, b):  # type: ignore[no-untyped-def]
    """How far ``|a| + |b|`` is above ``|a + b|``: twice the lower one if the signs differ."""
    return abs(a) + abs(b) - abs(a + b)
