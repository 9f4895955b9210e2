"""Second derivatives on boxes: what is enclosed, what is proved, and what is refused."""

from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest
from flint import ctx, fmpq

import cvxnet as cn
from cvxnet.analysis.evidence import Proof, is_proved, statement_of
from cvxnet.analysis.questions import ask_about_expression
from cvxnet.layers.atoms import elu, gelu, leaky_relu, sigmoid, silu, squareplus, tanh
from cvxnet.proofs.checker.convexity.boxes.boxes import BITS, Region

BOXES = {"kind": "boxes"}
SCALAR = {
    "exp": (cp.exp, -3, 3),
    "log": (cp.log, 0.1, 5),
    "log1p": (cp.log1p, -0.9, 4),
    "logistic": (cp.logistic, -5, 5),
    "entr": (cp.entr, 0.1, 3),
    "xexp": (cp.xexp, 0.1, 3),
    "huber": (lambda t: cp.huber(t, 1.5), -4, 4),
    "cube": (lambda t: cp.power(t, 3), 0.1, 2),
    "fourth": (lambda t: cp.power(t, 4), -2, 2),
    "root": (cp.sqrt, 0.1, 4),
    "power": (lambda t: cp.power(t, 2.5), 0.1, 2),
    "inverse": (cp.inv_pos, 0.2, 3),
    "inverse square": (lambda t: cp.power(t, -2), 0.3, 3),
    "sin": (cp.nlp.sin, -7, 7),
    "cos": (cp.nlp.cos, -7, 7),
    "tan": (cp.nlp.tan, -1.2, 1.2),
    "sinh": (cp.nlp.sinh, -2, 2),
    "asinh": (cp.nlp.asinh, -3, 3),
    "tanh": (cp.nlp.tanh, -3, 3),
    "atanh": (cp.nlp.atanh, -0.8, 0.8),
    "normcdf": (cp.nlp.normcdf, -3, 3),
    "quotient": (lambda t: (t + 5) / cp.exp(t), -2, 2),
    "product": (lambda t: cp.multiply(cp.exp(t), cp.nlp.sin(t)), -2, 2),
    "elu": (lambda t: elu(t, 1.0), -3, 3),
    "gelu": (gelu, -3, 3),
    "sigmoid": (sigmoid, -4, 4),
    "silu": (silu, -4, 4),
    "squareplus": (lambda t: squareplus(t, 2.0), -3, 3),
    "tanh of cvxnet": (tanh, -3, 3),
    "log-sum-exp": (lambda t: cp.log_sum_exp(cp.hstack([t, -2 * t, 1.0])), -2, 2),
}


def region(expression, goal="convex"):
    return Region(statement_of(ask_about_expression(expression), goal))


def side(low, high):
    return (fmpq(*float(low).as_integer_ratio()), fmpq(*float(high).as_integer_ratio()))


def ends(interval):
    return float(interval.low.lower()), float(interval.high.upper())


@pytest.mark.parametrize("name", SCALAR)
def test_the_second_difference_lies_in_the_enclosure(name):
    function, low, high = SCALAR[name]
    x = cp.Variable()
    expression, rng = function(x), np.random.default_rng(0)
    asked = region(expression)
    for h in 10.0 ** rng.uniform(-2.0, 0.0, 20):
        h = min(h, (high - low) / 3)
        at = rng.uniform(low + h, high - h)
        values = []
        for t in (at - h, at, at + h):
            x.value = t
            values.append(float(expression.value))
        with ctx.workprec(BITS):
            jet = asked.jet((side(at - h, at + h),), 0)
        for t, value in zip((at - h, at, at + h), values, strict=True):
            least, most = ends(jet.value)
            assert least - 1e-9 <= value <= most + 1e-9, (name, t)
        slope, (least, most) = (values[2] - values[0]) / (2 * h), ends(jet.slope[0])
        assert least - 1e-8 <= slope <= most + 1e-8
        bend = (values[2] - 2 * values[1] + values[0]) / h**2
        low_end, high_end = np.sum([(0.0, 0.0), *map(ends, jet.lines.values())], axis=0)
        assert low_end - 1e-6 <= bend <= high_end + 1e-6


def proved(expression, goal="convex"):
    return is_proved(ask_about_expression(expression), goal, Proof("", BOXES))


n, p = cp.Variable(nonneg=True), cp.Variable(pos=True)
b, i = cp.Variable(bounds=[1, 2]), cp.Variable(bounds=[-1, 1])
x, z = cp.Variable(), cp.Variable(2)
c = cp.Variable(2, bounds=[-1, 1])
CONVEX = {
    "exponential minus parabola": cp.exp(n) - cp.square(n) / 2,
    "quartic on a box": cp.power(b, 4) - 3 * cp.square(b) - b,
    "p exp p": p * cp.exp(p),
    "cube": p * p * p,
    "softplus times exponential": cp.multiply(cp.logistic(x), cp.exp(x)),
    "square of a square": cp.square(cp.square(x) - 1) + 2 * cp.square(x),
    "gelu around zero": gelu(1.4 * i),
    "silu around zero": silu(2 * i),
    "coupled": cp.exp(c[0] * c[1]) + 3 * cp.sum_squares(c),
    "coupled by a matrix": cp.sum(cp.exp(c)) + c[0] * c[1] / 4,
    "separable": cp.sum(cp.power(c, 4)) + cp.sum(cp.square(c)),
    "a kink that points upward": cp.abs(x) * 2 + cp.square(x) + cp.nlp.sin(x),
    "weights of softmax": cp.log_sum_exp(z) + cp.sum_squares(z) + cp.nlp.sin(z[0]),
}


@pytest.mark.parametrize("name", CONVEX)
def test_convex_functions_are_proved(name):
    assert proved(CONVEX[name])
    assert proved(-CONVEX[name], "concave")
    assert not proved(-CONVEX[name])


@pytest.mark.parametrize(
    "expression",
    [
        cp.power(i, 4) - cp.square(i) / 1000,
        cp.square(x) - cp.abs(x) / 1000,
        cp.exp(c[0] * c[1]) + 0.4 * cp.sum_squares(c),
        cp.nlp.sin(i),
        gelu(1.5 * i),
        cp.sqrt(-cp.square(x)) - cp.square(z[0]),
        leaky_relu(x, 2.0),
        cp.minimum(x, 1),
        -cp.abs(c[0] - c[1]) - cp.abs(c[1]),
        cp.sqrt(cp.pos(x)) + cp.pos(x),
    ],
)
def test_nothing_else_is_proved(expression):
    assert not proved(expression)


def test_what_no_constraint_allows_is_left_out():
    q = cp.Variable(bounds=[-3, 3])
    f = cp.power(q, 4) - 3 * cp.square(q)
    question = ask_about_expression(f)
    assert not proved(f)
    assert cn.convexity(cp.Problem(cp.Minimize(f), [q >= 1])).convex
    assert question.constraints == ()


def test_a_parameter_may_be_anything_in_its_range():
    w = cp.Parameter(bounds=[-1, 1], name="w")
    assert proved(cp.square(b) * 2 + w * cp.nlp.sin(b))
    assert not proved(cp.square(b) / 4 + w * cp.nlp.sin(b))


def test_a_point_with_a_negative_curvature_becomes_a_counterexample():
    v = cp.Variable(2, bounds=[-1, 1])
    verdict = cn.convexity(cp.sum(cp.exp(v)) + 1.2 * v[0] * v[1] * cp.exp(-v[0] - v[1]))
    assert verdict.convex is False


def test_boxes_without_values_say_nothing():
    t = cp.Variable(bounds=[-2, 2])
    assert proved(cp.square(t) * 3 + cp.log(t) * cp.square(t)) is False
    assert proved(cp.power(t + 1, 3) - cp.log(t))
    assert not proved(cp.sqrt(cp.square(t) + cp.power(t, 4)) * -1 + 10 * cp.square(t))


def test_an_unknown_says_how_little_is_missing():
    z = cp.Variable()
    verdict = cn.convexity(cp.exp(2 * z) / 4 - 4 * cp.exp(z) + 2 * cp.square(z))
    assert verdict.convex is None
    assert (
        "times the squares of the unknowns added it is proved convex" in verdict.reasons["convex"]
    )


def test_fractions_and_hostile_evidence():
    asked = ask_about_expression(cp.square(x) * Fraction(1, 2).numerator)
    for evidence in ({"kind": "boxes", "tree": 3}, {"kind": "boxes", "more": "x" * 1000}):
        assert is_proved(asked, "convex", Proof("", evidence))
        assert not is_proved(asked, "concave", Proof("", evidence))
