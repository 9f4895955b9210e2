"""The best sizes of units: optimality conditions, and the cone program of the same units."""

import numpy as np
import pytest
from families import make_family
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnet.losses import Weighted, get_loss
from cvxnet.training.conic import solve_cone_program
from cvxnet.training.master import Stack, master_cone_program
from cvxnet.training.problem import Problem, Units
from cvxnet.training.samples import all_samples
from cvxnet.training.sizes import fit_sizes
from cvxnet.training.units.family import single_unit

SMOOTH = ["squared", "logistic", "huber", "squared_hinge", "log_cosh"]


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from(SMOOTH),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from(["relu", "leaky_relu", "abs"]),
)
def test_sizes_are_those_of_the_cone_program(seed, name, free, weighted, kind):
    rng = np.random.default_rng(seed)
    n, m = 50, 9
    X = np.column_stack([rng.standard_normal((n, 2)), np.ones(n)])
    y, loss = np.sin(2.0 * X[:, 0]) + 0.1 * rng.standard_normal(n), get_loss(name)
    y = np.sign(y) if loss.labels else y
    loss = Weighted(loss, rng.uniform(0.5, 2.0, n)) if weighted else loss
    F = np.column_stack([np.ones(n), X[:, 0]])[:, :free]
    problem = Problem(make_family(kind, X), loss, y, 0.5, F)
    units = Units(rng.standard_normal((m, 3)), rng.choice([-1.0, 1.0], m), np.zeros(free))
    fitted = fit_sizes(problem, units, np.zeros(m))

    pairs = zip(units.weights, units.outputs, strict=True)
    stack = Stack([single_unit(problem.family, u, sign) for u, sign in pairs], "l2")
    samples = all_samples(stack.matrix, F, loss, y)
    program = master_cone_program(samples, stack, problem.weight_decay)
    x = solve_cone_program(program, "CLARABEL", 1e-9).x
    value = problem.objective(stack.units(x[:m], x[m : m + free]))
    assert problem.objective(fitted) == pytest.approx(value, rel=1e-6, abs=1e-7)
    assert problem.objective(fitted) <= value * (1.0 + 1e-9)

    # No unit gains from another size: |v . phi| <= weight decay, with equality where it has one.
    v = loss.gradient(problem.fit(fitted), y)
    lengths = problem.family.sizes(units.weights)
    gain = -(v @ problem.family.features(units.weights)) * units.outputs / lengths
    assert gain.max() <= problem.weight_decay * (1.0 + 1e-6)
    own = -(v @ problem.family.features(fitted.weights)) * fitted.outputs
    sizes = problem.family.sizes(fitted.weights)
    np.testing.assert_allclose(own / sizes, problem.weight_decay, rtol=1e-6)
    assert np.abs(F.T @ v).max(initial=0.0) <= 1e-6 * np.abs(F).sum()


@pytest.mark.parametrize("name", ["squared", "logistic"])
def test_after_the_deadline_no_size_is_fitted(name):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 2))
    problem = Problem(make_family("relu", X), get_loss(name), np.sign(X[:, 0]), 0.1)
    units = Units(rng.standard_normal((5, 2)), rng.choice([-1.0, 1.0], 5), np.zeros(0))
    sizes = problem.family.sizes(units.weights)
    late = fit_sizes(problem, units, sizes, deadline=-np.inf)
    np.testing.assert_allclose(late.weights, units.weights)
    assert problem.objective(fit_sizes(problem, units, sizes)) < problem.objective(late)
