"""The bracket of networks of at most m units, from that of every width."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cvxnet.errors import UnsupportedError
from cvxnet.objective import Budget, Objective, Weights
from cvxnet.training.bracket import Bracket, Proof
from cvxnet.training.clock import now
from cvxnet.training.every_width import REACHED
from cvxnet.training.problem import Units
from cvxnet.training.reduction import Reduction, reduce
from cvxnet.training.sliding import slide
from cvxnet.training.solution import Solution
from cvxnet.training.start import open_bracket
from cvxnet.training.threads import one_blas_thread
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.training.width.cones import cone_space
from cvxnet.training.width.tree import Tree


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
    for weights in (every.certificate.weights, *starts):
        units = reduction.units_of(weights).without_small(0.0)
        if len(units) <= width:
            bracket.offer_units(units)
    with one_blas_thread():
        tree = searched(bracket, width, budget.gap, deadline)
    bracket.offer_units(tree.units)
    return reduction.undo(bracket), every.stats | {
        "seconds": every.stats["seconds"] + now() - begin,
        "nodes": tree.nodes,
        "open": len(tree.open),
        "units": len(bracket.units),
        "stopped": REACHED,
        "history": [],
        "untrained": False,
    }


def root_of(reduction: Reduction, every: Solution) -> Bracket:
    """The bracket that the dual vector of every width and the empty network make."""
    certificate, bracket = every.certificate, open_bracket(reduction.problem)
    v = reduction.proof_of(Proof(certificate.v)).v
    bracket.dual, bracket.lower = v, every.lower_bound / reduction.scale.value
    return bracket


def searched(bracket: Bracket, width: int, gap: float, deadline: float) -> Tree:
    """The tree."""
    problem = bracket.problem
    family = problem.family
    if not isinstance(family, PiecewiseLinearUnits):
        raise UnsupportedError(f"{family.name} units with a width: not yet.")

    def improve(tree: Tree, units: Units) -> None:
        if len(units) and problem.objective(units) < 1.02 * tree.upper:
            units = slide(problem, units, 300)
            value = problem.objective(units)
            if value < tree.upper:
                tree.units, tree.upper = units, value

    tree = Tree(
        problem,
        cone_space(family),
        width,
        bracket.units,
        bracket.upper,
        gap,
        improve,
    )
    tree.start(bracket.dual, bracket.lower, bracket.units)
    tree.run(deadline)
    return tree
