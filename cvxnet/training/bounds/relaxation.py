"""A proved bound on pricing at any rank, for units with one kink.

With ``phi(t) = p (t)_+ + m (-t)_+ = a t + b |t|`` the pricing function, or its negative, is

    G(u) = slope.u + sum_k w_k |x_k.u|,    slope = +-a X^T v,  w = +-b v,

to be bounded on |u| <= 1. Rows with w_i > 0 (carriers) make it hard: for any tau_i > 0,
``|t| <= t^2 / (2 tau_i) + tau_i / 2``.
Rows with w_k < 0 help. For any numbers s_k and a_ik, let

    d_k = w_k + |s_k| + sum_i |a_ik|,   y_i = d_i x_i - sum_k a_ik x_k.

As ``-|s_k| |x_k.u| <= -s_k x_k.u`` and ``d_i |x_i.u| <= |y_i.u| + sum_k |a_ik| |x_k.u|`` (row i
leans on rows k, which pay for it; where d_i < 0 also 0 would do for d_i),

    G(u) <= sum_i tau_i / 2 + u^T Q u + c.u,
    Q = sum_i y_i y_i^T / (2 tau_i),   c = slope - sum_k s_k x_k,

and for every mu above the eigenvalues of Q the largest value of that on the ball is at most

    B = sum_i tau_i / 2 + mu + c^T (mu I - Q)^-1 c / 4:

one positive semidefinite matrix of order r + 1 proves it. All is convex in v and the multipliers
together. Without leaning this is the Lagrangian dual of the usual semidefinite relaxation; its own
dual has, with leaning, for a unit vector u drawn at random U for E u u^T and G_i for
E sign(x_i.u) u, and ``|x_k.G_i| <= E |x_k.u| = x_k.G_k``. What the signs of several rows have to
do with each other is added by inequalities between them: see `cvxnet.training.bounds.cliques`.

Where it is known that ``sigma_l x_l.u >= 0``, |x_l.u| is linear: ``c += d_l sigma_l x_l``, whatever
the sign of d_l, and row l does not lean.

`cvxnet.training.bounds.stages` minimises B over all multipliers, with ``- eps log det(mu I - Q)``
added to make it smooth, and s in two parts, above and below 0. A step costs O(n r^2 + pairs r), and
O(m^3) for m rows in inequalities. Everything is linear in v, so a bound for v is one for its
multiples, and rows of length one stand for all rows, their lengths going into w.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numba import njit

from cvxnet.kernels import add, dot
from cvxnet.training.bounds.cliques import NONE, Form, Indices
from cvxnet.types import Array

PARTNERS = 10
"""Pairs added for each carrier after each stage."""


@dataclass(frozen=True)
class Evaluation:
    """B with the barrier for some multipliers, and its derivatives.

    Attributes
    ----------
    side : Side
        Of it only what never changes is read: lengths of rows, slopes.
    value : float
        Minimised over mu.
    gradient : array
        In the multipliers ``z``.
    Xu : (n,) array
        ``x_k.u`` with ``u = (mu I - Q)^-1 c / 2``, which stands for E u.
    by_y : (n, r) array
        The derivatives in the ``y_i``: they stand for E sigma_i u.
    worth : (n,) array
        The derivative in w, for rows of length one: E |x_k.u|.
    price : (n,) array
        What leaning on each row has to gain: as much as the row earns with what it spends.
    P : (r, r) array
        The derivative in Q, which stands for E u u^T.
    """

    side: Side
    value: float
    gradient: Array
    Xu: Array
    by_y: Array
    worth: Array
    price: Array
    P: Array
    mean_u: Array

    @property
    def gradient_in_v(self) -> Array:
        """The derivative in v, (n,)."""
        side = self.side
        return np.asarray(side.lengths * (side.a * self.Xu + side.b * self.worth))


class Side:
    """The bound on ``sign * sum_k v_k phi(x_k.u)``, and its multipliers.

    ``sigma`` has the signs of the rows for which they are fixed, otherwise 0. ``z`` holds a for the
    pairs (I, J), whose signs are ``signs``; the parts of s above and below 0; how far each d is
    above max(0, w), e; log tau; and the multipliers of the inequalities of signs. As ``d_k = w_k +
    |s_k| + sum_i |a_ik|``, e says what row k spends on s and a in all, so of these z has shares:
    only their proportions within a row count. Those of rows of fixed sign are amounts, with no e.
    """

    def __init__(self, rows: Array, slopes: tuple[float, float], sign: float, v: Array) -> None:
        self.n, self.r = int(rows.shape[0]), int(rows.shape[1])
        self.lengths = np.linalg.norm(rows, axis=1)
        self.lengths[self.lengths == 0.0] = 1.0
        self.X = rows / self.lengths[:, None]
        self.a, self.b = sign * (slopes[0] - slopes[1]) / 2.0, sign * (slopes[0] + slopes[1]) / 2.0
        self.sigma = np.zeros(self.n)
        self.cliques = NONE
        self.take(v)
        budget = np.maximum(-self.w, 0.0)
        tau = np.log(np.maximum(self.w, 0.0) / np.sqrt(self.r) + 1e-2 * self.size)
        self.z = np.concatenate([np.ones(2 * self.n), np.zeros(self.n), tau])
        self.lean_on_neighbours(budget)

    def lean_on_neighbours(self, budget: Array) -> None:
        """Begin with the budgets spent on the carriers whose rows are nearest."""
        near = self.X @ self.X.T
        gain = np.where((self.w[:, None] > 0.0) & (budget > 0.0), np.abs(near), -1.0)
        I, J = best_pairs(gain, 0.0)  # noqa: E741
        self.set_pairs(I, J, np.sign(near[I, J]))
        self.z = np.append(np.ones(self.m), self.z)

    def set_pairs(self, I: Indices, J: Indices, signs: Array) -> None:  # noqa: E741
        """Rows I that may lean on rows J, with the signs of ``a_ik``.

        ``spender`` has the rows whose shares a and the parts of s are. Where both signs are as
        good, as a carrier has no length, one is chosen: what is spent has to be leant.
        """
        rows = np.arange(self.n)
        self.I, self.J, self.signs = I, J, np.where(signs == 0.0, 1.0, signs)
        self.spender = np.concatenate([J, rows, rows])

    def take(self, v: Array) -> None:
        """Keep the multipliers, for another v."""
        self.v, self.w = v, self.b * self.lengths * v
        self.slope = self.X.T @ (self.a * self.lengths * v)

    @property
    def m(self) -> int:
        """How many pairs there are."""
        return int(self.I.size)

    @property
    def size(self) -> float:
        """The mean size of the weights."""
        return float(np.abs(self.w).mean()) or 1.0

    def split(self, z: Array) -> list[Array]:
        """a, the parts of s, e, log tau, and the multipliers of the inequalities."""
        return np.split(z, self.m + self.n * np.arange(5))

    def totals(self, z: Array) -> Array:
        """The sum of the shares of each row; 1 where they are amounts."""
        sums = np.bincount(self.spender, z[: self.m + 2 * self.n], minlength=self.n) + 1e-300
        return np.where(self.sigma == 0.0, sums, 1.0)

    def rates(self, z: Array) -> Array:
        """What a share of each row stands for."""
        spent = np.maximum(-self.w, 0.0) + self.split(z)[3]
        return np.where(self.sigma == 0.0, spent / self.totals(z), 1.0)

    def amounts(self, z: Array) -> list[Array]:
        """The same as `split`, with amounts in place of shares."""
        parts, rate = self.split(z), self.rates(z)
        return [rate[self.J] * parts[0], rate * parts[1], rate * parts[2], *parts[3:]]

    def forms(self, z: Array) -> Forms:
        """The quadratic function for these multipliers."""
        a, up, down, above, log_tau, shares = self.amounts(z)
        free = self.sigma == 0.0
        spent = self.w + up + down + np.bincount(self.J, a, minlength=self.n)
        d = np.where(free, np.maximum(self.w, 0.0) + above, spent)
        Y = self.carried(d * free, a)
        return self.form(Y, np.exp(log_tau) * free, shares, self.sigma * d - (up - down))

    def carried(self, d: Array, a: Array) -> Array:
        """The y_i, of length 0 where a row neither carries nor leans."""
        Y = d[:, None] * self.X
        lean(Y, self.signs * a, self.X, self.I, self.J)
        return np.asarray(Y)

    def form(self, Y: Array, tau: Array, shares: Array, tilts: Array) -> Forms:
        """The same from y, tau, and what is to be added to the slope, in rows."""
        signs = self.cliques.form(tau, shares)
        inverse = np.divide(1.0, tau, out=np.zeros_like(tau), where=tau > 0.0)
        inverse[self.cliques.rows] = 0.0
        Z = Y[self.cliques.rows]
        Q = (Y.T * inverse) @ Y / 2.0 + Z.T @ signs.inverse @ Z / 2.0
        c = self.slope + self.X.T @ tilts + Z.T @ (signs.inverse @ signs.ell)
        return Forms(Y, tau, inverse, signs, Q, c, float(tau.sum()) / 2.0 + signs.level)

    def evaluate(self, z: Array, eps: float) -> Evaluation:
        """B with the barrier at the multipliers z.

        With ``R = (mu I - Q)^-1`` and ``u = R c / 2`` the derivative in Q is ``u u^T + eps R`` and
        that in c is u.
        """
        form, own = self.forms(z), self.cliques.rows
        mu, gaps, V = best_multiplier(form.Q, form.c, eps)
        R = (V / gaps) @ V.T
        u = R @ form.c / 2.0
        P, barrier = np.outer(u, u) + eps * R, eps * self.r / self.n
        value = form.const + mu + form.c @ u / 2.0 - eps * np.log(gaps).sum()
        signs = form.signs.moments(form.Y[own], P, u, barrier)
        by_y = form.Y @ P * form.inverse[:, None]
        by_tau = form.tau / 2.0 - (by_y * form.Y).sum(axis=1) / 2.0
        by_y[own] = signs.by_y
        by_tau[own] = form.tau[own] * (1.0 - np.diag(signs.second)) / 2.0 + barrier
        Xu = self.X @ u
        by_d = np.where(self.sigma == 0.0, (by_y * self.X).sum(axis=1), self.sigma * Xu)
        by_a = -self.signs * products(by_y, self.X, self.I, self.J)
        spending = np.concatenate([by_a, -Xu, Xu]) + (self.sigma * Xu)[self.spender]
        shares = z[: len(spending)]
        mean = np.bincount(self.spender, shares * spending, minlength=self.n) / self.totals(z)
        mean *= self.sigma == 0.0
        by_share = self.rates(z)[self.spender] * (spending - mean[self.spender])
        by_above = np.where(self.sigma == 0.0, by_d + mean, 0.0)
        worth = np.where((self.w > 0.0) | (self.sigma != 0.0), by_d, -mean)
        slack = self.cliques.slack(signs.mean, signs.second)
        value += barrier * form.signs.closeness
        gradient = np.concatenate([by_share, by_above, by_tau, slack])
        price = np.where((self.rates(z) > 0.0) & (self.sigma == 0.0), -mean, by_d)
        return Evaluation(self, float(value), gradient, Xu, by_y, worth, price, P, u)

    @property
    def numbers(self) -> int:
        """How many numbers the evidence has."""
        used = int((self.z[: self.m] > 0.0).sum())
        return int(2 * self.n + 3 * used + 8 * len(self.cliques))

    def child(self, row: int, sign: float) -> Side:
        """The same, where ``sign * x_row.u >= 0``; its bound is no larger.

        A carrier's ``|y.u|`` becomes ``sign * y.u``: the rows that it leans on are tilted instead.
        """
        child = copy(self)
        a, up, down, above, log_tau, shares = (part.copy() for part in self.amounts(self.z))
        own = row == self.I
        for part, s in ((up, sign), (down, -sign)):
            np.add.at(part, self.J[own], a[own] * (s * self.signs[own] > 0.0))
        (up if sign > 0.0 else down)[row] = 0.0
        child.set_pairs(self.I[~own], self.J[~own], self.signs[~own])
        child.cliques = self.cliques.without(row, sign)
        above[row] = 0.0
        child.z = np.concatenate([a[~own], up, down, above, log_tau, shares])
        child.sigma = self.sigma.copy()
        child.sigma[row] = sign
        return child


@dataclass(frozen=True)
class Forms:
    """``u^T Q u + c.u + const``, and what it is made of.

    ``inverse`` is 1 / tau, of rows that occur in inequalities 0, as those have ``signs``.
    """

    Y: Array
    tau: Array
    inverse: Array
    signs: Form
    Q: Array
    c: Array
    const: float


@njit(cache=True)
def lean(Y, amounts, X, I, J):  # type: ignore[no-untyped-def]  # noqa: E741
    """``y_i -= a_ik x_k`` in place for each pair, Y and X (n, r)."""
    for k in range(I.size):
        add(Y[I[k]], -amounts[k], X[J[k]])


@njit(cache=True)
def products(A, X, I, J):  # type: ignore[no-untyped-def]  # noqa: E741
    """``a_i.x_k`` for each pair, A and X (n, r)."""
    found = np.empty(I.size)
    for k in range(I.size):
        found[k] = dot(A[I[k]], X[J[k]])
    return found


def best_pairs(gain: Array, least: float) -> tuple[Indices, Indices]:
    """The PARTNERS best columns of each row, (n, n), where the gain is above ``least``."""
    count = min(PARTNERS, len(gain))
    best = np.argpartition(-gain, count - 1, axis=1)[:, :count]
    I, J = np.repeat(np.arange(len(gain)), count), best.ravel()  # noqa: E741
    good = gain[I, J] > least
    return I[good], J[good]


def best_multiplier(Q: Array, c: Array, eps: float) -> tuple[float, Array, Array]:
    """The mu that minimises ``mu + c^T (mu I - Q)^-1 c / 4 - eps log det(mu I - Q)``, eps > 0.

    Returns mu, ``mu`` less the eigenvalues of Q, and the eigenvectors. The derivative is 1 - p with
    p convex and decreasing in mu: Newton's method from below stays below.
    """
    values, V = np.linalg.eigh(Q)
    h, below = (V.T @ c) ** 2 / 4.0, values[-1] - values
    step = max(eps, float((np.sqrt(h) - below).max()))
    for _ in range(100):
        gaps = step + below
        terms = h / gaps**2
        p = terms.sum() + eps * (1.0 / gaps).sum()
        if p <= 1.0 + 1e-13:
            break
        step += (p - 1.0) / ((2.0 * terms + eps / gaps) / gaps).sum()
    return float(values[-1] + step), step + below, V
