"""A good network at once: wide networks slide downhill from random units, and go on together.

Column generation comes to it too, but from below, unit by unit, with masters and pricing that may
take long. Of many samples a part comes first: its best network is a good one for all.

Quasi-Newton steps stop where many units have samples on their kinks, short of any local optimum,
and where many samples are on the kinks of the loss. So the kinks are rounded off, first on much and
then on less of the length of each row and of the target, and what shrinks to nothing on the way is
left out.

Where they end is a local optimum, and not the same from each start. Over the sizes of given units
the problem is convex: the best sizes of all units that several networks have make a network that is
no worse than any of these, or than any mean of them. What they all lack is found by pricing:
a unit ``u`` with ``|v . phi_u(X)| > weight_decay`` at the dual vector ``v`` lowers the objective.
Gradient ascent from many starts finds such units, sizes are fitted again, and units slide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cvxnet.losses import Weighted
from cvxnet.training.clock import now
from cvxnet.training.pricing.ascent import how_many_starts
from cvxnet.training.problem import Problem, Units
from cvxnet.training.sizes import fit_sizes
from cvxnet.training.sliding import SMOOTHING, slide
from cvxnet.types import Array

Stages = tuple[tuple[float, float], ...]
"""Roundings of units and of losses."""

UNITS = (50, 100, 100)
"""Random units of the starts."""
OPENING = 0.1
"""At first all units together cost at most this part of the loss."""
STAGES = ((1e-2, 1e-1), (1e-3, 1e-2), (0.0, SMOOTHING))
"""On which kinks of units and of losses are rounded off, one after the other."""
LAST_STAGES = ((1e-4, SMOOTHING), (1e-5, SMOOTHING), (0.0, SMOOTHING))
"""The same for units that have come near a local optimum."""
HALF = 0.5
"""Share of the time left that a stage before the last may take."""
BATCH_OF_STEPS, FINE = 100, 1e-9
"""Steps at a time, and their precision."""
LITTLE_PROGRESS = 1e-6
"""Fewer than so much, relatively, in that many steps: on to the next stage."""
DRY, STILL = 1e-6, 1e-9
"""Units that exceed ``weight_decay`` by less, relatively, are as good as none; as are rounds that
lower the objective by less."""
PROBES = 4
"""So often gradient ascent starts from other units where it has found none."""
SHRUNK = 1e-3
"""Units smaller than this, relative to the largest, are left out on the way."""
MANY, PART = 3000, 1500
"""Where there are more samples than MANY, PART of them come first."""


def start_wide(
    problem: Problem, free: Array, deadline: float, starts: int | None = None
) -> Iterator[Units]:
    """Networks that local search comes to, until the deadline (`now`); ``free``: weights to start.

    None where units do not slide. Half the time has to be left for another start to begin. Each
    goes on from the best sizes of its units and those of the best network before, see `grow`.
    Where sizes are not fitted alone, the mean of all networks comes last: it is no worse than they
    are on average, as the objective is convex in the measure that units are, and from there it goes
    on downhill.
    """
    rng = np.random.default_rng(0)
    half = (now() + deadline) / 2.0
    ends: list[Units] = []
    grows = starts is None and can_grow(problem)
    for width in UNITS[:starts] if problem.family.slides else ():
        start = end = random_units(problem, width, free, rng)
        for end in slide_from(problem, start, deadline, rng):
            yield end
        ends.append(end)
        if grows:
            for end in grow(problem, ends, deadline):
                yield end
                ends = [end]
        if now() > half:
            return
    if len(ends) > 1:
        yield from descend(problem, mean_of(ends), deadline)


def slide_from(
    problem: Problem, units: Units, deadline: float, rng: np.random.Generator
) -> Iterator[Units]:
    """The networks that units slide to, of many samples on a part first."""
    if len(problem.y) > MANY:
        part = part_of(problem, PART, rng)
        for few in descend(part, carry(units, problem, part), deadline):
            units = carry(few, part, problem)
        yield units
    yield from descend(problem, units, deadline)


def can_grow(problem: Problem) -> bool:
    """Whether sizes are fitted, and units priced: those with kinks, of a smooth loss, one output.

    Units that bend smoothly need no fit, as they slide to the optimum.
    """
    kinked = problem.family.climbs and not problem.family.smooth
    return kinked and problem.loss.smooth and problem.y.ndim == 1


def grow(problem: Problem, networks: list[Units], deadline: float) -> Iterator[Units]:
    """Better and better networks from the units of those given: column generation without proof.

    None is worse than the one before, and the first no worse than any of those given.
    """
    best = min(networks, key=problem.objective)
    others = [units for units in networks if units is not best]
    rng, value = np.random.default_rng(0), np.inf
    while now() < deadline:
        found = fit_with(problem, best, others, deadline)
        slid = descend(problem, found, deadline, LAST_STAGES)
        best = min(best, found, *slid, key=problem.objective)
        yield best
        before, value = value, problem.objective(best)
        new = units_above(problem, best, rng, deadline)
        if not len(new) or value > before * (1.0 - STILL):
            return
        others = [new]


def fit_with(problem: Problem, units: Units, others: list[Units], deadline: float) -> Units:
    """The network with the best sizes of all these units, from the sizes of the first."""
    together = sum(others, start=units)
    sizes = problem.family.sizes(together.weights)
    sizes[len(units) :] = 0.0
    return fit_sizes(problem, together, sizes, deadline=deadline)


def units_above(problem: Problem, units: Units, rng: np.random.Generator, deadline: float) -> Units:
    """What lowers the objective of a network, as far as gradient ascent finds it."""
    family, floor = problem.family, problem.weight_decay * (1.0 + DRY)
    v, starts = problem.dual_vector(units), units.weights
    found = family.climb(v, floor, starts, deadline)
    for _ in range(PROBES):
        if len(found.values) or now() > deadline:
            break
        starts = family.random_units(how_many_starts(len(v) * family.rank), rng)
        found = family.climb(v, floor, starts, deadline)
    return Units(found.units, -found.outputs, units.free)


def mean_of(networks: list[Units]) -> Units:
    """The network whose predictions are the mean of theirs."""
    return Units(
        np.concatenate([units.weights for units in networks]) / len(networks),
        np.concatenate([units.outputs for units in networks]),
        np.mean([units.free for units in networks], axis=0),
    )


def random_units(problem: Problem, width: int, free: Array, rng: np.random.Generator) -> Units:
    """Units that bend within the data, of all sizes, and of all signs or directions of outputs.

    Their predictions are at most as large as the targets: where units cost little that binds, and
    larger ones would take all the time to shrink.
    """
    family = problem.family
    rows, outputs = family.random_units(width, rng), np.resize(family.output_signs, width)
    if problem.y.ndim == 2:
        outputs = rng.standard_normal((width, problem.y.shape[1]))
        outputs /= np.linalg.norm(outputs, axis=1)[:, None]
    rows *= rng.uniform(size=(width, 1)) / family.sizes(rows)[:, None]
    rows /= family.sizes(rows).sum()
    f = family.features(rows) @ outputs
    worth = OPENING * problem.scale / problem.weight_decay
    if f.any():
        worth = min(worth, float(np.linalg.norm(problem.y) / np.linalg.norm(f)))
    return Units(worth * rows, outputs, free)


def descend(
    problem: Problem, units: Units, deadline: float, stages: Stages = STAGES
) -> Iterator[Units]:
    """The networks that units slide to; not each is better than the one before."""
    rough = not (problem.family.smooth and problem.loss.smooth)
    for width, smoothing in stages if rough else stages[-1:]:
        end = deadline if width == 0.0 else now() + HALF * (deadline - now())
        smoother = replace(problem, loss=problem.loss.smoothed(smoothing))
        before, value = np.inf, np.inf
        while len(units) and (before == np.inf or value < before * (1.0 - LITTLE_PROGRESS)):
            if now() > end:
                break
            units = slide(smoother, units, BATCH_OF_STEPS, FINE, end, width).without_small(SHRUNK)
            before, value = value, smoother.objective(units)
            yield units


def part_of(problem: Problem, count: int, rng: np.random.Generator) -> Problem:
    """The problem on so many random samples, the weight decay in proportion."""
    rows = np.sort(rng.choice(len(problem.y), count, replace=False))
    loss = problem.loss
    if isinstance(loss, Weighted):
        loss = Weighted(loss.loss, loss.weights[rows])
    return Problem(
        problem.family.on(problem.family.X[rows]),
        loss,
        problem.y[rows],
        problem.weight_decay * count / len(problem.y),
        problem.F[rows],
    )


def carry(units: Units, here: Problem, there: Problem) -> Units:
    """The same units on other samples, whose span may have another basis."""
    sizes = here.family.sizes(units.weights)
    hidden = here.family.hidden(units.weights / sizes[:, None])
    rows = there.family.coordinates(hidden, here.family.gate_of(units.weights))
    lengths = there.family.sizes(rows)
    rows = rows * (sizes / np.where(lengths > 0.0, lengths, 1.0))[:, None]
    return replace(units, weights=rows)
