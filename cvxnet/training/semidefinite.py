"""Quadratic and polynomial networks as semidefinite programs, and back to networks.

Bartan and Pilanci 2021 (arXiv 2101.02429). With ``phi(t) = a t^2 + b t + c``, a unit u of length
one and an output weight s > 0 make the rank-one matrix

    s (u, 1)(u, 1)^T  =  Z  =  [[Z1, z], [z^T, w]] >= 0     with     trace Z1 = w = s,

on which the predictions ``s phi(x.u) = a x^T Z1 x + b x.z + c w`` and the penalty ``s = w`` are
linear. So the sum over all units of one sign is in the cone of these matrices, and conversely every
positive semidefinite Z with ``trace Z1 = w`` is a sum of at most rank Z units: the neural
decomposition. The training problem is

    minimise  l(a x^T (Z1 - Z1') x + b x.(z - z') + c (w - w')) + weight_decay (w + w').

For ``b = c = 0`` only the blocks Z1 and Z1' are left and the penalty is their trace, so their
difference S costs its nuclear norm; its units are the eigenvectors.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch

import cvxpy as cp
import numpy as np

from cvxnet.training.problem import Problem, Units
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.polynomial import (
    LEFT_OVER,
    PolynomialUnits,
    QuadraticUnits,
    neural_decomposition,
)
from cvxnet.types import Array

Program = tuple[cp.Problem, Callable[[], Units | None]]
"""A program whose first constraint states the predictions, and how to read the units off it."""


@singledispatch
def semidefinite_program(family: UnitFamily, problem: Problem) -> Program | None:
    """The whole training problem of a family as a semidefinite program, where it is one."""
    return None


@semidefinite_program.register
def quadratic_program(family: QuadraticUnits, problem: Problem) -> Program:
    """Training of quadratic units: a semidefinite block of order d for each output sign.

    At most d units.
    """
    X, d = family.X, family.X.shape[1]
    blocks = [cp.Variable((d, d), PSD=True) for _ in family.output_signs]
    S = sum(sign * Z for sign, Z in zip(family.output_signs, blocks, strict=True))
    program, c = write(problem, squares(X, S), sum(map(cp.trace, blocks)), [])

    def find_units() -> Units | None:
        if S.value is None:
            return None
        eigenvalues, W = np.linalg.eigh(S.value)
        units = make_units(np.abs(eigenvalues)[:, None] * W.T, np.sign(eigenvalues), c)
        possible = np.isin(units.outputs, family.output_signs)
        return units.pick(possible).without_small(LEFT_OVER)

    return program, find_units


@semidefinite_program.register
def polynomial_program(family: PolynomialUnits, problem: Problem) -> Program:
    """Training of units ``a t^2 + b t + c``: two semidefinite blocks of order d + 1.

    At most ``2 (d + 1)`` units.
    """
    a, b, c = family.coefficients
    X, d = family.X, family.X.shape[1]
    P, N = (cp.Variable((d + 1, d + 1), PSD=True) for _ in range(2))
    D = P - N
    fit = a * squares(X, D[:d, :d]) + b * (X @ D[:d, d]) + c * D[d, d]
    balanced = [cp.trace(Z[:d, :d]) == Z[d, d] for Z in (P, N)]
    program, free = write(problem, fit, P[d, d] + N[d, d], balanced)

    def find_units() -> Units | None:
        if P.value is None or N.value is None:
            return None
        parts = [neural_decomposition(np.asarray(Z.value)) for Z in (P, N)]
        signs = np.repeat([1.0, -1.0], [len(part) for part in parts])
        vectors = np.vstack(parts)
        return make_units(vectors[:, -1:] * vectors[:, :-1], signs, free)

    return program, find_units


def squares(X: Array, S: cp.Expression) -> cp.Expression:
    """``x^T S x`` for each row x."""
    values: cp.Expression = cp.sum(cp.multiply(X @ S, X), axis=1)
    return values


def write(
    problem: Problem, fit: cp.Expression, size: cp.Expression, constraints: list[cp.Constraint]
) -> tuple[cp.Problem, cp.Variable | None]:
    """The program with these predictions and this penalty; also its variable of free weights."""
    f, free = cp.Variable(problem.y.shape, name="f"), (problem.F.shape[1], *problem.y.shape[1:])
    c = cp.Variable(free, name="c") if problem.F.size else None
    fit = fit if c is None else fit + problem.F @ c
    objective = problem.loss.expression(f, problem.y) + problem.weight_decay * size
    return cp.Problem(cp.Minimize(objective), [f == fit, *constraints]), c


def make_units(weights: Array, outputs: Array, free: cp.Variable | None) -> Units:
    """Units with the free weights that the solver found."""
    none = np.zeros((0, *outputs.shape[1:]))
    return Units(weights, outputs, none if free is None else np.asarray(free.value))
