"""Where functions of one leaf are put together of pieces.

F is convex if it is so on both sides of a point and its slope does not fall there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise

from flint import fmpq

from ..calculus.intervals import Interval
from .rational import points_inside
from .slopes import at_point
from .table import Term, Terms

MOST_PIECES = 6
KINKED = ("abs", "max", "min", "huber", "cvxnet.elu")
CHOICES: dict[str, Callable[[list[fmpq]], tuple[int, int]]] = {
    "abs": lambda values: (-1 if values[0] < 0 else 1, 0),
    "max": lambda values: (1, values.index(max(values))),
    "min": lambda values: (1, values.index(min(values))),
}
"""The sign and the place of the argument that is chosen, by the values of all."""


def kinks_inside(terms: Terms, root: int, leaf: int, interval: Interval) -> list[fmpq]:
    """Where choices and absolute values of affine functions of a leaf change, in order."""
    found: set[fmpq] = set()
    for place in terms.below(root):
        lines = choice_lines(terms, terms[place], leaf)
        for (c, k), (d, m) in combinations(lines, 2):
            if m != k:
                found.add((d - c) / (k - m))
    low, high = interval
    kept = [t for t in found if (low is None or t > low) and (high is None or t < high)]
    return sorted(kept) if len(kept) < MOST_PIECES else []


def choice_lines(terms: Terms, term: Term, leaf: int) -> list[tuple[fmpq, fmpq]]:
    """The affine functions of a leaf that a term chooses among, where they cross."""
    if term.kind != "call" or term.data[0] not in KINKED:
        return []
    rows = [line_of(terms, t, leaf) for t in term.parts]
    if len(rows) == 1:
        rows.append((fmpq(0), fmpq(0)))
    if term.data[0] == "huber":
        M = dict(term.data[1])["M"]
        rows += [(M, fmpq(0)), (-M, fmpq(0))]
    return [row for row in rows if row is not None]


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
        chooses = term.kind == "call" and term.data[0] in CHOICES
        if not chooses or None in lines:
            found[place] = terms.made(term, tuple(found[k] for k in term.parts))
            continue
        values = [row[0] + row[1] * point for row in lines if row is not None]
        sign, best = CHOICES[term.data[0]](values)
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
