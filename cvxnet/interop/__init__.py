"""Live: networks to and from other packages, and whatever a command line can name."""

from cvxnet.interop.embedding import Parametrized, embed, parametrize
from cvxnet.interop.loading import from_file, load_thing
from cvxnet.interop.onnx.reading import from_onnx
from cvxnet.interop.onnx.writing import to_onnx
from cvxnet.interop.sklearn import from_sklearn
from cvxnet.interop.torch.conversion import from_torch, to_torch

__all__ = [
    "Parametrized",
    "embed",
    "from_file",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "load_thing",
    "parametrize",
    "to_onnx",
    "to_torch",
]
