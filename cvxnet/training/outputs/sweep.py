"""Pricing for several outputs by a sweep over all cells, in at most three dimensions.

The function to maximise on the unit sphere is ``|g(u)|``, in the norm l2 of R^c, with

    g(u) = sum_k P_k (e_k.u)_+ + N_k (-e_k.u)_+           (e_k: unit normals; P_k, N_k in R^c).

Inside a cell ``g(u) = M^T u`` is linear, with ``M = sum e_k P_k^T`` over the normals with
``e_k.u > 0`` less ``sum e_k N_k^T`` over the others, and ``|g(u)|^2 = u^T K u`` with
``K = M M^T``. With ``w = g / |g|`` the slope of ``|g|`` along d is ``w.(M^T d)``, M that of the
cell into which d points. So a local maximum is one of

* a cell's: an eigenvector of the largest eigenvalue of K, where that lies in its own cell (at any
  other eigenvector ``|g|`` rises towards this one);
* an arc's: the same with K restricted to the plane of a circle ``e_i.u = 0``, where ``|g|`` rises
  to neither side: ``w.(M^T e_i) + w.P_i <= 0 <= w.(M^T e_i) - w.N_i``, M without the term of e_i;
* a vertex, where circles cross. Between neighbouring circles slopes are linear in d, so it is one
  where ``|g|`` rises along none of the circles through it.

Sweep: for each i walk along the circle ``e_i.u = 0``. The other circles cross it at directions
sorted once; between crossings M is constant, and a crossing adds or takes away one
``e_k (P_k + N_k)^T``. Each arc shows its two cells, itself and the vertex at its start. Every cell
has an arc, so nothing is missed: O(h^2 (log h + c)) time for h circles, O(h) memory per core. The
half circle suffices, as M of the opposite arc is kept alongside. In two dimensions the one circle
is the whole sphere and its arcs are the cells; one dimension is two with nothing in the second.

Rounding: M errs by at most about ``error``, (h + c + 100) units of rounding of the sum of all
``|P_k| + |N_k|``, and so does the root of an eigenvalue l of K. Its eigenvector errs by
``4 error sqrt(l)`` over the distance to the next eigenvalue. A test passes when it is met up to
that, and a point that passes counts with the root of l for the bound and with its own ``|g|`` for
everything else; ``rho + error`` bounds the maximum. Where the next eigenvalue is so close that the
direction is uncertain by more than the values differ, the eigenvectors of both are a plane, or
all of space. Where that meets the cell it leaves it through an arc, and is met on it there; on an
arc in it all points are alike, and its start stands for them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from cvxnet.training.geometry.arrangement import reduce_to_rank
from cvxnet.training.outputs.circle_walk import walk_circles
from cvxnet.training.pricing.maxima import LocalMaxima, distinct
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.types import Array

SWEPT_RANK = 3
"""Of the normals; beyond, circles are too many."""
IN_PARALLEL = 100_000
"""With more vertices than this, about h squared, the circles go to joblib's threads."""
PORTION = 100_000
"""Crossings between two looks at the clock: some ten milliseconds."""
WORK = 100
"""What a crossing costs, in rows looked at by `cvxnet.training.pricing.subdivision`."""
PLACES = 100
"""Places for points found, a circle; where they do not suffice the circles are walked again."""


class Kinks(NamedTuple):
    """``g`` of the module's text.

    Attributes
    ----------
    normals : (h, r) array
        Distinct unit normals ``e_k``.
    plus, minus : (h, c) arrays
        ``P_k`` and ``N_k``.
    """

    normals: Array
    plus: Array
    minus: Array

    @property
    def error(self) -> float:
        """By how much ``|g|`` errs by rounding."""
        size = np.linalg.norm(self.plus, axis=1).sum() + np.linalg.norm(self.minus, axis=1).sum()
        return float((sum(self.plus.shape) + 100) * np.finfo(float).eps * size)

    def at(self, units: Array) -> Array:
        """``g`` at the rows of ``units``, (m, c)."""
        t = units @ self.normals.T
        return np.asarray(np.maximum(t, 0.0) @ self.plus + np.maximum(-t, 0.0) @ self.minus)


def sweep_sphere(kinks: Kinks, floor: float = 0.0, budget: Budget | None = None) -> LocalMaxima:
    """Local maxima of ``|g|`` above the floor, in at most three dimensions.

    Values up to the floor do not matter. The work of the budget is used up.

    Examples
    --------
    >>> kinks = Kinks(np.eye(2), np.array([[3.0, 4.0], [0.0, 1.0]]), np.zeros((2, 2)))
    >>> found = sweep_sphere(kinks, 5.01)
    >>> round(found.rho, 6), found.units.round(3).tolist(), found.outputs.round(3).tolist()
    (5.064495, [[0.987, 0.16]], [[0.585, 0.811]])
    """
    used = kinks.plus.any(axis=1) | kinks.minus.any(axis=1)
    unit = float(np.ldexp(1.0, np.frexp(np.abs(kinks[1:]).max(initial=0.0))[1]))
    kinks = Kinks(kinks.normals[used], kinks.plus[used] / unit, kinks.minus[used] / unit)
    floor = max(floor / unit, 2 * kinks.error)
    found, all_walked = walk_all(kinks, floor, budget or Budget())
    found = distinct(found, floor)
    g = kinks.at(found[:, 1:])
    values = np.linalg.norm(g, axis=1)
    rho = float(values.max(initial=floor))
    error = kinks.error + float(found[:, 0].max(initial=rho)) - rho
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > floor]
    return LocalMaxima(
        rho * unit,
        error * unit if all_walked else np.inf,
        values[order] * unit,
        found[order, 1:],
        g[order] / values[order, None],
        work=float(WORK * len(kinks.normals) ** 2),
    )


def walk_all(kinks: Kinks, floor: float, budget: Budget) -> tuple[Array, bool]:
    """What is found on all circles, as (bound, u), and whether time sufficed for all.

    In two dimensions there is one circle that nobody owns.
    """
    if not len(kinks.normals):
        return np.zeros((0, 1 + kinks.normals.shape[1])), True
    rows, basis = reduce_to_rank(kinks.normals)
    solid = np.zeros((len(rows), 3))
    solid[:, : rows.shape[1]] = rows
    owners = np.arange(len(rows)) if rows.shape[1] == 3 else np.array([-1])
    jobs = Parallel(n_jobs=-1 if owners.size**2 > IN_PARALLEL else 1, require="sharedmem")
    portions = np.array_split(owners, max(1, owners.size * len(rows) // PORTION))
    walked = kinks._replace(normals=solid)
    parts, ends = zip(*jobs(delayed(walk)(p, walked, floor, budget) for p in portions), strict=True)
    found = np.concatenate(parts)
    return np.column_stack([found[:, 0], found[:, 1 : 1 + rows.shape[1]] @ basis.T]), all(ends)


def walk(
    owners: NDArray[np.int64], kinks: Kinks, floor: float, budget: Budget
) -> tuple[Array, bool]:
    """What is found on the circles of these normals, of all in space, and whether it is all."""
    if budget.over:
        return np.zeros((0, 4)), False
    budget.work -= WORK * owners.size * len(kinks.normals)
    count = room = PLACES * owners.size
    while count >= room:
        room = count + 1
        found = np.empty((room, 4))
        count = walk_circles(owners, *kinks, (floor, kinks.error), found)
    return found[:count], True
