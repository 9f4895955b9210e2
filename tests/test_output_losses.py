"""Losses of several outputs: value, gradient, conjugate, scale and expression say the same."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from cvxnet.errors import InputError, UnsupportedError
from cvxnet.losses import LOSSES, Weighted, get_loss
from cvxnet.objective import Form, Objective
from cvxnet.training.recovery import problem_of
from cvxnet.training.start import fit_free

N, C = 5, 3
WEIGHTS = np.array([0.5, 1.0, 2.0, 0.03, 7.0])
CASES = {name: loss for name, loss in LOSSES.items() if loss.outputs}
CASES |= {f"weighted {name}": Weighted(loss, WEIGHTS) for name, loss in CASES.items()}
every_loss = pytest.mark.parametrize("loss", CASES.values(), ids=CASES)
seeds = st.integers(0, 10_000)


def sample(loss, seed):
    """Predictions and targets, (N, C), and the generator."""
    rng = np.random.default_rng(seed)
    f = 3.0 * rng.standard_normal((N, C))
    if loss.classes:
        return f, np.eye(C)[rng.integers(C, size=N)], rng
    return f, rng.choice([-1.0, 1.0], (N, C)) if loss.labels else rng.standard_normal((N, C)), rng


@every_loss
@settings(max_examples=20)
@given(seed=seeds)
def test_derivatives(loss, seed):
    f, y, rng = sample(loss, seed)
    d = rng.standard_normal((N, C))
    slope = (loss.value(f + 1e-6 * d, y) - loss.value(f - 1e-6 * d, y)) / 2e-6
    np.testing.assert_allclose(slope, (loss.gradient(f, y) * d).sum(), rtol=1e-5, atol=1e-5)
    bend = (loss.gradient(f + 1e-7 * d, y) - loss.gradient(f - 1e-7 * d, y)) / 2e-7
    np.testing.assert_allclose(loss.curvature_times(f, y, d), bend, rtol=1e-5, atol=1e-5)
    if not loss.classes:
        np.testing.assert_allclose(loss.curvature(f, y) * d, bend, rtol=1e-5, atol=1e-5)


@every_loss
@settings(max_examples=20)
@given(seed=seeds)
def test_fenchel_young(loss, seed):
    """No dual vector of the domain proves too much, and the gradient proves all."""
    f, y, rng = sample(loss, seed)
    v = loss.clip(3.0 * rng.standard_normal((N, C)), y)
    bound = (v * f).sum() - loss.conjugate(v, y)
    assert np.isfinite(bound)
    assert bound <= loss.value(f, y) * (1.0 + 1e-12)
    v = loss.gradient(f, y)
    assert (v * f).sum() - loss.conjugate(loss.clip(v, y), y) == pytest.approx(
        loss.value(f, y), rel=1e-9, abs=1e-9
    )


@every_loss
@settings(max_examples=20)
@given(seed=seeds)
def test_the_best_scale_is_no_worse_than_others(loss, seed):
    f, y, rng = sample(loss, seed)
    v = loss.gradient(f, y)
    largest = rng.choice([0.3, 2.0, np.inf])
    t = loss.best_scale(v, y, largest)
    assert 0.0 <= t <= largest
    value = -loss.conjugate(t * v, y)
    for other in np.linspace(0.0, min(largest, 2.0), 41):
        assert value >= -loss.conjugate(other * v, y) - 1e-9


@every_loss
@settings(max_examples=20)
@given(seed=seeds)
def test_there_is_room(loss, seed):
    """Moving rows by less than their room, row sums kept with cross entropy, stays inside."""
    f, y, rng = sample(loss, seed)
    v = loss.clip(loss.gradient(f, y), y)
    step = rng.uniform(-1.0, 1.0, (N, C))
    if loss.classes:
        step -= step.mean(axis=1, keepdims=True)
        step /= 2.0
    moved = v + 0.999 * np.minimum(loss.room(v, y), 1.0) * step
    assert loss.inside(moved, y).all()


@every_loss
def test_expression(loss):
    f, y, _ = sample(loss, 3)
    expression = loss.expression(cp.Constant(f), y)
    assert expression.value == pytest.approx(loss.value(f, y))
    assert loss.expression(cp.Variable((N, C)), y).is_convex()


def test_cross_entropy_keeps_its_digits():
    loss, y = get_loss("cross_entropy"), np.array([[1.0, 0.0, 0.0]])
    assert loss.value(np.array([[50.0, 0.0, 0.0]]), y) == pytest.approx(2 * np.exp(-50), rel=1e-12)
    assert loss.value(np.array([[-800.0, 0.0, 0.0]]), y) == pytest.approx(800 + np.log(2))
    error = np.full((1, 3), 1e-13)
    assert loss.rounding(error, y) == pytest.approx(1e-13, rel=1e-3)


@pytest.mark.parametrize(
    ("y", "classes", "first"),
    [
        (["b", "a", "c", "a"], ["a", "b", "c"], [0, 1, 0]),
        ([3, 1, 1, 2], [1, 2, 3], [0, 0, 1]),
        ([1.0, 0.0, 2.0, 2.0], [0.0, 1.0, 2.0], [0, 1, 0]),
        ([True, False, True, True], [False, True], [0, 1]),
        (np.array(["x", "y", "x", "y"], dtype=object), ["x", "y"], [1, 0]),
        (np.eye(3)[[2, 0, 1, 1]], [0, 1, 2], [0, 0, 1]),
        (np.array([[1], [0], [1], [0]]), [0, 1], [0, 1]),
    ],
)
def test_labels_of_any_kind(y, classes, first):
    goal = objective(y)
    assert goal.classes.tolist() == classes
    assert goal.y[0].tolist() == first
    assert (goal.y.sum(axis=1) == 1.0).all()


def objective(y, loss="cross_entropy", units="relu", **options):
    X = np.random.default_rng(0).standard_normal((len(y), 2))
    return Objective(units=units, X=X, y=y, loss=get_loss(loss), weight_decay=1.0, **options)


@pytest.mark.parametrize(
    ("y", "options", "words"),
    [
        (["a", None, "b"], {}, r"y\[1\] is None"),
        ([0.0, float("nan"), 1.0], {}, r"y\[1\] is nan"),
        ([1, "a", 2], {}, "several kinds"),
        ([0.5, 1.25, 2.0], {}, "not whole"),
        (["a", "a"], {}, "one class"),
        (list(range(60)), {}, "60 different labels"),
        ([[1.0, 1.0], [0.0, 1.0]], {}, "one label per sample"),
        ([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], {}, "no sample .* has the class 2"),
        (["a", "b", "c"], {"sample_weight": [1, 1, 0]}, "has the class 'c'"),
        ([[1.0, 0.0], [0.0]], {}, "cannot be read"),
        (np.zeros((3, 0)), {"loss": "squared"}, "0 columns"),
        (np.zeros((3, 5000)), {"loss": "squared"}, "5000 columns"),
        (np.zeros((3, 2, 2)), {"loss": "squared"}, "has shape"),
        ([[1.0, 2.0], [1.0, np.inf]], {"loss": "squared"}, r"y\[1, 1\] is inf"),
        ([[1.0, 2.0], [1.0, 3.0], [0.0, 1.0]], {"loss": "logistic"}, "at most two classes"),
    ],
)
def test_targets_that_cannot_be_used(y, options, words):
    with pytest.raises(InputError, match=words):
        objective(y, **options)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"units": "tanh"}, "tanh units have one output"),
        ({"units": "squared_relu"}, "squared_relu units have one output"),
        ({"units": "sign"}, "sign units have one output"),
        ({"loss": "hinge"}, "hinge loss has one output"),
        ({"loss": "squared_hinge"}, "squared_hinge loss has one output"),
        ({"norm": "l1"}, "norm 'l2' only"),
        ({"output_weights": "nonneg"}, "goes with one output"),
    ],
)
def test_what_is_not_covered_is_refused_by_name(options, words):
    with pytest.raises(UnsupportedError, match=words):
        objective(np.array([[1.0, -1.0], [-1.0, 1.0]]), **{"loss": "squared"} | options)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy", "logistic"])
def test_dual_vectors_that_do_not_see_what_is_free(loss):
    rng = np.random.default_rng(1)
    y = rng.standard_normal((21, 3))
    if loss != "squared":
        y = rng.permutation(list("abc" * 7))
    if loss == "logistic":
        y = np.where(rng.standard_normal((21, 3)) > 0.0, 1, -1)
    problem = problem_of(objective(y, loss, form=Form(True, True, True)))
    alone, v = fit_free(problem)
    assert problem.ignores_free(v)
    moved = problem.loss.gradient(
        problem.fit(alone) + 1e-3 * rng.standard_normal(v.shape), problem.y
    )
    assert not problem.ignores_free(moved)
    v = problem.make_feasible(moved)
    assert problem.ignores_free(v)
    assert problem.loss.inside(v, problem.y).all()
    if loss == "cross_entropy":
        np.testing.assert_allclose(v.sum(axis=1), 0.0, atol=1e-15)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("weighted", [False, True])
def test_small_steps_make_the_dual_of_cross_entropy_orthogonal_to_free_columns(seed, weighted):
    """Rows keep their sum, entries the domain, whatever the probabilities' sizes."""
    rng = np.random.default_rng(seed)
    y = np.eye(4)[rng.integers(0, 4, 15)]
    loss = get_loss("cross_entropy")
    loss = Weighted(loss, rng.uniform(0.5, 2.0, 15)) if weighted else loss
    Q = np.linalg.qr(np.column_stack([np.ones(15), rng.normal(size=(15, 2))]))[0]
    f = 5.0 * rng.normal(size=(15, 4))  # what units add; free weights are nearly the best ones

    def of(free):
        shifted = f + Q @ free.reshape(3, 4)
        return loss.value(shifted, y), (Q.T @ loss.gradient(shifted, y)).ravel()

    nearly = minimize(of, np.zeros(12), jac=True, method="BFGS", options={"gtol": 1e-3}).x
    v = loss.gradient(f + Q @ nearly.reshape(3, 4), y)
    for _ in range(5):  # entries next to zero may be driven beyond, and are put back
        v = loss.clip(loss.moved_off(v, y, Q), y)
    assert np.abs(Q.T @ v).max() <= 1e-13
    assert np.abs(v.sum(axis=1)).max() <= 1e-14 and loss.inside(v, y).all()
