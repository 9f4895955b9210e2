"""Proofs by branch and bound over boxes, for tanh units.

g(w) = sum_j v_j tanh(z_j . w), w^T P w <= R^2. On the w = c + d with
|d_k| <= h_k let K_j be a bound on v_j tanh'' over z_j . c +- sum_k |z_jk| h_k. By Taylor's
theorem, with the gradient G at c, for every mu >= 0

    g(w) <= g(c) + G . d + 1/2 sum_j K_j (z_j . d)^2 + mu/2 (R^2 - (c + d)^T P (c + d))
          = g(c) + mu/2 (R^2 - c^T P c) + (G - mu P c) . d + 1/2 d^T B d,

B = sum_j K_j z_j z_j^T - mu P, and d^T B d <= sum_k b_k d_k^2 with b_k = B_kk + sum_{l != k}
|B_kl| h_l / h_k: a parabola in each coordinate. Tried are mu = 0 and the mu for which c . (G -
mu P c) = 0; otherwise the box is halved. As g is odd, one side is enough.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from operator import mul

from flint import arb, fmpq

from .cones import ConeSearch
from .coordinates import in_few_coordinates
from .dual import Clock, Dual
from .exact import Matrix, ball, balls, fraction, positive, root


def tanh_excess(dual: Dual, radius: Fraction, clock: Clock) -> Fraction:
    """`Units.excess` of units ``tanh(z)``; where it is not 0, a lower bound of it."""
    rows, weights, beta = dual.scaled(0)

    def excess(points: Matrix, H: Matrix, H_scale: int, most: Fraction, clock: Clock) -> Fraction:
        Z = [[arb(fmpq(x, dual.x_scale)) for x in z] for z in points]
        return search_boxes(Z, weights, H, H_scale, radius, most, clock)

    with balls():
        return in_few_coordinates(
            rows, weights, beta, lambda _, d: radius * d / dual.x_scale, excess, clock
        )


def search_boxes(
    Z: list[list[arb]], weights: list[int], H: Matrix, H_scale: int, radius: Fraction,
    most: Fraction, clock: Clock,
) -> Fraction:  # fmt: skip
    """0 if g <= most in the ball, otherwise at most ``g / most - 1`` somewhere."""
    search, r = ConeSearch(H, 0, clock), range(len(H))
    P = [[arb(fmpq(H_scale * x, search.determinant)) for x in row] for row in search.P]
    terms, limit, square = list(zip(map(arb, weights), Z, strict=True)), ball(most), ball(radius**2)
    whole = [ball(radius * root(Fraction(H[k][k], H_scale))) for k in r]
    boxes = [([arb(0) for _ in r], whole)] if H else []
    while boxes:
        clock.check()
        c, h = boxes.pop()
        Pc = [total(map(mul, row, c)) for row in P]
        size = total(map(mul, c, Pc))
        inside = square - size
        if inside + 2 * total(map(mul, map(abs, Pc), h)) < 0:
            continue  # outside the ball
        value, G, B = taylor(terms, c, h)
        for mu in (arb(0), positive(total(map(mul, c, G))) / size):
            g = [x - mu * y for x, y in zip(G, Pc, strict=True)]
            bend = [[B[i][k] - mu * P[i][k] for k in r] for i in r]
            if value + mu / 2 * inside + parabolas(g, bend, h) <= limit:
                break
        else:
            shrink = arb(1) if inside >= 0 else (square / size).sqrt().lower()
            value = total(v * (total(map(mul, z, c)) * shrink).tanh() for v, z in terms)
            if value > limit:
                return fraction((value / limit).lower()) - 1
            k = max(r, key=lambda k: float(h[k] * h[k] * P[k][k]))
            h = [x / 2 if i == k else x for i, x in enumerate(h)]
            boxes += [
                ([x + s * h[k] if i == k else x for i, x in enumerate(c)], h) for s in (1, -1)
            ]
    return Fraction(0)


def taylor(
    terms: list[tuple[arb, list[arb]]], c: list[arb], h: list[arb]
) -> tuple[arb, list[arb], list[list[arb]]]:
    """g and its gradient at c, and the sum of K_j z_j z_j^T."""
    value, G = arb(0), [arb(0) for _ in c]
    B = [[arb(0) for _ in c] for _ in c]
    for v, z in terms:
        s, reach = total(map(mul, z, c)), total(map(mul, map(abs, z), h))
        t, around = s.tanh(), (s + arb(0, reach)).tanh()
        value += v * t
        slope, K = v * (1 - t * t), (-2 * v * around * (1 - around * around)).upper()
        G = [g + slope * x for g, x in zip(G, z, strict=True)]
        B = [
            [b + K * x * y for b, y in zip(row, z, strict=True)]
            for row, x in zip(B, z, strict=True)
        ]
    return value, G, B


def parabolas(g: list[arb], B: list[list[arb]], h: list[arb]) -> arb:
    """A bound on ``g . d + 1/2 d . B d`` over ``|d_k| <= h_k``."""
    bound = arb(0)
    for k, x in enumerate(h):
        bend = total(abs(b) * y / x for b, y in zip(B[k], h, strict=True)) - abs(B[k][k]) + B[k][k]
        steep = abs(g[k])
        if bend < 0 and steep < -bend * x:
            bound += steep * steep / (-2 * bend)
        else:
            bound += steep * x + (bend if steep >= -bend * x else positive(bend)) * x * x / 2
    return bound


def total(values: Iterable[arb]) -> arb:
    """The sum of balls."""
    return sum(values, arb(0))
