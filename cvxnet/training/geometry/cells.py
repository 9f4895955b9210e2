"""Cells of an arrangement: an interior point, the inequalities that matter, the list of all.

A cell is given by its signs at the normals; its closure is the cone ``signs_k e_k.u >= 0``. Of
these h inequalities only the facets matter. With ``u`` inside, scale each row ``signs_k e_k`` to
meet ``u`` with product one: all rows then lie in one plane, and a row is a facet exactly where it
is a vertex of their convex hull there. In three dimensions that hull is a polygon (fewer than
four facets on average), in two a segment, in one a point. In more dimensions it is Qhull's; what
Qhull cannot do keeps all rows.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from cvxnet.kernels import stable_order
from cvxnet.training.geometry.arrangement import arrange
from cvxnet.training.geometry.circles import crossings, dot3, plane_basis
from cvxnet.types import Array

Signs = NDArray[np.int8]

ON_HYPERPLANE = 1e-9
"""A unit vector closer than this to a hyperplane counts as lying on it."""

SAME_CROSSING = 1e-13
"""Two circles whose directions on a third differ by less cross it at one point."""

LARGEST_HULL = 7
"""Ranks up to which facets are found; beyond, hulls have too many faces."""
CENTRAL = 0.1
"""A point is central enough where Newton's method would move it by less (in its own norm)."""
FLAT = 1e-12
"""Normals whose smallest singular value is below this (relative, squared) span no space."""


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
    return np.asarray(moved / np.linalg.norm(moved))


def signs_at(normals: Array, u: Array) -> Signs:
    """The signs of the cell that contains ``u``, which lies on no hyperplane."""
    return np.where(normals @ u > 0.0, np.int8(1), np.int8(-1))


def facets(normals: Array, signs: Signs, u: Array) -> NDArray[np.int64]:
    """The normals whose inequalities define the closure of the cell around ``u``.

    Parameters
    ----------
    normals : (h, r) array
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
    if h <= 1 or r > LARGEST_HULL:
        return np.arange(h)
    if r > 3:
        return hull_vertices(normals * signs[:, None], u)
    solid, inside = np.zeros((h, 3)), np.zeros(3)
    solid[:, :r] = normals * signs[:, None]
    inside[:r] = u / np.linalg.norm(u)
    return np.unique(polygon_vertices(solid, inside))


@njit(cache=True)
def polygon_vertices(rows, u):  # type: ignore[no-untyped-def]
    """Hull vertices of ``rows / (rows.u)`` in the plane across ``u`` (Andrew's monotone chain).

    ``rows`` (n, 3) have positive products with ``u`` (3,).
    """
    n = rows.shape[0]
    p, q = plane_basis(u)
    points = np.empty((n, 2))
    for k in range(n):
        height = dot3(rows[k], u)
        points[k, 0] = dot3(rows[k], p) / height
        points[k, 1] = dot3(rows[k], q) / height
    order = lexicographic_order(points)
    chain = np.empty(2 * n + 2, np.int64)
    size = lower = 0
    for t in range(2 * n - 1):  # there along the lower chain, then back along the upper one
        k = order[t if t < n else 2 * (n - 1) - t]
        if t == n:
            lower = size - 1
        while size > lower + 1 and not turns_left(points, chain[size - 2], chain[size - 1], k):
            size -= 1
        chain[size] = k
        size += 1
    return chain[: max(size - 1, 1)]


@njit(cache=True)
def lexicographic_order(points):  # type: ignore[no-untyped-def]
    """Indices that sort points (n, 2) by first coordinate, then (two stable sorts) by second."""
    n = len(points)
    key = np.empty(n)
    for t in range(n):
        key[t] = points[t, 1]
    order = stable_order(key)
    for t in range(n):
        key[t] = points[order[t], 0]
    by_first = stable_order(key)
    for t in range(n):
        by_first[t] = order[by_first[t]]
    return by_first


@njit(cache=True)
def turns_left(points, a, b, c):  # type: ignore[no-untyped-def]
    """Whether the way from point a over b to c does; ``points`` (n, 2)."""
    rise = (points[b, 0] - points[a, 0]) * (points[c, 1] - points[a, 1])
    return rise > (points[b, 1] - points[a, 1]) * (points[c, 0] - points[a, 0])


def hull_vertices(rows: Array, u: Array) -> NDArray[np.int64]:
    """The facets by Qhull; all rows where it fails, as where they span no space.

    Rows as seen from the middle of the cell, in coordinates that make them round, suit Qhull.
    """
    middle = centre(rows, u)
    height = rows @ middle
    if not height.min() > 0.0:
        return np.arange(len(rows))
    scaled = rows / height[:, None]
    size, axes = np.linalg.eigh(scaled.T @ scaled)
    if size[0] <= FLAT * size[-1]:
        return np.arange(len(rows))
    across = np.sqrt(size) * (axes.T @ middle)  # all round rows have product 1 with this
    plane = np.linalg.svd(across[None])[2][1:]
    try:
        return np.sort(ConvexHull(scaled @ axes / np.sqrt(size) @ plane.T).vertices)
    except QhullError:
        return np.arange(len(rows))


def centre(rows: Array, u: Array) -> Array:
    """The analytic centre of the cone ``rows.z >= 0``, from ``u`` inside.

    It maximises ``sum_k log(rows_k.z) - n |z|^2 / 2``, here by Newton's method, whose steps are
    damped so as to stay inside.
    """
    z = u / np.linalg.norm(u)
    n, r = rows.shape
    while True:
        scaled = rows / (rows @ z)[:, None]
        gradient = scaled.sum(axis=0) - n * z
        step = np.linalg.solve(scaled.T @ scaled + n * np.eye(r), gradient)
        length = np.sqrt(max(gradient @ step, 0.0))
        if not length > CENTRAL:
            return z
        z = z + step / (1.0 + length)


def all_cells(normals: Array) -> Signs:
    """The signs of every cell of an arrangement of distinct normals.

    Every arc of every circle shows the two cells beside it (in the plane: the cell that it is).
    In more than three dimensions, every hyperplane shows those beside its own cells.

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
    if r > 3:
        parts = [facet_signs(normals, k) for k in range(h)]
    else:
        solid = np.zeros((h, 3))
        solid[:, :r] = normals
        circles = zip(solid, range(h), strict=True) if r == 3 else [(np.eye(3)[2], -1)]
        parts = [arc_signs(axis, own, solid) for axis, own in circles]
    found = np.vstack(parts)
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


def facet_signs(normals: Array, k: int) -> Signs:
    """Signs of the cells on one side of hyperplane k, beside the cells that the others cut in it.

    Those cells are of an arrangement in one dimension less.
    """
    plane = np.linalg.svd(normals[k : k + 1])[2][1:]
    others = np.delete(normals, k, axis=0) @ plane.T
    if not len(others):
        return np.ones((1, 1), dtype=np.int8)
    traces = arrange(others)
    return np.insert(traces.row_sides(all_cells(traces.normals)), k, 1, axis=1)


def arc_signs(axis: Array, own: int, normals: Array) -> Signs:
    """Signs of the cells beside the arcs of one half circle."""
    p, q = plane_basis(axis)
    order, along, side = crossings(normals, own, p, q)
    starts = np.flatnonzero(arc_has_length(along))
    rank = np.empty(len(normals), dtype=np.int64)
    rank[order] = np.arange(len(order))
    arcs = np.where(rank[None, :] <= starts[:, None], -side, side).astype(np.int8)
    if own < 0:
        return np.asarray(arcs)
    arcs = np.vstack([arcs, arcs])
    arcs[:, own] = np.repeat(np.array([1, -1], dtype=np.int8), len(starts))
    return arcs


def arc_has_length(along: Array) -> NDArray[np.bool_]:
    """Which arcs are longer than rounding: several circles may cross at one point."""
    ends = np.vstack([along[1:], -along[:1]])
    sine = along[:, 0] * ends[:, 1] - along[:, 1] * ends[:, 0]
    return (np.abs(sine) > SAME_CROSSING) | (len(along) == 1)
