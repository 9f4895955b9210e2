"""Layers: one function for arrays and expressions, torch's names, and messages for bad input."""

import json

import cvxpy as cp
import numpy as np
import pytest

from cvxnet.errors import InputError
from cvxnet.layers import Linear, ReLU, Sequential, load


def make_net(seed=0):
    return Sequential(Linear(2, 5), ReLU(), Linear(5, 3, nonneg=True), seed=seed)


def test_matrix_row_and_expression_agree():
    net, X = make_net(), np.random.default_rng(1).normal(size=(4, 2))
    rows = np.array([net(x) for x in X])
    assert rows.shape == (4, 3)
    np.testing.assert_allclose(net(X), rows, atol=1e-15)
    np.testing.assert_allclose(net(cp.Constant(X)).value, rows, atol=1e-15)
    np.testing.assert_allclose(net(cp.Constant(X[0])).value, rows[0], atol=1e-15)


def test_values_by_hand():
    net = Sequential(Linear(2, 2), ReLU(), Linear(2, 1)).load_state_dict(
        {"0.weight": [[1, 2], [-1, 0]], "0.bias": [0, 1], "2.weight": [[3, -1]], "2.bias": [10]}
    )
    assert net([1.0, 1.0]).tolist() == [19.0]  # 3*3 - 1*max(0, 0) + 10
    assert net([[1.0, 1.0], [-1.0, 0.0]]).tolist() == [[19.0], [8.0]]


def test_an_input_convex_network_is_minimised_by_cvxpy():
    net = Sequential(Linear(2, 2, bias=False), ReLU(), Linear(2, 1, bias=False, nonneg=True))
    net.load_state_dict({"0.weight": [[1, 0], [0, -1]], "2.weight": [[1, 2]]})
    x = cp.Variable(2)
    problem = cp.Problem(cp.Minimize(cp.sum(net(x))), [x[0] >= 1, x[1] == -1])
    problem.solve(solver=cp.CLARABEL)
    assert problem.value == pytest.approx(3.0, abs=1e-6)


def test_weights_as_variables():
    W = cp.Variable((5, 2))
    bound = make_net().bind({"0.weight": W})
    assert bound(np.ones((1, 2))).is_convex()
    assert bound(np.ones((1, 2))).variables() == [W]
    assert make_net().bind({"2.weight": cp.Variable((3, 5))})(np.ones((1, 2))).is_affine()
    with pytest.raises(InputError, match="without a value"):
        bound.state_dict()
    W.value = np.zeros((5, 2))
    assert (bound.state_dict()["0.weight"] == 0.0).all()


def test_binding_leaves_the_original_alone():
    net = make_net()
    before = net.state_dict()
    net.bind({"0.bias": np.ones(5)})
    assert all((before[k] == v).all() for k, v in net.state_dict().items())
    assert list(before) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_random_start_is_reproducible_and_signed():
    assert (make_net(3).state_dict()["0.weight"] == make_net(3).state_dict()["0.weight"]).all()
    assert (make_net(3).state_dict()["0.weight"] != make_net(4).state_dict()["0.weight"]).any()
    assert (make_net().state_dict()["2.weight"] >= 0).all()
    assert (Linear(3, 4, nonpos=True).weight <= 0).all()
    assert not make_net()[0].given
    assert make_net().load_state_dict(make_net(1).state_dict())[0].given


def test_state_dict_round_trip_and_file_round_trip(tmp_path):
    net = make_net(7)
    again = make_net(8).load_state_dict(net.state_dict())
    net.save(tmp_path / "net.json")
    loaded = load(tmp_path / "net.json")
    assert repr(loaded) == repr(net) and not loaded[0].given
    for name, weight in net.state_dict().items():
        assert (again.state_dict()[name] == weight).all()
        assert (loaded.state_dict()[name] == weight).all()
    assert [p.name for p in tmp_path.iterdir()] == ["net.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0.weight": np.ones((5, 3))}, r"0.weight has shape \(5, 3\); expected \(5, 2\)"),
        ({"0.weight": np.full((5, 2), np.nan)}, r"0.weight\[0, 0\] is nan"),
        ({"0.weight": [["a", "b"]] * 5}, "numbers"),
        ({"2.weight": -np.eye(3, 5)}, r"declared nonneg, but 2.weight\[0, 0\] is -1 \(3 of 15"),
        ({"0.weigth": 1.0}, "no weight '0.weigth'; this network has 0.weight, 0.bias"),
        ({"0.bias": None}, "lacks '0.bias'"),
    ],
)
def test_bad_states_are_refused_and_change_nothing(change, message):
    net = make_net()
    before = net.state_dict()
    state = {k: v for k, v in {**before, **change}.items() if v is not None}
    with pytest.raises(InputError, match=message):
        net.load_state_dict(state)
    assert all((before[k] == v).all() for k, v in net.state_dict().items())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Sequential(), "at least one layer"),
        (lambda: Sequential(Linear(2, 3), np.tanh), "item 1 of Sequential is a ufunc"),
        (lambda: Sequential(Linear(2, 3), ReLU(), Linear(4, 1)), r"layer 2: Linear\(4, 1\) expe"),
        (lambda: Linear(0, 1), "in_features must be a whole number of at least 1, not 0"),
        (lambda: Linear(2, 1.5), "out_features"),
        (lambda: Linear(2, 1, nonneg=True, nonpos=True), "cannot be both"),
        (lambda: make_net()(np.ones((2, 3))), "expects 2 columns, but gets 3"),
        (lambda: make_net()([1.0, np.inf]), r"input\[1\] is inf"),
        (lambda: make_net()(1.0), r"shape \(\)"),
        (lambda: make_net()(cp.Variable((2, 2, 2))), r"shape \(2, 2, 2\)"),
        (lambda: make_net().bind([1.0]), "dict of names"),
    ],
)
def test_bad_calls_are_refused(build, message):
    with pytest.raises(InputError, match=message):
        build()


def damage(**changes):
    return lambda content: json.dumps({**content, **changes})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: "not json", "is not JSON"),
        (lambda c: "[1]", "not a cvxnet network"),
        (damage(format="onnx"), "not a cvxnet network"),
        (damage(version=99), "reads version 1"),
        (damage(state={}), "damaged.*lacks '0.weight'"),
        (damage(network={"layer": "Evil", "options": {}, "children": []}), "unknown layer"),
        (damage(network={"layer": "Linear"}), "damaged"),
        (damage(network=5), "damaged"),
        (damage(given=None), "damaged"),
    ],
)
def test_foreign_files_are_refused(tmp_path, damage, message):
    make_net().save(tmp_path / "net.json")
    content = json.loads((tmp_path / "net.json").read_text())
    (tmp_path / "bad.json").write_text(damage(content))
    with pytest.raises(InputError, match=message):
        load(tmp_path / "bad.json")


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        load(tmp_path / "missing.json")
    with pytest.raises(InputError, match="cannot be written"):
        make_net().save(tmp_path / "missing" / "net.json")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        make_net().save(tmp_path / "folder")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
