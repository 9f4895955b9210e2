"""What a notebook or a terminal shows of each thing: short, true, and safe whatever names say."""

import io
from dataclasses import replace
from xml.etree import ElementTree

import cvxpy as cp
import numpy as np
import pytest
from rich.console import Console

import cvxnet as cn
from cvxnet.plots import plot_optimal_set, plot_solution, save_figure
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.optimal_set import optimal_set

pytestmark = pytest.mark.interface

X, Y = np.array([[-1.0], [0.5], [1.0]]), np.array([1.0, 0.0, 2.0])
SOLUTION = cn.train("relu", X, Y, weight_decay=0.1)
GATED = cn.Family("gated_relu", gates=[[1.0], [-1.0]])
LINE = 100
HOSTILE = ["<script>alert(1)</script>", "a & b", '"quoted"', "[bold]x[/]", "[/nothing]", "$\\frac$"]


class Renamed:
    """Stands for a network whose description is hostile."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name


def things():
    return [
        SOLUTION,
        SOLUTION.certificate,
        SOLUTION.network,
        cn.certify(SOLUTION.network, X, Y, weight_decay=0.1),
        cn.check(SOLUTION.certificate.to_dict()),
        optimal_set(SOLUTION),
        cn.Family("leaky_relu", slope=0.1),
        cn.convexity(SOLUTION.network),
        (refuted := cn.convexity(cp.multiply(*cp.Variable((2, 1))))),
        refuted.counterexample,
        refuted.derivation,
        refuted.blame,
        SOLUTION.objective,
        cn.decompose(cn.train(GATED, X, Y, weight_decay=0.1, bias=False)),
        cn.parametrize(SOLUTION.network, cp.Variable(1)),
    ]


def test_every_repr_is_one_line():
    for thing in things():
        assert "\n" not in repr(thing) and len(repr(thing)) <= LINE, repr(thing)
        assert "array(" not in repr(thing)


def test_comparisons_fit_a_line():
    pytest.importorskip("torch")
    runs = cn.compare("relu", X, Y, weight_decay=0.1, widths=3, seeds=2, epochs=3)
    assert "\n" not in repr(runs) and len(repr(runs)) <= LINE + 20
    assert repr(runs).startswith("<Runs: 6 by sgd, adam, lbfgs; <Solution")


def test_reprs_tell_the_bracket():
    lower, upper = bracket_text(SOLUTION.lower_bound, SOLUTION.value)
    for thing in (SOLUTION, SOLUTION.certificate, optimal_set(SOLUTION)):
        assert repr(thing).startswith(f"<{type(thing).__name__} ")
    for text in (repr(SOLUTION), repr(SOLUTION.certificate)):
        assert f"{lower} <= optimum <= {upper}" in text
    assert "optimal" in repr(SOLUTION) and "Linear(1, 2)" in SOLUTION._repr_html_()
    assert "claims" in repr(SOLUTION.certificate)


def test_html_is_well_formed_and_says_what_the_text_says():
    narrow = cn.Sequential(cn.Linear(1, 1), cn.ReLU(), cn.Linear(1, 1))
    for thing in (SOLUTION, cn.certify(narrow, X, Y, weight_decay=0.1)):
        root = ElementTree.fromstring(thing._repr_html_().replace("<br>", "<br/>"))
        shown = "".join(root.itertext())
        for part in str(thing).split("; "):
            assert part in shown


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_as_they_are(name):
    html = replace(SOLUTION, network=Renamed(name))._repr_html_()
    root = ElementTree.fromstring(html.replace("<br>", "<br/>"))
    assert [node.tag for node in root.iter()] == ["div", "br", "small"]
    assert root.find("small").text == name
    verdict = cn.convexity(cp.square(cp.Variable(name=name)))
    assert "<script" not in verdict._repr_html_() and "<script" not in verdict.to_svg()
    assert name in str(verdict)
    printed = io.StringIO()
    Console(file=printed, width=200, color_system=None).print(verdict)
    assert name in printed.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_drawn_as_they_are(name, tmp_path):
    pytest.importorskip("matplotlib")
    for draw in (plot_solution, plot_optimal_set):
        figure = draw(SOLUTION, [name], name)
        save_figure(figure, tmp_path / "picture.svg")
        assert figure.axes[0].get_ylabel() == name.replace("$", r"\$")
