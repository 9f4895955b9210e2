"""Options of training: free weights, sample weights, the norm l1, networks instead of names.

The optimum of every combination is that of an independent program; what options mean is tested
by equations between optima: repeated samples, scaled data, turned data.
"""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from examples import random_data
from families import make_family
from formulas import CLASSES, EXPONENTIAL, LOSSES, Training, read_weights
from full_programs import optimum

import cvxnet as cn
from cvxnet.training import clock

GATES = np.random.default_rng(3).standard_normal((6, 3))
OPTIONS = {
    "leaky_relu": {"slope": 0.1},
    "gated_relu": {"gates": GATES},
    "polynomial": {"coefficients": (1.0, -1.0, 0.5)},
    "tanh": {"radius": 2.0},
}
FREE = {
    "output bias": {"output_bias": True},
    "skip": {"skip": True},
    "both": {"output_bias": True, "skip": True},
}
WEIGHTS = np.array([1.0, 2.0, 0.5, 3.0, 1.0, 0.25, 1.0, 4.0, 1.0])
STEPS = ("sign", "threshold")


def data(loss, d=2, n=9, seed=2):
    X, y = random_data(seed, n, d)
    return X, np.sign(y) if loss in CLASSES else y


def family(name):
    return cn.Family(name, **OPTIONS.get(name, {}))


def ours(name, X, y, loss, beta, output_bias=False, skip=False, norm="l2", sample_weight=None):
    """The same problem in independent formulas."""
    ones = np.ones((len(X), 1))
    free = [ones] * output_bias + [X] * skip
    return Training(
        name,
        X if name == "coordinate" else np.hstack([X, ones]),
        y,
        loss,
        beta,
        OPTIONS.get(name, {}),
        norm,
        sample_weight,
        np.hstack(free) if free else None,
    )


def check_against_the_full_program(name, loss, d=2, n=9, **options):
    """Status, value, the network's own objective, F^T v = 0, the certificate."""
    X, y = data(loss, d, n)
    beta = 0.3 * cn.largest_weight_decay(family(name), X, y, loss=loss, **options)
    solution = cn.train(family(name), X, y, loss=loss, weight_decay=beta, **options)
    problem = ours(name, X, y, loss, beta, **options)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(optimum(problem), rel=2e-6)
    U, a, gate, c = read_weights(solution.network, problem)
    assert solution.value == pytest.approx(problem.objective(U, a, gate, c), rel=1e-11)
    f = problem.predictions(U, a, gate, c)
    np.testing.assert_allclose(solution.network(X).ravel(), f, rtol=1e-9, atol=1e-10)
    if problem.free is not None:
        np.testing.assert_allclose(problem.free.T @ solution.certificate.v, 0.0, atol=1e-9)
    result = cn.check(solution.certificate.to_dict())
    assert result.valid, result.reason
    assert (result.lower, result.upper) == (solution.lower_bound, solution.value)
    return solution


# --- free weights -------------------------------------------------------------------------------


@pytest.mark.parametrize("free", FREE)
@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("relu", "squared"),
        ("relu", "logistic"),
        ("relu", "hinge"),
        ("relu", "absolute"),
        ("leaky_relu", "huber"),
        ("leaky_relu", "squared_hinge"),
        ("abs", "squared"),
        ("abs", "absolute"),
        ("gated_relu", "logistic"),
        ("gated_relu", "hinge"),
        ("quadratic", "squared"),
        ("quadratic", "logistic"),
        ("polynomial", "squared"),
        ("polynomial", "huber"),
        *[(name, loss) for name in STEPS for loss in ("squared", "logistic", "hinge")],
    ],
)
def test_free_weights(name, loss, free):
    check_against_the_full_program(name, loss, **FREE[free])


@pytest.mark.parametrize("name", ["linear", "coordinate"])
@pytest.mark.parametrize("loss", ["squared", "logistic", "absolute"])
def test_free_bias_of_linear_models(name, loss):
    check_against_the_full_program(name, loss, output_bias=True)


@pytest.mark.parametrize("loss", ["squared", "logistic", "absolute"])
def test_free_weights_of_squared_relu(loss):
    check_against_the_full_program("squared_relu", loss, d=1, output_bias=True)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("free", FREE)
def test_free_weights_lower_the_optimum_and_are_what_is_left_without_units(free, loss):
    """At the largest weight decay the network is the free weights' own regression."""
    X, y = data(loss, n=15)
    largest = cn.largest_weight_decay("relu", X, y, loss=loss, **FREE[free])
    plain = cn.train("relu", X, y, loss=loss, weight_decay=0.5 * largest)
    helped = cn.train("relu", X, y, loss=loss, weight_decay=0.5 * largest, **FREE[free])
    assert helped.value < plain.lower_bound
    above = cn.train("relu", X, y, loss=loss, weight_decay=1.01 * largest, **FREE[free])
    assert above.units == 0
    alone = ours("relu", X, y, loss, 1.0, **FREE[free])
    empty = Training("coordinate", 0.0 * X, y, loss, 1.0, free=alone.free)
    assert above.value == pytest.approx(optimum(empty), rel=1e-6)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss not in EXPONENTIAL])
@pytest.mark.parametrize("name", ["relu", "quadratic", "linear"])
def test_free_weights_that_fit_everything_are_optimal_and_leave_nothing_to_units(name, loss):
    """The value is 0 up to rounding, and so is all that units could gain."""
    X = np.random.default_rng(0).standard_normal((12, 2))
    y = X @ [1.0, 2.0] + 0.3
    y = np.sign(y) if loss in CLASSES else y
    options = {"loss": loss, "output_bias": True, "skip": True}
    assert cn.largest_weight_decay(name, X, y, **options) == 0.0
    solution = cn.train(name, X, y, weight_decay=0.1, **options)
    assert solution.status == "optimal"
    assert solution.closed_by == ("gap" if solution.gap <= 1e-6 else "tolerance")
    assert solution.value - solution.lower_bound <= max(solution.tolerance, 0.0)
    assert solution.value <= 1e-12
    assert solution.units == 0


def test_a_value_of_zero_that_no_network_has_is_reached_up_to_rounding():
    """Separable: the infimum is 0, and every network is above it; doubles end near 2^-52."""
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([-1.0, -1.0, 1.0, 1.0])
    solution = cn.train("relu", X, y, loss="logistic", skip=True, weight_decay=0.1)
    assert solution.closed_by == "tolerance" and "absolute tolerance" in str(solution)
    assert 0.0 == solution.lower_bound < solution.value <= solution.tolerance < 1e-13
    cut = cn.train("relu", X, 1e-3 * y, weight_decay=1e-5, time_limit=1e-9)
    assert cut.status == "gap" and cut.gap > 0.5  # small, but it is no rounding


# --- sample weights -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("relu", "squared"),
        ("relu", "logistic"),
        ("abs", "absolute"),
        ("leaky_relu", "huber"),
        ("linear", "squared_hinge"),
        ("coordinate", "hinge"),
        ("gated_relu", "squared"),
        ("quadratic", "logistic"),
        ("polynomial", "squared_hinge"),
        *[(name, loss) for name in STEPS for loss in ("squared", "hinge")],
    ],
)
def test_sample_weights(name, loss):
    check_against_the_full_program(name, loss, sample_weight=WEIGHTS)


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("relu", "squared"),
        ("relu", "hinge"),
        ("abs", "logistic"),
        ("linear", "absolute"),
        ("coordinate", "huber"),
        ("gated_relu", "squared_hinge"),
        ("squared_relu", "squared"),
        ("tanh", "squared"),
        *[(name, loss) for name in STEPS for loss in ("squared", "logistic")],
    ],
)
def test_weights_are_repetitions_and_zero_leaves_out(name, loss):
    X, y = data(loss, d=1 if name in ("squared_relu", "tanh") else 2)
    count = np.array([1, 3, 0, 1, 2, 1, 0, 2, 1])
    beta = 0.3 * cn.largest_weight_decay(family(name), X, y, loss=loss)

    def value(X, y, weights):
        solution = cn.train(family(name), X, y, loss=loss, weight_decay=beta, sample_weight=weights)
        assert solution.status == "optimal"
        return solution.value

    weighted = value(X, y, count)
    assert value(np.repeat(X, count, axis=0), np.repeat(y, count), None) == pytest.approx(
        weighted, rel=3e-6
    )
    assert value(X[count > 0], y[count > 0], count[count > 0]) == pytest.approx(weighted, rel=3e-6)


# --- solvers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["relu", "gated_relu", "polynomial", "sign"])
def test_every_solver_closes_the_bracket(name, loss):
    X, y = data(loss)
    beta = 0.1 * cn.largest_weight_decay(family(name), X, y, loss=loss)
    clarabel = cn.train(family(name), X, y, loss=loss, weight_decay=beta)
    for solver in ("ECOS", "SCS"):
        other = cn.train(family(name), X, y, loss=loss, weight_decay=beta, solver=solver)
        assert clarabel.status == other.status == "optimal"
        assert other.stats["solver"] == solver
        assert other.value == pytest.approx(clarabel.value, rel=2e-6)


# --- the norm l1 --------------------------------------------------------------------------------


@pytest.mark.parametrize("free", [{}, {"output_bias": True}, {"sample_weight": WEIGHTS}])
@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("relu", "squared"),
        ("relu", "logistic"),
        ("relu", "absolute"),
        ("leaky_relu", "hinge"),
        ("leaky_relu", "squared_hinge"),
        ("abs", "huber"),
        ("linear", "squared"),
        ("linear", "hinge"),
    ],
)
@pytest.mark.parametrize("d", [1, 2])
def test_norm_l1(name, loss, d, free):
    check_against_the_full_program(name, loss, d=d, norm="l1", **free)


@pytest.mark.parametrize("name", ["relu", "linear"])
def test_norm_l1_with_three_features_selects_them(name):
    """The target depends on the first feature alone: with l1 the network does too, with l2 not."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 3))
    y = np.maximum(X[:, 0], 0.0) + 0.01 * rng.standard_normal(12)
    used = {}
    for norm in ("l1", "l2"):
        beta = 0.3 * cn.largest_weight_decay(name, X, y, bias=False, norm=norm)
        solution = cn.train(name, X, y, weight_decay=beta, bias=False, norm=norm)
        assert solution.status == "optimal"
        value = optimum(Training(name, X, y, "squared", beta, norm=norm))
        assert solution.value == pytest.approx(value, rel=2e-6)
        W = solution.network.state_dict()["0.weight"]
        used[norm] = np.abs(W).max(axis=0) > 1e-6 * np.abs(W).max()
    assert used["l1"].tolist() == [True, False, False]
    assert used["l2"].all()


@pytest.mark.parametrize("seed", range(12))
def test_linear_units_of_norm_l1_are_coordinate_units_to_many_digits(seed):
    """Exponential cones leave a conic solver six digits; Newton's method adds the others."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((12, 1 + seed % 5)), np.where(np.arange(12) % 2, 1.0, -1.0)
    share = 10.0 ** rng.uniform(-2.0, -0.3)
    beta = share * cn.largest_weight_decay("coordinate", X, y, loss="logistic")
    options = {"loss": "logistic", "weight_decay": beta, "gap": 1e-9}
    linear = cn.train("linear", X, y, bias=False, norm="l1", **options)
    coordinate = cn.train("coordinate", X, y, bias=False, **options)
    assert linear.status == coordinate.status == "optimal"
    assert linear.value == pytest.approx(coordinate.value, rel=2e-9)
    assert linear.units <= 1


@pytest.mark.parametrize("name", ["relu", "abs"])
def test_local_search_of_norm_l1_stays_in_its_ball(name):
    """Beyond exact pricing the largest weight decay is a value of some unit with |u|_1 = 1."""
    rng = np.random.default_rng(0)
    rows, v = rng.standard_normal((60, 9)), rng.standard_normal(60)
    units = make_family(name, rows, norm="l1")
    found = units.price(v, 0.0)
    assert np.abs(found.units).sum(axis=1) == pytest.approx(1.0)
    assert np.abs(v @ units.features(found.units)) == pytest.approx(found.values)
    corners = np.vstack([np.eye(9), -np.eye(9)])
    best = np.abs(v @ units.features(corners)).max()
    assert best * (1.0 - 1e-9) <= found.rho < 0.99 * make_family(name, rows).price(v, 0.0).rho


def test_norm_l1_finds_the_feature_among_many(monkeypatch):
    """The limit is a second of this process's work, so a busy machine gives as much."""
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=time.process_time))
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 30))
    y = np.abs(X[:, 0]) + 0.1 * rng.standard_normal(80)
    beta = 0.1 * cn.largest_weight_decay("relu", X, y, norm="l1", output_bias=True)
    options = {"weight_decay": beta, "norm": "l1", "output_bias": True}
    state = cn.train("relu", X, y, time_limit=1.0, **options).network.state_dict()
    used = np.abs(state["2.weight"]).ravel() @ np.abs(state["0.weight"])
    assert used[0] > 0.8 * used.sum()


def test_norm_l1_is_refused_where_there_is_none():
    X, y = data("squared")
    with pytest.raises(cn.InputError, match="norm"):
        cn.train("quadratic", X, y, weight_decay=1.0, norm="l1")


# --- the largest weight decay -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "loss", "options"),
    [
        ("relu", "squared", {}),
        ("relu", "logistic", {"output_bias": True}),
        ("relu", "hinge", {}),
        ("relu", "absolute", {"skip": True}),
        ("abs", "huber", {"norm": "l1"}),
        ("leaky_relu", "squared_hinge", {"sample_weight": WEIGHTS}),
        ("linear", "squared", {"norm": "l1"}),
        ("coordinate", "logistic", {"output_bias": True}),
        ("gated_relu", "squared", {}),
        ("quadratic", "squared", {"skip": True}),
        ("polynomial", "logistic", {}),
        ("squared_relu", "squared", {}),
        ("tanh", "squared", {}),
        *[(name, "squared", {"output_bias": True}) for name in STEPS],
    ],
)
def test_units_appear_just_below_the_largest_weight_decay(name, loss, options):
    X, y = data(loss)
    largest = cn.largest_weight_decay(family(name), X, y, loss=loss, **options)
    assert largest > 0.0
    above, below = (
        cn.train(family(name), X, y, loss=loss, weight_decay=factor * largest, **options)
        for factor in (1.001, 0.99)
    )
    assert above.status == below.status == "optimal"
    assert above.units == 0
    assert below.units > 0
    assert below.value < above.lower_bound


# --- a network instead of a name ----------------------------------------------------------------


def test_network_says_family_biases_and_width():
    X, y = random_data(5, 14, 2)
    network = cn.Sequential(cn.Linear(2, 8), cn.LeakyReLU(0.1), cn.Linear(8, 1))
    solution = cn.train(network, X, y, weight_decay=0.1)
    named = cn.train(cn.Family("leaky_relu", slope=0.1), X, y, weight_decay=0.1, output_bias=True)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(named.value, rel=2e-6)
    assert solution.width == 8
    assert named.width is None
    assert solution.units <= 8
    assert solution.width_note == ""
    bare = cn.Sequential(cn.Linear(2, 8, bias=False), cn.ReLU(), cn.Linear(8, 1, bias=False))
    plain = cn.train("relu", X, y, weight_decay=0.1, bias=False)
    assert cn.train(bare, X, y, weight_decay=0.1).value == pytest.approx(plain.value, rel=2e-6)


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (cn.ReLU(), "relu"),
        (cn.LeakyReLU(0.1), "leaky_relu"),
        (cn.Abs(), "abs"),
        (cn.Square(), "quadratic"),
        (cn.SquaredReLU(), "squared_relu"),
        (cn.Sign(), "sign"),
        (cn.Threshold(), "threshold"),
    ],
)
def test_every_activation_finds_its_family(activation, name):
    X, y = random_data(6, 9, 1)
    network = cn.Sequential(cn.Linear(1, 3), activation, cn.Linear(3, 1, bias=False))
    solution = cn.train(network, X, y, weight_decay=0.2)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(
        cn.train(family(name), X, y, weight_decay=0.2).value, rel=2e-6
    )


def test_a_width_too_small_is_said_to_leave_only_the_lower_bound():
    """A network of one unit cannot do what the optimum does with more: its own best is above."""
    X, y = random_data(5, 14, 2)
    network = cn.Sequential(cn.Linear(2, 1), cn.ReLU(), cn.Linear(1, 1, bias=False))
    solution = cn.train(network, X, y, weight_decay=0.05)
    assert solution.width == 1 < solution.units
    assert f"{solution.units} units" in solution.width_note
    assert "only the lower bound" in solution.width_note
    assert solution.width_note in str(solution)


def test_network_with_a_skip_connection():
    X, y = random_data(5, 14, 2)
    body = cn.Sequential(cn.Linear(2, 4), cn.ReLU(), cn.Linear(4, 1, bias=False))
    network = cn.Sequential(cn.Residual(body, shortcut=cn.Linear(2, 1, bias=False)))
    named = cn.train("relu", X, y, weight_decay=0.1, skip=True)
    assert cn.train(network, X, y, weight_decay=0.1).value == pytest.approx(named.value, rel=2e-6)


def test_weights_given_are_where_training_starts():
    """From the optimum there is one round; from any weights the result is no worse than they."""
    X, y = random_data(7, 30, 2)
    cold = cn.train("relu", X, y, weight_decay=0.01)
    warm = cn.train(cold.network, X, y, weight_decay=0.01)
    assert warm.status == "optimal"
    assert warm.stats["rounds"] < cold.stats["rounds"]
    assert warm.value <= cold.value * (1 + 1e-12)
    rng = np.random.default_rng(0)
    state = {"0.weight": rng.standard_normal((5, 2)), "0.bias": rng.standard_normal(5)}
    network = cn.Sequential(cn.Linear(2, 5), cn.ReLU(), cn.Linear(5, 1, bias=False))
    network.load_state_dict(state | {"2.weight": 0.1 * rng.standard_normal((1, 5))})
    start = Training("relu", np.column_stack([X, np.ones(30)]), y, "squared", 0.01)
    U, a, *_ = read_weights(network, start)
    stopped = cn.train(network, X, y, weight_decay=0.01, time_limit=1e-6)
    assert stopped.value <= start.objective(U, a)
    assert stopped.value == pytest.approx(start.objective(U, a), rel=0.2)


# --- what must not matter -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "degree", "d"),
    [
        ("relu", 1, 2),
        ("leaky_relu", 1, 2),
        ("abs", 1, 2),
        ("linear", 1, 4),
        ("quadratic", 2, 3),
        ("squared_relu", 2, 2),
        *[(name, 0, 2) for name in STEPS],
    ],
)
def test_order_units_of_measurement_and_rotation(name, degree, d):
    """``X -> s X, y -> t y, beta -> s^degree t beta`` multiplies the optimum by t^2."""
    X, y = random_data(8, 12, d)
    beta = 0.2 * cn.largest_weight_decay(family(name), X, y, bias=False)
    plain = cn.train(family(name), X, y, weight_decay=beta, bias=False).value
    order = np.random.default_rng(0).permutation(12)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((d, d)))[0]
    s, t = 3e3, 2e-4
    for X2, y2, decay, factor in [
        (X[order], y[order], beta, 1.0),
        (X @ turn, y, beta, 1.0),
        (s * X, t * y, beta * s**degree * t, t * t),
        (X, -y, beta, 1.0),
    ]:
        other = cn.train(family(name), X2, y2, weight_decay=decay, bias=False)
        assert other.status == "optimal"
        assert other.value == pytest.approx(factor * plain, rel=3e-6)


def test_norm_l1_sees_signs_and_order_of_features_but_not_rotations():
    X, y = random_data(8, 12, 2)
    beta = 0.2 * cn.largest_weight_decay("relu", X, y, norm="l1")
    values = [
        cn.train("relu", Z, y, weight_decay=beta, norm="l1").value
        for Z in (X, X[:, ::-1], -X, X @ np.array([[0.6, -0.8], [0.8, 0.6]]))
    ]
    assert values[1:3] == pytest.approx([values[0]] * 2, rel=3e-6)
    assert values[3] != pytest.approx(values[0], rel=1e-3)


@pytest.mark.parametrize("loss", CLASSES)
def test_classes_may_change_places(loss):
    X, y = data(loss, n=12)
    beta = 0.2 * cn.largest_weight_decay("relu", X, y, loss=loss)
    plain, other = (cn.train("relu", X, labels, loss=loss, weight_decay=beta) for labels in (y, -y))
    assert other.value == pytest.approx(plain.value, rel=3e-6)
