"""Proofs by sweeps: max |g| over the unit ball, exactly, for piecewise linear units.

At rank 3 at most. g is linear on each face that the planes of the rows cut out (lines.py), so it is
enough to look at every face: what is largest on it, and whether it is attained there. `BallSweep`
says how for the norm l2, `OctahedronSweep` for l1.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from flint import fmpq

from .cones import PiecewiseLinearSearch
from .coordinates import LowRank, in_few_coordinates
from .document import RefusalError
from .dual import Clock, Dual, Terms
from .exact import above_one
from .lines import (
    IDENTITY,
    Line,
    Metric,
    Slopes,
    Vector,
    cross,
    crossings,
    dot,
    form,
    lines_of,
    make_line,
    padded,
    plus,
    sums,
    times,
)


class Sweep:
    """Visits faces; ``limit`` ends as the largest size of g, or as it was if none is above it.

    The size is what a subclass compares: |g| or its square, in integers.
    """

    def __init__(self, lines: list[Line], limit: int) -> None:
        self.lines, self.limit = lines, limit

    def run(self, rank: int, clock: Clock) -> None:
        """All circles."""
        pole = make_line((0, 0, 1), IDENTITY, Slopes(0, 0))
        for line in self.lines if rank == 3 else [pole] if self.lines else []:
            self.circle(line, crossings(line.e, [x for x in self.lines if x is not line]), clock)

    def circle(self, line: Line, order: list[Line], clock: Clock) -> None:
        """Half of the great circle of a line, arc by arc, and opposite each arc its antipode."""
        raise NotImplementedError

    def reach(self, size: int, scale: int) -> None:
        """Somewhere the size of g is ``size / scale``."""
        if size > self.limit * scale:
            self.limit = -(-size // scale)


class BallSweep(Sweep):
    """Piecewise linear units, Euclidean norm; the size is g^2 on the sphere w^T H^{-1} w = 1.

    On a closed face g is linear, g = c . w, with the gradient c of any cell that touches it. Let w
    maximise |g| on the sphere, g(w) != 0, and let F be the face with w in its relative interior.
    Then w maximises +-c . w on a neighbourhood in the sphere of span F, hence (a linear function
    has no other local maximum of positive value there) on all of it: it is the multiple of the
    projection of +-H c on span F. So |g| <= beta everywhere if for every F and both signs this
    maximum is at most beta, or is attained outside the closure of F. With L = beta^2:

      (a) vertex w            (c . w)^2 <= L w^T H^{-1} w
      (b) arc on the plane e  |c|^2 - (e.Hc)^2 / |e|^2 <= L,
                              or neither of +-H(c - (e.Hc) / |e|^2 e) is between the arc's ends
      (c) cell                |c|^2 <= L, or some line has H c on the wrong side, and one has -H c

    If r < 3, every c lies in the plane of the pole, e.Hc = 0, and (a) and (b) say all. With
    E = |e|^2, s = e . Hc, flat = E |c|^2 - s^2, (b) reads flat <= L E, which implies (a) at the
    ends of the arc; the cells beside it have gradients c + k e, k = on or off, so that (c) reads
    flat + (s + k E)^2 <= L E. These numbers alone settle most arcs. A maximum with s + k E = 0 is
    on the circle, so (b) saw it.
    """

    def __init__(self, lines: list[Line], limit: int, H: Metric) -> None:
        super().__init__(lines, limit)
        self.H = H
        self.adjugate = cross(H[1], H[2]), cross(H[2], H[0]), cross(H[0], H[1])
        self.determinant = dot(H[0], self.adjugate[0])

    def circle(self, line: Line, order: list[Line], clock: Clock) -> None:
        E, (off, on) = dot(line.e, line.He), line.slopes
        for end, c, opposite in sums(order):
            clock.check()
            for gradient, turn in ((c, 1), (opposite, -1)):
                s = dot(line.He, gradient)
                flat = E * form(self.H, gradient) - s * s
                tilt = max(abs(s + on * E), abs(s + off * E))
                if flat + tilt * tilt > self.limit * E:
                    self.arc(Arc(line, order, end, turn), gradient, s, flat, E)

    def arc(self, arc: Arc, c: Vector, s: int, flat: int, E: int) -> None:
        """Test (a) where the arc starts, (b) between its ends, (c) beside it."""
        e = arc.line.e
        if flat > self.limit * E:
            w = cross(e, arc.order[arc.end - 1].e)
            self.reach(dot(c, w) ** 2 * self.determinant, form(self.adjugate, w))
            if arc.ends_around(plus(times(E, c), times(-s, e))):
                self.reach(flat, E)
        for k, side in ((arc.line.slopes.on, 1), (arc.line.slopes.off, -1)):
            t = s + k * E  # the sign of +-H(c + k e) that is on the cell's side of the circle
            square = flat + t * t
            if t and square > self.limit * E and arc.cell_holds(plus(c, times(k, e)), t * side):
                self.reach(square, E)


class OctahedronSweep(Sweep):
    """Piecewise linear units, norm l1, at most three columns, whose planes are among the lines.

    Then g is linear on each face, and so is |w|_1: |g| / |w|_1, the size, is largest at a vertex.
    """

    def circle(self, line: Line, order: list[Line], clock: Clock) -> None:
        for end, c, opposite in sums(order):
            clock.check()
            w = cross(line.e, order[end - 1].e)
            self.reach(max(abs(dot(c, w)), abs(dot(opposite, w))), sum(map(abs, w)))


class Arc(NamedTuple):
    """A piece of the circle of ``line``, starting where ``order[end - 1]`` crosses.

    On it ``turn * e . w`` is positive for the lines ``order[:end]``, negative for the others.
    """

    line: Line
    order: list[Line]
    end: int
    turn: int

    def ends_around(self, c: Vector) -> bool:
        """Whether H c or -H c, which is in the circle's plane, is between the arc's ends."""
        start, stop = self.order[self.end - 1], self.order[self.end % len(self.order)]
        first, second = dot(start.He, c), dot(stop.He, c)
        if self.end < len(self.order):
            second = -second
        return (first >= 0 and second >= 0) or (first <= 0 and second <= 0)

    def cell_holds(self, c: Vector, toward: int) -> bool:
        """Whether H c (``toward`` > 0) or -H c (< 0) is on the arc's side of all other lines."""
        if (self.turn > 0) != (toward > 0):
            c = times(-1, c)
        for line in self.order[self.end - 1 :: -1]:  # those that cross near the arc come first
            if dot(line.He, c) < 0:
                return False
        return all(dot(line.He, c) <= 0 for line in self.order[self.end :])


def piecewise_linear_violation(
    dual: Dual, sides: tuple[fmpq, fmpq], norm: str, clock: Clock
) -> Fraction:
    """`Units.violation` of units that are linear on both sides of 0, with these slopes."""
    scale = math.lcm(*(int(slope.q) for slope in sides))
    slopes = Slopes(*(int(slope * scale) for slope in sides))
    rows, weights, beta = dual.scaled(1)
    terms = Terms(rows, weights, beta * scale)
    if norm == "l1":
        return violation_in_octahedron(terms, slopes, clock)

    def violation(problem: LowRank, clock: Clock) -> Fraction:
        return violation_in_ball(problem, slopes, clock)

    return in_few_coordinates(terms, lambda _, d: max(map(abs, slopes)) * d, violation, clock)


def violation_in_octahedron(terms: Terms, slopes: Slopes, clock: Clock) -> Fraction:
    """The violation for the norm l1."""
    used = [k for k, column in enumerate(zip(*terms.rows, strict=True)) if any(column)]
    if len(used) > 3:
        raise RefusalError("with the norm l1, more than 3 columns of X that are not 0")
    points = [[row[k] for k in used] for row in terms.rows]
    lines = lines_of(points, terms.weights, slopes, H=IDENTITY, more=IDENTITY)
    sweep = OctahedronSweep(lines, terms.beta)
    sweep.run(3, clock)
    return Fraction(sweep.limit, terms.beta) - 1


def violation_in_ball(problem: LowRank, slopes: Slopes, clock: Clock) -> Fraction:
    """The violation for the norm l2; beyond rank 3 by branch and bound."""
    points, weights, H, scale, most = problem
    limit = math.floor(most**2 * scale)
    if len(H) > 3:
        return PiecewiseLinearSearch(H, limit, clock).violation(points, weights, slopes)
    sweep = BallSweep(lines_of(points, weights, slopes, padded(H)), limit, padded(H))
    sweep.run(len(H), clock)
    return above_one(Fraction(sweep.limit, scale) / most**2)
