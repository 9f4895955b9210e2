"""Manners of the ``cvxnet`` command: interruptions, folders, errors as JSON, help, completion."""

import json
import os
import runpy
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.cli import interruption
from cvxnet.cli.app import COMMANDS
from cvxnet.cli.exit_codes import BAD_INPUT, NOT_PROVED, PROVED
from cvxnet.cli.folders import check_file, check_folder, make_folder, removed_if_empty
from cvxnet.training.progress import Progress

pytestmark = pytest.mark.interface

ROOT = Path(cn.__file__).parents[1]
NOWHERE = Path("/proc/nowhere")
WITHOUT_SIGNALS = pytest.mark.skipif(os.name == "nt", reason="there are no such signals there")


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A small table with a space in its name, in the folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [f"{a},{b},{np.sin(3 * a) + b}" for a, b in rng.standard_normal((14, 2)).tolist()]
    path = Path("my table.csv")
    path.write_text("a,b,the target\n" + "\n".join(rows) + "\n")
    return path


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


# Interruptions

IMPORT_THEN = """
import importlib.abc, os, signal, sys
class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "cvxpy":
            os.kill(os.getpid(), int(sys.argv[1]))
sys.meta_path.insert(0, Interrupting())
from cvxnet.cli import main
main(["check", "nothing.json"])
"""


@WITHOUT_SIGNALS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_it_imports_the_command_ends_with_one_line(number):
    command = [sys.executable, "-c", IMPORT_THEN, str(int(number))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 128 + number
    assert done.stderr.strip() == interruption.NOTHING and done.stdout == ""


@WITHOUT_SIGNALS
def test_terminated_while_it_trains_the_best_network_is_kept(cvxnet, table, monkeypatch):
    """With its checkpoint, from which the same command goes on."""
    shown = Progress.report

    def report(*state):
        shown(*state)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("cvxnet.training.checkpoint.EVERY", -1e9)
    monkeypatch.setattr(Progress, "report", report)
    handlers = [signal.getsignal(one) for one in interruption.SIGNALS]
    command = ("train", table, "--target", "the target", "--weight-decay", 0.01, "--out", "out")
    code, printed, messages = cvxnet(*command)
    assert code == NOT_PROVED and "the same command goes on from here" in printed
    assert "Traceback" not in messages
    assert names("out") == ["certificate.json", "checkpoint.json", "figure.png", "network.json"]
    certificate = cn.Certificate.load("out/certificate.json")
    assert certificate.lower <= certificate.upper == certificate.rounded_outward().upper
    assert [signal.getsignal(one) for one in interruption.SIGNALS] == handlers
    monkeypatch.setattr(Progress, "report", shown)
    code, printed, messages = cvxnet(*command)
    assert code == PROVED and "going on from out/checkpoint.json" in messages
    assert names("out") == ["certificate.json", "figure.png", "network.json"]


@WITHOUT_SIGNALS
def test_interrupted_again_the_process_ends_at_once(monkeypatch, capfd):
    def leave(code):
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", leave)
    with pytest.raises(SystemExit) as caught, interruption.keeping_results():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            os.kill(os.getpid(), signal.SIGINT)
    assert caught.value.code == 128 + signal.SIGINT
    assert capfd.readouterr().err.split("\n") == [
        "",
        interruption.SAVING,
        "",
        interruption.AGAIN,
        "",
    ]


# Places to write to


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a place where nobody may write")
@pytest.mark.parametrize(
    "command",
    [
        "demo --out {}",
        "train {table} --target 'the target' --weight-decay 1 --out {}",
        "compare {table} --target 'the target' --weight-decay 1 --out {}",
        "widths {table} --target 'the target' --weight-decay 1 --out {}",
        "certify net.json --data {table} --target 'the target' --weight-decay 1 --out {}/x",
        "predict net.json {table} --features a,b --out {}/x",
    ],
    ids=lambda command: command.split()[0],
)
def test_a_place_where_nobody_can_write_is_refused_before_the_work(
    command, cvxnet, table, monkeypatch
):
    def work(*given, **options):
        raise AssertionError("work has begun")

    cn.Sequential(cn.Linear(2, 1), cn.ReLU(), cn.Linear(1, 1)).save("net.json")
    monkeypatch.setattr("cvxnet.training.every_width.run", work)
    words = shlex.split(command.format(NOWHERE, table=f"'{table}'"))
    code, printed, messages = cvxnet(*words)
    assert code == BAD_INPUT and printed == "" and messages.startswith("error: ")
    assert str(NOWHERE) in messages and "no folder can be made in /proc" in messages


def test_trying_a_place_leaves_nothing_behind(tmp_path):
    check_folder(tmp_path / "new" / "deep")
    check_file(tmp_path / "new" / "file.json")
    check_folder(tmp_path)
    check_folder(None)
    check_file(None)
    assert names(tmp_path) == []
    with pytest.raises(ValueError), removed_if_empty(tmp_path / "new"):
        make_folder(tmp_path / "new")
        raise ValueError
    assert names(tmp_path) == []
    with removed_if_empty(tmp_path / "new" / "deep"):
        make_folder(tmp_path / "new" / "deep")
        (tmp_path / "new" / "kept").touch()
    assert names(tmp_path / "new") == ["kept"]


def test_a_file_in_the_way_is_named(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "deep"):
        with pytest.raises(cn.InputError, match="file is a file, not a folder"):
            check_folder(folder)
    with pytest.raises(cn.InputError, match="file is a file, not a folder"):
        check_file(tmp_path / "file" / "x.json")
    with pytest.raises(cn.InputError, match="is a folder"):
        check_file(tmp_path)


def test_permission_is_found_out_by_writing(tmp_path, monkeypatch):
    """What the operating system says beforehand is not asked: root may write anywhere, it says."""

    def refuse(self, data):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(cn.InputError, match="Permission denied"):
        check_folder(tmp_path / "new")
    assert names(tmp_path) == []


# Errors, help, completion


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train nothing.csv --target y --weight-decay 1", "nothing.csv"),
        ("train nothing.csv", "--target"),
        ("train nothing.csv --target y --weight-decay much", "--weight-decay"),
        ("certify nothing.json --data d.csv --target y --weight-decay 1", "nothing.json"),
        ("check nothing.json", "nothing.json"),
        ("explain nothing.json", "nothing.json"),
        ("compare nothing.csv --target y --weight-decay 1", "nothing.csv"),
        ("demo --samples 1", "--samples 1"),
        ("demo --gap 0", "gap"),
        ("nonsense", "nonsense"),
    ],
)
def test_an_error_is_a_document_where_json_is_asked_for(command, said, cvxnet, table):
    code, printed, messages = cvxnet(*command.split(), "--json")
    assert code == BAD_INPUT and messages == ""
    assert list(document := json.loads(printed)) == ["error"] and said in document["error"]
    code, printed, messages = cvxnet(*command.split())
    assert code == BAD_INPUT and printed == "" and said in messages


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_under_two_names(name, cvxnet):
    assert cvxnet(name, "-h") == cvxnet(name, "--help")
    assert "-h, --help" in cvxnet(name, "-h")[1] and "--json" in cvxnet(name, "-h")[1]


def test_it_runs_as_a_module(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cvxnet", "--version"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("cvxnet", run_name="__main__")
    assert not caught.value.code and capsys.readouterr().out == f"cvxnet {cn.__version__}\n"


@pytest.fixture
def completions(cvxnet, monkeypatch):
    """What bash is offered at the end of a line."""

    def complete(line):
        monkeypatch.setenv("_CVXNET_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - (line[-1] != " ")))
        return cvxnet()[1].split()

    return complete


def test_commands_and_options_are_completed(completions):
    assert completions("cvxnet ") == list(COMMANDS)
    assert completions("cvxnet ch") == ["check"]
    assert {"--target", "--time-limit"} < set(completions("cvxnet train --t"))
    assert completions("cvxnet explain --lo") == ["--loss"]
    assert completions("cvxnet train da") == []  # then bash completes names of files


COMPLETE = """
import atexit, sys
atexit.register(lambda: print("cvxpy" in sys.modules, "numpy" in sys.modules))
from cvxnet.cli import main
main([])
"""


def test_completing_a_command_imports_nothing_heavy():
    words = {"_CVXNET_COMPLETE": "complete_bash", "COMP_WORDS": "cvxnet tr", "COMP_CWORD": "1"}
    command = [sys.executable, "-c", COMPLETE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | words)
    assert done.stdout.split() == ["train", "False", "False"]


def test_completion_is_shown(cvxnet, monkeypatch):
    """Of the shell that is named, where none runs."""
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    code, printed, _ = cvxnet("--show-completion", "bash")
    assert code == PROVED and "complete -o default -F _cvxnet_completion cvxnet" in printed


# What the commands say to try next


def tried_next(printed):
    """The commands that a report says to try next."""
    lines = printed.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("try next"))
    found = [lines[first].removeprefix("try next").strip()]
    for line in lines[first + 1 :]:
        if not line.startswith(" "):
            break
        found.append(line.strip())
    return [shlex.split(line) for line in found]


def test_what_is_to_be_tried_next_runs_as_printed(cvxnet, table):
    """From demo to train to check (and predict), from certify to check; paths have spaces."""
    _, printed, _ = cvxnet("demo", "--samples", 20, "--out", "my demo")
    (train,) = tried_next(printed)
    assert train[:2] == ["cvxnet", "train"] and "my demo/data.csv" in train
    code, printed, messages = cvxnet(*train[1:])
    assert code == PROVED, messages
    code, printed, messages = cvxnet(
        *("train", table, "--target", "the target", "--weight-decay", 0.1, "--out", "my net")
    )
    assert code == PROVED, messages
    for name, *words in tried_next(printed):
        assert name == "cvxnet" and any("my net" in word for word in words)
        code, _, messages = cvxnet(*words)
        assert code == PROVED, messages
    code, printed, messages = cvxnet(
        *("certify", "my net/network.json", "--data", table, "--target", "the target"),
        *("--weight-decay", 0.1, "--out", "a certificate.json"),
    )
    assert code == PROVED, messages
    ((name, *words),) = tried_next(printed)
    assert name == "cvxnet" and cvxnet(*words)[0] == PROVED
