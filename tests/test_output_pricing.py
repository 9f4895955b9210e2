"""Pricing for several outputs: the largest length of V^T phi_u(X), against brute force and more."""

from itertools import combinations, product

import numpy as np
import pytest

from cvxnet.objective.families import Family
from cvxnet.training.clock import now
from cvxnet.training.outputs.pricing import climb_outputs, price_outputs
from cvxnet.training.units import bind
from cvxnet.training.units.gated_relu import GatedReLUUnits
from cvxnet.training.units.linear import CoordinateUnits, LinearUnits
from cvxnet.training.units.piecewise_linear import AbsUnits, LeakyReLUUnits, ReLUUnits

FAMILIES = (ReLUUnits, AbsUnits, LeakyReLUUnits)
DATA = ("random", "ternary", "grid", "parallel", "flat", "close", "zero rows")
DUALS = ("random", "softmax", "nonneg", "nonpos", "rounded", "rank one", "zero rows")


def data(kind, n, r, rng):
    """Rows in general position, or with ties, parallel or opposite, nearly parallel, zero."""
    X = rng.standard_normal((n, r))
    if kind == "ternary":
        X = rng.integers(-1, 2, (n, r)).astype(float)
    elif kind == "grid":
        X = np.column_stack([rng.integers(0, 3, (n, r - 1)), np.ones(n)])
    elif kind == "parallel":
        X[: n // 2] = X[n - n // 2 :] * rng.choice([-2.0, 1.0], (n // 2, 1))
    elif kind == "flat":
        X[: n // 2, -1] = 0.0
    elif kind == "close":
        X[1 : n // 2] = X[0] + 1e-7 * X[1 : n // 2]
    elif kind == "zero rows":
        X[::3] = 0.0
    return X


def dual(kind, n, c, rng):
    """Rows in general position, or as cross entropy has them, of one sign, of rank one, zero."""
    V = rng.standard_normal((n, c))
    if kind == "softmax":
        V -= V.mean(axis=1, keepdims=True)
    elif kind == "nonneg":
        V = np.abs(V)
    elif kind == "nonpos":
        V = -np.abs(V)
    elif kind == "rounded":
        V = np.round(V)
    elif kind == "rank one":
        V = np.outer(V[:, 0], rng.standard_normal(c))
    elif kind == "zero rows":
        V[::2] = 0.0
    return V


def small_cases(count, seed):
    """Every kind of data with every kind of dual vectors, in turn, at every rank up to three."""
    rng = np.random.default_rng(seed)
    kinds = list(product(DATA, DUALS))
    for case in range(count):
        on, vk = kinds[case % len(kinds)]
        n, r, c = int(rng.integers(3, 9)), 1 + case % 3, int(rng.integers(1, 6))
        X, V = data(on, n, r, rng), dual(vk, n, c, rng)
        sizes = 10.0 ** rng.integers(-8, 9, 2)
        yield FAMILIES[case % 2 if case % 5 else 2](sizes[0] * X), sizes[1] * V


def lengths(units, V, U):
    """``|V^T phi_u(X)|`` at the rows of U."""
    return np.linalg.norm(units.features(U).T @ V, axis=1)


def top_eigenvectors(units, V):
    """Local maxima on the closed cells, and some other points: a unit vector (m, r) each.

    On every face of every pattern the top eigenvector of its quadratic form, if it is in the closed
    cell. And which of them belong to a single eigenvalue.
    """
    E, (plus, minus, _) = units.arrangement.normals, units.kinks(V)
    h, r = E.shape
    S = np.array(list(product([1.0, -1.0], repeat=h)))
    M = np.einsum("sh,hr,hc->src", S > 0, E, plus) - np.einsum("sh,hr,hc->src", S < 0, E, minus)
    K, found, singles = M @ M.transpose(0, 2, 1), [], []
    for z in range(r):
        for face in combinations(range(h), z):
            _, s, Vt = np.linalg.svd(E[list(face)] if z else np.zeros((1, r)))
            B = Vt[int((s > 1e-9).sum()) :].T
            if B.shape[1]:
                w, U = np.linalg.eigh(B.T @ K @ B)
                single = w[:, -1] > 1.001 * w[:, :-1].max(axis=1, initial=0.0)
                for sign in (1.0, -1.0):
                    top = sign * U[:, :, -1] @ B.T
                    inside = (S * (top @ E.T) >= -1e-9).all(axis=1)
                    found.append(top[inside])
                    singles.append(single[inside])
    return np.vstack(found), np.concatenate(singles)


def falls_in_all_directions(units, V, u, margin):
    """Whether ``|V^T phi_u(X)|`` falls across all kinks at u, and where they cross, along them.

    The slope in the direction d is that of the rows off their kinks and what those on it add.
    """
    E, (plus, minus, _) = units.arrangement.normals, units.kinks(V)
    t = E @ u
    on = E[np.abs(t) <= 1e-9]
    g = np.maximum(t, 0.0) @ plus + np.maximum(-t, 0.0) @ minus
    directions = np.vstack([on, np.cross(on, u)]) if len(on) > 1 and len(u) == 3 else on
    D = np.vstack([directions, -directions]) @ E.T
    ahead = np.where(np.abs(t) <= 1e-9, np.maximum(D, 0.0), D * (t > 0.0))
    behind = np.where(np.abs(t) <= 1e-9, np.maximum(-D, 0.0), -D * (t < 0.0))
    slopes = (ahead @ plus + behind @ minus) @ g / np.linalg.norm(g)
    return bool((slopes < -margin).all())


def test_pricing_equals_brute_force_and_misses_no_strict_maximum():
    strict = 0
    for units, V in small_cases(294, seed=1):
        if not units.rank:
            continue
        plus, minus, _ = units.kinks(V)
        size = np.linalg.norm([plus, minus], axis=2).sum()
        found, (U, single) = price_outputs(units, V, 0.0), top_eigenvectors(units, V)
        values = lengths(units, V, U)
        rho = values.max(initial=0.0)
        assert abs(found.rho - rho) <= 1e-11 * size and found.error <= 1e-10 * size
        np.testing.assert_allclose(lengths(units, V, found.units), found.values, rtol=1e-9)
        for u in U[single & (values > 0.01 * size)]:
            if falls_in_all_directions(units, V, u, 1e-6 * size):
                assert np.linalg.norm(found.units - u, axis=1).min(initial=3.0) < 1e-6
                strict += 1
    assert strict > 500


@pytest.mark.parametrize("seed", range(6))
def test_units_and_outputs_are_those_of_the_values(seed):
    rng = np.random.default_rng(seed)
    units = FAMILIES[seed % 3](rng.standard_normal((60, 1 + seed % 3)))
    V = dual(DUALS[seed], 60, 4, rng)
    found = price_outputs(units, V, 0.0)
    np.testing.assert_allclose(np.linalg.norm(found.units, axis=1), 1.0)
    g = units.features(found.units).T @ V
    np.testing.assert_allclose(found.outputs * found.values[:, None], g, atol=1e-9 * found.rho)
    assert (np.diff(found.values) <= 0.0).all() and found.rho == found.values[0]


@pytest.mark.parametrize("r", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_one_output_is_priced_as_ever(r, seed):
    """And so are several that are multiples of one."""
    rng = np.random.default_rng(seed)
    units, v = FAMILIES[seed](rng.standard_normal((50, r))), rng.standard_normal(50)
    one = units.price(v, 0.0)
    w = rng.standard_normal(3)
    for V, size in ((v[:, None], 1.0), (np.outer(v, w), np.linalg.norm(w))):
        found = price_outputs(units, V, 0.5 * size * one.rho)
        np.testing.assert_allclose(found.values, size * one.values, rtol=1e-9)
        for u, value in zip(one.units, one.values, strict=True):
            at = np.abs(found.values - size * value) < 1e-9 * found.rho
            assert np.linalg.norm(found.units[at] - u, axis=1).min() < 1e-6


@pytest.mark.parametrize("c", [2, 3, 7])
@pytest.mark.parametrize("r", [2, 3])
def test_turning_and_scaling_change_nothing(r, c):
    rng = np.random.default_rng(10 * r + c)
    X, V = rng.standard_normal((40, r)), dual("softmax", 40, c, rng)
    inputs, outputs = (np.linalg.qr(rng.standard_normal((k, k)))[0] for k in (r, c))
    found = price_outputs(ReLUUnits(X), V, 0.0)
    turned = price_outputs(ReLUUnits(1e6 * X @ inputs), 1e-9 * V @ outputs, 0.0)
    np.testing.assert_allclose(turned.values, 1e-3 * found.values, rtol=1e-9)
    np.testing.assert_allclose(turned.units @ inputs.T, found.units, atol=1e-6)
    np.testing.assert_allclose(turned.outputs @ outputs.T, found.outputs, atol=1e-6)


@pytest.mark.parametrize("kind", DUALS)
def test_many_starts_find_nothing_that_the_sweep_does_not(kind):
    rng = np.random.default_rng(5)
    units, V = ReLUUnits(rng.standard_normal((200, 3))), dual(kind, 200, 4, rng)
    found = price_outputs(units, V, 0.0)
    climbed = climb_outputs(units, V, 0.0, rng.standard_normal((500, 3)), np.inf)
    assert (1.0 - 1e-4) * found.rho <= climbed.rho <= (1.0 + 1e-12) * found.rho
    assert climbed.error == np.inf
    U = rng.standard_normal((20000, 3))
    U /= np.linalg.norm(U, axis=1)[:, None]
    assert lengths(units, V, U).max() <= found.rho * (1 + 1e-12) <= 1.1 * lengths(units, V, U).max()


@pytest.mark.parametrize("on", ["random", "grid", "parallel", "close"])
@pytest.mark.parametrize("kind", ["random", "softmax", "rounded"])
def test_where_the_pricing_of_one_output_comes_to_is_found(on, kind):
    """The best unit for the outputs w, the outputs w of that unit, and so on until both stay."""
    rng = np.random.default_rng(len(on) + len(kind))
    units, V = AbsUnits(data(on, 40, 3, rng)), dual(kind, 40, 3, rng)
    found, best = price_outputs(units, V, 0.0), 0.0
    for w in rng.standard_normal((10, 3)):
        for _ in range(100):
            u = units.price(V @ w / np.linalg.norm(w), 0.0).units[:1]
            w, before = (units.features(u).T @ V)[0], w
            if np.linalg.norm(w - before) < 1e-12 * np.linalg.norm(w):
                assert np.linalg.norm(found.units - u, axis=1).min() < 1e-6
                break
        best = max(best, float(np.linalg.norm(w)))
    assert best == pytest.approx(found.rho, rel=1e-6) and best <= found.rho + found.error


def test_values_up_to_the_floor_are_left_out():
    rng = np.random.default_rng(2)
    units, V = ReLUUnits(rng.standard_normal((80, 3))), rng.standard_normal((80, 3))
    everything = price_outputs(units, V, 0.0)
    floor = 0.9 * everything.rho
    above = price_outputs(units, V, floor)
    np.testing.assert_allclose(above.values, everything.values[everything.values > floor])
    none = price_outputs(units, V, 2.0 * everything.rho)
    assert none.rho == 2.0 * everything.rho and not len(none.values)
    assert none.units.shape == (0, 3) and none.outputs.shape == (0, 3)


def test_a_search_that_was_cut_short_proves_nothing():
    rng = np.random.default_rng(3)
    units, V = ReLUUnits(rng.standard_normal((500, 3))), rng.standard_normal((500, 2))
    assert price_outputs(units, V, 0.0, deadline=now() - 1.0).error == np.inf
    part = price_outputs(units, V, 0.0, work=1e7)
    assert part.error == np.inf and len(part.values)
    assert part.rho <= price_outputs(units, V, 0.0).rho


@pytest.mark.parametrize("X", [np.zeros((4, 2)), np.zeros((1, 1)), np.array([[0.0, 1e-300]])])
def test_data_of_nothing(X):
    V = np.ones((len(X), 2))
    found = price_outputs(ReLUUnits(X), V, 0.0)
    assert 0.0 <= found.rho <= 1e-290 and np.isfinite(found.error)
    assert found.outputs.shape == (len(found.values), 2)
    assert price_outputs(ReLUUnits(np.eye(len(X))), 0.0 * V, 0.0).rho == 0.0


def test_linear_units_have_the_spectral_norm():
    rng = np.random.default_rng(4)
    X, V = rng.standard_normal((30, 5)), rng.standard_normal((30, 3))
    found = price_outputs(LinearUnits(X), V, 0.0)
    assert found.rho == pytest.approx(np.linalg.norm(X.T @ V, 2))
    np.testing.assert_allclose(found.units @ X.T @ V, found.values[:, None] * found.outputs)
    assert len(price_outputs(LinearUnits(X), V, 0.999 * found.rho).values) == 1


def test_gates_have_the_largest_of_their_spectral_norms():
    rng = np.random.default_rng(5)
    X, V = rng.standard_normal((30, 4)), rng.standard_normal((30, 3))
    units = GatedReLUUnits(X, gates=rng.standard_normal((6, 4)))
    found = price_outputs(units, V, 0.0)
    norms = [np.linalg.norm((X * gate[:, None]).T @ V, 2) for gate in units.is_open.T]
    assert found.rho == pytest.approx(max(norms))
    g = units.features(found.units).T @ V
    np.testing.assert_allclose(g, found.values[:, None] * found.outputs, atol=1e-12)


def test_coordinates_have_the_longest_row():
    rng = np.random.default_rng(6)
    X, V = rng.standard_normal((30, 4)), rng.standard_normal((30, 3))
    found = price_outputs(CoordinateUnits(X), V, 0.0)
    assert found.rho == pytest.approx(np.linalg.norm(X.T @ V, axis=1).max())
    g = CoordinateUnits(X).features(found.units).T @ V
    np.testing.assert_allclose(g, found.values[:, None] * found.outputs)


@pytest.mark.parametrize("name", ["quadratic", "polynomial", "relu"])
def test_local_search_climbs_from_the_units_given(name):
    """At rank five, to points that no neighbour exceeds clearly: on kinks it ends short."""
    rng = np.random.default_rng(7)
    X, V = rng.standard_normal((40, 5)), rng.standard_normal((40, 3))
    units = bind(Family(name).complete(5), X)
    start = rng.standard_normal((1, 5))
    found = climb_outputs(units, V, 0.0, start, np.inf)
    assert found.error == np.inf and found.rho >= lengths(units, V, start / np.linalg.norm(start))
    u = found.units[0]
    near = u + 1e-4 * rng.standard_normal((500, 5))
    near /= np.linalg.norm(near, axis=1)[:, None]
    assert lengths(units, V, near).max() <= found.rho * (1.0 + 1e-5)
