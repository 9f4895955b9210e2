"""The set of optimal networks: all ways to make the optimal predictions at the optimal price.

Let ``v`` be an optimal dual vector. For a network with predictions f and sizes ``c_j`` of its units

    loss(f) + beta sum c_j  >=  -loss*(v) + sum c_j (beta - |v.phi_j|)  >=  -loss*(v),

so in an optimal network every unit has ``|v.phi_u(X)| = beta``: the *contact set*, which pricing
finds. A strictly convex loss has one optimal f, and then all optimal networks have one penalty R.
Over the contact set they are a polytope (Mishkin and Pilanci 2023),

    {c >= 0 :  sum_j c_j s_j phi_j + F z = f,  sum_j c_j <= R},

and so is the set of what they say at any other point. Here f and R are those of the network found:
whatever lies in the polytope has its predictions at no higher price, and with it its bracket, even
where v is optimal only nearly and some unit is in contact only nearly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import linprog

from cvxnet.errors import SolverError, UnsupportedError
from cvxnet.layers import Sequential
from cvxnet.objective import Objective, network_of
from cvxnet.training.oracle import price_within
from cvxnet.training.problem import Problem, Units
from cvxnet.training.recovery import problem_of, units_of, weights_of
from cvxnet.training.solution import Solution
from cvxnet.types import Array

COVERED = ("relu", "leaky_relu", "abs", "squared_relu")
"""Families in which the optimal units of one cell are one unit."""
PRICED = 1e9
"""Rows that pricing may look at: about a minute."""
CONTACT = 1e-4
"""Units this close to the level ``beta``, relatively, are taken into account."""
SAME = 1e-3
"""Units whose features are this close, relatively, are one."""
SPREAD = 1e-6
"""Sizes that vary by less than this share of the penalty do not vary."""
USED = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class OptimalSet:
    """The networks with the predictions and the penalty of the one found, over contact units.

    A network is a row of coefficients: the sizes of the k units, then the free weights.

    Attributes
    ----------
    objective, problem : what was solved, as it was given and as training sees it
    v : (n,) array
        The dual vector.
    directions, signs : (k, r) and (k,) arrays
        Units of length one and their output signs, those of the network found first.
    own : Units
        The network found.
    """

    objective: Objective
    problem: Problem
    v: Array
    directions: Array
    signs: Array
    own: Units

    def __repr__(self) -> str:
        return f"<OptimalSet {len(self.networks)} extreme networks over {len(self.signs)} units>"

    @property
    def levels(self) -> Array:
        """``v . phi_u(X)`` of each unit, (k,): near plus or minus ``weight_decay``."""
        return np.asarray(self.v @ self.problem.family.features(self.directions))

    @cached_property
    def matrix(self) -> Array:
        """The predictions that each coefficient makes, (n, k + q)."""
        features = self.signs * self.problem.family.features(self.directions)
        return np.hstack([features, self.problem.F])

    @cached_property
    def networks(self) -> Array:
        """Extreme networks, (p, k + q): those where some unit is as small or as large as can be."""
        units = np.eye(len(self.signs), self.matrix.shape[1])
        ends = [self.extreme(cost) for e in units for cost in (e, -e)] or [self.free_only()]
        penalty = self.problem.penalty(self.own)
        kept: list[Array] = []
        for end in ends:
            if all(np.abs(end - other).max() > SPREAD * penalty for other in kept):
                kept.append(end)
        return np.array(kept)

    @property
    def ranges(self) -> Array:
        """The smallest and the largest size of each unit over the set, (k, 2)."""
        sizes = self.networks[:, : len(self.signs)]
        return np.column_stack([sizes.min(axis=0), sizes.max(axis=0)])

    @property
    def single(self) -> bool:
        """Whether the network found is all there is, over the units that pricing found."""
        return len(self.networks) == 1

    def extreme(self, cost: Array) -> Array:
        """Coefficients of the network of the set where ``cost @ coefficients`` is smallest."""
        k, penalty = len(self.signs), self.problem.penalty(self.own)
        fit = self.problem.fit(self.own)
        height = np.abs(fit).max() or 1.0
        found = linprog(
            cost,
            A_eq=self.matrix * (penalty / height),
            b_eq=fit / height,
            A_ub=(np.arange(len(cost)) < k)[None].astype(float),
            b_ub=[1.0],
            bounds=[(0.0, None)] * k + [(None, None)] * (len(cost) - k),
        )
        if found.x is None:
            raise SolverError(f"the optimal set could not be explored: {found.message}")
        return self.sharpen(penalty * found.x)

    def sharpen(self, coefficients: Array) -> Array:
        """The same, with the predictions met to rounding: the units used are independent."""
        k, penalty = len(self.signs), self.problem.penalty(self.own)
        used = (coefficients > USED * penalty) | (np.arange(len(coefficients)) >= k)
        exact = np.zeros_like(coefficients)
        exact[used] = np.linalg.lstsq(self.matrix[:, used], self.problem.fit(self.own))[0]
        return exact if exact[:k].min(initial=0.0) >= 0.0 else coefficients

    def free_only(self) -> Array:
        """The network without units."""
        return np.asarray(self.own.free)

    @property
    def coefficients_found(self) -> Array:
        """The network found, as a row like those of `networks`, (k + q,)."""
        others = np.zeros(len(self.signs) - len(self.own))
        return np.concatenate([self.problem.family.sizes(self.own.weights), others, self.own.free])

    def tour(self, stops: int) -> Array:
        """Networks on the way from the one found past every extreme one and back, (stops, k + q).

        Straight lines between coefficients stay in the set, which is convex; lines between the
        weights of the same networks do not.
        """
        corners = np.vstack([self.coefficients_found, self.networks, self.coefficients_found])
        lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        passed = np.concatenate([[0.0], np.cumsum(lengths)])
        at = np.linspace(0.0, passed[-1], stops)
        return np.column_stack([np.interp(at, passed, column) for column in corners.T])

    def heights(self, directions: Array) -> Array:
        """``v . phi_u(X) / weight_decay`` of units in the direction of each row: (m, r) -> (m,).

        Nowhere outside of [-1, 1] but for the gap; in optimal networks units have -1 or 1.
        """
        family = self.problem.family
        U = directions / family.sizes(directions)[:, None]
        return np.asarray(self.v @ family.features(U)) / self.problem.weight_decay

    def units(self, coefficients: Array) -> Units:
        """The units and free weights with these coefficients."""
        k = len(self.signs)
        used = coefficients[:k] > 0.0
        weights = coefficients[:k, None] * self.directions
        return Units(weights[used], self.signs[used], coefficients[k:])

    def network(self, coefficients: Array) -> Sequential:
        """The ordinary network with these coefficients."""
        return self.network_with(self.units(coefficients))

    def network_found(self) -> Sequential:
        """The ordinary network that was found."""
        return self.network_with(self.own)

    def network_with(self, units: Units) -> Sequential:
        """The ordinary network with these units."""
        weights = weights_of(self.problem, units, self.objective.form)
        return network_of(self.objective.units, weights, self.objective.output_weights)

    def band(self, X: Array) -> tuple[Array, Array]:
        """The smallest and the largest that any network of the set says at new points, (m,)."""
        if self.single:
            f = self.network(self.networks[0])(X)[:, 0]
            return f, f
        return self.ends(self.told(X))

    def told(self, X: Array) -> Array:
        """What each coefficient says at new points, (m, k + q)."""
        units = np.eye(self.matrix.shape[1])
        return np.column_stack([self.network(unit)(X)[:, 0] for unit in units])

    def ends(self, costs: Array) -> tuple[Array, Array]:
        """The smallest and the largest ``costs @ coefficients`` over the set, (m,) each."""
        ends = [[cost @ self.extreme(sign * cost) for sign in (1.0, -1.0)] for cost in costs]
        low, high = np.array(ends).reshape(-1, 2).T
        return low, high


def optimal_set(solution: Solution, work: float = PRICED) -> OptimalSet:
    """The set of optimal networks, as far as pricing finds their units.

    Train to a small gap, as 1e-10: the wider the bracket, the less exactly the dual vector tells
    which units are in contact.

    Parameters
    ----------
    solution : Solution
        What `cvxnet.train` returned.
    work : float
        What exact pricing may take, in rows of X looked at, the default about a minute; beyond,
        local search has to do.

    Raises
    ------
    UnsupportedError
        For units other than ReLU, leaky ReLU, abs and squared ReLU, and for several outputs.

    Examples
    --------
    A symmetric problem whose units come in three mirrored pairs, on five points: more than the odd
    part of five predictions can tell apart.

    >>> import cvxnet as cn
    >>> X, y = np.arange(-2.0, 3.0)[:, None], np.array([0.0, 0.0, 1.0, 0.0, 0.0])
    >>> found = optimal_set(cn.train("relu", X, y, weight_decay=0.02, gap=1e-10))
    >>> found.single, len(found.networks)
    (False, 2)
    """
    certificate, objective = solution.certificate, solution.certificate.objective
    if objective.units.name not in COVERED:
        raise UnsupportedError(
            f"the optimal set is explored for {', '.join(COVERED)} units, not for "
            f"{objective.units.name}."
        )
    if objective.outputs > 1:
        raise UnsupportedError(
            f"the optimal set is explored for one output; this network has {objective.outputs}."
        )
    problem = problem_of(objective)
    own = units_of(problem, certificate.weights, objective.form)
    family, beta = problem.family, problem.weight_decay
    floor = (1.0 - CONTACT) * beta
    maxima = price_within(work, family, certificate.v, floor)
    # A unit of output sign s is in contact where s v.phi = -beta: it points down the loss.
    directions = np.vstack([own.weights / family.sizes(own.weights)[:, None], maxima.units])
    signs = np.concatenate([own.outputs, -maxima.outputs])
    kept = distinct_columns(signs * family.features(directions), len(own))
    return OptimalSet(
        objective=objective,
        problem=problem,
        v=certificate.v,
        directions=directions[kept],
        signs=signs[kept],
        own=own,
    )


def distinct_columns(columns: Array, first: int) -> list[int]:
    """Indices of columns that are not (nearly) an earlier one; the ``first`` ones all stay."""
    kept: list[int] = []
    for j, column in enumerate(columns.T):
        others = columns[:, kept]
        near = np.linalg.norm(others - column[:, None], axis=0) <= SAME * np.linalg.norm(column)
        if j < first or not near.any():
            kept.append(j)
    return kept
