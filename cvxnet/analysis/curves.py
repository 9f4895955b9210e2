"""Piecewise-linear functions of one variable, exactly, for networks of any depth."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq

from cvxnet.analysis.atoms import at_points, evaluate, profile_of
from cvxnet.analysis.forms import Scalar
from cvxnet.analysis.tape import Batch, Node, Tape
from cvxnet.functions.arithmetic import Rationals, Undecided, as_rational, entrywise

ZERO = fmpq(0)
MOST_PIECES = 5000


@dataclass(frozen=True, eq=False)
class Curve:
    """``slopes[k] x + offsets[k]`` between ``knots[k-1]`` and ``knots[k]``."""

    knots: tuple[fmpq, ...]
    slopes: tuple[fmpq, ...]
    offsets: tuple[fmpq, ...]

    @property
    def is_number(self) -> bool:
        """Whether the curve is constant."""
        return not self.knots and self.slopes[0] == 0

    def piece(self, x: fmpq) -> tuple[fmpq, fmpq]:
        """Slope and offset just right of x."""
        k = bisect_right(self.knots, x)
        return self.slopes[k], self.offsets[k]

    def __add__(self, other: Curve | Scalar) -> Curve:
        return combine(self, as_curve(other), lambda s, t: s + t)

    __radd__ = __add__

    def __neg__(self) -> Curve:
        return self.scaled(fmpq(-1))

    def __sub__(self, other: Curve | Scalar) -> Curve:
        return self + -as_curve(other)

    def __rsub__(self, other: Curve | Scalar) -> Curve:
        return -self + other

    def scaled(self, factor: fmpq) -> Curve:
        """``factor`` times the curve."""
        if factor == 0:
            return as_curve(ZERO)
        return Curve(
            self.knots,
            tuple(factor * s for s in self.slopes),
            tuple(factor * c for c in self.offsets),
        )

    def __mul__(self, other: Curve | Scalar) -> Curve:
        other = as_curve(other)
        for one, two in ((self, other), (other, self)):
            if one.is_number:
                return two.scaled(one.offsets[0])
        raise Undecided("a product of two curves")

    __rmul__ = __mul__

    def __pow__(self, power: int) -> Curve:
        raise Undecided("a power of a curve")


def as_curve(value: Curve | Scalar) -> Curve:
    """A number as a constant curve."""
    return value if isinstance(value, Curve) else Curve((), (ZERO,), (as_rational(value),))


def build(knots: list[fmpq], pieces: list[tuple[fmpq, fmpq]]) -> Curve:
    """A curve without knots where nothing changes."""
    if len(knots) > MOST_PIECES:
        raise Undecided("too many pieces")
    kept, parts = [], [pieces[0]]
    for knot, piece in zip(knots, pieces[1:], strict=True):
        if piece != parts[-1]:
            kept.append(knot)
            parts.append(piece)
    return Curve(tuple(kept), tuple(p[0] for p in parts), tuple(p[1] for p in parts))


def pieces_on(curve: Curve, knots: list[fmpq]) -> list[tuple[fmpq, fmpq]]:
    """The pieces of a curve on a finer set of knots."""
    first = (curve.slopes[0], curve.offsets[0])
    return [first] + [curve.piece(knot) for knot in knots]


def combine(one: Curve, two: Curve, function: Callable[[fmpq, fmpq], fmpq]) -> Curve:
    """Slopes and offsets combined piece by piece."""
    knots = sorted(set(one.knots) | set(two.knots))
    pairs = zip(pieces_on(one, knots), pieces_on(two, knots), strict=True)
    return build(knots, [(function(s, t), function(c, d)) for (s, c), (t, d) in pairs])


def positive_part(curve: Curve) -> Curve:
    """``relu`` of a curve: new knots where it crosses zero."""
    crossings = []
    edges = [None, *curve.knots, None]
    for k, (slope, offset) in enumerate(zip(curve.slopes, curve.offsets, strict=True)):
        if slope != 0:
            root = -offset / slope
            left, right = edges[k], edges[k + 1]
            if (left is None or root > left) and (right is None or root < right):
                crossings.append(root)
    knots = sorted(set(curve.knots) | set(crossings))
    fine = pieces_on(curve, knots)
    parts = []
    for k, (slope, offset) in enumerate(fine):
        inside = representative(knots, k)
        keep = slope * inside + offset > 0
        parts.append((slope, offset) if keep else (ZERO, ZERO))
    return build(knots, parts)


def representative(knots: list[fmpq], k: int) -> fmpq:
    """A point inside the k-th piece."""
    if not knots:
        return ZERO
    if k == 0:
        return knots[0] - 1
    if k == len(knots):
        return knots[-1] + 1
    return (knots[k - 1] + knots[k]) / 2


class CurveArithmetic(Rationals):
    """Arithmetic on curves, for the operations of `cvxnet.analysis.operations`."""

    def maximum(self, a: Batch, b: Batch) -> Batch:
        return entrywise(lambda s, t: as_curve(t) + positive_part(as_curve(s) - t), a, b)

    def minimum(self, a: Batch, b: Batch) -> Batch:
        return entrywise(lambda s, t: as_curve(t) - positive_part(as_curve(t) - s), a, b)

    def absolute(self, t: Batch) -> Batch:
        return entrywise(lambda s: positive_part(as_curve(s)) + positive_part(-as_curve(s)), t)

    def power(self, t: Batch, p: Fraction) -> Batch:
        if p != 1:
            raise Undecided("a power of a curve")
        return t

    def divide(self, a: Batch, b: Batch) -> Batch:
        return entrywise(lambda s, t: as_curve(s).scaled(1 / number_of(t)), a, b)


def number_of(value: Curve | Scalar) -> fmpq:
    """The value of a constant curve other than zero."""
    curve = as_curve(value)
    if not curve.is_number or curve.offsets[0] == 0:
        raise Undecided("division by a curve")
    return curve.offsets[0]


CURVES = CurveArithmetic()


def curves_of(tape: Tape, unknown: Node) -> Batch:
    """The expression's entries as curves of the one unknown; `Undecided` where one is none."""
    identity = np.empty((1, 1), dtype=object)
    identity[0, 0] = Curve((), (fmpq(1),), (ZERO,))
    points = {id(unknown): identity.reshape(1, *unknown.shape)}
    values = tape.evaluate(at_points(points, CURVES), apply)
    return entrywise(as_curve, values[-1]).reshape(tape.nodes[-1].shape)


def apply(node: Node, values: list[Batch]) -> Batch:
    """One operation on curves; only piecewise-linear functions have one."""
    profile = profile_of(node)
    if profile is not None and profile.kinks is None:
        raise Undecided(f"{profile.name} is not piecewise linear")
    return evaluate(node, values, CURVES)
