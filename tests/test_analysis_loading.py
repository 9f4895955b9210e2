"""What a command line names: network files, Python objects, torch state dicts."""

import sys
import types

import cvxpy as cp
import numpy as np
import pytest

from cvxnet.analysis import load_thing
from cvxnet.analysis.loading import network_from_state
from cvxnet.errors import InputError, MissingExtraError
from cvxnet.layers import Linear, ReLU, Sequential

PYTHON = """
import cvxpy as cp
from cvxnet.layers import Linear, ReLU, Sequential
net = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
x = cp.Variable(name="x")
number = 5
def build():
    return cp.Problem(cp.Minimize(cp.square(x)))
def wrong():
    return 5
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "things.py"
    path.write_text(PYTHON)
    return path


def test_network_files(tmp_path):
    net = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    net.save(tmp_path / "net.json")
    assert repr(load_thing(tmp_path / "net.json")) == repr(net)


def test_python_objects_and_functions(file):
    assert isinstance(load_thing(f"{file}:net"), Sequential)
    assert isinstance(load_thing(f"{file}:x"), cp.Variable)
    assert isinstance(load_thing(f"{file}:build"), cp.Problem)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("things.py", "name the object in it"),
        ("things.py:nothing", "defines no 'nothing'; it has net, x"),
        ("things.py:number", "number in .* is a int; expected"),
        ("things.py:wrong", "wrong in .* is a int; expected"),
        ("missing.py:net", "no such file"),
        ("broken.py:net", "failed to run: ZeroDivisionError"),
        ("missing.json", "cannot read"),
        ("things.py:torch_like", "is a torch module; turn it into"),
    ],
)
def test_bad_names_are_explained(tmp_path, file, name, message):
    (tmp_path / "broken.py").write_text("1 / 0\n")
    text = PYTHON + "Fake = type('Fake', (), {'__module__': 'torch.nn.modules.linear'})\n"
    file.write_text(text + "torch_like = Fake()\n")
    with pytest.raises(InputError, match=message):
        load_thing(tmp_path / name)


def test_without_torch_the_message_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"cvxnet\[torch\]"):
        load_thing(tmp_path / "net.pt")


class FakeTensor:
    """As much of a torch tensor as the loader uses."""

    def __init__(self, value):
        self.value = np.asarray(value, dtype=np.float32)

    def detach(self):
        return self

    def numpy(self):
        return self.value


def fake_torch(monkeypatch, result):
    def load(path, weights_only, map_location):
        assert weights_only is True
        if isinstance(result, Exception):
            raise result
        return result

    module = types.ModuleType("torch")
    module.load = load
    monkeypatch.setitem(sys.modules, "torch", module)


def test_torch_state_dicts_become_relu_networks(tmp_path, monkeypatch):
    state = {"0.weight": [[1, 2]], "0.bias": [3], "2.weight": [[-1]], "2.bias": [0]}
    fake_torch(monkeypatch, {k: FakeTensor(v) for k, v in state.items()})
    net = load_thing(tmp_path / "net.pt")
    assert repr(net) == "Sequential(Linear(2, 1), ReLU(), Linear(1, 1))"
    assert net([1.0, 1.0]).tolist() == [-6.0]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (FileNotFoundError(2, "No such file"), "cannot read"),
        (RuntimeError("weights only"), "whole pickled modules can run code"),
        ([1, 2], "holds a list"),
        ({"conv.weight": FakeTensor(np.ones((1, 1, 2, 2)))}, "not that of a torch Sequential"),
        ({"0.weight": FakeTensor([[1]]), "1.gamma": FakeTensor([1])}, "not that of a torch"),
    ],
)
def test_other_torch_files_are_refused(tmp_path, monkeypatch, result, message):
    fake_torch(monkeypatch, result)
    with pytest.raises(InputError, match=message):
        load_thing(tmp_path / "net.pt")


def test_a_common_prefix_is_dropped():
    state = {"body.0.weight": np.ones((3, 2)), "body.2.weight": np.ones((1, 3))}
    net = network_from_state(state, "a test")
    assert repr(net) == "Sequential(Linear(2, 3), ReLU(), Linear(3, 1))"
