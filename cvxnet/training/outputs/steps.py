"""The steps of column generation for several outputs.

A cell has no small block of its units: with c outputs they add ``sum_j u_j a_j^T``, u_j in the
cell, to its matrix of weights. The gauge of that takes a semidefinite matrix for each cone of a few
rays (see `cvxnet.training.outputs.whole_program`), and is not tractable for more rays. So no master
has all units of a cell. Instead a round fits the output weights of all directions that
are known (a group lasso, which is convex, and drops what is not needed), lets the units slide, and
fits once more; then Newton's method, from the local maxima that pricing finds, comes to the last
digits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cvxnet.training.column_generation import NEGLIGIBLE, Search, clock
from cvxnet.training.faces import face
from cvxnet.training.fewer_units import directions, merge_outputs
from cvxnet.training.master import OUTPUTS, SLIDING
from cvxnet.training.outputs.directions import fit_outputs, solve_outputs
from cvxnet.training.outputs.newton import is_large, newton
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import Problem, Units
from cvxnet.training.sliding import SMOOTHING, slide, slide_factors
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.types import Array

SLIDING_STEPS = 300
"""Quasi-Newton steps of units on their faces, and as many of free ones."""
PRECISE = 1e-15
"""Precision of these steps: nothing that is exact follows them."""
REFINEMENTS = 20
"""At most so many a round; each prices once."""
NEAR, VERY_NEAR = 1.1, 1.001
"""Refinement waits until ``rho`` is below this multiple of ``weight_decay``, and the guess that
local maxima are the units until it is below that."""
CLOSE = 1e-3
"""Units closer than this (radians) are merged."""
TOKEN = 1e-3
"""Size of a new unit relative to the largest."""
ENOUGH, FIRST_DIGITS = 1e-6, 1e-6
"""Steps of Newton's method that gain less of the bracket's width than this, or less of its upper
end before the optimum is near, are not worth it."""
SAME = 1e-12
"""Relative fall of the objective that counts as none."""


def fit_and_slide(search: Search, grown: Units) -> tuple[Units, Array]:
    """The best output weights, and where the units slide to with them, on their faces and freely.

    The fit comes first, as it ends at an optimum whatever the units are, and what follows does not.
    """
    problem = search.problem
    with clock(search.timings, "solving"):
        fitted = fit_outputs(problem, grown, search.end)
    with clock(search.timings, "sliding"):
        on_faces = slide_on_faces(search, fitted)
        slid = slide(problem, on_faces, SLIDING_STEPS, PRECISE, search.end)
    fewer = merge_outputs(slid, CLOSE, problem.family.frame)
    with clock(search.timings, "solving"):
        again = fit_outputs(problem, fewer, search.end) if is_large(fewer) else fewer
    with clock(search.timings, "refining"):
        again = newton(problem, again, search.end, FIRST_DIGITS * abs(search.bracket.upper))
    best = min((fitted, on_faces, slid, again), key=problem.objective)
    return search.found(best, OUTPUTS)


def fit_only(search: Search, grown: Units) -> tuple[Units, Array]:
    """The best output weights, where units cannot move."""
    with clock(search.timings, "solving"):
        units = fit_outputs(search.problem, grown, search.end)
    return search.found(units, OUTPUTS)


def slide_to_kinks(search: Search, grown: Units) -> tuple[Units, Array]:
    """The optimum of the output weights of the units and of where they slide to, by a cone program.

    The loss has kinks, which sliding rounds off. The multiplier is the dual vector.
    """
    problem = search.problem
    search.master.value = search.bracket.upper
    slid = grown
    if problem.family.slides:
        with clock(search.timings, "sliding"):
            slid = slide_on_faces(search, grown)
            slid = slide(problem, slid, SLIDING_STEPS, PRECISE, search.end)
            slid = slid.without_small(NEGLIGIBLE)
        entries = problem.y.size * (len(slid) + len(grown)) * problem.y.shape[1]
        if entries > search.settings.large:
            search.master.way = SLIDING
            return slid, replace(problem, loss=problem.loss.smoothed(SMOOTHING)).dual_vector(slid)
        slid = merge_outputs(slid, CLOSE, problem.family.frame) + grown
    with clock(search.timings, "solving"):
        units, v = solve_outputs(problem, slid, search.master, search.end)
    return units.without_small(NEGLIGIBLE), problem.make_feasible(v)


def slide_on_faces(search: Search, units: Units) -> Units:
    """Slide with every unit on its face: refined units are on kinks, where sliding ends at once.

    By Newton's method where the loss is smooth and there are not too many numbers for it.
    """
    problem, deadline = search.problem, search.end
    if problem.loss.smooth and not is_large(units):
        return newton(problem, units, deadline, FIRST_DIGITS * abs(search.bracket.upper))
    if not isinstance(problem.family, PiecewiseLinearUnits):
        return units
    bases = [face(problem.family, u)[1] for u in units.weights]
    faces = np.array([B @ B.T for B in bases])
    return slide_factors(problem, units, SLIDING_STEPS, PRECISE, deadline=deadline, faces=faces)


def refine_outputs(search: Search, maxima: LocalMaxima) -> LocalMaxima:
    """Fits and Newton's method in turns with pricing, where that ends and the optimum is near."""
    problem = search.problem
    for _ in range(REFINEMENTS if search.oracle.ends else 0):
        if search.is_done or maxima.rho > NEAR * problem.weight_decay:
            break
        before = problem.objective(search.units)
        with clock(search.timings, "refining"):
            refined = refine(search, maxima)
        if problem.objective(refined) >= before - SAME * abs(before):
            break
        maxima = search.price(refined, problem.dual_vector(refined))
    return maxima


def refine(search: Search, maxima: LocalMaxima) -> Units:
    """The best network of units near these and at the local maxima.

    Near the optimum its units are among the local maxima: then these alone, each with the output
    weights of the units nearest to it, are a guess at it, too.
    """
    problem, units, bracket = search.problem, search.units, search.bracket
    enough = ENOUGH * (bracket.upper - bracket.lower)
    guesses = [merge_outputs(units + token_units(units, maxima), CLOSE, problem.family.frame)]
    if maxima.rho < VERY_NEAR * problem.weight_decay:
        guesses.append(gather(problem, units, maxima))
    refined = [units]
    for guess in guesses:
        if is_large(guess):
            guess = fit_outputs(problem, guess, search.end)
        refined.append(newton(problem, guess, search.end, enough))
    return min(refined, key=problem.objective)


def token_units(units: Units, maxima: LocalMaxima) -> Units:
    """Units at the local maxima, small ones."""
    size = TOKEN * units.sizes.max(initial=0.0) or TOKEN
    return Units(size * maxima.units, -maxima.outputs, units.free)


def gather(problem: Problem, units: Units, maxima: LocalMaxima) -> Units:
    """The local maxima with the output weights of the units nearest to them.

    Those without such a unit are small.
    """
    A = TOKEN * NEGLIGIBLE * -maxima.outputs
    if len(maxima.values) and len(units):
        seen = (directions(rows, problem.family.frame) for rows in (units.weights, maxima.units))
        ours, theirs = seen
        nearest = np.argmax(ours @ theirs.T, axis=1)
        np.add.at(A, nearest, units.sizes[:, None] * units.outputs)
    sizes = np.linalg.norm(A, axis=1)[:, None]
    return Units(sizes * maxima.units, A / sizes, units.free)
