"""The commands on other unit families, and certify."""

import json

import numpy as np
import pytest
import torch
from examples import random_data

import cvxnet as cn

pytestmark = pytest.mark.interface


@pytest.fixture
def table(tmp_path):
    """A CSV file with two features and a target, and its data."""
    X, y = random_data(0, 24, 2)
    path = tmp_path / "data.csv"
    lines = [",".join(map(repr, row)) for row in np.column_stack([X, y]).tolist()]
    path.write_text("a,b,y\n" + "\n".join(lines) + "\n")
    return path, X, y


@pytest.mark.parametrize(
    "options",
    [
        ["--units", "leaky_relu", "--option", "slope=0.2", "--output-bias"],
        ["--units", "abs", "--norm", "l1", "--loss", "huber"],
        ["--units", "coordinate", "--skip", "--loss", "absolute", "--weight-decay", "0.001"],
        ["--units", "quadratic", "--no-bias"],
        ["--units", "gated_relu", "--option", "gates=8"],
    ],
)
def test_train_any_family(cvxnet, table, tmp_path, options):
    path, X, _ = table
    out = tmp_path / "out"
    decay = [] if "--weight-decay" in options else ["--weight-decay", 0.3]
    arguments = ("train", path, "--target", "y", *decay, *options, "--out", out, "--json")
    code, printed, _ = cvxnet(*arguments)
    found = json.loads(printed)
    assert (code, found["status"]) == (0, "optimal")
    assert cn.load(out / "network.json")(X).shape == (24, 1)
    assert cn.check(out / "certificate.json").valid
    assert (out / "figure.png").stat().st_size > 1000


def test_a_bad_option_is_named(cvxnet, table):
    path, _, _ = table
    arguments = ("train", path, "--target", "y", "--weight-decay", 1, "--option", "slope=steep")
    assert cvxnet(*arguments)[0] == 2


def test_certify_a_torch_file(cvxnet, table, tmp_path):
    path, X, y = table
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(2, 20), torch.nn.ReLU(), torch.nn.Linear(20, 1)
    ).double()
    torch.save(module.state_dict(), tmp_path / "net.pt")
    out = tmp_path / "cert.json"
    arguments = ["certify", tmp_path / "net.pt", "--data", path, "--target", "y"]
    arguments += ["--weight-decay", 0.3, "--out", out, "--json"]
    code, printed, _ = cvxnet(*arguments)
    found = json.loads(printed)
    assert code == 1  # an untrained network is not optimal
    assert found["width"] == 20
    assert found["assumed_activation"] == "relu"
    result = cn.check(out)
    assert result.valid
    assert (result.lower, result.upper) == (found["lower"], found["value"])
    value = cn.train(module, X, y, weight_decay=0.3).value
    assert found["lower"] <= value <= found["upper"]


def test_certify_what_train_made_is_optimal(cvxnet, table, tmp_path):
    path, _, _ = table
    arguments = ("train", path, "--target", "y", "--weight-decay", 0.3, "--out", tmp_path / "out")
    assert cvxnet(*arguments)[0] == 0
    network = tmp_path / "out" / "network.json"
    arguments = ("certify", network, "--data", path, "--target", "y", "--weight-decay", 0.3)
    code, printed, _ = cvxnet(*arguments)
    assert code == 0
    assert "<= optimum <=" in printed
