"""Training of several outputs that share units."""

import time
from dataclasses import replace
from types import SimpleNamespace

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.objective import Family, Form, Objective
from cvxnet.training import clock
from cvxnet.training.faces import face
from cvxnet.training.master import Master
from cvxnet.training.oracle import Oracle, price_units
from cvxnet.training.outputs.directions import fit_outputs, solve_outputs
from cvxnet.training.outputs.newton import Local, newton, point_of
from cvxnet.training.problem import Problem, Units
from cvxnet.training.pruning import eliminate_dependent, is_as_good, merge, simplify
from cvxnet.training.recovery import problem_of
from cvxnet.training.sliding import slide, slide_factors, smoothed
from cvxnet.training.start import open_bracket
from cvxnet.training.units import bind

SLIDING = ("relu", "leaky_relu", "abs", "linear", "gated_relu", "quadratic", "polynomial")
LOSSES = ("squared", "huber", "log_cosh", "absolute", "logistic", "cross_entropy")


def data(n=12, d=2, c=3, seed=0):
    """Samples, and targets that units explain in part."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    Y = np.maximum(X @ rng.standard_normal((d, 4)), 0.0) @ rng.standard_normal((4, c))
    Y += 0.3 * rng.standard_normal((n, c))
    return X, Y - Y.mean(axis=0)


def target(Y, loss):
    """The target in the form that a loss wants; each class is somewhere."""
    if loss == "cross_entropy":
        return np.append(np.arange(Y.shape[1]), Y.argmax(axis=1)[Y.shape[1] :])
    return np.sign(Y) if loss == "logistic" else Y


def train(X, Y, share=0.1, units="relu", **options):
    """Train at a share of the largest useful weight decay."""
    known = ("loss", "bias", "output_bias", "skip", "sample_weight")
    given = {name: options[name] for name in known if name in options}
    largest = cn.largest_weight_decay(units, X, Y, **given)
    return cn.train(units, X, Y, weight_decay=share * largest, **options)


def small_problem(loss="squared", units="relu", share=0.1, **options):
    """A problem with its dual vector at zero as the network to begin with."""
    X, Y = data()
    given = {"units": units, "X": X, "y": target(Y, loss), "loss": get_loss(loss)}
    problem = problem_of(Objective(**given, weight_decay=1.0, form=Form(**options)))
    largest = Oracle(problem).price(open_bracket(problem).proposal, 0.0, None, np.inf).rho
    return problem_of(Objective(**given, weight_decay=share * largest, form=Form(**options)))


def random_units(problem, m, seed=0):
    """Units of all sizes, some of them on hyperplanes."""
    rng = np.random.default_rng(seed)
    rows, outputs = rng.standard_normal((m, problem.family.rank)), rng.standard_normal((m, 3))
    normals = problem.family.arrangement.normals
    for j in range(0, m, 2):
        e = normals[j % len(normals)]
        rows[j] -= (e @ rows[j]) * e
    outputs /= np.linalg.norm(outputs, axis=1)[:, None]
    return Units(0.1 * rows, outputs, np.zeros((problem.F.shape[1], 3)))


# The steps


@pytest.mark.parametrize("name", SLIDING)
@pytest.mark.parametrize("width", [0.0, 0.1])
def test_a_column_for_each_unit_pulls_back_as_one_for_all(name, width):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((9, 3))
    family = bind(Family(name).complete(3), X)
    W, V = rng.standard_normal((4, family.rank)), rng.standard_normal((9, 4))
    if name == "gated_relu":
        W = family.coordinates(W[:, :3], np.array([0, 3, 3, 7]))
    family = smoothed(family, width)
    alone = [family.pull_back(W[j : j + 1], V[:, j])[0] for j in range(4)]
    np.testing.assert_allclose(family.pull_back(W, V), alone, atol=1e-12)


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "absolute"])
def test_derivatives_on_faces_are_those_of_the_objective(loss):
    """By differences, along every number that changes."""
    problem = small_problem(loss, output_bias=True)
    local = Local(problem, point_of(random_units(problem, 4)))
    gradient, H, step = local.gradient, local.hessian(), 1e-6
    for k in range(len(gradient)):
        ends = []
        for sign in (1.0, -1.0):
            change = np.zeros(len(gradient))
            change[k] = sign * step
            ends.append(Local(problem, next(local.after(change))))
        slope = (ends[0].value - ends[1].value) / (2.0 * step)
        assert slope == pytest.approx(gradient[k], abs=1e-5 * np.abs(gradient).max())
        bend = (ends[0].gradient - ends[1].gradient) / (2.0 * step)
        np.testing.assert_allclose(bend, H[k], atol=1e-5 * np.abs(H).max())


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_no_step_makes_a_network_worse(loss):
    problem = small_problem(loss, output_bias=True)
    units = random_units(problem, 6)
    value = problem.objective(units)
    faces = np.array([B @ B.T for B in (face(problem.family, u)[1] for u in units.weights)])
    for better in (
        slide(problem, units, 50),
        slide_factors(problem, units, 50, 1e-9, faces=faces),
        fit_outputs(problem, units),
        newton(problem, units),
    ):
        assert problem.objective(better) < value
        np.testing.assert_allclose(np.linalg.norm(better.outputs, axis=1), 1.0)


def test_units_confined_to_faces_stay_on_them():
    problem = small_problem()
    units = random_units(problem, 6)
    faces = np.array([B @ B.T for B in (face(problem.family, u)[1] for u in units.weights)])
    slid = slide_factors(problem, units, 50, 1e-9, faces=faces)
    normals = problem.family.arrangement.normals
    on = [j for j in range(0, 6, 2) if np.abs(slid.weights @ normals[j]).min() < 1e-12]
    assert on == [0, 2, 4]


def test_fitted_outputs_solve_the_group_lasso():
    """KKT: ``|g_j| <= weight_decay`` for all directions, and g_j against a_j for those in use."""
    problem = small_problem("cross_entropy")
    units = random_units(problem, 30)
    fitted = fit_outputs(problem, units)
    V = problem.dual_vector(fitted)
    directions = units.weights / units.sizes[:, None]
    g = problem.family.features(directions).T @ V
    assert np.linalg.norm(g, axis=1).max() <= problem.weight_decay * (1.0 + 1e-4)
    used = fitted.without_small(1e-3)
    g = problem.family.features(used.weights / used.sizes[:, None]).T @ V
    np.testing.assert_allclose(g, -problem.weight_decay * used.outputs, atol=1e-3)
    assert len(fitted) < 30


def test_the_cone_program_fits_the_same_outputs():
    """Two ways to one optimum; the multiplier is the gradient."""
    problem = small_problem("huber")
    units = random_units(problem, 20)
    by_cone, V = solve_outputs(problem, units, Master(problem, "CLARABEL"))
    by_steps = fit_outputs(problem, units)
    assert problem.objective(by_cone) == pytest.approx(problem.objective(by_steps), rel=1e-6)
    np.testing.assert_allclose(V, problem.dual_vector(by_cone), atol=1e-5)


def test_fewer_units_fit_as_before_and_cost_no_more():
    """Merged directions, parallel outputs in one cell, more units than numbers to fit."""
    problem = small_problem()
    units = random_units(problem, 6)
    twice = units + Units(2.0 * units.weights, np.roll(units.outputs, 1, axis=1), units.free)
    merged = merge(twice, 1e-6)
    assert len(merged) == 6 and is_as_good(problem, merged, twice)
    np.testing.assert_allclose(problem.fit(merged), problem.fit(twice))
    parallel = units + Units(2.0 * units.weights, units.outputs, units.free)
    fewer = simplify(problem, parallel)
    assert len(fewer) == 6
    np.testing.assert_allclose(problem.fit(fewer), problem.fit(parallel), atol=1e-12)
    many = random_units(problem, 50)
    vertex = eliminate_dependent(problem, many)
    assert len(vertex) <= problem.y.size and is_as_good(problem, vertex, many)
    np.testing.assert_allclose(problem.fit(vertex), problem.fit(many), atol=1e-10)


@pytest.mark.parametrize("name", ["linear", "gated_relu"])
def test_linear_units_become_singular_vectors(name):
    """At most as many as outputs, or columns, for each gate; their penalty is a nuclear norm."""
    X, Y = data()
    family = bind(Family(name).complete(2), X)
    problem = Problem(family, get_loss("squared"), Y, 1.0)
    rng = np.random.default_rng(0)
    weights, gates = rng.standard_normal((9, 2)), rng.integers(3, size=9)
    rows = family.coordinates(weights, gates if name == "gated_relu" else None)
    outputs = rng.standard_normal((9, 3))
    outputs /= np.linalg.norm(outputs, axis=1)[:, None]
    units = Units(rows, outputs, np.zeros((0, 3)))
    fewer = simplify(problem, units)
    assert len(fewer) <= 2 * (3 if name == "gated_relu" else 1)
    np.testing.assert_allclose(problem.fit(fewer), problem.fit(units), atol=1e-12)
    assert problem.penalty(fewer) <= problem.penalty(units) * (1.0 + 1e-12)


# The optimum, by independent programs


def grid_value(X, Y, weight_decay, loss, count=600):
    """The optimum over units of a fine grid of directions on a circle: a little above the true one.

    Written with CVXPY: a group lasso.
    """
    angles = 2.0 * np.pi * np.arange(count) / count
    M = np.maximum(X @ np.array([np.cos(angles), np.sin(angles)]), 0.0)
    A = cp.Variable((count, Y.shape[1]))
    R = M @ A - Y
    terms = {
        "squared": lambda: 0.5 * cp.sum_squares(R),
        "absolute": lambda: cp.sum(cp.abs(R)),
        "cross_entropy": lambda: (
            cp.sum(cp.log_sum_exp(M @ A, axis=1)) - cp.sum(cp.multiply(Y, M @ A))
        ),
    }[loss]()
    program = cp.Problem(cp.Minimize(terms + weight_decay * cp.sum(cp.norm(A, 2, axis=1))))
    return program.solve(solver="CLARABEL")


@pytest.mark.parametrize("loss", ["squared", "absolute", "cross_entropy"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_grid_of_directions_comes_close_from_above(loss, seed):
    X, Y = data(8, seed=seed)
    y = target(Y, loss)
    solution = train(X, y, loss=loss, bias=False)
    assert solution.status == "optimal"
    Y = np.eye(3)[y] if loss == "cross_entropy" else Y
    value = grid_value(X, Y, solution.certificate.weight_decay, loss)
    assert solution.lower_bound <= value * (1.0 + 1e-7)
    assert value <= solution.value * (1.0 + 1e-3)


@pytest.mark.parametrize("share", [0.3, 0.03])
def test_linear_units_solve_a_nuclear_norm_problem(share):
    X, Y = data(15, 4, 3)
    solution = train(X, Y, share, "linear", bias=False)
    B = cp.Variable((4, 3))
    price = solution.certificate.weight_decay * cp.normNuc(B)
    value = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(X @ B - Y) + price)).solve(
        solver="SCS", eps=1e-8
    )
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(value, rel=1e-5)


def test_coordinate_units_solve_a_group_lasso():
    X, Y = data(15, 4, 3)
    solution = train(X, Y, 0.2, "coordinate")
    B = cp.Variable((4, 3))
    price = solution.certificate.weight_decay * cp.sum(cp.norm(B, 2, axis=1))
    value = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(X @ B - Y) + price)).solve(
        solver="SCS", eps=1e-8
    )
    assert solution.value == pytest.approx(value, rel=1e-5)


# Laws


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("form", [{}, {"output_bias": True}, {"skip": True}])
def test_brackets_close(loss, form):
    X, Y = data(8)
    solution = train(X, target(Y, loss), loss=loss, **form)
    assert solution.status == "optimal" and solution.gap <= 1e-6
    assert cn.check(solution.certificate).valid


@pytest.mark.parametrize("units", [*SLIDING[:5], "coordinate"])
def test_brackets_close_for_all_units(units):
    X, Y = data(14, 2, 2)
    solution = train(X, Y, units=units)
    assert solution.status == "optimal" and solution.gap <= 1e-6


@pytest.mark.parametrize("units", ["relu", "linear", "gated_relu", "coordinate"])
def test_brackets_close_for_losses_with_kinks(units):
    X, Y = data(14, 2, 2)
    solution = train(X, Y, units=units, loss="absolute")
    assert solution.status == "optimal" and solution.gap <= 1e-6


@pytest.mark.parametrize("w", [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [3.0, -4.0]])
def test_targets_of_rank_one_are_one_output(w):
    """``Y = y w^T``: turned, all but one column are zero, and their output weights, too."""
    X, Y = data(15)
    w = np.array(w)
    y = Y[:, 0]
    alone = train(X, np.linalg.norm(w) * y)
    together = train(X, np.outer(y, w))
    assert together.status == "optimal"
    decay = together.certificate.weight_decay
    assert decay == pytest.approx(alone.certificate.weight_decay)
    assert together.value == pytest.approx(alone.value, rel=3e-6)


def test_turned_targets_have_the_same_optimum():
    X, Y = data(15)
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    assert train(X, Y @ Q).value == pytest.approx(train(X, Y).value, rel=3e-6)


def test_two_classes_are_logistic_regression():
    """With ``f_2 = -f_1``, which is best, ``|a| = sqrt(2) |a_1|`` and f_1 - f_2 is ``2 f_1``."""
    X, Y = data(15)
    y = np.sign(Y[:, 0])
    classes = train(X, y, loss="cross_entropy")
    decay = np.sqrt(2.0) * classes.certificate.weight_decay
    alone = cn.train("relu", X, y, loss="logistic", weight_decay=decay / 2.0)
    assert classes.value == pytest.approx(alone.value, rel=3e-6)


def test_weights_of_samples_count_as_copies():
    X, Y = data(10)
    weights = np.array([1.0, 2.0] * 5)
    copies = np.repeat(np.arange(10), weights.astype(int))
    weighted = cn.train("relu", X, Y, weight_decay=0.5, sample_weight=weights)
    copied = cn.train("relu", X[copies], Y[copies], weight_decay=0.5)
    assert weighted.value == pytest.approx(copied.value, rel=3e-6)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_optimality_conditions(loss):
    """Every unit is priced at weight_decay, against its output weights, and none above it."""
    X, Y = data(15)
    solution = train(X, target(Y, loss), loss=loss, gap=1e-9)
    certificate = solution.certificate
    state = solution.network.state_dict()
    W, b, A = (state[key] for key in ("0.weight", "0.bias", "2.weight"))
    beta = certificate.weight_decay
    rows = np.column_stack([X, np.ones(len(X))])
    U = np.column_stack([W, b])
    V = certificate.v
    g = np.maximum(rows @ (U / np.linalg.norm(U, axis=1)[:, None]).T, 0.0).T @ V
    a = A.T / np.linalg.norm(A.T, axis=1)[:, None]
    np.testing.assert_allclose(g, -beta * a, atol=2e-3 * beta)
    family = bind(Family("relu").complete(3), rows)
    assert price_units(family, V, 0.5 * beta).rho == pytest.approx(beta, rel=2e-3)


def test_no_network_is_below_the_bound():
    """Random ones, and those of gradient descent from them."""
    X, Y = data(15)
    solution = train(X, Y)
    objective = Objective(
        units="relu",
        X=X,
        y=Y,
        loss=get_loss("squared"),
        weight_decay=solution.certificate.weight_decay,
    )
    problem, rng = problem_of(objective), np.random.default_rng(1)
    for _ in range(10):
        outputs = rng.standard_normal((8, 3))
        outputs /= np.linalg.norm(outputs, axis=1)[:, None]
        units = Units(rng.standard_normal((8, 3)), outputs, np.zeros((0, 3)))
        for network in (units, slide(problem, units, 300, 1e-12)):
            assert problem.objective(network) >= solution.lower_bound


def test_the_bracket_is_true_at_every_moment():
    """Also where it is interrupted early."""
    X, Y = data(30)
    best = train(X, Y, 0.03)
    early = cn.train("relu", X, Y, weight_decay=best.certificate.weight_decay, gap=0.5)
    assert early.lower_bound <= best.value and best.lower_bound <= early.value


# Degenerate data


DEGENERATE = {
    "rows that are equal": lambda X, Y: (np.repeat(X[:5], 3, axis=0), Y[:15]),
    "rows of zeros": lambda X, Y: (np.vstack([X[:8], np.zeros((7, 2))]), Y[:15]),
    "zeros alone": lambda X, Y: (0.0 * X, Y),
    "one column": lambda X, Y: (X[:, :1], Y),
    "columns that are equal": lambda X, Y: (X[:, [0, 0]], Y),
    "one sample": lambda X, Y: (X[:1], Y[:1]),
    "more outputs than samples": lambda X, Y: (X[:2], Y[:2]),
    "a target that is constant": lambda X, Y: (X, np.ones_like(Y)),
    "targets of zeros": lambda X, Y: (X, 0.0 * Y),
    "columns of targets that are equal": lambda X, Y: (X, Y[:, [0, 0, 1]]),
    "columns of very different size": lambda X, Y: (X * [1.0, 1e6], Y * [1.0, 1e-4, 1e4]),
    "tiny numbers": lambda X, Y: (1e-8 * X, 1e-8 * Y),
    "huge numbers": lambda X, Y: (1e8 * X, 1e8 * Y),
}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_data(name, bias):
    bias = bias and name != "tiny numbers"  # beside ones their columns are all but nothing
    X, Y = DEGENERATE[name](*data(15))
    largest = cn.largest_weight_decay("relu", X, Y, bias=bias)
    solution = cn.train("relu", X, Y, weight_decay=0.1 * largest or 1.0, bias=bias)
    assert solution.status == "optimal", solution.stats["stopped"]


@pytest.mark.parametrize(
    "name", [name for name in DEGENERATE if "target" not in name and "one sample" not in name]
)
def test_degenerate_classes(name):
    X, _ = DEGENERATE[name](*data(15))
    y = np.arange(len(X)) % 3
    options = {"loss": "cross_entropy", "bias": False}
    largest = cn.largest_weight_decay("relu", X, y, **options)
    solution = cn.train("relu", X, y, weight_decay=0.1 * largest or 1.0, **options)
    assert solution.status == "optimal", solution.stats["stopped"]


def test_the_empty_network_is_found_at_once():
    X, Y = data(15)
    largest = cn.largest_weight_decay("relu", X, Y)
    solution = cn.train("relu", X, Y, weight_decay=1.01 * largest)
    assert solution.status == "optimal" and not solution.predict(X).any()
    assert cn.train("relu", X, Y, weight_decay=0.99 * largest).predict(X).any()


def test_many_dimensions_have_a_true_bracket_and_a_good_network(monkeypatch):
    """Beyond exact pricing: the network is as good as one that knows where it comes from.

    Limits are seconds of this process's work, so a busy machine gives as many.
    """
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=time.process_time))
    X, Y = data(40, 5, 2)
    solution = train(X, Y, 0.2, time_limit=2.0)
    assert 0.0 < solution.lower_bound <= solution.value and solution.gap < 0.1
    again = train(X, Y, 0.2, time_limit=0.5)
    assert solution.lower_bound <= again.value
    assert again.value == pytest.approx(solution.value, rel=1e-3)


@pytest.mark.parametrize("units", ["quadratic", "polynomial"])
def test_equal_samples_keep_the_evidence_that_speaks_of_none(units):
    X, y = np.tile([[0.5, -1.0]], (7, 1)), list("abcabca")
    solution = cn.train(units, X, y, loss="cross_entropy", weight_decay=0.1)
    assert solution.status == "optimal"
    assert cn.check(solution).valid


def test_zero_dual_vectors_need_no_evidence():
    X, Y = np.eye(3), np.array([[1.0, 2.0], [0.0, 1.0], [1.0, 0.0]])
    certificate = cn.train("polynomial", X, Y, weight_decay=100.0).certificate
    zero = replace(certificate, v=np.zeros((3, 2)), evidence=None).rounded_outward()
    assert zero.lower == 0.0
    assert cn.check(zero).valid


@pytest.mark.parametrize("loss", ["huber", "log_cosh"])
@pytest.mark.parametrize("units", ["relu", "linear", "coordinate"])
def test_losses_that_bend_sharply_beside_their_targets(units, loss):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((7, 2)), 1e6 * rng.standard_normal((7, 2))
    solution = cn.train(units, X, Y, loss=loss, weight_decay=0.1)
    assert solution.status == "optimal"
