"""Units of degree two, ``(x.u)^2`` and ``a t^2 + b t + c`` of ``t = x.u``, with ``|u| = 1``.

Bartan and Pilanci 2021 (arXiv 2101.02429). Exact pricing at any size, as an eigenproblem or a
trust-region problem; the training problem is a semidefinite program.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnet.training.pricing.maxima import LocalMaxima, none_above
from cvxnet.training.pricing.spectral import price_polynomial, price_quadratic
from cvxnet.training.units.curved import CurvedUnits, split
from cvxnet.types import Array

LEFT_OVER = 1e-10
"""Eigenvalues below this, relative to the largest, are what a solver left over."""


@dataclass(frozen=True, eq=False)
class QuadraticUnits(CurvedUnits):
    """Quadratic units ``(x.u)^2``: exact pricing at any size, as an eigenproblem.

    The predictions are ``x^T S x`` with ``S = sum_j a_j u_j u_j^T``, and the penalty ``sum |a_j|``
    is the nuclear norm of S.

    Examples
    --------
    >>> units = QuadraticUnits(np.eye(2))
    >>> units.features(np.array([[0.6, -0.8]])).ravel().round(2).tolist()
    [0.36, 0.64]
    >>> units.price(np.array([3.0, -4.0]), 0.0).rho
    4.0
    """

    name = "quadratic"
    positive = True

    def phi(self, t: Array) -> Array:
        return t * t

    def slope(self, t: Array) -> Array:
        return 2.0 * t

    def price(
        self, v: Array, floor: float, deadline: float = np.inf, work: float = np.inf
    ) -> LocalMaxima:
        """The eigenvectors of ``X^T diag(v) X``."""
        if self.points_away(v):
            return none_above(floor, self.rank)
        return price_quadratic(self.X, v, floor, self.priced_sides)

    def simplify(self, W: Array, signs: Array) -> tuple[Array, Array]:
        """The eigenvectors of ``S = sum_j a_j u_j u_j^T``: at most as many as columns.

        Where all ``a_j`` have one sign S is semidefinite, and other eigenvalues are rounding.
        """
        sizes = np.linalg.norm(W, axis=1)
        S = (W.T * (signs / np.where(sizes > 0.0, sizes, 1.0))) @ W
        values, vectors = np.linalg.eigh(S)
        outputs = np.where(values < 0.0, -1.0, 1.0)
        kept = np.isin(outputs, self.output_signs)
        return (vectors * np.abs(values)).T[kept], outputs[kept]


@dataclass(frozen=True, eq=False)
class PolynomialUnits(CurvedUnits):
    """Polynomial units of degree two. The default coefficients, those of the paper, resemble ReLU.

    Examples
    --------
    >>> units = PolynomialUnits(np.eye(2), coefficients=(1.0, 0.0, -1.0))
    >>> units.features(np.array([[0.6, -0.8]])).ravel().round(2).tolist()
    [-0.64, -0.36]
    >>> units.price(np.array([3.0, -4.0]), 0.0).values.tolist()
    [4.0, 3.0]
    """

    coefficients: tuple[float, float, float] = (0.09, 0.5, 0.47)

    name = "polynomial"

    def phi(self, t: Array) -> Array:
        a, b, c = self.coefficients
        return (a * t + b) * t + c

    def slope(self, t: Array) -> Array:
        a, b, _ = self.coefficients
        return 2.0 * a * t + b

    def price(
        self, v: Array, floor: float, deadline: float = np.inf, work: float = np.inf
    ) -> LocalMaxima:
        """All critical points, by a trust-region problem on the sphere."""
        return price_polynomial(self.X, v, self.coefficients, floor)

    def simplify(self, W: Array, signs: Array) -> tuple[Array, Array]:
        """The neural decomposition of ``sum_j |a_j| (u_j, 1)(u_j, 1)^T`` for either sign."""
        sizes, U = split(W)
        lifted = np.hstack([U, np.ones((len(U), 1))]) * np.sqrt(sizes)[:, None]
        parts = []
        for sign in (1.0, -1.0):
            mine = lifted[signs == sign]
            vectors = neural_decomposition(mine.T @ mine, small=1e-14)
            parts.append(vectors[:, -1:] * vectors[:, :-1])
        return np.vstack(parts), np.repeat([1.0, -1.0], [len(part) for part in parts])

    def idle(self) -> Array:
        """Any unit of length one."""
        return np.eye(1, self.X.shape[1])


def neural_decomposition(Z: Array, small: float = LEFT_OVER) -> Array:
    """Vectors, one a row, with ``Z = sum p p^T`` and ``|p_1..r| = |p_{r+1}|`` for each.

    Z is positive semidefinite with ``trace Z1 = w``, that is ``<G, Z> = 0`` for G = diag(1, -1).
    In any factorisation ``Z = sum p p^T`` the numbers ``p^T G p`` then add up to 0. Turning a pair
    on which they have opposite signs, in its plane, leaves ``p p^T + q q^T`` as it is and can make
    one of the two numbers zero (Polik and Terlaky 2007, the proof of the S-lemma). Eigenvalues
    up to ``small``, relative to the largest, count as zero.

    Examples
    --------
    >>> vectors = neural_decomposition(np.diag([2.0, 1.0, 3.0]))
    >>> (vectors.T @ vectors).round(12).diagonal().tolist()
    [2.0, 1.0, 3.0]
    >>> bool(np.allclose(np.linalg.norm(vectors[:, :2], axis=1), np.abs(vectors[:, 2])))
    True
    """
    eigenvalues, W = np.linalg.eigh(Z)
    kept = eigenvalues > small * max(eigenvalues[-1], 0.0)
    vectors = np.sqrt(eigenvalues[kept])[:, None] * W[:, kept].T
    G = np.append(np.ones(len(Z) - 1), -1.0)
    left = np.ones(len(vectors), dtype=bool)
    for _ in range(len(vectors) - 1):
        excess = np.where(left, (vectors * vectors) @ G, 0.0)
        i, j = np.argmax(excess), np.argmin(excess)
        if not excess[i] > 0.0 > excess[j]:
            break
        vectors[i], vectors[j] = turn(vectors[i], vectors[j], G)
        left[i] = False
    return np.asarray(vectors)


def turn(p: Array, q: Array, G: Array) -> tuple[Array, Array]:
    """Turn p and q in their plane until the first has ``p^T G p = 0``.

    ``(p + t q)^T G (p + t q) = 0`` is a quadratic equation in t; its roots are real, as ``p^T G p``
    and ``q^T G q`` have opposite signs. The smaller one is taken.
    """
    pp, pq, qq = p @ (G * p), p @ (G * q), q @ (G * q)
    root = np.sqrt(np.maximum(pq * pq - pp * qq, 0.0))
    t = -pp / (pq + np.copysign(root, pq))
    length = np.hypot(1.0, t)
    return (p + t * q) / length, (q - t * p) / length
