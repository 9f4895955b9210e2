"""Every layer: arrays and expressions agree, hand values, files round trip, widths are checked."""

import cvxpy as cp
import numpy as np
import pytest

from cvxnet import layers as L  # noqa: N812
from cvxnet.errors import InputError

LAYERS = [
    L.ReLU(), L.LeakyReLU(0.1), L.LeakyReLU(-0.5), L.LeakyReLU(3.0), L.ELU(), L.ELU(0.5),
    L.ELU(2.0), L.CELU(2.0), L.SELU(), L.Softplus(), L.Softplus(3.0), L.SquaredReLU(), L.Square(),
    L.Abs(), L.Squareplus(), L.Squareplus(0.1), L.Sigmoid(), L.Tanh(), L.HardTanh(),
    L.HardTanh(-0.5, 2.0), L.SiLU(), L.GELU(), L.Sign(), L.Threshold(), L.Softmax(), L.Maxout(2),
    L.Maxout(1), L.LogSumExp(), L.Linear(18, 2), L.BatchNorm(18), L.LayerNorm(18), L.Flatten(),
    L.Conv2d(2, 3, 2, image=(3, 3)), L.Conv2d(2, 1, 3, 2, 1, False, image=(3, 3)),
    L.AvgPool2d(2, 1, channels=2, image=(3, 3)), L.MaxPool2d(2, 1, channels=2, image=(3, 3)),
    L.Residual(L.Linear(18, 18)), L.InputConvex([18, 4, 3]),
    L.LinearAttention(6, 3, 2, 2),
]  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_arrays_and_expressions_agree(layer):
    X = np.random.default_rng(0).normal(size=(4, 18)) * [[1], [0.1], [10], [0]]
    whole = layer(X)
    assert whole.shape == (4, layer.width(18))
    for x, row in zip(X, whole, strict=True):
        np.testing.assert_allclose(layer(x), row, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer(cp.Constant(X)).value, whole, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer(cp.Constant(X[0])).value, whole[0], rtol=1e-12, atol=1e-12)
    x = cp.Variable(18)
    x.value = X[0]
    np.testing.assert_allclose(layer(x).value, whole[0], rtol=1e-12, atol=1e-12)
    assert layer(x).shape == whole[0].shape


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_files_round_trip(layer, tmp_path):
    net = L.Sequential(layer, seed=5)
    net.save(tmp_path / "net.json")
    loaded = L.load(tmp_path / "net.json")
    x = np.linspace(-2.0, 3.0, 18)
    assert (loaded(x) == net(x)).all()
    assert repr(loaded) == repr(net)
    assert loaded[0].given == layer.given


@pytest.mark.parametrize(
    "layer", [L.Conv2d(2, 3, 2, image=(3, 3)), L.Conv2d(2, 3, 2, 1, 1, False, image=(3, 3))]
)
def test_convolution_is_the_same_with_symbolic_weights(layer):
    X = np.random.default_rng(1).normal(size=(3, 18))
    weight = cp.Variable((3, 2, 2, 2))
    weight.value = layer.weight
    bound = layer.bind({"weight": weight})
    assert bound(X).is_affine()
    np.testing.assert_allclose(bound(X).value, layer(X), atol=1e-12)
    np.testing.assert_allclose(bound(X[0]).value, layer(X[0]), atol=1e-12)


def test_convolution_against_a_loop():
    layer = L.Conv2d(2, 3, 2, stride=2, padding=1, image=(3, 4))
    image = np.random.default_rng(2).normal(size=(2, 3, 4))
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    expected = [
        [
            [(layer.weight[c] * padded[:, i : i + 2, j : j + 2]).sum() + layer.bias[c]
             for j in range(0, 5, 2)]
            for i in range(0, 4, 2)
        ]
        for c in range(3)
    ]  # fmt: skip
    np.testing.assert_allclose(layer(image.ravel()), np.ravel(expected), atol=1e-12)


def test_symbolic_batch_norm_keeps_its_statistics():
    layer = L.BatchNorm(2).load_state_dict(
        {"weight": [2, -1], "bias": [0, 1], "running_mean": [1, 1], "running_var": [4, 4]}
    )
    weight = cp.Variable(2)
    weight.value = [2, -1]
    X = np.array([[3.0, 1.0], [0.0, 0.0]])
    np.testing.assert_allclose(layer.bind({"weight": weight})(X).value, layer(X), atol=1e-9)
    with pytest.raises(InputError, match="running_var was declared nonneg"):
        layer.load_state_dict({**layer.state_dict(), "running_var": [1, -1]})


def test_input_convex_networks_are_convex_and_need_not_be_monotone():
    net = L.input_convex([3, 5, 4, 1], seed=1)
    assert net(cp.Variable(3)).is_convex()
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 500, 3)) * 3
    assert (net((a + b) / 2) <= (net(a) + net(b)) / 2 + 1e-12).all()
    assert list(net.state_dict())[:4] == ["0.x0.weight", "0.x0.bias", "0.z1.weight", "0.x1.weight"]


def test_layers_record_their_calls_innermost_first():
    from cvxnet.layers.layer import recorded_calls

    net = L.Sequential(L.Residual(L.ReLU()))
    with recorded_calls() as calls:
        net([1.0])
    assert [type(layer).__name__ for layer, _, _ in calls] == ["ReLU", "Residual", "Sequential"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: L.Maxout(2)([1.0, 2.0, 3.0]), "3 columns, which is no multiple of 2"),
        (lambda: L.Maxout(0), "k must be a whole number"),
        (lambda: L.ELU(-1.0), "alpha must be a finite number above 0"),
        (lambda: L.LeakyReLU("x"), "slope must be a number"),
        (lambda: L.LeakyReLU(np.nan), "slope must be finite"),
        (lambda: L.HardTanh(2, 1), "low < high"),
        (lambda: L.Residual(L.Linear(2, 3))([1.0, 2.0]), "turns 2 columns into 3"),
        (lambda: L.Residual(5), "Residual needs a layer"),
        (lambda: L.InputConvex([3]), "at least two sizes"),
        (lambda: L.BatchNorm(3)([1.0]), "expects 3 columns"),
        (lambda: L.Conv2d(1, 1, 3, image=(2, 2)), "does not fit"),
        (lambda: L.Conv2d(1, 1, 1, image=3), "image"),
        (lambda: L.Conv2d(1, 1, 1, padding=-1, image=(2, 2)), "padding"),
        (lambda: L.MaxPool2d(2, channels=1, image=(4, 4))(np.ones(15)), "expects 16 columns"),
    ],
)
def test_bad_options_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()
