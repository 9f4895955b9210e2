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
positive at a corner count for g+. In doubles z_j . w_k is known up to SURE (clusters.py); where
that does not tell, it is computed exactly. A row with k_j > 0 that is surely positive, or surely
negative, at all corners is settled on the cone: so it is at all points of it. Of rows with k_j < 0
any s_j will do.

Rows in general position are settled after few cuts. Most are looked at in clusters: at a corner or
at t only those are opened that meet its plane.

Where g is found to be too large, the limit rises a little beyond that, so that what comes out is
about the largest violation, and exactly that of a point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, compress, product
from operator import add, itemgetter, mul
from typing import NamedTuple

from flint import fmpz_mat

from .clusters import SURE, Clusters, Rows
from .coordinates import LowRank, whole_inverse
from .corners import Corner, Vector, combined, on_edge, shortest, times, widest
from .document import UnfinishedError
from .dual import Clock, only
from .exact import Matrix, above_one, congruent, inner
from .lifting import SHARE, linear_above
from .lines import Slopes

ZERO = 2.0**-50  # heights of rows with k_j < 0 that do not count
DIGITS = 60  # binary ones, of q and of points
FEW = 16  # rows in doubt up to which a cut is where one of them errs most, and any s_j are tried
JUST, NEAR = 1.0 + 1e-12, 1.001  # how far above the level q is tried, and then other s_j
TURNS = 2  # choices of t
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
    sizes: tuple[int, int]
    depth: int

    def size(self) -> int:
        """How many rows are in doubt."""
        return sum(self.sizes)


class Attempt(NamedTuple):
    """The length of the shortest q found for a cone, and the shares of corners at its peak."""

    length: float
    shares: Vector


class KinkSearch:
    """Branch and bound for one sign of g; ``limit`` and ``level``, in doubles, rise where it fails.

    ``convex`` are the rows with k_j > 0, ``concave`` those with k_j < 0; slope has r numbers, H is
    (r, r).
    """

    def __init__(
        self, convex: Clusters, concave: Clusters, slope: list[int], H: Matrix, limit: int,
        clock: Clock,
    ) -> None:  # fmt: skip
        self.H, self.asked, self.clock = H, limit, clock
        self.inverse, self.determinant = whole_inverse(H)
        self.slope = slope
        self.peak: list[int] = []  # where g is too large, and largest of what was found
        self.misses = 0
        self.convex, self.concave = convex, concave
        kinks = convex.kinks + concave.kinks
        self.unit = 1 << max(map(abs, kinks), default=0).bit_length()
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
        axes = [[Corner([s * (i == k) for i in range(r)]) for s in (1, -1)] for k in range(r)]
        convex, concave = self.convex.all(), self.concave.all()
        for corner in chain(*axes):
            convex, concave = self.seen_at(corner, none, convex, concave)
        for chosen in product(*(range(2 * k, 2 * k + 2) for k in range(r))):
            corners = [axes[c // 2][c % 2] for c in chosen]
            rising, falling = ([rows.signs[c] for c in chosen] for rows in (convex, concave))
            yield self.settled(
                corners, none, self.slope,
                convex._replace(signs=rising), concave._replace(signs=falling), 0,
            )  # fmt: skip

    def seen_at(
        self, corner: Corner, rising: list[int], convex: Rows, concave: Rows
    ) -> tuple[Rows, Rows]:
        """The rows in doubt on a cone with their signs at a new corner of it; sets g+ there."""
        convex = self.convex.at(corner.near, convex, SURE)
        ahead = self.convex.ahead(convex, corner.whole)
        corner.bulge = inner(self.convex.total(ahead, rising), corner.whole)
        corner.height = corner.bulge / (self.unit << corner.bits)
        return convex, self.concave.at(corner.near, concave, -ZERO)

    def settled(
        self, corners: list[Corner], rising: list[int], slope: list[int],
        convex: Rows, concave: Rows, depth: int,
    ) -> Cone:  # fmt: skip
        """A cone, with fewer rows in doubt."""
        ahead, convex = convex.settled()
        active, concave = concave.settled()
        rising, slope = self.convex.total(ahead, rising), self.concave.total(active, slope)
        sizes = self.convex.number(convex), self.concave.number(concave)
        if sum(sizes) <= FEW:
            convex, concave = self.convex.as_rows(convex), self.concave.as_rows(concave)
        return Cone(corners, rising, slope, convex, concave, sizes, depth)

    def parts(self, cone: Cone) -> list[Cone]:
        """Nothing for a cone that is proved, or two cones that cover it."""
        gram = self.gram(cone.corners)
        attempt = self.attempt(cone, gram)
        if attempt is None:
            return []
        close = attempt.length <= NEAR * self.level
        if close and cone.sizes[1] and cone.size() <= FEW and self.proved_by_shares(cone):
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
            slope = self.concave.total(self.concave.ahead_of(t, cone.concave.which), cone.slope)
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
        D = [[self.concave.product(j, w) for w in W] for j in cone.concave.which]
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
        value = self.value(t)
        self.misses += cone.size() > FEW
        if self.over(value, t, self.limit):
            self.misses = 0
            self.peak, worst = t, self.over(value, t, self.asked)
            raised = 1 + worst + min(worst * RAISED, MOST_RAISED) + LEAST_RAISED
            self.set_limit(math.ceil(self.asked * raised**2))

    def value(self, t: list[int]) -> int:
        """``g(t)``."""
        gradient, w = self.slope, Corner(t)
        for clusters in (self.convex, self.concave):
            rows = clusters.at(w.near, clusters.all(), SURE)
            gradient = clusters.total(clusters.ahead(rows, t), gradient)
        return int(inner(gradient, t))

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
        convex, concave = self.seen_at(new, cone.rising, cone.convex, cone.concave)
        return [
            self.settled(
                [*corners[:k], new, *corners[k + 1 :]],
                cone.rising,
                cone.slope,
                convex.moved(k),
                concave.moved(k),
                cone.depth + 1,
            )
            for k in (i, j)
        ]

    def crossing(self, cone: Cone) -> tuple[int, int, float] | None:
        """Where the row that errs most is 0 on an edge; None if all err little.

        Of rows with k_j > 0, if any of these errs: with the others t and the s_j may help.
        """
        for clusters, rows in ((self.convex, cone.convex), (self.concave, cone.concave)):
            worst, place = LITTLE * self.level, None
            heights = [clusters.heights(rows.which, corner.near) for corner in cone.corners]
            for j, *p in zip(rows.which, *heights, strict=True):
                lowest, highest = min(p), max(p)
                error = abs(clusters.kinks[j]) / self.unit * min(-lowest, highest)
                if error > worst:
                    worst, place = error, (p.index(highest), p.index(lowest), -lowest / highest)
            if place:
                return place
        return None


def clusters_of(points: Matrix, k: Sequence[int], side: int) -> Clusters:
    """The rows with k_j > 0, or < 0; none of zeros."""
    chosen = [side * x > 0 and any(z) for x, z in zip(k, points, strict=True)]
    columns = [list(compress(column, chosen)) for column in zip(*points, strict=True)]
    return Clusters(columns, list(compress(k, chosen)))


def searches(
    problem: LowRank, slopes: Slopes, sides: tuple[int, ...], clock: Clock
) -> Iterator[KinkSearch]:
    """One for each sign of g that counts; both have the same clusters."""
    points, weights = problem.points, only(problem.weights)
    limit = math.floor(problem.limit**2 * problem.scale)
    slope = [slopes.off * inner(weights, column) for column in zip(*points, strict=True)]
    k = [(slopes.on - slopes.off) * v for v in weights]
    convex, concave = (clusters_of(points, k, sign) for sign in (1, -1))
    for side in sides:
        bent = (convex, concave) if side > 0 else (concave.opposite(), convex.opposite())
        yield KinkSearch(*bent, [side * x for x in slope], problem.H, limit, clock)


def kinks_violation(
    problem: LowRank, slopes: Slopes, sides: tuple[int, ...], clock: Clock
) -> Fraction | None:
    """`Units.violation` of units with one kink and one output, or a lower bound of it.

    None where that cannot be told: if g reaches the limit exactly, or numbers differ too much.
    """
    violation = Fraction(0)
    try:
        for search in searches(problem, slopes, sides, clock):
            violation = max(violation, search.violation())
    except (ArithmeticError, ValueError):
        return violation or None
    except UnfinishedError:  # but where the other side was too large, that is enough
        if not violation:
            raise
    return violation
