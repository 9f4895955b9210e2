"""Losses: value, gradient, conjugate, scale, CVXPY expression and cone form say the same thing."""

from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

import cvxnet.losses
from cvxnet.errors import InputError
from cvxnet.losses import LOSSES, Weighted, get_loss
from cvxnet.training.conic import SOLVERS, ConeProgram, solve_cone_program

N = 6
WEIGHTS = np.array([0.5, 1.0, 2.0, 0.03, 7.0, 1.0])
KINKED = [loss for loss in LOSSES.values() if not loss.smooth]
ONE_OUTPUT = {name: loss for name, loss in LOSSES.items() if not loss.classes}

CASES = dict(ONE_OUTPUT)
CASES |= {f"smoothed {loss.name}": loss.smoothed(0.3) for loss in KINKED}
CASES |= {f"weighted {name}": Weighted(loss, WEIGHTS) for name, loss in CASES.items()}
every_loss = pytest.mark.parametrize("loss", CASES.values(), ids=CASES)
seeds = st.integers(0, 10_000)


def sample(loss, seed):
    """Predictions off the kinks, targets, and the generator."""
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], N) if loss.labels else rng.standard_normal(N)
    return 2.0 * rng.standard_normal(N), y, rng


def direction(loss, seed):
    """Dual vectors of all kinds: a gradient, one in the domain, one anywhere, nearly zero."""
    f, y, rng = sample(loss, seed)
    v = 3.0 * rng.standard_normal(N)
    return [loss.gradient(f, y), loss.clip(v, y), v, 1e-9 * loss.clip(v, y)][seed % 4], y


def grid(size, y):
    """Predictions from -size to size in each column, and the kinks."""
    return np.vstack([np.linspace(-size, size, 10_001)[:, None] + np.zeros(N), y])


@every_loss
@settings(max_examples=25)
@given(seed=seeds)
def test_gradient_is_the_slope_of_the_value(loss, seed):
    f, y, rng = sample(loss, seed)
    f[: N // 2] = y[: N // 2]  # the kinks of the hinge and the absolute loss
    d = rng.standard_normal(N)
    slope = (loss.terms(f + 1e-6 * d, y) - loss.terms(f - 1e-6 * d, y)) / 2e-6
    np.testing.assert_allclose(slope, loss.gradient(f, y) * d, rtol=1e-6, atol=1e-4)
    assert loss.value(f, y) == pytest.approx(loss.terms(f, y).sum())


@every_loss
@settings(max_examples=25)
@given(seed=seeds)
def test_curvature_is_the_slope_of_the_gradient(loss, seed):
    f, y, rng = sample(loss, seed)
    d = rng.standard_normal(N)
    bend = (loss.gradient(f + 1e-7 * d, y) - loss.gradient(f - 1e-7 * d, y)) / 2e-7
    np.testing.assert_allclose(bend, loss.curvature(f, y) * d, rtol=1e-6, atol=1e-5)


@every_loss
def test_strictly_convex_losses_are_linear_on_no_segment(loss):
    y = np.tile([-1.0, 1.0], N // 2)
    ends = np.arange(-6.0, 7.0)[:, None] + np.zeros(N)
    bend = loss.terms(ends[:-1], y) + loss.terms(ends[1:], y) - 2 * loss.terms(ends[:-1] + 0.5, y)
    assert loss.strictly_convex == (bend > 1e-9).all()


@every_loss
@settings(max_examples=25)
@given(seed=seeds)
def test_fenchel_young(loss, seed):
    f, y, rng = sample(loss, seed)
    f[: N // 2] = y[: N // 2]
    v = loss.gradient(f, y)
    assert v @ f - loss.conjugate(v, y) == pytest.approx(loss.value(f, y), abs=1e-9)
    g = 3.0 * rng.standard_normal(N)
    assert v @ g - loss.conjugate(v, y) <= loss.value(g, y) + 1e-9


@every_loss
@settings(max_examples=25)
@given(seed=seeds)
def test_conjugate_is_the_supremum(loss, seed):
    f, y, rng = sample(loss, seed)
    share = rng.random()
    v = share * loss.gradient(f, y) + (1.0 - share) * loss.gradient(5.0 * f[::-1], y)
    g = grid(50.0, y)  # the supremum is between those two points
    best = (v * g - loss.terms(g, y)).max(axis=0)
    np.testing.assert_allclose(loss.conjugate_terms(v, y), best, atol=1e-3)
    assert (loss.conjugate_terms(v, y) >= best - 1e-12).all()


@every_loss
def test_outside_the_domain_the_conjugate_is_infinite(loss):
    _, y, _ = sample(loss, 0)
    low, high = loss.domain(y)
    for end, out in ((low, -1.0), (high, 1.0)):
        bounded = np.isfinite(end)
        v = np.where(bounded, end, 0.0)
        assert np.isfinite(loss.conjugate_terms(v, y)).all()
        beyond = v + 1e-3 * out * bounded
        assert (np.isinf(loss.conjugate_terms(beyond, y)) == bounded).all()
        f = np.full(N, 1e9 * out)
        assert (((beyond * f - loss.terms(f, y)) > 1e5) >= bounded).all()
        assert (loss.conjugate(beyond, y) == np.inf) == bounded.any()


@every_loss
@settings(max_examples=25)
@given(seed=seeds)
def test_clip_is_nearest_and_room_ends_at_the_boundary(loss, seed):
    _, y, rng = sample(loss, seed)
    v = 3.0 * rng.standard_normal(N)
    near = loss.clip(v, y)
    assert np.isfinite(loss.conjugate(near, y))
    other = loss.gradient(5.0 * rng.standard_normal(N), y)
    assert (np.abs(near - v) <= np.abs(other - v)).all()
    inside = 0.7 * near + 0.3 * other
    room = loss.room(inside, y)
    some = np.where(np.isfinite(room), room, 1e3)
    for way in (-1.0, 1.0):
        assert np.isfinite(loss.conjugate(inside + way * (1.0 - 1e-9) * some, y))
    ends = [loss.conjugate_terms(inside + way * (room + 1e-6), y) for way in (-1.0, 1.0)]
    assert (np.isinf(ends).any(axis=0) | np.isinf(room)).all()
    assert (loss.room(v, y)[near != v] == 0.0).all()


@every_loss
@settings(max_examples=25)
@given(seed=seeds, largest=st.floats(0.01, 3.0) | st.just(np.inf))
def test_best_scale_beats_every_other(loss, seed, largest):
    v, y = direction(loss, seed)
    t = loss.best_scale(v, y, largest)
    assert 0.0 <= t <= largest and np.isfinite(t)
    best = -loss.conjugate(t * v, y)
    assert np.isfinite(best)
    for other in np.concatenate(
        [np.linspace(0.0, 3.0 * t + 0.1, 60), t * np.linspace(0.9, 1.1, 9)]
    ):
        if other <= largest:
            assert -loss.conjugate(other * v, y) <= best + 1e-9 * (1.0 + abs(best))


@every_loss
def test_expression_has_the_value_and_is_convex(loss):
    for seed in range(3):
        f, y, _ = sample(loss, seed)
        assert float(loss.expression(cp.Constant(f), y).value) == pytest.approx(loss.value(f, y))
    assert loss.expression(cp.Variable(N), y).is_convex()


@every_loss
@pytest.mark.parametrize("solver", SOLVERS)
def test_cone_form_has_the_value(loss, solver):
    f, y, _ = sample(loss, 3)
    cone = loss.cone(y)
    extra = cone.q.size
    assert extra % N == 0
    fixed = sparse.hstack([sparse.eye_array(N), sparse.csr_array((N, extra - N))])
    program = ConeProgram(
        curvature=cone.curvature,
        q=cone.q,
        A=sparse.csc_array(sparse.vstack([fixed, cone.A])),
        b=np.concatenate([f - cone.shift, cone.b]),
        zero=N,
        nonneg=cone.nonneg,
        exponential=cone.exponential,
    )
    x = solve_cone_program(program, solver, 1e-9).x[:extra]
    value = 0.5 * cone.curvature @ x**2 + cone.q @ x
    assert value == pytest.approx(loss.value(f, y), rel=1e-6)


@pytest.mark.parametrize("name", sorted(name for name in CASES if CASES[name].degree))
def test_homogeneous_losses_scale_as_they_say(name):
    loss = CASES[name]
    f, y, _ = sample(loss, 1)
    for s in (8.0, 2.0**-16, 2.0**16):
        inner = loss.in_units(s)
        scaled = loss.value(s * f, s * y)
        assert scaled == pytest.approx(s**loss.degree * inner.value(f, y), rel=1e-9)
        v = inner.gradient(f, y)
        assert loss.gradient(s * f, s * y) == pytest.approx(s ** (loss.degree - 1) * v, rel=1e-9)
        assert inner.value(f, y) + inner.conjugate(v, y) == pytest.approx(v @ f, rel=1e-7)
        assert (inner.clip(v, y) == v).all() and np.isfinite(inner.curvature(f, y)).all()


@every_loss
@settings(max_examples=25)
@given(seed=seeds)
def test_smooth_losses_have_a_lipschitz_gradient(loss, seed):
    f, y, rng = sample(loss, seed)
    f[: N // 2] = y[: N // 2]
    steps = 10.0 ** -rng.uniform(2, 9, N)
    change = np.abs(loss.gradient(f + steps, y) - loss.gradient(f, y)) / steps
    if loss.smooth:
        assert loss.smoothed(0.1) is loss
        assert (change <= 2.0 * WEIGHTS.max() / 0.3 + 1e-3).all()
    else:
        assert (change[: N // 2] >= 0.5 * WEIGHTS.min() / 1e-2 - 1e-9).all()


@every_loss
@settings(max_examples=25)
@given(seed=seeds)
def test_smoothed_losses_lie_just_below(loss, seed):
    f, y, _ = sample(loss, seed)
    f[: N // 2] = y[: N // 2]
    terms = loss.terms(f, y)
    for mu in (1.0, 1e-3, 1e-9):
        smooth = loss.smoothed(mu)
        assert smooth.smooth and smooth.labels == loss.labels
        below = terms - smooth.terms(f, y)
        assert (below >= -1e-12 * (1.0 + terms)).all()
        assert (below <= 0.5 * mu * WEIGHTS.max() + 1e-12 * (1.0 + terms)).all()


@pytest.mark.parametrize("loss", KINKED)
@settings(max_examples=25)
@given(seed=seeds, mu=st.floats(0.05, 3.0))
def test_smoothed_is_the_moreau_envelope(loss, seed, mu):
    f, y, _ = sample(loss, seed)
    g = grid(10.0, y)
    least = (loss.terms(g, y) + (f - g) ** 2 / (2.0 * mu)).min(axis=0)
    np.testing.assert_allclose(loss.smoothed(mu).terms(f, y), least, atol=1e-5)


def test_smoothed_absolute_loss_of_width_one_is_huber():
    f, y, _ = sample(LOSSES["huber"], 0)
    smooth = LOSSES["absolute"].smoothed(1.0)
    np.testing.assert_allclose(smooth.terms(f, y), LOSSES["huber"].terms(f, y))


@pytest.mark.parametrize("loss", ONE_OUTPUT.values(), ids=ONE_OUTPUT)
def test_a_weight_of_two_is_the_sample_twice(loss):
    f, y, _ = sample(loss, 5)
    weighted = Weighted(loss, np.array([2.0] + [1.0] * (N - 1)))
    twice, labels = np.append(f, f[0]), np.append(y, y[0])
    assert weighted.value(f, y) == pytest.approx(loss.value(twice, labels))
    v = loss.gradient(twice, labels)
    joint = v[:N] + np.append(v[N], np.zeros(N - 1))
    np.testing.assert_allclose(weighted.gradient(f, y), joint)
    assert weighted.conjugate(joint, y) == pytest.approx(loss.conjugate(v, labels))


@pytest.mark.parametrize("loss", ONE_OUTPUT.values(), ids=ONE_OUTPUT)
def test_targets_are_checked(loss):
    numbers = np.array([0.5, 1.0, 2.0])
    if loss.labels:
        with pytest.raises(InputError, match=f"the {loss.name} loss needs .* two classes"):
            loss.check_target(numbers)
        assert loss.check_target(np.array([0.0, 1.0])).tolist() == [-1.0, 1.0]
    else:
        assert loss.check_target(numbers) is numbers


SHARED = {"__init__", "loss", "cone", "weighted", "envelope"}


def test_every_file_is_a_loss_of_its_name():
    files = {path.stem for path in Path(cvxnet.losses.__file__).parent.glob("*.py")}
    assert files - SHARED == set(LOSSES)
    assert all(type(loss).__module__ == f"cvxnet.losses.{name}" for name, loss in LOSSES.items())


def test_unknown_names_are_refused_with_the_list():
    with pytest.raises(InputError, match="losses: absolute, cross_entropy, hinge, huber, log_cosh"):
        get_loss("sqared")
