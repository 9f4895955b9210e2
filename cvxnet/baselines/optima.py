"""The optimum of each width that was trained, so that the width's part of an excess is known.

A run ends above the optimum of every width for two reasons: no network of its width may reach that,
and the optimiser may not reach what networks of its width do. The optimum of the width tells the
two apart, where it can be had (see `cvxnet.training.width.tree`). It is looked for after the runs,
as the best of them is where that search begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cvxnet.baselines.networks import weights_with
from cvxnet.baselines.progress import announce
from cvxnet.baselines.protocol import Protocol
from cvxnet.baselines.tasks import Record, Setting
from cvxnet.objective import Budget, Objective, Weights
from cvxnet.training.clock import now
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import solve_within

LEAST_SECONDS = 10.0
"""For the optimum of a width, where nothing else is asked for: so many, or as many as its runs."""


def narrow_widths(protocol: Protocol, solution: Solution) -> list[int]:
    """Widths that may have an optimum of their own: fewer units than the exact network has."""
    return sorted(width for width in protocol.widths if width < solution.units)


def why_not_searched(objective: Objective, protocol: Protocol, solution: Solution) -> str:
    """Why the optima of the widths are not looked for; empty where they are."""
    if objective.why_no_width:
        return objective.why_no_width
    if protocol.width_seconds == 0.0:
        return "it was not asked for"
    if solution.status != "optimal":
        return "the bracket of every width stayed open"
    return ""


def solve_widths(
    setting: Setting, solution: Solution, records: Sequence[Record], budget: Budget
) -> tuple[dict[int, Solution], bool]:
    """For each narrow width the best network and its bracket; and whether Ctrl-C ended it early.

    ``records`` are all batches, whose time counts.
    """
    objective, protocol = setting.objective, setting.protocol
    found: dict[int, Solution] = {}
    if why_not_searched(objective, protocol, solution):
        return found, False
    for width in narrow_widths(protocol, solution):
        limit = seconds_for(width, protocol, records)
        announce(width, limit, budget.progress)
        starts = [narrower.certificate.weights for narrower in found.values()]
        try:
            found[width] = solve_within(
                objective,
                width,
                solution,
                replace(budget, time_limit=limit, checkpoint=None),
                deadline=now() + limit,
                starts=[*starts, *best_run(objective, width, records)],
            )
        except KeyboardInterrupt:
            return found, True
        if found[width].stats["interrupted"]:
            return found, True
    return found, False


def seconds_for(width: int, protocol: Protocol, records: Sequence[Record]) -> float:
    """The time limit for the optimum of a width."""
    if protocol.width_seconds is not None:
        return protocol.width_seconds
    spent = sum(record.seconds for record in records if record.width == width)
    return max(LEAST_SECONDS, spent)


def best_run(objective: Objective, width: int, records: Sequence[Record]) -> list[Weights]:
    """The weights of the best run of a width; none where all diverged."""
    ends = [
        (float(value), record, place)
        for record in records
        if record.width == width
        for place, value in enumerate(record.objective)
        if np.isfinite(value)
    ]
    if not ends:
        return []
    _, record, place = min(ends, key=lambda end: end[0])
    return [weights_with(objective, record.W[place], record.a[place], record.free[place])]
