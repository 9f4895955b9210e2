"""Squared ReLU and tanh units: exact pricing against search, training against other programs."""

from functools import partial
from itertools import combinations

import cvxpy as cp
import numpy as np
import pytest
from examples import random_data, small_matrices
from families import make_family
from scipy.optimize import minimize

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.training.clock import now
from cvxnet.training.geometry.arrangement import arrange
from cvxnet.training.geometry.cells import all_cells
from cvxnet.training.pricing.box_search import (
    bound_boxes,
    price_squared_relu,
    price_tanh,
    search_boxes,
)
from cvxnet.training.pricing.quadratic_sweep import quadratic_sweep
from cvxnet.training.pricing.subdivision import Budget
from cvxnet.training.pricing.term_bounds import (
    FUNCTIONS,
    SQUARED_RELU,
    TANH,
    largest_bend,
    line_above,
)
from cvxnet.training.units.squared_relu import SquaredReLUUnits

# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["quadratic", "polynomial", "squared_relu", "tanh"])
def test_pull_back_is_the_gradient_and_features_are_homogeneous(name):
    rng = np.random.default_rng(0)
    X, v = rng.standard_normal((7, 3)), rng.standard_normal(7)
    units = make_family(name, X)
    W = rng.standard_normal((30, units.rank))
    W[::2, -1] += 3.0  # tanh rows inside the cone as well as outside
    value = lambda W: v @ units.features(W)  # noqa: E731
    steps = 1e-6 * np.eye(units.rank)
    numeric = np.column_stack([(value(W + e) - value(W - e)) / 2e-6 for e in steps])
    np.testing.assert_allclose(units.pull_back(W, v), numeric, atol=1e-6)
    np.testing.assert_allclose(units.features(3.0 * W), 3.0 * units.features(W))
    assert not units.features(np.zeros((1, units.rank))).any()


@pytest.mark.parametrize("name", ["quadratic", "squared_relu", "tanh"])
def test_hidden_weights_are_what_features_say(name):
    """Also where the columns of the data are dependent."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 2)) @ rng.standard_normal((2, 3))
    units = make_family(name, X)
    W = rng.standard_normal((5, units.rank))
    W /= np.linalg.norm(W, axis=1)[:, None]
    phi = {"quadratic": np.square, "squared_relu": lambda t: np.maximum(t, 0) ** 2, "tanh": np.tanh}
    np.testing.assert_allclose(units.features(W), phi[name](X @ units.hidden(W).T), atol=1e-10)
    hidden = units.hidden(W)
    np.testing.assert_allclose(
        units.features(units.coordinates(hidden) / units.sizes(units.coordinates(hidden))[:, None]),
        units.features(W),
        atol=1e-10,
    )


# --- squared ReLU: pricing ------------------------------------------------------------------------


def climbed(X, v, rng):
    """The largest ``|v.(Xu)_+^2|`` on the sphere that shifted power iterations find."""
    shift = 1.1 * np.abs(v) @ (X * X).sum(axis=1) or 1.0
    best = 0.0
    for s in (1.0, -1.0):
        U = rng.standard_normal((150, X.shape[1]))
        for _ in range(600):
            U = s * (np.maximum(U @ X.T, 0.0) * v) @ X + shift * U
            U /= np.linalg.norm(U, axis=1)[:, None]
        best = max(best, (s * np.maximum(U @ X.T, 0.0) ** 2 @ v).max())
    return best


@pytest.mark.parametrize("X", small_matrices(24, seed=4))
def test_squared_relu_pricing_is_the_maximum(X):
    rng = np.random.default_rng(7)
    for v in (rng.standard_normal(len(X)), np.round(rng.standard_normal(len(X))), np.ones(len(X))):
        found = SquaredReLUUnits(X).price(v, 0.0)
        scale = np.abs(v) @ (X * X).sum(axis=1) + 1e-300
        best = climbed(X, v, rng)
        assert best <= found.rho + found.error
        assert found.rho <= best + 1e-6 * scale


def test_all_local_maxima_of_squared_relu_are_found():
    """On the circle by a fine grid; among them points where several kinks meet."""
    rng = np.random.default_rng(2)
    angles = np.linspace(0.0, 2 * np.pi, 100_000, endpoint=False)
    U = np.column_stack([np.cos(angles), np.sin(angles)])
    for k in range(10):
        X, v = rng.standard_normal((8, 2)), rng.standard_normal(8)
        X = np.round(X) if k % 2 else X
        g = np.abs(np.maximum(U @ X.T, 0.0) ** 2 @ v)
        peaks = g[(g > np.roll(g, 1) + 1e-12) & (g >= np.roll(g, -1))]
        found = SquaredReLUUnits(X).price(v, 1e-3)
        for peak in peaks[peaks > 1e-2]:
            assert np.abs(found.values - peak).min() < 1e-6 * g.max()


@pytest.mark.parametrize("r", [2, 3])
def test_found_units_have_their_values(r):
    rng = np.random.default_rng(3)
    X, v = rng.standard_normal((30, r)), rng.standard_normal(30)
    found = SquaredReLUUnits(X).price(v, 0.0)
    values = found.outputs * (v @ np.maximum(X @ found.units.T, 0.0) ** 2)
    np.testing.assert_allclose(values, found.values, rtol=1e-9)
    above = SquaredReLUUnits(X).price(v, 0.5 * found.rho)
    np.testing.assert_allclose(above.values, found.values[found.values > 0.5 * found.rho])


def test_a_form_with_equal_eigenvalues_everywhere():
    """plus = minus = 1 on an orthonormal basis: g = |u|^2, critical everywhere, value 1."""
    for r in (1, 2, 3):
        found = quadratic_sweep(np.eye(r), np.ones(r), np.ones(r))
        assert found.rho == pytest.approx(1.0, abs=1e-9)
        assert len(found.values) > 0


@pytest.mark.parametrize("eigenvalues", [(2.0, 2.0, 1.0), (-3.0, 1.0, -3.0), (2.0, 2.0, 2.0)])
def test_a_multiple_eigenvalue_without_a_vertex_in_its_plane(eigenvalues):
    """A form that is the same in all cells, as six generic squares: the plane crosses arcs only."""
    rng = np.random.default_rng(8)
    for _ in range(5):
        normals = rng.standard_normal((6, 3))
        normals /= np.linalg.norm(normals, axis=1)[:, None]
        B = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        form = B @ np.diag(eigenvalues) @ B.T
        c = np.linalg.solve(
            np.array([np.outer(e, e)[np.triu_indices(3)] for e in normals]).T,
            form[np.triu_indices(3)],
        )
        found = quadratic_sweep(normals, c, c)
        assert found.rho == pytest.approx(np.abs(eigenvalues).max(), rel=1e-8)
        u = found.units[0]
        assert u @ form @ u == pytest.approx(found.outputs[0] * found.rho, rel=1e-8)


@pytest.mark.parametrize("r", [1, 2, 3])
def test_branch_and_bound_agrees_with_the_sweep(r):
    rng = np.random.default_rng(r)
    for _ in range(5):
        X, v = rng.standard_normal((20, r)), rng.standard_normal(20)
        exact = SquaredReLUUnits(X).price(v, 0.0).rho
        found = price_squared_relu(X, v)
        assert found.rho == pytest.approx(exact, rel=1e-9)
        assert exact <= found.rho + found.error <= exact * (1 + 1e-6)


def test_squared_relu_beyond_three_dimensions():
    rng = np.random.default_rng(4)
    X, v = rng.standard_normal((25, 5)), rng.standard_normal(25)
    found = price_squared_relu(X, v)
    assert climbed(X, v, rng) == pytest.approx(found.rho, rel=1e-6)
    assert found.error < 1e-6 * found.rho
    wide, w = rng.standard_normal((25, 12)), rng.standard_normal(25)
    far = price_squared_relu(wide, w, floor=1.0)
    assert climbed(wide, w, rng) <= far.rho + far.error
    assert far.error > 1e-3 * far.rho  # true, but open


# --- squared ReLU: the whole program --------------------------------------------------------------


def simplicial_cones(normals):
    """Each closed cell cut into cones with r rays, (signs, rays (r, r)): r <= 3."""
    r = normals.shape[1]
    for signs in all_cells(normals):
        rows = signs[:, None] * normals
        if r == 2:
            lines = [np.array([-e[1], e[0]]) for e in normals]
        else:
            lines = [np.cross(e, f) for e, f in combinations(normals, 2)]
        points = [s * line / np.linalg.norm(line) for line in lines for s in (1.0, -1.0)]
        rays = np.unique([p for p in points if (rows @ p >= -1e-9).all()], axis=0)
        if r == 2:
            yield signs, rays
            continue
        inside = rays.mean(axis=0)
        p, q = np.linalg.svd(inside[None])[2][1:]
        rays = rays[np.argsort(np.arctan2(rays @ q, rays @ p))]
        for k in range(1, len(rays) - 1):
            yield signs, rays[[0, k, k + 1]]


def completely_positive_program(X, y, loss, weight_decay):
    """The training problem of squared ReLU units without column generation.

    In a cone with rays R (rows) a sum of units ``a u u^T`` is ``R^T C R`` with C completely
    positive, which up to order 4 means semidefinite with non-negative entries; its size is the
    trace, and in a cell its predictions are linear.
    """
    a = arrange(X)
    fit, size, constraints = 0.0, 0.0, []
    for signs, R in simplicial_cones(a.normals):
        active = np.maximum(a.row_sides(signs), 0)[:, None] * (a.rows @ R.T)
        for s in (1.0, -1.0):
            C = cp.Variable((len(R), len(R)), PSD=True)
            constraints.append(C >= 0)
            fit = fit + s * cp.sum(cp.multiply(active @ C, active), axis=1)
            size = size + cp.sum(cp.multiply(R @ R.T, C))
    objective = get_loss(loss).expression(fit, y) + weight_decay * size
    return cp.Problem(cp.Minimize(objective), constraints)


@pytest.mark.parametrize(("n", "d"), [(4, 2), (6, 2), (5, 1), (9, 1)])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_squared_relu_training_equals_the_completely_positive_program(n, d, loss):
    X, y = random_data(n, n, d)
    y = np.sign(y) if loss == "logistic" else y
    weight_decay = 0.1 * cn.largest_weight_decay("squared_relu", X, y, loss=loss)
    solution = cn.train("squared_relu", X, y, loss=loss, weight_decay=weight_decay)
    assert solution.status == "optimal"
    rows = np.column_stack([X, np.ones(n)])
    program = completely_positive_program(rows, y, loss, weight_decay)
    assert solution.value == pytest.approx(program.solve(solver="CLARABEL"), rel=1e-5)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("n", [10, 30])
def test_squared_relu_training_closes_the_bracket(n, loss):
    X, y = random_data(0, n, 2)
    y = np.sign(y) if loss == "logistic" else y
    weight_decay = 0.03 * cn.largest_weight_decay("squared_relu", X, y, loss=loss)
    solution = cn.train("squared_relu", X, y, loss=loss, weight_decay=weight_decay)
    assert solution.status == "optimal"
    c = solution.certificate
    fit = np.maximum(X @ c.W.T + c.b, 0.0) ** 2 @ c.a
    np.testing.assert_allclose(np.linalg.norm(np.column_stack([c.W, c.b]), axis=1), 1.0)
    np.testing.assert_allclose(solution.network(X).ravel(), fit)
    value = get_loss(loss).value(fit, y) + weight_decay * np.abs(c.a).sum()
    assert solution.value == pytest.approx(value)


# --- tanh -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("r", [1, 2, 3])
def test_tanh_pricing_is_the_maximum(r):
    rng = np.random.default_rng(r)
    for k in range(4):
        n, radius = int(rng.integers(1, 40)), [0.5, 3.0, 10.0, 30.0][k]
        X, v = rng.standard_normal((n, r)), rng.standard_normal(n)
        found = price_tanh(X, v, radius)
        assert found.error <= 2e-7 * found.rho
        lengths = np.linalg.norm(found.units, axis=1)
        assert lengths.max() <= radius * (1 + 1e-12)
        np.testing.assert_allclose(v @ np.tanh(X @ found.units.T), found.values, rtol=1e-9)
        U = rng.standard_normal((100_000, r))
        U *= radius * rng.random((len(U), 1)) ** rng.random() / np.linalg.norm(U, axis=1)[:, None]
        values = np.abs(np.tanh(U @ X.T) @ v)
        assert values.max() <= found.rho + found.error
        assert found.rho <= values.max() * 1.1


@pytest.mark.parametrize("phi", [TANH, SQUARED_RELU])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_lines_touch_and_bends_are_the_largest(phi, side):
    rng = np.random.default_rng(9)
    for _ in range(200):
        low = 2.0 * rng.standard_normal()
        t = np.linspace(low, low + 10.0 ** rng.uniform(-3, 0.7), 2001)
        F = side * FUNCTIONS[phi][0](t)
        s, a = line_above(phi, side, t[0], t[-1])
        room = a + s * t - F
        assert room.min() >= -1e-12
        assert room.min() <= 1e-5
        bend = largest_bend(phi, side, t[0], t[-1])
        slopes = side * FUNCTIONS[phi][1](t)
        steepest = (np.diff(slopes) / np.diff(t)).max()
        assert steepest <= bend + 1e-9
        assert bend <= steepest + 1e-2


@pytest.mark.parametrize("phi", [TANH, SQUARED_RELU])
def test_bounds_hold_in_random_boxes(phi):
    """Neither bound may be below h anywhere in the box within the ball."""
    rng = np.random.default_rng(4)
    for _ in range(300):
        r, n = int(rng.integers(1, 4)), int(rng.integers(1, 10))
        X, v = 4.0 * rng.standard_normal((n, r)), rng.standard_normal(n)
        c, w = rng.uniform(-0.8, 0.8, (1, r)), 10.0 ** rng.uniform(-4, -0.3)
        bounds, values = bound_boxes(phi, c, w, X, v, -np.inf)
        U = c + w * rng.uniform(-1.0, 1.0, (1000, r))
        if phi == SQUARED_RELU:  # the maximum is on the sphere, and only that counts
            U /= np.linalg.norm(U, axis=1)[:, None]
            U = U[(np.abs(U - c) <= w).all(axis=1)]
        U = U[np.linalg.norm(U, axis=1) <= 1.0]
        if len(U):
            assert (FUNCTIONS[phi][0](U @ X.T) @ v).max() <= bounds[0] + 1e-12 * np.abs(bounds[0])
        if np.isfinite(values[0]):
            assert values[0] == pytest.approx((FUNCTIONS[phi][0](c @ X.T) @ v)[0])


def test_search_of_boxes_repairs_a_bad_local_search():
    rng = np.random.default_rng(5)
    X, v = 5.0 * rng.standard_normal((15, 2)), rng.standard_normal(15)
    rho = price_tanh(X, v, 1.0).rho
    bound, better = search_boxes(TANH, X, v, 0.5 * rho, 0.0, Budget())
    assert rho <= bound
    assert len(better) > 0
    assert (np.tanh(better @ X.T) @ v).max() >= rho * (1 - 1e-6)


@pytest.mark.parametrize("size", [1.0, 1e-250, 0.0])
def test_flat_tanh_and_tiny_dual_vectors_do_not_overflow(size):
    """Where every tanh is flat the slope vanishes, and steps uphill are of any length."""
    X = np.array([[1e4], [1e4], [-1e4], [1e4]])
    found = price_tanh(X, size * np.array([1.0, -2.0, 3.0, 4.5]), 10.0)
    assert found.rho == pytest.approx(0.5 * size)
    assert 0.0 <= found.error <= 1e-6 * size + 1e-10


@pytest.mark.parametrize("price", [partial(price_tanh, radius=10.0), price_squared_relu])
def test_a_bound_cut_short_by_the_clock_is_true(price):
    rng = np.random.default_rng(7)
    X, v = rng.standard_normal((60, 3)), rng.standard_normal(60)
    whole = price(X, v)
    cut = price(X, v, budget=Budget(now()))
    later = price(X, v, budget=Budget(now() + 0.3))
    assert cut.rho <= whole.rho * (1 + 1e-12)
    assert whole.rho <= later.rho + later.error <= cut.rho + cut.error < np.inf
    assert cut.error > 10 * whole.error


def test_training_of_curved_units_ends_in_time():
    """One branch and bound or one slide may take ten seconds, if it is let."""
    X, y = random_data(3, 200, 4)
    for name, loss in (("tanh", "absolute"), ("squared_relu", "squared")):
        weight_decay = 0.01 * np.abs(y).sum()
        solution = cn.train(name, X, y, loss=loss, weight_decay=weight_decay, time_limit=1.0)
        assert solution.status == "gap"
        assert solution.lower_bound < solution.value


def test_many_dimensions_leave_an_open_but_true_bound():
    rng = np.random.default_rng(6)
    X, v = rng.standard_normal((20, 9)), rng.standard_normal(20)
    found = price_tanh(X, v, 10.0, floor=1.0)
    U = 10.0 * rng.standard_normal((1000, 9))
    U /= np.maximum(np.linalg.norm(U, axis=1) / 10.0, 1.0)[:, None]
    assert found.rho > np.abs(np.tanh(U @ X.T) @ v).max()
    assert 1e-6 * found.rho < found.error < np.inf


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_tanh_training_closes_the_bracket(loss):
    X, y = random_data(0, 10, 2)
    y = np.sign(y) if loss == "logistic" else y
    units = cn.Family("tanh", radius=5.0)
    weight_decay = 0.1 * cn.largest_weight_decay(units, X, y, loss=loss)
    solution = cn.train(units, X, y, loss=loss, weight_decay=weight_decay)
    assert solution.status == "optimal"
    c = solution.certificate
    assert np.linalg.norm(np.column_stack([c.W, c.b]), axis=1).max() <= 5.0
    fit = np.tanh(X @ c.W.T + c.b) @ c.a
    np.testing.assert_allclose(solution.network(X).ravel(), fit)
    value = get_loss(loss).value(fit, y) + weight_decay * np.abs(c.a).sum()
    assert solution.value == pytest.approx(value)


@pytest.mark.parametrize("seed", [5, 10, 26, 33, 36, 37])
def test_tanh_of_data_close_together_closes_the_bracket(seed):
    """Units of size 1e2 at a price of 1e-4: the solver has to be precise relative to the price."""
    rng = np.random.default_rng(seed)
    X, y = 2e-3 * rng.standard_normal((11, 1)), np.round(rng.standard_normal(11))
    options = {"loss": "absolute", "bias": False, "output_bias": True}
    units = cn.Family("tanh", radius=0.5)
    weight_decay = 0.03 * cn.largest_weight_decay(units, X, y, **options)
    assert cn.train(units, X, y, weight_decay=weight_decay, **options).status == "optimal"


def test_gradient_training_of_tanh_never_goes_below_the_bound():
    X, y = random_data(1, 8, 1)
    units = cn.Family("tanh", radius=3.0)
    solution = cn.train(units, X, y, weight_decay=0.2)
    rows, rng, m = np.column_stack([X, np.ones(8)]), np.random.default_rng(0), 6

    def objective(x):
        S, a = x[: 2 * m].reshape(m, 2), x[2 * m :]
        U = 3.0 * S / np.sqrt(1.0 + (S * S).sum(axis=1))[:, None]
        residual = np.tanh(rows @ U.T) @ a - y
        return 0.5 * residual @ residual + 0.2 * np.sqrt(a * a + 1e-12).sum()

    ends = [minimize(objective, rng.standard_normal(3 * m)).fun for _ in range(4)]
    assert min(ends) >= solution.lower_bound - 1e-9
    assert min(ends) <= solution.value * 1.05


@pytest.mark.parametrize("radius", [0.0, -1.0, np.inf, "wide"])
def test_wrong_radius_is_refused(radius):
    with pytest.raises(cn.errors.InputError):
        cn.Family("tanh", radius=radius).complete(2)
