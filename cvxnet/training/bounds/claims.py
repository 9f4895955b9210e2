"""What is proved by the multipliers of a side, rounding and all, and what a certificate carries."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cvxnet.training.bounds.evidence import Multipliers
from cvxnet.training.bounds.relaxation import Forms, Side, best_multiplier
from cvxnet.types import Array

SPARE = 1e-9
"""The relative room left for rounding, in the budgets and between B and what is claimed."""


class Claim(NamedTuple):
    """Multipliers that prove B, up to ``rounding``; ``s`` is net, ``a`` without signs."""

    s: Array
    a: Array
    shares: Array
    tau: Array
    mu: float
    B: float
    rounding: float


def proved_bound(side: Side) -> float:
    """A proved bound on G: B, with some room and its rounding.

    As ``G(0) = 0`` it is not negative, whatever rounding makes of B.

    Examples
    --------
    >>> side = Side(np.eye(2), (1.0, 0.0), 1.0, np.array([3.0, -4.0]))  # 3 is the largest value
    >>> bool(3.0 <= proved_bound(side) < 4.0)
    True
    """
    claim = claim_of(side)
    return max(claim.B, 0.0) * (1.0 + SPARE) + claim.rounding


def claim_of(side: Side) -> Claim:
    """What a certificate carries, with a mu a little above the best one.

    Sums over the rows err by units of rounding of the sum of all their terms. The checker moves
    v by its rounding, too. A row whose budget that exceeds carries a little, so every row gets
    a tau; and where a carrier y and the rows it leans on cancel, y is known to few digits: mu
    makes up for the error of Q, and the tau of inequalities for that of T.
    """
    a, up, down, _, log_tau, shares = side.amounts(side.z)
    s, free, own = up - down, side.sigma == 0.0, side.cliques.rows
    leaned = np.bincount(side.J, a, minlength=side.n)
    d = side.w + np.abs(s) + leaned
    Y = side.carried(np.maximum(d, 0.0) * free, a)
    needed = (Y != 0.0).any(axis=1)
    needed[own] = True
    unit = (side.n + 100) * np.finfo(float).eps
    tau = np.where(needed, np.exp(log_tau), 0.0) * free
    tau[own] += unit * (tau[own] + shares @ (side.cliques.weights**2) * side.cliques.rows.size)
    form = side.form(Y, tau, shares, side.sigma * d - s)
    scale = float(np.trace(form.Q) + np.linalg.norm(form.c)) or 1.0
    mu, gaps, V = best_multiplier(form.Q, form.c, 1e-10 * scale)
    B = form.const + mu + float(((V.T @ form.c) ** 2 / (4.0 * gaps)).sum())
    terms = (abs(side.a) + abs(side.b)) * float(side.lengths @ np.abs(side.v))
    terms += float(a.sum() + np.abs(s).sum() + tau.sum() + shares.sum()) + abs(mu) + scale
    terms += abs(form.signs.const) + abs(form.signs.level)
    tau = np.maximum(tau, 0.1 * (SPARE * max(B, 0.0) + unit * terms) / side.n)
    sizes = abs(side.b) * side.lengths * np.abs(side.v).max() + np.abs(s)
    sizes += np.bincount(side.I, a, minlength=side.n) + leaned
    growth, shift = blur(form, unit * sizes, np.where(form.inverse > 0, form.inverse, 1.0 / tau))
    return Claim(s, a, shares, tau, mu + growth, B + growth + shift, unit * terms)


def multipliers_of(side: Side) -> Multipliers:
    """The evidence for `proved_bound`."""
    claim = claim_of(side)
    return Multipliers(
        tilt=claim.s / side.lengths,
        carriers=side.I,
        budgets=side.J,
        lean=side.signs * claim.a / side.lengths[side.J],
        tau=claim.tau,
        mu=claim.mu,
        cliques=side.cliques,
        shares=claim.shares,
    )


def blur(form: Forms, error: Array, inverse: Array) -> tuple[float, float]:
    """By how much Q, and the bound beyond it, may grow where each y_i is off by ``error_i``."""
    own, signs = form.signs.cliques.rows, form.signs
    alone = inverse.copy()
    alone[own] = 0.0
    lengths = np.linalg.norm(form.Y, axis=1)
    growth = float((error * (2.0 * lengths + error) * alone).sum() / 2.0)
    if not own.size:
        return growth, 0.0
    N, most = np.linalg.norm(signs.inverse @ form.Y[own], axis=1), np.abs(signs.inverse).sum()
    growth += float(error[own] @ N + most * (error[own] ** 2).sum() / 2.0)
    return growth, float(error[own] @ np.abs(signs.inverse @ signs.ell))
