"""Fewer units with the same fit: merging near duplicates, and vertices (Caratheodory).

Along a null vector of the features the fit stays and the penalty is linear in the sizes, so one of
the two directions does not raise it; going that way until a unit vanishes leaves one unit less.
At the end there are at most n.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr, solve_triangular

from cvxnet.training.problem import Array, Problem, Units


def eliminate_dependent(problem: Problem, units: Units, tolerance: float = 1e-10) -> Units:
    """Remove units until the features left are linearly independent, keeping the fit.

    Features whose triangular factor falls below ``tolerance``, relatively, are dependent.
    """
    while (null := null_vector(problem.family.features(units.weights), tolerance)) is not None:
        # Scaling unit j by 1 + t c_j with sum_j c_j sign_j feature_j = 0 keeps the fit.
        c = null * units.signs
        if c @ problem.family.sizes(units.weights) > 0.0:
            c = -c
        t = 1.0 / -c.min() if c.min() < 0.0 else 0.0
        if t == 0.0:
            return units
        scale = 1.0 + t * c
        scale[np.argmin(c)] = 0.0
        units = Units(units.weights * scale[:, None], units.signs, units.free).without_small(0.0)
    return units


def null_vector(features: Array, tolerance: float) -> Array | None:
    """A vector of largest entry 1 that the features map to (nearly) zero, or None."""
    m = features.shape[1]
    if m == 0:
        return None
    lengths = np.linalg.norm(features, axis=0)
    R, pivots = qr(features / np.where(lengths > 0.0, lengths, 1.0), mode="r", pivoting=True)
    diagonal = np.abs(np.diag(R))
    rank = int((diagonal > tolerance * diagonal[0]).sum())
    if rank == m:
        return None
    null = np.zeros(m)
    null[pivots[rank]] = 1.0
    null[pivots[:rank]] = -solve_triangular(R[:rank, :rank], R[:rank, rank])
    null /= np.where(lengths > 0.0, lengths, 1.0)
    return null / np.abs(null).max()


def merge(units: Units, angle: float) -> Units:
    """Add up units of one sign that point within ``angle`` of a larger one."""
    order = np.argsort(-units.sizes)
    left = units.pick(order).without_small(0.0)
    merged: list[Array] = []
    signs: list[float] = []
    while len(left):
        cosines = left.weights @ left.weights[0] / (left.sizes * left.sizes[0])
        group = (left.signs == left.signs[0]) & (cosines >= np.cos(angle))
        group[0] = True
        merged.append(left.weights[group].sum(axis=0))
        signs.append(float(left.signs[0]))
        left = left.pick(~group)
    rows = np.reshape(merged, (len(merged), units.weights.shape[1]))
    return Units(rows, np.array(signs), units.free)
