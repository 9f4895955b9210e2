"""The set of optimal networks: equally good, complete beside brute force, and drawn as it is."""

import numpy as np
import pytest
from scipy.optimize import linprog

import cvxnet as cn
from cvxnet.errors import UnsupportedError
from cvxnet.plots import plot_optimal_set
from cvxnet.training.optimal_set import optimal_set

THREE = np.array([[-2.0], [0.0], [2.0]]), np.array([3.0, 2.0, 3.0])
FIVE = np.arange(-2.0, 3.0)[:, None], np.array([0.0, 0.0, 1.0, 0.0, 0.0])
rng = np.random.default_rng(0)
WAVE = rng.standard_normal((12, 1)), rng.standard_normal(12)
CASES = [
    (THREE, {"skip": True, "weight_decay": 0.1}, True),
    (THREE, {"skip": True, "weight_decay": 1.0}, True),
    (FIVE, {"weight_decay": 0.02}, True),
    (FIVE, {"weight_decay": 0.02, "output_bias": True}, True),
    (FIVE, {"weight_decay": 0.02, "norm": "l1"}, True),
    (FIVE, {"weight_decay": 0.02, "sample_weight": [1, 2, 3, 2, 1]}, True),
    (WAVE, {"weight_decay": 0.1}, False),
    (WAVE, {"weight_decay": 0.1, "skip": True, "output_bias": True}, True),
]
NAMES = [f"{len(y)} points, {options}" for (_, y), options, _ in CASES]


def solve(data, **options):
    return cn.train("relu", *data, gap=1e-10, **options)


def objective(network, data, weight_decay, norm="l2", sample_weight=1.0, **_):
    """Of an ordinary network, from its weights alone: free ones are those of the last bias and
    of the skip connection."""
    f = network(data[0])[:, 0]
    state = {name.removeprefix("0.body."): w for name, w in network.state_dict().items()}
    W = np.column_stack([state["0.weight"], state["0.bias"]])
    squares = (W**2).sum() if norm == "l2" else (np.abs(W).sum(axis=1) ** 2).sum()
    decay = 0.5 * weight_decay * (squares + (state["2.weight"] ** 2).sum())
    return 0.5 * (np.array(sample_weight) * (f - data[1]) ** 2).sum() + decay


@pytest.mark.parametrize(("data", "options", "many"), CASES, ids=NAMES)
def test_every_network_of_the_set_is_as_good(data, options, many):
    solution = solve(data, **options)
    found = optimal_set(solution)
    assert found.single != many
    mixtures = rng.dirichlet(np.ones(len(found.networks)), 5) @ found.networks
    for row in [*found.networks, *mixtures]:
        network = found.network(row)
        assert objective(network, data, **options) == pytest.approx(solution.value, rel=1e-8)
        assert network(data[0]) == pytest.approx(solution.network(data[0]), abs=1e-8)
    if many:
        assert np.ptp(found.networks, axis=0).max() > 1e-3


@pytest.mark.parametrize(("data", "options", "many"), CASES, ids=NAMES)
def test_units_of_optimal_networks_touch_the_level(data, options, many):
    found = optimal_set(solve(data, **options))
    level = -found.signs * found.levels / options["weight_decay"]
    assert level == pytest.approx(np.ones(len(level)), abs=1e-4)
    assert (found.ranges[:, 0] <= found.ranges[:, 1]).all() and (found.ranges >= -1e-9).all()


def test_the_band_is_that_of_brute_force():
    """All units on a fine grid of angles, with next to no room in predictions and penalty."""
    solution = solve(THREE, skip=True, weight_decay=0.1)
    found = optimal_set(solution)
    angles = np.linspace(-np.pi, np.pi, 5001)
    U = np.column_stack([np.cos(angles), np.sin(angles)])
    fit, penalty = found.problem.fit(found.own), found.problem.penalty(found.own)

    def columns(X):
        phi = np.maximum(np.column_stack([X, np.ones(len(X))]) @ U.T, 0.0)
        return np.hstack([phi, -phi, X])

    A, places = columns(THREE[0]), np.array([[-3.0], [-0.75], [0.75], [1.4], [3.0]])
    low, high = found.band(places)
    prices = np.append(np.ones(2 * len(U)), 0.0)[None]
    bounds = [(0.0, None)] * 2 * len(U) + [(None, None)]
    for told, *ends in zip(columns(places), low, high, strict=True):
        for sign, end in zip((1.0, -1.0), ends, strict=True):
            best = linprog(
                sign * told, A_eq=A, b_eq=fit, A_ub=prices, b_ub=[penalty * (1 + 1e-6)],
                bounds=bounds,
            )  # fmt: skip
            assert sign * best.fun == pytest.approx(end, abs=0.01)
    assert (high - low).max() > 0.5


def test_the_band_holds_every_mixture_and_closes_on_the_data():
    found = optimal_set(solve(THREE, skip=True, weight_decay=0.1))
    places = np.linspace(-3, 3, 31)[:, None]
    low, high = found.band(places)
    for part in np.linspace(0, 1, 5):
        f = found.network([part, 1 - part] @ found.networks)(places)[:, 0]
        assert (low - 1e-8 <= f).all() and (f <= high + 1e-8).all()
    low, high = found.band(THREE[0])
    assert high == pytest.approx(low, abs=1e-8)


@pytest.mark.interface
@pytest.mark.parametrize(
    ("data", "options", "title"),
    [
        (THREE, {"skip": True}, "Many optimal networks: all pass through the band"),
        (FIVE, {}, "Many optimal networks: all one function"),
        (WAVE, {"weight_decay": 0.1}, "The only optimal network, over the units"),
        (
            WAVE,
            {"weight_decay": 0.1, "loss": "huber"},
            "The only optimal network with its predictions",
        ),
        (
            WAVE,
            {"weight_decay": 0.1, "loss": "log_cosh"},
            "The only optimal network, over the units",
        ),
        (WAVE, {"weight_decay": 1e3}, "The only optimal network"),
        (WAVE, {"time_limit": 1e-9}, "network"),
    ],
)
def test_the_picture_says_how_many_there_are(data, options, title):
    pytest.importorskip("matplotlib")
    solution = solve(data, **{"weight_decay": 0.02} | options)
    figure = plot_optimal_set(solution, ["x"], "y")
    top, right, left = figure.axes
    assert title in top.get_title(loc="left") and top.get_ylabel() == "y"
    assert ("optimal" in top.get_title(loc="left")) == (solution.status == "optimal")
    assert figure.get_suptitle().startswith(("Global optimum", "Best network so far"))
    found = optimal_set(solution)
    drawn = [
        line for axes in (right, left) for line in axes.get_lines() if len(line.get_xdata()) < 2
    ]
    assert len(drawn) == len(found.signs)
    for axes in (right, left):
        curve = max(axes.get_lines(), key=lambda line: len(line.get_xdata()))
        assert np.abs(curve.get_ydata()).max() <= 1.0 + 1e-6
        for dot in axes.get_lines():
            if dot.get_marker() == "o":  # inside: the curve goes through it
                at = np.interp(dot.get_xdata()[0], *curve.get_data())
                assert at == pytest.approx(dot.get_ydata()[0], abs=0.01)


@pytest.mark.interface
@pytest.mark.parametrize("units", ["relu", "abs", "squared_relu", "leaky_relu"])
@pytest.mark.parametrize("d", [1, 2])
def test_every_family_that_is_covered_is_drawn(units, d):
    pytest.importorskip("matplotlib")
    X = rng.standard_normal((10, d))
    solution = cn.train(units, X, np.abs(X[:, 0]) + X[:, -1], weight_decay=0.1, gap=1e-8)
    figure = plot_optimal_set(solution)
    assert len(figure.axes) == (2 if d == 2 or units == "abs" else 3)


@pytest.mark.failure
@pytest.mark.parametrize(
    ("units", "d", "options", "words"),
    [
        ("sign", 1, {}, "explored for relu, .*, not for sign"),
        ("relu", 3, {"bias": False}, "one or two features .*here are 3 features"),
        ("relu", 2, {"bias": False}, "without bias"),
    ],
)
def test_what_cannot_be_drawn_is_refused(units, d, options, words):
    pytest.importorskip("matplotlib")
    X = rng.standard_normal((6, d))
    solution = cn.train(units, X, X[:, 0], weight_decay=0.1, **options)
    with pytest.raises(UnsupportedError, match=words):
        plot_optimal_set(solution)


@pytest.mark.parametrize(("data", "options", "many"), CASES, ids=NAMES)
def test_a_walk_through_the_set_leaves_neither_value_nor_set(data, options, many):
    solution = solve(data, **options)
    found = optimal_set(solution)
    walk = found.tour(13)
    for end in (walk[0], walk[-1]):
        assert end == pytest.approx(found.coefficients_found)
    for row in walk:
        network = found.network(row)
        assert objective(network, data, **options) == pytest.approx(solution.value, rel=1e-8)
    assert (np.ptp(walk, axis=0).max() > 1e-3) == many
    places = np.linspace(-3, 3, 11)[:, None]
    start = found.network(walk[0])(places)
    assert start == pytest.approx(solution.network(places), abs=1e-6)


@pytest.mark.parametrize(("data", "options", "many"), CASES, ids=NAMES)
def test_no_unit_is_beyond_the_level(data, options, many):
    found = optimal_set(solve(data, **options))
    angles = np.linspace(-np.pi, np.pi, 721)
    heights = found.heights(np.column_stack([np.cos(angles), np.sin(angles)]))
    assert np.abs(heights).max() <= 1.0 + 1e-6
    assert found.heights(found.directions) == pytest.approx(-found.signs, abs=1e-4)
