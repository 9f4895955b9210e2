"""Networks from elsewhere where a layer is expected: whoever knows them registers here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cvxnet.layers.layer import Layer

ADOPTERS: list[Callable[[Any], Layer | None]] = []
"""Each turns what it knows into a layer, and returns None for all else."""


def as_layer(thing: Any) -> Layer | None:
    """The layer that a thing is, or that somebody can make of it; otherwise None.

    Examples
    --------
    >>> from cvxnet.layers import ReLU
    >>> as_layer(ReLU()), as_layer("relu")
    (ReLU(), None)
    """
    if isinstance(thing, Layer):
        return thing
    return next((layer for adopt in ADOPTERS if (layer := adopt(thing)) is not None), None)
