"""Layers that make few columns of many: the maximum or the log-sum-exp of groups of columns."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
from scipy.special import logsumexp

from cvxnet.errors import InputError
from cvxnet.layers.activations import Activation
from cvxnet.layers.layer import Tensor
from cvxnet.layers.linear import check_count
from cvxnet.types import Array


class Maxout(Activation):
    """The maximum of each k consecutive columns: convex and nondecreasing in all of them.

    Examples
    --------
    >>> Maxout(2)([1.0, 5.0, -2.0, -3.0])
    array([ 5., -2.])
    """

    def __init__(self, k: int = 2) -> None:
        super().__init__()
        self.k = check_count(k, "k")

    def width(self, columns: int | None) -> int | None:
        if columns is not None and columns % self.k:
            raise InputError(
                f"Maxout({self.k}) gets {columns} columns, which is no multiple of {self.k}. "
                f"Give the layer before it {self.k} columns for each output."
            )
        return None if columns is None else columns // self.k

    def values(self, z: Array) -> Array:
        return z.reshape(*z.shape[:-1], -1, self.k).max(axis=-1)

    def expression(self, z: cp.Expression) -> cp.Expression:
        parts = [take(z, np.arange(i, z.shape[-1], self.k)) for i in range(self.k)]
        return parts[0] if self.k == 1 else cp.maximum(*parts)

    def options(self) -> dict[str, Any]:
        return {"k": self.k}


class LogSumExp(Activation):
    """``log(sum of exp)`` over the columns, one column out: convex and nondecreasing.

    Examples
    --------
    >>> LogSumExp()([0.0, 0.0]).round(4)
    array([0.6931])
    """

    def width(self, columns: int | None) -> int:
        return 1

    def values(self, z: Array) -> Array:
        return logsumexp(z, axis=-1, keepdims=True)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return cp.log_sum_exp(z, axis=z.ndim - 1, keepdims=True)


def take(z: Tensor, columns: Any) -> Tensor:
    """Some columns of a matrix, or entries of a vector."""
    return z[columns] if z.ndim == 1 else z[:, columns]
