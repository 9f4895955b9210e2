"""One weight: a function, two points on it, and the chord between them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.analysis import Verdict, convexity
from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Answer, Question
from cvxnet.layers import GELU, Softplus
from cvxnet.plots import slice_between

REACH = 3.0
"""The weight goes from minus to plus this."""
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "square": cp.square,
    "absolute": cp.abs,
    "relu": cp.pos,
    "softplus": Softplus(),
    "line": lambda w: w / 2 + 1,
    "sine": cp.nlp.sin,
    "well": lambda w: cp.square(cp.square(w) - 1),
    "valleys": lambda w: cp.minimum(cp.abs(w - 1), cp.abs(w + 1)),
    "gelu": GELU(),
}
"""Functions of a CVXPY expression, which is a column of weights."""


def chord(asked: Asked) -> Answer:
    """A function over the weights, the chord from a to b, and what is proved of the function."""
    name = asked.choice("f", tuple(FUNCTIONS), default="square")
    a, b = (asked.number(end, -REACH, REACH) for end in ("a", "b"))
    found = slice_between(values_of(name), a, b, points=3)
    return {
        **curve(name),
        **found.heights,
        "verdict": said(verdict_on(name)),
    }


def values_of(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """The function of rows of one weight."""
    make = FUNCTIONS[name]
    return lambda rows: np.asarray(make(cp.Constant(rows)).value)[:, 0]


@cache
def curve(name: str) -> dict[str, list[float]]:
    """The function over all weights."""
    whole = slice_between(values_of(name), -REACH, REACH, points=241)
    return {"w": (REACH * (2.0 * whole.t - 1.0)).tolist(), "values": whole.values.tolist()}


@cache
def verdict_on(name: str) -> Verdict:
    """What cvxnet proves of the function; an entry of a matrix, as layers want rows."""
    w = cp.Variable((1, 1), name="w")
    return convexity(FUNCTIONS[name](w))


def said(verdict: Verdict) -> dict[str, Any]:
    """Convex, concave or neither, why, and the counterexample to convexity."""
    witness = verdict.counterexamples.get("convex")
    return {
        "convex": verdict.convex,
        "concave": verdict.concave,
        "reason": verdict.reasons["convex"],
        "counterexample": None
        if witness is None
        else {
            "a": float(witness.a["w"][0, 0]),
            "b": float(witness.b["w"][0, 0]),
            "gap": witness.gap,
            "arithmetic": witness.arithmetic,
        },
    }


def at_counterexample(name: str, _: Any) -> tuple[str, dict[str, Any]]:
    """The question that the page asks when the counterexample is to be shown."""
    witness = said(verdict_on(name))["counterexample"]
    return "one-weight/chord", {"f": name, "a": witness["a"], "b": witness["b"]}


QUESTIONS = (Question("one-weight/chord", chord, seconds=30.0),)
RECORDED = (
    *(("one-weight/chord", {"f": name, "a": -1.0, "b": 2.0}) for name in FUNCTIONS),
    *(partial(at_counterexample, name) for name in ("sine", "well", "valleys", "gelu")),
)
"""Asked once for the page without a server."""
