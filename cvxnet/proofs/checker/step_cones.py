"""Proofs for steps and many rows, by branch and bound over cones.

To be bounded is the sum g(w) of what planes add, whole numbers: ``on`` where e_k . w > 0, ``off``
where e_k . w < 0, ``at`` where e_k . w = 0 (steps.py). On the cone of the w = sum_i y_i w_i, y >=
0, w != 0, with corners w_i, the sign of e_k . w is known where e_k . w_i has that sign at all of
them, and with it what plane k adds; others, in doubt, add something between the least and the
largest of their three numbers. The opposite cone, of the -w, has the same planes in doubt, and for
the others ``off`` and ``on`` change places: so both are looked at together. If these bounds are not
above the limit, the pair is proved; otherwise it is cut at a point of an edge, into two pairs that
cover it. The first cones are those of r independent vectors and their opposites: together, R^r.

All of that is exact: a new corner is 2^a w_i + 2^b w_j, and its heights e_k . w are such sums, too.
In doubles, and of no consequence, is which edge is the longest, in coordinates in which the vectors
e_k point everywhere alike.

Where many planes meet in a ray, or a corner lies in a plane, cuts do not help. In pairs in which
nothing has been settled for some cuts what the planes in doubt add is between their `extremes`,
over all of R^r. If that is too much the pair is cut further, and in the end set aside.

Where g is found to be larger than the limit, the limit becomes that value. So what comes out is the
largest value, unless something was left aside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import compress, product
from operator import mul
from typing import NamedTuple

from flint import fmpz_mat

from .dual import Clock
from .exact import inner

DIGITS = 20  # binary ones, of first corners
STALL = 2  # a pair has stalled after STALL r^2 cuts in which nothing was settled
FEW = 2  # or after r, if no more than r and so many planes are in doubt
TRIES = 10  # times that it may, before it is set aside
MOST_ASIDE = 1000  # pairs; then all are given up
MANY = 40  # planes in doubt, with which it is only cut further
KNOWN = 10**5  # extremes that are kept
NONE, PLUS, MINUS = 0, 1, 2  # signs, as bytes
Vector = tuple[int, ...]
IS_PLUS = bytes(x == PLUS for x in range(256))
IS_MINUS = bytes(x == MINUS for x in range(256))
IS_NONE = bytes(x == NONE for x in range(256))


class Corner(NamedTuple):
    """About its direction, of length one, and its length 2^size; with the planes in doubt there.

    ``heights`` are the e_k . w, ``signs`` their signs.
    """

    near: list[float]
    size: int
    heights: list[int]
    signs: bytes

    def chosen(self, mask: bytes) -> Corner:
        """With some of the planes."""
        near, size, heights, signs = self
        return Corner(near, size, list(compress(heights, mask)), bytes(compress(signs, mask)))


class Pair(NamedTuple):
    """A cone and its opposite, with the planes in doubt, by their numbers.

    ``ends`` are the largest and the least that g may be in the cone, and the same in its opposite.
    """

    corners: list[Corner]
    which: list[int]
    ends: list[int]
    stalled: int = 0


class StepSearch:
    """Branch and bound; ``limit`` rises to the largest |g| that is found.

    ``planes`` are the vectors e_k, r numbers each, ``effects`` what they add (off, on, at),
    ``base`` is added everywhere. ``extremes`` of planes, by their numbers: the least and the
    largest that they may add together.
    """

    def __init__(
        self, planes: list[Vector], effects: Sequence[Vector], base: int, limit: int,
        extremes: Callable[[list[int]], Vector], clock: Clock,
    ) -> None:  # fmt: skip
        self.planes, self.effects, self.base, self.clock = planes, effects, base, clock
        self.limit = max(limit, abs(base + sum(at for _, _, at in effects)))  # that is g(0)
        self.extremes, self.known = extremes, dict[Vector, Vector]()
        self.high, self.low = list(map(max, effects)), list(map(min, effects))
        # How the ends of a pair change where its cone is in front of a plane, or behind it.
        self.ahead = [
            (on - high, on - low, off - high, off - low)
            for (off, on, _), high, low in zip(effects, self.high, self.low, strict=True)
        ]
        self.behind = [(c, d, a, b) for a, b, c, d in self.ahead]

    def finished(self) -> bool:
        """Search all cones; whether none is left in which |g| may be above the limit."""
        aside = [0]  # bounds in what is not cut further, as the limit may rise
        for first in self.first_pairs():
            pairs = [first]
            while pairs and len(aside) < MOST_ASIDE:
                self.clock.check()
                pair = pairs.pop()
                r = len(pair.corners)
                often = len(pair.which) <= r + FEW  # as that is quickly done
                stalls, rest = divmod(pair.stalled, r if often else STALL * r**2)
                if stalls and not rest:
                    self.look_at(pair)
                    ends = self.tightened(pair)
                    if self.is_proved(ends):
                        continue
                    if stalls >= TRIES:
                        aside.append(max(map(abs, ends)))
                        continue
                pairs += self.halves(pair)
        return len(aside) < MOST_ASIDE and max(aside) <= self.limit

    def first_pairs(self) -> Iterator[Pair]:
        """Of the cones of some vectors and their opposites, one of each two that are opposite."""
        corners, which = [], list(range(len(self.planes)))
        for i, w in enumerate(vectors := first_vectors(self.planes)):
            near = [float(i == k) for k in range(len(vectors))]
            heights = [inner(e, w) for e in self.planes]
            one = Corner(near, DIGITS, heights, signs_of(heights))
            heights = [-x for x in heights]
            corners.append((one, Corner([-x for x in near], DIGITS, heights, signs_of(heights))))
        ends = [self.base + sum(self.high), self.base + sum(self.low)] * 2
        for chosen in product(corners[0][:1], *corners[1:]):
            yield from self.unproved(Pair(list(chosen), which, ends))

    def unproved(self, pair: Pair) -> Iterator[Pair]:
        """The pair with fewer planes in doubt; none where that proves it."""
        corners, which, ends, stalled = pair
        common = int.from_bytes(corners[0].signs, "little")
        for corner in corners[1:]:
            common &= int.from_bytes(corner.signs, "little")
        if not common:
            yield Pair(corners, which, ends, stalled + 1)
            return
        signs = common.to_bytes(len(which), "little")
        ahead = [self.ahead[k] for k in compress(which, signs.translate(IS_PLUS))]
        behind = [self.behind[k] for k in compress(which, signs.translate(IS_MINUS))]
        ends = list(map(sum, zip(ends, *ahead, *behind, strict=True)))
        if not self.is_proved(ends):
            left = signs.translate(IS_NONE)
            which = list(compress(which, left))
            if which:
                yield Pair([corner.chosen(left) for corner in corners], which, ends)
            else:
                self.limit = max(map(abs, ends))  # as g is that in the whole cone, or its opposite

    def is_proved(self, ends: list[int]) -> bool:
        """Whether |g| is at most the limit."""
        return max(ends) <= self.limit and -min(ends) <= self.limit

    def look_at(self, pair: Pair) -> None:
        """Raise the limit to |g| at a point of the cone and opposite."""
        heights = map(sum, zip(*(corner.heights for corner in pair.corners), strict=True))
        value, opposite = pair.ends[0], pair.ends[2]
        for k, height in zip(pair.which, heights, strict=True):
            off, on, at = self.effects[k]
            value += (on if height > 0 else off if height < 0 else at) - self.high[k]
            opposite += (off if height > 0 else on if height < 0 else at) - self.high[k]
        self.limit = max(self.limit, abs(value), abs(opposite))

    def tightened(self, pair: Pair) -> list[int]:
        """The ends by the extremes of the planes in doubt."""
        key = tuple(pair.which)
        if len(key) > MANY:
            return pair.ends
        if key not in self.known:
            if len(self.known) > KNOWN:
                self.known.clear()
            self.known[key] = self.extremes(pair.which)
        low, high = self.known[key]
        high -= sum(self.high[k] for k in key)
        low -= sum(self.low[k] for k in key)
        return [x + y for x, y in zip(pair.ends, (high, low) * 2, strict=True)]

    def halves(self, pair: Pair) -> Iterator[Pair]:
        """What is not proved of two pairs, with a new corner in place of one of two."""
        corners = pair.corners
        i, j = longest_edge([corner.near for corner in corners])
        new = between(corners[i], corners[j])
        for k in (i, j):
            part = [*corners[:k], new, *corners[k + 1 :]]
            yield from self.unproved(pair._replace(corners=part))


def longest_edge(directions: list[list[float]]) -> tuple[int, int]:
    """The corners at its ends, seen as directions."""
    least, edge = 2.0, (0, 1)
    for j, y in enumerate(directions):
        for i, x in enumerate(directions[:j]):
            cosine = sum(map(mul, x, y))
            if cosine < least:
                least, edge = cosine, (i, j)
    return edge


def between(one: Corner, two: Corner) -> Corner:
    """A corner about in the middle of the edge."""
    a, b = max(two.size - one.size, 0), max(one.size - two.size, 0)
    heights = [(x << a) + (y << b) for x, y in zip(one.heights, two.heights, strict=True)]
    near = [x + y for x, y in zip(one.near, two.near, strict=True)]
    length = math.sqrt(inner(near, near)) or 1.0
    size = max(one.size, two.size) + round(math.log2(length))
    return Corner([x / length for x in near], size, heights, signs_of(heights))


def signs_of(heights: list[int]) -> bytes:
    """Of each its sign."""
    return bytes([(x > 0) + 2 * (x < 0) for x in heights])


def first_vectors(planes: list[Vector]) -> list[list[int]]:
    """r independent vectors, orthogonal where the e_k, made equally long, point everywhere alike.

    That is, in the metric S = sum_k e_k e_k^T / |e_k|^2, about.
    """
    r = len(planes[0])
    columns = list(zip(*map(direction, planes), strict=True))
    try:
        found = shaken(inverse_root([[inner(x, y) for y in columns] for x in columns]))
    except (ArithmeticError, ValueError):  # S has no root in doubles
        found = [[0] * r] * r
    return found if fmpz_mat(found).det() else [[int(i == k) for k in range(r)] for i in range(r)]


def direction(e: Vector) -> list[float]:
    """The same, of length one."""
    top = max(map(abs, e))
    near = [x / top for x in e]
    length = math.sqrt(inner(near, near))
    return [x / length for x in near]


def shaken(A: list[list[float]]) -> list[list[int]]:
    """In whole numbers, and not so that a vector is in a plane by small whole numbers alone."""
    most, r = max(max(map(abs, a)) for a in A), len(A)
    return [
        [round(math.ldexp(x / most, DIGITS)) + 7919 * (i * r + k + 1) ** 2 % 1009
         for k, x in enumerate(a)]
        for i, a in enumerate(A)
    ]  # fmt: skip


def inverse_root(S: list[list[float]]) -> list[list[float]]:
    """Vectors a_i with ``a_i . S a_k`` 1 where i = k, otherwise 0: by Gram and Schmidt, about."""
    found: list[list[float]] = []
    for i in range(len(S)):
        a = [float(i == k) for k in range(len(S))]
        for other in found:
            share = inner(a, [inner(row, other) for row in S])
            a = [x - share * y for x, y in zip(a, other, strict=True)]
        length = math.sqrt(inner(a, [inner(row, a) for row in S]))
        found.append([x / length for x in a])
    return found
