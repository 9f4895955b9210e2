"""Proofs by branch and bound over cones.

Cones, in the coordinates w of coordinates.py with any rank, for g and |u| homogeneous in w. On the
cone of the w = W t, t >= 0, let p_j = W^T z_j. Of a row with p_j >= 0 or p_j <= 0 it is settled
what it adds; the others are in doubt. A cone on which it is not proved that g is at most beta |u|
(|u|^2) is cut in two at a point of one of its edges. All is kept as seen from the corners, the
columns of W, whose lengths do not matter: with H^{-1} = P / determinant and G = W^T P W, |u|^2 is
at least t^T G t / determinant.

Squared ReLU units: settled is B, beta W^T P W at first, with beta |u|^2 - g = t^T B t - sum v_j
(p_j . t)_+^2. Rows with p_j >= 0 add -v_j p_j p_j^T to B. Of the rows in doubt, those with v_j < 0
may be left out, and of those with v_j > 0 (p_j . t)_+ is at most p_j+ . t and at most |p_j . t|. So
it is enough if B - sum v_j p_j+ p_j+^T over these has no negative entry, or if B - sum v_j p_j
p_j^T is positive semidefinite. (Copositivity by partition of cones; Bundfuss, Duer, Linear Algebra
and its Applications 428, 2008.)

Piecewise linear units, more than rank 3: settled is b, with g = b . t + sum v_j (p_j . t)_+, v
multiplied by right - left, and b = left sum v_j p_j at first. Rows with p_j >= 0 add v_j p_j to b.
Of the rows in doubt, those with v_j > 0 add at most v_j p_j+ . t, those with v_j < 0 at most s_j
v_j p_j . t with any s_j in [0, 1]; and as t >= 0, any lift >= 0 may be added to b. So g <= b . t,
and it is enough if determinant b^T G^{-1} b <= limit, which is beta^2 in the scale of H. The s_j
and lifts that make this small are looked for in doubles; t = G^{-1} b is then about where g is
largest.

First cones. The orthants; with piecewise linear units, what r planes cut out.

Cuts. With piecewise linear units, of the rows in doubt with v_j > 0 the one that errs most says
where: about where p_j . t = 0 on an edge. Otherwise, and with squared ReLU units, the longest edge
is halved.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, product
from operator import mul
from typing import Any, NamedTuple

from flint import fmpz_mat

from .coordinates import LowRank, branch_and_bound, in_few_coordinates, whole_inverse
from .dual import Clock, Dual, only
from .exact import Matrix, above_one, congruent, inner
from .lifting import SHARE, lengths, linear_above
from .lines import Slopes
from .semidefinite import semidefinite

Row = tuple[int, list[int]]  # v_j with z_j or p_j
DIGITS = 40  # binary ones, of the shares that two corners have in a new one
SPARE = 0.01  # how long axes are beside rows in the choice of the first cones


class Cut(NamedTuple):
    """The point ``a w_i + b w_j`` of an edge, beside which the corners count ``others`` times."""

    i: int
    j: int
    a: int
    b: int
    others: int = 1


class Cone(NamedTuple):
    """What is known of a cone; ``settled`` is a vector or a matrix, ``doubt`` has v_j and p_j."""

    G: Matrix
    settled: Any
    doubt: list[Row]

    def parts(self, cut: Cut) -> Iterator[Cone]:
        """Two cones, with a new corner in place of w_i and of w_j."""
        for k in (cut.i, cut.j):
            doubt = [(v, moved(p, k, cut)) for v, p in self.doubt]
            yield Cone(moved(self.G, k, cut), moved(self.settled, k, cut), doubt)

    def halving(self) -> Cut:
        """In the middle of the longest edge."""
        G = self.G
        edges = ((G[i][i] - 2 * G[i][j] + G[j][j], i, j) for j in range(len(G)) for i in range(j))
        _, i, j = max(edges)
        return Cut(i, j, 1, 1, others=2)

    def bisection(self) -> Cut:
        """At half the widest angle between corners, about."""
        G, sizes = self.G, [math.isqrt(self.G[k][k]) or 1 for k in range(len(self.G))]
        edges = combinations(range(len(G)), 2)
        i, j = min(edges, key=lambda edge: G[edge[0]][edge[1]] / (sizes[edge[0]] * sizes[edge[1]]))
        return Cut(i, j, leading(sizes[j]), leading(sizes[i]))

    def crossing(self) -> Cut | None:
        """About where an edge meets p_j . t = 0, for the row with v_j > 0 that errs most."""
        lengths = [math.log2(self.G[k][k]) / 2 for k in range(len(self.G))]
        worst, place = -math.inf, None
        for v, p in self.doubt:
            if v > 0:
                ahead, i = max((math.log2(x) - lengths[k], k) for k, x in enumerate(p) if x > 0)
                behind, j = max((math.log2(-x) - lengths[k], k) for k, x in enumerate(p) if x < 0)
                if (error := math.log2(v) + min(ahead, behind)) > worst:
                    worst, place = error, (i, j, leading(-p[j]), leading(p[i]))
        if place is None:
            return None
        i, j, a, b = place
        return Cut(i, j, a // math.gcd(a, b), b // math.gcd(a, b))


class ConeSearch:
    """Branch and bound over cones; what ``settled`` is and what proves a cone is for subclasses.

    H is (r, r); ``limit`` is the largest g, or its square, that is allowed, in the scale of H.
    """

    def __init__(self, H: Matrix, limit: int, clock: Clock) -> None:
        self.limit, self.clock = limit, clock
        self.P, self.determinant = whole_inverse(H)

    def run(self, settled: Any, terms: list[Row]) -> Fraction:
        """0 if all cones are proved; otherwise the violation at some point."""
        if not terms or not self.P:
            return Fraction(0)
        cones = self.first_cones(settled, terms)
        return branch_and_bound(cones, self.violation_in, self.halves, self.clock)

    def first_cones(self, settled: Any, terms: list[Row]) -> list[Cone]:
        """Those of the first corners and their opposites: together, all of R^r."""
        W, cones = self.first_corners(terms), []
        for signs in product((1, -1), repeat=len(W)):
            corners = [[s * x for x in w] for s, w in zip(signs, W, strict=True)]
            doubt = [(v, [inner(z, w) for w in corners]) for v, z in terms]
            cone = Cone(congruent(self.P, corners), seen_from(settled, corners), doubt)
            cones.append(self.decided(cone))
        return cones

    def first_corners(self, terms: list[Row]) -> Matrix:
        """Those of the first cone; the others have them on other sides."""
        return [[int(i == k) for k in range(len(self.P))] for i in range(len(self.P))]

    def halves(self, cone: Cone) -> Iterator[Cone]:
        """Two cones that cover this one."""
        return map(self.decided, cone.parts(self.cut(cone)))

    def cut(self, cone: Cone) -> Cut:
        """Where to cut a cone."""
        return cone.halving()

    def decided(self, cone: Cone) -> Cone:
        """The same, with fewer rows in doubt."""
        settled, doubt = cone.settled, []
        for v, p in cone.doubt:
            if min(p) >= 0:
                settled = self.settle(settled, v, p)
            elif max(p) > 0:
                doubt.append((v, p))
        return Cone(cone.G, settled, doubt)

    def settle(self, settled: Any, v: int, p: list[int]) -> Any:
        """With a row that is positive on the cone."""
        raise NotImplementedError

    def violation_in(self, cone: Cone) -> Fraction | None:
        """0 if g is small enough on the cone, the violation of a point where it is not, or None."""
        raise NotImplementedError


class SquaredReLUSearch(ConeSearch):
    """Squared ReLU units."""

    def violation(self, points: Matrix, weights: list[int], sides: tuple[int, ...]) -> Fraction:
        """`Units.violation`, or a lower bound of it; points are (n, r), weights n numbers."""
        A, violation = [[self.limit * x for x in row] for row in self.P], Fraction(0)
        for side in sides:
            factor = side * self.determinant
            terms = [(factor * v, z) for v, z in zip(weights, points, strict=True)]
            violation = violation or self.run(A, terms)
        return violation

    def settle(self, settled: Any, v: int, p: list[int]) -> Any:
        return plus_square(settled, -v, p)

    def violation_in(self, cone: Cone) -> Fraction | None:
        above, forms = cone.settled, cone.settled
        for v, p in cone.doubt:
            if v > 0:
                above = plus_square(above, -v, [max(x, 0) for x in p])
                forms = plus_square(forms, -v, p)
        if min(map(min, above)) >= 0 or semidefinite(forms, self.clock):
            return Fraction(0)
        return self.violation_at_corners(cone)

    def violation_at_corners(self, cone: Cone) -> Fraction | None:
        """Of the first corner where g is too large, if there is one."""
        for k, row in enumerate(cone.settled):
            value = sum(v * max(p[k], 0) ** 2 for v, p in cone.doubt) - row[k]
            if value > 0:
                return Fraction(value, self.limit * cone.G[k][k])
        return None


class PiecewiseLinearSearch(ConeSearch):
    """Piecewise linear units."""

    def violation(
        self, points: Matrix, weights: list[int], slopes: Slopes, sides: tuple[int, ...]
    ) -> Fraction:
        """`Units.violation`, or a lower bound of it; points are (n, r), weights n numbers."""
        violation = Fraction(0)
        for side in sides:
            c = [side * slopes.off * inner(weights, column) for column in zip(*points, strict=True)]
            jump = side * (slopes.on - slopes.off)
            terms = [(jump * v, z) for v, z in zip(weights, points, strict=True)]
            violation = violation or self.run(c, terms)
        return violation

    def first_corners(self, terms: list[Row]) -> Matrix:
        """Where r planes meet: of rows that err much and are far from dependent, or of axes."""
        r = len(self.P)
        axes = [[int(i == k) for k in range(r)] for i in range(r)]
        convex = [(v, z) for v, z in terms if v > 0]  # where g is bent upward
        planes = [z for _, z in convex] + axes
        chosen = [planes[k] for k in far_from_dependent(convex, r)]
        if len(chosen) < r or not fmpz_mat(chosen).det():
            chosen = axes
        corners = zip(*whole_inverse(chosen)[0], strict=True)
        return [[x // math.gcd(*w) for x in w] for w in corners]

    def cut(self, cone: Cone) -> Cut:
        return cone.crossing() or cone.bisection()

    def settle(self, settled: Any, v: int, p: list[int]) -> Any:
        return [x + v * y for x, y in zip(settled, p, strict=True)]

    def violation_in(self, cone: Cone) -> Fraction | None:
        b, D = concave_above(cone)
        if max(b) <= 0:
            return Fraction(0)
        G, t = cone.G, middle(cone.G)
        Gt, c = [inner(row, t) for row in G], slope_at(b, D, t)
        if min(Gt) > 0 and self.reached(max(map(Fraction, c, Gt)), inner(t, Gt)) <= 1:
            return Fraction(0)  # as c may be lifted to a multiple of G t
        settled = len(D) == len(cone.doubt)  # so that h is g itself
        if not settled and self.reached(inner(c, t), 1) > inner(t, Gt):
            return None  # as h is too large at t, and so is any c . t
        limit = Fraction(self.limit, self.determinant)
        c, t = linear_above(b, D, G, limit=limit, patient=settled)
        return Fraction(0) if self.is_small(c, G) else self.violation_at(cone, t)

    def is_small(self, c: list[int], G: Matrix) -> bool:
        """Whether ``c . t / SHARE`` is small enough on the ball: ``determinant c^T G^{-1} c``."""
        solution = fmpz_mat(G).solve(fmpz_mat(len(c), 1, c)).entries()
        square = sum(map(mul, solution, map(int, c)))
        return bool(self.determinant * square <= self.limit * SHARE**2)

    def violation_at(self, cone: Cone, t: list[int]) -> Fraction | None:
        """Of a point of the cone, or None if g is small enough there."""
        value = inner(cone.settled, t) + sum(v * max(inner(p, t), 0) for v, p in cone.doubt)
        square = inner(t, [inner(row, t) for row in cone.G])
        return above_one(self.reached(value, Fraction(1, square))) or None

    def reached(self, g: int | Fraction, square: int | Fraction) -> Fraction:
        """The square of g over the limit, with ``square`` as a factor; 0 where g is negative."""
        return Fraction(max(g, 0)) ** 2 * square * self.determinant / self.limit


def concave_above(cone: Cone) -> tuple[list[int], Matrix]:
    """b and the d_j of ``h(t) = b . t + sum_j min(0, d_j . t)``, which is at least g."""
    b = cone.settled
    for v, p in cone.doubt:
        if v > 0:
            b = [x + v * max(y, 0) for x, y in zip(b, p, strict=True)]
    return b, [[v * y for y in p] for v, p in cone.doubt if v < 0]


def slope_at(b: list[int], D: Matrix, t: list[int]) -> list[int]:
    """The c with ``h(t) = c . t``."""
    return [x + sum(y) for x, *y in zip(b, *(d for d in D if inner(d, t) < 0), strict=True)]


def middle(G: Matrix) -> list[int]:
    """The sum of the corners, made equally long."""
    sizes = lengths(G)
    return [SHARE * max(sizes) // size for size in sizes]


def far_from_dependent(terms: list[Row], r: int) -> list[int]:
    """r rows v_j z_j, each the one left longest by those before; short axes are the last r rows.

    In doubles: nothing is certain.
    """
    left = in_doubles(terms)
    longest = math.sqrt(max((inner(z, z) for z in left), default=1.0))
    left += [[SPARE * longest * (i == k) for k in range(r)] for i in range(r)]
    chosen: list[int] = []
    for _ in range(r):
        squares = [inner(z, z) for z in left]
        k = max(range(len(left)), key=squares.__getitem__)
        if squares[k] == 0.0:
            break
        left = orthogonal_to(left, k, squares[k])
        chosen.append(k)
    return chosen


def in_doubles(terms: list[Row]) -> list[list[float]]:
    """The rows v_j z_j, v_j > 0, made so small that none overflows."""
    largest = max((max(map(abs, z)) for _, z in terms), default=1)
    top = max([1, *(v for v, _ in terms)])
    return [[v / top * (x / largest) for x in z] for v, z in terms]


def orthogonal_to(rows: list[list[float]], k: int, square: float) -> list[list[float]]:
    """What rows have orthogonal to row k; of that one itself, nothing."""
    base = rows[k]
    shares = [1.0 if i == k else inner(row, base) / square for i, row in enumerate(rows)]
    return [
        [x - share * y for x, y in zip(row, base, strict=True)]
        for row, share in zip(rows, shares, strict=True)
    ]


def seen_from(x: Any, W: Matrix) -> Any:
    """A vector or a symmetric matrix in the coordinates of corners."""
    return congruent(x, W) if x and isinstance(x[0], list) else [inner(x, w) for w in W]


def moved(x: Any, k: int, cut: Cut) -> Any:
    """A vector or a symmetric matrix with corner k at the cut."""
    if isinstance(x[0], list):
        x = [moved(row, k, cut) for row in x]
        new: Any = [cut.a * y + cut.b * z for y, z in zip(x[cut.i], x[cut.j], strict=True)]
        return [new if i == k else [cut.others * y for y in row] for i, row in enumerate(x)]
    new = cut.a * x[cut.i] + cut.b * x[cut.j]
    return [new if i == k else cut.others * y for i, y in enumerate(x)]


def leading(x: int) -> int:
    """The number with all but its leading DIGITS replaced by zeros."""
    spare = max(x.bit_length() - DIGITS, 0)
    return x >> spare << spare


def plus_square(A: Matrix, v: int, z: Sequence[int]) -> Matrix:
    """``A + v z z^T``."""
    return [
        [a + v * x * y for a, y in zip(row, z, strict=True)] for row, x in zip(A, z, strict=True)
    ]


def squared_relu_violation(dual: Dual, clock: Clock) -> Fraction:
    """`Units.violation` of units ``max(z, 0)^2``; where it is not 0, a lower bound of it."""

    def violation(problem: LowRank, clock: Clock) -> Fraction:
        limit = math.floor(problem.limit * problem.scale)
        search = SquaredReLUSearch(problem.H, limit, clock)
        return search.violation(problem.points, only(problem.weights), dual.sides)

    return in_few_coordinates(
        dual.scaled(2), lambda size, d: (2 * size + 3 * d) * d, violation, clock
    )
