"""Regions of units with one kink: lists of simplicial cones, and how they are cut and priced.

A region is a list of simplicial cones with one sign of the output weight. At first these are the
2^r orthants in the coordinates ``t_k = x_k.u`` of r rows of the data: together, all units. A list
of several is cut into two lists, a single cone at a point of one of its edges: with ``g = a g_i +
b g_j`` in place of ``g_i`` it is the one half, in place of ``g_j`` the other. For any a, b > 0 the
halves cover the cone, so nothing else about them has to be trusted.

Corners are kept as whole numbers in these coordinates, as certificates say them, and in doubles,
of length one, in the coordinates of units.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.linalg import qr

from cvxnet.training.pricing.cone_search import (
    Function,
    Stack,
    empty_stack,
    larger,
    search_walled,
)
from cvxnet.training.pricing.subdivision import PORTION, Budget
from cvxnet.training.problem import EPS, Units
from cvxnet.training.units.piecewise_linear import PiecewiseLinearUnits
from cvxnet.training.width.regions import Mask, Pricing, Region, Space
from cvxnet.types import Array

WholeCut = tuple[int, int, int, int]
"""``g = a g_i + b g_j`` as (i, j, a, b), of corners as their whole numbers are."""

DIGITS = 40
"""Binary digits of the shares that two corners have in a new one."""
INSIDE = 1e-9
"""Units this far beyond a wall, relatively, still count as inside."""
BETTER = 1.0 + 1e-7
"""Maxima are looked for that are larger by this factor than those that were found."""
LEADING = 80
"""Binary digits of corners that doubles are computed from."""
ROWS = 8
"""Rows that are tried out as the place of a cut."""
NARROW = 1e-6
"""Cones whose corners are all this close to each other are cut no further."""
ON_PLANE = 1e-9
"""Corners this close to the plane of a row lie on it."""


@dataclass(frozen=True, eq=False)
class ConeSpace(Space):
    """All units of a family with one kink, in coordinates in which the first cones are orthants.

    Attributes
    ----------
    rows : (r,) integer array
        Which rows of the data they are the products with.
    frame : (r, r) array
        Its columns are the units for which one of these products is 1, the others 0.
    """

    family: PiecewiseLinearUnits
    rows: NDArray[np.int64]
    frame: Array

    stuck = "what is open cannot be divided any further in floating point: ask for a wider gap"

    def region(self, sign: float) -> ConeRegion:
        """The 2^r first cones; of the first the products are positive, of the last negative."""
        r = len(self.rows)
        cones = (
            Cone(self, tuple(tuple(s * (i == k) for i in range(r)) for k, s in enumerate(signs)))
            for signs in product((1, -1), repeat=r)
        )
        return ConeRegion(sign, tuple(cones))

    def pricing(self, v: Array, floor: float) -> ConePricing:
        return ConePricing(self, v, floor)

    @cached_property
    def stack(self) -> list[Stack]:
        """Room for searches, one after the other; a list, as it may have to grow."""
        return [empty_stack(len(self.terms.normals), len(self.rows), walled=True)]

    @cached_property
    def terms(self) -> Terms:
        """With ``phi(t) = (plus + minus) / 2 |t| + (plus - minus) / 2 t``."""
        family, a = self.family, self.family.arrangement
        (plus, minus), n = family.slopes, len(family.X)
        length, largest = a.length[:n], max(map(abs, family.slopes))
        rounding = (len(a.owner) + 100) * EPS * np.abs(length) + a.slack[:n]
        bend, slope = (plus + minus) / 2.0 * np.abs(length), (plus - minus) / 2.0 * length
        return Terms(a.normals, a.owner[:n], bend, slope, largest * rounding)

    def atoms_of(self, units: Units) -> tuple[Array, Array]:
        return units.weights / units.sizes[:, None], units.outputs

    def features(self, U: Array) -> Array:
        return self.family.features(U)

    def merge(self, U: Array, sizes: Array) -> tuple[Array, float]:
        """Their sum: in one cell it has their fit and is no longer."""
        total = sizes @ U
        size = float(np.linalg.norm(total))
        return total / (size or 1.0), size

    def units(self, U: Array, sizes: Array, signs: Array, free: Array) -> Units:
        return Units(U * sizes[:, None], signs, free)


def cone_space(family: PiecewiseLinearUnits) -> ConeSpace:
    """That of r long rows that are far from dependent, by pivots."""
    rows = family.rows
    _, _, pivots = qr(rows.T, mode="economic", pivoting=True)
    chosen = np.sort(pivots[: rows.shape[1]])
    return ConeSpace(family, chosen, np.linalg.inv(rows[chosen]))


class Edge(NamedTuple):
    """The point ``a g_i + b g_j`` of an edge, of corners of length one."""

    i: int
    j: int
    a: float
    b: float


@dataclass(frozen=True, eq=False)
class Cone:
    """A simplicial cone; ``whole`` are its corners in whole numbers."""

    space: ConeSpace
    whole: tuple[tuple[int, ...], ...]

    @cached_property
    def scaled(self) -> tuple[Array, Array]:
        """The corners in the coordinates of units, (r, r), and the binary digits left out of each.

        Whole numbers may have more digits than doubles have room for.
        """
        digits = [max(max(map(int.bit_length, corner)) - LEADING, 0) for corner in self.whole]
        leading = [
            [float(x >> spare) for x in corner]
            for corner, spare in zip(self.whole, digits, strict=True)
        ]
        return np.array(leading) @ self.space.frame.T, np.array(digits)

    @cached_property
    def corners(self) -> Array:
        """(r, r), of length one."""
        corners, _ = self.scaled
        return np.asarray(corners / np.linalg.norm(corners, axis=1)[:, None])

    @cached_property
    def normals(self) -> Array:
        """The dual basis: the products with them are the shares that corners have in a unit."""
        return np.asarray(np.linalg.inv(self.corners).T)

    def shares(self, U: Array) -> Array:
        """Of the corners in units, (k, r) each."""
        return U @ self.normals.T

    def contains(self, U: Array) -> Mask:
        """Which of the units, (k, r), lie in it."""
        slack = INSIDE * np.linalg.norm(self.normals, axis=1)
        return np.asarray((self.shares(U) >= -slack).all(axis=1))

    def whole_cut(self, edge: Edge) -> WholeCut:
        """About the same in whole numbers."""
        corners, digits = self.scaled
        logs = np.log2(np.linalg.norm(corners, axis=1)) + digits
        quotient = float(np.log2(edge.a / edge.b) - logs[edge.i] + logs[edge.j])
        power, rest = divmod(abs(quotient), 1.0)
        large, one = int(2.0**rest * (1 << DIGITS)) << int(power), 1 << DIGITS
        common = math.gcd(large, one)
        a, b = (large, one) if quotient >= 0.0 else (one, large)
        return edge.i, edge.j, a // common, b // common

    def halves(self, cut: WholeCut) -> tuple[Cone, Cone]:
        """The cones with the new corner in place of the first and of the second."""
        i, j, a, b = cut
        new = tuple(a * x + b * y for x, y in zip(self.whole[i], self.whole[j], strict=True))
        common = math.gcd(*new)
        new = tuple(x // common for x in new)
        first, second = (
            Cone(self.space, tuple(new if k == t else w for k, w in enumerate(self.whole)))
            for t in (i, j)
        )
        return first, second


class ConePricing(Pricing):
    """A dual vector v, priced in one region after the other."""

    def __init__(self, space: ConeSpace, v: Array, floor: float) -> None:
        terms = space.terms
        rows, convex, b = kinked_function(v, terms.owner, terms.bend, terms.slope, terms.normals)
        self.rounding, self.floor = float(terms.rounding @ np.abs(v)), floor
        turned = np.concatenate([rows[convex:], rows[:convex]])
        self.functions = {
            -1.0: Function(rows, convex, b, floor, self.rounding, BETTER),
            1.0: Function(turned, len(rows) - convex, -b, floor, self.rounding, BETTER),
        }
        self.space, self.best = space, np.zeros(1)

    @property
    def error(self) -> float:
        """Rounding, and what larger maxima there may be that were not looked for."""
        best = float(self.best[0])
        return self.rounding + max(BETTER * best - max(best, self.floor), 0.0)

    def maxima(self, region: Region, budget: Budget) -> tuple[Array, bool]:
        assert isinstance(region, ConeRegion)
        g, space = self.functions[region.sign], self.space
        found, place, top = list[Array](), 0, -1
        while place < len(region.cones) and not budget.over:
            more, place, top, left = search_walled(
                space.stack[0], place, top, region.corners, region.normals, g, self.best, PORTION
            )
            budget.work -= PORTION - left
            found.append(more)
            if top >= 0 and left > 0:
                stack = larger(space.stack[0])
                if stack is None:
                    break
                space.stack[0] = stack
        none = np.zeros((0, g.b.size + 1))
        return np.concatenate([none, *found]), place == len(region.cones)


@njit(cache=True)
def kinked_function(v, owner, bend, slope, normals):  # type: ignore[no-untyped-def]
    """``v . phi_u(X)`` as ``sum_k a_k |e_k.u| + b.u``: the rows ``|a_k| (e_k, 1)`` and b.

    Rows with ``a_k > 0`` come first, then those below 0; the others are left out. Sample i, (n,),
    adds ``v_i bend_i`` to a, and ``v_i slope_i e`` to b, of the normal e that it has: (h, r).
    """
    (h, r), n = normals.shape, v.size
    a, b, rows = np.zeros(h), np.zeros(r), np.empty((h, r + 1))
    for i in range(n):
        k = owner[i]
        if k >= 0:
            a[k] += v[i] * bend[i]
            for x in range(r):
                b[x] += v[i] * slope[i] * normals[k, x]
    convex = size = np.int64(0)  # no literal: see `kernels`
    for k in range(h):
        convex += a[k] > 0.0
    size = convex
    front = np.int64(0)  # no literal: see `kernels`
    for k in range(h):
        place = front if a[k] > 0.0 else size
        if a[k] != 0.0:
            for x in range(r):
                rows[place, x] = abs(a[k]) * normals[k, x]
            rows[place, r] = abs(a[k])
        front += a[k] > 0.0
        size += a[k] < 0.0
    return rows[:size], convex, b


class Terms(NamedTuple):
    """What each sample adds to ``v . phi_u(X)``, see `kinked_function`.

    Attributes
    ----------
    normals : (h, r) array
    owner : (n,) integer array
    bend, slope : (n,) array
    rounding : (n,) array
        Of ``v_i = 1``, in sums of all samples.
    """

    normals: Array
    owner: NDArray[np.int64]
    bend: Array
    slope: Array
    rounding: Array


@dataclass(frozen=True, eq=False)
class ConeRegion(Region):
    """Units of one sign in some cones."""

    sign: float
    cones: tuple[Cone, ...]

    @property
    def parts(self) -> int:
        return len(self.cones)

    @cached_property
    def corners(self) -> Array:
        """Of all cones, (m, r, r)."""
        return np.array([cone.corners for cone in self.cones])

    @cached_property
    def normals(self) -> Array:
        """The dual bases of all cones, (m, r, r)."""
        return np.array([cone.normals for cone in self.cones])

    def contains(self, U: Array) -> Mask:
        """Which of the units, (k, r), lie in it."""
        inside = [cone.contains(U) for cone in self.cones]
        return np.asarray(np.any(inside, axis=0))

    def cuts(self, U: Array, sizes: Array, pull: Array) -> Iterator[Any]:
        """A place in the list, or an `Edge` of the only cone."""
        if len(self.cones) > 1:
            yield from range(1, len(self.cones))
            return
        (cone,) = self.cones
        rows, shares = cone.space.family.rows, cone.shares(U)
        for row in np.argsort(-pull)[:ROWS]:
            if pull[row] <= 0.0:
                break
            yield from crossings(cone, rows[row], shares, U @ rows[row], sizes)
        yield from bisection(cone)

    def in_first(self, cut: Any, U: Array) -> Mask:
        return np.asarray(self.sides([cut], U)[0])

    def sides(self, cuts: list[Any], U: Array) -> Mask:
        if len(self.cones) > 1:
            return np.array(cuts)[:, None] > self.home(U)
        shares = self.cones[0].shares(U)
        i, j, a, b = np.array(cuts).T
        i, j = i.astype(np.intp), j.astype(np.intp)
        return np.asarray(shares.T[j] * a[:, None] >= shares.T[i] * b[:, None])

    def home(self, U: Array) -> NDArray[np.intp]:
        """The cone in which each of its units, (k, r), lies, or nearly so."""
        shares = np.einsum("mir,kr->mki", self.normals, U)
        slack = np.linalg.norm(self.normals, axis=2)
        return np.asarray(np.argmax((shares / slack[:, None]).min(axis=2), axis=0))

    def halves(self, cut: Any) -> tuple[list[int], ConeRegion, ConeRegion]:
        if isinstance(cut, int):
            before, after = self.cones[:cut], self.cones[cut:]
            return [cut], ConeRegion(self.sign, before), ConeRegion(self.sign, after)
        whole = self.cones[0].whole_cut(cut)
        first, second = self.cones[0].halves(whole)
        return list(whole), ConeRegion(self.sign, (first,)), ConeRegion(self.sign, (second,))


def bisection(cone: Cone) -> Iterator[Edge]:
    """A cut at half the widest angle between corners; none where the cone is almost a ray."""
    apart = np.linalg.norm(cone.corners[:, None] - cone.corners, axis=2)
    i, j = np.unravel_index(np.argmax(apart), apart.shape)
    if apart[i, j] > NARROW:
        yield Edge(int(i), int(j), 1.0, 1.0)


def crossings(
    cone: Cone, row: Array, shares: Array, heights: Array, sizes: Array
) -> Iterator[Edge]:
    """A cut where an edge crosses the plane of a row: that which separates units as the row does.

    ``shares`` (k, r) are those of the corners in units of these ``sizes``, and ``heights`` (k,)
    their products with the row.
    """
    at = cone.corners @ row
    slack = ON_PLANE * np.linalg.norm(row)
    best, found = -1.0, None
    for i in np.flatnonzero(at > slack):
        for j in np.flatnonzero(at < -slack):
            edge = Edge(int(i), int(j), -float(at[j]), float(at[i]))
            ahead = shares[:, i] * edge.b > shares[:, j] * edge.a  # on the side of corner i
            right = float(sizes @ (ahead == (heights > 0.0)))
            if right > best:
                best, found = right, edge
    if found is not None:
        yield found
