"""Two weights: ``w2 relu(w1 x)``, its counterexample, and the saddle that is left without relu."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache, partial
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis import Verdict, convexity
from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Answer, Question
from cvxnet.plots import Slice, slice_between, surface_over
from cvxnet.types import Array

REACH = 3.0
"""Both weights go from minus to plus this."""
TARGET = 1.0
"""What the network should say of x, where the loss is drawn."""
SHOWN = ("output", "loss")
LONG = 10_000
"""Fractions with larger denominators are written as decimals."""


def surface(asked: Asked) -> Answer:
    """The function over both weights, and what is proved of it."""
    case = read_case(asked)
    found = surface_over(values_of(case), (-REACH, REACH), (-REACH, REACH), points=37)
    verdict = verdict_on(case)
    witness = verdict.counterexamples.get("convex")
    return {
        "w": found.x.tolist(),
        "values": found.values.tolist(),
        "convex": verdict.convex,
        "reason": verdict.reasons["convex"],
        "rule": None if verdict.blame is None else str(verdict.blame),
        "counterexample": None if witness is None else [ends_of(witness.a), ends_of(witness.b)],
    }


def line(asked: Asked) -> Answer:
    """The function between two points, its chord, and whether these points are a proof."""
    case = read_case(asked)
    a, b = (asked.numbers(end, 2, -REACH, REACH) for end in ("a", "b"))
    found = slice_between(values_of(case), a, b, beyond=0.2, points=85)
    witness = verdict_on(case).counterexamples.get("convex")
    here = None if witness is None else witness.at(point(a), point(b))
    return {
        "t": found.t.tolist(),
        "values": found.values.tolist(),
        **found.heights,
        "exact": exact(found),
        "proof": None if here is None else {"gap": here.gap, "arithmetic": here.arithmetic},
    }


Case = tuple[bool, float, str]
"""With relu or without, the sample x, and whether the output or its loss is looked at."""


def read_case(asked: Asked) -> Case:
    """Which function."""
    return (
        asked.flag("relu", default=True),
        asked.number("x", -2.0, 2.0, default=1.0),
        asked.choice("show", SHOWN, default="output"),
    )


def network(case: Case, w1: Any, w2: Any) -> Any:
    """The function as a CVXPY expression."""
    relu, x, show = case
    inner = x * w1
    output = cp.multiply(w2, cp.pos(inner) if relu else inner)
    return output if show == "output" else cp.square(output - TARGET) / 2


def values_of(case: Case) -> Callable[[Array], Array]:
    """The function of rows (w1, w2)."""
    return lambda rows: np.asarray(network(case, *map(cp.Constant, rows.T)).value, dtype=float)


@lru_cache(maxsize=64)
def verdict_on(case: Case) -> Verdict:
    """What cvxnet proves of the function of both weights."""
    return convexity(network(case, cp.Variable(name="w1"), cp.Variable(name="w2")))


def point(weights: Array) -> dict[str, float]:
    """Two weights by their names."""
    return {"w1": float(weights[0]), "w2": float(weights[1])}


def ends_of(values: Any) -> list[float]:
    """The weights w1 and w2 of an end of a counterexample."""
    return [float(values["w1"]), float(values["w2"])]


def exact(found: Slice) -> dict[str, str]:
    """The heights as fractions, where they are short: weights are whole sixteenths."""
    names = ("f_a", "f_b", "f_middle", "chord")
    return {name: fraction(found.heights[name]) for name in names}


def fraction(value: float) -> str:
    """A number as a fraction where that is short.

    >>> fraction(0.75), fraction(2.0), fraction(0.1)
    ('3/4', '2', '0.1')
    """
    found = Fraction(value)
    return str(found) if found.denominator <= LONG else f"{value:.6g}"


def at_counterexample(case: dict[str, Any], _: Any) -> tuple[str, dict[str, Any]]:
    """The question that the page asks when the counterexample is to be shown."""
    a, b = surface(Asked(case))["counterexample"]
    return "saddle/line", case | {"a": a, "b": b}


QUESTIONS = (
    Question("saddle/surface", surface, seconds=30.0),
    Question("saddle/line", line, seconds=30.0),
)
CASES = [{"relu": relu, "x": 1.0, "show": show} for relu in (True, False) for show in SHOWN]
RECORDED = (
    *(("saddle/surface", case) for case in CASES),
    *(("saddle/line", case | {"a": [0.0, 2.0], "b": [2.0, 0.0]}) for case in CASES),
    *(partial(at_counterexample, case) for case in CASES),
)
"""Asked once for the page without a server."""
