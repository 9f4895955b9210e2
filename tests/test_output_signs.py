"""Output weights of one sign: convex and concave functions, fitted to their proved optimum."""

import json

import cvxpy as cp
import numpy as np
import pytest
from examples import random_data, small_matrices
from formulas import CLASSES, LOSSES, Training, read_weights
from full_programs import optimum
from scipy.optimize import minimize

import cvxnet as cn
from cvxnet.cli import main
from cvxnet.cli.exit_codes import PROVED
from cvxnet.layers import Linear, ReLU, Sequential
from cvxnet.objective import FAMILIES
from cvxnet.training.units import UNITS

OPTIONS = {"leaky_relu": {"slope": 0.3}}
CONVEX = ("relu", "leaky_relu", "abs", "squared_relu", "quadratic")
PRICED = [(name, norm) for name in CONVEX for norm in FAMILIES[name].norms]
EVEN = ("squared", "absolute", "huber", "log_cosh")
SIGNS = {"any": (1.0, -1.0), "nonneg": (1.0,), "nonpos": (-1.0,)}
FREE = {"output_bias": True, "skip": True}


def family(name):
    return cn.Family(name, **OPTIONS.get(name, {}))


def fit(name, X, y, output_weights, share=0.1, loss="squared", **options):
    """The optimum at a share of the weight decay at which units of any sign begin to pay."""
    search = {"gap": options.pop("gap", 1e-6)}
    beta = share * cn.largest_weight_decay(family(name), X, y, loss=loss, **options)
    form = {"output_weights": output_weights, **options}
    return cn.train(family(name), X, y, loss=loss, weight_decay=beta, **form, **search)


def training(name, solution, options):
    """The same problem in independent formulas."""
    goal = solution.objective
    rows = np.column_stack([goal.X, np.ones(len(goal.X))])
    free = np.column_stack([np.ones(len(goal.X)), goal.X]) if options.get("skip") else None
    return Training(
        name,
        rows,
        goal.y,
        goal.loss.name,
        goal.weight_decay,
        OPTIONS.get(name, {}),
        goal.norm,
        free=free,
        signs=SIGNS[goal.output_weights],
    )


def noisy_bowl(n=40, d=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1.0, 1.0, (n, d))
    return X, np.sqrt(1.0 + 4.0 * (X**2).sum(axis=1)) + 0.1 * rng.standard_normal(n)


# --- pricing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "norm"), PRICED)
def test_one_sided_pricing_is_the_largest_over_many_directions(name, norm):
    """Never below what any direction has, attained where it is above zero, and half of both."""
    rng = np.random.default_rng(1)
    for X in small_matrices(12, seed=2):
        v = rng.standard_normal(len(X))
        sides = []
        for sign in (1.0, -1.0):
            units = UNITS[name](X, norm=norm, output_signs=(sign,), **OPTIONS.get(name, {}))
            found = units.price(v, 0.0)
            U = np.vstack([rng.standard_normal((500, units.rank)), np.eye(units.rank)])
            U = np.vstack([U, -U]) / units.sizes(np.vstack([U, -U]))[:, None]
            assert (-sign * (v @ units.features(U))).max() <= found.rho + found.error
            assert (found.outputs == -sign).all()
            reached = -sign * (v @ units.features(found.units))
            np.testing.assert_allclose(reached, found.values, rtol=1e-7, atol=1e-9)
            assert found.rho == pytest.approx(reached.max(initial=0.0), rel=1e-7, abs=1e-6)
            sides.append(found.rho)
        both = UNITS[name](X, norm=norm, **OPTIONS.get(name, {})).price(v, 0.0)
        assert max(sides) == pytest.approx(both.rho, rel=1e-9, abs=1e-12)


# --- the optimum ----------------------------------------------------------------------------------

CASES = [(name, "l2", "squared") for name in CONVEX]
CASES += [("relu", "l2", loss) for loss in LOSSES[1:]]
CASES += [
    ("abs", "l1", "absolute"),
    ("leaky_relu", "l1", "logistic"),
    ("squared_relu", "l2", "hinge"),
]
CASES += [("quadratic", "l2", "absolute")]


@pytest.mark.parametrize("output_weights", ["nonneg", "nonpos"])
@pytest.mark.parametrize(("name", "norm", "loss"), CASES)
def test_value_is_that_of_the_full_program(name, norm, loss, output_weights):
    """Every cell, or the semidefinite form, written down with units of one sign alone."""
    X, y = random_data(5, 7, 1 if name == "squared_relu" else 2)
    if loss in CLASSES:  # not by a hyperplane, which the free weights would find
        y = np.where((X**2).sum(axis=1) > np.median((X**2).sum(axis=1)), 1.0, -1.0)
    solution = fit(name, X, y, output_weights, 0.2, loss, norm=norm, **FREE)
    problem = training(name, solution, FREE)
    assert solution.status == "optimal", solution
    assert solution.value == pytest.approx(optimum(problem), rel=3e-6)
    U, a, gate, c = read_weights(solution.network, problem)
    assert (a * problem.signs[0] >= 0.0).all()
    assert solution.value == pytest.approx(problem.objective(U, a, gate, c), rel=1e-10)
    result = cn.check(solution.certificate.to_dict())
    assert result.valid, result.reason
    assert (result.lower, result.upper) == (solution.lower_bound, solution.value)


@pytest.mark.parametrize("name", CONVEX)
def test_no_network_of_that_sign_is_below_the_lower_bound(name):
    X, y = noisy_bowl(25)
    solution = fit(name, X, y, "nonneg")
    problem = training(name, solution, {})
    rng = np.random.default_rng(0)
    U, a = rng.standard_normal((300, 4, 3)), np.abs(rng.standard_normal((300, 4)))
    for size in (0.01, 0.1, 1.0):
        assert problem.objective(size * U, size * a).min() >= solution.lower_bound


@pytest.mark.parametrize("loss", EVEN)
def test_a_concave_fit_is_a_convex_fit_of_the_negative(loss):
    X, y = random_data(3, 20, 2)
    below = fit("relu", X, -y, "nonpos", loss=loss, output_bias=True)
    above = fit("relu", X, y, "nonneg", loss=loss, output_bias=True)
    assert below.value == pytest.approx(above.value, rel=2e-6)


@pytest.mark.parametrize("name", CONVEX)
def test_restricting_the_signs_never_lowers_the_optimum(name):
    X, y = random_data(4, 20, 2)
    free = fit(name, X, y, "any")
    for output_weights in ("nonneg", "nonpos"):
        restricted = fit(name, X, y, output_weights)
        assert restricted.value >= free.lower_bound
        assert restricted.value > 1.0001 * free.value  # neither convex nor concave fits these data


def test_nothing_is_lost_where_the_optimum_has_one_sign_anyway():
    X = np.linspace(-2.0, 2.0, 9)[:, None]
    y = np.abs(X[:, 0])
    free, restricted = (fit("relu", X, y, signs, 0.01) for signs in ("any", "nonneg"))
    assert (free.certificate.weights.a > 0.0).all()
    assert restricted.value == pytest.approx(free.value, rel=2e-6)


def test_convex_data_are_fitted_as_closely_as_the_decay_allows():
    X, _ = noisy_bowl(60)
    y = np.abs(X[:, 0] - X[:, 1]) + np.maximum(X[:, 1], 0.2)
    solution = fit("relu", X, y, "nonneg", 1e-4, **FREE)
    assert solution.status == "optimal"
    assert np.abs(solution.predict(X) - y).max() < 1e-2


# --- where no unit pays ---------------------------------------------------------------------------


def test_from_the_largest_weight_decay_on_there_are_no_units():
    X, y = noisy_bowl()
    largest = cn.largest_weight_decay("relu", X, y, output_weights="nonneg", **FREE)
    for share, units in ((1.01, 0), (0.9, 1)):
        found = cn.train(
            "relu", X, y, weight_decay=share * largest, output_weights="nonneg", **FREE
        )
        assert found.status == "optimal" and min(found.units, 1) == units


@pytest.mark.parametrize("name", sorted(set(CONVEX) - {"leaky_relu"}))
def test_targets_that_only_the_other_sign_could_reach(name):
    """Features are not negative, so every unit points away, and every multiple of v is feasible."""
    X, y = noisy_bowl(12)
    assert cn.largest_weight_decay(name, X, -np.abs(y), output_weights="nonneg") == 0.0
    found = cn.train(name, X, -np.abs(y), weight_decay=0.01, output_weights="nonneg")
    assert found.status == "optimal" and found.units == 0
    assert found.lower_bound == pytest.approx(0.5 * (y**2).sum(), rel=1e-12)


# --- what it is good for --------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONVEX)
@pytest.mark.parametrize("output_weights", ["nonneg", "nonpos"])
def test_the_verdict_proves_the_fit_convex_or_concave(name, output_weights):
    X, y = noisy_bowl()
    y = y if output_weights == "nonneg" else -y
    verdict = cn.convexity(fit(name, X, y, output_weights, **FREE).network, wrt="input")
    assert verdict.convex is (True if output_weights == "nonneg" else verdict.convex)
    assert (verdict.convex if output_weights == "nonneg" else verdict.concave) is True


@pytest.mark.parametrize("name", ["relu", "squared_relu", "quadratic"])
def test_the_fit_is_minimised_by_cvxpy_under_constraints(name):
    """scipy knows nothing of convexity; from several starts it finds the same minimum."""
    X, y = noisy_bowl(40)
    net = fit(name, X, y, "nonneg", 0.05, **FREE).network
    x = cp.Variable(2)
    problem = cp.Problem(cp.Minimize(cp.sum(cn.embed(net, x))), [x >= -1, x <= 1, x[0] + x[1] >= 1])
    value = problem.solve(solver=cp.CLARABEL)
    constraint = {"type": "ineq", "fun": lambda z: z[0] + z[1] - 1.0}
    found = [
        minimize(
            lambda z: float(net(z)[0]), start, bounds=[(-1, 1)] * 2, constraints=[constraint],
            method="SLSQP", options={"maxiter": 500, "ftol": 1e-12},
        ).fun
        for start in ([0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0])
    ]  # fmt: skip
    assert value == pytest.approx(min(found), abs=1e-4)
    axis = np.linspace(-1.0, 1.0, 201)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    points = points[points.sum(axis=1) >= 1.0]
    assert -1e-6 <= net(points).min() - value <= 1e-3


def test_the_concave_fit_is_maximised():
    X, y = noisy_bowl(40)
    net = fit("relu", X, -y, "nonpos", 0.05, **FREE).network
    x = cp.Variable(2)
    value = cp.Problem(cp.Maximize(cp.sum(net(x))), [cp.abs(x) <= 1]).solve(solver=cp.CLARABEL)
    assert value >= net(np.random.default_rng(0).uniform(-1.0, 1.0, (2000, 2))).max() - 1e-6


# --- networks that declare it ---------------------------------------------------------------------


@pytest.mark.parametrize("output_weights", ["nonneg", "nonpos"])
def test_a_network_says_it_by_the_sign_of_its_last_layer(output_weights):
    X, y = noisy_bowl(20)
    given = Sequential(Linear(2, 5), ReLU(), Linear(5, 1, **{output_weights: True}))
    declared = cn.train(given, X, y, weight_decay=0.1)
    asked = cn.train(
        "relu", X, y, weight_decay=0.1, output_bias=True, output_weights=output_weights
    )
    assert declared.objective.output_weights == output_weights
    assert declared.value == pytest.approx(asked.value, rel=2e-6)
    last = asked.network[len(asked.network) - 1]
    assert last.sign("weight") == output_weights
    again = cn.certify(asked.network, X, y, weight_decay=0.1)
    assert again.closed_by and again.certificate.objective.output_weights == output_weights


def test_a_plain_network_is_certified_among_those_of_its_sign():
    X, y = random_data(4, 20, 2)
    solution = cn.train("relu", X, y, weight_decay=0.1, output_weights="nonneg", output_bias=True)
    plain = Sequential(Linear(2, solution.units), ReLU(), Linear(solution.units, 1))
    plain.load_state_dict(solution.network.state_dict())
    among = cn.certify(plain, X, y, weight_decay=0.1, output_weights="nonneg")
    freely = cn.certify(plain, X, y, weight_decay=0.1)
    assert among.closed_by == "gap"
    assert freely.excess[0] > 0.1
    assert cn.check(among.certificate.to_dict()).valid


def refused(error, *words, **arguments):
    X, y = noisy_bowl(8)
    with pytest.raises(error) as caught:
        cn.train(**({"X": X, "y": y, "weight_decay": 0.1} | arguments))
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - set(CONVEX)))
def test_units_that_are_not_convex_are_refused_by_name(name):
    refused(cn.UnsupportedError, name, *CONVEX, units=name, output_weights="nonneg")


def test_what_cannot_be_asked_for_is_refused():
    for sign in ("positive", ["nonneg"], None, 1):
        refused(cn.InputError, "'any', 'nonneg' or 'nonpos'", units="relu", output_weights=sign)
    y = np.zeros((8, 2))
    y[0] = 1.0
    refused(cn.UnsupportedError, "one output", units="relu", y=y, output_weights="nonneg")
    two = Sequential(Linear(2, 3), ReLU(), Linear(3, 2, nonneg=True))
    refused(cn.UnsupportedError, "one output", units=two, y=y)
    refused(cn.UnsupportedError, "one output", units="relu", y=["a", "b"] * 4, loss="cross_entropy",
            output_weights="nonneg")  # fmt: skip
    first = Sequential(Linear(2, 3, nonneg=True), ReLU(), Linear(3, 1))
    refused(cn.UnsupportedError, "first Linear layer", units=first)
    last = Sequential(Linear(2, 3), ReLU(), Linear(3, 1, nonneg=True))
    refused(cn.InputError, "nonneg", "nonpos", units=last, output_weights="nonpos")


def test_a_given_network_of_the_wrong_sign_is_refused():
    X, y = noisy_bowl(8)
    net = Sequential(Linear(2, 2), ReLU(), Linear(2, 1))
    net.load_state_dict(net.state_dict() | {"2.weight": [[1.0, -2.0]]})
    for door in (cn.certify, cn.train):
        with pytest.raises(cn.InputError, match=r"-2.*unit 1"):
            door(net, X, y, weight_decay=0.1, output_weights="nonneg")


# --- certificates ---------------------------------------------------------------------------------


def test_a_certificate_of_one_sign_proves_nothing_about_others():
    """The same dual vector, said to be about all networks, is refuted; so are weights of the other
    sign."""
    X, y = random_data(4, 20, 2)
    document = fit("relu", X, y, "nonneg", 0.03).certificate.to_dict()
    assert cn.check(document).valid and document["output_weights"] == "nonneg"
    for output_weights in ("any", "nonpos"):
        result = cn.check(document | {"output_weights": output_weights})
        assert not result.valid
    network = json.loads(json.dumps(document["network"]))
    network["a"][0] = (-float.fromhex(network["a"][0])).hex()
    assert not cn.check(document | {"network": network}).valid


def test_the_check_in_floating_point_looks_at_one_side():
    """More than 100 samples are checked in that way first; the other side is far above."""
    X, y = random_data(4, 150, 2)
    solution = fit("relu", X, y, "nonneg", 0.03, gap=1e-4)
    units = UNITS["relu"](solution.objective.rows, output_signs=(-1.0,))
    assert units.price(solution.certificate.v, 0.0).rho > 2.0 * solution.objective.weight_decay
    result = cn.check(solution.certificate.to_dict(), rounded=True)
    assert result.valid and result.upper - result.lower <= 1e-4 * result.upper


def test_beyond_exact_pricing_one_tree_is_the_evidence():
    """Rank 9: the bracket is true, the checker proves it, and only the side that counts."""
    X, y = noisy_bowl(24, 8)
    found = fit("relu", X, y, "nonneg", 0.3)
    assert found.lower_bound > 0.0
    document = found.certificate.to_dict()
    result = cn.check(document)
    assert result.valid, result.reason
    evidence = document["evidence"]
    assert evidence["plus"] is None and evidence["minus"] is not None


# --- data that nobody would choose ----------------------------------------------------------------

DEGENERATE = {
    "one sample": ([[1.0, 2.0]], [1.0]),
    "zeros": (np.zeros((4, 2)), [1.0, 2.0, 3.0, 4.0]),
    "equal rows": (np.ones((4, 2)), [1.0, 2.0, 3.0, 4.0]),
    "rank one": (np.outer(np.arange(1.0, 6.0), [1.0, 2.0]), [4.0, 1.0, 0.0, 1.0, 4.0]),
    "constant target": (np.arange(10.0).reshape(5, 2), np.full(5, 3.0)),
    "a zero row": ([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0.0, 1.0, -1.0]),
    "tiny": (1e-8 * noisy_bowl(8)[0], 1e-8 * noisy_bowl(8)[1]),
    "huge": (1e8 * noisy_bowl(8)[0], 1e8 * noisy_bowl(8)[1]),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("name", CONVEX)
def test_degenerate_data(name, case):
    X, y = map(np.asarray, DEGENERATE[case])
    for output_weights in ("nonneg", "nonpos"):
        largest = cn.largest_weight_decay(family(name), X, y, output_weights=output_weights)
        found = cn.train(
            family(name), X, y, weight_decay=0.1 * largest or 1.0, output_weights=output_weights
        )
        assert found.status == "optimal", found
        assert cn.check(found.certificate.to_dict()).valid


# --- the other doors ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["relu", "quadratic"])
def test_the_whole_program_has_one_sign(name):
    X, y = random_data(4, 8, 1)
    form = {"weight_decay": 0.05, "output_weights": "nonneg"}
    program = cn.program(name, X, y, **form)
    value = program.solve(solver=cp.CLARABEL)
    assert value == pytest.approx(cn.train(name, X, y, **form).value, rel=2e-6)
    network = cn.recover(program)
    assert (network[len(network) - 1].weight >= 0.0).all()


def test_gradient_runs_stay_within_the_sign():
    """The distance to the optimum of the same problem; the last layer declares the sign."""
    X, y = noisy_bowl(20)
    runs = cn.compare(
        "relu",
        X,
        y,
        weight_decay=0.1,
        output_weights="nonneg",
        optimizers="lbfgs",
        widths=8,
        seeds=3,
    )
    assert (runs.groups[0].excess > -1e-9).all() and runs.groups[0].excess.min() < 0.5
    assert "nonneg output weights" in runs.table()


def test_estimators_fit_convex_functions():
    X, y = noisy_bowl(30)
    model = cn.ConvexNetRegressor("relu", output_weights="nonneg", skip=True, time_limit=None).fit(
        X, y
    )
    assert cn.convexity(model.network_, wrt="input").convex
    assert model.certificate_.objective.output_weights == "nonneg"
    labels = (y > np.median(y)).astype(int)
    classifier = cn.ConvexNetClassifier("abs", output_weights="nonpos", time_limit=None).fit(
        X, labels
    )
    assert cn.convexity(classifier.network_, wrt="input").concave


def test_the_command_takes_the_sign(tmp_path):
    X, y = noisy_bowl(20)
    table = tmp_path / "bowl.csv"
    np.savetxt(table, np.column_stack([X, y]), delimiter=",", header="a,b,cost", comments="")
    said = [str(table), "--target", "cost", "--weight-decay", "0.1", "--out", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        main(["train", *said, "--output-weights", "nonneg"])
    assert ended.value.code == PROVED
    network = cn.load(tmp_path / "network.json")
    assert network[len(network) - 1].nonneg and cn.convexity(network, wrt="input").convex
    assert cn.check(str(tmp_path / "certificate.json")).valid
