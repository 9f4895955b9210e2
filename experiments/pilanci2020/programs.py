"""The convex program on some of the cells, and the gates that choose them."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from cvxnet.losses import get_loss
from cvxnet.training.geometry.arrangement import arrange
from cvxnet.training.geometry.cells import all_cells
from cvxnet.training.geometry.counts import inner_points
from cvxnet.types import Array

Patterns = NDArray[np.bool_]


def with_bias(X: Array) -> Array:
    """The rows that hidden weights and bias see."""
    return np.column_stack([X, np.ones(len(X))])


def gate_for_every_cell(rows: Array) -> Array:
    """One direction well inside each cell of the arrangement, (P, d)."""
    arrangement = arrange(rows)
    cells = all_cells(arrangement.normals)
    return inner_points(arrangement.normals, cells) @ arrangement.basis.T


def patterns_of(rows: Array, gates: Array) -> tuple[Patterns, Array]:
    """The cells that the gates are in: their distinct patterns (k, n), and a gate for each."""
    patterns, first = np.unique(gates @ rows.T >= 0.0, axis=0, return_index=True)
    return patterns, gates[first]


def cell_program(
    rows: Array, patterns: Patterns
) -> tuple[cp.Expression, cp.Expression, list[cp.Constraint]]:
    """Predictions, penalty and cones of Pilanci and Ergen's equation (8), on some of the cells.

    With the patterns as columns of D, the predictions are the row sums of ``D * rows (V - W)``;
    the penalty sums the lengths of the columns of V and W, and each column stays in its cell.
    """
    D, shape = patterns.T.astype(float), (rows.shape[1], len(patterns))
    V, W = cp.Variable(shape), cp.Variable(shape)
    predictions = cp.sum(cp.multiply(D, rows @ (V - W)), axis=1)
    penalty = cp.sum(cp.norm(V, 2, axis=0)) + cp.sum(cp.norm(W, 2, axis=0))
    return predictions, penalty, [cp.multiply(2.0 * D - 1.0, rows @ Z) >= 0.0 for Z in (V, W)]


def least_objective(rows: Array, y: Array, patterns: Patterns, loss: str, beta: float) -> float:
    """The optimum over ReLU networks all of whose units are in these cells."""
    f, penalty, inside = cell_program(rows, patterns)
    objective = get_loss(loss).expression(f, y) + beta * penalty
    return float(cp.Problem(cp.Minimize(objective), inside).solve(solver="CLARABEL"))


def least_norm(rows: Array, y: Array, patterns: Patterns) -> float:
    """The least penalty of a ReLU network with units in these cells that fits y exactly."""
    f, penalty, inside = cell_program(rows, patterns)
    exactly = cp.Problem(cp.Minimize(penalty), [*inside, f == y])
    return float(exactly.solve(solver="CLARABEL"))
