"""Pricing in two gears: local search finds most units, exact pricing is asked when it finds none.

Exact pricing of piecewise-linear units takes milliseconds or centuries, depending on the rank, the
number of samples and the dual vector, and nobody knows which beforehand. So it is tried, with a
budget of rows to look at: at first in every round, where that costs about as much as local search;
from when on that does not suffice, only where local search finds nothing, with as many rows as it
has been found to take. Where it did not end with those, `cvxnet.training.column_generation` looks
for bounds by the relaxation, and now and then tries again, with twice as many.

Rows are counted, and not seconds, so that what is found is the same on every machine and whatever
else that does. Only deadlines are kept by the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvxnet.training.clock import now
from cvxnet.training.outputs.pricing import climb_outputs, price_outputs, prices_exactly
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem, Units
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.types import Array

CHEAP, PER_ROW = 10_000_000, 100_000
"""What exact pricing in every round may cost, in rows looked at; and that for each sample."""
SHARE = 0.25
"""And in time: this part of what is left, where nothing shows that it ends in all of that."""
CALM, PLANE = 0.5, 3
"""Of many samples it is taken to end up to this rank, where its time is about linear. Its floor
rises after this part of the time left, or at once where it is likely to take longer than all of
that: so it proves something in any case."""
FIRST_TRY = 5_000_000
"""Rows for the first try beyond that: one core looks at ten or twenty million a second."""
DRY = 1e-6
"""Local search has found nothing where its best is above ``weight_decay`` by less, relatively."""
PART = 5000
"""So many samples tell about where the largest value is."""
ROOM = 4.0
"""Exact pricing may take so many times more than it has taken before."""
FOR_EACH = 400
"""Rows that `price_within` has besides, for each sample: with two features exact pricing takes
about a quarter."""


@dataclass
class Oracle:
    """Prices the dual vectors of one problem.

    Attributes
    ----------
    always : bool
        Exact pricing is cheap enough for every round.
    ends : bool
        Exact pricing ends in time, as far as is known.
    rows : float
        What it may take where it is not done always.
    looked_at : float
        The rows of all exact pricing so far.
    seconds : float
        How long it takes, as far as is known; only what a time limit does depends on it.
    trusted : bool
        Whether all of the time may go into it.
    """

    problem: Problem
    always: bool = field(init=False)
    ends: bool = field(init=False)
    rows: float = FIRST_TRY
    looked_at: float = 0.0
    seconds: float = 0.0
    trusted: bool = False

    def __post_init__(self) -> None:
        self.always = self.ends = self.exact

    @property
    def exact(self) -> bool:
        """Whether pricing proves ``rho``, given time."""
        return is_exact(self.problem.family, self.problem.y)

    def price(
        self, v: Array, floor: float, units: Units, deadline: float, stuck: bool = False
    ) -> LocalMaxima:
        """Local maxima above the floor, with a proved bound where pricing was exact.

        Local search starts from the units of the network, too. ``stuck`` says that what it found
        lately led nowhere.
        """
        family = self.problem.family
        if not (family.climbs or (v.ndim == 2 and not self.exact)):
            return self.count(price_units(family, v, floor, deadline))
        if self.always:
            found = self.count(self.price_by(deadline, v, floor))
            if np.isfinite(found.error):
                return found
            self.always = self.ends = False
            if now() >= deadline:
                return found
        found = climb_units(family, v, floor, units.weights, deadline)
        dry = not (found.values > self.problem.weight_decay * (1.0 + DRY)).any()
        if self.ends and (dry or stuck):
            exact = self.attempt(v, floor, deadline)
            return exact if np.isfinite(exact.error) else found
        return found

    def trust(self, other: Oracle) -> None:
        """Take exact pricing to end as for a part of the samples, in time that is about linear."""
        if self.problem.family.rank > PLANE:
            return
        if other.always:
            self.seconds = other.seconds * len(self.problem.y) / len(other.problem.y)
        self.trusted = True

    def price_by(self, deadline: float, v: Array, floor: float) -> LocalMaxima:
        """Exact pricing, in its share of the time or, where it is trusted to end, in all of it."""
        family, work, begin = self.problem.family, CHEAP + PER_ROW * len(v), now()
        left = deadline - begin
        if self.trusted and isinstance(family, PiecewiseLinearUnits):
            rise = begin + CALM * left if left > self.seconds else begin
            found = family.price(v, floor, deadline, work, rise)
        else:
            found = price_units(family, v, floor, begin + SHARE * left, work)
        if np.isfinite(found.error):
            self.seconds = now() - begin
        return found

    def attempt(self, v: Array, floor: float, deadline: float) -> LocalMaxima:
        """Exact pricing with so many rows; the next attempt has more."""
        found = self.count(price_units(self.problem.family, v, floor, deadline, self.rows))
        self.ends = bool(np.isfinite(found.error))
        self.rows = max(self.rows, ROOM * found.work) if self.ends else 2.0 * self.rows
        return found

    def count(self, found: LocalMaxima) -> LocalMaxima:
        """What was found, its work counted."""
        self.looked_at += found.work
        return found


def is_exact(family: UnitFamily, y: Array) -> bool:
    """Whether pricing for such targets, (n,) or (n, c), proves ``rho``, given time."""
    return family.exact if y.ndim == 1 else prices_exactly(family)


def price_units(
    family: UnitFamily, v: Array, floor: float, deadline: float = np.inf, work: float = np.inf
) -> LocalMaxima:
    """The family's pricing, for one output, v (n,), or several, (n, c)."""
    if v.ndim == 1:
        return family.price(v, floor, deadline, work)
    return price_outputs(family, v, floor, deadline, work)


def climb_units(
    family: UnitFamily, v: Array, floor: float, units: Array, deadline: float
) -> LocalMaxima:
    """The family's local search, for one output or several."""
    if v.ndim == 1:
        return family.climb(v, floor, units, deadline)
    return climb_outputs(family, v, floor, units, deadline)


def value_from_part(family: UnitFamily, v: Array) -> float:
    """A value that ``s v . phi_u(X)`` has somewhere, near the largest: from a part of the samples.

    0 where samples are few, or units have no local search. With it as a floor, exact pricing for
    the largest value alone looks at far fewer cones.
    """
    step = len(v) // PART
    if step < 2 or v.ndim == 2 or not family.climbs:
        return 0.0
    part = family.on(family.X[::step])
    found = price_within(FIRST_TRY, part, v[::step], 0.0)
    units = family.coordinates(part.hidden(found.units))
    units = units[family.sizes(units) > 0.0]
    heights = v @ family.features(units / family.sizes(units)[:, None])
    return float(np.max(np.outer(family.priced_sides, heights), initial=0.0))


def price_within(
    rows: float, family: UnitFamily, v: Array, floor: float, deadline: float = np.inf
) -> LocalMaxima:
    """Exact pricing if it ends with so many rows looked at, otherwise what local search finds.

    Many samples have FOR_EACH more.
    """
    found = price_units(family, v, floor, deadline, rows + FOR_EACH * len(v))
    if np.isfinite(found.error) or not (family.climbs and is_exact(family, v)):
        return found
    climbed = climb_units(family, v, floor, found.units, deadline)
    return climbed if climbed.rho > found.rho else found
