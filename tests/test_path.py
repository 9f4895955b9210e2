"""``cvxnet.path``: what it proves of every weight decay between two ends, and how it gets there."""

import csv
import json
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.losses import get_loss
from cvxnet.training import paths as door
from cvxnet.training.clock import now
from cvxnet.training.every_width import INTERRUPTED
from cvxnet.training.path import walk
from cvxnet.training.path.points import Bounds, Point, crossing, feasible

pytestmark = pytest.mark.interface

rng = np.random.default_rng(0)
X = rng.standard_normal((14, 2))
Y = np.abs(X[:, 0]) - 0.5 * X[:, 1] + 0.2 * rng.standard_normal(14)
LABELS = np.sign(Y - np.median(Y))
SEVERAL = np.column_stack([Y, X[:, 0] * X[:, 1]])
KINDS = {
    "squared": ("relu", Y, {}),
    "logistic": ("relu", LABELS, {"loss": "logistic", "output_bias": True}),
    "hinge": ("relu", LABELS, {"loss": "hinge"}),
    "absolute": ("abs", Y, {"loss": "absolute", "output_bias": True}),
    "huber": ("leaky_relu", Y, {"loss": "huber", "skip": True}),
    "convex": ("relu", Y, {"output_weights": "nonneg"}),
    "weighted": ("relu", Y, {"sample_weight": np.arange(1.0, 15.0)}),
    "sign": ("sign", Y, {}),
    "linear": ("linear", Y, {}),
    "selected": ("relu", Y, {"norm": "l1"}),
    "coordinate": ("coordinate", Y, {}),
    "quadratic": ("quadratic", Y, {"gap": 0.1}),
    "outputs": ("relu", SEVERAL, {"smallest": 0.3, "gap": 0.1}),
    "classes": ("relu", np.arange(14) % 3, {"loss": "cross_entropy", "smallest": 0.1}),
}


@pytest.fixture(scope="module")
def found():
    return cn.path("relu", X, Y, gap=0.03)


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_of_every_weight_decay_is_within_the_gap(kind):
    units, y, options = KINDS[kind]
    options = {"gap": 0.05, "smallest": 0.03} | options
    path = cn.path(units, X, y, **options)
    assert path.status == "optimal" and path.gap <= options["gap"], str(path)
    assert cn.check(path).valid, cn.check(path)
    about = {name: value for name, value in options.items() if name not in ("gap", "smallest")}
    for b in np.geomspace(path.low, path.high, 4)[1:3]:
        there, alone = path.at(b), cn.train(units, X, y, weight_decay=b, gap=1e-4, **about)
        assert there.gap <= path.gap + 1e-12
        assert there.lower_bound <= alone.value and alone.lower_bound <= there.value
        assert there.value * (1.0 - path.gap) <= alone.value * (1 + 1e-12)


def test_pieces_meet_and_a_certificate_serves_each(found):
    assert found.pieces[0].low == found.low == pytest.approx(0.01 * found.high)
    assert found.high == pytest.approx(cn.largest_weight_decay("relu", X, Y))
    assert all(one.high == other.low for one, other in pairwise(found.pieces))
    assert [piece.network for piece in found.pieces][::-1] == list(range(len(found.pieces)))
    assert list(found.weight_decays) == sorted(found.weight_decays, reverse=True)
    assert found.units[0] == 0 and list(found.points) and found.stats["stopped"] == door.COMPLETE
    penalties = [point.penalty for point in found.points]
    assert penalties == sorted(penalties)  # the derivative of a concave function falls


def test_brackets_at_the_ends_are_those_of_certificates(found):
    for piece in found.pieces[::2]:
        for b, lower, upper in zip(piece.ends, piece.lower, piece.upper, strict=True):
            alone = cn.train("relu", X, Y, weight_decay=b, gap=1e-8)
            assert lower <= alone.value and alone.lower_bound <= upper
            own = found.certificate.certificates[piece.network]
            value = cn.certify(found.networks[piece.network], X, Y, weight_decay=b, gap=0.9).value
            assert value == pytest.approx(upper, rel=1e-9) and own.weight_decay > 0.0


def test_beyond_its_ends_brackets_are_wider_but_true(found):
    for b in (0.3 * found.low, 3.0 * found.high):
        there, alone = found.at(b), cn.train("relu", X, Y, weight_decay=b)
        assert there.lower_bound <= alone.value and alone.lower_bound <= there.value
    assert found.at(3.0 * found.high).gap < 1e-9  # without units
    with pytest.raises(InputError, match="weight_decay"):
        found.at(0.0)


def test_a_smaller_gap_takes_more_certificates_and_few(found):
    loose = cn.path("relu", X, Y, gap=0.1)
    assert len(loose.weight_decays) < len(found.weight_decays) <= 10
    assert loose.stats["trainings"] <= 2 * len(loose.weight_decays)


def test_saved_and_loaded_it_is_the_same(found, tmp_path):
    file = tmp_path / "found.path.json"
    found.save(file)
    back = cn.Path.load(file)
    assert back.certificate.to_dict() == found.certificate.to_dict()
    assert back.status == "optimal" and "read from a file" in str(back)
    b = 0.1 * found.high
    assert (back.at(b).value, back.at(b).lower_bound) == (
        found.at(b).value,
        found.at(b).lower_bound,
    )
    found.save(file, embed_data=False)
    with pytest.raises(InputError, match="does not contain its data"):
        cn.Path.load(file)
    assert cn.Path.load(file, (X, Y)).gap == found.gap and cn.check(file, (X, Y)).valid


def test_it_shows_what_was_proved(found, tmp_path):
    text = str(found)
    assert text.startswith("optimal: for every weight decay from") and "trainings" in text
    assert "<Path optimal" in repr(found) and "<table>" in found._repr_html_()
    told = json.loads(json.dumps(found.to_dict()))
    assert told["status"] == "optimal" and len(told["pieces"]) == len(found.pieces)
    found.to_csv(tmp_path / "path.csv")
    with open(tmp_path / "path.csv") as file:
        lines = list(csv.DictReader(file))
    assert [float(line["low"]) for line in lines] == [piece.low for piece in found.pieces]


def test_out_of_time_it_says_what_is_left(monkeypatch):
    trained = []
    monkeypatch.setattr(walk, "now", lambda: now() + 1e9 * (len(trained) >= 3))
    path = cn.path("relu", X, Y, gap=0.01, time_limit=1e3, progress=trained.append)
    assert path.status == "gap" and path.asked < path.low < path.high
    assert path.stats["stopped"] == door.OUT_OF_TIME and "nothing from" in repr(path)
    assert path.gap <= 0.01 and cn.check(path).valid
    assert path.at(path.asked).gap > 0.01


def test_a_training_cut_short_by_the_time_limit_is_left_out(monkeypatch):
    train = walk.Walk.train
    short = []

    def hurried(self, weight_decay):
        train(self, weight_decay)
        if len(self.solutions) == 4:
            point = self.points[self.done + 1]
            poor = replace(point.certificate, v=0.0 * point.certificate.v, lower=0.0)
            self.points[self.done + 1] = replace(point, certificate=poor)
            short.append(point)

    monkeypatch.setattr(walk.Walk, "train", hurried)
    monkeypatch.setattr(walk, "now", lambda: now() + 1e9 * len(short))
    path = cn.path("relu", X, Y, gap=0.01, time_limit=1e3)
    assert path.stats["trainings"] == 4 and path.gap <= 0.01 and cn.check(path).valid


def test_where_trainings_do_not_close_pieces_say_so():
    wide = np.random.default_rng(1).standard_normal((30, 12))
    y = np.abs(wide[:, 0]) - np.abs(wide[:, 1]) + wide[:, 2] * wide[:, 3]
    path = cn.path("relu", wide, y, gap=1e-3, smallest=0.2, time_limit=2.0)
    assert path.status == "gap" and path.gap > 1e-3 and "asked for were 0.1 %" in repr(path)
    assert path.stats["stopped"] in (door.NOT_CLOSED, door.OUT_OF_TIME)
    there = path.at(0.5 * path.high)
    alone = cn.train("relu", wide, y, weight_decay=0.5 * path.high, time_limit=1.0)
    assert there.lower_bound <= alone.value and alone.lower_bound <= there.value


def test_interrupted_it_keeps_what_there_is():
    calls = []

    def listen(path):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt

    path = cn.path("relu", X, Y, gap=0.01, progress=listen)
    assert path.stats["stopped"] == INTERRUPTED and path.stats["trainings"] == 3
    assert all(isinstance(one, cn.Path) for one in calls) and cn.check(path).valid


@pytest.mark.parametrize(
    ("low", "gaps", "why"),
    [
        (2.0, [0.1], door.OUT_OF_TIME),
        (1.0, [0.1, 0.0], door.COMPLETE),
        (1.0, [0.2], door.NOT_CLOSED),
    ],
)
def test_it_says_why_it_ended(low, gaps, why):
    points = [SimpleNamespace(gap=gap) for gap in gaps]
    budget = SimpleNamespace(gap=0.1)
    assert (
        door.why_stopped(SimpleNamespace(low=low, lowest=1.0, points=points, budget=budget)) == why
    )


def test_bad_questions_are_refused_in_words():
    for smallest in (1.5, 0.0, "x"):
        with pytest.raises(InputError, match="smallest must be"):
            cn.path("relu", X, Y, smallest=smallest)
    with pytest.raises(InputError, match="largest"):
        cn.path("relu", X, Y, largest=-1.0)
    with pytest.raises(InputError, match="without hidden units the loss is as small"):
        cn.path("relu", X, X[:, 0], skip=True)
    with pytest.raises(UnsupportedError, match="one output"):
        cn.path("sign", X, SEVERAL)


def test_the_largest_weight_decay_may_be_given():
    path = cn.path("relu", X, Y, largest=2.0, smallest=0.5, gap=0.05)
    assert (path.low, path.high) == (1.0, 2.0) and path.status == "optimal"


def point(weight_decay, loss, penalty, v=None):
    certificate = SimpleNamespace(weight_decay=weight_decay, v=v, gap=0.0)
    return Point(certificate, loss, penalty)


def test_networks_are_level_where_they_cross():
    above, below = point(2.0, 4.0, 1.0), point(1.0, 2.5, 2.0)
    assert crossing(above, below) == 1.5 and above.upper(1.5) == below.upper(1.5)
    assert crossing(above, point(1.0, 4.0, 1.5)) == 1.0  # the first is nowhere worse
    assert crossing(point(2.0, 4.0, 2.0), point(1.0, 3.0, 1.0)) == 2.0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["squared", "logistic", "huber"]))
def test_mixtures_are_feasible_and_no_worse_than_either(seed, name):
    rng = np.random.default_rng(seed)
    loss, y = get_loss(name), rng.choice([-1.0, 1.0], 5)
    bounds = Bounds(loss, y)
    top, bottom = sorted(rng.uniform(0.1, 2.0, 2))[::-1]
    v, w = (loss.clip(rng.uniform(-1.0, 1.0, 5), y) for _ in range(2))
    above, below = point(top, 0.0, 0.0, v), point(bottom, 0.0, 0.0, w)
    b = rng.uniform(bottom, top)
    c, d = bounds.mixture(above, below, b)
    found = feasible([(0, c), (1, d)], [top, bottom], b)
    assert sum(Fraction(x) * Fraction((top, bottom)[i]) for i, x in found) <= Fraction(b)
    assert all(x >= 0.0 for _, x in found)
    s = (b - bottom) / (top - bottom)
    chord = s * bounds.value(v) + (1.0 - s) * bounds.value(w)
    assert bounds.between(above, below, b) >= chord - 1e-9


def test_its_picture_has_a_band_for_each_piece(found):
    pytest.importorskip("matplotlib")
    bracket, gap, networks, units = found.plot().axes
    shaded = [patch for patch in gap.patches if patch.get_zorder() == 0]
    assert len(shaded) == len(found.pieces) // 2
    drawn = gap.lines[0].get_ydata()
    assert np.nanmax(drawn) <= found.gap + 1e-9 and bracket.get_ylabel() == "objective"
    assert len(networks.lines) == len(units.lines) == len(found.pieces)
