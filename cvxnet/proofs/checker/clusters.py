"""Rows in clusters of such that are near each other, so that most signs are seen many at a time.

Of a cluster are known the sum of its k_j z_j, exactly, and in doubles a box that its rows are in,
z_j seen with largest numbers of about one: |z_j - m| <= h in each coordinate. So z_j . w is at
least m . w - h . |w| for all of them, and at most m . w + h . |w|. A row is a cluster of its own,
whose box is a point. Where signs differ, or may, a cluster is opened: then its parts are looked at.
Of n rows in the plane (two features and a bias) about root n clusters meet a line.

Rounding. The numbers of rows, boxes and points are at most one. Where r <= 7, rounding z_j and w
may count for 2 r 2^-53, computing m . w for r^2 2^-53 and h . |w| as well, rounding h for r 2^-53,
and the last difference for 2 r 2^-53: less than 140 * 2^-53 in all, below SURE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from itertools import chain, compress, repeat
from operator import truediv
from typing import Any, NamedTuple

from .corners import Vector

SURE = 2.0**-45  # what z_j . w may be off by, and more
PARTS = 4  # of a cluster
NONE, PLUS, MINUS, BOTH = 0, 1, 2, 3  # signs that rows may be taken to have
HAS_PLUS = bytes(x in (PLUS, BOTH) for x in range(256))
HAS_NONE = bytes(x == NONE for x in range(256))
HAS_SOME = bytes(x != NONE for x in range(256))


class Rows(NamedTuple):
    """Clusters, by their numbers, with their signs at some points, as bytes for each point."""

    which: list[int]
    signs: list[bytes]

    def chosen(self, mask: bytes) -> Rows:
        """Those where the mask is not 0."""
        signs = [bytes(compress(each, mask)) for each in self.signs]
        return Rows(list(compress(self.which, mask)), signs)

    def seen(self, signs: bytes) -> Rows:
        """With the signs at one point more."""
        return self._replace(signs=[*self.signs, signs])

    def moved(self, k: int) -> Rows:
        """With the last point in place of point k."""
        return self._replace(signs=[*self.signs[:k], self.signs[-1], *self.signs[k + 1 : -1]])

    def settled(self) -> tuple[list[int], Rows]:
        """Those that are positive at all points, and those in doubt."""
        common = int.from_bytes(self.signs[0], "little")
        for signs in self.signs[1:]:
            common &= int.from_bytes(signs, "little")
        seen = common.to_bytes(len(self.which), "little")
        positive = list(compress(self.which, seen.translate(HAS_PLUS)))
        return positive, self.chosen(seen.translate(HAS_NONE))


class Clusters:
    """Rows k_j z_j whose k_j have one sign, in r columns of whole numbers, with all clusters.

    The numbers of clusters that are rows come first, the one of all rows last.
    """

    def __init__(self, columns: Sequence[Sequence[int]], k: Sequence[int]) -> None:
        sizes = [1 << max(map(int.bit_length, z)) for z in zip(*columns, strict=True)]
        near = [list(map(truediv, column, sizes)) for column in columns]
        order = in_order(near, list(range(len(k))))
        self.count, self.side = len(k), 1 if sum(k) > 0 else -1
        self.kinks = [k[j] * sizes[j] for j in order]
        self.middles = [list(map(column.__getitem__, order)) for column in near]
        self.halves = [[0.0] * self.count for _ in columns]
        self.sums = [[k[j] * column[j] for j in order] for column in columns]
        self.rows, self.parts = [1] * self.count, [range(0)] * self.count
        self.large = self.count + -(-self.count // PARTS)  # from where on they have many rows
        self.gather()

    def gather(self) -> None:
        """Clusters of clusters, until one has all."""
        low = high = self.middles
        first = 0
        while (last := len(self.parts)) - first > 1:
            low = [merged(min, column, 0) for column in low]
            high = [merged(max, column, 0) for column in high]
            for middles, halves, *ends in zip(self.middles, self.halves, low, high, strict=True):
                found = [(x + y) / 2 for x, y in zip(*ends, strict=True)]
                halves += [max(m - x, y - m) for m, x, y in zip(found, *ends, strict=True)]
                middles += found
            for numbers in (*self.sums, self.rows):
                numbers += merged(sum, numbers, first)
            self.parts += [range(k, min(k + PARTS, last)) for k in range(first, last, PARTS)]
            first = last

    def opposite(self) -> Clusters:
        """The same rows with -k_j."""
        turned = copy(self)
        turned.side, turned.kinks = -self.side, [-x for x in self.kinks]
        turned.sums = [[-x for x in column] for column in self.sums]
        return turned

    def all(self) -> Rows:
        """Without signs."""
        return Rows([len(self.parts) - 1] if self.count else [], [])

    def number(self, rows: Rows) -> int:
        """How many rows these are."""
        return sum(map(self.rows.__getitem__, rows.which))

    def total(self, which: Iterable[int], start: Sequence[int]) -> list[int]:
        """``start`` and the k_j z_j of some clusters."""
        which = list(which)
        columns = zip(start, self.sums, strict=True)
        return [x + sum(map(column.__getitem__, which)) for x, column in columns]

    def product(self, j: int, w: list[int]) -> int:
        """``k_j z_j . w`` of a row, or the sum of a cluster."""
        return sum(column[j] * x for column, x in zip(self.sums, w, strict=True))

    def at(self, near: Vector, rows: Rows, sure: float) -> Rows:
        """The same with their signs at a point more; of clusters that have none their parts.

        PLUS is above ``sure``, MINUS below minus that; if that is negative, BOTH in between. Only
        rows may have NONE.
        """
        single, left = self.apart(rows)
        singles, found = [single], []
        while left.which:
            heights = self.heights(left.which, near)
            halves = combined(self.halves, left.which, list(map(abs, near)))
            seen = left.seen(signs_of(heights, halves, sure))
            found.append(seen.chosen(seen.signs[-1].translate(HAS_SOME)))
            left = left.chosen(seen.signs[-1].translate(HAS_NONE))
            single, left = self.apart(self.parts_of(left))
            singles.append(single)
        alone = joined(singles)
        heights = self.heights(alone.which, near)
        return joined([alone.seen(signs_of(heights, [0.0] * len(heights), sure)), *found])

    def ahead_of(self, near: Vector, which: list[int]) -> list[int]:
        """About those that are positive at a point; clusters of a few rows as their middles are."""
        found: list[int] = []
        while which:
            small = [j for j in which if j < self.large]
            found += compress(small, [x > 0.0 for x in self.heights(small, near)])
            which = [j for j in which if j >= self.large]
            halves = combined(self.halves, which, list(map(abs, near)))
            signs = signs_of(self.heights(which, near), halves, 0.0)
            found += compress(which, signs.translate(HAS_PLUS))
            open_ones = compress(which, signs.translate(HAS_NONE))
            which = list(chain.from_iterable(map(self.parts.__getitem__, open_ones)))
        return found

    def as_rows(self, rows: Rows) -> Rows:
        """The same, all clusters opened."""
        single, left = self.apart(rows)
        return joined([single, self.as_rows(self.parts_of(left))]) if left.which else single

    def apart(self, rows: Rows) -> tuple[Rows, Rows]:
        """Those that are rows, and clusters of several."""
        single = bytes([j < self.count for j in rows.which])
        return rows.chosen(single), rows.chosen(single.translate(HAS_NONE))

    def parts_of(self, rows: Rows) -> Rows:
        """Of clusters: where a cluster has a sign, so have all its parts."""
        parts = list(map(self.parts.__getitem__, rows.which))
        many = list(map(len, parts))
        signs = [bytes(chain.from_iterable(map(repeat, each, many))) for each in rows.signs]
        return Rows(list(chain.from_iterable(parts)), signs)

    def heights(self, which: list[int], near: Vector) -> Vector:
        """``z_j . w`` of rows at a point, in the middle of clusters."""
        return combined(self.middles, which, near)

    def ahead(self, rows: Rows, w: list[int]) -> list[int]:
        """Those with ``z_j . w > 0``, exactly, of rows whose last signs are those at w."""
        signs = rows.signs[-1]
        found = list(compress(rows.which, signs.translate(HAS_PLUS)))
        unsure = compress(rows.which, signs.translate(HAS_NONE))
        return found + [j for j in unsure if self.side * self.product(j, w) > 0]


def joined(some: list[Rows]) -> Rows:
    """One after the other; at least one."""
    signs = zip(*(rows.signs for rows in some), strict=True)
    return Rows(list(chain.from_iterable(rows.which for rows in some)), list(map(b"".join, signs)))


def signs_of(middles: Iterable[float], halves: Iterable[float], sure: float) -> bytes:
    """Of boxes: PLUS or MINUS where it is that, and by more than ``sure``, everywhere in them."""
    below = -sure
    boxes = zip(middles, halves, strict=True)
    return bytes([(m - h > sure) + 2 * (m + h < below) for m, h in boxes])


def in_order(columns: list[Vector], which: list[int]) -> list[int]:
    """The numbers of rows, so that those near each other are: by halves, along the longest side."""
    if len(which) <= PARTS:
        return which
    sides = [list(map(column.__getitem__, which)) for column in columns]
    longest = max(range(len(sides)), key=lambda i: max(sides[i]) - min(sides[i]))
    which = sorted(which, key=columns[longest].__getitem__)
    half = 1 << (len(which) - 1).bit_length() - 1
    return in_order(columns, which[:half]) + in_order(columns, which[half:])


def merged(function: Callable[[Any], Any], numbers: list[Any], first: int) -> list[Any]:
    """The value for each part of a list, from one place on."""
    places = range(first, len(numbers), PARTS)
    return [function(numbers[k : k + PARTS]) for k in places]


def combined(columns: list[Vector], which: list[int], shares: Vector) -> Vector:
    """So much of each column, at some places."""
    if len(shares) == 3:
        (x, y, z), (a, b, c) = columns, shares
        return [a * x[j] + b * y[j] + c * z[j] for j in which]
    total = [0.0] * len(which)
    for share, column in zip(shares, columns, strict=True):
        total = [s + share * column[j] for s, j in zip(total, which, strict=True)]
    return total
