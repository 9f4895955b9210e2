"""Tanh units of rank 7 at most, in boxes, in floating point with bounds on all rounding errors.

`cvxnet.proofs.checker.boxes` does the same exactly. What is proved here is a proof, if the
processor, numpy and numba follow IEEE 754. Let eps = 2^-53.

In the coordinates of rounded_rows.py, with rows z_j times the radius R, g(u) = sum_j v_j tanh(
x_j.u) is at most h(w) = sum_j v_j tanh(z_j.w) and R sum_j |v_j| |e_j|, as |tanh'| <= 1, for |w| <=
1. Both are odd: one side is enough.

tanh. For |x| >= 20 it is +-1 up to eps. Otherwise let t = tanh(k / 64) from a table, rounded to
nearest from balls, for the k with |x - k / 64| <= 1 / 128: this difference y is exact, tanh(y) is
y - y^3 / 3 + 2 y^5 / 15 up to 17 / 315 y^7 < eps, and tanh(x) = (t + tanh(y)) / (1 + t tanh(y)).
That is eps / 2 from the table, eps from the series, and seven roundings of numbers of at most 1.01,
of which those of tanh(y) count 1 / 128: less than 8 eps in all.

Boxes. These are the w = c + s with |s_k| <= h_k; c and h are exact, as their digits are few.
Let t_j be z_j.c, and p_j = sum_k |z_jk| h_k, so that |z_j.s| <= p_j. Two bounds are tried.

  Lines. On its interval a term v_j tanh lies below a line. Where tanh is convex that is a chord,
  where it is concave a tangent; where it is both, a tangent at p > 0, or the chord if its slope is
  below that of tanh at the upper end, if it is not below tanh at the lower end: the line minus
  tanh is concave below 0, where it is thus least at an end, and above 0 a tangent of something
  concave. The sum of the lines is affine, with the slope G, and largest at a corner; or, if it is
  a + G.w, at most a + |G| on the ball.

  Parabolas. By Taylor's theorem, with the gradient G at c, K_j no less than v_j tanh'' on the
  interval and any m >= 0, a multiplier of the ball,

      h(c + s) <= h(c) + m / 2 (1 - |c|^2) + q.s - s^T A s / 2,
      q = G - m c,   A = m I - sum K_j z_j z_j^T.

  If A is positive semidefinite then for any y that is at most y.(A y) / 2 + sum_k |q - A y|_k h_k
  more than the first two terms: as s^T A s >= 2 s^T A y - y^T A y. It is where A y = q, about. If A
  is not, - s^T A s <= sum_k b_k s_k^2, with b_k = - A_kk + sum_{l != k} |A_kl| h_l / h_k, is a
  parabola in each coordinate. Tried are m = 0 and, if |c| > 1 / 2, m = c.G / |c|^2.
  tanh'' = f(tanh), f(t) = 2 t^3 - 2 t, is largest at -1 / sqrt(3), 4 / sqrt(27); f falls between
  that and 1 / sqrt(3), and rises elsewhere.

A box is passed over if it is outside the ball, or a bound is below the level. Otherwise it is cut
where it is longest. The level rises where a value is above it, to a little above a local maximum,
and to the bound on a small box.

Rounding. t_j errs by 2 r eps |z_j|_1, and so does tanh there, and p_j is made so much larger. Terms
of a sum of n err by n eps, and by some tens of eps each beside, as |f'| <= 4 and a line's slope is
at most 1; z_j and v_j by eps of them. So all that is computed errs by less than

    (2 n + 200) eps sum_j |v_j| (1 + p_j) (1 + p_j + |z_j|_1) + 20 (r + 10) eps m,

which is added. A is semidefinite if it is so with its diagonal made smaller by what its entries,
and the pivots of elimination, may err by: elimination in floating point is exact for a matrix that
is closer than 2 (r + 2) eps of its trace (Demmel 1989), and the sum in A errs by (n + 100) eps
sum_j |v_j| |z_j|^2.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
from flint import arb
from numba import njit

from cvxnet.kernels import add, dot
from cvxnet.proofs.checker.claims import Claims
from cvxnet.proofs.checker.coordinates import MAX_RANK, NEGLIGIBLE
from cvxnet.proofs.checker.document import RefusalError
from cvxnet.proofs.checker.dual import Clock, Dual
from cvxnet.proofs.checker.exact import balls
from cvxnet.proofs.rounded_rows import EPS, check_range, climb, in_few_coordinates
from cvxnet.types import Array

STEPS, FLAT = 64.0, 20.0
"""Entries of the table for a difference of 1; from where on tanh is 1."""
STEEPEST, BEND = 0.5773502691896258, 0.7698003589195012
"""1 / sqrt(3), where tanh'' is largest but for the sign; 4 / sqrt(27), rounded up."""
SMALL = 2.0**-40
"""Boxes are no smaller."""
DEPTH = 41 * MAX_RANK + 2
"""Boxes that wait at a time: one for each cut of the one that is looked at."""
HARDLY = 1e-9
"""By so much the level is above values, relatively, once one was above it."""
TURNS = 4
"""Bisections for a tangent through a point."""
PORTION = 2_000_000
"""Rows of boxes that are looked at before the clock is."""
LARGEST = 100_000
"""Samples for which there is time."""


def violation_in_boxes(claims: Claims, dual: Dual, clock: Clock) -> Fraction:
    """0 if ``rho(v) <= weight_decay`` is proved; otherwise a bound on how far it is above that."""
    radius = float(claims.units["radius"])
    check_range(np.array([radius]))
    Z, rests, v = in_few_coordinates(claims, dual, LARGEST)
    if not len(v):
        return Fraction(0)
    slack = 1.001 * radius * float(np.abs(v) @ rests)
    most = (float(claims.weight_decay) - slack) * (1.0 - 4.0 * EPS)
    if slack > float(NEGLIGIBLE) * most:
        raise RefusalError(f"the rank of the rows of X that v is not 0 on is above {MAX_RANK}")
    return Fraction(max(largest(radius * Z, v, most, clock) / most - 1.0, 0.0))


def largest(Z: Array, v: Array, level: float, clock: Clock) -> float:
    """A bound on h over the unit ball, or the level where that is larger."""
    r = Z.shape[1]
    boxes, top = np.empty((DEPTH, 2, r)), 0
    boxes[0, 0], boxes[0, 1] = 0.0, 1.0
    sizes, widths = np.abs(Z).sum(axis=1), np.linalg.norm(Z, axis=0)

    def at(w: Array) -> tuple[float, Array]:
        t = np.tanh(Z @ w)
        return float(v @ t), (v * (1.0 - t * t)) @ Z

    while top >= 0:
        clock.check()
        top, raised = search(boxes, top, Z, sizes, v, widths, table(), level)
        if top >= 0 and raised > level:
            raised = max(raised, (1.0 + HARDLY) * climb(at, boxes[top, 0]))
        level = raised
        if not np.isfinite(level):
            raise FloatingPointError("numbers of very different size")
    return float(level)


@cache
def table() -> Array:
    """``tanh(k / 64)``, rounded to nearest."""
    with balls():  # whatever precision the caller has
        return np.array([float(arb(k / STEPS).tanh()) for k in range(int(STEPS * FLAT) + 1)])


@njit(cache=True, nogil=True)
def search(boxes, top, Z, sizes, v, widths, known, level):  # type: ignore[no-untyped-def]
    """Look at boxes for a while; the top of what is left, and the level that bounds the others.

    It ends where a value is above the level, with that box at the top.
    ``boxes`` has centres and half-widths, (DEPTH, 2, r).
    """
    n, r = Z.shape
    room = (n, r), np.empty((r, r)), np.empty((4, r)), np.empty((n, 2))
    work = PORTION
    while top >= 0 and work > 0:
        work -= n
        c, h = boxes[top]
        if is_outside(c, h):
            top -= 1
            continue
        bound = bound_on(c, h, Z, sizes, v, known, level, room)
        if bound > level:
            value = value_near(c, Z, v, known)
            if value > level:
                return top, (1.0 + HARDLY) * value
        longest = 0
        for k in range(1, r):
            longest = k if h[k] * widths[k] > h[longest] * widths[longest] else longest
        if h[longest] <= SMALL and not bound <= level:
            level = bound if bound < np.inf else np.inf  # what is no number is above all
        if bound <= level or level == np.inf:
            top -= 1
            continue
        h[longest] *= 0.5
        for k in range(r):
            boxes[top + 1, 0, k], boxes[top + 1, 1, k] = c[k], h[k]
        c[longest] -= h[longest]
        boxes[top + 1, 0, longest] += h[longest]
        top += 1
    return top, level


@njit(cache=True)
def is_outside(c, h):  # type: ignore[no-untyped-def]
    """Whether a box is certainly outside of the unit ball."""
    square = 0.0
    for k in range(c.size):
        square += max(abs(c[k]) - h[k], 0.0) ** 2
    return square > 1.0 + 16.0 * (c.size + 2) * EPS


@njit(cache=True)
def value_near(c, Z, v, known):  # type: ignore[no-untyped-def]
    """About the value at the point of the ball that is nearest to c."""
    size, value = max(np.sqrt(dot(c, c)), 1.0), 0.0
    for j in range(v.size):
        value += v[j] * tanh(dot(Z[j], c) / size, known)
    return value


@njit(cache=True)
def bound_on(c, h, Z, sizes, v, known, level, room):  # type: ignore[no-untyped-def]
    """A bound on a box; the first one that is below the level will do."""
    (n, r), A, parts, places = room
    G, q, y, _ = parts
    rounding = margin(h, Z, sizes, v, places)
    bound = lines(c, h, Z, v, known, places, G) + rounding
    if bound <= level:
        return bound
    value, size, slack = taylor(c, Z, v, known, places, A, G)
    slack *= (2.0 * n + 200.0) * EPS
    square = dot(c, c)
    tilt = max(dot(c, G), 0.0) / square if square > 0.25 else 0.0
    for m in (0.0, tilt):
        for k in range(r):
            q[k] = G[k] - m * c[k]
        more = value + 0.5 * m * (1.0 - square) + rounding + 20.0 * (r + 10.0) * EPS * m
        trace = size + r * m
        reach = above(A, m, q, h, y, slack + 8.0 * (r + 4.0) * EPS * trace)
        bound = min(bound, more + reach)
        if bound <= level:
            break
    return bound


@njit(cache=True)
def margin(h, Z, sizes, v, places):  # type: ignore[no-untyped-def]
    """The rounding of a box but for m; writes the p_j into ``places`` (n, 2)."""
    total = 0.0
    for j in range(v.size):
        reach = 0.0
        for k in range(h.size):
            reach += abs(Z[j, k]) * h[k]
        reach = reach * (1.0 + 16.0 * EPS) + 20.0 * EPS * sizes[j]
        places[j, 1] = reach
        total += abs(v[j]) * (1.0 + reach) * (1.0 + reach + sizes[j])
    return (2.0 * v.size + 200.0) * EPS * total


@njit(cache=True)
def tanh(x, known):  # type: ignore[no-untyped-def]
    """tanh, with an error of at most 8 eps."""
    size = abs(x)
    t = 1.0
    if size < FLAT:
        k = int(size * STEPS + 0.5)
        y = size - k / STEPS
        s = y * (1.0 - y * y * (1.0 / 3.0 - y * y * (2.0 / 15.0)))
        t = (known[k] + s) / (1.0 + known[k] * s)
    return t if x > 0.0 else -t


@njit(cache=True)
def lines(c, h, Z, v, known, places, G):  # type: ignore[no-untyped-def]
    """The bound by lines, without rounding; writes the t_j into ``places`` and the slope into G."""
    constant = 0.0
    for k in range(c.size):
        G[k] = 0.0
    for j in range(v.size):
        t, side = dot(Z[j], c), 1.0 if v[j] > 0.0 else -1.0
        places[j, 0] = t
        slope, height = line_above(side * t, places[j, 1], known)
        constant += abs(v[j]) * height
        add(G, v[j] * slope, Z[j])
    corner, square = constant, 0.0
    for k in range(c.size):
        corner += abs(G[k]) * h[k]
        square += G[k] * G[k]
    return min(corner, constant - dot(G, c) + np.sqrt(square))


@njit(cache=True)
def line_above(t, reach, known):  # type: ignore[no-untyped-def]
    """Slope and height at t of a line above tanh within that reach of t, but for rounding."""
    low, high = t - reach, t + reach
    at_low, at_high = tanh(low, known), tanh(high, known)
    chord = (at_high - at_low) / (2.0 * reach) if reach > 0.0 else 0.0
    if high <= 0.0:
        return chord, 0.5 * (at_low + at_high)
    p = max(t, 0.0)
    at_p = tanh(p, known)
    if not touches(p, at_p, low, at_low):
        p, at_p = high, at_high
        if not touches(p, at_p, low, at_low):
            return chord, 0.5 * (at_low + at_high)
        before = max(t, 0.0)
        for _ in range(TURNS):
            middle = 0.5 * (before + p)
            at_middle = tanh(middle, known)
            if touches(middle, at_middle, low, at_low):
                p, at_p = middle, at_middle
            else:
                before = middle
    slope = 1.0 - at_p * at_p
    return slope, at_p - slope * (p - t)


@njit(cache=True)
def touches(p, at_p, low, at_low):  # type: ignore[no-untyped-def]
    """Whether the tangent at p >= 0 is not below tanh at ``low``."""
    return low >= 0.0 or at_p - (1.0 - at_p * at_p) * (p - low) >= at_low


@njit(cache=True)
def taylor(c, Z, v, known, places, A, G):  # type: ignore[no-untyped-def]
    """h at c, and a bound on the sums of ``|K_j z_jk^2|`` and of ``|v_j| |z_j|^2``.

    Writes the gradient into G and ``- sum K_j z_j z_j^T`` into A (r, r).
    """
    r = c.size
    value, size, total = 0.0, 0.0, 0.0
    for k in range(r):
        G[k] = 0.0
        for i in range(r):
            A[k, i] = 0.0
    for j in range(v.size):
        t, reach, side = places[j, 0], places[j, 1], 1.0 if v[j] > 0.0 else -1.0
        at = tanh(t, known)
        ends = side * tanh(t - reach, known), side * tanh(t + reach, known)
        bend = abs(v[j]) * largest_bend(min(ends[0], ends[1]), max(ends[0], ends[1]))
        value += v[j] * at
        add(G, v[j] * (1.0 - at * at), Z[j])
        for k in range(r):
            add(A[k], -bend * Z[j, k], Z[j])
        square = dot(Z[j], Z[j])
        size += abs(bend) * square
        total += abs(v[j]) * square
    return value, size, total


@njit(cache=True)
def largest_bend(low, high):  # type: ignore[no-untyped-def]
    """The largest of 2 t^3 - 2 t for t between these, but for rounding."""
    if low <= -STEEPEST <= high:
        return BEND
    return max(2.0 * low * (low * low - 1.0), 2.0 * high * (high * high - 1.0))


@njit(cache=True)
def above(A, m, q, h, y, slack):  # type: ignore[no-untyped-def]
    """A bound on ``q.s - s^T (m I + A) s / 2`` for ``|s_k| <= h_k``, but for rounding.

    ``slack`` is what the diagonal may err by, and elimination. y is room for r numbers.
    """
    r = q.size
    if solve(A, m - slack, q, y):
        for k in range(r):
            y[k] = min(max(y[k], -h[k]), h[k])
        total = 0.0
        for k in range(r):
            image = dot(A[k], y) + m * y[k]
            total += 0.5 * y[k] * image + abs(q[k] - image) * h[k]
        return total
    total = 0.0
    for k in range(r):
        bend = -A[k, k] - m
        for i in range(r):
            bend += abs(A[k, i]) * h[i] / h[k] if i != k else 0.0
        steep = abs(q[k])
        if bend < 0.0 and steep < -bend * h[k]:
            total -= steep * steep / (2.0 * bend)
        else:
            total += (steep + 0.5 * bend * h[k]) * h[k]
    return total


@njit(cache=True)
def solve(A, m, q, y):  # type: ignore[no-untyped-def]
    """Whether all pivots of ``A + m I`` are positive; then y is about its inverse times q.

    Of what rounding makes different in both halves of A, the upper one counts alone: with both,
    small pivots would make an indefinite matrix pass.
    """
    r = q.size
    L = np.empty((r, r))
    for i in range(r):
        y[i] = q[i]
        for k in range(r):
            L[i, k] = A[i, k] + (m if i == k else 0.0)
    for k in range(r):
        if not L[k, k] > 0.0:
            return False
        for i in range(k + 1, r):
            factor = L[k, i] / L[k, k]
            add(L[i], -factor, L[k])
            y[i] -= factor * y[k]
    for k in range(r - 1, -1, -1):
        for i in range(k + 1, r):
            y[k] -= L[k, i] * y[i]
        y[k] /= L[k, k]
    return True
