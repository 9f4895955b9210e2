"""The optimum of at most m units by brute force: a convex program for each choice of cells.

For tests only, on tiny data. Nothing here is shared with cvxnet.

Units with one kink are linear in their weights as long as these stay in one cell. Cells are found
by linear programs, one sign after the other. For every set of m pairs (cell, sign of the output
weight) the best network with a unit in each is a convex program; units of one pair add up to one
unit, and units may be zero, so the least of the values is the optimum of at most m units. Of
coordinates, and of units with a step, there are finitely many.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb

import cvxpy as cp
import numpy as np
from formulas import Array, Training, loss_slopes
from full_programs import loss_expression
from scipy.optimize import linprog, minimize

SOLVERS = {
    cp.CLARABEL: {
        "tol_gap_abs": 1e-10,
        "tol_gap_rel": 1e-10,
        "reduced_tol_gap_abs": 1e-8,
        "reduced_tol_gap_rel": 1e-8,
        "reduced_tol_feas": 1e-7,
    },
    cp.ECOS: {"abstol": 1e-9, "reltol": 1e-9, "feastol": 1e-9},
}
"""Tried in turn, the first fails for one program in a thousand; what they have to reach."""
KINKED = ("relu", "leaky_relu", "abs")
SIGNS = {"any": (1.0, -1.0), "nonneg": (1.0,), "nonpos": (-1.0,)}
STEEP = {"relu": 0.0, "abs": -1.0}
"""The slope where the input is negative."""


@dataclass(frozen=True)
class Piece:
    """Units ``features @ w``, (n, k), of size |w|, for all w with ``walls @ w >= 0``, (p, k)."""

    features: Array
    walls: Array


def sign_vectors(rows: Array, signs: tuple[float, ...] = (1.0, -1.0)) -> list[tuple[float, ...]]:
    """The signs of ``rows @ u`` over all u; without 0 among them, those of open cells alone."""
    found: list[tuple[float, ...]] = [()]
    for k in range(len(rows)):
        zero = not rows[k].any()
        own = (0.0 if 0.0 in signs else signs[0],) if zero else signs
        found = [(*some, s) for some in found for s in own if zero or is_met(rows, (*some, s))]
    return found


def is_met(rows: Array, signs: tuple[float, ...]) -> bool:
    """Whether some u has these signs on the first rows."""
    s, rows = np.array(signs), rows[: len(signs)]
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    there = rows.any(axis=1)
    free, fixed = there & (s != 0.0), there & (s == 0.0)
    found = linprog(
        np.zeros(rows.shape[1]),
        A_ub=-s[free, None] * rows[free],
        b_ub=-np.ones(free.sum()),
        A_eq=rows[fixed],
        b_eq=np.zeros(fixed.sum()),
        bounds=(None, None),
    )
    return bool(found.status == 0)


def pieces(problem: Training) -> list[Piece]:
    """Everything that a unit can be."""
    rows = problem.rows
    if problem.name in KINKED:
        left = STEEP.get(problem.name, problem.options.get("slope"))
        made = []
        for cell in map(np.array, sign_vectors(rows)):
            if problem.name == "abs" and cell[rows.any(axis=1)][:1] < 0.0:
                continue  # what u does there, -u does in the opposite cell
            slopes = np.where(cell > 0.0, 1.0, left)[:, None]
            made += [Piece(s * slopes * rows, cell[:, None] * rows) for s in problem.signs]
        return made
    columns = [column for column in columns_of(problem) if column.any()]
    distinct = [
        column
        for k, column in enumerate(columns)
        if not any((column == s * other).all() for other in columns[:k] for s in (1.0, -1.0))
    ]
    return [Piece(column[:, None], np.zeros((0, 1))) for column in distinct]


def columns_of(problem: Training) -> list[Array]:
    """The units where there are finitely many."""
    if problem.name == "coordinate":
        return list(problem.rows.T)
    faces = np.array(sign_vectors(problem.rows, (1.0, 0.0, -1.0)))
    return list(faces if problem.name == "sign" else (faces >= 0.0) * 1.0)


@dataclass(frozen=True)
class Program:
    """The best network with a unit in each of some pieces, which are its parameters."""

    problem: Training
    shape: tuple[int, int]
    m: int

    @cached_property
    def parameters(self) -> tuple[cp.Parameter, list[cp.Parameter]]:
        """Features of all units together, and walls of each."""
        p, k = self.shape
        features = cp.Parameter((len(self.problem.y), self.m * k))
        return features, [cp.Parameter((p, k)) for _ in range(self.m if p else 0)]

    @cached_property
    def whole(self) -> cp.Problem:
        """The program."""
        problem, (features, walls) = self.problem, self.parameters
        w = [cp.Variable(self.shape[1]) for _ in range(self.m)]
        f = cp.Variable(len(problem.y))
        made = features @ cp.hstack(w) if w else cp.Constant(np.zeros(len(problem.y)))
        if problem.free is not None:
            made = made + problem.free @ cp.Variable(problem.free.shape[1])
        weights = np.ones(len(problem.y)) if problem.weights is None else problem.weights
        fit = cp.sum(cp.multiply(weights, loss_expression(problem.loss, f, problem.y)))
        size = sum(cp.norm(each, 2) for each in w)
        inside = [wall @ each >= 0.0 for wall, each in zip(walls, w, strict=bool(walls))]
        return cp.Problem(cp.Minimize(fit + problem.beta * size), [f == made, *inside])

    def value(self, chosen: tuple[Piece, ...]) -> float:
        """Its value with these pieces."""
        features, walls = self.parameters
        if chosen:
            features.value = np.hstack([piece.features for piece in chosen])
        for wall, piece in zip(walls, chosen, strict=bool(walls)):
            wall.value = piece.walls
        for solver, options in SOLVERS.items():
            with warnings.catch_warnings(), suppress(cp.SolverError):
                warnings.simplefilter("ignore", UserWarning)  # of what is enough
                self.whole.solve(solver=solver, **options)
                return float(self.whole.value)
        raise ArithmeticError("no solver solves it")


def optimum(problem: Training, m: int) -> float:
    """The least objective of networks with at most m units."""
    made = pieces(problem)
    m = min(m, len(made))
    shape = made[0].walls.shape if made else (0, 1)
    program = Program(problem, shape, m)
    return min(program.value(chosen) for chosen in combinations(made, m))


def programs(problem: Training, m: int) -> int:
    """How many convex programs that takes."""
    count = len(pieces(problem))
    return comb(count, min(m, count))


def training(
    units: str,
    X: Array,
    y: Array,
    *,
    weight_decay: float,
    loss: str = "squared",
    bias: bool = True,
    output_bias: bool = False,
    skip: bool = False,
    output_weights: str = "any",
    sample_weight: Array | None = None,
    slope: float | None = None,
) -> Training:
    """The problem that `cvxnet.train` solves with these arguments."""
    ones = np.ones((len(X), 1))
    free = [ones] * output_bias + [X] * skip
    return Training(
        units,
        np.hstack([X, ones]) if bias and units != "coordinate" else X,
        y,
        loss,
        weight_decay,
        {} if slope is None else {"slope": slope},
        weights=sample_weight,
        free=np.hstack(free) if free else None,
        signs=SIGNS[output_weights],
    )


def descended(problem: Training, m: int, rng: np.random.Generator) -> float:
    """What quasi-Newton steps reach from one random network of m units with one kink."""
    n, r = problem.rows.shape
    free = np.zeros((n, 0)) if problem.free is None else problem.free
    weights = np.ones(n) if problem.weights is None else problem.weights
    left = STEEP.get(problem.name, problem.options.get("slope"))

    def value_and_slope(x: Array) -> tuple[float, Array]:
        U, a, c = np.split(x, [m * r, m * r + m])
        U = U.reshape(m, r)
        z = U @ problem.rows.T
        phi, bend = problem.outputs(U), np.where(z > 0.0, 1.0, left)
        f = a @ phi + free @ c
        g = weights * loss_slopes(problem.loss, f, problem.y)
        slope_of_units = a[:, None] * ((bend * g) @ problem.rows) + problem.beta * U
        slope = [slope_of_units.ravel(), phi @ g + problem.beta * a, free.T @ g]
        return float(problem.objective(U, a, None, c if c.size else None)), np.concatenate(slope)

    start = rng.standard_normal(m * r + m + free.shape[1])
    ends = {(1.0, -1.0): (None, None), (1.0,): (0.0, None), (-1.0,): (None, 0.0)}[problem.signs]
    bounds = [(None, None)] * (m * r) + [ends] * m + [(None, None)] * free.shape[1]
    found = minimize(value_and_slope, start, jac=True, bounds=bounds, method="L-BFGS-B")
    return float(found.fun)
