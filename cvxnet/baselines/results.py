"""Runs of gradient training beside the proved optimum: what `cvxnet.compare` found."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter

import numpy as np

from cvxnet.baselines.networks import layers_of
from cvxnet.baselines.protocol import Protocol
from cvxnet.baselines.tasks import Record, best_rate
from cvxnet.layers import Layer
from cvxnet.objective import Objective
from cvxnet.proofs.gaps import excess
from cvxnet.training.solution import Solution
from cvxnet.types import Array

TOLERANCES = (1e-2, 1e-4)


@dataclass(frozen=True, kw_only=True)
class Group:
    """All seeds of one optimiser at one width.

    Attributes
    ----------
    rate : float or None
        Learning rate; None for L-BFGS, which has none.
    at_edge : bool
        Whether it is the smallest or largest of those tried.
    seeds : tuple of int
    objective : (s,) array
        At the end.
    excess : (s, 2) array
        How far that is above the optimum of every width, relatively: at least, and at most.
    above_width : (s, 2) array
        How far above the optimum of the group's own width: the optimiser's part of the excess. The
        width's part is `width_excess` of the runs, and
        ``1 + excess = (1 + width's part) * (1 + optimiser's part)``.
    tuning_seconds, seconds : float
        For choosing the rate, and for all seeds.
    """

    optimizer: str
    width: int
    rate: float | None
    at_edge: bool
    seeds: tuple[int, ...]
    objective: Array = field(repr=False)
    excess: Array = field(repr=False)
    above_width: Array = field(repr=False)
    tuning_seconds: float
    seconds: float

    def within(self, tolerance: float) -> tuple[int, int]:
        """How many seeds ended that close to the optimum of every width: at least, and at most."""
        return count_within(self.excess, tolerance)

    def within_width(self, tolerance: float) -> tuple[int, int]:
        """How many ended that close to the optimum of their width: at least, and at most."""
        return count_within(self.above_width, tolerance)


def count_within(excess: Array, tolerance: float) -> tuple[int, int]:
    """How many excesses, (s, 2), are no larger: at least, and at most.

    >>> count_within(np.array([[0.0, 0.1], [0.0, 0.3], [0.2, 0.4]]), 0.1)
    (1, 2)
    """
    least, most = (excess <= tolerance).sum(axis=0)
    return int(most), int(least)


@dataclass(frozen=True, kw_only=True, eq=False)
class Results:
    """What was run and what came of it; `Runs`, which shows it, describes the fields."""

    solution: Solution
    exact_seconds: float
    objective: Objective
    protocol: Protocol
    tunings: tuple[Record, ...] = field(repr=False)
    records: tuple[Record, ...] = field(repr=False)
    width_solutions: dict[int, Solution] = field(default_factory=dict)
    interrupted: bool
    versions: dict[str, str]

    X = property(attrgetter("objective.X"))
    y = property(attrgetter("objective.y"))
    sample_weight = property(attrgetter("objective.sample_weight"))

    @cached_property
    def groups(self) -> list[Group]:
        """Optimisers and widths in the order in which they were asked for."""
        keys = [(o, w) for o in self.protocol.optimizers for w in self.protocol.widths]
        return [self.group(*key) for key in keys if self.records_of(*key)]

    def group(self, optimizer: str, width: int) -> Group:
        """The finished seeds of an optimiser at a width.

        Parameters
        ----------
        optimizer : str
        width : int
            Of which there is a finished run.

        Returns
        -------
        Group
        """
        records = self.records_of(optimizer, width)
        tried = self.protocol.rates[optimizer]
        tuned = self.tunings_of(optimizer, width)
        objective = np.concatenate([record.objective for record in records])
        return Group(
            optimizer=optimizer,
            width=width,
            rate=next((rate for record in records for rate in record.rates), None),
            at_edge=bool(tuned) and best_rate(tuned[0]) in (min(tried), max(tried)),
            seeds=tuple(seed for record in records for seed in record.seeds),
            objective=objective,
            excess=self.excess(objective),
            above_width=excesses(objective, *self.width_bracket(width)),
            tuning_seconds=sum(t.seconds for t in tuned),
            seconds=sum(record.seconds for record in records),
        )

    def tunings_of(self, optimizer: str, width: int) -> list[Record]:
        """The batches that chose the learning rate of an optimiser at a width.

        Parameters
        ----------
        optimizer : str
        width : int

        Returns
        -------
        list of Record
        """
        return [t for t in self.tunings if (t.optimizer, t.width) == (optimizer, width)]

    def records_of(self, optimizer: str, width: int) -> list[Record]:
        """The finished batches of an optimiser and a width.

        Parameters
        ----------
        optimizer : str
        width : int

        Returns
        -------
        list of Record
        """
        return [r for r in self.records if (r.optimizer, r.width) == (optimizer, width)]

    @cached_property
    def best(self) -> float:
        """The lowest objective known: an upper bound on the optimum of every width."""
        solutions = self.solution, *self.width_solutions.values()
        ends = (record.objective.min() for record in self.records)
        return float(min([*(solution.value for solution in solutions), *ends]))

    def excess(self, objective: Array) -> Array:
        """How far each objective, (s,), is above the optimum of every width, (s, 2): see `excess`.

        Infinite where a run diverged.

        Parameters
        ----------
        objective : (s,) array
            The objective of each network.

        Returns
        -------
        (s, 2) array
            At least, and at most.
        """
        return excesses(objective, self.solution.lower_bound, self.best)

    def width_bracket(self, width: int) -> tuple[float, float]:
        """What is known of the optimum over networks of at most so many units.

        Bounds for wider networks hold below for narrower ones, and narrower networks are among the
        wider ones: the bracket is the narrowest that the solutions and the runs make together. It
        is closed from the number of units of the exact network on, and where the optimum of the
        width was found.

        Parameters
        ----------
        width : int

        Returns
        -------
        lower, upper : float
            The upper end is infinite where no network of that width is known.
        """
        solutions = self.width_solutions.items()
        lower = [s.lower_bound for most, s in solutions if most >= width]
        known = self.solution, *self.width_solutions.values()
        upper = [solution.value for solution in known if solution.units <= width]
        upper += [float(r.objective.min()) for r in self.records if r.width <= width]
        return max([self.solution.lower_bound, *lower]), min(upper, default=np.inf)

    def width_excess(self, width: int) -> tuple[float, float]:
        """How far the optimum of a width is above that of every width: the width's part.

        Parameters
        ----------
        width : int

        Returns
        -------
        least, most : float
            Relatively, as `excess`; no run of that width has a smaller excess than the least.
        """
        (lower, upper), every = self.width_bracket(width), self.solution.lower_bound
        return excess(lower, every, self.best)[0], excess(upper, every, self.best)[1]

    def network(self, optimizer: str, width: int, seed: int) -> Layer:
        """A trained network as an ordinary one, like ``solution.network``.

        Parameters
        ----------
        optimizer : str
        width, seed : int
            Which of the finished runs.

        Returns
        -------
        Sequential

        Raises
        ------
        KeyError
            Where there is no such run.
        """
        return layers_of(self.objective, *self.weights(optimizer, width, seed))

    def weights(self, optimizer: str, width: int, seed: int) -> tuple[Array, Array, Array]:
        """The weights of a trained network.

        Parameters
        ----------
        optimizer : str
        width, seed : int
            Which of the finished runs.

        Returns
        -------
        W : (m, d) or (m, d + 1) array
            Hidden weights, the bias last where there is one.
        a : (m,) or (m, c) array
            Output weights.
        free : (k,) or (k, c) array
            The output bias and then the skip connection, where they are there.

        Raises
        ------
        KeyError
            Where there is no such run.
        """
        for record in self.records_of(optimizer, width):
            if seed in record.seeds:
                at = record.seeds.index(seed)
                return record.W[at], record.a[at], record.free[at]
        raise KeyError(f"no finished run of {optimizer}, width {width}, seed {seed}")


def excesses(objective: Array, lower: float, upper: float) -> Array:
    """The excess of each objective, (s,), over the optimum in a bracket: (s, 2)."""
    return np.array([excess(float(f), lower, upper) for f in objective]).reshape(-1, 2)
