"""The ``cvxnet`` command: what it prints, which files it leaves, and its exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib import metadata
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import cvxnet as cn
from cvxnet.cli.app import COMMANDS
from cvxnet.cli.app import load as load_command
from cvxnet.cli.exit_codes import BAD_INPUT, INTERRUPTED, NOT_PROVED, PROVED, UNKNOWN
from cvxnet.cli.outcome import objective_of_file
from cvxnet.layers import load
from cvxnet.proofs import checker
from cvxnet.training.progress import Progress

pytestmark = pytest.mark.interface

FILES = ["certificate.json", "figure.png", "network.json"]


@pytest.fixture
def wave(tmp_path):
    """A CSV file that needs a few units."""
    return write_csv(tmp_path / "wave.csv", 40)


def write_csv(path, n):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, n))
    rows = zip(a, b, np.sin(2 * a) * np.cos(2 * b), strict=True)
    lines = [f"{x!r},{y!r},{z!r},{'up' if z > 0 else 'down'}" for x, y, z in map(to_floats, rows)]
    path.write_text("a,b,z,side\n" + "\n".join(lines) + "\n")
    return path


def to_floats(row):
    return [float(value) for value in row]


MAIN = "from cvxnet.cli import main; main()"
FIRST_ROUND_THEN_CTRL_C = f"""
import os, signal
from cvxnet.training.progress import Progress
shown = Progress.report
def report(*state):
    shown(*state)
    os.kill(os.getpid(), signal.SIGINT)
Progress.report = report
{MAIN}
"""


def start(command, script=MAIN, **environment):
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-u", "-c", script, *command.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env=os.environ | environment,
    )


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_the_demo_proves_the_optimum_and_leaves_three_files(cvxnet, tmp_path):
    out = tmp_path / "demo"
    code, printed, messages = cvxnet("demo", "--samples", 60, "--out", out)
    assert code == PROVED
    assert names(out) == sorted([*FILES, "data.csv"])
    assert "<= optimum <=" in printed and ": optimal" in printed
    assert "proved exactly by cvxnet.proofs.checker" in printed
    assert "evaluated anew" in printed and "try next" in printed
    assert "loading the pricing" in messages and "gap" in messages


def test_what_the_demo_reports_is_what_its_files_say(cvxnet, tmp_path):
    code, printed, messages = cvxnet("demo", "--samples", 60, "--out", tmp_path, "--json")
    found = json.loads(printed)
    assert (code, messages) == (PROVED, "")
    assert found["status"] == "optimal" and found["gap"] <= 1e-6 and found["proved"]
    certificate = cn.Certificate.load(found["files"]["certificate"])
    proved = checker.check(found["files"]["certificate"])
    assert (proved.lower, proved.upper) == (found["lower"], found["upper"])
    value = objective_of_file(found["files"]["network"], certificate)
    assert value == found["objective_of_file"] == pytest.approx(found["upper"], rel=1e-12)
    assert found["units"] == len(certificate.a) <= 60
    network = load(found["files"]["network"])
    assert (network.state_dict()["0.weight"] == certificate.W).all()


def test_the_seed_chooses_the_sample(cvxnet, tmp_path):
    def upper(seed):
        arguments = ("demo", "--samples", 20, "--seed", seed, "--out", tmp_path, "--json")
        return json.loads(cvxnet(*arguments)[1])["upper"]

    assert upper(1) == upper(1) != upper(2)


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere():
    def show(**terminal):
        console = Console(file=StringIO(), width=80, **terminal)
        with Progress(1e-6, console) as report:
            report(0.5, 116.483765, 116.483798, 29)
        return console.file.getvalue()

    said = "116.483765 <= optimum <= 116.483798   gap 2.8e-07   29 units"
    assert show(force_terminal=False) == f"    0.50 s   {said}\n"
    assert said in show(force_terminal=True) and "\u2501" in show(force_terminal=True)


def test_without_scikit_learn_the_demo_names_the_extra(cvxnet, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    code, _, messages = cvxnet("demo", "--out", tmp_path / "out")
    assert code == BAD_INPUT and "pip install 'cvxnet[demo]'" in messages
    assert not (tmp_path / "out").exists()


def test_without_matplotlib_the_rest_is_written(cvxnet, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    code, printed, _ = cvxnet("demo", "--samples", 20, "--out", tmp_path)
    assert code == PROVED and "no figure: pictures need matplotlib" in printed
    assert names(tmp_path) == ["certificate.json", "data.csv", "network.json"]


def test_train_agrees_with_python(cvxnet, wave, tmp_path):
    out = tmp_path / "deep" / "out"
    code, printed, _ = cvxnet(
        *("train", wave, "--target", "z", "--features", "b, a", "--no-bias"),
        *("--no-standardise", "--no-output-bias"),
        *("--weight-decay", 0.1, "--solver", "ecos", "--out", out, "--json"),
    )
    found = json.loads(printed)
    table = np.genfromtxt(wave, delimiter=",", skip_header=1)
    solution = cn.train("relu", table[:, [1, 0]], table[:, 2], weight_decay=0.1, bias=False)
    assert code == PROVED and names(out) == FILES
    assert found["upper"] == pytest.approx(solution.value, rel=2e-6)
    assert found["features"] == ["b", "a"] and not found["bias"]


def test_without_a_folder_nothing_is_written(cvxnet, wave, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, printed, _ = cvxnet(
        "train", wave, "--target", "z", "--features", "a", "--weight-decay", 0.1
    )
    assert code == PROVED and "--out DIR" in printed
    assert names(tmp_path) == ["wave.csv"]


def test_classes_in_words_say_which_is_which(cvxnet, wave, tmp_path):
    code, printed, _ = cvxnet(
        *("train", wave, "--target", "side", "--features", "a", "--loss", "logistic"),
        *("--weight-decay", 0.5, "--gap", 1e-3, "--out", tmp_path / "out"),
    )
    assert code == PROVED
    assert "-1 is 'down', +1 is 'up'" in printed
    assert checker.check(tmp_path / "out" / "certificate.json").valid


def test_a_time_limit_returns_a_true_bracket(cvxnet, wave, tmp_path):
    out = tmp_path / "out"
    code, printed, _ = cvxnet(
        *("train", wave, "--target", "z", "--features", "a,b", "--weight-decay", 0.01),
        *("--time-limit", 1e-6, "--out", out),
    )
    assert code == NOT_PROVED and "not closed to 1e-06" in printed
    assert names(out) == FILES and checker.check(out / "certificate.json").valid


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to a process there")
def test_ctrl_c_keeps_the_best_network_with_its_true_bracket(tmp_path):
    data, out = write_csv(tmp_path / "many.csv", 600), tmp_path / "out"
    command = f"train {data} --target z --features a,b --weight-decay 0.02 --out {out}"
    process = start(command, FIRST_ROUND_THEN_CTRL_C)
    printed, messages = process.communicate()
    assert process.returncode == NOT_PROVED, messages
    assert "interrupted" in printed and "Traceback" not in messages
    assert names(out) == sorted([*FILES, "checkpoint.json"])
    certificate = cn.Certificate.load(out / "certificate.json")
    assert certificate.lower <= certificate.upper == certificate.rounded_outward().upper


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to a process there")
def test_ctrl_c_while_compiling_ends_the_command_at_once(tmp_path):
    process = start(f"demo --out {tmp_path / 'out'}", NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    said = process.stderr.read(len("loading the pricing"))
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate()
    assert process.returncode == INTERRUPTED
    assert said == "loading the pricing" and "Traceback" not in messages
    assert not (tmp_path / "out").exists()


def certificate_file(path, **changes):
    X, y = np.array([[-1.0], [1.0], [2.0]]), np.array([1.0, 2.0, 0.0])
    solution = cn.train("relu", X, y, weight_decay=0.1)
    solution.certificate.save(path, embed_data=changes.pop("embed_data", True))
    if changes:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_check_proves_a_good_certificate(cvxnet, tmp_path):
    file = certificate_file(tmp_path / "good.json")
    code, printed, _ = cvxnet("check", file)
    assert code == PROVED and printed.startswith("PROVED: ")
    code, printed, _ = cvxnet("check", file, "--json")
    assert code == PROVED and json.loads(printed)["valid"]


def test_check_refuses_a_claim_too_good_to_be_true(cvxnet, tmp_path):
    file = certificate_file(tmp_path / "bad.json", upper=(0.001).hex())
    code, printed, _ = cvxnet("check", file)
    assert code == NOT_PROVED and printed.startswith("REFUSED: upper: claimed 0.001")
    code, printed, _ = cvxnet("check", file, "--json")
    assert code == NOT_PROVED and not json.loads(printed)["valid"]


def test_check_takes_the_data_from_elsewhere(cvxnet, tmp_path):
    file = certificate_file(tmp_path / "bare.json", embed_data=False)
    code, _, messages = cvxnet("check", file)
    assert code == BAD_INPUT and "supply them (--data FILE)" in messages
    data = tmp_path / "data.csv"
    data.write_text("x,y\n-1,1\n1,2\n2,0\n")
    assert cvxnet("check", file, "--data", data)[0] == PROVED
    data.write_text("x,y\n-1,1\n1,2\n2,1\n")
    code, _, messages = cvxnet("check", file, "--data", data)
    assert code == BAD_INPUT and "SHA-256 differs" in messages


def test_check_says_when_it_gave_up(cvxnet, tmp_path):
    cvxnet("demo", "--samples", 30, "--out", tmp_path)
    code, printed, _ = cvxnet("check", tmp_path / "certificate.json", "--time-limit", 0)
    assert code == UNKNOWN and printed.startswith("UNKNOWN: unfinished after the time limit")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        ("{", "not a complete JSON document"),
        ("[1]", "not a JSON object"),
        ('{"format": "other"}', "not a certificate"),
    ],
)
def test_check_wants_a_certificate(cvxnet, tmp_path, content, said):
    file = tmp_path / "file.json"
    if content is not None:
        file.write_text(content)
    code, printed, messages = cvxnet("check", file)
    assert (code, printed) == (BAD_INPUT, "") and messages.startswith("error: ")
    assert said in messages and "file.json" in messages


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "nonsense"),
        (["train", "data.csv"], "--target"),
        (["train", "data.csv", "--target", "y", "--weight-decay", "much"], "--weight-decay"),
        (["demo", "--no-such-option"], "--no-such-option"),
    ],
)
def test_wrong_usage_is_explained(cvxnet, arguments, said):
    code, _, messages = cvxnet(*arguments)
    assert code == BAD_INPUT and said in messages


def test_help_names_the_exit_codes(cvxnet):
    code, printed, _ = cvxnet("--help")
    assert code == 0
    assert "Exit codes: 0 proved" in " ".join(printed.split())


@pytest.fixture
def network(tmp_path):
    """A network file that is convex in its input, and not in its weights."""
    net = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1, nonneg=True))
    net.save(tmp_path / "net.json")
    return tmp_path / "net.json"


def test_explain_answers_with_its_exit_code(cvxnet, network):
    code, printed, _ = cvxnet("explain", network)
    assert code == PROVED and printed.startswith("CONVEX: the output in the input")
    code, printed, _ = cvxnet("explain", network, "--wrt", "0,2")
    assert code == NOT_PROVED and "Counterexample to convexity" in printed
    code, printed, _ = cvxnet("explain", network, "--wrt", "2", "--loss", "squared", "--json")
    assert code == PROVED and json.loads(printed)["convex"] is True


def test_explain_reads_data_and_signs(cvxnet, network, wave):
    wave.write_text("a,b,label\n1,2,no\n3,4,yes\n")
    code, printed, _ = cvxnet(
        *("explain", network, "--loss", "logistic", "--data", wave, "--wrt", "2")
    )
    assert code == PROVED and "the logistic loss in 2.bias, 2.weight" in printed
    code, printed, _ = cvxnet("explain", network, "--wrt", "0", "--inputs", "nonneg")
    assert code == PROVED and "for inputs >= 0" in printed


def test_explain_judges_cvxpy_expressions(cvxnet, tmp_path):
    file = tmp_path / "things.py"
    file.write_text('import cvxpy as cp\nx = cp.Variable(name="x")\nf = cp.sqrt(1 + x**2)\n')
    assert cvxnet("explain", f"{file}:f")[0] == PROVED
    code, _, messages = cvxnet("explain", f"{file}:g")
    assert code == BAD_INPUT and "defines no 'g'; it has x, f" in messages


def test_the_version_is_that_of_the_package(cvxnet):
    assert cvxnet("--version") == (PROVED, f"cvxnet {metadata.version('cvxnet')}\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_of_them_says_of_itself(cvxnet, name):
    first = load_command(name).help.split("\n\n")[0]
    assert COMMANDS[name] == " ".join(first.split())
    assert f"  {name}  " in cvxnet("--help")[1]
    assert cvxnet(name, "--help")[1].startswith(f"Usage: cvxnet {name} ")
