"""Which families may have a width, and the spaces of their units."""

from __future__ import annotations

from cvxnet.errors import UnsupportedError
from cvxnet.training.units.family import UnitFamily
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.training.width.cones import cone_space
from cvxnet.training.width.regions import Space


def space_of(family: UnitFamily) -> Space:
    """All units of a family, as the search for exactly m of them needs them."""
    if isinstance(family, PiecewiseLinearUnits) and family.norm == "l2":
        return cone_space(family)
    raise UnsupportedError(f"{family.name} units cannot have a width")
