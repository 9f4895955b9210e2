"""What docs/contributing/architecture.md says has to be touched for something new suffices.

A new activation is in test_new_activation.py, a new atom of the analysis in test_analysis_atoms.py.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.layers.layer import KINDS, Layer
from cvxnet.losses import LOSSES, Loss, Squared
from cvxnet.objective import FAMILIES
from cvxnet.proofs.checker import families, losses
from cvxnet.training.units import UNITS
from cvxnet.training.units.piecewise_linear import LeakyReLUUnits

ROOT = Path(__file__).parents[1]
X = np.random.default_rng(0).standard_normal((12, 2))
Y = np.sin(2.0 * X[:, 0]) + X[:, 1]


def test_the_places_that_the_map_names_are_there():
    text = (ROOT / "docs" / "contributing" / "architecture.md").read_text(encoding="utf-8")
    places = re.findall(r"`((?:cvxnet|tests|experiments)/[\w/.]+)`", text)
    assert len(places) > 20
    assert [place for place in places if not (ROOT / place).exists()] == []


class Double(Squared):
    """``(f - y)^2``: twice the squared loss."""

    name = "double"
    conjugate, best_scale = Loss.conjugate, Loss.best_scale  # the squared loss has shorter ones

    def formula(self, f, y, K):
        return K.number(2.0) * super().formula(f, y, K)

    def gradient(self, f, y):
        return 2.0 * super().gradient(f, y)

    def curvature(self, f, y):
        return 2.0 * super().curvature(f, y)

    def conjugate_inside(self, v, y):
        return 2.0 * super().conjugate_inside(v / 2.0, y)

    def conjugate_slope(self, v, y):
        return super().conjugate_slope(v / 2.0, y)

    def term_expressions(self, f, y):
        return 2.0 * super().term_expressions(f, y)

    def expression(self, f, y):
        return 2.0 * super().expression(f, y)

    def cone(self, y):
        cone = super().cone(y)
        return replace(cone, curvature=2.0 * cone.curvature)


def test_a_loss(monkeypatch):
    pytest.importorskip("torch")
    checked = losses.Loss(False, lambda q: q * q, lambda p: p * p / 4, None)
    monkeypatch.setitem(LOSSES, "double", Double())
    monkeypatch.setitem(losses.LOSSES, "double", checked)
    solution = cn.train("relu", X, Y, loss="double", weight_decay=0.2)
    assert solution.status == "optimal" and cn.check(solution).valid
    half = cn.train("relu", X, Y, weight_decay=0.1)
    assert solution.value == pytest.approx(2.0 * half.value, rel=1e-5)
    runs = cn.compare(
        "relu", X, Y, loss="double", weight_decay=0.2, optimizers=("lbfgs",), widths=(8,), seeds=2
    )
    assert runs.groups[0].excess.min() >= 0.0
    certificate = cn.certify(runs.solution.network, X, Y, loss="double", weight_decay=0.2)
    assert certificate.gap <= 1e-5


class TiltedUnits(LeakyReLUUnits):
    """LeakyReLU units under another name, with the option that they have."""

    name = "tilted"


class TiltedChecked(families.LeakyReLU):
    """The same for the checker."""


def test_a_unit_family_with_an_option(monkeypatch):
    monkeypatch.setitem(FAMILIES, "tilted", FAMILIES["leaky_relu"])
    monkeypatch.setitem(UNITS, "tilted", TiltedUnits)
    monkeypatch.setitem(families.UNITS, "tilted", TiltedChecked)
    solution = cn.train(cn.Family("tilted", slope=0.3), X, Y, weight_decay=0.1)
    assert solution.certificate.objective.units == cn.Family("tilted", slope=0.3)
    assert solution.status == "optimal" and cn.check(solution).valid
    known = cn.train(cn.Family("leaky_relu", slope=0.3), X, Y, weight_decay=0.1)
    assert solution.value == pytest.approx(known.value, rel=1e-9)
    program = cn.program(cn.Family("tilted", slope=0.3), X, Y, weight_decay=0.1)
    program.solve(solver="CLARABEL")
    assert program.value == pytest.approx(known.value, rel=1e-5)


def test_a_layer(tmp_path):
    class Times(Layer):
        """Rows times a number."""

        def __init__(self, number: float) -> None:
            super().__init__()
            self.number = number

        def forward(self, z):
            return self.number * z

    try:
        net = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), Times(3.0), cn.Linear(3, 1, nonneg=True))
        net.save(tmp_path / "net.json")
        loaded = cn.load(tmp_path / "net.json")
        assert (loaded(X) == net(X)).all() and loaded.children()["2"].number == 3.0
        assert cn.convexity(net, wrt="input").convex
        flipped = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), Times(-3.0), cn.Linear(3, 1))
        state = flipped.state_dict()
        flipped.load_state_dict(state | {"3.weight": np.ones((1, 3))})
        assert cn.convexity(flipped, wrt="input").convex is False
    finally:
        del KINDS["Times"]
