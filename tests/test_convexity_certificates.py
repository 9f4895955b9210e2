"""The certificate of a verdict: what it claims is re-proved, and nothing else is."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cvxpy as cp
import pytest

import cvxnet as cn
from cvxnet.analysis import convexity
from cvxnet.proofs import checker


def test_a_refutation_travels(tmp_path):
    x = cp.Variable(name="x")
    verdict = convexity(cp.square(cp.square(x) - 1))
    verdict.certificate.save(tmp_path / "a.json")
    result = cn.check(tmp_path / "a.json")
    assert result.valid and result.claims == ("not convex", "not concave")


def test_a_changed_point_proves_nothing():
    x = cp.Variable(name="x")
    document = json.loads(json.dumps(convexity(cp.square(cp.square(x) - 1)).certificate.to_dict()))
    for place in document["claims"][0]["proof"]["a"]:
        document["claims"][0]["proof"]["a"][place] = document["claims"][0]["proof"]["b"][place]
    result = cn.check(document)
    assert not result.valid and result.reason == "no violation"


def test_the_command_line_writes_and_checks(tmp_path, cvxnet):
    (tmp_path / "ask.py").write_text(
        "import cvxpy as cp\nx = cp.Variable(name='x')\nf = cp.square(cp.square(x) - 1)\n"
    )
    file = tmp_path / "f.json"
    assert cvxnet("explain", f"{tmp_path}/ask.py:f", "--certificate", file)[0] == 1
    code, printed, _ = cvxnet("check", file)
    assert code == 0 and "PROVED: not convex, not concave: the expression in x" in printed
    file.write_text(file.read_text().replace('"says": "not convex"', '"says": "convex"'))
    code, printed, _ = cvxnet("check", file)
    assert code == 1 and printed.startswith("REFUSED")


def test_the_checker_runs_alone(tmp_path):
    x = cp.Variable(name="x")
    convexity(cp.square(cp.square(x) - 1)).certificate.save(tmp_path / "f.json")
    shutil.copytree(Path(checker.__file__).parent, tmp_path / "checker")
    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "checker"), str(tmp_path / "f.json")],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "PROVED: not convex, not concave\n")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "cvxnet-convexity"}'])
def test_a_damaged_file_is_refused(text, tmp_path):
    (tmp_path / "f.json").write_text(text)
    assert not cn.check(tmp_path / "f.json").valid
