"""Atoms: every declared rule holds numerically; cones, value and solver agree."""

import cvxpy as cp
import numpy as np
import pytest
from cvxpy.reductions.dcp2cone.canonicalizers import CANON_METHODS

from cvxnet.functions import catalogue
from cvxnet.functions.profile import covers
from cvxnet.layers import atoms

PROFILES = {
    "relu": catalogue.leaky_relu_profile(0.0),
    **{f"leaky {s}": catalogue.leaky_relu_profile(s) for s in (-1.0, -0.3, 0.1, 1.0, 2.5)},
    **{f"elu {a}": catalogue.elu_profile(a) for a in (0.3, 1.0, 1.7)},
    **{f"squareplus {b}": catalogue.squareplus_profile(b) for b in (0.01, 4.0)},
    "sigmoid": catalogue.sigmoid_profile(),
    "tanh": catalogue.tanh_profile(),
    "hardtanh": catalogue.hardtanh_profile(-1.0, 1.0),
    "hardtanh 0..6": catalogue.hardtanh_profile(0.0, 6.0),
    "silu": catalogue.silu_profile(),
    "gelu": catalogue.gelu_profile(),
    "sign": catalogue.sign_profile(),
    "threshold": catalogue.threshold_profile(),
}
GRID = np.unique(
    np.concatenate(
        [
            np.linspace(-8, 8, 1601),
            np.linspace(-0.02, 0.02, 41),
            np.outer([-1, 1], np.logspace(-6, 2.5, 60)).ravel(),
        ]
    )
)


def on(interval):
    return GRID[(interval[0] <= GRID) & (interval[1] >= GRID)]


def slopes(profile, t):
    return np.diff(profile.function(t)) / np.diff(t)


def slack(profile, t):
    # A chord's slope is off by the rounding of its ends, divided by its length.
    room = 1e-13 * (1.0 + np.abs(profile.function(t)))
    return (room[1:] + room[:-1]) / np.diff(t)


@pytest.mark.parametrize("name", PROFILES)
def test_declared_curvature_and_monotonicity_hold(name):
    profile = PROFILES[name]
    for sign, intervals in ((1, profile.convex), (-1, profile.concave)):
        for t in map(on, intervals):
            slope, room = slopes(profile, t), slack(profile, t)
            assert (sign * np.diff(slope) >= -(room[1:] + room[:-1])).all()
    for sign, intervals in ((1, profile.rising), (-1, profile.falling)):
        for t in map(on, intervals):
            assert (sign * slopes(profile, t) >= -slack(profile, t)).all()


@pytest.mark.parametrize("name", PROFILES)
def test_undeclared_curvature_is_absent(name):
    """The rules are tight: where the whole line is not declared convex, a chord is violated."""
    profile, t = PROFILES[name], GRID
    for sign, intervals in ((1, profile.convex), (-1, profile.concave)):
        if (-np.inf, np.inf) not in intervals:
            assert (sign * np.diff(slopes(profile, t)) < -1e-4).any()


@pytest.mark.parametrize("name", PROFILES)
def test_ranges_mirrors_and_derivatives_hold(name):
    profile, t = PROFILES[name], GRID
    value = profile.function(t)
    assert (value >= profile.low).all() and (value <= profile.high).all()
    if profile.mirror is not None and name not in ("sign",):
        sigma, slope, offset = profile.mirror
        mirrored = sigma * value + slope * t + offset
        np.testing.assert_allclose(profile.function(-t), mirrored, atol=1e-12 * (1 + abs(t).max()))
    inner = t[(np.abs(t) > 1e-3) & (np.abs(np.abs(t) - 1) > 1e-3) & (np.abs(t - 6) > 1e-3)]
    h = 1e-6
    numeric = (profile.function(inner + h) - profile.function(inner - h)) / (2 * h)
    np.testing.assert_allclose(profile.derivative(inner), numeric, atol=1e-7)


@pytest.mark.parametrize("name", PROFILES)
def test_kinks_rebuild_the_function(name):
    profile = PROFILES[name]
    if profile.kinks is None:
        return
    left, right, at_zero = profile.tails
    kinks = [(p, float(jump)) for p, jump in profile.kinks]
    assert left + sum(jump for _, jump in kinks) == pytest.approx(right)
    rebuilt = left * GRID + sum(j * np.maximum(GRID - p, 0) for p, j in kinks)
    rebuilt += at_zero - sum(j * max(-p, 0) for p, j in kinks)
    np.testing.assert_allclose(profile.function(GRID), rebuilt, atol=1e-9)


@pytest.mark.parametrize("name", PROFILES)
def test_bounds_enclose_the_function_on_random_intervals(name):
    profile, rng = PROFILES[name], np.random.default_rng(0)
    ends = np.sort(rng.normal(size=(2, 400)) * 10 ** rng.uniform(-3, 2, size=400), axis=0)
    ends[0, :40], ends[1, 40:80], ends[0, 80:100], ends[1, 80:100] = -np.inf, np.inf, 0.0, 1.0
    ends = np.sort(ends, axis=0)
    low, high = profile.bounds(*ends)
    finite = np.clip(ends, -1e4, 1e4)
    for share in np.linspace(0, 1, 21):
        value = profile.function((1 - share) * finite[0] + share * finite[1])
        assert (low <= value).all() and (value <= high).all()
    assert (low <= high).all()


def test_a_gap_between_pieces_is_not_quasiconvex():
    assert not covers(((-np.inf, 0.0),), ((1.0, np.inf),), (-np.inf, np.inf))


CONVEX = {
    "elu": atoms.elu,
    "elu 0.4": lambda x: atoms.elu(x, 0.4),
    "leaky 0.2": lambda x: atoms.leaky_relu(x, 0.2),
    "squareplus": atoms.squareplus,
    "squareplus 0.1": lambda x: atoms.squareplus(x, 0.1),
}
SOLVERS = {
    cp.CLARABEL: {},
    cp.ECOS: {"abstol": 1e-10, "reltol": 1e-10, "feastol": 1e-10},
    cp.SCS: {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iters": 100000},
}


def reference(name, inner):
    """The least value of ``act(inner(z)) - 0.3 z`` over -2 <= z <= 2, on a fine grid twice."""
    z = np.linspace(-2, 2, 4001)
    for _ in range(3):
        value = CONVEX[name](cp.Constant(inner(z))).value - 0.3 * z
        best = z[value.argmin()]
        z = np.linspace(max(best - (z[1] - z[0]), -2), min(best + (z[1] - z[0]), 2), 4001)
    return value.min()


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # ECOS says so at 1e-10
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("inner", ["affine", "convex"])
@pytest.mark.parametrize("name", CONVEX)
def test_cones_agree_with_the_function(name, inner, solver):
    numeric = (lambda z: z - 0.5) if inner == "affine" else (lambda z: z**2 - 1.0)
    z = cp.Variable(3)
    argument = z - 0.5 if inner == "affine" else cp.square(z) - 1.0
    objective = cp.sum(CONVEX[name](argument)) - 0.3 * cp.sum(z)
    problem = cp.Problem(cp.Minimize(objective), [z >= -2, z <= 2])
    problem.solve(solver=solver, **SOLVERS[solver])
    expected = 3 * reference(name, numeric)
    assert problem.solution.opt_val == pytest.approx(expected, abs=1e-6)
    assert problem.value == pytest.approx(expected, abs=1e-6)


def test_a_concave_leaky_relu_is_maximised():
    z = cp.Variable()
    problem = cp.Problem(cp.Maximize(atoms.leaky_relu(z, 3.0) - 2 * z), [cp.abs(z) <= 5])
    problem.solve(solver=cp.CLARABEL)
    assert problem.solution.opt_val == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (1, 1)])
@pytest.mark.parametrize("name", CONVEX)
def test_every_shape_solves_and_opt_val_is_the_value(name, shape):
    z = cp.Variable(shape)
    target = np.random.default_rng(0).normal(size=shape)
    problem = cp.Problem(cp.Minimize(cp.sum(CONVEX[name](z)) + cp.sum_squares(z - target)))
    problem.solve(solver=cp.CLARABEL)
    assert problem.solution.opt_val == pytest.approx(problem.value, abs=1e-6)


def test_equal_atoms_with_different_options_are_not_merged():
    z = cp.Variable()
    value = atoms.leaky_relu(z, 0.9) + atoms.leaky_relu(z, 0.1)
    problem = cp.Problem(cp.Minimize(value), [z >= -1.5])
    problem.solve(solver=cp.CLARABEL)
    assert problem.solution.opt_val == pytest.approx(-1.5, abs=1e-6)
    assert problem.value == pytest.approx(-1.5, abs=1e-6)


def test_the_default_solver_can_handle_the_cones():
    z = cp.Variable(2)
    for atom in (atoms.elu, atoms.squareplus):
        problem = cp.Problem(cp.Minimize(cp.sum_squares(z - 1) + cp.sum(atom(z))))
        problem.solve()
        assert problem.status == cp.OPTIMAL
        with pytest.raises(cp.error.SolverError):
            problem.solve(solver=cp.OSQP)


def test_cvxpy_still_keeps_its_registries_where_we_extend_them():
    assert CANON_METHODS[atoms.elu] and CANON_METHODS[atoms.leaky_relu], (
        "CVXPY moved CANON_METHODS: see cvxnet/layers/atoms/cones.py"
    )


@pytest.mark.parametrize(
    ("build", "curvature", "sign"),
    [
        (lambda x, p, n: atoms.elu(x), "CONVEX", "UNKNOWN"),
        (lambda x, p, n: atoms.elu(x, 1.5), "QUASILINEAR", "UNKNOWN"),
        (lambda x, p, n: atoms.elu(p, 1.5), "AFFINE", "NONNEGATIVE"),
        (lambda x, p, n: atoms.elu(n, 1.5), "CONVEX", "NONPOSITIVE"),
        (lambda x, p, n: atoms.elu(-cp.square(x)), "QUASICONCAVE", "NONPOSITIVE"),
        (lambda x, p, n: atoms.leaky_relu(cp.square(x), -1.0), "CONVEX", "NONNEGATIVE"),
        (lambda x, p, n: atoms.leaky_relu(x, 2.0), "CONCAVE", "UNKNOWN"),
        (lambda x, p, n: atoms.sigmoid(x), "QUASILINEAR", "NONNEGATIVE"),
        (lambda x, p, n: atoms.sigmoid(p), "CONCAVE", "NONNEGATIVE"),
        (lambda x, p, n: atoms.tanh(n), "CONVEX", "NONPOSITIVE"),
        (lambda x, p, n: atoms.tanh(cp.sqrt(x)), "CONCAVE", "NONNEGATIVE"),
        (lambda x, p, n: atoms.silu(x), "QUASICONVEX", "UNKNOWN"),
        (lambda x, p, n: atoms.gelu(p), "QUASILINEAR", "NONNEGATIVE"),
        (lambda x, p, n: atoms.hardtanh(p), "CONCAVE", "NONNEGATIVE"),
        (lambda x, p, n: atoms.sign(n), "CONVEX", "NONPOSITIVE"),
        (lambda x, p, n: atoms.threshold(p), "AFFINE", "NONNEGATIVE"),
        (lambda x, p, n: atoms.softmax(cp.hstack([x, p])), "QUASICONCAVE", "NONNEGATIVE"),
        (lambda x, p, n: atoms.standardize(cp.hstack([x, p])), "UNKNOWN", "UNKNOWN"),
    ],
)
def test_curvature_and_sign_that_cvxpy_sees(build, curvature, sign):
    expression = build(cp.Variable(), cp.Variable(nonneg=True), cp.Variable(nonpos=True))
    assert (expression.curvature, expression.sign) == (curvature, sign)


SMOOTH = ("elu", "squareplus", "sigmoid", "tanh", "silu", "gelu", "softmax", "standardize")


@pytest.mark.parametrize("atom", [getattr(atoms, name) for name in SMOOTH])
def test_gradients_match_differences(atom):
    x = cp.Variable((2, 3))
    x.value = np.random.default_rng(3).normal(size=(2, 3))
    gradient = atom(x).grad[x].toarray()
    for k in range(6):
        step = np.zeros(6)
        step[k] = 1e-6
        move = step.reshape(2, 3, order="F")
        rise = atom(cp.Constant(x.value + move)).value - atom(cp.Constant(x.value - move)).value
        np.testing.assert_allclose(gradient[k], rise.ravel(order="F") / 2e-6, atol=1e-7)


def test_softmax_is_quasiconcave_on_random_segments():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1000, 4)) * 3
    at = [atoms.softmax(cp.Constant(p)).value for p in (a, b, 0.3 * a + 0.7 * b)]
    assert (at[2] >= np.minimum(at[0], at[1]) - 1e-12).all()
