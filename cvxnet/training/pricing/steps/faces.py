"""Faces of an arrangement, as sides -1, 0 and 1: the list of them, and units inside them.

Threshold units are 1 on their hyperplane, whichever way a row points. Where opposite rows, or more
rows than dimensions, meet on a face, a unit there does what no unit inside a cell does. Rounding
must not move it off: it gets a vector of integers, exactly orthogonal to the rows that it is on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import gcd
from operator import mul

import numpy as np
from flint import fmpz_mat
from scipy.optimize import nnls

from cvxnet.training.pricing.steps.circles import Circles
from cvxnet.training.pricing.steps.dichotomies import Batch, Dichotomies, Signs, sides_at
from cvxnet.types import Array

SAFE = 1e-12
"""A unit must clear the hyperplanes that it is not on by this angle, far above rounding."""
FINEST = 2.0**24
"""Units on faces are looked for in grids of integers up to this size."""
DIGITS = 53
"""Binary digits of doubles."""


def all_sides(cells: Dichotomies, faces: bool) -> Signs:
    """The sides of every cell, or of every face with ``faces``, in lexicographic order.

    Examples
    --------
    >>> all_sides(Dichotomies([(1, 0), (0, 1)]), faces=False).tolist()
    [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    >>> len(all_sides(Dichotomies([(1, 0), (0, 1), (1, 1)]), faces=True))
    13
    """
    h = len(cells.integers)
    if cells.rank <= 1:
        return all_signs(h, faces)
    found = [np.zeros((int(faces), h), dtype=np.int8)]
    for circles, flats in cells.circles():
        for i in np.flatnonzero(circles.crossing).tolist():
            members, own = circles.subsets[i], all_signs(cells.rank - 2, faces)
            if i in flats:
                members, own = flats[i].members, all_sides(flats[i].cells, faces)
                own = np.multiply(flats[i].flips, own)
            arcs, rays = sides_along(circles, i, h)
            inside = np.repeat(arcs, len(own), axis=0)
            inside[:, members] = np.tile(own, (len(arcs), 1))
            found += [inside, -inside] + ([rays, -rays] if faces else [])
    return np.unique(np.vstack(found), axis=0)


def all_signs(count: int, faces: bool) -> Signs:
    """All rows of ``count`` signs, 0 among them or not."""
    rows = list(product((-1, 0, 1) if faces else (-1, 1), repeat=count))
    return np.array(rows, dtype=np.int8).reshape(len(rows), count)


def sides_along(circles: Circles, i: int, h: int) -> tuple[Signs, Signs]:
    """Sides on the arcs and at the crossings of half a circle; 0 on hyperplanes that contain it."""
    entries = circles.entries[i, : circles.crossing[i]]
    place = np.cumsum(~circles.joined[i, : len(entries)]) - 1  # which of the points crossed at
    points = np.arange(place[-1] + 1)[:, None]
    arcs = np.zeros((len(points), h), dtype=np.int8)
    rays = arcs.copy()
    arcs[:, np.abs(entries) - 1] = np.sign(entries) * np.where(place <= points, -1, 1)
    rays[:, np.abs(entries) - 1] = np.sign(entries) * np.sign(place - points)
    return arcs, rays


def best_face(batch: Batch, i: int, s: float, c: Array, d: Array) -> Signs:
    """Sides of the best face that a circle shows, which is no flat."""
    circles = batch.circles
    members = circles.subsets[i]
    on_edge = sides_at(batch, i, 0, s, c)
    on_edge[members[s * d[members] > np.abs(c[members])]] = 0
    _, rays = sides_along(circles, i, len(c))
    candidates = np.vstack([on_edge, rays, -rays])
    return np.asarray(candidates[np.argmax(s * (candidates @ c + (candidates == 0) @ d))])


def middle_of_cell(normals: Array, sides: Signs) -> Array | None:
    """The unit vector in a cell that is farthest from all its hyperplanes; None below SAFE.

    The shortest x with ``side_k e_k.x >= 1`` for all k, by non-negative least squares (Lawson and
    Hanson 1974, chapter 23): with ``E = (side_k e_k, 1)`` in columns and the residual
    ``p = E l - (0, 1)`` it is ``p[:r] / |p[r]|``; without residual there is no such x. Normals are
    (h, r), of length one, sides (h,).
    """
    h, r = normals.shape
    E = np.vstack([(sides[:, None] * normals).T, np.ones(h)])
    target = np.append(np.zeros(r), 1.0)
    u = (E @ nnls(E, target)[0] - target)[:r]
    length = float(np.linalg.norm(u))
    if length == 0.0:
        return None
    u /= length
    return u if (E[:r].T @ u).min() > SAFE else None


def point_on_face(cells: Dichotomies, sides: Signs) -> Array | None:
    """Integers, as doubles, on the hyperplanes of side 0 however they are multiplied.

    None where there are none small enough for that.

    Examples
    --------
    >>> cells = Dichotomies([(1, 1, 0), (1, -1, 0), (0, 1, 1)])
    >>> point_on_face(cells, np.array([0, 1, 1], dtype=np.int8)).tolist()
    [1.0, -1.0, 2.0]
    """
    zero = [cells.integers[k] for k in np.flatnonzero(sides == 0)]
    basis = orthogonal_to(zero)
    t = middle_of_face(cells, sides, basis)
    for w in grid_points(basis, t) if t is not None else ():
        if np.array_equal([sign(inner(row, w)) for row in cells.integers], sides):
            return np.array(w, dtype=float) if all(adds_up(row, w) for row in zero) else None
    return None


def adds_up(x: Sequence[int], y: Sequence[int]) -> bool:
    """Whether rounding leaves ``x . y``, which is 0, alone, in whatever order it is added up.

    No part of the sum is larger than half of all that is in it.
    """
    products = [a * b for a, b in zip(x, y, strict=True)]
    common = gcd(*products)
    unit = common & -common or 1
    return sum(map(abs, products)) // (2 * unit) < 1 << DIGITS


def grid_points(basis: list[list[int]], t: Array) -> Iterator[list[int]]:
    """Integers (r,) whose direction is nearer and nearer to that of t (m,) in a basis (r, m)."""
    size = 1.0
    while size <= FINEST:
        grid = [round(size * x / float(np.abs(t).max())) for x in t]
        yield [inner(row, grid) for row in basis]
        size *= 2.0


def orthogonal_to(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """A basis of the vectors orthogonal to integer rows, exactly, in r rows and m columns."""
    space, dimension = fmpz_mat([list(row) for row in rows]).nullspace()
    return [[int(x) for x in row[:dimension]] for row in space.tolist()]


def middle_of_face(cells: Dichotomies, sides: Signs, basis: list[list[int]]) -> Array | None:
    """A point well inside a face, in the m columns of a basis (r, m) of its span; None if none.

    In them the face is a cell of the hyperplanes that it is not on.
    """
    rest = np.flatnonzero(sides)
    traces = cells.normals[rest] @ np.array(basis, dtype=float)
    lengths = np.linalg.norm(traces, axis=1)
    if not traces.shape[1] or not lengths.all():
        return None
    return middle_of_cell(traces / lengths[:, None], sides[rest])


def inner(x: Iterable[int], y: Iterable[int]) -> int:
    """``x . y`` of integers of any size."""
    return sum(map(mul, x, y))


def sign(x: int) -> int:
    """-1, 0 or 1."""
    return (x > 0) - (x < 0)
