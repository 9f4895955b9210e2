"""Bounds that constraints imply: where an entry is beyond one, some constraint cannot hold.

To show that x <= c, let x be at least c and everything else as it may be; if the values of both
sides of a constraint (their enclosures, by the composition calculus) then exclude each other, x is
below c. Later bounds may rest on earlier ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flint import fmpq

from ..arrays import require
from ..witness import number
from .calculus import bounds_of
from .intervals import Interval
from .statement import Bounds, Checking, Proof, Statement

MOST_BOUNDS = 10_000
ZERO: list[Interval] = [(fmpq(0), fmpq(0))]


def by_bounds(statement: Statement, proof: Proof, checking: Checking) -> None:
    """The proof, with narrower bounds of leaves that constraints imply."""
    require(len(proof["bounds"]) <= MOST_BOUNDS, "too many bounds")
    for bound in proof["bounds"]:
        checking.clock.check()
        statement = narrowed(statement, bound, checking)
    checking.prove(statement, proof["proof"])


def narrowed(statement: Statement, bound: Mapping[str, Any], checking: Checking) -> Statement:
    """The statement with one more bound; refused where the constraint does not imply it."""
    leaf, k, end = bound["leaf"], bound["entry"], number(bound["end"])
    require(statement.nodes[leaf]["atom"] == "leaf", "only leaves have bounds")
    require(0 <= k < len(statement.bounds(leaf)), "there is no such entry")
    low, high = statement.bounds(leaf)[k]
    upper = bound["side"] == "high"
    if (high is not None and high <= end) if upper else (low is not None and low >= end):
        return statement
    inside, beyond = ((low, end), (end, high)) if upper else ((end, high), (low, end))
    outside = with_entry(statement, leaf, k, beyond)
    require(0 <= bound["constraint"] < len(statement.constraints), "there is no such constraint")
    constraint = statement.constraints[bound["constraint"]]
    require(is_excluded(outside, constraint, checking), "a bound that is not implied")
    return with_entry(statement, leaf, k, inside)


def with_entry(statement: Statement, leaf: int, k: int, interval: Interval) -> Statement:
    """The statement with other bounds of one entry, and of those that attributes tie to it."""
    attributes = set(statement.nodes[leaf]["attributes"])
    free = not attributes & {"symmetric", "diag", "PSD", "NSD"}
    require(free, "entries that are tied to each other have no bounds of their own here")
    bounds: Bounds = list(statement.bounds(leaf))
    bounds[k] = interval
    return statement.about(proved_bounds={**statement.proved_bounds, leaf: bounds})


def is_excluded(statement: Statement, constraint: Mapping[str, Any], checking: Checking) -> bool:
    """Whether no point within the bounds satisfies a constraint."""
    kind = constraint["kind"]
    sides = [bounds_of(statement, place, checking.clock) for place in constraint["args"]]
    if kind in ("Inequality", "Equality"):
        left, right = sides
    else:
        require(kind in ("NonPos", "Zero", "NonNeg"), "a constraint that bounds nothing here")
        left, right = (ZERO, sides[0]) if kind == "NonNeg" else (sides[0], ZERO)
    both = kind in ("Equality", "Zero")
    return exceeds(left, right) or (both and exceeds(right, left))


def exceeds(left: Sequence[Interval], right: Sequence[Interval]) -> bool:
    """Whether an entry on the left is always larger than the one on the right."""
    size = max(len(left), len(right))
    require({len(left), len(right)} <= {1, size}, "sides of different sizes")
    pairs = zip([*left] * (size // len(left)), [*right] * (size // len(right)), strict=True)
    return any(a is not None and b is not None and a > b for (a, _), (_, b) in pairs)
