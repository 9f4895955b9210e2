"""cvxnet: convex neural networks. Verdicts, global optima and proofs, on top of CVXPY."""

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from cvxnet.optional import is_installed

if TYPE_CHECKING:
    from cvxnet.analysis import (
        ConvexBox,
        Counterexample,
        Monotonicity,
        Rewriting,
        Verdict,
        convexity,
        largest_convex_box,
        monotonicity,
        rewrite,
    )
    from cvxnet.baselines.comparison import compare
    from cvxnet.errors import (
        CvxnetError,
        InputError,
        MissingExtraError,
        SolverError,
        UnsupportedError,
    )
    from cvxnet.interop.embedding import Parametrized, embed, parametrize
    from cvxnet.interop.estimators import ConvexNetClassifier as ConvexNetClassifier
    from cvxnet.interop.estimators import ConvexNetRegressor as ConvexNetRegressor
    from cvxnet.interop.loading import from_file
    from cvxnet.interop.onnx.reading import from_onnx
    from cvxnet.interop.onnx.writing import to_onnx
    from cvxnet.interop.path_estimators import ConvexNetClassifierCV as ConvexNetClassifierCV
    from cvxnet.interop.path_estimators import ConvexNetRegressorCV as ConvexNetRegressorCV
    from cvxnet.interop.sklearn import from_sklearn
    from cvxnet.interop.torch.conversion import from_torch, to_torch
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
        LinearAttention,
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
    from cvxnet.objective import FAMILIES, Family
    from cvxnet.proofs.certificate import Certificate
    from cvxnet.proofs.checker import CheckResult
    from cvxnet.proofs.checking import check
    from cvxnet.training.certification import Certification, certify
    from cvxnet.training.conditional_gradient import conditional_gradient
    from cvxnet.training.decomposition import Decomposition, decompose
    from cvxnet.training.path.record import OnPath
    from cvxnet.training.paths import Path, path
    from cvxnet.training.program import program, recover
    from cvxnet.training.solution import Solution
    from cvxnet.training.trainer import largest_weight_decay, train
    from cvxnet.training.widths import Widths, widths

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
    "ConvexBox",
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
    "LinearAttention",
    "LogSumExp",
    "MaxPool2d",
    "Maxout",
    "MissingExtraError",
    "Monotonicity",
    "OnPath",
    "Parametrized",
    "Path",
    "ReLU",
    "Residual",
    "Rewriting",
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
    "Widths",
    "certify",
    "check",
    "compare",
    "conditional_gradient",
    "convexity",
    "decompose",
    "embed",
    "from_file",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "input_convex",
    "largest_convex_box",
    "largest_weight_decay",
    "load",
    "monotonicity",
    "parametrize",
    "path",
    "program",
    "recover",
    "rewrite",
    "to_onnx",
    "to_torch",
    "train",
    "widths",
]
if is_installed("sklearn"):  # so that `from cvxnet import *` needs nothing that is not installed
    __all__ += [
        "ConvexNetClassifier",
        "ConvexNetClassifierCV",
        "ConvexNetRegressor",
        "ConvexNetRegressorCV",
    ]

PUBLIC = {
    "cvxnet.analysis": (
        "ConvexBox Counterexample Monotonicity Rewriting Verdict convexity largest_convex_box "
        "monotonicity rewrite"
    ),
    "cvxnet.baselines.comparison": "compare",
    "cvxnet.errors": "CvxnetError InputError MissingExtraError SolverError UnsupportedError",
    "cvxnet.interop.embedding": "Parametrized embed parametrize",
    "cvxnet.interop.loading": "from_file",
    "cvxnet.interop.onnx.writing": "to_onnx",
    "cvxnet.interop.onnx.reading": "from_onnx",
    "cvxnet.interop.sklearn": "from_sklearn",
    "cvxnet.interop.torch.conversion": "from_torch to_torch",
    "cvxnet.layers": (
        "CELU ELU GELU SELU Abs AvgPool2d BatchNorm Conv2d Flatten GatedLinear HardTanh "
        "InputConvex Layer LayerNorm LeakyReLU Linear LinearAttention LogSumExp Maxout MaxPool2d "
        "ReLU Residual Sequential Sigmoid Sign SiLU Softmax Softplus Square SquaredReLU Squareplus "
        "Tanh Threshold input_convex load"
    ),
    "cvxnet.objective": "FAMILIES Family",
    "cvxnet.proofs.certificate": "Certificate",
    "cvxnet.proofs.checker": "CheckResult",
    "cvxnet.proofs.checking": "check",
    "cvxnet.training.certification": "Certification certify",
    "cvxnet.training.conditional_gradient": "conditional_gradient",
    "cvxnet.training.decomposition": "Decomposition decompose",
    "cvxnet.training.path.record": "OnPath",
    "cvxnet.training.paths": "Path path",
    "cvxnet.training.program": "program recover",
    "cvxnet.training.solution": "Solution",
    "cvxnet.training.trainer": "largest_weight_decay train",
    "cvxnet.training.widths": "Widths widths",
    "cvxnet.interop.estimators": "ConvexNetClassifier ConvexNetRegressor",
    "cvxnet.interop.path_estimators": "ConvexNetClassifierCV ConvexNetRegressorCV",
}
"""The public names by the module that they come from."""

HOME = {name: module for module, names in PUBLIC.items() for name in names.split()}

TAKE_NETWORKS = (
    "cvxnet.analysis",
    "cvxnet.baselines",
    "cvxnet.interop",
    "cvxnet.training",
)

ROOMS = frozenset(
    {"analysis", "baselines", "data", "errors", "functions"}
    | {"interop", "kernels", "lab", "layers", "losses", "objective"}
    | {"optional", "plots", "proofs", "training", "types"}
)
"""The modules that ``cvxnet.`` reaches without an import of their own."""


def __getattr__(name: str) -> Any:
    """Names are imported when they are first asked for: CVXPY and the rest take a second."""
    if name == "__version__":
        return metadata.version(__name__)
    if name in ROOMS:
        return import_module(f"{__name__}.{name}")
    if name not in HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(HOME[name]), name)
    if HOME[name].startswith(TAKE_NETWORKS):
        for module in ("torch", "sklearn"):  # whoever takes networks takes those of others, too
            import_module(f"cvxnet.interop.{module}")
    return value


def __dir__() -> list[str]:
    dunders = {name for name in globals() if name.startswith("__")}
    return sorted({*__all__, *ROOMS, *dunders, "__version__"})
