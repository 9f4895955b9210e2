"""Proofs by positive semidefinite matrices.

Quadratic units: g(u) = u^T (sum_i v_i x_i x_i^T) u, so |g| <= beta on the unit ball if and only
if beta I +- sum_i v_i x_i x_i^T are positive semidefinite.

Polynomial units: on the sphere g(u) = u^T Q u + q . u + r, Q = a sum_i v_i x_i x_i^T, q = b
sum_i v_i x_i, r = c sum_i v_i. If for some mu

    ( mu I - Q    -q / 2        )
    ( -q^T / 2    beta - r - mu )

is positive semidefinite, then applied to (u, 1) with |u| = 1 it says g(u) <= beta. Such a mu
exists if g <= beta (S-lemma). Elimination leaves a last pivot that is a concave function of mu; a
search for its largest value ends where it is positive.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from flint import arb, fmpq, fmpz_mat

from .document import RefusalError
from .dual import Clock, Dual
from .exact import MAX_BITS, Matrix, balls, bits, inner, rational

MAX_ORDER = 200  # of a symmetric matrix


def semidefinite(M: Matrix) -> bool:
    """Whether a symmetric matrix is positive semidefinite.

    Where balls cannot tell, exactly: its eigenvalues are real, and none is negative if and only if
    the signs of the characteristic polynomial alternate (then it has no negative root).
    """
    size = len(M)
    if size * bits(M) > MAX_BITS:
        raise RefusalError(f"too large: a symmetric matrix of order {size} with {bits(M)} bits")
    with balls():
        pivot = last_pivot([[arb(x) for x in row] for row in M])
    if pivot is not None and pivot > 0:
        return True
    coefficients = fmpz_mat(M).charpoly().coeffs()
    return all(x * (-1) ** (size - k) >= 0 for k, x in enumerate(coefficients))


def last_pivot(M: list[list[arb]]) -> arb | None:
    """The last pivot of a symmetric matrix (changed in place) if all before it are positive."""
    for k in range(len(M) - 1):
        if not M[k][k] > 0:
            return None
        for i in range(k + 1, len(M)):
            factor = M[i][k] / M[k][k]
            for j in range(k + 1, i + 1):
                M[i][j] -= factor * M[j][k]
    return M[-1][-1]


def outer_sum(rows: Matrix, weights: list[int]) -> Matrix:
    """The sum of ``weight * x x^T``."""
    check_order(len(rows[0]))
    weighted = [[w * x for x in row] for row, w in zip(rows, weights, strict=True)]
    product = fmpz_mat(rows).transpose() * fmpz_mat(weighted)
    return [[int(x) for x in row] for row in product.table()]


def check_order(size: int) -> None:
    """Refuse matrices that would take too long."""
    if size > MAX_ORDER:
        raise RefusalError(f"too large: {size} columns")


def quadratic_excess(dual: Dual) -> Fraction:
    """`Units.excess` of units z^2; refuses where it is not 0."""
    rows, weights, beta = dual.scaled(2)
    for sign in (1, -1) if rows else ():
        M = outer_sum(rows, [sign * weight for weight in weights])
        for k in range(len(M)):
            M[k][k] += beta
        if not semidefinite(M):
            raise RefusalError("dual infeasible: |sum_i v_i z_i^2| is above weight_decay somewhere")
    return Fraction(0)


def polynomial_excess(dual: Dual, coefficients: list[fmpq], clock: Clock) -> Fraction:
    """`Units.excess` of units ``a z^2 + b z + c`` on the sphere; refuses where it finds no mu."""
    a, b, c = (x / dual.v_scale for x in coefficients)
    Q = [[a * x / dual.x_scale**2 for x in row] for row in outer_sum(dual.X, dual.v)]
    q = [b * inner(dual.v, column) / dual.x_scale for column in zip(*dual.X, strict=True)]
    beta, r = rational(float(dual.beta)), c * sum(dual.v)
    for sign in (1, -1):

        def pivot(mu: fmpq, sign: int = sign) -> arb | None:
            M = [[arb(-sign * x) for x in row] for row in Q]
            for k, row in enumerate(M):
                row[k] += mu
            clock.check()
            return last_pivot([*M, [arb(-sign * x / 2) for x in q] + [arb(beta - sign * r - mu)]])

        with balls():
            low = max(sign * Q[k][k] for k in range(len(q)))
            if not finds_positive(pivot, low, beta - sign * r):
                raise RefusalError("not proved feasible: no multiplier of the sphere was found")
    return Fraction(0)


def finds_positive(function: Callable[[fmpq], arb | None], low: fmpq, high: fmpq) -> bool:
    """Whether a concave function is found to be positive somewhere; None is minus infinity."""
    for _ in range(128 if low < high else 0):
        first, second = (5 * low + 3 * high) / 8, (3 * low + 5 * high) / 8
        values = function(first), function(second)
        if any(value is not None and value > 0 for value in values):
            return True
        if values[0] is None or (values[1] is not None and values[0] < values[1]):
            low = first
        else:
            high = second
    return False
