"""Elementwise atoms: every rule is read off the function's profile."""

from __future__ import annotations

from typing import Any, ClassVar

import cvxpy as cp
import numpy as np
from cvxpy.atoms.elementwise.elementwise import Elementwise
from cvxpy.constraints.constraint import Constraint
from numpy.typing import NDArray

from cvxnet.functions.catalogue import (
    elu_profile,
    gelu_profile,
    hardtanh_profile,
    leaky_relu_profile,
    sigmoid_profile,
    sign_profile,
    silu_profile,
    squareplus_profile,
    tanh_profile,
    threshold_profile,
)
from cvxnet.functions.formulas import SELU_ALPHA, SELU_SCALE
from cvxnet.functions.profile import Interval, Profile, inside


class ScalarAtom(Elementwise):
    """An elementwise CVXPY atom that answers from its `Profile`, given the argument's sign.

    Subclasses set ``profile`` before they call this constructor, and name the attributes that hold
    their options: CVXPY merges equal sub-expressions by type, data and arguments, so an option that
    is missing there gives wrong answers silently.
    """

    profile: Profile
    options: ClassVar[tuple[str, ...]] = ()

    def __init__(self, x: Any) -> None:
        super().__init__(x)

    def get_data(self) -> Any:
        return [getattr(self, name) for name in self.options] or None

    def numeric(self, values: list[Any]) -> Any:
        return self.profile.function(np.asarray(values[0], dtype=np.float64))

    def sign_from_args(self) -> tuple[bool, bool]:
        low, high = self.profile.bounds(*map(np.asarray, self._argument_range()))
        return bool(low >= 0.0), bool(high <= 0.0)

    def is_atom_convex(self) -> bool:
        return self._holds(self.profile.convex)

    def is_atom_concave(self) -> bool:
        return self._holds(self.profile.concave)

    def is_incr(self, idx: int) -> bool:
        return self._holds(self.profile.rising)

    def is_decr(self, idx: int) -> bool:
        return self._holds(self.profile.falling)

    def is_atom_quasiconvex(self) -> bool:
        return self.profile.quasiconvex or self.is_atom_convex()

    def is_atom_quasiconcave(self) -> bool:
        return self.profile.quasiconcave or self.is_atom_concave()

    def is_atom_smooth(self) -> bool:
        return self.profile.smooth

    def bounds_from_args(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        low, high = self.args[0].get_bounds()
        shape = self.args[0].shape
        return self.profile.bounds(np.broadcast_to(low, shape), np.broadcast_to(high, shape))

    def _argument_range(self) -> Interval:
        """The interval in which the argument's sign puts it."""
        argument = self.args[0]
        return (
            0.0 if argument.is_nonneg() else -np.inf,
            0.0 if argument.is_nonpos() else np.inf,
        )

    def _holds(self, intervals: tuple[Interval, ...]) -> bool:
        low, high = self._argument_range()
        return bool(inside(np.asarray(low), np.asarray(high), intervals))

    def _grad(self, values: list[Any]) -> list[Any]:
        slopes = self.profile.derivative(np.asarray(values[0], dtype=np.float64))
        size = self.args[0].size
        return [ScalarAtom.elemwise_grad_to_diag(slopes, size, size)]

    def _domain(self) -> list[Constraint]:
        return []


class leaky_relu(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``x`` for x >= 0, ``slope x`` below, entry by entry.

    Convex for slope <= 1 and concave for slope >= 1; nondecreasing for slope >= 0.
    ``cp.maximum(x, slope * x)`` is the same function, but holds its argument twice, and a chain of
    L such layers then has 2^L sub-expressions.
    """

    options = ("slope",)

    def __init__(self, x: Any, slope: float = 0.01) -> None:
        self.slope = float(slope)
        self.profile = leaky_relu_profile(self.slope)
        super().__init__(x)

    def is_pwl(self) -> bool:
        return self.args[0].is_pwl()


class elu(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``x`` for x >= 0, ``alpha (exp(x) - 1)`` below, entry by entry.

    Convex exactly for ``0 <= alpha <= 1``, nondecreasing, and non-negative with its argument.

    Examples
    --------
    >>> import cvxpy as cp
    >>> elu(cp.square(cp.Variable())).curvature
    'CONVEX'
    """

    options = ("alpha",)

    def __init__(self, x: Any, alpha: float = 1.0) -> None:
        self.alpha = float(alpha)
        self.profile = elu_profile(self.alpha)
        super().__init__(x)


class squareplus(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``(x + sqrt(x^2 + b)) / 2``, entry by entry: convex, nondecreasing, positive."""

    options = ("b",)

    def __init__(self, x: Any, b: float = 4.0) -> None:
        self.b = float(b)
        self.profile = squareplus_profile(self.b)
        super().__init__(x)


class sigmoid(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``1 / (1 + exp(-x))``: nondecreasing, convex for x <= 0, concave for x >= 0.

    Examples
    --------
    >>> import cvxpy as cp
    >>> sigmoid(cp.Variable()).curvature, sigmoid(cp.Variable(nonneg=True)).curvature
    ('QUASILINEAR', 'CONCAVE')
    """

    profile = sigmoid_profile()


class tanh(ScalarAtom):  # noqa: N801
    """``tanh(x)``: nondecreasing, convex for x <= 0, concave for x >= 0, with the sign of x."""

    profile = tanh_profile()


class hardtanh(ScalarAtom):  # noqa: N801
    """``x`` clipped to [low, high]: nondecreasing, neither convex nor concave."""

    options = ("low", "high")

    def __init__(self, x: Any, low: float = -1.0, high: float = 1.0) -> None:
        self.low, self.high = float(low), float(high)
        self.profile = hardtanh_profile(self.low, self.high)
        super().__init__(x)


class silu(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """``x sigmoid(x)``: quasiconvex, nondecreasing for x >= 0; neither convex nor concave."""

    profile = silu_profile()


class gelu(ScalarAtom):  # noqa: N801
    """``x Phi(x)``: quasiconvex, nondecreasing for x >= 0; neither convex nor concave."""

    profile = gelu_profile()


class sign(ScalarAtom):  # noqa: N801 - atoms are lower case, as CVXPY's own
    """-1 below zero, 0 at zero, 1 above (torch's sign)."""

    profile = sign_profile()


class threshold(ScalarAtom):  # noqa: N801
    """1 for x >= 0, else 0."""

    profile = threshold_profile()


def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` for x >= 0, ``alpha (exp(x / alpha) - 1)`` below, composed of ``elu``."""
    return alpha * elu(x / alpha)


def selu(x: Any) -> Any:
    """The self-normalising multiple of ``elu``."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


def softplus(x: Any, beta: float = 1.0) -> Any:
    """``log(1 + exp(beta x)) / beta``, which CVXPY calls logistic for beta = 1."""
    return cp.logistic(x) if beta == 1.0 else cp.logistic(beta * x) / beta


def squared_relu(x: Any) -> Any:
    """``max(x, 0)^2``."""
    return cp.square(cp.pos(x))
