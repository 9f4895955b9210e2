"""The bound in floating point with several outputs, or of one side, is hardly above the maximum."""

from fractions import Fraction

import numpy as np
import output_truth as truth
import pytest
from claimed import Claimed
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rounded_sweep import CASES, degenerate

import cvxnet as cn
from cvxnet.proofs import rounded_outputs
from cvxnet.proofs.rounded_outputs import bound_of_outputs

UNITS = {"relu": "relu", "abs": "abs", "leaky_relu": {"name": "leaky_relu", "slope": 0.25}}
LEFT = {"relu": 0.0, "abs": -1.0, "leaky_relu": 0.25}
SMALL = 2.0**-40


def document(X, V, beta, units="relu", **more):
    """A certificate about that dual vector, without a network."""
    X, V = np.asarray(X, float), np.asarray(V, float)
    made = Claimed(
        units=UNITS[units], loss="squared", weight_decay=beta, bias=False, X=X, y=np.zeros(V.shape),
        W=np.zeros((0, X.shape[1])), b=None, a=np.zeros((0, *V.shape[1:])), v=V, lower=-1e300,
        upper=1e300, **more,
    )  # fmt: skip
    return made.to_dict()


def rounded_rho(X, V, units="relu", floor=SMALL):
    rows = [[Fraction(x) for x in row] for row in np.asarray(V).tolist()]
    left = Fraction(LEFT[units])
    return float(bound_of_outputs(np.asarray(X), rows, left, Fraction(1), Fraction(floor)))


def compare(X, V, units="relu"):
    """The exact check proves what is found here, and refutes a little less."""
    found = rounded_rho(X, V, units)
    for factor in (1.0, 1.0 - 1e-11) if found > SMALL else (1.0,):
        exact = cn.check(document(X, V, found * factor, units))
        assert exact.valid == (factor == 1.0)
        rounded = cn.check(document(X, V, found * factor * (1.0 + 1e-15), units), rounded=True)
        assert rounded.valid == exact.valid and rounded.violation < 1.1e-11


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_the_exact_sweep(name, units):
    rng = np.random.default_rng(len(name))
    X = degenerate(name, rng)
    sizes = np.abs(X).max(axis=1, initial=1e-300, keepdims=True)
    for c in (2, 3):
        V = rng.normal(size=(len(X), c)) / (sizes if name == "sizes" else 1.0)
        compare(X, V, units)
        compare(X[::2], rng.integers(-1, 2, size=V[::2].shape) + 0.0, units)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(list(UNITS)))
def test_agrees_with_brute_force(seed, units):
    rng = np.random.default_rng(seed)
    n, c, d = (int(rng.integers(*ends)) for ends in ((1, 6), (2, 5), (1, 4)))
    X, V = rng.normal(size=(n, d)), rng.normal(size=(n, c))
    X, V = (np.round(X) if seed % 3 == 0 else X), (np.round(V) if seed % 4 == 0 else V)
    rho = truth.rho_of_kinks(X, V, LEFT[units])
    found = rounded_rho(X, V, units)
    assert rho * (1.0 - 1e-12) <= found <= max(SMALL, rho * (1.0 + 1e-11))


@pytest.mark.parametrize("rule", ["on_arc", "outside"])
def test_what_dismisses_is_needed_to_be_tight(rule, monkeypatch):
    """Dismissing nothing gives a larger bound, so that arcs and cells are told apart at all."""
    rng = np.random.default_rng(0)
    X, V = rng.normal(size=(12, 3)), rng.normal(size=(12, 3))
    tight = rounded_rho(X, V)
    for name in ("circle", "on_arc", "in_cell", "outside"):
        monkeypatch.setattr(rounded_outputs, name, getattr(rounded_outputs, name).py_func)
    assert rounded_rho(X, V) == pytest.approx(tight, rel=1e-15)
    if rule == "outside":
        monkeypatch.setattr(rounded_outputs, rule, lambda *arguments: False)
    else:
        original = rounded_outputs.on_arc
        monkeypatch.setattr(
            rounded_outputs, rule, lambda M, e, *_: original(M, e, -np.inf, np.inf, 0.0)
        )
    assert rounded_rho(X, V) > 1.001 * tight


def test_kinks_that_cancel_leave_a_linear_function():
    X = np.array([[1.0, 2.0], [-1.0, -2.0], [2.0, -1.0], [-2.0, 1.0]])
    V = np.array([[1.0, 0.5], [-1.0, -0.5], [0.25, 2.0], [-0.25, -2.0]])
    rho = float(np.linalg.norm(X[::2].T @ V[::2], 2))
    assert rho <= rounded_rho(X, V) <= rho * (1.0 + 1e-12)
    assert rounded_rho(X, 0.0 * V) == SMALL


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("name", CASES)
def test_one_side(name, units):
    rng = np.random.default_rng(7)
    X = degenerate(name, rng)
    sizes = np.abs(X).max(axis=1, initial=1e-300) if name == "sizes" else 1.0
    for signs in ("nonneg", "nonpos"):
        for v in rng.normal(size=(2, len(X))) / sizes:
            more, tiny = {"output_weights": signs}, 2.0**-16 * np.abs(X.T @ np.abs(v)).max()
            beta = tiny * (1.0 + cn.check(document(X, v, tiny, units, **more)).violation)
            assert cn.check(document(X, v, beta * (1.0 + 1e-11), units, **more), rounded=True).valid
            below = cn.check(document(X, v, beta * (1.0 - 1e-11), units, **more), rounded=True)
            assert beta == tiny or not below.valid


def test_many_samples_of_several_outputs():
    rng = np.random.default_rng(1)
    X, V = rng.normal(size=(200, 3)), rng.normal(size=(200, 5))
    rho = rounded_rho(X, V)
    assert cn.check(document(X, V, rho * (1.0 + 1e-12)), rounded=True).valid
    U = rng.normal(size=(20_000, 3))
    values = np.linalg.norm(np.maximum(U @ X.T, 0.0) @ V, axis=1) / np.linalg.norm(U, axis=1)
    assert 0.95 * rho < values.max() <= rho
