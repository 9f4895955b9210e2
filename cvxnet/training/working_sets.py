"""The lasso on a dense X: working sets of columns, and their Gram matrix.

    minimise over w, c    1/2 sum_i D_i (x_i . w + c - y_i)^2 + beta |w|_1,    c only where free.

At w, with the best c for it, the gradient in w is ``s = X^T v``, ``v = D (X w + c - y)``, and a
column j of weight zero lowers the objective only where ``|s_j| > beta``. Some of these columns, the
steepest first and as many as there are already, join the working set; on it, with A its columns
less their weighted means and ``G = A^T D A``, the problem is the same up to a constant as

    minimise over w'    1/2 w'^T G w' - q . w' + beta |w'|_1,        q = G w - s,

which never looks at the samples again: scikit-learn's coordinate descent solves it, and with its
signs one linear system gives the last digits. As s comes from X and not from G, what is rounded in
G does not matter at the end. So X as a whole is read once a round, for the pricing that proves how
far w is from the optimum. (Working sets: Massias, Gramfort, Salmon 2018, "Celer".)
"""

from __future__ import annotations

import warnings
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cvxnet.optional import import_lasso
from cvxnet.proofs.gaps import relative_gap
from cvxnet.training.clock import now
from cvxnet.training.matrices import as_rows_of, is_sparse, used_columns
from cvxnet.training.problem import Problem, Units
from cvxnet.training.samples import is_square
from cvxnet.types import Array

FIRST = 16
"""Columns that join a working set at once, at least; otherwise as many as have weights."""
ROUNDS = 100
"""Of adding columns."""
MOST = 1500
"""Columns of a working set: its Gram matrix is a dense one of that order."""
INNER = 0.1
"""The problem on a working set is solved to this part of the gap asked for."""
SWEEPS = 10_000
"""Of coordinate descent on a working set."""
TRUST = {"assume_finite": True, "skip_parameter_validation": True}
"""What scikit-learn need not check."""


def has_working_sets(problem: Problem, units: int) -> bool:
    """Whether this is a lasso on a dense X, with so many units of a size for working sets."""
    dense = not is_sparse(problem.family.X)
    return dense and is_square(problem.loss) and 2 * max(units, FIRST) <= MOST


def gap_at(problem: Problem, v: Array, rho: float, value: float) -> float:
    """The relative gap that a dual vector with this ``rho`` proves of an objective."""
    t = problem.loss.best_scale(v, problem.y, problem.largest_multiple(rho))
    return relative_gap(-problem.loss.conjugate(t * v, problem.y), value)


class WorkingSet:
    """Columns of X with their weights, and the free weight that is best for these."""

    def __init__(self, problem: Problem, units: Units) -> None:
        self.problem = problem
        self.free = float(problem.F[0, 0]) if problem.F.size else 0.0
        self.D = problem.loss.curvature(np.zeros_like(problem.y), problem.y)
        self.columns = np.zeros(0, dtype=np.intp)
        self.rows, self.G = np.zeros((FIRST, len(problem.y))), np.zeros((0, 0))
        self.w = np.zeros(0)
        columns = used_columns(units.weights)
        self.add(columns)
        self.w = (units.weights.T @ units.outputs)[columns]

    @property
    def matrix(self) -> Array:
        """The columns, one after the other in memory."""
        return self.rows[: len(self.columns)].T

    def mean(self, columns: Array) -> Array:
        """The weighted mean of each, which the free weight takes; 0 where there is none."""
        if not self.free:
            return np.zeros(columns.shape[1:])
        return np.asarray(self.D @ columns / self.D.sum())

    @cached_property
    def target(self) -> Array:
        """What the columns are to fit."""
        return self.problem.y - self.mean(self.problem.y)

    def fit(self) -> Array:
        """The predictions."""
        return np.asarray(self.matrix @ self.w + self.mean(self.problem.y))

    def value(self, fit: Array) -> float:
        """The objective of these predictions."""
        penalty = self.problem.weight_decay * float(np.abs(self.w).sum())
        return self.problem.loss.value(fit, self.problem.y) + penalty

    def add(self, columns: NDArray[np.intp]) -> None:
        """More columns, with weights of zero."""
        before, after = len(self.columns), len(self.columns) + len(columns)
        if after > len(self.rows):
            more = np.zeros((2 * after, len(self.problem.y)))
            more[:before] = self.rows[:before]
            self.rows = more
        new = self.rows[before:after]
        new[:] = self.problem.family.X[:, columns].T
        if self.free:
            new -= self.mean(new.T)[:, None]
        weighted = new if (self.D == 1.0).all() else self.D * new
        across = self.matrix.T @ weighted.T
        self.G = np.block([[self.G, across], [across.T, new @ weighted.T]])
        self.columns = np.concatenate([self.columns, columns])
        self.w = np.concatenate([self.w, np.zeros(len(columns))])

    def steepest(self, slope: Array) -> NDArray[np.intp]:
        """The columns to be added next."""
        steep = np.abs(slope)
        steep[self.columns] = 0.0
        found = np.flatnonzero(steep > self.problem.weight_decay)
        count = max(FIRST, int(np.count_nonzero(self.w)))
        if found.size > count:
            found = found[np.argpartition(-steep[found], count)[:count]]
        return found

    def solve(self, slope: Array, error: float) -> None:
        """The best weights, up to an error in the objective, from the gradient at these."""
        q = self.G @ self.w - slope[self.columns]
        target = np.sqrt(self.D) * self.target
        _, lasso_path, trusting = import_lasso()
        with warnings.catch_warnings(), trusting(**TRUST):
            warnings.simplefilter("ignore")  # how far it has come is measured
            w = lasso_path(
                self.matrix,
                target,
                alphas=np.array([self.problem.weight_decay / len(target)]),
                precompute=self.G,
                Xy=q,
                coef_init=self.w,
                check_input=False,
                tol=error / float(target @ target),
                max_iter=SWEEPS,
            )[1][:, 0]
        self.w = self.polished(w, q)

    def polished(self, w: Array, q: Array) -> Array:
        """The optimum for the signs of these weights, where it has them; otherwise as they are."""
        support, signs = np.flatnonzero(w), np.sign(w)
        try:
            right = q[support] - self.problem.weight_decay * signs[support]
            exact = np.linalg.solve(self.G[np.ix_(support, support)], right)
        except np.linalg.LinAlgError:
            return w
        if not np.array_equal(np.sign(exact), signs[support]):
            return w
        polished = np.zeros_like(w)
        polished[support] = exact
        return polished

    def units(self, w: Array) -> Units:
        """The units of these weights of the first columns."""
        used = np.flatnonzero(w)
        w = w[used]
        rows = as_rows_of(self.problem.family.X, self.columns[used], np.abs(w))
        if not self.free:
            return Units(rows, np.sign(w))
        X, y = self.problem.family.X, self.problem.y
        rest = self.mean(y - X[:, self.columns[used]] @ w)
        return Units(rows, np.sign(w), np.array([rest / self.free]))


def fit_squares(problem: Problem, units: Units, gap: float, deadline: float) -> Units:
    """The optimum over all columns, from these units, to a relative gap.

    Or where working sets lead no further, or are larger than MOST.
    """
    working = WorkingSet(problem, units)
    best, least = working.w, np.inf
    for _ in range(ROUNDS):
        f = working.fit()
        value = working.value(f)
        if value >= least:
            break
        best, least = working.w, value
        v = problem.make_feasible(problem.loss.gradient(f, problem.y))
        slope = problem.family.X.T @ v
        done = gap_at(problem, v, float(np.abs(slope).max(initial=0.0)), value) <= gap
        new = working.steepest(slope)
        if done or now() > deadline or len(working.columns) + len(new) > MOST:
            break
        working.add(new)
        working.solve(slope, INNER * gap * value)
    return working.units(best)
