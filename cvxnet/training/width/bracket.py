"""The bracket of networks of at most m units, from that of every width."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvxnet.objective import Budget, Objective, Weights, network_of
from cvxnet.training.bounds.evidence import evidence_of
from cvxnet.training.bracket import Bracket, Proof
from cvxnet.training.clock import now
from cvxnet.training.every_width import INTERRUPTED, REACHED, bracket_without_units, follow
from cvxnet.training.progress import Report, Round
from cvxnet.training.recovery import weights_of
from cvxnet.training.reduction import Reduction, reduce
from cvxnet.training.solution import Solution
from cvxnet.training.threads import one_blas_thread
from cvxnet.training.width.leaves import tree_evidence
from cvxnet.training.width.tree import Tree, search_width

NOTE = "the optimum of every width is known; networks of at most {width} units are searched"


def bracket_of_width(
    objective: Objective,
    width: int,
    every: Solution,
    budget: Budget,
    deadline: float,
    *,
    starts: Iterable[Weights] = (),
) -> tuple[Bracket, dict[str, Any]]:
    """The bracket as narrow as the time until then allows, and the stats.

    ``starts`` are networks to begin with, beside that of every width.
    """
    reduction = reduce(objective)
    bracket = root_of(reduction, every)
    stats = every.stats | {"nodes": 0, "open": 0, "untrained": False}
    if len(bracket.units) <= width and every.status == "optimal":
        return reduction.undo(bracket), stats
    if every.stats["interrupted"]:
        deadline = now()
    with (
        np.errstate(over="ignore", invalid="ignore"),
        one_blas_thread(),
        follow(budget, NOTE.format(width=width)) as show,
    ):
        course = Course(objective, reduction, bracket, budget, show, every.stats["seconds"])
        tree = search_width(
            reduction.problem,
            width,
            bracket,
            starts=[reduction.units_of(weights) for weights in starts],
            gap=budget.gap,
            deadline=deadline,
            report=course.report,
        )
    if every.stats["interrupted"]:
        tree.stopped = INTERRUPTED
    bracket.units, bracket.upper = tree.units, tree.upper
    if tree.lower > bracket.lower:
        bracket.lower, bracket.evidence = tree.lower, tree_evidence(tree)
    return reduction.undo(bracket), stats | course.stats(tree)


def root_of(reduction: Reduction, every: Solution) -> Bracket:
    """The bracket of every width."""
    certificate, bracket = every.certificate, bracket_without_units(reduction)
    bracket.offer_units(reduction.units_of(certificate.weights))
    proof = reduction.proof_of(Proof(certificate.v, evidence_of(certificate.evidence)))
    bracket.dual, bracket.evidence = proof.v, proof.evidence
    bracket.lower = every.lower_bound / reduction.scale.value
    return bracket


@dataclass
class Course:
    """How a search is going: told, and kept.

    ``before`` are the seconds that the optimum of every width took.
    """

    objective: Objective
    reduction: Reduction
    every: Bracket
    budget: Budget
    show: Report
    before: float
    begin: float = field(default_factory=now)
    history: list[tuple[float, float, float, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """What all has taken so far."""
        return self.before + now() - self.begin

    def report(self, tree: Tree) -> None:
        """Keep the state, and show it to whoever wants to see it."""
        value = self.reduction.scale.value
        state = (self.seconds, value * tree.lower, value * tree.upper, len(tree.units))
        self.history.append(state)
        self.show(*state, len(tree.open))
        if callable(self.budget.progress):
            self.tell(self.budget.progress, tree, *state)

    def tell(
        self,
        listener: Callable[[Round], object],
        tree: Tree,
        *state: *tuple[float, float, float, int],
    ) -> None:
        """Hand a listener the best network, and the dual vector of every width."""
        bracket = Bracket(**vars(self.every) | {"units": tree.units, "upper": tree.upper})
        given = self.reduction.undo(bracket)
        weights = weights_of(given.problem, given.units, self.objective.form)
        network = network_of(self.objective.units, weights, self.objective.output_weights)
        listener(Round(*state, given.dual, network, len(tree.open)))

    def stats(self, tree: Tree) -> dict[str, Any]:
        """What there is to say in the end."""
        self.report(tree)
        return {
            "seconds": self.seconds,
            "nodes": tree.nodes,
            "open": len(tree.open),
            "units": len(tree.units),
            "rounds": len(self.history),
            "history": self.history,
            "stopped": tree.stopped,
            "interrupted": tree.stopped == INTERRUPTED,
            "converged": tree.stopped == REACHED,
        }
