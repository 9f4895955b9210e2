"""Exact maximisation over the l1 ball in at most three dimensions: at vertices.

    g(u) = sum_k plus_k (e_k.u)_+ + minus_k (-e_k.u)_+

is to be made as large as possible on ``|u|_1 <= 1``, with either sign or with one of them.

Add the coordinate hyperplanes ``u_i = 0`` to the arrangement of the ``e_k``. In each cell of both
together ``g`` and ``|u|_1`` are linear, so their ratio is largest on an extreme ray of the cell,
and that is a vertex: a direction in which hyperplanes of rank r - 1 cross. The coordinate
hyperplanes make sure that every cell has extreme rays and no lines.

For r = 3 the crossings are met along each circle, with the gradient ``c`` of ``g`` kept up to date
by one addition for each: O(h^2 log h) for h hyperplanes.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cvxnet.training.geometry.circles import add3, crossings, dot3, plane_basis
from cvxnet.training.pricing.maxima import BOTH, LocalMaxima, Sides
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.types import Array

ZERO = 1e-15
"""Directions closer than this to a hyperplane lie on it."""
KEPT = 100
"""Vertices returned, best first."""


def best_vertices(
    normals: Array,
    plus: Array,
    minus: Array,
    floor: float,
    budget: Budget | None = None,
    sides: Sides = BOTH,
) -> LocalMaxima:
    """The best vertices above ``floor``, as units with ``|u|_1 = 1``.

    Parameters
    ----------
    normals : (h, r) array
        Distinct unit normals of rank r <= 3, those of the coordinate hyperplanes among them.
    plus, minus : (h,) arrays
    budget : Budget, optional
        What it may take.
    sides : tuple of float
        The signs of ``g`` that count.

    Examples
    --------
    >>> found = best_vertices(np.eye(2), np.array([3.0, 4.0]), np.zeros(2), 0.0)
    >>> found.rho, abs(found.units[0]).tolist()
    (4.0, [0.0, 1.0])
    """
    h, r = normals.shape
    scale = float(np.abs(plus).sum() + np.abs(minus).sum())
    error = (h + 100) * np.finfo(float).eps * scale * np.sqrt(r)
    solid = np.zeros((h, 3))
    solid[:, :r] = normals
    work = 0
    if r == 3:
        found, complete, work = vertices_in_space(solid, plus, minus, budget or Budget())
        error = error if complete else np.inf
    else:
        across = np.column_stack([-normals[:, 1], normals[:, 0]]) if r == 2 else np.ones((1, 1))
        heights = across @ normals.T
        heights[np.abs(heights) < ZERO] = 0.0
        values = np.maximum(heights, 0.0) @ plus + np.maximum(-heights, 0.0) @ minus
        opposite = np.maximum(-heights, 0.0) @ plus + np.maximum(heights, 0.0) @ minus
        found = np.zeros((2 * len(across), 4))
        found[:, 0] = np.concatenate([values, opposite])
        found[:, 1 : 1 + r] = np.vstack([across, -across])
    found = found[found[:, 1:].any(axis=1) & np.isin(np.sign(found[:, 0]), sides)]
    lengths = np.abs(found[:, 1:]).sum(axis=1)
    values, units = found[:, 0] / lengths, found[:, 1 : 1 + r] / lengths[:, None]
    rho = max(float(np.abs(values).max(initial=0.0)), floor)
    order = np.argsort(-np.abs(values), kind="stable")
    order = order[np.abs(values[order]) > floor][: 4 * KEPT]
    _, first = np.unique(units[order].round(9), axis=0, return_index=True)
    order = order[np.sort(first)][:KEPT]
    values, units = values[order], units[order]
    return LocalMaxima(rho, error, np.abs(values), units, np.sign(values), work=work)


def vertices_in_space(
    normals: Array, plus: Array, minus: Array, budget: Budget
) -> tuple[Array, bool, int]:
    """Rows (value, u) of the best vertices on each circle, both signs; whether on all; the work."""
    found, used = [np.zeros((0, 4))], 0
    for i in range(len(normals)):
        if budget.over:
            break
        found.append(vertices_on_circle(normals, i, plus, minus))
        budget.work -= len(normals)
        used += len(normals)
    return np.vstack(found), used == len(normals) ** 2, used


@njit(cache=True)
def vertices_on_circle(normals, own, plus, minus):  # type: ignore[no-untyped-def]
    """The two best vertices of either sign on the circle ``e_own.u = 0``, as (value, u), (4, 4).

    ``normals`` (h, 3), ``plus`` and ``minus`` (h,).
    """
    p, q = plane_basis(normals[own])
    order, along, side = crossings(normals, own, p, q)
    c, opposite = np.zeros(3), np.zeros(3)
    for k in order:
        add3(c, plus[k] if side[k] > 0 else -minus[k], normals[k])
        add3(opposite, -minus[k] if side[k] > 0 else plus[k], normals[k])
    best = np.zeros((4, 4))
    u = np.empty(3)
    for t in range(order.size):
        k = order[t]
        for x in range(3):
            u[x] = along[t, 0] * p[x] + along[t, 1] * q[x]
        length = abs(u[0]) + abs(u[1]) + abs(u[2])
        for h in (1.0, -1.0):  # the vertex, then the opposite one
            value = h * dot3(c if h > 0.0 else opposite, u)
            insert(best, value, length, u, h)
        jump = plus[k] + minus[k]
        side[k] = -side[k]
        add3(c, side[k] * jump, normals[k])
        add3(opposite, -side[k] * jump, normals[k])
    return best


@njit(cache=True)
def insert(best, value, length, u, h):  # type: ignore[no-untyped-def]
    """Put ``value / length`` and ``h u``, (3,), into ``best`` (4, 4), if it is good enough.

    Rows 0, 1 hold the two largest, rows 2, 3 the two smallest ratios, with their u.
    """
    sign = 1.0 if value > 0.0 else -1.0
    start = 0 if value > 0.0 else 2
    for row in (start, start + 1):
        held = abs(best[row, 1]) + abs(best[row, 2]) + abs(best[row, 3])
        if held == 0.0 or sign * value * held > sign * best[row, 0] * length:
            for x in range(4):
                if row == start:
                    best[start + 1, x] = best[start, x]
                best[row, x] = value if x == 0 else h * u[x - 1]
            return
