"""Functions of the columns of a row, without weights: softmax, and the largest of groups."""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
from scipy.special import logsumexp
from scipy.special import softmax as softmax_values

from cvxnet.errors import InputError
from cvxnet.layers import atoms
from cvxnet.layers.layer import Layer, Tensor
from cvxnet.layers.linear import check_count
from cvxnet.types import Array


class RowFunction(Layer, abstract=True):
    """A function of rows without weights, defined twice: for arrays and for CVXPY."""

    def values(self, z: Array) -> Array:
        """The function of an array of rows."""
        raise TypeError(f"{type(self).__name__} does not define values")

    def expression(self, z: cp.Expression) -> cp.Expression:
        """The function of a CVXPY expression."""
        raise TypeError(f"{type(self).__name__} does not define expression")

    def forward(self, z: Tensor) -> Tensor:
        return self.expression(z) if isinstance(z, cp.Expression) else self.values(z)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value:g}" for name, value in self.options().items())
        return f"{type(self).__name__}({options})"


class Softmax(RowFunction):
    """``exp(z_i) / sum_j exp(z_j)`` over the columns: neither convex nor concave.

    Examples
    --------
    >>> Softmax()([0.0, 0.0])
    array([0.5, 0.5])
    """

    def values(self, z: Array) -> Array:
        return softmax_values(z, axis=-1)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.softmax(z)


class Maxout(RowFunction):
    """The maximum of each k consecutive columns: convex and nondecreasing in all of them.

    Parameters
    ----------
    k : int
        How many columns make one.

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

    def columns(self, out: int | None = None) -> int | None:
        return None if out is None else out * self.k

    def values(self, z: Array) -> Array:
        return z.reshape(*z.shape[:-1], -1, self.k).max(axis=-1)

    def expression(self, z: cp.Expression) -> cp.Expression:
        parts = [take(z, np.arange(i, z.shape[-1], self.k)) for i in range(self.k)]
        return parts[0] if self.k == 1 else cp.maximum(*parts)


class LogSumExp(RowFunction):
    """``log(sum of exp)`` over the columns, one column out: convex and nondecreasing.

    Examples
    --------
    >>> LogSumExp()([0.0, 0.0]).round(4)
    array([0.6931])
    """

    def width(self, columns: int | None) -> int:
        return 1

    def columns(self, out: int | None = None) -> None:
        return None

    def values(self, z: Array) -> Array:
        return logsumexp(z, axis=-1, keepdims=True)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return cp.log_sum_exp(z, axis=z.ndim - 1, keepdims=True)


def take(z: Tensor, columns: Any) -> Tensor:
    """Some columns of a matrix, or entries of a vector."""
    return z[columns] if z.ndim == 1 else z[:, columns]
