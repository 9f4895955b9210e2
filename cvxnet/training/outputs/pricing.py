"""Pricing for several outputs: the largest ``|V^T phi_u(X)|`` over the units, by family.

Linear units        the singular values of ``X^T V``; of each gate's rows for gated ones
Coordinate units    the lengths of the rows of ``X^T V``
Units with a kink   `cvxnet.training.outputs.sweep`, up to rank SWEPT_RANK
Units of degree 2   bounds on a sphere of directions, as one output is an eigenvalue problem

Beyond, there is local search; what bounds other families registers with `price_outputs`.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from cvxnet.training.clock import now
from cvxnet.training.outputs.scalar_bounds import Bounds, Directions, bounds_at
from cvxnet.training.outputs.sweep import SWEPT_RANK, Kinks, sweep_sphere
from cvxnet.training.pricing.ascent import along, ascend, heights, how_many_starts
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.gated_relu import GatedReLUUnits
from cvxnet.training.units.linear import CoordinateUnits, LinearUnits
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.training.units.polynomial import PolynomialUnits, QuadraticUnits
from cvxnet.types import Array

TIGHT, ROUGH, HIGH = 1e-7, 1e-2, 1.5
"""A bound is close where it is above a known unit by less, relatively; less close will do where
that is above so many times the floor."""
MOST_CORNERS = 2000
"""Eigenvalue problems for one dual matrix."""


def climb_outputs(
    family: UnitFamily, V: Array, floor: float, units: Array, deadline: float
) -> LocalMaxima:
    """Local maxima found by local search, from the rows of ``units`` and gradients at random ones.

    Examples
    --------
    >>> from cvxnet.training.units.piecewise_linear import ReLUUnits
    >>> found = climb_outputs(ReLUUnits(np.eye(2)), np.eye(2), 0.0, np.zeros((0, 2)), np.inf)
    >>> round(found.rho, 9), found.error
    (1.0, inf)
    """
    random = family.random_units(how_many_starts(family.X.size), np.random.default_rng(0))
    _, outputs = heights(V, family.features(random), None)
    starts = np.vstack([random, family.pull_back(random, along(V, outputs)), units])
    return ascend(family.features, family.pull_back, starts, V, floor, deadline)


@singledispatch
def price_outputs(
    family: UnitFamily, V: Array, floor: float, deadline: float = np.inf, work: float = np.inf
) -> LocalMaxima:
    """Local maxima over all ``|u| = 1`` of ``|V^T phi_u(X)|`` above the floor; V is (n, c).

    As `UnitFamily.price`, whose bound, deadline and work are the same.

    Examples
    --------
    >>> found = price_outputs(LinearUnits(np.eye(2)), np.array([[3.0, 0.0], [4.0, 0.0]]), 0.0)
    >>> found.rho, np.abs(found.units).round(6).tolist(), np.abs(found.outputs).tolist()
    (5.0, [[0.6, 0.8]], [[1.0, 0.0]])
    """
    return climb_outputs(family, V, floor, np.zeros((0, family.rank)), deadline)


def prices_exactly(family: UnitFamily) -> bool:
    """Whether `price_outputs` proves a bound, given time.

    >>> prices_exactly(LinearUnits(np.eye(9))), prices_exactly(UnitFamily(np.eye(9)))
    (True, False)
    """
    if isinstance(family, PiecewiseLinearUnits):
        return family.rank <= SWEPT_RANK
    return any(isinstance(family, kind) for kind in price_outputs.registry if kind is not object)


@price_outputs.register
def price_piecewise_linear(
    family: PiecewiseLinearUnits,
    V: Array,
    floor: float,
    deadline: float = np.inf,
    work: float = np.inf,
) -> LocalMaxima:
    """Exact pricing over all cells, where the rank allows it."""
    if not prices_exactly(family):
        return climb_outputs(family, V, floor, np.zeros((0, family.rank)), deadline)
    plus, minus, error = family.kinks(V)
    kinks = Kinks(family.arrangement.normals, plus, minus)
    found = sweep_sphere(kinks, floor, Budget(deadline, work))
    return found._replace(error=found.error + error)


@price_outputs.register
def price_linear(
    family: LinearUnits, V: Array, floor: float, deadline: float = np.inf, work: float = np.inf
) -> LocalMaxima:
    """Singular values above the floor, of which the largest is the only local maximum."""
    left, values, right = np.linalg.svd(family.X.T @ V, full_matrices=False)
    return largest_first(values, left.T, right, floor, rounding(family.X, V))


@price_outputs.register
def price_gated(
    family: GatedReLUUnits, V: Array, floor: float, deadline: float = np.inf, work: float = np.inf
) -> LocalMaxima:
    """The same for the rows that each gate lets through."""
    slopes = np.array([(family.X * gate[:, None]).T @ V for gate in family.is_open.T])
    left, values, right = np.linalg.svd(slopes, full_matrices=False)
    gates, k = values.shape
    units = np.zeros((gates, k, *family.gates.shape))
    units[np.arange(gates), :, np.arange(gates)] = left.transpose(0, 2, 1)
    return largest_first(
        values.ravel(),
        units.reshape(gates * k, family.rank),
        right.reshape(gates * k, -1),
        floor,
        rounding(family.X, V),
    )


@price_outputs.register
def price_coordinates(
    family: CoordinateUnits, V: Array, floor: float, deadline: float = np.inf, work: float = np.inf
) -> LocalMaxima:
    """The length of what each column sees of V."""
    slopes = family.X.T @ V
    values = np.linalg.norm(slopes, axis=1)
    outputs = slopes / np.where(values > 0.0, values, 1.0)[:, None]
    return largest_first(values, np.eye(family.rank), outputs, floor, rounding(family.X, V))


@price_outputs.register(QuadraticUnits)
@price_outputs.register(PolynomialUnits)
def price_degree_two(
    family: UnitFamily, V: Array, floor: float, deadline: float = np.inf, work: float = np.inf
) -> LocalMaxima:
    """Local search, and a bound that comes close to what it finds where outputs are few.

    For one output the largest value is an eigenvalue. For several it is the maximum of a quartic,
    so its bound is that of `Sphere`, and needs evidence. Where that falls on a unit larger than all
    those known, it is climbed from.
    """
    found = climb_outputs(family, V, floor, np.zeros((0, family.rank)), deadline)
    if not V.any():
        return found._replace(error=0.0)
    directions = Directions(family, V, deadline)
    bounds, rho = bounds_at(directions), -np.inf
    while found.rho > rho * (1.0 + TIGHT):
        rho = found.rho
        enough = rho * (1.0 + (ROUGH if rho > HIGH * floor > 0.0 else TIGHT))
        bound = tighten(directions, bounds, enough, deadline)
        if bound > enough:
            found = climb_outputs(family, V, floor, directions.units, deadline)
    evidence = bounds.evidence(directions.basis)
    return found._replace(error=max(bound - found.rho, 0.0), evidence=evidence)


def tighten(directions: Directions, bounds: Bounds, enough: float, deadline: float) -> float:
    """The bound, made smaller until that is enough, the time is over, or corners are many."""
    bound = directions.with_rest(bounds.bound())
    while bound > enough and now() <= deadline and len(directions.units) < MOST_CORNERS:
        if not bounds.improve():
            break
        bound = directions.with_rest(bounds.bound())
    return bound


def largest_first(
    values: Array, units: Array, outputs: Array, floor: float, error: float
) -> LocalMaxima:
    """Those above the floor."""
    order = np.argsort(-values, kind="stable")
    order = order[values[order] > floor]
    rho = float(values.max(initial=floor))
    return LocalMaxima(rho, error, values[order], units[order], outputs[order])


def rounding(X: Array, V: Array) -> float:
    """By how much lengths of ``X^T V`` may err."""
    size = float(np.linalg.norm(np.abs(X).T @ np.abs(V)))
    terms = len(V) + 10 * min(X.shape[1], V.shape[1]) + 10
    return float(terms * np.finfo(float).eps * size)
