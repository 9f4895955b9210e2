"""Statements that were once false or misleading, with the right values from computations apart."""

import json
import time
from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest
from cvxpy.atoms.affine.wraps import nonneg_wrap, nsd_wrap, psd_wrap
from sklearn.exceptions import ConvergenceWarning

import cvxnet as cn
from cvxnet.analysis import convexity
from cvxnet.cli import main
from cvxnet.interop.estimators import ConvexNetClassifier, ConvexNetRegressor
from cvxnet.training import column_generation, every_width
from cvxnet.training.clock import KernelTime, now
from cvxnet.training.scaling import subtract

# Time limits: kernels do not count, and nothing untrained comes back without a word.

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0.0, 1.0, 1.0, 0.0])


def test_the_clock_stands_still_while_some_thread_compiles(monkeypatch):
    ticks = iter([10.0, 11.0, 14.0, 15.0, 20.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    kernels = KernelTime()
    assert kernels.working() == 10.0
    kernels.on_start(None)  # at 11
    kernels.on_start(None)  # another thread, or the same again
    assert kernels.working() == 11.0
    kernels.on_end(None)
    assert kernels.working() == 11.0
    kernels.on_end(None)  # at 14
    assert kernels.working() == 12.0
    assert kernels.working() == 17.0


@pytest.fixture
def empty_end(monkeypatch):
    """Where the time is over nothing becomes a network of what pricing has found."""
    monkeypatch.setattr(column_generation, "save_from_emptiness", lambda search, maxima: None)


@pytest.mark.parametrize("model", [ConvexNetRegressor, ConvexNetClassifier])
def test_a_fit_without_time_for_a_unit_warns(model, empty_end):
    X, y = XOR
    with pytest.warns(ConvergenceWarning, match="untrained.*time limit"):
        fitted = model(weight_decay=0.01, time_limit=1e-9).fit(X, y)
    solution = fitted.solution_
    assert solution.stats["untrained"] and "untrained" in str(solution) and solution.units == 0


UNITS = ["relu", "squared_relu", "threshold", "tanh", "coordinate"]


@pytest.mark.parametrize("units", UNITS)
def test_untrained_is_said_only_where_units_would_help(units, empty_end):
    X, y = XOR[0], np.array([0.0, 1.0, 1.0, 3.0])
    most = cn.largest_weight_decay(units, X, y, output_bias=True)
    for share, untrained in [(1.01, False), (0.5, True)]:
        options = {"weight_decay": share * most, "output_bias": True}
        cut = cn.train(units, X, y, time_limit=1e-9, **options)
        full = cn.train(units, X, y, **options)
        assert (full.units > 0) == untrained == (full.value < cut.value * (1 - 1e-9))
        assert not full.stats["untrained"] and not full.warning
        assert untrained <= cut.stats["untrained"] == bool(cut.warning) and cut.units == 0
        assert cut.status == "optimal" or "time limit" in str(cut)


@pytest.mark.parametrize("units", UNITS)
def test_what_pricing_found_in_the_end_becomes_a_network(units):
    X, y = XOR[0], np.array([0.0, 1.0, 1.0, 3.0])
    most = cn.largest_weight_decay(units, X, y, output_bias=True)
    options = {"weight_decay": 0.5 * most, "output_bias": True}
    cut = cn.train(units, X, y, time_limit=1e-9, **options)
    full = cn.train(units, X, y, **options)
    none = cn.train(units, X, y, output_bias=True, weight_decay=1.01 * most)
    assert cut.units > 0 and not cut.stats["untrained"] and not cut.warning
    assert full.value <= cut.value * (1 + 1e-9) and cut.value < none.value
    assert cn.check(cut).valid


def test_why_training_stopped_is_said_in_words(monkeypatch):
    X, y = XOR
    options = {"weight_decay": 0.01, "output_bias": True}
    done = cn.train("relu", X, y, **options)
    assert done.stats["stopped"] == "the gap was reached" and "reached" not in str(done)
    short = cn.train("relu", X, y, time_limit=1e-9, **options)
    assert "time limit" in short.stats["stopped"] and "time limit" in str(short)
    strict = cn.train("relu", X, y, gap=1e-300, **options)
    assert strict.status == "optimal" or "nothing improves" in str(strict)

    def interrupted(*arguments):
        yield from ()
        raise KeyboardInterrupt

    monkeypatch.setattr(every_width, "close_bracket", interrupted)
    cut = cn.train("relu", X, y, **options)
    assert cut.stats["interrupted"] and "interrupted" in str(cut)


def test_deadlines_in_the_past_have_passed_on_the_clock():
    assert now() <= time.monotonic() and now() - 1.0 < now()


# Verdicts: the domain is part of them


def variables():
    """Fresh variables of all kinds, by name."""
    return {
        "z": cp.Variable(name="z"),
        "x": cp.Variable(2, name="x"),
        "X": cp.Variable((2, 2), name="X"),
        "S": cp.Variable((2, 2), name="S", PSD=True),
        "H": cp.Variable((2, 2), name="H", symmetric=True),
        "nonneg": cp.Variable(name="n", nonneg=True),
        "pos": cp.Variable(name="p", pos=True),
        "neg": cp.Variable(name="m", neg=True),
        "nonpos": cp.Variable(name="m", nonpos=True),
        "box": cp.Variable(name="c", bounds=[2, 3]),
        "cp": cp,
        "np": np,
    }


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("z**3", ("z >= 0",)),
        ("cp.power(nonneg, 3)", ()),
        ("cp.power(nonpos, 3)", ("m >= 0",)),
        ("cp.power(z, 4)", ()),
        ("cp.power(z, 6)", ("z >= 0",)),  # CVXPY solves it so, though 6 is even
        ("cp.log(z)", ("z > 0",)),
        ("cp.log(nonneg)", ("n > 0",)),
        ("cp.log(pos)", ()),
        ("cp.log(pos * pos + nonneg)", ()),
        ("cp.log(box - 1)", ()),
        ("cp.log(cp.exp(z))", ()),
        ("cp.log1p(nonneg)", ()),
        ("cp.log1p(z)", ("z > -1",)),
        ("cp.sqrt(z)", ("z >= 0",)),
        ("cp.sqrt(cp.square(z))", ()),
        ("cp.inv_pos(z)", ("z > 0",)),
        ("cp.quad_over_lin(x, z)", ("z > 0",)),
        ("cp.quad_over_lin(x, 1 + nonneg)", ()),
        ("cp.entr(x)", ("x >= 0",)),
        ("cp.kl_div(z, pos)", ("z >= 0",)),
        ("cp.rel_entr(pos, z)", ("z > 0",)),
        ("cp.xexp(z)", ("z >= 0",)),
        ("cp.geo_mean(x)", ("x >= 0",)),
        ("cp.geo_mean(x, [1, 0])", ("x[0] >= 0",)),
        ("cp.pnorm(x, 0.5)", ("x >= 0",)),
        ("cp.pnorm(x, 3)", ()),
        ("cp.log_det(X)", ("X positive definite",)),
        ("cp.log_det(S)", ("S positive definite",)),
        ("cp.matrix_frac(x, S)", ("S positive definite",)),
        ("cp.von_neumann_entr(H)", ("H positive semidefinite",)),
        ("cp.von_neumann_entr(S)", ()),
        ("cp.matrix_frac(x, cp.psd_wrap(np.diag([2.0, 1.0])))", ()),
        ("cp.kl_div(x, np.array([1.0, 0.0]))", ("x >= 0",)),
        ("cp.loggamma(z)", ("z > 0",)),
        ("cp.lambda_max(X)", ("X symmetric",)),
        ("cp.lambda_max(S)", ()),
        ("cp.perspective(cp.square(z), nonneg)", ()),
        ("cp.perspective(-cp.log(z), pos)", ("z > 0",)),
        ("cp.perspective(-cp.log(z - 1), pos)", ("z - 1 > 0 divided by p",)),
        ("1 / pos", ()),
        ("1 / nonneg", ("n > 0",)),
        ("1 / neg", ()),
        ("z / (1 - z)", ("1 - z != 0",)),
        ("cp.log(z) + cp.sqrt(3 - z)", ("z > 0", "3 - z >= 0")),
        ("cp.maximum(z, cp.abs(x))", ()),
    ],
)
def test_a_verdict_names_its_domain(text, domain):
    verdict = convexity(eval(text, variables()))
    assert tuple(set(verdict.domain)) == domain or sorted(verdict.domain) == sorted(domain)
    assert verdict.to_dict(full=False)["domain"] == list(verdict.domain)
    for condition in verdict.domain:
        assert condition in repr(verdict) and condition in str(verdict)
        assert condition.replace(">", "&gt;") in verdict._repr_html_()


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize(
    "expression",
    [
        lambda t: t**3, lambda t: cp.power(t, -1), lambda t: cp.power(t, 0.3), cp.log, cp.log1p,
        cp.entr, cp.inv_pos, lambda t: cp.quad_over_lin(1, t), lambda t: cp.rel_entr(t, 2),
        lambda t: cp.rel_entr(2, t), lambda t: cp.kl_div(t, 2), lambda t: cp.kl_div(2, t),
        lambda t: cp.geo_mean(cp.hstack([t, 1])), lambda t: 1 / t, cp.exp, cp.square, cp.abs,
        lambda t: cp.pnorm(cp.hstack([t, 1]), 0.5), lambda t: cp.harmonic_mean(cp.hstack([t, 1])),
    ],
)  # fmt: skip
def test_inside_of_the_named_domain_every_value_is_finite(expression):
    t = cp.Variable(name="t")
    function = expression(t)
    domain = convexity(function).domain
    assert set(domain) <= {"t >= 0", "t > 0", "t > -1", "t != 0"}
    for value in (-2.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.5):
        inside = all(eval(c, {"t": value}) for c in domain)
        t.value = value
        if inside:
            assert np.isfinite(function.value), (value, function.value)


@pytest.mark.parametrize(
    "text",
    [
        "cp.power(neg, 3)",
        "cp.log(-1 - cp.square(z))",
        "cp.log(z) + cp.log(-1 - z)",
        "cp.log(z) + cp.log(-z)",
        "cp.sqrt(x[0] - x[1] - 1) + cp.sqrt(x[1] - x[0])",
        "cp.inv_pos(nonpos)",
        "cp.entr(-box)",
        "cp.log(cp.Constant(-1.0)) + z",
        "z / 0.0",
        "cp.matrix_frac(x, cp.psd_wrap(np.diag([2.0, -1.0])))",
        "x / np.array([1.0, 0.0])",
        "cp.log(x[0] - 1) + cp.sqrt(1 - x[0]) + cp.square(x[1])",
    ],
)
def test_an_empty_domain_is_reported_and_nothing_is_claimed_on_it(text):
    verdict = convexity(eval(text, variables()))
    assert verdict.empty and (verdict.convex, verdict.concave) == (None, None)
    assert "EMPTY DOMAIN" in repr(verdict) and verdict.empty in str(verdict)
    assert verdict.to_dict()["empty"] == verdict.empty


@pytest.mark.parametrize(
    "text",
    [
        "cp.power(nonpos, 3)",
        "cp.sqrt(z) + cp.sqrt(-z)",
        "cp.sqrt(x[0] - x[1] - 1) + cp.sqrt(x[1] - x[0] + 1)",
        "cp.log(z) + cp.log(1e-9 - z)",
        "cp.kl_div(x, np.array([1.0, 0.0]))",
        "cp.quad_over_lin(z, nonpos)",
        "cp.sqrt(0.3 * z - 0.1) + cp.sqrt(0.1 - 0.3 * z)",
    ],
)
def test_a_domain_with_a_point_is_not_empty(text):
    assert not convexity(eval(text, variables())).empty


def test_the_domain_of_a_problem_is_what_its_constraints_leave_open():
    z, x = cp.Variable(name="z"), cp.Variable(2, name="x")
    for objective, constraints, domain in (
        (z**3, [], ("z >= 0",)),
        (z**3, [z >= 1], ()),
        (-cp.log(x[0] + x[1]), [cp.sum(x) >= 1], ()),
        (-cp.log(x[0] + x[1]), [x[0] >= 1, x[1] >= 0.5 - x[0]], ()),
        (-cp.log(x[0] + x[1]), [cp.sum(x) >= 0], ("x[0] + x[1] > 0",)),
        (z, [cp.inv_pos(x[0]) <= z], ("x[0] > 0",)),
    ):
        verdict = convexity(cp.Problem(cp.Minimize(objective), constraints))
        assert verdict.convex and verdict.domain == domain and not verdict.empty


def test_a_problem_without_a_feasible_point_is_called_empty():
    z, x = cp.Variable(name="z"), cp.Variable(2, name="x")
    for objective, constraints, convex in (
        (z**3, [z <= -1], None),  # nothing is claimed where the objective has no value
        (-cp.log(x[0] + x[1] - 1), [cp.sum(x) <= 1], None),
        (z, [z >= 1, z <= 0], True),  # the empty set is convex
        (z, [cp.square(z) <= -1], True),
        (z, [x[0] + x[1] == 1, x[0] >= 0.7, x[1] >= 0.4], True),
        (-cp.log(z), [cp.sqrt(-z - 1) >= 2], True),
    ):
        verdict = convexity(cp.Problem(cp.Minimize(objective), constraints))
        assert verdict.empty and verdict.convex is convex, constraints
        assert "EMPTY" in repr(verdict) and verdict.empty in str(verdict)
    for constraints in ([z >= 1, z <= 1], [x[0] + x[1] == 1, x[0] >= 0.7, x[1] >= 0.3 - 1e-12]):
        assert not convexity(cp.Problem(cp.Minimize(z), constraints)).empty


def test_infinite_bounds_are_no_bounds():
    x = cp.Variable(3, name="x")
    bound = np.array([1.0, np.inf, np.inf])
    for constraints in ([x <= bound], [x >= -bound], [x <= np.inf], [-np.inf <= x]):
        assert convexity(cp.Problem(cp.Minimize(cp.sum_squares(x)), constraints)).convex
    crooked = cp.Problem(cp.Minimize(-cp.square(x[0])), [x <= bound, x >= 0])
    assert convexity(crooked).counterexample.verify()
    undefined = convexity(cp.Problem(cp.Minimize(x[0]), [x >= np.nan]))
    assert undefined.convex is None and "NaN" in str(undefined)


# Verdicts: what is asserted is computed, or said to be believed


GRAM = np.outer([0.3, 0.7], [0.3, 0.7])  # semidefinite but for its rounding
INDEFINITE = np.diag([1.0, -1.0])


def test_asserted_definiteness_is_not_believed():
    x = cp.Variable(2, name="x")
    false = convexity(cp.quad_form(x, INDEFINITE, assume_PSD=True))
    assert false.convex is False and "it is not" in false.premises[0]
    assert convexity(cp.quad_form(x, psd_wrap(INDEFINITE))).convex is False
    assert convexity(cp.quad_form(x, nsd_wrap(INDEFINITE))).concave is False
    true = convexity(cp.quad_form(x, np.diag([1.0, 2.0]), assume_PSD=True))
    assert true.convex and not true.premises
    near = convexity(cp.quad_form(x, GRAM, assume_PSD=True))
    assert near.convex and "within its rounding" in near.premises[0]
    given = convexity(cp.quad_form(x, psd_wrap(cp.Parameter((2, 2), value=INDEFINITE))))
    assert given.convex and "with the values given now" in given.premises[1]
    unknown = convexity(cp.quad_form(x, psd_wrap(cp.Parameter((2, 2)))))
    assert unknown.convex and "not proved" in unknown.premises[0]
    assert all(
        p in str(v) and p in v.to_dict()["premises"] for v in (near, false) for p in v.premises
    )


def test_products_of_constants_are_computed_exactly():
    x, row = cp.Variable(2), cp.Constant(np.array([[0.3, 0.7]]))
    verdict = convexity(cp.quad_form(x, psd_wrap(row.T @ row)))
    assert verdict.convex and not verdict.premises


def test_asserted_signs_are_named():
    z, n = cp.Variable(name="z"), cp.Variable(nonneg=True)
    assert "z >= 0" in convexity(cp.square(nonneg_wrap(z))).premises[0]
    assert not convexity(cp.square(nonneg_wrap(n + 1))).premises
    wrong = convexity(nonneg_wrap(cp.Constant(-1.0)) * cp.square(z))
    assert wrong.convex is False and wrong.premises


def test_values_that_break_the_attributes_of_their_parameter_are_named():
    P = cp.Parameter((2, 2), PSD=True, value=np.diag([1.0, -1e-9]), name="P")
    verdict = convexity(cp.quad_form(cp.Variable(2), P))
    assert verdict.convex and "P violates PSD=True" in verdict.premises[0]
    good = cp.Parameter((2, 2), PSD=True, value=np.eye(2))
    assert not convexity(cp.quad_form(cp.Variable(2), good)).premises


@pytest.mark.parametrize("constant", [np.nan, np.inf, np.array([1.0, np.nan])])
def test_what_is_no_number_is_named(constant):
    verdict = convexity(cp.square(cp.Variable(name="s")) + constant)
    assert (verdict.convex, verdict.concave) == (None, None)
    assert "no number" in verdict.premises[0] and verdict.premises[0] in str(verdict)


# The gap is the gap: targets with an offset, targets that are huge, optima of about zero.

BEND = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 0.0])
REAL_LOSSES = ("squared", "absolute", "huber", "log_cosh")


def proved(solution):
    """The solution, whose certificate is proved as it stands, and shows the same bracket."""
    result = cn.check(solution.certificate.to_dict())
    assert result.valid, result.reason
    assert (result.lower, result.upper) == (solution.lower_bound, solution.value)
    assert solution.gap == (solution.value - solution.lower_bound) / solution.value
    return solution


@pytest.mark.parametrize("offset", [1e3, 1e7, -1e9])
def test_a_target_with_an_offset_is_no_other_problem(offset):
    X, y = BEND
    solution = proved(cn.train("relu", X, y + offset, weight_decay=0.01, output_bias=True))
    assert solution.status == "optimal" and solution.units == 2 and solution.gap <= 1e-6
    assert solution.value == pytest.approx(0.0276842712, rel=1e-8)


@pytest.mark.parametrize("loss", REAL_LOSSES)
def test_offsets_change_no_bracket(loss):
    X, y = BEND
    options = {"loss": loss, "weight_decay": 0.01, "output_bias": True}
    plain, far = (proved(cn.train("relu", X, y + c, **options)) for c in (0.0, 2.0**30))
    assert far.status == plain.status == "optimal"
    rounding = 0.0 if loss != "absolute" else 3 * 2.0**-22  # of c, where the loss has a kink
    assert far.value == pytest.approx(plain.value, rel=1e-11, abs=rounding)
    assert far.lower_bound == pytest.approx(plain.lower_bound, rel=1e-11)
    for one, other in zip("Wba", "Wba", strict=True):
        a, b = getattr(plain.certificate, one), getattr(far.certificate, other)
        assert a == pytest.approx(b, rel=1e-9)


@pytest.mark.parametrize("loss", REAL_LOSSES)
@pytest.mark.parametrize("output_bias", [False, True])
def test_what_a_skip_connection_can_do_changes_no_bracket(loss, output_bias):
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((20, 2)), rng.standard_normal(20)
    options = {"loss": loss, "weight_decay": 0.5, "skip": True, "output_bias": output_bias}
    plain = proved(cn.train("relu", X, y, **options))
    far = proved(cn.train("relu", X, y + X @ [1e9, -3e8] + 1e8 * output_bias, **options))
    assert far.status == plain.status == "optimal"
    assert far.value == pytest.approx(plain.value, rel=1.1e-6)


def test_the_estimator_has_no_use_for_offsets_either():
    X, y = BEND
    for offset in (0.0, 1e6, 1e9):
        fitted = ConvexNetRegressor("relu", weight_decay=0.01, time_limit=None).fit(X, y + offset)
        assert fitted.solution_.status == "optimal" and fitted.solution_.units == 2
        assert fitted.solution_.value == pytest.approx(0.0276842712, rel=2e-4)
        assert np.ptp(fitted.predict(X)) > 0.8


def test_the_command_line_neither(tmp_path, capsys):
    x = np.linspace(-2.0, 2.0, 41)
    data, out = tmp_path / "data.csv", tmp_path / "out"
    rows = (f"{u!r},{1e6 + abs(u)!r}" for u in x.tolist())
    data.write_text("x,y\n" + "\n".join(rows) + "\n")
    chosen = ["--target", "y", "--weight-decay", "0.1"]
    train = ["train", str(data), *chosen, "--no-standardise", "--gap", "1e-4", "--out", str(out)]
    with pytest.raises(SystemExit) as exit_code:
        main([*train, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert exit_code.value.code in (0, None) and found["gap"] <= 1e-4
    assert found["upper"] == pytest.approx(0.19860875, rel=1e-4)
    with pytest.raises(SystemExit):
        main(["check", str(out / "certificate.json"), "--json"])
    checked = json.loads(capsys.readouterr().out)
    assert (checked["lower"], checked["upper"]) == (found["lower"], found["upper"])


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_a_constant_network_is_certified_to_be_far_above_the_optimum(offset):
    x = np.linspace(-2.0, 2.0, 41)[:, None]
    y = offset + np.abs(x[:, 0])
    network = cn.Sequential(cn.Linear(1, 1), cn.ReLU(), cn.Linear(1, 1))
    zeros = {"0.weight": [[0.0]], "0.bias": [0.0], "2.weight": [[0.0]]}
    network.load_state_dict(zeros | {"2.bias": [float(y.mean())]})
    found = cn.certify(network, x, y, weight_decay=0.1)
    assert found.value == pytest.approx(0.5 * len(y) * y.var(), rel=1e-6)
    assert found.upper == pytest.approx(0.19860875, rel=1e-5) and found.best.status == "optimal"
    assert found.closed_by == "" and found.gap <= 1e-6
    least, most = found.excess
    assert least == pytest.approx(found.value / 0.19860875 - 1, rel=1e-5)
    assert most == pytest.approx(least, rel=1e-5) and least > 35
    assert "between 3510 % and 3520 % above the optimum" in str(found)


def test_a_huge_target_is_optimal_only_where_the_gap_is_small():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 2)), rng.standard_normal(12)
    solution = proved(cn.train("relu", X, 1e12 * y, weight_decay=0.1, time_limit=5.0))
    assert (solution.status == "optimal") == (solution.gap <= 1e-6)
    closed = proved(cn.train("relu", X, 1e12 * y, weight_decay=1e11, gap=1e-7))
    same = proved(cn.train("relu", X, y, weight_decay=0.1, gap=1e-7))
    assert closed.status == "optimal" and closed.value == pytest.approx(1e24 * same.value, rel=2e-7)


@pytest.mark.parametrize("loss", REAL_LOSSES)
def test_largest_weight_decay_does_not_see_offsets(loss):
    rng = np.random.default_rng(7)
    X, y = rng.standard_normal((15, 2)), np.round(rng.standard_normal(15), 3)
    options = {"loss": loss, "output_bias": True}
    plain, far = (cn.largest_weight_decay("relu", X, y + c, **options) for c in (0.0, 1e9))
    assert far == pytest.approx(plain, rel=1e-5)
    assert cn.largest_weight_decay("relu", X, X @ [1e9, 1 / 3], loss=loss, skip=True) == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_centring_is_exact(seed):
    """Against rational arithmetic: one rounding, whatever cancels."""
    rng = np.random.default_rng(seed)
    F = np.column_stack([np.ones(9), rng.standard_normal((9, 3))])
    c = rng.standard_normal(4) * 10.0 ** rng.integers(0, 9, 4)
    y = F @ c + rng.standard_normal(9)
    remainder = subtract(y, F, c)
    for i, r in enumerate(remainder):
        terms = (Fraction(float(a)) * Fraction(float(b)) for a, b in zip(F[i], c, strict=True))
        exact = Fraction(float(y[i])) - sum(terms)
        assert abs(Fraction(float(r)) - exact) <= Fraction(2) ** -52 * abs(exact)


# Verdicts: rounding is told from curvature


def gram(seed, rows=6, rank=2):
    """A matrix that is semidefinite but for its rounding, and (nearly) never exactly."""
    A = np.random.default_rng(seed).standard_normal((rows, rank))
    return A @ A.T


def test_a_refutation_within_rounding_says_so_and_offers_what_is_proved():
    x = cp.Variable(2, name="x")
    verdict = convexity(cp.quad_form(x, GRAM))
    assert verdict.convex is False and verdict.counterexample.verify()
    assert 0.0 < verdict.rounding["convex"].distance < 1e-15
    assert "rounding" in repr(verdict) and "within rounding" in str(verdict)
    assert verdict.to_dict()["rounding"]["convex"]["distance"] < 1e-15
    changes = " ".join(repair.change for repair in verdict.repairs)
    assert all(word in changes for word in ("sum_squares(B.T @ x)", "psd_wrap", "shift"))
    assert all(r.verdict is None or r.verdict.convex for r in verdict.repairs)
    assert "eigenvalues from -" in verdict.blame.rule and "is convex" not in verdict.blame.rule


@pytest.mark.parametrize("seed", range(6))
def test_rounded_gram_matrices_are_near_a_convex_form_in_any_writing(seed):
    """Exactly, half of them are not semidefinite; none of them is refuted without a reading."""
    K, x = gram(seed), cp.Variable(6, name="x")
    K = 0.5 * (K + K.T)
    A = np.random.default_rng(seed).standard_normal((6, 2))
    for expression in (
        cp.quad_form(x, K),
        x @ K @ x,
        cp.sum_squares(A.T @ x) - x @ K @ x,
        cp.exp(x[0]) + cp.quad_form(x, K),
    ):
        verdict = convexity(expression, complete=False)
        assert verdict.convex is not False or "convex" in verdict.rounding, str(expression)
        other = convexity(-expression, complete=False)
        assert other.concave is not False or "concave" in other.rounding


def test_small_weights_of_the_wrong_sign_are_told_from_real_ones():
    x, z = cp.Variable(2, name="x"), cp.Variable(name="z")
    for weight, near in ((-1e-17, True), (-1e-9, False), (-1.0, False)):
        verdict = convexity(cp.maximum(x, 0) @ np.array([1.1, weight]))
        assert verdict.convex is False and ("convex" in verdict.rounding) is near
    thirds = 0.3 * cp.exp(z) - 0.1 * cp.exp(z) - 0.2 * cp.exp(z)
    assert convexity(thirds).convex is False and "convex" in convexity(thirds).rounding


@pytest.mark.parametrize(
    ("matrix", "near"),
    [
        (np.diag([1.0, -1.0]), False),
        (np.diag([1.1, -1e-10]), False),
        (np.diag([1.0, -(2.0**-60)]), True),
        (np.outer([1, 2, 3], [1, 2, 3]) - 1e-9, False),
    ],
)
def test_real_indefiniteness_is_not_called_rounding(matrix, near):
    verdict = convexity(cp.quad_form(cp.Variable(len(matrix)), matrix))
    assert verdict.convex is False and ("convex" in verdict.rounding) is near


# Constant targets, labels of one class, one sample, features of zero: problems like any other.

ROOT = 3.0**0.5
ROWS = np.array([[-ROOT, 1.0], [ROOT, 1.0]])


@pytest.mark.parametrize(("weight_decay", "value"), [(0.1, 0.0975), (0.5, 0.4375)])
def test_a_constant_target_has_its_optimum(weight_decay, value):
    """Each sample has a unit of its own, of price (beta |a| u.x = f) / 2: f = 1 - beta / 2."""
    options = {"weight_decay": weight_decay, "bias": False}
    solution = proved(cn.train("relu", ROWS, [1, 1], **options))
    assert solution.status == "optimal" and solution.value == pytest.approx(value, rel=1e-6)
    program = cn.program("relu", ROWS, [1, 1], **options)
    assert program.solve(solver="CLARABEL") == pytest.approx(value, rel=1e-6)
    network = cn.recover(program)
    assert network(ROWS)[:, 0] == pytest.approx(np.full(2, 1 - weight_decay / 2), abs=1e-4)
    found = cn.certify(network, ROWS, [1, 1], weight_decay=weight_decay)
    assert found.value == pytest.approx(value, rel=1e-5) and found.gap <= 1e-6
    assert cn.largest_weight_decay("relu", ROWS, [1, 1], bias=False) == pytest.approx(2.0)


@pytest.mark.parametrize("units", ["relu", "abs", "squared_relu", "sign", "quadratic", "linear"])
@pytest.mark.parametrize("loss", REAL_LOSSES)
def test_an_output_bias_is_all_that_a_constant_needs(units, loss):
    X, y = np.random.default_rng(2).standard_normal((7, 2)), np.full(7, 1 / 3)
    for c in (1.0, -3e9):
        options = {"loss": loss, "output_bias": True}
        solution = cn.train(units, X, c * y, weight_decay=0.1, **options)
        assert (solution.status, solution.value, solution.gap) == ("optimal", 0.0, 0.0)
        assert solution.units == 0 and (solution.network(X)[:, 0] == c * y).all()
        assert cn.check(solution.certificate.to_dict()).valid
        assert cn.largest_weight_decay(units, X, c * y, **options) == 0.0


@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared_hinge"])
@pytest.mark.parametrize(("label", "stands_for"), [(-1, -1), (0, -1), (1, 1), (True, 1)])
def test_labels_of_one_class_say_which(loss, label, stands_for):
    X = np.random.default_rng(2).standard_normal((6, 2))
    free = cn.train("relu", X, [label] * 6, loss=loss, weight_decay=0.1, output_bias=True)
    assert free.status == "optimal" and free.value <= 1e-14 and free.units == 0
    assert (np.sign(free.network(X)) == stands_for).all()
    assert (free.certificate.y == stands_for).all()
    solution = proved(cn.train("relu", X, [label] * 6, loss=loss, weight_decay=0.1))
    assert solution.status == "optimal" and (np.sign(solution.network(X)) == stands_for).all()


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    "X", [np.array([[2.0, -1.0]]), np.zeros((3, 2)), np.zeros((1, 1))], ids=str
)
def test_one_sample_and_features_of_zero(X, bias):
    """One unit along the sample, of size s = |x|: min (f - y)^2 n / 2 + beta f / s."""
    y, n, beta = np.full(len(X), 2.0), len(X), 0.25
    s = np.linalg.norm(np.append(X[0], float(bias)))
    f = max(2.0 - beta / (s * n), 0.0) if s else 0.0
    value = 0.5 * n * (f - 2.0) ** 2 + (beta * f / s if s else 0.0)
    solution = proved(cn.train("relu", X, y, weight_decay=beta, bias=bias))
    assert solution.status == "optimal" and solution.value == pytest.approx(value, rel=1e-6)


def test_a_threshold_unit_is_one_where_all_features_are_zero():
    """min 3 (f - 2)^2 / 2 + beta f: f = 2 - beta / 3."""
    options = {"weight_decay": 0.3, "bias": False}
    solution = proved(cn.train("threshold", np.zeros((3, 2)), [2] * 3, **options))
    assert solution.status == "optimal" and solution.value == pytest.approx(0.585, rel=1e-9)


@pytest.mark.parametrize(
    ("table", "remark"),
    [
        ("x,y\n1,2\n3,2\n", "the target is constant (every entry is 2)"),
        ("x,y\n1,2\n", "there is one sample only"),
        ("x,y\n0,1\n0,2\n", "the features are zero everywhere"),
        ("x,y\n1,2\n3,4\n", ""),
    ],
)
def test_the_command_line_remarks_on_them(table, remark, tmp_path, capsys):
    data = tmp_path / "data.csv"
    data.write_text(table)
    command = ["train", str(data), "--target", "y", "--weight-decay", "0.1"]
    for json_too in ([], ["--json"]):
        with pytest.raises(SystemExit) as exit_code:
            main([*command, *json_too, *(["--out", str(tmp_path / "out")] if remark else [])])
        assert exit_code.value.code in (0, None)
        printed = capsys.readouterr().out
        assert remark in printed if remark else "remark  " not in printed
    assert json.loads(printed)["remark"].startswith(remark)


# log1p is a subclass of log in CVXPY, but another function


@pytest.mark.parametrize(
    ("expression", "convex", "concave"),
    [
        ("cp.log1p(cp.exp(x))", True, False),
        ("-cp.log1p(cp.exp(x))", False, True),
        ("cp.log1p(cp.exp(-x))", True, False),
        ("cp.log1p(p)", False, True),
        ("cp.log1p(cp.square(x))", False, False),
        ("cp.log1p(p) - cp.log(1 + p)", True, True),
        ("cp.log1p(p) - cp.log(p + 2)", False, True),
        ("cp.log(cp.exp(x))", True, True),
    ],
)
def test_log1p_is_not_log(expression, convex, concave):
    names = {"cp": cp, "x": cp.Variable(name="x"), "p": cp.Variable(pos=True, name="p")}
    verdict = convexity(eval(expression, names))
    for goal, truth in (("convex", convex), ("concave", concave)):
        said = getattr(verdict, goal)
        assert said in (truth, None), goal


def test_maximising_a_convex_function_is_not_convex():
    q = cp.Variable(pos=True, name="q")
    problem = cp.Problem(cp.Maximize(cp.log1p(cp.exp(q))), [q <= 3])
    assert convexity(problem).convex is False
