"""Linear models in the norm l1 of a dense X: working sets of columns, and their Gram matrices.

    minimise over w, c    loss(X w + c) + beta |w|_1,          c only where free.

The gradient at f = X w + c is ``v``, in w it is ``s = X^T v``, and a column j of weight zero lowers
the objective only where ``|s_j| > beta``. Some of these columns, the steepest first and as many as
have weights already, join the working set: A from here on. With the curvatures D of the loss (a
diagonal), their columns less their means weighted by D, and ``G = A^T D A``, the objective near w
is, up to a constant and to second order,

    1/2 w'^T G w' - q . w' + beta |w'|_1,        q = G w - s,

which never looks at the samples again: of few columns the method of Lawson and Hanson solves it, of
many one linear system where no sign changes, and elsewhere scikit-learn's coordinate descent.
That is a step of the proximal Newton method (Lee, Sun and Saunders 2014), shortened until the
objective falls as it should; for the squared loss one step is all. As s comes from the columns and
not from G, what is rounded in G does not matter at the end. So X as a whole is read once a round,
and what a round reads says how far w is from the optimum.
(Working sets: Massias, Gramfort, Salmon 2018, "Celer".)

**How far** takes no conjugate. Every loss here is at least 0, so ``l*(0) <= 0``, and l* is convex;
so with ``l*(v) = v.f - l(f)``, and t in [0, 1] for which ``t |s_j| <= beta`` for all j,

    objective + l*(t v)  <=  l(f) + beta |w|_1 + t (v.f - l(f))
                          =  (1 - t) l(f) + t v.f + beta |w|_1,

which for ``sum v = 0``, as it is at the best c, is a bound of the distance from the optimum. It
says when to end; the bracket has a bound of its own.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cvxnet.optional import import_lasso
from cvxnet.training.clock import now
from cvxnet.training.matrices import as_rows_of, is_sparse, pick_columns, used_columns
from cvxnet.training.nonneg_least_squares import OPTIMAL, minimise
from cvxnet.training.problem import Problem, Units
from cvxnet.training.samples import is_square
from cvxnet.types import Array

FIRST = 16
"""Columns that join a working set at once, at least; otherwise as many as have weights."""
ROUNDS = 100
"""Of adding columns."""
MOST = 1500
"""Columns of a working set: its Gram matrix is a dense one of that order."""
STEPS = 50
"""Of Newton's method, on a working set."""
PART = 0.3
"""A working set is solved to this part of the distance before; and the model of a step to this part
of what the best column alone gains."""
FLOOR = 1e-4
"""Least curvature of a sample, relative to the largest: where a loss is flat, steps stay finite."""
ENOUGH = 0.1
"""A step is short enough where the objective falls by this part of what its slope promises."""
HALVINGS = 30
FEW = 64
"""Weights of so many columns are found one by one, which takes no time beside a library's call."""
SWEEPS = 200
"""Of coordinate descent for the model of a step: linear systems and the next step do the rest."""
RIDGE = 1e-12
"""Relative to the diagonal of the Gram matrix, for columns that depend on one another."""
TRUST = {"assume_finite": True, "skip_parameter_validation": True}
"""What scikit-learn need not check."""


def has_working_sets(problem: Problem, units: int) -> bool:
    """Whether X is dense, with so many units of a size for working sets."""
    return not is_sparse(problem.family.X) and 2 * max(units, FIRST) <= MOST


def bend(problem: Problem, f: Array) -> Array:
    """A curvature of each sample with which no step is too long, wherever it begins, above zero.

    A loss of the residual r whose slope grows ever slower, as all here do, lies below its
    parabola of curvature ``l'(r) / r`` through r (Huber 1981, "Robust Statistics"). Elsewhere it is
    the loss's own.
    """
    loss, y = problem.loss, problem.y
    D = loss.curvature(f, y)
    if not loss.labels:
        r = f - y
        D = np.where(r != 0.0, loss.gradient(f, y) / np.where(r != 0.0, r, 1.0), D)
    return floored(D)


def floored(D: Array) -> Array:
    """Curvatures above zero."""
    return np.asarray(np.maximum(D, FLOOR * (D.max() or 1.0)))


@dataclass(frozen=True)
class Point:
    """Weights of some columns and the free weight; all others are zero.

    Attributes
    ----------
    w : ndarray, (k,)
        The weights.
    c : float
        The free weight.
    f, v : ndarray, (n,)
        Their predictions, and the gradient of the loss there.
    loss, value : float
        The loss, and the objective.
    """

    w: Array
    c: float
    f: Array
    v: Array
    loss: float
    value: float

    @classmethod
    def of(cls, problem: Problem, w: Array, c: float, f: Array, loss: float) -> Point:
        """These weights, whose predictions are f, and their loss."""
        value = loss + problem.weight_decay * float(np.abs(w).sum())
        return cls(w, c, f, problem.loss.gradient(f, problem.y), loss, value)


def distance(problem: Problem, point: Point, own: Array, rho: float) -> float:
    """The bound of the distance of a point from the optimum over columns of slopes up to rho.

    Those of the weights are its own.
    """
    t = min(1.0, problem.largest_multiple(rho))
    size, drift = float(np.abs(point.w).sum()), 0.0
    if problem.F.size:
        drift = abs(float(point.v.sum())) * float(np.abs(point.f).max())
    moved = (1.0 - t) * point.loss + t * float(own @ point.w)
    return moved + problem.weight_decay * size + drift


class WorkingSet:
    """Columns of X, their weights and the free weight; all others are zero."""

    def __init__(self, problem: Problem, units: Units) -> None:
        self.problem, self.beta = problem, problem.weight_decay
        self.free = float(problem.F[0, 0]) if problem.F.size else 0.0
        self.columns = used_columns(units.weights)
        self.A = pick_columns(problem.family.X, self.columns).T
        w = (units.weights.T @ units.outputs)[self.columns]
        c = self.free * float(units.free[0]) if self.free else 0.0
        f = w @ self.A + c
        self.here = Point.of(problem, w, c, f, problem.loss.value(f, problem.y))

    def distance(self, slope: Array, own: Array) -> float:
        """The same of this one, over the columns that have these slopes."""
        return distance(self.problem, self.here, own, float(np.abs(slope).max(initial=0.0)))

    def steepest(self, slope: Array) -> NDArray[np.intp]:
        """The columns to be added next."""
        steep = np.abs(slope)
        steep[self.columns] = 0.0
        new = np.flatnonzero(steep > self.beta)
        count = max(FIRST, int(np.count_nonzero(self.here.w)))
        if new.size > count:
            new = new[np.argpartition(-steep[new], count)[:count]]
        return new

    def add(self, new: NDArray[np.intp]) -> None:
        """Add columns, with weights of zero."""
        A = pick_columns(self.problem.family.X, new).T
        self.A = np.concatenate([self.A, A]) if len(self.A) else A
        self.columns = np.concatenate([self.columns, new])
        self.here = replace(self.here, w=np.concatenate([self.here.w, np.zeros(len(new))]))

    def solve(self, slope: Array, error: float, deadline: float) -> bool:
        """Come as near to the optimum on these columns, which have these slopes.

        Returns whether the objective has fallen.
        """
        before = self.here.value
        for _ in range(STEPS):
            if not self.step(slope):
                break
            slope = self.A @ self.here.v
            if self.distance(slope, slope) <= error or now() > deadline:
                break
        return self.here.value < before

    def step(self, slope: Array) -> bool:
        """Go where the objective has fallen, if there is a way: Newton's, or the one of `bend`."""
        f, w = self.here.f, self.here.w
        for D, shortest in self.curvatures():
            toward, dc = self.optimum(D, slope)
            dw = toward - w
            df = dw @ self.A + dc
            price = self.beta * float(np.abs(toward).sum() - np.abs(w).sum())
            falls = -(float(self.here.v @ df) + price)
            t = 1.0
            while t >= shortest and falls > 0.0:
                loss = self.problem.loss.value(f + t * df, self.problem.y)
                penalty = self.beta * float(np.abs(w + t * dw).sum())
                if loss + penalty < self.here.value - ENOUGH * t * falls:
                    self.here = Point.of(
                        self.problem, w + t * dw, self.here.c + t * dc, f + t * df, loss
                    )
                    return True
                t *= 0.5
        return False

    def curvatures(self) -> Iterator[tuple[Array, float]]:
        """Those of models of the loss, and for each the shortest step that is worth a try."""
        loss, last = self.problem.loss, 0.5**HALVINGS
        own = is_square(loss) or loss.labels
        D = loss.curvature(self.here.f, self.problem.y)
        if own or D.any():
            yield floored(D), last if own else 1.0
        if not own:
            yield bend(self.problem, self.here.f), last

    def optimum(self, D: Array, slope: Array) -> tuple[Array, float]:
        """The optimum of the model, and the step of the free weight."""
        used = (self.here.w != 0.0) | (np.abs(slope) > self.beta)
        A = self.A if used.all() else pick_columns(self.A.T, np.flatnonzero(used)).T
        w, s = self.here.w[used], slope[used]
        roots, total, drift, means = np.sqrt(D), float(D.sum()), 0.0, np.zeros(len(w))
        if self.free:
            drift, means = float(self.here.v.sum()), A @ D / total
            A = A - means[:, None]
        A = A if (D == 1.0).all() else A * roots
        G = A @ A.T
        q = G @ w - (s - drift * means)
        target = w @ A - self.here.v / roots
        found = self.here.w.copy()
        if w.size:
            found[used] = minimum(A.T, target, G, q, w, self.beta)
        return found, -drift / total - float(means @ (found[used] - w))

    def units(self) -> Units:
        """The units of these weights."""
        used = np.flatnonzero(self.here.w)
        w = self.here.w[used]
        rows = as_rows_of(self.problem.family.X, self.columns[used], np.abs(w))
        free = np.array([self.here.c / self.free]) if self.free else np.zeros(0)
        return Units(rows, np.sign(w), free)


def minimum(A: Array, target: Array, G: Array, q: Array, w: Array, beta: float) -> Array:
    """The weights that minimise ``1/2 w^T G w - q.w + beta |w|_1``, from these.

    It is ``1/2 |A w - target|^2`` up to a constant. Of few weights it is the minimum for their
    signs, those of weights of zero as the slope has them; of many it is near the minimum.
    """
    slope = q - G @ w
    signs = np.where(w != 0.0, np.sign(w), np.sign(slope))
    if len(w) <= FEW:
        sizes, every = np.abs(w), np.ones(len(w), dtype=bool)
        minimise(signs[:, None] * G * signs, signs * q - beta, 0, every, sizes, OPTIMAL)
        return np.asarray(signs * sizes)
    exact = optimum_of_signs(signs, G, q, beta)
    if np.array_equal(np.sign(exact), signs):
        return exact
    return by_coordinates(A, target, G, q, w, beta)


def by_coordinates(A: Array, target: Array, G: Array, q: Array, w: Array, beta: float) -> Array:
    """The same by coordinate descent, polished.

    What is left is a part of what the best step along one column gains.
    """
    slope, signs = q - G @ w, np.sign(w)
    steep = np.where(w != 0.0, np.abs(slope - beta * signs), np.maximum(np.abs(slope) - beta, 0.0))
    gain = float((steep**2 / np.where(G.diagonal() > 0.0, 2.0 * G.diagonal(), np.inf)).max())
    lasso_path, trusting = import_lasso()
    with warnings.catch_warnings(), trusting(**TRUST):
        warnings.simplefilter("ignore")  # how far it has come is measured
        found = lasso_path(
            A,
            target,
            alphas=np.array([beta / len(target)]),
            precompute=G,
            Xy=q,
            coef_init=w.copy(),  # which is written to
            check_input=False,
            tol=PART * gain / (float(target @ target) or 1.0),
            max_iter=SWEEPS,
        )[1][:, 0]
    return polished(found, G, q, beta)


def polished(w: Array, G: Array, q: Array, beta: float) -> Array:
    """Towards the optimum for the signs of these weights: those that vanish on the way are out."""
    w, signs = w.copy(), np.sign(w)
    for _ in range(len(w)):
        used = np.flatnonzero(w)
        exact = optimum_of_signs(signs[used], G[np.ix_(used, used)], q[used], beta)
        if not np.isfinite(exact).all():
            break
        wrong = np.flatnonzero(signs[used] * exact <= 0.0)
        if not wrong.size:
            w[used] = exact
            break
        steps = w[used][wrong] / (w[used] - exact)[wrong]
        w[used] += steps.min() * (exact - w[used])
        w[used[wrong[np.argmin(steps)]]] = 0.0
    return w


def optimum_of_signs(signs: Array, G: Array, q: Array, beta: float) -> Array:
    """Where the gradient vanishes for weights of these signs; infinite where it cannot be told."""
    H = G.copy()
    H.flat[:: len(H) + 1] *= 1.0 + RIDGE
    try:
        return np.asarray(np.linalg.solve(H, q - beta * signs))
    except np.linalg.LinAlgError:
        return np.full_like(q, np.inf)


def fit_working_set(
    problem: Problem, units: Units, gap: float, deadline: float
) -> tuple[Units, Array]:
    """The optimum over all columns, from these units, to a relative gap; with its predictions.

    Or where working sets lead no further, or are larger than MOST.
    """
    working = WorkingSet(problem, units)
    for _ in range(ROUNDS):
        slope = problem.family.X.T @ working.here.v
        left, error = working.distance(slope, slope[working.columns]), gap * working.here.value
        new = working.steepest(slope)
        if left <= error or now() > deadline or len(working.columns) + len(new) > MOST:
            break
        if new.size:
            working.add(new)
            error = max(error, PART * left)
        if not working.solve(slope[working.columns], error, deadline):
            break
    return working.units(), working.here.f
