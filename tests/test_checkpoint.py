"""Checkpoints: what they hold, what goes on from them, and what is left of a process that died."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.cli import main
from cvxnet.losses import get_loss
from cvxnet.objective import Budget, Form, Objective
from cvxnet.training.bounds.evidence import evidence_of
from cvxnet.training.bracket import Proof
from cvxnet.training.checkpoint import Checkpoint, open_checkpoint, read_checkpoint
from cvxnet.training.reduction import reduce
from cvxnet.training.trainer import bracket_of, solve
from experiments.clocks import processor_time

pytestmark = pytest.mark.failure

BEST = 1.0 - 1e-9
"""A bracket is as good as another up to rounding."""


def waves(n=12, d=1, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, np.sin(3.0 * X[:, 0]) + 0.1 * rng.standard_normal(n)


def objective(X, y, **options):
    given = {"units": "relu", "loss": get_loss("squared"), "weight_decay": 0.1}
    return Objective(X=X, y=y, **given | options)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint.json"


@pytest.fixture
def always(monkeypatch):
    """Each improvement is written down at once."""
    monkeypatch.setattr("cvxnet.training.checkpoint.EVERY", 0.0)
    monkeypatch.setattr("cvxnet.training.checkpoint.SHARE", 1e9)


def states(monkeypatch):
    """The certificates that are written, in a list that grows."""
    written = []
    kept = Checkpoint.write

    def write(self, certificate):
        written.append(certificate)
        kept(self, certificate)

    monkeypatch.setattr(Checkpoint, "write", write)
    return written


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"output_bias": True, "skip": True, "loss": "absolute"},
        {"loss": "logistic", "output_bias": True},
        {"units": "abs", "norm": "l1"},
        {"units": "threshold"},
        {"sample_weight": np.arange(12.0)},
    ],
    ids=str,
)
def test_each_state_is_a_certificate_that_holds(options, always, monkeypatch, path):
    X, y = waves()
    y = np.sign(y) if options.get("loss") == "logistic" else y
    written = states(monkeypatch)
    solution = cn.train(
        X=X, y=y, checkpoint=path, **{"units": "relu", "weight_decay": 0.1} | options
    )
    assert len(written) > 2 and solution.stats["checkpoint"] == ""
    assert all(cn.check(state).valid for state in written)
    uppers = [state.upper for state in written]
    assert all(after <= before * (1.0 + 1e-12) for before, after in pairwise(uppers))
    assert written[-1] == solution.certificate == read_checkpoint(path)[0]
    assert cn.check(path).valid


def test_the_next_call_goes_on_with_network_bound_and_clock(always, path):
    X, y = waves(40, 2)
    goal = objective(X, y)
    first = solve(goal, Budget(gap=0.3, checkpoint=path))
    seconds = read_checkpoint(path)[1]
    assert first.gap <= 0.3
    found = open_checkpoint(path, goal)
    bracket, stats = bracket_of(goal, Budget(gap=0.3), np.inf, checkpoint=found)
    assert stats["rounds"] == 1 and stats["before"] == seconds
    assert stats["history"][0][0] >= seconds
    assert BEST * bracket.upper <= first.value and bracket.lower >= BEST * first.lower_bound
    second = solve(goal, Budget(checkpoint=path))
    assert second.status == "optimal"
    assert str(path) in second.stats["checkpoint"]
    assert second.stats["checkpoint"].startswith("going on from")


def test_a_time_limit_that_was_used_up_gives_what_had_been_found(always, path):
    X, y = waves(40, 2)
    goal = objective(X, y)
    first = solve(goal, Budget(checkpoint=path))
    used = replace(read_checkpoint(path)[0])
    assert used == first.certificate
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"seconds": (1e4).hex()}))
    again = solve(goal, Budget(checkpoint=path, time_limit=1e4))
    assert BEST * again.value <= first.value and again.lower_bound >= BEST * first.lower_bound
    assert again.stats["seconds"] >= 1e4


def test_a_bound_that_needs_evidence_is_proved_again(always, path):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((30, 7))
    goal = objective(X, np.sin(X).sum(axis=1), weight_decay=2.0)
    with processor_time():  # there is a bound after half of it, also on a busy machine
        first = solve(goal, Budget(time_limit=1.5, checkpoint=path))
        assert first.certificate.evidence is not None and first.lower_bound > 0.0
        path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds": (1e3).hex()}))
        again = solve(goal, Budget(time_limit=1.0, checkpoint=path))
    assert again.lower_bound >= BEST * first.lower_bound
    assert BEST * again.value <= first.value


@pytest.mark.parametrize("features", [1, 2])
def test_a_claim_is_not_taken_on_trust(features, path):
    """What a file claims beyond what its dual vector proves is not believed, and said."""
    X, y = waves(20, features)
    goal = objective(X, y)
    solution = solve(goal, Budget(checkpoint=path))
    document = solution.certificate.to_dict()
    other = (solution.certificate.v * np.linspace(0.5, 1.5, 20)).tolist()
    value = solution.value * (1.0 - 1e-9)
    document |= {"dual": [x.hex() for x in other], "lower": value.hex(), "seconds": "0x0.0p+0"}
    path.write_text(json.dumps(document))
    assert not cn.check(path).valid
    again = solve(goal, Budget(checkpoint=path, time_limit=1e-6))
    assert again.lower_bound < 0.999 * solution.value
    assert "could not be proved again" in again.stats["checkpoint"]
    assert cn.check(again).valid


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"weight_decay": 0.2}, "its weight decay is 0.1, not 0.2"),
        ({"loss": get_loss("huber")}, "its loss is squared, not huber"),
        ({"units": "abs"}, "its unit family is relu, not abs"),
        ({"form": Form(True, True)}, "its output bias is False, not True"),
        ({"form": Form(False)}, "its hidden bias is True, not False"),
        ({"output_weights": "nonneg"}, "its output weights is any, not nonneg"),
        ({"norm": "l1"}, "its norm is l2, not l1"),
        ({"y": waves(seed=1)[1]}, "its y is another one"),
        ({"sample_weight": np.arange(1.0, 13.0)}, "its sample_weight is another one"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_objective_starts_anew_and_nothing_is_lost(change, said, path):
    X, y = waves()
    first = solve(objective(X, y), Budget(checkpoint=path))
    old = path.read_text()
    found = open_checkpoint(path, objective(**{"X": X, "y": y} | change))
    assert found.found is None and found.before == 0.0
    assert said in found.note and "training starts anew" in found.note
    assert not path.exists() and (path.parent / "checkpoint-1.json").read_text() == old
    assert "checkpoint-1.json" in found.note and first.status == "optimal"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not JSON"),
        ("[1, 2]", "no entry 'seconds'"),
        ("1, 2, 3", "is not JSON"),
        (None, "no entry 'seconds'"),
        ({"dual": []}, "dual"),
        ({"seconds": "soon"}, "seconds"),
        ({"seconds": 3}, "seconds"),
    ],
    ids=str,
)
def test_a_damaged_file_is_reported_and_kept(content, said, path):
    X, y = waves()
    goal = objective(X, y)
    document = solve(goal, Budget(checkpoint=path)).certificate.to_dict()
    if content is None:
        text = json.dumps(document)
    elif isinstance(content, dict):
        text = json.dumps(document | {"seconds": (1.0).hex()} | content)
    else:
        text = content
    path.write_text(text)
    solution = solve(goal, Budget(checkpoint=path))
    assert solution.status == "optimal"
    note = solution.stats["checkpoint"]
    assert "damaged" in note and said in note and "training starts anew" in note
    assert path.with_name("checkpoint-1.json").read_text() == text
    assert read_checkpoint(path)[0] == solution.certificate


def test_a_place_that_cannot_be_written_to_is_refused_before_training(tmp_path):
    X, y = waves()
    for bad in (tmp_path, tmp_path / "missing" / "c.json", Path(__file__) / "c.json", ""):
        with pytest.raises(cn.InputError):
            cn.train("relu", X, y, weight_decay=0.1, checkpoint=bad)
    with pytest.raises(cn.InputError, match="named by a str or a path"):
        cn.train("relu", X, y, weight_decay=0.1, checkpoint=3)


def test_a_disk_that_fills_up_costs_no_training(always, monkeypatch, path):
    def full(document, path):
        raise cn.InputError("no space is left.")

    monkeypatch.setattr("cvxnet.training.checkpoint.write", full)
    X, y = waves()
    solution = cn.train("relu", X, y, weight_decay=0.1, checkpoint=path)
    assert solution.status == "optimal" and "no space is left" in solution.stats["checkpoint"]


def test_merged_samples_and_scales_lead_there_and_back():
    X, y = waves(20, 2)
    X, y = 1e5 * np.vstack([X, X, X]), 1e-4 * np.concatenate([y, y, y]) + 7.0
    goal = objective(X, y, form=Form(True, True), weight_decay=1e-9)
    reduction = reduce(goal)
    assert reduction.merged is not None
    solution = solve(goal, Budget())
    units = reduction.units_of(solution.certificate.weights)
    value = reduction.problem.objective(units) * reduction.scale.value
    assert value == pytest.approx(solution.value, rel=1e-9)
    proof = reduction.proof_of(Proof(solution.certificate.v))
    lower = -reduction.problem.loss.conjugate(proof.v, reduction.problem.y)
    assert lower * reduction.scale.value == pytest.approx(solution.lower_bound, rel=1e-9)


def test_evidence_is_read_as_it_was_written():
    leaf = {"tilt": [0.5, -0.5], "lean": [[0, 1, 0.25]], "tau": [1.0, 2.0], "mu": 3.0}
    tree = {"row": 1, "plus": leaf, "minus": {"row": 0, "plus": leaf, "minus": leaf}}
    scalar = {"kind": "relaxation", "plus": tree, "minus": None}
    cone = {"corner": 2, "first": [1.0, 2.0], "second": [3.0, 4.0]}
    sphere = {
        "kind": "sphere",
        "basis": [[1.0, 0.0], [0.0, 1.0]],
        "edges": [[0, 1, 0.5, 0.5]],
        "bounds": [1.0, 2.0, 3.0],
        "proofs": [None, scalar, None],
        "cones": [cone, [1.0, 1.0]],
    }
    for document in (scalar, sphere, sphere | {"cones": None}):
        assert plain(evidence_of(document).document()) == document
    assert evidence_of(None) is None


def plain(value):
    """The same in lists and numbers of Python."""
    if isinstance(value, dict):
        return {name: plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return [plain(entry) for entry in value] if isinstance(value, list) else value


KILLED = """
import os, signal, sys
from cvxnet.training.checkpoint import Checkpoint

kept = Checkpoint.update
def update(self, bracket, reduction):
    self.last = -1e9
    kept(self, bracket, reduction)
    if self.path is not None and bracket.lower > 0.0 and len(bracket.units):
        os.kill(os.getpid(), signal.SIGKILL)
Checkpoint.update = update
from cvxnet.cli import main
main()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
def test_after_kill_9_the_same_command_goes_on(tmp_path, capsys):
    """Of eight features, for which the bracket does not close within the time limit."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((24, 8))
    names = ",".join([*"abcdefgh", "y"])
    table, out = tmp_path / "a table.csv", tmp_path / "out"
    rows = np.column_stack([X, np.sin(X).sum(axis=1)])
    np.savetxt(table, rows, delimiter=",", header=names, comments="")
    options = ["--target", "y", "--weight-decay", "0.5", "--time-limit", "1", "--gap", "1e-9"]
    command = ["train", str(table), *options, "--out", str(out)]
    long_enough = ["--time-limit", "600"]  # the last one counts: this is about no limit
    script = [sys.executable, "-c", KILLED, *command, *long_enough]
    died = subprocess.run(script, cwd=Path(cn.__file__).parents[1], capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert [path.name for path in out.iterdir()] == ["checkpoint.json"]
    left = cn.check(out / "checkpoint.json")
    assert left.valid and 0.0 < left.lower < left.upper
    with pytest.raises(SystemExit):
        main([*command, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["checkpoint"].startswith(f"going on from {out / 'checkpoint.json'}")
    assert found["lower"] >= BEST * left.lower and found["upper"] <= left.upper
    assert not (out / "checkpoint.json").exists()
