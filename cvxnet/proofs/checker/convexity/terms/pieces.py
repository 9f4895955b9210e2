"""Where functions of one leaf are put together of pieces.

F is convex if it is so on both sides of a point and its slope does not fall there.
"""

from __future__ import annotations

from itertools import pairwise

from flint import fmpq

from ..calculus.intervals import Interval
from .rational import points_inside
from .slopes import at_point
from .table import Terms

MOST_PIECES = 6


def kinks_inside(terms: Terms, root: int, leaf: int, interval: Interval) -> list[fmpq]:
    """Where choices and absolute values of affine functions of a leaf change, in order."""
    found: set[fmpq] = set()
    for place in terms.below(root):
        term = terms[place]
        if term.kind != "call" or term.data[0] not in ("abs", "max", "min", "huber", "cvxnet.elu"):
            continue
        rows = [line_of(terms, t, leaf) for t in term.parts]
        rows += [(fmpq(0), fmpq(0))] if len(rows) == 1 else []
        if term.data[0] == "huber":
            M = dict(term.data[1])["M"]
            rows += [(M, fmpq(0)), (-M, fmpq(0))]
        lines = [row for row in rows if row is not None]
        for i, (c, k) in enumerate(lines):
            found |= {(d - c) / (k - m) for d, m in lines[:i] if m != k}
    low, high = interval
    kept = [t for t in found if (low is None or t > low) and (high is None or t < high)]
    return sorted(kept) if len(kept) < MOST_PIECES else []


def line_of(terms: Terms, place: int, leaf: int) -> tuple[fmpq, fmpq] | None:
    """An affine function of the leaf as its constant and its slope; None of any other."""
    constant, coefficients, parts = terms.as_sum(place)
    if not parts:
        return constant, fmpq(0)
    return (constant, coefficients[0]) if parts == (leaf,) else None


def pieces_of(interval: Interval, points: list[fmpq]) -> list[Interval]:
    """The intervals between points."""
    ends = [interval[0], *points, interval[1]]
    return list(pairwise(ends))


def on_piece(terms: Terms, root: int, leaf: int, interval: Interval) -> int:
    """The term without the choices among affine functions that are made on a piece."""
    point = next(points_inside(interval))
    found: dict[int, int] = {}
    for place in terms.below(root):
        term = terms[place]
        lines = [line_of(terms, t, leaf) for t in term.parts]
        if term.kind != "call" or term.data[0] not in ("abs", "max", "min") or None in lines:
            found[place] = terms.made(term, tuple(found[k] for k in term.parts))
            continue
        values = [row[0] + row[1] * point for row in lines if row is not None]
        best = values.index(min(values) if term.data[0] == "min" else max(values))
        sign = -1 if term.data[0] == "abs" and values[0] < 0 else 1
        found[place] = terms.add([(sign, term.parts[best])])
    return found[root]


def bends_at(terms: Terms, place: int, leaf: int, points: list[fmpq]) -> tuple[bool, bool]:
    """Whether slopes never fall at these points, and whether they never rise."""
    slopes = [
        (
            at_point(terms, place, leaf, t, -1).slope,
            at_point(terms, place, leaf, t, 1).slope,
        )
        for t in points
    ]
    return all(s <= t for s, t in slopes), all(s >= t for s, t in slopes)
