"""The atoms of expressions in second-order arithmetic; what only moves entries is shared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import reduce
from math import prod
from operator import add, mul
from typing import Any

from flint import arb, fmpq

from ...arrays import (
    Array,
    entrywise,
    groups,
    matrix_product,
    reduced,
    require,
    reshaped,
    rows_by_columns,
)
from ...atoms import FORMULAS, LINEAR
from .curves import (
    Curve,
    absolute,
    elu,
    entr,
    exp,
    gelu,
    huber,
    hyperbolic_sine,
    inverse_hyperbolic_sine,
    inverse_hyperbolic_tangent,
    log,
    log1p,
    log_of,
    logistic,
    normcdf,
    power,
    power_of,
    relu,
    sigmoid,
    silu,
    sine,
    squareplus,
    t_log_t,
    tangent,
    tanh,
    xexp,
)
from .enclosures import INF, LOW, NOTHING, ONE, ZERO, Interval, NowhereError, down, up
from .jets import Jet, as_jet, chain, hull, log_sum_exp, unknown

Formula = Callable[..., Array]
MOST_ENTRIES = 20_000
MOST_PRODUCTS = 1_000_000

MOVES = (*LINEAR, "Sum", "one_minus_pos")
"""Atoms that only move, add and multiply entries: their formulas hold for any numbers."""


def each(function: Callable[..., Curve]) -> Formula:
    """Entry by entry."""
    return lambda x, **options: entrywise(lambda u: chain(function(u.value, **options), u), x)


def along(function: Callable[..., Jet]) -> Formula:
    """Along an axis."""

    def formula(x: Array, axis: Any = None, keepdims: bool = False, **options: Any) -> Array:
        return reduced(lambda row: function(row, **options), x, axis, keepdims)

    return formula


def product(s: Jet, t: Jet) -> Jet:
    """A product; of two equal factors the square."""
    return chain(power(s.value, fmpq(2)), s) if s is t else s * t


def quotient(s: Jet, t: Jet) -> Jet:
    """``s / t``, where t keeps its sign."""
    require(not t.value.is_zero, "a division by zero")
    if t.value.high <= 0:
        return quotient(-s, -t)
    return product(s, chain(inverse(t.value), t))


def inverse(u: Interval) -> Curve:
    """``1 / u``; across zero nothing is known of it."""
    value = u.inverse()
    return Curve(value, -(value * value), (value * value * value).scaled(2))


def divided(x: Array, y: Array) -> Array:
    """Entry by entry; a matrix of one entry is a number here, CVXPY keeps the shape of x."""
    value = entrywise(quotient, x, y)
    return reshaped(value, x.shape) if len(value.entries) == len(x.entries) else value


def larger(s: Jet, t: Jet) -> Jet:
    """The maximum: one of both, or, where they may be equal, anything between with a kink."""
    gap = (s + -t).value
    if s.value.low >= t.value.high or gap.low >= 0:
        return s
    if t.value.low >= s.value.high or gap.high <= 0:
        return t
    return replace(hull(s, t), value=s.value.maximum(t.value), up=True)


def smaller(s: Jet, t: Jet) -> Jet:
    """The minimum."""
    return -larger(-s, -t)


def size(u: Jet) -> Jet:
    """``|u|``."""
    return chain(absolute(u.value), u)


def multiplied(left: Array, right: Array) -> Array:
    """`matrix_product` of jets."""
    return matrix_product(left, right, product, rows_by_columns(dot), check_size)


def check_size(*sizes: int) -> None:
    """Refuse too many products."""
    require(prod(sizes) <= MOST_PRODUCTS, "too many products for boxes")


def dot(one: list[Jet], two: list[Jet]) -> Jet:
    """The sum of products; zeros are left out."""
    pairs = zip(one, two, strict=True)
    return sum((product(s, t) for s, t in pairs if not gone(s) and not gone(t)), Jet(ZERO))


def gone(jet: Jet) -> bool:
    """Whether it is the number zero."""
    return jet.is_number and jet.value.is_zero


def soft_maximum(row: list[Jet]) -> Jet:
    """``log sum exp``."""
    lows, highs = [u.value.low for u in row], [u.value.high for u in row]
    inputs = reduce(lambda s, u: s | u.value.inputs, row, 0)
    value = Interval(down(lse_at(lows)), up(lse_at(highs)), inputs)
    weights = []
    for k, u in enumerate(row):
        others = [v.value for j, v in enumerate(row) if j != k]
        gaps = [v - u.value for v in others]
        low = 1 / sum((exp_at(gap.high) for gap in gaps), arb(1))
        high = 1 / sum((exp_at(gap.low) for gap in gaps), arb(1))
        weights.append(Interval(down(low), up(high), inputs).meet(NOTHING, arb(1)))
    return log_sum_exp(row, value, weights)


def exp_at(t: arb) -> arb:
    """The exponential of an end."""
    return NOTHING if t == -INF else t.exp()


def lse_at(ends: list[arb]) -> arb:
    """``log sum exp`` of ends."""
    top = max(ends)
    if not top.is_finite():
        return top
    return top + sum((exp_at(t - top) for t in ends), NOTHING).log()


def softmax(x: Array) -> Array:
    """``exp x / sum exp x`` along the last axis."""
    found = []
    for row in groups(x, [len(x.shape) - 1]):
        top = soft_maximum(row)
        found += [chain(exp((u + -top).value), u + -top) for u in row]
    return Array(x.shape, found)


def norm(row: list[Jet], p: fmpq) -> Jet:
    """The norms 1 and 2; what the second one itself bends is "upward"."""
    if p == 1:
        return sum(map(size, row), Jet(ZERO))
    require(p == 2, "a norm that has no second-order arithmetic here")
    squares = reduce(add, (u.value.square() for u in row))
    length = power_of(squares, fmpq(1, 2))
    units = [(u.value * length.inverse()).meet(arb(-1), arb(1)) for u in row]
    return convex_of(row, length, units)


def convex_of(row: list[Jet], value: Interval, slopes: list[Interval]) -> Jet:
    """A jointly convex function of these: only the sign of what it bends is kept."""
    parts = [u.scaled(slope) for u, slope in zip(row, slopes, strict=True)]
    return replace(sum(parts, Jet(ZERO)), value=value, up=True)


def squares_over(x: Array, y: Array, axis: Any, keepdims: bool) -> Array:
    """``sum x^2 / y`` for y > 0 that does not move."""
    one = positive_inverse(y.entries[0].value)
    squares = reduced(lambda row: sum((product(u, u) for u in row), Jet(ZERO)), x, axis, keepdims)
    return entrywise(lambda t: t.scaled(one), squares)


def positive_inverse(u: Interval) -> Interval:
    """``1 / u`` for u > 0."""
    if u.high <= 0:
        raise NowhereError("a division that has no value on a box")
    return u.meet(NOTHING, INF).inverse()


def joint_squares_over(x: Array, y: Array, axis: Any, keepdims: bool) -> Array:
    """``sum x^2 / y`` for y > 0, jointly convex, with slopes ``2 x / y`` and ``-sum x^2 / y^2``."""
    below = y.entries[0]
    one = positive_inverse(below.value)

    def formula(row: list[Jet]) -> Jet:
        value = reduce(add, (u.value.square() for u in row)) * one
        slopes = [(u.value * one).scaled(2) for u in row]
        return convex_of([*row, below], value, [*slopes, -(value * one)])

    return reduced(formula, x, axis, keepdims)


def relative_entropy(s: Jet, t: Jet) -> Jet:
    """``s log(s / t)`` for s, t > 0 where one of them does not move."""
    return -chain(entr(s.value), s) + -product(s, chain(log(t.value), t))


def joint_relative_entropy(s: Jet, t: Jet) -> Jet:
    """``s log(s / t)`` for s, t > 0, jointly convex: slopes ``log(s / t) + 1`` and ``-s / t``."""
    if (s.bends and s.value.low <= 0) or s.value.high == 0:
        return unknown(Interval(LOW, INF, s.value.inputs | t.value.inputs), s + t)
    over, under = s.value.meet(NOTHING, INF), t.value.meet(NOTHING, INF)
    ratio = over * under.inverse()
    value = t_log_t(over) - over * log_of(under)
    return convex_of([s, t], value, [log_of(ratio) + ONE, -ratio])


def leaky(u: Jet, slope: fmpq) -> Jet:
    """``max(u, 0) + slope min(u, 0)``."""
    above = chain(relu(u.value), u)
    return u.scaled(Interval.number(slope)) + above.scaled(Interval.number(1 - slope))


def clipped(u: Jet, low: fmpq, high: fmpq) -> Jet:
    """Between two numbers."""
    return smaller(larger(u, as_jet(low)), as_jet(high))


def asserted(x: Array, of_unknowns: bool) -> Array:
    """The argument; an assertion about unknowns restricts the domain, which may be left out."""
    return x


def quadratic_form(x: Array, P: Array) -> Array:
    """``x' P x``."""
    row = x.entries
    n = len(row)
    require(len(P.entries) == n * n, "no square matrix")
    terms = [
        product(row[i], row[j]) * P.entries[i * n + j]
        for i in range(n)
        for j in range(n)
        if not gone(P.entries[i * n + j])
    ]
    return Array((), [sum(terms, Jet(ZERO))])


def entropy_by(function: Callable[[Jet, Jet], Jet]) -> Formula:
    """Relative entropies, entry by entry."""
    return lambda s, t: entrywise(function, s, t)


def divergence_by(function: Callable[[Jet, Jet], Jet]) -> Formula:
    """``s log(s / t) - s + t``, entry by entry."""
    return lambda s, t: entrywise(lambda a, b: function(a, b) + -a + b, s, t)


ATOMS: dict[str, Formula] = {name: FORMULAS[name] for name in MOVES}
ATOMS |= {
    "multiply": lambda x, y: entrywise(product, x, y),
    "DivExpression": divided,
    "MulExpression": multiplied,
    "QuadForm": quadratic_form,
    "quad_over_lin": squares_over,
    "maximum": lambda *args: reduce(lambda s, t: entrywise(larger, s, t), args),
    "minimum": lambda *args: reduce(lambda s, t: entrywise(smaller, s, t), args),
    "max": along(lambda row: reduce(larger, row)),
    "min": along(lambda row: reduce(smaller, row)),
    "norm1": along(lambda row: sum(map(size, row), Jet(ZERO))),
    "norm_inf": along(lambda row: reduce(larger, map(size, row))),
    "Pnorm": along(norm),
    "Prod": along(lambda row: reduce(mul, row)),
    "log_sum_exp": along(soft_maximum),
    "abs": lambda x: entrywise(size, x),
    "exp": each(exp),
    "log": each(log),
    "log1p": each(log1p),
    "logistic": each(logistic),
    "entr": each(entr),
    "rel_entr": entropy_by(relative_entropy),
    "kl_div": divergence_by(relative_entropy),
    "huber": each(huber),
    "Power": each(power),
    "xexp": each(xexp),
    "sin": each(sine),
    "cos": each(lambda u: sine(u, 1)),
    "tan": each(tangent),
    "sinh": each(hyperbolic_sine),
    "asinh": each(inverse_hyperbolic_sine),
    "tanh": each(tanh),
    "atanh": each(inverse_hyperbolic_tangent),
    "normcdf": each(normcdf),
    "cvxnet.elu": each(elu),
    "cvxnet.gelu": each(gelu),
    "cvxnet.hardtanh": lambda x, low, high: entrywise(lambda u: clipped(u, low, high), x),
    "cvxnet.leaky_relu": lambda x, slope: entrywise(lambda u: leaky(u, slope), x),
    "cvxnet.sigmoid": each(sigmoid),
    "cvxnet.silu": each(silu),
    "cvxnet.softmax": softmax,
    "cvxnet.squareplus": each(squareplus),
    "cvxnet.tanh": each(tanh),
}

CONVOLVED = ("conv", "convolve")
JOINT: Mapping[str, Formula] = {
    "quad_over_lin": joint_squares_over,
    "rel_entr": entropy_by(joint_relative_entropy),
    "kl_div": divergence_by(joint_relative_entropy),
}
"""In place of the others where both arguments move, wherever they are."""


def evaluate(
    node: Mapping[str, Any], arrays: list[Array], options: dict[str, Any], coupled: bool
) -> Array:
    """The jets of an atom with these arguments; coupled: all of them depend on unknowns."""
    name, sizes = node["atom"], [len(array.entries) for array in arrays]
    require(prod(node["shape"]) <= MOST_ENTRIES, "too many entries for boxes")
    require(name not in ("kron", *CONVOLVED) or prod(sizes) <= MOST_PRODUCTS, "too many products")
    require(name in ATOMS, f"{name} has no second-order arithmetic")
    formula = JOINT[name] if coupled and name in JOINT else ATOMS[name]
    value = formula(*arrays, **options)
    require(value.shape == tuple(node["shape"]), f"{name} has not the shape {node['shape']}")
    return Array(value.shape, [as_jet(t) for t in value.entries])
