"""A new activation is one entry, and works wherever the others do.

The one thing beyond it is the checker's own formula, without which nothing is refuted.
"""

from dataclasses import replace
from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.baselines.networks import value_of
from cvxnet.baselines.protocol import make_protocol
from cvxnet.baselines.tasks import TRAINING, Task
from cvxnet.functions.arithmetic import FLOATS
from cvxnet.functions.profile import EVERYWHERE, Profile
from cvxnet.layers.activations import Activation
from cvxnet.layers.atoms import ScalarAtom
from cvxnet.losses import get_loss
from cvxnet.objective import FAMILIES, Form, Objective


def bent_formula(t, K):
    """``t + (sqrt(t^2 + 1) - 1) / 2``: the bent identity."""
    root = K.power(t * t + K.number(1), Fraction(1, 2))
    return t + (root - K.number(1)) / K.number(2)


BENT = Profile(
    name="bent",
    formula=bent_formula,
    derivative=lambda t: 1.0 + 0.5 * t / np.sqrt(t * t + 1.0),
    convex=EVERYWHERE,
    rising=EVERYWHERE,
    mirror=(1.0, -2.0, 0.0),
    bounded_curvature=True,
)


class bent(ScalarAtom):  # noqa: N801 - atoms are lower case
    """The bent identity for CVXPY."""

    profile = BENT


class Bent(Activation):
    """The bent identity."""

    profile_of, atom = (lambda: BENT), bent


X = np.random.default_rng(0).normal(size=(7, 2))


def network(sign=1.0):
    net = cn.Sequential(cn.Linear(2, 3), Bent(), cn.Linear(3, 1), seed=1)
    state = net.state_dict()
    return net.load_state_dict(state | {"2.weight": sign * np.abs(state["2.weight"])})


def test_layer_and_file(tmp_path):
    z = np.array([-2.0, 0.0, 3.0])
    assert Bent()(z) == pytest.approx(z + (np.sqrt(z**2 + 1) - 1) / 2)
    net = network()
    assert net(cp.Constant(X)).value == pytest.approx(net(X), abs=1e-12)
    net.save(tmp_path / "net.json")
    loaded = cn.load(tmp_path / "net.json")
    assert repr(loaded) == repr(net) and (loaded(X) == net(X)).all()


def test_verdict():
    verdict = cn.convexity(network(), wrt="input")
    assert verdict.convex
    assert any(step.name == "bent" for step in verdict.derivation.steps)
    bent_down = cn.convexity(network(-1.0), wrt="input")
    assert bent_down.concave and bent_down.convex is None
    assert bent_down.disciplines["difference of convex (DCCP)"].startswith("yes")


def test_onnx(tmp_path):
    pytest.importorskip("onnx")
    ort = pytest.importorskip("onnxruntime")
    cn.to_onnx(network(), tmp_path / "net.onnx")
    session = ort.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": X})[0] == pytest.approx(network()(X), rel=1e-13)


def test_torch():
    torch = pytest.importorskip("torch")
    module = cn.to_torch(network())
    assert module(torch.from_numpy(X)).detach().numpy() == pytest.approx(network()(X), rel=1e-13)
    back = cn.from_torch(module)
    assert repr(back) == repr(network()) and (back(X) == network()(X)).all()
    z = torch.linspace(-3.0, 3.0, 7, dtype=torch.float64, requires_grad=True)
    module[1](z).sum().backward()
    assert z.grad.numpy() == pytest.approx(BENT.derivative(z.detach().numpy()))


def test_baselines(monkeypatch):
    """As the activation of a unit family; how to price such units would be another matter."""
    torch = pytest.importorskip("torch")
    gradients = pytest.importorskip("cvxnet.baselines.gradients")
    monkeypatch.setitem(FAMILIES, "bent", replace(FAMILIES["relu"], layer=Bent))
    objective = Objective(
        units="bent", X=X, y=X[:, 0] ** 2, loss=get_loss("squared"), weight_decay=0.1, form=Form()
    )
    task = Task(
        objective=objective,
        protocol=make_protocol("adam", 3, 2, 50, None, None, 7),
        optimizer="adam",
        width=3,
        seeds=(0, 1),
        rates=(0.05, 0.05),
        stream=TRAINING,
    )
    record = gradients.train_batch(task)
    W, a, free = record.W, record.a, record.free
    assert record.objective == pytest.approx(
        [value_of(objective, *one) for one in zip(W, a, free, strict=True)]
    )
    tensors = gradients.to_tensors(torch, task)
    value = tensors.objective(*map(torch.from_numpy, (W, a, free))).numpy()
    assert value == pytest.approx(record.objective)
    start = value_of(objective, *(np.zeros_like(part[0]) for part in (W, a, free)))
    assert (record.objective < start).all()


def test_profile_holds():
    t = np.linspace(-5.0, 5.0, 101)
    value = BENT.function(t)
    assert (value == bent_formula(t, FLOATS)).all()
    assert BENT.function(-t) == pytest.approx(value - 2.0 * t)
