"""What cones are made of, and the shortest linear function that is above heights at their corners.

In doubles, but for the corners themselves; kinks.py says what may be off, and by how much.
"""

from __future__ import annotations

import math
from itertools import combinations

from .exact import inner

Vector = list[float]
CUT_DIGITS = 30  # binary ones, of the shares that two corners have in a new one
LEAST_SHARE = 2.0**-25  # of a corner in a new one
MISSED = 2.0**-45  # of the heights: what counts as reached


class Corner:
    """A corner w, exactly, and in doubles with the largest number about one; g+ there."""

    __slots__ = ("bits", "bulge", "height", "near", "whole")

    def __init__(self, whole: list[int]) -> None:
        self.whole = whole
        self.bits = max(x.bit_length() for x in whole)
        self.near = [x / (1 << self.bits) for x in whole]
        self.bulge, self.height = 0, 0.0  # g+ in whole numbers, and in doubles, at ``near``


def combined(corners: list[Corner], shares: Vector) -> Vector:
    """The point with so much of each corner, in doubles."""
    return [inner(shares, column) for column in zip(*(c.near for c in corners), strict=True)]


def shortest(gram: list[Vector], heights: Vector) -> tuple[float, Vector]:
    """The least |q| with ``q . w_k >= h_k``, and shares x with ``q = H^{-1} sum_k x_k w_k``.

    These are at least 0, and 0 where q is above h_k: by active sets (Lawson and Hanson, Solving
    Least Squares Problems, 1974, chapter 23). In doubles, and about.
    """
    r = len(gram)
    shares: Vector | None = solution(gram, heights, list(range(r)))
    if shares is None or min(shares) < 0.0:
        free: list[int] = []
        shares = [0.0] * r
        little = MISSED * max(map(abs, heights))
        for _ in range(3 * r):
            missing = [h - inner(row, shares) for h, row in zip(heights, gram, strict=True)]
            k = max((k for k in range(r) if k not in free), key=missing.__getitem__, default=None)
            if k is None or missing[k] <= little:
                break
            shares, free = without_negative(gram, heights, shares, [*free, k])
    square = inner(shares, heights)
    return (math.sqrt(square) if square > 0.0 else 0.0), shares


def without_negative(
    gram: list[Vector], heights: Vector, shares: Vector, free: list[int]
) -> tuple[Vector, list[int]]:
    """The shares that reach the heights of some corners, of as many as none is negative then."""
    found = solution(gram, heights, free)
    while found is not None and min(found) < 0.0:
        steps = {k: shares[k] / (shares[k] - found[k]) for k in free if found[k] < 0.0}
        first = min(steps, key=steps.__getitem__)
        moved = [x + steps[first] * (y - x) for x, y in zip(shares, found, strict=True)]
        free = [k for k in free if k != first and moved[k] > 0.0]
        shares = [x if k in free else 0.0 for k, x in enumerate(moved)]
        found = solution(gram, heights, free)
    return (shares if found is None else found), free


def solution(gram: list[Vector], heights: Vector, free: list[int]) -> Vector | None:
    """x with ``sum_l gram_kl x_l = heights_k`` for the free k, 0 elsewhere; None if singular."""
    rows = [[*(gram[k][m] for m in free), heights[k]] for k in free]
    for i, pivot in enumerate(rows):
        if not pivot[i] > 0.0:
            return None
        for row in rows[i + 1 :]:
            factor = row[i] / pivot[i]
            row[i:] = [x - factor * y for x, y in zip(row[i:], pivot[i:], strict=True)]
    x = [0.0] * len(gram)
    for i in reversed(range(len(rows))):
        rest = sum(rows[i][m] * x[free[m]] for m in range(i + 1, len(rows)))
        x[free[i]] = (rows[i][-1] - rest) / rows[i][i]
    return x


def widest(gram: list[Vector]) -> tuple[int, int, float]:
    """The corners of the longest edge, seen as directions, and how often the first counts there."""
    sizes = [math.sqrt(row[k]) for k, row in enumerate(gram)]
    edges = combinations(range(len(gram)), 2)
    i, j = min(edges, key=lambda edge: gram[edge[0]][edge[1]] / (sizes[edge[0]] * sizes[edge[1]]))
    return i, j, sizes[j] / sizes[i]


def on_edge(first: Corner, second: Corner, share: float) -> list[int]:
    """About ``share`` times the first corner and the second, seen with largest numbers of one."""
    mantissa, exponent = math.frexp(min(max(share, LEAST_SHARE), 1.0 / LEAST_SHARE))
    a, b = int(math.ldexp(mantissa, CUT_DIGITS)), 1 << CUT_DIGITS
    exponent += second.bits - first.bits
    a, b = (a << exponent, b) if exponent > 0 else (a, b << -exponent)
    whole = [a * x + b * y for x, y in zip(first.whole, second.whole, strict=True)]
    common = math.gcd(*whole)
    return [x // common for x in whole]


def times(M: list[Vector], x: Vector) -> Vector:
    """``M x``."""
    return [inner(row, x) for row in M]
