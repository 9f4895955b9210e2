"""The lessons run as scripts, and their exercises tell right answers from wrong ones."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from joblib import parallel_config

import cvxnet as cn

pytest.importorskip("marimo", reason="the extra lessons is not installed")
from lesson_answers import RIGHT, WRONG

pytestmark = pytest.mark.documentation

LESSONS = Path(__file__).parents[1] / "experiments" / "lessons"
NAMES = sorted(path.stem for path in LESSONS.glob("0*.py"))


@pytest.fixture
def lesson(monkeypatch):
    """A lesson as a module, as marimo sees it: beside ``exercises.py``."""
    monkeypatch.syspath_prepend(LESSONS)

    def load(name):
        spec = importlib.util.spec_from_file_location(f"lesson_{name}", LESSONS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    yield load
    sys.modules.pop("exercises", None)


def test_there_are_five_lessons_with_answers_to_every_exercise():
    assert [name[:2] for name in NAMES] == ["01", "02", "03", "04", "05"]
    assert NAMES == sorted(RIGHT) == sorted(WRONG)
    for name in NAMES:
        text = (LESSONS / f"{name}.py").read_text(encoding="utf-8")
        exercises = {str(k) for k in range(1, 10) if f"**Exercise {int(name[:2])}.{k}**" in text}
        assert 3 <= len(exercises) <= 6
        assert exercises == set(RIGHT[name]) == {number for number, *_ in WRONG[name]}


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_runs_with_nothing_solved(name, lesson, capsys):
    _, found = lesson(name).app.run()
    printed = capsys.readouterr()
    for number in RIGHT[name]:
        mark = found[f"mark_{number}"]
        assert not mark.solved
        assert f"{mark.exercise} {'open' if mark.solved is None else 'not yet'}: " in printed.out
    assert not printed.err and "stopped with" not in printed.out


@pytest.mark.parametrize("name", NAMES)
def test_right_answers_are_right_and_wrong_ones_are_told_why(name, lesson):
    module = lesson(name)
    _, found = module.app.run(defs={f"answer_{k}": answer for k, answer in RIGHT[name].items()})
    for number in RIGHT[name]:
        mark = found[f"mark_{number}"]
        assert mark.solved, mark.says
    for number, answer, says in WRONG[name]:
        mark = module.mark(number, answer, found[f"judge_{number}"], "right")
        assert mark.solved is False and says in mark.says, mark


def test_a_lesson_runs_as_a_script(tmp_path):
    command = [sys.executable, "-W", "error", LESSONS / "01_is_it_convex.py"]
    paths = os.environ | {"PYTHONPATH": str(LESSONS.parents[1])}
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=paths)
    assert run.returncode == 0 and not run.stderr, run.stderr
    assert [line[:4] for line in run.stdout.splitlines()] == [f"1.{k} " for k in range(1, 6)]


def test_the_controls_of_the_lessons_lead_to_what_they_say(lesson):
    first, third, fifth = (lesson(NAMES[k]) for k in (0, 2, 4))
    for name, word in (
        ("square", "not above"),
        ("absolute value", "not above"),
        ("sine", "above:"),
    ):
        title = first.draw_chord(name, 0.0, 3.0, 0.5).axes[0].get_title(loc="left")
        assert word in title
    _, found = third.app.run()
    history, bracket = found["history"], found["trained"]
    assert history[-1]["upper"] - history[-1]["lower"] <= 1e-6 * history[-1]["upper"]
    assert history[-1]["lower"] <= bracket.value and bracket.lower_bound <= history[-1]["upper"]
    titles = [
        third.draw_round(history, k, found["X"], found["y"], found["beta"])
        .axes[1]
        .get_title("left")
        for k in (0, len(history) - 1)
    ]
    assert titles == ["pokes out: a unit is missing", "none is missing"]
    _, found = fifth.app.run()
    changes = found["tampering"].options
    valid = {
        change: cn.check(fifth.tampered(found["genuine"], change, 0.01)).valid for change in changes
    }
    assert valid == {change: change == "nothing" for change in changes}


def test_the_checker_of_lesson_5_agrees_with_cvxnet_but_for_the_fingerprint(lesson):
    fifth = lesson(NAMES[4])
    _, found = fifth.app.run(defs={f"answer_{k}": answer for k, answer in RIGHT[NAMES[4]].items()})
    rows = [row.split(" | ") for row in found["comparison"].splitlines()[2:]]
    assert len(rows) == 2 * len(found["tampering"].options) - 1
    for changed, mine, its in rows:
        assert its.startswith(mine) or ("SHA-256" in its and "target" in changed), changed


def test_torch_runs_at_the_push_of_a_button(lesson):
    pytest.importorskip("torch")
    pushed = SimpleNamespace(value=True)
    with parallel_config("sequential"):  # processes would each load torch
        _, found = lesson(NAMES[3]).app.run(defs={"torch_runs": pushed})
    lower = found["optimum"].lower_bound
    assert all((record.objective >= lower).all() for record in found["runs"].records)
