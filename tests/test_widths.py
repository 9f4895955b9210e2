"""``cvxnet.widths``: the curve of optima against the width, what is made of it, its command."""

import csv
import json
import math
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.cli.exit_codes import BAD_INPUT, NOT_PROVED, PROVED
from cvxnet.kernels import true_interruptions
from cvxnet.training import widths as door
from cvxnet.training.every_width import INTERRUPTED
from cvxnet.training.width.curve import Curve

pytestmark = pytest.mark.interface

X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
Y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
FEW = {"weight_decay": 0.1, "gap": 1e-4}


@pytest.fixture(scope="module")
def found():
    return cn.widths("relu", X, Y, **FEW)


def test_each_width_is_what_train_finds(found):
    assert found.widths == (1, 2, 3, 4) and found.closed and found.all_widths.units == 4
    for m, solution in zip(found.widths, found.solutions, strict=True):
        alone = cn.train("relu", X, Y, width=m, **FEW)
        assert (solution.width, solution.certificate.objective.width) == (m, m)
        assert solution.units <= m and solution.all_widths is found.all_widths
        assert solution.lower_bound <= alone.value and alone.lower_bound <= solution.value
        assert cn.check(solution).valid
    assert found.enough(1e-4) == 4 and "more than 4 units gain no more" in found.stopped


def test_the_curve_falls_to_the_optimum_of_every_width(found):
    every = found.all_widths
    assert list(found.values) == sorted(found.values, reverse=True)
    assert list(found.lower_bounds) == sorted(found.lower_bounds, reverse=True)
    assert all(map(float.__le__, found.lower_bounds, found.values))
    assert found.values[-1] >= every.lower_bound and found.without == pytest.approx(2.5)
    assert math.fsum(low for low, _ in found.gains) <= 1.0 <= math.fsum(h for _, h in found.gains)


def test_it_ends_at_the_largest_width_asked_for(found):
    short = cn.widths("relu", X, Y, up_to=1, **FEW)
    assert short.widths == (1,) and short.stopped == "as asked for, up to 1 unit"
    assert short.values[0] == pytest.approx(found.values[0], rel=1e-4)
    none = cn.widths("relu", X, Y, weight_decay=100.0)
    assert none.widths == () and none.closed and none.enough() == 0
    assert none.gains == ((0.0, 0.0),) and none.table().splitlines()[3].split()[0] == "any"
    with pytest.raises(cn.InputError, match="nothing to draw"):
        none.plot()


def stub(lower, value):
    """As much of a solution as a curve looks at."""
    status = "optimal" if value - lower < 1e-3 * value else "gap"
    return SimpleNamespace(
        lower_bound=lower, value=value, tolerance=0.0, status=status, units=1, stats={}
    )


NUMBERS = st.floats(0.0, 1e6, allow_subnormal=False)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5), st.tuples(NUMBERS, NUMBERS), NUMBERS)
def test_ends_hold_whatever_the_searches_prove(pairs, last, more):
    """True optima fall; each search proves a bracket around its own, of any width."""
    optima = sorted((value for value, _ in [*pairs, last]), reverse=True)
    brackets = [
        stub(f - min(f, w), f + w) for f, (_, w) in zip(optima, [*pairs, last], strict=True)
    ]
    curve = Curve(
        solutions=tuple(brackets[:-1]),
        all_widths=brackets[-1],
        goal=1e-3,
        seconds=0.0,
        without=optima[0] + more,
        stopped="",
    )
    for m, optimum in enumerate(optima[:-1]):
        assert curve.lower_bounds[m] <= optimum <= curve.values[m]
        assert brackets[m].lower_bound <= curve.lower_bounds[m]
        assert curve.values[m] <= brackets[m].value
    for seen in (curve.values, curve.lower_bounds):
        assert list(seen) == sorted(seen, reverse=True)
    enough = curve.enough(0.1)
    if enough:
        assert optima[-1] >= 0.9 * optima[enough - 1] * (1 - 1e-9)
    total = curve.without - optima[-1]
    assert list(curve.gained) == sorted(curve.gained)
    steps = -np.diff([curve.without, *optima])
    for (least, most), step in zip(curve.gains, steps, strict=True):
        assert 0.0 <= least <= most <= 1.0
        if total > 1e-6 * curve.without:
            assert least - 1e-6 <= step / total <= most + 1e-6


def test_the_time_is_for_all_of_it_and_ctrl_c_keeps_what_there_is(found, monkeypatch):
    brief = cn.widths("relu", X, Y, time_limit=1e-6, **FEW)
    assert len(brief.widths) <= 1 and brief.all_widths.lower_bound <= brief.all_widths.value
    solve, asked = door.solve_within, []

    def once(objective, width, *others, **more):
        asked.append(width)
        if width == 2:
            raise KeyboardInterrupt
        return solve(objective, width, *others, **more)

    monkeypatch.setattr(door, "solve_within", once)
    heard = []
    cut = cn.widths("relu", X, Y, progress=heard.append, **FEW)
    assert cut.widths == (1,) and cut.stopped == INTERRUPTED and asked == [1, 2]
    assert [one.widths for one in heard] == [(), (1,)]


def test_ctrl_c_in_the_midst_of_a_kernel_is_ctrl_c():
    with pytest.raises(KeyboardInterrupt), true_interruptions():
        raise SystemError("returned a result with an exception set") from KeyboardInterrupt()
    with pytest.raises(SystemError), true_interruptions():
        raise SystemError from ValueError()


def test_what_cannot_have_widths_says_why():
    for units, options, words in [
        ("quadratic", {}, "quadratic units cannot have one"),
        ("relu", {"up_to": 0}, "up_to, the largest width to look at"),
        ("relu", {"up_to": 2.5}, "up_to, the largest width to look at"),
        ("relu", {"norm": "l1"}, "norm 'l2' only"),
    ]:
        with pytest.raises(cn.CvxnetError, match=words):
            cn.widths(units, X, Y, weight_decay=0.4, **options)
    with pytest.raises(cn.CvxnetError, match="it goes with one output, and y has 2 columns"):
        cn.widths("relu", X, np.column_stack([Y, Y]), weight_decay=0.4)


def test_table_page_document_and_file_say_the_same(found, tmp_path):
    lines = str(found).splitlines()
    assert lines[0].startswith("squared loss") and lines[2].split()[0] == "units"
    rows = [line.split() for line in lines[3:8]]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "any"]
    assert "\n" not in repr(found) and "4 of 4 widths closed" in repr(found)
    page = ElementTree.fromstring(found._repr_html_().replace("<br>", "<br/>"))
    cells = [[cell.text or "" for cell in row] for row in page.iter("tr")]
    assert ["".join(row).replace(" ", "") for row in cells[1:]] == ["".join(row) for row in rows]
    told = json.loads(json.dumps(found.to_dict()))
    assert [one["upper"] for one in told["widths"]] == list(found.values)
    assert told["closed"] is True and told["enough"] == {"0.1": 4, "0.01": 4}
    found.to_csv(tmp_path / "widths.csv")
    with open(tmp_path / "widths.csv", newline="") as file:
        kept = list(csv.DictReader(file))
    assert [row["width"] for row in kept] == ["1", "2", "3", "4", "any"]
    assert [float(row["lower"]) for row in kept[:4]] == list(found.lower_bounds)


def test_the_picture_shows_open_brackets_as_such(found):
    pytest.importorskip("matplotlib")
    curve, gains = found.plot().axes
    assert found.plot().get_suptitle().startswith("4 units: proved to gain 9")
    labels = curve.get_legend_handles_labels()[1]
    assert "optimum of the width" in labels and not any("lies in the bar" in one for one in labels)
    assert gains.get_legend() is None
    low = found.all_widths.lower_bound
    loose = tuple(replace(one, lower_bound=low, status="gap") for one in found.solutions)
    curve, gains = replace(found, solutions=loose).plot().axes
    labels = curve.get_legend_handles_labels()[1]
    assert "best network found; the optimum lies in the bar" in labels
    assert "Open for 1, 2 units: " in str(replace(found, solutions=loose[:2]))
    assert gains.get_legend() is not None and "≤" in gains.texts[1].get_text()


@pytest.fixture
def command(cvxnet, tmp_path):
    """Runs ``cvxnet widths`` on a table; returns its exit code, output and messages."""
    lines = [f"{x[0]},{y}" for x, y in zip(X, Y, strict=True)]
    (tmp_path / "table.csv").write_text("x,y\n" + "\n".join(lines) + "\n")
    options = ["--target", "y", "--no-standardise", "--no-output-bias", "--weight-decay", "0.1"]

    def run(*more):
        return cvxnet("widths", tmp_path / "table.csv", *options, "--gap", "1e-4", *more)

    return run


def test_the_command_prints_the_table_and_leaves_the_files(command, cvxnet, found, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "out"
    code, printed, messages = command("--up-to", "1", "--out", out)
    assert code == PROVED and "as asked for, up to 1 unit" in printed
    assert "networks of at most 1" in messages
    names = sorted(path.name for path in out.iterdir())
    assert names == ["every-width", "width-1", "widths.csv", "widths.png"]
    assert all(str(out / name) in printed for name in names)
    code, again, _ = cvxnet("check", out / "width-1" / "certificate.json")
    assert code == PROVED and again.startswith("PROVED")
    assert cvxnet("predict", out / "width-1", tmp_path / "table.csv")[0] == PROVED


def test_the_document_of_the_command(command, found, monkeypatch):
    code, printed, messages = command("--json", "--time-limit", "1e-6")
    told = json.loads(printed)
    assert (code, messages) == (NOT_PROVED, "") and told["closed"] is False
    assert told["features"] == ["x"] and told["files"] == {}
    monkeypatch.setattr("cvxnet.cli.widths.prepare", lambda *_, **__: pytest.fail("compiled"))
    for options, words in [(("--up-to", "0"), "up_to"), (("--units", "tanh"), "tanh units cannot")]:
        code, printed, messages = command(*options, "--json")
        assert code == BAD_INPUT and words in json.loads(printed)["error"]
