"""Calls that ended in a traceback, and what they should have said."""

import cvxpy as cp
import numpy as np
import pytest
from cvxpy.transforms.partial_optimize import partial_optimize

import cvxnet as cn
from cvxnet.analysis import convexity
from cvxnet.training.pricing.ascent import ascend

# Verdicts: ordinary expressions

EXPRESSIONS = {
    "cp.sum_largest(cp.Variable(2), 1.5)": (True, False),
    "cp.sum_largest(cp.Variable((2, 3)), 1.5, axis=1)": (True, False),
    "cp.sum_smallest(cp.Variable(3), 2.25)": (False, True),
    "cp.cvar(cp.Variable(3), 0.5)": (True, False),
    "v[::-1]": (True, True),
    "cp.square(v[::-2])": (True, False),
    "M[::-1, ::-2]": (True, True),
    "M[-1, ::-1]": (True, True),
    "-cp.abs(M[::-1, 1:])": (False, True),
    "cp.diag(M, 1)": (True, True),
    "cp.sum_squares(cp.diag(M, -2))": (True, False),
    "-cp.square(cp.diag(v, -1))": (False, True),
    "cp.power(v, cp.Parameter(pos=True))": (None, None),
    "cp.huber(v, cp.Parameter(nonneg=True))": (True, None),
    "np.ones((2, 3, 2)) @ T": (True, True),
    "T @ cp.Variable((2, 3, 2))": (False, False),
    "T @ v": (False, False),
    "cp.square(T @ np.ones((2, 3, 1)))": (True, False),
    "-cp.lambda_max(cp.Variable((2, 2), symmetric=True))": (False, True),
    "cp.square(cp.kron(np.eye(2), M))": (True, False),
    "-cp.square(cp.convolve(np.ones(2), v))": (False, True),
    "cp.nlp.sin(v)": (False, False),
}  # fmt: skip


def leaves():
    """Fresh variables of one, two and three dimensions."""
    return {
        "cp": cp,
        "np": np,
        "v": cp.Variable(3, name="v"),
        "M": cp.Variable((3, 3), name="M"),
        "T": cp.Variable((2, 2, 3), name="T"),
    }


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_ordinary_expressions_get_their_verdict(text):
    verdict = convexity(eval(text, leaves()))
    assert (verdict.convex, verdict.concave) == EXPRESSIONS[text]
    assert all(witness.verify() for witness in verdict.counterexamples.values())


PARTIAL = """partial_optimize(cp.Problem(cp.Minimize(cp.square(v[0] - v[1])), [v[0] >= 0]),
                              dont_opt_vars=[v])"""


@pytest.mark.parametrize(
    ("text", "expected", "why"),
    [
        ("-cp.perspective(cp.square(s), q)", (None, True), "perspective is not evaluated"),
        ("cp.real(1j * v) * v[0]", (None, None), "complex numbers are not evaluated"),
        ("-cp.transforms.indicator([v >= 0])", (None, True), "indicator is not evaluated"),
        (PARTIAL, (True, None), "PartialProblem is not evaluated"),
        ("cp.square(cp.Variable(bounds=[cp.Parameter(), None]))", (True, None), "was found"),
    ],
)
def test_what_is_not_evaluated_is_left_to_the_rules(text, expected, why):
    names = leaves() | {"partial_optimize": partial_optimize}
    names |= {"s": cp.Variable(), "q": cp.Variable(pos=True)}
    verdict = convexity(eval(text, names))
    assert (verdict.convex, verdict.concave) == expected
    unknown = "convex" if verdict.convex is None else "concave"
    assert why in verdict.reasons[unknown]
    assert str(verdict) and verdict._repr_html_()


CONES = {
    "second order": lambda x, y, v: cp.SOC(x, v),
    "rows of a second order": lambda x, y, v: cp.SOC(v, cp.vstack([v, v]), axis=0),
    "exponential": lambda x, y, v: cp.ExpCone(x, y, v[0]),
    "power": lambda x, y, v: cp.PowCone3D(x, y, v[0], 0.25),
    "powers": lambda x, y, v: cp.PowConeND(v, x, np.array([0.25, 0.25, 0.5])),
    "semidefinite": lambda x, y, v: cp.bmat([[x, y], [y, v[0]]]) >> 0,
    "scalar and vector": lambda x, y, v: x <= v,
}


@pytest.mark.parametrize("cone", CONES)
def test_problems_with_cones_get_their_verdict(cone):
    x, y, v = cp.Variable(name="x"), cp.Variable(name="y"), cp.Variable(3, name="v")
    constraint = CONES[cone](x, y, v)
    assert convexity(cp.Problem(cp.Minimize(cp.square(x)), [constraint])).convex
    verdict = convexity(cp.Problem(cp.Minimize(-cp.square(x)), [constraint]))
    assert verdict.convex is not True
    for witness in verdict.counterexamples.values():
        assert witness.verify()
        x.value, y.value, v.value = (witness.middle.get(n, 0.0) for n in "xyv")
        with np.errstate(all="ignore"):  # CVXPY divides by the norm of zero
            assert np.max(constraint.violation()) < 1e-6  # some are computed by a solver


@pytest.mark.parametrize("cone", ["second order", "semidefinite"])
def test_a_set_that_is_not_convex_is_refuted(cone):
    """The same cones with squares in the place of variables."""
    x, y, v = cp.Variable(name="x"), cp.Variable(name="y"), cp.Variable(3, name="v")
    constraint = CONES[cone](cp.square(x), y, v)
    verdict = convexity(cp.Problem(cp.Minimize(x), [constraint]))
    assert verdict.convex is False
    assert verdict.counterexample.refutes == "set" and verdict.counterexample.verify()


# --- tensors, and climbing on raw columns ------------------------------------------------------


def test_tensors_that_require_a_gradient_are_data_like_any_other():
    torch = pytest.importorskip("torch")
    X, y, w = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0]), np.array([1.0, 3.0])
    X_, y_, w_ = (torch.tensor(part, requires_grad=True) for part in (X, y, w))
    plain = cn.train("relu", X, y, weight_decay=0.1, sample_weight=w)
    assert cn.train("relu", X_, y_, weight_decay=0.1, sample_weight=w_).value == plain.value
    assert cn.certify(plain.network, X_, y_, weight_decay=0.1, sample_weight=w_).value > 0.0
    assert cn.largest_weight_decay("relu", X_, y_) == cn.largest_weight_decay("relu", X, y)
    cn.program("relu", X_, y_, weight_decay=0.1)


def test_climbing_from_where_a_step_leads_to_zero_warns_of_nothing():
    def features(U):
        return np.array([[-1.0]]) * U[:, :1].T

    def pull_back(U, v):
        return -np.abs(v).sum() * U  # a step of one leads from u to 0

    with np.errstate(all="raise"):
        found = ascend(features, pull_back, np.ones((2, 1)), np.ones(1), 0.0)
    assert np.isfinite(found.rho)
