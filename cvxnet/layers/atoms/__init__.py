"""CVXPY atoms for the activations that CVXPY lacks, registered with CVXPY on import."""

from cvxnet.layers.atoms.cones import register
from cvxnet.layers.atoms.elementwise import (
    ScalarAtom,
    elu,
    gelu,
    hardtanh,
    leaky_relu,
    sigmoid,
    sign,
    silu,
    squareplus,
    tanh,
    threshold,
)
from cvxnet.layers.atoms.rowwise import softmax, standardize

register()

__all__ = [
    "ScalarAtom",
    "elu",
    "gelu",
    "hardtanh",
    "leaky_relu",
    "sigmoid",
    "sign",
    "silu",
    "softmax",
    "squareplus",
    "standardize",
    "tanh",
    "threshold",
]
