"""Cases made of others by transformations that keep convexity, or break it, by a theorem each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from experiments.verdicts.cases import Case
from experiments.verdicts.hidden import HIDDEN
from experiments.verdicts.problems import PROBLEMS

OPPOSITE = {"convex": "concave", "concave": "convex", "affine": "affine", "neither": "neither"}
SEEDS = (
    # functions of x on the whole line
    ("cp.exp(x)", "convex"),
    ("cp.logistic(x)", "convex"),
    ("cp.square(x)", "convex"),
    ("cp.abs(x)", "convex"),
    ("cp.huber(x)", "convex"),
    ("cp.sqrt(1 + cp.square(x))", "convex"),
    ("cp.log(cp.exp(x) + cp.exp(-x))", "convex"),
    ("cp.logistic(x)*cp.exp(x)", "convex"),
    ("x**4 + x*x*x + x**2", "convex"),
    ("cp.square(x)/(1 + cp.abs(x))", "convex"),
    ("cp.square(cp.maximum(0.2*x, x))", "convex"),
    ("cp.square(x) - cp.logistic(x)", "convex"),
    ("cp.exp(cp.square(x))*cp.exp(x)", "convex"),
    ("-cp.log(cp.inv_pos(1 + cp.exp(-x)))", "convex"),
    ("cp.abs(x)*cp.square(x)", "convex"),
    ("cp.square(cp.square(x) - 1)", "neither"),
    ("cp.exp(-cp.square(x))", "neither"),
    ("cp.inv_pos(1 + cp.square(x))", "neither"),
    ("x*cp.abs(x)", "neither"),
    ("1/(1 + cp.exp(-x))", "neither"),
    ("cp.abs(x) - cp.abs(x - 1)", "neither"),
    ("cp.logistic(x) - cp.logistic(-x)", "affine"),
)
OF_POSITIVE = (
    # functions of p > 0
    ("p*cp.log(p)", "convex"),
    ("1/p", "convex"),
    ("p*cp.exp(p)", "convex"),
    ("cp.log(p)", "concave"),
    ("cp.sqrt(p)", "concave"),
    ("p/(p + 1)", "concave"),
    ("cp.square(cp.log(p))", "neither"),
    ("cp.exp(p)/p", "convex"),
)
Make = Callable[[str], str]


def put(text: str, name: str, inside: str) -> str:
    """The text with something in place of a variable."""
    return re.sub(rf"\b{name}\b", f"({inside})", text)


KEEPING: tuple[tuple[str, Make], ...] = (
    ("an affine substitution that is onto", lambda f: put(f, "x", "2*x - 3*y + 1")),
    ("an affine substitution that is onto", lambda f: put(f, "x", "a @ v - 2")),
    ("a positive multiple, and an affine function", lambda f: f"3*({f}) - 5*x + y"),
    ("a mirror image", lambda f: put(f, "x", "-x")),
    ("the same, with x y added and taken away", lambda f: f"({f}) + x*y - y*x"),
    ("its perspective is convex where it is", lambda f: f"p*({put(f, 'x', 'x/p')})"),
    ("two entries of a vector", lambda f: f"cp.hstack([{f}, {put(f, 'x', 'y + 1')}])"),
)
"""Words, and how; each is an equivalence: what is made is convex (concave) iff the seed is."""
KEEPING_POSITIVE: tuple[tuple[str, Make], ...] = (
    ("a positive multiple of the variable", lambda f: put(f, "p", "3*p")),
    ("a sum of variables that takes every positive value", lambda f: put(f, "p", "p + 2*q")),
    ("a positive multiple, and an affine function", lambda f: f"2*({f}) + 3*p - y"),
    ("its perspective is convex where it is", lambda f: f"q*({put(f, 'p', 'p/q')})"),
    ("two entries of a vector", lambda f: f"cp.hstack([{f}, {put(f, 'p', '2*q')}])"),
)
UPWARD: tuple[tuple[str, Make], ...] = (
    ("exp of a convex function that is not constant", lambda f: f"cp.exp({f})"),
    ("softplus of a convex function, bent where that is", lambda f: f"cp.logistic({f})"),
    ("convex plus convex", lambda f: f"({f}) + cp.square(x - 1)"),
    ("convex in x plus convex in y", lambda f: f"({f}) + cp.exp(y)"),
    ("the larger of two that are convex, and bent", lambda f: f"cp.maximum({f}, x + 1)"),
)
"""What they make of a convex function that is not affine is convex and not affine."""
BREAKING: tuple[tuple[str, Make], ...] = (
    ("a function of x alone, less a square of y", lambda f: f"({f}) - cp.square(y)"),
    ("less |x - 50| times 10,000: a kink down", lambda f: f"({f}) - 10000*cp.abs(x - 50) + x**6"),
    ("plus a saddle: no square of y stands against x y", lambda f: f"({f}) + x*y"),
)
"""What they make of a function of x that is not concave is neither convex nor concave."""


def transformed() -> Iterator[Case]:
    """All of them; some of the breaking ones need care, see the rows."""
    for text, truth in SEEDS:
        for why, make in KEEPING:
            yield made(make(text), truth, f"{why}; the seed is {truth}", "kept by a map")
        yield made(f"-2*({text})", OPPOSITE[truth], f"the seed is {truth}", "kept by a map")
    for text, truth in OF_POSITIVE:
        for why, make in KEEPING_POSITIVE:
            yield made(make(text), truth, f"{why}; the seed is {truth}", "kept by a map")
    for text, truth in SEEDS:
        if truth == "convex":
            for why, make in UPWARD:
                yield made(make(text), "convex", why, "kept by a rising function")
        if truth != "affine":
            for why, make in BREAKING[::2]:
                yield made(make(text), "neither", why, "broken")
    for (f, left), (g, right) in zip(SEEDS, SEEDS[7:] + SEEDS[:7], strict=True):
        yield made(f"{f} + {put(g, 'x', 'y')}", common(left, right), "a sum in separate variables",
                   "kept by a map")  # fmt: skip


def of_the_hidden() -> Iterator[Case]:
    """Another one of each hidden case; on a box and of positive variables its mirror image."""
    for k, case in enumerate(HIDDEN):
        free = not case.where and re.search(r"\bx\b", case.text)
        if free and k % 2 and "*x*" not in case.text:
            text, why = put(case.text, "x", "3*x - 2"), "an affine substitution that is onto"
            yield replace(case, text=text, why=f"{why}; {case.why}", made=True)
        else:
            yield mirrored(case)


def of_problems() -> Iterator[Case]:
    """Problems in other variables, for which nothing changes."""
    for case in PROBLEMS:
        if re.search(r"\bx\b", case.text):
            text = put(case.text, "x", "1 - 2*x")
            yield replace(case, text=text, why=f"1 - 2 x for x; {case.why}", made=True)


def common(left: str, right: str) -> str:
    """The truth of f(x) + g(y): both curvatures are those that both have."""
    if "affine" in (left, right):
        return right if left == "affine" else left
    return left if left == right else "neither"


def made(text: str, truth: str, why: str, family: str) -> Case:
    """A case that a transformation made."""
    return Case(text, truth, why, family, made=True)


def mirrored(case: Case) -> Case:
    """Minus the function."""
    truth, why = OPPOSITE[case.truth], f"minus a function; of that: {case.why}"
    return replace(case, text=f"-({case.text})", truth=truth, why=why, made=True)


TRANSFORMED = (*transformed(), *of_the_hidden(), *of_problems())
