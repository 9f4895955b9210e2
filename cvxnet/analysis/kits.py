"""Three arithmetics behind one set of names: floats in batches, exact rationals, balls.

A kit knows how to do the scalar functions; sums, products and shapes are numpy's for all three
(rationals and balls live in object arrays). What an arithmetic cannot decide, it refuses with
`Undecided`: a rational kit has no exponential, and a ball that straddles zero has no sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from flint import arb, fmpq
from scipy.special import log_ndtr, ndtr

MOST_BITS = 20_000


class Undecided(ArithmeticError):  # noqa: N818 - an answer, not a fault
    """This arithmetic cannot compute that value."""


class FloatKit:
    """Plain numpy on float64; points outside a domain become NaN."""

    exact = False

    def number(self, value: Any) -> Any:
        """The kit's number(s) for a float, integer or rational array."""
        return np.asarray(value, dtype=np.float64)

    def maximum(self, a: Any, b: Any) -> Any:
        """The larger of two arrays, entry by entry."""
        return np.maximum(a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        """The smaller of two arrays, entry by entry."""
        return np.minimum(a, b)

    def power(self, t: Any, p: Fraction) -> Any:
        """``t^p`` on CVXPY's domain: t >= 0 unless p is an even whole number or one."""
        if p in (0, 1) or (p > 1 and p % 2 == 0):
            return t ** float(p)
        good = t > 0.0 if p < 0 else t >= 0.0
        return np.where(good, np.power(np.where(good, t, 1.0), float(p)), np.nan)

    def log(self, t: Any) -> Any:
        """The logarithm for t > 0."""
        return np.where(t > 0.0, np.log(np.where(t > 0.0, t, 1.0)), np.nan)

    def divide(self, a: Any, b: Any) -> Any:
        """``a / b``, NaN where b = 0."""
        return np.where(b != 0.0, a / np.where(b != 0.0, b, 1.0), np.nan)

    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    tanh = staticmethod(np.tanh)
    absolute = staticmethod(np.abs)
    sign = staticmethod(np.sign)
    normal = staticmethod(ndtr)
    log_normal = staticmethod(log_ndtr)

    def softplus(self, t: Any) -> Any:
        """``log(1 + exp(t))`` without overflow."""
        return np.logaddexp(0.0, t)

    def step(self, t: Any) -> Any:
        """1 for t >= 0, else 0."""
        return (t >= 0.0).astype(np.float64)

    def sorted(self, t: Any) -> Any:
        """Sorted along the last axis."""
        return np.sort(t, axis=-1)


def entrywise(function: Callable[..., Any], *arrays: Any) -> Any:
    """A scalar function on object arrays (with numpy's broadcasting)."""
    with np.errstate(all="ignore"):  # flags that some float step inside left behind
        result = np.frompyfunc(function, len(arrays), 1)(*arrays)
    return np.asarray(result, dtype=object)  # numpy unwraps a single object


def as_fraction(value: Any) -> Fraction:
    """A float, integer, Fraction or fmpq as a Fraction, exactly."""
    if isinstance(value, fmpq):
        return Fraction(int(value.p), int(value.q))
    return Fraction(value)


def as_rational(value: Any) -> fmpq:
    """A float, integer or Fraction as fmpq, exactly."""
    if isinstance(value, fmpq):
        return value
    try:
        top, bottom = value.as_integer_ratio()
    except (OverflowError, ValueError, AttributeError):
        raise Undecided(f"{value!r} is not a finite number") from None
    return fmpq(int(top), int(bottom))


def product_of_matrices(left: Any, right: Any, scalar: type, matrix: type) -> Any:
    """Batches of object matrices (or vectors) multiplied by flint, or None for other objects."""
    if not isinstance(left.flat[0], scalar) or not isinstance(right.flat[0], scalar):
        return None
    lefts, rights = (matrices_of(v, column, matrix) for v, column in ((left, False), (right, True)))
    count = max(len(lefts), len(rights))
    results = [lefts[k % len(lefts)] * rights[k % len(rights)] for k in range(count)]
    flat = np.empty((count, results[0].nrows() * results[0].ncols()), dtype=object)
    for k, result in enumerate(results):
        flat[k, :] = result.entries()
    return flat


def matrices_of(batch: Any, column: bool, matrix: type) -> list[Any]:
    """The members of a batch as flint matrices; vectors become one row or one column."""
    shape = batch.shape[1:] if batch.ndim == 3 else (-1, 1) if column else (1, -1)
    members = [member.reshape(shape) for member in batch]
    return [matrix(*m.shape, list(m.ravel())) for m in members]


def converted(function: Callable[[Any], Any], values: Any) -> Any:
    """A conversion entry by entry; big float arrays repeat few numbers, so each is done once."""
    array = np.asarray(values)
    if array.dtype == object or array.size < 64:
        return entrywise(function, array)
    numbers, places = np.unique(array, return_inverse=True)
    return entrywise(function, numbers)[places.reshape(array.shape)]


class RationalKit:
    """Exact rationals: piecewise-polynomial functions only."""

    exact = True

    def check_size(self, values: Any) -> None:
        """Refuse numbers whose digits have exploded; iterated squares double them each time."""
        for value in values.flat:
            if isinstance(value, fmpq) and value.p.bit_length() > MOST_BITS:
                raise Undecided("the rationals have become too long")

    def matrix_product(self, left: Any, right: Any) -> Any:
        """Batches of matrices multiplied by flint, or None where the entries are no rationals."""
        return product_of_matrices(left, right, fmpq, flint.fmpq_mat)

    def number(self, value: Any) -> Any:
        return converted(as_rational, value)

    def maximum(self, a: Any, b: Any) -> Any:
        return entrywise(lambda s, t: s if s >= t else t, a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return entrywise(lambda s, t: s if s <= t else t, a, b)

    def absolute(self, t: Any) -> Any:
        """Absolute values."""
        return entrywise(abs, t)

    def power(self, t: Any, p: Fraction) -> Any:
        if p.denominator != 1:
            raise Undecided(f"the power {p} is not rational")
        return entrywise(lambda s: rational_power(s, int(p)), t)

    def divide(self, a: Any, b: Any) -> Any:
        return entrywise(rational_quotient, a, b)

    def sign(self, t: Any) -> Any:
        """-1, 0 or 1."""
        return entrywise(lambda s: fmpq((s > 0) - (s < 0)), t)

    def step(self, t: Any) -> Any:
        return entrywise(lambda s: fmpq(int(s >= 0)), t)

    def sorted(self, t: Any) -> Any:
        return sorted_rows(t)

    def __getattr__(self, name: str) -> Any:
        # copy and pickle probe for dunder names before the class is ready
        if name.startswith("__"):
            raise AttributeError(name)
        raise Undecided(f"{name} has no rational values")


def sorted_rows(t: Any) -> Any:
    """Object arrays sorted along the last axis."""
    flat = t.reshape(-1, t.shape[-1])
    try:
        return np.array([sorted(row) for row in flat], dtype=object).reshape(t.shape)
    except TypeError:
        raise Undecided("these values have no order") from None


def rational_power(t: fmpq, p: int) -> fmpq:
    """``t^p`` on CVXPY's domain."""
    if t < 0 and not (p in (0, 1) or (p > 1 and p % 2 == 0)):
        raise Undecided("outside the domain of a power")
    if t == 0 and p < 0:
        raise Undecided("a negative power of zero")
    return t**p


def rational_quotient(a: fmpq, b: fmpq) -> fmpq:
    """``a / b``."""
    if b == 0:
        raise Undecided("division by zero")
    return a / b


def as_ball(value: Any) -> arb:
    """A number as a ball; floats are exact."""
    if isinstance(value, arb):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Undecided(f"{value!r} is not a finite number")
        return arb(value)
    return arb(as_rational(value))


class BallKit:
    """Real balls (python-flint): every value carries its proven error."""

    exact = True

    def check_size(self, values: Any) -> None:
        """Balls have a fixed length."""

    def matrix_product(self, left: Any, right: Any) -> Any:
        """Batches of matrices multiplied by flint."""
        return product_of_matrices(left, right, arb, flint.arb_mat)

    def number(self, value: Any) -> Any:
        return converted(as_ball, value)

    def maximum(self, a: Any, b: Any) -> Any:
        return entrywise(lambda s, t: s.max(t), a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return entrywise(lambda s, t: s.min(t), a, b)

    def absolute(self, t: Any) -> Any:
        return entrywise(abs, t)

    def power(self, t: Any, p: Fraction) -> Any:
        return entrywise(lambda s: ball_power(s, p), t)

    def divide(self, a: Any, b: Any) -> Any:
        return entrywise(ball_quotient, a, b)

    def exp(self, t: Any) -> Any:
        """The exponential."""
        return entrywise(lambda s: s.exp(), t)

    def expm1(self, t: Any) -> Any:
        """``exp(t) - 1``."""
        return entrywise(lambda s: s.expm1(), t)

    def log(self, t: Any) -> Any:
        return entrywise(lambda s: positive(s).log(), t)

    def tanh(self, t: Any) -> Any:
        """The hyperbolic tangent."""
        return entrywise(lambda s: s.tanh(), t)

    def normal(self, t: Any) -> Any:
        """The normal distribution function."""
        return entrywise(lambda s: (1 + (s / arb(2).sqrt()).erf()) / 2, t)

    def log_normal(self, t: Any) -> Any:
        """Its logarithm."""
        return self.log(self.normal(t))

    def softplus(self, t: Any) -> Any:
        return entrywise(lambda s: s.exp().log1p(), t)

    def sign(self, t: Any) -> Any:
        return entrywise(lambda s: arb(decided_sign(s)), t)

    def step(self, t: Any) -> Any:
        return entrywise(lambda s: arb(int(decided_sign(s) >= 0)), t)

    def sorted(self, t: Any) -> Any:
        return sorted_rows(t)


def positive(t: arb) -> arb:
    """The ball itself if it is certainly positive."""
    if not t > 0:
        raise Undecided("not certainly positive")
    return t


def decided_sign(t: arb) -> int:
    """The sign of a ball that does not straddle zero."""
    if t > 0:
        return 1
    if t < 0:
        return -1
    if t == 0:
        return 0
    raise Undecided("the ball straddles zero")


def ball_power(t: arb, p: Fraction) -> arb:
    """``t^p`` on CVXPY's domain."""
    if p.denominator == 1 and (p in (0, 1) or (p > 1 and p % 2 == 0)):
        return t ** int(p)
    if t == 0 and p > 0:
        return arb(0)
    if p == Fraction(1, 2) and t >= 0:
        return t.sqrt()
    return (positive(t).log() * arb(as_rational(p))).exp()


def ball_quotient(a: arb, b: arb) -> arb:
    """``a / b`` for b away from zero."""
    if decided_sign(b) == 0:
        raise Undecided("division by zero")
    return a / b


FLOATS = FloatKit()
RATIONALS = RationalKit()
BALLS = BallKit()


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """``with precision(256):`` computes balls with that many bits."""
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before
