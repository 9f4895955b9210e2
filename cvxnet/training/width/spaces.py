"""Which families may have a width, and the spaces of their units."""

from __future__ import annotations

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.linear import CoordinateUnits
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.training.units.steps import StepUnits
from cvxnet.training.width.columns import column_space
from cvxnet.training.width.cones import cone_space
from cvxnet.training.width.regions import Space


def space_of(family: UnitFamily) -> Space:
    """All units of a family, as the search for exactly m of them needs them."""
    if isinstance(family, PiecewiseLinearUnits) and family.norm == "l2":
        return cone_space(family)
    if isinstance(family, CoordinateUnits | StepUnits):
        return column_space(family, np.arange(len(family.X)))
    norm = f" with the norm {family.norm}" * (family.norm != "l2")
    raise UnsupportedError(f"{family.name} units{norm} cannot have a width")
