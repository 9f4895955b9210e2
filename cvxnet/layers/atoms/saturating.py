"""Activations that level off on both sides: convex below, concave above, never both."""

from __future__ import annotations

from typing import Any

from cvxnet.layers.atoms.scalar import ScalarAtom
from cvxnet.layers.scalars import hardtanh_profile, sigmoid_profile, tanh_profile


class sigmoid(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``1 / (1 + exp(-x))``: nondecreasing, convex for x <= 0, concave for x >= 0.

    Examples
    --------
    >>> import cvxpy as cp
    >>> sigmoid(cp.Variable()).curvature, sigmoid(cp.Variable(nonneg=True)).curvature
    ('QUASILINEAR', 'CONCAVE')
    """

    profile = sigmoid_profile()

    def __init__(self, x: Any) -> None:
        super().__init__(x)


class tanh(ScalarAtom):  # noqa: N801
    """``tanh(x)``: nondecreasing, convex for x <= 0, concave for x >= 0, with the sign of x."""

    profile = tanh_profile()

    def __init__(self, x: Any) -> None:
        super().__init__(x)


class hardtanh(ScalarAtom):  # noqa: N801
    """``x`` clipped to [low, high]: nondecreasing, neither convex nor concave."""

    def __init__(self, x: Any, low: float = -1.0, high: float = 1.0) -> None:
        self.low, self.high = float(low), float(high)
        self.profile = hardtanh_profile(self.low, self.high)
        super().__init__(x)

    def get_data(self) -> Any:
        return [self.low, self.high]
