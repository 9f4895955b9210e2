"""Pricing in two gears: local search finds most units, exact pricing is asked when it finds none.

Exact pricing of piecewise-linear units takes milliseconds or centuries, depending on the rank, the
number of samples and the dual vector, and nobody knows which beforehand. So it is tried, with a
budget: at first in every round, where that costs about as much as local search; from when on that
does not suffice, only where local search finds nothing, with as much time as it has been found to
take. Where it did not end in that time, `cvxnet.training.column_generation` looks for bounds by
the relaxation, and now and then tries again, with twice the time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvxnet.training.clock import now
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem, Units
from cvxnet.training.units.family import UnitFamily
from cvxnet.types import Array

CHEAP, PER_ROW = 10_000_000, 100_000
"""What exact pricing in every round may cost, in rows looked at; and that for each sample."""
FIRST_TRY = 0.2
"""Seconds for the first try beyond that."""
DRY = 1e-6
"""Local search has found nothing where its best is above ``weight_decay`` by less, relatively."""
ROOM = 4.0
"""Exact pricing may take so many times longer than it has taken before."""


@dataclass
class Oracle:
    """Prices the dual vectors of one problem.

    Attributes
    ----------
    always : bool
        Exact pricing is cheap enough for every round.
    ends : bool
        Exact pricing ends in time, as far as is known.
    seconds : float
        What it may take where it is not done always.
    """

    problem: Problem
    always: bool = field(init=False)
    ends: bool = field(init=False)
    seconds: float = FIRST_TRY

    def __post_init__(self) -> None:
        self.always = self.ends = self.problem.family.exact

    def price(
        self, v: Array, floor: float, units: Units, deadline: float, stuck: bool = False
    ) -> LocalMaxima:
        """Local maxima above the floor, with a proved bound where pricing was exact.

        Local search starts from the units of the network, too. ``stuck`` says that what it found
        lately led nowhere.
        """
        family = self.problem.family
        if not family.climbs:
            return family.price(v, floor, deadline)
        if self.always:
            found = family.price(v, floor, deadline, CHEAP + PER_ROW * len(v))
            if np.isfinite(found.error):
                return found
            self.always = self.ends = False
        found = family.climb(v, floor, units.weights, deadline)
        dry = not (found.values > self.problem.weight_decay * (1.0 + DRY)).any()
        if self.ends and (dry or stuck):
            exact = self.attempt(v, floor, deadline)
            return exact if np.isfinite(exact.error) else found
        return found

    def attempt(self, v: Array, floor: float, deadline: float) -> LocalMaxima:
        """Exact pricing, in so many seconds; the next attempt has more."""
        begin = now()
        found = self.problem.family.price(v, floor, min(deadline, begin + self.seconds))
        self.ends = bool(np.isfinite(found.error))
        used = now() - begin
        self.seconds = max(self.seconds, ROOM * used) if self.ends else 2.0 * self.seconds
        return found


def price_within(seconds: float, family: UnitFamily, v: Array, floor: float) -> LocalMaxima:
    """Exact pricing if it ends in so many seconds, otherwise what local search finds too."""
    found = family.price(v, floor, now() + seconds)
    if np.isfinite(found.error) or not family.climbs:
        return found
    climbed = family.climb(v, floor, found.units, np.inf)
    return climbed if climbed.rho > found.rho else found
