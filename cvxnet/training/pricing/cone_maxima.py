"""Local maxima in a simple cone, in which all rows of P but a FEW are decided.

Their signs are tried out: with each choice s g is concave in the cone, if it has these signs.
`nearest_point` then finds the maximum on the sphere, and it counts if it lies in the cone and has
these signs. Behind walls the same is asked on each face of the first cone that the cone touches.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from cvxnet.kernels import dot
from cvxnet.training.pricing.cone_bounds import ROOM, lowest_share
from cvxnet.training.pricing.nearest_point import dot_row, nearest_point

SAME = 1e-10
"""A local maximum with wrong signs shows by g being larger than this, relatively."""


@njit(cache=True)
def rows_of(undecided, begin, end):  # type: ignore[no-untyped-def]
    """Some of the undecided rows (r + 1, k), one after the other: (m, r + 1)."""
    rows = np.empty((end - begin, undecided.shape[0]))
    for t in range(begin, end):
        for x in range(undecided.shape[0]):
            rows[t - begin, x] = undecided[x, t]
    return rows


@njit(cache=True)
def choose_signs(cone, tried, signs, slope, sums):  # type: ignore[no-untyped-def]
    """The slope of the cone with the rows (k, r + 1) of P counting with these signs, a bit each.

    ``sums[0]`` become the values at the corners, see `sums_of`.
    """
    r = slope.size
    for x in range(r):
        slope[x] = cone[2 * r, x]
        for k in range(tried.shape[0]):
            slope[x] += tried[k, x] if (signs >> k) & 1 else -tried[k, x]
    for i in range(r):
        sums[0, i] = sums[2, i] + dot_row(cone, i, slope)


@njit(cache=True)
def sums_of(cone, rows, sums):  # type: ignore[no-untyped-def]
    """Of rows (k, r + 1) of N, for each i: into ``sums[1]`` the sum of ``|n_i.a_k|``, and into
    ``sums[2]`` that of the ``-t_k a_k.v_i``, with ``t_k`` the sign in the middle.
    """
    r = cone.shape[1]
    for i in range(r):
        sums[1, i] = sums[2, i] = 0.0
    for k in range(rows.shape[0]):
        total = 0.0
        for i in range(r):
            total += dot_row(rows, k, cone[i])
            sums[1, i] += abs(dot_row(rows, k, cone[r + i]))
        side = 1.0 if total > 0.0 else -1.0
        for i in range(r):
            sums[2, i] -= side * dot_row(rows, k, cone[i])


@njit(cache=True)
def maximum_in(cone, slope, inner, face, level, reach, u):  # type: ignore[no-untyped-def]
    """The local maximum on a face of a simple cone: its value, from above; ``u``; how far it may be
    off, and whether it is so close to a wall that the signs of decided rows are uncertain.

    The value is 0 where there is none above the level. ``inner`` (k, r + 1) are the rows of N.
    """
    r, whole = u.size, face == (1 << u.size) - 1
    for x in range(r):
        u[x] = 0.0
        for i in range(r):
            u[x] += cone[i, x] * ((face >> i) & 1)
    if whole:
        value, excess = nearest_point(slope, inner, np.arange(inner.shape[0]), level, u)
    else:
        value, excess = nearest_on_face(cone, slope, inner, face, level, u)
    if value <= level:
        return 0.0, 0.0, False
    far, unclear = ROOM + np.sqrt(excess) / value, not whole
    for i in range(r):
        if (face >> i) & 1:
            normal = cone[r + i]
            off = far * np.sqrt(dot(normal, normal)) + lowest_share(cone, r + i) * reach
            share = dot(normal, u)
            if share < -off:
                return 0.0, 0.0, False
            unclear = unclear or share < off
    return value, far, unclear


@njit(cache=True)
def nearest_on_face(cone, slope, inner, face, level, u):  # type: ignore[no-untyped-def]
    """`nearest_point` among the units that some corners span, all projected on these."""
    r, basis = u.size, np.zeros((u.size, u.size))
    size = span_of_face(cone, face, basis)
    k = inner.shape[0]
    projected, along, own = np.empty((k, size)), np.empty(size), np.empty(size)
    for j in range(size):
        along[j], own[j] = dot_row(basis, j, slope), dot_row(basis, j, u)
        for t in range(k):
            projected[t, j] = dot_row(inner, t, basis[j])
    value, excess = nearest_point(along, projected, np.arange(k), level, own)
    for x in range(r):
        u[x] = 0.0
        for j in range(size):
            u[x] += own[j] * basis[j, x]
    return value, excess


@njit(cache=True)
def span_of_face(cone, face, basis):  # type: ignore[no-untyped-def]
    """The dimension of the span of some corners; ``basis`` (r, r) becomes an orthonormal one."""
    r, size = basis.shape[1], np.int64(0)  # no literal: see `kernels`
    for i in range(r):
        if (face >> i) & 1:
            for x in range(r):
                basis[size, x] = cone[i, x]
            for j in range(size):
                share = dot_row(basis, j, basis[size])
                for x in range(r):
                    basis[size, x] -= share * basis[j, x]
            length = np.sqrt(dot_row(basis, size, basis[size]))
            for x in range(r):
                basis[size, x] /= length
            size += 1
    return size


@njit(cache=True)
def signs_agree(tried, signs, u, far):  # type: ignore[no-untyped-def]
    """1 where u has these signs at the rows tried, 0 where it has not, -1 where it is too close."""
    r, clear = u.size, 1
    for k in range(tried.shape[0]):
        at = dot_row(tried, k, u) if (signs >> k) & 1 else -dot_row(tried, k, u)
        if at < -far * tried[k, r]:
            return 0
        if at < far * tried[k, r]:
            clear = -1
    return clear


@njit(cache=True)
def value_at(u, rows, convex, b):  # type: ignore[no-untyped-def]
    """``s g(u)``."""
    value = dot(b, u)
    for k in range(rows.shape[0]):
        height = abs(dot_row(rows, k, u))
        value += height if k < convex else -height
    return value


@njit(cache=True, nogil=True)
def climb(start, rows, convex, b, steps):  # type: ignore[no-untyped-def]
    """The largest value of ``s g`` met from a start, (r,), in steps to where the slope points."""
    r, best, u = b.size, 0.0, start.copy()
    for _ in range(steps):
        slope = b.copy()
        for k in range(rows.shape[0]):
            side = 1.0 if (dot_row(rows, k, u) > 0.0) == (k < convex) else -1.0
            for x in range(r):
                slope[x] += side * rows[k, x]
        value = dot(slope, u) / np.sqrt(dot(u, u))
        if not value > best:
            break
        best, u = value, slope
    return best
