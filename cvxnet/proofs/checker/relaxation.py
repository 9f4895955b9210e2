"""Proofs by relaxation, with evidence: every set of multipliers proves a bound, good or bad.

For piecewise linear units at any rank. With phi(z) = p z + q |z|, p = (right + left) / 2 and q =
(right - left) / 2, and for both sides +1 and -1 (for one where output weights have one sign), to
prove: for all |u| <= 1 (the l1 ball lies in that one),

    side g(u) = slope . u + sum_k w_k |x_k . u| <= beta,   slope = side p X^T v,  w = side q v.

The evidence is a tree for each such side, plus and minus. A node that is a split on row l has two
children: one about the u with x_l . u >= 0, one about those with x_l . u <= 0. A leaf is about
the u with sigma_l x_l . u >= 0 for the rows l on its path, F, and brings multipliers: tilt s_k;
lean a_ik, i != k, i not in F; tau_i > 0 (0 if not needed); mu >= 0. Let

    d_k = w_k + |s_k| + sum_i |a_ik|,    y_i = max(0, d_i) x_i - sum_k a_ik x_k  for i not in F.

As sum w_k |x_k . u| = sum d_k |x_k . u| - sum |s_k| |x_k . u| - sum |a_ik| |x_k . u|, where
|x_l . u| = sigma_l x_l . u for l in F, |s_k| |x_k . u| >= s_k x_k . u, and max(0, d_i) |x_i . u|
<= |y_i . u| + sum_k |a_ik| |x_k . u|, |y_i . u| <= (y_i . u)^2 / (2 tau_i) + tau_i / 2,

    side g(u) <= u^T Q u + c . u + sum_i tau_i / 2,    Q = sum_i y_i y_i^T / (2 tau_i),
    c = slope - sum_k s_k x_k + sum_F d_l sigma_l x_l,

and that is at most beta on the ball if `ball_form` of Q, c, beta - sum_i tau_i / 2 and mu is
positive semidefinite (semidefinite.py). Rounding a w_k up, or a factor of Q, only adds to side g.

A leaf may bring inequalities of signs, "odd": whole numbers e_0 and e_i, i not in F, whose sum is
odd, and a multiplier lambda >= 0. With sigma_i = +-1 such that |x_i . u| = sigma_i x_i . u for
all i that occur in any, S, the number e_0 + sum_i e_i sigma_i is odd, so its square is at least 1.
For these i, max(0, d_i) |x_i . u| <= sigma_i y_i . u + sum_k |a_ik| |x_k . u|, and as sigma_i^2 = 1

    sum_S sigma_i y_i . u <= sum_S (sigma_i y_i . u + tau_i (1 - sigma_i^2) / 2)
        + sum lambda ((e_0 + sum_i e_i sigma_i)^2 - 1) / 2,

a quadratic function of u and sigma, for any tau_i. So side g(u) is at most beta on the ball if the
matrix of beta less all that (in u, 1 and sigma), with mu (|u|^2 - 1) added, is positive
semidefinite: that of `ball_form`, bordered by -y_i / 2 and -l_i / 2 and by T / 2, where

    T = diag(tau) - sum lambda e e^T,   l = sum lambda e_0 e,

and beta has lost sum lambda (e_0^2 - 1) / 2 more.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from flint import fmpq, fmpz_mat

from .document import RefusalError
from .dual import Clock, Dual
from .exact import Matrix, over_common_denominator, rational, rounded_up
from .semidefinite import ball_form, check_order, outer_sum, semidefinite

FEW = 64  # binary digits of factors of Q


class Odd(NamedTuple):
    """An inequality of signs: e_0, the e_i by i, and lambda."""

    constant: int
    weights: dict[int, int]
    share: fmpq


class Leaf(NamedTuple):
    """What a leaf brings, in the letters above; of n rows.

    ``tilt``: s, n numbers. ``lean``: triples (i, k, a_ik). ``tau``: n doubles. ``signs``: of the
    rows F on the path to the leaf, sigma_l by l. ``odd``: inequalities of signs.
    """

    tilt: list[fmpq]
    lean: list[tuple[int, int, fmpq]]
    tau: list[float]
    mu: fmpq
    signs: dict[int, int]
    odd: list[Odd]


def leaves(tree: Any) -> Iterator[Leaf]:
    """The leaves of a tree: their parts cover all u, as x_l . u >= 0 or <= 0 at every split."""
    if tree is None:
        raise RefusalError("evidence: the tree of a side is missing")
    nodes: list[tuple[Any, dict[int, int]]] = [(tree, {})]
    while nodes:
        node, signs = nodes.pop()
        if "row" in node:
            nodes.append((node["plus"], signs | {node["row"]: 1}))
            nodes.append((node["minus"], signs | {node["row"]: -1}))
        else:
            yield leaf_of(node, signs)


def leaf_of(node: Any, signs: dict[int, int]) -> Leaf:
    """A leaf whose multipliers are of the kind that the proof allows; mu and tau come later."""
    lean = [(i, k, rational(a)) for i, k, a in node["lean"]]
    if any(i == k or i in signs for i, k, _ in lean):
        raise RefusalError("evidence: a row leans on itself, or has a fixed sign and leans")
    tilt = list(map(rational, node["tilt"]))
    odd = [odd_of(entry, signs) for entry in node["odd"]]
    return Leaf(tilt, lean, node["tau"], mu=rational(node["mu"]), signs=signs, odd=odd)


def odd_of(entry: list[Any], signs: dict[int, int]) -> Odd:
    """An inequality that holds for all signs."""
    constant, terms, share = entry
    weights: dict[int, int] = dict(terms)
    if len(weights) < len(terms) or any(i in signs for i in weights):
        raise RefusalError("evidence: odd has a row twice, or one whose sign is fixed")
    if (constant + sum(weights.values())) % 2 == 0 or share < 0.0:
        raise RefusalError("evidence: odd has an even sum, or a negative multiplier")
    return Odd(constant, weights, rational(share))


class Side(NamedTuple):
    """``side g(u) = slope . u + sum_k w_k |x_k . u|``: X has n rows, w n numbers.

    The rows are in whole numbers, times ``scale``; so are sums of them, with a scale of their own.
    """

    X: Matrix
    scale: int
    w: list[fmpq]
    slope: list[fmpq]
    beta: fmpq
    clock: Clock

    def proved_by(self, leaf: Leaf) -> bool:
        """Whether side g <= beta for the u with the signs of the leaf."""
        d = self.bends(leaf)
        Y, scale = self.squared(leaf, d)
        S = sorted({i for odd in leaf.odd for i in odd.weights})
        alone = {i: y for i, y in Y.items() if i not in S}
        taus = [rational(leaf.tau[i]) for i in alone]
        if leaf.mu < 0 or any(tau <= 0 for tau in taus):
            raise RefusalError("evidence: mu is negative, or a tau that is needed is not positive")
        rest = self.beta - spent(leaf, [*alone, *S]) / 2
        Q = self.curvature(list(alone.values()), taus, scale)
        form = ball_form(Q, self.linear(leaf, d), rest, leaf.mu)
        zero = [0] * len(self.slope)
        M = bordered(form, [[fmpq(x, scale) for x in Y.get(i, zero)] for i in S], S, leaf)
        check_order(len(M))
        return semidefinite(over_common_denominator(M)[0], self.clock)

    def bends(self, leaf: Leaf) -> list[fmpq]:
        """``d_k = w_k + |s_k| + sum_i |a_ik|``, n numbers."""
        d = [x + abs(s) for x, s in zip(self.w, leaf.tilt, strict=True)]
        for _, k, a in leaf.lean:
            d[k] += abs(a)
        return d

    def linear(self, leaf: Leaf, d: list[fmpq]) -> list[fmpq]:
        """``c = slope - sum_k s_k x_k + sum_F d_l sigma_l x_l``."""
        pairs = enumerate(zip(d, leaf.tilt, strict=True))
        shares = [leaf.signs.get(k, 0) * x - s for k, (x, s) in pairs]
        added = combination(shares, self.X, self.scale)
        return [x + y for x, y in zip(self.slope, added, strict=True)]

    def squared(self, leaf: Leaf, d: list[fmpq]) -> tuple[dict[int, list[int]], int]:
        """By i, the ``y_i = max(0, d_i) x_i - sum_k a_ik x_k`` that are not zero; their scale."""
        budgets = [max(fmpq(0), x) * (i not in leaf.signs) for i, x in enumerate(d)]
        leans = [a for _, _, a in leaf.lean]
        (shares, parts), scale = over_common_denominator([budgets, leans])
        Y = [[share * z for z in row] for share, row in zip(shares, self.X, strict=True)]
        for (i, k, _), a in zip(leaf.lean, parts, strict=True):
            self.clock.check()
            Y[i] = [x - a * z for x, z in zip(Y[i], self.X[k], strict=True)]
        return {i: y for i, y in enumerate(Y) if any(y)}, scale * self.scale

    def curvature(self, Y: Matrix, taus: list[fmpq], scale: int) -> list[list[fmpq]]:
        """No less than ``Q = sum_i y_i y_i^T / (2 tau_i)``: factors are rounded up."""
        if not Y:
            return [[fmpq(0)] * len(self.slope) for _ in self.slope]
        (factors,), unit = over_common_denominator(
            [[rounded_up(1 / (2 * tau), FEW) for tau in taus]]
        )
        Q = outer_sum(Y, factors, self.clock)
        return [[fmpq(x, unit * scale**2) for x in row] for row in Q]


def spent(leaf: Leaf, rows: list[int]) -> fmpq:
    """The sum of the tau_i of these rows, and of ``lambda (e_0^2 - 1)``."""
    total = sum((rational(leaf.tau[i]) for i in rows), fmpq(0))
    return total + sum((odd.share * (odd.constant**2 - 1) for odd in leaf.odd), fmpq(0))


def bordered(
    form: list[list[fmpq]], Y: list[list[fmpq]], S: list[int], leaf: Leaf
) -> list[list[fmpq]]:
    """The matrix in u, 1 and the signs of the rows S, whose y are Y."""
    T, ell = of_signs(S, leaf)
    side = [[-x / 2 for x in [*y, linear]] for y, linear in zip(Y, ell, strict=True)]
    above = [[*row, *(b[k] for b in side)] for k, row in enumerate(form)]
    return above + [[*b, *(x / 2 for x in t)] for b, t in zip(side, T, strict=True)]


def of_signs(S: list[int], leaf: Leaf) -> tuple[list[list[fmpq]], list[fmpq]]:
    """T and l, for the rows S."""
    place = {i: k for k, i in enumerate(S)}
    T, ell = [[fmpq(0)] * len(S) for _ in S], [fmpq(0)] * len(S)
    for i, k in place.items():
        T[k][k] = rational(leaf.tau[i])
    for odd in leaf.odd:
        for i, e in odd.weights.items():
            ell[place[i]] += odd.share * odd.constant * e
            for j, f in odd.weights.items():
                T[place[i]][place[j]] -= odd.share * e * f
    return T, ell


def relaxed_violation(dual: Dual, sides: tuple[fmpq, fmpq], trees: Any, clock: Clock) -> Fraction:
    """`Units.violation` of units linear on both sides of 0, with these slopes; or refuses."""
    left, right = sides
    check_order(len(dual.X[0]))
    v = [fmpq(x, dual.v_scale) for x in dual.v]
    for sign in dual.sides:
        w = [rounded_up(sign * (right - left) / 2 * x) for x in v]
        slope = combination([sign * (right + left) / 2 * x for x in v], dual.X, dual.x_scale)
        beta = rational(float(dual.beta))
        side = Side(dual.X, dual.x_scale, w, slope, beta, clock)
        for leaf in leaves(trees["plus" if sign > 0 else "minus"]):
            if not side.proved_by(leaf):
                raise RefusalError("not proved feasible: a leaf of the evidence proves nothing")
            clock.check()
    return Fraction(0)


def combination(shares: list[fmpq], rows: Matrix, scale: int) -> list[fmpq]:
    """The sum of shares of the rows, which are in whole numbers, times ``scale``."""
    (whole,), unit = over_common_denominator([shares])
    total = fmpz_mat([whole]) * fmpz_mat(rows)
    return [fmpq(x, unit * scale) for x in total.entries()]
