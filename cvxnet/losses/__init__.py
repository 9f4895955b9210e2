"""Losses by name.

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

from cvxnet.errors import InputError
from cvxnet.losses.absolute import Absolute
from cvxnet.losses.cone import LossCone, interleave
from cvxnet.losses.cross_entropy import CrossEntropy
from cvxnet.losses.hinge import Hinge
from cvxnet.losses.huber import Huber
from cvxnet.losses.log_cosh import LogCosh
from cvxnet.losses.logistic import Logistic
from cvxnet.losses.loss import Loss
from cvxnet.losses.squared import Squared
from cvxnet.losses.squared_hinge import SquaredHinge
from cvxnet.losses.weighted import Weighted

__all__ = [
    "LOSSES",
    "Logistic",
    "Loss",
    "LossCone",
    "Squared",
    "Weighted",
    "get_loss",
    "interleave",
]


LOSSES: dict[str, Loss] = {
    "squared": Squared(),
    "logistic": Logistic(),
    "hinge": Hinge(),
    "squared_hinge": SquaredHinge(),
    "absolute": Absolute(),
    "huber": Huber(),
    "log_cosh": LogCosh(),
    "cross_entropy": CrossEntropy(),
}


def get_loss(name: str | Loss) -> Loss:
    """The loss of that name; InputError lists the names there are."""
    if isinstance(name, Loss):
        return name
    try:
        return LOSSES[name]
    except (KeyError, TypeError):
        known = ", ".join(sorted(LOSSES))
        raise InputError(f"unknown loss {name!r}; known losses: {known}.") from None
