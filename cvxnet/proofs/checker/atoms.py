"""The value of every atom of an expression: one formula each, in exact numbers or balls.

Names and options are those of CVXPY's classes, and so are the domains: outside of them, and where
a ball cannot tell, the evaluation is refused. The activations of cvxnet follow at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod
from operator import add, mul
from typing import Any

from flint import acb_mat, arb, arb_mat, fmpq, fmpz

from .arrays import (
    Array,
    accumulated,
    axes_of,
    broadcast,
    entrywise,
    groups,
    indexed,
    joined,
    matrix,
    multiplied,
    reduced,
    require,
    reshaped,
    transposed,
)
from .document import RefusalError
from .exact import Number, positive
from .losses import softplus, square

LONGEST = 20_000  # bits of a rational; beyond that it becomes a ball
LARGEST_MATRIX = 50  # rows of a matrix that is inverted, eliminated or has its spectrum computed
ZERO, ONE, HALF = fmpq(0), fmpq(1), fmpq(1, 2)
Formula = Callable[..., Array]


# ------------------------------------------------------------------ numbers


def exact(*numbers: Number) -> bool:
    """Whether all are rational."""
    return set(map(type, numbers)) <= {fmpq}


def shortened(t: Number) -> Number:
    """A ball in place of a rational with too many digits; iterated squares double them."""
    long = isinstance(t, fmpq) and t.height_bits() > LONGEST
    return arb(t) if long else t


def larger(s: Number, t: Number) -> Number:
    """The maximum."""
    return max(s, t) if exact(s, t) else arb(s).max(arb(t))


def smaller(s: Number, t: Number) -> Number:
    """The minimum."""
    return -larger(-s, -t)


def signum(t: Number) -> int:
    """-1, 0 or 1."""
    require(t > 0 or t < 0 or t == 0, "a sign that cannot be told")
    return (t > 0) - (t < 0)


def quotient(s: Number, t: Number) -> Number:
    """``s / t``."""
    require(t > 0 or t < 0, "a division by zero")
    return s / t


def not_negative(t: Number) -> Number:
    """The number, if it certainly is."""
    require(t >= 0, "a number that may be below zero")
    return t


def exp(t: Number) -> Number:
    """The exponential; exact at 0."""
    return ONE if t == 0 else arb(t).exp()


def log(t: Number) -> Number:
    """The logarithm for t > 0; exact at 1."""
    require(t > 0, "a logarithm outside its domain")
    return ZERO if t == 1 else arb(t).log()


def t_log(t: Number, s: Number) -> Number:
    """``t log(t / s)`` for t >= 0 and s > 0."""
    require(t >= 0 and s > 0, "a relative entropy outside its domain")
    return ZERO if t == 0 else t * log(t / s)


def root(t: Number) -> Number:
    """The square root for t >= 0; exact for squares of rationals."""
    require(t >= 0, "the root of a negative number")
    if exact(t):
        top, bottom = fmpz(t.p).isqrt(), fmpz(t.q).isqrt()
        if top * top == t.p and bottom * bottom == t.q:
            return fmpq(top, bottom)
    return arb(t).sqrt()


def power(t: Number, p: fmpq) -> Number:
    """``t^p``: for all t where p is 0, 1, 2, 4, 8, ..., otherwise for t >= 0 (t > 0 if p < 0)."""
    top, whole = int(p.p), p.q == 1
    everywhere = whole and top >= 0 and top & (top - 1) == 0
    require(everywhere or t > 0 or (p > 0 and t >= 0), "a power outside its domain")
    if p == 0 or t == 1:
        return ONE
    if t == 0:
        return ZERO
    if p == HALF:
        return root(t)
    if whole:
        long = exact(t) and t.height_bits() * abs(top) > LONGEST
        return (arb(t) if long else t) ** top
    return (arb(t).log() * p).exp()


def normal(t: Number) -> arb:
    """The normal distribution function."""
    return (-arb(t) / arb(2).sqrt()).erfc() / 2


def tanh(t: Number) -> Number:
    """The hyperbolic tangent; exact at 0."""
    return ZERO if t == 0 else arb(t).tanh()


def sigmoid(t: Number) -> Number:
    """``1 / (1 + exp(-t))``."""
    return (1 + tanh(t / 2)) / 2


def huber(t: Number, M: Number) -> Number:
    """``t^2`` up to M, then ``2 M |t| - M^2``."""
    inner = smaller(abs(t), M)
    return square(inner) + 2 * M * (abs(t) - inner)


def ordered(numbers: list[Number]) -> list[Number]:
    """In rising order; the k-th smallest ball lies between the k-th smallest of both ends."""
    if exact(*numbers):
        return sorted(numbers)
    ends = [(arb(t).lower(), arb(t).upper()) for t in numbers]
    lows, highs = sorted(low for low, _ in ends), sorted(high for _, high in ends)
    return [low.union(high) for low, high in zip(lows, highs, strict=True)]


def largest_sum(numbers: list[Number], k: Number) -> Number:
    """The sum of the k largest; of the next one the fraction that k has beyond a whole number."""
    falling, whole = ordered(numbers)[::-1], int(k.floor())
    total = sum(falling[:whole], ZERO)
    return total + (k - whole) * falling[whole] if whole < len(falling) else total


def norm(numbers: list[Number], p: fmpq) -> Number:
    """``(sum |t|^p)^(1/p)``; below p = 1 for t >= 0, and below 0 it is 0 where some t is."""
    if p >= 1:
        numbers = [abs(t) for t in numbers]
    require(all(t >= 0 for t in numbers), "a norm outside its domain")
    if p < 0 and any(t == 0 for t in numbers):
        return ZERO
    return power(sum((power(t, p) for t in numbers), ZERO), 1 / p)


def log_sum_exp(numbers: list[Number]) -> Number:
    """``log sum exp t``."""
    top = reduce(larger, numbers)
    return top + log(sum((exp(t - top) for t in numbers), ZERO))


def geometric_mean(numbers: list[Number], weights: list[Number]) -> Number:
    """``prod t^w`` for t >= 0; numbers whose weight is left out take no part."""
    pairs = zip(numbers, weights, strict=True)
    return prod((power(not_negative(t), w) for t, w in pairs if w), start=ONE)


# ----------------------------------------------------------------- matrices


def square_matrix(array: Array) -> Any:
    """Of flint, small enough for eliminations and spectra."""
    require(len(array.shape) == 2 and array.shape[0] == array.shape[1], "no square matrix")
    require(array.shape[0] <= LARGEST_MATRIX, "a matrix too large for its inverse or spectrum")
    return matrix(array.shape, array.entries)


def symmetric(array: Array) -> Any:
    """A square matrix that certainly equals its transpose."""
    pairs = zip(array.entries, transposed(array).entries, strict=True)
    found = square_matrix(array)
    require(all(s is t or s == t for s, t in pairs), "a matrix that is not symmetric")
    return found


def eigenvalues(array: Array, symmetry: bool = True) -> list[Number]:
    """Enclosures of all eigenvalues of a symmetric matrix, in rising order."""
    found = symmetric(array) if symmetry else square_matrix(array)
    balls = acb_mat(arb_mat(found))
    try:
        values = balls.eig(multiple=True)
    except ValueError:
        raise RefusalError("eigenvalues that could not be isolated") from None
    return ordered([value.real for value in values])


def positive_definite(array: Array) -> Any:
    """A symmetric matrix whose pivots are all certainly positive."""
    found = symmetric(array)
    size = array.shape[0]
    rows = [array.entries[k * size : (k + 1) * size] for k in range(size)]
    for k, row in enumerate(rows):
        require(row[k] > 0, "a matrix that is not positive definite")
        for other in rows[k + 1 :]:
            factor = other[k] / row[k]
            other[k:] = [t - factor * s for t, s in zip(other[k:], row[k:], strict=True)]
    return found


def semidefinite(array: Array) -> bool:
    """Whether a symmetric rational matrix is positive semidefinite, by elimination."""
    size = square_matrix(array).nrows()
    rows = [array.entries[k * size : (k + 1) * size] for k in range(size)]
    for k, row in enumerate(rows):
        if row[k] < 0 or (row[k] == 0 and any(row[k + 1 :])):
            return False
        for other in rows[k + 1 :] if row[k] else []:
            factor = other[k] / row[k]
            other[k:] = [t - factor * s for t, s in zip(other[k:], row[k:], strict=True)]
    return True


def singular_values(array: Array) -> list[Number]:
    """All of them, and zeros."""
    squares = eigenvalues(gram(array))
    return [arb(t).nonnegative_part().sqrt() for t in squares]


def gram(array: Array) -> Array:
    """``A' A``, symmetric to the last bit."""
    product = multiplied(transposed(array), array)
    size = product.shape[0]
    pairs = [(min(i, j), max(i, j)) for i in range(size) for j in range(size)]
    return Array(product.shape, [product.entries[i * size + j] for i, j in pairs])


def number(value: Number) -> Array:
    """A number as an array."""
    return Array((), [value])


def matrix_fraction(X: Array, P: Array) -> Array:
    """``trace(X' P^-1 X)``."""
    columns = X if len(X.shape) == 2 else reshaped(X, (*X.shape, 1))
    inverse = Array(P.shape, list(positive_definite(P).inv().entries()))
    product = multiplied(multiplied(transposed(columns), inverse), columns)
    return number(sum(product.entries[:: product.shape[0] + 1], ZERO))


def generalised(A: Array, B: Array) -> Array:
    """The largest eigenvalue of ``B^-1 A``, which are all real."""
    symmetric(A)
    inverse = Array(B.shape, list(positive_definite(B).inv().entries()))
    return number(eigenvalues(multiplied(inverse, A), symmetry=False)[-1])


def kronecker(A: Array, B: Array) -> Array:
    """Blocks of B, one for each entry of A."""
    require(
        len(A.shape) == len(B.shape) == 2, "a Kronecker product of something else than matrices"
    )
    (m, n), (p, q) = A.shape, B.shape
    a, b = Array((m, 1, n, 1), A.entries), Array((1, p, 1, q), B.entries)
    return reshaped(entrywise(mul, a, b), (m * p, n * q))


def convolved(a: Array, b: Array) -> Array:
    """``c_k = sum a_i b_(k-i)``, as a column where either is one."""
    m, n = len(a.entries), len(b.entries)
    sums = [ZERO] * (m + n - 1)
    for i, s in enumerate(a.entries):
        for j, t in enumerate(b.entries):
            sums[i + j] = sums[i + j] + s * t
    return Array((m + n - 1,) + (1,) * (len(a.shape) == 2 or len(b.shape) == 2), sums)


def diagonal_matrix(vector: Array, k: int) -> Array:
    """A vector on the k-th diagonal."""
    length = vector.shape[0]
    size = length + abs(k)
    entries = [ZERO] * (size * size)
    start = k if k > 0 else -k * size
    for i, t in enumerate(vector.entries):
        entries[start + i * (size + 1)] = t
    return Array((size, size), entries)


def diagonal(array: Array, k: int = 0) -> Array:
    """The k-th diagonal of a square matrix."""
    size = array.shape[0]
    start = k if k > 0 else -k * size
    places = [start + i * (size + 1) for i in range(size - abs(k))]
    return Array((len(places),), [array.entries[p] for p in places])


def upper_triangle(array: Array) -> Array:
    """What stands above the diagonal, row by row, as a column."""
    size = array.shape[-1]
    places = [i * size + j for i in range(size) for j in range(i + 1, size)]
    block, entries = size * size, array.entries
    chosen = [entries[k + p] for k in range(0, len(entries), block) for p in places]
    return Array((*array.shape[:-2], len(places), 1), chosen)


def stacked(*arrays: Array) -> Array:
    """Blocks on top of each other; numbers and vectors are rows."""
    rows = [a if len(a.shape) > 1 else Array((1, *(a.shape or (1,))), a.entries) for a in arrays]
    return joined(rows, 0)


def side_by_side(*arrays: Array) -> Array:
    """Blocks beside each other; numbers and vectors one after the other."""
    parts = [a if a.shape else Array((1,), a.entries) for a in arrays]
    return joined(parts, 0 if len(parts[0].shape) == 1 else 1)


def sorted_product(X: Array, W: Array) -> Array:
    """Both in rising order (W filled up with zeros), multiplied."""
    weights = ordered(W.entries + [ZERO] * (len(X.entries) - len(W.entries)))
    return number(sum(map(mul, ordered(X.entries), weights), ZERO))


def last_that_counts(array: Array) -> Array:
    """The number of entries up to the last that is not zero."""
    return number(fmpq(max((k + 1 for k, t in enumerate(array.entries) if signum(t)), default=0)))


def quadratic_form(x: Array, P: Array) -> Array:
    """``x' P x``."""
    column = reshaped(x, (len(x.entries), 1))
    return Array((), multiplied(multiplied(transposed(column), P), column).entries)


def squares_over(x: Array, y: Array, axis: Any, keepdims: bool) -> Array:
    """``sum x^2 / y`` for y > 0."""
    require(y.entries[0] > 0, "a division outside the domain")
    return reduced(lambda row: sum(map(square, row), ZERO) / y.entries[0], x, axis, keepdims)


def geometric_means(x: Array, weights: Array, axis: Any, keepdims: bool) -> Array:
    """Along an axis; the entries of several axes are counted with the first fastest."""
    axes = axes_of(x, axis)
    kept = [1 if a in axes else d for a, d in enumerate(x.shape) if keepdims or a not in axes]
    means = [geometric_mean(row, weights.entries) for row in groups(x, axes[::-1])]
    return Array(tuple(kept), means)


def distance(x: Array, a: Array) -> Number:
    """``|x - a|``."""
    return root(sum(map(square, entrywise(lambda s, t: s - t, x, a).entries), ZERO))


def monomials(X: Array, A: Array) -> Array:
    """``prod_j X_j^A_ij`` for X > 0."""
    logs = entrywise(log, X)
    return entrywise(exp, multiplied(A, logs))


def inverse_of_rest(X: Array) -> Array:
    """``(I - X)^-1``."""
    size = X.shape[0]
    rest = entrywise(lambda s, t: s - t, diagonal_matrix(Array((size,), [ONE] * size), 0), X)
    try:
        return Array(X.shape, list(square_matrix(rest).inv().entries()))
    except ZeroDivisionError:
        raise RefusalError("a matrix without an inverse") from None


# ------------------------------------------------------------ atoms by name


def each(function: Callable[..., Number]) -> Formula:
    """Entry by entry; options that are numbers are passed on."""
    return lambda *arrays, **options: entrywise(lambda *row: function(*row, **options), *arrays)


def along(function: Callable[..., Number]) -> Formula:
    """Along an axis."""

    def formula(x: Array, axis: Any = None, keepdims: bool = False, **options: Any) -> Array:
        return reduced(lambda row: function(row, **options), x, axis, keepdims)

    return formula


def total(row: list[Number]) -> Number:
    """The sum."""
    return sum(row, ZERO)


def spectral(function: Callable[..., Number]) -> Formula:
    """A function of all eigenvalues of a symmetric matrix."""
    return lambda x, **options: number(function(eigenvalues(x), **options))


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


def mirrored(x: Array, sign: int = 1) -> bool:
    """Whether a matrix is the transpose of itself, or of its negative."""
    return len(x.shape) == 2 and x == entrywise(lambda t: sign * t, transposed(x))


def negated(x: Array) -> Array:
    """``-x``."""
    return entrywise(lambda t: -t, x)


def is_psd(x: Array) -> bool:
    """Whether a matrix is certainly symmetric and positive semidefinite."""
    return mirrored(x) and exact(*x.entries) and semidefinite(x)


def above_zero(t: Number) -> Number:
    """The number, if it certainly is."""
    require(t > 0, "a number that may not be above zero")
    return t


def floor(t: Number) -> Number:
    """The largest whole number not above; of a ball across one, both."""
    return fmpq(t.floor()) if exact(t) else t.floor()


def tangent(t: Number) -> arb:
    """Between -pi/2 and pi/2."""
    require(2 * abs(t) < arb.pi(), "a tangent outside its domain")
    return arb(t).tan()


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
    "dist_ratio": lambda x, a, b: number(quotient(distance(x, a), distance(x, b))),
    "gmatmul": monomials,
    "eye_minus_inv": inverse_of_rest,
    "one_minus_pos": each(lambda t: 1 - t),
    "lambda_max": spectral(lambda values: values[-1]),
    "lambda_sum_largest": spectral(largest_sum),
    "condition_number": spectral(lambda values: quotient(values[-1], above_zero(values[0]))),
    "gen_lambda_max": generalised,
    "sigma_max": lambda x: number(singular_values(x)[-1]),
    "normNuc": lambda x: number(total(singular_values(x))),
    "log_det": lambda x: number(log(positive_definite(x).det())),
    "tr_inv": lambda x: number(
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


def evaluate(name: str, arrays: list[Array], options: dict[str, Any]) -> Array:
    """The value of an atom with these arguments."""
    require(name in FORMULAS, f"there is no formula for {name}")
    value = FORMULAS[name](*arrays, **options)
    entries = [shortened(t) for t in value.entries]
    require(all(isinstance(t, fmpq) or t.is_finite() for t in entries), f"{name} is not finite")
    return Array(value.shape, entries)
