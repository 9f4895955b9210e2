"""Why a cone holds nothing: bounds on values in it, and on where local maxima may lie.

``cone`` (2 r + 1, r) has the corners, the dual basis and the slope. The dual basis is kept up to
date by combinations, and in thin cones loses digits: so nothing here takes it for granted. What a
vector is worth as a bound is seen from its products with the corners.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cvxnet.training.pricing.nearest_point import dot_row, dot_rows

ROOM = 1e-9
"""Relative room for the rounding of bounds, and of shares of points in the cone."""
BARREN = 1e-10
"""Room for the rounding of ``n_i.x``, relative to the size of all terms of g."""
HALF, FAR = 0.5, 1e300
"""Where products of a dual basis with its corners are off by more, shares may be as large."""


@njit(cache=True)
def holds_nothing(cone, touched, walls, level, scale, sums, rooms):  # type: ignore[no-untyped-def]
    """Whether the cone is too low or barren, and its `longest_share`; ``sums`` (2, r) of `look`.

    ``rooms`` (r,) become those of `rooms_of_walls` where it is not too low.
    """
    reach = longest_share(cone, rooms)
    if upper_bound(cone, sums[0], reach) <= level:
        return True, reach
    rooms_of_walls(cone, touched, walls, scale, reach, rooms)
    return is_barren(cone, cone[2 * rooms.size], sums[1], rooms), reach


@njit(cache=True)
def longest_share(cone, sums):  # type: ignore[no-untyped-def]
    """A bound on the sum of the shares that corners have in a unit of the cone.

    ``q``, the sum of the ``n_i``, should have the product 1 with each corner. Where it has at least
    1 - d, the shares of u add up to q.u and d times themselves at most, so to ``|q| / (1 - d)``.
    """
    r, off, length = sums.size, 0.0, 0.0
    for x in range(r):
        sums[x] = 0.0
        for i in range(r, 2 * r):
            sums[x] += cone[i, x]
        length += sums[x] * sums[x]
    for i in range(r):
        off = max(off, 1.0 - dot_row(cone, i, sums))
    return np.sqrt(length) / (1.0 - off) if off < HALF else FAR


@njit(cache=True)
def upper_bound(cone, heights, reach):  # type: ignore[no-untyped-def]
    """A bound on the value in the cone, from those at its corners; ``reach``: `longest_share`.

    ``p``, the sum of the ``h_i n_i``, should have the product h_i with each corner. What it has
    less counts as often as the shares add up, so at most ``reach`` times.
    """
    r = heights.size
    largest, less, length = -np.inf, 0.0, 0.0
    for i in range(r):
        largest, product = max(largest, heights[i]), 0.0
        for x in range(r):
            entry = 0.0
            for j in range(r):
                entry += heights[j] * cone[r + j, x]
            product += entry * cone[i, x]
            length += entry * entry if i == 0 else 0.0
        less = max(less, heights[i] - product)
    return min(largest * reach, np.sqrt(length) + less * reach) * (1.0 + ROOM)


@njit(cache=True)
def rooms_of_walls(cone, touched, walls, scale, reach, rooms):  # type: ignore[no-untyped-def]
    """How much above 0 ``n_i.x`` may be by rounding in a barren cone; infinite where n_i is no use.

    ``scale`` is the sum of the sizes of all terms, ``reach`` is `longest_share`. ``n_i`` shows
    nothing where its product with the inner normal of a wall that the cone touches is above 0.
    ``touched`` has a bit for each of the ``walls`` (w, r).
    """
    r = rooms.size
    for i in range(r):
        rooms[i] = np.inf
        if turns_from_walls(cone, touched, walls, r + i):
            length = np.sqrt(dot_rows(cone, r + i, cone, r + i))
            rooms[i] = (BARREN * length + lowest_share(cone, r + i) * reach) * scale


@njit(cache=True)
def is_barren(cone, slope, spread, rooms):  # type: ignore[no-untyped-def]
    """Whether the cone holds no local maximum whatever its value.

    ``slope`` is c, and ``spread`` (r,) has the sums of ``|n_i.a_k|`` over what is undecided.
    """
    r, lowest = rooms.size, 0.0
    for i in range(r):
        lowest = min(lowest, dot_row(cone, r + i, slope) + spread[i] + rooms[i])
    return lowest < 0.0


@njit(cache=True)
def lowest_share(cone, i):  # type: ignore[no-untyped-def]
    """How far ``n_i``, row i of the cone, has a product below 0 with a corner: by rounding."""
    lowest = 0.0
    for j in range(cone.shape[1]):
        lowest = min(lowest, dot_rows(cone, i, cone, j))
    return -lowest


@njit(cache=True)
def turns_from_walls(cone, touched, walls, i):  # type: ignore[no-untyped-def]
    """Whether ``n_i.w <= 0`` for the inner normals w of all walls that the cone touches.

    ``n_i`` is row i of the cone; ``touched`` has a bit for each wall.
    """
    for k in range(walls.shape[0]):
        if (touched >> k) & 1 and dot_row(walls, k, cone[i]) > 0.0:
            return False
    return True
