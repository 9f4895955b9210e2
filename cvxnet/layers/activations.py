"""Activations: a function of each entry, without weights.

Each is its profile (`cvxnet.functions.catalogue`) and what CVXPY is given for it, its own atoms or
those of `cvxnet.layers.atoms`; a test holds the two together. Arrays, verdicts, files, ONNX and
torch follow from these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import cvxpy as cp
import numpy as np

from cvxnet.data.validation import check_positive
from cvxnet.errors import InputError
from cvxnet.functions import catalogue
from cvxnet.functions.profile import Profile
from cvxnet.layers import atoms
from cvxnet.layers.columns import RowFunction
from cvxnet.types import Array


class Activation(RowFunction, abstract=True):
    """A function of each entry. The constructor's arguments are its options.

    Attributes
    ----------
    profile_of : callable
        Of the options: the `Profile`.
    atom : callable
        Of a CVXPY expression and the options: the CVXPY expression.
    """

    profile_of: ClassVar[Callable[..., Profile]]
    atom: ClassVar[Callable[..., cp.Expression]]

    @property
    def profile(self) -> Profile:
        """What is true about the function, and its formula."""
        return type(self).profile_of(*self.options().values())

    def values(self, z: Array) -> Array:
        return self.profile.function(z)

    def expression(self, z: cp.Expression) -> cp.Expression:
        return type(self).atom(z, *self.options().values())


class ReLU(Activation):
    """``max(z, 0)``: convex, nondecreasing, nonnegative.

    Examples
    --------
    >>> ReLU()([-1.0, 2.0])
    array([0., 2.])
    """

    profile_of, atom = catalogue.relu_profile, cp.pos


class LeakyReLU(Activation):
    """``z`` for z >= 0, ``slope z`` below: convex for slope <= 1, nondecreasing for slope >= 0.

    Parameters
    ----------
    slope : float
        Any finite number.

    Examples
    --------
    >>> LeakyReLU(0.5)([-1.0, 2.0])
    array([-0.5,  2. ])
    """

    profile_of, atom = catalogue.leaky_relu_profile, atoms.leaky_relu

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = check_number(slope, "slope")


class ELU(Activation):
    """``z`` for z >= 0, ``alpha (exp(z) - 1)`` below: convex for alpha <= 1.

    Parameters
    ----------
    alpha : float
        Above 0; ``-alpha`` is the limit on the left.

    Examples
    --------
    >>> ELU()([-1.0, 2.0]).round(4)
    array([-0.6321,  2.    ])
    """

    profile_of, atom = catalogue.elu_profile, atoms.elu

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = check_positive(alpha, "alpha")


class CELU(Activation):
    """``z`` for z >= 0, ``alpha (exp(z / alpha) - 1)`` below: convex for every alpha > 0.

    Parameters
    ----------
    alpha : float
        Above 0; ``-alpha`` is the limit on the left.

    Examples
    --------
    >>> CELU(2.0)([-1.0, 2.0]).round(4)
    array([-0.7869,  2.    ])
    """

    profile_of, atom = catalogue.celu_profile, atoms.celu

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = check_positive(alpha, "alpha")


class SELU(Activation):
    """The self-normalising ``scale * elu(z, 1.67)``: its slope jumps down at 0, so not convex.

    Examples
    --------
    >>> SELU()([-1.0, 2.0]).round(4)
    array([-1.1113,  2.1014])
    """

    profile_of, atom = catalogue.selu_profile, atoms.selu


class Softplus(Activation):
    """``log(1 + exp(beta z)) / beta``: convex, nondecreasing, positive.

    Parameters
    ----------
    beta : float
        Above 0; the larger, the closer to ``max(z, 0)``.

    Examples
    --------
    >>> Softplus()([0.0]).round(4)
    array([0.6931])
    """

    profile_of, atom = catalogue.softplus_profile, atoms.softplus

    def __init__(self, beta: float = 1.0) -> None:
        super().__init__()
        self.beta = check_positive(beta, "beta")


class SquaredReLU(Activation):
    """``max(z, 0)^2``: convex, nondecreasing, nonnegative.

    Examples
    --------
    >>> SquaredReLU()([-1.0, 3.0])
    array([0., 9.])
    """

    profile_of, atom = catalogue.squared_relu_profile, atoms.squared_relu


class Square(Activation):
    """``z^2``: convex and nonnegative, monotone only where the sign of z is known.

    Examples
    --------
    >>> Square()([-1.0, 3.0])
    array([1., 9.])
    """

    profile_of, atom = catalogue.square_profile, cp.square


class Abs(Activation):
    """``|z|``: convex and nonnegative, monotone only where the sign of z is known.

    Examples
    --------
    >>> Abs()([-1.0, 3.0])
    array([1., 3.])
    """

    profile_of, atom = catalogue.abs_profile, cp.abs


class Squareplus(Activation):
    """``(z + sqrt(z^2 + b)) / 2``: convex, nondecreasing, positive.

    Parameters
    ----------
    b : float
        Above 0; the smaller, the closer to ``max(z, 0)``.

    Examples
    --------
    >>> Squareplus(4.0)([0.0])
    array([1.])
    """

    profile_of, atom = catalogue.squareplus_profile, atoms.squareplus

    def __init__(self, b: float = 4.0) -> None:
        super().__init__()
        self.b = check_positive(b, "b")


class Sigmoid(Activation):
    """``1 / (1 + exp(-z))``: convex for z <= 0, concave for z >= 0.

    Examples
    --------
    >>> Sigmoid()([0.0])
    array([0.5])
    """

    profile_of, atom = catalogue.sigmoid_profile, atoms.sigmoid


class Tanh(Activation):
    """``tanh(z)``: convex for z <= 0, concave for z >= 0.

    Examples
    --------
    >>> Tanh()([0.0])
    array([0.])
    """

    profile_of, atom = catalogue.tanh_profile, atoms.tanh


class HardTanh(Activation):
    """``z`` clipped to [low, high].

    Parameters
    ----------
    low, high : float
        With ``low < high``.

    Raises
    ------
    InputError
        For a ``low`` that is not below ``high``.

    Examples
    --------
    >>> HardTanh()([-3.0, 0.5])
    array([-1. ,  0.5])
    """

    profile_of, atom = catalogue.hardtanh_profile, atoms.hardtanh

    def __init__(self, low: float = -1.0, high: float = 1.0) -> None:
        super().__init__()
        self.low, self.high = check_number(low, "low"), check_number(high, "high")
        if self.low >= self.high:
            raise InputError(
                f"HardTanh needs low < high, not low={self.low:g}, high={self.high:g}."
            )


class SiLU(Activation):
    """``z sigmoid(z)``: neither convex nor concave.

    Examples
    --------
    >>> SiLU()([0.0])
    array([0.])
    """

    profile_of, atom = catalogue.silu_profile, atoms.silu


class GELU(Activation):
    """``z Phi(z)`` with the exact normal distribution function: neither convex nor concave.

    Examples
    --------
    >>> GELU()([1.0]).round(4)
    array([0.8413])
    """

    profile_of, atom = catalogue.gelu_profile, atoms.gelu


class Sign(Activation):
    """-1, 0 or 1.

    Examples
    --------
    >>> Sign()([-3.0, 0.0])
    array([-1.,  0.])
    """

    profile_of, atom = catalogue.sign_profile, atoms.sign


class Threshold(Activation):
    """1 for z >= 0, else 0.

    Examples
    --------
    >>> Threshold()([-3.0, 0.0])
    array([0., 1.])
    """

    profile_of, atom = catalogue.threshold_profile, atoms.threshold


def check_number(value: Any, what: str) -> float:
    """A finite number."""
    try:
        if np.iscomplexobj(value):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what} must be a number, not {value!r}.") from None
    if not np.isfinite(number):
        raise InputError(f"{what} must be finite, not {number:g}.")
    return number
