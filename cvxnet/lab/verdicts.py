"""Verdicts for the page: the tree, where the rules stop, the counterexample as a curve."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from cvxnet.analysis import Counterexample, Verdict
from cvxnet.analysis.blame import Blame
from cvxnet.plots import counterexample_slice, derivation_rows

PLACE = re.compile(r"([\w.]+)\[(\d+(?:, \d+)*)\]")
DIGITS = 6


def told(verdict: Verdict) -> dict[str, Any]:
    """What a verdict says, without what takes long to find.

    Examples
    --------
    >>> import cvxpy as cp
    >>> from cvxnet.analysis import convexity
    >>> answer = told(convexity(cp.square(cp.square(cp.Variable(name="x")) - 1), complete=False))
    >>> answer["convex"], answer["witness"]["gap"], [row["symbol"] for row in answer["rows"]][-1]
    (False, '1', '/')
    """
    return {
        "about": verdict.about,
        "headline": verdict.page().headline,
        "convex": verdict.convex,
        "concave": verdict.concave,
        "reason": verdict.reasons["convex"],
        "dcp": verdict.dcp,
        "domain": list(verdict.domain),
        "rows": [asdict(row) for row in derivation_rows(verdict)],
        "blame": blame_told(verdict),
        "witness": witness_told(verdict.counterexamples.get("convex")),
    }


def blame_told(verdict: Verdict) -> dict[str, Any] | None:
    """Where the rules stop, the weight in question and its entry apart."""
    blame: Blame | None = None if verdict.convex else verdict.blame
    if blame is None:
        return None
    place = PLACE.match(blame.entry)
    tensor = place.group(1) if place else blame.entry
    index = [int(k) for k in place.group(2).split(",")] if place else []
    return asdict(blame) | {"tensor": tensor, "index": index, "words": str(blame)}


def witness_told(witness: Counterexample | None) -> dict[str, Any] | None:
    """A counterexample: in words, and as a curve with its chord."""
    if witness is None:
        return None
    curve = counterexample_slice(witness)
    return {
        "t": curve.t.round(DIGITS).tolist(),
        "values": curve.values.tolist(),
        "f_a": curve.f_a,
        "f_b": curve.f_b,
        "f_middle": curve.f_middle,
        "chord": curve.chord,
        "gap": witness.gap,
        "arithmetic": witness.arithmetic,
        "points": witness.point_lines(),
    }
