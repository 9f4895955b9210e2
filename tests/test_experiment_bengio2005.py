"""ConvexNN and its bound against computations that share nothing with them."""

from itertools import combinations, product

import numpy as np
import pytest

from experiments.bengio2005.convex_nn import (
    LEARNERS,
    convex_nn,
    exact_unit,
    fit_weights,
    lower_bound,
    signs,
    thinned,
)

RNG = np.random.default_rng(0)
X = RNG.standard_normal((9, 2))
Y = np.where(X[:, 0] * X[:, 1] > 0.0, 1.0, -1.0)


def dichotomies(X):
    """Lines through two points, moved a little to every side of both; and the constant."""
    n = len(X)
    found = {(1.0,) * n}
    for i, j in combinations(range(n), 2):
        across = np.array([X[i, 1] - X[j, 1], X[j, 0] - X[i, 0]])
        sides = np.sign((X - X[i]) @ across)
        for a, b in product((-1.0, 1.0), repeat=2):
            sides[i], sides[j] = a, b
            found.add(tuple(sides * sides[0]))
    return np.array(sorted(found)).T


def test_dichotomies_are_as_many_as_the_formula_says():
    assert dichotomies(X).shape[1] == (9 * 9 - 9 + 2) // 2


def test_the_exact_step_finds_the_best_dichotomy():
    for seed in range(5):
        v = np.random.default_rng(seed).standard_normal(9)
        best = np.abs(v @ dichotomies(X)).max()
        assert abs(v @ signs(X, exact_unit(X, v)[None])[:, 0]) == pytest.approx(best)


def test_convex_nn_ends_at_the_optimum_over_all_dichotomies():
    H = dichotomies(X)
    w = fit_weights(H, Y, 1.0)
    optimum = ((H @ w - Y) ** 2).sum() + np.abs(w).sum()
    run = convex_nn(LEARNERS["exact"], X, Y, 1.0)
    assert run.rounds[-1].value == pytest.approx(optimum, rel=1e-8)
    assert run.rounds[-1].lower == pytest.approx(optimum, rel=1e-5)
    few = thinned(run, X)
    assert np.allclose(few.predict(X), run.predict(X))
    assert np.abs(few.weights).sum() == pytest.approx(np.abs(run.weights).sum())
    assert np.allclose(few.network()(X)[:, 0], few.predict(X))


@pytest.mark.parametrize("learner", ["linear SVM", "logistic regression", "perceptron"])
def test_bounds_of_approximate_learners_hold(learner):
    optimum = convex_nn(LEARNERS["exact"], X, Y, 1.0).rounds[-1].value
    last = convex_nn(LEARNERS[learner], X, Y, 1.0).rounds[-1]
    assert last.lower <= optimum * (1.0 + 1e-9) and last.value >= optimum * (1.0 - 1e-9)
    assert last.offered <= last.largest * (1.0 + 1e-9)


def test_the_bound_is_the_optimum_where_no_unit_is_worth_its_price():
    largest = 2.0 * np.abs(Y @ dichotomies(X)).max()
    assert lower_bound(Y, -Y, largest, largest) == pytest.approx(Y @ Y)
