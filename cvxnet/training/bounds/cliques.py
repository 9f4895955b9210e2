"""Signs of several rows at once: inequalities of odd cliques between them.

Let sigma_i be the sign of x_i.u. For whole numbers e_i with an odd sum, ``e_0 + sum_i e_i sigma_i``
is an odd number, so its square is at least one:

    lambda / 2 ((e_0 + e.sigma)^2 - 1) >= 0   for every lambda >= 0.

With three numbers +-1 that is the triangle inequality ``1 +- s_i s_j +- s_i s_k + s_j s_k >= 0`` of
the maximum cut. A bound by single parabolas takes every ``|y_i.u| = sigma_i y_i.u`` alone, as ``-
tau_i / 2 (sigma_i^2 - 1)`` is added to it. With the inequalities added, too, what is to be bounded
in sigma, of the rows S that occur in them, Y having their y_i, is

    sigma.(Y u + l) - sigma^T T sigma / 2 + const,     T = diag(tau) - sum lambda e e^T,
    l = sum lambda e_0 e,     const = sum_S tau_i / 2 + sum lambda (e_0^2 - 1) / 2,

and where T is positive definite, the largest value of that over all real sigma is

    (Y u + l)^T T^-1 (Y u + l) / 2 + const,

a quadratic function of u again: ``Q += Y^T T^-1 Y / 2``, ``c += Y^T T^-1 l``. Without inequalities
T is diagonal, which is the parabola of each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from cvxnet.types import Array

Indices = NDArray[np.int64]

NEW = 150
"""Inequalities added in a stage, those violated most."""
MOST_SIGNS = 120
"""Rows that may occur in inequalities: the checker's matrix has so many rows more."""
VIOLATED = 1e-3
"""By how much E (e_0 + e.sigma)^2 has to be below one."""
FORMS = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]])
"""Three signs, up to a factor -1."""


@dataclass(frozen=True)
class Cliques:
    """Inequalities: ``constant`` e_0, (q,), and ``weights`` e, (q, m), of the m rows ``rows``."""

    rows: Indices
    constant: Array
    weights: Array

    def __len__(self) -> int:
        return len(self.constant)

    @cached_property
    def products(self) -> tuple[Indices, Indices, Array]:
        """The entries of all ``e e^T`` but zeros: whose, where in (m, m) laid out flat, value."""
        q, i = np.nonzero(self.weights)
        counts = np.bincount(q, minlength=len(self))[q]
        first = np.repeat(np.arange(q.size), counts)
        starts = np.searchsorted(q, q)
        second = np.repeat(starts - np.cumsum(counts) + counts, counts) + np.arange(first.size)
        e = self.weights[q, i]
        return q[first], i[first] * len(self.rows) + i[second], e[first] * e[second]

    def form(self, tau: Array, multipliers: Array) -> Form:
        """What they make of all rows' tau, (n,), with multipliers (q,).

        Raises `numpy.linalg.LinAlgError` where T is not positive definite.
        """
        own, m, (q, place, value) = tau[self.rows], len(self.rows), self.products
        lost = np.bincount(place, multipliers[q] * value, minlength=m * m).reshape(m, m)
        inverse, log_det = inverted(np.diag(own) - lost)
        ell = (multipliers * self.constant) @ self.weights
        const = float(multipliers @ (self.constant**2 - 1.0)) / 2.0
        return Form(self, own, inverse, ell, const, log_det)

    def slack(self, mean: Array, second: Array) -> Array:
        """``(E (e_0 + e.sigma)^2 - 1) / 2`` for these moments of sigma: (m,) and (m, m)."""
        q, place, value = self.products
        squares = np.bincount(q, second.ravel()[place] * value, minlength=len(self))
        linear = self.constant * (self.weights @ mean)
        return np.asarray((self.constant**2 - 1.0 + squares) / 2.0 + linear)

    def without(self, row: int, sign: float) -> Cliques:
        """The same where the sign of a row is known; it becomes part of the constants."""
        own = self.rows == row
        moved = self.constant + sign * self.weights[:, own].sum(axis=1)
        return Cliques(self.rows[~own], moved, self.weights[:, ~own])

    def pick(self, which: NDArray[np.bool_]) -> Cliques:
        """Some of them, and only the rows that occur in these."""
        weights = self.weights[which]
        used = weights.any(axis=0)
        return Cliques(self.rows[used], self.constant[which], weights[:, used])

    def join(self, other: Cliques) -> Cliques:
        """Both, these first."""
        rows = np.union1d(self.rows, other.rows)
        constant = np.concatenate([self.constant, other.constant])
        weights = np.zeros((len(constant), len(rows)))
        weights[: len(self), np.searchsorted(rows, self.rows)] = self.weights
        weights[len(self) :, np.searchsorted(rows, other.rows)] = other.weights
        return Cliques(rows, constant, weights)

    def keys(self) -> list[bytes]:
        """One for each inequality, by its rows and weights."""
        parts = zip(self.constant, self.weights, strict=True)
        return [
            np.concatenate([[e0], self.rows[e != 0.0], e[e != 0.0]]).tobytes() for e0, e in parts
        ]

    def unlike(self, other: Cliques) -> Cliques:
        """Those that the other ones do not have."""
        known = set(other.keys())
        return self.pick(np.array([key not in known for key in self.keys()], dtype=bool))


NONE = Cliques(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 0)))
"""No inequalities."""


def inverted(T: Array) -> tuple[Array, float]:
    """The inverse of a positive definite matrix, and the logarithm of its determinant.

    Examples
    --------
    >>> inverse, log_det = inverted(np.array([[2.0, 1.0], [1.0, 1.0]]))
    >>> inverse.round(9).tolist(), round(log_det, 9)
    ([[1.0, -1.0], [-1.0, 2.0]], 0.0)
    """
    if not T.size:
        return T, 0.0
    L, failed = lapack.dpotrf(T, lower=1)
    if failed:
        raise np.linalg.LinAlgError("not positive definite")
    half, _ = lapack.dpotri(L, lower=1)
    below = np.tril(half, -1)
    return below + below.T + np.diag(np.diag(half)), 2.0 * float(np.log(np.diag(L)).sum())


@dataclass(frozen=True)
class Form:
    """A quadratic form in signs: ``inverse`` is T^-1, and ``log_det`` of T."""

    cliques: Cliques
    tau: Array
    inverse: Array
    ell: Array
    const: float
    log_det: float

    @property
    def level(self) -> float:
        """``const`` without the tau, with what l adds to it."""
        return self.const + float(self.ell @ self.inverse @ self.ell) / 2.0

    @property
    def closeness(self) -> float:
        """``- log det T`` beyond that of the diagonal of tau: a barrier, 0 without inequalities."""
        return float(np.log(self.tau).sum()) - self.log_det

    def moments(self, Y: Array, P: Array, u: Array, barrier: float) -> Moments:
        """The derivatives of ``tr(P Q) + c.u + level + barrier * closeness``."""
        N, e = self.inverse @ Y, self.inverse @ self.ell
        mean = N @ u + e
        NP = N @ P
        second = NP @ N.T + np.outer(mean, mean) - np.outer(N @ u, N @ u)
        return Moments(NP + np.outer(e, u), mean, second + 2.0 * barrier * self.inverse)


@dataclass(frozen=True)
class Moments:
    """Derivatives: ``by_y`` in Y, ``mean`` (E sigma) in l, ``-second / 2`` in T."""

    by_y: Array
    mean: Array
    second: Array


def violated(rows: Indices, mean: Array, second: Array) -> Cliques:
    """The triangle inequalities that these moments of signs violate most, at most NEW of them."""
    m = len(rows)
    S = np.ones((m + 1, m + 1))
    S[0, 1:] = S[1:, 0] = mean
    S[1:, 1:] = second
    np.fill_diagonal(S, 1.0)
    found, amounts = [np.zeros((0, 4), int)], [np.zeros(0)]
    for i in range(m - 1):
        later = S[i + 1 :, i + 1 :]
        for k, (a, b, c) in enumerate(FORMS):
            value = 1.0 + a * b * S[i, i + 1 :, None] + a * c * S[i, None, i + 1 :] + b * c * later
            J, K = np.nonzero(np.triu(value < -VIOLATED, 1))
            found.append(
                np.column_stack([np.full(len(J), i), J + i + 1, K + i + 1, np.full(len(J), k)])
            )
            amounts.append(value[J, K])
    all_found = np.vstack(found)[np.argsort(np.concatenate(amounts), kind="stable")[:NEW]]
    weights = np.zeros((len(all_found), m + 1))
    for column in range(3):
        weights[np.arange(len(weights)), all_found[:, column]] = FORMS[all_found[:, 3], column]
    fresh = Cliques(rows, weights[:, 0], weights[:, 1:])
    return fresh.pick(np.ones(len(fresh), bool))
