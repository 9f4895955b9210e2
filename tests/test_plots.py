"""Pictures: everything in its place, claiming what was proved, never half-written."""

import re
import sys
from dataclasses import replace
from functools import partial
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.data.preparation import Preparation, Scaling
from cvxnet.errors import InputError, MissingExtraError
from cvxnet.losses import get_loss
from cvxnet.objective import Form, Objective, Weights, network_of
from cvxnet.plots import count_units, kinks, plot_optimal_set, plot_solution, save_figure
from cvxnet.plots.maps import PIXELS
from cvxnet.plots.style import COLORS, MARKERS, color_of, marker_of, output_colors, rising_map
from cvxnet.plots.weights import MINUS
from cvxnet.proofs.certificate import Certificate
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.solution import Solution

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.interface

LONG = "the number of rooms in the house, as it was counted by the city in the year 1990"
HISTORY = [(0.1, 0.0, 9.0, 1), (0.5, 4.0, 6.0, 2)]


def made(X, y, units="relu", loss="squared", m=3, status="optimal", value=5.0, **options):
    """A solution that nobody trained: m random units, and a bracket as if it had been proved."""
    there, m = m > 0, max(m, 1)  # a network has one unit at least, which may do nothing
    rng = np.random.default_rng(0)
    form = Form(options.pop("bias", True), options.pop("output_bias", False))
    objective = Objective(
        **{"units": units, "X": X, "y": y, "loss": get_loss(loss), "weight_decay": 0.1},
        **{"form": form} | options,
    )
    X, several = objective.X, () if objective.outputs == 1 else (objective.outputs,)
    spread = np.where(np.ptp(X, axis=0) > 0.0, X.std(axis=0), 1.0)
    W = rng.standard_normal((m, X.shape[1])) / spread
    if units == "coordinate":
        W = np.eye(m, X.shape[1])
    b = rng.standard_normal(m) - W @ X.mean(axis=0) if objective.form.bias else None
    a = there * rng.standard_normal((m, *several))
    c = np.ones(several)[()] if form.output_bias else None
    weights = Weights(W=W, b=b, a=np.abs(a) if "output_weights" in options else a, c=c)
    certificate = Certificate(
        **{"objective": objective, "weights": weights, "v": 0.01 * np.ones(objective.y.shape)},
        **{"lower": value - 1e-3, "upper": value},
    )
    return Solution(
        **{"status": status, "value": value, "lower_bound": value - 1e-3, "closed_by": "gap"},
        **{"tolerance": 0.0, "certificate": certificate},
        network=network_of(objective.units, weights, objective.output_weights),
        stats={"seconds": 1.25, "history": HISTORY},
    )


def data(d, n=24, seed=0):
    X = np.random.default_rng(seed).standard_normal((n, d))
    return X, np.abs(X[:, 0]) + X[:, -1]


def sided(y):
    return np.where(y > np.median(y), 1.0, -1.0)


def labels(n, classes):
    return np.array([f"class {k}" for k in range(classes)])[np.arange(n) % classes]


def laid_out(figure):
    """The figure with everything in its place."""
    figure.set_dpi(40)
    figure.draw_without_rendering()
    return figure


def texts(figure):
    """Everything that is written on a figure."""
    from matplotlib.text import Text

    return [t.get_text() for t in figure.findobj(Text) if t.get_visible() and t.get_text()]


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def headings(figure):
    """Titles and labels of axes, the headline and the notes: what must not lie upon one another."""
    for axes in figure.axes:
        parts = [axes._left_title]
        parts += [axes.xaxis.label, axes.yaxis.label]
        yield from (part for part in parts if part.get_text() and axes.axison)
    yield from (t for t in (figure._suptitle, figure._supxlabel) if t is not None and t.get_text())


def check_layout(figure):
    """Everything drawn is inside the figure, and no heading covers another."""
    laid_out(figure)
    frame = figure.bbox
    drawn = [axes.get_tightbbox(for_layout_only=True) for axes in figure.axes]
    boxes = [part.get_window_extent() for part in headings(figure)]
    for box in (box for box in [*drawn, *boxes] if box is not None):
        assert box.x0 >= frame.x0 - 3 and box.x1 <= frame.x1 + 3, (box, texts(figure))
        assert box.y0 >= frame.y0 - 3 and box.y1 <= frame.y1 + 3, (box, texts(figure))
    for one, other in combinations(boxes, 2):
        wide = min(one.x1, other.x1) - max(one.x0, other.x0)
        high = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert wide <= 1 or high <= 1, [t.get_text() for t in headings(figure)]


def cases():
    """How to make solutions of every kind, and what `plot_solution` is given beside them."""
    (X1, y), (X2, _), (X3, _) = data(1), data(2), data(3)
    Y, long = np.column_stack([y, 1e3 * y, np.sin(y)]), {"classes": ["no", LONG]}
    named = {"target": ["a", LONG, "größe"]}
    far = X2.copy()
    far[0] = [500.0, -900.0]
    yield "classes of one feature", partial(made, X1, sided(y), loss="logistic"), long
    yield "outputs of one feature", partial(made, 1e9 * X1 + 1e10, 1e9 * Y), named
    yield "a sample", partial(made, X1[:1], y[:1]), {}
    many = partial(made, np.tile(X2, (4, 1)), labels(96, 40), loss="cross_entropy")
    yield "40 classes", many, {"feature_names": [LONG, LONG]}
    yield "surface", partial(made, far, 1e9 * y, units="sign"), {"target": LONG}
    yield "surfaces", partial(made, X2, Y, status="gap", value=2000.0), named
    yield "constant", partial(made, X2, np.full(24, 3.0), m=0), {}
    yield "two classes", partial(made, X3, sided(y), loss="logistic"), long
    many = partial(made, np.tile(X3, (4, 1)), labels(96, 40), loss="cross_entropy")
    yield "40 classes of many features", many, {}
    yield "outputs of many features", partial(made, X3, Y), named
    sides = partial(made, X3, np.where(Y > 1.0, 1.0, -1.0), loss="logistic", m=0)
    yield "sides, no units", sides, named
    wide = partial(made, *data(200), m=33, output_weights="nonneg")
    yield "200 features", wide, {"feature_names": ["x" * 60] * 200}


CASES = {name: (make, given) for name, make, given in cases()}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_cut_off_and_no_heading_covers_another(name):
    make, given = CASES[name]
    solution = make()
    figure = plot_solution(solution, **given)
    check_layout(figure)
    words = "Global optimum:" if solution.status == "optimal" else "Best network so far:"
    told = " ".join(figure.get_suptitle().split())
    assert told.startswith(words) and told.endswith(f"(relative gap {solution.gap:.1e})")
    assert any(axes.get_xlabel() == "seconds" for axes in figure.axes)


@pytest.mark.parametrize("d", [1, 2])
def test_classes_are_told_apart_by_marker_color_and_name(d):
    X, y = data(d)
    for solution, given, names in (
        (made(X, sided(y), loss="logistic"), ["benign", "$bad$"], ["benign", r"\$bad\$"]),
        (made(X, sided(y), loss="hinge"), None, ["-1", "+1"]),
        (made(X, labels(24, 3), loss="cross_entropy"), None, [f"class {k}" for k in range(3)]),
    ):
        figure = plot_solution(solution, classes=given)
        assert set(names) <= set(texts(figure))
        told = [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
        assert told == names
        samples = [
            line
            for line in figure.axes[0].get_lines()
            if line.get_marker() in MARKERS and len(line.get_xdata())
        ]
        looks = {(line.get_marker(), line.get_markerfacecolor()) for line in samples}
        assert looks == {(marker_of(k), color_of(k)) for k in range(len(names))}
        assert sum(len(line.get_xdata()) for line in samples) == len(X)


def test_regions_are_those_of_the_largest_probability():
    solution = made(data(2)[0], labels(24, 3), loss="cross_entropy")
    axes = plot_solution(solution).axes[0]
    pixels, (left, right, low, high) = axes.images[0].get_array(), axes.images[0].get_extent()
    colors = output_colors(3)
    u, v = np.linspace(left, right, PIXELS), np.linspace(low, high, PIXELS)
    for i, j in np.random.default_rng(0).integers(0, PIXELS, (200, 2)):
        best = int(solution.predict([[u[j], v[i]]])[0].argmax())
        mixed = 1.0 - np.asarray(pixels[i, j])  # white mixed with the color of the class
        assert np.allclose(mixed / mixed.max(), (1.0 - colors[best]) / (1.0 - colors[best]).max())


# --- the style

LMS = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]])
LAB = np.array([[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])
DEUTERANOPIA = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
PROTANOPIA = np.array([[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]])


def perceived(colors, deficiency=None):
    """Colors in OKLab as people with a deficiency see them (Machado and others 2009)."""
    rgb = np.asarray(colors)[..., :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    if deficiency is not None:
        linear = np.clip(linear @ deficiency.T, 0.0, 1.0)
    return np.cbrt(linear @ LMS.T) @ LAB.T


@pytest.mark.parametrize("deficiency", [None, DEUTERANOPIA, PROTANOPIA])
def test_colors_are_told_apart_with_every_color_vision(deficiency):
    seen = perceived(output_colors(len(COLORS)), deficiency)
    distances = [np.linalg.norm(p - q) for p, q in combinations(seen, 2)]
    assert min(distances) > 0.07
    assert min(np.linalg.norm(p - q) for p, q in combinations(seen[:2], 2)) > 0.2


def test_in_grey_the_map_rises_and_two_classes_differ():
    lightness = perceived(rising_map().colors)[:, 0]
    assert (np.diff(lightness) > 0.0).all() and np.ptp(lightness) > 0.4
    assert np.diff(np.sort(perceived(output_colors(2))[:, 0]))[0] > 0.15


def test_sixty_classes_have_looks_of_their_own():
    assert len({(color_of(k), marker_of(k)) for k in range(60)}) == 60


def test_svg_files_are_xml_with_text_and_always_the_same(tmp_path):
    solution = made(*data(1))
    for ending in ("svg", "png"):
        for name in ("one", "two"):
            figure = plot_solution(solution, ["a < b & c"], "größe $x$ 价格")
            figure.set_size_inches(6.0, 3.0)
            save_figure(figure, tmp_path / f"{name}.{ending}")
        first, second = (tmp_path / f"{name}.{ending}" for name in ("one", "two"))
        assert first.read_bytes() == second.read_bytes()
    written = "".join(ElementTree.parse(tmp_path / "one.svg").getroot().itertext())
    assert "größe" in written and "a < b & c" in written and "Global optimum" in written
    assert "date" not in (tmp_path / "one.svg").read_text().lower().replace("update", "")


# --- views


def test_one_sample_far_out_does_not_squeeze_the_others():
    X, y = data(1, 40)
    X[3], y[7] = 1e4, -1e5
    figure = laid_out(plot_solution(made(X, y)))
    axes = figure.axes[0]
    assert axes.get_xlim()[1] < 10.0 and axes.get_ylim()[0] > -50.0
    hollow = [line for line in axes.get_lines() if line.get_markerfacecolor() == "white"]
    beyond = sum(len(line.get_xdata()) for line in hollow)
    assert 2 <= beyond < 10
    assert f"{beyond} of 40 samples (hollow, at its edge)" in figure._supxlabel.get_text()


def test_a_kink_far_out_is_counted_and_not_drawn():
    X, y = data(1)
    solution = made(X, y)
    weights = solution.certificate.weights
    weights = replace(weights, b=np.array([1e6, *weights.b[1:]]))
    certificate = replace(solution.certificate, weights=weights)
    solution = replace(solution, certificate=certificate)
    figure = plot_solution(solution)
    assert figure.axes[0].get_xlim()[1] < 10.0
    assert re.search("[12] of 3 kinks", figure._supxlabel.get_text())


@pytest.mark.parametrize(("units", "d"), [("tanh", 1), ("coordinate", 1), ("tanh", 2)])
def test_units_without_kinks_are_not_said_to_have_any(units, d):
    title = titles(plot_solution(made(*data(d), units=units, m=d)))[0]
    assert "kink" not in title and "dashed" not in title and "data" in title
    assert len(kinks(made(*data(d), units=units, m=d))[0]) == 0


def test_units_with_steps_are_said_to_have_steps():
    assert "steps (dashed)" in titles(plot_solution(made(*data(1), units="sign", m=9)))[0]


def test_the_gap_is_told_as_it_ended():
    closed = titles(plot_solution(made(*data(1))))[-1]
    assert " ".join(closed.split()).endswith("2.0e-04 after 1.2 s, closed")
    open_ = replace(made(*data(1), status="gap", value=2000.0), lower_bound=4.0)
    assert "0.998" in titles(plot_solution(open_))[-1]
    assert titles(plot_solution(open_))[-1].endswith("not closed")


def test_the_surface_in_space_has_a_scale():
    figure = laid_out(plot_solution(made(*data(2)), target="price"))
    (solid,) = (axes for axes in figure.axes if axes.name == "3d")
    assert "upward: price" in " ".join(solid.get_title(loc="left").split())
    assert any(t.get_text() for t in solid.get_zticklabels())


# --- many features


def test_weights_are_shown_by_feature_in_standard_deviations():
    X, y = data(4)
    X[:, 1] *= 100.0
    solution = made(X, y, m=40)
    figure = plot_solution(solution, ["a", "b", "c", "d"])
    (heat,) = (axes for axes in figure.axes if axes.images and axes.get_xlabel().startswith("hid"))
    names = [t.get_text() for t in heat.get_yticklabels()]
    weights = solution.certificate.weights
    order = np.argsort(-np.abs(weights.a))[:30]
    shown = np.asarray(heat.images[0].get_array())
    assert shown.shape == (5, 30) and sorted(names) == ["a", "at the mean", "b", "c", "d"]
    for row, name in zip(shown, names, strict=True):
        if name != "at the mean":
            j = "abcd".index(name)
            assert row == pytest.approx((weights.W[:, j] * X[:, j].std())[order])
    minus = [t for t in heat.texts if t.get_text() == MINUS]
    assert all(shown[int(t.get_position()[1]), int(t.get_position()[0])] < 0.0 for t in minus)
    assert "30 of 40 units" in figure._supxlabel.get_text()


def test_confusion_counts_every_sample_once():
    X = data(3, 30)[0]
    solution = made(X, labels(30, 3), loss="cross_entropy")
    (axes,) = (a for a in plot_solution(solution).axes if a.get_xlabel() == "predicted class")
    counts = np.array([int(t.get_text()) for t in axes.texts]).reshape(3, 3)
    assert counts.sum(axis=1).tolist() == [10, 10, 10]
    right = (solution.predict(X).argmax(axis=1) == np.arange(30) % 3).sum()
    assert np.trace(counts) == right and f"{right} of 30" in axes.get_title(loc="left")


def test_predictions_stand_beside_targets():
    solution = made(*data(3))
    axes = next(a for a in plot_solution(solution).axes if a.get_ylabel() == "prediction")
    x, y = axes.get_lines()[1].get_data()
    assert x.tolist() == solution.objective.y.tolist()
    assert y == pytest.approx(solution.predict(solution.objective.X))
    error = ((x - y) ** 2).sum() / ((x - x.mean()) ** 2).sum()
    assert f"{1.0 - error:.2f}" in axes.get_title(loc="left")


def test_averages_are_those_over_all_samples_and_stay_in_their_band():
    """Four points and a unit for each side of two equal columns: many optimal networks."""
    X = np.array([[-2.0, -2.0, 0.0], [0.0, 0.0, 1.0], [2.0, 2.0, 0.0], [1.0, 1.0, 1.0]])
    solution = cn.train("relu", X, [3.0, 2.0, 3.0, 2.0], weight_decay=0.01, gap=1e-9)
    figure = plot_solution(solution, ["a", "b", "c"])
    note = figure._supxlabel.get_text()
    panel = next(axes for axes in figure.axes if axes.get_xlabel() in "abc" and axes.get_xlabel())
    j = "abc".index(panel.get_xlabel())
    x, drawn = panel.get_lines()[0].get_data()
    for value, average in zip(x, drawn, strict=True):
        changed = X.copy()
        changed[:, j] = value
        assert average == pytest.approx(solution.predict(changed).mean())
    assert "optimal networks" in note
    if "Shaded" in note:
        (band,) = panel.collections
        for value, average in zip(x, drawn, strict=True):
            ys = [p[1] for p in band.get_paths()[0].vertices if abs(p[0] - value) < 1e-9]
            assert min(ys) - 1e-6 <= average <= max(ys) + 1e-6


# --- names and units


@pytest.mark.parametrize("d", [1, 2, 3])
def test_axes_are_in_the_units_of_the_user(d):
    raw, y = data(d)
    raw = 40.0 + 10.0 * raw
    mean, scale = raw.mean(axis=0), raw.std(axis=0)
    solution = made((raw - mean) / scale, y)
    figure = plot_solution(solution, scale=(mean, scale))
    axes = next(axes for axes in figure.axes if axes.get_xlabel().startswith("feature"))
    assert 0.0 < axes.get_xlim()[0] < axes.get_xlim()[1] < 80.0
    if d == 1:
        line = next(line for line in axes.get_lines() if len(line.get_xdata()) > 500)
        x = np.asarray(line.get_xdata())[:, None]
        assert line.get_ydata() == pytest.approx(solution.predict((x - mean) / scale))
        W, b = kinks(solution)
        places = sorted((-b / W[:, 0] * scale + mean).tolist())
        dashed = [ln.get_xdata()[0] for ln in axes.get_lines() if len(ln.get_xdata()) == 2]
        assert set(np.round(dashed, 6)) <= set(np.round(places, 6)) and dashed


def test_names_and_units_come_with_the_certificate():
    X, y = data(1)
    solution = made(X, sided(y), loss="logistic")
    preparation = Preparation(
        features=("age",),
        targets=("smokes",),
        classes=("no", "yes"),
        scaling=Scaling(mean=(40.0,), variance=(100.0,)),
    )
    certificate = solution.certificate.prepared_by(preparation)
    axes = plot_solution(replace(solution, certificate=certificate)).axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("age", "probability of yes")
    assert axes.get_xlim()[0] > 0.0
    assert plot_solution(solution, ["age"]).axes[0].get_ylabel() == "probability of +1"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"feature_names": ["only one"]}, "expected 2 names"),
        ({"target": ["one", "two"]}, "expected 1 names, one an output"),
        ({"classes": ["a", "b"]}, "y is numbers: leave it out"),
        ({"scale": ([0.0], [1.0])}, r"expected \(2,\) each"),
        ({"scale": ([0.0, 0.0], [1.0, 0.0])}, "must be above 0"),
        ({"scale": [1.0]}, "the pair"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises(InputError, match=message):
        plot_solution(made(*data(2)), **given)


def test_wrong_numbers_of_outputs_and_classes_are_refused():
    X, y = data(2)
    several = made(X, np.column_stack([y, y, y]))
    with pytest.raises(InputError, match="expected 3 names, one an output"):
        plot_solution(several, target=["only", "two"])
    with pytest.raises(InputError, match="expected 2 labels"):
        plot_solution(made(X, sided(y), loss="logistic"), classes=["a", "b", "c"])


# --- claims and files


def test_the_title_claims_no_optimum_that_was_not_proved():
    figure = plot_solution(made(*data(3), status="gap"))
    assert figure.get_suptitle().startswith("Best network so far:")
    assert "optimal" not in " ".join(texts(figure))


def test_a_network_without_units_says_so():
    X, y = data(3)
    for d in (1, 2, 3):
        figure = plot_solution(made(X[:, :d], y, m=0))
        assert any("hidden units" in text for text in texts(figure))
    assert count_units(made(X, y, m=0)) == "0 hidden units"
    assert len(kinks(made(X, y, m=0))[0]) == 0
    assert "There are no hidden units" in " ".join(" ".join(texts(figure)).split())


def test_the_ends_of_a_bracket_are_told_apart_and_stay_true():
    rng = np.random.default_rng(0)
    for upper in np.exp(rng.uniform(-10, 10, 200)):
        lower = upper * (1.0 - 10.0 ** rng.uniform(-14, 0))
        low, high = map(float, bracket_text(lower, upper))
        assert low <= lower < upper <= high
        assert high - low <= 1.2 * (upper - lower) + 2e-3 * (upper - lower > 1e-3)
    assert bracket_text(1.5, 1.5) == ("1.500", "1.500")


def test_a_picture_is_written_whole_or_not_at_all(tmp_path):
    figure = plot_solution(made(*data(1)))
    save_figure(figure, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="cannot be written"):
        save_figure(figure, tmp_path / "picture.nonsense")
    with pytest.raises(InputError, match="cannot be written"):
        save_figure(figure, tmp_path / "nowhere" / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    solution = made(*data(1))
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cvxnet\[demo\]'"):
        plot_solution(solution)


# --- all optimal networks


def test_the_optimal_set_is_explained_and_laid_out():
    X = np.array([[-2.0], [0.0], [2.0]])
    one = cn.train("relu", X, [3.0, 2.0, 3.0], weight_decay=0.1, skip=True, gap=1e-10)
    two = made(*data(2, 8))
    for solution in (one, two):
        figure = plot_optimal_set(solution)
        check_layout(figure)
        assert "can be part of an optimal network" in " ".join(figure._supxlabel.get_text().split())
