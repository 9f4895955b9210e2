"""The bracket of networks of at most m units, from that of every width, and its evidence.

Each leaf needs a vector whose dual value is at least the bound of the whole tree, and most leaves
have a better one. A multiple of that which is just good enough leaves room below the weight decay:
then four bytes a number are enough, and the checker has less to do.
"""

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
from cvxnet.training.problem import Problem
from cvxnet.training.progress import Report, Round
from cvxnet.training.recovery import weights_of
from cvxnet.training.reduction import Reduction, reduce
from cvxnet.training.solution import Solution
from cvxnet.training.threads import one_blas_thread
from cvxnet.training.width.evidence import TreeEvidence
from cvxnet.training.width.nodes import Branch
from cvxnet.training.width.tree import Tree, search_width
from cvxnet.types import Array

NOTE = "the optimum of every width is known; networks of at most {width} units are searched"
HALVINGS = 14
"""Of the interval in which the smallest multiple of a vector is looked for."""
SMALLER = 2.0**-20
"""A vector of four bytes a number is made shorter by this, at least, for its rounding."""
ROOM = 2.0**-32
"""All others are, by this: pricing and the checker, who moves v off the free part, round."""


@one_blas_thread()
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


def tree_evidence(tree: Tree) -> TreeEvidence:
    """The tree as it is, open nodes with the vectors that they have so far."""
    vectors, numbers, nodes = list[Array](), dict[int, int](), list[Any]()
    lower = tree.lower
    for node in tree.root.below():
        if isinstance(node, Branch):
            nodes.append([node.region, *node.cut])
            continue
        if id(node.v) not in numbers:
            vectors.append(shortest(tree.problem, node.v, lower))
            numbers[id(node.v)] = len(vectors)
        nodes.append(numbers[id(node.v)])
    return TreeEvidence(tree.space.rows.tolist(), np.array(vectors), nodes)


def shortest(problem: Problem, v: Array, lower: float) -> Array:
    """The shortest multiple of a vector with that bound, in numbers of four bytes where they do."""

    def bound(v: Array) -> float:
        return float(-problem.loss.conjugate(v, problem.y))

    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if bound(middle * v) >= lower else (middle, high)
    short = min(high * (1.0 + SMALLER), 1.0 - SMALLER) * v
    short = short.astype(np.float32).astype(np.float64)
    if bound(problem.make_feasible(short)) >= lower:
        return short
    return min(high, 1.0 - ROOM) * v
