"""Small networks as people bring them: objects and files, each with what computes its outputs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper, parser
from sklearn import linear_model, neural_network, pipeline, preprocessing
from sklearn.ensemble import RandomForestRegressor
from torch import nn

import cvxnet as cn
from cvxnet.interop import load_thing

Array = np.ndarray
Predict = Callable[[Array], Array]
DOUBLE, FITTED, SINGLE, HALF = 1e-12, 1e-6, 1e-5, 1e-2
"""How far outputs may be off that are computed in these formats, or by fitted estimators."""
SHAPE = (3,)
onnxruntime.set_default_logger_severity(3)  # models by hand have weights that they do not use


@dataclass(frozen=True)
class Brought:
    """One network: what is handed to cvxnet, by which door, and what it should compute.

    Attributes
    ----------
    read : callable
        Makes the cvxnet network.
    predict : callable, optional
        The outputs of the original for rows; None for what is refused.
    precision : float
        How far the two may differ.
    file : Path, optional
        An ONNX file, for other readers of such files.
    """

    read: Callable[[], Any]
    predict: Predict | None = None
    columns: int = 3
    precision: float = SINGLE
    file: Path | None = None


class TwoLayers(nn.Module):
    """As most people write a network."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(3, 5), nn.Linear(5, 1)

    def forward(self, x: Any) -> Any:
        return self.fc2(torch.relu(self.fc1(x)))


class Skip(nn.Module):
    """A residual sum."""

    def __init__(self) -> None:
        super().__init__()
        self.inside, self.last = nn.Linear(3, 3), nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        return self.last(x + torch.tanh(self.inside(x)))


class Standardising(nn.Module):
    """Mean and scale as buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([1.0, 2.0, 3.0]))
        self.register_buffer("scale", torch.tensor([0.5, 1.0, 4.0]))
        self.net = nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 1))

    def forward(self, x: Any) -> Any:
        return self.net((x - self.mean) / self.scale)


class Pictures(nn.Module):
    """A convolution, pooling, and a view."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv2d(1, 2, 3), nn.Linear(2 * 3 * 3, 2)

    def forward(self, x: Any) -> Any:
        x = nn.functional.max_pool2d(torch.relu(self.conv(x)), 2)
        return self.last(x.view(x.size(0), -1))


def around(middle: nn.Module) -> nn.Sequential:
    """Two linear layers with something between them."""
    return nn.Sequential(nn.Linear(3, 4), middle, nn.Linear(4, 2))


def outputs(module: nn.Module, shape: tuple[int, ...] = SHAPE) -> Predict:
    """What a module computes."""
    kind = next(module.parameters()).dtype

    def predict(X: Array) -> Array:
        with torch.no_grad():
            result = module.eval()(torch.tensor(X, dtype=kind).reshape(-1, *shape))
        return result.reshape(len(X), -1).double().numpy()

    return predict


def module(make: Callable[[], nn.Module], shape: tuple[int, ...] = SHAPE) -> Any:
    """A torch module, in evaluation mode."""

    def bring(folder: Path) -> Brought:
        torch.manual_seed(0)
        original = make().eval()
        size = {"image": shape} if len(shape) > 1 else {}
        read = lambda: cn.from_torch(original, **size)  # noqa: E731
        return Brought(read, outputs(original, shape), int(np.prod(shape)))

    return bring


def state(save: Callable[[nn.Module, Path], None], name: str) -> Any:
    """A file with the weights of linear layers."""

    def bring(folder: Path) -> Brought:
        torch.manual_seed(0)
        original = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))
        save(original, folder / name)
        return Brought(lambda: load_thing(folder / name), outputs(original))

    return bring


def exported(make: Callable[[], nn.Module], opset: int, shape: tuple[int, ...] = SHAPE) -> Any:
    """A module as torch writes it."""

    def bring(folder: Path) -> Brought:
        torch.manual_seed(0)
        original, file = make().eval(), folder / "net.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter that needs no further package is old
            torch.onnx.export(
                original,
                (torch.zeros(2, *shape),),
                str(file),
                dynamo=False,
                opset_version=opset,
                input_names=["x"],
                dynamic_axes={"x": {0: "n"}},
            )
        return from_file(file, int(np.prod(shape)))

    return bring


def from_file(file: Path, columns: int = 3, precision: float = SINGLE, **options: Any) -> Brought:
    """An ONNX file, with onnxruntime as what it should compute."""

    def read() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what is left off after the scores
            return cn.from_onnx(file, **options)

    def predict(X: Array) -> Array:
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        (value,) = session.get_inputs()
        kind = {"tensor(double)": np.float64, "tensor(float16)": np.float16}
        fed = X.astype(kind.get(value.type, np.float32))
        sizes = [size if isinstance(size, int) else -1 for size in value.shape[1:]]
        if value.shape[0] == 1:
            parts = [session.run(None, {value.name: x.reshape(1, *sizes)})[-1] for x in fed]
            return np.concatenate(parts).reshape(len(X), -1)
        result = session.run(None, {value.name: fed.reshape(-1, *sizes)})[-1]
        if isinstance(result, list):  # a table of probabilities
            result = np.array([list(row.values()) for row in result])
        return np.asarray(result, dtype=np.float64).reshape(len(X), -1)

    return Brought(read, predict, columns, precision, file)


def weights(**shapes: tuple[int, ...]) -> dict[str, Array]:
    """Random weights, always the same."""
    rng = np.random.default_rng(0)
    return {name: 0.5 * rng.standard_normal(shape) for name, shape in shapes.items()}


TWO = {"W": (3, 4), "b": (4,), "V": (4, 2), "c": (2,)}


def written(
    nodes: str,
    opset: int = 18,
    kind: str = "float",
    shape: str = "N, 3",
    result: str = "float[N, C] y",
    more: dict[str, Any] | None = None,
    **shapes: tuple[int, ...],
) -> Any:
    """A model by hand, in ONNX's own text format; its weights are random."""
    formats = {"float": np.float32, "double": np.float64, "float16": np.float16}

    def bring(folder: Path) -> Brought:
        text = (
            f'<ir_version: 8, opset_import: ["" : {opset}, "ai.onnx.ml" : 3]>'
            f"g ({kind}[{shape}] x) => ({result.replace('float', kind)}) {{ {nodes} }}"
        )
        model = parser.parse_model(text)
        for node in model.graph.node:
            node.name = f"{node.op_type} {node.output[0]}"  # some readers need names
        arrays = weights(**(shapes or TWO)) | (more or {})
        for name, array in arrays.items():
            array = np.asarray(array)
            array = array.astype(formats[kind]) if array.dtype.kind == "f" else array
            model.graph.initializer.append(numpy_helper.from_array(array, name))
        onnx.save(model, folder / "net.onnx")
        sizes = [int(size) for size in shape.split(",")[1:]]
        precision = {"double": DOUBLE, "float16": HALF}.get(kind, SINGLE)
        return from_file(folder / "net.onnx", int(np.prod(sizes)), precision)

    return bring


def outside(folder: Path) -> Brought:
    """The weights in a file of their own."""
    brought = DENSE(folder)
    model = onnx.load(folder / "net.onnx")
    options = {"save_as_external_data": True, "location": "net.data", "size_threshold": 0}
    onnx.save(model, folder / "net.onnx", **options)
    return brought


def own(dtype: str) -> Any:
    """What cvxnet writes itself."""

    def bring(folder: Path) -> Brought:
        net = cn.Sequential(cn.Linear(3, 4), cn.GELU(), cn.LayerNorm(4), cn.Maxout(2))
        cn.to_onnx(net, folder / "net.onnx", dtype=dtype)
        return from_file(folder / "net.onnx", 3, DOUBLE if dtype == "float64" else SINGLE)

    return bring


def data() -> tuple[Array, Array]:
    """Forty samples."""
    X = np.random.default_rng(0).standard_normal((40, 3)) * [1.0, 10.0, 0.1]
    return X, X @ [1.0, 0.2, -3.0]


def estimator(model: Any, classes: int = 0, method: str = "predict") -> Any:
    """A fitted estimator, and what it predicts."""

    def bring(folder: Path) -> Brought:
        X, y = data()
        labels = np.digitize(y, np.quantile(y, np.arange(1, classes) / classes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a few iterations are enough here
            model.fit(X, labels if classes else y)

        def predict(rows: Array) -> Array:
            found = np.asarray(getattr(model, method)(rows)).reshape(len(rows), -1)
            if method == "predict_proba":  # of two classes, as a score
                found = np.log(found[:, 1:]) - np.log(found[:, :1])
            return found

        return Brought(lambda: cn.from_sklearn(model), predict, 3, FITTED)

    return bring


def foreign(name: str, content: bytes) -> Any:
    """A file of others."""

    def bring(folder: Path) -> Brought:
        (folder / name).write_bytes(content)
        return Brought(lambda: load_thing(folder / name))

    return bring


def unsupported(bring: Callable[[Path], Brought]) -> Any:
    """A model that cvxnet has to refuse."""
    return lambda folder: replace(bring(folder), predict=None)


def refused(make: Callable[[Path], Any]) -> Any:
    """What cvxnet has no layers for."""
    return lambda folder: Brought(lambda: make(folder))


MLP = {"hidden_layer_sizes": (4,), "max_iter": 20, "random_state": 0}
GEMM = "Gemm <alpha = 1.0, beta = 1.0, transB = 0>"
CONV = (
    "Conv <kernel_shape = [3, 3], strides = [1, 1], pads = [0, 0, 0, 0], group = 1, "
    "dilations = [1, 1]>"
)
POOL = "MaxPool <kernel_shape = [2, 2], strides = [2, 2], pads = [0, 0, 0, 0]>"
GEMMS = f"h = {GEMM} (x, W, b) r = Relu(h) y = {GEMM} (r, V, c)"
DENSE = written(GEMMS)
IMAGE = {"shape": "N, 2, 6, 6"}


def activation(name: str) -> Any:
    """Dense layers with an activation of ONNX between them, as OMLT reads them."""
    nodes = f"h = MatMul(x, W) i = Add(h, b) r = {name}(i) k = MatMul(r, V) y = Add(k, c)"
    return written(nodes, 13)


Group = tuple[str, dict[str, Callable[[Path], Brought]]]

TORCH: Group = (
    "torch",
    {
        "nn.Sequential": module(lambda: around(nn.ReLU())),
        "class with fc1, fc2 and torch.relu": module(TwoLayers),
        "residual sum in forward": module(Skip),
        "buffers that standardise": module(Standardising),
        "Conv2d, max_pool2d, view": module(Pictures, (1, 8, 8)),
        "Dropout, BatchNorm1d, Identity": module(
            lambda: nn.Sequential(around(nn.BatchNorm1d(4)), nn.Dropout(), nn.Identity())
        ),
        "weight_norm": module(
            lambda: around(nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)))
        ),
        "state dict (.pt)": state(lambda m, f: torch.save(m.state_dict(), f), "net.pt"),
        "checkpoint of a trainer (.ckpt)": state(
            lambda m, f: torch.save({"epoch": 3, "state_dict": m.state_dict()}, f), "net.ckpt"
        ),
        "LSTM": refused(lambda folder: cn.from_torch(nn.LSTM(3, 4))),
    },
)
EXPORTED: Group = (
    "torch.onnx.export",
    {
        "two layers, opset 9": exported(TwoLayers, 9),
        "two layers, opset 20": exported(TwoLayers, 20),
        "residual sum, opset 13": exported(Skip, 13),
        "standardising buffers, opset 17": exported(Standardising, 17),
        "images and view, opset 11": exported(Pictures, 11, (1, 8, 8)),
        "GELU by Erf, opset 13": exported(lambda: around(nn.GELU()), 13),
        "Gelu, opset 20": exported(lambda: around(nn.GELU()), 20),
        "SiLU, opset 17": exported(lambda: around(nn.SiLU()), 17),
        "LayerNorm in pieces, opset 13": exported(lambda: around(nn.LayerNorm(4)), 13),
        "LayerNormalization, opset 17": exported(lambda: around(nn.LayerNorm(4)), 17),
        "BatchNorm1d, opset 15": exported(lambda: around(nn.BatchNorm1d(4)), 15),
        "Softplus(beta=2), opset 13": exported(lambda: around(nn.Softplus(2.0)), 13),
        "LogSigmoid, opset 13": exported(lambda: around(nn.LogSigmoid()), 13),
        "PReLU, opset 13": exported(lambda: around(nn.PReLU()), 13),
        "groups and dilation, opset 13": exported(
            lambda: nn.Sequential(
                nn.Conv2d(2, 4, 3, padding=1, groups=2),
                nn.ReLU(),
                nn.Conv2d(4, 3, 2, dilation=2),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
            ),
            13,
            (2, 6, 6),
        ),
        "Hardswish, opset 18": unsupported(exported(lambda: around(nn.Hardswish()), 18)),
    },
)
BY_HAND: Group = (
    "ONNX by hand",
    {
        "Gemm with transB, alpha, beta, opset 7": written(
            "h = Gemm <transB = 1, alpha = 0.5, beta = 2.0> (x, W, b) y = Tanh(h)",
            7,
            **{"W": (4, 3), "b": (4,)},
        ),
        "Clip by attributes, opset 9": written(
            f"h = {GEMM} (x, W, b) r = Clip <min = 0.0, max = 6.0> (h) y = {GEMM} (r, V, c)", 9
        ),
        "float64, opset 15": written(
            f"h = {GEMM} (x, W, b) r = Relu(h) y = {GEMM} (r, V, c)", 15, "double"
        ),
        "float16, opset 18": written(
            f"h = {GEMM} (x, W, b) r = Relu(h) y = {GEMM} (r, V, c)", 18, "float16"
        ),
        "weights in another file, opset 18": outside,
        "x * Sigmoid(x), opset 21": written(
            f"h = {GEMM} (x, W, b) s = Sigmoid(h) r = Mul(h, s) y = {GEMM} (r, V, c)", 21
        ),
        "squared ReLU by Pow, opset 18": written(
            f"h = {GEMM} (x, W, b) r = Relu(h) s = Pow(r, two) y = {GEMM} (s, V, c)",
            more={"two": np.array(2.0), **weights(**TWO)},
        ),
        "input convex: skips to the input, opset 18": written(
            f"h = {GEMM} (x, W, b) r = Relu(h) z = MatMul(r, V) s = {GEMM} (x, U, c) y = Add(z, s)",
            U=(3, 2),
            **TWO,
        ),
        "images with channels last (tf2onnx), opset 15": written(
            "t = Transpose <perm = [0, 3, 1, 2]> (x) k = Conv(t, K) r = Relu(k) "
            "u = Transpose <perm = [0, 2, 3, 1]> (r) f = Reshape(u, s) y = MatMul(f, V)",
            15,
            shape="N, 4, 4, 2",
            more={"s": np.array([-1, 27]), **weights(K=(3, 2, 2, 2), V=(27, 2))},
        ),
        "product of two parts, opset 18": unsupported(
            written("h = MatMul(x, W) g = MatMul(x, W) y = Mul(h, g)")
        ),
    },
)
OMLT: Group = (
    "OMLT",
    {
        "dense, linear, opset 13": written(
            "h = MatMul(x, W) i = Add(h, b) k = MatMul(i, V) y = Add(k, c)", 13
        ),
        "dense, relu, opset 13": activation("Relu"),
        "dense, sigmoid, opset 13": activation("Sigmoid"),
        "dense, tanh, opset 13": activation("Tanh"),
        "dense, softplus, opset 13": activation("Softplus"),
        "dense, log-softmax, opset 13": activation("LogSoftmax"),
        "convolution, relu, dense, opset 13": written(
            f"s = Constant <value = int64[2] {{-1, 48}}> () k = {CONV} (x, K) r = Relu(k) "
            "f = Reshape(r, s) h = MatMul(f, V) y = Add(h, c)",
            13,
            more=weights(K=(3, 2, 3, 3), V=(48, 2), c=(2,)),
            **IMAGE,
        ),
        "convolution, max pooling, dense, opset 13": written(
            f"s = Constant <value = int64[2] {{-1, 12}}> () k = {CONV} (x, K) r = Relu(k) "
            f"p = {POOL} (r) f = Reshape(p, s) h = MatMul(f, V) y = Add(h, c)",
            13,
            more=weights(K=(3, 2, 3, 3), V=(12, 2), c=(2,)),
            **IMAGE,
        ),
    },
)
SKLEARN: Group = (
    "scikit-learn",
    {
        "MLPRegressor (relu)": estimator(neural_network.MLPRegressor(**MLP)),
        "MLPRegressor (tanh, two layers)": estimator(
            neural_network.MLPRegressor(
                **MLP | {"hidden_layer_sizes": (4, 3), "activation": "tanh"}
            )
        ),
        "MLPClassifier, two classes": estimator(
            neural_network.MLPClassifier(**MLP), 2, "predict_proba"
        ),
        "StandardScaler, MLPRegressor": estimator(
            pipeline.make_pipeline(
                preprocessing.StandardScaler(), neural_network.MLPRegressor(**MLP)
            )
        ),
        "RobustScaler, Ridge": estimator(
            pipeline.make_pipeline(preprocessing.RobustScaler(), linear_model.Ridge())
        ),
        "LogisticRegression, three classes": estimator(
            linear_model.LogisticRegression(), 3, "decision_function"
        ),
        "LinearClassifier and ZipMap (skl2onnx)": written(
            "s = ai.onnx.ml.Scaler <offset = [1.0, 2.0, 3.0], scale = [0.5, 1.0, 2.0]> (x) "
            "l, p = ai.onnx.ml.LinearClassifier <coefficients = [-1.0, 2.0, 0.5, 1.0, -2.0, -0.5], "
            "intercepts = [-0.5, 0.5], classlabels_ints = [0, 1], "
            'post_transform = "LOGISTIC"> (s) '
            "t = ai.onnx.ml.ZipMap <classlabels_int64s = [0, 1]> (p)",
            result="int64[N] l, seq(map(int64, float)) t",
            none=(1,),
        ),
        "MLP for two classes (skl2onnx)": written(
            "k = MatMul(x, W) i = Add(k, b) r = Relu(i) m = MatMul(r, v) n = Add(m, d) "
            "p = Sigmoid(n) q = Sub(one, p) y = Concat <axis = 1> (q, p) "
            "l = ArgMax <axis = 1, keepdims = 0> (y)",
            result="int64[N] l, float[N, 2] y",
            more={"one": np.array([1.0], np.float32), **weights(v=(4, 1), d=(1,), **TWO)},
        ),
        "random forest": refused(
            lambda folder: cn.from_sklearn(RandomForestRegressor(2).fit(*data()))
        ),
        "pickled model (.pkl)": foreign("model.pkl", b"\x80\x04K\x01."),
    },
)
OTHERS: Group = (
    "others",
    {
        "cvxnet's own, float64, opset 18": own("float64"),
        "cvxnet's own, float32, opset 18": own("float32"),
        "Keras file (.keras)": foreign("net.keras", b"\x89HDF"),
        "TensorFlow Lite (.tflite)": foreign("net.tflite", b"\x1c\x00\x00\x00TFL3"),
    },
)
COLLECTION: tuple[Group, ...] = (TORCH, EXPORTED, BY_HAND, OMLT, SKLEARN, OTHERS)
