"""Items about functions: curvature, compositions, operations, domains, other disciplines."""

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


def bent(rng: np.random.Generator) -> tuple[Formula, float]:
    """A function that is convex, quasiconvex or neither, and a level to cut it at."""
    c = int(rng.integers(-2, 3))
    line = shifted(X, -c) if c else X
    size, square = ABSOLUTE(line), squared(line)
    k = int(rng.integers(2, 5))
    return [
        (Formula(f"√{size.inside}", lambda x: cp.sqrt(size.at(x))), 1.0),
        (Formula(f"log(1 + {square.text})", lambda x: cp.log(1.0 + square.at(x))), 1.0),
        (Formula(f"1 − exp(−{square.text})", lambda x: 1.0 - cp.exp(-square.at(x))), 0.5),
        (Formula(f"exp(−{square.text})", lambda x: cp.exp(-square.at(x))), 0.5),
        (extreme("min", size, Formula("1", lambda x: cp.Constant(1.0))), 0.5),
        (ABSOLUTE(shifted(square, -k)), 0.5),
        (squared(shifted(size, -k)), 0.5),
        (Formula(f"√(1 + {square.text})", lambda x: cp.sqrt(1.0 + square.at(x))), 2.0),
        (EXPONENTIAL(scaled(size, k)), 2.0),
        (joined("+", square, scaled(size, k)), 1.0),
    ][rng.integers(10)]


def quasiconvex(rng: np.random.Generator) -> Item | None:
    """Convex, only quasiconvex, or not even that?"""
    formula, level = bent(rng)
    verdict = judge(formula)
    x = cp.Variable(name="x")
    cut = convexity(cp.Problem(cp.Minimize(0.0), [formula.at(x) <= level]))
    quasi = verdict.disciplines["quasiconvex (DQCP)"].startswith("quasiconvex")
    if verdict.convex is None or not (quasi or cut.convex is False):
        return None
    sets = (
        "Quasiconvex, proved by the rules: every set where f is at most c is an interval."
        if quasi
        else f"Not quasiconvex: where f(x) ≤ {number(level)}, there are two points whose midpoint "
        f"does not belong to that set (x = {ends(cut)})."
    )
    why = f"{told(verdict)} {sets}"
    options = (
        Option("convex, and so quasiconvex", bool(verdict.convex), why),
        Option("quasiconvex, but not convex", quasi and not verdict.convex, why),
        Option("not even quasiconvex", not quasi, why),
    )
    return Item(
        "A function is quasiconvex where all its sublevel sets {x : f(x) ≤ c} are convex. What is "
        "this one?",
        (f"f(x) = {formula.text}",),
        options,
        "Convex functions are quasiconvex, but not the other way round; sums of quasiconvex "
        "functions need not be.",
        'cn.convexity(f).disciplines["quasiconvex (DQCP)"]',
    )


def ends(verdict: Verdict) -> str:
    """The two points of a counterexample about one number."""
    example = verdict.counterexample
    if example is None:
        return ""
    return " and ".join(number(float(np.ravel(p["x"])[0])) for p in (example.a, example.b))


Terms = list[tuple[int, int, int]]
"""Monomials c x^a y^b as (c, a, b)."""


def random_terms(rng: np.random.Generator, count: int) -> Terms:
    """Different monomials."""
    powers = [(a, b) for a in range(3) for b in range(3) if a + b]
    chosen = rng.choice(len(powers), count, replace=False)
    return [(int(rng.integers(1, 4)), *powers[k]) for k in chosen]


def monomial_text(c: int, a: int, b: int) -> str:
    """c x^a y^b in words."""
    exponents = ["", "", "²"]
    letters = [f"{name}{exponents[p]}" for name, p in (("x", a), ("y", b)) if p]
    return "·".join([str(c)] * (c != 1) + letters)


def loglog(rng: np.random.Generator) -> Item | None:
    """Which function of positive numbers is not log-log convex?"""
    u, v = cp.Variable(name="u"), cp.Variable(name="v")

    def logarithms(terms: Terms) -> cp.Expression:
        return cp.hstack([np.log(c) + a * u + b * v for c, a, b in terms])

    def text(terms: Terms, sign: str = " + ") -> str:
        return sign.join(monomial_text(*term) for term in terms)

    many, two, pair = (random_terms(rng, k) for k in (3, 2, 2))
    one, other = random_terms(rng, 1), random_terms(rng, 1)
    made = {
        text(many): cp.log_sum_exp(logarithms(many)),
        text(one): cp.sum(logarithms(one)),
        f"max({text(two, ', ')})": cp.max(logarithms(two)),
        f"({text(pair)}) / ({text(other)})": cp.log_sum_exp(logarithms(pair))
        - cp.sum(logarithms(other)),
        f"({text(other)}) / ({text(two)})": cp.sum(logarithms(other))
        - cp.log_sum_exp(logarithms(two)),
        f"min({text(pair, ', ')})": cp.min(logarithms(pair)),
        f"({text(two)}) / ({text(pair)})": cp.log_sum_exp(logarithms(two))
        - cp.log_sum_exp(logarithms(pair)),
    }
    judged = {name: convexity(expression) for name, expression in made.items()}
    names = list(judged)
    known = [
        Option(names[k], judged[names[k]].convex is False, told(judged[names[k]], name="F"))
        for k in rng.permutation(len(names))
        if judged[names[k]].convex is not None
    ]
    options = odd_one_out(rng, known)
    if options is None:
        return None
    return Item(
        "Geometric programming takes logarithms of x, y > 0: f is log-log convex where F(u, v) = "
        "log f(exp u, exp v) is convex. Which of these is not log-log convex?",
        (),
        options,
        "Sums and maxima of monomials are log-log convex, and stay so when divided by one "
        "monomial; dividing by a sum, or taking the minimum, turns it round.",
        "cn.convexity(F)",
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
