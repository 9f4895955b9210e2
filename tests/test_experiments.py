"""Every experiment runs: small with ``--quick``, to its end, and says something."""

import subprocess
import sys
from pathlib import Path

import pytest

from experiments.__main__ import experiments, main

ROOT = Path(__file__).parents[1]


@pytest.mark.filterwarnings("default")  # on a busy machine their time limits end with a warning
@pytest.mark.parametrize("name", sorted(experiments()))
def test_experiments_run(name, tmp_path, monkeypatch, capfd):
    """In this process: each would import for seconds what is here already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["experiments", name, "--quick"])
    try:
        assert not main()
    except SystemExit as ended:
        assert not ended.code, ended.code
    said = capfd.readouterr().out
    assert len(said.splitlines()) > 1 and "failed:" not in said


def test_experiments_are_a_command():
    command = [sys.executable, "-m", "experiments", "list"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == sorted(experiments())


def test_experiments_are_callers_of_public_parameters():
    """Whoever patches the inside breaks when it moves."""
    for path in (ROOT / "experiments").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "unittest.mock" not in text and "monkeypatch" not in text, path
