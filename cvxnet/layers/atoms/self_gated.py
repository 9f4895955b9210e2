"""Activations that multiply their argument by a gate: ``x g(x)``."""

from __future__ import annotations

from typing import Any

from cvxnet.layers.atoms.scalar import ScalarAtom
from cvxnet.layers.scalars import gelu_profile, silu_profile


class silu(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``x sigmoid(x)``: quasiconvex, nondecreasing for x >= 0; neither convex nor concave."""

    profile = silu_profile()

    def __init__(self, x: Any) -> None:
        super().__init__(x)


class gelu(ScalarAtom):  # noqa: N801
    """``x Phi(x)``: quasiconvex, nondecreasing for x >= 0; neither convex nor concave."""

    profile = gelu_profile()

    def __init__(self, x: Any) -> None:
        super().__init__(x)
