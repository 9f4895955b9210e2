"""Promises that broke on inputs found by fuzzing, with the right answers."""

import json
from dataclasses import replace
from types import SimpleNamespace

import cvxpy as cp
import numpy as np
import pytest
from families import make_family
from scipy.optimize import nnls

import cvxnet as cn
from cvxnet import layers as L  # noqa: N812
from cvxnet.analysis import convexity
from cvxnet.cli import main
from cvxnet.errors import InputError
from cvxnet.losses import get_loss
from cvxnet.proofs import checker
from cvxnet.proofs.checker import answer, dual, reading
from cvxnet.training.bounds.claims import proved_bound
from cvxnet.training.bounds.relaxation import Side
from cvxnet.training.fewer_units import null_vectors

# Verdicts: false proofs


def test_a_denominator_counts_in_log_log_rules():
    """In u = log x and v = log y, ``2 u - log(1 + e^v)`` is concave and not convex."""
    x, y = cp.Variable(pos=True), cp.Variable(pos=True)
    found = {
        text: convexity(expression).disciplines["log-log convex (DGP)"]
        for text, expression in {
            "concave": cp.quad_over_lin(x, 1 + y),
            "affine": cp.quad_over_lin(x, 3 * y),
            "convex": cp.quad_over_lin(cp.hstack([x, y]), y),
        }.items()
    }
    assert all(line.startswith(f"log-log {word} ") for word, line in found.items())


@pytest.mark.parametrize("slope", [0.1, 0.3, 1e-17, 0.9999999999999999])
def test_the_jump_of_a_leaky_relu_is_exact(slope):
    """``s relu(-t) - s t`` undoes what is left of t = 0, so the sum is a relu, not nearly one."""
    net = L.Sequential(L.Linear(1, 1, bias=False), L.LeakyReLU(slope), L.Linear(1, 1, bias=False))
    net.load_state_dict({"0.weight": [[1.0]], "2.weight": [[1.0]]})
    x = cp.Variable(1, name="x")
    rest = net(x) - slope * x - cp.pos(x) + slope * cp.pos(x)
    assert convexity(rest).affine


def test_a_finite_set_is_not_its_interval():
    x, z = cp.Variable(2, name="x"), cp.Variable(name="z")
    for expression, values in ((z, [1, 2]), (z, [0.37, 1.21, 7]), (x, [-1, 0.3]), (3 * z, [0, 6])):
        verdict = convexity(cp.Problem(cp.Minimize(z), [cp.FiniteSet(expression, values)]))
        assert verdict.convex is False and verdict.counterexample.verify()
        assert verdict.relaxation.convex and "FiniteSet" in str(verdict)
    single = convexity(cp.Problem(cp.Minimize(z), [cp.FiniteSet(z, [1.5, 1.5])]))
    assert single.convex and single.relaxation is None


# Checking: the time limit


def test_reading_counts_in_the_time_limit_of_a_check(monkeypatch):
    document = cn.train("relu", np.eye(2), [1.0, 2.0], weight_decay=0.1).certificate.to_dict()
    seconds = [0.0]

    def slowly(source, data):
        seconds[0] += 10.0
        return reading.read(source, data)

    monkeypatch.setattr(dual, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    monkeypatch.setattr(answer, "read", slowly)
    assert "time limit of 5 s" in checker.check(document, time_limit=5.0).reason
    assert checker.check(document, time_limit=50.0).valid


# Bad input at every door


def test_what_is_no_number_no_file_and_no_single_output_is_refused():
    net = L.Sequential(L.Linear(2, 3), L.Tanh(), L.Linear(3, 2))
    data = np.ones((3, 2)), np.ones(3)
    certificate = cn.train("relu", np.eye(2), [1.0, 2.0], weight_decay=0.1).certificate
    for message, door in {
        "complex": lambda: replace(certificate, v=np.array([1j, 0.0])),
        "must be a number": lambda: cn.train(
            cn.Family("polynomial", coefficients=np.array([1j, 0.0, 1.0])), *data, weight_decay=0.1
        ),
        "finite number": lambda: convexity(net, weight_decay=10**400),
        "no file": lambda: cn.to_onnx(net, ""),
        "has 2": lambda: convexity(net, loss="squared", data=data),
    }.items():
        with pytest.raises(InputError, match=message):
            door()


@pytest.mark.parametrize("size", [1e200, 1e300])
def test_numbers_whose_squares_are_beyond_doubles_have_a_verdict(size):
    """Values that the search cannot compare are no counterexamples, and no warnings either."""
    net = L.Sequential(L.Linear(2, 2), L.Tanh(), L.Linear(2, 1))
    data = np.eye(2), np.array([size, 0.0])
    fitted = convexity(net, loss="squared", data=data, complete=False)
    assert fitted.convex in (None, False)
    assert convexity(net, weight_decay=size * 1e8, complete=False).convex in (None, False)


# Verdicts: bad input


def network():
    return L.Sequential(L.Linear(2, 3), L.ReLU(), L.Linear(3, 1))


X, Y = np.eye(2), np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: convexity(network(), wrt=3), "wrt=3 names nothing"),
        (lambda: convexity(network(), wrt=[0, 2]), "wrt=0 names nothing"),
        (lambda: convexity(network(), wrt=cp.Variable()), "names nothing"),
        (lambda: convexity(cp.Variable(name="x"), wrt=3), "wrt=3 names no variable.*x"),
        (lambda: convexity(cp.Variable(name="x"), wrt=cp.Variable(name="x")), "wrt=x names no"),
        (lambda: convexity(cp.Variable(name="x"), wrt=["x", "y"]), "wrt='y' names no variable"),
        (lambda: convexity(cp.Variable(name="x"), wrt=[]), "wrt is empty"),
        (lambda: convexity(cp.Problem(cp.Minimize(0)), wrt="x"), "networks and expressions"),
        (lambda: convexity(network(), weight_decay="x"), "weight_decay is a finite number"),
        (lambda: convexity(network(), weight_decay=-1.0), "weight_decay is a finite number"),
        (lambda: convexity(network(), weight_decay=np.nan), "weight_decay is a finite number"),
        (lambda: convexity(network(), weight_decay=[0.1]), "weight_decay is a finite number"),
        (lambda: convexity(cp.Variable(), weight_decay="x"), "weight_decay= is for networks"),
        (lambda: convexity(network(), effort="a"), "effort is a whole number"),
        (lambda: convexity(network(), effort=0), "effort is a whole number"),
        (lambda: convexity(cp.Variable(), effort=1.5), "effort is a whole number"),
        (lambda: convexity(network(), "2", loss="squared", data=(X, np.eye(2))), "y has 2 columns"),
        (lambda: convexity(network(), "2", loss="squared", data=(X, 3.0)), "y has shape"),
        (lambda: convexity(network(), "2", loss="squared", data=(X, [1.0, np.nan])), "y.1. is nan"),
        (lambda: convexity(network(), "2", loss="squared", data=(X, Y, Y)), "a tuple of 3"),
        (lambda: convexity(network(), "2", loss=3, data=(X, Y)), "loss"),
        (lambda: convexity(network(), inputs=["nonneg"]), "inputs is 'nonneg'"),
    ],
)  # fmt: skip
def test_bad_questions_are_refused_at_the_door(ask, message):
    with pytest.raises(InputError, match=message):
        ask()


def test_a_bug_does_not_exit_with_the_code_of_a_refutation(tmp_path, monkeypatch, capsys):
    def broken(*_, **__):
        raise RuntimeError("something unforeseen")

    monkeypatch.setattr("cvxnet.analysis.answers.answer", broken)
    file = tmp_path / "net.json"
    network().save(file)
    with pytest.raises(SystemExit) as stopped:
        main(["explain", str(file)])
    assert stopped.value.code == 3
    printed = capsys.readouterr().err
    assert "something unforeseen" in printed and "unknown" in printed


# Training: bounds on rho


def test_training_ends_where_a_relaxation_has_nothing_to_bound():
    """Rows that contradict each other leave only u = 0 in some leaves; rounding went below 0."""
    X = ["010", "100", "101", "000", "010", "011", "100", "010", "100", "110", "111", "110"]
    X = np.array([[float(digit) for digit in row] for row in X])
    y = np.array([1, 1, 1, -1, 1, -1, -1, 1, 1, -1, -1, -1])
    problem = {"loss": "logistic", "norm": "l1", "output_bias": True}
    decay = 0.005536378738908091
    solution = cn.train("relu", X, y, weight_decay=decay, time_limit=2, **problem)
    assert 0.5 * solution.value < solution.lower_bound < solution.value
    assert cn.check(solution.certificate.to_dict()).valid


@pytest.mark.parametrize("seed", range(20))
def test_a_proved_bound_is_not_negative(seed):
    """Also where signs are fixed that only u = 0 has."""
    rng = np.random.default_rng(seed)
    X, v = rng.integers(-1, 2, (5, 2)) * 10.0 ** rng.integers(-9, 9), rng.standard_normal(5)
    side = Side(np.vstack([X, -X]), (1.0, 0.0), 1.0, np.concatenate([v, v[::-1]]))
    for row in range(10):
        side = side.child(row, 1.0)
        assert proved_bound(side) >= 0.0


@pytest.mark.parametrize("name", ["squared", "logistic", "hinge", "squared_hinge", "absolute"])
def test_the_largest_scale_is_found_for_every_bound(name):
    """In the domain, and a bound below 0 or next to 0 is no reason to look for ever."""
    loss, rng = get_loss(name), np.random.default_rng(0)
    for _ in range(50):
        y = rng.choice([-1.0, 1.0], 6)
        v = loss.clip(-y * rng.random(6) * 10.0 ** rng.integers(-300, 10), y)
        low, high = loss.domain(y)
        for largest in (-1.0, -5e-324, 0.0, 5e-324, 1e-300, 0.3, 1.0, 1e300):
            t = loss.largest_scale(v, y, largest)
            assert 0.0 <= t <= max(largest, 0.0)
            assert ((low <= t * v) & (t * v <= high)).all()
            beyond = min(largest, t * (1 + 1e-12) + 1e-300)
            assert t == largest or largest < 0.0 or ((beyond * v < low) | (beyond * v > high)).any()


# Verdicts: false refutations and false proofs by evaluation


def subject(kind):
    """Convex problems whose constraints compare arrays of different shapes."""
    v, t, M = cp.Variable(3), cp.Variable(), cp.Variable((2, 3))
    row = cp.Variable((1, 3))
    return {
        "vector <= scalar": (cp.sum(cp.minimum(v - t, 0)), [v <= t]),
        "scalar <= vector": (cp.sum(cp.maximum(v - t, 0)), [t <= v]),
        "matrix <= vector": (cp.sum(cp.minimum(M - v, 0)), [v >= M]),
        "matrix == row": (cp.sum(cp.square(M)) - cp.sum(cp.square(M - row)), [row == M]),
        "two constraints": (cp.sum(cp.minimum(v - t, 0)), [v <= t, t <= 5]),
    }[kind]


@pytest.mark.parametrize("kind", ["vector <= scalar", "scalar <= vector", "matrix <= vector",
                                  "matrix == row", "two constraints"])  # fmt: skip
def test_a_convex_problem_with_broadcast_constraints_is_not_refuted(kind):
    objective, constraints = subject(kind)
    assert convexity(cp.Problem(cp.Minimize(objective), constraints)).convex is not False


def test_a_witness_of_a_problem_satisfies_every_entry_of_its_constraints():
    v, t = cp.Variable(3, name="v"), cp.Variable(name="t")
    problem = cp.Problem(cp.Minimize(-cp.sum_squares(v) - cp.square(t)), [v <= t, t <= 2, v >= -1])
    witness = convexity(problem).counterexample
    for point in (witness.a, witness.b, witness.middle):
        assert (point["v"] <= point["t"]).all() and point["t"] <= 2 and (point["v"] >= -1).all()


@pytest.mark.parametrize("p", [1.0004, 0.9999, 0.9996, 1.0001])
def test_a_norm_that_is_rounded_to_the_one_norm_is_one(p):
    verdict = convexity(cp.pnorm(cp.Variable(3), p))
    assert verdict.convex and verdict.concave is False


def test_bounds_are_rounded_outward():
    """The argument reaches -0.25, where tanh is convex; 1e16 - 0.5 is 1e16 in doubles."""
    x, y = cp.Variable(bounds=[1e16, 2e16]), cp.Variable(bounds=[-1e16, 0])
    z = cp.Variable(bounds=[0.25, 1])
    assert convexity(cp.nlp.tanh(x + y + z - 0.5)).concave is not True
    # From -0.25 on up to 0 the slope of tanh still rises: the claim itself is false.
    at = [np.tanh(t) for t in (-0.25, -0.125, 0.0)]
    assert at[1] < 0.5 * (at[0] + at[2])


@pytest.mark.parametrize("pair", [(0.12345678912, 0.12345678913), (1.0, 1.0 + 2.0**-52)])
def test_functions_with_nearly_equal_options_do_not_cancel(pair):
    x = cp.Variable()
    difference = cp.huber(x, pair[0]) - cp.huber(x, pair[1])
    assert convexity(difference).affine is not True


def test_leaves_of_one_name_are_told_apart():
    x, again = cp.Variable(name="x"), cp.Variable(name="x")
    witness = convexity(x * again).counterexample
    assert set(witness.a) == {"x", "x#2"} and witness.verify()
    third = cp.Variable(name="x#2")
    witness = convexity(x * again * third).counterexample
    assert len(witness.a) == 3 and witness.verify()


# Public doors: arguments of another kind


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("cn.decompose(b'relu')", "takes the Solution"),
        ("cn.recover(np.ones((3, 2)))", "takes a problem"),
        ("cn.program('relu', np.eye(3), [1, 0, 2], weight_decay=1, memory_limit=None)", "memory"),
        ("cn.program('relu', np.eye(3), [1, 0, 2], weight_decay=1, memory_limit=y)", "memory"),
        ("cn.conditional_gradient('relu', np.eye(3), y, radius=1.0, steps=None)", "steps"),
        ("cn.conditional_gradient('relu', np.eye(3), y, radius=1.0, steps=10**400)", "steps"),
        ("cn.conditional_gradient('relu', np.eye(3), y, radius=1.0, steps=-1)", "steps"),
        ("cn.Sequential(cn.Linear(2, 1), seed=-1)", "seed"),
        ("cn.Sequential(cn.Linear(2, 1), seed=np.array([0.1]))", "seed"),
        ("cn.input_convex([2, 1], seed='x')", "seed"),
        ("cn.input_convex(None)", "at least two sizes"),
        ("cn.input_convex([2, 1.5])", "whole number"),
        ("cn.Linear(2, 1, nonneg=y)", "nonneg is True or False"),
        ("cn.Linear(2, 1, bias=y)", "bias is True or False"),
        ("cn.BatchNorm(2**70)", "more than any layer"),
        ("cn.BatchNorm(10**400)", "more than any layer"),
        ("cn.train(cn.Family('gated_relu', gates=2**70), np.eye(3), y, weight_decay=1)", "gates"),
        ("cn.train(cn.Family('gated_relu', gates=0), np.eye(3), y, weight_decay=1)", "gates"),
        ("cn.train(cn.Family('leaky_relu', slope=y), np.eye(3), y, weight_decay=1)", "slope"),
        ("cn.compare('relu', np.eye(3), y, weight_decay=1, widths=(1 + 2j,))", "widths"),
        ("cn.compare('relu', np.eye(3), y, weight_decay=1, widths=(float('inf'),))", "widths"),
        ("cn.HardTanh(True, '0.1')", "low < high"),
        ("cn.LeakyReLU(10**400)", "slope must be a number"),
        ("cn.load(('a',))", "named by a str or a path"),
        ("cn.to_onnx(cn.Sequential(cn.Linear(2, 3)), object())", "named by a str or a path"),
        ("cn.Certificate.load(['relu'])", "named by a str or a path"),
        ("cn.Certificate.load(3)", "named by a str or a path"),
    ],
)
def test_public_doors_refuse_what_they_cannot_use(call, said):
    with pytest.raises(cn.CvxnetError, match=said):
        eval(call, {"cn": cn, "np": np, "y": np.array([1.0, 0.0, 2.0])})


@pytest.mark.parametrize("source", [np.ones((3, 2)), ("a",), 5, None])
def test_what_is_no_file_proves_nothing(source):
    result = cn.check(source)
    assert not result.valid and "file" in result.reason


# Training: fewer samples than columns


@pytest.mark.parametrize("name", ["relu", "abs", "leaky_relu"])
@pytest.mark.parametrize("n", [2, 4])
def test_fewer_samples_than_columns_in_the_l1_ball(name, n):
    """Weak duality, and no worse than a network without units."""
    rng = np.random.default_rng(n)
    X, y = rng.standard_normal((n, 5)), rng.standard_normal(n)
    options = {"norm": "l1", "weight_decay": 0.01, "output_bias": True}
    solution = cn.train(name, X, y, **options, time_limit=0.3)
    alone = 0.5 * float(np.sum((y - y.mean()) ** 2))
    assert solution.lower_bound <= solution.value <= alone * (1 + 1e-9)
    assert cn.check(solution.certificate.to_dict()).reason.startswith(("proved", "unfinished"))


# --- targets of any scale, and what compare measures -------------------------------------------


@pytest.mark.parametrize("loss", ["huber", "log_cosh"])
@pytest.mark.parametrize("size", [1e-8, 1e-5, 1e-2, 1e3])
def test_losses_with_a_length_of_their_own_close_at_targets_of_any_size(loss, size):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 2))
    y = size * (np.maximum(X[:, 0], 0.0) - 0.5 * np.abs(X[:, 1]) + 0.1 * rng.standard_normal(20))
    decay = 0.1 * cn.largest_weight_decay("relu", X, y, loss=loss)
    solution = cn.train("relu", X, y, loss=loss, weight_decay=decay)
    assert solution.status == "optimal"
    assert checker.check(solution.certificate.to_dict()).valid
    if size <= 1e-5:  # there both losses are the squared one
        squared = cn.train("relu", X, y, weight_decay=decay)
        assert solution.value == pytest.approx(squared.value, rel=1e-5)


@pytest.mark.parametrize("units", ["quadratic", "squared_relu"])
def test_compare_measures_the_objective_of_the_network_that_it_hands_back(units):
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 2))
    y = X[:, 0] ** 2 - np.maximum(X[:, 1], 0.0) ** 2
    runs = cn.compare(
        units, X, y, weight_decay=0.5, bias=False, optimizers=("adam", "lbfgs"), widths=4,
        seeds=2, epochs=20, rates={"adam": 0.03},
    )  # fmt: skip
    for record in runs.records:
        for seed, value in zip(record.seeds, record.objective, strict=True):
            net = runs.network(record.optimizer, 4, seed)
            W, a = net.state_dict()["0.weight"], net.state_dict()["2.weight"][0]
            penalty = 0.5 * np.abs(a) @ (W**2).sum(axis=1)
            own = 0.5 * ((net(X)[:, 0] - y) ** 2).sum() + penalty
            assert value == pytest.approx(own, rel=1e-9)
        assert record.curve[:, -1] == pytest.approx(record.objective, rel=1e-6)


# Training: units of no size


@pytest.mark.parametrize("loss", ["huber", "log_cosh", "absolute"])
def test_huge_targets_whose_first_units_have_no_size(loss):
    X, y = np.array([[1.0], [0.0]]), np.array([1089328.5969962578, 1089327.4054279546])
    solution = cn.train("quadratic", X, y, loss=loss, weight_decay=0.0166, time_limit=5.0)
    assert 0.0 <= solution.lower_bound <= solution.value <= y.sum()
    assert cn.check(solution.certificate.to_dict()).valid


# Training: ranks


def nearly_dependent(seed, kind):
    """Data whose columns depend on one another up to rounding."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    if kind == "rank one":
        X = np.outer(rng.standard_normal(n), rng.standard_normal(rng.integers(2, 4)))
    else:
        a = rng.standard_normal((n, 2))
        X = np.column_stack([a, a.sum(axis=1)])
    return X, 3.0 * rng.standard_normal(n)


@pytest.mark.parametrize("kind", ["a, b, a + b", "rank one"])
@pytest.mark.parametrize("seed", range(5))
def test_a_free_part_of_uncertain_rank_proves_nothing_false(seed, kind):
    """The dual vector of the certificate is the one that was priced; the checker agrees."""
    X, y = nearly_dependent(seed, kind)
    units = ("relu", "abs")[seed % 2]
    options = {"skip": True, "output_bias": seed % 3 > 0, "weight_decay": 0.2}
    solution = cn.train(units, X, y, **options)
    assert 0.0 <= solution.lower_bound <= solution.value
    result = cn.check(solution.certificate.to_dict())
    assert result.valid or "infeasible" not in result.reason or result.violation < 1e-9
    alone = cn.train(units, X[:, :1], y, **options)  # fewer columns: another upper bound
    assert solution.lower_bound <= alone.value


def test_free_columns_that_depend_exactly_are_no_trouble():
    rng = np.random.default_rng(0)
    a = rng.integers(-4, 5, (7, 2)) / 4.0
    X, y = np.column_stack([a, a.sum(axis=1), np.ones(7)]), rng.standard_normal(7)
    solution = cn.train("relu", X, y, weight_decay=0.2, skip=True, output_bias=True)
    assert solution.status == "optimal"
    assert cn.check(solution.certificate.to_dict()).valid
    nearly = np.column_stack([a, a @ [0.1, 0.7]])
    stopped = cn.train("relu", nearly, y, weight_decay=0.2, skip=True).stats["stopped"]
    assert "depend on one another up to rounding" in stopped


def test_targets_far_beyond_the_length_of_log_cosh_are_solved():
    """There it has kinks as far as a solver can see: the multipliers are the better dual vector."""
    rng = np.random.default_rng(53)
    X, y = np.array([[1.0]] + [[0.0]] * 7), 1e9 * rng.standard_normal(8)
    weights = 10.0 ** rng.uniform(-6.0, 3.0, 8)
    options = {"loss": "log_cosh", "output_bias": True, "weight_decay": 50.0}
    for units in ("linear", "relu"):
        solution = cn.train(units, X, y, sample_weight=weights, **options)
        assert solution.status == "optimal"


def test_a_remainder_of_zero_is_fitted_by_weights_of_zero():
    """Also where a loss has kinks: a solver would return 1e-12."""
    X, y = np.eye(5)[:, :2], 3.802764695137739e-06 * np.eye(5)[0]
    X[1, 1] = 0.0
    solution = cn.train("coordinate", X, y, loss="absolute", skip=True, weight_decay=0.006)
    assert solution.status == "optimal" and solution.value <= 1e-20


def test_free_weights_fit_weighted_samples_beside_one_that_is_fitted_exactly():
    """The first column has one sample, whose slope is all rounding: no part of it is left."""
    X, y = np.zeros((5, 2)), np.zeros(5)
    X[0, 0], X[[1, 4], 1] = 3354206208.0, [3354206208.0, 335421440.0]
    y[[0, 1, 4]] = 0.17040300369262695, 0.8088808059692383, 0.08088827133178711
    weights = np.array([1.0, 1.0, 1.6058862738264181, 1.647490260735944, 1.709157927236633])
    options = {"loss": "log_cosh", "skip": True, "sample_weight": weights, "weight_decay": 0.001}
    solution = cn.train(cn.Family("leaky_relu", slope=0.9), X, y, **options)
    assert solution.status == "optimal" and solution.closed_by == "gap"


def test_dual_numbers_that_free_columns_drive_to_zero_are_zero():
    """Only one sample has the second column, so its dual number is 0; those of the first are too.

    The free weights of both grow without end.
    """
    X, y = np.zeros((9, 2)), np.array([1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 1.0])
    X[[0, 8], 0], X[6, 0], X[1, 1] = 1.0, -1.0, 1.0
    weights = np.array([0.7, 1.2, 1.3, 1.8, 2.0, 1.0, 1.0, 0.6, 0.7])
    options = {"loss": "logistic", "skip": True, "sample_weight": weights, "weight_decay": 0.05}
    solution = cn.train("relu", X, y, **options)
    assert solution.status == "optimal"
    assert not solution.certificate.v[[0, 1, 6, 8]].any()


@pytest.mark.parametrize("seed", range(3))
def test_free_weights_of_a_column_and_its_near_copy_cost_no_digits(seed):
    """Weights of 1e11 fit the targets a little better, and then no network is right to 1e-5."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(-2, 3, 8), rng.integers(-2, 3, 8)]).astype(float)
    y = np.abs(X @ rng.standard_normal(2))
    near = np.column_stack([X, X[:, 0] + 1e-11 * rng.random(8)])
    options = {"skip": True, "weight_decay": 1e-6, "time_limit": 5.0}
    one, two = cn.train("relu", X, y, **options), cn.train("relu", near, y, **options)
    assert two.lower_bound <= two.value <= one.value * (1.0 + 1e-6)
    assert np.square(two.network(near)[:, 0] - y).sum() / 2.0 <= two.value * (1.0 + 1e-6)


@pytest.mark.parametrize("units", ["relu", "abs", "leaky_relu", "squared_relu"])
@pytest.mark.parametrize("size", [1e-8, 1e-11, 1e-12, 1e-13, 1e-16])
def test_rows_that_differ_by_little_are_no_single_point(units, size):
    """Beside the hidden bias nothing is seen of such data: the best network is a constant.

    At the weight decay b it is 3 a - 6 + b = 0 for the three targets 1, 2 and 3, a a constant.
    """
    X = size * np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    solution = cn.train(units, X, [1.0, 2.0, 3.0], weight_decay=0.1)
    assert solution.status == "optimal"
    assert solution.value == pytest.approx(7.0 - 5.9**2 / 6.0, rel=1e-6)
    result = cn.check(solution.certificate.to_dict(), time_limit=2.0)
    assert result.valid or (units == "squared_relu" and "unfinished" in result.reason)
    largest = cn.largest_weight_decay(units, X, [1.0, 2.0, 3.0])
    assert largest == pytest.approx(6.0, rel=1e-6)


@pytest.mark.parametrize("units", ["sign", "threshold"])
def test_steps_tell_apart_what_differs_by_little(units):
    """Their scale is free: the data may be as small as they like."""
    X, y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), [1.0, 2.0, 3.0]
    values = [cn.train(units, size * X, y, weight_decay=0.1).value for size in (1.0, 1e-13, 1e-16)]
    assert values == pytest.approx([values[0]] * 3, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_what_ranks_leave_out_is_in_the_error(seed):
    """Against brute force over all patterns of the rows as they are."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, (6, 2)) + 10.0 ** -rng.integers(10, 15) * rng.standard_normal((6, 2))
    X, v = np.column_stack([X, X[:, 0] + 1e-15 * rng.standard_normal(6)]), rng.standard_normal(6)
    best = 0.0
    for signs in np.where(np.arange(64)[:, None] >> np.arange(6) & 1, 1.0, -1.0):
        c = X[signs > 0].T @ v[signs > 0]
        for side in (c, -c):  # the distance from the polar of the cone of these signs
            best = max(best, nnls(-(signs[:, None] * X).T, side)[1])
    found = make_family("relu", X).price(v, 0.0)
    assert best <= (found.rho + found.error) * (1 + 1e-15) <= best * (1 + 1e-9)


# Training, comparing, loading: bad input


def ask_training(**given):
    rng = np.random.default_rng(0)
    options = {"units": "relu", "X": rng.standard_normal((6, 2)), "y": rng.standard_normal(6)}
    options |= {"weight_decay": 0.1} | given
    return cn.train(options.pop("units"), options.pop("X"), options.pop("y"), **options)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gap": 2}, "gap is 2"),
        ({"gap": "small"}, "gap must be a number"),
        ({"weight_decay": 10**400}, "weight_decay is a number too large"),
        ({"weight_decay": 1e-320}, "weight_decay is of size 1e-320"),
        ({"time_limit": 10**400}, "time_limit is a number too large"),
        ({"y": np.full(6, 1e-310)}, "y is of size 1e-310"),
        ({"y": np.full(6, 1e300), "output_bias": True}, "y is of size"),
        ({"X": np.full((6, 2), 1e154)}, r"column 0 of X is of size 1e.154"),
        ({"X": np.eye(6) * [1, 1, 1e-310, 1, 1, 1], "skip": True}, "column 2 of X"),
        ({"X": np.array([[1, 10**400]] * 6, dtype=object)}, "X cannot be read"),
        ({"sample_weight": [1, 1, 1, 1, 1, 1e-300]}, "a sample weight is of size"),
        ({"y": np.ones((6, 2, 2))}, r"y has shape \(6, 2, 2\)"),
        ({"bias": "no"}, "bias is True or False"),
        ({"skip": np.ones(2)}, "skip is True or False"),
    ],
)
def test_training_refuses_at_the_door(given, message):
    with pytest.raises(InputError, match=message):
        ask_training(**given)


def test_a_radius_or_a_network_beyond_doubles_is_refused():
    with pytest.raises(InputError, match="radius is of size"):
        ask_training(units=cn.Family("tanh", radius=1e300))
    net = L.Sequential(L.Linear(2, 1), L.ReLU(), L.Linear(1, 1))
    state = {"0.weight": [[1e200, 1.0]], "0.bias": [1.0], "2.weight": [[1.0]], "2.bias": [0.0]}
    with pytest.raises(InputError, match=r"weight .0.weight. of the network is of size 1e.200"):
        cn.certify(net.load_state_dict(state), np.eye(2), [1.0, 2.0], weight_decay=0.1)


def test_a_gap_given_as_text_is_a_number():
    assert ask_training(gap="0.1").gap <= 0.1


@pytest.mark.parametrize("size", [1e-59, 1e-30, 1e30, 1e59])
@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "log_cosh"])
def test_sizes_that_are_allowed_are_computed_with(size, loss):
    rng = np.random.default_rng(0)
    y = size * rng.standard_normal(6)
    solution = ask_training(y=y, loss=loss, output_bias=True, time_limit=5.0)
    assert cn.check(solution).valid and solution.lower_bound <= solution.value


@pytest.mark.parametrize(
    "given",
    [
        {"seeds": -1}, {"seeds": [-1]}, {"seeds": 10**400}, {"seeds": "a"}, {"widths": 0},
        {"widths": 10**12}, {"epochs": 1.5}, {"rates": 3}, {"optimizers": 3}, {"store": 3},
        {"optimizers": "adam", "rates": {"adam": [10**400]}}, {"gap": "a"},
    ],
    ids=lambda given: f"{given}"[:30],
)  # fmt: skip
def test_comparing_refuses_at_the_door(given):
    pytest.importorskip("torch")
    options = {"weight_decay": 0.1, "seeds": 1, "widths": 1, "epochs": 1, "optimizers": "lbfgs"}
    with pytest.raises(InputError):
        cn.compare("relu", np.eye(3), [1.0, 2.0, 0.5], **options | given)


@pytest.mark.parametrize(
    ("layer", "options"),
    [
        ("Linear", {"in_features": 10**5, "out_features": 10**5}),
        ("Linear", {"in_features": "many", "out_features": 1}),
        ("InputConvex", {"sizes": [10**5, 10**5]}),
        ("BatchNorm", {"features": 10**10}),
        ("Conv2d", {"in_channels": 10**4, "out_channels": 10**4, "kernel_size": 9}),
        ("MaxPool2d", {"kernel_size": 2, "channels": 1, "image": [10**6, 10**6]}),
    ],
)
def test_a_small_file_does_not_ask_for_much_memory(layer, options, tmp_path):
    file = tmp_path / "net.json"
    L.Sequential(L.Linear(2, 3), L.ReLU(), L.Linear(3, 1)).save(file)
    content = json.loads(file.read_text())
    content["network"]["children"][0] = {"layer": layer, "options": options, "children": []}
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="damaged"):
        cn.load(file)


def test_what_is_no_name_no_array_and_no_double_is_refused_at_the_door():
    network = cn.Sequential(cn.Linear(2, 2), cn.ReLU(), cn.Linear(2, 1))
    with pytest.raises(cn.InputError, match="names nothing in this network"):
        cn.convexity(network, wrt=np.array(0.1))
    assert cn.convexity(network, wrt={"2.weight", "2.bias"}).convex
    proof = cn.train("relu", [[-1.0], [1.0]], [0.0, 1.0], weight_decay=0.1).certificate
    for name in ("W", "a"):
        with pytest.raises(cn.InputError, match=f"^{name} of a certificate"):
            replace(proof, weights=replace(proof.weights, **{name: None}))
    with pytest.raises(cn.InputError, match=r"^v of a certificate"):
        replace(proof, v=None)
    for name in ("X", "y"):
        with pytest.raises(cn.InputError, match=f"^{name} "):
            replace(proof.objective, **{name: None})
    pytest.importorskip("sklearn")
    with pytest.raises(cn.InputError, match="beyond the range of doubles"):
        cn.ConvexNetRegressor().fit([[10**400, 1], [1, 2]], [1.0, 2.0])


def test_units_beyond_doubles_are_no_traceback():
    X = np.array([[0.0, 0.0], [-2.0, 1.0], [-2.0, -2.0], [2.0, 0.0], [-2.0, 2.0], [1.0, -1.0]])
    X[:, 0] *= 10931488.0
    y = np.array([1.0, 2.0, 0.0, -3.0, 2.0, 3.0])
    units = cn.Family("polynomial", coefficients=[0.671, -0.249, 0.261])
    options = {"loss": "absolute", "output_bias": True, "weight_decay": 306979609971.8798}
    solution = cn.train(units, X, y, gap=0.001, **options)
    assert 0.0 <= solution.lower_bound <= solution.value
    assert null_vectors(np.array([[np.inf, 1.0], [1.0, 2.0]]), 1e-10).shape == (2, 0)


@pytest.mark.parametrize("loss", ["squared", "huber", "absolute", "logistic"])
@pytest.mark.parametrize("kind", ["equal", "one-hot", "zero"])
def test_free_columns_that_others_give_have_moderate_weights(kind, loss):
    """The weights of exactly dependent columns could be anything: solvers choose huge ones."""
    rng = np.random.default_rng(5)
    if kind == "one-hot":  # adds up to the column of ones
        X = np.eye(3)[rng.integers(0, 3, 12)]
    else:
        x = np.linspace(-1.0, 1.0, 12)
        X = np.column_stack([x, x if kind == "equal" else 0.0 * x])
    y = 1e4 * X[:, 0] + rng.standard_normal(12)
    y = np.sign(y - np.median(y) + 0.5) if loss == "logistic" else y
    options = {"loss": loss, "output_bias": True, "skip": True, "weight_decay": 0.1}
    solution = cn.train("relu", X, y, **options)
    assert solution.status == "optimal" and cn.check(solution).valid
    free = solution.certificate.weights
    assert np.abs(np.append(free.s, free.c)).max() <= 1e6
    again = cn.train(solution.network, X, y, loss=loss, weight_decay=0.1)
    assert abs(again.value - solution.value) <= 1e-5 * solution.value
