"""A table at the command line: scaled, split, trained on, predicted, certified and checked."""

import csv
import io
import json
import re
import shlex

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.cli.exit_codes import BAD_INPUT, PROVED
from cvxnet.data.preparation import Origin, Preparation, Scaling

pytestmark = pytest.mark.interface

RNG = np.random.default_rng(0)
AGE, PAY = RNG.integers(20, 60, 30).astype(float), 1000.0 * RNG.standard_normal(30) + 30000.0
RENT = np.round(np.abs(AGE - 40.0) + PAY / 5000.0 + RNG.standard_normal(30), 2)
KIND = np.array(["low", "mid", "top"])[np.digitize(AGE, [35, 48])]
QUICK = ("--gap", "1e-4", "--time-limit", "20")
RENTS = ("--target", "rent", "--features", "age,pay", "--weight-decay", "5", "--units", "linear")


@pytest.fixture
def cvxnet(cvxnet, tmp_path, monkeypatch):
    """Runs the command in a folder of its own.

    Pictures take a second each and are looked at elsewhere.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cvxnet.cli.outcome.plot_solution", lambda *_: None)
    monkeypatch.setattr("cvxnet.cli.outcome.save_figure", lambda *_: None)
    return cvxnet


@pytest.fixture
def table(tmp_path):
    """Writes a table with these columns, by default age, pay, rent and kind."""

    def write(file="data.csv", /, **columns):
        columns = columns or {"age": AGE, "pay": PAY, "rent": RENT, "kind": KIND}
        rows = zip(*(np.asarray(column).tolist() for column in columns.values()), strict=True)
        lines = [",".join(map(str, row)) for row in rows]
        (tmp_path / file).write_text("\n".join([",".join(columns), *lines]) + "\n")
        return file

    return write


def read(text):
    """Names and rows of predictions."""
    names, *rows = csv.reader(io.StringIO(text))
    return names, rows


def standard(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def test_training_is_on_standardised_columns_and_the_network_takes_raw_ones(cvxnet, table):
    data = table()
    asked = ("--target", "rent", "--features", "age,pay", "--weight-decay", 5, *QUICK)
    code, printed, _ = cvxnet("train", data, *asked, "--out", "net", "--json")
    found = json.loads(printed)
    X = np.column_stack([AGE, PAY])
    solution = cn.train("relu", standard(X), RENT, weight_decay=5, output_bias=True, gap=1e-4)
    assert code == PROVED and found["standardised"]
    assert found["upper"] == pytest.approx(solution.value, rel=2e-4)
    network = cn.load("net/network.json")
    assert isinstance(network[0], cn.BatchNorm)
    assert network(X)[:, 0] == pytest.approx(solution.predict(standard(X)), abs=0.3)
    loss = 0.5 * ((network(X)[:, 0] - RENT) ** 2).sum()
    assert 0.0 < loss < found["upper"]
    said = network.origin
    assert (said.loss, said.weight_decay, said.samples) == ("squared", 5.0, 30)
    assert said.preparation.features == ("age", "pay") and said.preparation.targets == ("rent",)
    assert cn.Certificate.load("net/certificate.json").preparation == said.preparation


@pytest.fixture
def trained(cvxnet, table):
    """A network of rents by age and pay, in the folder net, and the table's name."""
    data = table()
    assert cvxnet("train", data, *RENTS, "--out", "net")[0] == PROVED
    return data


def test_the_report_says_what_the_objective_is_of(cvxnet, table):
    _, printed, _ = cvxnet("train", table(), *RENTS, "--holdout", 0.2, "--out", "a net")
    facts = {line[:12].strip(): line[13:] for line in printed.splitlines()}
    assert all(line[12] == " " for line in printed.splitlines())
    assert facts["objective"].startswith("squared loss, weight decay 5, of standardised columns")
    assert "--no-standardise" in facts["objective"]
    assert "evaluated anew" in facts["network"]
    assert re.fullmatch(r"R2 0\.\d+; mean absolute error \d\.\d+", facts["training"])
    assert facts["held out"].startswith("R2 ") and facts["held out"].endswith("(6 of 30 rows)")
    assert "cvxnet predict 'a net' data.csv" in printed
    assert "cvxnet check 'a net/certificate.json'" in printed


def test_predictions_are_the_networks_whatever_the_order_of_the_columns(cvxnet, table, trained):
    code, printed, messages = cvxnet("predict", "net", trained)
    names, rows = read(printed)
    network = cn.load("net/network.json")
    expected = network(np.column_stack([AGE, PAY]))[:, 0]
    assert code == 0 and names == ["rent"]
    assert [float(row[0]) for row in rows] == expected.tolist()
    assert re.search(r"^score +R2 0\.\d+; mean absolute error", messages)
    other = table("other.csv", pay=PAY, name=KIND, age=AGE)
    code, again, messages = cvxnet("predict", "net/network.json", other, "--out", "preds.csv")
    assert (code, again) == (0, "") and "preds.csv: 30 rows" in messages and "score" not in messages
    with open("preds.csv", newline="") as file:
        assert file.read() == printed
    code, document, _ = cvxnet("predict", "net", other, "--json")
    assert json.loads(document)["predictions"] == {"rent": expected.tolist()}


def test_the_certificate_is_checked_on_the_raw_table(cvxnet, table, trained):
    certificate = cn.Certificate.load("net/certificate.json")
    certificate.save("bare.json", embed_data=False)
    code, printed, _ = cvxnet("check", "bare.json", "--data", trained)
    assert code == PROVED and printed.startswith("PROVED")
    mixed = table("mixed.csv", rent=RENT, pay=PAY, age=AGE)
    assert cvxnet("check", "bare.json", "--data", mixed)[0] == PROVED
    wrong = table("wrong.csv", rent=RENT + 1.0, pay=PAY, age=AGE)
    code, _, messages = cvxnet("check", "bare.json", "--data", wrong)
    assert code == BAD_INPUT and "SHA-256 differs" in messages
    fewer = table("fewer.csv", rent=RENT[1:], pay=PAY[1:], age=AGE[1:])
    code, _, messages = cvxnet("check", "bare.json", "--data", fewer)
    assert code == BAD_INPUT and "is about 30 rows, and fewer.csv has 29" in messages
    code, _, messages = cvxnet("check", "bare.json", "--data", table("age.csv", age=AGE))
    assert code == BAD_INPUT and "no column 'pay', which the network was trained on" in messages


def test_columns_of_a_bare_table_are_named_to_check(cvxnet, table):
    X = np.column_stack([AGE, PAY / 1000.0])
    solution = cn.train("linear", X, RENT, weight_decay=50.0)
    solution.certificate.save("bare.json", embed_data=False)
    data = table(rent=RENT, pay=PAY / 1000.0, age=AGE)
    assert cvxnet("check", "bare.json", "--data", data)[0] == BAD_INPUT
    named = ("--target", "rent", "--features", "age,pay")
    assert cvxnet("check", "bare.json", "--data", data, *named)[0] == PROVED
    code, _, messages = cvxnet("check", "bare.json", *named)
    assert code == BAD_INPUT and "--data FILE" in messages


def test_certify_takes_everything_from_the_networks_file(cvxnet, table, trained):
    code, printed, _ = cvxnet("certify", "net", "--data", trained, *QUICK, "--out", "c.json")
    assert code == PROVED and "squared loss, weight decay 5" in printed
    assert "certified on the standardised columns" in printed
    trained_to = cn.Certificate.load("net/certificate.json")
    certified = cn.Certificate.load("c.json")
    assert certified.preparation == trained_to.preparation
    assert (certified.X == trained_to.X).all()
    assert certified.upper == pytest.approx(trained_to.upper, rel=1e-12)
    code, printed, _ = cvxnet(
        *("certify", "net", "--data", trained, "--target", "rent", "--weight-decay", 50),
        *(*QUICK, "--json"),
    )
    found = json.loads(printed)
    assert found["weight_decay"] == 50.0 and found["excess"][0] > 0.01


@pytest.mark.parametrize("form", [{}, {"skip": True}])
def test_certify_in_python_works_on_the_standardised_columns(form):
    X, y = np.column_stack([AGE, PAY]), RENT
    scaling = Scaling(mean=tuple(X.mean(axis=0)), variance=tuple(X.var(axis=0)))
    solution = cn.train("abs", scaling.apply(X), y, weight_decay=5.0, gap=1e-4, **form)
    front = cn.BatchNorm.standardising(scaling)
    whole = cn.Sequential(front, *solution.network)
    found = cn.certify(whole, X, y, weight_decay=5.0, gap=1e-3)
    assert found.value == pytest.approx(solution.value, rel=1e-9)
    assert found.lower <= solution.value * (1 + 1e-9) and found.closed_by
    assert found.standardised and "standardised columns" in "; ".join(found.notes)


@pytest.mark.failure
def test_a_network_of_one_layer_is_refused_for_that_and_not_for_its_scaling():
    network = cn.Sequential(cn.BatchNorm(2), cn.Linear(2, 1))
    with pytest.raises(cn.errors.UnsupportedError) as refused:
        cn.certify(network, np.column_stack([AGE, PAY]), RENT, weight_decay=5.0)
    why = str(refused.value).split("Covered are")[0]
    assert "global optimum: " in why and "BatchNorm is no part" not in why


def test_the_weight_decay_is_chosen_and_said(cvxnet, table):
    data = table()
    asked = ("train", data, "--target", "rent", "--features", "age", "--units", "linear", "--json")
    _, printed, _ = cvxnet(*asked)
    found = json.loads(printed)
    selection = found["selection"]
    assert len(selection["shares"]) == len(selection["scores"]) > 1
    best = int(np.argmin(selection["scores"]))
    chosen = selection["shares"][best] * selection["largest"]
    assert found["weight_decay"] == pytest.approx(chosen, rel=6e-3)
    _, again, _ = cvxnet(*asked, "--weight-decay", found["weight_decay"])
    assert json.loads(again)["upper"] == found["upper"]
    assert json.loads(again)["selection"] is None
    _, text, messages = cvxnet(*asked[:-1])
    assert f"--weight-decay {found['weight_decay']:g} takes it again" in text
    assert re.search(r"^tried +0\.3: ", text, flags=re.M) and "cross-validation" in messages


def test_classes_of_text_are_predicted_with_probabilities(cvxnet, table):
    asked = ("--target", "kind", "--features", "age", "--weight-decay", 0.5, "--units", "linear")
    code, printed, _ = cvxnet("train", table(), *asked, "--holdout", 0.3, "--out", "net", "--json")
    found = json.loads(printed)
    assert found["classes"] == ["low", "mid", "top"] and found["loss"] == "cross_entropy"
    assert found["samples"] + found["held_out_samples"] == 30
    for scores in found["scores"].values():
        assert set(scores) == {"accuracy", "log loss"} and scores["accuracy"] > 0.5
    code, printed, messages = cvxnet("predict", "net", table())
    names, rows = read(printed)
    assert names == ["kind", "p(low)", "p(mid)", "p(top)"] and "accuracy" in messages
    for row in rows:
        shares = [float(cell) for cell in row[1:]]
        assert sum(shares) == pytest.approx(1.0)
        assert row[0] == ["low", "mid", "top"][int(np.argmax(shares))]
    unknown = table("unknown.csv", age=[30, 40], kind=["low", "tall"])
    code, printed, messages = cvxnet("predict", "net", unknown)
    assert code == 0 and len(read(printed)[1]) == 2
    assert "no score: " in messages and "'tall' is none of the classes 'low', 'mid'" in messages


TWO = np.where(AGE > 40, 1, 0)
LABELS = {
    "zero and one": (TWO, [0, 1], "logistic"),
    "any two numbers": (TWO + 4, [4, 5], "logistic"),
    "three numbers": (np.digitize(AGE, [35, 48]), [0, 1, 2], "cross_entropy"),
    "mixed": (
        np.array(["1", "2", "3a"])[np.digitize(AGE, [35, 48])],
        ["1", "2", "3a"],
        "cross_entropy",
    ),
    "flags": (np.where(AGE > 40, "True", "False"), ["False", "True"], "logistic"),
}


@pytest.mark.parametrize("what", LABELS)
def test_classes_of_any_kind(cvxnet, table, what):
    labels, classes, loss = LABELS[what]
    data = table(age=AGE, y=labels)
    asked = ("train", data, "--target", "y", "--weight-decay", 0.5, "--units", "linear")
    _, printed, _ = cvxnet(*asked, "--classes", "--out", "net", "--json")
    found = json.loads(printed)
    assert (found["classes"], found["loss"]) == (classes, loss)
    names, rows = read(cvxnet("predict", "net", data)[1])
    assert names == ["y", *(f"p({label})" for label in classes)]
    right = np.mean([row[0] == str(label) for row, label in zip(rows, labels, strict=True)])
    assert right == pytest.approx(found["scores"]["training"]["accuracy"]) and right > 0.6
    _, printed, _ = cvxnet("certify", "net", "--data", data, "--time-limit", 5, "--json")
    assert json.loads(printed)["value"] == pytest.approx(found["upper"], rel=1e-9)
    cn.Certificate.load("net/certificate.json").save("bare.json", embed_data=False)
    assert cvxnet("check", "bare.json", "--data", data)[0] == PROVED


def test_two_numbers_are_two_classes_for_a_loss_of_classes(cvxnet, table):
    data = table(age=AGE, y=TWO + 1)
    asked = ("train", data, "--target", "y", "--weight-decay", 0.1, "--units", "linear")
    _, printed, _ = cvxnet(*asked, "--loss", "logistic", "--json")
    found = json.loads(printed)
    assert found["classes"] == [1, 2] and found["scores"]["training"]["accuracy"] > 0.8


def test_numbers_that_may_be_classes_are_remarked_and_the_flag_named_is_there(cvxnet, table):
    data = table(age=AGE, y=TWO)
    asked = ("train", data, "--target", "y", "--weight-decay", 0.5, "--units", "linear")
    code, printed, _ = cvxnet(*asked)
    remark = next(line for line in printed.splitlines() if line.startswith("remark"))
    assert "the target is 0 or 1 in every row" in remark
    (flag,) = re.findall(r"--[\w-]+", remark)
    code, printed, _ = cvxnet(*asked, flag)
    assert code == PROVED and "-1 is 0, +1 is 1" in printed and "accuracy" in printed


def test_several_targets_have_a_score_each(cvxnet, table):
    asked = ("--target", "rent,pay", "--features", "age", "--weight-decay", 1e4)
    _, printed, _ = cvxnet("train", table(), *asked, "--units", "linear", "--out", "net", "--json")
    scores = json.loads(printed)["scores"]["training"]
    assert scores["R2"].keys() == {"rent", "pay"} == scores["mean absolute error"].keys()
    names, rows = read(cvxnet("predict", "net", table())[1])
    assert names == ["rent", "pay"] and len(rows[0]) == 2


def test_constant_columns_are_shifted_and_remarked(cvxnet, table):
    data = table(age=AGE, site=np.full(30, 0.1), y=RENT)
    asked = ("train", data, "--target", "y", "--weight-decay", 5, "--units", "linear")
    _, printed, _ = cvxnet(*asked, "--out", "net")
    assert "constant, so of no use: the column 'site'" in printed
    scaling = cn.load("net/network.json").origin.preparation.scaling
    assert (scaling.mean[1], scaling.variance[1]) == (0.1, 1.0)


@pytest.mark.failure
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--holdout", "1.5"], "--holdout 1.5: expected a share between 0 and 1, such as 0.2"),
        (["--holdout", "0.001"], "--holdout 0.001 of 30 rows is none"),
        (["--classes", "--loss", "huber"], "--classes with --loss huber: that loss is for numbers"),
        (["--classes"], "y has 30 different labels in 30 samples"),
        (["--gap", "2"], "gap is 2, but any network has a relative gap of at most 1"),
        (["--weight-decay", "0"], "weight_decay must be a finite number above 0"),
        (["--option", "slope=1"], "relu units take no slope; their options: none"),
        (["--solver", "OSQP"], "cannot solve second-order cone programs"),
        (["--solver", "none"], "there are "),
    ],
    ids=str,
)
@pytest.mark.parametrize("command", ["train", "compare", "widths"])
def test_options_are_checked_before_anything_is_compiled(
    cvxnet, table, monkeypatch, command, arguments, said
):
    if command != "train" and "--holdout" in arguments:
        pytest.skip(f"{command} has no such option")
    if command == "compare":
        pytest.importorskip("torch")
    monkeypatch.setattr(f"cvxnet.cli.{command}.prepare", lambda *_, **__: pytest.fail("compiled"))
    code, printed, messages = cvxnet(command, table(age=AGE, y=PAY), "--target", "y", *arguments)
    assert (code, printed) == (BAD_INPUT, "") and said in messages
    assert len(messages.strip().splitlines()) == 1


NETWORK = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1))


@pytest.mark.failure
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "rent"], "does not say what it was trained for"),
        (["--weight-decay", "1"], "give --target"),
        (["--target", "rent", "--weight-decay", "0"], "weight_decay must be a finite number"),
        (["--target", "rent", "--weight-decay", "1", "--gap", "2"], "gap is 2"),
        (["--target", "rent", "--weight-decay", "1", "--features", "age"], "has 2 inputs"),
    ],
    ids=str,
)
def test_certify_says_what_is_missing_before_it_compiles(
    cvxnet, table, monkeypatch, arguments, said
):
    NETWORK.save("net.json")
    monkeypatch.setattr("cvxnet.cli.certify.prepare", lambda *_, **__: pytest.fail("compiled"))
    data = table(age=AGE, pay=PAY, rent=RENT)
    code, _, messages = cvxnet("certify", "net.json", "--data", data, *arguments)
    assert code == BAD_INPUT and said in messages


def test_a_network_that_names_no_columns_is_told(cvxnet, table):
    NETWORK.save("net.json")
    data = table("two.csv", age=AGE, pay=PAY)
    names, rows = read(cvxnet("predict", "net.json", data)[1])
    assert names == ["prediction"] and len(rows) == 30
    assert cvxnet("predict", "net.json", table(), "--features", "age,pay")[1].startswith("predic")
    names, rows = read(cvxnet("predict", "net.json", data, "--loss", "logistic")[1])
    assert {row[0] for row in rows} <= {"-1.0", "1.0"}
    code, _, messages = cvxnet("predict", "net.json", table())
    assert code == BAD_INPUT and "2 inputs, but here are 4 columns" in messages


@pytest.mark.failure
@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"age": AGE}, "no column 'pay', which the network was trained on"),
        ({"age": [30.0, "nan"], "pay": [1.0, 2.0]}, "line 3, column 'age'"),
        ({"age": [30.0, "old"], "pay": [1.0, 2.0]}, "line 3, column 'age'"),
        ({"age": [], "pay": []}, "no rows"),
    ],
)
def test_tables_that_cannot_be_predicted_from(cvxnet, table, columns, said):
    made = Preparation(features=("age", "pay"), targets=("rent",))
    network = cn.Sequential(*NETWORK)
    network.origin = Origin(
        preparation=made, loss="squared", weight_decay=1.0, output_weights="any", samples=3
    )
    network.save("net.json")
    code, printed, messages = cvxnet("predict", "net.json", table(**columns))
    assert (code, printed) == (BAD_INPUT, "") and said in messages


@pytest.mark.failure
@pytest.mark.parametrize("named", [".", "missing", "data.csv"])
def test_models_that_are_none(cvxnet, table, named):
    data = table()
    code, printed, messages = cvxnet("predict", named, data)
    assert (code, printed) == (BAD_INPUT, "") and messages.startswith("error: ")


@pytest.mark.failure
@pytest.mark.parametrize(
    "change",
    [
        {"preparation": {"features": ["a"], "targets": ["y"], "classes": None, "scaling": None}},
        {"preparation": None},
        {"loss": 3},
        {"weight_decay": -1},
    ],
    ids=str,
)
def test_a_damaged_origin_is_damage(tmp_path, change):
    network, path = cn.Sequential(*NETWORK), tmp_path / "net.json"
    made = Preparation(features=("age", "pay"), targets=("rent",))
    network.origin = Origin(
        preparation=made, loss="squared", weight_decay=1.0, output_weights="any", samples=3
    )
    network.save(path)
    assert cn.load(path).origin == network.origin
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"origin": document["origin"] | change}))
    with pytest.raises(cn.errors.InputError, match="damaged"):
        cn.load(path)


def test_a_table_of_a_spreadsheet_goes_through_all_commands(cvxnet, tmp_path):
    rows = [
        f"{k};{age:.0f};{str(round(pay / 1e4, 3)).replace('.', ',')};{'ja' if age > 40 else 'nein'}"
        for k, (age, pay) in enumerate(zip(AGE, PAY, strict=True))
    ]
    rows[3] = "3;;1,5;ja"
    text = "\r\n".join(["sep=;", ';age;"pay; 10,000";old', *rows, ""])
    (tmp_path / "old table.csv").write_bytes(text.encode("utf-16"))
    asked = ("--target", "old", "--weight-decay", 1, "--units", "linear", *QUICK)
    code, _, said = cvxnet("train", "old table.csv", *asked)
    assert code == BAD_INPUT and "line 6, column 'age'" in said and "--drop-missing" in said
    code, printed, _ = cvxnet("train", "old table.csv", *asked, "--drop-missing", "--out", "net")
    assert code == PROVED
    assert "numbers have decimal commas" in printed and "1 of 30 rows lacks a value" in printed
    tried = re.findall(r"try next +cvxnet (.*)", printed)
    assert len(tried) == 2
    for command in tried:  # they run as printed
        assert cvxnet(*shlex.split(command))[0] == PROVED
    code, printed, said = cvxnet("predict", "net", "old table.csv", "--drop-missing")
    assert code == PROVED and len(read(printed)[1]) == 29 and "1 of 30 rows" in said
    single = ("--features", '"pay; 10,000"', "--drop-missing", "--json")
    assert json.loads(cvxnet("train", "old table.csv", *asked, *single)[1])["features"] == [
        "pay; 10,000"
    ]
    known = ("--data", "old table.csv", "--drop-missing")
    assert cvxnet("check", "net/certificate.json", *known)[0] == PROVED
    assert cvxnet("certify", "net", *known, "--weight-decay", 1, *QUICK)[0] == PROVED
