"""The walk of `cvxnet.training.outputs.sweep` along circles, and its tests on the way.

On a circle all vectors are in its own coordinates: its basis p, q and its normal, the axis.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cvxnet.kernels import dot
from cvxnet.training.geometry.circles import crossings, dot3, in_cell, plane_basis
from cvxnet.training.outputs.quadratic_forms import (
    above_in_plane,
    above_in_space,
    add_own,
    diagonalise,
    direction,
    dots,
    gram,
    order_of_diagonal,
    quadratic_form,
    square,
    vector,
)
from cvxnet.types import Array

ROUNDED = 1e-15
"""Rounding of products of unit vectors."""
TIED = 4.0
"""Circles that pass a vertex closer than so many times its rounding go through it."""
TOLERANCE = 4.0
"""How many times their rounding conditions may be violated."""
SEPARATE, ROUGH = 1e-3, 1e-8
"""Where the largest eigenvalue is above the next by this part, determinants tell by that."""


class Circle(NamedTuple):
    """The circle ``axis.u = 0``, what crosses it, and the vectors ``P_k`` and ``N_k``.

    Attributes
    ----------
    basis : (3, 3) array
        p, q and the axis, one a row.
    normals : (h, 3) array
        All normals, in that basis.
    plus, minus : (h, c) arrays
    own : int
        The normal that is the axis, or -1.
    order, along, side : arrays
        Of `crossings`; sides are kept up to date along the walk.
    limits : tuple
        The floor and the error of M.
    """

    basis: Array
    normals: Array
    plus: Array
    minus: Array
    own: int
    order: NDArray[np.int64]
    along: Array
    side: NDArray[np.int8]
    limits: tuple[float, float]


# In all kernels below ``plus`` and ``minus`` are (h, c), ``M`` (3, c), ``K``, ``L`` and ``V``
# (3, 3), ``u`` and other vectors in space (3,), ``found`` is (m, 4), with rows (root of the
# eigenvalue, u), and ``count`` (1,) how many there are, be there room for them or not. An arc is
# (t, sign): sign is 1.0 on the one after crossing t and -1.0 on the opposite one.


@njit(cache=True, nogil=True, error_model="numpy")
def walk_circles(owners, normals, plus, minus, limits, found):  # type: ignore[no-untyped-def]
    """Find what is on the circles of these normals (m,); returns how much that is.

    -1 stands for the plane of the first two coordinates.
    """
    count = np.zeros(1, np.int64)
    for own in owners:
        axis = normals[own] if own >= 0 else vector(0.0, 0.0, 1.0)
        p, q = plane_basis(axis)
        order, along, side = crossings(normals, own, p, q)
        basis, turned = in_basis(normals, p, q, axis)
        circle = Circle(basis, turned, plus, minus, own, order, along, side, limits)
        walk_circle(circle, found, count)
    return count[0]


@njit(cache=True, error_model="numpy")
def in_basis(normals, p, q, axis):  # type: ignore[no-untyped-def]
    """The basis as a matrix, and the normals in it."""
    basis, turned = np.empty((3, 3)), np.empty(normals.shape)
    for x in range(3):
        basis[0, x], basis[1, x], basis[2, x] = p[x], q[x], axis[x]
    for k in range(normals.shape[0]):
        for x in range(3):
            turned[k, x] = dot3(normals[k], basis[x])
    return basis, turned


@njit(cache=True, error_model="numpy")
def walk_circle(circle, found, count):  # type: ignore[no-untyped-def]
    """Walk along one circle, past the crossings of all others."""
    normals, plus, minus, limits = circle.normals, circle.plus, circle.minus, circle.limits
    own, order, along, side = circle.own, circle.order, circle.along, circle.side
    M = slopes_before_first_crossing(normals, plus, minus, order, side)
    K, L, V, end = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3)), np.empty(2)
    floor, level = limits[0], limits[0] * limits[0]
    own_size = np.sqrt(max(square(plus[own]), square(minus[own])))
    for t in range(order.size):
        k = order[t]
        side[k] = -side[k]
        cross(M, normals, plus, minus, k, side[k])
        shift = uncertainty(normals, k) + next_end(circle, t, end)
        for a in range(2):
            sign = 1.0 - 2.0 * a
            gram(M[a], K)
            if above_in_plane(K, level):
                if may_turn(M[a], K, along[t], sign, normals[k], (plus[k], minus[k]), limits):
                    examine_vertex(circle, M[a], K, t, sign, found, count)
                examine_arc(circle, M[a], K, t, sign, found, count)
            if own < 0 or np.sqrt(K[0, 0] + K[1, 1] + K[2, 2]) + own_size <= floor:
                continue
            for own_side in (1.0, -1.0):
                add_own(M[a], K, plus[own] if own_side > 0.0 else minus[own], own_side, L)
                if may_have_foot(L, along[t], end, sign * own_side, limits, shift):
                    examine_cell(circle, L, V, (t, sign, own_side), found, count)


@njit(cache=True, error_model="numpy")
def slopes_before_first_crossing(normals, plus, minus, order, side):  # type: ignore[no-untyped-def]
    """``M`` on the arc that ends at the first crossing, and on the opposite arc, (2, 3, c)."""
    M = np.zeros((2, 3, plus.shape[1]))
    for k in order:
        for x in range(3):
            step = side[k] * normals[k, x]
            for o in range(plus.shape[1]):
                M[0, x, o] += step * (plus[k, o] if side[k] > 0 else minus[k, o])
                M[1, x, o] -= step * (minus[k, o] if side[k] > 0 else plus[k, o])
    return M


@njit(cache=True, error_model="numpy")
def cross(M, normals, plus, minus, k, side):  # type: ignore[no-untyped-def]
    """Let both arcs, (2, 3, c), go on past the crossing k, to this side of it."""
    for o in range(plus.shape[1]):
        jump = side * (plus[k, o] + minus[k, o])
        for x in range(3):
            M[0, x, o] += normals[k, x] * jump
            M[1, x, o] -= normals[k, x] * jump


@njit(cache=True, error_model="numpy")
def may_turn(M, K, start, sign, normal, kink, limits):  # type: ignore[no-untyped-def]
    """Whether ``|g|`` exceeds the floor at the start (2,) of the arc, and rises along it to there.

    Whether it falls then, and rises before, where the term of the circle that crosses differs. Of
    several circles through a vertex that is a local maximum it is so at one.
    """
    x, y, (floor, error) = start[0], start[1], limits
    value = K[0, 0] * x * x + 2.0 * K[0, 1] * x * y + K[1, 1] * y * y
    if value <= floor * floor:
        return False
    ahead = K[0, 1] * (x * x - y * y) + (K[1, 1] - K[0, 0]) * x * y
    shift = ROUNDED / max(abs(normal[0]), abs(normal[1]), ROUNDED)
    tolerance = TOLERANCE * (error * np.sqrt(value) + shift * (K[0, 0] + K[1, 1] + K[2, 2]))
    if ahead > tolerance:
        return False
    plus, minus = kink
    bend = 0.0
    for o in range(plus.size):
        bend += sign * (x * M[0, o] + y * M[1, o]) * (plus[o] + minus[o])
    return ahead >= abs(x * normal[1] - y * normal[0]) * bend - tolerance


@njit(cache=True, error_model="numpy")
def may_have_foot(L, start, end, turn, limits, shift):  # type: ignore[no-untyped-def]
    """False where the top eigenvalue of L is below the floor, or it is clear from another arc.

    It is where the top eigenvector is clearly not nearest to this arc of all of its cell.

    The point of the boundary nearest to a point of the cell is the foot of its perpendicular on the
    circle of one of the arcs, and on that arc. With A the block of L in the plane, b the rest of
    its last column and l the top eigenvalue, the foot of the eigenvector on the axis' side is in
    the direction ``(l - A)^-1 b``, of which ``l b - adj(A) b`` is a positive multiple: on which
    side of the ends of the arc it is, is linear in l. ``turn`` is the sign of the arc times the
    axis' side. The ends are uncertain by ``shift``. Where l may be close to the next eigenvalue,
    which is no larger than that of A, anything may be.
    """
    floor, error = limits
    if not above_in_space(L, floor * floor):
        return False
    half = (L[0, 0] - L[1, 1]) / 2.0
    block = (L[0, 0] + L[1, 1]) / 2.0 + np.sqrt(half * half + L[0, 1] * L[0, 1])
    if not above_in_space(L, (1.0 + SEPARATE) * block):
        return True
    level = max(floor * floor, block)
    slack = ROUGH + shift + TOLERANCE * error / (SEPARATE * np.sqrt(level))
    return ahead_of(L, turn * start[0], turn * start[1], level, slack) and ahead_of(
        L, -turn * end[0], -turn * end[1], level, slack
    )


@njit(cache=True, error_model="numpy")
def ahead_of(L, x, y, level, slack):  # type: ignore[no-untyped-def]
    """Whether the foot of `may_have_foot` may be less than a half turn ahead of (x, y)."""
    b, d, size = L[0, 2], L[1, 2], L[0, 0] + L[1, 1] + L[2, 2]
    slope = x * d - y * b
    least = x * (L[0, 0] * d - L[0, 1] * b) - y * (L[1, 1] * b - L[0, 1] * d)
    least -= slack * size * (size + abs(b) + abs(d))
    if slope > 0.0:  # slope l >= least
        return least <= slope * level or above_in_space(L, least / slope)
    return least <= 0.0 and (slope == 0.0 or not above_in_space(L, least / slope))


@njit(cache=True, error_model="numpy")
def next_end(circle, t, end):  # type: ignore[no-untyped-def]
    """Write the end of the arc after crossing t into ``end`` (2,); returns how uncertain it is."""
    after = t + 1 if t + 1 < circle.order.size else 0
    turn = 1.0 if t + 1 < circle.order.size else -1.0
    end[0], end[1] = turn * circle.along[after, 0], turn * circle.along[after, 1]
    return uncertainty(circle.normals, circle.order[after])


@njit(cache=True, error_model="numpy")
def examine_vertex(circle, M, K, t, sign, found, count):  # type: ignore[no-untyped-def]
    """Keep the vertex at the start of the arc if ``|g|`` rises along no circle through it."""
    normals, order, error = circle.normals, circle.order, circle.limits[1]
    u = vector(sign * circle.along[t, 0], sign * circle.along[t, 1], 0.0)
    value, w = np.sqrt(quadratic_form(K, u)), direction(M, u)
    shift = uncertainty(normals, order[t])
    tolerance = TOLERANCE * (error + shift * (K[0, 0] + K[1, 1] + K[2, 2]) / value)
    size, first, last = order.size, t, t + 1
    while last - first < size and passes(normals, order[first - 1], u, shift):
        first -= 1
    while last - first < size and passes(normals, order[last - size], u, shift):
        last += 1
    through, axis = np.empty(last - first, np.int64), vector(0.0, 0.0, 1.0)
    for place in range(first, last):
        through[place - first] = order[place % size]
    if rises(circle, M, w, through, (axis, u, sign), tolerance):
        return
    for k in through:
        if circle.own >= 0 and rises(circle, M, w, through, (normals[k], u, sign), tolerance):
            return
    keep(circle, value, u, found, count)


@njit(cache=True, error_model="numpy")
def passes(normals, k, u, shift):  # type: ignore[no-untyped-def]
    """Whether circle k goes through the vertex u up to rounding."""
    return abs(dot3(normals[k], u)) <= TIED * (shift + ROUNDED)


@njit(cache=True, error_model="numpy")
def uncertainty(normals, k):  # type: ignore[no-untyped-def]
    """By how much the direction in which circle k crosses this one may be off."""
    return ROUNDED / max(abs(normals[k, 0]), abs(normals[k, 1]), ROUNDED)


@njit(cache=True, error_model="numpy")
def rises(circle, M, w, through, where, tolerance):  # type: ignore[no-untyped-def]
    """Whether ``|g|`` rises from the vertex u along the circle of a normal, to either end.

    ``through`` (m,) are the circles through it beside this one; ``where`` is the normal, u and the
    sign of the arc. M has the terms of all but the axis on the sides of that arc.
    """
    normal, u, sign = where
    tangent = np.empty(3)
    for turn in (1.0, -1.0):
        for x in range(3):
            y, z = (x + 1) % 3, (x + 2) % 3
            tangent[x] = turn * (u[y] * normal[z] - u[z] * normal[y])
        slope = dot3(tangent, dots(M, w))
        if circle.own >= 0:
            terms = circle.plus if tangent[2] > 0.0 else circle.minus
            slope += abs(tangent[2]) * dot(terms[circle.own], w)
        for k in through:
            beyond = -sign * circle.side[k] * dot3(circle.normals[k], tangent)
            if beyond > 0.0:
                slope += beyond * (dot(circle.plus[k], w) + dot(circle.minus[k], w))
        if slope > tolerance:
            return True
    return False


@njit(cache=True, error_model="numpy")
def examine_arc(circle, M, K, t, sign, found, count):  # type: ignore[no-untyped-def]
    """Keep the top eigenvector in the plane if it is on the arc and ``|g|`` rises to no side."""
    _, error = circle.limits
    mean, half = (K[0, 0] + K[1, 1]) / 2.0, (K[0, 0] - K[1, 1]) / 2.0
    radius = np.hypot(half, K[0, 1])
    top = np.sqrt(mean + radius)
    rounding = TOLERANCE * error / top
    if 2.0 * radius <= np.sqrt(rounding) * top * top:  # all points of the arc are alike
        u = vector(sign * circle.along[t, 0], sign * circle.along[t, 1], 0.0)
        keep(circle, top, u, found, count)
        return
    slack = rounding * top * top / (2.0 * radius)
    x, y = (radius + half, K[0, 1]) if half >= 0.0 else (K[0, 1], radius - half)
    turn = on_arc(circle.along, circle.normals, circle.order, (t, sign), (x, y), slack)
    if turn != 0.0:
        size = turn * np.sqrt(x * x + y * y)
        u = vector(x / size, y / size, 0.0)
        w, own = direction(M, u), circle.own
        if own >= 0:
            slope, tolerance = dot(M[2], w), TOLERANCE * error + slack * np.sqrt(K[2, 2])
            if slope + dot(circle.plus[own], w) > tolerance:
                return
            if slope - dot(circle.minus[own], w) < -tolerance:
                return
        keep(circle, top, u, found, count)


@njit(cache=True, error_model="numpy")
def on_arc(along, normals, order, arc, vector, slack):  # type: ignore[no-untyped-def]
    """1.0 if a vector in the plane points into the closed arc up to the slack.

    -1.0 if its opposite does, 0.0 if neither. ``arc`` is t and sign.
    """
    (t, sign), (x, y) = arc, vector
    after = t + 1 if t + 1 < order.size else 0
    turn = sign if t + 1 < order.size else -sign
    begin = sign * (along[t, 0] * y - along[t, 1] * x)
    end = turn * (x * along[after, 1] - y * along[after, 0])
    middle = x * (sign * along[t, 0] + turn * along[after, 0])
    middle += y * (sign * along[t, 1] + turn * along[after, 1])
    opposite = -1.0 if begin + end + middle < 0.0 else 1.0
    size = -np.sqrt(x * x + y * y)
    if opposite * begin < size * (slack + uncertainty(normals, order[t])):
        return 0.0
    if opposite * end < size * (slack + uncertainty(normals, order[after])):
        return 0.0
    return opposite


@njit(cache=True, error_model="numpy")
def examine_cell(circle, L, V, where, found, count):  # type: ignore[no-untyped-def]
    """Keep the top eigenvector of L if it is in the cell; ``where`` is t, sign and axis' side.

    Of close eigenvalues: where their plane meets the circle, if that is on the arc, or its start.
    """
    t, sign, _ = where
    diagonalise(L, V)
    top, second, third = order_of_diagonal(L)
    value = np.sqrt(L[top, top])
    rounding = TOLERANCE * circle.limits[1] / value
    close = np.sqrt(rounding) * L[top, top]
    gap = L[top, top] - L[second, second]
    u = np.empty(3)
    if gap > close:
        slack = rounding * L[top, top] / gap
        for x in range(3):
            u[x] = V[x, top]
        keep_in_cell(circle, value, u, where, slack, found, count)
        return
    x, y, gap = V[1, third], -V[0, third], L[second, second] - L[third, third]
    size = np.sqrt(x * x + y * y)
    if size > np.sqrt(rounding) and gap > close:
        slack = rounding * L[top, top] / gap / size
        turn = on_arc(circle.along, circle.normals, circle.order, (t, sign), (x, y), slack)
        u[0], u[1], u[2] = turn * x / size, turn * y / size, 0.0
        if turn != 0.0:
            keep(circle, value, u, found, count)
    u[0], u[1], u[2] = sign * circle.along[t, 0], sign * circle.along[t, 1], 0.0
    height = 0.0
    for i in range(3):
        height += L[i, i] * (V[0, i] * u[0] + V[1, i] * u[1]) ** 2
    if height >= L[top, top] - 2.0 * close:
        keep(circle, value, u, found, count)


@njit(cache=True, error_model="numpy")
def keep_in_cell(circle, value, u, where, slack, found, count):  # type: ignore[no-untyped-def]
    """Keep u or -u if it lies in the closed cell up to the slack."""
    t, sign, own_side = where
    for _ in range(2):
        if own_side * u[2] >= -slack and in_cell(
            circle.normals, sign, circle.side, circle.order, t, u, slack
        ):
            keep(circle, value, u, found, count)
        for x in range(3):
            u[x] = -u[x]


@njit(cache=True, error_model="numpy")
def keep(circle, value, u, found, count):  # type: ignore[no-untyped-def]
    """Write down a point and the root of its eigenvalue, in the coordinates of space."""
    if count[0] < found.shape[0]:
        found[count[0], 0] = value
        for x in range(3):
            found[count[0], 1 + x] = (
                u[0] * circle.basis[0, x] + u[1] * circle.basis[1, x] + u[2] * circle.basis[2, x]
            )
    count[0] += 1
