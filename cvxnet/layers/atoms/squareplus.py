"""Squareplus, the algebraic relative of softplus."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.layers.atoms.scalar import ScalarAtom
from cvxnet.layers.scalars import squareplus_profile


class squareplus(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``(x + sqrt(x^2 + b)) / 2``, entry by entry: convex, nondecreasing, positive."""

    def __init__(self, x: Any, b: float = 4.0) -> None:
        self.b = float(b)
        self.profile = squareplus_profile(self.b)
        super().__init__(x)

    def get_data(self) -> Any:
        return [self.b]


def squareplus_canon(
    expr: squareplus, args: list[cp.Expression], **_: Any
) -> tuple[cp.Expression, list[cp.Constraint]]:
    """The epigraph ``|(x, sqrt(b))| <= 2 t - x`` with ``s`` for x.

    ``s >= x`` lets the argument be convex; it is harmless because the function does not decrease.
    """
    t, s = cp.Variable(expr.shape), cp.Variable(expr.shape)
    rows = cp.vstack([cp.vec(s, order="F"), np.full(expr.size, np.sqrt(expr.b))])
    cone = cp.SOC(cp.vec(2 * t - s, order="F"), rows, axis=0)
    return t, [cone, s >= args[0]]
