"""Unit families by name. A family is one file: features, exact pricing, block of the master."""

from __future__ import annotations

from collections.abc import Callable

from cvxnet.errors import InputError
from cvxnet.training.units.family import Array, UnitFamily
from cvxnet.training.units.relu import ReLUUnits

FAMILIES: dict[str, Callable[[Array], UnitFamily]] = {"relu": ReLUUnits}


def make_family(name: str, X: Array) -> UnitFamily:
    """The family of that name on the data ``X``; InputError lists the names there are."""
    try:
        family = FAMILIES[name]
    except (KeyError, TypeError):
        known = ", ".join(sorted(FAMILIES))
        raise InputError(f"unknown unit family {name!r}; known families: {known}.") from None
    return family(X)
