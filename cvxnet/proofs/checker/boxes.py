"""Proofs by branch and bound over boxes, for tanh units.

g(w) = sum_j v_j tanh(z_j . w), w^T P w <= R^2. On the w = c + d with
|d_k| <= h_k let K_j be a bound on v_j tanh'' over z_j . c +- sum_k |z_jk| h_k. By Taylor's
theorem, with the gradient G at c, for every mu >= 0 (a multiplier of the ball)

    g(w) <= g(c) + G . d + 1/2 sum_j K_j (z_j . d)^2 + mu/2 (R^2 - (c + d)^T P (c + d))
          = g(c) + mu/2 (R^2 - c^T P c) + (G - mu P c) . d + 1/2 d^T B d,

B = sum_j K_j z_j z_j^T - mu P, and d^T B d <= sum_k b_k d_k^2 with b_k = B_kk + sum_{l != k} |B_kl|
h_l / h_k: a parabola in each coordinate. Tried are mu = 0 and the mu for which c . (G - mu P c) =
0; otherwise the box is halved. As g is odd, one side is enough. (Branch and bound with bounds of
second derivatives over boxes is the method alpha-BB; Adjiman, Dallwig, Floudas, Neumaier, Computers
& Chemical Engineering 22, 1998.)
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from flint import arb, arb_mat, fmpq

from .coordinates import LowRank, branch_and_bound, in_few_coordinates, whole_inverse
from .dual import Clock, Dual, only
from .exact import ball, balls, fraction, inner, positive, root_above

SHORT = 64  # bits, of these balls


class Box(NamedTuple):
    """The ``w = c + d`` with ``|d_k| <= h_k``: r numbers each."""

    c: list[arb]
    h: list[arb]


class BoxSearch(NamedTuple):
    """Whether g is at most ``limit`` where ``w^T P w <= square``; Z has the z_j, (n, r)."""

    v: list[arb]
    Z: arb_mat
    sizes: arb_mat  # |z_jk|
    P: list[list[arb]]
    square: arb
    limit: arb

    def violation_in(self, box: Box) -> Fraction | None:
        """0 if g is small enough in the box, or it is outside the ball; as `branch_and_bound`."""
        c, h = box
        Pc = times(self.P, c)
        inside = self.square - inner(c, Pc)  # R^2 - c^T P c
        if inside + 2 * inner(map(abs, Pc), h) < 0 or self.bounded(box, Pc, inside):
            return Fraction(0)
        shrink = arb(1) if inside >= 0 else (self.square / inner(c, Pc)).sqrt().lower()
        value = inner(self.v, ((x * shrink).tanh() for x in product(self.Z, c)))
        return fraction((value / self.limit).lower()) - 1 if value > self.limit else None

    def bounded(self, box: Box, Pc: list[arb], inside: arb) -> bool:
        """Whether one of two mu gives a bound of g in the box that is low enough."""
        value, G, B = self.taylor(box)
        for mu in (arb(0), positive(inner(box.c, G)) / inner(box.c, Pc)):
            g = [x - mu * y for x, y in zip(G, Pc, strict=True)]
            bend = [
                [x - mu * y for x, y in zip(*rows, strict=True)]
                for rows in zip(B, self.P, strict=True)
            ]
            if value + mu / 2 * inside + parabolas(g, bend, box.h) <= self.limit:
                return True
        return False

    def taylor(self, box: Box) -> tuple[arb, list[arb], list[list[arb]]]:
        """g and its gradient at c (r numbers), and the sum of K_j z_j z_j^T (r x r)."""
        v, Z, at = self.v, self.Z, product(self.Z, box.c)
        reach = product(self.sizes, box.h)
        t = [x.tanh() for x in at]
        around = [(x + arb(0, d)).tanh() for x, d in zip(at, reach, strict=True)]
        slopes = [x * (1 - y * y) for x, y in zip(v, t, strict=True)]
        K = [(-2 * x * y * (1 - y * y)).upper() for x, y in zip(v, around, strict=True)]
        bent = arb_mat([[k * x for x in z] for k, z in zip(K, Z.tolist(), strict=True)])
        return inner(v, t), product(Z.transpose(), slopes), (Z.transpose() * bent).tolist()

    def halves(self, box: Box) -> Iterator[Box]:
        """Cut where the box is longest, in the metric of the ball."""
        c, h = box
        k = max(range(len(h)), key=lambda k: float(h[k] * h[k] * self.P[k][k]))
        h = [x / 2 if i == k else x for i, x in enumerate(h)]
        for step in (h[k], -h[k]):
            yield Box([x + step if i == k else x for i, x in enumerate(c)], h)


def tanh_violation(dual: Dual, radius: Fraction, clock: Clock) -> Fraction:
    """`Units.violation` of units ``tanh(z)``; where it is not 0, a lower bound of it."""

    def violation(problem: LowRank, clock: Clock) -> Fraction:
        if not problem.H:
            return Fraction(0)
        Z = [[arb(fmpq(x, dual.x_scale)) for x in z] for z in problem.points]
        inverse, determinant = whole_inverse(problem.H)
        P = [[arb(fmpq(problem.scale * x, determinant)) for x in row] for row in inverse]
        sizes = [[abs(x) for x in z] for z in Z]
        v, square, limit = only(problem.weights), ball(radius**2), ball(problem.limit)
        search = BoxSearch(list(map(arb, v)), arb_mat(Z), arb_mat(sizes), P, square, limit)
        squares = [Fraction(row[k], problem.scale) for k, row in enumerate(problem.H)]
        whole = Box([arb(0)] * len(P), [ball(radius * root_above(x)) for x in squares])
        return branch_and_bound([whole], search.violation_in, search.halves, clock)

    with balls(SHORT):
        return in_few_coordinates(
            dual.scaled(0), lambda _, d: radius * d / dual.x_scale, violation, clock
        )


def product(M: arb_mat, x: list[arb]) -> list[arb]:
    """``M x``."""
    return list((M * arb_mat(len(x), 1, x)).entries())


def parabolas(g: list[arb], B: list[list[arb]], h: list[arb]) -> arb:
    """A bound on ``g . d + 1/2 d . B d`` over ``|d_k| <= h_k``: r numbers, B is (r, r)."""
    bound = arb(0)
    for k, x in enumerate(h):
        others = sum(abs(B[k][i]) * y / x for i, y in enumerate(h) if i != k)
        bend = B[k][k] + others
        steep = abs(g[k])
        if bend < 0 and steep < -bend * x:
            bound += steep * steep / (-2 * bend)
        else:
            bound += steep * x + (bend if steep >= -bend * x else positive(bend)) * x * x / 2
    return bound


def times(M: list[list[arb]], x: list[arb]) -> list[arb]:
    """``M x``."""
    return [inner(row, x) for row in M]
