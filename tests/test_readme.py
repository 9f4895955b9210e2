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


def test_every_command_and_option_exists(capsys):
    commands = re.findall(r"^    cvxnet (\w+)(.*)$", README, flags=re.M)
    known = {"demo", "train", "certify", "compare", "check", "explain", "predict"}
    assert {name for name, _ in commands} == known
    for name, rest in commands:
        with pytest.raises(SystemExit) as caught:
            main([name, "--help"])
        assert caught.value.code in (0, None)
        text = capsys.readouterr().out
        assert all(option in text for option in [*re.findall(r"--[\w-]+", rest), "--json"])


def test_every_file_that_is_named_exists():
    named = re.findall(r"\]\((?!https?:)([^)]+)\)", README)
    assert "docs/demo.png" in named
    assert all((ROOT / path).is_file() for path in named)
    targets = re.findall(r"^    make (\w+)", README, flags=re.M)
    makefile = (ROOT / "Makefile").read_text()
    assert targets == ["demo", "test"] and all(f"\n{name}:" in makefile for name in targets)
