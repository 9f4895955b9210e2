"""Pictures of verdicts: what is drawn is what was proved, in its place."""

from fractions import Fraction
from functools import cache
from itertools import product

import cvxpy as cp
import numpy as np
import pytest
from test_plots import check_layout, texts

import cvxnet as cn
from cvxnet.analysis.show import SYMBOLS
from cvxnet.errors import InputError
from cvxnet.plots import (
    counterexample_slice,
    derivation_rows,
    plot_counterexample,
    plot_derivation,
    save_figure,
)

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.interface

x = cp.Variable(2, name="x")
RING = cp.Problem(cp.Minimize(x[0]), [cp.norm(x) >= 1])


def two_layers(outputs=1, **last):
    return cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, outputs, **last))


DEEP = [layer for _ in range(4) for layer in (cn.Linear(8, 8), cn.Tanh())]
REFUTED = {
    "in the input": (two_layers(), {}),
    "given": (two_layers().load_state_dict(two_layers().state_dict()), {}),
    "two outputs": (two_layers(2), {"wrt": "weights"}),
    "a loss": (two_layers(), {"wrt": "weights", "loss": "logistic"}),
    "many layers": (cn.Sequential(*DEEP), {"wrt": "weights"}),
    "concave": (cp.sqrt(cp.abs(x[0])), {}),
    "dollars": (cp.multiply(*cp.Variable((2, 1), name="$a$")), {}),
}
"""What is asked. It is answered when a test needs it: all workers read this file, few run it."""
GOALS = ("convex", "concave")
WITNESSES = [*product(REFUTED, GOALS), ("a set", "convex")]


@cache
def verdict_of(name):
    thing, options = REFUTED[name]
    return cn.convexity(thing, **options)


def witness_of(name, goal):
    if name == "a set":
        return cn.convexity(RING).counterexample
    return verdict_of(name).counterexamples[goal]


@pytest.mark.parametrize(("name", "goal"), WITNESSES)
def test_the_curve_goes_through_what_was_verified(name, goal):
    witness = witness_of(name, goal)
    found, proved = counterexample_slice(witness), [witness.f_a, witness.f_middle, witness.f_b]
    k = len(found.t) // 2
    assert witness.verify()
    assert [found.t[0], found.t[k], found.t[-1]] == [0.0, 0.5, 1.0]
    assert [found.f_a, found.f_middle, found.f_b] == proved
    assert found.values[[0, k, -1]] == pytest.approx(proved, rel=1e-12, abs=1e-12)
    if witness.refutes == "set":
        assert max(proved[::2]) <= 0.0 < witness.f_middle
        return
    assert (found.rise > 0.0) == (witness.refutes == "convex") and found.rise != 0.0
    if witness.arithmetic == "rational":
        assert abs(found.rise) == pytest.approx(float(Fraction(witness.gap)))


def test_between_the_points_the_curve_is_the_network():
    witness = cn.convexity(two_layers(), "input").counterexample
    net = two_layers().load_state_dict(dict(witness.fixed))
    t = np.linspace(0.0, 1.0, 7)
    points = (1.0 - t)[:, None] * witness.a["x"] + t[:, None] * witness.b["x"]
    assert witness.along(t) == pytest.approx(net(points)[:, 0])


@pytest.mark.parametrize(("name", "goal"), WITNESSES)
def test_the_picture_of_a_counterexample(name, goal):
    witness = witness_of(name, goal)
    figure = plot_counterexample(witness)
    check_layout(figure)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "midpoint", "b"]
    said = " ".join(axes.get_title(loc="left").split())
    assert witness.refutes == "set" or witness.gap in said


@pytest.mark.parametrize("name", REFUTED)
def test_rows_are_the_tree_of_the_derivation(name):
    verdict = verdict_of(name)
    rows, steps = derivation_rows(verdict), verdict.derivation.steps
    assert rows[0].parent == -1 and rows[0].place == len(steps) - 1
    for number, row in enumerate(rows[1:], start=1):
        assert row.parent < number and rows[row.parent].depth < row.depth
    for row in rows:
        step = steps[row.place]
        assert (row.name, row.curvature, row.rule) == (step.name, step.curvature, step.rule)
        assert row.symbol == SYMBOLS[step.curvature]
    assert [row.place for row in rows if row.blamed] == [verdict.blame.place]


def test_nothing_is_blamed_for_what_is_convex():
    verdict = cn.convexity(two_layers(nonneg=True), "input")
    assert verdict.convex and not any(row.blamed for row in derivation_rows(verdict))
    figure = plot_derivation(verdict)
    assert figure.get_suptitle().startswith("CONVEX")
    assert not any("stop" in text for text in texts(figure))


@pytest.mark.parametrize("name", REFUTED)
@pytest.mark.parametrize("rules", [True, False])
def test_the_picture_of_a_derivation(name, rules, tmp_path):
    verdict = verdict_of(name)
    figure = plot_derivation(verdict, rules)
    check_layout(figure)
    written = texts(figure)
    assert sum("the rules stop here" in text for text in written) == 1
    for row in derivation_rows(verdict):
        assert any(row.symbol in t and row.name[:20].replace("$", r"\$") in t for t in written)
    save_figure(figure, tmp_path / "tree.svg")
    assert "the rules stop here" in (tmp_path / "tree.svg").read_text(encoding="utf-8")


@pytest.mark.failure
@pytest.mark.parametrize(
    ("draw", "thing", "words"),
    [
        (plot_counterexample, None, "a counterexample is drawn, not None"),
        (plot_counterexample, lambda: cn.convexity(x[0]), "verdict.counterexample is one"),
        (plot_derivation, None, "None has no derivation"),
        (plot_derivation, lambda: cn.convexity(RING), "the .parts of a verdict on a problem"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, thing, words):
    with pytest.raises(InputError, match=words):
        draw(thing() if callable(thing) else thing)
