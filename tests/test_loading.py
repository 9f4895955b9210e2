"""What a command line names: network files, Python objects, torch state dicts."""

import json
import os
import sys

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
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


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("net.h5", "keras: model.export"),
        ("net.hdf5", "tf2onnx"),
        ("net.KERAS", "cvxnet.from_onnx"),
        ("net.tflite", "--tflite"),
        ("net.mlmodel", "as ONNX"),
        ("net.joblib", "cvxnet.from_sklearn"),
    ],
)
def test_files_of_others_are_refused_with_what_to_do(name, advice, tmp_path):
    (tmp_path / name).write_bytes(b"\x00\x01\x02\xff")
    with pytest.raises(InputError, match="no file of a network") as caught:
        load_thing(tmp_path / name)
    assert advice in str(caught.value)


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
    with pytest.raises(InputError, match="is for state dicts"):
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
    state = {"0.weight": weight}
    assert "holds a list" in message([1, 2])
    assert "checkpoint with 'epoch'; one state dict was expected inside" in message({"epoch": 3})
    assert "there are several (one, two)" in message({"one": state, "two": state})
    assert "expected a tensor of real numbers" in message({"0.weight": weight.to(torch.cfloat)})
    assert "it has conv (weight 1 x 1 x 2 x 2)" in message({"conv.weight": torch.ones(1, 1, 2, 2)})
    assert "it has 1 (gamma 1)" in message({"0.weight": weight, "1.gamma": weight[0]})
    assert "no chain in the order of its names" in message(
        {"a.weight": torch.ones(1, 2), "b.weight": torch.ones(2, 3)}
    )
    (tmp_path / "net.pt").write_bytes(b"not a torch file")
    with pytest.raises(InputError, match=r"no file of torch \(text\)"):
        load_thing(tmp_path / "net.pt")
    with pytest.raises(InputError, match="cannot read"):
        load_thing(tmp_path / "missing.pt")


def test_the_command_says_which_activation_it_assumed(state_dict, cvxnet):
    code, printed, _ = cvxnet("explain", state_dict)
    lines = printed.splitlines()
    assert code == PROVED and lines[0].startswith("activation   relu (assumed; ")
    assert lines[1].startswith("CONVEX: ")
    code, printed, _ = cvxnet("explain", state_dict, "--activation", "tanh")
    assert code == NOT_PROVED and printed.startswith("activation   tanh (assumed; ")
    code, printed, _ = cvxnet("explain", state_dict, "--json")
    assert code == PROVED and json.loads(printed)["assumed_activation"] == "relu"
    code, printed, messages = cvxnet("explain", state_dict, "--activation", "nonsense")
    assert (code, printed) == (BAD_INPUT, "") and "known: relu, leaky_relu" in messages


def test_the_command_assumes_nothing_about_torch_modules(torch, file, cvxnet):
    file.write_text(TORCH)
    code, printed, _ = cvxnet("explain", f"{file}:module")
    assert code == NOT_PROVED and "assumed" not in printed
    code, printed, _ = cvxnet("explain", f"{file}:Net", "--json")
    assert code == PROVED and json.loads(printed)["assumed_activation"] is None
    code, _, messages = cvxnet("explain", f"{file}:normal")
    assert code == BAD_INPUT and "1: torch.nn.GroupNorm" in messages


def normalised(torch):
    """Both kinds of weight normalisation and of spectral normalisation."""
    nn, norms = torch.nn, torch.nn.utils.parametrizations
    return nn.Sequential(
        nn.utils.weight_norm(nn.Linear(2, 4)),
        nn.ReLU(),
        norms.weight_norm(nn.Linear(4, 3)),
        nn.ReLU(),
        norms.spectral_norm(nn.Linear(3, 3)),
        nn.ReLU(),
        nn.utils.spectral_norm(nn.Linear(3, 1)),
    ).eval()


def with_norms(torch):
    """Batch normalisation before and after the activation, PReLU and Dropout."""
    nn = torch.nn
    return torch_networks(torch).scrambled(
        nn.Sequential(
            *(nn.BatchNorm1d(2), nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(4, 3), nn.PReLU(), nn.Linear(3, 3), nn.ReLU(), nn.BatchNorm1d(3)),
            nn.Linear(3, 1),
        )
    )


def pruned(torch):
    return torch_networks(torch).pruned()


def torch_networks(torch):
    return pytest.importorskip("torch_networks")


STATES = {
    "a class with fc1 and fc2": lambda torch: torch_networks(torch).Classic(),
    "a ModuleList": lambda torch: torch_networks(torch).MLP((4, 5, 3, 1)),
    "normalised weights": normalised,
    "batch normalisation": with_norms,
    "pruned": pruned,
    "Linear after Linear": lambda torch: torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1)
    ),
    "Flatten and Dropout": lambda torch: torch.nn.Sequential(
        *(torch.nn.Flatten(), torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Dropout()),
        torch.nn.Linear(3, 1),
    ),
    "twelve layers": lambda torch: torch.nn.Sequential(
        *(part for _ in range(6) for part in (torch.nn.Linear(2, 2), torch.nn.ReLU()))
    )[:-1],
}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")
@pytest.mark.parametrize("ending", [".pt", ".npz", ".safetensors"])
@pytest.mark.parametrize("name", STATES)
def test_state_dicts_are_the_networks_that_they_come_from(torch, tmp_path, name, ending):
    torch.manual_seed(0)  # the spectral norm of some weights is found to few digits
    module = STATES[name](torch)
    state = {key: tensor.contiguous() for key, tensor in module.state_dict().items()}
    path = tmp_path / f"net{ending}"
    if ending == ".pt":
        torch.save(state, path)
    elif ending == ".npz":
        np.savez(path, **{key: tensor.numpy() for key, tensor in state.items()})
    else:
        pytest.importorskip("safetensors.torch").save_file(state, path)
    net, expected = cn.from_file(path), cn.from_torch(module)
    if name == "a ModuleList":
        net = cn.from_file(path, activation="leaky_relu")
        for layer in expected:
            vars(layer).update({"slope": 0.01} if isinstance(layer, cn.LeakyReLU) else {})
    X = np.random.default_rng(0).standard_normal((9, net.columns()))
    np.testing.assert_allclose(net(X), expected(X), rtol=1e-5, atol=1e-6)


WRAPPED = {
    "state_dict": lambda state: {"epoch": 3, "state_dict": state, "optimizer": {"state": {}}},
    "model_state_dict": lambda state: {
        "model_state_dict": {f"module.{key}": value for key, value in state.items()},
        "optimizer_state_dict": {"state": {0: {"step": 1.0}}, "param_groups": [{"lr": 0.1}]},
    },
    "Lightning": lambda state: {
        "pytorch-lightning_version": "2.4.0",
        "state_dict": {f"model.{key}": value for key, value in state.items()},
        "hyper_parameters": {"width": 3},
        "callbacks": {"early": {"best": None}},
    },
    "compiled in parallel": lambda state: {
        f"_orig_mod.module.{key}": value for key, value in state.items()
    },
    "parallel, then compiled": lambda state: {
        f"module._orig_mod.net.{key}": value for key, value in state.items()
    },
    "two dicts": lambda state: {"ema": state, "model": state},
    "bfloat16": lambda state: {key: value.bfloat16() for key, value in state.items()},
}


@pytest.mark.parametrize("ending", [".pt", ".pth", ".ckpt", ".bin"])
@pytest.mark.parametrize("name", WRAPPED)
def test_checkpoints_are_looked_into(torch, tmp_path, name, ending):
    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    state = {key: value.bfloat16().float() for key, value in module.state_dict().items()}
    torch.save(WRAPPED[name](state), tmp_path / f"net{ending}")
    found = cn.from_file(tmp_path / f"net{ending}").state_dict()
    for key, tensor in state.items():
        assert (found[key] == tensor.double().numpy()).all()


def test_short_numbers_of_safetensors(torch, tmp_path):
    save = pytest.importorskip("safetensors.torch").save_file
    weight = torch.tensor([[1.5, -2.0]]).bfloat16()
    save({"fc.weight": weight}, tmp_path / "net.safetensors")
    assert cn.from_file(tmp_path / "net.safetensors").state_dict()["0.weight"].tolist() == [
        [1.5, -2.0]
    ]


def test_safetensors_need_no_torch(tmp_path, monkeypatch):
    save = pytest.importorskip("safetensors.numpy").save_file
    save({"fc.weight": np.ones((1, 2), np.float16)}, tmp_path / "net.safetensors")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert repr(cn.from_file(tmp_path / "net.safetensors")) == "Sequential(Linear(2, 1))"
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(MissingExtraError, match=r"cvxnet\[safetensors\]"):
        cn.from_file(tmp_path / "net.safetensors")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("net.h5", b"\x89HDF\r\n", "an HDF5 file, such as Keras"),
        ("net.pkl", b"\x80\x04K", "a Python pickle, which can run code"),
        ("net.txt", b"some words\n", "is text, by its name no file of a network. Known are: .json"),
        ("net.dat", b"\x00\x01\x02\xff", "binary data of an unknown kind"),
        ("net.gz", b"\x1f\x8b\x08", "compressed by gzip"),
        ("net", b"", "an empty file"),
        ("net.pt", b"", r"no file of torch \(an empty file\). Save a state dict"),
        ("net.bin", b"\x00\x01\x02", r"no file of torch \(binary data"),
        ("net.pth", b"version https://git-lfs.github.com/spec/v1", "run git lfs pull"),
        ("net.npz", b"PK nothing", "no npz archive of numbers"),
        ("net.npz", b"", r"no npz archive of numbers \(an empty file"),
        ("net.safetensors", b"short", "no file of safetensors"),
        ("net.json", b"\x00\xff", "is not JSON"),
    ],
)
def test_what_is_no_network_is_named(tmp_path, name, content, message):
    if name.endswith((".pt", ".pth", ".bin")):
        pytest.importorskip("torch")
    if name.endswith(".safetensors"):
        pytest.importorskip("safetensors")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_thing(tmp_path / name)
    with pytest.raises(InputError, match=r"cannot read .*: No such file"):
        load_thing(tmp_path / f"no-{name}") if name != "net.json" else load_thing("missing.npz")


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
def test_archives_that_keep_no_layers(torch, tmp_path):
    torch.jit.script(torch.nn.Linear(1, 1)).save(tmp_path / "net.pt")
    with pytest.raises(InputError, match=r"is a TorchScript archive, .*torch.jit.load"):
        load_thing(tmp_path / "net.pt")


def test_objects_beside_the_weights_are_named(torch, tmp_path):
    """Their classes are not imported."""
    torch.save({"0.weight": torch.ones(1, 1), "options": Harmful("x")}, tmp_path / "net.ckpt")
    with pytest.raises(InputError, match=r"holds a .*mkdir, .*torch.save\(x\['state_dict'\]"):
        load_thing(tmp_path / "net.ckpt")


def test_arrays_of_objects_are_not_opened(tmp_path):
    np.savez(tmp_path / "net.npz", **{"0.weight": np.array([{}])})
    with pytest.raises(InputError, match="no npz archive of numbers"):
        load_thing(tmp_path / "net.npz")
    np.savez(tmp_path / "net.npz", **{"0.weight": np.array(["text"])})
    with pytest.raises(InputError, match="expected numbers"):
        load_thing(tmp_path / "net.npz")


def test_nothing_may_stand_between_layers():
    state = {"0.weight": np.ones((3, 2)), "2.weight": np.ones((1, 3))}
    assert repr(network_from_state(state, "", "none")) == "Sequential(Linear(2, 3), Linear(3, 1))"


def test_public_files_are_networks(file):
    with pytest.raises(InputError, match="from_file runs no Python"):
        cn.from_file(f"{file}:net")


def test_a_common_prefix_is_dropped():
    state = {"body.0.weight": np.ones((3, 2)), "body.2.weight": np.ones((1, 3))}
    net = network_from_state(state, "a test")
    assert repr(net) == "Sequential(Linear(2, 3), ReLU(), Linear(3, 1))"
