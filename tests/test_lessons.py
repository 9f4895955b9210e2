"""The lessons run as scripts, and their exercises tell right answers from wrong ones."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
