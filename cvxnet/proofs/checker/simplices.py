"""Regions of a tree whose units have one kink: lists of simplicial cones.

Coordinates. Of the samples, r rows are named, the matrix B of independent rows; where u is, is said
by t = B u. Other rows are x_j = B^T z_j + d_j, so that x_j . u = z_j . t + d_j . u; z_j is rounded
to a multiple of a small number, and d_j is what is left exactly: nothing but rounding, if the rank
is r but for rounding. All |u| with B u = t are at least t^T H^{-1} t, squared, with H = B B^T. With

    ghat(t) = sum_j v_j phi(z_j . t),    slack = sum_j |v_j| L |d_j|,    L the larger slope,

it is thus enough that -s ghat(t) is at most beta - slack where t^T H^{-1} t <= 1.

Regions. A cone is {W x : x >= 0}, for r corners W in whole numbers, in the coordinates t. At first
there are 2^r, the orthants, with the signs in the order ++, +-, -+, --: they cover all. A list of
cones is cut at an index into two lists. A single cone is cut at a point a w_i + b w_j of an edge,
a, b > 0, i and j different: the one half has it in place of w_i, the other in place of w_j. A unit
of the cone lies in one of these: with shares x_i, x_j of its corners, in the second if a x_j <= b
x_i, and in the first otherwise.

Proof. A corner of many digits is w_k = 2^{e_k} (y_k + something in [0, 1)^r), others are y_k.
Cones do not depend on the lengths of corners, so w_k / 2^{e_k} will do, and

    ghat(W x) <= sum_j v_j phi((y z_j) . x) + sum_k x_k sum_j |v_j| L |z_j|_1,

where the first sum, the function that cones.py calls g, has few digits, and the second, over the
corners of many digits, is added to its b. Of G = W^T H^{-1} W the entries are rounded down, which
makes |u|^2 smaller, as x >= 0; G has to be positive definite after that. Then
`PiecewiseLinearSearch` is started on this cone in place of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from flint import fmpq, fmpz_mat

from .claims import Claims, rows_of
from .cones import Cone, PiecewiseLinearSearch
from .coordinates import MAX_RANK, NEGLIGIBLE, branch_and_bound, eliminated, lengths, whole_inverse
from .document import RefusalError
from .dual import Clock
from .exact import Matrix, bits, check_size, inner, integers, over_common_denominator
from .lines import Slopes
from .tree import Space

DIGITS = 64  # of corners, and of z_j and v_j, that proofs see
MAX_DIGITS = 2**14  # of corners
MAX_HEIGHTS = 3 * 10**7  # samples * corners


class Corner:
    """A corner: in whole numbers, shortened, and what rows and H^{-1} make of it."""

    def __init__(self, whole: tuple[int, ...], coordinates: Coordinates) -> None:
        self.whole = whole
        self.spare = max(bits([whole]) - DIGITS, 0)
        self.short = [x >> self.spare for x in whole]
        self.image = [inner(row, whole) for row in coordinates.P]
        self.coordinates = coordinates

    @cached_property
    def heights(self) -> list[int]:
        """``z_j . y`` for all samples."""
        return [inner(z, self.short) for z in self.coordinates.points]

    def beside(self, other: Corner, cut: list[int]) -> Corner:
        """The point ``a w + b w'`` of the edge."""
        a, b = cut
        whole = [a * x + b * y for x, y in zip(self.whole, other.whole, strict=True)]
        if bits([whole]) > MAX_DIGITS:
            raise RefusalError("too large: a corner of a cone has too many digits")
        common = math.gcd(*whole)
        return Corner(tuple(x // common for x in whole), self.coordinates)


class Region:
    """Units of one sign in a list of cones, each with its corners; ``parts`` by cut."""

    def __init__(self, sign: int, cones: list[list[Corner]]) -> None:
        self.sign, self.cones = sign, cones
        self.parts: dict[tuple[int, ...], tuple[Region, Region]] = {}


class Coordinates(NamedTuple):
    """``points`` (n, r) are the z_j, in whole numbers after multiplying by ``scale``.

    ``rests`` are the |d_j|_1 with that factor, ``sizes`` the |x_j|_1. ``H`` is (r, r), and its
    inverse a multiple of P, in whole numbers.
    """

    points: Matrix
    rests: list[int]
    sizes: list[int]
    scale: int
    H: Matrix
    P: Matrix


def coordinates_of(X: Matrix, chosen: list[int]) -> Coordinates:
    """The products with some rows as coordinates, for all rows (n, d)."""
    check_size(len(X) * len(X[0]), (len(chosen) + 2) * bits(X))
    B, scale = fmpz_mat([X[k] for k in chosen]), 2**DIGITS
    points = rounded(shares(X, B) * scale)
    images = whole(fmpz_mat(points) * B)
    rests = [
        [scale * x - y for x, y in zip(row, image, strict=True)]
        for row, image in zip(X, images, strict=True)
    ]
    H = whole(B * B.transpose())
    return Coordinates(points, lengths(rests), lengths(X), scale, H, whole_inverse(H)[0])


def shares(X: Matrix, B: fmpz_mat) -> Any:
    """Z (n, r) with ``X = Z B``, as seen in the r columns of B of the largest pivots."""
    _, columns, _ = eliminated(whole(B), B.nrows())
    if len(columns) < B.nrows():
        raise RefusalError("evidence: the rows of the tree depend on one another")
    inverse: Any = fmpz_mat([[row[k] for k in columns] for row in B.table()]).inv()
    return fmpz_mat([[row[k] for k in columns] for row in X]) * inverse


def rounded(M: Any) -> Matrix:
    """The nearest whole numbers."""
    return [[int((x + fmpq(1, 2)).floor()) for x in row] for row in M.tolist()]


def whole(M: Any) -> Matrix:
    """As lists."""
    return [list(map(int, row)) for row in M.tolist()]


class ConeSpace(Space):
    """Units with one kink, which are linear on both sides of 0, with these slopes.

    The rows ``chosen`` are the tree's, unless others are given.
    """

    def __init__(
        self, claims: Claims, sides: tuple[fmpq, fmpq], chosen: list[int] | None = None
    ) -> None:
        if chosen is None and claims.tree:
            chosen = claims.tree["rows"]
        if not chosen or len(chosen) > MAX_RANK:
            raise RefusalError(f"evidence: a tree of these units needs 1 to {MAX_RANK} rows")
        X, self.x_scale = integers(rows_of(claims))
        self.basis = [X[k] for k in chosen]
        self.seen = coordinates_of(X, chosen)
        self.beta = Fraction(claims.weight_decay)
        self.factor = math.lcm(*(int(slope.q) for slope in sides))
        self.slopes = Slopes(*(int(slope * self.factor) for slope in sides))
        self.corners = 0

    def region(self, sign: int) -> Region:
        r = len(self.seen.P)
        axes = [
            [Corner(tuple(s * (i == k) for i in range(r)), self.seen) for s in (1, -1)]
            for k in range(r)
        ]
        return Region(sign, [list(corners) for corners in product(*axes)])

    def halves(self, region: Region, cut: list[int]) -> tuple[Region, Region]:
        key = tuple(cut)
        if key not in region.parts:
            cut_list = self.list_cut if len(cut) == 1 else self.edge_cut
            region.parts[key] = cut_list(region, *cut)
        return region.parts[key]

    def list_cut(self, region: Region, at: int) -> tuple[Region, Region]:
        """Before and from an index on."""
        if not 0 < at < len(region.cones):
            raise RefusalError("evidence: a list of cones is cut where it has no index")
        before, after = region.cones[:at], region.cones[at:]
        return Region(region.sign, before), Region(region.sign, after)

    def edge_cut(self, region: Region, i: int, j: int, a: int, b: int) -> tuple[Region, Region]:
        """With a new corner in place of corner i and of corner j."""
        if len(region.cones) > 1 or i == j or max(i, j) >= len(self.seen.P):
            raise RefusalError("evidence: a cut at an edge that there is not, or of several cones")
        self.corners += 1
        if self.corners * len(self.seen.points) > MAX_HEIGHTS:
            raise RefusalError("too large: the tree has too many cones for so many samples")
        (corners,) = region.cones
        new = corners[i].beside(corners[j], [a, b])
        first, second = (
            Region(region.sign, [[new if k == t else w for k, w in enumerate(corners)]])
            for t in (i, j)
        )
        return first, second

    def violations(self, regions: list[Region], v: list[Any], clock: Clock) -> Iterator[Fraction]:
        return map(ConeProof(self, v, clock).violation, regions)


class ConeProof:
    """What cones are proved with, for a dual vector."""

    def __init__(self, space: ConeSpace, v: list[Any], clock: Clock) -> None:
        self.space, self.clock, seen = space, clock, space.seen
        self.v, unit, error = shortened(v)
        largest = max(map(abs, space.slopes))
        # All in units of 1 / (factor * unit * x_scale * scale).
        slack = largest * inner(map(abs, self.v), seen.rests)
        slack += math.ceil(error * largest * seen.scale * sum(seen.sizes))
        beta = space.beta * space.factor * unit * space.x_scale * seen.scale
        self.most = beta - slack
        if slack > NEGLIGIBLE * beta:
            raise RefusalError("not proved: the rank of X is more than the tree has rows")
        self.everywhere = [inner(self.v, column) for column in zip(*seen.points, strict=True)]
        self.rounding = largest * inner(map(abs, self.v), lengths(seen.points))
        self.search = PiecewiseLinearSearch(seen.H, math.floor(self.most**2), clock)

    def violation(self, region: Region) -> Fraction:
        """0 if all cones of the region are proved."""
        search, cones = self.search, [self.cone(region.sign, w) for w in region.cones]
        return branch_and_bound(cones, search.violation_in, search.halves, self.clock)

    def cone(self, sign: int, corners: list[Corner]) -> Cone:
        """One of them, for `PiecewiseLinearSearch`."""
        off, on = self.space.slopes
        jump, doubt, positive = -sign * (on - off), [], []
        for z, v, *p in zip(
            self.space.seen.points, self.v, *(w.heights for w in corners), strict=True
        ):
            if min(p) >= 0:
                positive.append([v * x for x in z])
            elif v and max(p) > 0:
                doubt.append((jump * v, p))
        totals = zip(self.everywhere, *positive, strict=True)
        slope = [-sign * off * x + jump * sum(row) for x, *row in totals]
        settled = [inner(slope, w.short) + self.rounding * (w.spare > 0) for w in corners]
        return Cone(gram(corners), settled, doubt if jump else [])


def gram(corners: list[Corner]) -> Matrix:
    """G, rounded down, which has to be positive definite after that."""
    G = [
        [inner(w.image, other.whole) >> (w.spare + other.spare) for other in corners]
        for w in corners
    ]
    if any(fmpz_mat([row[:k] for row in G[:k]]).det() <= 0 for k in range(1, len(G) + 1)):
        raise RefusalError("too large: a cone is so thin that its corners are one when rounded")
    return G


def shortened(v: list[fmpq]) -> tuple[list[int], Fraction, Fraction]:
    """Whole numbers k of few digits and a factor with ``v = k / factor``, but for an error each."""
    (whole,), scale = over_common_denominator([v])
    spare = max(bits([whole]) - DIGITS, 0)
    short = [(x >> spare) for x in whole]
    exact = all(x << spare == y for x, y in zip(short, whole, strict=True))
    return short, Fraction(scale, 2**spare), Fraction(0 if exact else 1)
