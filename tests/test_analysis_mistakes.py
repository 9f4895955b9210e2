"""Thirty things that CVXPY users typically get wrong, explained at least as well as by DCPError.

CVXPY's message names the innermost sub-expressions that are not DCP. Here, for each example, the
verdict says at least that much (the node and the rule) and in addition whether the function really
is not convex, or how to write it so that CVXPY accepts it.
"""

import cvxpy as cp
import numpy as np
import pytest

from cvxnet.analysis import convexity

x, y, w = (cp.Variable(name=n) for n in "xyw")
z, v = cp.Variable(3, name="z"), cp.Variable(3, name="v")
p, q = cp.Variable(pos=True, name="p"), cp.Variable(pos=True, name="q")
A = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]])
P = np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
T, F = True, False

# (expression, convex, concave, words in the blame or in a repair)
MISTAKES = [
    (x * y, F, F, "two expressions in the unknowns are multiplied (x times y)"),
    (x * x, T, F, "cp.square"),
    (z @ z, T, F, "cp.sum_squares"),
    (cp.sum(cp.multiply(z, P @ z)), T, F, "two expressions in the unknowns"),
    (cp.sqrt(cp.sum(cp.square(z))), T, F, "cp.norm"),
    (cp.sqrt(cp.sum_squares(A @ z)), T, F, "cp.norm"),
    (cp.sqrt(1 + cp.square(x)), T, F, "cp.norm"),
    (cp.log(cp.sum(cp.exp(z))), T, F, "cp.log_sum_exp"),
    (cp.log(cp.exp(x) + cp.exp(y)), T, F, "cp.log_sum_exp"),
    (cp.log(1 + cp.exp(x)), T, F, "cp.logistic"),
    (x * cp.log(x), T, F, "cp.entr"),
    (p * cp.log(p / q), T, F, "cp.rel_entr"),
    (1 / p, T, F, "cp.inv_pos"),
    (cp.square(x) / p, T, F, "cp.quad_over_lin"),
    (cp.sqrt(p * q), F, T, "cp.geo_mean"),
    (p / q, F, F, "quotient"),
    (cp.square(cp.square(x) - 1), F, F, "square is convex, not monotone on [-1, inf]"),
    (cp.sum_squares(cp.pos(A @ z) - 1), F, F, "argument 1 is convex"),
    (cp.abs(cp.square(x) - 4), F, F, "abs is convex, not monotone on [-4, inf]"),
    (cp.norm(cp.abs(z) - 1), F, F, "norm"),
    (cp.exp(-cp.square(x)), F, F, "its argument is concave"),
    (cp.square(x) - cp.square(y), F, F, "a convex term and a concave term are added"),
    (cp.max(z) - cp.max(v), F, F, "a convex term and a concave term are added"),
    (2 * cp.square(x) - cp.square(x), T, F, ""),
    (cp.quad_form(z, np.diag([1.0, -1.0, 1.0])), F, F, "QuadForm"),
    (cp.log(cp.square(x)), F, F, "log is concave"),
    (cp.sqrt(x) + cp.square(x), F, F, "a convex term and a concave term are added"),
    (cp.maximum(x, -cp.square(y)), F, F, "the maximum of convex functions is convex"),
    (-cp.norm(z) * 2, F, T, "the result is concave here"),
    (np.array([1.0, -1.0, 0.0]) @ cp.square(z), F, F, "1 of 3 factors have the wrong sign"),
    (cp.logistic(-cp.pos(x)), F, F, "its argument is concave"),
    (cp.multiply(z, v), F, F, "z times v"),
    (cp.power(cp.abs(x) - 1, 2), F, F, "not monotone"),
    (cp.log(x) * 2 - cp.log(y), F, F, "a convex term and a concave term are added"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_the_explanation_says_more_than_the_error(number):
    expression, convex, concave, words = MISTAKES[number]
    assert not expression.is_convex()
    verdict = convexity(expression)
    assert (verdict.convex, verdict.concave) == (convex, concave)
    told = [str(verdict.blame), *(repair.change for repair in verdict.repairs)]
    assert any(words in text for text in told), told
    with pytest.raises(cp.error.DCPError):
        cp.Problem(cp.Minimize(cp.sum(expression))).solve()
    # as informative: the failing node with its rule; more: the truth, or the way out
    assert verdict.convex or (verdict.blame and verdict.blame.rule and verdict.blame.needs)
    assert verdict.counterexamples or verdict.convex or verdict.repairs
    text = str(verdict)
    assert "Blame" in text or verdict.convex
    assert all(w.verify() for w in verdict.counterexamples.values())


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_rewrites_are_the_same_function_and_dcp(number):
    expression = MISTAKES[number][0]
    for repair in convexity(expression).repairs:
        changed = repair.verdict.question.expression
        assert changed.is_convex() or changed.is_concave()
        rng = np.random.default_rng(number)
        for _ in range(5):
            for variable in expression.variables():
                variable.value = np.abs(rng.normal(size=variable.shape)) + 0.1
            np.testing.assert_allclose(expression.value, changed.value, rtol=1e-9)


def test_there_are_thirty():
    assert len(MISTAKES) >= 30


def test_a_rewrite_that_leaves_out_part_of_the_domain_says_so():
    x, y, p = cp.Variable(name="x"), cp.Variable(name="y"), cp.Variable(name="p", pos=True)
    free = convexity(cp.square(x) / y).repairs[0]
    assert free.cost == "restricts to 0.0 <= y; the same function there"
    known = convexity(cp.square(x) / p).repairs[0]
    assert known.cost == "nothing: the same function"
    assert x.value is None and y.value is None and p.value is None
