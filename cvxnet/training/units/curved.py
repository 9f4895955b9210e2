"""Units ``phi(x.u)`` with a differentiable ``phi`` and ``|u| = 1``.

The feature of a row ``z = |z| u`` is ``|z| phi(X u)``. With ``t = X u`` and ``u^T du = 0`` for the
part of a change that turns ``u``,

    gradient of v.feature(z)  =  (v.phi(t)) u + (I - u u^T) X^T (v * phi'(t)).
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import numpy as np

from cvxnet.training.units.family import UnitFamily, along_features, as_columns, frame_of
from cvxnet.types import Array


class CurvedUnits(UnitFamily):
    """Units on the sphere that are moved by their gradient; the penalty is on ``|a|``."""

    slides = True
    smooth: ClassVar[bool] = True

    @property
    def rows(self) -> Array:
        """The data in the coordinates of ``u``, (n, rank)."""
        return self.X

    def phi(self, t: Array) -> Array:
        """The activation."""
        raise TypeError(f"{self.name} units have no activation")

    def slope(self, t: Array) -> Array:
        """Its derivative."""
        raise TypeError(f"{self.name} units have no slope")

    @cached_property
    def frame(self) -> Array:
        return frame_of(self.rows)

    def features(self, W: Array) -> Array:
        """``|z| phi(X z / |z|)`` for each row ``z`` of ``W``; zero for ``z = 0``."""
        sizes, U = split(W)
        return self.phi(self.rows @ U.T) * sizes

    def pull_back(self, W: Array, v: Array) -> Array:
        """Gradient of ``v . feature(z)`` for each row ``z`` of ``W``."""
        _, U = split(W)
        t = self.rows @ U.T
        turn = (as_columns(v) * self.slope(t)).T @ self.rows
        along = along_features(v, self.phi(t)) - (turn * U).sum(axis=1)
        return np.asarray(turn + along[:, None] * U)


def split(W: Array) -> tuple[Array, Array]:
    """Lengths and directions of the rows; a row of zeros has direction zero."""
    sizes = np.sqrt((W * W).sum(axis=1))
    return sizes, W / np.where(sizes > 0.0, sizes, 1.0)[:, None]
