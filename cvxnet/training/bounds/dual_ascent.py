"""Choosing the dual vector for its proved bound, where pricing is not exact.

A dual vector v with multipliers that prove ``rho(v) <= B`` proves the lower bound ``-l*(t v)`` with
``t = weight_decay / B``. B is of degree one in (v, multipliers), so the lower bound is a function
of their direction alone. It is maximised over all of them together by a quasi-Newton method: the v
of a network is good for the pricing that the network has seen, and not for the relaxation.

With ``p = grad l*(t v)``, predictions, ``d l*(t v) = t p.dv - t (p.v) dB / B`` where t is at its
limit. B is the largest of the bounds of several leaves (of the pricing function and its negative,
at least), softened as the barriers in them are. Free columns F demand ``F^T v = 0``: of that
takes care a multiplier with a penalty, and, before anything is claimed, `Problem.make_feasible`.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.special import logsumexp, softmax

from cvxnet.training.bounds.claims import proved_bound
from cvxnet.training.bounds.relaxation import Side
from cvxnet.training.bounds.stages import (
    barrier_of,
    descend,
    limits_of,
    reprice,
    run_stage,
    steps_for,
    units_of,
)
from cvxnet.training.problem import Problem
from cvxnet.types import Array

EDGE = 1e-9
"""How near, relatively, v may come to the ends of its domain."""
STIFF = 100.0
"""Weight of the penalty: violating ``F^T v = 0`` by 1 % costs 0.5 % of the value."""
RIVALS = 0.6
"""Leaves whose bound is below this share of the largest one are left alone for a stage; what the
new dual vector makes of them is mended afterwards."""
LEAST_RISE = 1e-2
"""Leaves count at least so much in the choice of units, relative to the one that counts most."""


class Ascent:
    """A dual vector, and the multipliers of ``F^T v = 0``: minus the free weights."""

    def __init__(self, problem: Problem, v: Array, free: Array) -> None:
        self.problem, self.v, self.prices = problem, v, -free
        value = abs(problem.loss.conjugate(v, problem.y))
        self.stiff = STIFF * value / ((np.abs(problem.F).T @ np.abs(v)) ** 2 + 1e-300)
        low, high = problem.loss.domain(problem.y)
        edge = EDGE * np.minimum(high - low, np.abs(v).max())
        self.low, self.high = low + edge, high - edge

    def value(self, bound: float) -> float:
        """The lower bound that v proves with a bound on its ``rho``."""
        loss, y = self.problem.loss, self.problem.y
        t = loss.best_scale(self.v, y, self.problem.largest_multiple(bound))
        return -loss.conjugate(t * self.v, y)

    def stage(self, leaves: list[Side], eps: float, deadline: float) -> None:
        """Quasi-Newton steps at the smoothing ``eps``, then new pairs in the leaves."""
        bounds = [proved_bound(leaf) for leaf in leaves]
        largest = max(bounds)
        active = [leaf for leaf, b in zip(leaves, bounds, strict=True) if b >= RIVALS * largest]
        x = self.minimiser(active, eps, largest, deadline)
        self.move(leaves, active, x, self.problem.weight_decay / largest)
        for leaf in active:
            if self.problem.F.size:  # v has been moved to where it is feasible
                run_stage(leaf, eps, deadline)
            else:
                reprice(leaf, barrier_of(leaf, eps))
        largest = max(proved_bound(leaf) for leaf in active)
        for leaf in leaves:
            if leaf not in active and proved_bound(leaf) > largest:
                run_stage(leaf, eps, deadline)

    def minimiser(self, active: list[Side], eps: float, largest: float, deadline: float) -> Array:
        """v and the multipliers of these leaves that prove most; their largest bound is given."""
        barriers = [barrier_of(leaf, eps) for leaf in active]
        measure = partial(self.measure, active, barriers, eps * largest)
        start = np.concatenate([self.v, *(leaf.z for leaf in active)])
        scale = self.all_units(active, measure(start)[2])
        of_leaves = [limits_of(leaf, b) for leaf, b in zip(active, barriers, strict=True)]
        ends = zip((self.low, self.high), *of_leaves, strict=True)

        def objective(x: Array) -> tuple[float, Array]:
            value, gradient, _ = measure(x * scale)
            return value, gradient * scale

        limits = [np.concatenate(end) / scale for end in ends]
        steps = steps_for(active)
        return np.asarray(scale * descend(objective, start / scale, limits, deadline, steps))

    def all_units(self, active: list[Side], rises: Array) -> Array:
        """Units in which to move v and the multipliers: the more a leaf counts, the smaller."""
        rises = np.maximum(rises, LEAST_RISE * rises.max() + 1e-300)
        units = [units_of(leaf) / np.sqrt(rise) for leaf, rise in zip(active, rises, strict=True)]
        return np.concatenate([self.domain_unit(), *units])

    def move(self, leaves: list[Side], active: list[Side], x: Array, t: float) -> None:
        """Take v and the multipliers of the active leaves from x; ``t v`` is to be feasible."""
        v, *multipliers = self.split(active, x)
        for leaf, z in zip(active, multipliers, strict=True):
            leaf.z = z
        self.prices = self.prices + self.stiff * t * (self.problem.F.T @ v)
        self.v = self.problem.make_feasible(v)
        for leaf in leaves:
            leaf.take(self.v)

    def measure(
        self, leaves: list[Side], barriers: list[float], soft: float, x: Array
    ) -> tuple[float, Array, Array]:
        """``l*(t v)``, its gradient in v and the multipliers, and its derivative in each bound."""
        problem = self.problem
        loss, F = problem.loss, problem.F
        v, *multipliers = self.split(leaves, x)
        bounds, by_multipliers, by_v = np.zeros(len(leaves)), [], []
        for i, (leaf, z, barrier) in enumerate(zip(leaves, multipliers, barriers, strict=True)):
            leaf.take(v)
            at = leaf.evaluate(z, barrier)
            bounds[i] = at.value
            by_multipliers.append(at.gradient)
            by_v.append(at.gradient_in_v)
        B = soft * logsumexp(bounds / soft)
        t = loss.best_scale(v, problem.y, problem.weight_decay / B)
        p = loss.conjugate_slope(np.clip(t * v, self.low, self.high), problem.y)
        violation = t * (F.T @ v)
        prices = self.prices + self.stiff * violation
        value = loss.conjugate(t * v, problem.y) + violation @ (self.prices + prices) / 2.0
        p = p + F @ prices
        limited = t * B >= problem.weight_decay * (1.0 - 1e-12)
        rises = max(-t / B * float(p @ v), 0.0) * limited * softmax(bounds / soft)
        by_v = t * p + sum(rise * slope for rise, slope in zip(rises, by_v, strict=True))
        parts = [rise * slope for rise, slope in zip(rises, by_multipliers, strict=True)]
        return float(value), np.concatenate([by_v, *parts]), rises

    def split(self, leaves: list[Side], x: Array) -> list[Array]:
        """v and the multipliers of each leaf."""
        sizes = [len(self.v), *(len(leaf.z) for leaf in leaves)]
        return np.split(x, np.cumsum(sizes)[:-1])

    def domain_unit(self) -> Array:
        """Units in which to move v: those in which the curvature of the conjugate is about one."""
        loss, y = self.problem.loss, self.problem.y
        v = np.clip(self.v, self.low, self.high)
        curvature = loss.curvature(loss.conjugate_slope(v, y), y)
        if not curvature.any():
            return np.ones_like(v)
        return np.asarray(np.sqrt(np.maximum(curvature, 1e-4 * curvature.max())))
