"""Functions of numbers, exact where they can be, otherwise balls: what atoms are made of.

A number is rational or a ball around a real one. Outside of the domain of a function, and where a
ball cannot tell whether it is inside, the evaluation is refused.
"""

from __future__ import annotations

from functools import reduce
from math import prod

from flint import arb, fmpq, fmpz

from .arrays import require
from .exact import Number
from .losses import square

LONGEST = 20_000  # bits of a rational; beyond that it becomes a ball
ZERO, ONE, HALF = fmpq(0), fmpq(1), fmpq(1, 2)


def all_rational(*numbers: Number) -> bool:
    """Whether all are rational."""
    return set(map(type, numbers)) <= {fmpq}


def shortened(t: Number) -> Number:
    """A ball in place of a rational with too many digits; iterated squares double them."""
    long = isinstance(t, fmpq) and t.height_bits() > LONGEST
    return arb(t) if long else t


def larger(s: Number, t: Number) -> Number:
    """The maximum."""
    return max(s, t) if all_rational(s, t) else arb(s).max(arb(t))


def smaller(s: Number, t: Number) -> Number:
    """The minimum."""
    return -larger(-s, -t)


def signum(t: Number) -> int:
    """-1, 0 or 1."""
    require(t > 0 or t < 0 or t == 0, "a sign that cannot be told")
    return int((t > 0) - (t < 0))


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
    if all_rational(t):
        top, bottom = fmpz(t.p).isqrt(), fmpz(t.q).isqrt()
        if top * top == t.p and bottom * bottom == t.q:
            return fmpq(top, bottom)
    return arb(t).sqrt()


def power(t: Number, p: fmpq) -> Number:
    """``t^p``: for all t where p is 0, 1, 2, 4, 8, ..., otherwise for t >= 0 (t > 0 if p < 0)."""
    require(is_everywhere(p) or t > 0 or (p > 0 and t >= 0), "a power outside its domain")
    if p == 0 or t == 1:
        return ONE
    if t == 0:
        return ZERO
    if p == HALF:
        return root(t)
    return whole_power(t, int(p.p)) if p.q == 1 else (arb(t).log() * p).exp()


def is_everywhere(p: fmpq) -> bool:
    """Whether the domain of ``t^p`` is all numbers: where p is 0, 1, 2, 4, 8, ..."""
    whole = int(p.p)
    return p.q == 1 and whole >= 0 and whole & (whole - 1) == 0


def whole_power(t: Number, p: int) -> Number:
    """``t^p``; a ball where it would have too many digits."""
    long = all_rational(t) and t.height_bits() * abs(p) > LONGEST
    return (arb(t) if long else t) ** p


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
    if all_rational(*numbers):
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


def total(row: list[Number]) -> Number:
    """The sum."""
    return sum(row, ZERO)


def above_zero(t: Number) -> Number:
    """The number, if it certainly is."""
    require(t > 0, "a number that may not be above zero")
    return t


def floor(t: Number) -> Number:
    """The largest whole number not above; of a ball across one, both."""
    return fmpq(t.floor()) if all_rational(t) else t.floor()


def tangent(t: Number) -> arb:
    """Between -pi/2 and pi/2."""
    require(2 * abs(t) < arb.pi(), "a tangent outside its domain")
    return arb(t).tan()
