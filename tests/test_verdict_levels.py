"""Level sets in one variable: what is proved an interval is one on a grid, and most are proved."""

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.analysis.evidence import Proof, is_proved
from cvxnet.analysis.questions import Question
from cvxnet.proofs.checker.convexity.answer import KINDS

LEVEL = Proof("", {"kind": "level"})
GRID = np.linspace(-6.0, 6.0, 241)
FUNCTIONS = (
    lambda x: x * x * x - 3 * x,
    lambda x: x * cp.abs(x) - x,
    lambda x: x * cp.exp(x),
    lambda x: x**4 - 2 * x**2,
    lambda x: cp.exp(-cp.square(x)) - x / 8,
    lambda x: cp.log(1 + cp.square(x)) + cp.abs(x - 1) / 3,
    lambda x: cp.minimum(cp.square(x), cp.abs(x - 2)),
    lambda x: cp.sqrt(x + 2) - x / 2,
    lambda x: (x + 1) / cp.exp(x),
)


def is_level(expression, variables):
    """Whether the checker takes the points where an expression is at most zero for convex."""
    return is_proved(
        Question(expression=expression, unknowns=tuple(variables), names={}), "sublevel", LEVEL
    )


def value(expression, x, point):
    """The value at a point, infinite where there is none."""
    x.value = point
    with np.errstate(all="ignore"):
        found = float(expression.value)
    return found if np.isfinite(found) else np.inf


def has_one_part(values):
    """Whether the points of a grid at or below zero are neighbours."""
    inside = np.flatnonzero(values <= 1e-9)
    beyond = np.flatnonzero(values > 1e-6)
    return not inside.size or not ((beyond > inside[0]) & (beyond < inside[-1])).any()


@pytest.mark.parametrize("make", FUNCTIONS)
def test_what_is_proved_is_an_interval_on_a_grid(make):
    x = cp.Variable()
    values = np.array([value(make(x), x, point) for point in GRID])
    rng, proved = np.random.default_rng(0), 0
    for level in np.quantile(values[np.isfinite(values)], rng.uniform(size=6)):
        one_part = has_one_part(values - level)
        found = is_level(make(x) - float(level), [x])
        assert not found or one_part
        proved += found == one_part
    assert proved >= 3


@pytest.mark.parametrize(
    ("text", "convex"),
    [
        ("x*x*x - 3*x <= 2", True),
        ("x*x*x - 3*x <= 1.999", False),
        ("x*cp.exp(x) <= 1", True),
        ("x + cp.log(x) <= 3", True),
        ("x/(1 + cp.abs(x)) <= 0.5", True),
        ("x**4 - x**2 <= 0", True),
        ("cp.square(1 - 2*x) == 0", True),
        ("cp.multiply(v, cp.abs(v)) - v <= 1", True),
        ("cp.multiply(v, cp.abs(v)) - v <= [1, 0.2]", False),
        ("x - cp.log(x) >= 2", False),
        ("p + 1/p <= 3", True),
        ("p + 1/p >= 3", False),
        ("cp.abs(p - 1/p) <= 1", True),
    ],
)
def test_sets_of_problems(text, convex):
    given = {"cp": cp, "x": cp.Variable(name="x"), "v": cp.Variable(2, name="v")}
    given["p"] = cp.Variable(pos=True, name="p")
    verdict = cn.convexity(cp.Problem(cp.Minimize(0), [eval(text, given)]))
    assert verdict.convex is convex
    assert cn.check(verdict).valid


def test_poles_parameters_and_more_variables_are_refused():
    x, y = cp.Variable(), cp.Variable()
    assert not is_level(-1 / x - 1, [x])
    assert not is_level(x * x * x - cp.Parameter(), [x])
    assert not is_level(x * x * x + y, [x, y])


def test_no_other_kind_proves_a_level_set():
    x = cp.Variable()
    question = Question(expression=1 - cp.square(x), unknowns=(x,), names={})
    for kind in sorted(KINDS):
        assert not is_proved(question, "sublevel", Proof("", {"kind": kind}))
