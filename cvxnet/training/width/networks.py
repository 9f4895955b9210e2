"""Good networks of at most m units: what the search for exactly m units is measured against.

They come from random starts, from the units of the best network of every width, merged until they
are few enough, and later from the nodes of the search. Where units slide they go downhill from
there; the best of all is then solved to its last digits, as a bracket of a small gap needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from cvxnet.errors import SolverError
from cvxnet.training.clock import now
from cvxnet.training.faces import snap
from cvxnet.training.fewer_units import merge
from cvxnet.training.local_search import random_units
from cvxnet.training.master import Master
from cvxnet.training.problem import Problem, Units
from cvxnet.training.pruning import resolve
from cvxnet.training.refinement import CLOSE, resize, settle
from cvxnet.training.sliding import slide

STARTS = 16
"""Random networks that slide downhill, before the search."""
STEPS, FEWER_STEPS = 2000, 300
"""Quasi-Newton steps from a random network, and from one of the search."""
ANGLES = (0.01, 0.1, 0.3, 1.0)
"""Units closer than this (radians) are merged, until there are few enough."""
MEANWHILE, ONE_IN = 10, 20
"""Networks of the search that go downhill: so many, and one more for every so many nodes."""
POLISHINGS = 3
"""Times that a network slides and is solved to its last digits, in turn."""
NEW = 3
"""Units that are tried out in place of another."""
BETTER = 1e-9
"""Less than this, relatively, is no progress."""


@dataclass
class Incumbent:
    """The best network of at most ``width`` units so far.

    Attributes
    ----------
    value : float
        Its objective.
    tried : set
        Which samples the units of networks that went downhill were active on.
    """

    problem: Problem
    width: int
    units: Units
    value: float = np.inf
    tried: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.value = self.problem.objective(self.units)

    def offer(self, units: Units) -> bool:
        """Keep a network if it is better, and has few enough units; says whether it was."""
        units = units.without_small(0.0)
        if len(units) > self.width:
            return False
        value = self.problem.objective(units)
        if not value < self.value:
            return False
        self.units, self.value = units, value
        return True

    def start(self, every: Units, deadline: float) -> None:
        """From random networks, and from units of any number, until the deadline (`now`)."""
        problem = self.problem
        for units in starts(problem, every, self.width):
            if now() > deadline:
                return
            if problem.family.slides:
                units = slide(problem, units, STEPS, deadline=deadline)
            self.offer(units)
        self.polish(deadline)

    def consider(self, units: Units, nodes: int, deadline: float) -> None:
        """A network of the search: as it is, and every now and then what it slides to."""
        if self.offer(units):
            self.polish(deadline)
        elif self.is_new(units, nodes):
            slid = slide(self.problem, units, FEWER_STEPS, deadline=deadline)
            if self.offer(slid):
                self.polish(deadline)

    def is_new(self, units: Units, nodes: int) -> bool:
        """Whether it is worth going downhill from there, and its turn."""
        family = self.problem.family
        if not family.slides or not len(units) or len(self.tried) > MEANWHILE + nodes / ONE_IN:
            return False
        patterns = (family.features(units.weights) > 0.0) * (1 + (units.outputs > 0.0))
        key = np.unique(patterns, axis=1).astype(np.int8).tobytes()
        if key in self.tried:
            return False
        self.tried.add(key)
        return True

    def polish(self, deadline: float) -> None:
        """Solve the best network to its last digits, and let it slide on from there."""
        for _ in range(POLISHINGS):
            before = self.value
            for units in exact(self.problem, self.units, deadline):
                self.offer(units)
            if not self.problem.family.slides:
                self.exchange(deadline)
            if now() > deadline or self.value > before - BETTER * abs(before):
                return
            if self.problem.family.slides:
                self.offer(slide(self.problem, self.units, FEWER_STEPS, deadline=deadline))

    def exchange(self, deadline: float) -> None:
        """Take one unit after the other out, and the best one in; more where there may be."""
        for k in range(self.width):
            units = self.units.pick(np.arange(len(self.units)) != k)
            for other in with_another(self.problem, units, deadline):
                self.offer(other)
            if now() > deadline:
                return


def starts(problem: Problem, every: Units, width: int) -> Iterator[Units]:
    """Networks of at most so many units: the given ones merged, then random ones."""
    largest = every.without_small(0.0)
    for angle in ANGLES if problem.family.slides else ():
        if len(largest) > width:
            largest = merge(every, angle)
    sizes = problem.family.sizes(largest.weights)
    yield resize(problem, largest.pick(np.argsort(-sizes, kind="stable")[:width]))
    rng = np.random.default_rng(0)
    for _ in range(STARTS if problem.family.slides else 0):
        units = random_units(problem, width, every.free, rng)
        yield replace(units, outputs=rng.choice(problem.family.output_signs, width))


def with_another(problem: Problem, units: Units, deadline: float) -> Iterator[Units]:
    """The best networks of these units and one of those that the loss falls fastest with."""
    units = resize(problem, units)
    found = problem.family.price(problem.dual_vector(units), problem.weight_decay, deadline)
    size = units.sizes.max(initial=0.0) or 1.0
    for u, s in zip(found.units[:NEW], -found.outputs[:NEW], strict=True):
        yield resize(problem, units + Units(size * u[None], np.array([s]), units.free))


def exact(problem: Problem, units: Units, deadline: float) -> Iterator[Units]:
    """The best networks with units on the faces that these are close to.

    Units that cannot move keep their directions. Where the loss has kinks the faces are whole
    cells, and a convex program finds the best network with its units there.
    """
    if not problem.family.slides:
        yield resize(problem, units)
    elif not problem.loss.smooth:
        try:
            yield resolve(units, Master(problem, "CLARABEL", max(problem.objective(units), 1e-9)))
        except SolverError:
            return
    elif len(units):
        for close in (0.0, *CLOSE):
            if now() > deadline:
                return
            rows = np.array([snap(problem.family, u, close) for u in units.weights])
            yield settle(problem, resize(problem, Units(rows, units.outputs, units.free)))
