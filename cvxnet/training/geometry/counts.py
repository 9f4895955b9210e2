"""How many cells an arrangement has, and a point inside each: without walking through the list."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cvxnet.training.geometry.cells import Signs, all_cells, arc_has_length
from cvxnet.training.geometry.circles import crossings, plane_basis
from cvxnet.types import Array

ON_RAY = 1e-9
"""A hyperplane this close to a ray contains it."""


def number_of_cells(normals: Array) -> int:
    """How many cells the hyperplanes of these distinct normals, (h, r), cut the space into.

    Up to rank 3 nothing is listed: by Euler's formula the circles that cross on the sphere make
    ``2 + sum over the crossings of (circles through it - 1)`` cells. That takes O(h^2 log h) time
    and O(h) memory. What is a crossing of several circles is decided up to rounding.

    Examples
    --------
    >>> number_of_cells(np.eye(3)), number_of_cells(np.eye(4))
    (8, 16)
    >>> number_of_cells(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [2.0, 0.0, 1.0]])[:, ::2])
    6
    """
    h, r = normals.shape
    if r > 3:
        return len(all_cells(normals))
    if r < 3:
        return 2 * h if h else 1
    passing: Counter[int] = Counter()
    for k in range(h):
        passing.update(circles_through(normals, k).tolist())
    pairs = sum(circles * (m - 1) / m for m, circles in passing.items())
    return 2 + 2 * round(pairs)


def circles_through(normals: Array, k: int) -> NDArray[np.int64]:
    """Of the crossings on one half of circle k, how many circles each is on, itself included."""
    _, along, _ = crossings(normals, k, *plane_basis(normals[k]))
    ends = np.flatnonzero(arc_has_length(along))
    return np.diff(np.append(ends, ends[0] + len(along))) + 1


def rays(normals: Array) -> Array:
    """The directions (m, r) in which all hyperplanes through them meet in a line, both ways.

    The closure of each cell is the cone of those of them that it contains. Some may be repeated.

    Examples
    --------
    >>> np.abs(rays(np.eye(2))).tolist()
    [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    """
    h, r = normals.shape
    found = []
    for chosen in combinations(range(h), r - 1):
        _, sizes, V = np.linalg.svd(normals[list(chosen)].reshape(r - 1, r))
        if (sizes > ON_RAY).all():
            found.append(V[-1])
    lines = np.reshape(found, (len(found), r))
    return np.vstack([lines, -lines])


def inner_points(normals: Array, cells: Signs) -> Array:
    """A direction well inside each of the cells, (P, r): the sum of the rays of its closure.

    Examples
    --------
    >>> cells = all_cells(np.eye(2))
    >>> np.array_equal(np.sign(inner_points(np.eye(2), cells) @ np.eye(2)), cells)
    True
    """
    directions = rays(normals)
    heights = directions @ normals.T
    sides = np.where(np.abs(heights) <= ON_RAY, 0, np.sign(heights))
    on_edge = (sides == 0).sum(axis=1)
    within = (cells @ sides.T == (len(normals) - on_edge)[None, :]).astype(np.float64)
    total = within @ directions
    return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True))
