"""The command ``cvxnet lab``: its address, its warnings, its end, and the page as plain files."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from cvxnet.cli import main

pytestmark = pytest.mark.interface

ROOT = Path(__file__).parents[1]


@pytest.fixture
def cvxnet(capsys):
    """Runs the command in this process; returns its exit code, output and messages."""

    def run(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return caught.value.code or 0, printed.out, printed.err

    return run


@pytest.fixture
def opened(monkeypatch):
    """What would be opened in a browser."""
    found = []
    monkeypatch.setattr("webbrowser.open", found.append)
    return found


def test_the_lab_tells_its_address_and_ends_quietly(tmp_path):
    command = [sys.executable, "-m", "cvxnet", "lab", "--port", "0", "--no-open"]
    paths = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=paths
    ) as process:
        address = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())[0]
        with urllib.request.urlopen(address) as response:
            assert b"convexity lab" in response.read()
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate()
    assert (process.returncode, output) == (0, "")
    assert "loading the pricing" in errors and len(errors.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "warned", "opens"),
    [
        ([], False, False),
        (["--open"], False, True),
        (["--host", "0.0.0.0"], True, False),
    ],
)
def test_the_lab_warns_where_others_can_reach_it(
    cvxnet, monkeypatch, opened, options, warned, opens
):
    served = []

    def serve(questions, host, port, ready):
        served.append((host, port))
        ready("http://somewhere/")

    monkeypatch.setattr("cvxnet.cli.lab.serve", serve)
    code, out, err = cvxnet("lab", "--json", *options)
    assert (code, json.loads(out)) == (0, {"address": "http://somewhere/"})
    assert served == [(options[-1] if warned else "127.0.0.1", 8321)]
    assert ("no password" in err) == warned
    for thread in threading.enumerate():
        if thread.daemon and thread.name == "browser":
            thread.join()
    assert opened == (["http://somewhere/"] if opens else [])


def test_the_lab_is_exported(cvxnet, monkeypatch, tmp_path):
    monkeypatch.setattr("cvxnet.lab.export.EXHIBITS", ())
    code, out, _ = cvxnet("lab", "--json", "--export", tmp_path / "page")
    said = json.loads(out)
    assert code == 0 and said["answers"] == 0
    sizes = [path.stat().st_size for path in (tmp_path / "page").rglob("*") if path.is_file()]
    assert said["bytes"] == sum(sizes)
    (tmp_path / "page" / "recorded" / "index.json").unlink()
    assert cvxnet("lab", "--export", tmp_path / "page")[0] == 2
