"""Units of degree two, ``(x.u)^2`` and ``a t^2 + b t + c`` of ``t = x.u``, with ``|u| = 1``.

Bartan and Pilanci 2021 (arXiv 2101.02429). Exact pricing at any size, as an eigenproblem or a
trust-region problem; the training problem is a semidefinite program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.pricing.spectral import price_polynomial, price_quadratic
from cvxnet.training.spectrahedron import (
    Program,
    neural_decomposition,
    polynomial_program,
    quadratic_program,
)
from cvxnet.training.units.curved import CurvedUnits, split
from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.training.problem import Problem


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

    def phi(self, t: Array) -> Array:
        return t * t

    def slope(self, t: Array) -> Array:
        return 2.0 * t

    def price(self, v: Array, floor: float) -> LocalMaxima:
        """The eigenvectors of ``X^T diag(v) X``."""
        return price_quadratic(self.X, v, floor)

    def simplify(self, W: Array, signs: Array) -> tuple[Array, Array]:
        """The eigenvectors of ``S = sum_j a_j u_j u_j^T``: at most as many as columns."""
        sizes = np.linalg.norm(W, axis=1)
        S = (W.T * (signs / np.where(sizes > 0.0, sizes, 1.0))) @ W
        values, vectors = np.linalg.eigh(S)
        return (vectors * np.abs(values)).T, np.where(values < 0.0, -1.0, 1.0)

    def program(self, problem: Problem) -> Program:
        """Two semidefinite blocks."""
        return quadratic_program(problem)


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

    def price(self, v: Array, floor: float) -> LocalMaxima:
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

    def program(self, problem: Problem) -> Program:
        """Two semidefinite blocks."""
        return polynomial_program(problem, self.coefficients)

    def idle(self) -> Array:
        """Any unit of length one."""
        return np.eye(1, self.X.shape[1])
