"""Few coordinates for rows of low rank.

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
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from operator import mul

from flint import fmpq

from .document import RefusalError
from .dual import Clock
from .exact import Matrix, bits, check_size, fraction

MAX_RANK = 7  # of the rows of X, for branch and bound
MORE = 20.0  # seconds in which a higher rank may clear up what a lower one left unclear
Method = Callable[[Matrix, Matrix, int, Fraction, Clock], Fraction]


def in_few_coordinates(
    rows: Matrix, weights: list[int], beta: int, change: Callable[[int, Fraction], Fraction],
    method: Method, clock: Clock,
) -> Fraction:  # fmt: skip
    """`Units.excess` by a method for rows of low rank, at the lowest rank at which it can tell.

    ``method(points, H, scale, limit, clock)`` is 0 if |g| <= limit for the rows M^T z_j; otherwise
    |g| / limit - 1 at some u, or a little more. Leaving out d_j changes phi by at most
    ``change(|x_j|, |d_j|)``.
    """
    sizes = [sum(map(abs, row)) for row in rows]
    unclear = None
    for most in range(3, MAX_RANK + 1):
        points, H, scale, rests = coordinates(rows, most)
        slack = sum(map(mul, map(abs, weights), map(change, sizes, rests)), Fraction(0))
        if slack * 10**6 > beta:
            continue
        try:
            over = method(points, H, scale, beta - slack, clock)
        except RefusalError as refusal:
            raise unclear or refusal from None
        found = (beta - slack) * (1 + over)
        if not over or found - slack > beta:
            return over and (found - slack) / beta - 1
        clock, share = clock.within(MORE) if unclear is None else clock, float(slack / beta)
        unclear = RefusalError(
            f"not proved: what the rows are beyond rank {most} may add {share!r} of weight_decay "
            "to rho(v), and so much room is not left",
            (found + slack) / beta - 1,
        )
    raise unclear or RefusalError(
        f"the rank of the rows of X that v is not 0 on is above {MAX_RANK}"
    )


def coordinates(rows: Matrix, most: int) -> tuple[Matrix, Matrix, int, list[Fraction]]:
    """The z_j, ``H = M M^T`` times a common denominator, that denominator, the |d_j|_1."""
    # Eliminated are at most `most` columns: what is left are quotients of minors of the rows.
    check_size(sum(map(len, rows)), (2 * most + 1) * bits(rows))
    rests = [[fmpq(x) for x in row] for row in rows]
    M: list[list[fmpq]] = []  # in reduced echelon form: the identity in the columns J
    J: list[int] = []
    while len(J) < most and (largest := max((max(map(abs, rest)) for rest in rests), default=0)):
        base, k = next((rest, k) for rest in rests for k, x in enumerate(rest) if abs(x) == largest)
        base = [x / base[k] for x in base]
        M, rests = [*reduced(M, base, k), base], reduced(rests, base, k)
        J.append(k)
    H = [[sum(map(mul, x, y), fmpq(0)) for y in M] for x in M]
    scale = math.lcm(*(int(x.q) for row in H for x in row))
    sizes = [fraction(sum(map(abs, rest), fmpq(0))) for rest in rests]
    points = [[row[j] for j in J] for row in rows]
    return points, [[int(x * scale) for x in row] for row in H], scale, sizes


def reduced(rows: list[list[fmpq]], base: list[fmpq], k: int) -> list[list[fmpq]]:
    """The rows minus multiples of ``base``, so that column k becomes zero."""
    return [[x - row[k] * z for x, z in zip(row, base, strict=True)] for row in rows]
