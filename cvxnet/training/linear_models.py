"""Linear models by libraries: scikit-learn's lasso, and SciPy's L-BFGS.

**In the norm l1**, as of coordinate units, with the columns A of X that are used the master is

    minimise over w, c    loss(A w + c) + beta |w|_1,          c only where there is an output bias.

Near f = A w + c, with the gradient v and the curvature D (diagonal) of the loss there, it is

    1/2 sum_i D_i (t_i - (A w' + c')_i)^2 + beta |w'|_1 + constant,        t = f - v / D,

a weighted lasso: some sweeps of scikit-learn's coordinate descent come near its optimum (Friedman,
Hastie, Tibshirani 2010, "Regularization paths for generalized linear models via coordinate
descent"; Yuan, Ho, Lin 2012, newGLMNET). The step is shortened until the objective falls. For c
there is one column more, of a number so large that its weight costs next to nothing: a library
centres the columns instead, and then each weight of a sparse A takes as long as one of a dense A.

Sweeps find the signs of w soon, and its last digits late where columns depend on one another. The
objective is smooth while the signs stay: once few of them change, there is a Newton step on the
columns of weights that are not zero, by conjugate gradients, which only multiply with A.

How far the master is from its optimum is known all along, from ``A^T v`` (`distance` of
`cvxnet.training.working_sets`). It is solved no further than the bracket of the whole problem
needs.

**In the norm l2** all linear units are one, and

    minimise over w, c    loss(X w + F c) + beta |w|

is smooth where w is not 0, which it is as soon as ``|X^T v| > beta``: L-BFGS, for which X is only
multiplied with vectors. That is for a sparse X; for a dense one there are frames of its columns
(`cvxnet.training.sliding`).
"""

from __future__ import annotations

import warnings
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
from cvxnet.training.working_sets import TRUST, Point, bend, distance
from cvxnet.types import Array

INNER = 0.1
"""A lasso is solved to this part of the gap that its master is to reach."""
AHEAD = 0.1
"""A master is solved to this part of the gap of the whole problem, or of the gap asked for."""
STEPS = 100
"""Proximal Newton steps for a master."""
SWEEPS, SLOW, MOST_SWEEPS = 10, 0.2, 10_000
"""Of coordinate descent for a lasso, after which the next step has a better model. Where the gap
has not fallen to this part the sweeps were too few, and there are twice as many from then on."""
SETTLED = 0.05
"""A Newton step follows where no more than this part of the signs has changed: what it costs is a
few steps of sweeps."""
HUGE = 1e8
"""Entries of the column of the free weight."""
EVERY = 1000
"""Of no more columns all are in the master, which is solved once."""
PART = 10
"""Less than this part of the columns of a sparse matrix is picked from its rows, for about what two
products with a vector take; to turn all of it takes as long as ten."""
HALVINGS, ROUNDING = 30, 1e-14
"""A step is halved so often until the objective falls, or stays but for its rounding: the gap can
still fall then."""
GRADIENT = 0.1
"""Quasi-Newton steps end at a gradient of this times the gap, relative to the weight decay."""
MOST_STEPS, MEMORY = 5000, 20
"""Quasi-Newton steps, and how many of them shape the next one."""
DIRECT = 1500
"""Newton steps for at most so many columns of a dense matrix solve a system of that order."""
SOLVED, PRODUCTS = 1e-4, 50
"""Conjugate gradients end where the error has become so small, or after so many products: the next
Newton step begins where this one ends."""
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


class ColumnMaster:
    """The master on some columns of X, (n, k), dense or sparse."""

    def __init__(self, problem: Problem, columns: NDArray[np.intp]) -> None:
        self.problem, self.columns = problem, columns
        family = problem.family
        few = is_sparse(family.X) and PART * len(columns) < family.rank
        self.A = columns_of(family.X if few else family.by_columns, columns)
        self.free = float(problem.F[0, 0]) if problem.F.size else 0.0
        self.wide = with_constant(self.A) if self.free else self.A

    def at(self, w: Array, c: float) -> Point:
        """These weights."""
        f = np.asarray(self.A @ w + c)
        return Point.of(self.problem, w, c, f, self.problem.loss.value(f, self.problem.y))

    def gap(self, point: Point) -> float:
        """A bound on the relative gap of the point as a solution of this master."""
        slope = self.A.T @ point.v
        rho = float(np.abs(slope).max(initial=0.0))
        return distance(self.problem, point, slope, rho) / point.value

    def solve(self, start: Point, gap: float, deadline: float) -> Point:
        """The optimum, to this gap, or to where steps lead no further."""
        point, width, sweeps = start, np.inf, SWEEPS
        for _ in range(STEPS):
            if width <= gap or now() > deadline:
                break
            before, moved = width, self.lasso(point, gap, sweeps)
            width = self.gap(moved)
            changed = np.count_nonzero(np.sign(moved.w) != np.sign(point.w))
            if width > gap and changed <= SETTLED * np.count_nonzero(moved.w):
                moved = self.newton(moved)
                width = self.gap(moved)
            if moved.value >= point.value and width >= before:
                break
            point = moved
            if width > SLOW * before:
                sweeps = min(2 * sweeps, MOST_SWEEPS)
        return point

    def lasso(self, point: Point, gap: float, sweeps: int) -> Point:
        """A proximal Newton step, whose model has so many sweeps at most."""
        D = bend(self.problem, point.f)
        A, target, weights = self.wide, point.f - point.v / D, {"sample_weight": D}
        size = float((D * target) @ target)
        if not is_sparse(A):  # of a dense matrix the library does not weigh samples
            roots = np.sqrt(D)
            A, target, weights = A * roots[:, None], roots * target, {}
        lasso_path, trusting = import_lasso()
        with warnings.catch_warnings(), trusting(**TRUST):
            warnings.simplefilter("ignore")  # how far it has come is measured by `gap`
            w = lasso_path(
                A,
                target,
                alphas=np.array([self.problem.weight_decay / len(target)]),
                coef_init=np.append(point.w, point.c / HUGE)[: A.shape[1]],
                check_input=False,
                precompute=False,
                tol=INNER * gap * point.value / (size or 1.0),
                max_iter=sweeps,
                **weights,
            )[1][:, 0]
        k = len(point.w)
        return self.towards(point, w[:k], HUGE * float(w[k:].sum()))

    def newton(self, point: Point) -> Point:
        """A Newton step on the support, no further than to where a weight vanishes."""
        support = np.flatnonzero(point.w)
        if not support.size:
            return point
        A, signs = self.A[:, support], np.sign(point.w[support])
        D = self.problem.loss.curvature(point.f, self.problem.y)
        slope = A.T @ point.v + self.problem.weight_decay * signs
        if self.free:
            slope = np.append(slope, point.v.sum())
        direct = not is_sparse(A) and support.size <= DIRECT
        step = (solved_step if direct else iterated_step)(A, D, slope)
        if step is None:
            return point
        w = point.w.copy()
        w[support] += step[: support.size]
        w[support] = np.where(np.sign(w[support]) == signs, w[support], 0.0)
        return self.towards(point, w, point.c + (float(step[-1]) if self.free else 0.0))

    def towards(self, point: Point, w: Array, c: float) -> Point:
        """The first of the points on the way from there to here whose objective is no higher."""
        t = 1.0
        for _ in range(HALVINGS):
            moved = self.at(point.w + t * (w - point.w), point.c + t * (c - point.c))
            if moved.value <= point.value * (1.0 + ROUNDING):
                return moved
            t *= 0.5
        return point

    def units(self, point: Point) -> Units:
        """The units of these weights."""
        used = np.flatnonzero(point.w)
        rows = as_rows_of(self.problem.family.X, self.columns[used], np.abs(point.w[used]))
        free = np.array([point.c / self.free]) if self.free else np.zeros(0)
        return Units(rows, np.sign(point.w[used]), free)


def with_constant(A: Any) -> Any:
    """A column more, all of it HUGE."""
    column = np.full((A.shape[0], 1), HUGE)
    if not is_sparse(A):
        return np.asfortranarray(np.hstack([A, column]))
    wide = sparse.hstack([A, column], format="csc")
    return columns_of(wide, np.arange(wide.shape[1]))


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
    """The same about, by conjugate gradients, for which A is only multiplied with vectors."""
    k, order = A.shape[1], len(slope)
    thin = is_sparse(A)
    across = sparse.csc_array(A.T) if thin else A.T

    def product(z: Array) -> Array:
        u = D * (A @ z[:k] + z[k:].sum())
        return np.append(across @ u, u.sum())[:order] + RIDGE * diagonal * z

    lengths = squares(A).T @ D if thin else np.einsum("ij,ij,i->j", A, A, D)
    diagonal = np.append(lengths, D.sum())[:order]
    if diagonal.min() <= 0.0:
        return None
    H = LinearOperator((order, order), matvec=product, dtype=np.float64)
    scaling = LinearOperator((order, order), matvec=lambda z: z / diagonal, dtype=np.float64)
    step, _ = cg(H, -slope, rtol=SOLVED, maxiter=PRODUCTS, M=scaling)
    return np.asarray(step)


def solve_columns(
    problem: Problem, units: Units, more: Units, gap: float, bracket: float, deadline: float
) -> tuple[Units, Array]:
    """The optimum on the columns of these units and of more, from these, ahead of a gap.

    With its predictions, which are known and take a pass over a sparse matrix. Where these are not
    all columns, another round follows: no further then than ahead of the gap of the bracket.
    """
    columns = np.arange(problem.family.X.shape[1])
    if len(columns) > EVERY:
        columns = np.union1d(used_columns(units.weights), used_columns(more.weights))
        gap = max(gap, bracket)
    master = ColumnMaster(problem, columns)
    w = np.asarray(units.weights.T @ units.outputs)[columns]
    c = master.free * float(units.free[0]) if problem.F.size else 0.0
    point = master.solve(master.at(w, c), AHEAD * gap, deadline)
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
