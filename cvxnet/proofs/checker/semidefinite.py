"""Proofs by positive semidefinite matrices.

Forms on the ball. If for some mu >= 0 (on the sphere, any mu) the matrix

    ( mu I - Q    -q / 2    )
    ( -q^T / 2    most - mu )

is positive semidefinite, then applied to (u, 1) it says u^T Q u + q . u <= most - mu (1 - |u|^2)
<= most for all |u| <= 1 (on the sphere, |u| = 1).

Quadratic units: g(u) = u^T (sum_i v_i x_i x_i^T) u, so |g| <= beta on the unit ball if and only
if beta I +- sum_i v_i x_i x_i^T are positive semidefinite; g <= beta if the one with the minus is.

Linear units: g(u) = G^T u, so rho is the largest singular value of G. It is at most beta if and
only if beta^2 I - G^T G is positive semidefinite, or beta^2 I - G G^T.

Polynomial units: on the sphere g(u) = u^T Q u + q . u + r, Q = a sum_i v_i x_i x_i^T, q = b sum_i
v_i x_i, r = c sum_i v_i: a form on the sphere, with most = beta - r. A mu exists if g <= beta
(S-lemma; Polik, Terlaky, SIAM Review 49, 2007). Elimination leaves a last pivot that is a concave
function of mu; a search for its largest value ends where it is positive.

Piecewise linear units with evidence: relaxation.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from flint import arb, fmpq, fmpz_mat

from .document import RefusalError
from .dual import Clock, Dual, only
from .exact import MAX_BITS, Matrix, Number, above_one, balls, bits, check_size, inner, rational

MAX_ORDER = 200  # of a symmetric matrix
SECONDS = 1e-10  # for a characteristic polynomial, times the order to the fourth, times bits
STEPS = 100  # of a power iteration
PORTION = 2 * 10**5  # numbers multiplied between two looks at the clock


def ball_form(Q: Sequence[Sequence[Number]], q: Sequence[Number], most: Number, mu: Number) -> Any:
    """The matrix that shows ``u^T Q u + q . u <= most``: Q is (d, d), q (d), it has d + 1 rows."""
    M = [[-x for x in row] + [-y / 2] for row, y in zip(Q, q, strict=True)]
    for k, row in enumerate(M):
        row[k] += mu
    return [*M, [-y / 2 for y in q] + [most - mu]]


def semidefinite(M: Matrix, clock: Clock) -> bool:
    """Whether a symmetric matrix is positive semidefinite.

    Where balls cannot tell, exactly: its eigenvalues are real, and none is negative if and only if
    the signs of the characteristic polynomial alternate (then it has no negative root; Horn,
    Johnson, Matrix Analysis, corollary 7.2.4).
    """
    size = len(M)
    if size * bits(M) > MAX_BITS:
        raise RefusalError(f"too large: a symmetric matrix of order {size} with {bits(M)} bits")
    with balls():
        found = pivots([[arb(x) for x in row] for row in M])
    if found[-1] < 0 or (found[-1] >= 0 and len(found) == size):
        return bool(found[-1] >= 0)
    clock.check(SECONDS * size**4 * bits(M))
    coefficients = fmpz_mat(M).charpoly().coeffs()
    return all(x * (-1) ** (size - k) >= 0 for k, x in enumerate(coefficients))


def eliminates(M: list[list[Number]]) -> bool:
    """Whether elimination shows M to be positive semidefinite; it changes M in place."""
    found = pivots(M) if M else []
    return len(found) == len(M) and all(t >= 0 for t in found)


def pivots(M: list[list[Number]]) -> list[Number]:
    """The pivots of a symmetric matrix, exact or of balls; its lower triangle is changed in place.

    They end with the last one, or before it with the first that is neither certainly positive nor
    a zero above zeros. All there and none negative: M is positive semidefinite; and definite, if
    all are positive. One negative: it is not semidefinite. In exact numbers one of both is found.
    """
    for k in range(len(M) - 1):
        below = range(k + 1, len(M))
        if M[k][k] == 0 and all(M[i][k] == 0 for i in below):
            continue
        if not M[k][k] > 0:
            return [M[i][i] for i in range(k + 1)]
        for i in below:
            factor = M[i][k] / M[k][k]
            for j in range(k + 1, i + 1):
                M[i][j] -= factor * M[j][k]
    return [M[i][i] for i in range(len(M))]


def outer_sum(rows: Matrix, weights: list[int], clock: Clock) -> Matrix:
    """The sum of ``weight * x x^T``."""
    check_order(len(rows[0]))
    weighted = [[w * x for x in row] for row, w in zip(rows, weights, strict=True)]
    return product_sum(rows, weighted, clock)


def product_sum(A: Matrix, B: Matrix, clock: Clock) -> Matrix:
    """``A^T B``, of matrices with a row for each sample, portion by portion."""
    size = len(A[0]) * len(B[0])
    check_size(size, bits(A) + bits(B) + len(A).bit_length())
    total, count = fmpz_mat(len(A[0]), len(B[0])), PORTION // size + 1
    for start in range(0, len(A), count):
        part = slice(start, start + count)
        total += fmpz_mat(A[part]).transpose() * fmpz_mat(B[part])
        clock.check()
    return [[int(x) for x in row] for row in total.table()]


def check_order(size: int) -> None:
    """Refuse matrices that would take too long."""
    if size > MAX_ORDER:
        raise RefusalError(f"too large: {size} columns")


def quadratic_violation(dual: Dual, clock: Clock) -> Fraction:
    """`Units.violation` of units z^2; refuses where it is not 0."""
    rows, weights, beta = dual.scaled(2)
    for side in dual.sides if rows else ():
        M = outer_sum(rows, [-side * weight for weight in only(weights)], clock)
        for k in range(len(M)):
            M[k][k] += beta
        if not semidefinite(M, clock):
            raise RefusalError("dual infeasible: +-sum_i v_i z_i^2 is above weight_decay somewhere")
    return Fraction(0)


def singular_violation(G: Matrix, limit: Fraction, clock: Clock) -> Fraction:
    """`Units.violation` where rho^2 is the largest eigenvalue of ``G^T G`` and beta^2 the limit."""
    G = G if len(G) >= len(G[0]) else list(map(list, zip(*G, strict=True)))
    check_order(len(G[0]))
    A = product_sum(G, G, clock)
    M = [[-limit.denominator * x for x in row] for row in A]
    for k, row in enumerate(M):
        row[k] += limit.numerator
    if semidefinite(M, clock):
        return Fraction(0)
    x = top_direction(A)
    over = above_one(Fraction(inner(x, [inner(row, x) for row in A]), inner(x, x)) / limit)
    if not over:
        raise RefusalError("dual infeasible: rho(v) is above weight_decay by a little")
    return over


def top_direction(A: Matrix) -> list[int]:
    """About where ``x^T A x / x^T x`` is largest, by power iteration; A is not zero."""
    top = max(map(max, A))
    shares = [[x / top for x in row] for row in A]
    x = max(shares, key=max)
    for _ in range(STEPS):
        x = [inner(row, x) for row in shares]
        size = max(map(abs, x))
        x = [y / size for y in x]
    return [round(y * 2**60) for y in x]


def polynomial_violation(dual: Dual, coefficients: list[fmpq], clock: Clock) -> Fraction:
    """`Units.violation` of units ``a z^2 + b z + c`` on the sphere; refuses if it finds no mu."""
    a, b, c = (x / dual.v_scale for x in coefficients)
    Q = [[a * x / dual.x_scale**2 for x in row] for row in outer_sum(dual.X, dual.v, clock)]
    q = [b * inner(dual.v, column) / dual.x_scale for column in zip(*dual.X, strict=True)]
    beta, r = rational(float(dual.beta)), c * sum(dual.v)
    for sign in (1, -1):
        side = [[sign * x for x in row] for row in Q], [sign * x for x in q], beta - sign * r
        if not bounded_on_sphere(*side, clock):
            raise RefusalError("not proved feasible: no multiplier of the sphere was found")
    return Fraction(0)


def bounded_on_sphere(Q: list[list[fmpq]], q: list[fmpq], most: fmpq, clock: Clock) -> bool:
    """Whether a mu is found that shows ``u^T Q u + q . u <= most`` for |u| = 1; Q (d, d), q (d)."""

    def last_pivot(mu: fmpq) -> arb | None:
        clock.check()
        found = pivots([list(map(arb, row)) for row in ball_form(Q, q, most, mu)])
        return found[-1] if len(found) > len(q) else None

    with balls():
        return finds_positive(last_pivot, max(Q[k][k] for k in range(len(q))), most)


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
