"""Proofs for units with one kink and many rows, by branch and bound over cones.

In the coordinates w of coordinates.py, to be proved is |g(w)| <= most |w|, or one side of that, for

    g(w) = c . w + sum_j k_j (z_j . w)_+,    |w|^2 = w^T H^{-1} w;

limit is most^2 in the scale of H. On the cone of the w = sum_k y_k w_k, y >= 0, with corners w_k,

    rows with k_j > 0 add a convex function g+, and there g+(w) <= sum_k y_k g+(w_k);
    rows with k_j < 0 add a concave one, nowhere above its tangent at any point t, the linear
    function sum_{j: z_j . t > 0} k_j z_j . w, nor above any sum s_j k_j z_j . w, s_j in [0, 1].

So if a vector q has q . w_k >= h_k at all corners, for

    h_k = g+(w_k) + (c + sum_{k_j < 0, z_j . t > 0} k_j z_j) . w_k,

then g(w) <= q . w <= |q| |w| on the cone, with |q|^2 = q^T H q. If that is at most limit, the cone
is proved; otherwise it is cut at a point of an edge, in two that cover it.

Exact are the corners, g+ at the corners, the sums of k_j z_j, and the comparisons with h_k and with
limit. All else is in doubles and need not be right: where cones are cut, t, q. But rows that are
positive at a corner count for g+. In doubles z_j . w_k is known up to SURE, where the largest
numbers of rows and corners are below one: each of the r <= 7 numbers of both has one rounding, and
so have each product and r - 1 sums, 9 * 7 * 2^-53 in all. Where that does not tell, it is computed
exactly. A row with k_j > 0 that is surely positive, or surely negative, at all corners is settled
on the cone: so it is at all points of it. Of rows with k_j < 0 any s_j will do.

Rows in general position are settled after few cuts, so that n rows take about n log n steps.

Where g is found to be too large, the limit rises a little beyond that, so that what comes out is
about the largest violation, and exactly that of a point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, compress, product
from operator import add, itemgetter, mul, truediv
from typing import NamedTuple

from flint import fmpz_mat

from .coordinates import LowRank, whole_inverse
from .corners import (
    BOTH,
    HAS_NONE,
    HAS_PLUS,
    NONE,
    Corner,
    Rows,
    Vector,
    combined,
    on_edge,
    shortest,
    signs_of,
    times,
    widest,
)
from .document import UnfinishedError
from .dual import Clock, only
from .exact import Matrix, above_one, congruent, inner
from .lifting import SHARE, linear_above
from .lines import Slopes

SURE = 2.0**-45  # what z_j . w_k may be off by, and more
ZERO = 2.0**-50  # heights of rows with k_j < 0 that do not count
DIGITS = 60  # binary ones, of q and of points
FEW = 16  # rows in doubt up to which a cut is where one of them errs most
SHARED = 16  # rows up to which the s_j may be other than 0 and 1
JUST, NEAR = 1.0 + 1e-12, 1.001  # how far above the level q is tried, and then other s_j
TURNS = 3  # choices of t
FAR = 1.5  # how far above the level q is where g is computed on cones of many rows in doubt, too
MISSES = 10  # times in a row that it may be small enough there, until that is no longer tried
DEPTH = 250  # cuts one after the other
LITTLE = 2.0**-48  # of the level: rows that err less are not where a cone is cut
RAISED = Fraction(1, 1000)  # of the violation found, how much further the limit rises
LEAST_RAISED, MOST_RAISED = Fraction(1, 10**13), Fraction(1, 10**9)


class ThinConeError(ArithmeticError):
    """A cone is too thin for doubles to say where it should be cut."""


class Cone(NamedTuple):
    """A cone: the sums of k_j z_j over the rows that are positive on it, and the rows in doubt.

    ``rising`` has what rows with k_j > 0 add, ``slope`` the others and c.
    """

    corners: list[Corner]
    rising: list[int]
    slope: list[int]
    convex: Rows
    concave: Rows
    depth: int

    def size(self) -> int:
        """How many rows are in doubt."""
        return len(self.convex.which) + len(self.concave.which)


class Attempt(NamedTuple):
    """The length of the shortest q found for a cone, and the shares of corners at its peak."""

    length: float
    shares: Vector


class KinkSearch:
    """Branch and bound for one sign of g; ``limit`` and ``level``, in doubles, rise where it fails.

    Points are (n, r), k has n numbers, slope r, H is (r, r): whole numbers.
    """

    def __init__(
        self, points: Matrix, k: Sequence[int], slope: list[int], H: Matrix, limit: int,
        clock: Clock,
    ) -> None:  # fmt: skip
        self.H, self.asked, self.clock = H, limit, clock
        self.inverse, self.determinant = whole_inverse(H)
        self.slope = slope
        self.peak: list[int] = []  # where g is too large, and largest of what was found
        self.misses = 0
        columns = list(zip(*points, strict=True))
        sizes = [1 << max(map(int.bit_length, z)) for z in points]
        self.z = [list(map(truediv, column, sizes)) for column in columns]
        self.products = [list(map(mul, k, column)) for column in columns]
        self.signs = [[j for j, x in enumerate(k) if s * x > 0] for s in (1, -1)]
        self.unit = 1 << max(map(abs, map(mul, k, sizes))).bit_length()
        self.kinks = [x * y / self.unit for x, y in zip(k, sizes, strict=True)]
        self.metric_unit = 1 << max(abs(x) for row in H for x in row).bit_length()
        self.metric = self.inverse_in_doubles()
        self.set_limit(limit)

    def inverse_in_doubles(self) -> list[Vector]:
        """``metric_unit H^{-1}``."""
        factor = Fraction(self.metric_unit, self.determinant)
        return [[float(x * factor) for x in row] for row in self.inverse]

    def set_limit(self, limit: int) -> None:
        """What g has to stay below from now on."""
        self.limit = limit
        self.level = math.sqrt(Fraction(limit, self.metric_unit * self.unit**2))

    def violation(self) -> Fraction:
        """0 if g is small enough; otherwise about by how much it is too large, and no more."""
        try:
            self.search()
        except UnfinishedError:  # as the time is over; what was found by then is not too much
            if not self.peak:
                raise
        if not self.peak:
            return Fraction(0)
        over = self.over(self.value(self.peak), self.peak, self.asked)
        if not over:
            raise ThinConeError
        return over

    def search(self) -> None:
        """All cones, depth first."""
        for cone in self.first_cones():
            cones = [cone]
            while cones:
                self.clock.check()
                cones += self.parts(cones.pop())

    def first_cones(self) -> Iterator[Cone]:
        """The orthants."""
        r = len(self.H)
        none = [0] * r
        convex, concave = (self.rows(which) for which in self.signs)
        axes = [[Corner([s * (i == k) for i in range(r)]) for s in (1, -1)] for k in range(r)]
        there = {w: self.signs_at(w, none, convex, concave) for w in chain(*axes)}
        for corners in product(*axes):
            rising, falling = (list(signs) for signs in zip(*map(there.get, corners), strict=True))
            yield self.settled(
                list(corners), none, self.slope,
                convex._replace(signs=rising), concave._replace(signs=falling), 0,
            )  # fmt: skip

    def rows(self, which: list[int]) -> Rows:
        """Some rows, without signs."""
        return Rows(which, [list(map(z.__getitem__, which)) for z in self.z], [])

    def sums(self, start: list[int], which: list[int]) -> list[int]:
        """``start`` and the k_j z_j of some rows."""
        return [
            x + sum(map(column.__getitem__, which))
            for x, column in zip(start, self.products, strict=True)
        ]

    def product(self, j: int, w: list[int]) -> int:
        """``k_j z_j . w``."""
        return sum(column[j] * x for column, x in zip(self.products, w, strict=True))

    def signs_at(
        self, corner: Corner, rising: list[int], convex: Rows, concave: Rows
    ) -> tuple[bytes, bytes]:
        """The signs of the rows in doubt on a cone at a new corner of it; sets g+ there."""
        signs = signs_of(convex.at(corner.near), SURE, NONE)
        ahead = list(compress(convex.which, signs.translate(HAS_PLUS)))
        unsure = compress(convex.which, signs.translate(HAS_NONE))
        ahead += [j for j in unsure if self.product(j, corner.whole) > 0]
        corner.bulge = inner(self.sums(rising, ahead), corner.whole)
        corner.height = corner.bulge / (self.unit << corner.bits)
        return signs, signs_of(concave.at(corner.near), ZERO, BOTH)

    def settled(
        self, corners: list[Corner], rising: list[int], slope: list[int],
        convex: Rows, concave: Rows, depth: int,
    ) -> Cone:  # fmt: skip
        """A cone, with fewer rows in doubt."""
        ahead, convex = convex.settled()
        active, concave = concave.settled()
        rising, slope = self.sums(rising, ahead), self.sums(slope, active)
        return Cone(corners, rising, slope, convex, concave, depth)

    def parts(self, cone: Cone) -> list[Cone]:
        """Nothing for a cone that is proved, or two cones that cover it."""
        gram = self.gram(cone.corners)
        attempt = self.attempt(cone, gram)
        if attempt is None:
            return []
        few = 0 < len(cone.concave.which) <= SHARED and len(cone.convex.which) <= SHARED
        if few and attempt.length <= NEAR * self.level and self.proved_by_shares(cone):
            return []
        if self.is_worth_a_look(cone, attempt):
            self.look_at(cone, attempt.shares)
        if cone.depth >= DEPTH:
            raise ThinConeError
        return self.halves(cone, gram)

    def attempt(self, cone: Cone, gram: list[Vector]) -> Attempt | None:
        """None for a cone that is proved, else the best that was found."""
        shares, best = [1.0] * len(gram), Attempt(math.inf, [])
        for _ in range(TURNS):
            t = combined(cone.corners, shares)
            ahead = compress(cone.concave.which, [x > 0.0 for x in cone.concave.at(t)])
            slope = self.sums(cone.slope, list(ahead))
            heights = [
                w.height + inner(slope, w.whole) / (self.unit << w.bits) for w in cone.corners
            ]
            length, shares = shortest(gram, heights)
            if length <= JUST * self.level and self.is_above(cone, slope, shares):
                return None
            best = min(best, Attempt(length, shares), key=itemgetter(0))
            if not cone.concave.which or not any(shares):
                break
        return best

    def is_above(self, cone: Cone, slope: list[int], shares: Vector) -> bool:
        """Whether the q of these shares, as long as it has to be, is short enough: exactly."""
        if not cone.convex.which and self.is_short(list(map(add, cone.rising, slope)), 1):
            return True
        w = combined(cone.corners, shares)
        q = [int(math.ldexp(x, DIGITS)) * self.unit for x in times(self.metric, w)]
        reached = [inner(q, corner.whole) for corner in cone.corners]
        needed = [(c.bulge + inner(slope, c.whole)) << DIGITS for c in cone.corners]
        ratios = [Fraction(h, x) for x, h in zip(reached, needed, strict=True) if x > 0]
        longer = max([Fraction(1), *ratios])
        above = all(longer * x >= h for x, h in zip(reached, needed, strict=True))
        return above and self.is_short(q, Fraction(1 << DIGITS) / longer)

    def is_short(self, q: list[int], scale: int | Fraction) -> bool:
        """Whether q / scale is no longer than the limit."""
        return bool(inner(q, [inner(row, q) for row in self.H]) <= self.limit * scale**2)

    def proved_by_shares(self, cone: Cone) -> bool:
        """Whether s_j between 0 and 1 prove the cone, exactly: with lifting.py."""
        W = [corner.whole for corner in cone.corners]
        G = congruent(self.inverse, W)
        b = [corner.bulge + inner(cone.slope, corner.whole) for corner in cone.corners]
        D = [[self.product(j, w) for w in W] for j in cone.concave.which]
        c, _ = linear_above(b, D, G, limit=Fraction(self.limit, self.determinant), patient=True)
        solution = fmpz_mat(G).solve(fmpz_mat(len(c), 1, c)).entries()
        square = sum(map(mul, solution, c))
        return bool(self.determinant * square <= self.limit * SHARE**2)

    def is_worth_a_look(self, cone: Cone, attempt: Attempt) -> bool:
        """Whether g may well be too large on a cone, and computing it takes little."""
        far = attempt.length > FAR * self.level and self.misses < MISSES
        return any(attempt.shares) and (far or cone.size() <= FEW)

    def look_at(self, cone: Cone, shares: Vector) -> None:
        """Compute g at a point of the cone; where it is too large, the limit rises."""
        t, most = [0] * len(self.H), max(corner.bits for corner in cone.corners)
        for share, corner in zip(shares, cone.corners, strict=True):
            times_of = int(math.ldexp(share / max(shares), DIGITS)) << (most - corner.bits)
            t = [x + times_of * y for x, y in zip(t, corner.whole, strict=True)]
        value = inner(cone.rising, t) + inner(cone.slope, t)
        value += sum(max(self.product(j, t), 0) for j in cone.convex.which)
        value += sum(min(self.product(j, t), 0) for j in cone.concave.which)
        self.misses += cone.size() > FEW
        if self.over(value, t, self.limit):  # about: some row may be on the wrong side of 0
            self.misses = 0
            self.peak, worst = t, self.over(value, t, self.asked)
            raised = 1 + worst + min(worst * RAISED, MOST_RAISED) + LEAST_RAISED
            self.set_limit(math.ceil(self.asked * raised**2))

    def value(self, t: list[int]) -> int:
        """``g(t)``."""
        convex, concave = self.signs
        total: int = inner(self.slope, t)
        total += sum(max(self.product(j, t), 0) for j in convex)
        return total + sum(min(self.product(j, t), 0) for j in concave)

    def over(self, value: int, t: list[int], limit: int) -> Fraction:
        """By how much a value of g at a point is above a limit; 0 where it is below."""
        square = inner(t, [inner(row, t) for row in self.inverse])
        return above_one(Fraction(max(value, 0) ** 2 * self.determinant, square * limit))

    def gram(self, corners: list[Corner]) -> list[Vector]:
        """``w^T H^{-1} w'`` of corners, in doubles."""
        images = [times(self.metric, corner.near) for corner in corners]
        return [[inner(image, corner.near) for corner in corners] for image in images]

    def halves(self, cone: Cone, gram: list[Vector]) -> list[Cone]:
        """Two cones, with a new corner in place of one of two."""
        crossing = self.crossing(cone) if cone.size() <= FEW else None
        i, j, share = crossing or widest(gram)
        corners = cone.corners
        new = Corner(on_edge(corners[i], corners[j], share))
        convex, concave = self.signs_at(new, cone.rising, cone.convex, cone.concave)
        return [
            self.settled(
                [*corners[:k], new, *corners[k + 1 :]],
                cone.rising,
                cone.slope,
                cone.convex.with_corner(k, convex),
                cone.concave.with_corner(k, concave),
                cone.depth + 1,
            )
            for k in (i, j)
        ]

    def crossing(self, cone: Cone) -> tuple[int, int, float] | None:
        """Where the row that errs most is 0 on an edge; None if all err little.

        Of rows with k_j > 0, if any of these errs: with the others t and the s_j may help.
        """
        for rows in (cone.convex, cone.concave):
            worst, place = LITTLE * self.level, None
            heights = [rows.at(corner.near) for corner in cone.corners]
            for j, *p in zip(rows.which, *heights, strict=True):
                lowest, highest = min(p), max(p)
                if (error := abs(self.kinks[j]) * min(-lowest, highest)) > worst:
                    worst, place = error, (p.index(highest), p.index(lowest), -lowest / highest)
            if place:
                return place
        return None


def kinks_violation(
    problem: LowRank, slopes: Slopes, sides: tuple[int, ...], clock: Clock
) -> Fraction | None:
    """`Units.violation` of units with one kink and one output, or a lower bound of it.

    None where that cannot be told: if g reaches the limit exactly, or numbers differ too much.
    """
    points, weights = problem.points, only(problem.weights)
    limit, violation = math.floor(problem.limit**2 * problem.scale), Fraction(0)
    for side in sides:
        slope = [side * slopes.off * inner(weights, column) for column in zip(*points, strict=True)]
        k = [side * (slopes.on - slopes.off) * v for v in weights]
        try:
            search = KinkSearch(points, k, slope, problem.H, limit, clock)
            violation = max(violation, search.violation())
        except (ArithmeticError, ValueError):
            return violation or None
        except UnfinishedError:  # but where the other side was too large, that is enough
            if not violation:
                raise
    return violation
