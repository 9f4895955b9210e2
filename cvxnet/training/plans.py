"""Plans: which steps column generation takes, by the kind of problem.

======================  =================  ========================  ======================
units                   start              improve                   polish
======================  =================  ========================  ======================
smooth in u             local search (1)   slide (2)                 Newton, smooth losses
with kinks, that slide  a part (5)         fit sizes (6)             Newton, smooth losses
that cannot move        price              solve a master            Newton, smooth losses
columns of X (4)        price (4)          coordinate descent        none
linear, of sparse X     price              quasi-Newton steps        none
of several outputs (3)  local search (1)   fit outputs and slide     Newton, smooth losses
======================  =================  ========================  ======================

(1) Where the problem shows to be no easy one. A loss with kinks has the semidefinite program of
units of degree two first. (2) Where the loss has kinks, too, sliding stops short of the optimum: a
master is solved, and thinned out, or near duplicates would double every round.
(3) See `cvxnet.training.outputs.steps`.
(4) With a smooth loss, see `cvxnet.training.linear_models`; coordinate descent is scikit-learn's,
and where that is not installed masters are solved. With a dense X it works on few columns and their
products, which it finds itself from the start, see `cvxnet.training.working_sets`.
(5) Of many samples a tenth comes first; otherwise local search. (6) Of all local maxima that
pricing finds; with a loss that has kinks by proximal steps, see `cvxnet.training.proximal`. Where
pricing does not end, units slide and a master of their cells is solved.

For lectures there is a slower one: `one_unit_a_round`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cvxnet.losses import Weighted
from cvxnet.training.column_generation import EXACT, Improve, Plan, Start, price_first
from cvxnet.training.first_networks import (
    start_from_local_search,
    start_from_part,
    start_from_program,
)
from cvxnet.training.improvement import (
    as_it_is,
    descend,
    descend_first,
    fit_columns,
    refine_columns,
    refine_network,
    slide_and_solve,
    slide_to_optimum,
    solve_and_thin,
    solve_master,
    step_in_ball,
)
from cvxnet.training.linear_models import is_lasso, is_ridge
from cvxnet.training.outputs.steps import (
    fit_and_slide,
    fit_only,
    refine_outputs,
    slide_to_kinks,
)
from cvxnet.training.problem import Problem
from cvxnet.training.working_sets import has_working_sets

SHARP = 1e-2
"""Relative to the largest target."""
MANY_COLUMNS, OWN_COLUMNS = 4000, 1500
"""New columns a round, where coordinate descent solves the masters; and where working sets find
their own."""
COLUMNS = replace(EXACT, new_units=300, near=True)
"""Where the sizes of units are fitted, many at a time cost little."""
DENSE = 20_000
"""With more samples than this the lower half of the local maxima above ``weight_decay`` costs more
than the rounds that it saves."""


def plan_for(problem: Problem) -> Plan:
    """The plan for a problem's units and loss."""
    if problem.y.ndim == 2:
        return plan_for_outputs(problem)
    if is_lasso(problem):
        if has_working_sets(problem, 0):
            return Plan(
                descend_first, descend, as_it_is, exact=replace(EXACT, new_units=OWN_COLUMNS)
            )
        return Plan(price_first, descend, as_it_is, exact=replace(EXACT, new_units=MANY_COLUMNS))
    if is_ridge(problem):
        return Plan(price_first, step_in_ball, as_it_is)
    if fits_columns(problem):
        exact = COLUMNS if len(problem.y) <= DENSE else replace(COLUMNS, level=0.0)
        polish = refine_columns if problem.loss.smooth else as_it_is
        return Plan(start_from_part, fit_columns, polish, exact=exact)
    start, improve = first_steps(problem)
    return Plan(start, improve, refine_network if problem.loss.smooth else as_it_is)


def fits_columns(problem: Problem) -> bool:
    """Whether local maxima of pricing enter as they are: units with kinks that slide.

    The loss is smooth, or its kinks are at the targets.
    """
    kinked, loss = problem.family.slides and not problem.family.smooth, problem.loss
    smooth = loss.smooth or loss.kinked_at_target
    return kinked and smooth and not problem.nearly_dependent


def first_steps(problem: Problem) -> tuple[Start, Improve]:
    """Start and improvement of the other problems, by whether units move and what has kinks."""
    family = problem.family
    if not family.slides:
        return price_first, solve_master
    if not family.smooth:
        return start_from_local_search, slide_and_solve
    if problem.loss.smooth:
        return start_from_local_search, slide_to_optimum
    return start_from_program, solve_and_thin


def one_unit_a_round(problem: Problem) -> Plan:
    """The steps of a lecture: price, add the best unit alone, solve the master, and again."""
    plan = plan_for(problem)
    exact, relaxed = (replace(part, new_units=1) for part in (plan.exact, plan.relaxed))
    return Plan(price_first, solve_master, as_it_is, exact=exact, relaxed=relaxed)


def plan_for_outputs(problem: Problem) -> Plan:
    """The plan for several outputs."""
    start = start_from_local_search if problem.family.slides else price_first
    if not problem.loss.smooth:
        return Plan(start_from_program, slide_to_kinks, as_it_is)
    improve = fit_and_slide if problem.family.slides else fit_only
    if bends_sharply(problem):
        improve = slide_to_kinks
    return Plan(start, improve, refine_outputs)


def bends_sharply(problem: Problem) -> bool:
    """Whether a loss that is quadratic near its targets is linear beyond SHARP of their size.

    For quasi-Newton steps that is as good as a kink. Its slopes say it, as its curvature is one.
    """
    loss = problem.loss.loss if isinstance(problem.loss, Weighted) else problem.loss
    slopes = loss.domain(problem.y)[1]
    return loss.degree == 2 and bool((slopes < SHARP * np.abs(problem.y).max()).any())
