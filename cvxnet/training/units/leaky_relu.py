"""Leaky ReLU units: ``x.u`` where that is positive, ``slope`` times it elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cvxnet.errors import InputError
from cvxnet.layers import Layer, LeakyReLU
from cvxnet.layers.activations import check_number
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits


@dataclass(frozen=True, eq=False)
class LeakyReLUUnits(PiecewiseLinearUnits):
    """Leaky ReLU units; ``slope`` as in `cvxnet.LeakyReLU`.

    Examples
    --------
    >>> import numpy as np
    >>> units = LeakyReLUUnits(np.array([[1.0], [-1.0]]), slope=0.5)
    >>> units.features(np.array([[2.0]])).ravel().tolist()
    [2.0, -1.0]
    """

    slope: float = 0.01

    name = "leaky_relu"
    layer = LeakyReLU

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", check_number(self.slope, "slope"))
        if not 0.0 <= self.slope < 1.0:
            raise InputError(
                f"the slope of leaky_relu units must be in [0, 1), not {self.slope!r} "
                "(a slope of 1 is the linear family)."
            )

    @classmethod
    def options_of(cls, layer: Layer) -> dict[str, Any]:
        """The layer's slope."""
        return {"slope": layer.options()["slope"]}

    @property
    def options(self) -> dict[str, Any]:
        """The slope below zero."""
        return {"slope": float(self.slope)}

    @property
    def slopes(self) -> tuple[float, float]:
        """``t < 0`` becomes ``slope t``."""
        return 1.0, -float(self.slope)

    def activation(self) -> Layer:
        """LeakyReLU with this slope."""
        return LeakyReLU(self.slope)
