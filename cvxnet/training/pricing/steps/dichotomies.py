"""All cells and faces of an arrangement, by walking along its circles.

To maximise, for s = +1 and s = -1, is ``s (sum_k side_k c_k + sum of d_k over side_k = 0)``, with
``side_k`` the sign of ``e_k.u`` and u any point of ``R^r``. Inside a face that is constant, so all
faces are looked at, from the cells (all sides +1 or -1) down to ``u = 0``:

* Every face but the rays and the origin has an arc in its closure, on a circle in which r - 2
  independent hyperplanes S meet. Near the arc the sides of S are free of the others: where no
  other hyperplane contains the circle, all of {-1, 0, 1}^S is there, and the maximum is
  ``|R| + sum_S max(|c_k|, s d_k)`` with R the sum over the others (on the arc or its opposite).
  Where others do, the sides of them all are those of their own arrangement, of rank r - 2.
* Rays are the crossings on the circles; the origin lies on all hyperplanes.

With the crossings in order the sums run along a circle: O(h^(r-1)) additions for h hyperplanes.
Sorting them costs more, so it is done once where memory allows. Marcotte and Savard 1992 have the
same order of growth; Bengio et al. 2005 (Prop. 4.2) the case r = 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, islice
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cvxnet.training.pricing.steps.circles import Circles, sort_circles
from cvxnet.training.pricing.steps.determinants import Residues, reduce_rows
from cvxnet.training.pricing.steps.integer_rows import Primitive, restrict, unit_vectors
from cvxnet.training.pricing.steps.sums import Sums, walk
from cvxnet.types import Array

Signs = NDArray[np.int8]

REMEMBERED = 40_000_000
"""Crossings kept in memory, sorted (5 bytes each); of more, each pricing sorts anew."""
AT_ONCE = 2_000_000
"""Crossings handled at a time."""

POINT = Circles(
    np.zeros((1, 1), int), np.zeros((1, 0), np.int32), np.zeros((1, 0), bool), np.zeros(1, np.int32)
)
"""On the line one hyperplane, the point 0, is all there is: a circle without crossings."""


@dataclass(frozen=True, eq=False)
class Flat:
    """All hyperplanes that contain one circle, where they are more than r - 2.

    ``cells`` is their arrangement in coordinates of their own span, in which hyperplane
    ``members[k]`` has the normal ``flips[k] * cells.normals[k]``, up to its length.
    """

    members: NDArray[np.int64]
    flips: Signs
    cells: Dichotomies


class Batch(NamedTuple):
    """Some circles and what a walk along them found.

    ``cells`` (m, kept) are the values of the cells at the arcs kept, and ``faces`` (m, 2) the
    largest of ``s (sum_k side_k c_k + sum of d_k over side_k = 0)`` for s = 1 and s = -1 over all
    faces that a circle shows.
    """

    circles: Circles
    flats: dict[int, Flat]
    sums: Sums
    cells: Array
    faces: Array


@dataclass(frozen=True, eq=False)
class Dichotomies:
    """The cells of an arrangement of distinct hyperplanes through 0 with integer normals.

    Examples
    --------
    >>> value, sides = Dichotomies([(1, 0), (0, 1), (1, 1)]).best(np.array([3.0, 4.0, -1.0]))
    >>> value, sides.tolist()
    (6.0, [1, 1, 1])
    """

    integers: list[Primitive]
    remembered: list[tuple[Circles, dict[int, Flat]]] = field(default_factory=list, init=False)

    @property
    def rank(self) -> int:
        """``r``; the normals span ``R^r``."""
        return len(self.integers[0]) if self.integers else 0

    @cached_property
    def normals(self) -> Array:
        """(h, r), of length one."""
        return unit_vectors(self.integers)

    @cached_property
    def residues(self) -> Residues:
        """The normals modulo primes, for exact determinants."""
        return reduce_rows(self.integers)

    @property
    def number(self) -> int:
        """How many circles there are."""
        return comb(len(self.integers), self.rank - 2) if self.rank >= 2 else 1

    @property
    def work(self) -> int:
        """How many crossings a walk along all circles sees."""
        return self.number * len(self.integers)

    def circles(self) -> Iterator[tuple[Circles, dict[int, Flat]]]:
        """All circles in batches, and the flats among them by position.

        Few are remembered, once a walk has seen them all.
        """
        if self.remembered:
            yield from self.remembered
            return
        seen = []
        for batch in self.sorted_circles():
            yield batch
            if self.work <= REMEMBERED:
                seen.append(batch)
        self.remembered[:] = seen

    def sorted_circles(self) -> Iterator[tuple[Circles, dict[int, Flat]]]:
        """`circles`, sorted now."""
        h, s = len(self.integers), self.rank - 2
        if self.rank == 1:
            yield POINT, {}
            return
        known: set[bytes] = set()
        subsets = combinations(range(h), s)
        while batch := list(islice(subsets, max(1, AT_ONCE // h))):
            index = np.array(batch, dtype=np.int64).reshape(len(batch), s)
            circles = sort_circles(index, self.normals, self.residues)
            yield circles, self.flats(circles, known)

    def flats(self, circles: Circles, known: set[bytes]) -> dict[int, Flat]:
        """Flats not met before; circles that show a known one again are taken out."""
        found = {}
        width = circles.entries.shape[1]
        for i in np.flatnonzero((circles.crossing > 0) & (circles.crossing < width)):
            contained = circles.entries[i, circles.crossing[i] :] - 1
            members = np.sort(np.concatenate([circles.subsets[i], contained]))
            key = members.tobytes()
            if key in known:
                circles.crossing[i] = 0
                continue
            known.add(key)
            integers, flips = restrict([self.integers[k] for k in members])
            found[int(i)] = Flat(members, flips, Dichotomies(integers))
        return found

    def scan(self, c: Array, d: Array, kept: int) -> Iterator[Batch]:
        """Walk along all circles (r >= 1)."""
        signs = np.array([1.0, -1.0])
        own = np.maximum(np.abs(c)[:, None], signs * d[:, None])
        for circles, flats in self.circles():
            sums = walk(circles, c, d, kept)
            cells, faces = np.abs(c)[circles.subsets].sum(axis=1), own[circles.subsets].sum(axis=1)
            on = d[circles.subsets].sum(axis=1)
            for i, flat in flats.items():
                inner = flat.flips * c[flat.members], d[flat.members]
                cells[i], faces[i] = flat.cells.best(inner[0])[0], flat.cells.extremes(*inner)
                on[i] = inner[1].sum()
            seen = (sums.places >= 0) | (self.rank == 1)
            arcs = np.where(seen, np.abs(sums.arcs), -np.inf)
            faces = np.maximum(arcs[:, :1] + faces, sums.vertices + signs * on[:, None])
            yield Batch(circles, flats, sums, arcs + cells[:, None], faces)

    def best(self, c: Array) -> tuple[float, Signs]:
        """``max sum_k side_k c_k`` over the cells, and the sides of one that attains it."""
        best, sides = -np.inf, sign_of(c)
        for batch in self.scan(c, np.zeros(len(c)), 1):
            i = int(np.argmax(batch.cells[:, 0]))
            if batch.cells[i, 0] > best:
                best, sides = float(batch.cells[i, 0]), sides_at(batch, i, 0, 1.0, c)
        return best, sides

    def extremes(self, c: Array, d: Array) -> tuple[float, float]:
        """``max s (sum_k side_k c_k + sum of d_k over side_k = 0)`` over all faces, s = 1, -1."""
        best = np.array([d.sum(), -d.sum()])
        for batch in self.scan(c, d, 1):
            best = np.maximum(best, batch.faces.max(axis=0))
        return float(best[0]), float(best[1])


def sides_at(batch: Batch, i: int, slot: int, s: float, c: Array) -> Signs:
    """Sides of the best cell at one arc of a circle, for ``s sum_k side_k c_k``."""
    circles, sums = batch.circles, batch.sums
    entries = circles.entries[i, : circles.crossing[i]]
    sides = sign_of(s * c)
    if i in batch.flats:
        flat = batch.flats[i]
        _, inner = flat.cells.best(flat.flips * s * c[flat.members])
        sides[flat.members] = flat.flips * inner
    crossed = np.arange(len(entries)) <= sums.places[i, slot]
    half = s * (1 if sums.arcs[i, slot] >= 0.0 else -1)
    sides[np.abs(entries) - 1] = half * np.where(crossed, -1, 1) * np.sign(entries)
    return sides


def sign_of(c: Array) -> Signs:
    """1 where c >= 0, else -1."""
    return np.where(c >= 0.0, np.int8(1), np.int8(-1))
