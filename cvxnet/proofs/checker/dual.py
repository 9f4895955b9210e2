"""The dual vector, made to fit what is free in a network, and what is to be proved about it.

What is free in a network, an output bias or a skip connection, must not be seen by v (bracket.py):
F^T v = 0 for the matrix F of the columns 1 and X, as far as they are free. Doubles cannot satisfy
that exactly. With a diagonal D, v' = v - D F z, F^T D F z = F^T v, does. With D the room that v has
in the domain of l*, v' stays inside as long as |F z| <= 1, whatever z; all is proved for v' in
place of v.

With several outputs v is a matrix with a column for each, and that is done column by column. For
cross entropy rows must keep their sums, 0: with the same D for all columns they do, as the sum of
the columns of z is then what belongs to the sum of those of v. A column of zeros, of a class that
the free part tells from all others, stays as it is, and leaves the others their room.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import compress
from typing import Any, NamedTuple

from flint import fmpq, fmpq_mat, fmpz_mat

from .claims import Claims, exact_rows, rows_of, samples
from .document import RefusalError, UnfinishedError
from .evidence import vector_of
from .exact import (
    MAX_BITS,
    Matrix,
    bits,
    check_size,
    integers,
    over_common_denominator,
)
from .losses import LOSSES
from .sparse import Sparse, scale_of


def dual_vectors(claims: Claims) -> Iterator[list[list[fmpq]]]:
    """The v' that prove the lower end: of a tree those of its leaves, else that of v."""
    tree = claims.tree
    used = {0} if tree is None else {node for node in tree["nodes"] if type(node) is int}
    return (dual_vector(claims, k) for k in sorted(used))


def dual_vector(claims: Claims, number: int = 0) -> list[list[fmpq]]:
    """v', which is v where nothing is free: a row for each sample, of one number an output.

    Of the dual vectors in a tree the one with that number; 0 is the certificate's own.
    """
    loss = LOSSES[claims.loss]
    given = samples(claims, exact_rows(vector_number(claims, number)))
    v = [loss.completed(row, y) for row, y, _ in given]
    ones = [1.0] * (claims.c is not None)
    free = [ones] * len(claims.X) if claims.s is None else [[*ones, *row] for row in claims.X]
    if not free[0]:
        return v
    rows, _ = integers(free)
    D = rooms(claims, v)
    digits = len(rows[0]) * (2 * bits(rows) + bits(D))  # that v' may have
    if digits > MAX_BITS:
        raise RefusalError("too large: the free part has too many columns or digits")
    check_size(len(rows) * claims.outputs, digits)
    columns = zip(zip(*v, strict=True), zip(*D, strict=True), strict=True)
    unseen = [moved(column, rooms, rows) for column, rooms in columns]
    return list(map(list, zip(*unseen, strict=True)))


def vector_number(claims: Claims, number: int) -> Any:
    """As it stands in the certificate."""
    if not number:
        return claims.v
    assert claims.tree is not None
    return vector_of(claims.tree["vectors"][number - 1], len(claims.v))


def rooms(claims: Claims, v: list[list[fmpq]]) -> Matrix:
    """For each column the diagonal of D, times a power of two: how far each number may move."""
    loss, used = LOSSES[claims.loss], [any(column) for column in zip(*v, strict=True)]
    found = []
    for row, y, w in samples(claims, v):
        some = iter(loss.rooms(list(compress(row, used)), list(compress(y, used)), w))
        found.append([max(fmpq(0), next(some)) if there else fmpq(0) for there in used])
    scale = max(int(room.q) for row in found for room in row)  # all are powers of two
    return [[int(room * scale) for room in row] for row in found]


def seen(F: fmpz_mat, v: Sequence[fmpq]) -> fmpq_mat:
    """``F^T v``, a column: what the free part sees of v; F has a row for each sample."""
    return F.transpose() * fmpq_mat(len(v), 1, v)


def moved(v: Sequence[fmpq], rooms: Sequence[int], rows: Matrix) -> Sequence[fmpq]:
    """``v - D F z`` with ``F^T D F z = F^T v``; refuses if there is no such z.

    F has the rows, D these rooms. With J a largest set of independent columns of F^T D F, z may be
    0 elsewhere.
    """
    F, DF = fmpz_mat(rows), fmpz_mat(multiplied(rows, rooms))
    G = F.transpose() * DF
    if J := independent(G):
        right = seen(F, v)
        z = fmpq_mat([[G[i, j] for j in J] for i in J]).solve(fmpq_mat([[right[j, 0]] for j in J]))
        moves: Any = fmpq_mat([[row[j] for j in J] for row in DF.table()]) * z
        v = [x - move for x, move in zip(v, moves.entries(), strict=True)]
    if any(seen(F, v).entries()):
        raise RefusalError("the dual vector sees the free part, and there is no room to move it")
    return v


def multiplied(rows: Matrix, factors: Sequence[int]) -> Matrix:
    """Each row times its factor."""
    return [[factor * x for x in row] for factor, row in zip(factors, rows, strict=True)]


def independent(G: fmpz_mat) -> list[int]:
    """A largest set of columns of which none is a combination of others."""
    echelon, _, rank = G.rref()
    return [next(j for j, x in enumerate(row) if x) for row in echelon.table()[:rank]]


class Clock:
    """A time limit in seconds, from now."""

    def __init__(self, limit: float) -> None:
        self.limit, self.start = limit, time.monotonic()

    def check(self, ahead: float = 0.0) -> None:
        """Refuse to go on after the limit, or with what will take about so many seconds more."""
        if time.monotonic() - self.start + ahead > self.limit:
            raise UnfinishedError(
                f"unfinished after the time limit of {self.limit:g} s: allow more"
            )

    def within(self, seconds: float) -> Clock:
        """From now on, and no longer than this one."""
        return Clock(min(seconds, self.limit - (time.monotonic() - self.start)))


class Terms(NamedTuple):
    """``g(u) = sum_j weights_j phi(rows_j . u)``, no longer than beta.

    In integers: rows are (n, d), weights (n, c), one number an output.
    """

    rows: Matrix
    weights: Matrix
    beta: int


class Dual(NamedTuple):
    """What is to be proved, in integers: rows x_i (with the 1) times x_scale, v' times v_scale.

    X is (n, d), or (n, d + 1) with hidden biases; V is (n, c), one number an output. With one
    output, s g(u) has to be at most beta for the signs s in ``sides``. A sparse X stays as it is,
    and is multiplied by x_scale where it is used.
    """

    X: Any
    x_scale: int
    V: Matrix
    v_scale: int
    beta: Fraction
    sides: tuple[int, ...] = (1, -1)

    @property
    def v(self) -> list[int]:
        """The dual vector of the only output."""
        return only(self.V)

    def scaled(self, degree: int) -> Terms:
        """Rows with a v_i other than 0, these v_i, and what bounds g if z counts as z^degree.

        beta is large, so that squares rounded to integers are still precise.
        """
        beta = self.beta * self.x_scale**degree * self.v_scale
        spare = beta.denominator << max(0, 128 - beta.numerator.bit_length())
        seen = [(x, v) for x, v in zip(self.X, self.V, strict=True) if any(v)]
        weights = [[weight * spare for weight in v] for _, v in seen]
        return Terms([x for x, _ in seen], weights, int(beta * spare))


def only(weights: Matrix) -> list[int]:
    """The numbers of rows that have one each: with one output."""
    if weights and len(weights[0]) > 1:
        raise RefusalError("with several outputs there is no proof here without evidence (sphere)")
    return [weight for (weight,) in weights]


def feasibility(claims: Claims, number: int = 0) -> Dual:
    """The problem for v', the one with that number."""
    if isinstance(claims.X, Sparse):
        X: Any = claims.X.with_ones() if claims.bias else claims.X
        x_scale = scale_of(X)
    else:
        X, x_scale = integers(rows_of(claims))
    V, v_scale = over_common_denominator(dual_vector(claims, number))
    beta = Fraction(claims.weight_decay)
    return Dual(X, x_scale, V, v_scale, beta, claims.sides)
