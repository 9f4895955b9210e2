"""Pruning: from the many units of an interior-point solution to a vertex of the optimal set.

An interior point lands in the middle of the optimal face: one unit is spread over the cells that
touch it, and units that a vertex would not use keep a little weight. Merging units that point
almost the same way, dropping small ones and re-solving the master on what is left undoes that; it
counts only if the objective is unchanged. Then linearly dependent features are eliminated, which
leaves at most n units.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

import numpy as np

from cvxnet.training.clock import now
from cvxnet.training.fewer_units import eliminate_dependent, merge
from cvxnet.training.master import LARGE, SIZES, Master, Timings, blocks_of
from cvxnet.training.matrices import is_sparse
from cvxnet.training.oracle import price_within
from cvxnet.training.outputs.directions import fit_directions
from cvxnet.training.outputs.newton import newton
from cvxnet.training.problem import Problem, Units
from cvxnet.training.refinement import LEVEL, refine
from cvxnet.training.samples import is_square
from cvxnet.training.sizes import fit_sizes
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.gated_relu import GatedReLUUnits
from cvxnet.training.units.linear import LinearUnits
from cvxnet.types import Array

UNCHANGED = 1e-9
"""Relative rise of the objective up to which it counts as unchanged."""
ANGLES = (1e-2, 1e-3, 1e-4, 1e-5, 0.0)
"""How close (radians) units must be to be merged, coarsest first."""
CONIC = 100_000
"""Entries of the matrix of a smooth loss that is not quadratic, up to which the conic solver has
the last master."""
LAST = 1e-11
"""Tolerance of the solver for the last master: what it leaves is above the network before."""
PRICED = 60_000_000
"""Rows that pricing for a refinement may look at; what it has found by then is refined."""
ALIKE = 1e-12
"""Cosines of output weights closer to 1 than this are 1."""
A_SECOND = 5e8
"""Samples times squared units that elimination takes on in a second: it costs some four operations
for each."""
SMALL = 1e-6
"""Units smaller than this, relative to the largest, are dropped before merging."""


def prune(units: Units, master: Master, deadline: float = np.inf) -> Units:
    """Fewer units with the same objective (up to UNCHANGED): at most n of them.

    The coarsest merging that leaves the objective unchanged is taken, none if need be: the conic
    solver that was asked for has the last word on sizes. Units that cannot move are not merged, nor
    are those whose master would be large. At the deadline (`now`) it ends.
    """
    problem = master.problem
    entries = problem.y.size * len(units) * problem.family.block_width
    large = entries > LARGE or is_sparse(problem.family.X)
    if large or not problem.family.slides:
        return thin(problem, units, deadline)
    last = replace(master, tolerance=LAST, timings=Timings())
    for angle in ANGLES:
        if now() > deadline:
            break
        fewer = resolve(merge(units.without_small(SMALL), angle), last, deadline)
        if is_as_good(problem, fewer, units):
            master.way = last.way
            return thin(problem, fewer, deadline)
    return thin(problem, units, deadline)


def thin(problem: Problem, units: Units, deadline: float = np.inf) -> Units:
    """At most n units with linearly independent features, without moving any.

    Or what the family simplifies the network to, where that is fewer; and nothing but that where
    elimination would take a second more than is left until the deadline (`now`).
    """
    work = problem.y.size * len(units) ** 2
    late = work > A_SECOND * (1.0 + max(deadline - now(), 0.0))
    if late or is_sparse(problem.family.X):  # whose columns are many, and features would be dense
        return simplify(problem, units.without_small(0.0))
    for fewer in (units.without_small(SMALL), units):
        independent = eliminate_dependent(problem, fewer)
        if len(independent) == len(units) or is_as_good(problem, independent, units):
            return simplify(problem, independent)
    return units


def simplify(problem: Problem, units: Units) -> Units:
    """The network that the family makes of it, where it has fewer units and is as good."""
    if units.outputs.ndim == 2:
        rows, outputs = simplify_outputs(problem.family, units)
    else:
        rows, outputs = problem.family.simplify(units.weights, units.outputs)
    fewer = Units(rows, outputs, units.free).without_small(SMALL)
    return fewer if len(fewer) < len(units) and is_as_good(problem, fewer, units) else units


@singledispatch
def simplify_outputs(family: UnitFamily, units: Units) -> tuple[Array, Array]:
    """The same for several outputs: units with one direction of output weights, or its opposite.

    In that direction they are units of one output.
    """
    rows, outputs = list[Array](), list[Array]()
    left = units
    while len(left):
        cosines = left.outputs @ left.outputs[0]
        same = np.abs(cosines) >= 1.0 - ALIKE
        same[0] = True
        fewer, signs = family.simplify(left.weights[same], np.sign(cosines[same]))
        rows.append(fewer)
        outputs.append(signs[:, None] * left.outputs[0])
        left = left.pick(~same)
    return np.vstack([units.weights[:0], *rows]), np.vstack([units.outputs[:0], *outputs])


@simplify_outputs.register
def singular_vectors_of_all(family: LinearUnits, units: Units) -> tuple[Array, Array]:
    """The singular vectors of the matrix of all weights: the penalty becomes its nuclear norm."""
    return singular_vectors(units.weights, units.outputs)


def singular_vectors(W: Array, outputs: Array) -> tuple[Array, Array]:
    """Rows and outputs with the same sum of products, at most as many as its rank."""
    left, values, right = np.linalg.svd(W.T @ outputs, full_matrices=False)
    return (left * values).T, right


@simplify_outputs.register
def singular_vectors_of_gates(family: GatedReLUUnits, units: Units) -> tuple[Array, Array]:
    """The same for each gate."""
    gates, hidden = family.gate_of(units.weights), family.hidden(units.weights)
    rows, outputs = list[Array](), list[Array]()
    for gate in np.unique(gates):
        own = gates == gate
        found, right = singular_vectors(hidden[own], units.outputs[own])
        rows.append(family.coordinates(found, np.full(len(found), gate)))
        outputs.append(right)
    return np.vstack([units.weights[:0], *rows]), np.vstack([units.outputs[:0], *outputs])


def is_as_good(problem: Problem, fewer: Units, units: Units) -> bool:
    """Whether the objective has not risen, up to UNCHANGED."""
    value = problem.objective(units)
    return problem.objective(fewer) <= value + UNCHANGED * abs(value)


def fits_alone(problem: Problem, units: Units) -> bool:
    """Whether the sizes of these units are better fitted by Newton's method.

    A conic solver has several cones for each sample of a smooth loss that is not quadratic.
    """
    entries = len(problem.y) * len(units) * problem.family.block_width
    kinked = problem.family.slides and not problem.family.smooth
    curved = problem.loss.smooth and not is_square(problem.loss)
    return kinked and curved and entries > CONIC


def resolve(units: Units, master: Master, deadline: float = np.inf) -> Units:
    """The master's optimum on the units' own blocks, refined where that can be."""
    if not len(units):
        return units
    problem = master.problem
    if units.outputs.ndim == 2:
        return newton(problem, fit_directions(problem, units, master, deadline), deadline)
    left = max(deadline - now(), 0.0) if np.isfinite(deadline) else None
    if fits_alone(problem, units):
        sizes = problem.family.sizes(units.weights)
        solved, master.way = fit_sizes(problem, units, sizes, deadline=deadline), SIZES
    else:
        solved = master.solve(blocks_of(problem, units).values(), left)[0].without_small(SMALL)
    if not problem.loss.smooth:
        return solved
    floor = (1.0 - LEVEL) * problem.weight_decay
    v = problem.dual_vector(solved)
    return refine(problem, solved, price_within(PRICED, problem.family, v, floor, deadline))
