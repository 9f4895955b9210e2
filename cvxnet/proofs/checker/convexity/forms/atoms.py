"""The normal form of every atom: which laws it has, and where it has a value.

Names, options and domains are those of `cvxnet.proofs.checker.atoms`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import partial, reduce
from math import prod
from operator import add
from typing import Any, NamedTuple

from flint import fmpq, fmpq_mat

from ...arrays import (
    Array,
    accumulated,
    entrywise,
    matrix_product,
    multiplied,
    reduced,
    require,
    reshaped,
    rows_by_columns,
    scalar,
    transposed,
)
from ...atoms import FORMULAS
from ...matrices import matrix_fraction
from ...scalars import HALF, ZERO, is_everywhere
from ..statement import Node
from .algebra import Algebra
from .conditions import Condition, condition, holds
from .polynomials import Monomial, Polynomial, as_polynomial

MOST_ARGUMENTS = 2_000
MOVES = {
    *("Promote", "broadcast_to", "reshape", "transpose", "index", "special_index", "Hstack"),
    *("Vstack", "Concatenate", "diag_vec", "diag_mat", "upper_tri", "real", "conj"),
}
WRAPS = {
    *("nonneg_wrap", "nonpos_wrap", "psd_wrap", "nsd_wrap", "symmetric_wrap", "hermitian_wrap"),
    "skew_symmetric_wrap",
}
MIRRORED = {
    *("sin", "cos", "sinh", "asinh", "huber"),
    *("cvxnet.gelu", "cvxnet.silu", "cvxnet.squareplus"),
}
TOTAL = {
    *("normcdf", "ceil", "floor", "sign", "dotsort", "sum_largest", "length"),
    *("cvxnet.elu", "cvxnet.softmax", "cvxnet.sign", "cvxnet.threshold"),
    *("sigma_max", "normNuc"),
}
"""Atoms without a law that have a value wherever their arguments have."""


class Evaluation(NamedTuple):
    """A node whose form is computed, and the conditions found that the bounds do not imply."""

    algebra: Algebra
    node: Node
    found: set[Condition]

    def require(self, kind: str, polynomial: Polynomial) -> None:
        """Keep a condition."""
        one = condition(kind, polynomial)
        if not holds(self.algebra, one):
            self.found.add(one)


Formula = Callable[..., Array]


def evaluate(work: Evaluation, arguments: list[Array], options: Mapping[str, Any]) -> Array:
    """The forms of the entries of an atom."""
    name = work.node["atom"]
    formula = FORMS[name] if name in FORMS and fits(name, arguments, options) else opaque
    return formula(work, *arguments, **options)


def fits(name: str, arguments: list[Array], options: Mapping[str, Any]) -> bool:
    """Whether there is a law for an atom with these options."""
    if name == "Pnorm":
        return bool(1 <= options["p"] <= 64 and options["p"].q == 1)
    if name == "MatrixFrac":
        return all(isinstance(t, fmpq) for t in arguments[1].entries)
    return True


def opaque(work: Evaluation, *arrays: Array, **options: Any) -> Array:
    """An atom without a law: a symbol for each entry of its value."""
    name, shape = work.node["atom"], tuple(work.node["shape"])
    args = [as_polynomial(t) for array in arrays for t in array.entries]
    require(len(args) <= MOST_ARGUMENTS, "too many arguments of an atom")
    key = (*sorted((k, frozen(v)) for k, v in options.items()), *(a.shape for a in arrays))
    entries = [work.algebra.factor(name, (*key, k), args) for k in range(prod(shape))]
    if name not in TOTAL:
        work.found.update(Condition("defined", t) for t in entries[:1])
    return Array(shape, list(entries))


def frozen(option: Any) -> Hashable:
    """An option as a key."""
    if isinstance(option, Array):
        return (option.shape, *((int(t.p), int(t.q)) for t in option.entries))
    if isinstance(option, list | tuple):
        return tuple(map(frozen, option))
    return (int(option.p), int(option.q)) if isinstance(option, fmpq) else option


def plain(function: Callable[..., Array]) -> Formula:
    """What only moves, adds or multiplies numbers does the same to polynomials."""
    return lambda work, *arrays, **options: function(*arrays, **options)


def each(function: Callable[..., Any]) -> Formula:
    """Entry by entry."""

    def formula(work: Evaluation, *arrays: Array, **options: Any) -> Array:
        return entrywise(lambda *row: function(work, *map(as_polynomial, row), **options), *arrays)

    return formula


def along(function: Callable[..., Any]) -> Formula:
    """Along an axis."""

    def formula(
        work: Evaluation, x: Array, axis: Any = None, keepdims: bool = False, **options: Any
    ) -> Array:
        def of(row: list[Any]) -> Any:
            return function(work, [as_polynomial(t) for t in row], **options)

        return reduced(of, x, axis, keepdims)

    return formula


def summed(row: Sequence[Any]) -> Any:
    """The sum of numbers or polynomials."""
    return reduce(add, row) if all(isinstance(t, fmpq) for t in row) else total(row)


def total(several: Iterable[Any]) -> Polynomial:
    """The sum of many."""
    terms: dict[Monomial, fmpq] = {}
    for one in several:
        for monomial, value in as_polynomial(one).terms.items():
            terms[monomial] = terms.get(monomial, ZERO) + value
    return Polynomial(terms)


def product(work: Evaluation, left: Any, right: Any) -> Any:
    """Of two numbers or polynomials."""
    if isinstance(left, fmpq) or isinstance(right, fmpq):
        return left * right
    return work.algebra.product(left, right)


def inner(work: Evaluation, one: list[Any], two: list[Any]) -> Any:
    """The sum of products of two rows."""
    return total(product(work, s, t) for s, t in zip(one, two, strict=True) if useful(s, t))


def useful(*factors: Any) -> bool:
    """Whether no factor is the number 0."""
    return not any(isinstance(t, fmpq) and t == 0 for t in factors)


def matrices(work: Evaluation, left: Array, right: Array) -> Array:
    """`matrix_product` of polynomials."""
    if all(isinstance(t, fmpq) for t in left.entries + right.entries):
        return multiplied(left, right)
    block = rows_by_columns(partial(inner, work))
    return matrix_product(left, right, partial(product, work), block)


def quadratic_form(work: Evaluation, x: Array, P: Array) -> Array:
    """``x' P x``."""
    row, column = reshaped(x, (1, len(x.entries))), reshaped(x, (len(x.entries), 1))
    return scalar(matrices(work, row, matrices(work, P, column)).entries[0])


def fraction_form(work: Evaluation, X: Array, P: Array) -> Array:
    """``trace(X' P^-1 X)`` for a constant P."""
    size = P.shape[0]
    matrix_fraction(Array((size,), [ZERO] * size), P)  # refuses what is not positive definite
    identity = Array(P.shape, [fmpq(i == j) for i in range(size) for j in range(size)])
    columns = X if len(X.shape) == 2 else reshaped(X, (*X.shape, 1))
    inverse = solved(P, identity)
    value = matrices(work, matrices(work, transposed(columns), inverse), columns)
    return scalar(total(value.entries[:: value.shape[0] + 1]))


def solved(P: Array, B: Array) -> Array:
    """``P^-1 B`` of rational matrices."""
    size = P.shape[0]
    return Array(B.shape, list((fmpq_mat(size, size, P.entries).inv()).entries()))


def squares(work: Evaluation, row: list[Polynomial]) -> Polynomial:
    """The sum of squares."""
    return total(work.algebra.product(t, t) for t in row)


def exp(work: Evaluation, t: Polynomial) -> Polynomial:
    """The exponential."""
    return work.algebra.exp(t)


def log(work: Evaluation, t: Polynomial) -> Polynomial:
    """The logarithm, where t is positive."""
    work.require("positive", t)
    return work.algebra.log(t)


def softplus(work: Evaluation, t: Polynomial) -> Polynomial:
    """``log(1 + exp(t))``."""
    return work.algebra.log(1 + work.algebra.exp(t))


def t_log(work: Evaluation, s: Polynomial, t: Polynomial) -> Polynomial:
    """``s log(s / t)``, for s >= 0 (0 at 0) and t > 0."""
    work.require("nonnegative", s)
    work.require("positive", t)
    if not s.terms:
        return s
    return work.algebra.product(s, work.algebra.log(s) - work.algebra.log(t))


def xexp(work: Evaluation, t: Polynomial) -> Polynomial:
    """``t exp(t)`` for t >= 0."""
    work.require("nonnegative", t)
    return work.algebra.product(t, work.algebra.exp(t))


def larger(work: Evaluation, s: Any, t: Any) -> Polynomial:
    """The maximum."""
    return work.algebra.larger(as_polynomial(s), as_polynomial(t))


def power(work: Evaluation, t: Polynomial, p: fmpq) -> Polynomial:
    """``t^p``, as CVXPY defines it."""
    if not is_everywhere(p):
        work.require("nonnegative" if p > 0 else "positive", t)
    return work.algebra.power(t, p)


def quotient(work: Evaluation, s: Polynomial, t: Polynomial) -> Polynomial:
    """``s / t``."""
    work.require("nonzero", t)
    return work.algebra.product(s, work.algebra.power(t, fmpq(-1)))


def divided(work: Evaluation, x: Array, y: Array) -> Array:
    """Entry by entry, in the shape of x."""
    value = each(quotient)(work, x, y)
    return reshaped(value, x.shape) if len(value.entries) == len(x.entries) else value


def squares_over(work: Evaluation, x: Array, y: Array, axis: Any, keepdims: bool) -> Array:
    """``sum x^2 / y`` for y > 0."""
    below_it = as_polynomial(y.entries[0])
    work.require("positive", below_it)
    inverse = work.algebra.power(below_it, fmpq(-1))
    return along(lambda f, row: f.algebra.product(squares(f, row), inverse))(
        work, x, axis, keepdims
    )


def norm(work: Evaluation, row: list[Polynomial], p: fmpq) -> Polynomial:
    """``(sum |t|^p)^(1/p)`` for p >= 1."""
    powers = [work.algebra.power(work.algebra.absolute(t), p) for t in row]
    return work.algebra.power(total(powers), 1 / p)


def geometric_means(work: Evaluation, x: Array, weights: Array, axis: Any, keepdims: bool) -> Array:
    """``prod t^w`` for t >= 0; several axes are not known here."""
    require(not isinstance(axis, list | tuple), "a geometric mean along several axes")

    def mean(inside: Evaluation, row: list[Polynomial]) -> Polynomial:
        pairs = [(t, w) for t, w in zip(row, weights.entries, strict=True) if w]
        for t, _ in pairs:
            inside.require("nonnegative", t)
        return inside.algebra.products(inside.algebra.power(t, w) for t, w in pairs)

    return along(mean)(work, x, axis, keepdims)


def log_sum_exp(work: Evaluation, row: list[Polynomial]) -> Polynomial:
    """``log sum exp t``."""
    return work.algebra.log(total(map(work.algebra.exp, row)))


def leaky(work: Evaluation, t: Polynomial, slope: fmpq) -> Polynomial:
    """``t`` above zero, ``slope t`` below."""
    return (1 + slope) * HALF * t + (1 - slope) * HALF * work.algebra.absolute(t)


def hardtanh(work: Evaluation, t: Polynomial, low: fmpq, high: fmpq) -> Polynomial:
    """t, but not below low and not above high."""
    algebra = work.algebra
    return algebra.smaller(algebra.larger(t, Polynomial.number(low)), Polynomial.number(high))


def tanh(work: Evaluation, t: Polynomial) -> Polynomial:
    """``2 sigmoid(2 t) - 1``."""
    return 2 * work.algebra.sigmoid(2 * t) - 1


def mirrored_function(name: str, is_total: bool = True) -> Formula:
    """A function of one number whose mirror is known."""

    def value(work: Evaluation, t: Polynomial, **options: Any) -> Polynomial:
        key = tuple(sorted((k, frozen(v)) for k, v in options.items()))
        if not is_total:
            work.found.add(Condition("defined", work.algebra.factor(name, key, [t])))
        return work.algebra.function(name, key, t)

    return each(value)


def wrapped(work: Evaluation, x: Array, of_unknowns: bool) -> Array:
    """The argument; an assertion about unknowns has to hold."""
    if of_unknowns:
        args = [as_polynomial(t) for t in x.entries]
        name = work.node["atom"]
        work.found.add(Condition("defined", work.algebra.factor(name, None, args)))
    return x


FORMS: dict[str, Formula] = {
    **{name: plain(FORMULAS[name]) for name in MOVES},
    **dict.fromkeys(WRAPS, wrapped),
    "AddExpression": lambda work, *terms: entrywise(lambda *row: summed(row), *terms),
    "NegExpression": plain(FORMULAS["NegExpression"]),
    "multiply": lambda work, x, y: entrywise(lambda s, t: product(work, s, t), x, y),
    "MulExpression": matrices,
    "DivExpression": divided,
    "Sum": along(lambda work, row: total(row)),
    "Trace": lambda work, x: reduced(
        lambda block: total(block[:: x.shape[-1] + 1]), x, [-2, -1], keepdims=False
    ),
    "cumsum": lambda work, x, axis: accumulated(add, x, axis),
    "cumprod": lambda work, x, axis: accumulated(partial(product, work), x, axis),
    "cummax": lambda work, x, axis: accumulated(partial(larger, work), x, axis),
    "kron": plain(FORMULAS["kron"]),
    "conv": plain(FORMULAS["conv"]),
    "convolve": plain(FORMULAS["convolve"]),
    "maximum": each(lambda work, *row: work.algebra.largest(row)),
    "minimum": each(lambda work, *row: -work.algebra.largest([-t for t in row])),
    "max": along(lambda work, row: work.algebra.largest(row)),
    "min": along(lambda work, row: -work.algebra.largest([-t for t in row])),
    "Prod": along(lambda work, row: work.algebra.products(row)),
    "norm1": along(lambda work, row: total(map(work.algebra.absolute, row))),
    "norm_inf": along(lambda work, row: work.algebra.largest(map(work.algebra.absolute, row))),
    "Pnorm": along(norm),
    "log_sum_exp": along(log_sum_exp),
    "GeoMean": geometric_means,
    "quad_over_lin": squares_over,
    "QuadForm": quadratic_form,
    "MatrixFrac": fraction_form,
    "one_minus_pos": plain(FORMULAS["one_minus_pos"]),
    "abs": each(lambda work, t: work.algebra.absolute(t)),
    "exp": each(exp),
    "log": each(log),
    "log1p": each(lambda work, t: log(work, 1 + t)),
    "logistic": each(softplus),
    "entr": each(lambda work, t: -t_log(work, t, Polynomial.number(1))),
    "rel_entr": each(t_log),
    "kl_div": each(lambda work, s, t: t_log(work, s, t) - s + t),
    "Power": each(power),
    "xexp": each(xexp),
    "tanh": each(tanh),
    "cvxnet.tanh": each(tanh),
    "cvxnet.sigmoid": each(lambda work, t: work.algebra.sigmoid(t)),
    "cvxnet.leaky_relu": each(leaky),
    "cvxnet.hardtanh": each(hardtanh),
    **{name: mirrored_function(name) for name in MIRRORED},
    **{name: mirrored_function(name, is_total=False) for name in ("tan", "atanh")},
}
