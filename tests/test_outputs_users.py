"""Several outputs and classes at every door: estimators, command line, torch, ONNX, pictures."""

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.objective import FAMILIES, Family, Weights, network_of

pytestmark = pytest.mark.interface

rng = np.random.default_rng(0)
SHARED = sorted(name for name, traits in FAMILIES.items() if traits.outputs)


def weights(units, *, d=3, m=4, c=3, bias=True, output_bias=True, skip=True):
    """A network of these units with c outputs, its weights made by hand."""
    gates = 50 if units == "gated_relu" else 1
    return Weights(
        W=rng.standard_normal((m, d)),
        b=rng.standard_normal(m) if bias and units != "coordinate" else None,
        a=rng.standard_normal((m, c)),
        c=rng.standard_normal(c) if output_bias else None,
        s=rng.standard_normal((d, c)) if skip else None,
        gate=np.arange(m) % gates,
    )


def by_hand(units, w, X):
    """The outputs of that network."""
    Z = X @ w.W.T + (0.0 if w.b is None else w.b)
    hidden = {
        "relu": lambda: np.maximum(Z, 0.0),
        "leaky_relu": lambda: np.maximum(Z, 0.01 * Z),
        "abs": lambda: np.abs(Z),
        "linear": lambda: Z,
        "coordinate": lambda: Z,
        "quadratic": lambda: Z**2,
        "polynomial": lambda: 0.09 * Z**2 + 0.5 * Z + 0.47,
    }[units]()
    return hidden @ w.a + w.c + X @ w.s


@pytest.mark.parametrize("units", sorted({*SHARED} - {"gated_relu"}))
def test_networks_of_three_outputs_go_to_torch_and_onnx(units, tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    w, X = weights(units), rng.standard_normal((7, 3))
    family = Family(units).complete(4)
    expected = by_hand(units, w, X)
    with_skip = network_of(family, w)
    np.testing.assert_allclose(with_skip(X), expected, rtol=1e-12, atol=1e-12)
    cn.to_onnx(with_skip, tmp_path / "net.onnx")
    session = runtime.InferenceSession(str(tmp_path / "net.onnx"))
    np.testing.assert_allclose(session.run(None, {"x": X})[0], expected, rtol=1e-12, atol=1e-12)
    assert session.get_outputs()[0].shape[1] == 3
    with_skip.save(tmp_path / "net.json")
    assert (cn.load(tmp_path / "net.json")(X) == with_skip(X)).all()
    plain = network_of(family, weights(units, skip=False))
    module = cn.to_torch(plain)
    np.testing.assert_allclose(module(torch.from_numpy(X)).detach().numpy(), plain(X), rtol=1e-12)
    back = cn.from_torch(module)
    assert repr(back) == repr(plain) and (back(X) == plain(X)).all()


def test_gated_networks_of_three_outputs_go_to_onnx(tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    net, X = network_of(Family("gated_relu").complete(4), weights("gated_relu")), np.eye(3)
    cn.to_onnx(net, tmp_path / "net.onnx")
    found = runtime.InferenceSession(str(tmp_path / "net.onnx")).run(None, {"x": X})[0]
    assert found.shape == (3, 3)
    np.testing.assert_allclose(found, net(X), rtol=1e-12, atol=1e-12)
