"""Hessians differentiated exactly: what is proved where they are singular, and what is refused."""

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.analysis.evidence import Proof, is_proved
from cvxnet.analysis.questions import ask_about_expression

HESSIAN = {"kind": "hessian"}
p, q = cp.Variable(pos=True, name="p"), cp.Variable(pos=True, name="q")
s, x, y = cp.Variable(nonneg=True), cp.Variable(name="x"), cp.Variable(name="y")
v, a = cp.Variable(3), np.array([1.0, -2.0, 0.5])
CONVEX = {
    "a removable singularity and a tail": cp.log((cp.exp(p) - 1) / p),
    "a zero of second order": cp.exp(x) + cp.exp(-x) - cp.square(x),
    "square": cp.square(cp.exp(x) - x),
    "logarithms": p * (cp.log(p) - 1),
    "relative entropy": x * (cp.log(x) - cp.log(y)),
    "cube over square": cp.power(p, 3) / cp.square(q),
    "reciprocal of a product": 1 / (p * q),
    "perspective of exp": p * cp.exp(x / p),
    "perspective of softplus": p * cp.log(1 + cp.exp(x / p)),
    "square over linear": cp.inv_pos(x + y) * cp.square(x - y),
    "along a line": cp.exp(cp.square(a @ v - 2)) * cp.exp(a @ v - 2),
    "polynomial": x**4 - 4 * x * x * x + 6 * x**2,
    "form": cp.square(x) * cp.square(y) + x**4 + y**4,
    "reciprocal of exp of root": cp.inv_pos(cp.exp(cp.sqrt(s))),
}
CONVEX |= {
    "cube of a size": cp.abs(x) * cp.square(x),
    "size in a denominator": cp.square(x) / (1 + cp.abs(x)),
    "leaky square": cp.square(cp.maximum(0.2 * x, x)),
    "part of a product": cp.pos(x) * cp.exp(x),
    "along a line with a kink": cp.abs(2 * x - 3 * y + 1) * cp.square(2 * x - 3 * y + 1),
    "perspective with a kink": p * (cp.abs(x / p) * cp.square(x / p)),
    "cube of a norm": cp.norm2(v) * cp.sum_squares(v),
}
CONCAVE = {
    "harmonic mean": p * q / (p + q),
    "geometric mean": cp.sqrt(p) * cp.sqrt(q),
    "quotient": p / (p + 1),
    "log of exp": cp.log(cp.exp(x) - 1),
}


def proved(expression, goal):
    return is_proved(ask_about_expression(expression), goal, Proof("", HESSIAN))


@pytest.mark.parametrize("name", CONVEX | CONCAVE)
def test_exact_second_derivatives_prove(name):
    expression, goal = (CONVEX | CONCAVE)[name], "convex" if name in CONVEX else "concave"
    other = "concave" if name in CONVEX else "convex"
    assert proved(expression, goal)
    assert proved(-expression, other)
    assert not proved(expression, other)


@pytest.mark.parametrize(
    "expression",
    [
        10 * cp.square(x) - cp.power(cp.square(x) + x**4, 0.5),  # a kink downward at 0
        10 * cp.square(x) - cp.sqrt(cp.square(x) + cp.square(y)),
        cp.exp(x) + cp.exp(-x) - 1.001 * cp.square(x),
        cp.exp(x / p),
        x**4 - 4 * x * x * x + 5.99 * x**2,
        cp.power(p, 2.9) / cp.square(q),
        cp.square(x) * cp.square(y),
        cp.log(cp.exp(p) + p),
        1 / x,
        cp.square(x) - 0.001 * cp.abs(x),
        cp.abs(x) * (cp.square(x) + cp.square(y) - 0.001),
        cp.sqrt(cp.abs(x)) + cp.square(x),
        cp.square(cp.abs(x) - 0.1),
    ],
)
def test_nothing_else_is_proved(expression):
    assert not proved(expression, "convex")


PARTS = (
    lambda t, u: t + u,
    lambda t, u: t - u,
    lambda t, u: t * u,
    lambda t, u: t / u,
    lambda t, u: cp.exp(t - u),
    lambda t, u: cp.log(t + u),
    lambda t, u: cp.sqrt(t) + u,
    lambda t, u: cp.square(t) - u,
    lambda t, u: cp.entr(t) - u,
    lambda t, u: cp.logistic(u - t),
    lambda t, u: cp.power(t, 1.5) / u,
)


def drawn(rng, depth):
    if depth == 0:
        return (p, q, p + 2 * q)[rng.integers(3)]
    return PARTS[rng.integers(len(PARTS))](drawn(rng, depth - 1), drawn(rng, rng.integers(depth)))


def test_midpoints_agree_with_what_is_proved():
    rng, found = np.random.default_rng(1), 0
    for _ in range(45):
        expression = drawn(rng, 2)
        for goal, sign in (("convex", 1.0), ("concave", -1.0)):
            if not proved(expression, goal):
                continue
            found += 1
            points = rng.exponential(size=(40, 2, 2)) * 3.0
            values = np.array(
                [[value(expression, z) for z in (a, b, (a + b) / 2)] for a, b in points]
            )
            gap = sign * (values[:, 2] - values[:, :2].mean(axis=1))
            scale = 1e-9 * (1.0 + np.abs(values).max(axis=1))
            assert not (gap > scale).any(), (str(expression), goal)
    assert found > 15


def value(expression, point):
    p.value, q.value = point
    return expression.value


def test_a_verdict_says_so_and_its_certificate_holds():
    verdict = cn.convexity(cp.log((cp.exp(p) - 1) / p))
    assert verdict.convex is True
    assert cn.check(verdict.certificate.to_dict()).valid
