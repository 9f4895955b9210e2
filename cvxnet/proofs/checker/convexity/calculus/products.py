"""Matrix products of facts: sums of products, fast where one factor is known exactly."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import starmap
from typing import Any

from flint import fmpq, fmpz_mat

from ...arrays import (
    Array,
    matrix,
    matrix_product,
    require,
    transposed,
)
from .facts import (
    ALL,
    CONCAVE,
    CONSTANT,
    CONVEX,
    DOMAIN,
    Fact,
    fact,
    product,
    total,
)

MOST_PRODUCTS = 3_000_000
ZERO = fmpq(0)


def multiplied(left: Array, right: Array) -> Array:
    """`matrix_product` of facts."""
    return matrix_product(left, right, product, block, check_size)


def check_size(count: int, rows: int, inner: int, columns: int) -> None:
    """Refuse products that are too large."""
    size = count * rows * columns
    require(max(size, size * inner // 100) <= MOST_PRODUCTS, "too large: a matrix product")


def block(left: Array, right: Array) -> list[Any]:
    """The product of two matrices, row by row."""
    if all(map(is_number, left.entries)):
        return weighted(left, right).entries
    if all(map(is_number, right.entries)):
        return transposed(weighted(transposed(right), transposed(left))).entries
    (rows, inner), columns = left.shape, right.shape[1]
    require(rows * inner * columns <= MOST_PRODUCTS, "too large: a product of unknown matrices")
    return [meeting(left, right, i, j) for i in range(rows) for j in range(columns)]


def meeting(left: Array, right: Array, i: int, j: int) -> Fact:
    """The sum of products of a row and a column."""
    row = left.entries[i * left.shape[1] : (i + 1) * left.shape[1]]
    return total(
        [product(s, t) for s, t in zip(row, right.entries[j :: right.shape[1]], strict=True)]
    )


def is_number(one: Fact) -> bool:
    """Whether an entry has one value, which is known."""
    return one.low is not None and one.low == one.high and one.bends == ALL


def weighted(weights: Array, right: Array) -> Array:
    """The product with a matrix of numbers, by products of flint's matrices.

    What is infinite, or does not bend as it should, is counted under weights of either sign.
    """
    plus = numbers(weights, lambda one: max(one.low or ZERO, ZERO))
    minus = numbers(weights, lambda one: max(-(one.low or ZERO), ZERO))
    up, down = marked(weights, is_above_zero), marked(weights, is_below_zero)
    every = marked(weights, is_number)
    low = numbers(right, lambda one: one.low or ZERO)
    high = numbers(right, lambda one: one.high or ZERO)
    no_low = marked(right, lambda one: one.low is None)
    no_high = marked(right, lambda one: one.high is None)
    wrong_up, wrong_down, undefined, moving = (
        marked(right, partial(lacks, bend)) for bend in (CONVEX, CONCAVE, DOMAIN, CONSTANT)
    )
    parts = (
        plus * low - minus * high,
        plus * high - minus * low,
        up * no_low + down * no_high,
        up * no_high + down * no_low,
        up * wrong_up + down * wrong_down,
        up * wrong_down + down * wrong_up,
        every * undefined,
        (up + down) * moving,
    )
    rows = list(zip(*(part.entries() for part in parts), strict=True))
    entries = list(starmap(summed, rows))
    for k, (*_, count) in enumerate(rows):
        if count == 1 and not entries[k].affine:  # it may be quasiconvex, alone
            entries[k] = meeting(weights, right, *divmod(k, right.shape[1]))
    return Array((weights.shape[0], right.shape[1]), entries)


def numbers(array: Array, of: Callable[[Fact], fmpq]) -> Any:
    """A matrix of numbers, one of each entry."""
    return matrix(array.shape, list(map(of, array.entries)))


def marked(array: Array, has: Callable[[Fact], bool]) -> Any:
    """A matrix of 1 where an entry has something, else 0."""
    return fmpz_mat(array.shape[0], array.shape[1], [int(has(one)) for one in array.entries])


def is_above_zero(one: Fact) -> bool:
    """Whether a number is."""
    return bool(one.low and one.low > 0)


def is_below_zero(one: Fact) -> bool:
    """Whether a number is."""
    return bool(one.low and one.low < 0)


def lacks(bend: int, one: Fact) -> bool:
    """Whether a bit is not proved."""
    return not one.bends & bend


def summed(low: fmpq, high: fmpq, *lacking: Any) -> Fact:
    """A sum by its ends, and by how many of its terms have no end or lack what."""
    no_low, no_high, not_convex, not_concave, undefined, moving = lacking
    bends = 0 if undefined else DOMAIN
    bends |= 0 if not_convex else CONVEX
    bends |= 0 if not_concave else CONCAVE
    bends |= 0 if moving else CONSTANT
    return fact((None if no_low else low, None if no_high else high), bends)
