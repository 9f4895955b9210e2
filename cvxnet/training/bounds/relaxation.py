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

B is minimised over all multipliers by a quasi-Newton method, with ``- eps log det(mu I - Q)`` added
to make it smooth, and s in two parts, above and below 0. Which rows should lean on which is found
as columns are: those pairs, and inequalities, are added with whose multiplier B would fall. A step
costs O(n r^2 + pairs r), and O(m^3) for m rows in inequalities. Everything is linear in
v, so a bound for v is one for its multiples, and rows of length one stand for all rows, their
lengths going into w.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, minimize

from cvxnet.training.bounds.cliques import MOST_SIGNS, NONE, Cliques, Form, Indices, violated
from cvxnet.training.bounds.evidence import Multipliers
from cvxnet.training.clock import now
from cvxnet.types import Array

STAGE_STEPS = 100
"""Quasi-Newton steps a stage."""
PARTNERS = 10
"""Pairs added for each carrier after each stage."""
SPARE = 1e-9
"""The relative room left for rounding, in the budgets and between B and what is claimed."""
PRECISION = 1e-4
"""Pairs are added that gain more than this, relative to their budget and rows of length one."""
UNUSED = 1e-4
"""Pairs on which a row spends a smaller share than this are dropped after a stage."""
TAU_UNIT = 0.3
"""In steps of this over the root of tau, relative to the bound, log tau is moved."""
DOUBT_SMOOTHING = 1e-3
"""The smoothing at which it is found which sign is most in doubt."""
LARGEST_ORDER = 198
"""Of the matrix, but for one row: what the checker computes with."""
SPAN = 30.0
"""How far log tau may go from that of the mean weight."""


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
        self.I = self.J = np.zeros(0, int)
        self.signs = np.zeros(0)
        budget = np.maximum(-self.w, 0.0)
        tau = np.log(np.maximum(self.w, 0.0) / np.sqrt(self.r) + 1e-2 * self.size)
        self.z = np.concatenate([np.ones(2 * self.n), np.zeros(self.n), tau])
        self.lean_on_neighbours(budget)

    def lean_on_neighbours(self, budget: Array) -> None:
        """Begin with the budgets spent on the carriers whose rows are nearest."""
        near = self.X @ self.X.T
        gain = np.where((self.w[:, None] > 0.0) & (budget > 0.0), np.abs(near), -1.0)
        self.set_pairs(*best_pairs(gain, 0.0), near)
        self.z = np.append(np.ones(self.m), self.z)

    def set_pairs(self, I: Indices, J: Indices, slope: Array) -> None:  # noqa: E741
        """Rows I that may lean on rows J, with the signs of ``a_ik``."""
        self.I, self.J, self.signs = I, J, np.sign(slope[I, J])

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

    @property
    def spender(self) -> Indices:
        """The rows whose shares a and the parts of s are."""
        rows = np.arange(self.n)
        return np.concatenate([self.J, rows, rows])

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
        lean = sparse.csr_array((self.signs * a, (self.I, self.J)), shape=(self.n, self.n))
        Y = (d * free)[:, None] * self.X - lean @ self.X
        return self.form(Y, np.exp(log_tau) * free, shares, self.sigma * d - (up - down))

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
        by_a = -self.signs * (by_y[self.I] * self.X[self.J]).sum(axis=1)
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

    def most_in_doubt(self) -> int | None:
        """The row by whose sign most is to be known; None where all signs are certain."""
        at = self.evaluate(self.z, self.barrier(DOUBT_SMOOTHING))
        doubt = np.abs(self.w) * (at.worth - np.abs(at.Xu))
        doubt[self.sigma != 0.0] = 0.0
        row = int(np.argmax(doubt))
        return row if doubt[row] > 0.0 else None

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
        child.I, child.J, child.signs = self.I[~own], self.J[~own], self.signs[~own]
        child.cliques = self.cliques.without(row, sign)
        above[row] = 0.0
        child.z = np.concatenate([a[~own], up, down, above, log_tau, shares])
        child.sigma = self.sigma.copy()
        child.sigma[row] = sign
        return child

    def scale(self) -> Array:
        """Divide the shares by their totals; returns units in which to move z."""
        k, free = self.m + 2 * self.n, self.sigma == 0.0
        idle = free & (self.totals(self.z) < 1e-100)
        self.z[self.m : k][np.tile(idle, 2)] = 0.5
        self.z[:k] /= self.totals(self.z)[self.spender]
        log_tau = self.split(self.z)[4]
        units = TAU_UNIT * np.exp((np.log(max(self.bound(), 1e-300)) - log_tau) / 2.0)
        amounts = np.where(free, 1.0, self.size)[self.spender]
        others = np.full(len(self.cliques) + self.n, self.size)
        return np.concatenate([amounts, others[: self.n], units, others[self.n :]])

    def limits(self, barrier: float) -> tuple[Array, Array]:
        """Lower and upper ends for z; no tau is below what the barrier hides anyway."""
        free, least = self.sigma == 0.0, np.log(max(barrier * self.r / self.n, 1e-300))
        tilts = np.tile(np.where(free, SPARE, 0.0), 2)  # shares must not all become 0
        low = [np.zeros(self.m), tilts, np.zeros(self.n), np.full(self.n, least)]
        high = np.full(len(self.z), np.inf)
        self.split(high)[3][~free] = 0.0
        self.split(high)[4][:] = np.log(self.size) + SPAN
        return np.minimum(np.concatenate([*low, np.zeros(len(self.cliques))]), high), high

    def improve(self, eps: float, deadline: float) -> None:
        """A stage: quasi-Newton steps at the smoothing ``eps``, then new pairs."""
        barrier, scale = self.barrier(eps), self.scale()

        def objective(x: Array) -> tuple[float, Array]:
            at = self.evaluate(x * scale, barrier)
            return at.value, at.gradient * scale

        before, z = self.bound(), self.z
        limits = [end / scale for end in self.limits(barrier)]
        self.z = scale * descend(objective, z / scale, limits, deadline)
        if not self.bound() <= before:
            self.z = z
        self.reprice(barrier)

    def barrier(self, eps: float) -> float:
        """The weight of the barrier at the smoothing ``eps``."""
        return float(eps * self.bound() / self.r)

    def reprice(self, barrier: float) -> None:
        """Add the pairs and inequalities by which B would fall most; drop those at zero."""
        self.keep(self.split(self.z))
        at = self.evaluate(self.z, barrier)
        V = at.by_y @ self.X.T
        gain = np.abs(V) - at.price[None, :]
        gain[self.sigma != 0.0] = gain[self.I, self.J] = -1.0
        np.fill_diagonal(gain, -1.0)
        I, J = best_pairs(gain, PRECISION)  # noqa: E741
        fresh, idle = self.violated(at, barrier), self.rates(self.z) == 0.0
        a, *rest = self.split(self.z)
        self.I, self.J = np.append(self.I, I), np.append(self.J, J)
        self.signs = np.append(self.signs, np.sign(V[I, J]))
        self.cliques = self.cliques.join(fresh)
        start = idle[J].astype(float)  # such a row begins to spend with e
        self.z = np.concatenate([a, start, *rest, np.zeros(len(fresh))])

    def keep(self, parts: list[Array]) -> None:
        """Only what is used."""
        a, *middle, shares = parts
        used, held = a > UNUSED * self.totals(self.z)[self.J], shares > 0.0
        self.I, self.J, self.signs = self.I[used], self.J[used], self.signs[used]
        self.cliques = self.cliques.pick(held)
        self.z = np.concatenate([a[used], *middle, shares[held]])

    def violated(self, at: Evaluation, barrier: float) -> Cliques:
        """Violated inequalities of the signs that are most in doubt, and of those in use."""
        form = self.forms(self.z)
        doubt = (at.by_y * form.Y).sum(axis=1) - np.abs(form.Y @ at.mean_u)
        doubt[self.sigma != 0.0] = -np.inf
        doubt[self.cliques.rows] = np.inf
        most = max(min(MOST_SIGNS, LARGEST_ORDER - self.r), 0)
        rows = np.sort(np.argsort(-doubt, kind="stable")[:most])
        rows = rows[doubt[rows] > 0.0]
        wide = self.cliques.join(Cliques(rows, np.zeros(0), np.zeros((0, len(rows)))))
        shares = self.split(self.z)[-1]
        signs = wide.form(form.tau, shares)
        moments = signs.moments(form.Y[wide.rows], at.P, at.mean_u, barrier * self.r / self.n)
        return violated(wide.rows, moments.mean, moments.second).unlike(self.cliques)

    def bound(self) -> float:
        """A proved bound on G: B, with some room and its rounding.

        As ``G(0) = 0`` it is not negative, whatever rounding makes of B.
        """
        proof = self.proof()
        return max(proof.B, 0.0) * (1.0 + SPARE) + proof.rounding

    def proof(self) -> Proof:
        """What a certificate carries, with a mu a little above the best one.

        Sums over the rows err by units of rounding of the sum of all their terms. The checker moves
        v by its rounding, too. A row whose budget that exceeds carries a little, so every row gets
        a tau; and where a carrier y and the rows it leans on cancel, y is known to few digits: mu
        makes up for the error of Q, and the tau of inequalities for that of T.
        """
        a, up, down, _, log_tau, shares = self.amounts(self.z)
        s, free, own = up - down, self.sigma == 0.0, self.cliques.rows
        d = self.w + np.abs(s) + np.bincount(self.J, a, minlength=self.n)
        lean = sparse.csr_array((self.signs * a, (self.I, self.J)), shape=(self.n, self.n))
        Y = (np.maximum(d, 0.0) * free)[:, None] * self.X - lean @ self.X
        needed = Y.any(axis=1)
        needed[own] = True
        unit = (self.n + 100) * np.finfo(float).eps
        tau = np.where(needed, np.exp(log_tau), 0.0) * free
        tau[own] += unit * (tau[own] + shares @ (self.cliques.weights**2) * self.cliques.rows.size)
        form = self.form(Y, tau, shares, self.sigma * d - s)
        scale = float(np.trace(form.Q) + np.linalg.norm(form.c)) or 1.0
        mu, gaps, V = best_multiplier(form.Q, form.c, 1e-10 * scale)
        B = form.const + mu + float(((V.T @ form.c) ** 2 / (4.0 * gaps)).sum())
        terms = (abs(self.a) + abs(self.b)) * float(self.lengths @ np.abs(self.v))
        terms += float(a.sum() + np.abs(s).sum() + tau.sum() + shares.sum()) + abs(mu) + scale
        terms += abs(form.signs.const) + abs(form.signs.level)
        tau = np.maximum(tau, 0.1 * (SPARE * max(B, 0.0) + unit * terms) / self.n)
        sizes = abs(self.b) * self.lengths * np.abs(self.v).max() + np.abs(s)
        sizes += np.bincount(self.I, a, minlength=self.n) + np.bincount(self.J, a, minlength=self.n)
        blur, shift = form.blur(unit * sizes, np.where(form.inverse > 0.0, form.inverse, 1.0 / tau))
        return Proof(s, a, shares, tau, mu + blur, B + blur + shift, unit * terms)

    def multipliers(self) -> Multipliers:
        """The evidence for `bound`."""
        proof = self.proof()
        return Multipliers(
            tilt=proof.s / self.lengths,
            carriers=self.I,
            budgets=self.J,
            lean=self.signs * proof.a / self.lengths[self.J],
            tau=proof.tau,
            mu=proof.mu,
            cliques=self.cliques,
            shares=proof.shares,
        )


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

    def blur(self, error: Array, inverse: Array) -> tuple[float, float]:
        """By how much Q, and the bound beyond it, may grow where each y_i is off by ``error_i``."""
        own, signs = self.signs.cliques.rows, self.signs
        alone = inverse.copy()
        alone[own] = 0.0
        lengths = np.linalg.norm(self.Y, axis=1)
        blur = float((error * (2.0 * lengths + error) * alone).sum() / 2.0)
        if not own.size:
            return blur, 0.0
        N, most = np.linalg.norm(signs.inverse @ self.Y[own], axis=1), np.abs(signs.inverse).sum()
        blur += float(error[own] @ N + most * (error[own] ** 2).sum() / 2.0)
        return blur, float(error[own] @ np.abs(signs.inverse @ signs.ell))


class Proof(NamedTuple):
    """Multipliers that prove B, up to ``rounding``; ``s`` is net, ``a`` without signs."""

    s: Array
    a: Array
    shares: Array
    tau: Array
    mu: float
    B: float
    rounding: float


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


def descend(
    objective: Callable[[Array], tuple[float, Array]], start: Array, limits: list[Array],
    deadline: float,
) -> Array:  # fmt: skip
    """The point that STAGE_STEPS quasi-Newton steps reach, or fewer at the deadline.

    The start, where they run into numbers too large for doubles.
    """

    beyond = 1e300

    def bounded(x: Array) -> tuple[float, Array]:
        nonlocal beyond
        try:
            value, gradient = objective(x)
        except np.linalg.LinAlgError:
            return beyond, np.zeros_like(x)
        if not np.isfinite(gradient).all():
            return beyond, np.zeros_like(x)
        beyond = min(beyond, value + abs(value))
        return value, gradient

    def out_of_time(x: Array) -> None:
        if now() > deadline:
            raise StopIteration

    options = {
        "maxiter": STAGE_STEPS,
        "maxfun": 2 * STAGE_STEPS,
        "maxcor": 20,
        "ftol": 1e-13,
        "gtol": 0.0,
    }
    with np.errstate(over="ignore", invalid="ignore"):
        result = minimize(
            bounded, start, jac=True, method="L-BFGS-B", bounds=Bounds(*limits),
            options=options, callback=out_of_time,
        )  # fmt: skip
    finite = np.isfinite(result.fun) and np.isfinite(result.x).all()
    return np.asarray(result.x) if finite else start
