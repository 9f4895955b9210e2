"""Arithmetics behind one set of names: floats in batches, and what exact deciders calculate with.

An arithmetic knows how to do the scalar functions; sums, products and shapes are numpy's for all
of them (forms and curves live in object arrays). What an arithmetic cannot decide, it refuses with
`Undecided`: a form has no exponential. `deciders.decide` is where that ends.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq
from scipy.special import ndtr


class Undecided(ArithmeticError):  # noqa: N818 - an answer, not a fault
    """This arithmetic cannot compute that value."""


def defined_everywhere(p: Fraction) -> bool:
    """Whether CVXPY's ``t^p`` takes every t: for p = 0, 1, 2, 4, 8, ...; the others want t >= 0."""
    return p.denominator == 1 and p >= 0 and int(p) & (int(p) - 1) == 0


class Floats:
    """Plain numpy on float64; points outside a domain become NaN."""

    exact = False

    def number(self, value: Any) -> Any:
        """The arithmetic's number(s) for a float, integer or rational array."""
        return np.asarray(value, dtype=np.float64)

    def maximum(self, a: Any, b: Any) -> Any:
        """The larger of two arrays, entry by entry."""
        return np.maximum(a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        """The smaller of two arrays, entry by entry."""
        return np.minimum(a, b)

    def power(self, t: Any, p: Fraction) -> Any:
        """``t^p`` on CVXPY's domain."""
        if defined_everywhere(p):
            return t ** float(p)
        good = t > 0.0 if p < 0 else t >= 0.0
        return np.where(good, np.power(np.where(good, t, 1.0), float(p)), np.nan)

    def log(self, t: Any) -> Any:
        """The logarithm for t > 0."""
        return np.where(t > 0.0, np.log(np.where(t > 0.0, t, 1.0)), np.nan)

    def not_below(self, t: Any, low: float) -> Any:
        """``t``, NaN below ``low``."""
        return np.where(t >= low, t, np.nan)

    def divide(self, a: Any, b: Any) -> Any:
        """``a / b``, NaN where b = 0."""
        return np.where(b != 0.0, a / np.where(b != 0.0, b, 1.0), np.nan)

    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    tanh = staticmethod(np.tanh)
    absolute = staticmethod(np.abs)
    sign = staticmethod(np.sign)
    normal = staticmethod(ndtr)

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


def converted(function: Callable[[Any], Any], values: Any) -> Any:
    """A conversion entry by entry; big float arrays repeat few numbers, so each is done once."""
    array = np.asarray(values)
    if array.dtype == object or array.size < 64:
        return entrywise(function, array)
    numbers, places = np.unique(array, return_inverse=True)
    return entrywise(function, numbers)[places.reshape(array.shape)]


class Rationals:
    """Exact rationals, for constants; forms and curves build on it."""

    exact = True

    def number(self, value: Any) -> Any:
        return converted(as_rational, value)

    def maximum(self, a: Any, b: Any) -> Any:
        return entrywise(max, a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return entrywise(min, a, b)

    def absolute(self, t: Any) -> Any:
        """Absolute values."""
        return entrywise(abs, t)

    def power(self, t: Any, p: Fraction) -> Any:
        return entrywise(lambda s: rational_power(s, p), t)

    def divide(self, a: Any, b: Any) -> Any:
        return entrywise(rational_quotient, a, b)

    def sorted(self, t: Any) -> Any:
        return sorted_rows(t)

    def __getattr__(self, name: str) -> Any:
        # copy and pickle probe for dunder names before the class is ready
        if name.startswith("__"):
            raise AttributeError(name)
        raise Undecided(f"{name} has no exact values here")


def sorted_rows(t: Any) -> Any:
    """Object arrays sorted along the last axis."""
    flat = t.reshape(-1, t.shape[-1])
    try:
        return np.array([sorted(row) for row in flat], dtype=object).reshape(t.shape)
    except TypeError:
        raise Undecided("these values have no order") from None


def rational_power(t: fmpq, p: Fraction) -> fmpq:
    """``t^p`` on CVXPY's domain, for whole p."""
    if p.denominator != 1 or (t < 0 and not defined_everywhere(p)) or (t == 0 and p < 0):
        raise Undecided("not a rational, or outside the domain of a power")
    return t ** int(p)


def rational_quotient(a: fmpq, b: fmpq) -> fmpq:
    """``a / b``."""
    if b == 0:
        raise Undecided("division by zero")
    return a / b


FLOATS = Floats()
RATIONALS = Rationals()
