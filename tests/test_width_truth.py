"""Exactly m units on tiny data: the optimum that brute force finds, and laws that it obeys.

`python -m experiments widths_truth` compares many more.
"""

from dataclasses import replace
from math import comb

import numpy as np
import pytest
import width_truth
from examples import PE20_X, PE20_Y
from formulas import read_weights
from hypothesis import given, settings
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.objective import Budget
from cvxnet.training.trainer import solve_within
from cvxnet.training.units.family import bending

XOR_X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
XOR_Y = np.array([1.0, -1.0, -1.0, 1.0])
CLOSE = 1e-6
GAP = 1e-6
FEW = settings(max_examples=3, deadline=None, derandomize=True)
SEEDS = st.integers(0, 10**6)


def data(seed, n, d, labels=False):
    """Gaussian features and target, or labels of which half are 1."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    return X, np.where(y > np.median(y), 1.0, -1.0) if labels else y


def solved(units, X, y, m, *, gap=GAP, **options):
    """The solution, whose bracket has closed and whose certificate is proved."""
    solution = cn.train(units, X, y, width=m, gap=gap, **options)
    assert solution.status == "optimal" and solution.units <= m
    result = cn.check(solution)
    assert result.valid, result.reason
    assert result.lower <= solution.value
    return solution


def decay_of(units, X, y, fraction, **options):
    """A part of the largest useful weight decay."""
    return fraction * cn.largest_weight_decay(units, X, y, **options)


# ------------------------------------------------------------------------------------- the truth


@pytest.mark.parametrize(("n", "r"), [(3, 1), (4, 2), (4, 3), (5, 4)])
def test_cells_are_as_many_as_cover_says(n, r):
    rows = np.random.default_rng(n).standard_normal((n, r))
    cells = width_truth.sign_vectors(rows)
    assert len(set(cells)) == len(cells) == 2 * sum(comb(n - 1, k) for k in range(r))


def test_faces_of_a_plane():
    """Three lines make six cells and six rays, and all meet in a point."""
    faces = width_truth.sign_vectors(
        np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), (1.0, 0.0, -1.0)
    )
    assert [sum(0.0 in face for face in faces), len(faces)] == [7, 13]


KNOWN = {
    ("five points", 0.1): (2.22098, 1.76114, 1.48212, 1.42383),
    ("five points", 0.01): (2.02498, 1.08843, 0.613406, 0.177302),
    ("xor", 0.1): (1.595, 0.933385),
    ("xor", 0.01): (1.50995, 0.54697, 0.0537507, 0.0398002),
}
"""For m = 1, 2, ..., by an independent program, of gap 1e-4; the decay relative to the largest."""
PROGRAMS = 1000
"""Brute force takes no more here."""


@pytest.mark.parametrize(("name", "fraction"), KNOWN)
def test_known_optima(name, fraction):
    """Five points of Pilanci and Ergen 2020, and exclusive or."""
    X, y = (PE20_X, PE20_Y) if name == "five points" else (XOR_X, XOR_Y)
    decay = decay_of("relu", X, y, fraction)
    problem = width_truth.training("relu", X, y, weight_decay=decay)
    for m, known in enumerate(KNOWN[name, fraction], 1):
        solution = solved("relu", X, y, m, weight_decay=decay)
        assert solution.value == pytest.approx(known, rel=1e-4)
        if width_truth.programs(problem, m) < PROGRAMS and fraction < 0.1:
            assert solution.value == pytest.approx(width_truth.optimum(problem, m), rel=CLOSE)


# ------------------------------------------------------------------------------- brute force


@pytest.mark.parametrize(
    ("units", "n", "d", "m", "options"),
    [
        ("relu", 5, 1, 1, {"bias": False}),
        ("relu", 4, 1, 2, {"loss": "logistic"}),
        ("relu", 4, 2, 2, {"bias": False, "loss": "logistic", "output_bias": True}),
        ("relu", 4, 3, 1, {}),
        ("relu", 4, 3, 2, {"bias": False, "output_weights": "nonneg"}),
        ("relu", 4, 1, 2, {"sample_weight": np.array([0.5, 2.0, 1.0, 3.0])}),
        ("relu", 4, 1, 1, {"skip": True}),
        ("leaky_relu", 4, 1, 2, {}),
        ("abs", 4, 2, 2, {"loss": "logistic"}),
        ("relu", 4, 1, 2, {"loss": "absolute"}),
        ("relu", 4, 1, 1, {"loss": "hinge"}),
        ("relu", 4, 1, 1, {"loss": "huber", "output_weights": "nonpos"}),
        ("relu", 4, 1, 1, {"loss": "log_cosh"}),
        ("relu", 4, 1, 1, {"loss": "squared_hinge"}),
        ("coordinate", 6, 5, 2, {}),
        ("coordinate", 6, 4, 3, {"loss": "logistic"}),
        ("sign", 4, 1, 2, {}),
        ("threshold", 4, 1, 2, {"loss": "logistic"}),
    ],
)
def test_the_optimum_is_that_of_brute_force(units, n, d, m, options):
    X, y = data(n + d, n, d, options.get("loss") in ("logistic", "hinge", "squared_hinge"))
    slope = {"slope": 0.1} if units == "leaky_relu" else {}
    family = cn.Family(units, **slope)
    decay = decay_of(family, X, y, 0.03, **options)
    solution = solved(family, X, y, m, weight_decay=decay, **options)
    problem = width_truth.training(units, X, y, weight_decay=decay, **options, **slope)
    truth = width_truth.optimum(problem, m)
    assert solution.value == pytest.approx(truth, rel=CLOSE)
    assert solution.lower_bound == pytest.approx(truth, rel=CLOSE)
    assert float(problem.objective(*read_weights(solution.network, problem))) == pytest.approx(
        solution.value, rel=1e-9
    )


# ---------------------------------------------------------------------------------------- laws


@FEW
@given(SEEDS, st.sampled_from(["relu", "abs"]))
def test_more_units_are_no_worse_and_end_at_the_optimum_of_every_width(seed, units):
    X, y = data(seed, 5, 1)
    decay = decay_of(units, X, y, 0.05)
    every = cn.train(units, X, y, weight_decay=decay)
    last = np.inf
    for m in range(1, every.units + 1):
        solution = solved(units, X, y, m, weight_decay=decay)
        assert every.lower_bound <= solution.value <= last * (1.0 + GAP)
        last = solution.value
    assert last == pytest.approx(every.value, rel=CLOSE)


@FEW
@given(SEEDS, st.integers(1, 3), st.sampled_from(["squared", "logistic"]))
def test_no_network_of_the_width_is_below(seed, m, loss):
    X, y = data(seed, 6, 2, loss == "logistic")
    decay = decay_of("relu", X, y, 0.02, loss=loss)
    lower = cn.train("relu", X, y, weight_decay=decay, loss=loss, width=m, gap=1e-3).lower_bound
    problem = width_truth.training("relu", X, y, weight_decay=decay, loss=loss)
    rng = np.random.default_rng(seed)
    assert all(width_truth.descended(problem, m, rng) >= lower * (1.0 - 1e-12) for _ in range(10))


@FEW
@given(SEEDS, st.sampled_from([1e-3, 7.0, 1e4]), st.sampled_from([1e-2, 3.0, 1e5]))
def test_scales_change_nothing_else(seed, s, t):
    """``u / s`` on ``s X``, and outputs times t for ``t y``."""
    X, y = data(seed, 5, 2)
    decay = decay_of("relu", X, y, 0.05, bias=False)
    value = solved("relu", X, y, 2, weight_decay=decay, bias=False).value
    scaled = solved("relu", s * X, t * y, 2, weight_decay=s * t * decay, bias=False)
    assert scaled.value == pytest.approx(t * t * value, rel=CLOSE)


@FEW
@given(SEEDS, st.sampled_from(["squared", "logistic"]))
def test_order_of_samples_and_repetitions(seed, loss):
    X, y = data(seed, 5, 1, loss == "logistic")
    decay = decay_of("relu", X, y, 0.05, loss=loss)
    weights = np.array([2.0, 1.0, 3.0, 1.0, 1.0])
    times = np.random.default_rng(seed).permutation(np.repeat(np.arange(5), weights.astype(int)))
    first = solved("relu", X, y, 2, weight_decay=decay, loss=loss, sample_weight=weights)
    second = solved("relu", X[times], y[times], 2, weight_decay=decay, loss=loss)
    assert first.value == pytest.approx(second.value, rel=CLOSE)


# ---------------------------------------------------------------------------------- degenerate


def test_random_units_where_the_data_are_the_same_random_numbers():
    """As whoever seeds with 0 has them; the search for one width begins with such units."""
    X, y = np.random.default_rng(0).standard_normal((5, 2)), np.arange(5.0)
    units = bending(X[:1], 1, np.random.default_rng(0))
    assert np.array_equal(units, X[:1])
    solved("relu", X, y, 2, weight_decay=0.5, bias=False)


@pytest.mark.parametrize(
    ("units", "X", "options"),
    [
        ("coordinate", np.zeros((3, 2)), {}),
        ("sign", np.zeros((3, 2)), {"bias": False}),
        ("relu", np.zeros((3, 2)), {"bias": False}),
        ("relu", np.zeros((3, 2)), {"loss": "absolute"}),
        ("abs", np.ones((3, 1)), {"output_bias": True}),
        ("relu", np.array([[1.0], [1.0], [2.0]]), {"sample_weight": np.array([0.0, 1.0, 1e-6])}),
        ("relu", np.array([[1e8, -1e-8], [0.0, 1e-8], [-1e8, 0.0]]), {}),
    ],
)
def test_data_that_say_little(units, X, options):
    y = np.array([1.0, -1.0, 2.0])
    decay = decay_of(units, X, y, 0.1, **options) or 0.1
    solved(units, X, y, 2, weight_decay=decay, **options)


def test_optima_of_about_zero_close_as_they_do_for_every_width():
    """The free weights fit all, and with such sample weights all that is left is rounding."""
    X, y = data(0, 4, 3)
    weights = 1e6 * np.array([2.0, 3.0, 1.0, 2.0])
    options = {"weight_decay": 0.1, "output_bias": True, "skip": True, "sample_weight": weights}
    solution = solved("coordinate", X, y, 2, **options)
    assert solution.units == 0 and solution.tolerance == solution.all_widths.tolerance


def test_ctrl_c_before_the_search_ends_the_search_too():
    X, y = data(0, 8, 2)
    every = cn.train("relu", X, y, weight_decay=0.01)
    every = replace(every, stats=every.stats | {"interrupted": True})
    solution = solve_within(every.objective, 2, every, Budget(), deadline=np.inf)
    assert solution.stats["interrupted"] and solution.stats["stopped"].startswith("interrupted")
    assert cn.check(solution).valid and solution.lower_bound <= solution.value
