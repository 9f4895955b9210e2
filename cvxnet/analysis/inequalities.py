"""Affine inequalities in the unknowns, exactly, and proofs that some exclude each other.

The proof is Farkas' lemma: multipliers that add inequalities up to a contradiction, in rationals.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat
from scipy.optimize import linprog

from cvxnet.analysis.constraints import kind_of
from cvxnet.analysis.derivation import leaf_bounds
from cvxnet.analysis.forms import normal_forms
from cvxnet.analysis.questions import Question
from cvxnet.analysis.tape import Tape, short
from cvxnet.functions.arithmetic import Undecided, as_rational
from cvxnet.types import Array

MOST_ROWS = 2000  # of a linear program; larger ones are not asked whether they are feasible
MOST_IMPLIED = 50  # rows that are compared with the given ones
MOST_NODES = 200  # of an expression that is made into rows
SUPPORT = 1e-9  # multipliers below are taken for zero, and the exact solution says whether rightly


@dataclass(frozen=True)
class Row:
    """``coefficients . z + constant >= 0`` (> 0 if strict), exactly; ``label`` says whence."""

    coefficients: dict[int, fmpq]
    constant: fmpq
    strict: bool
    label: str


def given_rows(question: Question) -> list[Row]:
    """What attributes, bounds and affine constraints say about the unknowns."""
    rows: list[Row] = []
    for leaf in question.unknowns:
        low, high = leaf_bounds(leaf, question)
        strict = (bool(leaf.attributes["pos"]), bool(leaf.attributes["neg"]))
        start, name = start_of(leaf, question), question.name(leaf)
        for place, (a, b) in enumerate(zip(np.ravel(low), np.ravel(high), strict=True)):
            index = [int(i) for i in np.unravel_index(place, leaf.shape)]
            entry = f"{name}{index}" if leaf.shape else name
            for slope, bound, sign, open_end in ((1, a, ">", strict[0]), (-1, b, "<", strict[1])):
                if np.isfinite(bound):
                    sharp = open_end and bound == 0.0
                    label = f"{entry} {sign}{'' if sharp else '='} {bound:g}"
                    constant = as_rational(float(-slope * bound))
                    rows.append(Row({start + place: fmpq(slope)}, constant, sharp, label))
    for constraint in question.constraints:
        rows += constraint_rows(constraint, question)
    return rows


def constraint_rows(constraint: Any, question: Question) -> Iterator[Row]:
    """The rows of an affine equality or inequality; none for others."""
    kind, label = kind_of(constraint), short(constraint)
    if kind.compared:
        judged = kind.judged(constraint)
        yield from rows_of(-judged, question, label)
        if kind.affine:
            yield from rows_of(judged, question, label)


def rows_of(expression: Any, question: Question, label: str, strict: bool = False) -> Iterator[Row]:
    """``expression >= 0`` (> 0) entry by entry, where it is affine in the unknowns."""
    tape = Tape([expression])
    if len(tape.nodes) > MOST_NODES or expression.size > MOST_ROWS:
        return
    try:
        forms = normal_forms(tape, question.unknowns)
    except Undecided:
        return
    for form in np.ravel(forms):
        if form.affine:
            yield Row(dict(form.linear), form.constant, strict, label)


def start_of(leaf: Any, question: Question) -> int:
    """Where the leaf's entries begin among all unknowns."""
    places = [id(u) for u in question.unknowns]
    return sum(int(u.size) for u in question.unknowns[: places.index(id(leaf))])


def follows(given: list[Row], asked: list[Row]) -> bool:
    """Whether the given rows imply every asked one: its opposite contradicts them."""
    if not given or not asked or len(asked) > MOST_IMPLIED:
        return False
    return all(contradictory([*given, opposite(row)]) is not None for row in asked)


def opposite(row: Row) -> Row:
    """``-row > 0`` of a row >= 0, and the other way round."""
    coefficients = {k: -v for k, v in row.coefficients.items()}
    return Row(coefficients, -row.constant, not row.strict, row.label)


def contradictory(rows: list[Row]) -> list[str] | None:
    """The labels of rows that exclude each other, with exact multipliers as the proof, or None.

    By Farkas' lemma rows ``a_i . z + c_i >= 0`` have no common point iff some y >= 0 has
    ``sum y_i a_i = 0`` and ``sum y_i c_i < 0`` (or = 0, where a strict row has y_i > 0). A linear
    program finds the support of such a y; on it the equations are solved in rationals.
    """
    table = None if not rows or len(rows) > MOST_ROWS else scaled(rows)
    if table is None:
        return None
    A, c = table
    strict = np.array([row.strict for row in rows], dtype=float)
    below_zero = Program(c, None)
    zero_with_a_strict_row = Program(-strict, c[None])
    for program in (below_zero, zero_with_a_strict_row)[: 1 + bool(strict.any())]:
        support = [rows[k] for k in program.support(A)]
        if adds_up(support):
            return list(dict.fromkeys(row.label for row in support))
    return None


def scaled(rows: list[Row]) -> tuple[Array, Array] | None:
    """Coefficients and constants in floats, each row divided by its largest number."""
    places = sorted({k for row in rows for k in row.coefficients})
    column = {place: k for k, place in enumerate(places)}
    A, c = np.zeros((len(rows), len(places))), np.zeros(len(rows))
    for i, row in enumerate(rows):
        size = max([abs(row.constant), *map(abs, row.coefficients.values())], default=fmpq(1)) or 1
        c[i] = as_float(row.constant / size)
        for place, value in row.coefficients.items():
            A[i, column[place]] = as_float(value / size)
    return (A, c) if np.isfinite(A).all() and np.isfinite(c).all() else None


@dataclass(frozen=True)
class Program:
    """``minimise cost . y`` over multipliers ``y >= 0`` that sum to one, with ``A' y = 0``.

    Where there are ``limits``, also ``limits y <= SUPPORT``.
    """

    cost: Array
    limits: Array | None

    def support(self, A: Array) -> list[int]:
        """The places of the multipliers that are not zero; none where there are no multipliers."""
        found = linprog(
            self.cost,
            self.limits,
            None if self.limits is None else [SUPPORT],
            np.vstack([A.T, np.ones(len(A))]),
            np.append(np.zeros(A.shape[1]), 1.0),
            method="highs-ds",
        )
        return np.flatnonzero(found.x > SUPPORT).tolist() if found.status == 0 else []


def as_float(value: Any) -> float:
    """A rational, rounded; floats as they are."""
    if isinstance(value, float):
        return value
    value = fmpq(value)
    return int(value.p) / int(value.q)


def adds_up(rows: list[Row]) -> bool:
    """Whether multipliers >= 0 of these rows add up to a contradiction, exactly."""
    y = multipliers(rows)
    if y is None or any(v < 0 for v in y):
        return False
    total = sum((v * row.constant for v, row in zip(y, rows, strict=True)), fmpq(0))
    sharp = any(row.strict and v > 0 for v, row in zip(y, rows, strict=True))
    return total < 0 or (total == 0 and sharp)


def multipliers(rows: list[Row]) -> list[fmpq] | None:
    """The only numbers of sum one with which the rows' coefficients cancel, or None."""
    places = sorted(set().union(*(row.coefficients for row in rows)))
    if not rows or len(rows) > len(places) + 1:
        return None
    zero = fmpq(0)
    table = [[*(row.coefficients.get(k, zero) for row in rows), zero] for k in places]
    table.append([fmpq(1)] * (len(rows) + 1))
    reduced, rank = fmpq_mat(len(table), len(rows) + 1, list(chain(*table))).rref()
    alone = rank == len(rows) and all(reduced[k, k] == 1 for k in range(rank))
    return [reduced[k, len(rows)] for k in range(rank)] if alone else None
