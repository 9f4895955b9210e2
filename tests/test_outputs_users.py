"""Several outputs and classes at every door: estimators, command line, torch, ONNX, pictures."""

import json

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.cli import main
from cvxnet.errors import CvxnetError, InputError, UnsupportedError
from cvxnet.losses import get_loss
from cvxnet.objective import FAMILIES, Family, Objective, Weights, network_of

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


# --- what comes in

X6, Y6 = rng.standard_normal((6, 2)), rng.standard_normal((6, 3))
LABELS6 = ["low", "mid", "high", "mid", "low", "high"]
ONE_HOT = np.eye(3)[[1, 2, 0, 2, 1, 0]]


def objective(**given):
    settings = {"units": "relu", "X": X6, "y": Y6, "loss": "squared", "weight_decay": 0.1} | given
    return Objective(**settings | {"loss": get_loss(settings["loss"])})


def frame_of(library, columns):
    return pytest.importorskip(library).DataFrame(columns)


@pytest.mark.parametrize(
    "convert",
    [
        lambda y: y.tolist(),
        lambda y: y.astype(np.float32).astype(object),
        lambda y: pytest.importorskip("torch").tensor(y, requires_grad=True),
        lambda y: frame_of("pandas", {f"target {k}": column for k, column in enumerate(y.T)}),
        lambda y: frame_of("polars", {f"target {k}": column for k, column in enumerate(y.T)}),
        lambda y: np.asfortranarray(y),
    ],
    ids=["lists", "objects", "torch", "pandas", "polars", "columns"],
)
def test_several_targets_come_in_any_container(convert):
    found = objective(y=convert(Y6))
    assert found.outputs == 3 and found.classes is None
    np.testing.assert_allclose(found.y, Y6, rtol=1e-6)
    assert objective(y=convert(Y6[:, :1])).outputs == 1


@pytest.mark.parametrize(
    "convert",
    [
        list,
        lambda y: np.array(y),
        lambda y: np.array(y, dtype=object)[:, None],
        lambda y: pytest.importorskip("pandas").Series(y),
        lambda y: pytest.importorskip("pandas").Series(y, dtype="category"),
        lambda y: pytest.importorskip("polars").Series(y),
    ],
    ids=["list", "array", "objects", "pandas", "categories", "polars"],
)
def test_labels_come_in_any_container(convert):
    found = objective(y=convert(LABELS6), loss="cross_entropy")
    assert found.classes.tolist() == ["high", "low", "mid"]
    assert (found.y == ONE_HOT).all()


def test_labels_of_numbers_and_rows_with_a_one():
    torch = pytest.importorskip("torch")
    numbers = [3, -1, 7, -1, 3, 7]
    for y in (numbers, np.array(numbers, float), torch.tensor(numbers)):
        found = objective(y=y, loss="cross_entropy")
        assert found.classes.tolist() == [-1, 3, 7] and found.outputs == 3
    flags = objective(y=[True, False] * 3, loss="cross_entropy")
    assert flags.classes.tolist() == [False, True]
    rows = objective(y=ONE_HOT, loss="cross_entropy")
    assert rows.classes.tolist() == [0, 1, 2] and (rows.y == ONE_HOT).all()


@pytest.mark.failure
def test_what_pandas_writes_for_a_missing_label_is_missing():
    pandas = pytest.importorskip("pandas")
    for missing in (pandas.NA, pandas.NaT, None, np.nan, np.float32("nan"), np.inf):
        for labels in (LABELS6, [0, 1, 2, 0, 1, 2]):
            y = pandas.Series([*labels[:5], missing], dtype=object)
            with pytest.raises(InputError, match=r"y\[5\] is .*without a label"):
                objective(y=y, loss="cross_entropy")
    with pytest.raises(InputError, match=r"y\[5\] is"):
        y = pandas.Series([*LABELS6[:5], None], dtype="category")
        objective(y=y, loss="cross_entropy")


def changed(array, where, value):
    copy = np.array(array, dtype=object if isinstance(value, str) else None)
    copy[where] = value
    return copy


ENTROPY = {"loss": "cross_entropy"}
WRONG = {
    "one class": (ENTROPY | {"y": ["low"] * 6}, ["every label of y is 'low'", "one class"]),
    "one number": (ENTROPY | {"y": [2] * 6}, ["every label of y is 2"]),
    "mixed": (ENTROPY | {"y": ["low", "mid", 3, "low", "mid", 3]}, ["several kinds", "'low'", "3"]),
    "no label": (ENTROPY | {"y": [*LABELS6[:5], None]}, ["y[5] is None"]),
    "NaN label": (ENTROPY | {"y": [0.0, 1.0, 2.0, 0.0, np.nan, 2.0]}, ["y[4] is nan"]),
    "numbers": (ENTROPY | {"y": Y6[:, 0]}, ["not whole", "squared"]),
    "too few labels": (ENTROPY | {"y": LABELS6[:5]}, ["y has shape (5,)", "label per row"]),
    "an empty class": (ENTROPY | {"y": np.hstack([ONE_HOT, np.zeros((6, 1))])}, ["the class 3"]),
    "a class of weight zero": (
        ENTROPY | {"y": LABELS6, "sample_weight": [1, 1, 0, 1, 1, 0]},
        ["no sample (of weight above zero) has the class 'high'"],
    ),
    "two ones in a row": (ENTROPY | {"y": changed(ONE_HOT, (0, 0), 1.0)}, ["one row per sample"]),
    "hinge": ({"loss": "hinge", "y": np.sign(Y6)}, ["3 columns", "hinge loss has one output"]),
    "lengths": ({"y": Y6[:5]}, ["y has shape (5, 3)", "(6, c)"]),
    "transposed": ({"y": Y6.T}, ["y has shape (3, 6)", "(6, c)"]),
    "no columns": ({"y": Y6[:, :0]}, ["y has 0 columns"]),
    "too many columns": ({"y": np.ones((6, 1001))}, ["y has 1001 columns", "1000"]),
    "three axes": ({"y": np.ones((6, 2, 2))}, ["y has shape (6, 2, 2)", "(6, c)"]),
    "NaN": ({"y": changed(Y6, (2, 1), np.nan)}, ["y[2, 1] is nan"]),
    "text": ({"y": changed(Y6, (2, 1), "red")}, ["y cannot be read", "'red'"]),
    "units": ({"units": "tanh"}, ["tanh units have one output", "relu"]),
    "norm": ({"norm": "l1"}, ["the norm 'l2' only"]),
}


@pytest.mark.failure
@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("door", [cn.train, cn.program, cn.largest_weight_decay, cn.compare])
def test_what_is_wrong_is_said_at_every_door(fault, door):
    given, said = WRONG[fault]
    given = {"units": "relu", "X": X6, "y": Y6} | given
    if door is not cn.largest_weight_decay:
        given["weight_decay"] = 0.1
    if door is cn.compare:
        pytest.importorskip("torch")
    with pytest.raises(CvxnetError) as caught:
        door(given.pop("units"), given.pop("X"), given.pop("y"), **given)
    for words in said:
        assert words in str(caught.value)


@pytest.mark.failure
def test_a_network_must_have_an_output_for_each_column():
    two = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 2))
    with pytest.raises(InputError, match="the network has 2 outputs, but y has 3 columns"):
        cn.certify(two, X6, Y6, weight_decay=0.1)
    with pytest.raises(InputError, match="2 outputs, but y has 3 columns, one for each class"):
        cn.certify(two, X6, LABELS6, loss="cross_entropy", weight_decay=0.1)
    with pytest.raises(InputError, match="the network has 2 outputs, but y has 1 column"):
        cn.train(two, X6, Y6[:, 0], weight_decay=0.1)
    squares = cn.Sequential(cn.Linear(2, 3), cn.SquaredReLU(), cn.Linear(3, 3))
    with pytest.raises(UnsupportedError, match="squared_relu units have one output"):
        cn.certify(squares, X6, Y6, weight_decay=0.1)


# --- the command line

TABLE = "a,b,u,v,kind,code,part\n" + "".join(
    f"{a},{b},{a + b},{a * b},{kind},{i % 3},{'x' if i else 3}\n"
    for i, ((a, b), kind) in enumerate(zip(X6.round(3).tolist(), LABELS6, strict=True))
)
REFUSED = {
    "one class": (
        ["--target", "kind"],
        TABLE.replace("mid", "low").replace("high", "low"),
        "'low'",
    ),
    "a class missing": (["--target", "kind"], TABLE.replace("mid", ""), "line 3, column 'kind'"),
    "mixed": (["--target", "part"], TABLE, "'part' is part text and part numbers: 'x' on line 3"),
    "a regression": (["--target", "u", "--loss", "cross_entropy"], TABLE, "not whole"),
    "text beside numbers": (["--target", "kind,u"], TABLE, "'low' is not a number"),
    "twice": (["--target", "u,u"], TABLE, "target 'u' is named 2 times"),
    "unknown": (["--target", "u,w"], TABLE, "no column 'w'"),
    "a number too far": (["--target", "8"], TABLE, "no column '8'"),
    "two classes": (["--target", "kind", "--loss", "hinge"], TABLE, "cross_entropy"),
    "hinge": (["--target", "u,v", "--loss", "hinge"], TABLE, "distinct values"),
    "units": (["--target", "u,v", "--units", "sign"], TABLE, "sign units have one output"),
}


@pytest.mark.failure
@pytest.mark.parametrize("fault", REFUSED)
def test_the_command_line_says_what_is_wrong(fault, tmp_path, capsys):
    arguments, content, said = REFUSED[fault]
    (tmp_path / "data.csv").write_text(content)
    given = ["train", str(tmp_path / "data.csv"), *arguments, "--weight-decay", "1"]
    with pytest.raises(SystemExit) as caught:
        main([*given, "--features", "a,b", "--json"])
    printed = capsys.readouterr()
    assert caught.value.code == 2 and said in json.loads(printed.out)["error"] and not printed.err


@pytest.fixture
def run(cvxnet):
    """Runs the command; returns its exit code and its JSON document."""

    def command(*arguments):
        code, printed, _ = cvxnet(*arguments, "--json")
        return code, json.loads(printed)

    return command


@pytest.fixture
def flowers(tmp_path):
    """Petals of every third iris with the name of its kind, and with two numbers beside."""
    datasets = pytest.importorskip("sklearn.datasets")
    X, kinds = datasets.load_iris(return_X_y=True)
    X, names = X[::3], np.array(["setosa", "versicolor", "virginica"])[kinds[::3]]
    path = tmp_path / "flowers.csv"
    rows = zip(X.tolist(), names, kinds[::3], strict=True)
    lines = [",".join([*map(repr, row), name, str(kind)]) for row, name, kind in rows]
    path.write_text("sl,sw,pl,pw,kind,code\n" + "\n".join(lines) + "\n")
    return path, X, names


def test_a_column_of_text_is_trained_by_cross_entropy(flowers, run, tmp_path):
    path, X, names = flowers
    out = tmp_path / "out"
    asked = ("train", path, "--features", "pl,pw", "--weight-decay", 1, "--gap", 1e-5)
    code, found = run(*asked, "--target", "kind", "--out", out)
    assert (code, found["status"], found["loss"]) == (0, "optimal", "cross_entropy")
    assert found["classes"] == ["setosa", "versicolor", "virginica"] and found["outputs"] == 3
    assert found["target"] == "kind" and (out / "figure.png").stat().st_size > 10_000
    net = cn.load(out / "network.json")
    assert (np.array(found["classes"])[net(X[:, 2:]).argmax(axis=1)] == names).mean() > 0.9
    code, checked = run("check", out / "certificate.json")
    assert code == 0 and checked["valid"] and checked["lower"] == found["lower"]
    code, again = run(*asked, "--target", "code", "--loss", "cross_entropy")
    assert again["classes"] == [0, 1, 2]
    assert again["upper"] == pytest.approx(found["upper"], rel=2e-5)


def test_several_columns_are_several_outputs(flowers, run, tmp_path):
    path, X, _ = flowers
    out = tmp_path / "out"
    asked = ("--features", "sl,sw", "--weight-decay", 3, "--gap", 1e-4)
    code, found = run("train", path, "--target", "pl,pw", *asked, "--out", out)
    assert (code, found["status"], found["loss"]) == (0, "optimal", "squared")
    assert found["target"] == ["pl", "pw"] and found["classes"] is None and found["outputs"] == 2
    assert cn.load(out / "network.json")(X[:, :2]).shape == (50, 2)
    decay = ("--features", "sl,sw", "--weight-decay", 3, "--gap", 1e-3)
    given = ("certify", out / "network.json", "--data", path, "--target", "3,4")
    code, proved = run(*given, *decay, "--out", tmp_path / "certificate.json")
    assert code == 0 and proved["value"] == pytest.approx(found["upper"], rel=1e-9)
    code, checked = run("check", tmp_path / "certificate.json")
    assert code == 0 and checked["valid"]


def test_a_torch_network_of_three_classes_is_certified():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    module = module.double()
    numbers = torch.tensor([["high", "low", "mid"].index(label) for label in LABELS6])
    with torch.no_grad():
        decay = sum(p.square().sum() for name, p in module.named_parameters() if name != "2.bias")
        loss = torch.nn.CrossEntropyLoss(reduction="sum")(module(torch.from_numpy(X6)), numbers)
        value = float(loss + 0.05 * decay)
    found = cn.certify(module, X6, LABELS6, loss="cross_entropy", weight_decay=0.1, gap=1e-4)
    assert found.value == pytest.approx(value, rel=1e-12)
    assert found.best.status == "optimal" and found.lower <= found.upper <= found.value
    assert found.excess[0] > 0.0 and found.best.classes.tolist() == ["high", "low", "mid"]
    assert cn.check(found.certificate.to_dict()).valid


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_targets_and_series_of_labels_go_into_estimators(library):
    frames = pytest.importorskip(library)
    pytest.importorskip("sklearn")
    X = frames.DataFrame({"a": X6[:, 0], "b": X6[:, 1]})
    Y = frames.DataFrame({f"target {k}": column for k, column in enumerate(Y6.T)})
    model = cn.ConvexNetRegressor("coordinate", weight_decay=0.1, time_limit=None).fit(X, Y)
    plain = cn.ConvexNetRegressor("coordinate", weight_decay=0.1, time_limit=None).fit(X6, Y6)
    assert (model.predict(X) == plain.predict(X6)).all() and model.predict(X).shape == (6, 3)
    labels = frames.Series(LABELS6)
    model = cn.ConvexNetClassifier("coordinate", weight_decay=0.1, time_limit=None)
    names = model.fit(X, labels).predict(X)
    assert set(names.tolist()) <= set(LABELS6)
