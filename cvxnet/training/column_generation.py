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
from dataclasses import dataclass, field

import numpy as np

from cvxnet.training.master import Master, Timings
from cvxnet.training.problem import Array, Problem, Units, no_units
from cvxnet.training.sliding import slide
from cvxnet.training.sweep import LocalMaxima
from cvxnet.training.units.family import Block

SLIDING_STEPS = 200
NEW_UNITS = 100
"""At most so many new units a round, best first: more make the masters slow."""
APART = 0.1
"""New units of one sign are at least this far apart (radians, roughly)."""
NEGLIGIBLE = 1e-6
"""Units smaller than this, relative to the largest, are what an interior point left over."""
START = 1e-4
"""Size of a new unit relative to the largest."""
PATIENCE = 8
"""Rounds without progress in the gap after which the search gives up."""
SLACK = 1e-12
"""Relative room left below the constraint ``rho(v) <= weight_decay`` for rounding."""


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
    history: list[tuple[float, float, float, int]] = field(default_factory=list)

    @property
    def gap(self) -> float:
        """``(upper - lower) / |upper|``; 0 where both are 0."""
        return relative_gap(self.lower, self.upper)

    def offer_units(self, units: Units) -> None:
        """Keep the network if it is better."""
        value = self.problem.objective(units)
        if value < self.upper:
            self.units, self.upper = units, value

    def offer_dual(self, v: Array, rho: float) -> None:
        """Keep the best feasible multiple of ``v``, where its dual value is better."""
        problem = self.problem
        largest = problem.weight_decay / (rho * (1.0 + SLACK)) if rho else np.inf
        t = problem.loss.best_scale(v, problem.y, largest)
        value = -problem.loss.conjugate(t * v, problem.y)
        if value > self.lower:
            self.dual, self.lower = t * v, value


def relative_gap(lower: float, upper: float) -> float:
    """``(upper - lower) / |upper|``; 0 where both are 0.

    >>> relative_gap(0.75, 1.0), relative_gap(0.0, 0.0)
    (0.25, 0.0)
    """
    if upper == lower:
        return 0.0
    return (upper - lower) / abs(upper) if upper else float("inf")


def open_bracket(problem: Problem) -> Bracket:
    """The bracket that the empty network gives."""
    units = no_units(problem.family.rank)
    v = problem.dual_vector(units)
    zero = np.zeros_like(v)
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
    solved, blocks = bracket.units, list[Block]()
    best_gap, since = np.inf, 0
    while True:
        maxima = price(bracket, solved, timings)
        yield bracket
        since = 0 if bracket.gap < 0.9 * best_gap else since + 1
        best_gap = min(best_gap, bracket.gap)
        if bracket.gap <= gap or time.monotonic() >= deadline or since >= PATIENCE:
            return
        used = solved.sizes > NEGLIGIBLE * solved.sizes.max(initial=0.0)
        blocks = [block for block, keep in zip(blocks, used, strict=True) if keep]
        units = solved.pick(used)
        new = new_units(maxima, units)
        with clock(timings, "sliding"):
            units = slide(problem, units + new, SLIDING_STEPS).without_small(NEGLIGIBLE)
        bracket.offer_units(units)
        blocks = distinct(blocks + [problem.family.block(u, s) for u, s in rows(new + units)])
        left = deadline - time.monotonic()
        solved = master.solve(blocks, left if np.isfinite(left) else None)
        bracket.offer_units(solved)


def price(bracket: Bracket, units: Units, timings: Timings) -> LocalMaxima:
    """Price the dual vector that the units propose, and offer both to the bracket."""
    problem = bracket.problem
    v = problem.dual_vector(units)
    with clock(timings, "pricing"):
        maxima = problem.family.price(v, problem.weight_decay)
    bracket.offer_dual(v, maxima.rho)
    return maxima


def new_units(maxima: LocalMaxima, present: Units) -> Units:
    """The best local maxima, well apart, with the signs that lower the loss."""
    chosen: list[int] = []
    for i in range(len(maxima.values)):
        same = [j for j in chosen if maxima.signs[j] == maxima.signs[i]]
        cosines = maxima.units[same] @ maxima.units[i]
        if (cosines < np.cos(APART)).all():
            chosen.append(i)
        if len(chosen) == NEW_UNITS:
            break
    size = START * present.sizes.max(initial=0.0) or START
    return Units(size * maxima.units[chosen], -maxima.signs[chosen])


def rows(units: Units) -> Iterator[tuple[Array, float]]:
    """Each unit with its sign."""
    return zip(units.weights, units.signs.tolist(), strict=True)


def distinct(blocks: list[Block]) -> list[Block]:
    """One block for each key."""
    return list({block.key: block for block in blocks}.values())


@contextmanager
def clock(timings: Timings, part: str) -> Iterator[None]:
    """Add the time spent inside to one part."""
    begin = time.perf_counter()
    try:
        yield
    finally:
        setattr(timings, part, getattr(timings, part) + time.perf_counter() - begin)
