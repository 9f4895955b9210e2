"""Losses: gradient, conjugate, scale, CVXPY expression and cone form say the same thing."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cvxnet.cones import SOLVERS, ConeProgram, solve_cone_program
from cvxnet.errors import InputError
from cvxnet.losses import LOSSES, get_loss

NAMES = sorted(LOSSES)
seeds = st.integers(0, 10_000)


def sample(name, seed, n=6):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n) if name == "squared" else rng.choice([-1.0, 1.0], n)
    return 2.0 * rng.standard_normal(n), y, rng


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
def test_gradient_is_the_slope_of_the_value(name, seed):
    loss, (f, y, rng) = get_loss(name), sample(name, seed)
    d = rng.standard_normal(f.size)
    slope = (loss.value(f + 1e-6 * d, y) - loss.value(f - 1e-6 * d, y)) / 2e-6
    assert slope == pytest.approx(loss.gradient(f, y) @ d, rel=1e-6, abs=1e-6)
    bend = (loss.gradient(f + 1e-6 * d, y) - loss.gradient(f - 1e-6 * d, y)) / 2e-6
    np.testing.assert_allclose(bend, loss.curvature(f, y) * d, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
def test_fenchel_young(name, seed):
    loss, (f, y, rng) = get_loss(name), sample(name, seed)
    v = loss.gradient(f, y)
    assert v @ f - loss.conjugate(v, y) == pytest.approx(loss.value(f, y), abs=1e-9)
    g = 3.0 * rng.standard_normal(f.size)
    assert v @ g - loss.conjugate(v, y) <= loss.value(g, y) + 1e-9


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds, largest=st.floats(0.01, 3.0))
def test_best_scale_beats_every_other(name, seed, largest):
    loss, (f, y, _) = get_loss(name), sample(name, seed)
    v = loss.gradient(f, y)
    t = loss.best_scale(v, y, largest)
    assert 0.0 <= t <= largest
    best = -loss.conjugate(t * v, y)
    assert np.isfinite(best)
    for other in np.linspace(0.0, largest, 50):
        assert -loss.conjugate(other * v, y) <= best + 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_expression_and_cone_form_have_the_value(name):
    loss, (f, y, _) = get_loss(name), sample(name, 3)
    assert float(loss.expression(cp.Constant(f), y).value) == pytest.approx(loss.value(f, y))
    assert loss.expression(cp.Variable(f.size), y).is_convex()
    cone = loss.cone(y)
    n, extra = f.size, cone.q.size
    fixed = sparse.hstack([sparse.eye_array(n), sparse.csr_array((n, extra - n))])
    program = ConeProgram(
        curvature=cone.curvature,
        q=cone.q,
        A=sparse.csc_array(sparse.vstack([fixed, cone.A])),
        b=np.concatenate([f - cone.shift, cone.b]),
        zero=n,
        nonneg=cone.nonneg,
        exponential=cone.exponential,
    )
    for solver in SOLVERS:
        x = solve_cone_program(program, solver, 1e-9).x[:extra]
        value = 0.5 * cone.curvature @ x**2 + cone.q @ x
        assert value == pytest.approx(loss.value(f, y), rel=1e-6), solver


@pytest.mark.parametrize("name", NAMES)
def test_outside_the_domain_the_conjugate_is_infinite(name):
    loss = get_loss(name)
    if name == "logistic":
        assert loss.conjugate(np.array([0.5]), np.array([1.0])) == np.inf
        assert loss.conjugate(np.array([-1.5]), np.array([1.0])) == np.inf
    assert np.isfinite(loss.conjugate(np.array([-0.5]), np.array([1.0])))


def test_homogeneous_losses_scale_as_they_say():
    for name in NAMES:
        loss, (f, y, _) = get_loss(name), sample(name, 1)
        if loss.degree is not None:
            scaled = loss.value(8.0 * f, 8.0 * y)
            assert scaled == pytest.approx(8.0**loss.degree * loss.value(f, y))


def test_unknown_names_are_refused_with_the_list():
    with pytest.raises(InputError, match="known losses: absolute, hinge, huber, logistic"):
        get_loss("sqared")
