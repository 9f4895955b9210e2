"""The optimum of at most m units against m, in brackets: how many units are worth having.

A network of m units is one of m + 1 units. So the optimum falls with the width, the lower bound of
a width is one for all smaller widths, and the networks of a width are there for all larger ones.
Each end is proved by a certificate: that of the width itself, or that of one beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from cvxnet.proofs.gaps import closed_by, excess, relative_gap
from cvxnet.training.solution import Solution

Range = tuple[float, float]
"""At least, and at most."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Curve:
    """What was found; `Widths`, which shows it, describes the fields."""

    solutions: tuple[Solution, ...]
    all_widths: Solution
    without: float
    goal: float
    seconds: float
    stopped: str

    @property
    def widths(self) -> tuple[int, ...]:
        """1, 2, ..., as far as was looked."""
        return tuple(range(1, len(self.solutions) + 1))

    @cached_property
    def values(self) -> tuple[float, ...]:
        """The objective of the best network of each width."""
        return tuple(accumulate((solution.value for solution in self.solutions), min))

    @cached_property
    def lower_bounds(self) -> tuple[float, ...]:
        """A proved lower bound on the optimum of each width."""
        bounds = (solution.lower_bound for solution in reversed(self.solutions))
        return tuple(accumulate(bounds, max))[::-1]

    @cached_property
    def gaps(self) -> tuple[float, ...]:
        """The relative gap of each width's bracket."""
        return tuple(map(relative_gap, self.lower_bounds, self.values))

    @property
    def units(self) -> tuple[int, ...]:
        """How many units the best network of each width has."""
        return tuple(solution.units for solution in self.solutions)

    @cached_property
    def statuses(self) -> tuple[str, ...]:
        """``"optimal"`` where the bracket of a width closed, otherwise ``"gap"``."""
        tolerances = (solution.tolerance for solution in self.solutions)
        ends = zip(self.lower_bounds, self.values, tolerances, strict=True)
        return tuple(
            "optimal" if closed_by(lower, value, self.goal, tolerance) else "gap"
            for lower, value, tolerance in ends
        )

    @property
    def closed(self) -> bool:
        """Whether the brackets of all widths, and that of every width, closed."""
        return {self.all_widths.status, *self.statuses} == {"optimal"}

    @cached_property
    def excess(self) -> tuple[Range, ...]:
        """How far the optimum of each width is above that of every width, relatively."""
        every = self.all_widths.lower_bound, self.all_widths.value
        ends = zip(self.lower_bounds, self.values, strict=True)
        return tuple((excess(lower, *every)[0], excess(value, *every)[1]) for lower, value in ends)

    @cached_property
    def gains(self) -> tuple[Range, ...]:
        """What each further unit lowers the optimum by, as a share of what all of them do.

        The last entry is for all units beyond the last width.
        """
        every = self.all_widths
        lower = [self.without, *self.lower_bounds, every.lower_bound]
        upper = [self.without, *self.values, every.value]
        least, most = self.without - every.value, self.without - every.lower_bound
        return tuple(
            (share(lower[m] - upper[m + 1], most), share(upper[m] - lower[m + 1], least))
            for m in range(len(upper) - 1)
        )

    @cached_property
    def gained(self) -> tuple[float, ...]:
        """What so many units are proved to take off the objective, as a share of what any do."""
        most = self.without - self.all_widths.lower_bound
        return tuple(share(self.without - value, most) for value in self.values)

    def enough(self, within: float = 0.01) -> int | None:
        """The fewest units that are proved to do as well as any number of them, but for a share.

        Parameters
        ----------
        within : float
            At most so far above the optimum of every width, relative to the value reached.

        Returns
        -------
        int or None
            None where no width that was looked at is proved to.
        """
        every = self.all_widths
        for width, value in enumerate([self.without, *self.values]):
            if closed_by(every.lower_bound, value, within, every.tolerance):
                return width
        return None


def share(part: float, whole: float) -> float:
    """A part of a whole, between 0 and 1.

    >>> share(1.0, 4.0), share(-1.0, 4.0), share(1.0, 0.0), share(0.0, 0.0)
    (0.25, 0.0, 1.0, 0.0)
    """
    if part <= 0.0:
        return 0.0
    return min(part / whole, 1.0) if whole > 0.0 and math.isfinite(part) else 1.0
