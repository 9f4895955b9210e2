"""The value of every atom of an expression: one formula each, in exact numbers or balls.

Names and options are those of CVXPY's classes, and so are the domains: outside of them, and where
a ball cannot tell, the evaluation is refused. The activations of cvxnet follow at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from operator import add, mul
from typing import Any

from flint import arb, fmpq

from .arrays import (
    Array,
    accumulated,
    axes_of,
    broadcast,
    entrywise,
    groups,
    indexed,
    joined,
    multiplied,
    reduced,
    require,
    reshaped,
    scalar,
    transposed,
)
from .exact import Number, positive
from .losses import softplus, square
from .matrices import (
    convolved,
    diagonal,
    diagonal_matrix,
    eigenvalues,
    generalised,
    inverse_of_rest,
    is_psd,
    kronecker,
    matrix_fraction,
    mirrored,
    negated,
    positive_definite,
    quadratic_form,
    side_by_side,
    singular_values,
    stacked,
    upper_triangle,
)
from .scalars import (
    ONE,
    ZERO,
    above_zero,
    exp,
    floor,
    geometric_mean,
    huber,
    larger,
    largest_sum,
    log,
    log_sum_exp,
    norm,
    normal,
    not_negative,
    ordered,
    power,
    quotient,
    root,
    shortened,
    sigmoid,
    signum,
    smaller,
    t_log,
    tangent,
    tanh,
    total,
)

Formula = Callable[..., Array]


def each(function: Callable[..., Number]) -> Formula:
    """Entry by entry; options that are numbers are passed on."""
    return lambda *arrays, **options: entrywise(lambda *row: function(*row, **options), *arrays)


def along(function: Callable[..., Number]) -> Formula:
    """Along an axis."""

    def formula(x: Array, axis: Any = None, keepdims: bool = False, **options: Any) -> Array:
        return reduced(lambda row: function(row, **options), x, axis, keepdims)

    return formula


def spectral(function: Callable[..., Number]) -> Formula:
    """A function of all eigenvalues of a symmetric matrix."""
    return lambda x, **options: scalar(function(eigenvalues(x), **options))


def divided(x: Array, y: Array) -> Array:
    """Entry by entry; a matrix of one entry is a number here, CVXPY keeps the shape of x."""
    value = entrywise(quotient, x, y)
    return reshaped(value, x.shape) if len(value.entries) == len(x.entries) else value


def same(x: Array) -> Array:
    """The argument."""
    return x


def asserted(holds: Callable[[Array], bool]) -> Formula:
    """The argument; an assertion about unknowns has to hold, one about constants is no matter."""

    def formula(x: Array, of_unknowns: bool) -> Array:
        require(not of_unknowns or holds(x), "an assertion that may not hold")
        return x

    return formula


def softmax(x: Array) -> Array:
    """``exp x / sum exp x`` along the last axis."""
    rows = groups(x, [len(x.shape) - 1])
    return Array(x.shape, [exp(t - log_sum_exp(row)) for row in rows for t in row])


def standardize(x: Array, eps: Number) -> Array:
    """``(x - mean) / sqrt(variance + eps)`` along the last axis."""
    entries = []
    for row in groups(x, [len(x.shape) - 1]):
        mean = total(row) / len(row)
        spread = root(total([square(t - mean) for t in row]) / len(row) + eps)
        entries += [quotient(t - mean, spread) for t in row]
    return Array(x.shape, entries)


def sorted_product(X: Array, W: Array) -> Array:
    """Both in rising order (W filled up with zeros), multiplied."""
    weights = ordered(W.entries + [ZERO] * (len(X.entries) - len(W.entries)))
    return scalar(sum(map(mul, ordered(X.entries), weights), ZERO))


def last_that_counts(array: Array) -> Array:
    """The number of entries up to the last that is not zero."""
    return scalar(fmpq(max((k + 1 for k, t in enumerate(array.entries) if signum(t)), default=0)))


def squares_over(x: Array, y: Array, axis: Any, keepdims: bool) -> Array:
    """``sum x^2 / y`` for y > 0."""
    require(y.entries[0] > 0, "a division outside the domain")
    return reduced(lambda row: sum(map(square, row), ZERO) / y.entries[0], x, axis, keepdims)


def geometric_means(x: Array, weights: Array, axis: Any, keepdims: bool) -> Array:
    """Along an axis; the entries of several axes are counted with the first fastest."""
    falling = axes_of(x, axis)[::-1]
    return reduced(lambda row: geometric_mean(row, weights.entries), x, falling, keepdims)


def distance(x: Array, a: Array) -> Number:
    """``|x - a|``."""
    return root(sum(map(square, entrywise(lambda s, t: s - t, x, a).entries), ZERO))


def monomials(X: Array, A: Array) -> Array:
    """``prod_j X_j^A_ij`` for X > 0."""
    logs = entrywise(log, X)
    return entrywise(exp, multiplied(A, logs))


FORMULAS: dict[str, Formula] = {
    "AddExpression": lambda *terms: reduce(lambda s, t: entrywise(add, s, t), terms),
    "NegExpression": each(lambda t: -t),
    "multiply": each(mul),
    "DivExpression": divided,
    "MulExpression": multiplied,
    "Promote": broadcast,
    "broadcast_to": broadcast,
    "reshape": reshaped,
    "transpose": transposed,
    "index": indexed,
    "special_index": lambda x, shape, places: Array(
        tuple(shape), [transposed(x).entries[k] for k in places]
    ),
    "Hstack": side_by_side,
    "Vstack": stacked,
    "Concatenate": lambda *arrays, axis: (
        joined(arrays, axis)
        if axis is not None
        else joined([reshaped(a, (len(a.entries),)) for a in arrays], 0)
    ),
    "Sum": along(total),
    "Trace": lambda x: reduced(
        lambda block: total(block[:: x.shape[-1] + 1]), x, [-2, -1], keepdims=False
    ),
    "cumsum": lambda x, axis: accumulated(add, x, axis),
    "cumprod": lambda x, axis: accumulated(mul, x, axis),
    "cummax": lambda x, axis: accumulated(larger, x, axis),
    "diag_vec": diagonal_matrix,
    "diag_mat": diagonal,
    "upper_tri": upper_triangle,
    "kron": kronecker,
    "conv": convolved,
    "convolve": convolved,
    "real": same,
    "conj": same,
    "nonneg_wrap": asserted(lambda x: all(t >= 0 for t in x.entries)),
    "nonpos_wrap": asserted(lambda x: all(t <= 0 for t in x.entries)),
    "psd_wrap": asserted(is_psd),
    "nsd_wrap": asserted(lambda x: is_psd(negated(x))),
    "symmetric_wrap": asserted(mirrored),
    "hermitian_wrap": asserted(mirrored),
    "skew_symmetric_wrap": asserted(lambda x: mirrored(x, -1)),
    "maximum": lambda *args: reduce(lambda s, t: entrywise(larger, s, t), args),
    "minimum": lambda *args: reduce(lambda s, t: entrywise(smaller, s, t), args),
    "And": lambda *args: reduce(lambda s, t: entrywise(smaller, s, t), args),
    "Or": lambda *args: reduce(lambda s, t: entrywise(larger, s, t), args),
    "Not": each(lambda t: 1 - t),
    "max": along(lambda row: reduce(larger, row)),
    "min": along(lambda row: reduce(smaller, row)),
    "Prod": along(lambda row: reduce(mul, row)),
    "norm1": along(lambda row: total([abs(t) for t in row])),
    "norm_inf": along(lambda row: reduce(larger, [abs(t) for t in row])),
    "Pnorm": along(norm),
    "log_sum_exp": along(log_sum_exp),
    "sum_largest": along(largest_sum),
    "GeoMean": geometric_means,
    "quad_over_lin": squares_over,
    "QuadForm": quadratic_form,
    "MatrixFrac": matrix_fraction,
    "dotsort": sorted_product,
    "length": last_that_counts,
    "dist_ratio": lambda x, a, b: scalar(quotient(distance(x, a), distance(x, b))),
    "gmatmul": monomials,
    "eye_minus_inv": inverse_of_rest,
    "one_minus_pos": each(lambda t: 1 - t),
    "lambda_max": spectral(lambda values: values[-1]),
    "lambda_sum_largest": spectral(largest_sum),
    "condition_number": spectral(lambda values: quotient(values[-1], above_zero(values[0]))),
    "gen_lambda_max": generalised,
    "sigma_max": lambda x: scalar(singular_values(x)[-1]),
    "normNuc": lambda x: scalar(total(singular_values(x))),
    "log_det": lambda x: scalar(log(positive_definite(x).det())),
    "tr_inv": lambda x: scalar(
        total(list(positive_definite(x).inv().entries())[:: x.shape[0] + 1])
    ),
    "von_neumann_entr": spectral(lambda values: -total([t_log(t, ONE) for t in values])),
    "abs": each(abs),
    "exp": each(exp),
    "log": each(log),
    "log1p": each(lambda t: log(1 + t)),
    "logistic": each(softplus),
    "entr": each(lambda t: -t_log(t, ONE)),
    "rel_entr": each(t_log),
    "kl_div": each(lambda s, t: t_log(s, t) - s + t),
    "huber": each(huber),
    "Power": each(power),
    "xexp": each(lambda t: not_negative(t) * exp(t)),
    "ceil": each(lambda t: -floor(-t)),
    "floor": each(floor),
    "sign": each(lambda t: fmpq(1 if signum(t) > 0 else -1)),
    "sin": each(lambda t: arb(t).sin()),
    "cos": each(lambda t: arb(t).cos()),
    "tan": each(tangent),
    "sinh": each(lambda t: arb(t).sinh()),
    "asinh": each(lambda t: arb(t).asinh()),
    "tanh": each(tanh),
    "atanh": each(lambda t: arb(t).atanh()),
    "normcdf": each(normal),
    "cvxnet.elu": each(lambda t, alpha: positive(t) + alpha * (exp(-positive(-t)) - 1)),
    "cvxnet.gelu": each(lambda t: t * normal(t)),
    "cvxnet.hardtanh": each(lambda t, low, high: smaller(larger(t, low), high)),
    "cvxnet.leaky_relu": each(lambda t, slope: larger(t, ZERO) + slope * smaller(t, ZERO)),
    "cvxnet.sigmoid": each(sigmoid),
    "cvxnet.sign": each(lambda t: fmpq(signum(t))),
    "cvxnet.silu": each(lambda t: t * sigmoid(t)),
    "cvxnet.softmax": softmax,
    "cvxnet.squareplus": each(lambda t, b: (t + root(square(t) + b)) / 2),
    "cvxnet.standardize": standardize,
    "cvxnet.tanh": each(tanh),
    "cvxnet.threshold": each(lambda t: fmpq(signum(t) >= 0)),
}


LINEAR = (
    "AddExpression",
    "NegExpression",
    "Promote",
    "broadcast_to",
    "reshape",
    "transpose",
    "index",
    "special_index",
    "Hstack",
    "Vstack",
    "Concatenate",
    "Trace",
    "cumsum",
    "diag_vec",
    "diag_mat",
    "upper_tri",
    "kron",
    "conv",
    "convolve",
    "real",
    "conj",
)
"""Atoms that only move, add and multiply by constants: their formulas hold for any numbers."""


def evaluate(name: str, arrays: list[Array], options: dict[str, Any]) -> Array:
    """The value of an atom with these arguments."""
    require(name in FORMULAS, f"there is no formula for {name}")
    value = FORMULAS[name](*arrays, **options)
    entries = [shortened(t) for t in value.entries]
    require(all(isinstance(t, fmpq) or t.is_finite() for t in entries), f"{name} is not finite")
    return Array(value.shape, entries)
