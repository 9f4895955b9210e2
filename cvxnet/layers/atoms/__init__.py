"""CVXPY atoms for the activations that CVXPY lacks, registered with CVXPY on import."""

from cvxnet.layers.atoms.cones import register
from cvxnet.layers.atoms.elementwise import (
    ScalarAtom,
    celu,
    elu,
    gelu,
    hardtanh,
    leaky_relu,
    selu,
    sigmoid,
    sign,
    silu,
    softplus,
    squared_relu,
    squareplus,
    tanh,
    threshold,
)
from cvxnet.layers.atoms.rowwise import softmax, standardize

register()

__all__ = [
    "ScalarAtom",
    "celu",
    "elu",
    "gelu",
    "hardtanh",
    "leaky_relu",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "softmax",
    "softplus",
    "squared_relu",
    "squareplus",
    "standardize",
    "tanh",
    "threshold",
]
