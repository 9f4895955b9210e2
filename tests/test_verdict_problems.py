"""Domains (``where=``) and problems: equalities, bounds, level sets, certificates."""

import json

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.analysis import convexity
from cvxnet.errors import InputError
from cvxnet.layers import Linear, Sequential, Tanh

NET = Sequential(Linear(2, 3), Tanh(), Linear(3, 1, nonneg=True))
NET.load_state_dict(
    {
        "0.weight": np.ones((3, 2)),
        "0.bias": np.zeros(3),
        "2.weight": np.ones((1, 3)),
        "2.bias": np.zeros(1),
    }
)


def judged(thing, where=None):
    return convexity(thing, where=where, complete=False)


@pytest.mark.parametrize(
    ("where", "convex"),
    [
        ((None, 0), True),
        (([-1, -2], [0, 0]), True),
        ((0, 1), False),
        (lambda z: [z <= 0, cp.norm(z) <= 3], True),
        (lambda z: z >= 0, False),
        (lambda z: [z <= 1], False),
    ],
)
def test_a_network_on_a_part_of_its_inputs(where, convex):
    for shape in ((2,), (1, 2)):
        given = where(cp.Variable(shape)) if callable(where) else where
        verdict = judged(NET, given)
        assert verdict.convex is convex
        if not convex:
            assert verdict.counterexample.verify()


def test_attributes_of_the_variable_are_part_of_the_domain():
    z = cp.Variable(2, nonpos=True)
    assert judged(NET, [cp.sum(z) >= -1]).convex
    with pytest.raises(InputError, match="integer"):
        judged(NET, [cp.Variable(2, integer=True) <= 0])


def test_an_expression_in_its_own_variables():
    x, y, s = cp.Variable(name="x"), cp.Variable(name="y"), cp.Variable(name="s")
    assert judged(x**3, (0, None)).convex and not judged(cp.abs(x) * x, (-1, 1)).convex
    verdict = judged(cp.inv_pos(y) + x, [y >= 1, x + s == 1])
    assert verdict.convex and "1 <= y" in verdict.about
    with pytest.raises(InputError, match="about one variable"):
        judged(x + y, (0, 1))


def test_an_empty_domain_has_no_answer():
    x = cp.Variable(name="x", nonneg=True)
    for where in ((-2, -1), [x >= 2, x <= 1], [x + 1 <= 0]):
        verdict = judged(cp.square(x), where)
        assert verdict.convex is None and verdict.empty


def test_bounds_that_exclude_each_other_leave_no_question():
    x, z = cp.Variable(name="x"), cp.Variable(2, name="z")
    for objective in (x * x * x, cp.sum_squares(z) * z[0] + x, x * cp.abs(z[0])):
        problem = cp.Problem(cp.Minimize(objective), [x >= 1, x <= 0])
        assert judged(problem).convex is None and "x" in judged(problem).empty


def test_a_problem_is_shown_with_the_reason_of_each_part():
    p, q = cp.Variable(pos=True, name="p"), cp.Variable(pos=True, name="q")
    verdict = judged(cp.Problem(cp.Minimize(p + q), [p * q >= 1]))
    for part in verdict.parts.values():
        assert part.reasons["convex"] in str(verdict)
    assert "cn.rewrite" in str(verdict)


@pytest.mark.parametrize(
    "where", [3, "x", (1, 0), (np.nan, 1), ("a", 1), [True], ([1, 2, 3], 4), (np.inf, np.inf)]
)
def test_what_is_no_domain_is_refused(where):
    with pytest.raises(InputError, match="where= takes"):
        judged(NET, where)


def test_where_needs_an_unknown_input():
    with pytest.raises(InputError, match="unknown input"):
        convexity(NET, "weights", loss="squared", data=([[1, 2.0]], [1.0]), where=(0, 1))
    with pytest.raises(InputError, match="its constraints"):
        convexity(cp.Problem(cp.Minimize(cp.Variable())), where=(0, 1))
    for wrong in ([cp.Variable(3) <= 1], [cp.Variable(2) <= cp.Variable(2)]):
        with pytest.raises(InputError, match="shape"):
            judged(NET, wrong)


def test_blocks_and_repairs_keep_the_domain():
    verdict = convexity(NET, where=(-1, 1))
    assert all("on -1 <= x <= 1" in repair.verdict.about for repair in verdict.repairs)
    assert verdict.repairs


# Equalities


def two_rows():
    """A random indefinite form, and rows that are no short numbers."""
    rng = np.random.default_rng(0)
    R = rng.normal(size=(3, 3))
    return R + R.T


ON = {  # expression, equalities, convex, concave
    "xy on a line": ("x * y", "x == y", True, False),
    "xy on the other": ("x * y", "x == -y", False, True),
    "a fixed factor": ("x * y", "x == 2", True, True),
    "a factor that is given": ("c * p * cp.square(y)", "x == c, y == x", True, True),
    "two on the simplex": ("-w[0] * w[1]", "w[0] + w[1] == 1", True, False),
    "three on the simplex": ("cp.quad_form(w, Q)", "cp.sum(w) == 1", False, False),
    "no doubles": ("v[0] * v[1]", "3 * v[0] == 7 * v[1], 3 * v[2] == 1", True, False),
    "returns": ("cp.quad_form(v, R)", "MU @ v == 0.3", False, False),
    "two rows": ("cp.quad_form(v, R)", "MU @ v == 0.3, cp.sum(v) == 1", False, True),
    "a matrix": ("B[0, 0] * B[1, 1]", "B[0, 1] == B[1, 0], cp.trace(B) == 1", False, True),
    "a point": ("-cp.square(x)", "x == 1", True, True),
    "an exponential": ("cp.exp(x) + cp.square(x) - cp.square(y)", "x == y", True, False),
}


@pytest.mark.parametrize("name", ON)
def test_on_equalities(name):
    text, where, convex, concave = ON[name]
    known = {**names(), "cp": cp, "MU": MU, "R": two_rows(), "c": cp.Parameter(name="c")}
    known |= {"Q": np.array([[1, 2, 0], [2, 1, 0], [0, 0, 1.0]]), "B": cp.Variable((2, 2))}
    verdict = judged(eval(text, known), list(eval(f"({where},)", known)))
    assert (verdict.convex, verdict.concave) == (convex, concave)
    assert cn.check(verdict.certificate).valid
    for witness in verdict.counterexamples.values():
        assert witness.verify()


def test_a_problem_on_a_line_is_refuted():
    y = cp.Variable(2, name="y")
    verdict = judged(cp.Problem(cp.Minimize(-cp.square(y[0])), [y[0] == y[1]]))
    assert verdict.convex is False and verdict.counterexample.verify()


def test_ends_on_a_border_that_does_not_belong_to_the_set():
    p, q = names()["p"], names()["q"]
    verdict = judged(cp.Problem(cp.Minimize(p * q), [p + q == 1]))
    assert verdict.convex is False and verdict.counterexample.verify()


def test_an_objective_within_bounds_that_constraints_imply():
    x = names()["x"]
    verdict = judged(cp.Problem(cp.Minimize(1 / (1 - 2 * x)), [1 - 2 * x >= 1]))
    assert verdict.convex and cn.check(verdict.certificate).valid


def test_another_statement_has_to_imply_the_one_at_hand():
    x, y = names()["x"], names()["y"]
    verdict = judged(x * y, [x == y, x >= -1])
    document = json.loads(json.dumps(verdict.certificate.to_dict()))
    assert cn.check(document).valid
    constraints = document["claims"][0]["constraints"]
    document["claims"][0]["constraints"] = [c for c in constraints if c["kind"] != "Equality"]
    assert "the leaf that it replaces" in cn.check(document).reason


# Bounds that constraints imply


BOUNDED = {  # expression, where
    "a norm": ("cp.sum(-cp.power(v, 4) + 12 * cp.square(v))", "cp.norm(v) <= 1"),
    "an absolute value": ("-cp.square(cp.square(x) - 1) + y", "cp.abs(x) <= 0.5"),
    "a chain": ("cp.logistic(x) * x", "x >= 1, x <= y, y <= 4"),
    "a sum": ("cp.square(cp.square(x) - 3) + y", "cp.sum(v) + x == 4, v <= 0, y <= 7"),
    "a product": ("x * cp.abs(x)", "x * y >= 1, y >= 1"),
    "moved": ("x**4 - 3 * cp.square(x) - x", "x + 1 >= 2"),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_constraints_bound_the_entries(name):
    text, where = BOUNDED[name]
    known = {**names(), "cp": cp}
    verdict = judged(eval(text, known), list(eval(f"({where},)", known)))
    assert verdict.convex and cn.check(verdict.certificate).valid


def test_a_bound_that_no_constraint_implies_is_refused():
    x, y = names()["x"], names()["y"]
    verdict = judged(x**4 - 3 * cp.square(x) - x + y, [x + 1 >= 2, y + 1 >= 1])
    document = json.loads(json.dumps(verdict.certificate.to_dict()))
    (claim,) = (c for c in document["claims"] if c["says"] == "convex")
    assert cn.check(document).valid
    bounds = claim["proof"]["bounds"]
    for key, value in (("end", 1.5), ("side", "high"), ("constraint", 1), ("entry", 1)):
        row, kept = bounds[0], bounds[0][key]
        row[key] = value
        assert not cn.check(document).valid
        row[key] = kept


# Level sets


def names():
    found = {n: cp.Variable(name=n) for n in "xyz"}
    found |= {n: cp.Variable(name=n, pos=True) for n in "pqr"}
    return found | {"w": cp.Variable(3, name="w", nonneg=True), "v": cp.Variable(3, name="v")}


S = np.array([[0.04, 0.01, 0.0], [0.01, 0.09, 0.02], [0.0, 0.02, 0.0625]])
MU = np.array([0.1, 0.2, 0.15])
SETS = {
    "cp.exp(x) >= 2": True,
    "p * q >= 1": True,
    "x * y >= 1": False,
    "p / q <= 3": True,
    "cp.log(p) <= 3": True,
    "cp.log(p) == 2": True,
    "cp.sqrt(x) <= 2": True,
    "x / y <= 2": False,
    "p * q >= cp.square(x)": True,
    "p * q - cp.square(x) >= 0": True,
    "p * q * r >= 1": True,
    "cp.exp(x) * p >= 1": True,
    "cp.prod(w + 1) >= 2": True,
    "cp.square(x) + cp.square(y) <= cp.square(p)": True,
    "cp.square(x) + cp.square(y) <= cp.square(z)": False,
    "w[0] / cp.sum(w) <= 0.3": True,
    "MU @ w >= 0.1 * cp.sqrt(cp.quad_form(w, S))": True,
    "2 / (1 / p + 1 / q) >= 1": True,
    "x**3 <= 8": True,
    "cp.exp(v) >= 2": True,
    "cp.abs(x) == 1": False,
    "cp.norm(v) >= 1": False,
    "cp.square(x) == 1": False,
    "cp.square(w[0]) >= 1": True,
    "cp.square(x) == 0": True,
    "w @ (w + 1) >= 2": False,
    "p * (w + 1) >= 2": True,
}


@pytest.mark.parametrize("text", SETS)
def test_sets_that_are_convex_though_no_function_is(text):
    known = {**names(), "cp": cp, "MU": MU, "S": S}
    problem = cp.Problem(cp.Minimize(0), [eval(text, known)])
    verdict = convexity(problem, complete=False)
    assert verdict.convex is SETS[text]
    result = cn.check(verdict.certificate)
    assert result.valid or "'same'" in result.reason
    if verdict.convex is False:
        assert verdict.counterexample.refutes == "set" and verdict.counterexample.verify()


def test_a_constraint_may_rest_on_the_others():
    x, y = names()["x"], names()["y"]
    for others, convex in (([y >= 1], True), ([], False), ([cp.square(y) >= 1], None)):
        problem = cp.Problem(cp.Minimize(x), [x / y <= 2, *others])
        assert convexity(problem, complete=False).convex in (convex, False)


@pytest.mark.parametrize(
    "where",
    [
        "x * y >= 1, x >= 0",
        "(1 - 2 * x) * y >= 1, 1 - 2 * x >= 0",
        "cp.square(1 - 2 * x) >= 1, 1 - 2 * x >= 0",
        "cp.sum_squares(v) <= cp.square(1 - 2 * x), 1 - 2 * x >= 0",
        "x * y >= cp.square(z) + 1, x + 3 >= 4",
    ],
)
def test_a_constraint_may_bound_its_own_factors(where):
    verdict = judged(cp.Problem(cp.Minimize(0), list(eval(f"({where},)", {**names(), "cp": cp}))))
    assert verdict.convex and cn.check(verdict.certificate).valid


def test_a_set_with_a_hole_in_its_domain_is_not_proved():
    x = names()["x"]
    for constraint in (cp.sqrt(cp.square(x) - 1) <= 2, cp.square(cp.sqrt(cp.square(x) - 1)) <= 3):
        assert convexity(cp.Problem(cp.Minimize(0), [constraint])).convex is not True


def test_a_problem_names_the_part_and_the_term_at_fault():
    x, y, z = (names()[n] for n in "xyz")
    problem = cp.Problem(cp.Minimize(cp.square(x) - cp.square(y) + z), [x <= 1])
    assert "objective; the term -power(y, 2)" in str(convexity(problem).blame)
    problem = cp.Problem(cp.Minimize(x), [x <= 1, cp.square(x) + x * y <= 1])
    assert "constraint 1" in convexity(problem).blame.part
    assert convexity(problem).blame.term == "x * y"


# Certificates of problems


def portfolio():
    w, p = names()["w"], names()["p"]
    return cp.Problem(
        cp.Minimize(cp.quad_form(w, S) + cp.inv_pos(p)),
        [cp.sum(w) == 1, w[0] / cp.sum(w) <= 0.5, p * cp.exp(w[1]) >= 1, cp.SOC(p, w), p <= 3],
    )


def test_the_certificate_of_a_problem_travels(tmp_path):
    verdict = judged(portfolio())
    assert verdict.convex and verdict.certificate.claims == ("convex problem",)
    verdict.certificate.save(tmp_path / "problem.json")
    assert cn.check(tmp_path / "problem.json").valid


@pytest.mark.parametrize("place", range(5))
def test_a_problem_with_another_constraint_is_not_proved(place):
    """A constraint in another direction is another set; one that nothing proves is missing."""
    document = json.loads(json.dumps(judged(portfolio()).certificate.to_dict()))
    claim = document["claims"][0]
    other = json.loads(json.dumps(document))
    other["claims"][0]["proof"]["sets"].pop(place)
    assert not cn.check(other).valid
    if claim["constraints"][place]["kind"] == "Inequality":
        claim["constraints"][place]["args"].reverse()
        assert not cn.check(document).valid


def test_no_other_kind_of_proof_is_about_problems():
    document = json.loads(json.dumps(judged(portfolio()).certificate.to_dict()))
    (claim,) = document["claims"]
    proofs = ({"kind": "rules"}, {"kind": "boxes"}, {"kind": "restated", **claim}, {})
    for proof in proofs:
        assert not cn.check({**document, "claims": [{**claim, "proof": proof}]}).valid


@pytest.mark.parametrize("kind", ["FiniteSet", "PowCone3D", "unheard of"])
def test_affine_members_of_what_is_no_convex_cone_prove_nothing(kind):
    x, y, p = (names()[n] for n in "xyp")
    verdict = judged(cp.Problem(cp.Minimize(p), [cp.PowCone3D(x, y, p, 0.25)]))
    document = json.loads(json.dumps(verdict.certificate.to_dict()))
    assert cn.check(document).valid
    (constraint,) = document["claims"][0]["constraints"]
    constraint["kind"] = kind
    constraint["options"]["alpha"]["entries"] = [1.5]
    assert "may not be convex" in cn.check(document).reason


def test_a_set_of_few_values_is_relaxed_in_the_certificate():
    x = names()["x"]
    verdict = judged(cp.Problem(cp.Minimize(cp.square(x)), [cp.FiniteSet(x, [1, 2])]))
    assert verdict.relaxation.convex and verdict.convex is False
    assert cn.check(verdict.relaxation.certificate).valid


def test_a_verdict_without_evidence_has_nothing_to_check():
    verdict = judged(cp.Variable() * float("nan"))
    result = cn.check(verdict)
    assert verdict.certificate is None
    assert not result.valid and "no certificate" in result.reason


def test_a_constraint_may_have_no_rows():
    """A product with an empty matrix, as in written programs that need no constraint."""
    x = cp.Variable(2)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x)), [cp.Constant(np.zeros((0, 2))) @ x >= 0])
    verdict = cn.convexity(problem)
    assert verdict.convex and cn.check(verdict).valid
