"""The master assembled directly is the cone program that CVXPY compiles."""

import cvxpy as cp
import numpy as np
import pytest
from examples import random_data
from families import make_family
from scipy import sparse

from cvxnet.losses import get_loss
from cvxnet.training.conic import SOLVERS, lift_square, solve_cone_program
from cvxnet.training.master import Master, Stack, blocks_of, master_cone_program, master_problem
from cvxnet.training.problem import Problem, Units
from cvxnet.training.samples import all_samples


def example(loss, m=12, n=15):
    X, y = random_data(0, n, 2)
    X = np.column_stack([X, np.ones(n)])
    rng = np.random.default_rng(1)
    units = Units(rng.standard_normal((m, 3)), rng.choice([-1.0, 1.0], m))
    y = y if loss == "squared" else np.sign(y)
    problem = Problem(make_family("relu", X), get_loss(loss), y, 0.2)
    return problem, Stack(list(blocks_of(problem, units).values()), problem.family.norm)


def cone_program(problem, stack):
    samples = all_samples(stack.matrix, problem.F, problem.loss, problem.y)
    return master_cone_program(samples, stack, problem.weight_decay)


def lp_shape(A, rows):
    """Rows of a matrix as a sorted list of sorted absolute entries: blind to order and sign."""
    A = sparse.csr_array(A)[rows]
    return sorted(
        tuple(np.sort(np.abs(A.data[A.indptr[i] : A.indptr[i + 1]])).round(12))
        for i in range(A.shape[0])
    )


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_direct_program_has_the_cones_that_cvxpy_compiles(loss):
    problem, blocks = example(loss)
    ours = cone_program(problem, blocks)
    compiled, _, _ = master_problem(problem, blocks)
    data = compiled.get_problem_data(cp.CLARABEL)[0]
    dims = data["dims"]
    assert compiled.is_dcp()
    assert sorted(dims.soc) == sorted(ours.second_order)
    assert dims.exp == ours.exponential
    assert dims.nonneg == ours.nonneg
    zero = len(problem.y) * (2 if loss == "squared" else 1)  # CVXPY names the residuals too
    assert dims.zero == zero
    facets = slice(ours.zero + ours.nonneg - sum(len(b.facets) for b in blocks.blocks), None)
    stop = ours.zero + ours.nonneg
    ours_rows = lp_shape(ours.A, np.arange(facets.start, stop))
    theirs = lp_shape(data["A"], np.arange(dims.zero, dims.zero + dims.nonneg))
    assert all(row in theirs for row in ours_rows)


@pytest.mark.parametrize("solver", sorted(SOLVERS))
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_direct_program_has_the_optimum_that_cvxpy_finds(loss, solver):
    problem, blocks = example(loss)
    compiled, w, _ = master_problem(problem, blocks)
    compiled.solve(solver="CLARABEL")
    direct = Master(problem, solver).solve(blocks.blocks)[0]
    assert problem.objective(direct) == pytest.approx(compiled.value, rel=1e-6)
    through = blocks.units(w.value, np.zeros(0))
    assert problem.objective(through) == pytest.approx(compiled.value, rel=1e-6)


def test_through_cvxpy_and_directly_are_the_same_units():
    problem, blocks = example("squared")
    direct = Master(problem, "CLARABEL").solve(blocks.blocks)[0]
    master = Master(problem, "CLARABEL")
    through, v = master._solve_with_cvxpy(blocks)
    np.testing.assert_allclose(v, problem.dual_vector(through), atol=1e-5)
    np.testing.assert_allclose(problem.fit(direct), problem.fit(through), atol=1e-6)
    assert master.timings.compiling > 0.0
    assert master.timings.solving > 0.0


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_lifting_the_square_keeps_the_optimum(loss):
    problem, blocks = example(loss)
    program = cone_program(problem, blocks)
    lifted = lift_square(program)
    assert not lifted.curvature.any()
    x = solve_cone_program(program, "CLARABEL", 1e-9).x
    z = solve_cone_program(lifted, "CLARABEL", 1e-9).x
    value = 0.5 * program.curvature @ x**2 + program.q @ x
    assert lifted.q @ z == pytest.approx(value, rel=1e-6)


def test_units_of_a_master_stay_in_their_cells():
    problem, blocks = example("squared")
    units = Master(problem, "CLARABEL").solve(blocks.blocks)[0]
    for block, z in zip(blocks.blocks, units.weights, strict=True):
        assert (block.facets @ z >= -1e-7).all()
        exact = block.sign * problem.family.features(z[None])[:, 0]
        np.testing.assert_allclose(block.matrix @ z, exact, atol=1e-6)
