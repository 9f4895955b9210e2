"""Centre and scale each row, as layer normalisation does."""

from __future__ import annotations

from typing import Any

import numpy as np
from cvxpy.atoms.atom import Atom

from cvxnet.layers.atoms.softmax import numeric_gradient


class standardize(Atom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``(x - mean) / sqrt(var + eps)`` along the last axis, with the biased variance of torch.

    Each entry is bounded by the square root of the width; neither convex nor concave.
    """

    def __init__(self, x: Any, eps: float = 1e-5) -> None:
        self.eps = float(eps)
        super().__init__(x)

    def get_data(self) -> Any:
        return [self.eps]

    def numeric(self, values: list[Any]) -> Any:
        x = np.asarray(values[0], dtype=np.float64)
        centred = x - x.mean(axis=-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + self.eps)

    def shape_from_args(self) -> tuple[int, ...]:
        return tuple(self.args[0].shape)

    def sign_from_args(self) -> tuple[bool, bool]:
        return False, False

    def is_atom_convex(self) -> bool:
        return False

    def is_atom_concave(self) -> bool:
        return False

    def is_atom_smooth(self) -> bool:
        return self.eps > 0.0

    def is_incr(self, idx: int) -> bool:
        return False

    def is_decr(self, idx: int) -> bool:
        return False

    def _grad(self, values: list[Any]) -> list[Any]:
        return [numeric_gradient(self, values[0])]
