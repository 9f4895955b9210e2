"""The convex program of Pilanci and Ergen over given activation patterns, written down in CVXPY.

With a diagonal matrix D_i of zeros and ones for each pattern,

    minimise    1/2 |f - y|^2 + beta sum_i (|v_i| + |w_i|)
    subject to  f = sum_i D_i X (v_i - w_i),
                (2 D_i - I) X v_i >= 0,  (2 D_i - I) X w_i >= 0.

With all patterns of the data it is the training problem of ReLU networks; with some of them its
optimum is an upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy.optimize import linprog

from cvxnet.training.geometry.arrangement import arrange
from cvxnet.training.geometry.cells import all_cells
from cvxnet.types import Array

ALIKE = 1e-4
"""Units whose directions differ by less, as an angle, are one."""
USED = 1e-9
"""Units smaller than this, relative to the largest, are not used."""
TIGHT = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}


@dataclass(frozen=True)
class Network:
    """ReLU units without a bias: hidden weights, one a row, and output signs.

    A unit costs ``beta`` times the length of its hidden weights.
    """

    W: Array
    signs: Array

    def columns(self, X: Array) -> Array:
        """What each unit says at the rows of X, (n, m)."""
        return self.signs * np.maximum(X @ self.W.T, 0.0)

    def predict(self, X: Array) -> Array:
        """What the network says, (n,)."""
        return self.columns(X).sum(axis=1)

    @property
    def sizes(self) -> Array:
        """The length of the hidden weights of each unit."""
        return np.linalg.norm(self.W, axis=1)

    def larger_than(self, share: float) -> Network:
        """Without units up to this size, relative to the largest."""
        kept = self.sizes > share * self.sizes.max(initial=0.0)
        return Network(self.W[kept], self.signs[kept])

    def scaled(self, factors: Array) -> Network:
        """Each unit times its factor, those that are used."""
        return Network(self.W * factors[:, None], self.signs).larger_than(USED)

    def objective(self, X: Array, y: Array, beta: float) -> float:
        """The training objective."""
        return float(0.5 * np.sum((self.predict(X) - y) ** 2) + beta * self.sizes.sum())


def all_patterns(X: Array) -> Array:
    """Which samples are active, for every cell where some are: (P, n) of zeros and ones."""
    arrangement = arrange(X)
    patterns = (arrangement.row_sides(all_cells(arrangement.normals)) > 0).astype(float)
    return patterns[patterns.any(axis=1)]


def sampled_patterns(X: Array, gates: int, rng: np.random.Generator) -> Array:
    """The distinct ones of so many Gaussian gates, (P, n)."""
    drawn = (X @ rng.standard_normal((X.shape[1], gates)) >= 0.0).T
    patterns = np.unique(drawn, axis=0).astype(float)
    return patterns[patterns.any(axis=1)]


def solve_over(X: Array, y: Array, beta: float, patterns: Array) -> Network:
    """The optimal network over the patterns, with a unit for each of them and each sign.

    An interior-point method leaves next to nothing, but nothing at zero.
    """
    P, d = len(patterns), X.shape[1]
    V, W = cp.Variable((P, d)), cp.Variable((P, d))
    f = cp.sum(cp.multiply(patterns, (V - W) @ X.T), axis=0)
    penalty = cp.sum(cp.norm(V, 2, axis=1)) + cp.sum(cp.norm(W, 2, axis=1))
    inside = [cp.multiply(2.0 * patterns - 1.0, Z @ X.T) >= 0.0 for Z in (V, W)]
    program = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + beta * penalty), inside)
    program.solve(solver="CLARABEL", **TIGHT)
    return Network(np.vstack([V.value, W.value]), np.repeat([1.0, -1.0], P))


def merged(network: Network) -> Network:
    """Units of one sign in one direction become one, which says and costs the same."""
    directions = network.W / network.sizes[:, None]
    left = np.argsort(-network.sizes)
    W, signs = list[Array](), list[float]()
    while len(left):
        first = left[0]
        near = np.linalg.norm(directions[left] - directions[first], axis=1) <= ALIKE
        same = near & (network.signs[left] == network.signs[first])
        W.append(network.W[left[same]].sum(axis=0))
        signs.append(network.signs[first])
        left = left[~same]
    return Network(np.array(W), np.array(signs))


def vertex(network: Network, X: Array) -> Network:
    """A corner of the polytope of networks over the same units with the same predictions.

    The simplex method ends in one: its units have linearly independent predictions, so there are
    no more of them than samples, and leaving any out changes what the network says.
    """
    columns, f = network.columns(X), network.predict(X)
    found = linprog(network.sizes, A_eq=columns, b_eq=f, method="highs-ds")
    return network.scaled(found.x)
