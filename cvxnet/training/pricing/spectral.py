"""Exact pricing of quadratic and polynomial units by one eigen-decomposition, at any size.

With ``phi(t) = a t^2 + b t + c`` and ``|u| = 1`` the function to maximise is a quadratic one,

    f(u) = v . phi(X u) = u^T Q u + p.u + c0,     Q = a X^T diag(v) X,  p = b X^T v,  c0 = c sum(v).

Critical points. On the sphere grad f is a multiple of u: ``2 (mu I - Q) u = p`` for some ``mu``.
In the eigenvectors w_i of Q, with eigenvalues l_i and ``q_i = w_i.p``, that is

    u_i = q_i / (2 (mu - l_i))     with     psi(mu) = sum_i q_i^2 / (4 (mu - l_i)^2) = 1.

Between two poles psi is convex, so there are at most two roots; one lies above all poles and one
below. In the hard case, where ``q_i = 0``, also ``mu = l_i`` is possible: u_i is then free, up to
its sign what the other entries leave of the unit length.

Proof. For every ``mu >= l_max``, as ``|u| = 1``,

    f(u) = mu + c0 - u^T (mu I - Q) u + p.u  <=  mu + c0 + sum_i q_i^2 / (4 (mu - l_i)),

with equality at the root above all poles, or at ``mu = l_max`` in the hard case. The same for -f.
The computed eigenvalues and q belong exactly to a matrix and a vector nearby, whose distance from
Q and p is part of ``error``; so the bound holds however ill-conditioned the roots are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cvxnet.training.pricing.maxima import BOTH, LocalMaxima, Sides
from cvxnet.types import Array

HALVINGS = 100
"""Steps of bisection: the roots close to a pole come out to many digits of their distance."""
NEGLIGIBLE = 1e-13
"""Entries of q smaller than this, relative to all coefficients, may as well be zero."""


def price_quadratic(rows: Array, v: Array, floor: float = 0.0, sides: Sides = BOTH) -> LocalMaxima:
    """Eigenvectors of ``X^T diag(v) X`` with ``|eigenvalue|`` above the floor, largest first.

    They are all critical points of ``sum_j v_j (x_j.u)^2`` on the sphere, once for each pair of
    opposite directions.

    Parameters
    ----------
    rows : (n, r) array
        The data ``X``.
    v : (n,) array
        Dual vector.
    floor : float
        Smaller eigenvalues are left out.
    sides : tuple of float
        The signs of eigenvalues that count.

    Examples
    --------
    >>> found = price_quadratic(np.eye(2), np.array([3.0, -4.0]))
    >>> found.rho, found.outputs.tolist(), np.abs(found.units).tolist()
    (4.0, [-1.0, 1.0], [[0.0, 1.0], [1.0, 0.0]])
    """
    eigenvalues, W = np.linalg.eigh((rows.T * v) @ rows)
    counts = np.isin(np.sign(eigenvalues), sides)
    error = rounding(rows, v, (1.0, 0.0, 0.0))
    return largest_first(eigenvalues[counts], W.T[counts], floor, error, 0.0)


def price_polynomial(
    rows: Array, v: Array, coefficients: tuple[float, float, float], floor: float = 0.0
) -> LocalMaxima:
    """Critical points of ``f(u) = v . phi(X u)`` on the sphere with ``|f|`` above the floor.

    Where f is even (b = 0) they come once for each pair of opposite directions. Local maxima that
    are not global, where there are any, are among them.

    Parameters
    ----------
    rows : (n, r) array
        The data ``X``.
    v : (n,) array
        Dual vector.
    coefficients : (a, b, c)
        ``phi(t) = a t^2 + b t + c``.
    floor : float
        Smaller values are left out.

    Examples
    --------
    >>> found = price_polynomial(np.eye(2), np.array([3.0, -4.0]), (0.0, 1.0, 2.0))
    >>> found.values.tolist(), found.units[0].tolist()
    ([7.0, 3.0], [-0.6, 0.8])
    """
    a, b, c = coefficients
    eigenvalues, W = np.linalg.eigh(a * (rows.T * v) @ rows)
    q, constant = W.T @ (b * (rows.T @ v)), float(c * v.sum())
    U = critical_points(eigenvalues, q)
    values = (U * U) @ eigenvalues + U @ q + constant
    above = dual_value(eigenvalues, q) + constant
    below = dual_value(-eigenvalues[::-1], q[::-1]) - constant
    error = rounding(rows, v, coefficients)
    return largest_first(values, U @ W.T, floor, error, max(above, below))


def largest_first(
    values: Array, units: Array, floor: float, error: float, bound: float
) -> LocalMaxima:
    """The candidates whose absolute value exceeds the floor.

    ``bound`` is a proved upper bound before rounding, or 0 where the largest value is one.
    """
    above = np.abs(values) > floor
    values, units = values[above], units[above]
    order = np.argsort(-np.abs(values), kind="stable")
    values, units = values[order], units[order]
    rho = float(np.abs(values[0])) if len(values) else floor
    error += max(bound - rho, 0.0)
    return LocalMaxima(rho, error, np.abs(values), units, np.sign(values))


def rounding(rows: Array, v: Array, coefficients: tuple[float, float, float]) -> float:
    """By how much the computed values may err.

    A sum of n products errs by n units of rounding of the sum of absolute values; backward
    errors of the eigen-decomposition grow with r.
    """
    n, r = rows.shape
    squares = (rows * rows).sum(axis=1)
    a, b, c = np.abs(coefficients)
    scale = np.abs(v) @ (a * squares + b * np.sqrt(squares) + c)
    return float((n + 10 * r + 100) * np.finfo(float).eps * scale)


def critical_points(eigenvalues: Array, q: Array) -> Array:
    """All critical points of ``sum_i l_i u_i^2 + q_i u_i`` on the sphere, one a row.

    ``eigenvalues`` ascend; for q = 0 one of each pair of opposite points is given. (Where the hard
    case meets equal eigenvalues there is a continuum; the eigenvectors represent themselves.)
    """
    if not q.any():
        return np.eye(len(q))
    small = np.abs(q) <= NEGLIGIBLE * (np.abs(eigenvalues).max() + np.linalg.norm(q))
    q = np.where(small, 0.0, q)
    found = [hard_case(eigenvalues, q, i) for i in np.flatnonzero(small).tolist()]
    if not small.all():
        first, last = eigenvalues[~small][[0, -1]]
        distances = [
            distance_beyond(last - eigenvalues[~small], q[~small]) + (last - eigenvalues),
            -distance_beyond(eigenvalues[~small] - first, q[~small]) - (eigenvalues - first),
            multipliers_between(eigenvalues[~small], q[~small])[:, None] - eigenvalues,
        ]
        found.append(np.where(small, 0.0, 0.5 * q / np.vstack(distances)))
    U = np.vstack(found)
    lengths = np.linalg.norm(U, axis=1)
    return np.asarray(U[lengths > 0.0] / lengths[lengths > 0.0, None])


def hard_case(eigenvalues: Array, q: Array, i: int) -> Array:
    """Critical points with multiplier ``eigenvalues[i]``, where ``q[i] = 0``: two or none."""
    u = np.zeros_like(q)
    used = q != 0.0
    with np.errstate(divide="ignore"):
        u[used] = 0.5 * q[used] / (eigenvalues[i] - eigenvalues[used])
    left = 1.0 - float(u @ u)
    if not left >= 0.0:
        return np.zeros((0, len(q)))
    pair = np.vstack([u, u])
    pair[:, i] = np.sqrt(left), -np.sqrt(left)
    return pair


def dual_value(eigenvalues: Array, q: Array) -> float:
    """An upper bound on ``sum_i l_i u_i^2 + q_i u_i`` over the sphere, tight up to rounding."""
    top = eigenvalues.max()
    distance = distance_beyond(top - eigenvalues, q)
    used = q != 0.0
    terms = 0.25 * q[used] ** 2 / (distance + (top - eigenvalues[used]))
    return float(top + distance + terms.sum())


def distance_beyond(gaps: Array, q: Array) -> float:
    """How far the outermost root of ``psi = 1`` lies beyond the pole from which gaps are counted.

    Zero in the hard case, up to rounding; above zero wherever ``q`` is not.
    """
    most = np.array([0.5 * np.linalg.norm(q)])
    _, above = bisect(lambda t: psi(t[:, None] + gaps, q) > 1.0, np.zeros(1), most)
    return float(above[0])


def multipliers_between(poles: Array, q: Array) -> Array:
    """The roots of ``psi = 1`` between neighbouring poles: left and right of its minimum."""
    low, high = poles[:-1], poles[1:]
    middle, _ = bisect(lambda mu: psi(mu[:, None] - poles, q, 3) > 0.0, low, high)
    inside = psi(middle[:, None] - poles, q) < 1.0
    low, middle, high = low[inside], middle[inside], high[inside]
    left, _ = bisect(lambda mu: psi(mu[:, None] - poles, q) > 1.0, low, middle)
    right, _ = bisect(lambda mu: psi(mu[:, None] - poles, q) < 1.0, middle, high)
    return np.concatenate([left, right])


def psi(distances: Array, q: Array, power: int = 2) -> Array:
    """``1/4 sum_i q_i^2 / distance_i^power`` along rows: psi, or -1/2 its slope at power 3."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(q == 0.0, 0.0, q * q / distances**power)
    return np.asarray(0.25 * terms.sum(axis=1))


def bisect(
    below: Callable[[Array], NDArray[np.bool_]], low: Array, high: Array
) -> tuple[Array, Array]:
    """Brackets of the points at which ``below`` turns from true to false, all at once."""
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        left = below(middle)
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return low, high
