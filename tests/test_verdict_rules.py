"""The rows of power means, inner functions and perspectives: what they prove, and that it holds."""

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn

x, u = cp.Variable(name="x"), cp.Variable(name="u", nonneg=True)
p, q = cp.Variable(name="p", pos=True), cp.Variable(name="q", pos=True)
z, w = cp.Variable(3, name="z"), cp.Variable(3, name="w", pos=True)
a, M = np.array([1.0, -2.0, 0.5]), np.eye(3) + 1.0
PROVED = {  # of each row, what it is for: the convex (or, with "-", the concave) cases
    "power": ["cp.power(cp.sqrt(1 + cp.sum_squares(z)), 3)", "cp.sqrt(cp.power(p, 3)) * p"],
    "product": [
        "cp.norm(z) * cp.sum_squares(z)",
        "cp.inv_pos(q) * cp.sum_squares(z)",
        "cp.power(x, 4) * cp.power(p, -3)",
        "cp.square(x - p) / (p + q)",
        "1 / (p * cp.sqrt(q))",
        "-cp.power(p, 0.3) * cp.power(q, 0.6)",
        "cp.quad_form(z, M) * cp.sqrt(cp.quad_form(z, M))",
        "cp.exp(cp.square(x)) * cp.exp(x)",
        "cp.exp(x) / cp.log(1 + p)",
    ],
    "sum": [
        "cp.sum(cp.multiply(cp.exp(z), cp.exp(2 * z)))",
        "cp.sum(cp.square(cp.exp(z) - z))",
        "cp.sum(cp.multiply(w, cp.exp(w))) + cp.square(x)",
        "cp.sum(cp.multiply(w, cp.log(w) - cp.log(1 + p)))",
        "cp.sum(cp.multiply(cp.square(z), cp.inv_pos(w)))",
    ],
    "less": ["-cp.log(cp.sqrt(p) - 1)", "-cp.log(p * q - 1)"],
    "choice": ["cp.inv_pos(cp.minimum(p * q, p))", "cp.log(cp.maximum(cp.exp(cp.square(x)), 2))"],
    "log": [
        "cp.log(1 + cp.exp(x) + cp.exp(cp.square(x)))",
        "-cp.log(cp.inv_pos(1 + cp.exp(-x)))",
        "-cp.log(1 / (1 + cp.exp(-a @ z)))",
        "cp.log(cp.sum(cp.inv_pos(w)))",
    ],
    "exp": ["cp.inv_pos(cp.exp(x))", "cp.inv_pos(cp.exp(cp.sqrt(p)))"],
    "softplus": ["-cp.log(cp.logistic(x))", "cp.inv_pos(cp.logistic(a @ z))"],
    "together": [
        "p * p * p",
        "p * cp.exp(p)",
        "cp.logistic(x) * cp.exp(x)",
        "cp.exp(-x) * cp.logistic(-2 * x)",
        "-cp.multiply(u, 1 - u)",
        "cp.abs(x) * cp.square(x)",
    ],
    "through": [
        "cp.logistic(a @ z) * cp.exp(2 * (a @ z) + 1)",
        "cp.norm(z) * cp.exp(cp.norm(z))",
        "cp.square(cp.sum_squares(z) - 1) + 2 * cp.sum_squares(z)",
        "cp.norm(M @ z + 1, 1) * cp.exp(cp.norm(M @ z + 1, 1))",
        "cp.huber(x) * cp.abs(x)",
    ],
    "slope": ["cp.square(cp.square(x) - 1) + 2 * cp.square(x)", "cp.square(cp.exp(u) - 1)"],
    "tangent": ["cp.square(cp.exp(x) - x)", "cp.square(cp.exp(a @ z) - a @ z)"],
    "perspective": [
        "p * cp.logistic(x / p)",
        "p * cp.log(1 + cp.exp(x / p))",
        "p * (cp.log(p) - cp.log(q))",
        "q * cp.exp(x / q) + q * cp.exp(-x / q)",
        "(p + q) * cp.square(x / (p + q))",
        "cp.rel_entr(p, q) + cp.rel_entr(q, p)",
        "cp.sum(cp.multiply(w, cp.logistic(z / w)))"
        if False
        else "w[0] * cp.logistic(z[0] / w[0])",
    ],
}
CASES = [(row, text) for row, texts in PROVED.items() for text in texts]


@pytest.mark.parametrize(("row", "text"), CASES)
def test_proves_what_dcp_does_not(row, text):
    verdict = cn.convexity(eval(text))
    assert verdict.convex is True
