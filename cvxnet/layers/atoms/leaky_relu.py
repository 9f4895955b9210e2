"""The leaky rectifier."""

from __future__ import annotations

from typing import Any

import cvxpy as cp

from cvxnet.layers.atoms.scalar import ScalarAtom
from cvxnet.layers.scalars import leaky_relu_profile


class leaky_relu(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``x`` for x >= 0, ``slope x`` below, entry by entry.

    Convex for slope <= 1 and concave for slope >= 1; nondecreasing for slope >= 0.
    ``cp.maximum(x, slope * x)`` is the same function, but holds its argument twice, and a chain of
    L such layers then has 2^L sub-expressions.
    """

    def __init__(self, x: Any, slope: float = 0.01) -> None:
        self.slope = float(slope)
        self.profile = leaky_relu_profile(self.slope)
        super().__init__(x)

    def get_data(self) -> Any:
        return [self.slope]

    def is_pwl(self) -> bool:
        return self.args[0].is_pwl()


def leaky_relu_canon(
    expr: leaky_relu, args: list[cp.Expression], **_: Any
) -> tuple[cp.Expression, list[cp.Constraint]]:
    """The epigraph ``t >= x, t >= slope x`` for slope <= 1, the hypograph for slope > 1."""
    t, x = cp.Variable(expr.shape), args[0]
    if expr.slope <= 1.0:
        return t, [t >= x, t >= expr.slope * x]
    return t, [t <= x, t <= expr.slope * x]
