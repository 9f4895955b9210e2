"""Exact maximisation over all cells of an arrangement in one or two dimensions, by sorting.

The function is that of `cvxnet.training.pricing.subdivision`: for s = +1 and for s = -1, or one of
them, ``s g(u) = s sum_k plus_k (e_k.u)_+ + minus_k (-e_k.u)_+`` for u of length one.

In two dimensions u walks round a circle, and each line ``e_k.u = 0`` crosses it in two opposite
points. Between two crossings ``g(u) = c.u``; a crossing of line k adds ``plus_k + minus_k`` times
``e_k`` to c, with the sign that ``e_k.u`` gets there. So after one sort all c are cumulative sums:
O(h log h) time and O(h) memory. A local maximum is the direction of ``s c``, where that lies in its
own arc, or a crossing whose kink is concave where s g rises before it and falls after it.

In one dimension there are two units.

Rounding: cumulative sums of 2 h terms, from one that is added up in pairs, err by at most
``error``, 2 (h + 100) units of rounding of the sum of all coefficients. Directions count as in
their arc up to that.
"""

from __future__ import annotations

import numpy as np

from cvxnet.training.pricing.cone_search import LEAST
from cvxnet.training.pricing.maxima import BOTH, LocalMaxima, Sides, distinct, none_above
from cvxnet.types import Array


def walk_circle(
    normals: Array, plus: Array, minus: Array, floor: float = 0.0, sides: Sides = BOTH
) -> LocalMaxima:
    """Local maxima of ``s g`` above the floor by more than LEAST of what the largest is.

    Parameters are those of `subdivide`, with ``normals`` (h, 1) or (h, 2).

    Examples
    --------
    >>> found = walk_circle(np.eye(2), np.array([3.0, 4.0]), np.zeros(2), 4.5)
    >>> found.rho, found.units.tolist(), found.outputs.tolist()
    (5.0, [[0.6, 0.8]], [1.0])
    """
    h, r = normals.shape
    scale = float(np.abs(plus).sum() + np.abs(minus).sum())
    error = (h + 100) * np.finfo(float).eps * scale
    floor = max(floor, 2 * error)
    if scale == 0.0:
        return none_above(floor, r, error)
    if r == 1:
        units, values = two_units(normals, plus, minus)
        parts = [np.column_stack([s * values, units, np.full(2, s)]) for s in sides]
    else:
        walk = Walk(normals, plus, minus)
        parts = [np.vstack([walk.arcs(s, error), walk.crossings(s)]) for s in sides]
    found = np.vstack(parts)
    maxima = distinct(found, floor + LEAST * max(found[:, 0].max(initial=0.0) - floor, 0.0))
    rho = float(maxima[0, 0]) if len(maxima) else floor
    return LocalMaxima(rho, error, maxima[:, 0], maxima[:, 1 : 1 + r], maxima[:, 1 + r])


def two_units(normals: Array, plus: Array, minus: Array) -> tuple[Array, Array]:
    """Both units of one dimension, and g there."""
    units = np.array([[1.0], [-1.0]])
    t = normals @ units.T
    return units, plus @ np.maximum(t, 0.0) + minus @ np.maximum(-t, 0.0)


class Walk:
    """Once round the circle.

    Attributes
    ----------
    at : (2 h, 2) array
        The crossings in order, as units.
    bend : (2 h,) array
        The kink of g there.
    after : (2 h, 2) array
        The slope c of g between each crossing and the next.
    """

    def __init__(self, normals: Array, plus: Array, minus: Array) -> None:
        crossings = turned(normals)
        crossings *= np.where(crossings[:, :1] < 0.0, -1.0, 1.0)  # the half circle to the right
        order = np.argsort(np.arctan2(crossings[:, 1], crossings[:, 0]), kind="stable")
        first, e, bend = crossings[order], normals[order], (plus + minus)[order]
        ahead = np.where((e * turned(first)).sum(axis=1) > 0.0, 1.0, -1.0)[:, None]
        before = np.where(ahead < 0.0, plus[order, None], -minus[order, None]) * e
        jumps = ahead * bend[:, None] * e
        self.at, self.bend = np.vstack([first, -first]), np.tile(bend, 2)
        begin = np.ascontiguousarray(before.T).sum(axis=1)  # contiguous ones are added in pairs
        self.after = begin + np.cumsum(np.vstack([jumps, -jumps]), axis=0)

    def arcs(self, s: float, error: float) -> Array:
        """The directions of ``s c`` that lie in their own arc: (value, u, s)."""
        start, end, c = self.at, np.roll(self.at, -1, axis=0), s * self.after
        values = np.hypot(c[:, 0], c[:, 1])
        inside = (cross(start, c) >= -error) & (cross(c, end) >= -error) & (values > 0.0)
        inside &= ((start + end) * c).sum(axis=1) >= 0.0
        units = c[inside] / values[inside, None]
        return np.column_stack([values[inside], units, np.full(len(units), s)])

    def crossings(self, s: float) -> Array:
        """The crossings where ``s g`` rises before and falls after: (value, u, s)."""
        right, up = s * self.after, turned(self.at)
        left = np.roll(right, 1, axis=0)
        top = (s * self.bend < 0.0) & ((left * up).sum(axis=1) >= 0.0)
        top &= (right * up).sum(axis=1) <= 0.0
        units = self.at[top]
        values = (right[top] * units).sum(axis=1)
        return np.column_stack([values, units, np.full(len(units), s)])


def turned(vectors: Array) -> Array:
    """Vectors (m, 2), turned by a right angle to the left."""
    return np.column_stack([-vectors[:, 1], vectors[:, 0]])


def cross(a: Array, b: Array) -> Array:
    """``a x b`` of vectors (m, 2): positive where b lies to the left of a."""
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
