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
dual of the usual semidefinite relaxation. B is minimised over all multipliers by a quasi-Newton
method, with ``- eps log det(mu I - Q)`` added to make it smooth. Which carriers should lean on
which rows is found as columns are: those pairs are added with whose multiplier B would fall.

A step costs O(n r^2 + pairs r). Everything is linear in v, so a bound for v is one for its
multiples, and rows of length one stand for all rows, their lengths going into w.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

SMOOTHINGS = (1e-2, 1e-2, 3e-3, 3e-3, *(1e-3,) * 8, *(3e-4,) * 12, *(1e-4,) * 40)
"""Weights eps of the barrier, relative to B / r, one a stage."""
STEPS = 200
"""Quasi-Newton steps a stage."""
PARTNERS = 10
"""Pairs added for each carrier after each stage."""
SPARE = 1e-9
"""The relative room left for rounding, in the budgets and between B and what is claimed."""
SPAN = 30.0
"""How far log tau may go from that of the mean weight."""
ENOUGH = 1e-4
"""Stages at the last smoothings end the search when they gain less than this, relatively."""


@dataclass(frozen=True)
class Multipliers:
    """What proves ``G <= bound`` for one side: see the module's text; rows as they were given."""

    tilt: Array
    carriers: Indices
    budgets: Indices
    lean: Array
    tau: Array
    mu: float

    def times(self, v: float, x: float) -> Multipliers:
        """For dual vectors that are ``v`` times, and rows that are ``x`` times the ones here."""
        return replace(
            self,
            tilt=v * self.tilt,
            lean=v * self.lean,
            tau=v * x * self.tau,
            mu=v * x * self.mu,
        )

    def document(self) -> dict[str, Any]:
        """As a certificate carries it."""
        triples = zip(self.carriers.tolist(), self.budgets.tolist(), self.lean, strict=True)
        lean = [[i, k, float(a)] for i, k, a in triples if a]
        return {"tilt": self.tilt, "lean": lean, "tau": self.tau, "mu": float(self.mu)}


@dataclass(frozen=True)
class Evidence:
    """Multipliers for both signs of the pricing function."""

    plus: Multipliers
    minus: Multipliers

    def times(self, v: float, x: float = 1.0) -> Evidence:
        """See `Multipliers.times`."""
        return Evidence(self.plus.times(v, x), self.minus.times(v, x))

    def document(self) -> dict[str, Any]:
        """As a certificate carries it."""
        return {
            "kind": "relaxation",
            "plus": self.plus.document(),
            "minus": self.minus.document(),
        }


class Side:
    """The bound on one sign of the pricing function, and its multipliers.

    ``z`` holds the shares in which budgets are spent (pairs first, then tilts s > 0, then s < 0;
    only their proportions within a row count) and the logarithms of tau.
    """

    def __init__(self, rows: Array, slope: Array, w: Array) -> None:
        self.lengths = np.linalg.norm(rows, axis=1)
        self.lengths[self.lengths == 0.0] = 1.0
        self.X, self.slope = rows / self.lengths[:, None], slope
        self.n, self.r = rows.shape
        w = w * self.lengths
        self.carrying, self.budget = np.maximum(w, 0.0), np.maximum(-w, 0.0) * (1.0 - SPARE)
        size = np.abs(w).mean() or 1.0
        self.middle = float(np.log(size))
        tau = np.log(self.carrying / np.sqrt(self.r) + 1e-2 * size)
        self.set_pairs(np.zeros(0, int), np.zeros(0, int), np.zeros(0))
        self.z = np.concatenate([np.ones(2 * self.n), tau])
        near = np.abs(self.X @ self.X.T)
        self.add_pairs(np.where(near > 0.0, near, -1.0), self.X @ self.X.T)

    def set_pairs(self, I: Indices, J: Indices, signs: Array) -> None:  # noqa: E741
        """Carriers I that may lean on rows J, with the signs of ``a_ik``."""
        self.I, self.J, self.signs, self.m = I, J, signs, len(I)
        self.spender = np.concatenate([J, np.arange(self.n), np.arange(self.n)])

    def add_pairs(self, gain: Array, slope: Array) -> None:
        """The PARTNERS best rows for each carrier, by ``gain`` (n, n), where it is positive."""
        gain = gain.copy()
        gain[self.carrying == 0.0] = -1.0
        gain[:, self.budget == 0.0] = -1.0
        shares = self.z[: self.m] / self.spent()[self.J] if self.m else np.zeros(0)
        kept = shares > 1e-9
        gain[self.I[kept], self.J[kept]] = -1.0
        count = min(PARTNERS, self.n)
        best = np.argpartition(-gain, count - 1, axis=1)[:, :count]
        I, J = np.repeat(np.arange(self.n), count), best.ravel()  # noqa: E741
        good = gain[I, J] > 0.0
        I, J = I[good], J[good]  # noqa: E741
        old, rest = self.z[: self.m][kept], self.z[self.m :]
        start = np.zeros(len(I)) if self.m else np.ones(len(I))
        I0, J0, signs = self.I[kept], self.J[kept], self.signs[kept]
        self.set_pairs(
            np.concatenate([I0, I]),
            np.concatenate([J0, J]),
            np.concatenate([signs, np.sign(slope[I, J])]),
        )
        self.z = np.concatenate([old, start, rest])

    def spent(self) -> Array:
        """The sum of the shares of each row."""
        shares = self.z[: self.m + 2 * self.n]
        return np.bincount(self.spender, shares, minlength=self.n) + 1e-300

    def forms(self, z: Array) -> tuple[Array, ...]:
        """Proportions, ``a``, ``s``, ``y``, tau, Q and c for these multipliers."""
        m, n = self.m, self.n
        total = np.bincount(self.spender, z[: m + 2 * n], minlength=n) + 1e-300
        proportion = z[: m + 2 * n] / total[self.spender]
        spent = self.budget[self.spender] * proportion
        a, s = self.signs * spent[:m], spent[m : m + n] - spent[m + n :]
        A = sparse.csr_array((a, (self.I, self.J)), shape=(n, n))
        Y = self.carrying[:, None] * self.X - A @ self.X
        tau = np.where(self.carrying > 0.0, np.exp(z[m + 2 * n :]), 0.0)
        Q = Y.T @ (Y * self.inverse(tau)[:, None]) / 2.0
        return proportion, total, a, s, Y, tau, Q, self.slope - self.X.T @ s

    def inverse(self, tau: Array) -> Array:
        """``1 / tau`` for the carriers, 0 for other rows."""
        return np.divide(1.0, tau, out=np.zeros_like(tau), where=self.carrying > 0.0)

    def value_and_gradient(self, z: Array, eps: float) -> tuple[float, Array]:
        """B with the barrier, minimised over mu, and its gradient in z.

        With ``R = (mu I - Q)^-1`` and ``u = R c / 2`` the derivative in Q is ``u u^T + eps R`` and
        that in c is u.
        """
        n = self.n
        proportion, total, _, _, Y, tau, Q, c = self.forms(z)
        mu, gaps, V = best_multiplier(Q, c, eps)
        R = (V / gaps) @ V.T
        u = R @ c / 2.0
        value = tau.sum() / 2.0 + mu + c @ u / 2.0 - eps * np.log(gaps).sum()
        YU = Y @ (np.outer(u, u) + eps * R)
        dY = YU * self.inverse(tau)[:, None]
        by_tau = tau / 2.0 - (dY * Y).sum(axis=1) / 2.0
        leaning = -self.signs * np.einsum("ij,ij->i", dY[self.I], self.X[self.J])
        Xu = self.X @ u
        spending = np.concatenate([leaning, -Xu, Xu])
        mean = np.bincount(self.spender, proportion * spending, minlength=n)
        self.dY, self.mean = dY, mean
        by_share = (self.budget / total)[self.spender] * (spending - mean[self.spender])
        return float(value), np.concatenate([by_share, by_tau])

    def improve(self, eps: float, deadline: float) -> None:
        """A stage: quasi-Newton steps, then new pairs."""
        k = self.m + 2 * self.n
        total = self.spent()
        self.z[:k] /= total[self.spender]
        tau = np.exp(self.z[k:])
        scale = np.ones(len(self.z))
        scale[k:] = 1.0 / np.sqrt(np.maximum(tau, 1e-4 * tau.max()))
        barrier = eps * self.bound() / self.r

        def objective(x: Array) -> tuple[float, Array]:
            value, gradient = self.value_and_gradient(x * scale, barrier)
            return value, gradient * scale

        def out_of_time(x: Array) -> None:
            if time.monotonic() > deadline:
                raise StopIteration

        lowest, highest = (self.middle - SPAN) / scale[k:], (self.middle + SPAN) / scale[k:]
        bounds = [(0.0, None)] * k + list(zip(lowest, highest, strict=True))
        options = {"maxiter": STEPS, "maxfun": 2 * STEPS, "maxcor": 20, "ftol": 1e-13, "gtol": 0.0}
        result = minimize(
            objective, self.z / scale, jac=True, method="L-BFGS-B", bounds=bounds,
            options=options, callback=out_of_time,
        )  # fmt: skip
        before, z = self.bound(), self.z
        self.z = result.x * scale
        if self.bound() > before:
            self.z = z

    def reprice(self) -> None:
        """Add the pairs whose leaning would lower B most, beyond what their budget earns now."""
        self.value_and_gradient(self.z, 1e-4 * self.bound() / self.r)
        V = self.dY @ self.X.T
        self.add_pairs(np.abs(V) + self.mean[None, :], V)

    def bound(self) -> float:
        """A proved bound on G: B, with some room."""
        return self.multiplier()[1] * (1.0 + SPARE)

    def multiplier(self) -> tuple[float, float]:
        """mu, a little above the best one, and B there."""
        *_, tau, Q, c = self.forms(self.z)
        scale = float(np.trace(Q) + np.linalg.norm(c)) or 1.0
        mu, gaps, V = best_multiplier(Q, c, 1e-10 * scale)
        return mu, float(tau.sum() / 2.0 + mu + ((V.T @ c) ** 2 / (4.0 * gaps)).sum())

    def multipliers(self) -> Multipliers:
        """The evidence for `bound`.

        Every row gets a tau: the checker moves v by its rounding, and what it moves above a budget
        counts as carrying.
        """
        _, _, a, s, _, tau, _, _ = self.forms(self.z)
        tau = np.maximum(tau, 0.1 * SPARE * self.bound() / self.n)
        return Multipliers(
            tilt=s / self.lengths,
            carriers=self.I,
            budgets=self.J,
            lean=a / self.lengths[self.J],
            tau=tau,
            mu=self.multiplier()[0],
        )


def best_multiplier(Q: Array, c: Array, eps: float) -> tuple[float, Array, Array]:
    """The mu that minimises ``mu + c^T (mu I - Q)^-1 c / 4 - eps log det(mu I - Q)``.

    Returns mu, ``mu`` less the eigenvalues of Q, and the eigenvectors. Bisection on the derivative.
    """
    values, V = np.linalg.eigh(Q)
    h = (V.T @ c) ** 2 / 4.0
    low, high = 0.0, float(np.sqrt(h.sum())) + 2.0 * eps * len(c) + 1e-300

    def falls(step: float) -> bool:
        gaps = step + (values[-1] - values)
        return bool((h / gaps**2).sum() + eps * (1.0 / gaps).sum() > 1.0)

    while falls(high):
        high *= 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if falls(middle) else (low, middle)
    return float(values[-1] + high), high + (values[-1] - values), V


def bounds_on_rho(
    rows: Array, slopes: tuple[float, float], v: Array, deadline: float
) -> Iterator[tuple[float, Evidence]]:
    """Better and better proved bounds on ``rho(v)``, with their evidence, until the deadline.

    Parameters
    ----------
    rows : (n, r) array
    slopes : (plus, minus)
        Of ``phi(t) = plus (t)_+ + minus (-t)_+``.
    v : (n,) array
    deadline : float
        On ``time.monotonic``.

    Examples
    --------
    >>> rows, v = np.eye(2), np.array([3.0, -4.0])  # rho(v) is 4
    >>> bounds = [bound for bound, _ in bounds_on_rho(rows, (1.0, 0.0), v, np.inf)]
    >>> bool(4.0 <= bounds[-1] < 4.01)
    True
    """
    plus, minus = slopes
    a, b = (plus - minus) / 2.0, (plus + minus) / 2.0
    sides = [Side(rows, side * a * (rows.T @ v), side * b * v) for side in (1.0, -1.0)]
    before = np.inf
    for stage, eps in enumerate(SMOOTHINGS):
        for side in sides:
            side.improve(eps, deadline)
        bound = max(side.bound() for side in sides)
        yield bound, Evidence(sides[0].multipliers(), sides[1].multipliers())
        late = stage > len(SMOOTHINGS) // 4
        if time.monotonic() > deadline or (late and before - bound < ENOUGH * bound):
            return
        before = bound
        for side in sides:
            side.reprice()
