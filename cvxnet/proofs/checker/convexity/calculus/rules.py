"""From what is known of the arguments of an atom to what is known of its value.

Every rule takes arrays of facts and the options of the atom, as the formulas of values take arrays
of numbers (`..atoms`), which serve here, too, where they only add, multiply or move. To add an atom
that proves something, add a row; of an atom without one nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod
from typing import Any

from flint import fmpq

from ...arrays import Array, accumulated, axes_of, entrywise, groups, reduced, reshaped
from ...atoms import FORMULAS, LINEAR
from ...exact import Number
from ...scalars import ONE, ZERO, geometric_mean, largest_sum, log_sum_exp, norm
from .facts import (
    ALL,
    CONCAVE,
    CONSTANT,
    CONVEX,
    DOMAIN,
    QUASICONCAVE,
    Fact,
    fact,
    is_positive,
    known,
    largest,
    magnitude,
    product,
    quotient,
    shared,
    smallest,
    square,
    total,
    vague,
)
from .intervals import EVERYTHING, Interval, is_above, value_at
from .shapes import PLAIN, POSITIVE, WITH_OPTIONS, Shape, composed

Rule = Callable[..., Array]
Row = Sequence[Fact]


def each(function: Callable[..., Fact]) -> Rule:
    """Entry by entry."""
    return lambda *arrays, **options: entrywise(lambda *row: function(*row, **options), *arrays)


def along(function: Callable[..., Fact]) -> Rule:
    """Along an axis."""

    def rule(x: Array, axis: Any = None, keepdims: bool = False, **options: Any) -> Array:
        return reduced(lambda row: function(row, **options), x, axis, keepdims)

    return rule


def by_shape(shape: Shape) -> Rule:
    """A function of one number, entry by entry."""
    return each(lambda one: composed(shape, one))


def by_options(shape: Callable[..., Shape | None]) -> Rule:
    """The same for a function with options."""

    def rule(x: Array, **options: Any) -> Array:
        found = shape(**options)
        if found is None:
            return Array(x.shape, [vague([one]) for one in x.entries])
        return entrywise(lambda one: composed(found, one), x)

    return rule


def power(x: Array, p: fmpq) -> Array:
    """``t^p``, which is 1 for p = 0 and t for p = 1."""
    if p == 0:
        return entrywise(lambda one: fact((ONE, ONE), one.bends & DOMAIN), x)
    return x if p == 1 else by_options(WITH_OPTIONS["Power"])(x, p=p)


# --------------------------------------------------------------- products


def quotients(x: Array, y: Array) -> Array:
    """Entry by entry; a matrix of one entry is a number here."""
    value = entrywise(quotient, x, y)
    return reshaped(value, x.shape) if len(value.entries) == len(x.entries) else value


def product_of_all(row: Row) -> Fact:
    """The product of many; of concave functions >= 0 it is quasiconcave."""
    found = reduce(product, row)
    if all(one.has(CONCAVE) and is_above(one.interval) for one in row):
        return fact(found.interval, found.bends | shared(row) & DOMAIN | QUASICONCAVE)
    return found


def sum_up(x: Array, axis: Any, keepdims: bool) -> Array:
    """The sum along an axis; of nothing it is zero."""
    if x.entries:
        return reduced(total, x, axis, keepdims)
    axes = axes_of(x, axis)
    kept = [1 if a in axes else d for a, d in enumerate(x.shape) if keepdims or a not in axes]
    return Array(tuple(kept), [known(ZERO)] * prod(kept))


# ------------------------------------------------------ norms and the like


def monotone(function: Callable[..., Number], row: Row, *options: Number) -> Interval:
    """What holds a function that rises in every argument."""
    lows, highs = [one.low for one in row], [one.high for one in row]
    low = EVERYTHING if None in lows else value_at(function, lows, *options)
    high = EVERYTHING if None in highs else value_at(function, highs, *options)
    return low[0], high[1]


def bent(row: Row, bend: int, interval: Interval) -> Fact:
    """A function that rises in every argument bends like all of them, where it bends that way."""
    bends = shared(row)
    return fact(interval, bends if bends & CONSTANT else bends & (bend | DOMAIN))


def nonnegative(row: Row) -> Row:
    """The numbers as far as they are >= 0, the domain of means; convex ones may leave it."""
    found = []
    for one in row:
        low = ZERO if one.low is None else max(one.low, ZERO)
        safe = is_above(one.interval) or one.has(QUASICONCAVE)
        found.append(Fact(low, one.high, one.bends if safe else 0))
    return found


def p_norm(row: Row, p: fmpq) -> Fact:
    """Convex and rising in the absolute values for p >= 1; a concave mean of numbers >= 0 below."""
    row = [magnitude(one) for one in row] if p >= 1 else nonnegative(row)
    low, high = monotone(norm, row, p)
    bend = CONVEX if p >= 1 else CONCAVE
    return bent(row, bend, (ZERO if low is None else max(low, ZERO), high))


def soft_maximum(row: Row) -> Fact:
    """``log sum exp``: convex and rising; terms that may be small without end add nothing."""
    lows = [one.low for one in row if one.low is not None]
    low = value_at(log_sum_exp, lows)[0] if lows else None
    return bent(row, CONVEX, (low, monotone(log_sum_exp, row)[1]))


def sum_of_largest(row: Row, k: fmpq) -> Fact:
    """The maximum of sums with weights in [0, 1] whose sum is k."""
    if k < 0:
        return vague(row)
    return bent(row, CONVEX, monotone(largest_sum, row, k))


def mean(row: Row, weights: Sequence[fmpq]) -> Fact:
    """``prod t^w``: concave and rising on t >= 0 for weights >= 0 whose sum is at most 1."""
    row = [one for one, w in zip(nonnegative(row), weights, strict=True) if w]
    used = [w for w in weights if w]
    if used == [ONE]:
        return row[0]
    if min(used, default=ZERO) < 0 or sum(used, ZERO) > 1:
        return vague(row)
    low, high = monotone(geometric_mean, row, used)
    return bent(row, CONCAVE, (ZERO if low is None else low, high))


def geometric_means(x: Array, weights: Array, axis: Any, keepdims: bool) -> Array:
    """Along an axis; the entries of several axes are counted with the first fastest."""
    falling = axes_of(x, axis)[::-1]
    return reduced(lambda row: mean(row, weights.entries), x, falling, keepdims)


def squares_over(x: Array, y: Array, axis: Any, keepdims: bool) -> Array:
    """``sum x^2 / y`` for y > 0: convex in both, rising in the absolute values, falling in y."""
    (bottom,) = nonnegative(y.entries)

    def rule(row: Row) -> Fact:
        squares = total([square(one) for one in row])
        found = quotient(squares, bottom)
        if bottom.constant or not bottom.has(CONCAVE):
            return found
        return fact(found.interval, shared(map(magnitude, row)) & (CONVEX | DOMAIN))

    return reduced(rule, x, axis, keepdims)


def relative_entropy(x: Fact, y: Fact) -> Fact:
    """``x log(x / y)``: convex in both, falling in y."""
    return entropic(x, y, x.affine and y.has(CONCAVE), EVERYTHING)


def divergence(x: Fact, y: Fact) -> Fact:
    """``x log(x / y) - x + y >= 0``: convex in both, monotone in neither."""
    return entropic(x, y, x.affine and y.affine, POSITIVE)


def entropic(x: Fact, y: Fact, convex: bool, interval: Interval) -> Fact:
    """On x >= 0 and y > 0, which are convex sets unless x or y bends the other way."""
    if x.constant and y.constant:
        return fact(interval, ALL)
    domain = is_above(x.interval) or x.has(QUASICONCAVE)
    domain = domain and (is_positive(y) or y.has(QUASICONCAVE))
    bends = DOMAIN & x.bends & y.bends if domain else 0
    return fact(interval, bends | (CONVEX if convex else 0))


# ------------------------------------------------------------- along rows


def softmax(x: Array) -> Array:
    """``exp(x_i - log_sum_exp(x))`` rises with a concave function of affine scores."""
    entries = []
    for row in groups(x, [len(x.shape) - 1]):
        interval = (ONE if len(row) == 1 else ZERO, ONE)
        affine = all(one.affine for one in row)
        bends = shared(row) & (DOMAIN | CONSTANT) | (QUASICONCAVE if affine else 0)
        entries += [fact(interval, bends)] * len(row)
    return Array(x.shape, entries)


def standardize(x: Array, eps: fmpq) -> Array:
    """Of n numbers with mean 0 and mean square at most 1 none is beyond the root of n - 1."""
    entries: list[Fact] = []
    for row in groups(x, [len(x.shape) - 1]):
        most = value_at(norm, [ONE] * (len(row) - 1), fmpq(2))[1] if eps >= 0 else None
        interval = EVERYTHING if most is None else (-most, most)
        safe = shared(row) & DOMAIN and eps > 0
        entries += [fact(interval, DOMAIN) if safe else vague(row, interval)] * len(row)
    return Array(x.shape, entries)


# ------------------------------------------------------------- the table

AFFINE_ATOMS = (*LINEAR, "Not", "one_minus_pos")
RULES: dict[str, Rule] = {
    **{name: FORMULAS[name] for name in AFFINE_ATOMS},
    **{name: by_shape(shape) for name, shape in PLAIN.items()},
    **{name: by_options(shape) for name, shape in WITH_OPTIONS.items()},
    "Power": power,
    "AddExpression": lambda *terms: entrywise(lambda *row: total(row), *terms),
    "Sum": sum_up,
    "multiply": each(product),
    "DivExpression": quotients,
    "maximum": each(lambda *row: largest(row)),
    "minimum": each(lambda *row: smallest(row)),
    "Or": each(lambda *row: largest(row)),
    "And": each(lambda *row: smallest(row)),
    "max": along(largest),
    "min": along(smallest),
    "cummax": lambda x, axis: accumulated(lambda s, t: largest([s, t]), x, axis),
    "cumprod": lambda x, axis: accumulated(product, x, axis),
    "Prod": along(product_of_all),
    "norm1": along(lambda row: total([magnitude(one) for one in row])),
    "norm_inf": along(lambda row: largest([magnitude(one) for one in row])),
    "Pnorm": along(p_norm),
    "log_sum_exp": along(soft_maximum),
    "sum_largest": along(sum_of_largest),
    "GeoMean": geometric_means,
    "quad_over_lin": squares_over,
    "rel_entr": each(relative_entropy),
    "kl_div": each(divergence),
    "cvxnet.softmax": softmax,
    "cvxnet.standardize": standardize,
}
