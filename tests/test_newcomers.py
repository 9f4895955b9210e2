"""What a newcomer tried: answers that were wrong or easily misread, as they should be."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.analysis import convexity
from cvxnet.analysis.identities import is_same
from cvxnet.analysis.questions import ask_about_expression
from cvxnet.analysis.rewriting.rules import another_form
from cvxnet.errors import InputError
from cvxnet.proofs.gaps import bracket_text, excess_text

# Verdicts


def test_a_verdict_has_no_truth_value():
    a, b = cp.Variable(), cp.Variable()
    verdict = convexity(a * b)
    with pytest.raises(TypeError, match=r"NOT CONVEX.*\.convex"):
        if verdict:
            pass


def test_wrt_takes_variables_and_names_alone_and_in_lists():
    z, w = cp.Variable(name="z"), cp.Variable(name="w")
    for wrt in (z, "z", [z], ["z"], (z, "z"), {"z"}):
        assert convexity(z * w, wrt=wrt).affine
    assert convexity(z * w, wrt=[z, "w"]).convex is False
    assert convexity(z * w, wrt=(w, z)).convex is False


def letters():
    """Variables by their letters: free, positive, nonnegative, a vector."""
    return {
        "z": cp.Variable(name="z"),
        "r": cp.Variable(name="r"),
        "p": cp.Variable(name="p", pos=True),
        "q": cp.Variable(name="q", pos=True),
        "n": cp.Variable(name="n", nonneg=True),
        "x": cp.Variable(3, name="x"),
        "cp": cp,
    }


@pytest.mark.parametrize(
    "text",
    [
        "cp.square(z) / q", "cp.square(z) / n", "-cp.sqrt(p * q)", "p * cp.log(p / q)",
        "cp.sum_squares(x) / q + cp.exp(z)", "cp.square(z) / cp.sqrt(q)", "cp.abs(z) ** 2 / q",
        "cp.exp(cp.square(z) / q) - cp.sqrt(p * q)", "cp.log(cp.exp(z)) + cp.sqrt(cp.square(x[0]))",
    ],
)  # fmt: skip
def test_what_equals_a_convex_form_is_convex(text):
    verdict = convexity(eval(text, letters()))
    assert verdict.convex and all("same function" in repair.cost for repair in verdict.repairs)


@pytest.mark.parametrize(
    "text",
    [
        "cp.square(z) / r", "z * cp.log(z / r)", "-cp.sqrt(z * r)", "-cp.sqrt(n * r)", "3 / z",
        "cp.square(z) / (q - 1)",
    ],
)  # fmt: skip
def test_a_form_that_is_the_same_for_some_signs_only_proves_nothing(text):
    assert not convexity(eval(text, letters())).convex


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value")
@pytest.mark.parametrize(
    "text",
    [
        "z * z", "x @ x", "cp.sqrt(cp.sum(cp.square(x)))",
        "cp.sqrt(cp.square(z))", "cp.sqrt(cp.sum_squares(x))", "cp.log(1 + cp.exp(x))",
        "cp.sqrt(cp.square(z) + cp.sum_squares(x) + 2)", "cp.log(cp.exp(z) + cp.exp(r) + 3)",
        "cp.log(cp.sum(cp.exp(x)))", "x[0] * cp.log(x[0])", "p * cp.log(p / q)", "cp.abs(x) ** 2",
        "cp.square(z) / n", "cp.sum_squares(x) / q", "cp.square(z) / r", "cp.sqrt(p * q)",
        "cp.sqrt(z * r)", "cp.square(cp.exp(x))", "cp.log(cp.exp(x))", "3 / p", "3 / z",
        "z * cp.log(z / r)", "cp.multiply(x[:1], cp.log(x[:1]))",
    ],
)  # fmt: skip
def test_forms_are_the_same_wherever_there_is_a_value_and_their_needs_hold(text):
    expression, rng = eval(text, letters() | {"np": np}), np.random.default_rng(0)
    question = ask_about_expression(expression)
    found = [another_form(question, goal, assuming=True) for goal in ("convex", "concave")]
    accepted = expression.is_convex() or expression.is_concave()
    assert accepted or any(found)
    for rewrite in filter(None, found):
        for _ in range(60):
            for variable in expression.variables():
                variable.value = variable.project(
                    rng.choice([-2.0, -0.3, 0.7, 3.0], variable.shape)
                )
            left, right = (np.asarray(e.value) for e in (expression, rewrite.expression))
            inside = all(np.all(need.value > 0.0) for need in rewrite.needs)
            both = np.isfinite(left)
            assert not inside or np.allclose(left[both], right[both], rtol=1e-9)


def test_products_of_two_variables_of_one_name_are_no_square():
    a, b = cp.Variable(name="a"), cp.Variable(name="a")
    assert convexity(a * b).convex is False and convexity(a * a).convex
    wide, other = np.arange(2000.0), np.arange(2000.0)
    other[1000] = 7.0  # printed alike
    x = cp.Variable(2000)
    assert not is_same(x + wide, x + other) and is_same(x + wide, x + wide.copy())


def test_a_constant_objective_has_no_repairs():
    problem = cp.Problem(cp.Minimize(cp.mean(np.ones(3))), [cp.Variable(name="z") >= 1])
    assert convexity(problem).convex and convexity(cp.log(cp.sum(np.ones(3)))).repairs == ()


def knapsack(**attributes):
    items = cp.Variable(4, name="items", **attributes)
    weights = np.array([3.0, 1.0, 4.0, 1.5])
    return cp.Problem(cp.Maximize(weights @ items), [weights @ items <= 5, items >= 0, items <= 1])


@pytest.mark.parametrize("attribute", ["boolean", "integer"])
def test_a_knapsack_is_not_convex_and_its_relaxation_is(attribute):
    verdict = convexity(knapsack(**{attribute: True}))
    assert verdict.convex is False and verdict.relaxation.convex is True
    witness = verdict.counterexample
    assert witness.refutes == "set" and witness.verify()
    assert all((point["items"] % 1 == 0).all() for point in (witness.a, witness.b))
    assert not (witness.middle["items"] % 1 == 0).all()
    for text in (repr(verdict), str(verdict), verdict._repr_html_()):
        assert "NOT CONVEX" in text and "relaxation is convex" in text
    assert f"items is {attribute}" in str(verdict)
    assert verdict.to_dict()["relaxation"]["convex"] is True
    assert convexity(knapsack()).convex is True and convexity(knapsack()).relaxation is None


def test_gaps_are_found_wherever_they_are():
    i = cp.Variable(name="i", integer=True)
    part = cp.Variable(3, name="part", boolean=[(1,)])
    matrix = cp.Variable((2, 2), name="M", integer=True)
    for constraints, variable in (
        ([i >= 1000, i <= 1001], i),
        ([i <= -0.5, i >= -7.5], i),
        ([cp.sum(part) == 1, part >= 0], part),
        ([cp.trace(matrix) == 2], matrix),
    ):
        verdict = convexity(cp.Problem(cp.Minimize(cp.sum_squares(variable)), constraints))
        assert verdict.convex is False and verdict.counterexample.verify()
        assert verdict.relaxation.convex is True
    rows = cp.Variable((3, 3), name="rows", boolean=True)  # feasible points are permutations
    far = cp.Variable(2, name="far", integer=True)
    for constraints in (
        [cp.sum(rows, axis=0) == 1, cp.sum(rows, axis=1) == 1],
        [cp.sum(far) == 1001, far >= 0],
        [3.5 * rows[0] == cp.hstack([far, i]) / 2, cp.sum(rows) >= 4],
        [cp.FiniteSet(2 * part[0] + 1, [0, 1, 4]), part[2] == 3],
    ):
        verdict = convexity(cp.Problem(cp.Minimize(0), constraints))
        assert verdict.convex is False and verdict.counterexample.verify(), constraints
    lone = convexity(cp.Problem(cp.Minimize(i), [i >= 0.5, i <= 1.5]))
    assert lone.convex is True and lone.relaxation is None  # 1 is the only whole number
    hidden = convexity(cp.Problem(cp.Minimize(i), [3 * i == 3]))
    assert hidden.convex is None and hidden.relaxation.convex is True
    crooked = convexity(cp.Problem(cp.Minimize(-cp.square(i)), [i >= 0, i <= 4]))
    assert crooked.convex is False and crooked.relaxation.convex is False


def test_expressions_in_whole_numbers_are_judged_relaxed_and_say_so():
    b, k = cp.Variable(name="b", boolean=True), cp.Parameter(name="k", integer=True)
    verdict = convexity(cp.square(b))
    assert verdict.convex and "b is boolean" in verdict.premises[0]
    x = cp.Variable(2, name="x", boolean=[(0,)])  # CVXPY takes the other entry for a sign, too
    assert convexity(cp.power(x, 3)[1]).domain == ("x >= 0",)
    refuted = convexity(k * cp.square(cp.Variable(name="y")))
    assert refuted.convex is False and refuted.counterexample.fixed["k"] % 1 == 0


def test_a_sparse_variable_is_a_smaller_space_and_nothing_else():
    x = cp.Variable((2, 2), name="x", sparsity=([0, 1], [1, 0]))
    assert convexity(cp.sum_squares(x)).convex
    witness = convexity(x[0, 1] * x[1, 0]).counterexample
    assert witness.verify() and witness.a["x"][0, 0] == 0.0 == witness.b["x"][1, 1]
    assert convexity(x[0, 0] * x[0, 1]).affine


def test_disciplines_of_a_problem_are_about_all_of_it():
    x = cp.Variable(pos=True, name="x")
    geometric = convexity(cp.Problem(cp.Minimize(1 / x), [x <= 1, x**1.5 >= 0.1])).disciplines
    assert geometric["log-log convex (DGP)"].startswith("yes")
    broken = convexity(cp.Problem(cp.Minimize(1 / x), [cp.log(x) <= 1])).disciplines
    assert "constraint 0" in broken["log-log convex (DGP)"]


# Solutions and certificates


X, Y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 0.0])


def test_check_takes_what_train_and_certify_return():
    solution = cn.train("relu", X, Y, weight_decay=0.1)
    found = cn.certify(solution.network, X, Y, weight_decay=0.1)
    for rounded in (False, True):
        expected = cn.check(solution.certificate.to_dict(), rounded=rounded)
        assert expected.valid
        assert cn.check(solution, rounded=rounded) == expected
        assert cn.check(solution.certificate, rounded=rounded) == expected
        assert cn.check(found, rounded=rounded).upper == found.value
    tampered = replace(solution.certificate, lower=solution.value)
    assert not cn.check(tampered).valid
    assert "named by a str or a path, not by a Sequential" in cn.check(solution.network).reason


def test_predictions_are_as_long_as_the_target():
    solution = cn.train("relu", X, Y, weight_decay=0.1, output_bias=True, skip=True)
    assert solution.predict(X).shape == Y.shape == (3,)
    assert (solution.predict(X.tolist())[:, None] == solution.network(X)).all()
    loss = 0.5 * ((solution.predict(X) - Y) ** 2).sum()
    assert loss <= solution.value and cn.check(solution).valid
    for wrong, message in [(Y, "expected n rows"), (np.eye(3), "3 columns.*trained on 1")]:
        with pytest.raises(InputError, match=message):
            solution.predict(wrong)


def test_a_certification_shows_the_network_the_best_one_found_and_the_excess():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 2)), rng.standard_normal(20)
    net = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1))
    found = cn.certify(net, X, y, weight_decay=0.1, time_limit=1e-9)
    own = 0.5 * ((net(X)[:, 0] - y) ** 2).sum() + 0.05 * sum(
        (w**2).sum() for name, w in net.state_dict().items() if name != "2.bias"
    )
    assert found.value == pytest.approx(own, rel=1e-12)
    assert found.lower <= found.upper == min(found.best.value, found.value)
    least, most = found.excess
    assert least == (found.value - found.upper) / found.upper
    assert most == ((found.value - found.lower) / found.lower if found.lower else np.inf)
    low, high = bracket_text(found.lower, found.upper)
    assert str(found).startswith(f"{low} <= optimum <= {high} (relative gap {found.gap:.1e})")
    assert excess_text(least, most) in str(found) and f"{found.value:.10g}" in str(found)
    assert cn.check(found).upper == found.value


@pytest.mark.parametrize("options", [{}, {"norm": "l1"}, {"skip": True, "output_bias": True}])
def test_linear_networks_are_certified(options):
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((9, 3)), rng.standard_normal(9)
    solution = cn.train("linear", X, y, weight_decay=0.2, **options)
    found = cn.certify(solution.network, X, y, weight_decay=0.2)
    assert cn.check(found).valid
    same = options.get("norm") is None
    assert (found.value == pytest.approx(solution.value, rel=1e-9)) == same
    assert (found.closed_by == "gap") == same
    deep = cn.Sequential(cn.Linear(3, 3), cn.ReLU(), cn.Linear(3, 4), cn.Linear(4, 1))
    found = cn.certify(deep, X, y, weight_decay=0.2)
    assert found.layers_below == 2 and found.certificate.unit_name == "linear"
    assert cn.check(found).valid


def test_a_certificate_says_what_it_is_about():
    about = {"X": X.tolist(), "y": Y.tolist(), "weight_decay": 0.1, "loss": "squared"}
    about |= {"norm": "l2", "bias": True, "sample_weights": None}
    certificate = cn.train("relu", X, Y, weight_decay=0.1).certificate
    found = {name: getattr(certificate, name) for name in about}
    assert {
        name: getattr(value, "tolist", lambda v=value: v)() for name, value in found.items()
    } == about
    assert certificate.units == certificate.unit_name == "relu"
    leaky = cn.train(cn.Family("leaky_relu", slope=0.5), X, Y, weight_decay=0.1).certificate
    assert leaky.units == {"name": "leaky_relu", "slope": 0.5}
