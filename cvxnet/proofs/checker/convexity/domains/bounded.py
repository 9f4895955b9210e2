"""Bounds that constraints imply: where an entry is beyond one, some constraint cannot hold.

To show that x <= c, let x be at least c and everything else as it may be; if the values of both
sides of a constraint (their enclosures, by the composition calculus) then exclude each other, x is
below c. An affine constraint a x + r >= 0, a < 0, says it at once: x <= (sup r) / -a. Later bounds
may rest on earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flint import fmpq

from ...arrays import require
from ...document import RefusalError
from ...dual import Clock
from ...witness import number
from ..calculus.composition import bounds_of
from ..calculus.intervals import Interval
from ..forms.affine import Affine, Entry, affine_entries, differences
from ..forms.normal import NormalForms, normal_forms
from ..statement import Bounds, Checking, Proof, Statement

MOST_BOUNDS = 10_000
SIDES = ("Inequality", "Equality", "NonPos", "NonNeg", "Zero")
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
    implied = by_row(statement, constraint, (leaf, k), (upper, end), checking.clock)
    implied = implied or is_excluded(outside, constraint, checking)
    require(implied, "a bound that is not implied")
    return with_entry(statement, leaf, k, inside)


def by_row(
    statement: Statement,
    constraint: Mapping[str, Any],
    entry: Entry,
    bound: tuple[bool, fmpq],
    clock: Clock,
) -> bool:
    """Whether an affine constraint implies an upper (or a lower) bound of an entry."""
    upper, end = bound
    forms = normal_forms(statement, clock)
    try:
        rows = [*rows_above_zero(constraint, forms)]
    except RefusalError:
        clock.check()
        return False
    for row in rows:
        slope = row.slopes.get(entry, fmpq(0))
        if (slope < 0) if upper else (slope > 0):
            most = highest(row.plus(Affine({entry: slope}), fmpq(-1)), statement)
            if most is not None and (most / -slope <= end if upper else most / -slope >= end):
                return True
    return False


def rows_above_zero(constraint: Mapping[str, Any], forms: NormalForms) -> Iterator[Affine]:
    """The affine functions that a constraint keeps from falling below zero."""
    kind, args = constraint["kind"], constraint["args"]
    require(kind in SIDES, "a constraint that bounds nothing here")
    rows = differences(forms, *args) if len(args) == 2 else affine_entries(forms, *args)
    for row in rows:
        if kind != "NonPos":
            yield row
        if kind in ("NonPos", "Equality", "Zero"):
            yield Affine().plus(row, fmpq(-1))


def highest(row: Affine, statement: Statement) -> fmpq | None:
    """The largest value of an affine function within the bounds; None where it is infinite."""
    total = row.constant
    for (place, k), slope in row.slopes.items():
        low, high = statement.bounds(place)[k]
        end = high if slope > 0 else low
        if end is None:
            return None
        total += slope * end
    return total


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
    require(kind in SIDES, "a constraint that bounds nothing here")
    sides = [bounds_of(statement, place, checking.clock) for place in constraint["args"]]
    if kind in ("Inequality", "Equality"):
        left, right = sides
    else:
        left, right = (ZERO, sides[0]) if kind == "NonNeg" else (sides[0], ZERO)
    both = kind in ("Equality", "Zero")
    return exceeds(left, right) or (both and exceeds(right, left))


def exceeds(left: Sequence[Interval], right: Sequence[Interval]) -> bool:
    """Whether an entry on the left is always larger than the one on the right."""
    size = max(len(left), len(right))
    require({len(left), len(right)} <= {1, size}, "sides of different sizes")
    pairs = zip([*left] * (size // len(left)), [*right] * (size // len(right)), strict=True)
    return any(a is not None and b is not None and a > b for (a, _), (_, b) in pairs)
