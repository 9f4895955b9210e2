"""The bracket of networks of at most m units, from that of every width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cvxnet.objective import Budget, Objective, Weights
from cvxnet.training.bracket import Bracket, Proof
from cvxnet.training.clock import now
from cvxnet.training.reduction import Reduction, reduce
from cvxnet.training.solution import Solution
from cvxnet.training.start import open_bracket
from cvxnet.training.threads import one_blas_thread
from cvxnet.training.width.tree import search_width


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
    begin = now()
    reduction = reduce(objective)
    bracket = root_of(reduction, every)
    with one_blas_thread():
        tree = search_width(
            reduction.problem,
            width,
            bracket,
            starts=[reduction.units_of(weights) for weights in starts],
            gap=budget.gap,
            deadline=deadline,
        )
    bracket.units, bracket.upper = tree.units, tree.upper
    return reduction.undo(bracket), every.stats | {
        "seconds": every.stats["seconds"] + now() - begin,
        "nodes": tree.nodes,
        "open": len(tree.open),
        "units": len(bracket.units),
        "stopped": tree.stopped,
        "history": [],
        "untrained": False,
    }


def root_of(reduction: Reduction, every: Solution) -> Bracket:
    """The bracket of every width."""
    certificate, bracket = every.certificate, open_bracket(reduction.problem)
    bracket.offer_units(reduction.units_of(certificate.weights))
    v = reduction.proof_of(Proof(certificate.v)).v
    bracket.dual, bracket.lower = v, every.lower_bound / reduction.scale.value
    return bracket
