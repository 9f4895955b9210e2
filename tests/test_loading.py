"""What a command line names: network files, Python objects, torch state dicts."""

import json
import os
import sys

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.cli import main
from cvxnet.cli.exit_codes import BAD_INPUT, NOT_PROVED, PROVED
from cvxnet.errors import InputError, MissingExtraError
from cvxnet.interop.loading import assumed_activation, load_thing, network_from_state
from cvxnet.layers import Linear, ReLU, Sequential

pytestmark = pytest.mark.interface

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
def failing():
    return 1 / 0
"""

TORCH = """
import torch
module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh())
class Net(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(2, 3), torch.nn.ReLU())
normal = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.GroupNorm(2, 4))
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
        ("things.py:failing", "failing in .* failed: ZeroDivisionError"),
    ],
)
def test_bad_names_are_explained(tmp_path, file, name, message):
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(InputError, match=message):
        load_thing(tmp_path / name)


def test_without_torch_the_message_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"cvxnet\[torch\]"):
        load_thing(tmp_path / "net.pt")
    with pytest.raises(MissingExtraError, match=r"cvxnet\[torch\]"):
        cn.from_torch(None)
    with pytest.raises(MissingExtraError, match=r"cvxnet\[torch\]"):
        cn.to_torch(Sequential(ReLU()))


@pytest.fixture
def torch():
    """The real torch."""
    return pytest.importorskip("torch")


@pytest.fixture
def state_dict(torch, tmp_path):
    """The file of a small network that is convex with ReLU and not with tanh."""
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    with torch.no_grad():
        module[2].weight.abs_()
    torch.save(module.state_dict(), tmp_path / "net.pt")
    return tmp_path / "net.pt"


def test_torch_state_dicts_get_the_activation_that_is_named(torch, state_dict):
    net, other = load_thing(state_dict), load_thing(state_dict, activation="tanh")
    assert repr(net) == "Sequential(Linear(2, 3), ReLU(), Linear(3, 1))"
    assert repr(other) == "Sequential(Linear(2, 3), Tanh(), Linear(3, 1))"
    for name, tensor in torch.load(state_dict, weights_only=True).items():
        assert (net.state_dict()[name] == tensor.double().numpy()).all()
    assert assumed_activation(state_dict, net) == "relu"
    assert assumed_activation(state_dict, other, "tanh") == "tanh"


def test_nothing_is_assumed_where_no_number_is_missing(torch, tmp_path):
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 3)).state_dict(), tmp_path / "net.pth")
    assert assumed_activation(tmp_path / "net.pth", load_thing(tmp_path / "net.pth")) is None


@pytest.mark.parametrize(
    ("name", "message"),
    [("net.pt", "unknown activation 'nonsense'; known: relu, .*, gelu"), ("net.json", "unknown")],
)
def test_unknown_activations_are_refused_with_the_list(tmp_path, name, message):
    with pytest.raises(InputError, match=message):
        load_thing(tmp_path / name, activation="nonsense")


def test_an_activation_for_a_file_that_names_its_own_is_refused(tmp_path):
    Sequential(Linear(2, 1)).save(tmp_path / "net.json")
    with pytest.raises(InputError, match="for torch state dicts"):
        load_thing(tmp_path / "net.json", activation="tanh")


def test_torch_modules_in_python_files(torch, file):
    file.write_text(TORCH)
    assert repr(load_thing(f"{file}:module")) == "Sequential(Linear(2, 3), Tanh())"
    assert repr(load_thing(f"{file}:Net")) == "Sequential(Linear(2, 3), ReLU())"
    with pytest.raises(NotImplementedError, match=r"1: torch.nn.GroupNorm has no counterpart"):
        load_thing(f"{file}:normal")
    with pytest.raises(InputError, match="it has module, normal"):
        load_thing(f"{file}:nothing")


class Harmful:
    """Unpickling it would make a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_pickled_code_is_not_run(torch, tmp_path):
    torch.save(Harmful(tmp_path / "harm"), tmp_path / "net.pt")
    with pytest.raises(InputError, match="whole pickled modules can run code"):
        load_thing(tmp_path / "net.pt")
    assert not (tmp_path / "harm").exists()
    torch.load(tmp_path / "net.pt", weights_only=False)  # it would have been
    assert (tmp_path / "harm").exists()


def test_pickled_modules_are_not_opened(torch, tmp_path):
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 1)), tmp_path / "net.pt")
    with pytest.raises(InputError, match="whole pickled modules can run code"):
        load_thing(tmp_path / "net.pt")


def test_other_torch_files_are_refused(torch, tmp_path):
    def message(content):
        torch.save(content, tmp_path / "net.pt")
        with pytest.raises(InputError) as caught:
            load_thing(tmp_path / "net.pt")
        return str(caught.value)

    weight = torch.ones(1, 1)
    assert "holds a list" in message([1, 2])
    assert "'state' is no tensor" in message({"state": {"0.weight": weight}, "epoch": 3})
    assert "expected a tensor of real numbers" in message({"0.weight": weight.to(torch.cfloat)})
    assert "not that of a torch Sequential" in message({"conv.weight": torch.ones(1, 1, 2, 2)})
    assert "not that of a torch Sequential" in message({"0.weight": weight, "1.gamma": weight[0]})
    assert "no weights for layer 0" in message({"1.weight": weight})
    assert "no weights for layer 1" in message({"0.weight": weight, "3.weight": weight})
    (tmp_path / "net.pt").write_bytes(b"not a torch file")
    with pytest.raises(InputError, match="no plain state dict"):
        load_thing(tmp_path / "net.pt")
    with pytest.raises(InputError, match="cannot read"):
        load_thing(tmp_path / "missing.pt")


def explain(capsys, *arguments):
    """The command in this process: its exit code, output and messages."""
    with pytest.raises(SystemExit) as caught:
        main(["explain", *map(str, arguments)])
    printed = capsys.readouterr()
    return caught.value.code or 0, printed.out, printed.err


def test_the_command_says_which_activation_it_assumed(state_dict, capsys):
    code, printed, _ = explain(capsys, state_dict)
    lines = printed.splitlines()
    assert code == PROVED and lines[0].startswith("activation   relu (assumed; ")
    assert lines[1].startswith("CONVEX: ")
    code, printed, _ = explain(capsys, state_dict, "--activation", "tanh")
    assert code == NOT_PROVED and printed.startswith("activation   tanh (assumed; ")
    code, printed, _ = explain(capsys, state_dict, "--json")
    assert code == PROVED and json.loads(printed)["assumed_activation"] == "relu"
    code, printed, messages = explain(capsys, state_dict, "--activation", "nonsense")
    assert (code, printed) == (BAD_INPUT, "") and "known: relu, leaky_relu" in messages


def test_the_command_assumes_nothing_about_torch_modules(torch, file, capsys):
    file.write_text(TORCH)
    code, printed, _ = explain(capsys, f"{file}:module")
    assert code == NOT_PROVED and "assumed" not in printed
    code, printed, _ = explain(capsys, f"{file}:Net", "--json")
    assert code == PROVED and json.loads(printed)["assumed_activation"] is None
    code, _, messages = explain(capsys, f"{file}:normal")
    assert code == BAD_INPUT and "1: torch.nn.GroupNorm" in messages


def test_a_common_prefix_is_dropped():
    state = {"body.0.weight": np.ones((3, 2)), "body.2.weight": np.ones((1, 3))}
    net = network_from_state(state, "a test")
    assert repr(net) == "Sequential(Linear(2, 3), ReLU(), Linear(3, 1))"
