"""The bracket of an objective over networks of every width, by column generation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from cvxnet.errors import SolverError
from cvxnet.kernels import true_interruptions
from cvxnet.objective import Budget, Objective, Weights, network_of
from cvxnet.training.bracket import Bracket, Proof
from cvxnet.training.checkpoint import Checkpoint, go_on
from cvxnet.training.clock import now
from cvxnet.training.column_generation import Plan, Search, clock, close_bracket, price_first
from cvxnet.training.first_networks import search_locally
from cvxnet.training.master import Master
from cvxnet.training.oracle import Oracle, is_exact
from cvxnet.training.outputs.directions import fit_directions
from cvxnet.training.plans import plan_for
from cvxnet.training.problem import Problem, Units
from cvxnet.training.progress import Listener, Progress, Report, Round, quiet
from cvxnet.training.pruning import prune, thin
from cvxnet.training.recovery import weights_of
from cvxnet.training.reduction import Reduction, reduce
from cvxnet.training.refinement import resize
from cvxnet.training.rounded_certificates import seconds_reserved
from cvxnet.training.scaling import raw_note
from cvxnet.training.start import open_bracket
from cvxnet.training.threads import one_blas_thread

MOST_FEATURES = 10**7
"""Samples times units that a certificate may have."""
REACHED, INTERRUPTED = "the gap was reached", "interrupted: a longer run narrows the bracket"
"""Two of the reasons why training stops."""


@dataclass(frozen=True)
class Known:
    """What is known of an objective before training, such as from another weight decay.

    Attributes
    ----------
    reduction : Reduction
        The problem that is solved in its place.
    weights : tuple of Weights
        Networks to begin with.
    proofs : tuple of (Proof, float)
        Dual vectors, and for each a bound of its ``rho``.
    """

    reduction: Reduction
    weights: tuple[Weights, ...] = ()
    proofs: tuple[tuple[Proof, float], ...] = ()

    def offer(self, search: Search) -> None:
        """Offer networks and dual vectors to a search, which then begins where they are."""
        bracket, problem, scale = search.bracket, search.problem, self.reduction.scale
        for weights in self.weights:
            bracket.offer_units(self.reduction.units_of(weights))
        for given, bound in self.proofs:
            proof = self.reduction.proof_of(given)
            bracket.proposal = proof.v
            if given.evidence is None or proof.evidence is not None:
                unit = scale.features * scale.dual
                bracket.offer_dual(proof.v, bound / unit, proof.evidence)
        if problem.loss.smooth:  # at its kinks a loss has many gradients
            bracket.proposal = problem.dual_vector(bracket.units)
        search.plan = replace(search.plan, start=price_first)


@one_blas_thread()
def bracket_of(
    objective: Objective,
    budget: Budget,
    deadline: float,
    plan: Callable[[Problem], Plan] = plan_for,
    checkpoint: Checkpoint | None = None,
    known: Known | None = None,
) -> tuple[Bracket, dict[str, Any]]:
    """The bracket of an objective, as narrow as the time until then allows, and the stats.

    What the certificate will take is left of it.
    """
    checkpoint = checkpoint or Checkpoint(None, objective)
    deadline -= seconds_reserved(objective, deadline - now())
    reduction = reduce(objective) if known is None else known.reduction
    # What is too large for a double is infinite or no number, and neither improves a bracket.
    with (
        np.errstate(over="ignore", invalid="ignore"),
        follow(budget, checkpoint.note) as report,
    ):
        search = open_search(objective, budget, reduction, deadline, plan)
        if known is not None:
            known.offer(search)
        if checkpoint.found is not None:
            begin = now()
            go_on(search, reduction, checkpoint)
            search.deadline += now() - begin  # that was not training
            search.plan = replace(search.plan, start=price_first)
        search.bracket.improved = lambda bracket: (
            checkpoint.update(bracket, reduction) if now() < search.deadline else None
        )
        if callable(budget.progress):
            report = partial(tell, budget.progress, objective, reduction, search)
        try:
            stats = run(search, report, reduction.scale.value, checkpoint.before)
        finally:  # as it refers to the search, both would wait for the collector of garbage
            search.bracket.improved = None
    return reduction.undo(search.bracket), stats


def follow(budget: Budget, note: str) -> AbstractContextManager[Report]:
    """Progress on the terminal, where it is asked for."""
    return Progress(budget.gap, note=note) if budget.progress is True else quiet()


def tell(
    listener: Listener,
    objective: Objective,
    reduction: Reduction,
    search: Search,
    *state: *tuple[float, float, float, int],
) -> None:
    """Hand a listener what there is after a round."""
    given = reduction.undo(search.bracket)
    weights = weights_of(given.problem, given.units, objective.form)
    network = network_of(objective.units, weights, objective.output_weights)
    listener(Round(*state, given.proposal, network, master=search.master.way))


def bracket_without_units(reduction: Reduction) -> Bracket:
    """That of the empty network; what the rounding costs is that of the data as they are."""
    bracket = open_bracket(reduction.problem)
    bracket.tolerance = replace(bracket.tolerance, rounding=reduction.rounding(bracket.units))
    return bracket


def open_search(
    objective: Objective,
    budget: Budget,
    reduction: Reduction,
    deadline: float,
    plan: Callable[[Problem], Plan],
) -> Search:
    """A search that begins with the network without units, or a given one if that is better."""
    problem, network = reduction.problem, objective.network
    bracket = bracket_without_units(reduction)
    if network is not None and network.given:
        bracket.offer_units(reduction.units_of(network.weights))
        if problem.loss.smooth:  # at its kinks a loss has many gradients
            bracket.proposal = problem.dual_vector(bracket.units)
    return Search(
        bracket=bracket,
        master=Master(problem, budget.solver),
        oracle=Oracle(problem),
        plan=plan(problem),
        gap=budget.gap,
        deadline=deadline,
        proof=budget.proof,
    )


def run(search: Search, report: Report, value: float, before: float) -> dict[str, Any]:
    """Close the bracket and prune the network, until done or interrupted; returns the stats.

    A solver or a computation that fails ends the search: what was found by then stands. Where it
    had not come to an end, local search is asked, too. ``value`` is the factor from the bracket's
    numbers to those reported, ``before`` the seconds of earlier calls from which this one goes on.
    """
    begin = now() - before
    bracket, master, gap, deadline = search.bracket, search.master, search.gap, search.deadline
    history: list[tuple[float, float, float, int]] = []
    failure, stopped = None, ""
    try:
        with true_interruptions():
            for _ in close_bracket(search):
                seconds, units = now() - begin, len(bracket.units)
                history.append((seconds, value * bracket.lower, value * bracket.upper, units))
                report(*history[-1])
        with clock(master.timings, "pruning"):
            if bracket.closed_by(gap) and now() < deadline:
                bracket.units = prune(bracket.units, master, deadline)
            else:
                bracket.units = thin(bracket.problem, bracket.units, deadline)
            bracket.units = with_certificate(bracket.problem, bracket.units, master)
        stopped = why_stopped(search, deadline)
    except KeyboardInterrupt:
        stopped = INTERRUPTED
    except (SolverError, np.linalg.LinAlgError, ArithmeticError) as error:
        if not search.converged:
            search_locally(search, search.end)
        failure = str(error)
        stopped = f"the solver failed, try another one: {failure}"
    return vars(master.timings) | {
        "seconds": now() - begin,
        "before": before,
        "rounds": len(history),
        "units": len(bracket.units),
        "solver": master.solver,
        "master": master.way,
        "priced": search.oracle.looked_at,
        "interrupted": stopped == INTERRUPTED,
        "failure": failure,
        "stopped": stopped,
        "converged": search.converged,
        "untrained": bracket.untrained and not bracket.closed_by(gap),
        "history": history,
    }


def with_certificate(problem: Problem, units: Units, master: Master) -> Units:
    """As many of the largest units as a certificate may have, their sizes fitted again.

    Of units that are linear in the data there may be any number: they make one vector of weights.
    """
    if problem.family.traits.sparse:
        return units
    most = max(MOST_FEATURES // len(problem.y), 1)
    if len(units) <= most:
        return units
    largest = np.argsort(-problem.family.sizes(units.weights))[:most]
    if units.outputs.ndim == 2:
        return fit_directions(problem, units.pick(largest), master)
    return resize(problem, units.pick(largest)).without_small(0.0)


def why_stopped(search: Search, deadline: float) -> str:
    """Why column generation ended of itself, and what to try where the gap was not reached."""
    bracket = search.bracket
    if bracket.closed_by(search.gap):
        return REACHED
    if now() >= deadline or search.late:
        advice = "the time limit was reached: a longer one lets the bracket shrink further"
    elif search.converged and not search.oracle.ends and search.proof < np.inf:
        advice = (
            "proving a bound has had its time: a larger weight decay, or more time for the proof, "
            "narrows the bracket"
        )
    elif bracket.problem.nearly_dependent:
        advice = (
            "nothing improves any more: columns of the free part (output bias, skip) depend on one "
            "another up to rounding, but not exactly, and huge free weights would count: leave out "
            "one of them"
        )
    elif is_exact(bracket.problem.family, bracket.problem.y):
        advice = "nothing improves any more: try another solver or a larger weight decay"
    else:
        advice = (
            "nothing improves any more, or not fast enough: a larger weight decay, fewer columns "
            "or a time limit to be used up narrow the bracket"
        )
    return "; ".join(filter(None, [advice, raw_note(bracket.problem.family.X)]))
