"""Bounds for several outputs from bounds for one, on a triangulated sphere of output directions.

With c outputs pricing asks for the largest ``|V^T phi_u(X)|``, V (n, c), and

    max over u of |V^T phi_u(X)|  =  max over |w| = 1 of h(w),     h(w) = rho(V w),

where ``rho`` is the pricing of one output. h is even, convex and positively homogeneous, as a
maximum of linear functions. So on the cone of some corners ``w_i`` with bounds ``H_i >= h(w_i)`` it
lies below the linear function that is H_i at w_i, and below ``p.w`` for every p with

    w_i.p >= H_i  for all corners,       hence      h(w) <= p.w <= |p| |w|  on the cone.

The shortest such p is the best one: by duality ``|p|`` is the largest value of the interpolated
bound on unit vectors of the cone. With its multipliers, ``p = sum_i m_i w_i``, m >= 0, that is
attained at ``p / |p|``.

The first cones are the orthants of an orthonormal basis of the row space of V (half of them, as h
is even; then ``|p|^2`` is the sum of the H_i^2). The cone with the longest p is cut in two at one
of its edges. For corners of length one, and with ``m_i`` divided by ``|p|``,

    (sum_i m_i)^2  =  1 + sum_{i < j} m_i m_j |w_i - w_j|^2,

and as ``|p| = sum_i m_i H_i``, the left side is by how much bounds that were all the same are
exceeded: the edge with the largest term errs most. It is cut where p / |p| is nearest,
which in two dimensions is in the direction of p itself, as in outer approximation.

Any bounds will do at the corners: exact ones, or such as can be worked at. A corner is worked at
where that promises more than to cut one edge, which takes away no more than its term's share.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Protocol

import numpy as np
from scipy.optimize import nnls

from cvxnet.training.bounds.evidence import Cut, Edge, Evidence, SphereEvidence, Tree
from cvxnet.types import Array

SPARE = 1e-12
"""The relative room for rounding: in bounds at corners, and in p."""
DIGITS = 4
"""Binary digits of the weights with which two corners make a new one: exact ones stay short."""
FLAT = 1e-14
"""Edges whose terms are smaller than this are not cut: what is left is rounding."""
LOWEST = 1e-9
"""Heights count at least so much, relative to the largest of a cone."""
OFF_CENTRE = 0.15
"""An edge is cut no nearer to its ends than this share of it."""


class ScalarBound(Protocol):
    """A bound on the pricing of one output, which can be worked at.

    Attributes
    ----------
    bound : float
    promise : float
        By how much it is likely to fall when it is worked at; 0 where there is nothing to be done.
    numbers : int
        How many the evidence has.
    """

    @property
    def bound(self) -> float: ...
    @property
    def promise(self) -> float: ...
    @property
    def numbers(self) -> int: ...

    def improve(self) -> None:
        """Work at it: one step."""

    def evidence(self) -> Evidence | None:
        """What a certificate needs; None where the checker needs nothing."""


Price = Callable[[Array], ScalarBound]
"""From a direction to the bound there."""


@dataclass(frozen=True)
class Corner:
    """A direction (k,), of length one up to a factor of two, and the bound there."""

    direction: Array
    scalar: ScalarBound

    @property
    def height(self) -> float:
        """``H``."""
        return self.scalar.bound * (1.0 + SPARE)


@dataclass(eq=False)
class Cone:
    """Corners with their signs, and the shortest p above their heights.

    Attributes
    ----------
    corners : tuple of int
        k of them, by their numbers.
    signs : (k,) array
    W : (k, k) array
        The signed corners.
    p : (k,) array
    length : float
        ``|p|``; infinite where p is not known to be above the heights.
    heights : (k,) array
        The last ones.
    shares : (k,) array
        The multipliers of corners of length one, divided by ``|p|``.
    cut : int
        The corner at which it was cut.
    parts : tuple of Cone
        None where it was not.
    """

    corners: tuple[int, ...]
    signs: Array
    W: Array
    p: Array
    length: float = np.inf
    heights: Array = field(init=False)
    shares: Array = field(init=False)
    cut: int = -1
    parts: tuple[Cone, ...] = ()

    def __post_init__(self) -> None:
        self.heights = self.shares = np.full(len(self.corners), np.inf)

    def fit(self, heights: Array) -> None:
        """The shortest p for these heights, no larger than the last; or its own, if shorter."""
        if (heights == self.heights).all():
            return
        self.heights = heights
        p, shares = shortest_above(self.W, heights)
        length = float(np.linalg.norm(p))
        self.shares = shares / length
        if self.length == np.inf and self.p.any() and (self.W @ self.p >= heights).all():
            self.length = float(np.linalg.norm(self.p))
        if length < self.length:
            self.p, self.length = p, length

    @property
    def excess(self) -> float:
        """By how much equal bounds at the corners are exceeded, relative to ``|p|``."""
        return 1.0 - 1.0 / max(float(self.shares.sum()), 1.0)

    def terms(self) -> Array:
        """What each edge adds to that, (k, k): ``m_i m_j |w_i - w_j|^2``."""
        W = self.W / np.linalg.norm(self.W, axis=1)[:, None]
        squares = ((W[:, None] - W[None]) ** 2).sum(axis=2)
        return np.asarray(self.shares[:, None] * self.shares * squares)

    def with_corner(self, place: int, corner: int, w: Array, sign: float) -> Cone:
        """The same with another corner, w, in this place."""
        corners, signs, W = list(self.corners), self.signs.copy(), self.W.copy()
        corners[place], signs[place], W[place] = corner, sign, sign * w
        return Cone(tuple(corners), signs, W, self.p)

    def tree(self) -> Tree:
        """As evidence."""
        if not self.parts:
            return self.p
        first, second = (part.tree() for part in self.parts)
        return Cut(self.cut, first, second)


class Sphere:
    """A triangulation of half the sphere of output directions, with bounds at its corners.

    Parameters
    ----------
    dimension : int
        k, that of the row space of V, at least 1.
    price : callable
        Gives the bound in a direction (k,).

    Examples
    --------
    The largest of ``|t_1|`` and ``|t_2|`` is at most 1 on the circle.

    >>> class Largest:
    ...     promise = 0.0
    ...     def __init__(self, direction):
    ...         self.bound = np.abs(direction).max()
    >>> sphere = Sphere(2, Largest)
    >>> round(sphere.bound(), 6)
    1.414214
    >>> while sphere.improve():
    ...     pass
    >>> round(sphere.bound(), 6), len(sphere.corners)
    (1.0, 4)
    """

    def __init__(self, dimension: int, price: Price) -> None:
        self.price = price
        self.corners = [Corner(t, price(t)) for t in np.eye(dimension)]
        self.edges: list[Edge] = []
        self.between: dict[tuple[int, int, bool], int] = {}
        first, nothing = tuple(range(dimension)), np.zeros(dimension)
        orthants = [
            np.array([1.0, *signs[::-1]]) for signs in product((1.0, -1.0), repeat=dimension - 1)
        ]
        self.roots = [Cone(first, signs, np.diag(signs), nothing) for signs in orthants]
        self.heap: list[tuple[float, int, Cone]] = []
        self.cones = 0
        for cone in self.roots:
            self.add(cone)

    def bound(self) -> float:
        """A proved bound on the largest ``|V^T phi_u(X)|``."""
        return self.worst().length * (1.0 + SPARE)

    @property
    def numbers(self) -> int:
        """How many the evidence of the corners has."""
        return sum(corner.scalar.numbers for corner in self.corners)

    def leaves(self) -> list[Cone]:
        """The cones that are not cut."""
        return [cone for _, _, cone in self.heap]

    def renew(self) -> None:
        """Fit all cones anew, where heights may have risen."""
        for cone in self.leaves():
            cone.length = np.inf
            cone.heights = np.full(len(cone.corners), np.inf)
            self.fit(cone)
        self.heap = [(-cone.length, number, cone) for _, number, cone in self.heap]
        heapq.heapify(self.heap)

    def hidden(self) -> float:
        """How much of the bound, relatively, better bounds and more corners may take away."""
        cone = self.worst()
        return cone.excess + float(self.promises(cone).sum()) / cone.length

    def promises(self, cone: Cone) -> Array:
        """By how much its p would be shorter if corners kept their promises."""
        promises = np.array([self.corners[m].scalar.promise for m in cone.corners])
        return np.asarray(promises * cone.shares / np.linalg.norm(cone.W, axis=1))

    def evidence(self, basis: Array) -> SphereEvidence:
        """What proves it; ``basis`` (k, c) is that of the coordinates."""
        return SphereEvidence(
            basis,
            tuple(self.edges),
            np.array([corner.height for corner in self.corners]),
            tuple(corner.scalar.evidence() for corner in self.corners),
            tuple(cone.tree() for cone in self.roots),
        )

    def add(self, cone: Cone) -> None:
        """Take a cone up."""
        self.fit(cone)
        heapq.heappush(self.heap, (-cone.length, self.cones, cone))
        self.cones += 1

    def worst(self) -> Cone:
        """The cone with the longest p. Bounds at corners only fall, so others are shorter still."""
        while True:
            known, number, cone = self.heap[0]
            self.fit(cone)
            if cone.length >= -known:
                return cone
            heapq.heapreplace(self.heap, (-cone.length, number, cone))

    def fit(self, cone: Cone) -> None:
        """The shortest p for the heights as they are now."""
        cone.fit(np.array([self.corners[m].height for m in cone.corners]))

    def improve(self) -> bool:
        """One step where the bound is largest; False where nothing is left but rounding."""
        cone = self.worst()
        promises = self.promises(cone)
        best = int(np.argmax(promises))
        terms = cone.terms()
        part = terms.max() / max(float(terms.sum()) / 2.0, FLAT)  # of all edges, that of one cut
        if promises[best] > part * cone.excess * cone.length:
            self.corners[cone.corners[best]].scalar.improve()
            return True
        return self.cut(cone, terms)

    def cut(self, cone: Cone, terms: Array) -> bool:
        """Replace it by its two parts; False where there is no edge to cut."""
        places = np.unravel_index(int(np.argmax(terms)), terms.shape)
        if terms[places] <= FLAT:
            return False
        i, j = sorted((int(place) for place in places), key=lambda place: cone.corners[place])
        m = self.corner_between(cone, i, j)
        cone.cut = m
        w, sign = self.corners[m].direction, cone.signs[i]
        cone.parts = tuple(cone.with_corner(place, m, w, sign) for place in (i, j))
        heapq.heappop(self.heap)
        for part in cone.parts:
            self.add(part)
        return True

    def corner_between(self, cone: Cone, i: int, j: int) -> int:
        """The corner on an edge; a new one is about where p is nearest.

        ``i`` and ``j`` are places in the cone, that with the smaller number of its corner first.
        """
        first, second = cone.corners[i], cone.corners[j]
        key = first, second, bool(cone.signs[i] == cone.signs[j])
        if key not in self.between:
            at = cone.shares[j] / (cone.shares[i] + cone.shares[j])
            at = float(np.clip(at, OFF_CENTRE, 1.0 - OFF_CENTRE))
            w, z = self.corners[first].direction, self.corners[second].direction
            weights = np.array([(1.0 - at) / np.linalg.norm(w), at / np.linalg.norm(z)])
            weights[1] *= cone.signs[i] * cone.signs[j]
            a, b = map(rounded, weights / np.linalg.norm(weights @ np.array([w, z])))
            direction = a * w + b * z
            self.between[key] = len(self.corners)
            self.corners.append(Corner(direction, self.price(direction)))
            self.edges.append((first, second, a, b))
        return self.between[key]


class Frame:
    """Bounds along the axes alone: ``|t_i.g| <= H_i`` for all of them makes ``|g| <= |H|``.

    For many outputs: wide, and all that there is time for.
    """

    def __init__(self, dimension: int, price: Price) -> None:
        self.corners = [Corner(t, price(t)) for t in np.eye(dimension)]

    @property
    def numbers(self) -> int:
        """How many the evidence has."""
        return sum(corner.scalar.numbers for corner in self.corners)

    @property
    def heights(self) -> Array:
        """``H``."""
        return np.array([corner.height for corner in self.corners])

    def bound(self) -> float:
        """A proved bound on the largest ``|V^T phi_u(X)|``."""
        return float(np.linalg.norm(self.heights)) * (1.0 + SPARE)

    def evidence(self, basis: Array) -> SphereEvidence:
        """What proves it."""
        proofs = tuple(corner.scalar.evidence() for corner in self.corners)
        return SphereEvidence(basis, (), self.heights, proofs, ())

    def improve(self) -> bool:
        """Work at the bound that promises most; False where none promises anything."""
        best = max(self.corners, key=lambda corner: corner.scalar.promise * corner.height)
        promising = best.scalar.promise > 0.0
        if promising:
            best.scalar.improve()
        return promising


def rounded(x: float) -> float:
    """To so many binary digits as weights of corners have."""
    fraction, exponent = np.frexp(x)
    return float(np.ldexp(np.round(np.ldexp(fraction, DIGITS)), exponent - DIGITS))


def shortest_above(W: Array, heights: Array) -> tuple[Array, Array]:
    """The shortest p with ``W p >= heights``, and its multipliers ``m >= 0`` for rows of length 1.

    Where p is on all sides, or these are the right ones, that is a linear system. Otherwise it is a
    least-distance problem (Lawson and Hanson 1974, chapter 23): with ``(r, s)`` what is left of
    ``(0, 1)`` by the closest non-negative combination of the ``(w_i, H_i)``, p is ``-r / s``. In
    the end p is made so much longer that it is above all heights in spite of rounding.

    Examples
    --------
    >>> p, shares = shortest_above(np.array([[1.0, 0.0], [0.6, 0.8]]), np.array([2.0, 1.0]))
    >>> p.round(6).tolist(), shares.round(6).tolist()
    ([2.0, 0.0], [2.0, 0.0])
    """
    lengths = np.linalg.norm(W, axis=1)
    A, H = W / lengths[:, None], heights / lengths
    size = H.max()
    H = np.maximum(H / size, LOWEST)
    try:
        p = np.linalg.solve(A, H)
        shares = np.linalg.solve(A.T, p)
    except np.linalg.LinAlgError:
        shares = np.full(len(H), -1.0)
    if (shares < 0.0).any():
        target = np.append(np.zeros(len(H)), 1.0)
        shares, _ = nnls(np.vstack([A.T, H]), target)
        used = shares > 0.0
        p, shares = np.zeros(len(H)), np.zeros(len(H))
        shares[used] = np.linalg.lstsq(A[used] @ A[used].T, H[used], rcond=None)[0]
        p = A.T @ shares
    above = A @ p
    if not (above > 0.0).all():
        return np.full(len(H), np.inf), shares
    return p * (size * (1.0 + SPARE) * float((H / above).max())), size * shares
