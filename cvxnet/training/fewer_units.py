"""Fewer units with the same fit: merging near duplicates, and vertices (Caratheodory).

Along a null vector of the features the fit stays and the penalty is linear in the sizes, so one of
the two directions does not raise it; going that way until a unit vanishes leaves one unit less.
At the end there are at most n, or with c outputs n c.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr, solve_triangular

from cvxnet.training.problem import Problem, Units
from cvxnet.types import Array

INDEPENDENT = 1e-6
"""Least eigenvalue of the products of features of length one from which on these are independent
beyond doubt, which no triangular factor has to show."""


def eliminate_dependent(problem: Problem, units: Units, tolerance: float = 1e-10) -> Units:
    """Remove units until the features left are linearly independent, keeping the fit.

    Features whose triangular factor falls below ``tolerance``, relatively, are dependent.
    """
    units = units.without_small(0.0)
    parts, outputs = problem.family.features(units.weights), units.outputs
    if outputs.ndim == 2:
        rows = len(parts) * outputs.shape[1]
        parts = (parts[:, None, :] * outputs.T).reshape(rows, len(units))
    else:
        parts = parts * outputs
    scale = scale_to_vertex(parts, problem.family.sizes(units.weights), tolerance)
    if (scale == 1.0).all():
        return units
    return Units(units.weights * scale[:, None], units.outputs, units.free).without_small(0.0)


def scale_to_vertex(parts: Array, prices: Array, tolerance: float) -> Array:
    """Factors ``s >= 0`` with ``parts s = parts 1``, no larger price, and independent parts left.

    Where there are more than n + 1 parts, (n, m), as many groups of them are scaled together: any
    n + 1 sums are dependent, and each step removes a whole group (Maalouf, Jubran and Feldman
    2019). So the steps are about ``n log(m / n)``, each of the size of n.

    Examples
    --------
    >>> scale_to_vertex(np.array([[1.0, 2.0]]), np.array([1.0, 1.0]), 1e-10).tolist()
    [0.0, 1.5]
    """
    scale = np.ones(len(prices))
    while True:
        left = np.flatnonzero(scale)
        count = min(left.size, parts.shape[0] + 1)
        starts = np.arange(count) * left.size // max(count, 1)
        sums = parts if (scale == 1.0).all() else parts[:, left] * scale[left]
        if count < left.size:
            sums = np.add.reduceat(sums, starts, axis=1)
        null = null_vectors(sums[:, :count], tolerance)
        if not null.size:
            return scale
        factors = follow(null, np.add.reduceat(prices[left] * scale[left], starts), tolerance)
        if factors.all():
            return scale
        scale[left] *= np.repeat(factors, np.diff(starts, append=left.size))


def follow(null: Array, prices: Array, tolerance: float) -> Array:
    """Factors ``s >= 0`` that lead along each of the null vectors until one more of them is zero.

    Along c the fit stays, and one of the two directions does not raise the price. Whose factor has
    become zero leaves the null vectors to come, by a multiple of the one that was followed. Entries
    below ``tolerance`` of the largest are rounding.

    Examples
    --------
    >>> follow(np.array([[-1.0], [0.5]]), np.array([1.0, 1.0]), 1e-10).tolist()
    [0.0, 1.5]
    """
    s, null = np.ones(len(null)), null.copy()
    for k in range(null.shape[1]):
        c = -null[:, k] if prices @ null[:, k] > 0.0 else null[:, k]
        falls = c < -tolerance * np.abs(c).max()
        if not falls.any():
            continue
        steps = np.where(falls, s / np.where(falls, -c, 1.0), np.inf)
        j = int(np.argmin(steps))
        s = np.maximum(s + steps[j] * c, 0.0)
        null[:, k + 1 :] -= np.outer(c, null[j, k + 1 :] / c[j])
        s[j], null[j] = 0.0, 0.0
    return s


def null_vectors(features: Array, tolerance: float) -> Array:
    """A basis, in columns, of what the features map to (nearly) zero."""
    m = features.shape[1]
    products = features.T @ features
    if m == 0 or not np.isfinite(products).all():  # of units beyond doubles nothing is known
        return np.zeros((m, 0))
    lengths = np.sqrt(np.diag(products))
    scale = np.where(lengths > 0.0, lengths, 1.0)
    cosines = products / np.outer(scale, scale)
    if m <= len(features) and is_definite(cosines - INDEPENDENT * np.eye(m)):
        return np.zeros((m, 0))
    R, pivots = qr(features / scale, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(R))
    rank = int((diagonal > tolerance * diagonal[0]).sum())
    null = np.zeros((m, m - rank))
    null[pivots[rank:], np.arange(m - rank)] = 1.0
    null[pivots[:rank]] = -solve_triangular(R[:rank, :rank], R[:rank, rank:])
    return np.asarray(null / scale[:, None])


def is_definite(S: Array) -> bool:
    """Whether all eigenvalues of a symmetric matrix are above zero, as it has a Cholesky factor.

    Examples
    --------
    >>> is_definite(np.eye(2)), is_definite(np.ones((2, 2)) - 1e-9 * np.eye(2))
    (True, False)
    """
    try:
        np.linalg.cholesky(S)
    except np.linalg.LinAlgError:
        return False
    return True


def merge(units: Units, angle: float) -> Units:
    """Add up units of one sign that point within ``angle`` of a larger one.

    With several outputs their output weights are added, whatever their directions: by the triangle
    inequality the sum of units of one direction costs no more.
    """
    if units.outputs.ndim == 2:
        return merge_outputs(units, angle)
    order = np.argsort(-units.sizes)
    left = units.pick(order).without_small(0.0)
    merged: list[Array] = []
    signs: list[float] = []
    while len(left):
        cosines = left.weights @ left.weights[0] / (left.sizes * left.sizes[0])
        group = (left.outputs == left.outputs[0]) & (cosines >= np.cos(angle))
        group[0] = True
        merged.append(left.weights[group].sum(axis=0))
        signs.append(float(left.outputs[0]))
        left = left.pick(~group)
    rows = np.reshape(merged, (len(merged), units.weights.shape[1]))
    return Units(rows, np.array(signs), units.free)


def merge_outputs(units: Units, angle: float, frame: Array | None = None) -> Units:
    """The same for several outputs: the hidden direction is the mean one.

    With a family's ``frame`` it is the angle between units as the data see them.
    """
    left = units.pick(np.argsort(-units.sizes)).without_small(0.0)
    rows, outputs = list[Array](), list[Array]()
    while len(left):
        seen = directions(left.weights, np.eye(left.weights.shape[1]) if frame is None else frame)
        group = seen @ seen[0] >= np.cos(angle)
        group[0] = True
        mean = left.weights[group].sum(axis=0)
        total = left.sizes[group] @ left.outputs[group]
        size = float(np.linalg.norm(total))
        if size > 0.0:
            rows.append(size * mean / np.linalg.norm(mean))
            outputs.append(total / size)
        left = left.pick(~group)
    shape = (len(rows), units.weights.shape[1])
    return Units(
        np.reshape(rows, shape),
        np.reshape(outputs, (len(rows), units.outputs.shape[1])),
        units.free,
    )


def directions(W: Array, frame: Array) -> Array:
    """Rows of length one in whose coordinates the data see all directions about equally."""
    P = np.linalg.solve(frame, W.T).T
    lengths = np.linalg.norm(P, axis=1)[:, None]
    return np.asarray(P / np.where(lengths > 0.0, lengths, 1.0))
