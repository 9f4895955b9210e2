"""The README does what it says: its Python runs, prints what it shows, and its commands exist."""

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest

from cvxnet.cli import main

pytestmark = pytest.mark.documentation

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:```text\n(.*?)```)?", README, flags=re.S)


def test_every_example_prints_what_the_readme_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(BLOCKS) == README.count("```python")
    names: dict = {}
    for code, shown in BLOCKS:
        if "import torch" in code and importlib.util.find_spec("torch") is None:
            continue  # an optional extra
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "README.md", "exec"), names)
        assert printed.getvalue() == shown, code


def test_the_table_of_networks_has_the_numbers_of_the_readme():
    table = (ROOT / "docs" / "findings" / "networks.md").read_text(encoding="utf-8")
    words = " ".join(README.split())
    networks, taken = re.search(
        r"has (\d+) networks as people bring them: (\d+) are", words
    ).groups()
    files, omlt = re.search(r"of the (\d+) ONNX files among them OMLT reads (\d+)", words).groups()
    assert f"cvxnet takes {taken} of {networks}. Of the {files} ONNX files OMLT" in table
    assert f"reads {omlt}." in table
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    assert (len(rows), sum(row[2] == "yes" for row in rows)) == (int(networks), int(taken))


def test_every_command_and_option_exists(capsys):
    commands = re.findall(r"^    cvxnet (\w+)(.*)$", README, flags=re.M)
    known = {"demo", "train", "certify", "compare", "check", "explain", "predict", "lab"}
    assert {name for name, _ in commands} == known
    for name, rest in commands:
        with pytest.raises(SystemExit) as caught:
            main([name, "--help"])
        assert caught.value.code in (0, None)
        text = capsys.readouterr().out
        assert all(option in text for option in [*re.findall(r"--[\w-]+", rest), "--json"])


def test_the_commands_on_a_csv_file_run_and_print_what_is_shown(tmp_path, monkeypatch, capsys):
    flowers = pytest.importorskip("sklearn.datasets").load_iris()
    monkeypatch.chdir(tmp_path)
    rows = zip(flowers.data.tolist(), flowers.target_names[flowers.target], strict=True)
    lines = ["petal_length,petal_width,species", *(f"{r[2]},{r[3]},{name}" for r, name in rows)]
    (tmp_path / "flowers.csv").write_text("\n".join(lines) + "\n")
    section = README.split("## With a CSV file")[1].split("\n## ")[0]
    commands = re.findall(r"^    cvxnet (.*)$", section, flags=re.M)
    printed = []
    for command in commands:
        with pytest.raises(SystemExit) as caught:
            main(command.split())
        printed.append(capsys.readouterr().out)
        assert caught.value.code in (0, 1, None), command  # 1: not at the optimum of all rows
    (shown,) = re.findall(r"```text\n(.*?)```", section, flags=re.S)
    assert {line[:12] for line in shown.splitlines()} == {x[:12] for x in printed[0].splitlines()}
    assert re.search(r"^held out +accuracy 0\.\d+; log loss", printed[0], flags=re.M)
    table = (tmp_path / "predicted.csv").read_text().splitlines()
    assert table[0] == "species,p(setosa),p(versicolor),p(virginica)" and len(table) == 151
    assert "standardised columns" in printed[2] and printed[3].startswith("PROVED")


def slug(heading):
    """What GitHub and MyST make of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def anchor_in(path, anchor):
    """Whether a page has it: as a mark of its own, or as what is made of a heading."""
    text = path.read_text("utf-8")
    headings = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return f'<a id="{anchor}">' in text or anchor in map(slug, headings)


def test_every_file_that_is_named_exists():
    named = re.findall(r"\]\((?!https?:)([^)]+)\)", README)
    assert "docs/_static/demo.png" in named
    for path, _, anchor in (each.partition("#") for each in named):
        assert (ROOT / path).is_file(), path
        assert not anchor or anchor_in(ROOT / path, anchor), (path, anchor)
    targets = re.findall(r"^    make (\w+)", README, flags=re.M)
    makefile = (ROOT / "Makefile").read_text()
    assert targets == ["demo", "test", "peers"]
    assert all(f"\n{name}:" in makefile for name in targets)
