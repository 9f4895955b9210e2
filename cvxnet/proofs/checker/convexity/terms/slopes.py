"""Values and one-sided slopes of a term at a point of its only leaf, exact or in balls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import mul
from typing import Any, NamedTuple

from flint import arb, fmpq

from ...arrays import Array, require
from ...exact import Number
from ...losses import square
from ...matrices import quadratic_form
from ...scalars import (
    ONE,
    ZERO,
    exp,
    huber,
    larger,
    log,
    normal,
    power,
    quotient,
    root,
    sigmoid,
    signum,
    smaller,
    t_log,
    tanh,
)
from ..calculus.intervals import End, Interval, lower_end
from .table import Term, Terms

FARTHEST = 40  # doublings, in search of where a slope changes its sign


HALVINGS = 40
KINKED = ("abs", "cvxnet.elu")


class Jet(NamedTuple):
    """A value, and the slope on one side."""

    value: Number
    slope: Number


def at_point(terms: Terms, root_place: int, leaf: int, point: fmpq, side: int) -> Jet:
    """The value and the derivative towards ``side`` (1 or -1), as a slope."""
    found: dict[int, Jet] = {}
    for place in terms.below(root_place):
        term = terms[place]
        if term.kind == "number":
            found[place] = Jet(term.data, ZERO)
        elif term.kind == "leaf":
            require(place == leaf, "more than one leaf")
            found[place] = Jet(point, ONE)
        else:
            found[place] = jet_of(term, [found[k] for k in term.parts], side)
    return found[root_place]


def jet_of(term: Term, parts: list[Jet], side: int) -> Jet:
    """One term from its parts."""
    if term.kind == "sum":
        constant, coefficients = term.data
        values, slopes = zip(*parts, strict=True)
        return Jet(
            sum(map(mul, coefficients, values), constant), sum(map(mul, coefficients, slopes), ZERO)
        )
    if term.kind == "product":
        return reduce(times, map(power_jet, parts, term.data))
    name, options = term.data
    if name in ("max", "min"):
        sign = 1 if name == "max" else -1
        return reduce(lambda s, t: chosen(s, t, sign, side), parts)
    if name == "form":
        return form_jet(parts, options)
    require(name in SLOPES, f"nothing is known about the slope of {name}")
    value, slope = SLOPES[name]
    t, more = parts[0], dict(options)
    towards = 0
    if name in KINKED:
        towards = signum(t.slope) * side
        if towards == 0:
            return Jet(value(t.value, **more), ZERO)
    outer = slope(t.value, towards, **more)  # also for a slope of 0, which infinity times 0 has not
    return Jet(value(t.value, **more), outer * t.slope)


def times(one: Jet, two: Jet) -> Jet:
    """The product rule."""
    return Jet(one.value * two.value, one.slope * two.value + one.value * two.slope)


def any_power(t: Number, p: fmpq) -> Number:
    """``t^p``, of negative numbers for a whole p."""
    if p.q == 1 and not t >= 0:
        require(p > 0 or t < 0, "a division by zero")
        return t ** int(p.p)
    return power(t, p)


def power_jet(t: Jet, p: fmpq) -> Jet:
    """``t^p``."""
    outer = p * any_power(t.value, p - 1)  # refused where it is infinite
    return Jet(any_power(t.value, p), outer * t.slope)


def chosen(s: Jet, t: Jet, sign: int, side: int) -> Jet:
    """The larger (the smaller, for the sign -1); where they meet, what leads on that side."""
    ahead = signum(s.value - t.value) * sign
    if ahead == 0:
        slope = larger(s.slope, t.slope) if sign * side > 0 else smaller(s.slope, t.slope)
        return Jet(s.value, slope)
    return s if ahead > 0 else t


def form_jet(parts: list[Jet], entries: tuple[fmpq, ...]) -> Jet:
    """``x' P x`` has the slope ``2 x' P s``, by polarisation."""
    size = len(parts)
    P = Array((size, size), list(entries))

    def form(numbers: Iterable[Number]) -> Number:
        return quadratic_form(Array((size,), list(numbers)), P).entries[0]

    value = form(t.value for t in parts)
    both = form(t.value + t.slope for t in parts)
    return Jet(value, both - value - form(t.slope for t in parts))


def sign_of(t: Number, side: int) -> int:
    """The sign; at 0, that of the side to which the number goes."""
    return signum(t) or side


SLOPES: dict[str, tuple[Callable[..., Number], Callable[..., Number]]] = {
    "exp": (exp, lambda t, side: exp(t)),
    "log": (log, lambda t, side: quotient(ONE, t)),
    "abs": (abs, lambda t, side: fmpq(sign_of(t, side))),
    "entr": (lambda t: -t_log(t, ONE), lambda t, side: -ONE - log(t)),
    "cvxnet.sigmoid": (sigmoid, lambda t, side: sigmoid(t) * (1 - sigmoid(t))),
    "tanh": (tanh, lambda t, side: 1 - square(tanh(t))),
    "normcdf": (normal, lambda t, side: exp(-square(t) / 2) / (2 * arb.pi()).sqrt()),
    "huber": (huber, lambda t, side, M: 2 * larger(smaller(t, M), -M)),
    "sinh": (lambda t: arb(t).sinh(), lambda t, side: arb(t).cosh()),
    "asinh": (lambda t: arb(t).asinh(), lambda t, side: 1 / root(1 + square(t))),
    "sin": (lambda t: arb(t).sin(), lambda t, side: arb(t).cos()),
    "cos": (lambda t: arb(t).cos(), lambda t, side: -arb(t).sin()),
    "cvxnet.elu": (
        lambda t, alpha: t if t >= 0 else alpha * (exp(t) - 1),
        lambda t, side, alpha: ONE if sign_of(t, side) > 0 else alpha * exp(t),
    ),
}
"""The value and the slope of each function, at a number and towards a side."""


def rises_from(terms: Terms, place: int, leaf: int, interval: Interval) -> bool:
    """Whether a convex function has a slope >= 0 at the left end."""
    low = interval[0]
    return low is not None and bool(at_point(terms, place, leaf, low, 1).slope >= 0)


def falls_to(terms: Terms, place: int, leaf: int, interval: Interval) -> bool:
    """Whether a convex function has a slope <= 0 at the right end."""
    high = interval[1]
    return high is not None and bool(at_point(terms, place, leaf, high, -1).slope <= 0)


def subgradient(terms: Terms, place: int, leaf: int, point: fmpq, interval: Interval) -> Jet:
    """The slope on a side on which the interval goes on: there may be none beyond its right end."""
    return at_point(terms, place, leaf, point, -1 if point == interval[1] else 1)


def tangent_bound(terms: Terms, place: int, leaf: int, interval: Interval) -> End:
    """What a convex function of one leaf is at least; None where no minimum is found."""
    low, high = (any_end(terms, place, leaf, interval, side) for side in (-1, 1))
    if low is None or high is None:
        return None
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        slope = subgradient(terms, place, leaf, middle, interval).slope
        if slope <= 0:
            low = middle
        if slope >= 0:
            high = middle
        if middle not in (low, high) or low == high:  # not certain, or found
            break
    jet = subgradient(terms, place, leaf, low, interval)
    return lower_end(jet.value + jet.slope * (high - low)) if jet.slope <= 0 else None


def any_end(terms: Terms, place: int, leaf: int, interval: Interval, side: int) -> End:
    """A point from which a convex function rises towards that side, the nearest that is met."""
    end = interval[0] if side < 0 else interval[1]
    start = next((t for t in interval if t is not None), ZERO)
    start = ZERO if inside_of(ZERO, interval) else start
    for k in range(FARTHEST):
        point = start + side * fmpq(2) ** k if k else start
        if end is not None and side * (point - end) > 0:
            point = end
        slope: Any = subgradient(terms, place, leaf, point, interval).slope
        if slope * side >= 0:
            return point
        if point == end:
            return None
    return None


def inside_of(point: fmpq, interval: Interval) -> bool:
    """Whether a number lies in an interval."""
    low, high = interval
    return (low is None or low <= point) and (high is None or point <= high)
