"""Functions of one number on an interval: what values, slopes and curvatures they have there.

Each function gives enclosures of f, f' and f'' on an interval u. Where u reaches beyond the domain
of f only the part inside counts: elsewhere the expression has no value. `Curve.edge` tells that u
touches an end of the domain at which f has a value and no second derivative; `Curve.kink` that the
slope jumps upward inside u (f'' is then that of the pieces).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from flint import arb, fmpq

from ...arrays import require
from .enclosures import INF, LOW, NOTHING, ONE, ZERO, Interval, NowhereError, down, up

MOST_POWER = 1000
EVERYTHING = Interval(LOW, INF)


class Curve(NamedTuple):
    """Enclosures on an interval."""

    value: Interval
    slope: Interval
    bend: Interval
    edge: bool = False
    kink: bool = False


def rising(function: Callable[[arb], arb], u: Interval) -> Interval:
    """The values of a rising function."""
    return Interval(down(function(u.low)), up(function(u.high)), u.inputs)


def exp(u: Interval) -> Curve:
    """``e^u``."""
    value = exp_of(u)
    return Curve(value, value, value)


def exp_of(u: Interval) -> Interval:
    """The values of the exponential, none below zero."""
    value = rising(lambda t: NOTHING if t == LOW else t.exp(), u)
    return value.meet(NOTHING, INF)


def log_of(u: Interval) -> Interval:
    """The values of the logarithm on the part above zero."""
    if u.high <= 0:
        raise NowhereError("a logarithm that has no value on a box")
    low = LOW if u.low <= 0 else down(u.low.log())
    return Interval(low, INF if u.high == INF else up(u.high.log()), u.inputs)


def log(u: Interval) -> Curve:
    """``log u`` for u > 0."""
    inverse = positive(u).inverse()
    return Curve(log_of(u), inverse, -inverse.square())


def positive(u: Interval) -> Interval:
    """The part from zero on."""
    return u.meet(NOTHING, INF)


def log1p(u: Interval) -> Curve:
    """``log(1 + u)`` for u > -1."""
    return log(u + ONE)


def logistic(u: Interval) -> Curve:
    """``log(1 + e^u)``."""
    slope = sigmoid_of(u)
    low = NOTHING if u.low == LOW else down(softplus_at(u.low))
    high = INF if u.high == INF else up(softplus_at(u.high))
    return Curve(Interval(low, high, u.inputs), slope, slope * sigmoid_of(-u))


def softplus_at(t: arb) -> arb:
    """``log(1 + e^t)`` of a number, without overflow."""
    return t + (-t).exp().log1p() if t > 0 else t.exp().log1p()


def sigmoid_of(u: Interval) -> Interval:
    """The values of ``1 / (1 + e^-u)``."""
    return rising(sigmoid_at, u).meet(NOTHING, arb(1))


def sigmoid_at(t: arb) -> arb:
    """The sigmoid of a number, precise where it is small."""
    if t == LOW:
        return NOTHING
    return 1 / (1 + (-t).exp()) if t > 0 else t.exp() / (1 + t.exp())


def sigmoid(u: Interval) -> Curve:
    """s(u): s' = s (1 - s), s'' = s' (1 - 2 s) = -s' tanh(u/2)."""
    value = sigmoid_of(u)
    slope = value * sigmoid_of(-u)
    return Curve(value, slope, -(slope * tanh_of(u.scaled(fmpq(1, 2)))))


def tanh_of(u: Interval) -> Interval:
    """The values of the hyperbolic tangent."""
    return rising(arb.tanh, u).meet(arb(-1), arb(1))


def tanh(u: Interval) -> Curve:
    """tanh' = 1 - tanh^2 = 4 s(2u) s(-2u), precise in the tails; tanh'' = -2 tanh tanh'."""
    value, twice = tanh_of(u), u.scaled(2)
    slope = (sigmoid_of(twice) * sigmoid_of(-twice)).scaled(4)
    return Curve(value, slope, (value * slope).scaled(-2))


def silu(u: Interval) -> Curve:
    """``u s(u)``: f' = s + u s', f'' = s' (2 - u tanh(u/2))."""
    value, half = sigmoid(u), tanh_of(u.scaled(fmpq(1, 2)))
    bend = value.slope * (Interval.number(2) - even_product(u, half))
    return Curve(u * value.value, value.value + u * value.slope, bend)


def even_product(u: Interval, v: Interval) -> Interval:
    """``u v`` where v is an odd rising function of u: never below zero."""
    return (u * v).meet(NOTHING, INF)


def density(u: Interval) -> Interval:
    """``e^(-u^2/2) / sqrt(2 pi)``."""
    return exp_of(u.square().scaled(fmpq(-1, 2))) * Interval.number(1 / (2 * arb.pi()).sqrt())


def normal_of(u: Interval) -> Interval:
    """The values of the normal distribution function."""
    return rising(normal_at, u).meet(NOTHING, arb(1))


def normal_at(t: arb) -> arb:
    """The normal distribution function of a number."""
    if not t.is_finite():
        return arb(1) if t > 0 else NOTHING
    return (-t / arb(2).sqrt()).erfc() / 2


def normcdf(u: Interval) -> Curve:
    """Phi' = phi, phi' = -u phi."""
    slope = density(u)
    return Curve(normal_of(u), slope, -(u * slope))


def gelu(u: Interval) -> Curve:
    """``u Phi(u)``: f' = Phi + u phi, f'' = phi (2 - u^2)."""
    value, slope = normal_of(u), density(u)
    return Curve(u * value, value + u * slope, slope * (Interval.number(2) - u.square()))


def entr(u: Interval) -> Curve:
    """``-u log u`` for u >= 0."""
    inside = positive(u)
    if inside.high == 0:  # zero is the only point inside, and has a value
        return Curve(ZERO, EVERYTHING, EVERYTHING, edge=True)
    value = -t_log_t(inside)
    slope, edge = -(log_of(inside) + ONE), bool(inside.low == 0)
    return Curve(value, slope, -inside.inverse(), edge)


def t_log_t(u: Interval) -> Interval:
    """The values of ``t log t`` for t >= 0: falling up to 1/e, then rising."""
    ends = [t_log_t_at(u.low), t_log_t_at(u.high)]
    low, bottom = min(map(down, ends)), (-arb(1)).exp()
    if not (u.high < bottom or u.low > bottom):
        low = down(-bottom)
    return Interval(low, max(map(up, ends)), u.inputs)


def t_log_t_at(t: arb) -> arb:
    """``t log t`` of a number."""
    if t == 0 or t == INF:
        return t
    return t * t.log()


def xexp(u: Interval) -> Curve:
    """``u e^u`` for u >= 0, which is smooth beyond."""
    inside = positive(u)
    value = exp_of(inside)
    slope = (inside + ONE) * value
    return Curve(inside * value, slope, (inside + ONE + ONE) * value)


def absolute(u: Interval) -> Curve:
    """``|u|``."""
    if u.low >= 0:
        return Curve(u, ONE, ZERO)
    if u.high <= 0:
        return Curve(-u, -ONE, ZERO)
    value = Interval(NOTHING, max(-u.low, u.high), u.inputs)
    return Curve(value, Interval(arb(-1), arb(1), u.inputs), ZERO, kink=True)


def relu(u: Interval) -> Curve:
    """``max(u, 0)``."""
    if u.low >= 0:
        return Curve(u, ONE, ZERO)
    if u.high <= 0:
        return Curve(ZERO, ZERO, ZERO)
    value = Interval(NOTHING, u.high, u.inputs)
    return Curve(value, Interval(NOTHING, arb(1), u.inputs), ZERO, kink=True)


def huber(u: Interval, M: fmpq) -> Curve:
    """``u^2`` up to M, then ``2 M |u| - M^2``; the curvature falls from 2 to 0."""
    require(M > 0, "a Huber function without a quadratic part")
    bound, size = Interval.number(M), absolute(u).value
    inner = Interval(min(size.low, bound.high), min(size.high, bound.high), u.inputs)
    value = inner.square() + (bound * (size - inner)).scaled(2)
    slope = Interval(max(u.low, -bound.high), max(u.high, -bound.high), u.inputs)
    slope = Interval(min(slope.low, bound.high), min(slope.high, bound.high), u.inputs)
    if size.high < bound.low:
        bend = Interval.number(2)
    elif size.low > bound.high:
        bend = ZERO
    else:
        bend = Interval(NOTHING, arb(2), u.inputs)
    return Curve(value, slope.scaled(2), bend)


def power(u: Interval, p: fmpq) -> Curve:
    """``u^p``: for all u where p is 2, 4, 8, ..., otherwise for u >= 0, or u > 0 if p < 0."""
    require(abs(p) <= MOST_POWER, "a power that is too high")
    if p == 0:
        return Curve(ONE, ZERO, ZERO)
    if p == 1:
        return Curve(u, ONE, ZERO)
    whole = int(p.p)
    everywhere = p.q == 1 and whole > 0 and whole & (whole - 1) == 0
    inside = u if everywhere else positive(u)
    slope = power_of(inside, p - 1).scaled(p)
    bend = power_of(inside, p - 2).scaled(p * (p - 1))
    smooth = p < 0 or p >= 2 or bool(inside.low > 0)
    return Curve(power_of(inside, p), slope, bend, edge=not smooth)


def power_of(u: Interval, p: fmpq) -> Interval:
    """The values of ``u^p``, for u of any sign where p is whole and >= 0, else for u > 0."""
    if p == 0:
        return ONE
    if p.q == 1 and p > 0:
        if int(p.p) % 2 == 0:
            u = absolute(u).value
        return rising(lambda t: t ** int(p.p) if t.is_finite() else t, u)
    if p < 0:
        return power_of(u, -p).inverse()
    return rising(lambda t: t if t == 0 or t == INF else t ** arb(p), u).meet(NOTHING, INF)


def sine(u: Interval, shift: int = 0) -> Curve:
    """``sin(u + shift pi/2)``."""
    value = sine_of(u, shift)
    return Curve(value, sine_of(u, shift + 1), -value)


def sine_of(u: Interval, shift: int) -> Interval:
    """The values: 1 where a ball of ``(u/pi + shift/2 - 1/2) / 2`` holds a whole number."""
    if not (u.low.is_finite() and u.high.is_finite() and u.high - u.low < 7):
        return Interval(arb(-1), arb(1), u.inputs)
    ends = [(t + shift * arb.pi() / 2).sin() for t in (u.low, u.high)]
    low, high = min(map(down, ends)), max(map(up, ends))
    turns = [u.low.union(u.high) / arb.pi() / 2 + arb(shift - k) / 4 for k in (1, -1)]
    high = arb(1) if turns[0].contains_integer() else high
    low = arb(-1) if turns[1].contains_integer() else low
    return Interval(low, high, u.inputs).meet(arb(-1), arb(1))


def hyperbolic_sine(u: Interval) -> Curve:
    """sinh' = cosh, sinh'' = sinh."""
    value = rising(lambda t: t.sinh() if t.is_finite() else t, u)
    size = absolute(u).value
    slope = rising(lambda t: t.cosh() if t.is_finite() else t, size)
    return Curve(value, slope, value)


def inverse_hyperbolic_sine(u: Interval) -> Curve:
    """asinh' = (1 + u^2)^(-1/2), asinh'' = -u (1 + u^2)^(-3/2)."""
    base = u.square() + ONE
    value = rising(lambda t: t.asinh() if t.is_finite() else t, u)
    slope = power_of(base, fmpq(-1, 2))
    return Curve(value, slope, -(u * slope * base.inverse()))


def inverse_hyperbolic_tangent(u: Interval) -> Curve:
    """atanh' = 1 / (1 - u^2), atanh'' = 2 u / (1 - u^2)^2, for |u| < 1."""
    inside = u.meet(arb(-1), arb(1))
    low = LOW if inside.low == -1 else down(inside.low.atanh())
    high = INF if inside.high == 1 else up(inside.high.atanh())
    slope = (ONE - inside.square()).inverse()
    return Curve(Interval(low, high, u.inputs), slope, (inside * slope.square()).scaled(2))


def tangent(u: Interval) -> Curve:
    """tan' = 1 + tan^2, tan'' = 2 tan tan', for |u| < pi/2."""
    quarter = arb.pi() / 2
    low = down(u.low.tan()) if u.low > -quarter else LOW
    high = up(u.high.tan()) if u.high < quarter else INF
    value = Interval(low, high, u.inputs)
    slope = value.square() + ONE
    return Curve(value, slope, (value * slope).scaled(2))


def elu(u: Interval, alpha: fmpq) -> Curve:
    """``u`` above zero, ``alpha (e^u - 1)`` below; the slope jumps from alpha to 1."""
    if u.low >= 0:
        return Curve(u, ONE, ZERO)
    below = Interval(u.low, min(u.high, NOTHING), u.inputs)
    scaled = exp_of(below).scaled(alpha)
    value = scaled - Interval.number(alpha)
    if u.high <= 0:
        return Curve(value, scaled, scaled)
    require(0 <= alpha <= 1, "a function whose slope jumps downward")
    above = Interval(NOTHING, u.high, u.inputs)
    bend = scaled.hull(ZERO)
    return Curve(value.hull(above), scaled.hull(ONE), bend, kink=bool(alpha < 1))


def squareplus(u: Interval, b: fmpq) -> Curve:
    """``(u + r) / 2`` with r = sqrt(u^2 + b): r' = u / r, r'' = b / r^3; b > 0."""
    require(b > 0, "a squareplus that has a kink")
    half, base = fmpq(1, 2), u.square() + Interval.number(b)
    root = power_of(base, half)
    ratio = (u * root.inverse()).meet(arb(-1), arb(1))
    value = (u + root).scaled(half).meet(NOTHING, INF)
    bend = (base * root).inverse().scaled(b * half)
    return Curve(value, (ONE + ratio).scaled(half), bend)
