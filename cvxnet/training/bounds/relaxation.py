"""A proved bound on pricing at any rank, for units with one kink.

With ``phi(t) = p (t)_+ + m (-t)_+ = a t + b |t|`` the pricing function, or its negative, is

    G(u) = slope.u + sum_k w_k |x_k.u|,    slope = +-a X^T v,  w = +-b v,

to be bounded on |u| <= 1. Rows with w_i > 0 (carriers) make it hard: for any tau_i > 0,
``|t| <= t^2 / (2 tau_i) + tau_i / 2``.
Rows with w_k < 0 help: each has a budget ``b_k = -w_k`` to spend on linear terms,
``-|t| <= -s t`` for |s| <= 1, and on carriers that lean on it: as ``P |x_i.u| <= |y_i.u| + sum_k
|a_ik| |x_k.u|`` with ``y_i = P x_i - sum_k a_ik x_k``, a carrier may be replaced by the shorter y_i
at the cost of |a_ik| out of the budget of row k. Hence, with ``|s_k| + sum_i |a_ik| <= b_k``,

    G(u) <= sum_i tau_i / 2 + u^T Q u + c.u,
    Q = sum_i y_i y_i^T / (2 tau_i),   c = slope - sum_k s_k x_k,

and for every mu above the eigenvalues of Q the largest value of that on the ball is at most

    B = sum_i tau_i / 2 + mu + c^T (mu I - Q)^-1 c / 4:

one positive semidefinite matrix of order r + 1 proves it. Without leaning this is the Lagrangian
dual of the usual semidefinite relaxation; its own dual has, with leaning, for a unit vector u drawn
at random U for E u u^T and G_i for E sign(x_i.u) u, and ``|x_k.G_i| <= E |x_k.u| = x_k.G_k``.

Where it is known that ``sigma_l x_l.u >= 0``, |x_l.u| is linear: w_l moves to the slope, and row l
has any budget it wants, at the cost of its own linear term: ``c += |a_il| sigma_l x_l``.

B is minimised over all multipliers by a quasi-Newton method, with ``- eps log det(mu I - Q)`` added
to make it smooth. Which carriers should lean on which rows is found as columns are: those pairs are
added with whose multiplier B would fall. A step costs O(n r^2 + pairs r). Everything is linear in
v, so a bound for v is one for its multiples, and rows of length one stand for all rows, their
lengths going into w.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, minimize

from cvxnet.training.bounds.evidence import Indices, Multipliers
from cvxnet.training.clock import now
from cvxnet.types import Array

STAGE_STEPS = 100
"""Quasi-Newton steps a stage."""
PARTNERS = 10
"""Pairs added for each carrier after each stage."""
SPARE = 1e-9
"""The relative room left for rounding, in the budgets and between B and what is claimed."""
UNUSED = 1e-4
"""Pairs on which a row spends a smaller share than this are dropped after a stage."""
DOUBT_SMOOTHING = 1e-3
"""The smoothing at which it is found which sign is most in doubt."""
SPAN = 30.0
"""How far log tau may go from that of the mean weight."""


@dataclass(frozen=True)
class Evaluation:
    """B with the barrier for some multipliers, and its derivatives.

    Attributes
    ----------
    side : Side
        Of it only what never changes is read: rows, slopes, fixed signs.
    carrying : (n,) array
        The weights of the carriers, 0 for other rows.
    value : float
        Minimised over mu.
    gradient : array
        In the multipliers ``z``.
    Xu : (n,) array
        ``x_k.u`` with ``u = (mu I - Q)^-1 c / 2``, which stands for E u.
    by_y : (n, r) array
        The derivatives in the ``y_i``.
    earned : (n,) array
        How much B falls with each budget, spent as it is.
    """

    side: Side
    carrying: Array
    value: float
    gradient: Array
    Xu: Array
    by_y: Array
    earned: Array

    @property
    def worth(self) -> Array:
        """The derivative in w, (n,), for rows of length one.

        It stands for E |x_k.u|, which is |x_k.E u| where the sign is certain.
        """
        sigma = self.side.sigma
        carried = np.where(self.carrying > 0.0, (self.by_y * self.side.X).sum(axis=1), -self.earned)
        return np.where(sigma == 0.0, carried, sigma * self.Xu)

    @property
    def gradient_in_v(self) -> Array:
        """The derivative in v, (n,)."""
        side = self.side
        return np.asarray(side.lengths * (side.a * self.Xu + side.b * self.worth))


class Side:
    """The bound on ``sign * sum_k v_k phi(x_k.u)``, and its multipliers.

    ``sigma`` has the signs of the rows for which they are fixed, otherwise 0. ``z`` holds the
    shares in which budgets are spent (pairs first, then tilts s > 0, then s < 0; only their
    proportions within a row count) and the logarithms of tau. For rows of fixed sign shares are
    amounts, in units of ``size``.
    """

    def __init__(self, rows: Array, slopes: tuple[float, float], sign: float, v: Array) -> None:
        self.n, self.r = rows.shape
        self.lengths = np.linalg.norm(rows, axis=1)
        self.lengths[self.lengths == 0.0] = 1.0
        self.X = rows / self.lengths[:, None]
        self.a, self.b = sign * (slopes[0] - slopes[1]) / 2.0, sign * (slopes[0] + slopes[1]) / 2.0
        self.sigma = np.zeros(self.n)
        self.size = abs(self.b) * float(np.abs(v * self.lengths).mean()) or 1.0
        self.take(v)
        tau = np.log(self.carrying / np.sqrt(self.r) + 1e-2 * self.size)
        self.set_pairs(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
        self.z = np.concatenate([np.ones(2 * self.n), tau])
        near = self.X @ self.X.T
        self.add_pairs(np.where(near != 0.0, np.abs(near), -1.0), near, share=1.0)

    def take(self, v: Array) -> None:
        """Keep the multipliers, for another v."""
        self.v, w = v, self.b * self.lengths * v
        self.slope = self.X.T @ (self.a * self.lengths * v + w * self.sigma)
        w = np.where(self.sigma == 0.0, w, 0.0)
        self.carrying, self.budget = np.maximum(w, 0.0), np.maximum(-w, 0.0) * (1.0 - SPARE)

    def set_pairs(self, I: Indices, J: Indices, signs: Array) -> None:  # noqa: E741
        """Carriers I that may lean on rows J, with the signs of ``a_ik``."""
        self.I, self.J, self.signs, self.m = I, J, signs, len(I)
        self.spender = np.concatenate([J, np.arange(self.n), np.arange(self.n)])

    def add_pairs(self, gain: Array, slope: Array, share: float = 0.0) -> None:
        """The PARTNERS best rows for each carrier, by ``gain`` (n, n), where it is positive."""
        gain = gain.copy()
        gain[self.carrying == 0.0] = -1.0
        gain[:, (self.budget == 0.0) & (self.sigma == 0.0)] = -1.0
        shares = self.z[: self.m] / self.totals(self.z)[self.J]
        kept = shares > UNUSED
        gain[self.I[kept], self.J[kept]] = -1.0
        count = min(PARTNERS, self.n)
        best = np.argpartition(-gain, count - 1, axis=1)[:, :count]
        I, J = np.repeat(np.arange(self.n), count), best.ravel()  # noqa: E741
        good = gain[I, J] > 0.0
        I, J = I[good], J[good]  # noqa: E741
        old, rest = self.z[: self.m][kept], self.z[self.m :]
        start = np.full(len(I), share)
        I0, J0, signs = self.I[kept], self.J[kept], self.signs[kept]
        self.set_pairs(
            np.concatenate([I0, I]),
            np.concatenate([J0, J]),
            np.concatenate([signs, np.sign(slope[I, J])]),
        )
        self.z = np.concatenate([old, start, rest])

    def totals(self, z: Array) -> Array:
        """The sum of the shares of each row; 1 where they are amounts."""
        sums = np.bincount(self.spender, z[: self.m + 2 * self.n], minlength=self.n) + 1e-300
        return np.where(self.sigma == 0.0, sums, 1.0)

    def forms(self, z: Array) -> tuple[Array, ...]:
        """Rates, what is spent, ``a``, ``s``, ``y``, tau, Q and c for these multipliers.

        What a row spends on one that does not carry is lost.
        """
        m, n = self.m, self.n
        rate = (np.where(self.sigma == 0.0, self.budget, self.size) / self.totals(z))[self.spender]
        useful = np.append(self.carrying[self.I] > 0.0, np.ones(2 * n, bool))
        spent = rate * useful * z[: m + 2 * n]
        a, s = self.signs * spent[:m], spent[m : m + n] - spent[m + n :]
        A = sparse.csr_array((a, (self.I, self.J)), shape=(n, n))
        Y = self.carrying[:, None] * self.X - A @ self.X
        tau = np.where(self.carrying > 0.0, np.exp(z[m + 2 * n :]), 0.0)
        Q = Y.T @ (Y * self.inverse(tau)[:, None]) / 2.0
        fixed = self.sigma * np.bincount(self.spender, spent, minlength=n)
        return rate, useful, spent, a, s, Y, tau, Q, self.slope + self.X.T @ (fixed - s)

    def inverse(self, tau: Array) -> Array:
        """``1 / tau`` for the carriers, 0 for other rows."""
        return np.divide(1.0, tau, out=np.zeros_like(tau), where=self.carrying > 0.0)

    def evaluate(self, z: Array, eps: float) -> Evaluation:
        """B with the barrier at the multipliers z.

        With ``R = (mu I - Q)^-1`` and ``u = R c / 2`` the derivative in Q is ``u u^T + eps R`` and
        that in c is u.
        """
        n = self.n
        rate, useful, spent, _, _, Y, tau, Q, c = self.forms(z)
        mu, gaps, V = best_multiplier(Q, c, eps)
        R = (V / gaps) @ V.T
        u = R @ c / 2.0
        value = tau.sum() / 2.0 + mu + c @ u / 2.0 - eps * np.log(gaps).sum()
        by_y = Y @ (np.outer(u, u) + eps * R) * self.inverse(tau)[:, None]
        by_tau = tau / 2.0 - (by_y * Y).sum(axis=1) / 2.0
        Xu = self.X @ u
        leaning = -self.signs * np.einsum("ij,ij->i", by_y[self.I], self.X[self.J])
        spending = np.concatenate([leaning, -Xu, Xu]) + (self.sigma * Xu)[self.spender]
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.bincount(self.spender, spent * spending, minlength=n) / self.budget
        earned = np.where(self.budget > 0.0, mean, 0.0)
        by_share = rate * (useful * spending - earned[self.spender])
        gradient = np.concatenate([by_share, by_tau])
        return Evaluation(self, self.carrying, float(value), gradient, Xu, by_y, earned)

    def most_in_doubt(self) -> int | None:
        """The row by whose sign most is to be known; None where all signs are certain."""
        at = self.evaluate(self.z, self.barrier(DOUBT_SMOOTHING))
        doubt = np.abs(self.b * self.lengths * self.v) * (at.worth - np.abs(at.Xu))
        doubt[self.sigma != 0.0] = 0.0
        row = int(np.argmax(doubt))
        return row if doubt[row] > 0.0 else None

    @property
    def numbers(self) -> int:
        """How many numbers the evidence has."""
        return int(2 * self.n + 3 * int((self.z[: self.m] > 0.0).sum()))

    def child(self, row: int, sign: float) -> Side:
        """The same, where ``sign * x_row.u >= 0``; its bound is no larger.

        A carrier's ``|y.u|`` becomes ``sign * y.u``: the rows that it leans on are tilted instead.
        """
        child, m, n = copy(self), self.m, self.n
        amounts = self.z[: m + 2 * n] / self.totals(self.z)[self.spender]
        if self.sigma[row] == 0.0:
            amounts[self.spender == row] *= self.budget[row] / self.size
        own = row == self.I
        amounts[np.where(sign * self.signs[own] > 0.0, m, m + n) + self.J[own]] += amounts[:m][own]
        amounts[m + row if sign > 0.0 else m + n + row] = 0.0
        child.set_pairs(self.I[~own], self.J[~own], self.signs[~own])
        child.z = np.concatenate([amounts[:m][~own], amounts[m:], self.z[m + 2 * n :]])
        child.sigma = self.sigma.copy()
        child.sigma[row] = sign
        child.take(self.v)
        return child

    def scale(self) -> Array:
        """Divide the shares by their totals; returns units in which to move z."""
        k = self.m + 2 * self.n
        idle = (self.sigma == 0.0) & (self.totals(self.z) < 1e-100)
        self.z[self.m : k][np.tile(idle, 2)] = 0.5
        self.z[:k] /= self.totals(self.z)[self.spender]
        tau = np.exp(self.z[k:])
        return np.concatenate([np.ones(k), 1.0 / np.sqrt(np.maximum(tau, 1e-4 * tau.max()))])

    def limits(self) -> tuple[Array, Array]:
        """Lower and upper ends for z; the shares of a row must not all become 0."""
        k, middle = self.m + 2 * self.n, np.log(self.size)
        tilts = np.tile(np.where(self.sigma == 0.0, SPARE, 0.0), 2)
        low = np.concatenate([np.zeros(self.m), tilts, np.full(self.n, middle - SPAN)])
        high = np.concatenate([np.full(k, np.inf), np.full(self.n, middle + SPAN)])
        return low, high

    def improve(self, eps: float, deadline: float) -> None:
        """A stage: quasi-Newton steps at the smoothing ``eps``, then new pairs."""
        scale, barrier = self.scale(), self.barrier(eps)

        def objective(x: Array) -> tuple[float, Array]:
            at = self.evaluate(x * scale, barrier)
            return at.value, at.gradient * scale

        before, z = self.bound(), self.z
        self.z = descend(objective, z / scale, [end / scale for end in self.limits()], deadline)
        self.z = self.z * scale
        if not self.bound() <= before:
            self.z = z
        self.reprice(barrier)

    def barrier(self, eps: float) -> float:
        """The weight of the barrier at the smoothing ``eps``."""
        return float(eps * self.bound() / self.r)

    def reprice(self, barrier: float) -> None:
        """Add the pairs whose leaning would lower B most, beyond what their budget earns now."""
        at = self.evaluate(self.z, barrier)
        V = at.by_y @ self.X.T
        self.add_pairs(np.abs(V) + (at.earned - self.sigma * at.Xu)[None, :], V)

    def bound(self) -> float:
        """A proved bound on G: B, with some room and its rounding.

        As ``G(0) = 0`` it is not negative, whatever rounding makes of B.
        """
        _, _, B, rounding = self.proof()
        return max(B, 0.0) * (1.0 + SPARE) + rounding

    def proof(self) -> tuple[float, Array, float, float]:
        """mu, a little above the best one, tau, B there, and a bound on the rounding of B.

        Sums over the rows err by units of rounding of the sum of all their terms. The checker moves
        v by its rounding, too. A row whose budget that exceeds carries a little, so every row gets
        a tau; and where a carrier y and the rows it leans on cancel, y is known to few digits: mu
        makes up for the error of Q.
        """
        _, _, spent, a, _, Y, tau, Q, c = self.forms(self.z)
        scale = float(np.trace(Q) + np.linalg.norm(c)) or 1.0
        mu, gaps, V = best_multiplier(Q, c, 1e-10 * scale)
        B = float(tau.sum() / 2.0 + mu + ((V.T @ c) ** 2 / (4.0 * gaps)).sum())
        terms = (abs(self.a) + abs(self.b)) * float(self.lengths @ np.abs(self.v))
        terms += float(np.abs(spent).sum() + tau.sum()) + abs(mu) + scale
        unit = (self.n + 100) * np.finfo(float).eps
        tau = np.maximum(tau, 0.1 * (SPARE * max(B, 0.0) + unit * terms) / self.n)
        sizes = abs(self.b) * self.lengths * np.abs(self.v).max()
        sizes += np.bincount(self.I, np.abs(a), minlength=self.n)
        error, y = unit * sizes, np.linalg.norm(Y, axis=1)
        blur = float((error * (2.0 * y + error) / tau).sum() / 2.0)
        return mu + blur, tau, B + blur, unit * terms

    def multipliers(self) -> Multipliers:
        """The evidence for `bound`."""
        _, _, _, a, s, *_ = self.forms(self.z)
        mu, tau, _, _ = self.proof()
        return Multipliers(
            tilt=s / self.lengths,
            carriers=self.I,
            budgets=self.J,
            lean=a / self.lengths[self.J],
            tau=tau,
            mu=mu,
        )


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

    def bounded(x: Array) -> tuple[float, Array]:
        try:
            value, gradient = objective(x)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros_like(x)
        return (value, gradient) if np.isfinite(gradient).all() else (np.inf, np.zeros_like(x))

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
