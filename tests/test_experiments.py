"""Every experiment runs: small with ``--quick``, to its end, and says something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.__main__ import experiments

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", sorted(experiments()))
def test_experiments_run(name, tmp_path):
    command = [sys.executable, "-m", "experiments", name, "--quick"]
    paths = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=paths)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) > 1 and "failed:" not in run.stdout


def test_experiments_are_callers_of_public_parameters():
    """Whoever patches the inside breaks when it moves."""
    for path in (ROOT / "experiments").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "unittest.mock" not in text and "monkeypatch" not in text, path
