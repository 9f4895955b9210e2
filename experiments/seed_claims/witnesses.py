"""Counterexamples that are known by hand, against those that are found."""

from __future__ import annotations

from collections.abc import Callable

import cvxpy as cp
import numpy as np

from cvxnet.analysis import Verdict, convexity
from experiments.report import Row
from experiments.seed_claims.claims import smallest, variable

ASKED: dict[str, Callable[[], Verdict]] = {
    "w1 w2, both >= 0": lambda: convexity(smallest(), "weights", inputs="nonneg"),
    "(x^2 - 1)^2": lambda: convexity(cp.square(cp.square(variable()) - 1)),
    "log(1 + exp(-relu(w)))": lambda: convexity(cp.logistic(-cp.pos(variable("w")))),
}
BY_HAND = {
    "w1 w2, both >= 0": ([[0.0, 2.0], [2.0, 0.0]], 0.0, 1.0),
    "(x^2 - 1)^2": ([[-1.0], [1.0]], 0.0, 1.0),
    "log(1 + exp(-relu(w)))": ([[-1.0], [1.0]], 0.5032, 0.6931),
}
"""The ends, the chord at the midpoint, and the function there."""


def witness(function: str) -> Row:
    """The counterexample to convexity, and what else is known about the function."""
    verdict = ASKED[function]()
    found = verdict.counterexamples["convex"]
    ends = sorted(
        np.hstack([v.ravel() for v in end.values()]).tolist() for end in (found.a, found.b)
    )
    return {
        "ends": " and ".join(map(str, ends)),
        "chord": found.chord,
        "midpoint": found.f_middle,
        "arithmetic": found.arithmetic,
        "concave": verdict.concave is not False,
        "quasi": verdict.disciplines["quasiconvex (DQCP)"].split(";")[0],
        "log-log": verdict.disciplines["log-log convex (DGP)"].split(" where")[0],
        "a": ends[0],
        "b": ends[1],
    }


def as_by_hand(row: Row) -> bool:
    """Whether ends and values are those that are known by hand."""
    ends, chord, midpoint = BY_HAND[row["function"]]
    values = [row["chord"], row["midpoint"]]
    return [row["a"], row["b"]] == ends and np.allclose(values, [chord, midpoint], atol=5e-5)
