"""cvxnet: convex neural networks. Verdicts, global optima and proofs, on top of CVXPY."""

from typing import TYPE_CHECKING, Any

from cvxnet.analysis import Counterexample, Verdict, convexity
from cvxnet.baselines.comparison import compare
from cvxnet.errors import (
    CvxnetError,
    InputError,
    MissingExtraError,
    SolverError,
    UnsupportedError,
)
from cvxnet.interop.embedding import Parametrized, embed, parametrize
from cvxnet.interop.onnx import to_onnx
from cvxnet.interop.torch import from_torch, to_torch
from cvxnet.layers import (
    CELU,
    ELU,
    GELU,
    SELU,
    Abs,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    GatedLinear,
    HardTanh,
    InputConvex,
    Layer,
    LayerNorm,
    LeakyReLU,
    Linear,
    LogSumExp,
    Maxout,
    MaxPool2d,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    Sign,
    SiLU,
    Softmax,
    Softplus,
    Square,
    SquaredReLU,
    Squareplus,
    Tanh,
    Threshold,
    input_convex,
    load,
)
from cvxnet.proofs.certificate import Certificate
from cvxnet.proofs.certification import Certification, certify
from cvxnet.proofs.checker import CheckResult
from cvxnet.proofs.checking import check
from cvxnet.training.conditional_gradient import conditional_gradient
from cvxnet.training.decomposition import Decomposition, decompose
from cvxnet.training.program import program, recover
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import largest_weight_decay, train
from cvxnet.training.units import FAMILIES, Family

if TYPE_CHECKING:
    from cvxnet.interop.estimators import ConvexNetClassifier as ConvexNetClassifier
    from cvxnet.interop.estimators import ConvexNetRegressor as ConvexNetRegressor

__all__ = [
    "CELU",
    "ELU",
    "FAMILIES",
    "GELU",
    "SELU",
    "Abs",
    "AvgPool2d",
    "BatchNorm",
    "Certificate",
    "Certification",
    "CheckResult",
    "Conv2d",
    "Counterexample",
    "CvxnetError",
    "Decomposition",
    "Family",
    "Flatten",
    "GatedLinear",
    "HardTanh",
    "InputConvex",
    "InputError",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSumExp",
    "MaxPool2d",
    "Maxout",
    "MissingExtraError",
    "Parametrized",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Sign",
    "Softmax",
    "Softplus",
    "Solution",
    "SolverError",
    "Square",
    "SquaredReLU",
    "Squareplus",
    "Tanh",
    "Threshold",
    "UnsupportedError",
    "Verdict",
    "certify",
    "check",
    "compare",
    "conditional_gradient",
    "convexity",
    "decompose",
    "embed",
    "from_torch",
    "input_convex",
    "largest_weight_decay",
    "load",
    "parametrize",
    "program",
    "recover",
    "to_onnx",
    "to_torch",
    "train",
]


def __getattr__(name: str) -> Any:
    """The estimators derive from scikit-learn's, which is imported when they are asked for."""
    if name in ("ConvexNetClassifier", "ConvexNetRegressor"):
        from cvxnet.interop import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
