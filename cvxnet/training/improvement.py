"""Steps to a better network: what a plan does in each round, and for the last digits.

Each returns the network with its dual vector.
"""

from __future__ import annotations

from dataclasses import replace

from cvxnet.training.clock import now
from cvxnet.training.column_generation import NEGLIGIBLE, Search, clock
from cvxnet.training.fewer_units import merge
from cvxnet.training.linear_models import AHEAD, solve_ball, solve_columns
from cvxnet.training.local_search import MANY
from cvxnet.training.master import BALL, COORDINATES, SIZES, SLIDING
from cvxnet.training.matrices import is_sparse
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Units
from cvxnet.training.proximal import proximal_loss
from cvxnet.training.pruning import thin
from cvxnet.training.refinement import refine, refine_on_faces, stationary_dual
from cvxnet.training.sizes import fit_sizes
from cvxnet.training.sliding import slide
from cvxnet.training.working_sets import fit_working_set, has_working_sets
from cvxnet.types import Array

SLIDING_STEPS, MANY_STEPS = 200, 5000
"""Quasi-Newton steps before a master, and where everything is smooth and there is none."""
PRECISE = 1e-16
"""Precision of steps that no master follows."""
MERGED = 1e-6
"""Units closer than this (radians) are merged where sliding alone has come to them."""
ENTRIES_A_SECOND = 5e4
"""Of the matrix of a master, for each second left: it takes about a quarter of them."""
REFINEMENTS = 3
"""Newton refinements a round; each prices once."""
NEAR, CLOSE = 1.1, 1.01
"""Refinement waits until ``rho`` is below this multiple of ``weight_decay``; where sizes are fitted
that comes by itself."""
SMALL = 20_000
"""Samples times units up to which Newton's method is quick."""
ENTRIES = 50_000_000
"""Samples times local maxima, or units, that Newton's method may have a matrix of: 0.4 GB."""
FAR = 0.1
"""A bracket that is wider than this closes faster where units slide; so does that of a loss with
kinks up to MANY samples; of more a part has come to good units before."""
IDLE, NULL_STEPS = 1, 3
"""Rounds without progress, one after the other, before cells come next, of a smooth loss, and of
proximal steps: they bring columns, and the next one has some."""


def solve_master(search: Search, grown: Units) -> tuple[Units, Array]:
    """The optimum on the blocks of these units."""
    return search.solve(grown)


def descend(search: Search, grown: Units) -> tuple[Units, Array]:
    """The optimum on these columns by coordinate descent; where that stalls, of the cone program.

    No further than the bracket of all columns needs; working sets look at all of them themselves.
    """
    problem, units, gap = search.problem, search.units, search.gap
    small = len(problem.y) * len(grown) <= search.settings.large
    if search.stuck and small and not is_sparse(problem.family.X):
        return search.solve(grown)
    with clock(search.timings, "solving"):
        if has_working_sets(problem, len(units)):
            units, fit = fit_working_set(problem, units, AHEAD * gap, search.end)
        else:
            open_by = search.bracket.gap
            units, fit = solve_columns(problem, units, grown, gap, open_by, search.end)
    return search.found(units, COORDINATES, fit)


def descend_first(search: Search) -> LocalMaxima:
    """The same before anything is priced: working sets find their columns themselves."""
    return search.price(*descend(search, search.units))


def step_in_ball(search: Search, grown: Units) -> tuple[Units, Array]:
    """The optimum over all linear units of a sparse X."""
    with clock(search.timings, "solving"):
        units = solve_ball(search.problem, grown, search.gap)
    return search.found(units, BALL)


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
    nowhere = search.still > (IDLE if search.problem.loss.smooth else NULL_STEPS)
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
        fitted = fit_sizes(problem, units, sizes, loss, search.end)
        rows, signs = problem.family.simplify(fitted.weights, fitted.outputs)
    fitted, search.master.way = Units(rows, signs, fitted.free), SIZES
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
    no_worse = problem.objective(fewer) <= problem.objective(units)
    return search.found(fewer if no_worse else units, SLIDING)


def with_slid(search: Search, grown: Units) -> Units:
    """Units for a master: those given, and where they slide to; only these where cells are many."""
    with clock(search.timings, "sliding"):
        slid = slide(search.problem, grown, SLIDING_STEPS, deadline=search.end)
    search.bracket.offer_units(slid)
    slid = slid.without_small(search.settings.smallest)
    return merge(slid, search.settings.together) if search.settings.together else grown + slid


def refine_network(search: Search, maxima: LocalMaxima) -> LocalMaxima:
    """Newton's method, where exact pricing ends, the optimum is near and matrices are not large."""
    problem = search.problem
    for _ in range(REFINEMENTS if search.oracle.ends else 0):
        many = len(problem.y) * max(len(maxima.values), len(search.units)) > ENTRIES
        if search.is_done or many or maxima.rho > NEAR * problem.weight_decay:
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
    large = len(problem.y) * len(search.units) > SMALL
    if search.is_done or large or maxima.rho > CLOSE * problem.weight_decay:
        return maxima
    with clock(search.timings, "refining"):
        refined = refine_on_faces(problem, search.units)
    if refined is search.units:
        return maxima
    return search.price(refined, stationary_dual(problem, refined))


def as_it_is(search: Search, maxima: LocalMaxima) -> LocalMaxima:
    """A loss with kinks has no Hessian."""
    return maxima
