"""Pruning: from the many units of an interior-point solution to a vertex of the optimal set.

An interior point lands in the middle of the optimal face: one unit is spread over the cells that
touch it, and units that a vertex would not use keep a little weight. Merging units that point
almost the same way, dropping small ones and re-solving the master on what is left undoes that; it
counts only if the objective is unchanged. Then linearly dependent features are eliminated
(Caratheodory), which leaves at most n units: along a null vector c of the features the fit stays,
and the penalty is linear in the sizes, so one of the two directions does not raise it.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr

from cvxnet.training.master import Master, cells_of
from cvxnet.training.problem import Array, Problem, Units
from cvxnet.training.refinement import LEVEL, refine

UNCHANGED = 1e-9
"""Relative rise of the objective up to which it counts as unchanged."""
ANGLES = (1e-2, 1e-3, 1e-4, 1e-5)
"""How close (radians) units must be to be merged, coarsest first."""
SMALL = 1e-6
"""Units smaller than this, relative to the largest, are dropped before merging."""
DEPENDENT = 1e-10
"""Features whose triangular factor falls below this, relatively, are linearly dependent."""


def prune(units: Units, master: Master) -> Units:
    """Fewer units with the same objective (up to UNCHANGED): at most n of them.

    The coarsest merging that leaves the objective unchanged is taken.
    """
    problem = master.problem
    limit = problem.objective(units) * (1.0 + UNCHANGED)
    for angle in ANGLES:
        fewer = resolve(merge(units.without_small(SMALL), angle), master)
        if problem.objective(fewer) <= limit:
            units = fewer
            break
    independent = eliminate_dependent(problem, units)
    return independent if problem.objective(independent) <= limit else units


def resolve(units: Units, master: Master) -> Units:
    """The master's optimum on the units' own cells, refined."""
    if not len(units):
        return units
    problem = master.problem
    solved = master.solve(cells_of(problem, units)).without_small(SMALL)
    floor = (1.0 - LEVEL) * problem.weight_decay
    refined = refine(problem, solved, problem.family.price(problem.dual_vector(solved), floor))
    return min(solved, refined, key=problem.objective)


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
    return Units(np.reshape(merged, (len(merged), units.weights.shape[1])), np.array(signs))


def eliminate_dependent(problem: Problem, units: Units) -> Units:
    """Remove units until the features left are linearly independent, keeping the fit."""
    while (null := null_vector(problem.family.features(units.weights))) is not None:
        # Scaling unit j by 1 + t c_j with sum_j c_j sign_j feature_j = 0 keeps the fit.
        c = null * units.signs
        if c @ units.sizes > 0.0:
            c = -c
        t = 1.0 / -c.min() if c.min() < 0.0 else 0.0
        if t == 0.0:
            return units
        scale = 1.0 + t * c
        scale[np.argmin(c)] = 0.0
        units = Units(units.weights * scale[:, None], units.signs).without_small(0.0)
    return units


def null_vector(features: Array) -> Array | None:
    """A vector of largest entry 1 that the features map to (nearly) zero, or None."""
    m = features.shape[1]
    if m == 0:
        return None
    R, pivots = qr(features, mode="r", pivoting=True)
    diagonal = np.abs(np.diag(R))
    rank = int((diagonal > DEPENDENT * diagonal[0]).sum())
    if rank == m:
        return None
    null = np.zeros(m)
    null[pivots[rank]] = 1.0
    null[pivots[:rank]] = -np.linalg.solve(R[:rank, :rank], R[:rank, rank])
    return null / np.abs(null).max()
