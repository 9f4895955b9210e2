"""Cells of an arrangement: an interior point, the inequalities that matter, the list of all.

A cell is given by its signs at the normals; its closure is the cone ``signs_k e_k.u >= 0``. Of
these h inequalities only the facets matter. With ``u`` inside, scale each row ``signs_k e_k`` to
meet ``u`` with product one: all rows then lie in one plane, and a row is a facet exactly where it
is a vertex of their convex hull there. In three dimensions that hull is a polygon (fewer than
four facets on average), in two a segment, in one a point.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cvxnet.training.sweep import crossings, dot, plane_basis

Array = NDArray[np.float64]
Signs = NDArray[np.int8]

ON_HYPERPLANE = 1e-9
"""A unit vector closer than this to a hyperplane counts as lying on it."""

SAME_CROSSING = 1e-13
"""Two circles whose directions on a third differ by less cross it at one point."""


def move_inside(normals: Array, u: Array) -> Array:
    """A unit vector inside one of the cells whose closure contains ``u`` (up to ON_HYPERPLANE).

    Where ``u`` lies on hyperplanes, it moves off them by less than the distance to all others,
    in that of a few fixed directions which stays clearest of them all.
    """
    u = u / np.linalg.norm(u)
    height = normals @ u
    near = np.abs(height) <= ON_HYPERPLANE
    if not near.any():
        return u
    tries = np.random.default_rng(0).standard_normal((8, len(u)))
    tries /= np.linalg.norm(tries, axis=1)[:, None]
    clearance = np.abs(tries @ normals[near].T).min(axis=1)
    direction = tries[np.argmax(clearance)]
    room = np.abs(height[~near]).min() if (~near).any() else 1.0
    moved = u + 0.25 * min(room, 0.1) * direction
    return moved / np.linalg.norm(moved)


def signs_at(normals: Array, u: Array) -> Signs:
    """The signs of the cell that contains ``u``, which lies on no hyperplane."""
    return np.where(normals @ u > 0.0, np.int8(1), np.int8(-1))


def facets(normals: Array, signs: Signs, u: Array) -> NDArray[np.int64]:
    """The normals whose inequalities define the closure of the cell around ``u``.

    Parameters
    ----------
    normals : (h, r) array, r <= 3
    signs : (h,) array
        Signs of ``normals @ u``.
    u : (r,) array
        A point inside the cell.

    Examples
    --------
    >>> angles = np.array([0.0, 0.3, 1.0, 2.0])
    >>> normals = np.column_stack([np.cos(angles), np.sin(angles)])
    >>> u = np.array([1.0, 0.1])
    >>> facets(normals, signs_at(normals, u), u).tolist()
    [2, 3]
    """
    h, r = normals.shape
    if h <= 1:
        return np.arange(h)
    solid, inside = np.zeros((h, 3)), np.zeros(3)
    solid[:, :r] = normals * signs[:, None]
    inside[:r] = u / np.linalg.norm(u)
    return np.unique(polygon_vertices(solid, inside))


@njit(cache=True)
def polygon_vertices(rows, u):  # type: ignore[no-untyped-def]
    """Hull vertices of ``rows / (rows.u)`` in the plane across ``u`` (Andrew's monotone chain)."""
    n = rows.shape[0]
    p, q = plane_basis(u)
    points = np.empty((n, 2))
    for k in range(n):
        height = dot(rows[k], u)
        points[k, 0] = dot(rows[k], p) / height
        points[k, 1] = dot(rows[k], q) / height
    order = lexicographic_order(points)
    chain = np.empty(2 * n + 2, np.int64)
    size = 0
    for k in order:
        size = extend_chain(points, chain, size, 1, k)
    lower = size
    for t in range(n - 2, -1, -1):
        size = extend_chain(points, chain, size, lower, order[t])
    return chain[: max(size - 1, 1)].copy()


@njit(cache=True)
def lexicographic_order(points):  # type: ignore[no-untyped-def]
    """Indices that sort by first coordinate, then (two stable sorts) by second."""
    by_second = np.argsort(points[:, 1], kind="mergesort")
    return by_second[np.argsort(points[by_second, 0], kind="mergesort")]


@njit(cache=True)
def extend_chain(points, chain, size, fixed, k):  # type: ignore[no-untyped-def]
    """Append point k to the chain, dropping what then no longer turns left."""
    while size > fixed:
        a, b, c = points[chain[size - 2]], points[chain[size - 1]], points[k]
        if (b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0]):
            break
        size -= 1
    chain[size] = k
    return size + 1


def all_cells(normals: Array) -> Signs:
    """The signs of every cell of an arrangement of distinct normals in at most 3 dimensions.

    Every arc of every circle shows the two cells beside it (in the plane: the cell that it is).

    Returns
    -------
    (P, h) array of -1 and +1, each row a cell, in lexicographic order.

    Examples
    --------
    >>> all_cells(np.eye(2)).tolist()
    [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    """
    h, r = normals.shape
    if h == 0:
        return np.zeros((1, 0), dtype=np.int8)
    solid = np.zeros((h, 3))
    solid[:, :r] = normals
    if r < 3:
        found = arc_signs(np.array([0.0, 0.0, 1.0]), -1, solid)
    else:
        found = np.vstack([arc_signs(solid[i], i, solid) for i in range(h)])
    found = np.vstack([found, -found])
    packed = np.unique(np.packbits(found > 0, axis=1), axis=0)
    bits = np.unpackbits(packed, axis=1, count=h).astype(np.int8)
    return 2 * bits - 1


def all_facets(cells: Signs) -> NDArray[np.bool_]:
    """Which hyperplanes bound which cells, (P, h), for the list of all cells.

    A hyperplane bounds a cell exactly where the cell on its other side, with that one sign
    flipped, is a cell too.

    Examples
    --------
    >>> all_facets(all_cells(np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]))).sum(axis=1).tolist()
    [2, 2, 2, 2, 2, 2]
    """
    known = {cell.tobytes() for cell in cells}
    facets = np.zeros(cells.shape, dtype=bool)
    flipped = cells.copy()
    for k in range(cells.shape[1]):
        flipped[:, k] *= -1
        facets[:, k] = [cell.tobytes() in known for cell in flipped]
        flipped[:, k] *= -1
    return facets


def arc_signs(axis: Array, own: int, normals: Array) -> Signs:
    """Signs of the cells beside the arcs of one half circle."""
    p, q = plane_basis(axis)
    order, along, side = crossings(normals, own, p, q)
    starts = np.flatnonzero(arc_has_length(along))
    rank = np.empty(len(normals), dtype=np.int64)
    rank[order] = np.arange(len(order))
    arcs = np.where(rank[None, :] <= starts[:, None], -side, side).astype(np.int8)
    if own < 0:
        return arcs
    arcs = np.vstack([arcs, arcs])
    arcs[:, own] = np.repeat(np.array([1, -1], dtype=np.int8), len(starts))
    return arcs


def arc_has_length(along: Array) -> NDArray[np.bool_]:
    """Which arcs are longer than rounding: several circles may cross at one point."""
    ends = np.vstack([along[1:], -along[:1]])
    sine = along[:, 0] * ends[:, 1] - along[:, 1] * ends[:, 0]
    return (np.abs(sine) > SAME_CROSSING) | (len(along) == 1)
