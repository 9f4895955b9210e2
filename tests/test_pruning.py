"""Pruning and refinement: fewer units, the same objective, more digits."""

import numpy as np
import pytest
from examples import random_data
from families import make_family

from cvxnet.losses import get_loss
from cvxnet.training import pruning
from cvxnet.training.fewer_units import eliminate_dependent, merge
from cvxnet.training.master import Master, blocks_of
from cvxnet.training.problem import Problem, Units, no_units
from cvxnet.training.pruning import prune, thin
from cvxnet.training.refinement import LEVEL, refine


def problem_of(n=20, loss="squared", beta=0.05, seed=0):
    X, y = random_data(seed, n, 2)
    y = y if loss == "squared" else np.sign(y)
    X = np.column_stack([X, np.ones(n)])
    return Problem(make_family("relu", X), get_loss(loss), y, beta)


def interior_point_solution(problem):
    """All cells at once: the solution of an interior point, spread over many of them."""
    rng = np.random.default_rng(0)
    U = rng.standard_normal((4000, problem.family.rank))
    both = Units(np.vstack([U, U]), np.repeat([1.0, -1.0], len(U)))
    return Master(problem, "CLARABEL").solve(blocks_of(problem, both).values())[0]


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_pruning_leaves_at_most_n_units_and_the_objective(loss):
    problem = problem_of(loss=loss)
    spread = interior_point_solution(problem).without_small(1e-8)
    pruned = prune(spread, Master(problem, "CLARABEL"))
    assert len(pruned) <= len(problem.y)
    assert len(pruned) < len(spread)
    assert problem.objective(pruned) <= problem.objective(spread) * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_elimination_keeps_the_fit_and_does_not_raise_the_penalty(seed):
    problem = problem_of(n=10, seed=seed)
    rng = np.random.default_rng(seed)
    units = Units(rng.standard_normal((40, 3)), rng.choice([-1.0, 1.0], 40))
    fewer = eliminate_dependent(problem, units)
    assert len(fewer) <= 10
    np.testing.assert_allclose(problem.fit(fewer), problem.fit(units), atol=1e-9)
    assert fewer.sizes.sum() <= units.sizes.sum() + 1e-9


def test_many_units_are_not_thinned_after_the_deadline(monkeypatch):
    """What would take too long then; without a limit, and of few, they are as ever."""
    problem, rng = problem_of(n=10), np.random.default_rng(0)
    units = Units(rng.standard_normal((40, 3)), rng.choice([-1.0, 1.0], 40))
    before = problem.objective(units)
    fewer = thin(problem, units)
    assert len(fewer) <= 10 and len(thin(problem, units, -np.inf)) == len(fewer)
    monkeypatch.setattr(pruning, "A_SECOND", 1.0)
    late = thin(problem, units, -np.inf)
    assert len(late) > 10 and problem.objective(late) <= before * (1.0 + 1e-9)
    assert len(thin(problem, units, np.inf)) == len(fewer)


def test_merging_adds_up_what_points_one_way():
    units = Units(
        np.array([[1.0, 0.0], [2.0, 1e-5], [0.0, 1.0], [3.0, 0.0]]), np.array([1, 1, 1, -1.0])
    )
    merged = merge(units, 1e-3)
    assert len(merged) == 3
    assert merged.sizes.sum() == pytest.approx(units.sizes.sum())
    assert len(merge(units, 1e-7)) == 4


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_refinement_reaches_stationarity_to_the_last_digits(loss):
    problem = problem_of(loss=loss)
    rough = Master(problem, "CLARABEL", tolerance=1e-6)
    blocks = blocks_of(problem, interior_point_solution(problem))
    units = prune(rough.solve(blocks.values())[0], rough)
    beta = problem.weight_decay
    for _ in range(3):
        maxima = problem.family.price(problem.dual_vector(units), (1 - LEVEL) * beta)
        units = refine(problem, units, maxima)
    rho = problem.family.price(problem.dual_vector(units), 0.0).rho
    assert rho == pytest.approx(beta, rel=1e-10)


def test_nothing_to_prune_or_refine():
    problem = problem_of()
    empty = no_units(3)
    assert len(prune(empty, Master(problem, "CLARABEL"))) == 0
    maxima = problem.family.price(problem.dual_vector(empty), 0.0)
    assert problem.objective(refine(problem, empty, maxima)) <= problem.objective(empty)
