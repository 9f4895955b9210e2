"""Column generation: close the bracket around the optimum.

Each round slides the units of the best network to a better one, solves the master problem on the
cells that they are in, and prices the gradient of the loss at the result. Pricing proves a lower
bound, and every one of its local maxima above ``weight_decay`` is a unit worth adding; when there
is none left the master's optimum is the optimum over all units.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from cvxnet.bracket import relative_gap
from cvxnet.training.master import Master, Timings, cells_of
from cvxnet.training.problem import Array, Problem, Units, no_units
from cvxnet.training.refinement import LEVEL, refine
from cvxnet.training.sliding import slide
from cvxnet.training.sweep import LocalMaxima

SLIDING_STEPS = 200
NEW_UNITS = 100
"""At most so many new units a round, best first: more make the masters slow."""
APART = 0.01
"""New units of one sign keep a distance (radians) of this on a circle, its root on a sphere."""
NEGLIGIBLE = 1e-6
"""Units smaller than this, relative to the largest, are what an interior point left over."""
START = 1e-4
"""Size of a new unit relative to the largest."""
REFINEMENTS = 3
"""Newton refinements a round; each prices once."""
NEAR = 1.1
"""Refinement waits until ``rho`` is below this multiple of ``weight_decay``."""
PATIENCE = 8
"""Rounds without progress in the gap after which the search gives up."""
SLACK = 1e-14
"""Relative room left below ``rho(v) <= weight_decay`` for the rounding of ``t v``."""


@dataclass
class Bracket:
    """The best network and the best dual vector so far.

    ``lower <= optimum <= upper`` holds at every moment, whatever the solvers returned: ``upper``
    is a network's objective re-evaluated, ``lower`` the dual value of a vector that pricing has
    scaled into the feasible set.
    """

    problem: Problem
    units: Units
    upper: float
    dual: Array
    lower: float

    @property
    def gap(self) -> float:
        """``(upper - lower) / |upper|``; 0 where both are 0."""
        return relative_gap(self.lower, self.upper)

    def offer_units(self, units: Units) -> None:
        """Keep the network if it is better."""
        value = self.problem.objective(units)
        if value < self.upper:
            self.units, self.upper = units, value

    def offer_dual(self, v: Array, bound: float) -> None:
        """Keep the best feasible multiple of ``v``, where its dual value is better.

        ``bound`` is at least ``rho(v)``.
        """
        problem = self.problem
        largest = problem.weight_decay / (bound * (1.0 + SLACK)) if bound else np.inf
        t = problem.loss.best_scale(v, problem.y, largest)
        value = -problem.loss.conjugate(t * v, problem.y)
        if value > self.lower:
            self.dual, self.lower = t * v, value


def open_bracket(problem: Problem) -> Bracket:
    """The bracket that the empty network gives."""
    units, zero = no_units(problem.family.rank), np.zeros_like(problem.y)
    lower = -problem.loss.conjugate(zero, problem.y)
    return Bracket(problem, units, problem.objective(units), zero, lower)


def close_bracket(
    bracket: Bracket, master: Master, gap: float, deadline: float
) -> Iterator[Bracket]:
    """Run column generation; yields the bracket after each round.

    Ends when the gap is reached, when nothing improves it any more, or after ``deadline``
    (``time.monotonic``). The same object is yielded each time: it may also be read, and is true,
    after an interruption.
    """
    problem, timings = bracket.problem, master.timings
    units, maxima = bracket.units, price(bracket, bracket.units, timings)
    best_gap, since = np.inf, 0
    while True:
        yield bracket
        since = 0 if bracket.gap < 0.9 * best_gap else since + 1
        best_gap = min(best_gap, bracket.gap)
        if bracket.gap <= gap or time.monotonic() >= deadline or since >= PATIENCE:
            return
        units = units.without_small(NEGLIGIBLE)
        grown = units + new_units(maxima, problem.weight_decay, units)
        with clock(timings, "sliding"):
            slid = slide(problem, grown, SLIDING_STEPS)
        bracket.offer_units(slid)
        left = deadline - time.monotonic()
        cells = cells_of(problem, grown + slid.without_small(NEGLIGIBLE))
        units = master.solve(cells, left if np.isfinite(left) else None)
        maxima = price(bracket, units, timings)
        for _ in range(REFINEMENTS):
            if bracket.gap <= gap or maxima.rho > NEAR * problem.weight_decay:
                break
            with clock(timings, "refining"):
                refined = refine(problem, units, maxima)
            if refined is units:
                break
            units, maxima = refined, price(bracket, refined, timings)


def price(bracket: Bracket, units: Units, timings: Timings) -> LocalMaxima:
    """Price the dual vector that the units propose, and offer both to the bracket."""
    problem = bracket.problem
    bracket.offer_units(units)
    v = problem.dual_vector(units)
    with clock(timings, "pricing"):
        maxima = problem.family.price(v, (1.0 - LEVEL) * problem.weight_decay)
    bracket.offer_dual(v, maxima.rho + maxima.error)
    return maxima


def new_units(maxima: LocalMaxima, weight_decay: float, present: Units) -> Units:
    """The best local maxima above ``weight_decay``, well apart, signed so as to lower the loss."""
    apart = np.cos(APART ** (1.0 / max(present.weights.shape[1] - 1, 1)))
    chosen: list[int] = []
    for i in range(int((maxima.values > weight_decay).sum())):
        same = [j for j in chosen if maxima.signs[j] == maxima.signs[i]]
        cosines = maxima.units[same] @ maxima.units[i]
        if (cosines < apart).all():
            chosen.append(i)
        if len(chosen) == NEW_UNITS:
            break
    size = START * present.sizes.max(initial=0.0) or START
    return Units(size * maxima.units[chosen], -maxima.signs[chosen])


@contextmanager
def clock(timings: Timings, part: str) -> Iterator[None]:
    """Add the time spent inside to one part."""
    begin = time.perf_counter()
    try:
        yield
    finally:
        setattr(timings, part, getattr(timings, part) + time.perf_counter() - begin)
