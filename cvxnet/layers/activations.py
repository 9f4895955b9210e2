"""Activations: layers without weights.

Each one is an array function and a CVXPY expression of the same name; a test holds them together.
Activations that CVXPY can compose are composed; the others are atoms of `cvxnet.layers.atoms`.
"""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
from scipy.special import softmax as softmax_values

from cvxnet.errors import InputError
from cvxnet.functions import catalogue
from cvxnet.layers import atoms
from cvxnet.layers.layer import Layer, Tensor
from cvxnet.types import Array
from cvxnet.validation import check_positive


class Activation(Layer, abstract=True):
    """A function of rows without weights, defined twice: for arrays and for CVXPY."""

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


class LeakyReLU(Activation):
    """``z`` for z >= 0, ``slope z`` below: convex for slope <= 1, nondecreasing for slope >= 0.

    Examples
    --------
    >>> LeakyReLU(0.5)([-1.0, 2.0])
    array([-0.5,  2. ])
    """

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = check_number(slope, "slope")

    def values(self, z: Array) -> Array:
        return catalogue.leaky_relu_profile(self.slope).function(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.leaky_relu(z, self.slope)

    def options(self) -> dict[str, Any]:
        return {"slope": self.slope}


class ELU(Activation):
    """``z`` for z >= 0, ``alpha (exp(z) - 1)`` below: convex for alpha <= 1.

    Examples
    --------
    >>> ELU()([-1.0, 2.0]).round(4)
    array([-0.6321,  2.    ])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = check_positive(alpha, "alpha")

    def values(self, z: Array) -> Array:
        return catalogue.elu_profile(self.alpha).function(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.elu(z, self.alpha)

    def options(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class CELU(ELU):
    """``z`` for z >= 0, ``alpha (exp(z / alpha) - 1)`` below: convex for every alpha > 0.

    Examples
    --------
    >>> CELU(2.0)([-1.0, 2.0]).round(4)
    array([-0.7869,  2.    ])
    """

    def values(self, z: Array) -> Array:
        return self.alpha * catalogue.elu_profile(1.0).function(z / self.alpha)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return self.alpha * atoms.elu(z / self.alpha)


class SELU(Activation):
    """The self-normalising ``scale * elu(z, 1.67)``: its slope jumps down at 0, so not convex.

    Examples
    --------
    >>> SELU()([-1.0, 2.0]).round(4)
    array([-1.1113,  2.1014])
    """

    def values(self, z: Array) -> Array:
        return catalogue.SELU_SCALE * catalogue.elu_profile(catalogue.SELU_ALPHA).function(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return catalogue.SELU_SCALE * atoms.elu(z, catalogue.SELU_ALPHA)


class Softplus(Activation):
    """``log(1 + exp(beta z)) / beta``: convex, nondecreasing, positive.

    Examples
    --------
    >>> Softplus()([0.0]).round(4)
    array([0.6931])
    """

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = check_positive(beta, "beta")

    def values(self, z: Array) -> Array:
        return np.logaddexp(0.0, self.beta * z) / self.beta

    def expression(self, z: cp.Expression) -> cp.Expression:
        if self.beta == 1.0:
            return cp.logistic(z)
        return cp.logistic(self.beta * z) / self.beta

    def options(self) -> dict[str, Any]:
        return {"beta": self.beta}


class SquaredReLU(Activation):
    """``max(z, 0)^2``: convex, nondecreasing, nonnegative.

    Examples
    --------
    >>> SquaredReLU()([-1.0, 3.0])
    array([0., 9.])
    """

    def values(self, z: Array) -> Array:
        return np.maximum(z, 0.0) ** 2

    def expression(self, z: cp.Expression) -> cp.Expression:
        return cp.square(cp.pos(z))


class Square(Activation):
    """``z^2``: convex and nonnegative, monotone only where the sign of z is known.

    Examples
    --------
    >>> Square()([-1.0, 3.0])
    array([1., 9.])
    """

    def values(self, z: Array) -> Array:
        return z**2

    def expression(self, z: cp.Expression) -> cp.Expression:
        return cp.square(z)


class Abs(Activation):
    """``|z|``: convex and nonnegative, monotone only where the sign of z is known.

    Examples
    --------
    >>> Abs()([-1.0, 3.0])
    array([1., 3.])
    """

    def values(self, z: Array) -> Array:
        return np.abs(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return cp.abs(z)


class Squareplus(Activation):
    """``(z + sqrt(z^2 + b)) / 2``: convex, nondecreasing, positive.

    Examples
    --------
    >>> Squareplus(4.0)([0.0])
    array([1.])
    """

    def __init__(self, b: float = 4.0) -> None:
        super().__init__()
        self.b = check_positive(b, "b")

    def values(self, z: Array) -> Array:
        return catalogue.squareplus_profile(self.b).function(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.squareplus(z, self.b)

    def options(self) -> dict[str, Any]:
        return {"b": self.b}


class Sigmoid(Activation):
    """``1 / (1 + exp(-z))``: convex for z <= 0, concave for z >= 0.

    Examples
    --------
    >>> Sigmoid()([0.0])
    array([0.5])
    """

    def values(self, z: Array) -> Array:
        return catalogue.sigmoid_profile().function(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.sigmoid(z)


class Tanh(Activation):
    """``tanh(z)``: convex for z <= 0, concave for z >= 0.

    Examples
    --------
    >>> Tanh()([0.0])
    array([0.])
    """

    def values(self, z: Array) -> Array:
        return np.tanh(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.tanh(z)


class HardTanh(Activation):
    """``z`` clipped to [low, high].

    Examples
    --------
    >>> HardTanh()([-3.0, 0.5])
    array([-1. ,  0.5])
    """

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        super().__init__()
        self.low, self.high = check_number(low, "low"), check_number(high, "high")
        if self.low >= self.high:
            raise InputError(
                f"HardTanh needs low < high, not low={self.low:g}, high={self.high:g}."
            )

    def values(self, z: Array) -> Array:
        return np.clip(z, self.low, self.high)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.hardtanh(z, self.low, self.high)

    def options(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high}


class SiLU(Activation):
    """``z sigmoid(z)``: neither convex nor concave.

    Examples
    --------
    >>> SiLU()([0.0])
    array([0.])
    """

    def values(self, z: Array) -> Array:
        return catalogue.silu_profile().function(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.silu(z)


class GELU(Activation):
    """``z Phi(z)`` with the exact normal distribution function: neither convex nor concave.

    Examples
    --------
    >>> GELU()([1.0]).round(4)
    array([0.8413])
    """

    def values(self, z: Array) -> Array:
        return catalogue.gelu_profile().function(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.gelu(z)


class Sign(Activation):
    """-1, 0 or 1.

    Examples
    --------
    >>> Sign()([-3.0, 0.0])
    array([-1.,  0.])
    """

    def values(self, z: Array) -> Array:
        return np.sign(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.sign(z)


class Threshold(Activation):
    """1 for z >= 0, else 0.

    Examples
    --------
    >>> Threshold()([-3.0, 0.0])
    array([0., 1.])
    """

    def values(self, z: Array) -> Array:
        return catalogue.threshold_profile().function(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return atoms.threshold(z)


class Softmax(Activation):
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


def check_number(value: Any, what: str) -> float:
    """A finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what} must be a number, not {value!r}.") from None
    if not np.isfinite(number):
        raise InputError(f"{what} must be finite, not {number:g}.")
    return number
