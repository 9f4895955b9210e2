"""Normal forms: what they make equal is equal, and what is equal by a law that they have is."""

import cvxpy as cp
import numpy as np
import pytest

from cvxnet.analysis.derivation import derived
from cvxnet.analysis.documents import expression_document, more_nodes
from cvxnet.analysis.evidence import Proof, is_proved
from cvxnet.analysis.provers.normal import prove_by_groups, prove_by_normal_form
from cvxnet.analysis.questions import ask_about_expression
from cvxnet.proofs.checker.convexity import Statement
from cvxnet.proofs.checker.convexity.forms.normal import equal
from cvxnet.proofs.checker.dual import Clock

x, y = cp.Variable(name="x"), cp.Variable(name="y")
p, q = cp.Variable(nonneg=True, name="p"), cp.Variable(pos=True, name="q")
v, u = cp.Variable(3, name="v"), cp.Variable(2, nonneg=True, name="u")
X = cp.Variable((2, 2), symmetric=True, name="X")

SAME = [
    (cp.abs(x) * cp.abs(x), x * x),
    (cp.square(x + 1), x * x + 2 * x + 1),
    (cp.exp(x) * cp.exp(y), cp.exp(x + y)),
    (cp.log(cp.exp(x)), x),
    (cp.sqrt(p) * p, cp.power(p, 1.5)),
    (cp.log(p * q), cp.log(p) + cp.log(q)),
    (cp.log(1 / q), -cp.log(q)),
    (x * cp.inv_pos(q), x / q),
    (cp.logistic(-x), cp.logistic(x) - x),
    (cp.maximum(x, y), -cp.minimum(-x, -y)),
    (cp.norm(v), cp.sqrt(cp.sum_squares(v))),
    (cp.norm(v, 1), cp.sum(cp.abs(v))),
    (cp.norm_inf(v), cp.max(cp.abs(v))),
    (cp.log_sum_exp(v), cp.log(cp.sum(cp.exp(v)))),
    (cp.quad_form(v, np.diag([1.0, 2, 3])), v[0] ** 2 + 2 * v[1] ** 2 + 3 * v[2] ** 2),
    (x * x / q, cp.quad_over_lin(x, q)),
    (cp.entr(p), -cp.rel_entr(p, 1)),
    (p * cp.log(p / q) - p + q, cp.kl_div(p, q)),
    (cp.sqrt(u[0] * u[1]), cp.geo_mean(u)),
    (cp.exp(2 * cp.log(p)), cp.square(p)),
    (1 / (1 + cp.exp(-x)), cp.exp(x) / (1 + cp.exp(x))),
    (cp.log(1 / (1 + cp.exp(-x))), -cp.logistic(-x)),
    ((p * p - 1) / (p + 1), p - 1),
    (p / (p + 1), 1 - 1 / (p + 1)),
    (cp.huber(-x), cp.huber(x)),
    (cp.abs(x - y) + x + y, 2 * cp.maximum(x, y)),
    (cp.trace(X @ X), cp.sum_squares(X)),
    (cp.sqrt(cp.square(x)), cp.abs(x)),
    (cp.norm(cp.vstack([x, y])), cp.sqrt(x * x + y * y)),
    (v @ v, cp.sum_squares(v)),
    (cp.xexp(p), p * cp.exp(p)),
    (cp.power(q, -2), 1 / (q * q)),
    (cp.lambda_max(X) + x, x + cp.lambda_max(X)),
    (cp.log(cp.exp(x) + cp.exp(y)), cp.log_sum_exp(cp.hstack([x, y]))),
    (p * p * p, cp.power(p, 3)),
    (x / x * y, y),
]
"""The second has values wherever the first has, and the same."""
OTHER = [
    (x * x * x, cp.power(x, 3)),
    (x, cp.exp(cp.log(x))),
    (x * x, cp.square(cp.sqrt(x) * cp.sqrt(x))),
    (y + x - x, x / x * y),
    (x, cp.abs(x)),
    (cp.log(x * y), cp.log(x) + cp.log(y)),
    (cp.sqrt(x * y), cp.sqrt(x) * cp.sqrt(y)),
    (x * cp.abs(x), x * x),
    (cp.kl_div(p, q), p * cp.log(p / q) - p + q),
    (cp.pnorm(v, 3), cp.pnorm(v, 4)),
    (cp.sum_largest(v, 1), cp.sum_largest(v, 2)),
]
"""Different functions, or the second has fewer values."""


b = cp.Variable(3, bounds=[0, 1], name="b")
CONVEX = [
    cp.sum(cp.multiply(b, cp.exp(b))) + cp.sum_squares(v),
    cp.sum(cp.exp(b) - cp.square(b) / 4) + cp.norm(v - b),
    cp.square(cp.maximum(0.2 * x, x)) + x * y - y * x,
    cp.abs(x - y) * cp.square(x - y),
    cp.quad_over_lin(x - y, x + y) + cp.exp(x**2),
    -1 / (1 / p + 1 / q),
    cp.power(p, 3) / cp.square(q),
    p * cp.log(p / q) + cp.norm(v),
    cp.logistic(x) - cp.logistic(-x) + cp.pos(cp.pos(2 * x) - 1),
]
"""Convex by like terms, laws and groups."""
NOT_CONVEX = [
    cp.square(cp.maximum(0.2 * x, x)) - 0.05 * cp.square(x),
    cp.sum(cp.exp(b) - cp.square(b)) + cp.norm(v - b),
    p * cp.log(p / q) - 0.01 * cp.square(p),
    cp.abs(x - y) - 0.01 * cp.abs(x + y),
    cp.power(p, 1.5) / q,
]


def are_equal(one, two):
    """Whether the checker finds it."""
    question = ask_about_expression(one)
    document = expression_document(question)
    statement = Statement(
        document["nodes"], (), frozenset(document["unknowns"]), document["root"], "convex"
    )
    nodes, (root,) = more_nodes(question, two)
    return equal(statement.extended(nodes), statement.root, root, Clock(10))


@pytest.mark.parametrize(("one", "two"), SAME, ids=str)
def test_the_laws_find_what_is_the_same(one, two):
    assert are_equal(one, two)


@pytest.mark.parametrize(("one", "two"), OTHER, ids=str)
def test_what_is_not_the_same_is_not_found_equal(one, two):
    assert not are_equal(one, two)


@pytest.mark.parametrize("expression", CONVEX, ids=str)
def test_convex_by_like_terms(expression):
    question = ask_about_expression(expression)
    provers = (prove_by_normal_form, prove_by_groups)
    found = [proof for prover in provers for proof in prover(derived(question), "convex")]
    assert any(is_proved(question, "convex", proof) for proof in found)


@pytest.mark.parametrize("expression", NOT_CONVEX, ids=str)
def test_what_is_not_convex_is_never_proved(expression):
    question = ask_about_expression(expression)
    provers = (prove_by_normal_form, prove_by_groups)
    found = [proof for prover in provers for proof in prover(derived(question), "convex")]
    assert not any(is_proved(question, "convex", proof) for proof in found)


def test_a_part_proves_nothing_about_another_expression():
    question, other = map(ask_about_expression, (CONVEX[0], NOT_CONVEX[1]))
    (proof,) = prove_by_groups(derived(question), "convex")
    assert is_proved(question, "convex", proof)
    assert not is_proved(other, "convex", proof)
    evidence = {**proof.evidence, "parts": [{**proof.evidence["parts"][0], "root": 0}]}
    assert not is_proved(question, "convex", Proof("", evidence))
