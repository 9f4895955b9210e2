"""The networks of a path without its proof: what cross-validation needs of a part of the samples.

The objective is a sum over the samples. So for a part of them, of which the weights add up to a
share p of all, the weight decay p b is what b is for all; see `cvxnet.training.selection`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from cvxnet.data.validation import check_positive
from cvxnet.errors import InputError
from cvxnet.layers import Sequential
from cvxnet.objective import Budget, Objective, network_of
from cvxnet.training.clock import now
from cvxnet.training.path.points import crossing
from cvxnet.training.path.walk import Walk
from cvxnet.types import Array


@dataclass(frozen=True)
class Course:
    """One network for each interval of weight decays.

    Attributes
    ----------
    kinks : (m - 1,) array
        The weight decays at which one network gives way to the next, from the largest down.
    networks : tuple of m Sequential
    """

    kinks: Array
    networks: tuple[Sequential, ...]

    def number(self, weight_decay: float) -> int:
        """Which network a weight decay has."""
        return int((self.kinks > weight_decay).sum())


def course_of(
    objective: Objective, budget: Budget, largest: float, smallest: float, share: float = 1.0
) -> Course:
    """The networks from the largest weight decay down to the smallest, each times the share."""
    deadline = now() + budget.seconds
    walk = Walk(objective, budget, lowest=share * smallest, deadline=deadline, checked=False)
    for _ in walk.go(share * largest):
        pass
    points = walk.fewest()
    return Course(
        kinks=np.array([crossing(*pair) / share for pair in pairwise(points)]),
        networks=tuple(
            network_of(objective.units, point.certificate.weights, objective.output_weights)
            for point in points
        ),
    )


def decays_between(courses: list[Course], largest: float, smallest: float) -> Array:
    """A weight decay in each interval in which no course changes its network; the largest first.

    Nothing changes inside such an interval, so these are all that there is to be tried.

    Examples
    --------
    >>> one, other = Course(np.array([4.0]), ()), Course(np.array([9.0, 4.0]), ())
    >>> decays_between([one, other], 16.0, 1.0).tolist()
    [12.0, 6.0, 2.0]
    """
    kinks = np.unique(np.concatenate([course.kinks for course in courses]))
    inside = kinks[(kinks > smallest) & (kinks < largest)]
    ends = np.array([largest, *inside[::-1], smallest])
    return np.asarray(np.sqrt(ends[:-1] * ends[1:]))


def check_ends(largest: float | None, smallest: float) -> tuple[float | None, float]:
    """Where a path begins, None for the largest useful weight decay; and its end as a share."""
    share = check_share(smallest)
    if largest is not None:
        largest = check_positive(largest, "largest", "Leave it out for the largest useful one.")
    return largest, share


def check_share(smallest: float) -> float:
    """The share of the largest weight decay at which a path ends; InputError for what is none."""
    why = "It is a share of the largest weight decay, such as 0.01."
    share = check_positive(smallest, "smallest", why)
    if share >= 1.0:
        raise InputError(f"smallest must be below 1, not {share:g}. {why}")
    return share
