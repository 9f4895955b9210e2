"""``cvxnet path`` and ``cvxnet check`` of what it has written."""

import json

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.cli import main
from cvxnet.cli.exit_codes import BAD_INPUT, NOT_PROVED, PROVED

pytestmark = pytest.mark.interface

rng = np.random.default_rng(0)
X = rng.standard_normal((12, 2))
Y = np.abs(X[:, 0]) + 0.1 * rng.standard_normal(12)
ASKED = ("--target", "y", "--gap", "0.1", "--smallest", "0.1")


@pytest.fixture
def table(tmp_path):
    lines = [f"{a:.3f},{b:.3f},{c:.3f}" for (a, b), c in zip(X, Y, strict=True)]
    (tmp_path / "t.csv").write_text("a,b,y\n" + "\n".join(lines) + "\n")
    return tmp_path / "t.csv"


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def test_what_it_writes_is_proved_again(table, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    code, said, progress = run(capsys, "path", table, *ASKED, "--out", out)
    assert code == PROVED and said.startswith("optimal: for every weight decay from")
    assert "standardised" in said and "trainings, last at weight decay" in progress
    code, said, _ = run(capsys, "check", out / "certificate.json")
    assert code == PROVED and said.startswith("PROVED: for every weight decay from")
    code, said, _ = run(capsys, "check", out / "certificate.json", "--json")
    assert code == PROVED and json.loads(said)["valid"]
    path = cn.Path.load(out / "certificate.json")
    names = {file.name for file in out.iterdir()}
    networks = {f"network-{k}.json" for k in range(len(path.networks))}
    assert names == {"certificate.json", "path.csv", "path.png"} | networks
    there = cn.load(out / "network-1.json")
    raw = np.round(X, 3)
    assert np.allclose(there(raw), path.networks[1](path.objective.X))
    assert path.certificate.certificates[0].preparation.features == ("a", "b")


def test_a_changed_file_is_refused(table, tmp_path, capsys):
    out = tmp_path / "out"
    run(capsys, "path", table, *ASKED, "--out", out)
    file = out / "certificate.json"
    doc = json.loads(file.read_text())
    doc["gap"] = (0.5 * float.fromhex(doc["gap"])).hex()
    file.write_text(json.dumps(doc))
    code, said, _ = run(capsys, "check", file)
    assert code == NOT_PROVED and said.startswith("REFUSED: piece")
    file.write_text(json.dumps(doc | {"version": 9}))
    code, _, complaint = run(capsys, "check", file)
    assert code == BAD_INPUT and "cannot be checked" in complaint


def test_as_json_it_has_all_numbers(table, capsys):
    code, said, _ = run(capsys, "path", table, *ASKED, "--json", "--largest", "2.0")
    told = json.loads(said)
    assert code == PROVED and (told["low"], told["high"]) == (0.2, 2.0)
    assert told["features"] == ["a", "b"] and len(told["pieces"]) == len(told["weight_decays"])


@pytest.mark.parametrize(
    ("option", "said"),
    [("--smallest=2", "share of the largest"), ("--largest=-1", "largest must be")],
)
def test_bad_options_are_refused_before_anything_is_loaded(
    table, capsys, monkeypatch, option, said
):
    monkeypatch.setattr("cvxnet.cli.path.prepare", None)
    code, _, complaint = run(capsys, "path", table, "--target", "y", option)
    assert code == BAD_INPUT and said in complaint
