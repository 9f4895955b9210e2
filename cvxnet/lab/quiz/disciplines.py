"""Items about other disciplines: quasiconvex and log-log convex functions."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxnet.analysis import Verdict, convexity
from cvxnet.lab.quiz.formulas import (
    ABSOLUTE,
    EXPONENTIAL,
    Formula,
    X,
    extreme,
    joined,
    scaled,
    shifted,
    squared,
)
from cvxnet.lab.quiz.functions import judge
from cvxnet.lab.quiz.items import Item, Option, number, odd_one_out, told


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
