"""What each entry of an atom is made of: one line an atom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...arrays import Array, accumulated, axes_of, entrywise, groups, reduced, require, reshaped
from ...scalars import HALF, ONE
from .maker import Maker

MOST_ENTRIES = 20_000


ASSERTIONS = {"psd_wrap", "nsd_wrap", "symmetric_wrap", "skew_symmetric_wrap", "hermitian_wrap"}


Making = Callable[..., Array]


def each(function: Callable[..., int]) -> Making:
    """Entry by entry."""

    def making(maker: Maker, *arrays: Array, **options: Any) -> Array:
        return entrywise(lambda *row: function(maker, *row, **options), *arrays)

    return making


def along(function: Callable[..., int]) -> Making:
    """Along an axis."""

    def making(
        maker: Maker, x: Array, axis: Any = None, keepdims: bool = False, **options: Any
    ) -> Array:
        falling = axis if axis is None else axes_of(x, axis)[::-1]
        return reduced(lambda row: function(maker, row, **options), x, falling, keepdims)

    return making


def named(name: str) -> Making:
    """A function of one number, entry by entry."""
    return each(lambda maker, t, **options: maker.function(name, t, **options))


def divided(maker: Maker, x: Array, y: Array) -> Array:
    """Entry by entry; a matrix of one entry is a number here, CVXPY keeps the shape of x."""
    value = entrywise(maker.quotient, x, y)
    return reshaped(value, x.shape) if len(value.entries) == len(x.entries) else value


def multiplied(maker: Maker, left: Array, right: Array) -> Array:
    """The product of numbers, vectors and matrices."""
    if not left.shape or not right.shape:
        return entrywise(lambda s, t: maker.product([s, t]), left, right)
    require(len(left.shape) <= 2 and len(right.shape) <= 2, "a product of stacks of matrices")
    rows = groups(left, [len(left.shape) - 1])
    columns = groups(right, [0])
    require(len(left.shape) == 1 or len(rows) == left.shape[0], "a product without entries")
    require(left.shape[-1] == right.shape[0], "a product of matrices that do not fit")
    require(len(rows) * len(columns) <= MOST_ENTRIES, "an expression of too many entries")
    found = [
        maker.total(maker.product(pair) for pair in zip(row, column, strict=True))
        for row in rows
        for column in columns
    ]
    return Array((*left.shape[:-1], *right.shape[1:]), found)


def kronecker(maker: Maker, A: Array, B: Array) -> Array:
    """Blocks of B, one for each entry of A."""
    (m, n), (p, q) = A.shape, B.shape
    a, b = Array((m, 1, n, 1), A.entries), Array((1, p, 1, q), B.entries)
    blocks = entrywise(lambda s, t: maker.product([s, t]), a, b)
    return reshaped(blocks, (m * p, n * q))


def one_number(function: Callable[..., int]) -> Making:
    """A number made of whole arrays."""
    return lambda maker, *arrays, **options: Array((), [function(maker, *arrays, **options)])


def over(maker: Maker, x: Array, y: Array, axis: Any, keepdims: bool) -> Array:
    """``sum x^2 / y``."""
    return reduced(lambda row: maker.squares(row, y.entries[0]), x, axis, keepdims)


MAXIMUM = each(lambda maker, *row: maker.terms.call("max", *row))


MINIMUM = each(lambda maker, *row: maker.terms.call("min", *row))


ATOMS: Mapping[str, Making] = {
    "AddExpression": each(lambda maker, *row: maker.total(row)),
    "NegExpression": each(lambda maker, t: maker.terms.add([(-1, t)])),
    "Not": each(lambda maker, t: maker.terms.add([(-1, t)], 1)),
    "one_minus_pos": each(lambda maker, t: maker.terms.add([(-1, t)], 1)),
    "multiply": each(lambda maker, *row: maker.product(row)),
    "DivExpression": divided,
    "MulExpression": multiplied,
    "kron": kronecker,
    "Sum": along(lambda maker, row: maker.total(row)),
    "Trace": one_number(lambda maker, x: maker.total(x.entries[:: x.shape[-1] + 1])),
    "cumsum": lambda maker, x, axis: accumulated(lambda s, t: maker.total([s, t]), x, axis),
    "cumprod": lambda maker, x, axis: accumulated(lambda s, t: maker.product([s, t]), x, axis),
    "cummax": lambda maker, x, axis: accumulated(
        lambda s, t: maker.terms.call("max", s, t), x, axis
    ),
    "Prod": along(lambda maker, row: maker.product(row)),
    "nonneg_wrap": lambda maker, x, of_unknowns: maker.asserted(x, of_unknowns, 1),
    "nonpos_wrap": lambda maker, x, of_unknowns: maker.asserted(x, of_unknowns, -1),
    **{name: lambda maker, x, of_unknowns: x for name in ASSERTIONS},
    "maximum": MAXIMUM,
    "minimum": MINIMUM,
    "And": MINIMUM,
    "Or": MAXIMUM,
    "max": along(lambda maker, row: maker.terms.call("max", *row)),
    "min": along(lambda maker, row: maker.terms.call("min", *row)),
    "norm1": along(lambda maker, row: maker.total(maker.magnitudes(row))),
    "norm_inf": along(lambda maker, row: maker.terms.call("max", *maker.magnitudes(row))),
    "Pnorm": along(Maker.norm),
    "log_sum_exp": along(Maker.log_sum_exp),
    "GeoMean": along(Maker.geometric_mean),
    "quad_over_lin": over,
    "QuadForm": one_number(Maker.form),
    "Power": each(Maker.power),
    "exp": each(lambda maker, t: maker.terms.call("exp", t)),
    "log": each(Maker.logarithm),
    "log1p": each(lambda maker, t: maker.logarithm(maker.terms.add([(ONE, t)], 1))),
    "logistic": each(Maker.logistic),
    "entr": each(Maker.entropy),
    "rel_entr": each(Maker.relative_entropy),
    "kl_div": each(
        lambda maker, s, t: maker.terms.add([(1, maker.relative_entropy(s, t)), (-1, s), (1, t)])
    ),
    "xexp": each(lambda maker, t: maker.product([maker.above(t), maker.function("exp", t)])),
    "abs": each(lambda maker, t: maker.terms.call("abs", t)),
    "huber": named("huber"),
    "tanh": named("tanh"),
    "normcdf": named("normcdf"),
    "sinh": named("sinh"),
    "asinh": named("asinh"),
    "sin": named("sin"),
    "cos": named("cos"),
    "cvxnet.tanh": named("tanh"),
    "cvxnet.sigmoid": named("cvxnet.sigmoid"),
    "cvxnet.elu": named("cvxnet.elu"),
    "cvxnet.hardtanh": each(
        lambda maker, t, low, high: maker.terms.call(
            "min",
            maker.terms.call("max", t, maker.terms.number(low)),
            maker.terms.number(high),
        )
    ),
    "cvxnet.leaky_relu": each(Maker.leaky),
    "cvxnet.squareplus": each(
        lambda maker, t, b: maker.terms.add(
            [
                (HALF, t),
                (HALF, maker.power(maker.terms.add([(1, maker.power(t, 2))], b), HALF)),
            ]
        )
    ),
    "cvxnet.silu": each(lambda maker, t: maker.product([t, maker.function("cvxnet.sigmoid", t)])),
    "cvxnet.gelu": each(lambda maker, t: maker.product([t, maker.function("normcdf", t)])),
}
