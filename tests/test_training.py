"""Training: closed forms, reference values, the full program, weak duality, degenerate data."""

import warnings
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from examples import PE20_X, PE20_Y, random_data, small_matrices

import cvxnet as cn
from cvxnet.errors import InputError, SolverError
from cvxnet.proofs import checker
from cvxnet.training import fewer_units, improvement
from cvxnet.training.master import Master

SOLVERS = ["CLARABEL", "ECOS", "SCS"]


def objective(W, a, X, y, loss, weight_decay, bias):
    """The training objective in plain numpy; W includes the bias column where there is one."""
    rows = np.column_stack([X, np.ones(len(X))]) if bias else X
    f = np.maximum(rows @ W.T, 0.0) @ a
    fit = 0.5 * np.sum((f - y) ** 2) if loss == "squared" else np.logaddexp(0, -y * f).sum()
    return fit + 0.5 * weight_decay * (np.sum(W**2) + np.sum(a**2))


def network_objective(network, X, y, loss, weight_decay):
    state = network.state_dict()
    f = network(X).ravel()
    fit = 0.5 * np.sum((f - y) ** 2) if loss == "squared" else np.logaddexp(0, -y * f).sum()
    return fit + 0.5 * weight_decay * sum(np.sum(w**2) for w in state.values())


# --- closed forms and reference values ---------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(("beta", "value"), [(0.1, 0.29), (0.5, 1.25), (1.0, 2.0)])
def test_two_opposite_points(beta, value, solver):
    """X = (-1, 1), y = (1, 2): 3 beta - beta^2 for beta <= 1."""
    X, y = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])
    solution = cn.train("relu", X, y, weight_decay=beta, bias=False, solver=solver)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(("beta", "value"), [(1.0, 9.0), (2.0, 16.0), (6.0, 25.0)])
@pytest.mark.parametrize("rotated", [False, True])
def test_whitened_rows_need_two_units(beta, value, rotated):
    """X X^T = I: h(|y+|) + h(|y-|) with h(t) = beta t - beta^2/2 if t >= beta, else t^2/2."""
    X = np.eye(3)
    if rotated:
        X = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    y = np.array([3.0, 4.0, -5.0])
    solution = cn.train("relu", X, y, weight_decay=beta, bias=False)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(value, rel=1e-6)
    assert solution.stats["units"] == (2 if beta < 5 else 0)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("beta", "value"), [(1e-3, 0.01011683), (1e-2, 0.10007383), (1e-1, 0.8914472)]
)
def test_five_points_of_pilanci_and_ergen(beta, value, solver):
    solution = cn.train("relu", PE20_X, PE20_Y, weight_decay=beta, solver=solver)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(value, rel=1e-6)


def test_min_norm_interpolation_is_the_limit():
    """value / beta -> 10.128990 as beta -> 0, from below by about beta |v|^2 / 2."""
    beta = 1e-5
    solution = cn.train("relu", PE20_X, PE20_Y, weight_decay=beta)
    assert solution.status == "optimal"
    assert 10.128990 - 0.02 < solution.value / beta < 10.128990 + 1e-6


def test_above_the_largest_weight_decay_the_network_is_zero():
    X, y = random_data(0, 25, 2)
    largest = cn.largest_weight_decay("relu", X, y)
    zero = cn.train("relu", X, y, weight_decay=largest)
    assert zero.stats["units"] == 0
    assert zero.value == pytest.approx(0.5 * y @ y)
    assert not np.any(zero.network(X))
    below = cn.train("relu", X, y, weight_decay=0.99 * largest)
    assert below.status == "optimal"
    assert below.stats["units"] >= 1
    assert below.value < zero.value


# --- agreement with the full program ------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize(
    ("n", "d", "bias"), [(12, 1, True), (30, 1, True), (9, 2, True), (14, 2, True), (12, 3, False)]
)
def test_column_generation_equals_the_full_program(n, d, bias, loss, solver):
    X, y = random_data(n, n, d)
    if loss == "logistic":
        y = np.sign(y)
    beta = 0.05 * cn.largest_weight_decay("relu", X, y, loss=loss, bias=bias)
    solution = cn.train("relu", X, y, loss=loss, weight_decay=beta, bias=bias, solver=solver)
    assert solution.status == "optimal"
    program = cn.program("relu", X, y, loss=loss, weight_decay=beta, bias=bias)
    assert program.is_dcp()
    options = {"eps": 1e-7, "max_iters": 200_000} if solver == "SCS" else {}
    with warnings.catch_warnings():
        if solver == "ECOS":  # its "optimal_inaccurate" is judged by the value below
            warnings.simplefilter("ignore", UserWarning)
        try:
            program.solve(solver=solver, **options)
        except cp.error.SolverError:
            assert (loss, solver) == ("logistic", "ECOS")  # documented in cvxnet.program
            return
    assert program.solution.opt_val == pytest.approx(solution.value, rel=2e-6)
    network = cn.recover(program)
    value = network_objective(network, X, y, loss, beta)
    assert value == pytest.approx(solution.value, rel=1e-6)
    assert len(network.state_dict()["2.weight"].ravel()) <= n


@pytest.mark.parametrize("solver", SOLVERS)
def test_thirty_points_in_the_plane_equal_the_full_program(solver):
    X, y = random_data(30, 30, 2)
    beta = 0.1 * cn.largest_weight_decay("relu", X, y)
    full = cn.program("relu", X, y, weight_decay=beta).solve(solver="CLARABEL")
    solution = cn.train("relu", X, y, weight_decay=beta, solver=solver)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(full, rel=1e-6)


@pytest.mark.skipif("QOCO" not in cp.installed_solvers(), reason="QOCO is not installed")
def test_any_solver_that_cvxpy_has_can_solve_the_masters():
    X, y = random_data(1, 15, 2)
    ours = cn.train("relu", X, y, weight_decay=0.2)
    theirs = cn.train("relu", X, y, weight_decay=0.2, solver="QOCO")
    assert theirs.value == pytest.approx(ours.value, rel=1e-6)


# --- the bracket --------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_no_network_is_below_the_lower_bound(loss):
    """Weak duality on 3000 random networks of many widths, half of them near the optimum."""
    X, y = random_data(5, 20, 2)
    y = y if loss == "squared" else np.sign(y)
    solution = cn.train("relu", X, y, loss=loss, weight_decay=0.1)
    state = solution.network.state_dict()
    best = np.column_stack([state["0.weight"], state["0.bias"]])
    out = state["2.weight"].ravel()
    rng = np.random.default_rng(0)
    for trial in range(3000):
        if trial % 2:
            m = int(rng.integers(1, 60))
            W, a = rng.standard_normal((m, 3)) / np.sqrt(m), rng.standard_normal(m) / np.sqrt(m)
        else:
            size = 10.0 ** rng.uniform(-9, 0)
            W = best + size * rng.standard_normal(best.shape)
            a = out + size * rng.standard_normal(out.shape)
        assert objective(W, a, X, y, loss, 0.1, True) >= solution.lower_bound


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("seed", range(4))
def test_value_is_the_networks_objective_and_the_certificate_checks(loss, seed):
    X, y = random_data(seed, 18, 2)
    y = y if loss == "squared" else np.where(y > 0, "yes", "no") == "yes"
    solution = cn.train("relu", X, y, loss=loss, weight_decay=0.05)
    labels = y if loss == "squared" else np.where(y, 1.0, -1.0)
    value = network_objective(solution.network, X, labels, loss, 0.05)
    assert solution.value == pytest.approx(value, rel=1e-12)
    result = checker.check(solution.certificate.to_dict())
    assert result.valid, result.reason
    assert result.lower == solution.lower_bound
    assert result.upper == solution.value
    assert solution.gap == pytest.approx(1.0 - result.lower / result.upper, abs=1e-15)


@pytest.mark.parametrize("X", small_matrices(40, seed=8))
def test_degenerate_data_close_the_bracket_and_check_exactly(X):
    if len(X) < 2:
        X = np.vstack([X, X])
    y = np.random.default_rng(len(X)).integers(-2, 3, len(X)) + np.linspace(0, 1, len(X))
    largest = cn.largest_weight_decay("relu", X, y, bias=False)
    if largest < 1e-9:
        pytest.skip("every unit is orthogonal to the target")
    solution = cn.train("relu", X, y, weight_decay=0.1 * largest, bias=False)
    assert solution.status == "optimal"
    assert solution.stats["units"] <= len(X)
    result = checker.check(solution.certificate.to_dict())
    assert result.valid, result.reason


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge", "absolute"])
@pytest.mark.parametrize("seed", range(6))
def test_data_far_from_the_origin_close_the_bracket(seed, loss):
    """Units of size 1e4 whose features nearly cancel: hard for the masters' linear systems."""
    rng = np.random.default_rng(seed)
    X = 2.0 * rng.standard_normal(2) + 1e-3 * rng.standard_normal((9, 2))
    y = rng.standard_normal(9)
    y = np.sign(y) if loss in ("logistic", "hinge") else y
    weight_decay = 3e-3 * cn.largest_weight_decay("relu", X, y, loss=loss)
    solution = cn.train("relu", X, y, loss=loss, weight_decay=weight_decay)
    assert solution.status == "optimal"


def test_rank_deficient_and_constant_columns_change_nothing():
    X, y = random_data(3, 20, 2)
    X = np.round(8 * X) / 8
    plain = cn.train("relu", X, y, weight_decay=0.1)
    copied = cn.train("relu", np.column_stack([X, X]), y, weight_decay=0.1)
    # A column twice is the column scaled by sqrt 2.
    scaled = cn.train("relu", np.sqrt(2) * X, y, weight_decay=0.1)
    assert copied.value == pytest.approx(scaled.value, rel=1e-6)
    assert copied.value < plain.value
    zeros = cn.train("relu", np.column_stack([X, np.zeros(20)]), y, weight_decay=0.1)
    assert zeros.value == pytest.approx(plain.value, rel=1e-6)
    for solution in (copied, zeros):
        assert checker.check(solution.certificate.to_dict()).valid


@pytest.mark.parametrize("x", [1e-8, 1.0, 1e6])
@pytest.mark.parametrize("t", [1e-8, 1.0, 1e6])
def test_units_of_measurement_do_not_matter(x, t):
    X, y = random_data(4, 20, 2)
    beta = 0.05 * cn.largest_weight_decay("relu", X, y, bias=False)
    plain = cn.train("relu", X, y, weight_decay=beta, bias=False)
    scaled = cn.train("relu", x * X, t * y, weight_decay=beta * x * t, bias=False)
    assert scaled.status == "optimal"
    assert scaled.value == pytest.approx(t**2 * plain.value, rel=2e-6)


def test_order_of_samples_and_rotation_do_not_matter():
    X, y = random_data(6, 25, 2)
    plain = cn.train("relu", X, y, weight_decay=0.1)
    order = np.random.default_rng(0).permutation(25)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    for other, target in ((X[order], y[order]), (X @ turn, y)):
        value = cn.train("relu", other, target, weight_decay=0.1).value
        assert value == pytest.approx(plain.value, rel=2e-6)


def test_value_grows_with_weight_decay():
    X, y = random_data(7, 25, 2)
    lower, upper = [], []
    for beta in (0.01, 0.02, 0.05, 0.1, 0.5):
        solution = cn.train("relu", X, y, weight_decay=beta)
        lower.append(solution.lower_bound)
        upper.append(solution.value)
    assert all(low < high for low, high in zip(lower[:-1], upper[1:], strict=True))


def test_same_data_same_result():
    X, y = random_data(8, 30, 2)
    first, second = (cn.train("relu", X, y, weight_decay=0.05) for _ in range(2))
    assert first.certificate == replace(second.certificate, cvxnet=first.certificate.cvxnet)


# --- stopping early -----------------------------------------------------------------------------


def test_interruption_returns_the_best_network_with_a_true_bracket(monkeypatch):
    X, y = random_data(9, 40, 2)
    rounds = 0

    def interrupted(*args, **kwargs):
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            raise KeyboardInterrupt
        return slide(*args, **kwargs)

    slide = improvement.slide
    monkeypatch.setattr(improvement, "slide", interrupted)
    solution = cn.train("relu", X, y, weight_decay=0.01)
    monkeypatch.undo()
    optimum = cn.train("relu", X, y, weight_decay=0.01)
    assert solution.stats["interrupted"]
    assert solution.status == "gap"
    assert solution.gap > 1e-6
    assert solution.lower_bound <= optimum.lower_bound <= optimum.value <= solution.value
    assert checker.check(solution.certificate.to_dict()).valid


def test_a_solver_that_fails_on_the_way_loses_nothing(monkeypatch):
    X, y = random_data(9, 40, 2)
    solve, calls = Master.solve, []

    def failing(self, *args):
        calls.append(args)
        if len(calls) >= 2:
            raise SolverError("out of luck")
        return solve(self, *args)

    monkeypatch.setattr(Master, "solve", failing)
    solution = cn.train("sign", X, y, weight_decay=0.01)
    assert solution.status == "gap"
    assert solution.stats["failure"] == "out of luck"
    assert solution.stats["units"] > 0
    assert checker.check(solution.certificate.to_dict()).valid


def test_a_solver_that_cannot_solve_the_masters_is_refused_with_those_that_can():
    X, y = random_data(9, 20, 2)
    with pytest.raises(InputError, match=r"'OSQP' is installed, but .* Take CLARABEL, ECOS or SCS"):
        cn.train("relu", X, y, weight_decay=0.1, solver="OSQP")


def test_a_time_limit_leaves_a_true_bracket():
    X, y = random_data(10, 100, 2)
    beta = 1e-3 * cn.largest_weight_decay("relu", X, y)
    solution = cn.train("relu", X, y, weight_decay=beta, time_limit=0.01)
    assert solution.status == "gap"
    assert solution.lower_bound < solution.value <= 0.5 * y @ y * (1 + 1e-12)
    longer = cn.train("relu", X, y, weight_decay=beta, gap=0.01)
    assert longer.value < solution.value
    assert longer.lower_bound >= solution.lower_bound
    assert longer.gap < solution.gap


def test_thousands_of_units_are_thinned_out_in_steps_of_the_size_of_the_data(monkeypatch):
    rng = np.random.default_rng(0)
    parts, prices = rng.standard_normal((20, 4000)), rng.random(4000)
    parts[:, 2000:] = parts[:, :2000] + 1e-9 * parts[:, 2000:]
    widths, search = [], fewer_units.null_vectors
    monkeypatch.setattr(
        fewer_units, "null_vectors", lambda P, tol: widths.append(P.shape[1]) or search(P, tol)
    )
    scale = fewer_units.scale_to_vertex(parts, prices, 1e-10)
    assert (scale >= 0.0).all()
    assert np.count_nonzero(scale) <= 20
    np.testing.assert_allclose(parts @ scale, parts.sum(axis=1), atol=1e-8)
    assert prices @ scale <= prices.sum()
    assert max(widths) <= 21
    assert len(widths) < 20 * np.log(4000)


def test_what_would_need_a_large_matrix_is_not_refined(monkeypatch):
    X, y = random_data(12, 60, 2)
    decay = 0.05 * cn.largest_weight_decay("relu", X, y)
    monkeypatch.setattr(improvement, "refine_on_faces", lambda problem, units: units)
    seen, refine = [], improvement.refine
    monkeypatch.setattr(
        improvement, "refine", lambda *asked: seen.append(len(asked[2].values)) or refine(*asked)
    )
    assert cn.train("relu", X, y, weight_decay=decay, gap=1e-9).status == "optimal"
    assert seen
    monkeypatch.setattr(improvement, "ENTRIES", max(seen) * len(y) - 1)
    seen.clear()
    solution = cn.train("relu", X, y, weight_decay=decay, gap=1e-9)
    assert max(seen, default=0) * len(y) <= improvement.ENTRIES
    assert solution.status == "optimal"


def test_the_bracket_is_printed_with_its_ends_told_apart():
    X, y = random_data(11, 20, 2)
    text = str(cn.train("relu", X, y, weight_decay=0.1))
    lower, upper = text.split("optimal: ")[1].split(" (")[0].split(" <= optimum <= ")
    assert float(lower) < float(upper)


def test_a_gap_that_was_not_reached_is_not_called_optimal():
    X, y = random_data(11, 20, 2)
    solution = cn.train("relu", X, y, weight_decay=0.1, gap=1e-16)
    assert solution.status == "gap"
    assert solution.gap > 1e-16


def test_progress_reports_every_round(capsys):
    X, y = random_data(12, 20, 2)
    solution = cn.train("relu", X, y, weight_decay=0.1, progress=True)
    assert "optimum" in capsys.readouterr().err
    seconds = [row[0] for row in solution.stats["history"]]
    assert seconds == sorted(seconds)
    lower, upper = zip(*[row[1:3] for row in solution.stats["history"]], strict=True)
    assert list(lower) == sorted(lower)
    assert list(upper) == sorted(upper, reverse=True)
