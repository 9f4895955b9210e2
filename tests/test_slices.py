"""Slices and surfaces: the function as it is, its chord, and the order of units along a line."""

from itertools import permutations

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.baselines.networks import value_of_network
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.objective import in_order, match_units, mix
from cvxnet.plots import (
    plot_slice,
    plot_surface,
    slice_between,
    slice_between_networks,
    surface_over,
)

rng = np.random.default_rng(0)
X = rng.standard_normal((7, 2))
Y = np.abs(X[:, 0]) + X[:, 1]


def drawn(width, seed=0, **options):
    """A network with random weights."""
    net = cn.Sequential(cn.Linear(2, width), cn.ReLU(), cn.Linear(width, 1, **options))
    random = np.random.default_rng(seed)
    return net.load_state_dict(
        {name: random.standard_normal(w.shape) for name, w in net.state_dict().items()}
    )


def vector(network):
    return np.concatenate([w.ravel() for w in network.state_dict().values()])


# --------------------------------------------------------------- slices


@pytest.mark.parametrize("power", [1, 2, 4])
def test_no_chord_of_a_convex_function_is_below_it(power):
    for _ in range(20):
        a, b = rng.standard_normal((2, 3))
        found = slice_between(lambda rows: (np.abs(rows) ** power).sum(axis=1), a, b, points=31)
        inside = found.f_a + found.t * (found.f_b - found.f_a)
        assert (found.values <= inside + 1e-12).all() and found.rise <= 0.0
        assert found.barrier == 0.0


def test_a_slice_has_the_values_of_the_function():
    a, b = np.array([1.0, -2.0]), np.array([3.0, 5.0])
    found = slice_between(lambda rows: rows[:, 0] * rows[:, 1], a, b, beyond=0.5, points=11)
    points = a + found.t[:, None] * (b - a)
    assert found.values == pytest.approx(points[:, 0] * points[:, 1])
    assert (found.t[0], found.t[-1]) == (-0.5, 1.5) and {0.0, 0.5, 1.0} <= {*found.t}
    # Of a quadratic form with the matrix Q the midpoint is (b - a)' Q (b - a) / 4 below the chord.
    assert found.rise == pytest.approx(-0.25 * np.prod(b - a))


def test_rounding_is_no_rise():
    found = slice_between(lambda rows: 0.1 * rows[:, 0] + 1e8, 0.1, 0.7)
    assert found.rise == 0.0


@pytest.mark.failure
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"b": [1.0, 2.0]}, "two points of one space"),
        ({"b": [np.nan]}, r"b\[0\] is nan"),
        ({"points": 2}, "points is 2"),
        ({"beyond": -1.0}, "beyond is -1.0"),
        ({"function": lambda rows: 1.0 / rows[:, 0]}, "a chord is there only where"),
        ({"function": lambda rows: 0.0}, "1 values for"),
    ],
)
def test_what_is_no_slice_is_refused(options, words):
    arguments = {"function": lambda rows: rows[:, 0], "a": [0.0], "b": [1.0]} | options
    with pytest.raises(InputError, match=words):
        slice_between(**arguments)


# --------------------------------------------------------------- networks on a line


def test_the_objective_along_a_line_is_that_of_the_networks_on_it():
    one, other = drawn(3), drawn(3, 1)
    found = slice_between_networks(one, other, X, Y, weight_decay=0.3, points=5)
    for t, value in zip(found.t, found.values, strict=True):
        net = mix(one, other, t)
        assert vector(net) == pytest.approx((1 - t) * vector(one) + t * vector(other))
        state = net.state_dict()
        squares = sum((w**2).sum() for name, w in state.items() if name != "2.bias")
        fit = 0.5 * ((net(X)[:, 0] - Y) ** 2).sum()
        assert value == pytest.approx(fit + 0.15 * squares)


def test_matching_is_the_nearest_of_all_orders():
    for seed in range(5):
        one, other = drawn(4, seed), drawn(4, seed + 100)
        matched = match_units(one, other)
        distances = [
            np.sum((vector(one) - vector(in_order(other, list(order)))) ** 2)
            for order in permutations(range(4))
        ]
        assert np.sum((vector(one) - vector(matched)) ** 2) == pytest.approx(min(distances))
        assert matched(X) == pytest.approx(other(X))


def test_matching_undoes_any_order():
    one = drawn(8)
    mixed = in_order(one, rng.permutation(8))
    assert vector(match_units(one, mixed)) == pytest.approx(vector(one))
    assert mixed(X) == pytest.approx(one(X))


def test_between_two_orders_of_an_optimum_it_is_worse_and_after_matching_flat():
    solution = cn.train("relu", X, Y, weight_decay=0.1)
    assert solution.status == "optimal" and solution.units > 1
    one = solution.network
    other = in_order(one, np.roll(np.arange(solution.units), 1))
    options = {"X": X, "y": Y, "weight_decay": 0.1, "points": 11}
    between = slice_between_networks(one, other, **options)
    assert between.f_a == pytest.approx(solution.value) == between.f_b
    assert between.rise > 0.01 and between.values.min() >= solution.lower_bound * (1 - 1e-9)
    flat = slice_between_networks(one, match_units(one, other), **options)
    assert flat.rise == 0.0 and flat.values == pytest.approx(np.full(11, solution.value))


def test_values_of_networks_with_all_weights():
    net = cn.train("relu", X, Y, weight_decay=0.1, output_bias=True, skip=True)
    assert value_of_network(net.objective, net.network) == pytest.approx(net.value)
    quadratic = cn.train("quadratic", X, Y, weight_decay=0.1)
    assert value_of_network(quadratic.objective, quadratic.network) == pytest.approx(
        quadratic.value, rel=1e-4
    )


@pytest.mark.failure
def test_networks_of_different_forms_are_refused():
    with pytest.raises(InputError, match="not of one form"):
        match_units(drawn(3), drawn(4))
    with pytest.raises(InputError, match="not of one form"):
        match_units(drawn(3), drawn(3, bias=False))
    with pytest.raises(InputError, match="line between them only where"):
        mix(drawn(3), drawn(4), 0.5)
    bent = cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1))
    for other in (drawn(4), bent):
        with pytest.raises(InputError, match="not of one form"):
            slice_between_networks(drawn(3), other, X, Y, weight_decay=0.1)
    for function in (match_units, lambda one, two: mix(one, two, 0.5)):
        with pytest.raises(InputError, match="'relu' is no network"):
            function(drawn(3), "relu")
    with pytest.raises(InputError, match="each of the 3 units once"):
        in_order(drawn(3), [0, 0, 1])
    curved = cn.Sequential(cn.Linear(2, 2), cn.Square(), cn.Linear(2, 1))
    with pytest.raises(UnsupportedError, match="hidden weights of length one"):
        slice_between_networks(curved, curved, X, Y, weight_decay=0.1)


# --------------------------------------------------------------- surfaces and pictures


def saddle(rows):
    return rows[:, 0] * rows[:, 1]


def test_a_surface_has_the_values_of_the_function():
    found = surface_over(saddle, (0, 1), (-2, 3), points=7)
    assert found.values == pytest.approx(np.outer(found.y, found.x))


@pytest.mark.failure
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": (1, 0)}, "two finite numbers that rise"),
        ({"y": (0, np.inf)}, "two finite numbers that rise"),
        ({"points": 1}, "points is 1"),
        ({"function": lambda rows: rows}, "values of shape"),
        ({"function": lambda rows: np.sqrt(-1 - rows[:, 0] ** 2)}, "the values"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_is_no_surface_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        surface_over(**{"function": saddle, "points": 5} | options)


@pytest.mark.interface
def test_the_picture_of_a_slice_has_ends_midpoint_and_chord():
    pytest.importorskip("matplotlib")
    found = slice_between(saddle, (0, 2), (2, 0), points=21)
    axes = plot_slice(found, name="w2 w1").axes[0]
    curve, chord, ends, chord_middle, middle, rise = axes.get_lines()
    assert curve.get_xydata() == pytest.approx(np.column_stack([found.t, found.values]))
    assert [*chord.get_ydata()] == [found.f_a, found.f_b] == [*ends.get_ydata()]
    assert (chord_middle.get_ydata()[0], middle.get_ydata()[0]) == (0.0, 1.0)
    assert [*rise.get_ydata()] == [0.0, 1.0] and axes.get_ylabel() == "w2 w1"
    assert {"a", "b", "midpoint"} == {text.get_text() for text in axes.texts}


@pytest.mark.interface
def test_several_slices_are_told_apart_and_above_the_proved_bound():
    pytest.importorskip("matplotlib")
    found = slice_between(saddle, (0, 2), (2, 0))
    axes = plot_slice({"one $": found, "other": found}, floor=-0.25).axes[0]
    styles = {line.get_linestyle() for line in axes.get_lines() if line.get_label() in ("other",)}
    assert styles == {"--"} and axes.get_legend() is not None
    assert any(set(line.get_ydata()) == {-0.25} for line in axes.get_lines())
    assert "proved: not below" in [text.get_text() for text in axes.texts]


@pytest.mark.interface
def test_the_picture_of_a_surface_has_the_line_on_it():
    pytest.importorskip("matplotlib")
    figure = plot_surface(surface_over(saddle, points=11), ("w1", "w2"), a=(0, 1), b=(1, 0))
    flat, solid = figure.axes[:2]
    assert flat.get_xlabel() == "w1" and "0.25 above" in flat.get_title(loc="left")
    on_map, in_space = flat.get_lines()[0], solid.get_lines()[0]
    x, y, z = in_space.get_data_3d()
    assert on_map.get_xydata() == pytest.approx(np.column_stack([x, y]))
    assert z - x * y == pytest.approx(z[0] - x[0] * y[0])


# --------------------------------------------------------------- counterexamples elsewhere


def test_a_counterexample_is_verified_at_other_points():
    net = cn.Sequential(cn.Linear(1, 1, bias=False), cn.ReLU(), cn.Linear(1, 1, bias=False))
    witness = cn.convexity(net, wrt="weights").counterexample
    for _ in range(20):
        ends = rng.integers(-8, 9, (2, 2)) / 4.0
        points = [{"0.weight": [[w1]], "2.weight": [[w2]]} for w1, w2 in ends]
        x = float(witness.fixed["x"][0, 0])
        f = [w2 * max(w1 * x, 0.0) for w1, w2 in [*ends, ends.mean(axis=0)]]
        moved = witness.at(*points)
        assert (moved is not None) == (f[2] > 0.5 * (f[0] + f[1]))
        if moved is not None:
            assert (moved.f_a, moved.f_b, moved.f_middle) == tuple(f) and moved.verify()


@pytest.mark.failure
def test_points_of_another_shape_are_refused():
    net = cn.Sequential(cn.Linear(1, 1, bias=False), cn.ReLU(), cn.Linear(1, 1, bias=False))
    witness = cn.convexity(net, wrt="weights").counterexample
    with pytest.raises(InputError, match="expected"):
        witness.at({"0.weight": [[1.0]]}, witness.b)
    with pytest.raises(InputError, match="is nan"):
        witness.at({"0.weight": [[np.nan]], "2.weight": [[1.0]]}, witness.b)


def test_modules_of_torch_are_networks_too():
    torch = pytest.importorskip("torch")
    one, two = (
        torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
        for _ in range(2)
    )
    own, other = cn.from_torch(one), cn.from_torch(two)
    assert np.array_equal(vector(match_units(one, two)), vector(match_units(own, other)))
    assert np.array_equal(vector(mix(one, two, 0.5)), vector(mix(own, other, 0.5)))
