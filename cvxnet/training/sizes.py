"""The best sizes of units whose directions are fixed, and the best free weights.

    minimise  loss(F c + H s) + weight_decay * sum s       over s >= 0 and any c.

Newton's method; each step is a problem of `cvxnet.training.nonneg_least_squares`, as large as there
are columns. With the squared loss one step is all there is. Elsewhere a step that goes too far ends
at the minimum on its line, or where that is farther away, which finds the narrow stretches in which
a loss bends that is almost linear. A step takes two products with the columns, which are had part
by part of the samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from cvxnet.losses import Loss
from cvxnet.training.clock import now
from cvxnet.training.nonneg_least_squares import OPTIMAL, RIDGE, ROUNDING, minimise
from cvxnet.training.problem import Problem, Units
from cvxnet.training.samples import is_square
from cvxnet.types import Array

STEPS = 100
"""Of Newton's method."""
CONVERGED = 1e-16
"""A step along which the objective falls by less, relatively, is the last."""
LEVEL = 1e-9
"""Curvatures below this, relative to the largest, count as this."""
NEAR, LONGER, PRECISION = 0.5, 8.0, 1e-13
"""A step is whole where the slope at its end is less than this, relatively. Otherwise it is longer
by such factors, as long as the objective falls, or shorter, up to this precision."""

ENOUGH = 4096
"""Of a loss that bends almost nowhere about so many samples have that curvature, for the others."""
SLACK = 1e-6
"""Where a smooth loss stands for one with kinks in a round of column generation."""

Parts = Callable[[], Iterable[tuple[slice, Array]]]
"""Walks through the rows of a matrix: which they are, and the rows themselves."""


@dataclass(frozen=True)
class Columns:
    """The matrix ``[F H]``, its rows had part by part."""

    F: Array
    parts: Parts

    def rows(self) -> Iterable[tuple[slice, Array]]:
        """Those of both."""
        for part, H in self.parts():
            yield part, np.hstack([self.F[part], H]) if self.F.shape[1] else H

    def times(self, x: Array) -> Array:
        """The predictions of free weights and sizes, (n,)."""
        return np.concatenate([A @ x for _, A in self.rows()])

    def products(self, D: Array, g: Array) -> tuple[Array, Array]:
        """``A^T diag(D) A`` and ``A^T g``."""
        Q, b = np.zeros(()), np.zeros(())
        for part, A in self.rows():
            bends = D[part] > 0.0
            curved = A if bends.all() else A[bends]
            Q, b = Q + (curved.T * D[part][bends]) @ curved, b + A.T @ g[part]
        return Q, b


def columns_of(F: Array, H: Array) -> Columns:
    """Those of a matrix that is there as a whole."""
    return Columns(F, lambda: [(slice(None), H)])


def fit_sizes(
    problem: Problem,
    units: Units,
    sizes: Array,
    loss: Loss | None = None,
    deadline: float = np.inf,
) -> Units:
    """The units with their best sizes, those without any left out; from these ``sizes``, (m,).

    Where the problem's own loss has kinks a smooth ``loss`` stands for it. After the deadline
    (`now`) no step of Newton's method begins: they are no worse than those to start from.
    """
    directions = units.weights / problem.family.sizes(units.weights)[:, None]
    signs = units.outputs

    def parts() -> Iterable[tuple[slice, Array]]:
        for part, H in problem.family.feature_parts(directions):
            yield part, H * signs

    x = np.concatenate([units.free, sizes])
    x, _ = solve_sizes(problem, loss or problem.loss, Columns(problem.F, parts), x, SLACK, deadline)
    free, sizes = np.split(x, [len(units.free)])
    used = sizes > 0.0
    return Units(sizes[used, None] * directions[used], signs[used], free)


def solve_sizes(
    problem: Problem,
    loss: Loss,
    columns: Columns,
    x: Array,
    slack: float = 0.0,
    deadline: float = np.inf,
) -> tuple[Array, Array]:
    """The best free weights and sizes from those given, and their predictions.

    The loss is smooth: the problem's own, or one that stands for it. Then slopes below ``slack``
    count as zero, relative to ``weight_decay``. After the deadline (`now`) nothing is fitted.
    """
    if is_square(loss):
        if now() > deadline:
            return x, columns.times(x)
        x = x.copy()
        least(*model_at(problem, loss, columns, columns.times(x)), problem.F.shape[1], x, OPTIMAL)
        return x, columns.times(x)
    return newton(problem, loss, columns, x, slack, deadline)


def newton(
    problem: Problem, loss: Loss, columns: Columns, x: Array, slack: float, deadline: float
) -> tuple[Array, Array]:
    """The minimiser and its predictions, from a starting point."""
    y, k = problem.y, problem.F.shape[1]
    decay = np.repeat([0.0, problem.weight_decay], [k, len(x) - k])
    f = columns.times(x)
    for _ in range(STEPS):
        if now() > deadline:
            break
        moved, (Q, b) = x.copy(), model_at(problem, loss, columns, f)
        unpulled = b + RIDGE * Q.diagonal().max(initial=0.0) * x  # not towards zero
        least(Q, unpulled, k, moved, precision(problem, unpulled, slack))
        step = moved - x
        ahead, price = columns.times(step), float(decay @ step)

        def slope(t: float, f: Array = f, ahead: Array = ahead, price: float = price) -> float:
            """Of the objective along the step."""
            return float(loss.gradient(f + t * ahead, y) @ ahead) + price

        falls = -slope(0.0)
        last = falls <= CONVERGED * (loss.value(f, y) + float(decay @ x))
        if falls <= 0.0:
            break
        x = x + (1.0 if last else along(slope, falls, room(x, step, k))) * step
        f = columns.times(x)
        if last:
            break
    return x, f


def precision(problem: Problem, b: Array, slack: float) -> float:
    """The slope, relative to the largest ``b_j``, that is zero to Newton's method.

    A loss that stands for one with kinks curves as much as it likes, and ``b`` grows with that.
    """
    if problem.loss.smooth:
        return OPTIMAL
    largest = float(np.abs(b).max(initial=0.0)) or 1.0
    return min(max(slack * problem.weight_decay / largest, ROUNDING), OPTIMAL)


def room(x: Array, step: Array, free: int) -> float:
    """How often the step may be taken until a size is zero; at least once."""
    falling = np.flatnonzero(step[free:] < 0.0) + free
    return max(float((x[falling] / -step[falling]).min(initial=np.inf)), 1.0)


def along(slope: Callable[[float], float], falls: float, end: float) -> float:
    """Where on its line a step should end: after one, if that is near enough to the minimum."""
    t = 1.0
    if abs(slope(t)) <= NEAR * falls:
        return t
    while slope(t) < 0.0 and t < end:
        t = min(LONGER * t, end)
    if slope(t) <= 0.0:
        return t
    return float(brentq(slope, 0.0, t, xtol=PRECISION * t))


def least(Q: Array, b: Array, free: int, x: Array, optimal: float) -> float:
    """The minimum of a model, written into ``x`` from there."""
    return float(minimise(Q, b, free, np.ones(len(b), dtype=bool), x, optimal))


def model_at(problem: Problem, loss: Loss, columns: Columns, f: Array) -> tuple[Array, Array]:
    """Q and b of the quadratic model of the objective at predictions f, for all x with f = A x.

    ``1/2 x^T Q x - b^T x`` with ``Q = A^T D A`` and ``b = A^T (D f - gradient) - weight decay``.
    """
    y, k = problem.y, problem.F.shape[1]
    D = loss.curvature(f, y)
    if not is_square(loss):
        most = np.maximum(loss.curvature(y, y), loss.curvature(0.0 * f, y))
        least = LEVEL * np.maximum(D, most)
        D = np.maximum(D, least if problem.loss.smooth else thinned(least))
    Q, b = columns.products(D, D * f - loss.gradient(f, y))
    b[k:] -= problem.weight_decay
    return Q, b


def thinned(least: Array) -> Array:
    """The same numbers in sum, at about ENOUGH samples, and zero at the others."""
    step = max(len(least) // ENOUGH, 1)
    few = np.zeros_like(least)
    few[::step] = step * least[::step]
    return few
