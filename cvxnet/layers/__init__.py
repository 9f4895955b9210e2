"""Express: layers and networks that take arrays and CVXPY expressions alike."""

from cvxnet.layers.activations import (
    CELU,
    ELU,
    GELU,
    SELU,
    Abs,
    HardTanh,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Sign,
    SiLU,
    Softplus,
    Square,
    SquaredReLU,
    Squareplus,
    Tanh,
    Threshold,
)
from cvxnet.layers.attention import LinearAttention
from cvxnet.layers.columns import LogSumExp, Maxout, Softmax
from cvxnet.layers.containers import Residual, Sequential, load
from cvxnet.layers.images import AvgPool2d, Conv2d, Flatten, MaxPool2d
from cvxnet.layers.input_convex import InputConvex, input_convex
from cvxnet.layers.layer import Layer
from cvxnet.layers.linear import GatedLinear, Linear
from cvxnet.layers.normalization import BatchNorm, LayerNorm

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "Abs",
    "AvgPool2d",
    "BatchNorm",
    "Conv2d",
    "Flatten",
    "GatedLinear",
    "HardTanh",
    "InputConvex",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LinearAttention",
    "LogSumExp",
    "MaxPool2d",
    "Maxout",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Sign",
    "Softmax",
    "Softplus",
    "Square",
    "SquaredReLU",
    "Squareplus",
    "Tanh",
    "Threshold",
    "input_convex",
    "load",
]
