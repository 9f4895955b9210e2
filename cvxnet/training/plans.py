"""Plans: which steps column generation takes, by the kind of problem.

======================  =================  ========================  ======================
units                   start              improve                   polish
======================  =================  ========================  ======================
smooth in u             local search (1)   slide (2)                 Newton, smooth losses
with kinks, that slide  a part (5)         fit sizes (6)             Newton, smooth losses
that cannot move        price              solve a master            Newton, smooth losses
columns of X (4)        price              coordinate descent        none
linear, of sparse X     price              quasi-Newton steps        none
of several outputs (3)  local search (1)   fit outputs and slide     Newton, smooth losses
======================  =================  ========================  ======================

(1) Where the problem shows to be no easy one. A loss with kinks has the semidefinite program of
units of degree two first. (2) Where the loss has kinks, too, sliding stops short of the optimum: a
master is solved, and thinned out, or near duplicates would double every round.
(3) See `cvxnet.training.outputs.steps`.
(4) With a smooth loss, see `cvxnet.training.linear_models`; coordinate descent is scikit-learn's,
and where that is not installed masters are solved. With the squared loss and a dense X it works on
few columns and their products, see `cvxnet.training.working_sets`.
(5) Of many samples a tenth comes first; otherwise local search. (6) Of all local maxima that
pricing finds; with a loss that has kinks by proximal steps, see `cvxnet.training.proximal`. Where
pricing does not end, units slide and a master of their cells is solved.

For lectures there is a slower one: `one_unit_a_round`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cvxnet.losses import Weighted
from cvxnet.training.clock import now
from cvxnet.training.column_generation import (
    EXACT,
    NEGLIGIBLE,
    Plan,
    Search,
    clock,
    generate_columns,
    price_first,
    share,
)
from cvxnet.training.fewer_units import merge
from cvxnet.training.linear_models import (
    AHEAD,
    FEW,
    is_lasso,
    is_ridge,
    solve_ball,
    solve_columns,
)
from cvxnet.training.local_search import MANY, PART, carry, part_of, start_wide
from cvxnet.training.matrices import is_sparse
from cvxnet.training.oracle import Oracle
from cvxnet.training.outputs.steps import (
    fit_and_slide,
    fit_only,
    refine_outputs,
    slide_to_kinks,
)
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem, Units
from cvxnet.training.proximal import proximal_loss
from cvxnet.training.pruning import thin
from cvxnet.training.refinement import refine, refine_on_faces, stationary_dual
from cvxnet.training.samples import is_square
from cvxnet.training.sizes import fit_sizes
from cvxnet.training.sliding import slide
from cvxnet.training.start import offer_program, open_bracket
from cvxnet.training.working_sets import fit_squares, has_working_sets
from cvxnet.types import Array

SIZE = 3000
"""Data of more numbers than this are no easy problem: local search comes before anything else."""
BEFORE, WIDELY, BRIEFLY = 0.1, 0.7, 0.3
"""Shares of the time for the first pricing, and for a first network by local search: briefly, where
exact pricing, which takes less time, may show it the way."""
QUICK, HASTE = 0.5, 0.2
"""Easy problems are solved in so many seconds, or this share of the time."""
SLIDING_STEPS, MANY_STEPS = 200, 5000
"""Quasi-Newton steps before a master, and where everything is smooth and there is none."""
PRECISE = 1e-16
"""Precision of steps that no master follows."""
MERGED = 1e-6
"""Units closer than this (radians) are merged where sliding alone has come to them."""
ENTRIES_A_SECOND = 5e4
"""Of the matrix of a master, for each second left: it takes about a quarter of them."""
SHARP = 1e-2
"""Relative to the largest target."""
MANY_COLUMNS, OWN_COLUMNS = 4000, 300
"""New columns a round, where coordinate descent solves the masters; and where working sets find
their own."""
REFINEMENTS = 3
"""Newton refinements a round; each prices once."""
NEAR, CLOSE = 1.1, 1.01
"""Refinement waits until ``rho`` is below this multiple of ``weight_decay``; where sizes are fitted
that comes by itself."""
COLUMNS = replace(EXACT, new_units=300, near=True)
"""Where the sizes of units are fitted, many at a time cost little."""
DENSE = 20_000
"""With more samples than this the lower half of the local maxima above ``weight_decay`` costs more
than the rounds that it saves."""
SMALL = 20_000
"""Samples times units up to which Newton's method is quick."""
NULL_STEPS = 3
"""Rounds without progress, one after the other, that proximal steps may take before cells come
next: they bring columns, and the next one has some."""
FAR = 0.1
"""A bracket that is wider than this closes faster where units slide; so does that of a loss with
kinks up to MANY samples; of more a part has come to good units before."""
TENTH, OPEN = 10, 1e-3
"""A part of many samples, and the gap to which it is solved: on all of them it is wider."""
WIDE, BRIEF_STEPS = 200_000, 50
"""Up to so many samples the units of a part slide on all, in so many quasi-Newton steps."""


def plan_for(problem: Problem) -> Plan:
    """The plan for a problem's units and loss."""
    family, loss = problem.family, problem.loss
    if problem.y.ndim == 2:
        return plan_for_outputs(problem)
    if is_lasso(problem):
        most = OWN_COLUMNS if has_working_sets(problem, 0) else MANY_COLUMNS
        return Plan(price_first, descend, as_it_is, exact=replace(EXACT, new_units=most))
    if is_ridge(problem):
        return Plan(price_first, step_in_ball, as_it_is)
    start, improve = start_from_local_search, slide_and_solve
    if not family.slides:
        start, improve = price_first, solve_master
    elif family.smooth and loss.smooth:
        improve = slide_to_optimum
    elif family.smooth:
        start, improve = start_from_program, solve_and_thin
    elif not problem.nearly_dependent and (loss.smooth or loss.kinked_at_target):
        exact = COLUMNS if len(problem.y) <= DENSE else replace(COLUMNS, level=0.0)
        polish = refine_columns if loss.smooth else as_it_is
        return Plan(start_from_part, fit_columns, polish, exact=exact)
    return Plan(start, improve, refine_network if loss.smooth else as_it_is)


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


# Starts


def start_from_local_search(search: Search) -> LocalMaxima:
    """Price first, as an easy problem is solved before local search would end.

    Where that takes long, or many units are promising, or the data are large, local search comes
    first. It has one start, no longer than pricing took, where exact pricing goes on soon.
    """
    problem, bracket, begin = search.problem, search.bracket, now()
    if len(problem.y) * problem.family.rank > SIZE:
        part = BRIEFLY if search.oracle.always else WIDELY
        search_locally(search, share(part, search.deadline))
        return price_first(search)
    maxima = search.price(bracket.units, bracket.proposal, share(BEFORE, search.deadline))
    if not is_easy(search, len(bracket.units) + len(maxima.values), begin):
        longest = now() - begin if search.oracle.always and problem.loss.smooth else np.inf
        search_locally(search, min(share(WIDELY, search.deadline), now() + longest))
        if problem.loss.smooth:
            return price_first(search)
        search.units = bracket.units
    return maxima


def is_easy(search: Search, units: int, begin: float) -> bool:
    """Whether column generation may well end before local search would: small and quick so far.

    So are data that are all zero, on which no unit does anything.
    """
    problem, quick = search.problem, min(QUICK, HASTE * (search.deadline - begin))
    large = len(problem.y) * units * problem.family.block_width > search.plan.exact.large
    soon = now() <= begin + quick or not problem.family.rank
    return search.oracle.always and not large and soon


def search_locally(search: Search, deadline: float) -> None:
    """Offer the networks of local search, from one start where exact pricing may soon take over.

    The dual vector of the best one is far cheaper to price than that of no network: it has fewer
    units above ``weight_decay``. A loss with kinks does not tell it.
    """
    problem, bracket = search.problem, search.bracket
    starts = 1 if search.oracle.exact else None
    with clock(search.timings, "sliding"):
        for network in start_wide(problem, bracket.units.free, deadline, starts):
            bracket.offer_units(network)
    if problem.loss.smooth:
        bracket.proposal = problem.dual_vector(bracket.units)


def start_from_program(search: Search) -> LocalMaxima:
    """The solution of the semidefinite program, where there is one; then as others start."""
    offer_program(search)
    return start_from_local_search(search)


def start_from_part(search: Search) -> LocalMaxima:
    """Of many samples a tenth comes first, and so on: its network is a good one for all.

    Each part is left where its bracket is as wide as the next one would open it.
    """
    problem, n = search.problem, len(search.problem.y)
    if n <= MANY or not search.oracle.always:
        return start_from_local_search(search)
    part = part_of(problem, max(n // TENTH, PART), np.random.default_rng(0))
    end = share(WIDELY, search.deadline)
    master = replace(search.master, problem=part)
    first = Search(open_bracket(part), master, Oracle(part), search.plan, gap=OPEN, deadline=end)
    for bracket in generate_columns(first):
        search.bracket.offer_units(carry(bracket.units, part, problem))
    units = search.bracket.units
    if n <= WIDE and len(units):
        with clock(search.timings, "sliding"):
            units = slide(problem, units, BRIEF_STEPS, deadline=end)
        search.bracket.offer_units(units.without_small(NEGLIGIBLE))
    return search.price(*fit_again(search, search.bracket.units))


# Steps to a better network


def solve_master(search: Search, grown: Units) -> tuple[Units, Array]:
    """The optimum on the blocks of these units."""
    return search.solve(grown)


def descend(search: Search, grown: Units) -> tuple[Units, Array]:
    """The optimum on these columns by coordinate descent; where that stalls, of the cone program.

    No further than the bracket of all columns needs, where that saves more than another round
    costs: not with few columns, nor for a loss that is quadratic itself.
    """
    if search.stuck and not is_sparse(search.problem.family.X):
        return search.solve(grown)
    few = is_square(search.problem.loss) or len(grown) <= FEW
    gap = AHEAD * (search.gap if few else max(search.gap, search.bracket.gap))
    with clock(search.timings, "solving"):
        if has_working_sets(search.problem, len(search.units)):
            units = fit_squares(search.problem, search.units, gap, search.end)
        else:
            units = solve_columns(search.problem, grown, gap, search.end)
    return units, search.problem.dual_vector(units)


def step_in_ball(search: Search, grown: Units) -> tuple[Units, Array]:
    """The optimum over all linear units of a sparse X."""
    with clock(search.timings, "solving"):
        units = solve_ball(search.problem, grown, search.gap)
    return units, search.problem.dual_vector(units)


def slide_and_solve(search: Search, grown: Units) -> tuple[Units, Array]:
    """The optimum on the blocks of these units and of where they slide to.

    Where that master would be large, sliding alone comes near enough: for Newton's method, or for
    what can be proved of units beyond exact pricing.
    """
    problem, settings = search.problem, search.settings
    entries = len(problem.y) * len(grown) * problem.family.block_width
    limit = min(settings.large, ENTRIES_A_SECOND * (search.end - now()))
    led_nowhere = search.stuck and search.oracle.ends
    if problem.loss.smooth and entries > limit and not led_nowhere:
        return slide_alone(search, grown, SLIDING_STEPS)
    return search.solve(with_slid(search, grown))


def fit_columns(search: Search, grown: Units) -> tuple[Units, Array]:
    """The best sizes of these units, none of which moves; far from the optimum, of slid ones too.

    Pricing returns units on their faces, many near each unit of the optimum, and their sizes say
    which of them it has. Where that leads nowhere, or pricing does not end, cells come next.
    """
    nowhere = search.stuck if search.problem.loss.smooth else search.still > NULL_STEPS
    if nowhere or not search.oracle.ends:
        return slide_and_solve(search, grown)
    present = len(search.units.without_small(NEGLIGIBLE))
    slides = search.problem.loss.smooth or len(search.problem.y) <= MANY
    if search.bracket.gap > FAR and slides:
        grown = with_slid(search, grown)
    return fit_again(search, grown, present)


def fit_again(search: Search, units: Units, present: int | None = None) -> tuple[Units, Array]:
    """The best sizes of units, the first ``present`` of which have some already.

    Those in one cell then become one, which has moved.
    """
    problem = search.problem
    with clock(search.timings, "fitting"):
        sizes = problem.family.sizes(units.weights)
        sizes[len(sizes) if present is None else present :] = 0.0
        loss = proximal_loss(search.bracket, search.units)
        fitted = fit_sizes(problem, units, sizes, loss)
        rows, signs = problem.family.simplify(fitted.weights, fitted.outputs)
    fitted = Units(rows, signs, fitted.free)
    return fitted, replace(problem, loss=loss).dual_vector(fitted)


def slide_to_optimum(search: Search, grown: Units) -> tuple[Units, Array]:
    """A local optimum, where everything is smooth; after that led nowhere, a master's optimum."""
    if search.stuck and search.oracle.ends:
        return search.solve(with_slid(search, grown))
    return slide_alone(search, grown, MANY_STEPS)


def solve_and_thin(search: Search, grown: Units) -> tuple[Units, Array]:
    """A master's optimum, without near duplicates."""
    units, v = search.solve(with_slid(search, grown))
    return thin(search.problem, units), v


def slide_alone(search: Search, units: Units, steps: int) -> tuple[Units, Array]:
    """Where the units slide to, with fewer units where that is simple."""
    problem = search.problem
    with clock(search.timings, "sliding"):
        units = slide(problem, units, steps, PRECISE, search.end)
        rows, signs = problem.family.simplify(units.weights, units.outputs)
        fewer = merge(Units(rows, signs, units.free).without_small(NEGLIGIBLE), MERGED)
    if problem.objective(fewer) <= problem.objective(units):
        units = fewer
    return units, problem.dual_vector(units)


def with_slid(search: Search, grown: Units) -> Units:
    """Units for a master: those given, and where they slide to; only these where cells are many."""
    with clock(search.timings, "sliding"):
        slid = slide(search.problem, grown, SLIDING_STEPS, deadline=search.end)
    search.bracket.offer_units(slid)
    slid = slid.without_small(search.settings.smallest)
    return merge(slid, search.settings.together) if search.settings.together else grown + slid


# The last digits


def refine_network(search: Search, maxima: LocalMaxima) -> LocalMaxima:
    """Newton's method, where exact pricing ends and the optimum is near."""
    problem = search.problem
    for _ in range(REFINEMENTS if search.oracle.ends else 0):
        done = search.bracket.gap <= search.gap or now() > search.end
        if done or maxima.rho > NEAR * problem.weight_decay:
            break
        with clock(search.timings, "refining"):
            refined = refine(problem, search.units, maxima)
        if refined is search.units:
            break
        maxima = search.price(refined, stationary_dual(problem, refined))
    return maxima


def refine_columns(search: Search, maxima: LocalMaxima) -> LocalMaxima:
    """The same for units on their faces, where some of these are more than rays."""
    problem = search.problem
    if search.stuck or not search.oracle.ends:
        return refine_network(search, maxima)
    done = search.bracket.gap <= search.gap or now() > search.end
    large = len(problem.y) * len(search.units) > SMALL
    if done or large or maxima.rho > CLOSE * problem.weight_decay:
        return maxima
    with clock(search.timings, "refining"):
        refined = refine_on_faces(problem, search.units)
    if refined is search.units:
        return maxima
    again = search.price(refined, stationary_dual(problem, refined))
    return again


def as_it_is(search: Search, maxima: LocalMaxima) -> LocalMaxima:
    """A loss with kinks has no Hessian."""
    return maxima
