"""``cvxnet compare``: what it prints, which files it leaves, its exit codes, and Ctrl-C."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.cli.exit_codes import BAD_INPUT, NOT_PROVED, PROVED

pytest.importorskip("torch")

pytestmark = pytest.mark.interface

FILES = ["records", "runs.csv", "runs.json", "runs.png"]
FEW = ("--widths", "2,6", "--seeds", "3", "--epochs", "20", "--optimizers", "adam,lbfgs")
SMALL = (*FEW, "--width-seconds", 0)


@pytest.fixture
def compare(cvxnet):
    """Runs ``cvxnet compare``; returns its exit code, output and messages."""
    return partial(cvxnet, "compare")


@pytest.fixture
def wave(tmp_path):
    """A CSV file, and the options that ask about it."""
    rng = np.random.default_rng(0)
    rows = [(x, y, np.sin(2 * x) * np.cos(2 * y)) for x, y in rng.standard_normal((30, 2))]
    lines = [f"{x!r},{y!r},{z!r},{'up' if z > 0 else 'down'}" for x, y, z in floats(rows)]
    path = tmp_path / "wave.csv"
    path.write_text("a,b,z,side\n" + "\n".join(lines) + "\n")
    return (path, "--target", "z", "--features", "b, a", "--weight-decay", 0.1)


def floats(rows):
    return [tuple(float(value) for value in row) for row in rows]


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_it_prints_the_table_and_leaves_the_files(compare, wave, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "deep" / "out"
    code, printed, messages = compare(*wave, *SMALL, "--out", out)
    assert code == PROVED
    assert names(out) == FILES and len(names(out / "records")) == 1 + 2 + 4
    assert "<= optimum <=" in printed and "(optimal)" in printed and "median" in printed
    assert all(str(out / name) in printed for name in FILES[1:])
    assert "adam, width 2: learning rate" in messages
    assert "lbfgs, width 6, 3 seeds: best excess at most" in messages
    assert (out / "runs.png").read_bytes().startswith(b"\x89PNG")


def test_it_says_whose_part_the_excess_is(compare, wave):
    code, printed, messages = compare(*wave, *FEW, "--width-seconds", 0.5)
    assert code == PROVED and "above width: min" in printed and "width's part" in printed
    assert "optimum of width 2, in at most" in messages


def test_json_is_the_same_from_python_and_from_two_processes(compare, wave):
    plain = ("--no-standardise", "--no-output-bias")
    code, printed, messages = compare(*wave, *SMALL, *plain, "--seed", 5, "--json", "--jobs", 2)
    found = json.loads(printed)
    assert (code, messages) == (PROVED, "")
    assert found["files"] == {} and "curve" not in found["groups"][0]
    data = cn.data.tables.read_data(wave[0], "z", ["b", "a"])
    options = {"optimizers": ("adam", "lbfgs"), "widths": (2, 6), "epochs": 20}
    options["width_seconds"] = 0
    runs = cn.compare("relu", data.X, data.y, weight_decay=0.1, seeds=(5, 6, 7), **options)
    assert found["exact"]["lower"] == runs.solution.lower_bound
    for group, expected in zip(found["groups"], runs.groups, strict=True):
        assert group["objective"] == expected.objective.tolist()
        assert group["rate"] == expected.rate and group["seeds"] == [5, 6, 7]


def test_text_classes_and_minibatches(compare, wave):
    options = ("--target", "side", "--loss", "logistic", "--batch-size", 8, "--no-bias", "--json")
    code, printed, _ = compare(*wave, *SMALL, *options)
    found = json.loads(printed)
    assert code == PROVED and found["objective"]["loss"] == "logistic"
    assert found["protocol"]["batch_size"] == 8 and found["objective"]["bias"] is False


def test_the_options_of_train(compare, wave):
    options = ("--units", "leaky_relu", "--option", "slope=0.2", "--norm", "l1", "--output-bias")
    code, printed, _ = compare(*wave, *SMALL, *options, "--skip", "--solver", "clarabel", "--json")
    goal = json.loads(printed)["objective"]
    assert code == PROVED and goal["options"] == {"slope": 0.2}
    assert (goal["norm"], goal["output_bias"], goal["skip"]) == ("l1", True, True)


def test_a_bracket_that_stayed_open_is_exit_code_1(compare, wave):
    code, printed, _ = compare(*wave, *SMALL, "--time-limit", 1e-9)
    assert code == NOT_PROVED and "(gap)" in printed and "The bracket is wide" in printed


def test_without_matplotlib_the_rest_is_written(compare, wave, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, printed, _ = compare(*wave, *SMALL, "--out", tmp_path / "out")
    assert code == PROVED and "no figure: pictures need matplotlib" in printed
    assert names(tmp_path / "out") == FILES[:3]


@pytest.mark.failure
@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (("--widths", "8,many"), ["--widths: 'many' is not a whole number", "8,50"]),
        (("--optimizers", "sgd,lion"), ["unknown optimizer 'lion'"]),
        (("--seeds", 0), ["seeds: expected at least one"]),
        (("--units", "sign"), ["compare does not train sign units", "no gradient"]),
        (("--target", "c"), ["no column 'c'"]),
        (("--out", __file__), ["is a file, not a folder"]),
    ],
    ids=str,
)
def test_bad_input_is_one_message(compare, wave, options, parts):
    code, printed, messages = compare(*wave, *options)
    assert code == BAD_INPUT and printed == ""
    line = messages.strip().splitlines()[-1]
    assert line.startswith("error: ") and all(part in line for part in parts)


FIRST_THEN_CTRL_C = """
import os, signal
from cvxnet.baselines.progress import Progress
shown = Progress.report
def report(*state):
    shown(*state)
    os.kill(os.getpid(), signal.SIGINT)
Progress.report = report
from cvxnet.cli import main
main()
"""


def test_ctrl_c_shows_what_is_finished_and_the_command_goes_on(compare, wave, tmp_path):
    out = tmp_path / "out"
    options = ("--widths", "3", "--seeds", "12", "--optimizers", "lbfgs", "--epochs", "30")
    options += ("--width-seconds", "0")
    command = [str(part) for part in ("compare", *wave, *options, "--out", out)]
    done = subprocess.run(
        [sys.executable, "-c", FIRST_THEN_CTRL_C, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(cn.__file__).parents[1],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == PROVED
    exact, *finished = names(out / "records")
    assert exact.startswith("exact-") and len(finished) == 1
    assert "Interrupted" in done.stdout and "the same command goes on from here" in done.stdout
    assert "/10 " in done.stdout
    times = [(out / "records" / name).stat().st_mtime_ns for name in finished]
    code, printed, _ = compare(*wave, *options, "--out", out)
    assert code == PROVED and "/12 " in printed and "interrupted" not in printed.lower()
    assert [(out / "records" / name).stat().st_mtime_ns for name in finished] == times
