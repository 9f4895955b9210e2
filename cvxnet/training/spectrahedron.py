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
from typing import TYPE_CHECKING

import cvxpy as cp
import numpy as np

from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.training.problem import Problem, Units

Program = tuple[cp.Problem, "Callable[[], Units | None]"]
"""A program whose first constraint states the predictions, and how to read the units off it."""

SMALL = 1e-10
"""Eigenvalues below this, relative to the largest, are what the solver left over."""


def quadratic_program(problem: Problem) -> Program:
    """Training of quadratic units: two semidefinite blocks of order d. At most d units."""
    X, d = problem.family.X, problem.family.X.shape[1]
    P, N = (cp.Variable((d, d), PSD=True) for _ in range(2))
    program, c = write(problem, squares(X, P - N), cp.trace(P) + cp.trace(N), [])

    def find_units() -> Units | None:
        if P.value is None or N.value is None:
            return None
        eigenvalues, W = np.linalg.eigh(P.value - N.value)
        units = make_units(np.abs(eigenvalues)[:, None] * W.T, np.sign(eigenvalues), c)
        return units.without_small(SMALL)

    return program, find_units


def polynomial_program(problem: Problem, coefficients: tuple[float, float, float]) -> Program:
    """Training of units ``a t^2 + b t + c``: two semidefinite blocks of order d + 1.

    At most ``2 (d + 1)`` units.
    """
    a, b, c = coefficients
    X, d = problem.family.X, problem.family.X.shape[1]
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
    return cp.sum(cp.multiply(X @ S, X), axis=1)


def write(
    problem: Problem, fit: cp.Expression, size: cp.Expression, constraints: list[cp.Constraint]
) -> tuple[cp.Problem, cp.Variable | None]:
    """The program with these predictions and this penalty; also its variable of free weights."""
    f = cp.Variable(len(problem.y), name="f")
    c = cp.Variable(problem.F.shape[1], name="c") if problem.F.size else None
    fit = fit if c is None else fit + problem.F @ c
    objective = problem.loss.expression(f, problem.y) + problem.weight_decay * size
    return cp.Problem(cp.Minimize(objective), [f == fit, *constraints]), c


def make_units(weights: Array, signs: Array, free: cp.Variable | None) -> Units:
    """Units with the free weights that the solver found."""
    from cvxnet.training.problem import Units  # problem knows all families, these among them

    return Units(weights, signs, np.zeros(0) if free is None else np.asarray(free.value))


def neural_decomposition(Z: Array, small: float = SMALL) -> Array:
    """Vectors, one a row, with ``Z = sum p p^T`` and ``|p_1..r| = |p_{r+1}|`` for each.

    Z is positive semidefinite with ``trace Z1 = w``, that is ``<G, Z> = 0`` for G = diag(1, -1).
    In any factorisation ``Z = sum p p^T`` the numbers ``p^T G p`` then add up to 0. Turning a pair
    on which they have opposite signs, in its plane, leaves ``p p^T + q q^T`` as it is and can make
    one of the two numbers zero (Polik and Terlaky 2007, the proof of the S-lemma). Eigenvalues
    up to ``small``, relative to the largest, count as zero.

    Examples
    --------
    >>> vectors = neural_decomposition(np.diag([2.0, 1.0, 3.0]))
    >>> (vectors.T @ vectors).round(12).diagonal().tolist()
    [2.0, 1.0, 3.0]
    >>> bool(np.allclose(np.linalg.norm(vectors[:, :2], axis=1), np.abs(vectors[:, 2])))
    True
    """
    eigenvalues, W = np.linalg.eigh(Z)
    kept = eigenvalues > small * max(eigenvalues[-1], 0.0)
    vectors = np.sqrt(eigenvalues[kept])[:, None] * W[:, kept].T
    G = np.append(np.ones(len(Z) - 1), -1.0)
    left = np.ones(len(vectors), dtype=bool)
    for _ in range(len(vectors) - 1):
        excess = np.where(left, (vectors * vectors) @ G, 0.0)
        i, j = np.argmax(excess), np.argmin(excess)
        if not excess[i] > 0.0 > excess[j]:
            break
        vectors[i], vectors[j] = turn(vectors[i], vectors[j], G)
        left[i] = False
    return vectors


def turn(p: Array, q: Array, G: Array) -> tuple[Array, Array]:
    """Turn p and q in their plane until the first has ``p^T G p = 0``.

    ``(p + t q)^T G (p + t q) = 0`` is a quadratic equation in t; its roots are real, as ``p^T G p``
    and ``q^T G q`` have opposite signs. The smaller one is taken.
    """
    pp, pq, qq = p @ (G * p), p @ (G * q), q @ (G * q)
    root = np.sqrt(np.maximum(pq * pq - pp * qq, 0.0))
    t = -pp / (pq + np.copysign(root, pq))
    length = np.hypot(1.0, t)
    return (p + t * q) / length, (q - t * p) / length
