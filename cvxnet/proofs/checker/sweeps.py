"""Proofs by sweeps: max |g| over the unit ball, exactly, for piecewise linear units.

At rank 3 at most; with one output and many rows, kinks.py has the proof for ranks 2 and 3, and for
higher ranks there is cones.py. g is linear on each face that the planes of the rows cut out
(lines.py), so it is enough to look at every face: what is largest on it, and whether it is attained
there. `BallSweep` says how for the norm l2, `OctahedronSweep` for l1.
"""

from __future__ import annotations

import math
from fractions import Fraction

from flint import fmpq

from .cones import PiecewiseLinearSearch
from .coordinates import LowRank, in_few_coordinates
from .document import RefusalError
from .dual import Clock, Dual, Terms, only
from .exact import above_one, bits, check_size
from .kinks import kinks_violation
from .lines import (
    IDENTITY,
    Arc,
    Line,
    Metric,
    Slopes,
    Sweep,
    Vector,
    cross,
    dot,
    form,
    lines_of,
    mapped,
    padded,
    plus,
    sums,
    times,
)
from .vector_sweeps import VectorSweep

FEW = 100  # rows up to which all faces are quickly seen


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

    If only g has to be at most beta, not -g, +-c . w is c . w: then what is attained where it is
    negative does not count. ``sides`` are the signs that count.
    """

    def __init__(
        self, lines: list[Line], limit: int, H: Metric, sides: tuple[int, ...] = (1, -1)
    ) -> None:
        super().__init__(lines, limit)
        self.H, self.sides = H, sides
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
            w = arc.start()
            value = dot(c, w)
            if sign(value) in self.sides:
                self.reach(value**2 * self.determinant, form(self.adjugate, w))
            if arc.between(mapped(self.H, plus(times(E, c), times(-s, e)))) in self.sides:
                self.reach(flat, E)
        for k, side in ((arc.line.slopes.on, 1), (arc.line.slopes.off, -1)):
            t = s + k * E
            square = flat + t * t
            toward = sign(t) * side  # of +-H(c + k e), the one on the cell's side of the circle
            if toward in self.sides and square > self.limit * E:
                top = mapped(self.H, plus(c, times(k, e)))
                if arc.cell_holds(times(toward, top)):
                    self.reach(square, E)


class OctahedronSweep(Sweep):
    """Piecewise linear units, norm l1, at most three columns, whose planes are among the lines.

    Then g is linear on each face, and so is |w|_1: +-g / |w|_1, the size, is largest at a vertex.
    """

    def __init__(self, lines: list[Line], limit: int, sides: tuple[int, ...]) -> None:
        super().__init__(lines, limit)
        self.sides = sides

    def circle(self, line: Line, order: list[Line], clock: Clock) -> None:
        for end, c, opposite in sums(order):
            clock.check()
            w = cross(order[end - 1].e, line.e)
            for value in (dot(c, w), -dot(opposite, w)):
                if sign(value) in self.sides:
                    self.reach(abs(value), sum(map(abs, w)))


def piecewise_linear_violation(
    dual: Dual, sides: tuple[fmpq, fmpq], norm: str, clock: Clock
) -> Fraction:
    """`Units.violation` of units that are linear on both sides of 0, with these slopes."""
    scale = math.lcm(*(int(slope.q) for slope in sides))
    slopes = Slopes(*(int(slope * scale) for slope in sides))
    rows, weights, beta = dual.scaled(1)
    terms = Terms(rows, weights, beta * scale)
    if norm == "l1":
        return violation_in_octahedron(terms, slopes, dual.sides, clock)

    def violation(problem: LowRank, clock: Clock) -> Fraction:
        return violation_in_ball(problem, slopes, dual.sides, clock)

    return in_few_coordinates(terms, lambda _, d: max(map(abs, slopes)) * d, violation, clock)


def violation_in_octahedron(
    terms: Terms, slopes: Slopes, sides: tuple[int, ...], clock: Clock
) -> Fraction:
    """The violation for the norm l1."""
    used = [k for k, column in enumerate(zip(*terms.rows, strict=True)) if any(column)]
    if len(used) > 3:
        raise RefusalError("with the norm l1, more than 3 columns of X that are not 0")
    points = [[row[k] for k in used] for row in terms.rows]
    lines = lines_of(points, only(terms.weights), slopes, H=IDENTITY, more=IDENTITY)
    sweep = OctahedronSweep(lines, terms.beta, sides)
    sweep.run(3, clock)
    return Fraction(sweep.limit, terms.beta) - 1


def violation_in_ball(
    problem: LowRank, slopes: Slopes, sides: tuple[int, ...], clock: Clock
) -> Fraction:
    """The violation for the norm l2; of many rows and beyond rank 3 by branch and bound."""
    points, weights, H, scale, most = problem
    if 1 < len(H) <= 3 and len(points) > FEW and len(weights[0]) == 1:
        found = kinks_violation(problem, slopes, sides, clock)
        if found is not None:
            return found
    limit = math.floor(most**2 * scale)
    if len(H) > 3:
        v = only(weights)
        return PiecewiseLinearSearch(H, limit, clock).violation(points, v, slopes, sides)
    check_size(12 * sum(map(len, weights)), bits(weights) + bits(points))
    metric, more = padded(H), IDENTITY[: 2 * (len(H) < 3)]
    columns = [lines_of(points, v, slopes, metric, more) for v in zip(*weights, strict=True)]
    sweep: Sweep
    if len(columns) > 1:
        sweep = VectorSweep(columns, limit, metric)
    else:
        sweep = BallSweep(columns[0] if columns else [], limit, metric, sides)
    sweep.run(len(H), clock)
    return above_one(Fraction(sweep.limit, scale) / most**2)


def sign(x: int) -> int:
    """-1, 0 or 1."""
    return (x > 0) - (x < 0)
