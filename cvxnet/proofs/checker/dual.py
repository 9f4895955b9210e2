"""The dual vector, made to fit what is free in a network, and what is to be proved about it.

What is free in a network, an output bias or a skip connection, must not be seen by v (bracket.py):
F^T v = 0 for the matrix F of the columns 1 and X, as far as they are free. Doubles cannot satisfy
that exactly. With a diagonal D, v' = v - D F z, F^T D F z = F^T v, does. With D the room that v has
in the domain of l*, v' stays inside as long as |F z| <= 1, whatever z; all is proved for v' in
place of v.
"""

from __future__ import annotations

import time
from fractions import Fraction
from typing import Any, NamedTuple

from flint import fmpq, fmpq_mat, fmpz_mat

from .claims import Claims, rows_of, samples
from .document import RefusalError
from .exact import (
    MAX_BITS,
    Matrix,
    bits,
    check_size,
    integers,
    over_common_denominator,
    rational,
)
from .losses import LOSSES


def dual_vector(claims: Claims) -> list[fmpq]:
    """v', which is v where nothing is free: one number a sample."""
    v = list(map(rational, claims.v))
    columns = [[1.0] * (claims.c is not None) + row * (claims.s is not None) for row in claims.X]
    if not columns[0]:
        return v
    rows, _ = integers(columns)
    D = rooms(claims, v)
    digits = len(rows[0]) * (2 * bits(rows) + bits([D]))  # that v' may have
    if digits > MAX_BITS:
        raise RefusalError("too large: the free part has too many columns or digits")
    check_size(len(rows), digits)
    F = fmpz_mat(rows)
    v = moved(v, F, fmpz_mat([[room * x for x in row] for room, row in zip(D, rows, strict=True)]))
    if any(seen(F, v).entries()):
        raise RefusalError("the dual vector sees the free part, and there is no room to move it")
    return v


def rooms(claims: Claims, v: list[fmpq]) -> list[int]:
    """The diagonal of D, times a power of two: how far each v_i may move."""
    found = [max(fmpq(0), LOSSES[claims.loss].room(*sample)) for sample in samples(claims, v)]
    scale = max(int(room.q) for room in found)  # all are powers of two
    return [int(room * scale) for room in found]


def seen(F: fmpz_mat, v: list[fmpq]) -> fmpq_mat:
    """``F^T v``, a column: what the free part sees of v; F has a row for each sample."""
    return F.transpose() * fmpq_mat(len(v), 1, v)


def moved(v: list[fmpq], F: fmpz_mat, DF: fmpz_mat) -> list[fmpq]:
    """``v - D F z`` with ``F^T D F z = F^T v``, if there is such a z.

    With J a largest set of independent columns of F^T D F, z may be 0 elsewhere.
    """
    G = F.transpose() * DF
    echelon, _, rank = G.rref()
    J = [next(j for j, x in enumerate(row) if x) for row in echelon.table()[:rank]]
    if not J:
        return v
    right = seen(F, v)
    z = fmpq_mat([[G[i, j] for j in J] for i in J]).solve(fmpq_mat([[right[j, 0]] for j in J]))
    moves: Any = fmpq_mat([[row[j] for j in J] for row in DF.table()]) * z
    return [x - move for x, move in zip(v, moves.entries(), strict=True)]


class Clock:
    """A time limit in seconds, from now."""

    def __init__(self, limit: float) -> None:
        self.limit, self.start = limit, time.monotonic()

    def check(self, ahead: float = 0.0) -> None:
        """Refuse to go on after the limit, or with what will take about so many seconds more."""
        if time.monotonic() - self.start + ahead > self.limit:
            raise RefusalError(f"unfinished after the time limit of {self.limit:g} s: allow more")

    def within(self, seconds: float) -> Clock:
        """From now on, and no longer than this one."""
        return Clock(min(seconds, self.limit - (time.monotonic() - self.start)))


class Terms(NamedTuple):
    """``g(u) = sum_j weights_j phi(rows_j . u)``, at most beta; integers, the rows are (n, d)."""

    rows: Matrix
    weights: list[int]
    beta: int


class Dual(NamedTuple):
    """What is to be proved, in integers: rows x_i (with the 1) times x_scale, v' times v_scale.

    X is (n, d), or (n, d + 1) with hidden biases; v has n numbers.
    """

    X: Matrix
    x_scale: int
    v: list[int]
    v_scale: int
    beta: Fraction

    def scaled(self, degree: int) -> Terms:
        """Rows with a v_i other than 0, these v_i, and what bounds g if z counts as z^degree.

        beta is large, so that squares rounded to integers are still precise.
        """
        beta = self.beta * self.x_scale**degree * self.v_scale
        spare = beta.denominator << max(0, 128 - beta.numerator.bit_length())
        rows = [x for x, weight in zip(self.X, self.v, strict=True) if weight]
        return Terms(rows, [weight * spare for weight in self.v if weight], int(beta * spare))


def feasibility(claims: Claims) -> Dual:
    """The problem for v'."""
    X, x_scale = integers(rows_of(claims))
    (v,), v_scale = over_common_denominator([dual_vector(claims)])
    beta = Fraction(claims.weight_decay)
    return Dual(X=X, x_scale=x_scale, v=v, v_scale=v_scale, beta=beta)
