"""Column generation: close the bracket around the optimum.

Each round makes the network better and prices its dual vector. Pricing proves a lower bound, and
every one of its local maxima above ``weight_decay`` is a unit worth adding; when there is none left
the network's objective is the optimum over all units. How a round makes the network better depends
on the kind of problem: a `Plan`, chosen once by `cvxnet.training.plans`, holds the steps.

Where exact pricing takes too long, a bound is proved afterwards in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cvxnet.errors import SolverError
from cvxnet.training.bounds.proof_search import improve_lower_bound
from cvxnet.training.bracket import Bracket
from cvxnet.training.clock import now
from cvxnet.training.fewer_units import directions
from cvxnet.training.master import LARGE, Master, Timings, blocks_of
from cvxnet.training.oracle import Oracle
from cvxnet.training.outputs.bounds import improve_output_bound
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem, Units
from cvxnet.training.proximal import proximal_loss
from cvxnet.training.refinement import LEVEL
from cvxnet.training.sizes import fit_sizes
from cvxnet.training.units.family import Block
from cvxnet.types import Array

APART = 0.01
"""New units of one sign keep a distance (radians) of this on a circle, its root on a sphere."""
NEGLIGIBLE = 1e-6
"""Units smaller than this, relative to the largest, are what an interior point left over."""
START = 1e-4
"""Size of a new unit relative to the largest."""
FELL = 0.9
"""A gap that falls to this part of the smallest so far is progress."""
STALLED = 1e-4
"""A bracket that is left wider than this is tried again along a path of weight decays."""
STEP, ON_PATH = 10.0, 0.1
"""Ratio of weight decays on the path, and the gap to which they are solved."""
LATE = 0.25
"""With less than this part of the time left that exact pricing takes, no further round begins."""
AT_LAST = 10
"""Units whose sizes are fitted where the time was over before that of others."""
PROOF_SECONDS = 20.0
"""Time for proving a bound, where no time limit was given."""


@dataclass(frozen=True)
class Settings:
    """How column generation goes about a problem.

    Attributes
    ----------
    share : float
        Share of the time for finding a network; proving a bound takes the rest.
    patience : int
        Rounds without progress after which the search gives up.
    progress : float
        A network that improves by less than this, relatively, stands still.
    new_units : int
        At most so many new units a round, best first: more make the masters slow.
    near : bool
        New units of one sign may be near each other. In a master of cells that costs time.
    level : float
        Local maxima down to this part below ``weight_decay`` are found.
    large : float
        Entries of a master's matrix from which on units slide instead.
    smallest, together : float
        Units below that size (relative to the largest) are left out of a master, and units within
        that angle (radians) are merged.
    """

    share: float
    patience: int
    progress: float
    large: float
    smallest: float
    together: float
    new_units: int = 100
    near: bool = False
    level: float = LEVEL


EXACT = Settings(
    share=1.0, patience=8, progress=1e-7, large=LARGE, smallest=NEGLIGIBLE, together=0.0
)
"""Where exact pricing ends in time."""
RELAXED = Settings(
    share=0.6, patience=2, progress=1e-5, large=LARGE / 10, smallest=1e-4, together=1e-2
)
"""Where it does not, mostly in many dimensions, where cells have many facets."""


@dataclass(frozen=True)
class Plan:
    """The steps of column generation for one kind of problem, and their settings.

    Attributes
    ----------
    start : callable
        Finds a first network, and prices its dual vector.
    improve : callable
        A better network, from one that new units were added to, with its dual vector.
    polish : callable
        The same once more, from the local maxima of that dual vector; returns the last ones.
    exact, relaxed : Settings
        Where exact pricing ends in time, and where it does not.
    """

    start: Start
    improve: Improve
    polish: Polish
    exact: Settings = EXACT
    relaxed: Settings = RELAXED


Start = Callable[["Search"], LocalMaxima]
Improve = Callable[["Search", Units], tuple[Units, Array]]
Polish = Callable[["Search", LocalMaxima], LocalMaxima]
"""The steps of a plan."""


@dataclass
class Search:
    """Where column generation is: what the steps of a plan read and change.

    Attributes
    ----------
    gap, deadline : float
        Where it ends; the deadline as `now` counts.
    units : Units
        The network of this round, not always the best one.
    blocks : dict
        The blocks of the last master. They are kept while nothing moves, so that idle ones cannot
        take turns.
    proof : float
        For how long bounds are proved, in multiples of the time before.
    still : int
        Rounds without progress.
    converged : bool
        Whether the search for a network has ended before its time was over.
    late : bool
        Whether there was too little time left for another round.
    """

    bracket: Bracket
    master: Master
    oracle: Oracle
    plan: Plan
    gap: float
    deadline: float
    proof: float = np.inf
    units: Units = field(init=False)
    begin: float = field(default_factory=now)
    blocks: dict[Any, Block] = field(default_factory=dict)
    still: int = 0
    converged: bool = False
    late: bool = False
    smallest_gap: float = np.inf
    lowest: float = np.inf

    def __post_init__(self) -> None:
        self.units = self.bracket.units

    @property
    def problem(self) -> Problem:
        """The problem to be solved."""
        return self.bracket.problem

    @property
    def timings(self) -> Timings:
        """Seconds spent in each part."""
        return self.master.timings

    @property
    def settings(self) -> Settings:
        """Those of the plan, by whether exact pricing ends as far as is known."""
        return self.plan.exact if self.oracle.ends else self.plan.relaxed

    @property
    def stuck(self) -> bool:
        """Whether the last round led nowhere."""
        return self.still > 0

    @property
    def end(self) -> float:
        """When the time for finding a network is over."""
        if self.settings.share == 1.0:
            return self.deadline
        return self.begin + self.settings.share * (self.deadline - self.begin)

    @property
    def is_open(self) -> bool:
        """Whether there is time left, and something to be gained."""
        return now() < self.deadline and not (self.late or self.bracket.closed_by(self.gap))

    @property
    def has_stalled(self) -> bool:
        """Whether exact pricing and its network have ended far from each other, in time."""
        far = self.bracket.gap > max(self.gap, STALLED)
        return self.oracle.ends and self.is_open and far

    @property
    def is_done(self) -> bool:
        """Whether the gap is reached, or the time for finding a network is over."""
        return self.bracket.gap <= self.gap or now() >= self.end

    def is_over(self) -> bool:
        """Whether it is done, or nothing has moved for some rounds."""
        bracket = self.bracket
        if self.is_done:
            return True
        self.late = self.oracle.trusted and self.end - now() < LATE * self.oracle.seconds
        if self.late:
            return True
        self.watch()
        if self.still >= self.settings.patience:
            return True
        return bool(bracket.closed_by(self.gap)) and (self.stuck or bracket.is_rounding)

    def watch(self) -> None:
        """Note whether gap or network have improved in the last round."""
        gap, upper = self.bracket.gap, self.bracket.upper
        goal = max(self.gap, self.settings.progress) if self.oracle.ends else self.settings.progress
        fell = self.lowest - upper > goal * abs(upper)
        self.still = 0 if fell or gap < FELL * self.smallest_gap else self.still + 1
        self.smallest_gap = min(self.smallest_gap, gap)
        if fell or self.lowest == np.inf:
            self.lowest = upper

    def grown(self, maxima: LocalMaxima) -> Units:
        """The network with new units, the best local maxima above ``weight_decay``."""
        units = self.units.without_small(NEGLIGIBLE)
        return units + new_units(maxima, self.problem, units, self.settings)

    def found(self, units: Units, way: str, fit: Array | None = None) -> tuple[Units, Array]:
        """Units that were found in this way, without cells, with the loss's own dual vector.

        ``fit`` are their predictions, where these are known: with them they are offered.
        """
        self.master.way = way
        if fit is not None:
            self.bracket.offer_units(units, fit)
        return units, self.problem.dual_vector(units, fit)

    def price(self, units: Units, v: Array, deadline: float | None = None) -> LocalMaxima:
        """Price the dual vector of a network, which becomes that of this round; offer both."""
        self.units, self.bracket.proposal = units, v
        self.bracket.offer_units(units)
        deadline = self.end if deadline is None else deadline
        with clock(self.timings, "pricing"):
            level = LEVEL if self.stuck else self.settings.level
            floor = (1.0 - level) * self.problem.weight_decay
            maxima = self.oracle.price(v, floor, units, deadline, self.stuck)
        if now() < deadline or maxima.rho > self.problem.weight_decay:
            self.bracket.promising = maxima.rho > self.problem.weight_decay
        self.bracket.offer_dual(v, maxima.rho + maxima.error, maxima.evidence)
        return maxima

    def solve(self, units: Units) -> tuple[Units, Array]:
        """The optimum of the master problem on the blocks of these units, and its dual vector."""
        kept = self.blocks if self.stuck else {}
        self.blocks = blocks_of(self.problem, units) | kept
        self.master.value, self.master.second_way = self.bracket.upper, self.still % 2 == 1
        self.master.fit = self.problem.fit(self.bracket.units)
        left = self.end - now()
        units, v = self.master.solve(self.blocks.values(), left if np.isfinite(left) else None)
        return units, self.problem.propose(units, v, self.master.second_way)


def price_first(search: Search) -> LocalMaxima:
    """Price what the bracket has, in a share of the time: a start from where a search has ended."""
    bracket = search.bracket
    end = share(search.plan.relaxed.share, search.deadline)
    return search.price(bracket.units, bracket.proposal, end)


def share(part: float, deadline: float) -> float:
    """When this part of the time left will be over."""
    begin = now()
    return begin + part * (deadline - begin)


def close_bracket(search: Search) -> Iterator[Bracket]:
    """Run column generation; yields the bracket after each round.

    Ends when the gap is reached, when nothing improves it any more, or after the deadline. The same
    object is yielded each time: it may also be read, and is true, after an interruption. Where
    exact pricing takes too long, the bound is worked at afterwards, in what is left of the time;
    should exact pricing end after all, columns are generated again.
    """
    oracle, opened = search.oracle, replace(search.bracket)
    try:
        yield from generate_columns(search)
        search.converged = now() < search.end and not search.late
    except SolverError:
        if not oracle.ends:
            raise
    if search.has_stalled:
        yield from walk_down(search, opened)
    if not oracle.ends:
        search.deadline = end_of_proof(search)
    while not oracle.ends and search.is_open:
        yield from prove(search)
        if oracle.ends:
            yield from generate_columns(resumed(search))


def end_of_proof(search: Search) -> float:
    """When the time for proving a bound is over."""
    end = search.deadline if search.deadline < np.inf else now() + PROOF_SECONDS
    return min(end, now() + search.proof * (now() - search.begin)) if search.proof else now()


def resumed(search: Search) -> Search:
    """A search that goes on where this one has ended."""
    plan = replace(search.plan, start=price_first)
    return Search(
        search.bracket,
        search.master,
        search.oracle,
        plan,
        gap=search.gap,
        deadline=search.deadline,
    )


def generate_columns(search: Search) -> Iterator[Bracket]:
    """Rounds of improving the network and pricing; yields the bracket after each."""
    plan = search.plan
    maxima = plan.start(search)
    while True:
        yield search.bracket
        if search.is_over():
            if search.late or now() >= search.end:
                save_from_emptiness(search, maxima)
            return
        grown = search.grown(maxima)
        if not len(grown):
            return
        maxima = search.price(*plan.improve(search, grown))
        maxima = plan.polish(search, maxima)


def save_from_emptiness(search: Search, maxima: LocalMaxima) -> None:
    """Offer the best sizes of some local maxima where no network has units, and time is short."""
    problem, bracket = search.problem, search.bracket
    if bracket.untrained and len(maxima.values) and problem.y.ndim == 1:
        few = new_units(maxima, problem, bracket.units, replace(search.settings, new_units=AT_LAST))
        units, loss = bracket.units + few, proximal_loss(bracket, bracket.units)
        bracket.offer_units(fit_sizes(problem, units, np.zeros(len(units)), loss))


def prove(search: Search) -> Iterator[Bracket]:
    """Bounds by the relaxation and by exact pricing in turns, whichever had less time so far.

    Ends when the gap is reached, when exact pricing ends, or when both have been tried in vain.
    """
    bracket, oracle, problem = search.bracket, search.oracle, search.problem
    v = problem.dual_vector(bracket.units) if problem.loss.smooth else bracket.proposal
    improve = improve_lower_bound if v.ndim == 1 else improve_output_bound
    proofs: Iterator[Any] = improve(problem.family, bracket, v, search.deadline)
    relaxing, pricing, left = 0.0, 0.0, True
    while search.is_open:
        begin = now()
        if oracle.exact and (pricing < relaxing or not left):
            with clock(search.timings, "pricing"):
                floor = (1.0 - LEVEL) * problem.weight_decay
                maxima = oracle.attempt(v, floor, search.deadline)
            pricing += now() - begin
            bracket.offer_dual(v, maxima.rho + maxima.error, maxima.evidence)
            if oracle.ends:
                return
        elif left:
            with clock(search.timings, "proving"):
                proof = next(proofs, None)
            relaxing += now() - begin
            left = proof is not None
            if proof is not None:
                bracket.offer_dual(*proof)
                yield bracket
        else:
            return


def walk_down(search: Search, opened: Bracket) -> Iterator[Bracket]:
    """Go to the weight decay along a path of larger ones, each from the network of the one before.

    ``opened`` is the bracket to begin with. Where ``rho`` there is many powers of ten
    above ``weight_decay``, as with raw columns of very different size, the first masters have
    coefficients of as many powers of ten, and solvers return what is of no use. A step of the path
    begins close to where it ends.
    """
    problem, bracket = search.problem, search.bracket
    units, v = opened.units, opened.proposal
    ratio = search.price(units, v, search.deadline).rho / problem.weight_decay
    for k in range(int(np.log(max(ratio, 1.0)) / np.log(STEP)), 0, -1):
        above = replace(problem, weight_decay=STEP**k * problem.weight_decay)
        zero = np.zeros_like(v)
        larger = Bracket(
            above,
            units,
            upper=above.objective(units),
            dual=zero,
            lower=0.0,
            proposal=v,
            tolerance=bracket.tolerance,
        )
        master = replace(search.master, problem=above)
        step = Search(
            larger, master, Oracle(above), search.plan, gap=ON_PATH, deadline=search.deadline
        )
        for _ in generate_columns(resumed(step)):
            pass
        units, v = larger.units, larger.proposal
        bracket.offer_units(units)
        yield bracket
    bracket.proposal = v
    yield from generate_columns(resumed(search))


def new_units(maxima: LocalMaxima, problem: Problem, present: Units, settings: Settings) -> Units:
    """The best local maxima above ``weight_decay``, well apart, signed so as to lower the loss."""
    above, most = int((maxima.values > problem.weight_decay).sum()), settings.new_units
    if settings.near or not problem.family.slides:  # units that cannot move are all different
        chosen = list(range(min(above, most)))
    else:
        chosen = well_apart(maxima, problem, above, most)
    size = START * present.sizes.max(initial=0.0) or START
    return Units(size * maxima.units[chosen], -maxima.outputs[chosen])


def well_apart(maxima: LocalMaxima, problem: Problem, above: int, most: int) -> list[int]:
    """The first of those above, of which no two of one sign are close to each other."""
    apart = np.cos(APART ** (1.0 / max(maxima.units.shape[1] - 1, 1)))
    seen = maxima.units
    if problem.y.ndim == 2:  # no master comes to what is near a unit that was chosen
        seen = directions(seen, problem.family.frame)
    chosen: list[int] = []
    for i in range(above):
        same = np.dot(maxima.outputs[chosen], maxima.outputs[i]) > 0.0
        cosines = seen[chosen][same] @ seen[i]
        if (cosines < apart).all():
            chosen.append(i)
        if len(chosen) == most:
            break
    return chosen


@contextmanager
def clock(timings: Timings, part: str) -> Iterator[None]:
    """Add the time spent inside to one part."""
    begin = now()
    try:
        yield
    finally:
        setattr(timings, part, getattr(timings, part) + now() - begin)
