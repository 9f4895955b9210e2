"""Arithmetics behind one set of names: whatever a formula is to be computed in.

Sums, products and quotients are the values' own (``a + b``); an arithmetic adds what Python's
operators do not have, the scalar functions and choices. There are doubles in arrays, rationals (in
object arrays, and with them the forms and curves of exact deciders) and tensors of torch; an ONNX
graph is one, too. What an arithmetic cannot compute it refuses with `Undecided`: a form has no
exponential. `numpy.maximum` and its like are not used on objects: of two enclosures that overlap
they return one, where the maximum is neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from operator import methodcaller
from typing import Any

import numpy as np
from flint import fmpq
from scipy.special import expit, logsumexp, ndtr, xlogy


class Undecided(ArithmeticError):  # noqa: N818 - an answer, not a fault
    """This arithmetic cannot compute that value."""


def defined_everywhere(p: Fraction) -> bool:
    """Whether CVXPY's ``t^p`` takes every t: for p = 0, 1, 2, 4, 8, ...; the others want t >= 0."""
    return p.denominator == 1 and p >= 0 and int(p) & (int(p) - 1) == 0


class Arithmetic:
    """What formulas calculate with. A subclass defines what it can compute; the rest is refused.

    Attributes
    ----------
    exact : bool
        Whether its values are exact, so that what they show is proved.
    """

    exact = False

    def refusal(self, name: str) -> Undecided:
        """The exception for a function without values here."""
        return Undecided(f"{name} has no values in {type(self).__name__.lower()}")

    def number(self, value: Any) -> Any:
        """The arithmetic's number(s) for a float, integer or rational array."""
        raise self.refusal("a number")

    def maximum(self, a: Any, b: Any, /) -> Any:
        """The larger of two values, entry by entry."""
        raise self.refusal("max")

    def minimum(self, a: Any, b: Any, /) -> Any:
        """The smaller of two values, entry by entry."""
        raise self.refusal("min")

    def absolute(self, t: Any, /) -> Any:
        """``|t|``."""
        raise self.refusal("abs")

    def sign(self, t: Any, /) -> Any:
        """-1, 0 or 1."""
        raise self.refusal("sign")

    def step(self, t: Any, /) -> Any:
        """1 for t >= 0, else 0."""
        raise self.refusal("step")

    def power(self, t: Any, p: Fraction, /) -> Any:
        """``t^p`` on CVXPY's domain."""
        raise self.refusal("a power")

    def divide(self, a: Any, b: Any, /) -> Any:
        """``a / b`` where b may be zero."""
        raise self.refusal("a quotient")

    def exp(self, t: Any, /) -> Any:
        """``exp(t)``."""
        raise self.refusal("exp")

    def expm1(self, t: Any, /) -> Any:
        """``exp(t) - 1``, without cancellation near 0."""
        raise self.refusal("exp")

    def log(self, t: Any, /) -> Any:
        """``log(t)`` for t > 0."""
        raise self.refusal("log")

    def log1p(self, t: Any, /) -> Any:
        """``log(1 + t)``."""
        raise self.refusal("log")

    def times_log(self, t: Any, /) -> Any:
        """``t log(t)``, 0 at 0."""
        raise self.refusal("t log(t)")

    def tanh(self, t: Any, /) -> Any:
        """``tanh(t)``."""
        raise self.refusal("tanh")

    def sigmoid(self, t: Any, /) -> Any:
        """``1 / (1 + exp(-t))``."""
        raise self.refusal("sigmoid")

    def normal(self, t: Any, /) -> Any:
        """The normal distribution function."""
        raise self.refusal("the normal distribution function")

    def not_below(self, t: Any, low: float, /) -> Any:
        """``t`` where it is at least ``low``."""
        raise self.refusal("a bound")

    def sorted(self, t: Any, /) -> Any:
        """Sorted along the last axis."""
        raise self.refusal("an order")

    def log_sum_exp(self, t: Any, /) -> Any:
        """``log sum exp(t)`` along the last axis, which is kept."""
        raise self.refusal("log_sum_exp")


class Floats(Arithmetic):
    """Plain numpy on float64; points outside a domain become NaN."""

    def number(self, value: Any) -> Any:
        if isinstance(value, float | int):
            return float(value)
        return np.asarray(value, dtype=np.float64)

    maximum = staticmethod(np.maximum)
    minimum = staticmethod(np.minimum)
    absolute = staticmethod(np.abs)
    sign = staticmethod(np.sign)
    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    tanh = staticmethod(np.tanh)
    sigmoid = staticmethod(expit)
    normal = staticmethod(ndtr)

    def step(self, t: Any) -> Any:
        return (t >= 0.0).astype(np.float64)

    def power(self, t: Any, p: Fraction) -> Any:
        if defined_everywhere(p):
            return t ** float(p)
        good = t > 0.0 if p < 0 else t >= 0.0
        return np.where(good, np.power(np.where(good, t, 1.0), float(p)), np.nan)

    def divide(self, a: Any, b: Any) -> Any:
        return np.where(b != 0.0, a / np.where(b != 0.0, b, 1.0), np.nan)

    def log(self, t: Any) -> Any:
        return np.where(t > 0.0, np.log(np.where(t > 0.0, t, 1.0)), np.nan)

    def log1p(self, t: Any) -> Any:
        inside = t > -1.0
        return (
            np.log1p(t) if inside.all() else np.where(inside, np.log1p(np.maximum(t, -0.5)), np.nan)
        )

    def times_log(self, t: Any) -> Any:
        return np.where(t >= 0.0, xlogy(np.maximum(t, 0.0), np.maximum(t, 0.0)), np.nan)

    def not_below(self, t: Any, low: float) -> Any:
        return np.where(t >= low, t, np.nan)

    def sorted(self, t: Any) -> Any:
        return np.sort(t, axis=-1)

    def log_sum_exp(self, t: Any) -> Any:
        return logsumexp(t, axis=-1, keepdims=True)


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


class Rationals(Arithmetic):
    """Exact rationals, for constants; forms and curves build on it."""

    exact = True

    def number(self, value: Any) -> Any:
        return converted(as_rational, value)

    def maximum(self, a: Any, b: Any) -> Any:
        return entrywise(max, a, b)

    def minimum(self, a: Any, b: Any) -> Any:
        return entrywise(min, a, b)

    def absolute(self, t: Any) -> Any:
        return entrywise(abs, t)

    def power(self, t: Any, p: Fraction) -> Any:
        return entrywise(lambda s: rational_power(s, p), t)

    def divide(self, a: Any, b: Any) -> Any:
        return entrywise(rational_quotient, a, b)

    def sorted(self, t: Any) -> Any:
        return sorted_rows(t)


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


class TorchTensors(Arithmetic):
    """Tensors of torch, which bring their functions with them: torch itself is not needed here.

    At 0 the slope of ``max(t, 0)`` is taken to be 0, as everywhere in torch.
    """

    def number(self, value: Any) -> Any:
        return float(value)

    def maximum(self, a: Any, b: float) -> Any:
        return a.clamp(min=b) if b else a.relu()

    def minimum(self, a: Any, b: float) -> Any:
        return a.clamp(max=b) if b else -(-a).relu()

    absolute = staticmethod(methodcaller("abs"))
    sign = staticmethod(methodcaller("sign"))
    exp = staticmethod(methodcaller("exp"))
    expm1 = staticmethod(methodcaller("expm1"))
    log = staticmethod(methodcaller("log"))
    log1p = staticmethod(methodcaller("log1p"))
    tanh = staticmethod(methodcaller("tanh"))
    sigmoid = staticmethod(methodcaller("sigmoid"))

    def step(self, t: Any) -> Any:
        return (t >= 0.0).to(t.dtype)

    def power(self, t: Any, p: Fraction) -> Any:
        return t.sqrt() if p == Fraction(1, 2) else t ** float(p)

    def normal(self, t: Any) -> Any:
        return 0.5 * (t * -math.sqrt(0.5)).erfc()

    def log_sum_exp(self, t: Any) -> Any:
        return t.logsumexp(-1, keepdim=True)


FLOATS = Floats()
RATIONALS = Rationals()
TENSORS = TorchTensors()
