"""One relative gap, one excess, one absolute tolerance: the same wherever they are shown."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.baselines.table import between
from cvxnet.cli.check import in_words
from cvxnet.losses import get_loss
from cvxnet.proofs.gaps import Tolerance, bracket_text, excess, excess_text, relative_gap

ends = st.floats(0.0, 1e300)


@given(ends, ends)
def test_the_gap_is_the_width_over_the_upper_end(a, b):
    lower, upper = sorted((a, b))
    gap = relative_gap(lower, upper)
    assert gap == ((upper - lower) / upper if upper else 0.0)
    assert 0.0 <= gap <= 1.0


@given(ends, ends, ends)
def test_the_excess_lies_between_what_each_end_says(a, b, c):
    lower, upper, value = sorted((a, b, c))
    least, most = excess(value, lower, upper)
    assert 0.0 <= least <= most
    for optimum in (lower, upper, 0.5 * lower + 0.5 * upper):
        if optimum > 0.0 and most < np.inf:
            true = value / optimum - 1.0
            assert least - 1e-12 * (1 + true) <= true <= most + 1e-12 * (1 + true)


@given(ends, ends)
def test_what_is_printed_contains_the_bracket(a, b):
    lower, upper = sorted((a, b))
    low, high = bracket_text(lower, upper)
    assert float(low) <= lower <= upper <= float(high)
    assert low != high or lower == upper
    assert len(high) < 40


@given(st.floats(0.0, 1e9), st.floats(0.0, 1e9))
def test_an_excess_in_words_is_rounded_outward(a, b):
    least, most = sorted((a, b))
    said = excess_text(least, most)
    numbers = [float(x) / 100 for x in re.findall(r"[\d.]+(?:e[+-]?\d+)?(?= %)", said)]
    assert not numbers or numbers[-1] >= most * (1 - 1e-15)
    assert len(numbers) < 2 or numbers[0] <= least * (1 + 1e-15)
    assert bool(numbers) == (most > 0.0)


def test_the_tolerance_decides_only_where_the_gap_does_not():
    tolerance = Tolerance(alone=2.0**52, rounding=1e-20)
    assert tolerance.closed_by(1.0 - 1e-7, 1.0, 1e-6) == "gap"
    assert tolerance.closed_by(0.0, 1e-6, 1e-6) == "tolerance"
    assert tolerance.closed_by(0.0, 1.1e-6, 1e-6) == ""
    assert Tolerance(0.0, 1e-20).closed_by(0.0, 1e-20, 1e-6) == "tolerance"
    assert tolerance.times(8.0) == Tolerance(2.0**55, 8e-20)


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "log_cosh"])
def test_rounding_costs_what_predictions_a_rounding_off_cost(loss):
    y = np.array([1e3, -2.0, 0.5])
    rounding = get_loss(loss).rounding(np.spacing(np.abs(y)), y)
    size = float(np.spacing(np.abs(y)) @ np.ones(3))
    squares = 0.5 * float((np.spacing(np.abs(y)) ** 2).sum())
    expected = size if loss == "absolute" else squares
    assert rounding == pytest.approx(expected, rel=1e-6, abs=1e-28 if loss == "log_cosh" else 0.0)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", "logistic"])
def test_the_loss_of_nearly_right_labels(loss):
    y, chosen = np.array([1.0, -1.0]), get_loss(loss)
    error = np.array([1e-6, 1e-3])
    expected = error**2 if loss == "squared_hinge" else error
    assert chosen.terms(chosen.nearly_right(error, y), y) == pytest.approx(expected, rel=1e-8)


def test_train_certificate_check_and_text_show_the_same_gap():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((12, 2))
    solution = cn.train("relu", X, rng.standard_normal(12), weight_decay=0.2, time_limit=1e-9)
    gap = (solution.value - solution.lower_bound) / solution.value
    assert solution.status == "gap" and solution.closed_by == "" and solution.gap == gap
    assert solution.certificate.gap == gap
    result = cn.check(solution.certificate.to_dict())
    assert relative_gap(result.lower, result.upper) == gap
    assert f"(relative gap {gap:.1e})" in str(solution)
    assert f"relative gap {gap:.1e}" in in_words(result)


def test_a_target_that_free_weights_fit_is_closed_by_the_tolerance_and_says_so():
    X = np.array([[0.1, 0.3], [1.0, -2.0], [0.7, 0.2], [-1.1, 0.4], [0.3, 0.9]])
    y = X @ np.array([1 / 3, -2 / 7])
    solution = cn.train("relu", X, y, weight_decay=0.1, skip=True)
    assert solution.status == "optimal" and solution.value - solution.lower_bound < 1e-28
    assert solution.closed_by == "tolerance" or solution.gap <= 1e-6
    assert ("absolute tolerance" in str(solution)) == (solution.closed_by == "tolerance")


def test_counts_of_runs_are_between_what_is_proved_and_what_is_possible():
    assert between(3, 3) == "3" and between(0, 5) == "0..5"
