"""Proofs by relaxation, with evidence.

For bent units at any rank. With phi(z) = p z + q |z|, p = (right + left) / 2 and q = (right -
left) / 2, and for both sides +1 and -1, to prove: for all |u| <= 1 (the l1 ball lies in that one),

    side g(u) = slope . u + sum_k w_k |x_k . u| <= beta,   slope = side p X^T v,  w = side q v.

The evidence is a tree for each side, plus and minus. A node that is a split on row l has two
children: one about the u with x_l . u >= 0, one about those with x_l . u <= 0. A leaf is about
the u with sigma_l x_l . u >= 0 for the rows l on its path, F, and brings multipliers: tilt s_k;
lean a_ik, i != k, i not in F; tau_i > 0 (0 if not needed); mu >= 0. Let

    d_k = w_k + |s_k| + sum_i |a_ik|,    y_i = max(0, d_i) x_i - sum_k a_ik x_k  for i not in F.

As sum w_k |x_k . u| = sum d_k |x_k . u| - sum |s_k| |x_k . u| - sum |a_ik| |x_k . u|, where
|x_l . u| = sigma_l x_l . u for l in F, |s_k| |x_k . u| >= s_k x_k . u, and max(0, d_i) |x_i . u|
<= |y_i . u| + sum_k |a_ik| |x_k . u|, |y_i . u| <= (y_i . u)^2 / (2 tau_i) + tau_i / 2,

    side g(u) <= u^T Q u + c . u + sum_i tau_i / 2,    Q = sum_i y_i y_i^T / (2 tau_i),
    c = slope - sum_k s_k x_k + sum_F d_l sigma_l x_l,

and that is at most beta - mu (1 - |u|^2) <= beta if

    ( mu I - Q    -c / 2                      )
    ( -c^T / 2    beta - sum_i tau_i / 2 - mu )    is positive semidefinite.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_mat

from .document import RefusalError
from .dual import Clock, Dual
from .exact import rational, rounded_up
from .semidefinite import check_order, semidefinite


def relaxed_excess(dual: Dual, left: fmpq, right: fmpq, trees: Any, clock: Clock) -> Fraction:
    """`Units.excess` of units ``right * z`` where z > 0, ``left * z`` where z < 0; or refuses."""
    check_order(len(dual.X[0]))
    X = [[fmpq(x, dual.x_scale) for x in row] for row in dual.X]
    v = [fmpq(x, dual.v_scale) for x in dual.v]
    beta = rational(float(dual.beta))
    for side, tree in ((1, trees["plus"]), (-1, trees["minus"])):
        w = [rounded_up(side * (right - left) / 2 * x) for x in v]
        slope = combination([fmpq(0)] * len(X[0]), [side * (right + left) / 2 * x for x in v], X)
        nodes: list[tuple[Any, dict[int, int]]] = [(tree, {})]
        while nodes:
            node, sigma = nodes.pop()
            if "row" in node:
                nodes.append((node["plus"], sigma | {node["row"]: 1}))
                nodes.append((node["minus"], sigma | {node["row"]: -1}))
            elif not leaf_proves(node, sigma, X, w, slope, beta, clock):
                raise RefusalError("not proved feasible: a leaf of the evidence proves nothing")
            clock.check()
    return Fraction(0)


def leaf_proves(
    leaf: Any, sigma: dict[int, int], X: list[list[fmpq]], w: list[fmpq], slope: list[fmpq],
    beta: fmpq, clock: Clock,
) -> bool:  # fmt: skip
    """Whether the multipliers of a leaf, for the u with the signs ``sigma``, prove its part."""
    tilt, tau, mu = list(map(rational, leaf["tilt"])), leaf["tau"], rational(leaf["mu"])
    lean = [(i, k, rational(a)) for i, k, a in leaf["lean"]]
    d = [x + abs(s) for x, s in zip(w, tilt, strict=True)]
    for i, k, a in lean:
        if i == k or i in sigma:
            raise RefusalError("evidence: a row leans on itself, or has a fixed sign and leans")
        d[k] += abs(a)
    shares = [sigma.get(k, 0) * x - s for k, (x, s) in enumerate(zip(d, tilt, strict=True))]
    c = combination(slope, shares, X)
    Y = [[max(fmpq(0), x) * (k not in sigma) * z for z in X[k]] for k, x in enumerate(d)]
    for i, k, a in lean:
        clock.check()
        Y[i] = combination(Y[i], [-a], [X[k]])
    used = [i for i, y in enumerate(Y) if any(y)]
    if mu < 0 or any(tau[i] <= 0.0 for i in used):
        raise RefusalError("evidence: mu is negative, or a tau that is needed is not positive")
    r = len(c)
    sum_of_squares = fmpq_mat(r, r)
    for i in used:
        clock.check()
        y = fmpq_mat(r, 1, Y[i])
        sum_of_squares += y * y.transpose() * rounded_up(1 / (2 * rational(tau[i])))
    Q = sum_of_squares.table()
    M = [[(mu if i == j else 0) - Q[i][j] for j in range(r)] + [-c[i] / 2] for i in range(r)]
    M.append([-x / 2 for x in c] + [beta - mu - sum((rational(tau[i]) for i in used), fmpq(0)) / 2])
    scale = math.lcm(*(int(x.q) for row in M for x in row))
    return semidefinite([[int(x * scale) for x in row] for row in M], clock)


def combination(
    start: list[fmpq], shares: Iterable[fmpq], rows: Iterable[list[fmpq]]
) -> list[fmpq]:
    """``start`` plus the sum of shares of the rows."""
    for share, row in zip(shares, rows, strict=True):
        start = [x + share * y for x, y in zip(start, row, strict=True)] if share else start
    return start
