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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cvxnet.errors import SolverError
from cvxnet.training.bracket import Bracket
from cvxnet.training.clock import now
from cvxnet.training.local_search import start_wide
from cvxnet.training.master import LARGE, Master, Timings, blocks_of
from cvxnet.training.oracle import Oracle
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem, Units
from cvxnet.training.proof_search import improve_lower_bound
from cvxnet.training.pruning import thin
from cvxnet.training.refinement import LEVEL, refine, stationary_dual
from cvxnet.training.sliding import slide
from cvxnet.training.units.family import Block
from cvxnet.training.vertex import merge
from cvxnet.types import Array

SLIDING_STEPS = 200
MANY_STEPS, PRECISE = 5000, 1e-16
"""Where everything is smooth, sliding alone solves a round."""
TOGETHER = 1e-6
"""There, units closer than this (radians) are merged."""
NEW_UNITS = 100
"""At most so many new units a round, best first: more make the masters slow."""
APART = 0.01
"""New units of one sign keep a distance (radians) of this on a circle, its root on a sphere."""
NEGLIGIBLE = 1e-6
"""Units smaller than this, relative to the largest, are what an interior point left over."""
COARSE, NEARBY = 1e-4, 1e-2
"""In many dimensions, where cells have many facets, smaller units are left out of the master, and
units closer than this (radians) are merged."""
ROUGH = 1e-5
"""There, an improvement of the network by less than this, relatively, is none."""
START = 1e-4
"""Size of a new unit relative to the largest."""
REFINEMENTS = 3
"""Newton refinements a round; each prices once."""
NEAR = 1.1
"""Refinement waits until ``rho`` is below this multiple of ``weight_decay``."""
PATIENCE = 8
"""Rounds without progress in the gap after which the search gives up."""
STALLED = 1e-4
"""A bracket that is left wider than this is tried again along a path of weight decays."""
STEP, ON_PATH = 10.0, 0.1
"""Ratio of weight decays on the path, and the gap to which they are solved."""
IMPATIENCE, COARSER = 2, 10.0
"""Where pricing is not exact: such rounds, and so much smaller masters count as large."""
ENTRIES_A_SECOND = 2e5
"""Of the matrix of a master, in the second that it takes to be solved, about."""
CREEP = 1e-7
"""A network that improves by less than this, relatively, stands still."""
SHARE = 0.6
"""Share of the time for finding a network, where proving a bound takes the rest."""
SIZE = 3000
"""Data of more numbers than this are no easy problem: local search comes before anything else."""
BEFORE, WIDELY = 0.1, 0.7
"""Shares of the time for the first pricing, and for a first network by local search."""
QUICK, HASTE = 0.5, 0.2
"""Easy problems are solved in so many seconds, or this share of the time."""
PROOF_SECONDS = 20.0
"""Time for proving a bound, where no time limit was given."""


def close_bracket(
    bracket: Bracket, master: Master, gap: float, deadline: float
) -> Iterator[Bracket]:
    """Run column generation; yields the bracket after each round.

    Ends when the gap is reached, when nothing improves it any more, or after ``deadline``
    (`now`). The same object is yielded each time: it may also be read, and is true,
    after an interruption. Where exact pricing takes too long, the bound is worked at afterwards,
    in what is left of the time; should exact pricing end after all, columns are generated again.
    """
    oracle = Oracle(bracket.problem)
    begin = bracket.units, bracket.proposal
    try:
        yield from generate_columns(bracket, master, gap, deadline, oracle, start=True)
    except SolverError:
        if not oracle.ends:
            raise
    stalled = bracket.gap > max(gap, STALLED) and not bracket.closed_by(gap)
    if oracle.ends and stalled and now() < deadline:
        yield from walk_down(bracket, oracle, master, gap, deadline, *begin)
    if deadline == np.inf and not oracle.ends:
        deadline = now() + PROOF_SECONDS
    while not oracle.ends and now() < deadline and not bracket.closed_by(gap):
        yield from prove(bracket, oracle, gap, deadline, master.timings)
        if oracle.ends:
            yield from generate_columns(bracket, master, gap, deadline, oracle)


def prove(
    bracket: Bracket, oracle: Oracle, gap: float, deadline: float, timings: Timings
) -> Iterator[Bracket]:
    """Bounds by the relaxation and by exact pricing in turns, whichever had less time so far.

    Ends when the gap is reached, when exact pricing ends, or when both have been tried in vain.
    """
    problem = bracket.problem
    v = problem.dual_vector(bracket.units) if problem.loss.smooth else bracket.proposal
    proofs = improve_lower_bound(problem.family, bracket, v, deadline)
    relaxing, pricing, left = 0.0, 0.0, True
    while now() < deadline and not bracket.closed_by(gap):
        begin = now()
        if problem.family.exact and (pricing < relaxing or not left):
            with clock(timings, "pricing"):
                maxima = oracle.attempt(v, (1.0 - LEVEL) * problem.weight_decay, deadline)
            pricing += now() - begin
            bracket.offer_dual(v, maxima.rho + maxima.error)
            if oracle.ends:
                return
        elif left:
            with clock(timings, "proving"):
                proof = next(proofs, None)
            relaxing += now() - begin
            left = proof is not None
            if proof is not None:
                bracket.offer_dual(*proof)
                yield bracket
        else:
            return


def walk_down(
    bracket: Bracket,
    oracle: Oracle,
    master: Master,
    gap: float,
    deadline: float,
    units: Units,
    v: Array,
) -> Iterator[Bracket]:
    """Go to the weight decay along a path of larger ones, each from the network of the one before.

    ``v`` is the dual vector of ``units`` to begin with. Where ``rho`` there is many powers of ten
    above ``weight_decay``, as with raw columns of very different size, the first masters have
    coefficients of as many powers of ten, and solvers return what is of no use. A step of the path
    begins close to where it ends.
    """
    problem = bracket.problem
    rho = price(bracket, oracle, units, v, master.timings, deadline).rho
    ratio = rho / problem.weight_decay
    zero = np.zeros_like(v)
    for k in range(int(np.log(max(ratio, 1.0)) / np.log(STEP)), 0, -1):
        above = replace(problem, weight_decay=STEP**k * problem.weight_decay)
        step = Bracket(above, units, above.objective(units), zero, 0.0, v, bracket.tolerance)
        for _ in generate_columns(step, replace(master, problem=above), ON_PATH, deadline):
            pass
        units, v = step.units, step.proposal
        bracket.offer_units(units)
        yield bracket
    bracket.proposal = v
    yield from generate_columns(bracket, master, gap, deadline, oracle)


def generate_columns(
    bracket: Bracket,
    master: Master,
    gap: float,
    deadline: float,
    oracle: Oracle | None = None,
    start: bool = False,
) -> Iterator[Bracket]:
    """Rounds of sliding, master and pricing; yields the bracket after each.

    Idle blocks are dropped, but while nothing moves all are kept, so that they cannot take turns.
    Where exact pricing is not known to end, they have a share of the time only. With ``start`` a
    network is looked for by local search first, where the problem shows to be no easy one.
    """
    problem, timings = bracket.problem, master.timings
    oracle, begin = oracle or Oracle(problem), now()
    units, blocks = bracket.units, dict[Any, Block]()
    progress = Watch(gap)
    if start and len(problem.y) * problem.family.rank > SIZE:
        start = False
        start_from_wide(bracket, timings, share(WIDELY, deadline))
        units = bracket.units
    first = share(BEFORE if start else SHARE, deadline)
    maxima = price(bracket, oracle, units, bracket.proposal, timings, first)
    while True:
        yield bracket
        if start and not is_easy(problem, oracle, len(units) + len(maxima.values), begin, deadline):
            start = False
            longest = now() - begin if oracle.always and problem.loss.smooth else np.inf
            start_from_wide(bracket, timings, min(share(WIDELY, deadline), now() + longest))
            units = bracket.units
        fine = oracle.ends
        end = deadline if fine else begin + SHARE * (deadline - begin)
        if bracket.gap <= gap or now() >= end or not progress.seen_in(bracket, fine):
            return
        if bracket.closed_by(gap) and (progress.still or bracket.is_rounding):
            return
        units = units.without_small(NEGLIGIBLE)
        grown = units + new_units(maxima, problem, units)
        if not len(grown):
            return
        stuck = progress.still > 0
        alone = None if stuck and fine else how_far_alone(problem, len(grown), fine, end)
        if alone:
            with clock(timings, "sliding"):
                units = tidy(problem, slide(problem, grown, *alone, end))
            v = problem.dual_vector(units)
        else:
            kept = blocks if stuck else {}
            blocks = blocks_of(problem, candidates(bracket, grown, fine, timings, end)) | kept
            master.value, master.second_way = bracket.upper, progress.still % 2 == 1
            left = end - now()
            units, v = master.solve(blocks.values(), left if np.isfinite(left) else None)
            v = problem.propose(units, v)
            if problem.family.smooth and not problem.loss.smooth:
                units = thin(problem, units)  # or near duplicates would double every round
        maxima = price(bracket, oracle, units, v, timings, end, stuck)
        if not problem.loss.smooth or not oracle.ends:
            continue
        for _ in range(REFINEMENTS):
            done = bracket.gap <= gap or now() > end
            if done or maxima.rho > NEAR * problem.weight_decay:
                break
            with clock(timings, "refining"):
                refined = refine(problem, units, maxima)
            if refined is units:
                break
            units = refined
            v = stationary_dual(problem, units)
            maxima = price(bracket, oracle, units, v, timings, end)


def start_from_wide(bracket: Bracket, timings: Timings, deadline: float) -> None:
    """Offer the networks of local search, from one start where exact pricing may soon take over."""
    problem = bracket.problem
    starts = 1 if problem.family.exact else None
    with clock(timings, "sliding"):
        for network in start_wide(problem, bracket.units.free, deadline, starts):
            bracket.offer_units(network)


def share(part: float, deadline: float) -> float:
    """When this part of the time left will be over."""
    begin = now()
    return begin + part * (deadline - begin)


def is_easy(problem: Problem, oracle: Oracle, units: int, begin: float, deadline: float) -> bool:
    """Whether column generation may well end before local search would: small and quick so far."""
    large = len(problem.y) * units * problem.family.block_width > LARGE
    return oracle.always and not large and now() <= begin + min(QUICK, HASTE * (deadline - begin))


def how_far_alone(
    problem: Problem, units: int, fine: bool, deadline: float
) -> tuple[int, float] | None:
    """Steps and precision of sliding where it takes the place of the master, otherwise None.

    Where features are smooth in u it ends at a local optimum. Where the master would be large it
    comes near enough: for Newton's method, or for what can be proved of units beyond exact pricing.
    """
    family = problem.family
    if not problem.loss.smooth or not family.slides:
        return None
    if family.smooth:
        return MANY_STEPS, PRECISE
    columns = units * family.block_width
    limit = min(LARGE if fine else LARGE / COARSER, ENTRIES_A_SECOND * (deadline - now()))
    return (SLIDING_STEPS, PRECISE) if len(problem.y) * columns > limit else None


def candidates(
    bracket: Bracket, grown: Units, fine: bool, timings: Timings, deadline: float
) -> Units:
    """Units whose blocks the master should have: those given, and where they slide to."""
    problem = bracket.problem
    if not problem.family.slides:
        return grown
    with clock(timings, "sliding"):
        slid = slide(problem, grown, SLIDING_STEPS, deadline=deadline)
    bracket.offer_units(slid)
    if not fine:
        return merge(slid.without_small(COARSE), NEARBY)
    return grown + slid.without_small(NEGLIGIBLE)


def tidy(problem: Problem, units: Units) -> Units:
    """The same network with fewer units, where that is simple and does not raise the objective."""
    rows, signs = problem.family.simplify(units.weights, units.signs)
    fewer = merge(Units(rows, signs, units.free).without_small(NEGLIGIBLE), TOGETHER)
    return fewer if problem.objective(fewer) <= problem.objective(units) else units


@dataclass
class Watch:
    """Says when nothing has moved for some rounds."""

    goal: float
    gap: float = np.inf
    upper: float = np.inf
    still: int = 0

    def seen_in(self, bracket: Bracket, fine: bool) -> bool:
        """Whether gap or network have improved lately: by a tenth, or by more than the goal.

        Where pricing is not exact, by more than ROUGH, and not long ago.
        """
        goal = max(self.goal, CREEP) if fine else ROUGH
        fell = self.upper - bracket.upper > goal * abs(bracket.upper)
        moved = bracket.gap < 0.9 * self.gap or fell
        self.still = 0 if moved else self.still + 1
        self.gap = min(self.gap, bracket.gap)
        self.upper = bracket.upper if fell or self.upper == np.inf else self.upper
        return self.still < (PATIENCE if fine else IMPATIENCE)


def price(
    bracket: Bracket,
    oracle: Oracle,
    units: Units,
    v: Array,
    timings: Timings,
    deadline: float,
    stuck: bool = False,
) -> LocalMaxima:
    """Price a dual vector, and offer it and the units to the bracket."""
    problem = bracket.problem
    bracket.proposal = v
    bracket.offer_units(units)
    with clock(timings, "pricing"):
        floor = (1.0 - LEVEL) * problem.weight_decay
        maxima = oracle.price(v, floor, units, deadline, stuck)
    if now() < deadline or maxima.rho > problem.weight_decay:
        bracket.promising = maxima.rho > problem.weight_decay
    bracket.offer_dual(v, maxima.rho + maxima.error)
    return maxima


def new_units(maxima: LocalMaxima, problem: Problem, present: Units) -> Units:
    """The best local maxima above ``weight_decay``, well apart, signed so as to lower the loss."""
    apart = np.cos(APART ** (1.0 / max(present.weights.shape[1] - 1, 1)))
    if not problem.family.slides:
        apart = np.inf  # units that cannot move are all different
    chosen: list[int] = []
    for i in range(int((maxima.values > problem.weight_decay).sum())):
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
