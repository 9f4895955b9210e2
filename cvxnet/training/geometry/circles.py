"""Circles on the sphere: where the hyperplanes of an arrangement cross one of them in space.

On the circle ``axis.u = 0`` the others cross at directions sorted once; between two crossings the
signs of all normals are constant. An arrangement in the plane is the circle that no normal owns.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cvxnet.kernels import stable_order


@njit(cache=True)
def plane_basis(axis):  # type: ignore[no-untyped-def]
    """Orthonormal ``p, q`` (3,) of the plane orthogonal to the unit vector ``axis`` (3,)."""
    smallest = 0
    for x in range(1, 3):
        if abs(axis[x]) < abs(axis[smallest]):
            smallest = x
    p = np.zeros(3)
    a, b = (smallest + 1) % 3, (smallest + 2) % 3
    length = np.sqrt(axis[a] * axis[a] + axis[b] * axis[b])
    p[a], p[b] = -axis[b] / length, axis[a] / length
    q = np.empty(3)
    for x in range(3):
        y, z = (x + 1) % 3, (x + 2) % 3
        q[x] = axis[y] * p[z] - axis[z] * p[y]
    return p, q


@njit(cache=True)
def crossings(normals, own, p, q):  # type: ignore[no-untyped-def]
    """Where other circles cross the one in the plane of p and q (3,), by angle in [0, pi).

    Of the ``normals`` (h, 3) the one that owns the circle is left out (``own``, or -1: there is
    none). Returns who crosses (k,), in which direction (k, 2), and all sides before (h,).

    Normal k meets the circle at (-b, a) with a = e_k.p, b = e_k.q; its angle grows with b / a.
    ``side`` is the sign of ``e_k.u`` just before angle 0.
    """
    h = normals.shape[0]
    size = h - 1 if own >= 0 else h
    who = np.empty(size, np.int64)
    key = np.empty(size)
    direction = np.empty((size, 2))
    side = np.zeros(h, np.int8)
    t = 0
    for k in range(h):
        if k == own:
            continue
        a, b = dot3(normals[k], p), dot3(normals[k], q)
        ahead = a > 0.0 or (a == 0.0 and b < 0.0)
        side[k] = 1 if ahead else -1
        who[t] = k
        key[t] = b / a if a != 0.0 else -np.inf
        length = np.hypot(a, b) if ahead else -np.hypot(a, b)
        direction[t, 0], direction[t, 1] = -b / length, a / length
        t += 1
    order, along = stable_order(key), np.empty((size, 2))
    for t in range(size):
        place = order[t]
        order[t] = who[place]
        along[t, 0], along[t, 1] = direction[place, 0], direction[place, 1]
    return order, along, side


@njit(cache=True)
def dot3(a, b):  # type: ignore[no-untyped-def]
    """The inner product of two vectors in space, (3,): `dot` without its loop."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True)
def add3(total, factor, vector):  # type: ignore[no-untyped-def]
    """``total += factor * vector`` in place, in space, (3,): `add` without its loop."""
    total[0] += factor * vector[0]
    total[1] += factor * vector[1]
    total[2] += factor * vector[2]


@njit(cache=True)
def in_cell(normals, h, side, order, t, u, tol):  # type: ignore[no-untyped-def]
    """Whether ``u`` (3,) lies in the closed cell at arc ``t``; the nearest circles dismiss most.

    ``order`` (k,) and ``side`` (h,) are of `crossings`; ``h`` is 1 on the arc, -1 opposite of it.
    """
    ahead = order[t + 1 if t + 1 < order.size else 0]
    if h * side[ahead] * dot3(normals[ahead], u) < -tol:
        return False
    for back in range(order.size):
        k = order[t - back]
        if h * side[k] * dot3(normals[k], u) < -tol:
            return False
    return True
