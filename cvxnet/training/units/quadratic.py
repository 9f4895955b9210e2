"""Quadratic units ``(x.u)^2`` with ``|u| = 1``: exact pricing at any size, as an eigenproblem.

The predictions are ``x^T S x`` with ``S = sum_j a_j u_j u_j^T``, and the penalty ``sum |a_j|`` is
the nuclear norm of S (Bartan and Pilanci 2021, arXiv 2101.02429).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from cvxnet.layers import Square
from cvxnet.training.pricing.spectral import price_quadratic
from cvxnet.training.pricing.sweep import LocalMaxima
from cvxnet.training.spectrahedron import Program, quadratic_program
from cvxnet.training.units.curved import CurvedUnits
from cvxnet.training.units.family import Array

if TYPE_CHECKING:
    from cvxnet.training.problem import Problem


@dataclass(frozen=True, eq=False)
class QuadraticUnits(CurvedUnits):
    """Quadratic units.

    Examples
    --------
    >>> import numpy as np
    >>> units = QuadraticUnits(np.eye(2))
    >>> units.features(np.array([[0.6, -0.8]])).ravel().round(2).tolist()
    [0.36, 0.64]
    >>> units.price(np.array([3.0, -4.0]), 0.0).rho
    4.0
    """

    name = "quadratic"
    degree: ClassVar[int] = 2
    power: ClassVar[int] = 2
    layer = Square

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
