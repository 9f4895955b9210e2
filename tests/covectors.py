"""Every sign vector of ``X u``, exactly, from rays: independent of cvxnet's walks along circles.

A face of an arrangement is spanned by rays, each of them where r - 1 independent hyperplanes meet,
and a point inside it has the sign vector of these one after the other: each fills in what is still
zero. So the sign vectors are the closure of those of the rays under filling in.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Signs = NDArray[np.int8]


def covectors(X: NDArray[np.float64]) -> Signs:
    """All sign vectors of ``X u``, (F, n), the zero vector among them."""
    rows = [[Fraction(x) for x in row] for row in X.tolist()]
    rays = {signs for ray in all_rays(rows) for signs in both(sides(rows, ray))}
    zero = (0,) * len(rows)
    found, new = {zero}, {zero}
    while new:
        new = {fill(a, b) for a in new for b in rays} - found
        found |= new
    return np.array(sorted(found), dtype=np.int8)


def all_rays(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """A direction for each set of rows that leaves exactly one, up to what no row sees."""
    blind = null_space(rows)
    rays = []
    for size in range(len(rows[0]) - len(blind)):
        for subset in combinations(rows, size):
            # Staying across the directions that no row sees makes the direction unique.
            space = null_space([*subset, *blind], len(rows[0]))
            if len(space) == 1:
                rays.append(space[0])
    return rays


def null_space(rows: list[list[Fraction]], width: int = 0) -> list[list[Fraction]]:
    """A basis of the vectors orthogonal to all rows, by elimination."""
    width = width or len(rows[0])
    rows, pivots = [list(row) for row in rows], []
    for column in range(width):
        done = len(pivots)
        lead = next((i for i in range(done, len(rows)) if rows[i][column]), None)
        if lead is None:
            continue
        rows[done], rows[lead] = rows[lead], rows[done]
        rows[done] = [x / rows[done][column] for x in rows[done]]
        for i, row in enumerate(rows):
            if i != done and row[column]:
                rows[i] = [x - row[column] * y for x, y in zip(row, rows[done], strict=True)]
        pivots.append(column)
    basis = []
    for free in sorted(set(range(width)) - set(pivots)):
        vector = [Fraction(int(j == free)) for j in range(width)]
        for i, column in enumerate(pivots):
            vector[column] = -rows[i][free]
        basis.append(vector)
    return basis


def sides(rows: list[list[Fraction]], u: list[Fraction]) -> tuple[int, ...]:
    """The signs of all products with u."""
    products = (sum(x * y for x, y in zip(row, u, strict=True)) for row in rows)
    return tuple((p > 0) - (p < 0) for p in products)


def both(signs: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Signs of a direction and of its opposite."""
    return signs, tuple(-x for x in signs)


def fill(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """The first where it is not zero, else the second."""
    return tuple(a or b for a, b in zip(first, second, strict=True))
