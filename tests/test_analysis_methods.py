"""Everything that is tried on a question earns its place: something is found only with it."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest

from cvxnet import layers as L  # noqa: N812
from cvxnet.analysis import convexity
from cvxnet.analysis.deciders import decide_form, decide_matrix
from cvxnet.analysis.derivation import derived
from cvxnet.analysis.lifts import lift_attention, lift_two_layers
from cvxnet.analysis.methods import METHODS, settle
from cvxnet.analysis.questions import Question, ask_about_expression, ask_about_network
from cvxnet.analysis.readings import FORMS, definite_forms
from cvxnet.analysis.remedies import (
    clip_weights,
    freeze,
    replace_activations,
    switch_loss,
    take_logarithms,
)
from cvxnet.analysis.repairs import REMEDIES
from cvxnet.analysis.rewriting.logarithms import entropy, logarithm
from cvxnet.analysis.rewriting.quotients import over_line
from cvxnet.analysis.rewriting.roots import root_of_sum
from cvxnet.analysis.rewriting.rules import (
    RULES,
    another_form,
    product,
    quadratic,
    quadratic_form,
    total,
)
from cvxnet.analysis.rewriting.search import Rules, composed
from cvxnet.analysis.search import (
    try_curvature,
    try_kinks,
    try_lines,
    try_mirrors,
    try_whole_numbers,
)

x, y = cp.Variable(name="x"), cp.Variable(name="y")
p, q = cp.Variable(name="p", pos=True), cp.Variable(name="q", pos=True)
z = cp.Variable(2, name="z")
v = cp.Variable(6, name="v")
ROTATED = np.linalg.qr(np.random.default_rng(3).standard_normal((6, 6)))[0] @ v
PLANES = np.random.default_rng(3).standard_normal((2, 8))
u = cp.Variable(8, name="u")
UPPER = np.array([[2.0, 1.0], [1.0, 2.0]])


def step(value):
    """A hyperbolic tangent of one number."""
    return L.Tanh()(cp.reshape(value, (1, 1), order="F"))


def one_direction_of_many():
    """A large matrix whose only negative eigenvalue belongs to a vector of arbitrary signs."""
    signs = np.sign(np.random.default_rng(0).standard_normal(201))
    return cp.QuadForm(
        cp.Variable(201, name="w"), cp.Constant(np.eye(201) - 0.005 * np.outer(signs, signs))
    )


# method: (what is asked, in words; the question; the curvature; the answer)
FOUND_ONLY_WITH = {
    decide_matrix: (
        "a matrix of 201 rows, one eigenvalue below zero",
        one_direction_of_many(),
        "convex",
        False,
    ),
    decide_form: (
        "softplus(x) - softplus(-x) is x",
        cp.logistic(x) - cp.logistic(-x),
        "convex",
        True,
    ),
    try_whole_numbers: (
        "x y on a line, on which only whole numbers lie exactly",
        Question(expression=x * y, unknowns=(x, y), names={}, constraints=(x + y <= 1, x + y >= 1)),
        "convex",
        False,
    ),
    try_mirrors: (
        "a cone upside down, so flat that it shows at its tip alone",
        cp.sum(cp.exp(v) + cp.exp(-v)) - 1e-3 * cp.norm(v),
        "convex",
        False,
    ),
    try_lines: (
        "a step within a parabola",
        cp.square(x) + 0.05 * step(20 * (x - 3.3)),
        "convex",
        False,
    ),
    try_kinks: (
        "a unit of units with a small weight of the wrong sign",
        cp.sum(cp.exp(u))
        - 1e-3 * cp.pos(cp.pos(PLANES[0] @ u - 0.31) + cp.pos(PLANES[1] @ u + 0.27) - 0.37),
        "convex",
        False,
    ),
    try_curvature: (
        "a ridge that is concave in one of six directions",
        cp.sum_squares(ROTATED[:-1])
        - 0.05 * (cp.logistic(ROTATED[-1]) + cp.logistic(-ROTATED[-1])),
        "convex",
        False,
    ),
}


def asked(thing):
    if isinstance(thing, Question):
        return thing
    if isinstance(thing, cp.Expression):
        return ask_about_expression(thing)
    return ask_about_network(thing, "input", None, None, None, 0.0)


ALONE = replace(METHODS, rules=Rules((), ()), provers=())
KINDS = {name: getattr(METHODS, name) for name in ("deciders", "stages")}
ALL = [(kind, method) for kind, methods in KINDS.items() for method in methods]


@pytest.mark.parametrize(("kind", "method"), ALL, ids=lambda value: getattr(value, "__name__", ""))
def test_every_method_decides_something_that_no_other_does(kind, method):
    """It is decided with all of these, and unknown with all but this one.

    What is looked for afterwards, and takes longer, is left out.
    """
    _, thing, goal, answer = FOUND_ONLY_WITH[method]
    question = derived(asked(thing))
    assert settle(question, goal, ALONE).answer is answer
    others = tuple(other for other in KINDS[kind] if other is not method)
    assert settle(question, goal, replace(ALONE, **{kind: others})).answer is None


# rule: the expression, the curvature
WRITTEN_ONLY_WITH = {
    composed: (cp.maximum(cp.square(x) / p, cp.exp(x)), "convex"),
    quadratic: (cp.square(x) - 2 * x * y + 2 * cp.square(y), "convex"),
    quadratic_form: ((cp.exp(z) @ UPPER) @ cp.exp(z), "convex"),
    product: (cp.square(x) / cp.sqrt(p), "convex"),
    over_line: (p * q / (p + q), "concave"),
    logarithm: (cp.log(1 + cp.exp(cp.square(x))), "convex"),
    root_of_sum: (cp.sqrt(1 + cp.sum_squares(cp.exp(z))), "convex"),
    entropy: (cp.multiply(p, cp.log(p / q)), "convex"),
    total: (2 * cp.exp(x) - cp.exp(x), "convex"),
}


@pytest.mark.parametrize("rule", WRITTEN_ONLY_WITH, ids=lambda rule: rule.__name__)
def test_every_rule_writes_something_that_no_other_does(rule):
    expression, goal = WRITTEN_ONLY_WITH[rule]
    question = ask_about_expression(expression)
    assert another_form(question, goal) is not None
    others = replace(RULES, scalar=tuple(other for other in RULES.scalar if other is not rule))
    assert another_form(question, goal, others) is None


def free(activation, **last):
    return L.Sequential(L.Linear(2, 4), activation, L.Linear(4, 1, **last))


UP = {"nonneg": True}
ONE_CLASS = (np.eye(2), np.array([-1.0, -1.0]))
REPAIRED_BY = {
    clip_weights: (free(L.ReLU()), {"wrt": "input"}),
    freeze: (free(L.Tanh()), {"wrt": "weights"}),
    replace_activations: (L.Sequential(L.Linear(2, 2), L.Tanh()), {"wrt": "input"}),
    switch_loss: (free(L.ReLU(), **UP), {"wrt": "0", "loss": "squared", "data": ONE_CLASS}),
    lift_two_layers: (free(L.ReLU()), {"loss": "squared"}),
    lift_attention: (L.LinearAttention(2, 2, 1), {"loss": "squared"}),
    take_logarithms: (
        L.Sequential(L.Linear(2, 2, **UP), L.ReLU(), L.Linear(2, 1, **UP)),
        {"wrt": "weights"},
    ),
}


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda remedy: remedy.__name__)
def test_every_remedy_repairs_something(remedy):
    network, options = REPAIRED_BY[remedy]
    verdict = convexity(network, **options)
    proposed = {proposal.change for proposal in remedy(verdict.question)}
    assert verdict.convex is False
    assert proposed & {repair.change for repair in verdict.repairs}


def test_every_form_of_a_nearly_definite_matrix_is_offered():
    """A Gram matrix that its rounding has made indefinite."""
    half = np.random.default_rng(0).standard_normal((5, 2))
    matrix = half @ half.T - 1e-17 * np.eye(5)
    expression = cp.QuadForm(cp.Variable(5, name="w"), cp.Constant(matrix))
    changes = {repair.change for repair in convexity(expression).repairs}
    assert {change for change, _, _ in definite_forms(expression)} == set(FORMS.values())
    assert set(FORMS.values()) <= changes
