"""The exponential linear unit."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.layers.atoms.scalar import ScalarAtom
from cvxnet.layers.scalars import elu_profile


class elu(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``x`` for x >= 0, ``alpha (exp(x) - 1)`` below, entry by entry.

    Convex exactly for ``0 <= alpha <= 1``, nondecreasing, and non-negative with its argument.

    Examples
    --------
    >>> import cvxpy as cp
    >>> elu(cp.square(cp.Variable())).curvature
    'CONVEX'
    """

    def __init__(self, x: Any, alpha: float = 1.0) -> None:
        self.alpha = float(alpha)
        self.profile = elu_profile(self.alpha)
        super().__init__(x)

    def get_data(self) -> Any:
        return [self.alpha]


def elu_canon(
    expr: elu, args: list[cp.Expression], **_: Any
) -> tuple[cp.Expression, list[cp.Constraint]]:
    """The least ``alpha (exp(u) - 1) + v`` with ``u + v >= x``, ``u <= 0``, ``v >= 0``.

    At the best split v is 0 for x <= 0 and u is 0 for x >= 0, because the slope ``alpha exp(u)``
    is at most 1 for alpha <= 1. The sum only has to reach x, so the argument may be convex.
    """
    t, u, v = (cp.Variable(expr.shape) for _ in range(3))
    ones = cp.Constant(np.ones(expr.shape))
    value = expr.alpha * (t - 1) + v
    return value, [cp.ExpCone(u, ones, t), u + v >= args[0], u <= 0, v >= 0]
