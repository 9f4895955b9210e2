"""Express: layers and networks that take arrays and CVXPY expressions alike."""

from cvxnet.layers.activations import ReLU
from cvxnet.layers.layer import Layer
from cvxnet.layers.linear import Linear
from cvxnet.layers.sequential import Sequential
from cvxnet.layers.storage import load

__all__ = ["Layer", "Linear", "ReLU", "Sequential", "load"]
