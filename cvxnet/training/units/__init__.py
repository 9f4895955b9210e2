"""How the units of each family are priced: the registry, by the names of `cvxnet.objective`."""

from __future__ import annotations

from cvxnet.objective.families import Family
from cvxnet.training.pricing.maxima import BOTH
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.gated_relu import GatedReLUUnits
from cvxnet.training.units.linear import CoordinateUnits, LinearUnits
from cvxnet.training.units.piecewise_linear import AbsUnits, LeakyReLUUnits, ReLUUnits
from cvxnet.training.units.polynomial import PolynomialUnits, QuadraticUnits
from cvxnet.training.units.squared_relu import SquaredReLUUnits
from cvxnet.training.units.steps import SignUnits, ThresholdUnits
from cvxnet.training.units.tanh import TanhUnits
from cvxnet.types import Array

UNITS: dict[str, type[UnitFamily]] = {
    "relu": ReLUUnits,
    "leaky_relu": LeakyReLUUnits,
    "abs": AbsUnits,
    "linear": LinearUnits,
    "gated_relu": GatedReLUUnits,
    "squared_relu": SquaredReLUUnits,
    "quadratic": QuadraticUnits,
    "polynomial": PolynomialUnits,
    "tanh": TanhUnits,
    "sign": SignUnits,
    "threshold": ThresholdUnits,
    "coordinate": CoordinateUnits,
}


def bind(
    family: Family, X: Array, norm: str = "l2", output_signs: tuple[float, ...] = BOTH
) -> UnitFamily:
    """The family's units on data, the column of ones included where hidden units have a bias."""
    return UNITS[family.name](X, norm=norm, output_signs=output_signs, **family.options)
