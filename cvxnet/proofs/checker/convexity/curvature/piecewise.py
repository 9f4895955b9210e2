"""Piecewise-linear functions of one number, exactly: absolute values of each other, and sums."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from flint import fmpq

from ...arrays import require
from ..forms.factors import Factor, powers_of
from ..forms.polynomials import Polynomial
from ..forms.ranges import Range

MOST_KNOTS = 10_000
ZERO = fmpq(0)
Piece = tuple[fmpq, fmpq]
"""The slope and the value at zero."""


class Curve(NamedTuple):
    """A continuous function: its knots in order, and the pieces left, between and right of them."""

    knots: list[fmpq]
    pieces: list[Piece]

    def at(self, t: fmpq) -> Piece:
        """The piece on the left of a number, or at it."""
        return self.pieces[sum(knot < t for knot in self.knots)]

    def is_convex(self, among: Range) -> bool:
        """Whether no slope falls at a knot inside an interval."""
        for k, knot in enumerate(self.knots):
            inside = is_between(knot, among.low, among.high)
            if inside and self.pieces[k + 1][0] < self.pieces[k][0]:
                return False
        return True


def is_between(t: fmpq, low: fmpq | None, high: fmpq | None) -> bool:
    """Whether it is inside an interval, no end of it."""
    return (low is None or low < t) and (high is None or t < high)


def line(slope: fmpq, offset: fmpq) -> Curve:
    """A curve of one piece."""
    return Curve([], [(slope, offset)])


def combined(curves: Iterable[tuple[fmpq, Curve]]) -> Curve:
    """A sum of multiples."""
    pairs = list(curves)
    knots = sorted({knot for _, curve in pairs for knot in curve.knots})
    require(len(knots) <= MOST_KNOTS, "a piecewise-linear function of too many pieces")
    places = [*knots, (knots[-1] if knots else ZERO) + 1]
    rows = [[(c, curve.at(t)) for c, curve in pairs] for t in places]
    pieces = [
        (sum((c * p[0] for c, p in row), ZERO), sum((c * p[1] for c, p in row), ZERO))
        for row in rows
    ]
    return Curve(knots, pieces)


def absolute(curve: Curve) -> Curve:
    """The absolute value, with knots where the curve crosses zero."""
    knots, pieces = list[fmpq](), list[Piece]()
    ends = [None, *curve.knots, None]
    for (slope, offset), low, high in zip(curve.pieces, ends[:-1], ends[1:], strict=True):
        if low is not None:
            knots.append(low)
        root = None if slope == 0 else -offset / slope
        if root is not None and is_between(root, low, high):
            sign = 1 if slope < 0 else -1
            pieces += [(sign * slope, sign * offset), (-sign * slope, -sign * offset)]
            knots.append(root)
        else:
            middle = middle_of(low, high)
            sign = 1 if slope * middle + offset >= 0 else -1
            pieces.append((sign * slope, sign * offset))
    return Curve(knots, pieces)


def middle_of(low: fmpq | None, high: fmpq | None) -> fmpq:
    """A number inside an interval."""
    if low is None:
        return ZERO if high is None else high - fmpq(1)
    return low + fmpq(1) if high is None else (low + high) / 2


def curve_of(
    polynomial: Polynomial, known: dict[Factor, Curve], check: Callable[[], None]
) -> Curve | None:
    """A polynomial in one entry and absolute values as a curve; None where it is none.

    ``known`` has the curve of the entry, and gets those of the absolute values.
    """
    check()
    terms: list[tuple[fmpq, Curve]] = []
    for monomial, value in polynomial.terms.items():
        powers = powers_of(monomial)
        if not powers:
            terms.append((value, line(ZERO, fmpq(1))))
            continue
        ((f, power), *more) = powers
        if f not in known and f.name == "abs":
            inner = curve_of(f.args[0], known, check)
            if inner is not None:
                known[f] = absolute(inner)
        if more or power != 1 or f not in known:
            return None
        terms.append((value, known[f]))
    return combined(terms)
