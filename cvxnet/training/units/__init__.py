"""Unit families by name. A family is one file here: it registers by being there."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from cvxnet.errors import InputError
from cvxnet.training.units.family import Array, UnitFamily, check_norm

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)


def named(family: type[UnitFamily]) -> Iterator[type[UnitFamily]]:
    """The subclasses that have a name of their own."""
    if "name" in vars(family):
        yield family
    for subclass in family.__subclasses__():
        yield from named(subclass)


FAMILIES: dict[str, type[UnitFamily]] = {family.name: family for family in named(UnitFamily)}


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
