"""A master that knows fewer rows than there are samples is the same master."""

import numpy as np
import pytest
from families import make_family
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnet.losses import Weighted, get_loss
from cvxnet.training.conic import solve_cone_program
from cvxnet.training.master import FEW, Master, Stack, blocks_of, master_cone_program
from cvxnet.training.problem import Problem, Units
from cvxnet.training.samples import ROWS, all_samples, triangular_factor, without_n


def example(seed, n, m=6, free=0, weighted=False, decay=0.2, kind="relu"):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.standard_normal((n, 2)), np.ones(n)])
    y = np.sin(2.0 * X[:, 0]) + 0.1 * rng.standard_normal(n)
    loss = get_loss("squared")
    if weighted:
        loss = Weighted(loss, rng.uniform(0.5, 2.0, n))
    F = np.column_stack([np.ones(n), X[:, :2]])[:, :free]
    problem = Problem(make_family(kind, X), loss, y, decay, F)
    units = Units(rng.standard_normal((m, 3)), rng.choice([-1.0, 1.0], m), np.zeros(free))
    return problem, Stack(list(blocks_of(problem, units).values()), problem.family.norm)


def samples_of(problem, stack):
    return all_samples(stack.matrix, problem.F, problem.loss, problem.y)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 3), st.booleans(), st.integers(0, 20))
def test_the_loss_is_the_same_up_to_a_constant(seed, free, weighted, m):
    problem, stack = example(seed, 60, 1 + m // 7, free, weighted)
    samples = samples_of(problem, stack)
    fewer = without_n(samples)
    assert len(fewer.y) == stack.columns + free
    rng = np.random.default_rng(seed)
    differences = []
    for _ in range(4):
        w, c = rng.standard_normal(stack.columns), rng.standard_normal(free)
        whole = samples.loss.value(samples.fit(w, c), samples.y)
        differences.append(whole - fewer.loss.value(fewer.fit(w, c), fewer.y))
    assert np.ptp(differences) <= 1e-10 * (1.0 + abs(differences[0]))
    assert min(differences) >= -1e-10


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(["relu", "abs", "leaky_relu", "threshold"]),
)
def test_the_optimum_is_the_same(seed, free, weighted, kind):
    problem, stack = example(seed, 80, 6, free, weighted, kind=kind)
    values = []
    for samples in (samples_of(problem, stack), without_n(samples_of(problem, stack))):
        program = master_cone_program(samples, stack, problem.weight_decay)
        x = solve_cone_program(program, "CLARABEL", 1e-10).x
        k = stack.columns
        values.append(problem.objective(stack.units(x[:k], x[k : k + free])))
    assert values[1] == pytest.approx(values[0], rel=1e-7)


@pytest.mark.parametrize("solver", ["CLARABEL", "ECOS", "SCS"])
def test_the_dual_vector_comes_from_the_predictions(solver):
    problem, stack = example(3, 2 * FEW, 8, 1)
    units, v = Master(problem, solver).solve(stack.blocks)
    np.testing.assert_allclose(v, problem.loss.gradient(problem.fit(units), problem.y), atol=1e-5)
    again, multipliers = Master(problem, solver, second_way=True).solve(stack.blocks)
    np.testing.assert_allclose(v, multipliers, atol=1e-4)
    assert problem.objective(again) == pytest.approx(problem.objective(units), rel=1e-6)


def test_rows_are_factored_part_by_part():
    rows = np.random.default_rng(0).standard_normal((ROWS + 50, 4))
    parts = (rows[:100], rows[100:ROWS], rows[ROWS:])
    R = triangular_factor(parts)
    np.testing.assert_allclose((R.T @ R)[:3], (rows.T @ rows)[:3], rtol=1e-10)
