"""Bounds in floating point for tanh and squared ReLU units: above the maximum, and hardly so."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from claimed import Claimed, samples
from flint import arb, ctx
from scipy.optimize import minimize

import cvxnet as cn
from cvxnet.proofs.checking import ROUNDED
from cvxnet.proofs.rounded_boxes import largest_bend, line_above, solve, table, tanh
from cvxnet.proofs.rounded_squares import is_semidefinite

UNITS = {
    "tanh": {"name": "tanh", "radius": 3.0},
    "squared_relu": {"name": "squared_relu"},
}
PHI = {"tanh": np.tanh, "squared_relu": lambda z: np.maximum(z, 0.0) ** 2}


def certificate(X, v, name, beta, output_weights="any", **changes):
    """About that dual vector, without a network."""
    return Claimed(
        units=UNITS[name] | changes, loss="squared", weight_decay=beta, bias=False, X=X,
        y=np.zeros(len(X)), v=v, W=np.zeros((0, X.shape[1])), b=None, a=[],
        output_weights=output_weights, lower=0.0, upper=0.0,
    ).rounded_outward()  # fmt: skip


def rounded(*args, **kwargs):
    return cn.check(certificate(*args, **kwargs).to_dict(), rounded=True)


def largest_sampled(X, v, name, sides=(1, -1)):
    """The largest s g at random units, and at those that they climb to."""
    rng, radius, best = np.random.default_rng(0), UNITS[name].get("radius", 1.0), 0.0
    for side in sides:

        def value(u, side=side):
            u = u * min(1.0, radius / np.linalg.norm(u))
            return -float(PHI[name](X @ u) @ (side * v))

        U = radius * rng.standard_normal((2000, X.shape[1]))
        for u in sorted(U, key=value)[:6]:
            best = max(best, -minimize(value, u).fun)
    return best


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize(("n", "d", "rank"), [(8, 1, 1), (9, 2, 2), (12, 3, 3), (12, 5, 3)])
def test_no_unit_is_above_what_is_proved_and_the_bound_is_tight(name, n, d, rank):
    X, v = samples(np.random.default_rng(n + d + rank), n, d, rank)
    rho = largest_sampled(X, v, name)
    proved = rounded(X, v, name, rho * (1.0 + 1e-4))
    assert proved.valid and proved.method == ROUNDED and ROUNDED in proved.reason
    less = rounded(X, v, name, rho * (1.0 - 1e-3))
    assert not less.valid and 0.999e-3 < less.violation < 1.2e-3


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("seed", range(3))
def test_where_it_is_proved_exactly_it_is_proved_in_floating_point(name, seed):
    X, v = samples(np.random.default_rng(seed), 6, 2, 2)
    rho = largest_sampled(X, v, name)
    for beta, holds in ((1.01 * rho, True), (0.99 * rho, False)):
        document = certificate(X, v, name, beta).to_dict()
        assert cn.check(document).valid == cn.check(document, rounded=True).valid == holds


@pytest.mark.parametrize(("name", "rank"), [("tanh", 4), ("squared_relu", 6)])
def test_higher_ranks(name, rank):
    X, v = samples(np.random.default_rng(rank), 12, rank, rank)
    rho = largest_sampled(X, v, name)
    assert rounded(X, v, name, 1.01 * rho).valid
    less = rounded(X, v, name, 0.99 * rho)
    assert not less.valid and less.violation > 0.01


@pytest.mark.parametrize("name", UNITS)
def test_a_dual_vector_that_was_changed_zeros_and_too_high_a_rank(name):
    X, v = samples(np.random.default_rng(1), 12, 3, 3)
    beta = 1.000_01 * largest_sampled(X, v, name)
    assert rounded(X, 0.0 * v, name, 1e-9).valid and rounded(0.0 * X, v, name, 1e-9).valid
    assert rounded(X, v, name, beta).valid
    assert not rounded(X, v * 1.001, name, beta).valid
    assert not rounded(X * 1.01, v, name, beta).valid
    assert not rounded(X, 1e120 * v, name, beta).valid
    assert "rank" in rounded(np.eye(8), np.ones(8), name, 9.0).reason


def test_a_longer_radius_needs_more():
    X, v = samples(np.random.default_rng(2), 12, 2, 2)
    beta = 1.000_01 * largest_sampled(X, v, "tanh")
    assert rounded(X, v, "tanh", beta).valid and not rounded(X, v, "tanh", beta, radius=6.0).valid


@pytest.mark.parametrize("sign", ["nonneg", "nonpos"])
def test_one_sign_of_the_output_weights_needs_one_side_only(sign):
    X, v = samples(np.random.default_rng(3), 10, 3, 3)
    beta = 1.01 * largest_sampled(X, np.abs(v), "squared_relu")
    assert rounded(X, np.abs(v), "squared_relu", beta).valid
    side = rounded(X, np.abs(v), "squared_relu", 1e-3 * beta, output_weights=sign)
    assert side.valid == (sign == "nonneg")  # a g(u) is negative only where g is


@pytest.mark.parametrize("name", UNITS)
def test_training_has_its_bracket_checked(name):
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((30, 2)), rng.standard_normal(30)
    beta = 0.3 * cn.largest_weight_decay(name, X, y)
    solution = cn.train(name, X, y, weight_decay=beta)
    assert solution.status == "optimal" and not solution.stats["checked"].startswith("not")
    assert cn.check(solution, rounded=True).valid
    longer = replace(solution.certificate, v=solution.certificate.v * (1.0 + 1e-4))
    assert not cn.check(longer.rounded_outward(), rounded=True).valid


def test_tanh_from_its_table():
    x = np.random.default_rng(5).uniform(-25.0, 25.0, 2000)
    x = np.concatenate([x, 1e-3 * x, [0.0, 1 / 128, 20.0, np.nextafter(20.0, 0.0), 1e9, 5e-324]])
    with ctx.workprec(200):
        for one in x.tolist():
            error = abs(arb(tanh(one, table())) - arb(one).tanh())
            assert error < 8 * arb(2) ** -53


def test_lines_are_above_tanh_and_bends_above_its_second_derivative():
    rng = np.random.default_rng(6)
    for t, reach in zip(rng.normal(0.0, 2.0, 500), rng.exponential(2.0, 500), strict=True):
        s = np.linspace(-reach, reach, 201)
        slope, height = line_above(t, reach, table())
        assert 0.0 <= slope <= 1.0
        assert (height + slope * s >= np.tanh(t + s) - 1e-14 * (1.0 + reach)).all()
        at = np.tanh(t + s)
        most = largest_bend(at[0], at[-1])
        assert (2.0 * at**3 - 2.0 * at <= most + 1e-15).all()
    assert Fraction(0.7698003589195012) ** 2 * 27 >= 16


@pytest.mark.parametrize("precision", [10, 53])
def test_the_table_is_rounded_to_nearest_whatever_the_precision_of_balls(precision):
    table.cache_clear()
    with ctx.workprec(precision):
        known = table().tolist()
    with ctx.workprec(200):
        for k, t in enumerate(known):
            assert abs(arb(t) - (arb(k) / 64).tanh()) < arb(2) ** -54 * 1.0001


def test_an_indefinite_matrix_is_not_proved_semidefinite_by_what_rounding_does_to_its_halves():
    for A in ([[1e-32, 1e-16], [-1e-16, -0.5]], [[1e-32, -1e-16], [1e-16, -0.5]]):
        assert not is_semidefinite(np.array(A))
        assert not solve(np.array(A), 0.0, np.ones(2), np.empty(2))
