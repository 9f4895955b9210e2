"""The planes where units change, and the circles that they cut out of the sphere.

Lines. Rows that are multiples of each other change sign together. Each such class has a primitive
integer vector e. It adds on * (e . w) to g where e . w > 0, off * (e . w) where e . w < 0. No two
classes are parallel, so duplicate and opposite rows are gone.

Circles. The planes e . w = 0 cut R^3 into faces: cells, arcs (of the great circle of a plane),
vertices and the origin. If r = 3, the vectors e span R^3, so every cell is a pointed cone and
has a facet; a facet is an arc. Running along every circle and looking at each arc, at the vertex
where it starts and at the two cells beside it therefore visits all faces. If r < 3, the circle
of an added pole (0, 0, 1) is the whole sphere of R^2 (if r = 1: two arcs, each half a circle).
Along a circle the sum of what the other lines add is kept, the gradient c, by adding the jump at
each crossing. It suffices to go half round: opposite the arc with the sum c lies one with T - c, T
the sum over lines of what both of their sides add.

Ties. Lines that cross at the same place are passed one by one, in any order. The arcs of length
zero between them, and the cells beside those, are faces that do not exist. This does no harm: a
point that satisfies all their (closed) sign conditions has the value of |g| that is found. Nor does
it matter that neighbouring faces share their boundaries.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cmp_to_key
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from .dual import Clock
from .exact import Matrix

Vector = tuple[int, int, int]
Metric = tuple[Vector, Vector, Vector]
IDENTITY: Metric = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
POLE = IDENTITY[2]


class Slopes(NamedTuple):
    """What rows add where e . w < 0 and where e . w > 0, times e . w."""

    off: int
    on: int

    def along(self, k: int) -> Slopes:
        """What units with these slopes in z add, as multiples of e . w, where z = k e . w."""
        return Slopes(k * self.off, k * self.on) if k > 0 else Slopes(k * self.on, k * self.off)


class Line(NamedTuple):
    """The plane e . w = 0, seen from one side; He = H e.

    To the sum that a sweep keeps it adds ``back`` behind, ``back + jump`` in front.
    """

    e: Vector
    He: Vector
    back: Vector
    jump: Vector
    slopes: Slopes

    def turned(self) -> Line:
        """The same plane, seen from its other side; the slopes stay as they are."""
        e, He, jump = times(-1, self.e), times(-1, self.He), times(-1, self.jump)
        return Line(e, He, plus(self.back, self.jump), jump, self.slopes)


class Sweep:
    """Visits faces; ``limit`` ends as the largest size of g, or as it was if none is above it.

    The size is what a subclass compares: g, its length or the square of that, in integers.
    """

    def __init__(self, lines: list[Line], limit: int) -> None:
        self.lines, self.limit = lines, limit

    def run(self, rank: int, clock: Clock) -> None:
        """All circles."""
        pole = make_line(POLE, IDENTITY, Slopes(0, 0))
        for line in self.lines if rank == 3 else [pole] if self.lines else []:
            self.circle(line, crossings(line.e, [x for x in self.lines if x is not line]), clock)

    def circle(self, line: Line, order: list[Line], clock: Clock) -> None:
        """Half of the great circle of a line, arc by arc, and opposite each arc its antipode."""
        raise NotImplementedError

    def reach(self, size: int, scale: int) -> None:
        """Somewhere the size of g is ``size / scale``."""
        if size > self.limit * scale:
            self.limit = -(-size // scale)


class Arc(NamedTuple):
    """A piece of the circle of ``line``, starting where ``order[end - 1]`` crosses.

    On it ``turn * e . w`` is positive for the lines ``order[:end]``, negative for the others.
    """

    line: Line
    order: list[Line]
    end: int
    turn: int

    def start(self) -> Vector:
        """A point where it starts."""
        return times(self.turn, cross(self.order[self.end - 1].e, self.line.e))

    def stop(self) -> Vector:
        """A point where it ends."""
        if self.end < len(self.order):
            return times(self.turn, cross(self.order[self.end].e, self.line.e))
        return times(-self.turn, cross(self.order[0].e, self.line.e))

    def between(self, w: Vector) -> int:
        """1 if w, in the circle's plane, is between the ends, -1 if -w is, 0 if neither."""
        start, stop = self.order[self.end - 1], self.order[self.end % len(self.order)]
        first, second = self.turn * dot(start.e, w), self.turn * dot(stop.e, w)
        if self.end < len(self.order):
            second = -second
        return 1 if first >= 0 and second >= 0 else -(first <= 0 and second <= 0)

    def cell_holds(self, w: Vector) -> bool:
        """Whether w, not in the circle's plane, is on the arc's side of all other lines."""
        w = times(self.turn, w)
        for line in self.order[self.end - 1 :: -1]:  # those that cross near the arc come first
            if dot(line.e, w) < 0:
                return False
        return all(dot(line.e, w) <= 0 for line in self.order[self.end :])


Event = tuple[
    float, int, int, Any
]  # rounded cotangent of a direction, the direction, what it is of


def lines_of(
    rows: Matrix, weights: Sequence[int], slopes: Slopes, H: Metric, more: Iterable[Vector] = ()
) -> list[Line]:
    """One line for each class of parallel rows that are not zero, and for the vectors ``more``.

    Rows are (n, 3) or narrower, weights n numbers; units have the slopes in z.
    """
    totals = {e: Slopes(0, 0) for e in more}
    for row, weight in zip(rows, weights, strict=True):
        k, direction = primitive(row)
        if k:
            e = vector(direction)
            old, new = totals.get(e, Slopes(0, 0)), slopes.along(k)
            totals[e] = Slopes(*(x + weight * y for x, y in zip(old, new, strict=True)))
    return [make_line(e, H, total) for e, total in totals.items()]


def primitive(z: Sequence[int]) -> tuple[int, tuple[int, ...]]:
    """k and e with ``z = k e``: parallel vectors have one e; k is 0 for a vector of zeros.

    e has no common divisor, and of its numbers other than 0 the first is positive.
    """
    k = math.gcd(*z)
    if not k:
        return 0, tuple(z)
    k = k if next(x for x in z if x) > 0 else -k
    return k, tuple(x // k for x in z)


def make_line(e: Vector, H: Metric, slopes: Slopes) -> Line:
    """A line, with what it adds to the gradient."""
    back, jump = times(slopes.off, e), times(slopes.on - slopes.off, e)
    return Line(e, mapped(H, e), back, jump, slopes)


def crossings(e: Vector, others: Iterable[Line]) -> list[Line]:
    """The other lines as they cross half of the circle of e, turned to be entered from the back."""
    k = next(i for i in range(3) if e[i])
    p, q = (k + 1) % 3, (k + 2) % 3
    events: list[Event] = []
    for line in others:  # in coordinates of the plane: a s + b t = 0 at +-(b, -a)
        a, b = e[k] * line.e[p] - e[p] * line.e[k], e[k] * line.e[q] - e[q] * line.e[k]
        if a < 0 or (a == 0 and b > 0):  # (b, -a) is in the upper half plane
            events.append((cotangent(b, -a), b, -a, line))
        else:
            events.append((cotangent(-b, a), -b, a, line.turned()))
    return in_order(events)


def in_order(events: list[Event]) -> list[Any]:
    """What directions in the upper half plane are of, by their angle from (1, 0) on."""
    events.sort(key=itemgetter(0), reverse=True)
    if any(turn(one, two) < 0 for one, two in pairwise(events)):  # the floats only guessed
        events.sort(key=cmp_to_key(turn), reverse=True)
    return [event[3] for event in events]


def cotangent(s: int, t: int) -> float:
    """``s / t``, rounded, of a direction in the upper half plane."""
    beyond = math.inf if s >= 0 else -math.inf
    try:
        return s / t if t else beyond
    except OverflowError:
        return beyond


def turn(one: Event, two: Event) -> int:
    """Positive if of two directions in the upper half plane the second comes later."""
    return one[1] * two[2] - one[2] * two[1]


def sums(order: list[Line]) -> Iterator[tuple[int, Vector, Vector]]:
    """For each arc, the number of lines crossed before, and the sums on it and opposite."""
    c = both = (0, 0, 0)
    for line in order:  # before the first crossing all lines show their back
        c = plus(c, line.back)
        both = plus(both, plus(line.jump, times(2, line.back)))
    for end, line in enumerate(order, 1):
        c = plus(c, line.jump)
        yield end, c, plus(both, times(-1, c))


def vector(x: Sequence[int]) -> Vector:
    """Three coordinates, padded with zeros."""
    first, second, third = (*x, 0, 0, 0)[:3]
    return first, second, third


def padded(H: Matrix) -> Metric:
    """The metric in three coordinates."""
    first, second, third = (*map(vector, H), *IDENTITY[len(H) :])
    return first, second, third


def dot(x: Vector, y: Vector) -> int:
    """``x . y``."""
    return x[0] * y[0] + x[1] * y[1] + x[2] * y[2]


def cross(x: Vector, y: Vector) -> Vector:
    """The vector product."""
    return x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]


def plus(x: Vector, y: Vector) -> Vector:
    """``x + y``."""
    return x[0] + y[0], x[1] + y[1], x[2] + y[2]


def times(k: int, x: Vector) -> Vector:
    """``k x``."""
    return k * x[0], k * x[1], k * x[2]


def mapped(H: Metric, x: Vector) -> Vector:
    """``H x``."""
    return dot(H[0], x), dot(H[1], x), dot(H[2], x)


def form(H: Metric, x: Vector) -> int:
    """``x . H x``."""
    return dot(x, mapped(H, x))
