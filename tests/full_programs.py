"""Training problems written down in full, in plain CVXPY: no code shared with cvxnet.

What cvxnet finds by column generation is compared with these. Every cell of the arrangement comes
from brute force over its corners, and Cover's count says that none is missing.
"""

from __future__ import annotations

import warnings
from itertools import combinations, product
from math import comb

import cvxpy as cp
import numpy as np
from formulas import Array, Training
from scipy.linalg import null_space

TIGHT = {"CLARABEL": {}, "ECOS": {}, "SCS": {"eps": 1e-8, "max_iters": 100_000}}

Parts = tuple[cp.Expression, cp.Expression, list[cp.Constraint]]
"""Predictions, penalty and constraints."""


def loss_expression(loss: str, f: cp.Expression, y: Array) -> cp.Expression:
    """The loss of each sample in CVXPY."""
    r, q = f - y, cp.multiply(y, f)
    return {
        "squared": lambda: 0.5 * cp.square(r),
        "absolute": lambda: cp.abs(r),
        "huber": lambda: 0.5 * cp.huber(r, 1.0),
        "log_cosh": lambda: cp.logistic(2.0 * r) - r - np.log(2.0),
        "logistic": lambda: cp.logistic(-q),
        "hinge": lambda: cp.pos(1.0 - q),
        "squared_hinge": lambda: cp.square(cp.pos(1.0 - q)),
    }[loss]()


def corners(rows: Array) -> list[tuple[tuple[int, ...], Array]]:
    """Each set of r - 1 rows, with the direction orthogonal to them."""
    n, r = rows.shape
    sets = combinations(range(n), r - 1)
    return [(s, null_space(rows[list(s)])[:, 0] if s else np.ones(1)) for s in sets]


def all_cells(rows: Array) -> Array:
    """The signs of ``X u`` in every cell, (cells, n); rows in general position.

    Every cell has a corner, and around a corner the rows that meet there take all their signs.
    """
    n, r = rows.shape
    cells = set()
    for where, direction in corners(rows):
        for signs in product((-1.0, 1.0), repeat=r):
            cell = np.sign(signs[0] * (rows @ direction))
            cell[list(where)] = signs[1:]
            cells.add(tuple(cell))
    assert len(cells) == 2 * sum(comb(n - 1, k) for k in range(r))  # Cover 1965
    return np.array(sorted(cells))


def simplices(rows: Array) -> list[tuple[Array, Array]]:
    """Every cell cut into cones with r rays, r = 2 or 3: (signs, rays in the columns)."""
    r = rows.shape[1]
    parts = []
    ends = [(list(s), side * g) for s, g in corners(rows) for side in (1.0, -1.0)]
    for cell in all_cells(rows):
        rays = []
        for where, g in ends:
            height = cell * (rows @ g)
            height[where] = 1.0
            if (height > 0.0).all():
                rays.append(g)
        R = np.array(rays)
        if r == 3:  # in order around their mean, and a fan from the first
            frame = null_space(R.mean(axis=0)[None])
            R = R[np.argsort(np.arctan2(*(R @ frame).T))]
        parts += [(cell, R[[0, *range(k, k + r - 1)]].T) for k in range(1, len(R) - r + 2)]
    return parts


def program(problem: Training) -> cp.Problem:
    """Every unit there is, as one convex program (for tanh, a dense grid of them)."""
    f, size, constraints = PARTS[problem.name](problem)
    if problem.free is not None:
        f = f + problem.free @ cp.Variable(problem.free.shape[1])
    weights = np.ones(len(problem.y)) if problem.weights is None else problem.weights
    fit = cp.sum(cp.multiply(weights, loss_expression(problem.loss, f, problem.y)))
    return cp.Problem(cp.Minimize(fit + problem.beta * size), constraints)


def cell_parts(problem: Training) -> Parts:
    """Pilanci and Ergen 2020, equation 8: one vector for each cell and output sign."""
    below = {"relu": 0.0, "abs": -1.0}.get(problem.name, problem.options.get("slope"))
    cells = np.tile(all_cells(problem.rows).T, len(problem.signs))
    signs = np.repeat(problem.signs, cells.shape[1] // len(problem.signs))
    slopes = signs * np.where(cells > 0.0, 1.0, below)
    V = cp.Variable((problem.rows.shape[1], cells.shape[1]))
    t = problem.rows @ V
    size = cp.sum(cp.norm(V, 1 if problem.norm == "l1" else 2, axis=0))
    return cp.sum(cp.multiply(slopes, t), axis=1), size, [cp.multiply(cells, t) >= 0.0]


def linear_parts(problem: Training) -> Parts:
    """One vector."""
    w = cp.Variable(problem.rows.shape[1])
    return problem.rows @ w, cp.norm(w, 1 if problem.norm == "l1" else 2), []


def coordinate_parts(problem: Training) -> Parts:
    """The Lasso."""
    return lasso(problem.rows)


def sign_parts(problem: Training) -> Parts:
    """The Lasso on all dichotomies."""
    return lasso(all_cells(problem.rows).T)


def threshold_parts(problem: Training) -> Parts:
    """The Lasso on all activation patterns."""
    return lasso((all_cells(problem.rows).T > 0.0).astype(float))


def tanh_parts(problem: Training) -> Parts:
    """The Lasso on a grid of the disc (r = 2): above the optimum, by less as it gets denser."""
    angle, radius = np.meshgrid(np.arange(90) * np.pi / 90, np.arange(1, 11) / 10)
    U = (radius * np.array([np.cos(angle), np.sin(angle)])).reshape(2, -1).T
    return lasso(problem.outputs(problem.options["radius"] * U).T)


def lasso(columns: Array) -> Parts:
    """Features that are given, each with one weight."""
    w = cp.Variable(columns.shape[1])
    return columns @ w, cp.norm1(w), []


def gated_parts(problem: Training) -> Parts:
    """The group Lasso: one vector for each gate."""
    gates = problem.options["gates"]
    W = cp.Variable((problem.rows.shape[1], len(gates)))
    is_open = (problem.rows @ gates.T >= 0.0).astype(float)
    return (
        cp.sum(cp.multiply(is_open, problem.rows @ W), axis=1),
        cp.sum(cp.norm(W, 2, axis=0)),
        [],
    )


def quadratic_parts(problem: Training) -> Parts:
    """The nuclear norm of ``S = sum_j a_j u_j u_j^T``."""
    S = cp.Variable((problem.rows.shape[1],) * 2, symmetric=True)
    if len(problem.signs) == 2:
        return squares(problem.rows, S), cp.normNuc(S), []
    sign = problem.signs[0]
    return squares(problem.rows, S), sign * cp.trace(S), [sign * S >> 0]


def polynomial_parts(problem: Training) -> Parts:
    """Bartan and Pilanci 2021: two semidefinite blocks of order r + 1."""
    p, q, s = problem.options["coefficients"]
    r = problem.rows.shape[1]
    Z, N = (cp.Variable((r + 1, r + 1), PSD=True) for _ in range(2))
    D = Z - N
    f = p * squares(problem.rows, D[:r, :r]) + q * problem.rows @ D[:r, r] + s * D[r, r]
    return f, Z[r, r] + N[r, r], [cp.trace(M) == 2.0 * M[r, r] for M in (Z, N)]


def squared_relu_parts(problem: Training) -> Parts:
    """A completely positive matrix for each cone with r rays and sign, r = 2 or 3.

    The units in a cone with rays R are ``u = R c`` with ``c >= 0``, so ``sum s u u^T`` is
    ``R C R^T`` with C completely positive: up to order 4, positive semidefinite and
    entrywise non-negative.
    """
    r = problem.rows.shape[1]
    columns, traces, blocks = [], [], []
    for (cell, R), sign in product(simplices(problem.rows), problem.signs):
        t = problem.rows @ R
        pairs = (t[:, :, None] * t[:, None, :]).reshape(-1, r * r)
        columns.append(sign * np.where(cell[:, None] > 0.0, pairs, 0.0))
        traces.append((R.T @ R).ravel())
        blocks.append(cp.vec(cp.Variable((r, r), PSD=True), order="C"))
    C = cp.hstack(blocks)
    return np.hstack(columns) @ C, np.concatenate(traces) @ C, [C >= 0.0]


def squares(rows: Array, S: cp.Expression) -> cp.Expression:
    """``x^T S x`` for each row."""
    return cp.sum(cp.multiply(rows @ S, rows), axis=1)


PARTS = {
    "relu": cell_parts,
    "leaky_relu": cell_parts,
    "abs": cell_parts,
    "linear": linear_parts,
    "coordinate": coordinate_parts,
    "gated_relu": gated_parts,
    "quadratic": quadratic_parts,
    "polynomial": polynomial_parts,
    "squared_relu": squared_relu_parts,
    "tanh": tanh_parts,
    "sign": sign_parts,
    "threshold": threshold_parts,
}


def optimum(problem: Training, solver: str = "CLARABEL") -> float:
    """The value of the full program."""
    return solve(program(problem), solver)


def solve(whole: cp.Problem, solver: str = "CLARABEL") -> float:
    """The value of a program; what the solver says of its accuracy is left to the caller."""
    assert whole.is_dcp()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        whole.solve(solver=solver, **TIGHT[solver])
    return float(whole.value)
