"""Quadratic functions, and their quotients by affine ones, as sums of squares.

With z = (x, 1) a quadratic function is ``z'Mz``; it is a sum of squares ``|Fz|^2`` if M is positive
semidefinite, and then its root is a norm. If M is so on the x part only, what remains is affine.

A quotient by t = g'z > 0: let g_p be other than zero and w be z without its entry p. In the
coordinates (t, w) the numerator is ``m t^2 + 2 t n'w + w'Bw``, so

    z'Mz / t = m t + 2 n'w + w'Bw / t,

which is convex if and only if B is positive semidefinite: an affine function and a sum of squares
over an affine function. (That B is semidefinite is what Finsler's lemma asks of M where g'z = 0.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np
from flint import fmpq

from cvxnet.analysis.algebra_atoms import ALGEBRA
from cvxnet.analysis.atoms import POWERS
from cvxnet.analysis.forms import Form, normal_forms
from cvxnet.analysis.operations import exponent_of
from cvxnet.analysis.quadratics import as_floats, definiteness, eliminate
from cvxnet.analysis.questions import Question
from cvxnet.analysis.rewriting.entries import entry_of
from cvxnet.analysis.tape import Tape, inner
from cvxnet.functions.arithmetic import RATIONALS, Undecided
from cvxnet.types import Array

ZERO = fmpq(0)
HALF = fmpq(1, 2)
QUADRATIC = (cp.QuadForm, cp.quad_over_lin)
MOST_UNKNOWNS = 120  # whose products are written out
MOST_NODES = 2000
EXACT_ROWS = 12  # of a matrix whose squares are completed in rationals


def form_of(expression: Any, question: Question) -> Form | None:
    """A scalar expression as a polynomial of degree two at most; None if it is none."""
    tape = Tape([expression])
    leaves = {id(leaf) for leaf in tape.leaves()}
    size = sum(u.size for u in question.unknowns if id(u) in leaves)
    if expression.size != 1 or size > MOST_UNKNOWNS or len(tape.nodes) > MOST_NODES:
        return None
    if not all(may_be_in_quadratic(node) for node in tape.nodes):
        return None
    try:
        form = normal_forms(tape, question.unknowns).ravel()[0]
    except (Undecided, OverflowError, ValueError):
        return None
    return form if form.polynomial else None


def may_be_in_quadratic(node: Any) -> bool:
    """Whether a node can be part of a polynomial of degree two; what is constant always can."""
    if not inner(node) or type(node) in ALGEBRA or node.is_constant():
        return True
    return isinstance(node, QUADRATIC) or (isinstance(node, POWERS) and exponent_of(node) in (1, 2))


@dataclass(frozen=True)
class Squares:
    """A function as squares, and whether their coefficients were rounded."""

    expression: Any
    rounded: bool


@dataclass(frozen=True)
class Quadratic:
    """``z'Mz`` with z = (entries of the unknowns, 1)."""

    places: tuple[int, ...]
    matrix: Any

    def vector(self, rows: Array, question: Question) -> Any:
        """``rows @ z``, an affine CVXPY vector (a scalar, if there is one row)."""
        parts, start = [], 0
        column = {place: k for k, place in enumerate(self.places) if rows[:, k].any()}
        for leaf in question.unknowns:
            used = [k for k in range(leaf.size) if start + k in column]
            if used:
                part = rows[:, [column[start + k] for k in used]]
                parts.append(combined(part, leaf, used))
            start += leaf.size
        if rows[:, -1].any() or not parts:
            parts.append(cp.Constant(rows[0, -1] if len(rows) == 1 else rows[:, -1]))
        return sum(parts[1:], parts[0])


def combined(rows: Array, leaf: Any, places: list[int]) -> Any:
    """``rows @ leaf[places]``, for places in row-major order; a scalar, if there is one row."""
    if len(places) == 1:
        place = tuple(map(int, np.unravel_index(places[0], leaf.shape)))
        return multiples(rows[:, 0], entry_of(leaf, place))
    flat = leaf if len(leaf.shape) == 1 else cp.vec(leaf, order="C")
    vector = flat if len(places) == leaf.size else flat[places]
    if np.array_equal(rows, np.eye(len(places))):
        return vector
    return (rows[0] if len(rows) == 1 else rows) @ vector


def multiples(factors: Array, scalar: Any) -> Any:
    """``factors * scalar``; a scalar, if there is one factor."""
    if len(factors) > 1:
        return cp.multiply(factors, scalar)
    return scalar if factors[0] == 1.0 else float(factors[0]) * scalar


def quadratic_of(form: Form, places: tuple[int, ...]) -> Quadratic:
    """The polynomial as a quadratic form in z."""
    size, column = len(places), {place: k for k, place in enumerate(places)}
    M = np.full((size + 1, size + 1), ZERO, dtype=object)
    for (i, j), value in form.quadratic.items():
        M[column[i], column[j]] += value * HALF
        M[column[j], column[i]] += value * HALF
    for i, value in form.linear.items():
        M[column[i], size] = M[size, column[i]] = value * HALF
    M[size, size] = form.constant
    return Quadratic(places, M)


def places_of(*forms: Form) -> tuple[int, ...]:
    """The unknowns that occur."""
    found = {i for form in forms for pair in form.quadratic for i in pair}
    return tuple(sorted(found.union(*(form.linear for form in forms))))


def squares(matrix: Any) -> Array | None:
    """F with ``F'F`` equal to a matrix that is semidefinite, up to rounding; else None."""
    if not len(matrix):
        return np.zeros((0, 0))
    try:
        semidefinite = definiteness(matrix).rounded
    except OverflowError:  # entries that no double holds
        semidefinite = False
    if not semidefinite:
        return None
    if len(matrix) <= EXACT_ROWS and eliminate(matrix):
        return completed(matrix)
    values, vectors = np.linalg.eigh(as_floats(matrix))
    kept = values > len(values) * np.finfo(float).eps * np.abs(values).max(initial=0.0)
    return (vectors[:, kept] * np.sqrt(values[kept])).T


def is_rounded(F: Array, matrix: Any) -> bool:
    """Whether ``F'F`` is not exactly the matrix."""
    exact = RATIONALS.number(F)
    return len(matrix) > EXACT_ROWS or bool(np.any(exact.T @ exact != matrix))


def completed(matrix: Any) -> Array:
    """The squares that elimination completes, in rationals but for their weights."""
    work, rows = [list(row) for row in matrix], []
    for k in range(len(work)):
        pivot = work[k][k]
        if pivot == 0:
            continue
        row = [ZERO] * k + [work[k][j] / pivot for j in range(k, len(work))]
        weight = np.sqrt(int(pivot.p) / int(pivot.q))
        rows.append([weight * int(v.p) / int(v.q) for v in row])
        for i in range(k + 1, len(work)):
            for j in range(k + 1, len(work)):
                work[i][j] -= pivot * row[i] * row[j]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(matrix))


def affine(coefficients: Any, quadratic: Quadratic, question: Question) -> Any:
    """``coefficients . z``, a CVXPY scalar."""
    return quadratic.vector(as_floats([list(coefficients)]), question)


def as_squares(form: Form, goal: str, question: Question) -> Squares | None:
    """A quadratic function as squares plus an affine function (minus squares, for "concave")."""
    sign = 1 if goal == "convex" else -1
    quadratic = quadratic_of(form, places_of(form))
    curved = quadratic.matrix[:-1, :-1] * fmpq(sign)
    F = squares(curved)
    if F is None:
        return None
    line = [2 * v for v in quadratic.matrix[-1, :-1]] + [form.constant]
    inner = quadratic.vector(np.column_stack([F, np.zeros(len(F))]), question)
    if not len(F):
        return Squares(affine(line, quadratic, question), False)
    found = cp.sum_squares(inner) if goal == "convex" else -cp.sum_squares(inner)
    found = found + affine(line, quadratic, question) if any(line) else found
    return Squares(found, is_rounded(F, curved))


def as_norm(form: Form, question: Question) -> Squares | None:
    """The root of a quadratic function that is a sum of squares, as a norm."""
    quadratic = quadratic_of(form, places_of(form))
    F = squares(quadratic.matrix)
    if F is None or not len(F):
        return None
    return Squares(cp.norm(quadratic.vector(F, question)), is_rounded(F, quadratic.matrix))


def is_sum_of_squares(expression: Any, question: Question) -> bool:
    """Whether a scalar is certainly a quadratic function that is nowhere below zero."""
    form = form_of(expression, question)
    if form is None or form.affine:
        return False
    return definiteness(quadratic_of(form, places_of(form)).matrix).exact


def coordinates(g: list[Any]) -> tuple[Any, list[int]]:
    """T with z = T (t, w) for t = g'z, and the places in z of the entries of w."""
    pivot = max(range(len(g) - 1), key=lambda k: abs(g[k]))
    kept = [k for k in range(len(g)) if k != pivot]
    T = np.full((len(g), len(g)), ZERO, dtype=object)
    T[pivot, 0] = 1 / g[pivot]
    for column, k in enumerate(kept, start=1):
        T[k, column] = fmpq(1)
        T[pivot, column] = -g[k] / g[pivot]
    return T, kept


def over_affine(top: Form, bottom: Form, goal: str, question: Question) -> Squares | None:
    """A quadratic function over an affine one that is positive, in the form above."""
    sign = fmpq(1 if goal == "convex" else -1)
    places = places_of(top, bottom)
    quadratic = quadratic_of(top, places)
    g = [bottom.linear.get(place, ZERO) for place in places] + [bottom.constant]
    if not any(g[:-1]):
        return None
    T, kept = coordinates(g)
    moved = T.T @ quadratic.matrix @ T
    curved = moved[1:, 1:] * sign
    F = squares(curved)
    if F is None:
        return None
    t = affine(g, quadratic, question)
    line = [moved[0, 0] * v for v in g]
    for column, k in enumerate(kept, start=1):
        line[k] += 2 * moved[0, column]
    total = affine(line, quadratic, question)
    if not len(F):
        return Squares(total, False)
    full = np.zeros((len(F), len(g)))
    full[:, kept] = F
    found: Any = cp.quad_over_lin(quadratic.vector(full, question), t)
    found = found if goal == "convex" else -found
    return Squares(total + found if any(line) else found, is_rounded(F, curved))
