"""Input-convex networks (Amos, Xu and Kolter 2017): convex in the input by their signs alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from cvxnet.errors import InputError
from cvxnet.layers.activations import ReLU
from cvxnet.layers.containers import Sequential
from cvxnet.layers.layer import Layer, Tensor
from cvxnet.layers.linear import Linear, check_count


class InputConvex(Layer):
    """``z_k = relu(Wz_k z_(k-1) + Wx_k x + b_k)`` with ``Wz_k >= 0``; no relu at the end.

    Each layer sees the input again, with any sign, so that the network need not be nondecreasing
    in its input. Weights are named ``x0.weight, x0.bias, z1.weight, x1.weight, ...``.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden units of each layer, outputs: at least two numbers.

    Raises
    ------
    InputError
        For sizes that are no whole numbers, or fewer than two.

    Examples
    --------
    >>> list(InputConvex([2, 3, 1]).state_dict())
    ['x0.weight', 'x0.bias', 'z1.weight', 'x1.weight', 'x1.bias']
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        if np.ndim(sizes) != 1 or len(sizes) < 2:
            raise InputError(
                f"input_convex needs at least two sizes, inputs and outputs, not {sizes!r}."
            )
        self.sizes = tuple(check_count(size, "a size of input_convex") for size in sizes)
        self.x = tuple(Linear(sizes[0], size) for size in sizes[1:])
        pairs = itertools.pairwise(sizes[1:])
        self.z = tuple(Linear(left, right, bias=False, nonneg=True) for left, right in pairs)
        self.relu = ReLU()

    def forward(self, z: Tensor) -> Tensor:
        x = z
        z = self.x[0].run(x)
        for from_x, from_z in zip(self.x[1:], self.z, strict=True):
            z = from_z.run(self.relu.run(z)) + from_x.run(x)
        return z

    def children(self) -> dict[str, Layer]:
        named: dict[str, Layer] = {"x0": self.x[0], "relu": self.relu}
        for k, (from_x, from_z) in enumerate(zip(self.x[1:], self.z, strict=True), start=1):
            named |= {f"z{k}": from_z, f"x{k}": from_x}
        return named

    def width(self, columns: int | None) -> int:
        self.x[0].width(columns)
        return self.sizes[-1]

    def columns(self, out: int | None = None) -> int:
        return self.sizes[0]

    def options(self) -> dict[str, Any]:
        return {"sizes": list(self.sizes)}

    def __repr__(self) -> str:
        return f"InputConvex({list(self.sizes)})"


def input_convex(sizes: Sequence[int], seed: int | np.random.Generator = 0) -> Sequential:
    """An input-convex ReLU network with skip connections from the input.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden units of each layer, outputs.
    seed : int or numpy Generator
        Where the initial weights are drawn from.

    Returns
    -------
    Sequential
        Of one `InputConvex` layer; its output is convex in its input whatever its weights.

    Raises
    ------
    InputError
        As `InputConvex`.

    Examples
    --------
    >>> import cvxpy as cp
    >>> net = input_convex([2, 8, 8, 1])
    >>> net(cp.Variable(2)).is_convex()
    True
    >>> net(cp.Variable(2, nonneg=True)).is_convex()
    True
    """
    return Sequential(InputConvex(sizes), seed=seed)
