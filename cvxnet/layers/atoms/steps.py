"""Step functions: quasilinear, not continuous."""

from __future__ import annotations

from typing import Any

from cvxnet.layers.atoms.scalar import ScalarAtom
from cvxnet.layers.scalars import sign_profile, threshold_profile


class sign(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """-1 below zero, 0 at zero, 1 above (torch's sign)."""

    profile = sign_profile()

    def __init__(self, x: Any) -> None:
        super().__init__(x)


class threshold(ScalarAtom):  # noqa: N801
    """1 for x >= 0, else 0."""

    profile = threshold_profile()

    def __init__(self, x: Any) -> None:
        super().__init__(x)
