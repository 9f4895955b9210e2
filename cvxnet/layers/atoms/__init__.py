"""CVXPY atoms for the activations that CVXPY lacks, registered with CVXPY on import."""

from cvxnet.layers.atoms.elu import elu
from cvxnet.layers.atoms.leaky_relu import leaky_relu
from cvxnet.layers.atoms.registration import register
from cvxnet.layers.atoms.saturating import hardtanh, sigmoid, tanh
from cvxnet.layers.atoms.scalar import ScalarAtom
from cvxnet.layers.atoms.self_gated import gelu, silu
from cvxnet.layers.atoms.softmax import softmax
from cvxnet.layers.atoms.squareplus import squareplus
from cvxnet.layers.atoms.standardize import standardize
from cvxnet.layers.atoms.steps import sign, threshold

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
