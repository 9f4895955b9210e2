"""Whether a network computes what the model computes that it was read from, up to rounding."""

from __future__ import annotations

import numpy as np

from cvxnet.layers.activations import Activation
from cvxnet.layers.layer import Layer, Tensor, observed_by
from cvxnet.types import Array

CERTAIN = 30.0
"""A difference of so many times what rounding changes is none of rounding."""


def random_rows(columns: int, rows: int = 7) -> Array:
    """Samples of sizes from 0.1 to 10, always the same, and numbers in single precision.

    Examples
    --------
    >>> random_rows(3).shape
    (7, 3)
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((rows, columns)) * np.geomspace(0.1, 10.0, rows)[:, None]
    return X.astype(np.float32).astype(np.float64)


def difference(network: Layer, X: Array, found: Array, precision: float) -> str | None:
    """How a network differs from what was found for the same rows; None where only by rounding.

    Parameters
    ----------
    network : Layer
        What was read.
    X : array
        Rows.
    found : array
        What the original computes for them.
    precision : float
        What the original calculates in.

    Examples
    --------
    >>> from cvxnet.layers import ReLU
    >>> difference(ReLU(), np.ones((1, 2)), np.ones((1, 2)), 1e-16)
    >>> difference(ReLU(), np.ones((1, 2)), np.full((1, 2), 1.1), 1e-16)
    "output 0 of a random sample is 1.1, but the network's is 1."
    """
    with np.errstate(all="ignore"):
        expected = network(X)
        allowed = CERTAIN * spread(network, X, precision)
        off = np.abs(found - expected) if found.shape == expected.shape else None
    if off is None:
        return f"it has {found.shape[1]} outputs, but the network has {expected.shape[1]}."
    same = (off <= allowed) | (found == expected) | (np.isnan(found) & np.isnan(expected))
    if same.all():
        return None
    row, column = np.argwhere(~same)[0]
    return (
        f"output {column} of a random sample is {found[row, column]:.9g}, but the network's is "
        f"{expected[row, column]:.9g}."
    )


def spread(net: Layer, X: Array, precision: float) -> Array:
    """How much rounding to a precision changes the outputs of each row: measured.

    Every intermediate number is changed at random by about a unit of that precision.
    """
    exact = net(X)
    changes = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        with observed_by(Rounding(precision, rng)):
            start = X * (1.0 + precision * rng.standard_normal(X.shape))
            changes.append(np.abs(net(start) - exact))
    return np.max(changes, axis=(0, 2))[:, None] + precision * np.abs(exact)


class Rounding:
    """An observer of layers that changes what comes out of each, as rounding might."""

    def __init__(self, precision: float, rng: np.random.Generator) -> None:
        self.precision, self.rng = precision, rng

    def __call__(self, layer: Layer, z: Tensor, value: Tensor) -> Tensor:
        size = np.maximum(
            np.abs(z).max(axis=-1, keepdims=True), np.abs(value).max(axis=-1, keepdims=True)
        )
        if isinstance(layer, Activation):  # computed to so many digits after the point
            size = np.maximum(size, 1.0)
        return value + self.precision * size * self.rng.standard_normal(value.shape)
