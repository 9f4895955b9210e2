"""Pictures: drawn for one, two and more features, claiming what was proved, never half-written."""

import sys

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.errors import InputError, MissingExtraError
from cvxnet.plots import kinks, plot_solution, save_figure
from cvxnet.plots.canvas import output_colors
from cvxnet.proofs.gaps import bracket_text

pytestmark = pytest.mark.interface


def solve(d=2, loss="squared", **options):
    rng = np.random.default_rng(d)
    X = rng.standard_normal((20, d))
    y = np.abs(X[:, 0]) + 0.1 * rng.standard_normal(20)
    y = np.where(y > np.median(y), 1.0, -1.0) if loss == "logistic" else y
    return cn.train("relu", X, y, loss=loss, weight_decay=0.1, gap=1e-3, **options)


@pytest.mark.parametrize(
    ("d", "bias", "labels"),
    [
        (1, True, ["u", "seconds"]),
        (2, True, ["u", "u", "", "seconds"]),
        (2, False, ["u", "u", "", "seconds"]),
        (3, False, ["seconds"]),
    ],
)
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_a_panel_for_each_thing_to_see(d, bias, labels, loss):
    figure = plot_solution(solve(d, loss, bias=bias), ["u", "v", "w"][:d], "z")
    assert sorted(axes.get_xlabel() for axes in figure.axes) == sorted(labels)
    assert figure.get_suptitle().startswith("Global optimum:")


def solve_several(d, loss, **options):
    rng = np.random.default_rng(d)
    X = rng.standard_normal((15, d))
    Y = np.column_stack([np.abs(X[:, 0]), X[:, -1], np.sin(2 * X.sum(axis=1))])
    if loss == "logistic":
        Y = np.where(np.median(Y, axis=0) < Y, 1.0, -1.0)
    if loss == "cross_entropy":
        Y = np.array(["low", "mid", "$high$"])[np.argsort(np.argsort(Y[:, 0])) // 5]
    settings = {"loss": loss, "weight_decay": 0.5, "gap": 1e-2, "time_limit": 20} | options
    return cn.train("relu", X, Y, **settings)


@pytest.mark.parametrize(
    ("d", "loss", "labels"),
    [
        (1, "squared", ["u", "seconds"]),
        (1, "logistic", ["u", "seconds"]),
        (1, "cross_entropy", ["u", "seconds"]),
        (2, "squared", ["u", "u", "u", "", "", "", "seconds", "", ""]),
        (2, "logistic", ["u", "u", "u", "", "", "", "seconds", "", ""]),
        (2, "cross_entropy", ["u", "seconds"]),
        (3, "cross_entropy", ["seconds"]),
    ],
)
def test_several_outputs_have_a_color_or_a_panel_each(d, loss, labels, tmp_path):
    solution = solve_several(d, loss)
    figure = plot_solution(solution, ["u", "v", "w"][:d], ["p", "q", "r"])
    assert sorted(axes.get_xlabel() for axes in figure.axes) == sorted(labels)
    save_figure(figure, tmp_path / "picture.png")
    if d < 3 and (d == 1 or loss == "cross_entropy"):
        told = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        classes = [r"\$high\$", "low", "mid"]
        assert told == (classes if loss == "cross_entropy" else ["p", "q", "r"])


def test_regions_are_those_of_the_largest_probability():
    solution = solve_several(2, "cross_entropy")
    axes = plot_solution(solution).axes[0]
    pixels, (left, right, low, high) = axes.images[0].get_array(), axes.images[0].get_extent()
    colors = output_colors(3)
    u, v = np.linspace(left, right, 400), np.linspace(low, high, 400)
    for i, j in np.random.default_rng(0).integers(0, 400, (200, 2)):
        best = int(solution.predict([[u[j], v[i]]])[0].argmax())
        mixed = 1.0 - np.asarray(pixels[i, j])  # white mixed with the color of the class
        assert np.allclose(mixed / mixed.max(), (1.0 - colors[best]) / (1.0 - colors[best]).max())


def test_degenerate_solutions_of_several_outputs_can_be_drawn(tmp_path):
    X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0], [2.0, 2.0]])
    flat = np.column_stack([np.full(4, 3.0), np.zeros(4)])
    for d in (1, 2):
        for rows in (1, 4):
            solution = cn.train("relu", X[:rows, :d], flat[:rows], weight_decay=0.1, gap=1e-3)
            save_figure(plot_solution(solution), tmp_path / "picture.png")
        empty = cn.train("relu", X[:, :d], [0, 1, 0, 1], loss="cross_entropy", weight_decay=1e3)
        assert empty.units == 0 and "0 hidden units" in plot_solution(empty).axes[0].get_title(
            "left"
        )
    many = cn.train("coordinate", X, np.arange(60.0).reshape(4, 15), weight_decay=1.0, gap=1e-3)
    titles = [axes.get_title(loc="left") for axes in plot_solution(many).axes]
    assert "the bracket closes (drawn: 11 of 15 outputs)" in titles
    letters = list("abcdefghijkl")
    wide = np.arange(24.0).reshape(12, 2)
    plot_solution(cn.train("coordinate", wide, letters, loss="cross_entropy", weight_decay=1.0))


def test_the_title_claims_no_optimum_that_was_not_proved():
    solution = solve(time_limit=1e-9)
    assert solution.status == "gap"
    assert plot_solution(solution).get_suptitle().startswith("Best network so far:")


def test_the_zero_network_can_be_drawn():
    X, y = np.array([[-1.0], [0.0], [1.0]]), np.array([1.0, 0.0, 2.0])
    solution = cn.train("relu", X, y, weight_decay=100.0)
    assert len(kinks(solution)[0]) == 0
    assert "0 hidden units" in plot_solution(solution).axes[0].get_title(loc="left")


@pytest.mark.parametrize("y", [[3.0, 3.0, 3.0], [0.0, 0.0, 0.0], [1e9, 1e9, 1e9 + 1e-6]])
@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("d", [1, 2])
def test_a_constant_target_can_be_drawn(y, rows, d):
    X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]])[:rows, :d] + 0.5
    solution = cn.train("relu", X, y[:rows], weight_decay=0.1, output_bias=True)
    assert plot_solution(solution, ["u", "v"][:d], "z").get_suptitle().startswith("Global optimum:")


def test_the_ends_of_a_bracket_are_told_apart_and_stay_true():
    rng = np.random.default_rng(0)
    for upper in np.exp(rng.uniform(-10, 10, 200)):
        lower = upper * (1.0 - 10.0 ** rng.uniform(-14, 0))
        low, high = map(float, bracket_text(lower, upper))
        assert low <= lower < upper <= high
        assert high - low <= 1.2 * (upper - lower) + 2e-3 * (upper - lower > 1e-3)
    assert bracket_text(1.5, 1.5) == ("1.500", "1.500")


def test_wrong_names_are_refused():
    with pytest.raises(InputError, match="expected 2 names"):
        plot_solution(solve(), ["only one"])
    with pytest.raises(InputError, match="expected 3 names, one an output"):
        plot_solution(solve_several(2, "squared"), target=["only", "two"])
    with pytest.raises(InputError, match="expected 1 names, one an output"):
        plot_solution(solve(), target=["one", "two"])


def test_a_picture_is_written_whole_or_not_at_all(tmp_path):
    figure = plot_solution(solve(1))
    save_figure(figure, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="cannot be written"):
        save_figure(figure, tmp_path / "picture.nonsense")
    with pytest.raises(InputError, match="cannot be written"):
        save_figure(figure, tmp_path / "nowhere" / "picture.png")
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    solution = solve(1)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cvxnet\[demo\]'"):
        plot_solution(solution)
