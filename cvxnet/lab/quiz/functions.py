"""Items about functions: curvature, compositions, operations, domains, losses."""

from __future__ import annotations

import re

import cvxpy as cp
import numpy as np

from cvxnet.analysis import Verdict, convexity
from cvxnet.lab.quiz.formulas import (
    ABSOLUTE,
    EXPONENTIAL,
    RELU,
    Formula,
    X,
    extreme,
    joined,
    negated,
    random_composition,
    random_convex,
    scaled,
    shifted,
    squared,
)
from cvxnet.lab.quiz.items import (
    Item,
    Option,
    curvature_options,
    number,
    odd_one_out,
    told,
)

TRIED = 24
"""So many functions are drawn to find one right and three wrong options."""


def judge(formula: Formula, low: float | None = None, high: float | None = None) -> Verdict:
    """The verdict on a function of one variable, on all numbers or on an interval."""
    x = cp.Variable(name="x") if low is high is None else cp.Variable(name="x", bounds=[low, high])
    return convexity(formula.at(x))


def curvature(rng: np.random.Generator) -> Item | None:
    """Is this function convex, concave, both or neither?"""
    formula = random_composition(rng)
    options = curvature_options(judge(formula))
    if options is None:
        return None
    return Item(
        "What is this function of one number x?",
        (f"f(x) = {formula.text}",),
        options,
        "A rule that applies proves convexity. A rule that stops proves nothing; three points do.",
        "cn.convexity(f)",
    )


def composition(rng: np.random.Generator) -> Item | None:
    """Which composition is convex?"""
    drawn = [random_composition(rng) for _ in range(TRIED)]
    judged = ((formula, judge(formula)) for formula in drawn)
    known = (
        Option(f"f(x) = {formula.text}", verdict.convex, told(verdict))
        for formula, verdict in judged
        if verdict.convex is not None
    )
    options = odd_one_out(rng, known)
    if options is None:
        return None
    return Item(
        "Which of these functions is convex?",
        (),
        options,
        "f(g(x)) with f convex and nondecreasing where g arrives, and g convex, is convex. Around "
        "an affine g, f need not be monotone.",
        "cn.convexity(f) for each",
    )


def operation(rng: np.random.Generator) -> Item | None:
    """Which operation on two convex functions loses convexity?"""
    f, g = random_convex(rng), random_convex(rng)
    one, two = Formula("f(x)", f.at), Formula("g(x)", g.at)
    multiple = scaled(two, int(rng.integers(2, 5)))
    made = [joined("+", one, multiple), extreme("max", one, two), RELU(one), EXPONENTIAL(two)]
    made += [joined("·", one, two), joined("−", one, two), extreme("min", one, two)]
    made += [squared(shifted(one, -int(rng.integers(1, 4)))), negated(extreme("max", one, two))]
    judged = ((made[k], judge(made[k])) for k in rng.permutation(len(made)))
    known = (
        Option(formula.text, verdict.convex is False, told(verdict))
        for formula, verdict in judged
        if verdict.convex is not None
    )
    options = odd_one_out(rng, known)
    if options is None:
        return None
    return Item(
        "f and g are convex. Which of these is not?",
        (f"f(x) = {f.text}", f"g(x) = {g.text}"),
        options,
        "Sums with nonnegative weights and maxima keep convexity; differences, products and "
        "minima may lose it.",
        "cn.convexity(...) for each",
    )


def domain(rng: np.random.Generator) -> Item | None:
    """On which interval is this function convex?"""
    c, s = int(rng.integers(1, 4)), int(rng.integers(-1, 3))
    line = shifted(X, -s) if s else X
    inner = shifted(squared(line), -c * c) if rng.random() < 0.5 else shifted(ABSOLUTE(line), -c)
    formula = ABSOLUTE(inner) if rng.random() < 0.5 else squared(inner)
    intervals = {
        "on all numbers": (None, None),
        f"for x ≥ {number(s + c)}": (s + c, None),
        f"for x ≥ {number(s)}": (s, None),
        f"for {number(s - c)} ≤ x ≤ {number(s + c)}": (s - c, s + c),
        f"for x ≤ {number(s)}": (None, s),
        f"for x ≤ {number(s - c)}": (None, s - c),
    }
    judged = [(text, judge(formula, *ends)) for text, ends in intervals.items()]
    known = [
        Option(text, verdict.convex, told(verdict))
        for text, verdict in (judged[k] for k in rng.permutation(len(judged)))
        if verdict.convex is not None
    ]
    options = odd_one_out(rng, known)
    if options is None:
        return None
    return Item(
        "On which of these sets is this function convex?",
        (f"f(x) = {formula.text}",),
        options,
        "Convexity is about a function and a set. The outer function need only be monotone where "
        "the inner one arrives.",
        "cn.convexity(f) with x = cp.Variable(bounds=[low, high])",
    )


def losses(rng: np.random.Generator) -> Item | None:
    """Which loss is not convex in the prediction?"""
    c = int(rng.integers(1, 4))
    name = "r" if rng.random() < 0.5 else "m"
    made = residual_losses(c) if name == "r" else margin_losses(c)
    judged = ((made[k], judge(made[k])) for k in rng.permutation(len(made)))
    known = (
        Option(renamed(formula.text, name), verdict.convex is False, told(verdict))
        for formula, verdict in judged
        if verdict.convex is not None
    )
    options = odd_one_out(rng, known)
    what = "r = f − y of a prediction f" if name == "r" else "m = y·f of a prediction f, y = ±1"
    if options is None:
        return None
    return Item(
        f"Four losses of {what}. Which of them is not convex in the prediction?",
        (),
        options,
        "r and m are affine in f, so a loss is convex in f where it is convex in them. Losses "
        "that level off far out are not.",
        "cn.convexity(loss) for each",
    )


def renamed(text: str, name: str) -> str:
    """The same of another letter than x."""
    return re.sub("(?<![a-z])x(?![a-z])", name, text)


def residual_losses(c: int) -> list[Formula]:
    """Losses of a residual x; the last ones level off."""
    square = squared(X)
    return [
        square,
        scaled(ABSOLUTE(X), c),
        RELU(shifted(ABSOLUTE(X), -c)),
        Formula(f"√({number(c)} + x²)", lambda x: cp.sqrt(c + cp.square(x))),
        Formula("max(x, 0) + 2·|x|", lambda x: cp.pos(x) + 2.0 * cp.abs(x)),
        Formula(f"log(1 + {scaled(square, c).text})", lambda x: cp.log(1 + c * cp.square(x))),
        extreme("min", square, Formula(number(c), lambda x: cp.Constant(float(c)))),
        Formula("1 − exp(−x²)", lambda x: 1.0 - cp.exp(-cp.square(x))),
    ]


def margin_losses(c: int) -> list[Formula]:
    """Losses of a margin x; the last ones level off."""
    hinge = RELU(shifted(negated(X), c))
    return [
        hinge,
        squared(hinge),
        EXPONENTIAL(negated(X)),
        Formula("log(1 + exp(−x))", lambda x: cp.logistic(-x)),
        scaled(hinge, 2.0),
        extreme("min", hinge, Formula("1", lambda x: cp.Constant(1.0))),
        Formula("1 / (1 + exp(x))", lambda x: cp.inv_pos(1.0 + cp.exp(x))),
        extreme("min", squared(hinge), Formula("2", lambda x: cp.Constant(2.0))),
    ]
