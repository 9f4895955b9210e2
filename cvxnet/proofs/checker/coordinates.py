"""What searches over the unit ball share: few coordinates, and branch and bound.

Coordinates. Only rows with v_j != 0 matter. Let J be r independent columns of them and M the
r x d matrix with x_j = M^T z_j, z_j = (x_j)_J. Then x_j . u = z_j . w with w = M u, and among
the u with M u = w the shortest has |u|^2 = w^T H^{-1} w, H = M M^T. So the ball becomes
w^T H^{-1} w <= 1 in R^r, and max c . w over it is sqrt(c^T H c) =: |c|, attained along w = H c.
H is multiplied by a common denominator, as all is in integers; in sweeps z has three
coordinates, padded with zeros.

More than rank r. With the r columns and rows of the largest pivots, x_j = M^T z_j + d_j, and d_j
changes g by little, say slack in all. So it is enough to prove |g| <= beta - slack for the rows
M^T z_j. This is for data whose rank is low but for rounding, where slack is tiny. If |g| is above
beta - slack, but nowhere above beta + slack, that says nothing, and a higher rank is tried.

Branch and bound. The ball is covered by parts; one on which |g| <= beta is not proved, nor refuted
at a point of it, is cut into smaller ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import starmap
from operator import mul
from typing import NamedTuple, TypeVar

from flint import fmpq, fmpz_mat

from .document import RefusalError
from .dual import Clock, Terms
from .exact import Matrix, Number, bits, check_size, fraction, over_common_denominator

MAX_RANK = 7  # of the rows of X, for branch and bound
MORE = 20.0  # seconds in which a higher rank may clear up what a lower one left unclear
NEGLIGIBLE = Fraction(1, 10**6)  # of beta: more than that is no rounding, and rank is missing
Part = TypeVar("Part")


class LowRank(NamedTuple):
    """``g(w) = sum_j weights_j phi(z_j . w)``, to be at most limit where ``w^T H^{-1} w <= 1``.

    ``points`` are the n vectors z_j of r integers, ``weights`` (n, c), H is (r, r), in integers
    after multiplying by ``scale``.
    """

    points: Matrix
    weights: Matrix
    H: Matrix
    scale: int
    limit: Fraction


def in_few_coordinates(
    terms: Terms,
    change: Callable[[int, Fraction], Fraction],
    violation: Callable[[LowRank, Clock], Fraction],
    clock: Clock,
) -> Fraction:
    """`Units.violation`, by the one of rows of low rank, at the lowest rank at which that can tell.

    ``violation(problem, clock)`` is 0 if |g| <= limit for the rows M^T z_j; otherwise
    |g| / limit - 1 at some u, or a little more. Leaving out d_j changes phi by at most
    ``change(|x_j|, |d_j|)``, and not at all where it is 0.
    """
    rows, weights, beta = terms
    sizes, most_seen = lengths(rows), lengths(weights)
    unclear = None
    for most in range(3, MAX_RANK + 1):
        points, H, scale, rests = coordinates(rows, most)
        left_out = [row for row in zip(most_seen, sizes, rests, strict=True) if row[2]]
        slack = sum(starmap(lambda v, size, d: v * change(size, d), left_out), Fraction(0))
        if slack > NEGLIGIBLE * beta:
            continue
        try:
            over = violation(LowRank(points, weights, H, scale, limit=beta - slack), clock)
        except RefusalError as refusal:
            raise unclear or refusal from None
        if not over:
            return over
        found = (beta - slack) * (1 + over)
        if found - slack > beta:
            return (found - slack) / beta - 1
        clock = clock if unclear else clock.within(MORE)
        unclear = left_unclear(most, slack / beta, (found + slack) / beta - 1)
    raise unclear or RefusalError(
        f"the rank of the rows of X that v is not 0 on is above {MAX_RANK}"
    )


def left_unclear(rank: int, share: Fraction, violation: Fraction) -> RefusalError:
    """What to say where the rows beyond a rank may add more to rho(v) than there is room."""
    return RefusalError(
        f"not proved: what the rows are beyond rank {rank} may add {float(share)!r} of "
        "weight_decay to rho(v), and so much room is not left",
        violation,
    )


def coordinates(rows: Matrix, most: int) -> tuple[Matrix, Matrix, int, list[Fraction]]:
    """The z_j, ``H = M M^T`` times a common denominator, that denominator, the |d_j|_1.

    Rows are (n, d); of the results the z_j are (n, r), H is (r, r), r <= ``most``.
    """
    if len(rows[0]) <= most and independent_columns(rows):  # then M is the identity
        identity = [[int(i == k) for k in range(len(rows[0]))] for i in range(len(rows[0]))]
        return rows, identity, 1, [Fraction(0)] * len(rows)
    M, J, rests = eliminated(rows, most)
    H, scale = over_common_denominator([[sum(map(mul, x, y), fmpq(0)) for y in M] for x in M])
    sizes = list(map(fraction, lengths(rests)))
    return [[row[j] for j in J] for row in rows], H, scale, sizes


def independent_columns(rows: Matrix) -> bool:
    """Whether no column is a combination of others."""
    M = fmpz_mat(rows)
    return bool((M.transpose() * M).det())


def lengths(rows: Sequence[Sequence[Number]]) -> list[Number]:
    """``|row|_1`` of rows of integers or fractions."""
    return [sum(map(abs, row), 0 * row[0]) for row in rows]


def eliminated(rows: Matrix, most: int) -> tuple[list[list[fmpq]], list[int], list[list[fmpq]]]:
    """M (r, d), the columns J in which it is the identity, and the d_j (n, d), by elimination.

    The pivot is the largest number that is left. Columns are few, ``most`` at most: then what is
    left are quotients of small minors of the rows.
    """
    check_size(sum(map(len, rows)), (2 * most + 1) * bits(rows))
    rests = [[fmpq(x) for x in row] for row in rows]
    M: list[list[fmpq]] = []
    J: list[int] = []
    while len(J) < most and (largest := max((max(map(abs, rest)) for rest in rests), default=0)):
        base, k = next((rest, k) for rest in rests for k, x in enumerate(rest) if abs(x) == largest)
        base = [x / base[k] for x in base]
        M, rests = [*without_column(M, base, k), base], without_column(rests, base, k)
        J.append(k)
    return M, J, rests


def without_column(rows: list[list[fmpq]], base: list[fmpq], k: int) -> list[list[fmpq]]:
    """The rows minus multiples of ``base``, so that column k becomes zero."""
    return [[x - row[k] * z for x, z in zip(row, base, strict=True)] for row in rows]


def whole_inverse(M: Matrix) -> tuple[Matrix, int]:
    """P and a determinant > 0, in whole numbers, with ``M^{-1} = P / determinant``."""
    size = abs(int(fmpz_mat(M).det()))
    return [[int(x * size) for x in row] for row in fmpz_mat(M).inv().tolist()], size


def branch_and_bound(
    parts: list[Part], violation_in: Callable[[Part], Fraction | None],
    halves: Callable[[Part], Iterable[Part]], clock: Clock,
) -> Fraction:  # fmt: skip
    """0 if g is proved to be small enough on all parts; otherwise the violation at some point.

    ``violation_in`` is 0 for a proved part, the violation of a point of it where g is too large, or
    None where it cannot tell: then its ``halves``, which cover it, are looked at.
    """
    while parts:
        clock.check()
        part = parts.pop()
        violation = violation_in(part)
        if violation is None:
            parts += halves(part)
        elif violation:
            return violation
    return Fraction(0)
