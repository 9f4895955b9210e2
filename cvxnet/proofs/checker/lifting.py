"""Linear functions above a concave one on a cone: a search in doubles that proves nothing.

On the cone of the w = W t, t >= 0, let h(t) = b . t + sum_j min(0, d_j . t), with G = W^T P W as in
cones.py. For all shares s_j in [0, 1] and lifts l_k >= 0

    h(t) <= c . t,    c = b + sum_j s_j d_j + l,

and c . t is at most sqrt(c^T G^{-1} c) where t^T G t <= 1. To be made small is c^T G^{-1} c: by
coordinate descent, with a Newton step in what is not at an end after each pass. At the smallest
one, t = G^{-1} c is where h is largest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from operator import mul

from flint import arb_mat, fmpz_mat

from .exact import Matrix, balls, inner

SHARE = 2**40  # the shares are multiples of its inverse
PASSES = 200
SURELY = 1 - 1e-12  # where the goal is reached up to rounding
TINY = 1e-14  # what may be missing if all is well
PATIENT, HASTY = 1e-4, 1e-2  # a pass that gains less of what is missing is the last


def linear_above(
    b: list[int], D: Matrix, G: Matrix, limit: Fraction, patient: bool
) -> tuple[list[int], list[int]]:
    """SHARE c, with c^T G^{-1} c below the limit if that is found, and about a multiple of t.

    b, c and t are r numbers, D has r columns, G is (r, r).
    """
    sizes = lengths(G)  # in doubles all is seen as if corners had the length one
    scale = largest_of((b, *D), sizes)
    units = [max(math.floor(scale * x), 1) for x in sizes]
    try:
        start, *rows = in_units((b, *D), units)
        descent = Descent(start, rows, inverse_in_units(G, sizes))
        descent.run(float(limit / scale**2), PATIENT if patient else HASTY)
        steps, t = descent.found()
    except (OverflowError, ValueError):  # the numbers are too different for doubles
        steps, t = [0] * (len(D) + len(b)), [1] * len(b)
    shares, lifts = steps[: len(D)], map(mul, steps[len(D) :], units)
    columns = zip(b, lifts, *D, strict=True)
    c = [SHARE * x + lift + inner(shares, column) for x, lift, *column in columns]
    return c, [x * max(sizes) // size for x, size in zip(t, sizes, strict=True)]


def lengths(G: Matrix) -> list[int]:
    """About those of the corners, at least 1."""
    return [math.isqrt(row[k]) or 1 for k, row in enumerate(G)]


def largest_of(rows: Iterable[list[int]], sizes: list[int]) -> Fraction:
    """A power of two, above all numbers in these sizes by as little as twice their largest."""
    most = max(
        (
            x.bit_length() - y.bit_length()
            for row in rows
            for x, y in zip(row, sizes, strict=True)
            if x
        ),
        default=0,
    )
    return Fraction(2) ** (most + 1)


def in_units(rows: Iterable[list[int]], units: list[int]) -> list[list[float]]:
    """Rows in doubles, every coordinate in its unit."""
    return [[x / y for x, y in zip(row, units, strict=True)] for row in rows]


def inverse_in_units(G: Matrix, units: list[int]) -> list[list[float]]:
    """``G^{-1}`` in doubles, (r, r), for coordinates in these units."""
    return [
        [int(x.p) * y * z / int(x.q) for x, z in zip(row, units, strict=True)]
        for row, y in zip(fmpz_mat(G).inv().tolist(), units, strict=True)
    ]


class Descent:
    """Shares of rows, then lifts, as ``steps``; ``t``, metric times c; ``square``, t . c.

    b has r numbers, rows have r columns, metric is (r, r).
    """

    def __init__(self, b: list[float], rows: list[list[float]], metric: list[list[float]]) -> None:
        self.rows = rows + [[float(i == k) for i in range(len(b))] for k in range(len(b))]
        self.ends = [1.0] * len(rows) + [math.inf] * len(b)
        self.images = [times(metric, row) for row in self.rows]
        self.bends = [
            inner(row, image) or 1.0 for row, image in zip(self.rows, self.images, strict=True)
        ]
        self.steps, self.t = [0.0] * len(self.rows), times(metric, b)
        self.square = inner(b, self.t)

    def run(self, goal: float, little: float) -> None:
        """Passes until the square is below the goal, or a pass gains little."""
        before = math.inf
        for _ in range(PASSES):
            missing = max(self.square - goal, TINY * goal)
            if self.square < SURELY * goal or before - self.square <= little * missing:
                return
            before = self.square
            for k, row in enumerate(self.rows):
                slope = inner(row, self.t)
                self.move(k, self.steps[k] - slope / self.bends[k], slope, self.bends[k])
            self.move_together([k for k, x in enumerate(self.steps) if 0.0 < x < self.ends[k]])

    def found(self) -> tuple[list[int], list[int]]:
        """The steps, and t without what it has below zero, made as large as 1; SHARE times both."""
        top = max(self.t)
        t = [round(SHARE * max(x / top, 0.0)) if top > 0.0 else 1 for x in self.t]
        return [round(SHARE * step) for step in self.steps], t

    def move(self, k: int, to: float, slope: float, bend: float) -> None:
        """One step, to there or to the end before."""
        to = min(self.ends[k], max(0.0, to))
        change = to - self.steps[k]
        if change:
            self.steps[k] = to
            self.t = [x + change * y for x, y in zip(self.t, self.images[k], strict=True)]
            self.square += change * (2.0 * slope + change * bend)

    def move_together(self, free: list[int]) -> None:
        """Newton's step in some, or as far as all of them may go."""
        slopes = [inner(self.rows[k], self.t) for k in free]
        wanted = solution(
            [[inner(self.rows[k], self.images[j]) for j in free] for k in free], slopes
        )
        room = [
            (self.ends[k] - self.steps[k] if x < 0.0 else self.steps[k]) / abs(x)
            for k, x in zip(free, wanted, strict=True)
            if x
        ]
        part = min([1.0, *room])
        if part * inner(wanted, slopes) > 0.0:
            for k, x in zip(free, wanted, strict=True):
                slope = inner(self.rows[k], self.t)
                self.move(k, self.steps[k] - part * x, slope, self.bends[k])


def solution(A: list[list[float]], b: list[float]) -> list[float]:
    """About the solution of ``A x = b``; zeros if there is none."""
    try:
        with balls():
            x = arb_mat(A).solve(arb_mat(len(b), 1, b)).entries() if b else []
    except ZeroDivisionError:
        return [0.0] * len(b)
    return [float(y.mid()) for y in x]


def times(M: list[list[float]], x: list[float]) -> list[float]:
    """``M x``."""
    return [inner(row, x) for row in M]
