"""Where to train: from the largest weight decay down, with pieces that just meet.

The gap between two neighbours grows about like the square of the logarithm of the ratio of their
weight decays. So the first training says how far it reaches alone, the next ones how much farther
two reach together, and where that was too far, what was found tells where between the two to train.
The one that was too far waits; it is a neighbour of the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from cvxnet.objective import Budget, Objective
from cvxnet.training.bounds.evidence import evidence_of
from cvxnet.training.bracket import Proof
from cvxnet.training.clock import now
from cvxnet.training.every_width import Known, bracket_of
from cvxnet.training.path.points import Bounds, Point, bounds_of, point_of
from cvxnet.training.reduction import Reduction, reduce
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import make_solution

INNER = 0.1
"""Share of the gap to which each training closes: the rest is for how far it reaches."""
AIM = 0.85
"""Share of the gap that steps aim at, as what they meet is not foreseen exactly."""
FIRST, LONGER, LONGEST = 1.3, 2.0, 16.0
"""Two neighbours reach so many times farther together than each alone: first guess, how much that
may grow from one step to the next, and at most."""
SPARE = 0.35
"""Neighbours with less than that share of the gap between them may do without the second."""
WITHIN = 0.2
"""Between two points one is put at least that share of the way from either."""
ROUNDED = 1.0 - 1e-9
"""Of the gap: room for the rounding of what is compared."""
WORSE = 1.2
"""Where a training did not close to the gap, its neighbours may be so many times worse."""
COARSE = 0.75
"""Ratio of the weight decays of such neighbours, as a logarithm, at most: about a factor of two."""
STEPPED = 0.95
"""The next weight decay is at most so many times the last."""
NARROW = 1e-3
"""Neighbours with weight decays closer than that, relatively, have none between them."""
USUAL = 0.3
"""Ratio of the weight decays of neighbours, as a logarithm, while nothing is known of it."""


@dataclass
class Walk:
    """How far the path is.

    Attributes
    ----------
    objective : Objective
        At whatever weight decay.
    lowest : float
        The weight decay at which the path is to end.
    points : list of Point
        From the largest weight decay down.
    done : int
        Up to which of them all weight decays between them are within the gap.
    checked : bool
        Whether the certificate of each training is checked, for a path that is to be proved.
    """

    objective: Objective
    budget: Budget
    lowest: float
    deadline: float
    checked: bool = True
    reduction: Reduction = field(init=False)
    bounds: Bounds = field(init=False)
    points: list[Point] = field(default_factory=list)
    solutions: list[Solution] = field(default_factory=list)
    done: int = 0
    farther: float = FIRST
    step: float = USUAL

    def __post_init__(self) -> None:
        self.reduction, self.bounds = reduce(self.objective), bounds_of(self.objective)

    def goal(self, *points: Point) -> float:
        """The gap asked for; where trainings did not come to it, about theirs."""
        return max(ROUNDED * self.budget.gap, WORSE * max(point.gap for point in points))

    def holds(self, above: Point, below: Point) -> bool:
        """Whether all weight decays between two points are within the goal."""
        if below.weight_decay >= (1.0 - NARROW) * above.weight_decay:
            return True
        if np.log(above.weight_decay / below.weight_decay) > self.farthest(above, below):
            return False
        return self.bounds.gap_between(above, below) <= self.goal(above, below)

    def farthest(self, *points: Point) -> float:
        """How far neighbours may be apart, as the logarithm of a ratio."""
        closed = max(point.gap for point in points) <= self.budget.gap
        return np.inf if closed else COARSE * (1.0 + NARROW)

    @property
    def last(self) -> Point:
        """The last one up to which everything holds."""
        return self.points[self.done]

    @property
    def low(self) -> float:
        """Down to which weight decay the points prove their networks to be within the goal."""
        point = self.last
        if point.weight_decay <= self.lowest:
            return point.weight_decay
        reach = self.bounds.reach(point, self.goal(point), self.lowest)
        return max(reach, point.weight_decay * float(np.exp(-self.farthest(point))))

    @property
    def progress(self) -> str:
        """How far it is, in a line."""
        solution, count = self.solutions[-1], len(self.solutions)
        return (
            f"{count} training{'s' * (count != 1)}, last at weight decay "
            f"{solution.objective.weight_decay:.4g} ({solution.units} units): "
            f"done from {self.points[0].weight_decay:.4g} to {self.low:.4g} of {self.lowest:.4g}"
        )

    def go(self, largest: float) -> Iterator[Walk]:
        """Train from the largest weight decay down to the lowest; yields after each training."""
        self.train(largest)
        yield self
        while now() < self.deadline and (weight_decay := self.next_decay()) is not None:
            self.train(weight_decay)
            interrupted = self.solutions[-1].stats["interrupted"]
            if interrupted or now() >= self.deadline:
                self.drop_hurried()
            self.advance()
            yield self
            if interrupted:
                return

    def drop_hurried(self) -> None:
        """Leave out the last training where it was cut short, and the one before was not."""
        hurried = self.points[self.done + 1]
        if hurried.gap > self.budget.gap >= self.last.gap:
            self.points.remove(hurried)

    def next_decay(self) -> float | None:
        """The weight decay to train at next; None where the path is complete."""
        self.advance()
        here = self.last
        if self.done + 1 < len(self.points):
            return self.decay_between(here, self.points[self.done + 1])
        if self.low <= self.lowest:
            return None
        here = self.base
        alone = np.log(here.weight_decay / self.bounds.reach(here, self.goal(here), self.lowest))
        self.step = min(max(2.0 * self.farther * alone, NARROW), self.farthest(here))
        left = np.log(here.weight_decay / self.lowest)
        if left <= self.step:
            return self.lowest
        down = min(here.weight_decay * np.exp(-self.step), STEPPED * self.last.weight_decay)
        return max(float(down), self.lowest)

    @property
    def base(self) -> Point:
        """From where to step: the last point, or the one before if that may do without the last."""
        if self.done:
            before = self.points[self.done - 1]
            if self.bounds.gap_between(before, self.last) < SPARE * self.goal(before, self.last):
                return before
        return self.last

    def advance(self) -> None:
        """Go on over neighbours that hold, and learn from them how far two reach together."""
        while self.done + 1 < len(self.points):
            above, below = self.points[self.done : self.done + 2]
            if not self.holds(above, below):
                return
            goal = self.goal(above, below)
            alone = np.log(above.weight_decay / self.bounds.reach(above, goal, self.lowest))
            gap = max(self.bounds.gap_between(above, below), 1e-3 * goal)
            ratio = np.log(above.weight_decay / below.weight_decay)
            together = 0.5 * ratio / max(alone, NARROW) * np.sqrt(AIM * goal / gap)
            self.farther = float(np.clip(together, 1.0, min(LONGER * self.farther, LONGEST)))
            self.done += 1

    def decay_between(self, above: Point, below: Point) -> float:
        """A weight decay between two that do not hold, as far down as is foreseen to."""
        gap, goal = self.bounds.gap_between(above, below), self.goal(above, below)
        part = float(np.clip(np.sqrt(AIM * goal / gap), WITHIN, 1.0 - WITHIN))
        ratio = below.weight_decay / above.weight_decay
        return float(above.weight_decay * ratio**part)

    def train(self, weight_decay: float) -> None:
        """Train below the last point that holds, from the networks of both neighbours."""
        neighbours = self.points[self.done : self.done + 2]
        known = Known(
            self.reduction.at(weight_decay),
            weights=tuple(point.certificate.weights for point in neighbours),
            proofs=tuple(proof_of(point) for point in reversed(neighbours)),
        )
        objective = replace(self.objective, weight_decay=weight_decay)
        budget = self.budget_for(weight_decay)
        deadline = now() + budget.seconds
        bracket, stats = bracket_of(objective, budget, deadline, known=known)
        check_until = deadline if self.checked else now()
        solution = make_solution(objective, bracket, stats, gap=budget.gap, deadline=check_until)
        self.solutions.append(solution)
        at = self.done + 1 if self.points else 0
        self.points.insert(at, point_of(solution.certificate, self.reduction.given))

    def budget_for(self, weight_decay: float) -> Budget:
        """That of one training: the time left is shared with those that are still to come."""
        left = self.deadline - now()
        more = 1.0 + np.log(weight_decay / self.lowest) / self.step
        seconds = None if np.isinf(left) else max(left / more, 1e-3)
        gap = INNER * self.budget.gap
        return replace(self.budget, gap=gap, time_limit=seconds, progress=False)

    def fewest(self) -> list[Point]:
        """The points that hold, without those that their neighbours do without."""
        points = self.points[: self.done + 1]
        kept = points[:1]
        for point, after in pairwise(points[1:]):
            if not self.holds(kept[-1], after):
                kept.append(point)
        return kept + points[1:][-1:]


def proof_of(point: Point) -> tuple[Proof, float]:
    """The dual vector of a point, with a bound of its ``rho``."""
    certificate = point.certificate
    return Proof(certificate.v, evidence_of(certificate.evidence)), certificate.weight_decay
