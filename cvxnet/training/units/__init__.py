"""Unit families by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cvxnet.errors import InputError
from cvxnet.training.units.family import UnitFamily, check_norm
from cvxnet.training.units.gated_relu import GatedReLUUnits
from cvxnet.training.units.linear import CoordinateUnits, LinearUnits
from cvxnet.training.units.piecewise_linear import AbsUnits, LeakyReLUUnits, ReLUUnits
from cvxnet.training.units.polynomial import PolynomialUnits, QuadraticUnits
from cvxnet.training.units.squared_relu import SquaredReLUUnits
from cvxnet.training.units.steps import SignUnits, ThresholdUnits
from cvxnet.training.units.tanh import TanhUnits
from cvxnet.types import Array

FAMILIES: dict[str, type[UnitFamily]] = {
    "relu": ReLUUnits,
    "leaky_relu": LeakyReLUUnits,
    "abs": AbsUnits,
    "squared_relu": SquaredReLUUnits,
    "tanh": TanhUnits,
    "sign": SignUnits,
    "threshold": ThresholdUnits,
    "quadratic": QuadraticUnits,
    "polynomial": PolynomialUnits,
    "linear": LinearUnits,
    "coordinate": CoordinateUnits,
    "gated_relu": GatedReLUUnits,
}


@dataclass(frozen=True)
class Family:
    """A unit family by name, with its options: what `cvxnet.train` takes beside a mere name.

    Examples
    --------
    >>> Family("leaky_relu", slope=0.1)
    Family('leaky_relu', slope=0.1)
    >>> Family("leaky_rely")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    cvxnet.errors.InputError: unknown unit family 'leaky_rely'; known families: ...
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    def __init__(self, name: str, **options: Any) -> None:
        if not isinstance(name, str) or name not in FAMILIES:
            known = ", ".join(sorted(FAMILIES))
            raise InputError(f"unknown unit family {name!r}; known families: {known}.")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "options", options)

    def __repr__(self) -> str:
        options = "".join(f", {key}={value!r}" for key, value in self.options.items())
        return f"Family({self.name!r}{options})"

    def on(self, X: Array, norm: str = "l2") -> UnitFamily:
        """The family's units on data; InputError for options that it does not have."""
        family = FAMILIES[self.name]
        check_norm(family, norm)
        try:
            return family(X, norm=norm, **self.options)
        except TypeError as error:
            raise InputError(f"{self!r} cannot be made: {error}.") from None


def make_family(name: str, X: Array, norm: str = "l2", **options: Any) -> UnitFamily:
    """The family of that name on the data ``X``; InputError lists the names there are."""
    return Family(name, **options).on(X, norm)
