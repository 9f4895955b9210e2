"""Networks as ONNX files: onnxruntime computes the network's own numbers, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers.columns import RowFunction
from cvxnet.layers.layer import KINDS, recorded_calls

pytestmark = pytest.mark.interface

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

# Rows of 6: ordinary numbers, both zeros, tiny ones, and where exp is 0 or infinite.
ROWS = np.vstack(
    [
        8.0 * np.random.default_rng(0).standard_normal((50, 6)),
        [0.0, -0.0, 1e-9, -1e-9, 720.0, -720.0],
        [-40.0, 40.0, 1e8, -1e8, 1e-300, 1.0],
    ]
)
ON_ROWS = {  # layers on six columns
    "Linear": lambda: cn.Linear(6, 4),
    "Linear without bias": lambda: cn.Linear(6, 4, bias=False),
    "GatedLinear": lambda: cn.GatedLinear(6, 4),
    "GatedLinear without bias": lambda: cn.GatedLinear(6, 6, bias=False),
    "ReLU": cn.ReLU,
    "LeakyReLU": lambda: cn.LeakyReLU(0.2),
    "LeakyReLU that turns": lambda: cn.LeakyReLU(-0.5),
    "ELU": lambda: cn.ELU(0.3),
    "CELU": lambda: cn.CELU(2.0),
    "SELU": cn.SELU,
    "Softplus": lambda: cn.Softplus(2.0),
    "SquaredReLU": cn.SquaredReLU,
    "Square": cn.Square,
    "Abs": cn.Abs,
    "Squareplus": lambda: cn.Squareplus(0.5),
    "Sigmoid": cn.Sigmoid,
    "Tanh": cn.Tanh,
    "HardTanh": lambda: cn.HardTanh(-0.1, 2.0),
    "SiLU": cn.SiLU,
    "GELU": cn.GELU,
    "Sign": cn.Sign,
    "Threshold": cn.Threshold,
    "Softmax": cn.Softmax,
    "LogSumExp": cn.LogSumExp,
    "Maxout": lambda: cn.Maxout(3),
    "Conv2d": lambda: cn.Conv2d(1, 2, 2, image=(2, 3)),
    "Conv2d with padding": lambda: cn.Conv2d(2, 3, 2, 2, 1, bias=False, image=(1, 3)),
    "MaxPool2d": lambda: cn.MaxPool2d(2, channels=1, image=(2, 3)),
    "AvgPool2d": lambda: cn.AvgPool2d(2, 1, channels=1, image=(2, 3)),
    "Flatten": cn.Flatten,
    "BatchNorm": lambda: cn.BatchNorm(6, eps=0.1),
    "LayerNorm": lambda: cn.LayerNorm(6),
    "Residual": lambda: cn.Residual(cn.Sequential(cn.Linear(6, 6), cn.Tanh())),
    "Residual with shortcut": lambda: cn.Residual(
        cn.Sequential(cn.Linear(6, 6), cn.Tanh()), shortcut=cn.Linear(6, 6, bias=False)
    ),
    "InputConvex": lambda: cn.InputConvex([6, 5, 4, 2]),
}
STEPS = (cn.Sign, cn.Threshold, cn.GatedLinear)


def scrambled(net):
    """Every weight away from where it starts, within its declared sign, variances positive."""
    rng = np.random.default_rng(1)
    state = {name: rng.uniform(0.5, 1.5, w.shape) for name, w in net.state_dict().items()}
    return net.load_state_dict({name: w if "z" in name else w - 0.3 for name, w in state.items()})


def run(net, X, folder, dtype="float64"):
    """The outputs of the network's ONNX file under onnxruntime."""
    file = folder / "net.onnx"
    cn.to_onnx(net, file, dtype=dtype)
    onnx.checker.check_model(str(file), full_check=True)
    session = ort.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.atleast_2d(X).astype(dtype)})[0]


def assert_same(found, expected, scale):
    assert found.dtype == np.float64
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-14 * scale)


@pytest.mark.parametrize("name", ON_ROWS)
def test_every_layer_is_the_same_function(name, tmp_path):
    net = scrambled(cn.Sequential(ON_ROWS[name]()))
    found, expected = run(net, ROWS, tmp_path), net(ROWS)
    # Row by row: one huge row must not hide what happens in the others.
    for y, z, x in zip(found, expected, ROWS, strict=True):
        assert_same(y, z, np.abs(x).max())


@pytest.mark.parametrize("name", ON_ROWS)
def test_every_layer_in_single_precision(name, tmp_path):
    net = scrambled(cn.Sequential(ON_ROWS[name]()))
    X = ROWS[:-2].astype(np.float32)
    found, expected = run(net, X, tmp_path, "float32"), net(X)
    assert found.dtype == np.float32
    sizes = np.maximum(np.abs(expected).max(axis=1), np.abs(X).max(axis=1))
    assert (np.abs(found - expected).max(axis=1) <= 3e-6 * sizes).all()


def test_numbers_that_single_precision_has_no_room_for(tmp_path):
    net = cn.Sequential(cn.Linear(1, 1, bias=False)).load_state_dict({"0.weight": [[1e39]]})
    with pytest.raises(InputError, match=r"'0\.weight' has the entry 1e\+39, which is too"):
        cn.to_onnx(net, tmp_path / "net.onnx", dtype="float32")
    with pytest.raises(InputError, match="dtype is 'float64' or 'float32', not 'float16'"):
        cn.to_onnx(net, tmp_path / "net.onnx", dtype="float16")
    assert list(tmp_path.iterdir()) == []


def test_every_layer_is_tested():
    own = {name for name, kind in KINDS.items() if kind.__module__.startswith("cvxnet.")}
    assert own == {name.split()[0] for name in ON_ROWS} | {"Sequential", "LinearAttention"}


def test_attention_is_refused_by_name(tmp_path):
    with pytest.raises(UnsupportedError, match="0: LinearAttention cannot be written as ONNX"):
        cn.to_onnx(cn.Sequential(cn.LinearAttention(3, 2, 1)), tmp_path / "net.onnx")


SMOOTH = [name for name in ON_ROWS if not isinstance(ON_ROWS[name](), STEPS)]
KEEPING = [name for name in SMOOTH if ON_ROWS[name]().width(6) == 6]


@st.composite
def networks(draw):
    """Deep, nested networks on six columns, without steps, which turn rounding into jumps."""
    names = st.lists(st.sampled_from(KEEPING), min_size=1, max_size=4)
    first = [ON_ROWS[name]() for name in draw(names)]
    second = [ON_ROWS[name]() for name in draw(names)]
    last = ON_ROWS[draw(st.sampled_from(SMOOTH))]()
    middle = cn.Residual(cn.Sequential(*second)) if draw(st.booleans()) else cn.Sequential(*second)
    return cn.Sequential(cn.Linear(6, 6), *first, middle, last, seed=draw(st.integers(0, 99)))


@settings(max_examples=40, deadline=None)
@given(net=networks(), n=st.integers(1, 5), seed=st.integers(0, 99))
def test_random_networks_are_the_same_function(net, n, seed, tmp_path_factory):
    X = np.random.default_rng(seed).standard_normal((n, 6))
    with recorded_calls() as calls:
        expected = net(X)
    scale = max(np.abs(value).max() for _, _, value in calls)
    found = run(net, X, tmp_path_factory.mktemp("onnx"))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10 * max(scale, 1.0))


def test_layers_that_a_runtime_would_fuse(tmp_path):
    """onnxruntime cannot fuse Relu and Clip in float64; hypothesis found that."""
    net = cn.Sequential(cn.ReLU(), cn.HardTanh(0.1, 2.0))
    assert_same(run(net, ROWS, tmp_path), net(ROWS), 0.0)


def test_a_trained_network(tmp_path):
    X = np.random.default_rng(0).standard_normal((30, 2))
    net = cn.train("relu", X, np.sin(2 * X[:, 0]), weight_decay=0.1, gap=1e-3).network
    assert_same(run(net, X, tmp_path), net(X), 10.0)


def test_weights_keep_their_names_and_values(tmp_path):
    net = cn.Sequential(cn.Sequential(cn.Linear(2, 3), cn.BatchNorm(3)), cn.input_convex([3, 2, 1]))
    cn.to_onnx(net, tmp_path / "net.onnx")
    graph = onnx.load(tmp_path / "net.onnx").graph
    stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for name, weight in net.state_dict().items():
        assert stored[name].dtype == np.float64
        assert (stored[name] == weight).all()


def test_the_file_says_what_goes_in_and_comes_out(tmp_path):
    def sizes(value):
        return [dim.dim_value or dim.dim_param for dim in value.type.tensor_type.shape.dim]

    for net, columns, outputs in [
        (cn.Sequential(cn.ReLU(), cn.Linear(3, 2)), 3, 2),
        (cn.Sequential(cn.Conv2d(2, 3, 2, image=(3, 4))), 24, 18),
        (cn.Sequential(cn.ReLU()), "d", "c"),
    ]:
        cn.to_onnx(net, tmp_path / "net.onnx")
        model = onnx.load(tmp_path / "net.onnx")
        assert (model.opset_import[0].version, model.graph.input[0].name) == (18, "x")
        assert sizes(model.graph.input[0]) == ["n", columns]
        assert sizes(model.graph.output[0]) == ["n", outputs]


def test_weights_of_a_problem_are_written_with_their_values(tmp_path):
    import cvxpy as cp

    W = cp.Variable((1, 2))
    net = cn.Sequential(cn.Linear(2, 1, bias=False)).bind({"0.weight": W})
    with pytest.raises(InputError, match=r"0\.weight is a CVXPY expression without a value"):
        cn.to_onnx(net, tmp_path / "net.onnx")
    cp.Problem(cp.Minimize(cp.sum_squares(W - 3.0))).solve()
    assert_same(run(net, [[1.0, 1.0]], tmp_path), net([[1.0, 1.0]]).value, 6.0)


class Cube(RowFunction):
    """A user's own layer."""

    def values(self, z):
        return z**3


def test_other_layers_are_refused_by_their_path(tmp_path):
    net = cn.Sequential(cn.Linear(2, 2), cn.Residual(cn.Sequential(cn.ReLU(), Cube())))
    with pytest.raises(UnsupportedError, match=r"^1\.body\.1: Cube cannot .* supported: Linear"):
        cn.to_onnx(net, tmp_path / "net.onnx")
    with pytest.raises(InputError, match="a Sequential, not a Linear"):
        cn.to_onnx(cn.Linear(2, 2), tmp_path / "net.onnx")
    with pytest.raises(InputError, match="cannot be written"):
        cn.to_onnx(cn.Sequential(cn.Linear(2, 2)), tmp_path / "nowhere" / "net.onnx")
    assert list(tmp_path.iterdir()) == []
