"""Certificates that were tampered with, and how a false one is found out."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from cvxnet.proofs.checker.convexity import check_convexity

OPPOSITE = {
    "convex": "not convex",
    "concave": "not concave",
    "affine": "not convex",
    "not convex": "convex",
    "not concave": "concave",
}
Document = dict[str, Any]
LIMIT = 10.0
"""Seconds for a check: what is not accepted by then is not accepted."""


def accepted(document: Document) -> bool:
    """Whether the checker proves all of it."""
    return check_convexity(document, time_limit=LIMIT).valid


def forged(document: Document, proofs: list[Document]) -> Iterator[Document]:
    """False claims with their own proofs, and with proofs of other claims."""
    for claim in document["claims"]:
        if claim["says"] not in OPPOSITE:
            continue
        for proof in (claim["proof"], *proofs):
            false = {**claim, "says": OPPOSITE[claim["says"]], "proof": proof}
            yield {**document, "claims": [false]}


def changed(document: Document, rng: np.random.Generator) -> Document:
    """One claim of a document, with one entry changed at any place."""
    claims = document["claims"]
    document = {**document, "claims": [copy.deepcopy(claims[int(rng.integers(len(claims)))])]}
    owner, key = list(places(document["claims"]))[1:][int(rng.integers(places_of(document) - 1))]
    owner[key] = another(owner[key], rng)
    return document


def places_of(document: Document) -> int:
    """How many entries there are."""
    return sum(1 for _ in places(document["claims"]))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every list or mapping with every key, inner ones and leaves."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def another(value: Any, rng: np.random.Generator) -> Any:
    """Something else in place of a value, more often than not of its type."""
    if isinstance(value, str) and rng.random() < 0.7:
        return str(rng.choice(["convex", "concave", "not convex", "rules", "boxes", "Sum", "exp",
                               "leaf", "abs", "power", "maximum", "1/3", "-7"]))  # fmt: skip
    if isinstance(value, int | float) and not isinstance(value, bool) and rng.random() < 0.8:
        moved = (-value, value + 1, value - 1, 0, 2 * value, value + 1e-9, 1e300)
        return moved[int(rng.integers(len(moved)))]
    if isinstance(value, list) and value and rng.random() < 0.6:
        return value[:-1] if rng.random() < 0.5 else [*value, value[-1]]
    return (None, 0, [], {}, "x", -1.5)[int(rng.integers(6))]


# Whether what was accepted is false


def contradicted(document: Document, tries: int, rng: np.random.Generator) -> bool:
    """Whether three points refute an accepted claim about a curvature."""
    claim = document["claims"][0]
    goals = ("convex", "concave") if claim["says"] == "affine" else (claim["says"],)
    if not set(goals) <= {"convex", "concave"}:
        return False  # a counterexample that was accepted is one
    leaves = [k for k, node in enumerate(claim["nodes"]) if node["atom"] == "leaf"]
    entries = max(1, int(np.prod(claim["nodes"][claim["root"]]["shape"])))
    for _ in range(tries):
        ends = [{k: value(claim["nodes"][k], rng) for k in leaves} for _ in range(2)]
        moved = {k for k in leaves if k in claim["unknowns"]}
        points = {
            "a": {k: v for k, v in ends[0].items() if k in moved},
            "b": {k: v for k, v in ends[1].items() if k in moved},
            "fixed": {k: v for k, v in ends[0].items() if k not in moved},
            "entry": int(rng.integers(entries)),
        }
        against = [{**claim, "says": f"not {goal}", "proof": points} for goal in goals]
        if any(accepted({**document, "claims": [other]}) for other in against):
            return True
    return False


def value(leaf: Document, rng: np.random.Generator) -> list[float]:
    """A value within the bounds of a leaf."""
    count = len(leaf["low"])
    drawn = np.round(rng.normal(size=count) * rng.choice([0.3, 1.0, 4.0]), 3)
    attributes = set(leaf["attributes"])
    if attributes & {"pos", "nonneg"}:
        drawn = np.abs(drawn) + 0.001
    if attributes & {"neg", "nonpos"}:
        drawn = -np.abs(drawn) - 0.001
    if attributes & {"symmetric", "PSD"}:
        half = drawn.reshape(leaf["shape"])
        drawn = (half @ half.T if "PSD" in attributes else half + half.T).ravel()
    low = np.array([-np.inf if v is None else float(v) for v in leaf["low"]])
    high = np.array([np.inf if v is None else float(v) for v in leaf["high"]])
    return [float(v) for v in np.clip(drawn, low, high)]


def travelled(document: Any) -> Document:
    """The document after a trip through JSON."""
    found: Document = json.loads(json.dumps(document))
    return found
