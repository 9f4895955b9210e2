"""Proofs by branch and bound over cones.

Cones, in the coordinates w of section 5 with any rank, for g and |u| homogeneous in w. On the
cone of the w = W t, t >= 0, let p_j = W^T z_j. Of a row with p_j >= 0 or p_j <= 0 it is settled
what it adds; the others are in doubt. A cone on which it is not proved that g is at most beta |u|
(|u|^2) is halved at its longest edge; the first are the orthants. Let H^{-1} = P / determinant,
G = W^T P W.

Squared ReLU units: settled is A, level P at first, with beta |u|^2 - g = w^T A w - sum v_j (z_j .
w)_+^2. Rows with p_j >= 0 add -v_j z_j z_j^T to A. Of the rows in doubt, those with v_j < 0 may
be left out, and of those with v_j > 0 (z_j . w)_+ is at most p_j+ . t and at most |z_j . w|. So
it is enough if W^T A W - sum v_j p_j+ p_j+^T over these has no negative entry, or if A - sum v_j
z_j z_j^T is positive semidefinite.

Bent units, more than rank 3: settled is c, with g = c . w + sum v_j (z_j . w)_+, v multiplied by
right - left, and c = left sum v_j z_j at first. Rows with p_j >= 0 add v_j z_j to c. Of the rows
in doubt, those with v_j > 0 add at most v_j p_j+ . t, those with v_j < 0 at most s_j v_j p_j . t
with any s_j in [0, 1]. So g <= b . t, and it is enough if b <= 0, or if limit G - determinant
b b^T has no negative entry or is positive semidefinite (b^T G^{-1} b is small with good s_j);
limit is beta^2 in the scale of H.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from operator import mul
from typing import Any

from flint import fmpz_mat

from .coordinates import few_coordinates
from .dual import Clock, Dual
from .exact import Matrix, congruent, fraction, inner, root
from .semidefinite import semidefinite

Term = tuple[int, list[int]]  # v_j and z_j
Doubt = list[tuple[int, list[int], list[int]]]  # v_j, z_j and p_j of rows in doubt
SHARE = 2**40  # the s_j are multiples of its inverse


class ConeSearch:
    """Branch and bound over cones; what ``settled`` is and what proves a cone is for subclasses."""

    def __init__(self, H: Matrix, limit: int) -> None:
        self.limit, self.determinant = limit, int(fmpz_mat(H).det())
        inverse = fmpz_mat(H).inv().tolist()
        self.P = [[int(x * self.determinant) for x in row] for row in inverse]

    def run(self, settled: Any, terms: list[Term], clock: Clock) -> Fraction:
        """0 if all cones are proved; otherwise the excess of some corner."""
        axes = [[int(i == k) for k in range(len(self.P))] for i in range(len(self.P))]
        cones = [
            ([[s * x for x in axis] for s, axis in zip(signs, axes, strict=True)], settled, terms)
            for signs in product((1, -1), repeat=len(axes))
        ]
        while cones and axes:
            clock.check()
            W, settled, terms = cones.pop()
            P = [[inner(z, w) for w in W] for _, z in terms]
            doubt: Doubt = []
            for (v, z), p in zip(terms, P, strict=True):
                if min(p) >= 0:
                    settled = self.settle(settled, v, z)
                elif max(p) > 0:
                    doubt.append((v, z, p))
            G = congruent(self.P, W)
            if self.proves(settled, W, G, doubt):
                continue
            for k, w in enumerate(W):
                values = [(v, max(p[k], 0)) for v, _, p in doubt]
                if (excess := self.excess_at(settled, w, G[k][k], values)) > 0:
                    return excess
            edges = [
                (G[i][i] - 2 * G[i][j] + G[j][j], i, j) for j in range(len(W)) for i in range(j)
            ]
            _, i, j = max(edges)
            for k in (i, j):
                half = [[2 * x for x in w] for w in W]
                half[k] = [x + y for x, y in zip(W[i], W[j], strict=True)]
                cones.append((half, settled, [(v, z) for v, z, _ in doubt]))
        return Fraction(0)

    def settle(self, settled: Any, v: int, z: list[int]) -> Any:
        """With a row that is positive on the cone."""
        raise NotImplementedError

    def proves(self, settled: Any, W: Matrix, G: Matrix, doubt: Doubt) -> bool:
        """Whether it is plain that g is small enough on a cone."""
        raise NotImplementedError

    def excess_at(
        self, settled: Any, w: list[int], square: int, doubt: list[tuple[int, int]]
    ) -> Fraction:
        """By how much g is too large at w, w^T P w = square; rows in doubt as v_j, (z_j . w)_+."""
        raise NotImplementedError


class CurvedSearch(ConeSearch):
    """Squared ReLU units."""

    def excess(self, points: Matrix, weights: list[int], clock: Clock) -> Fraction:
        """`Units.excess`, or a lower bound of it."""
        A, excess = [[self.limit * x for x in row] for row in self.P], Fraction(0)
        for side in (self.determinant, -self.determinant):
            terms = [(side * v, z) for v, z in zip(weights, points, strict=True)]
            excess = excess or self.run(A, terms, clock)
        return excess

    def settle(self, settled: Any, v: int, z: list[int]) -> Any:
        return plus_square(settled, -v, z)

    def proves(self, settled: Any, W: Matrix, G: Matrix, doubt: Doubt) -> bool:
        B = congruent(settled, W)
        for v, z, p in doubt:
            if v > 0:
                B = plus_square(B, -v, [max(x, 0) for x in p])
                settled = plus_square(settled, -v, z)
        return min(map(min, B)) >= 0 or semidefinite(settled)

    def excess_at(
        self, settled: Any, w: list[int], square: int, doubt: list[tuple[int, int]]
    ) -> Fraction:
        value = sum(v * x * x for v, x in doubt) - congruent(settled, [w])[0][0]
        return Fraction(value, self.limit * square)


class BentSearch(ConeSearch):
    """Bent units."""

    def excess(
        self, points: Matrix, weights: list[int], slopes: tuple[int, int], clock: Clock
    ) -> Fraction:
        """`Units.excess`, or a lower bound of it."""
        excess = Fraction(0)
        for side in (1, -1):
            c = [side * slopes[0] * inner(weights, column) for column in zip(*points, strict=True)]
            jump = side * (slopes[1] - slopes[0])
            terms = [(jump * v, z) for v, z in zip(weights, points, strict=True)]
            excess = excess or self.run(c, terms, clock)
        return excess

    def settle(self, settled: Any, v: int, z: list[int]) -> Any:
        return [x + v * y for x, y in zip(settled, z, strict=True)]

    def proves(self, settled: Any, W: Matrix, G: Matrix, doubt: Doubt) -> bool:
        b = [inner(settled, w) for w in W]
        for v, _, p in doubt:
            b = [x + max(v, 0) * max(y, 0) for x, y in zip(b, p, strict=True)]
        b = with_shares(b, [[v * y for y in p] for v, _, p in doubt if v < 0], G)
        M = [[self.limit * SHARE**2 * x for x in row] for row in G]
        M = plus_square(M, -self.determinant, b)
        return max(b) <= 0 or min(map(min, M)) >= 0 or semidefinite(M)

    def excess_at(
        self, settled: Any, w: list[int], square: int, doubt: list[tuple[int, int]]
    ) -> Fraction:
        value = max(0, inner(settled, w) + sum(v * x for v, x in doubt))
        ratio = Fraction(self.determinant * value * value, self.limit * square)
        return root(ratio) - 1 if ratio > 1 else Fraction(0)


def with_shares(b: list[int], D: Matrix, G: Matrix) -> list[int]:
    """SHARE times b plus a share in [0, 1] of each row of D, such that b^T G^{-1} b is small.

    By coordinate descent in rounded numbers: what is found need not be best.
    """
    shares = [0] * len(D)
    size = max(map(abs, (*b, *(x for d in D for x in d), 1)))
    try:
        inverse = fmpz_mat(G).inv().tolist() if D else []
        metric = [[float(fraction(x * G[0][0])) for x in row] for row in inverse]
        rows = [[x / size for x in d] for d in D]
        images = [[sum(map(mul, row, d)) for row in metric] for d in rows]
        y = [sum(x / size * m for x, m in zip(b, row, strict=True)) for row in metric]
        for k in [*range(len(D))] * 3:
            step = sum(map(mul, rows[k], y)) / (sum(map(mul, rows[k], images[k])) or 1.0)
            share = min(SHARE, max(0, shares[k] - round(SHARE * min(1.0, max(-1.0, step)))))
            y = [p + (share - shares[k]) / SHARE * q for p, q in zip(y, images[k], strict=True)]
            shares[k] = share
    except (OverflowError, ValueError):  # the numbers are too different for doubles
        pass
    return [SHARE * x + inner(shares, [d[k] for d in D]) for k, x in enumerate(b)]


def plus_square(A: Matrix, v: int, z: Sequence[int]) -> Matrix:
    """``A + v z z^T``."""
    return [
        [a + v * x * y for a, y in zip(row, z, strict=True)] for row, x in zip(A, z, strict=True)
    ]


def curved_excess(dual: Dual, clock: Clock) -> Fraction:
    """`Units.excess` of units ``max(z, 0)^2``; where it is not 0, a lower bound of it."""
    rows, weights, beta = dual.scaled(2)
    points, H, H_scale, slack = few_coordinates(
        rows, weights, beta, lambda size, d: (2 * size + 3 * d) * d
    )
    return CurvedSearch(H, math.floor((beta - slack) * H_scale)).excess(points, weights, clock)
