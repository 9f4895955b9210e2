"""What every unit family brings to training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cvxnet.training.sweep import LocalMaxima

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """A piece of the master problem: units that act linearly on the data, with one output sign.

    A vector ``z`` with ``facets @ z >= 0`` adds ``matrix @ z`` to the predictions at the price
    ``weight_decay |z|``. Blocks with equal keys are the same piece.
    """

    key: tuple[bytes, float]
    sign: float
    matrix: Array
    facets: Array


class UnitFamily(Protocol):
    """Units on fixed data: ``u`` lives in the unit ball of ``R^rank``."""

    name: str

    @property
    def rank(self) -> int:
        """The dimension of ``u``."""
        ...

    @property
    def rows(self) -> Array:
        """The data in the coordinates of ``u``: (n, rank)."""
        ...

    def features(self, U: Array) -> Array:
        """Columns ``phi_u(X)`` of the units in the rows of ``U``: (m, rank) -> (n, m)."""
        ...

    def pull_back(self, U: Array, v: Array) -> Array:
        """Gradient of ``v . phi_u(X)`` with respect to each row of ``U``: (m, rank)."""
        ...

    def price(self, v: Array, floor: float) -> LocalMaxima:
        """Local maxima over the unit ball of ``|v . phi_u(X)|`` above ``floor``; rho is proved."""
        ...

    def block(self, u: Array, sign: float) -> Block:
        """A block that contains the unit ``u``."""
        ...

    def snap(self, u: Array, close: float) -> Array:
        """``u`` moved to the face that it is within the angle ``close`` of, if there is one."""
        ...

    def face(self, u: Array) -> tuple[Array, Array]:
        """The face that ``u`` lies on: features and basis.

        Returns ``(A, B)``, (n, k) and (rank, k), such that the unit ``B w`` has the feature
        ``A w`` for ``w`` near ``B^T u``.
        """
        ...

    def all_cells(self) -> tuple[NDArray[np.int8], sparse.csr_array]:
        """Every activation pattern but the empty one, and the facets of all their cells.

        Returns ``D`` (P, n) of 0 and 1 and ``F``, for which ``F @ z >= 0`` says that each of the P
        vectors (of length rank) stacked in ``z`` lies in its cell.
        """
        ...

    def weights(self, U: Array) -> Array:
        """Hidden weights in the columns of ``X``: (m, rank) -> (m, d)."""
        ...
