"""Losses by name. A loss is one file here: it registers by being there.

Every loss is a sum over samples (design: never the mean), convex and finite in the predictions
``f``. With the conjugate ``l*(v) = sup_f v.f - l(f)`` any ``v`` in its domain proves the bound
``l(f) >= v.f - l*(v)`` for all ``f``, with equality at ``v = gradient(f)``.

Examples
--------
>>> import numpy as np
>>> loss = get_loss("squared")
>>> f, y = np.array([1.0, 2.0]), np.array([0.0, 2.0])
>>> loss.value(f, y)
0.5
>>> v = loss.gradient(f, y)
>>> float(v @ f - loss.conjugate(v, y))
0.5
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from cvxnet.errors import InputError
from cvxnet.losses.cone import LossCone, interleave
from cvxnet.losses.logistic import Logistic
from cvxnet.losses.loss import Loss
from cvxnet.losses.squared import Squared
from cvxnet.losses.weighted import Weighted

__all__ = [
    "LOSSES",
    "Logistic",
    "Loss",
    "LossCone",
    "Squared",
    "Weighted",
    "find_losses",
    "get_loss",
    "interleave",
]


def find_losses() -> dict[str, Loss]:
    """One of each loss whose file stands in this folder."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        import_module(module.name)
    kinds = sorted(named(Loss), key=lambda kind: kind.name)  # type: ignore[type-abstract]
    return {kind.name: kind() for kind in kinds}


def named(kind: type[Loss]) -> Iterator[type[Loss]]:
    """The subclasses, at any depth, that have a name of their own."""
    for subclass in kind.__subclasses__():
        if "name" in vars(subclass):
            yield subclass
        yield from named(subclass)


LOSSES: dict[str, Loss] = find_losses()


def get_loss(name: str | Loss) -> Loss:
    """The loss of that name; InputError lists the names there are."""
    if isinstance(name, Loss):
        return name
    try:
        return LOSSES[name]
    except (KeyError, TypeError):
        known = ", ".join(sorted(LOSSES))
        raise InputError(f"unknown loss {name!r}; known losses: {known}.") from None
