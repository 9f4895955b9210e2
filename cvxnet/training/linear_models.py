"""Linear models by libraries: scikit-learn's lasso, and SciPy's L-BFGS.

**In the norm l1**, as of coordinate units, with the columns A of X that are used the master is

    minimise over w, c    loss(A w + c) + beta |w|_1,          c only where there is an output bias.

Near f = A w + c, with the gradient v and the curvature D (diagonal) of the loss there, it is

    1/2 sum_i D_i (t_i - (A w' + c')_i)^2 + beta |w'|_1 + constant,        t = f - v / D,

a weighted lasso: that of scikit-learn solves it by coordinate descent with a duality gap (Friedman,
Hastie, Tibshirani 2010, "Regularization paths for generalized linear models via coordinate
descent"; Yuan, Ho, Lin 2012, newGLMNET). The step is shortened until the objective falls. For the
squared loss one step is all. Once the signs of w stay, the objective is smooth in the rest, and
Newton steps on the support give the last digits.

How far the master is from its optimum is known all along: v, scaled until ``|A^T v| <= beta``, is a
dual vector of it. It is solved no further than the bracket of the whole problem needs.

**In the norm l2** all linear units are one, and

    minimise over w, c    loss(X w + F c) + beta |w|

is smooth where w is not 0, which it is as soon as ``|X^T v| > beta``: L-BFGS, for which X is only
multiplied with vectors. That is for a sparse X; for a dense one there are frames of its columns
(`cvxnet.training.sliding`).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, cg

from cvxnet.optional import import_lasso, is_installed
from cvxnet.training.clock import now
from cvxnet.training.matrices import as_rows_of, columns_of, is_sparse, squares, used_columns
from cvxnet.training.problem import Problem, Units
from cvxnet.training.working_sets import TRUST, bend, gap_at
from cvxnet.types import Array

INNER = 0.1
"""A lasso is solved to this part of the gap that its master is to reach."""
AHEAD = 0.1
"""A master is solved to this part of the gap of the whole problem, or of the gap asked for."""
STEPS = 50
"""Proximal Newton steps for a master."""
FEW = 1000
"""A master of no more columns is solved to the end at once."""
PART = 10
"""Less than this part of the columns of a sparse matrix is picked from its rows, for about what two
products with a vector take; to turn all of it takes as long as ten."""
SWEEPS = 10_000
"""Of coordinate descent for a lasso."""
HALVINGS = 30
GRADIENT = 0.1
"""Quasi-Newton steps end at a gradient of this times the gap, relative to the weight decay."""
MOST_STEPS, MEMORY = 5000, 20
"""Quasi-Newton steps, and how many of them shape the next one."""
SUPPORT = 1500
"""Newton steps are for at most so many columns: they solve a dense system of that order, and one of
more sparse columns is nearly singular."""
SOLVED, PRODUCTS = 1e-4, 200
"""Conjugate gradients for a sparse matrix end where the error has become so small, or after so many
products: the next Newton step begins where this one ends."""
RIDGE = 1e-14
"""Relative to the diagonal of the Hessian, for columns that depend on one another."""


def is_lasso(problem: Problem) -> bool:
    """Whether this is a linear model in the norm l1 for the library.

    Without it there are masters for a dense X; a sparse one asks for it.
    """
    family, F = problem.family, problem.F
    columns = family.name == "coordinate" or (family.name == "linear" and family.norm == "l1")
    there = is_installed("sklearn") or is_sparse(family.X)
    constant = F.shape[1] <= 1 and bool((F[:1] == F).all())
    return columns and constant and is_smooth(problem) and there


def is_ridge(problem: Problem) -> bool:
    """Whether this is a linear model in the norm l2 of a sparse X."""
    family = problem.family
    ball = family.name == "linear" and family.norm == "l2" and is_sparse(family.X)
    return ball and is_smooth(problem)


def is_smooth(problem: Problem) -> bool:
    """Whether there is one output and a loss that has a gradient everywhere."""
    return problem.y.ndim == 1 and problem.loss.smooth


@dataclass(frozen=True)
class Point:
    """Weights of the columns of a master, the free weight, and their predictions."""

    w: Array
    c: float
    f: Array
    value: float


class ColumnMaster:
    """The master on some columns of X, (n, k), dense or sparse."""

    def __init__(self, problem: Problem, columns: NDArray[np.intp]) -> None:
        self.problem, self.columns = problem, columns
        family = problem.family
        few = is_sparse(family.X) and PART * len(columns) < family.rank
        self.A = columns_of(family.X if few else family.by_columns, columns)
        self.free = float(problem.F[0, 0]) if problem.F.size else 0.0

    def at(self, w: Array, c: float) -> Point:
        """These weights."""
        f = self.A @ w + c
        loss = self.problem.loss.value(f, self.problem.y)
        return Point(w, c, f, loss + self.problem.weight_decay * float(np.abs(w).sum()))

    def gap(self, point: Point) -> float:
        """A bound on the relative gap of the point as a solution of this master."""
        v = self.problem.make_feasible(self.problem.loss.gradient(point.f, self.problem.y))
        return gap_at(self.problem, v, float(np.abs(self.A.T @ v).max()), point.value)

    def solve(self, start: Point, gap: float, deadline: float) -> Point:
        """The optimum, to this gap, or to where steps lead no further."""
        point, width = start, self.gap(start)
        for _ in range(STEPS):
            if width <= gap or now() > deadline:
                break
            moved = self.lasso(point, gap)
            width = self.gap(moved)
            stays = np.array_equal(np.sign(moved.w), np.sign(point.w))
            if width > gap and (stays or moved.value >= point.value):
                moved = self.newton(min(moved, point, key=lambda p: p.value))
                width = self.gap(moved)
            if moved.value >= point.value:
                break
            point = moved
        return point

    def lasso(self, point: Point, gap: float) -> Point:
        """A proximal Newton step."""
        D, v = bend(self.problem, point.f), self.problem.loss.gradient(point.f, self.problem.y)
        target = point.f - v / D
        even = bool((D[0] == D).all())
        middle = (D @ target) / D.sum() if self.free else 0.0
        size = float(D @ (target - middle) ** 2)
        lasso, _, trusting = import_lasso()
        model = lasso(
            alpha=self.problem.weight_decay / D.sum(),
            fit_intercept=bool(self.free),
            tol=INNER * gap * point.value / (size or 1.0),
            copy_X=bool(self.free) or not even,  # otherwise nothing is written to it
            max_iter=SWEEPS,
            warm_start=True,
        )
        model.coef_ = point.w
        with warnings.catch_warnings(), trusting(**TRUST):
            warnings.simplefilter("ignore")  # how far it has come is measured by `gap`
            model.fit(self.A, target, sample_weight=None if even else D)
        return self.towards(point, model.coef_, float(model.intercept_))

    def newton(self, point: Point) -> Point:
        """A Newton step on the support, no further than to where a weight vanishes."""
        support, thin = np.flatnonzero(point.w), is_sparse(self.A)
        if not 0 < support.size <= SUPPORT:
            return point
        loss, y = self.problem.loss, self.problem.y
        A, signs = self.A[:, support], np.sign(point.w[support])
        v, D = loss.gradient(point.f, y), loss.curvature(point.f, y)
        slope = A.T @ v + self.problem.weight_decay * signs
        if self.free:
            slope = np.append(slope, v.sum())
        step = (iterated_step if thin else solved_step)(A, D, slope)
        if step is None:
            return point
        w = point.w.copy()
        w[support] += step[: support.size]
        w[support] = np.where(np.sign(w[support]) == signs, w[support], 0.0)
        return self.towards(point, w, point.c + (float(step[-1]) if self.free else 0.0))

    def towards(self, point: Point, w: Array, c: float) -> Point:
        """The first of the points on the way from there to here whose objective is lower."""
        t = 1.0
        for _ in range(HALVINGS):
            moved = self.at(point.w + t * (w - point.w), point.c + t * (c - point.c))
            if moved.value < point.value:
                return moved
            t *= 0.5
        return point

    def units(self, point: Point) -> Units:
        """The units of these weights."""
        used = np.flatnonzero(point.w)
        rows = as_rows_of(self.problem.family.X, self.columns[used], np.abs(point.w[used]))
        free = np.array([point.c / self.free]) if self.free else np.zeros(0)
        return Units(rows, np.sign(point.w[used]), free)


def solved_step(A: Array, D: Array, slope: Array) -> Array | None:
    """``-H^-1 slope``, ``H = A^T D A``; or of ``[A 1]`` where the slope has one entry more."""
    k = A.shape[1]
    H = A.T @ (A * D[:, None])
    if len(slope) > k:
        edge = np.asarray(A.T @ D)
        H = np.block([[H, edge[:, None]], [edge[None, :], np.array([[D.sum()]])]])
    H[np.diag_indices_from(H)] *= 1.0 + RIDGE
    try:
        return np.asarray(-np.linalg.solve(H, slope), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None


def iterated_step(A: Any, D: Array, slope: Array) -> Array | None:
    """The same about, by conjugate gradients: for a sparse A, which is multiplied alone."""
    k, order = A.shape[1], len(slope)
    across = sparse.csc_array(A.T)

    def product(z: Array) -> Array:
        u = D * (A @ z[:k] + z[k:].sum())
        return np.append(across @ u, u.sum())[:order]

    diagonal = np.append(squares(A).T @ D, D.sum())[:order]
    if diagonal.min() <= 0.0:
        return None
    H = LinearOperator((order, order), matvec=product, dtype=np.float64)
    scaling = LinearOperator((order, order), matvec=lambda z: z / diagonal, dtype=np.float64)
    step, _ = cg(H, -slope, rtol=SOLVED, maxiter=PRODUCTS, M=scaling)
    return np.asarray(step)


def solve_columns(
    problem: Problem, units: Units, gap: float, deadline: float
) -> tuple[Units, Array]:
    """The optimum on the columns of these units, from where they are, to a relative gap.

    With its predictions, which are known and take a pass over a sparse matrix.
    """
    columns = used_columns(units.weights)
    master = ColumnMaster(problem, columns)
    w = np.asarray(units.weights.T @ units.outputs)[columns]
    c = master.free * float(units.free[0]) if problem.F.size else 0.0
    point = master.solve(master.at(w, c), gap, deadline)
    return master.units(point), point.f


def solve_ball(problem: Problem, units: Units, gap: float) -> Units:
    """The optimum over all linear units in the round ball, from where these are, to a gap.

    A gradient that is left of size e lets ``|X^T v|`` exceed the weight decay by no more.
    """
    X, F, beta, loss, y = problem.family.X, problem.F, problem.weight_decay, problem.loss, problem.y
    d = X.shape[1]

    def fit(z: Array) -> Array:
        return np.asarray(X @ z[:d] + F @ z[d:])

    def pulled(v: Array) -> Array:
        return np.concatenate([np.asarray(X.T @ v), F.T @ v])

    def value(z: Array) -> tuple[float, Array]:
        f, size = fit(z), float(np.linalg.norm(z[:d]))
        slope = pulled(loss.gradient(f, y))
        slope[:d] += beta * z[:d] / (size or 1.0)
        return loss.value(f, y) + beta * size, slope

    start = np.concatenate([np.asarray(units.weights.T @ units.outputs), units.free])
    options = {"gtol": GRADIENT * gap * beta / np.sqrt(d), "ftol": 0.0}
    options |= {"maxiter": MOST_STEPS, "maxfun": 2 * MOST_STEPS, "maxcor": MEMORY}
    z = minimize(value, start, jac=True, method="L-BFGS-B", options=options).x
    return Units(z[None, :d], np.ones(1), z[d:])
