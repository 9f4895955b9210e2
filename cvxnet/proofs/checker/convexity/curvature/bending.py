"""Where functions of one number are convex, concave, rising and falling.

A second copy on purpose, from second derivatives. Inflections that are no rationals are cut off
inwards: silu'' = s (1 - s) (2 + t (1 - 2 s)) with s = sigmoid(t) is zero at +-2.39935...,
gelu'' = (2 - t^2) phi(t) at +-sqrt(2), silu' at -1.27846..., gelu' at -0.75179....
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flint import arb, fmpq

from ..forms.ranges import Range


class Bending(NamedTuple):
    """What is certain about a function on an interval."""

    convex: bool = False
    concave: bool = False
    rising: bool = False
    falling: bool = False


def below(among: Range, end: fmpq) -> bool:
    """Whether the interval ends there or before."""
    return among.high is not None and among.high <= end


def above(among: Range, start: fmpq) -> bool:
    """Whether the interval starts there or later."""
    return among.low is not None and among.low >= start


def s_shaped(among: Range, options: Any) -> Bending:
    """Convex up to zero, concave from there on."""
    return Bending(among.nonpositive, among.nonnegative, rising=True)


def steepening(among: Range, options: Any) -> Bending:
    """Concave up to zero, convex from there on."""
    return Bending(among.nonnegative, among.nonpositive, rising=True)


def bump(inflection: fmpq, lowest: fmpq) -> Callable[[Range, Any], Bending]:
    """Convex around zero, concave beyond the inflections, falling and then rising."""

    def bending(among: Range, options: Any) -> Bending:
        middle = above(among, -inflection) and below(among, inflection)
        next_one = inflection + fmpq(1, 10000)
        beyond = above(among, next_one) or below(among, -next_one)
        return Bending(middle, beyond, rising=above(among, lowest))

    return bending


def inverse(among: Range, options: Any) -> Bending:
    """``1 / t`` on one side of zero."""
    side = among.nonnegative or among.nonpositive
    return Bending(among.nonnegative, among.nonpositive, falling=side)


def elu(among: Range, options: Any) -> Bending:
    """``t`` above zero, ``alpha (exp(t) - 1)`` below."""
    ((_, (p, q)), *_) = options
    alpha = fmpq(p, q)
    convex = alpha >= 0 and (alpha <= 1 or among.nonpositive or among.nonnegative)
    return Bending(bool(convex), among.nonnegative, rising=bool(alpha >= 0))


def huber(among: Range, options: Any) -> Bending:
    """Quadratic, then linear; for a threshold that is not negative."""
    ((_, (p, _)), *_) = options
    return Bending(p >= 0, rising=p >= 0 and among.nonnegative)


def squareplus(among: Range, options: Any) -> Bending:
    """``(t + sqrt(t^2 + b)) / 2`` for b >= 0."""
    ((_, (p, _)), *_) = options
    return Bending(p >= 0, rising=p >= 0)


def waves(among: Range, shift: fmpq) -> Bending:
    """``sin(t + shift pi)``: concave between an even multiple of pi and the next one."""
    if among.low is None or among.high is None:
        return Bending()
    low, high = (arb(end) / arb.pi() + shift for end in (among.low, among.high))
    half = low.floor()
    if not (half.rad() == 0 and low >= half and high <= half + 1):
        return Bending()
    even = int(half.mid().fmpq()) % 2 == 0
    return Bending(not even, even)


def sine(among: Range, options: Any) -> Bending:
    """``sin(t)``."""
    return waves(among, fmpq(0))


def cosine(among: Range, options: Any) -> Bending:
    """``sin(t + pi / 2)``."""
    return waves(among, fmpq(1, 2))


def jump(among: Range, options: Any) -> Bending:
    """0, then 1 from zero on: constant there, and a jump at the end of what is below."""
    return Bending(among.nonpositive or among.nonnegative, among.nonnegative, rising=True)


BENDINGS: dict[str, Callable[[Range, Any], Bending]] = {
    "exp": lambda among, options: Bending(convex=True, rising=True),
    "log": lambda among, options: Bending(concave=True, rising=True),
    "root": lambda among, options: Bending(concave=True, rising=True),
    "inverse": inverse,
    "abs": lambda among, options: Bending(convex=True, rising=among.nonnegative),
    "cvxnet.sigmoid": s_shaped,
    "normcdf": s_shaped,
    "asinh": s_shaped,
    "sinh": steepening,
    "atanh": steepening,
    "tan": steepening,
    "sin": sine,
    "cos": cosine,
    "cvxnet.silu": bump(fmpq(23993, 10000), fmpq(-12784, 10000)),
    "cvxnet.gelu": bump(fmpq(14142, 10000), fmpq(-7517, 10000)),
    "cvxnet.elu": elu,
    "huber": huber,
    "cvxnet.squareplus": squareplus,
    "cvxnet.threshold": jump,
    "cvxnet.sign": s_shaped,
}


def bending(name: str, options: Any, among: Range) -> Bending:
    """What is certain about a function on an interval; nothing about one that is not known."""
    return BENDINGS[name](among, options) if name in BENDINGS else Bending()
