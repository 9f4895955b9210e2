"""What the experiment of Yuan et al. 2010 measures, held against independent computations."""

import cvxpy as cp
import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import approx_fprime, lsq_linear

from experiments.yuan2010.measures import lower_bound, shortest_subgradient
from experiments.yuan2010.solvers import LOSSES, SOLVERS, Problem, load, save, series

TERMS = {"logistic": cp.logistic, "squared_hinge": lambda z: cp.square(cp.pos(1 + z))}


@pytest.fixture(params=LOSSES)
def problem(request):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((40, 6))
    y = np.where(X[:, 0] - X[:, 1] + rng.standard_normal(40) > 0.0, 1.0, -1.0)
    return Problem(X, y, request.param, 0.3)


def optimum(problem):
    w = cp.Variable(problem.X.shape[1])
    losses = cp.sum(TERMS[problem.loss](-cp.multiply(problem.y, problem.X @ w)))
    return cp.Problem(cp.Minimize(cp.norm1(w) + problem.C * losses)).solve(solver=cp.CLARABEL)


def test_the_shortest_subgradient(problem):
    """Of all gradients plus signs, where the sign of 0 is any number up to one."""
    w = np.array([0.0, -0.4, 0.0, 0.2, 0.0, 0.0])
    gradient = approx_fprime(w, lambda w: problem.smooth(w)[0], 1e-7)
    low, high = np.where(w == 0.0, -1.0, np.sign(w)), np.where(w == 0.0, 1.0, np.sign(w))
    signs = lsq_linear(np.eye(6), -gradient, (low - 1e-12, high + 1e-12)).x
    np.testing.assert_allclose(shortest_subgradient(problem, w), gradient + signs, atol=1e-5)


@pytest.mark.parametrize("solver", ["scikit-learn liblinear", "Clarabel", "cvxnet"])
def test_solvers_come_to_the_optimum_and_dual_vectors_prove_it(problem, solver):
    *_, (tolerance, seconds, w) = series(solver, problem, np.inf, [1e-3, 1e-9])
    best = optimum(problem)
    assert tolerance == 1e-9 and seconds > 0.0
    assert problem.value(w) == pytest.approx(best, rel=1e-7)
    assert best * (1.0 - 1e-3) < lower_bound(problem, w) <= best * (1.0 + 1e-7)
    assert lower_bound(problem, np.zeros(6)) < best


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_problems_are_handed_over_in_files(problem, form, tmp_path):
    given = Problem(form(problem.X), problem.y, problem.loss, problem.C)
    save(tmp_path / "problem.npz", given)
    read = load(tmp_path / "problem.npz")
    w = np.arange(6.0)
    assert read.sparse == given.sparse and read.value(w) == given.value(w) == problem.value(w)


def test_what_is_not_run_is_told_why(problem):
    told = {name: solver.refuses(problem) for name, solver in SOLVERS.items()}
    assert bool(told["saga"]) == (problem.loss != "logistic") and not told["liblinear"]
