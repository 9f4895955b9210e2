"""Atoms along the last axis: the softmax of each row, and each row standardised."""

from __future__ import annotations

from typing import Any

import numpy as np
from cvxpy.atoms.atom import Atom
from scipy.sparse import csc_array
from scipy.special import softmax as softmax_values


class softmax(Atom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``exp(x_i) / sum_j exp(x_j)`` along the last axis.

    Each entry is the exponential of ``x_i - log_sum_exp(x)``, which is concave: log-concave, hence
    quasiconcave; it rises with its own score and falls with the others, so it is monotone in no
    array argument.
    """

    def __init__(self, x: Any) -> None:
        super().__init__(x)

    def numeric(self, values: list[Any]) -> Any:
        return softmax_values(np.asarray(values[0], dtype=np.float64), axis=-1)

    def shape_from_args(self) -> tuple[int, ...]:
        return tuple(self.args[0].shape)

    def sign_from_args(self) -> tuple[bool, bool]:
        return True, False

    def is_atom_convex(self) -> bool:
        return False

    def is_atom_concave(self) -> bool:
        return False

    def is_atom_quasiconcave(self) -> bool:
        return True

    def is_atom_smooth(self) -> bool:
        return True

    def is_incr(self, idx: int) -> bool:
        return False

    def is_decr(self, idx: int) -> bool:
        return False

    def _grad(self, values: list[Any]) -> list[Any]:
        return [numeric_gradient(self, values[0])]


def numeric_gradient(atom: Any, value: Any) -> Any:
    """The transposed Jacobian by central differences, in CVXPY's column-major order, as CSC."""
    x = np.asarray(value, dtype=np.float64)
    step = 1e-6 * (1.0 + np.abs(x).max(initial=0.0))
    rows = []
    for k in range(x.size):
        shift = np.zeros(x.size)
        shift[k] = step
        move = shift.reshape(x.shape, order="F")
        rise = np.asarray(atom.numeric([x + move])) - np.asarray(atom.numeric([x - move]))
        rows.append(rise.ravel(order="F") / (2.0 * step))
    return csc_array(np.array(rows))


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
