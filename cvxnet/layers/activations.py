"""Activations: layers without weights that act on each entry.

Each one is an array function and a CVXPY expression of the same name; a test holds them together.
"""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxnet.layers.layer import Array, Layer, Tensor


class Activation(Layer):
    """A function of each entry; subclasses define it twice, for arrays and for CVXPY."""

    def values(self, z: Array) -> Array:
        """The activation of an array."""
        raise TypeError(f"{type(self).__name__} does not define values")

    def expression(self, z: cp.Expression) -> cp.Expression:
        """The activation of a CVXPY expression."""
        raise TypeError(f"{type(self).__name__} does not define expression")

    def forward(self, z: Tensor) -> Tensor:
        return self.expression(z) if isinstance(z, cp.Expression) else self.values(z)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value:g}" for name, value in self.options().items())
        return f"{type(self).__name__}({options})"


class ReLU(Activation):
    """``max(z, 0)``: convex, nondecreasing, nonnegative.

    Examples
    --------
    >>> ReLU()([-1.0, 2.0])
    array([0., 2.])
    """

    def values(self, z: Array) -> Array:
        return np.maximum(z, 0.0)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return cp.pos(z)
