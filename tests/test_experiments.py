"""Every experiment runs: small with ``--quick``, to its end, and leaves what it promises."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from cvxnet.plots.style import new_figure
from experiments.__main__ import experiments, is_question, main
from experiments.answers import PAGE, page
from experiments.report import Report

ROOT = Path(__file__).parents[1]


@pytest.mark.filterwarnings("default")  # on a busy machine their time limits end with a warning
@pytest.mark.parametrize("name", sorted(experiments()))
def test_experiments_run(name, tmp_path, monkeypatch, capfd, request):
    """In this process: each would import for seconds what is here already."""
    if name == "cluster":
        request.getfixturevalue("forked_workers")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["experiments", name, "--quick"])
    try:
        assert not main()
    except SystemExit as ended:
        assert not ended.code, ended.code
    said = capfd.readouterr().out
    assert len(said.splitlines()) > 1 and "failed:" not in said
    if is_question(experiments()[name]):
        check_record(tmp_path / "results-quick" / name)


def check_record(folder):
    """Tables, pictures, and a record that names both."""
    record = json.loads((folder / f"{folder.name}.json").read_text("utf-8"))
    assert record["quick"] and record["question"].endswith("?")
    assert record["answers"] and record["expectations"]
    for answer in record["answers"]:
        assert answer["question"].endswith("?") and answer["text"].endswith(".")
    pictures = {answer["picture"] for answer in record["answers"]} - {None}
    assert pictures and {path.name for path in folder.glob("*.png")} == pictures
    tables = {path.stem: path for path in folder.glob("*.csv")}
    assert set(tables) == set(record["seconds"]) != set()
    for name, path in tables.items():
        with open(path, encoding="utf-8") as file:
            assert len(list(csv.DictReader(file))) == len(record["seconds"][name])


def test_all_runs_those_that_are_named(tmp_path):
    command = [sys.executable, "-m", "experiments", "all", "closing", "--quick", "--seeds", "1"]
    done = subprocess.run(
        [*command, f"--out={tmp_path}"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1].endswith("1 of 1 expectations met")
    check_record(tmp_path / "closing")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["all", "nonsense", "--quick"], "'nonsense' is no experiment; there are "),
        (["closing", "--seeds", "0"], "at least one seed"),
        (["closing", "--out", __file__], "no folder can be made there"),
    ],
)
def test_options_that_cannot_be_are_told(argv, said, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["experiments", *argv])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_experiments_are_listed(monkeypatch, capsys):
    """That this is a command, `test_all_runs_those_that_are_named` shows."""
    monkeypatch.setattr(sys, "argv", ["experiments", "list"])
    assert main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[0] for line in lines if line.startswith("  ")) == sorted(
        experiments()
    )
    monkeypatch.setattr(sys, "argv", ["experiments", "nothing"])
    assert main() == 2 and "no 'nothing'" in capsys.readouterr().err


def test_pictures_that_are_kept_have_a_palette(tmp_path):
    """Those of ``--quick`` are coarse, and nobody keeps them."""
    sizes = {}
    for name, options in {"kept": [], "quick": ["--quick"]}.items():
        figure = new_figure(3.0, 2.0)
        figure.add_subplot().plot([0, 1])
        report = Report(name, "Really?", [*options, "--out", str(tmp_path)])
        report.answer("Really?", "Yes.", figure, "line")
        with Image.open(tmp_path / name / "line.png") as picture:
            sizes[name] = picture.size
            assert picture.mode == ("P" if name == "kept" else "RGBA")
    assert sizes["kept"] > sizes["quick"]


def half(k):
    CALLS.append(k)
    if k == 3 and len(CALLS) == 4:
        raise KeyboardInterrupt
    return {"half": k / 2, "seen": [k]}


CALLS = []


def test_an_interrupted_experiment_goes_on_where_it_ended(tmp_path):
    CALLS.clear()
    settings = [{"k": k} for k in range(5)]
    report = Report("closing", "Really?", ["--out", str(tmp_path)])
    with pytest.raises(KeyboardInterrupt):
        report.table("halves", half, settings)
    rows = Report("closing", "Really?", ["--out", str(tmp_path)]).table("halves", half, settings)
    assert CALLS == [0, 1, 2, 3, 3, 4]
    assert rows == [{"k": k, "half": k / 2, "seen": [k]} for k in range(5)]
    written = (tmp_path / "closing" / "halves.csv").read_text().splitlines()
    assert written[:2] == ["k,half", "0,0"] and len(written) == 6


def test_the_page_of_answers_is_that_of_the_records():
    results = ROOT / "experiments" / "results"
    assert PAGE.read_text("utf-8") == page(results, PAGE.parent)


def test_experiments_are_callers_of_public_parameters():
    """Whoever patches the inside breaks when it moves."""
    for path in (ROOT / "experiments").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "unittest.mock" not in text and "monkeypatch" not in text, path
