"""Pricing of tanh units: local search, and a proved bound by branch and bound on boxes.

The function to maximise over ``|u| <= R`` is ``h(u) = sum_j v_j tanh(x_j.u)``. It is odd, so the
largest value is the largest absolute value. With ``R x_j`` for ``x_j`` the ball has radius one.

A box with centre c and half-width w holds no maximum if an upper bound on it stays below what is
known. Two bounds are tried, with ``t_j = x_j.c`` and ``|x_j.(u - c)| <= w |x_j|_1``.

* Lines. Each term lies below the line parallel to its secant over the interval that touches it:
  ``tanh(t) <= a + s t``, where ``a`` is the largest ``tanh(t) - s t`` at the ends of the interval
  and where ``1 - tanh^2 = s``. The sum of the lines is affine in u. This is good for large boxes.
* Parabolas. With g the gradient of h at c, and k_j the largest second derivative of the j-th term
  over the interval, Taylor's theorem gives for ``d = u - c`` and any ``mu >= 0``, as ``|u| <= 1``,

      h(u) <= h(c) + g.d + 1/2 d^T (sum_j k_j x_j x_j^T) d + mu/2 (1 - |c + d|^2)
           <= h(c) + mu/2 (1 - |c|^2) + (g - mu c).d + 1/2 (l - mu) |d|^2

  with l the largest eigenvalue of the sum: a separate parabola in each coordinate. Tried are mu = 0
  and the multiplier ``mu = g.c / |c|^2`` of the sphere. Near a maximum the parabolas bend down,
  inside as well as on the sphere, so few small boxes are ever needed.

Boxes that may hold more are cut into 2^r; the search ends when none is left, or with too many.
Either way the largest bound that is left is proved.
"""

from __future__ import annotations

from math import atanh, sqrt, tanh

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cvxnet.training.sweep import LocalMaxima

Array = NDArray[np.float64]

STARTS = 64
STEPS = 200
APART = 1e-3
"""Local maxima closer than this, relative to the radius, are one."""
TOLERANCE = 1e-7
"""The bound proved is this much above the largest value found, relatively."""
NEAR = 1.1
"""A bound is worth much work where the largest value is at most this multiple of the floor."""
MANY, FEW = 1_000_000, 50_000
"""Boxes to look at where a bound is worth much work, and elsewhere."""
INFLECTION = atanh(1.0 / sqrt(3.0))
"""Where the second derivative of tanh is extreme, with the sign opposite to that of t."""


def price_tanh(rows: Array, v: Array, radius: float, floor: float = 0.0) -> LocalMaxima:
    """Local maxima of ``|sum_j v_j tanh(x_j.u)|`` over ``|u| <= radius``, with a proved bound.

    All signs are +1, as ``-u`` has the opposite value. ``rho + error`` bounds the maximum; the
    error is TOLERANCE where branch and bound could finish.

    Parameters
    ----------
    rows : (n, r) array
        The data.
    v : (n,) array
        Dual vector.
    radius : float
        Of the ball that ``u`` lives in.
    floor : float
        Maxima at or below this value are not looked for.

    Examples
    --------
    >>> found = price_tanh(np.array([[1.0], [0.5]]), np.array([2.0, -1.0]), 10.0)
    >>> round(found.rho, 4), found.units.round(4).tolist(), found.error < 1e-6
    (1.18, [[1.6629]], True)
    """
    rows = radius * rows
    weight = np.abs(v) @ (1.0 + np.linalg.norm(rows, axis=1))
    error = float((len(v) + 100) * np.finfo(float).eps * weight)
    U, values = climb(rows, v, starting_points(rows, v))
    bound, better = search_boxes(rows, v, max(floor, float(values.max())), floor)
    if len(better):
        more, higher = climb(rows, v, better)
        U, values = np.vstack([U, more]), np.concatenate([values, higher])
    U, values = distinct(U[values > floor], values[values > floor])
    rho = float(values[0]) if len(values) else floor
    error += max(bound - rho, 0.0)
    return LocalMaxima(rho, error, values, radius * U, np.ones(len(values)))


def starting_points(rows: Array, v: Array) -> Array:
    """The best of many random points, spread over all directions and all lengths."""
    rng = np.random.default_rng(0)
    U = rng.standard_normal((20 * STARTS, rows.shape[1]))
    U *= rng.random((len(U), 1)) / np.linalg.norm(U, axis=1)[:, None]
    return U[np.argsort(-(np.tanh(U @ rows.T) @ v))[:STARTS]]


def climb(rows: Array, v: Array, U: Array) -> tuple[Array, Array]:
    """Projected gradient ascent in the unit ball from all points at once."""
    step = np.full((len(U), 1), 1.0 / max(float(np.abs(v) @ (rows * rows).sum(axis=1)), 1e-300))
    T = np.tanh(U @ rows.T)
    values = T @ v
    for _ in range(STEPS):
        moved = U + step * (((1.0 - T * T) * v) @ rows)
        moved /= np.maximum(np.linalg.norm(moved, axis=1), 1.0)[:, None]
        T_moved = np.tanh(moved @ rows.T)
        higher = T_moved @ v
        up = (higher >= values)[:, None]
        U, T = np.where(up, moved, U), np.where(up, T_moved, T)
        values = np.maximum(values, higher)
        step = np.where(up, 2.0 * step, 0.25 * step)
    return U, values


def distinct(U: Array, values: Array) -> tuple[Array, Array]:
    """The points that are APART from all better ones, best first."""
    order = np.argsort(-values, kind="stable")
    kept: list[int] = []
    for i in order:
        if (np.linalg.norm(U[kept] - U[i], axis=1) > APART).all():
            kept.append(int(i))
    return U[kept], values[kept]


def search_boxes(rows: Array, v: Array, best: float, floor: float) -> tuple[float, Array]:
    """A proved bound on h over the unit ball, and points at which h is above ``best``."""
    r = rows.shape[1]
    centres, w, seen = np.zeros((1, r)), 1.0, 0
    most = FEW if 0.0 < NEAR * floor < best else MANY
    corners = np.array(np.meshgrid(*[[-0.5, 0.5]] * r)).reshape(r, -1).T
    better = np.zeros((0, r))
    bounds = np.full(1, np.inf)
    while len(centres):
        level = best * (1.0 + TOLERANCE)
        if seen + len(centres) > most:
            return max(level, float(bounds.max())), better
        bounds, values = bound_boxes(centres, w, rows, v, level)
        seen += len(centres)
        top = int(np.argmax(values))
        if values[top] > best:
            best, better = float(values[top]), np.vstack([better, centres[top : top + 1]])
        left = bounds > best * (1.0 + TOLERANCE)
        bounds, centres = bounds[left], centres[left]
        bounds = np.repeat(bounds, 2**r)
        centres = (centres[:, None, :] + w * corners).reshape(-1, r)
        w *= 0.5
    return best * (1.0 + TOLERANCE), better


@njit(cache=True, nogil=True)
def bound_boxes(centres, w, rows, v, level):  # type: ignore[no-untyped-def]
    """An upper bound on h over each box within the ball, and h at its centre.

    A bound below ``level`` is not improved; a centre outside the ball has value -inf.
    """
    reach = w * np.array([np.abs(row).sum() for row in rows])
    bounds, values = np.full(len(centres), -np.inf), np.full(len(centres), -np.inf)
    for i in range(len(centres)):
        c = centres[i]
        if (np.maximum(np.abs(c) - w, 0.0) ** 2).sum() > 1.0:
            continue
        bounds[i] = line_bound(c, w, rows, v, reach)
        if bounds[i] > level:
            value, bound = parabola_bound(c, w, rows, v, reach)
            bounds[i] = min(bounds[i], bound)
            if (c * c).sum() <= 1.0:
                values[i] = value
    return bounds, values


@njit(cache=True)
def line_bound(c, w, rows, v, reach):  # type: ignore[no-untyped-def]
    """The bound from a line above each term."""
    constant, slope = 0.0, np.zeros(c.size)
    for j in range(v.size):
        side = 1.0 if v[j] > 0.0 else -1.0  # -tanh(t) = tanh(-t)
        t = side * dot(rows[j], c)
        low, high = t - reach[j], t + reach[j]
        f_low, f_high = tanh(low), tanh(high)
        s = (f_high - f_low) / (high - low) if high > low else 0.0
        top = max(f_low - s * low, f_high - s * high)
        root = sqrt(max(1.0 - s, 0.0))  # tanh where its slope is s
        if s > 0.0 and root < 1.0 and low < atanh(root) < high:
            top = max(top, root - s * atanh(root))
        constant += abs(v[j]) * top
        add(slope, v[j] * s, rows[j])
    affine = constant + dot(slope, c) + w * np.abs(slope).sum()
    return min(affine, constant + sqrt(dot(slope, slope)))


@njit(cache=True)
def parabola_bound(c, w, rows, v, reach):  # type: ignore[no-untyped-def]
    """h at the centre, and the bound from second derivatives."""
    r = c.size
    value, g, H = 0.0, np.zeros(r), np.zeros((r, r))
    for j in range(v.size):
        t = dot(rows[j], c)
        f = tanh(t)
        value += v[j] * f
        add(g, v[j] * (1.0 - f * f), rows[j])
        k = abs(v[j]) * largest_bend(t if v[j] > 0.0 else -t, reach[j])
        for x in range(r):
            for y in range(r):
                H[x, y] += k * rows[j, x] * rows[j, y]
    largest = np.linalg.eigvalsh(H)[-1]
    square, bound = dot(c, c), np.inf
    for mu in (0.0, max(dot(g, c), 0.0) / max(square, 1e-300)):
        total = value + 0.5 * mu * (1.0 - square)
        for x in range(r):
            total += largest_on_interval(abs(g[x] - mu * c[x]), largest - mu, w)
        bound = min(bound, total)
    return value, bound


@njit(cache=True)
def largest_bend(t, reach):  # type: ignore[no-untyped-def]
    """The largest second derivative of tanh on ``[t - reach, t + reach]``."""
    low, high = t - reach, t + reach
    if low <= -INFLECTION <= high:
        return bend(-INFLECTION)
    return max(bend(low), bend(high))


@njit(cache=True)
def bend(t):  # type: ignore[no-untyped-def]
    """The second derivative of tanh."""
    f = tanh(t)
    return -2.0 * f * (1.0 - f * f)


@njit(cache=True)
def largest_on_interval(slope, curvature, w):  # type: ignore[no-untyped-def]
    """``max slope d + 1/2 curvature d^2`` over ``|d| <= w``, for a slope of at least zero."""
    if curvature >= 0.0 or slope >= -curvature * w:
        return slope * w + 0.5 * curvature * w * w
    return -0.5 * slope * slope / curvature


@njit(cache=True)
def dot(a, b):  # type: ignore[no-untyped-def]
    total = 0.0
    for x in range(a.size):
        total += a[x] * b[x]
    return total


@njit(cache=True)
def add(total, factor, vector):  # type: ignore[no-untyped-def]
    """``total += factor * vector`` in place."""
    for x in range(total.size):
        total[x] += factor * vector[x]
