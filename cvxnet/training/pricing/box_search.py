"""Pricing in a ball by local search, with a proved bound by branch and bound on boxes.

The function to maximise over ``|u| <= 1`` is ``h(u) = sum_j v_j phi(x_j.u)``, for phi = tanh (the
radius of another ball is scaled into the rows) or phi = (t)_+^2.

A box with centre c and half-width w holds no maximum if an upper bound on it stays below what is
known. Two bounds are tried, with ``t_j = x_j.c`` and ``|x_j.(u - c)| <= w |x_j|_1``.

* Lines. Each term lies below a line, so h lies below the sum of the lines, which is affine in u.
  This is good for large boxes.
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

from itertools import product
from math import sqrt

import numpy as np
from numba import njit

from cvxnet.kernels import add, dot
from cvxnet.training.clock import now
from cvxnet.training.pricing.maxima import BOTH, LocalMaxima, Sides
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.training.pricing.term_bounds import (
    FUNCTIONS,
    SQUARED_RELU,
    TANH,
    largest_bend,
    line_above,
    value_and_slope,
)
from cvxnet.types import Array

STARTS, STEPS_IN_BALL = 64, 200
"""Points from which gradients are followed, and how far."""
FLATTEST = 1e-200
"""Steps are those for a curvature of at least this."""
LONGEST_STEP = 1e12
"""Relative to the first: where tanh is flat steps would double without end."""
APART = 1e-3
"""Local maxima closer than this are one."""
TOLERANCE = 1e-7
"""The bound proved is this much above the largest value found, relatively."""
NEAR = 1.1
"""A bound is worth much work where the largest value is at most this multiple of the floor."""
MANY, FEW, OVERHEAD = 1e9, 5e7, 300
"""Work where a bound is worth much, and elsewhere: about 1e8 a second. A box costs n r^2 + 300."""
A_ROW = 5.0
"""Work that takes as long as looking at a row in `cvxnet.training.pricing.subdivision`."""

PORTION = 1e7
"""Work between two looks at the clock."""


def price_tanh(
    rows: Array, v: Array, radius: float, floor: float = 0.0, budget: Budget | None = None
) -> LocalMaxima:
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
    budget : Budget, optional
        When the bound has to do.

    Examples
    --------
    >>> found = price_tanh(np.array([[1.0], [0.5]]), np.array([2.0, -1.0]), 10.0)
    >>> round(found.rho, 4), found.units.round(4).tolist(), found.error < 1e-6
    (1.18, [[1.6629]], True)
    """
    found = price_in_ball(TANH, radius * rows, v, floor, {1.0: np.inf}, budget or Budget())
    return found._replace(units=radius * found.units)


def price_squared_relu(
    rows: Array,
    v: Array,
    floor: float = 0.0,
    budget: Budget | None = None,
    sides: Sides = BOTH,
) -> LocalMaxima:
    """Local maxima of ``s sum_j v_j (x_j.u)_+^2`` on the sphere, with a proved bound, at any rank.

    The signs s that count are the ``sides``.

    Another bound, for any number of dimensions, is the largest eigenvalue of the positive terms
    without regard to sides: ``sum_j v_j (x_j.u)_+^2 <= sum_{v_j > 0} v_j (x_j.u)^2``.

    Examples
    --------
    >>> found = price_squared_relu(np.eye(4), np.array([3.0, -4.0, 1.0, 1.0]))
    >>> round(found.rho, 6), found.outputs.tolist()[:2], found.error < 1e-5
    (4.0, [-1.0, 1.0], True)
    """
    caps = {}
    for sign in sides:
        form = (rows.T * np.maximum(sign * v, 0.0)) @ rows
        caps[sign] = float(np.linalg.eigvalsh(form)[-1])
    return price_in_ball(SQUARED_RELU, rows, v, floor, caps, budget or Budget())


def price_in_ball(
    phi: int, rows: Array, v: Array, floor: float, caps: dict[float, float], budget: Budget
) -> LocalMaxima:
    """Local maxima of ``sign h`` over the unit ball; ``caps`` has a known bound for each sign."""
    size = np.linalg.norm(rows, axis=1) ** (1 if phi == TANH else 2)
    rounding = float((len(v) + 100) * np.finfo(float).eps * (np.abs(v) @ (1.0 + size)))
    found = [ascend_in_ball(phi, rows, s * v, starting_points(phi, rows, s * v), s) for s in caps]
    best = max(floor, rounding, *(side.rho for side in found))
    bound = 0.0
    for s, cap in caps.items():
        side, better = search_boxes(phi, rows, s * v, best, floor, budget)
        if len(better):
            found.append(ascend_in_ball(phi, rows, s * v, better, s))
            best = max(best, found[-1].rho)
        bound = max(bound, min(side, cap))
    maxima = well_apart(found, floor)
    return maxima._replace(error=max(bound - maxima.rho, 0.0) + rounding)


def starting_points(phi: int, rows: Array, v: Array) -> Array:
    """The best of many random points, spread over all directions and all lengths."""
    rng = np.random.default_rng(0)
    U = rng.standard_normal((20 * STARTS, rows.shape[1]))
    U *= rng.random((len(U), 1)) / np.linalg.norm(U, axis=1)[:, None]
    return U[np.argsort(-(FUNCTIONS[phi][0](U @ rows.T) @ v))[:STARTS]]


def ascend_in_ball(phi: int, rows: Array, v: Array, U: Array, sign: float) -> LocalMaxima:
    """Projected gradient ascent of h in the unit ball from all points at once: nothing proved."""
    function, slope = FUNCTIONS[phi]
    step = np.full((len(U), 1), 1.0 / max(float(np.abs(v) @ (rows * rows).sum(axis=1)), FLATTEST))
    longest = LONGEST_STEP * step[0, 0]
    values = function(U @ rows.T) @ v
    for _ in range(STEPS_IN_BALL):
        moved = U + step * ((slope(U @ rows.T) * v) @ rows)
        moved /= np.maximum(np.linalg.norm(moved, axis=1), 1.0)[:, None]
        higher = function(moved @ rows.T) @ v
        up = higher >= values
        U, values = np.where(up[:, None], moved, U), np.maximum(values, higher)
        step = np.where(up[:, None], np.minimum(2.0 * step, longest), 0.25 * step)
    return LocalMaxima(float(values.max()), np.inf, values, U, np.full(len(U), sign))


def well_apart(parts: list[LocalMaxima], floor: float) -> LocalMaxima:
    """The maxima above the floor that are APART from all better ones, best first."""
    values = np.concatenate([part.values for part in parts])
    U = np.vstack([part.units for part in parts])
    signs = np.concatenate([part.outputs for part in parts])
    kept: list[int] = []
    for i in np.argsort(-values, kind="stable")[: (values > floor).sum()]:
        apart = np.linalg.norm(U[kept] - U[i], axis=1) > APART
        if (apart | (signs[kept] != signs[i])).all():
            kept.append(int(i))
    rho = float(values[kept[0]]) if kept else floor
    return LocalMaxima(rho, np.inf, values[kept], U[kept], signs[kept])


def search_boxes(
    phi: int, rows: Array, v: Array, best: float, floor: float, budget: Budget
) -> tuple[float, Array]:
    """A proved bound on h over the unit ball, and points at which h is above ``best``.

    Boxes that time did not suffice for have the bound of those that they were cut from.
    """
    n, r = rows.shape
    most = FEW if 0.0 < NEAR * floor < best else MANY
    allowed = min(most, A_ROW * budget.work) / (n * r * r + OVERHEAD)
    corners = np.array(list(product([-1.0, 1.0], repeat=r)))
    centres, w, better, proved = np.zeros((1, r)), 1.0, np.zeros((0, r)), np.inf
    while len(centres):
        bounds, values = bound_in_time((phi, rows, v), centres, w, best, budget.deadline)
        if len(bounds) < len(centres):
            return proved, better
        top = int(np.argmax(values))
        if values[top] > best:
            best, better = float(values[top]), np.vstack([better, centres[top : top + 1]])
        left = bounds > best * (1.0 + TOLERANCE)
        bounds, centres = bounds[left], centres[left]
        allowed -= len(centres) * 2**r
        proved = float(bounds.max(initial=best * (1.0 + TOLERANCE)))
        if allowed < 0 or now() > budget.deadline:
            break
        w *= 0.5
        centres = (centres[:, None, :] + w * corners).reshape(-1, r)
    return proved, better


def bound_in_time(
    function: tuple[int, Array, Array], centres: Array, w: float, best: float, deadline: float
) -> tuple[Array, Array]:
    """Bounds over the boxes and values at their centres; fewer than all after the deadline."""
    phi, rows, v = function
    portion = int(PORTION / (rows.size * rows.shape[1] + OVERHEAD)) + 1
    parts = []
    for start in range(0, len(centres), portion):
        if start and now() > deadline:
            break
        some = centres[start : start + portion]
        parts.append(bound_boxes(phi, some, w, rows, v, best * (1.0 + TOLERANCE)))
    bounds, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    return bounds, values


# In the kernels below ``phi`` is a key of FUNCTIONS, ``c`` is the centre of a box (r,), w half its
# width, ``rows`` are (n, r), ``v`` (n,), and ``reach`` (n,) has how far ``x_j.u`` moves in the box.


@njit(cache=True, nogil=True)
def bound_boxes(phi, centres, w, rows, v, level):  # type: ignore[no-untyped-def]
    """An upper bound on h over each box within the ball, and h at its centre.

    The ``centres`` are (m, r), and what is returned (m,). A bound below ``level`` is not improved;
    a centre outside the ball has value -inf. As (t)_+^2 is homogeneous, its largest value is on the
    sphere, and boxes inside do not count.
    """
    reach, bounds, values = np.empty(len(rows)), np.empty(len(centres)), np.empty(len(centres))
    for j in range(len(rows)):
        reach[j] = w * one_norm(rows[j])
    for i in range(len(centres)):
        c, nearest, farthest = centres[i], 0.0, 0.0
        bounds[i] = values[i] = -np.inf
        for x in range(c.size):
            nearest += max(abs(c[x]) - w, 0.0) ** 2
            farthest += (abs(c[x]) + w) ** 2
        if nearest > 1.0 or (phi == SQUARED_RELU and farthest < 1.0):
            continue
        bounds[i] = line_bound(phi, c, w, rows, v, reach)
        if bounds[i] > level:
            value, bound = parabola_bound(phi, c, w, rows, v, reach)
            bounds[i] = min(bounds[i], bound)
            if dot(c, c) <= 1.0:
                values[i] = value
    return bounds, values


@njit(cache=True)
def line_bound(phi, c, w, rows, v, reach):  # type: ignore[no-untyped-def]
    """The bound from a line above each term."""
    constant, slope = 0.0, np.zeros(c.size)
    for j in range(v.size):
        t, side = dot(rows[j], c), 1.0 if v[j] > 0.0 else -1.0
        s, top = line_above(phi, side, t - reach[j], t + reach[j])
        constant += abs(v[j]) * top
        add(slope, abs(v[j]) * s, rows[j])
    affine = constant + dot(slope, c) + w * one_norm(slope)
    return min(affine, constant + sqrt(dot(slope, slope)))


@njit(cache=True)
def parabola_bound(phi, c, w, rows, v, reach):  # type: ignore[no-untyped-def]
    """h at the centre, and the bound from second derivatives."""
    r = c.size
    value, g, H = 0.0, np.zeros(r), np.zeros((r, r))
    for j in range(v.size):
        t, side = dot(rows[j], c), 1.0 if v[j] > 0.0 else -1.0
        f, slope = value_and_slope(phi, t)
        value += v[j] * f
        add(g, v[j] * slope, rows[j])
        k = abs(v[j]) * largest_bend(phi, side, t - reach[j], t + reach[j])
        for x in range(r):
            for y in range(r):
                H[x, y] += k * rows[j, x] * rows[j, y]
    largest, square, bound = np.linalg.eigvalsh(H)[-1], dot(c, c), np.inf
    for mu in (0.0, max(dot(g, c), 0.0) / max(square, 1e-300)):
        total = value + 0.5 * mu * (1.0 - square)
        for x in range(r):
            total += largest_on_interval(abs(g[x] - mu * c[x]), largest - mu, w)
        bound = min(bound, total)
    return value, bound


@njit(cache=True)
def largest_on_interval(slope, curvature, w):  # type: ignore[no-untyped-def]
    """``max slope d + 1/2 curvature d^2`` over ``|d| <= w``, for a slope of at least zero."""
    if curvature >= 0.0 or slope >= -curvature * w:
        return slope * w + 0.5 * curvature * w * w
    return -0.5 * slope * slope / curvature


@njit(cache=True)
def one_norm(vector):  # type: ignore[no-untyped-def]
    """The sum of the absolute values of a vector."""
    total = 0.0
    for x in range(vector.size):
        total += abs(vector[x])
    return total
