"""A run's excess in two parts: what belongs to the width, and what to the optimiser."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.baselines import comparison, optima
from cvxnet.errors import InputError

pytest.importorskip("torch")

rng = np.random.default_rng(0)
X = rng.standard_normal((8, 2))
Y = np.sign(X[:, 0] * X[:, 1])
FEW = {"weight_decay": 0.1, "optimizers": ("adam", "lbfgs"), "widths": (2, 12), "seeds": 3}
FEW |= {"epochs": 60, "rates": {"adam": 0.05}}


@pytest.fixture(scope="module")
def runs():
    """Two widths, of which one is too narrow for the optimum of every width."""
    return cn.compare("relu", X, Y, **FEW)


@pytest.fixture(scope="module")
def unsplit():
    """The same without the optimum of the narrow width."""
    return cn.compare("relu", X, Y, **FEW, width_seconds=0)


def test_no_run_is_below_the_bound_of_its_width(runs):
    assert set(runs.width_solutions) == {2} and runs.solution.units > 2
    for width in (2, 12):
        lower, upper = runs.width_bracket(width)
        assert runs.solution.lower_bound <= lower <= upper
        for record in runs.records:
            if record.width == width:
                assert (record.objective >= lower * (1.0 - 1e-12)).all()
                assert (record.curve >= lower * (1.0 - 1e-12)).all()
                assert (record.objective >= upper * (1.0 - 1e-12)).all()
    found = runs.width_solutions[2]
    assert found.status == "optimal" and found.width == 2 and found.units <= 2
    assert found.all_widths is runs.solution


def test_the_two_parts_make_the_excess(runs):
    for group in runs.groups:
        least, most = (1.0 + np.array(runs.width_excess(group.width)))[:, None]
        own, whole = 1.0 + group.above_width.T, 1.0 + group.excess.T
        assert (least * own[0] <= whole[1] * (1.0 + 1e-12)).all()
        assert (most * own[1] >= whole[0] * (1.0 - 1e-12)).all()
        assert least * own[0] == pytest.approx(whole[0], rel=1e-5)
        assert most * own[1] == pytest.approx(whole[1], rel=1e-5)
        assert group.within(1e-2)[0] <= group.within_width(1e-2)[0]


def test_a_wide_network_owes_nothing_to_its_width(runs):
    least, most = runs.width_excess(12)
    assert least == 0.0 and most <= runs.solution.gap * 1.01
    for name in ("adam", "lbfgs"):
        group = runs.group(name, 12)
        assert group.above_width == pytest.approx(group.excess, rel=1e-9, abs=1e-12)


def test_a_width_whose_optimum_is_known_by_hand():
    """Samples -1 and 1 with targets 1 and 2: 0.29, and 1/2 + 0.195 with one unit."""
    data = {"X": np.array([[-1.0], [1.0]]), "y": np.array([1.0, 2.0]), "bias": False}
    given = {"weight_decay": 0.1, "optimizers": "lbfgs", "seeds": 4, "epochs": 100}
    runs = cn.compare("relu", **data, **given, widths=(1, 4))
    assert runs.width_bracket(1) == pytest.approx((0.695, 0.695), rel=1e-6)
    assert runs.width_excess(1) == pytest.approx((0.695 / 0.29 - 1.0,) * 2, rel=1e-5)
    assert runs.group("lbfgs", 1).within_width(1e-4)[0] >= 1
    assert runs.group("lbfgs", 1).within(1e-4) == (0, 0)


def test_tables_files_and_pictures_say_whose_part_it_is(runs, tmp_path):
    text = str(runs)
    assert "above width: min" in text and "width's part" in text and "optimiser's part" in text
    (line,) = [line for line in text.splitlines() if line.split()[:1] == ["2"]]
    assert line.endswith("  optimal")
    assert f"the exact network has {runs.solution.units} units" in text
    html = runs._repr_html_()
    assert html.count("<table>") == 2 and html.count("<tr>") == 2 + 4 + 2
    runs.to_json(tmp_path / "runs.json")
    document = json.loads((tmp_path / "runs.json").read_text())
    narrow, wide = document["widths"]
    assert (narrow["lower"], narrow["upper"]) == runs.width_bracket(2)
    assert narrow["excess"] == list(runs.width_excess(2)) and narrow["status"] == "optimal"
    assert wide["status"] == "every width" and "nodes" not in wide
    assert document["groups"][0]["above_width"] == runs.groups[0].above_width.tolist()
    runs.to_csv(tmp_path / "runs.csv")
    with open(tmp_path / "runs.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert float(lines[0]["above_width_at_most"]) == runs.groups[0].above_width[0, 1]
    pytest.importorskip("matplotlib")
    axes = runs.plot().axes
    titles = [panel.get_title(loc="left").replace("\n", " ") for panel in axes]
    assert len(axes) == 9 and titles[1] == "Whose part the excess is"
    assert "Width 2, optimal: 2 hidden units" in titles
    assert len(cn.plots.plot_traces(runs).axes) == 2


def test_what_a_bar_holds_is_the_excess_of_the_median_run(runs):
    pytest.importorskip("matplotlib")
    tops = {}
    for bar in runs.plot().axes[1].patches:
        middle = round(bar.get_x() + bar.get_width() / 2.0)
        tops[middle] = max(tops.get(middle, 0.0), bar.get_y() + bar.get_height())
    for place, group in enumerate(runs.groups):
        assert tops[place] == pytest.approx(100.0 * np.median(group.excess[:, 1]), rel=1e-6)


def test_an_open_width_leaves_intervals(runs):
    open_runs = cn.compare("relu", X, Y, **FEW, width_seconds=1e-9)
    (found,) = open_runs.width_solutions.values()
    assert found.status == "gap" and "open: " in str(open_runs)
    lower, upper = open_runs.width_bracket(2)
    proved = runs.width_solutions[2]
    assert lower <= proved.value * (1 + 1e-12) and proved.lower_bound <= upper * (1 + 1e-12)
    pytest.importorskip("matplotlib")
    legend = [text.get_text() for text in open_runs.plot().axes[1].get_legend().get_texts()]
    assert "not known whose" in legend


def test_without_the_optimum_of_the_width_it_is_as_before(unsplit):
    assert unsplit.width_solutions == {} and "above width" not in str(unsplit)
    assert "is not known: it was not asked for." in " ".join(str(unsplit).split())
    assert unsplit.width_bracket(2)[0] == unsplit.solution.lower_bound
    assert unsplit.width_excess(2)[0] == 0.0
    assert unsplit.to_dict()["widths"][0]["status"] == "not looked for"


@pytest.mark.parametrize(
    ("units", "given", "why"),
    [
        ("squared_relu", {}, "squared_relu units cannot have one"),
        ("relu", {"norm": "l1"}, "the norm 'l2' only"),
        ("relu", {"y": np.column_stack([Y, X[:, 0]])}, "it goes with one output"),
        ("relu", {"gap": 1e-300, "time_limit": 1e-9}, "the bracket of every width stayed open"),
    ],
)
def test_where_there_is_none_the_reason_is_told(units, given, why):
    options = FEW | {"optimizers": "adam", "widths": 1, "seeds": 1, "epochs": 2}
    runs = cn.compare(units, X, given.pop("y", Y), **options, **given)
    assert runs.width_solutions == {}
    assert runs.solution.units <= 1 or why in str(runs)


def test_ctrl_c_in_the_search_keeps_the_runs(runs, monkeypatch):
    """Before the search for a width has anything to hand back, and when it has."""

    def interrupted(*given, **options):
        raise KeyboardInterrupt

    def cut(*given, **options):
        found = runs.width_solutions[2]
        return replace(found, stats=found.stats | {"interrupted": True})

    for stopped, left in ((interrupted, set()), (cut, {1})):
        monkeypatch.setattr(optima, "solve_within", stopped)
        setting = comparison.Setting(
            objective=runs.objective, protocol=replace(runs.protocol, widths=(1, 2, 12))
        )
        found, early = optima.solve_widths(
            setting, runs.solution, runs.records, comparison.Budget()
        )
        assert early and set(found) == left


@pytest.mark.failure
@pytest.mark.parametrize("seconds", [-1, "long", np.nan])
def test_seconds_are_refused_before_any_work(seconds, monkeypatch):
    monkeypatch.setattr(comparison, "solve", None)
    with pytest.raises(InputError, match="width_seconds must be a"):
        cn.compare("relu", X, Y, **FEW, width_seconds=seconds)
