"""The profile of a scalar function: its formula, where it is convex, concave, rising, its range.

One profile serves all readers: layers and what they become in ONNX and torch (the formula), the
CVXPY atom (what holds for a given sign of the argument), the verdict engine (what holds on any
interval) and the tests, which hold each claim against numbers.
Intervals are closed; endpoints that are irrational are rounded so that every claim stays true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cvxnet.functions.arithmetic import FLOATS
from cvxnet.types import Array

Interval: TypeAlias = tuple[float, float]

INF = np.inf
EVERYWHERE: tuple[Interval, ...] = ((-INF, INF),)
NEGATIVE: Interval = (-INF, 0.0)
POSITIVE: Interval = (0.0, INF)
BOTH_HALVES: tuple[Interval, ...] = (NEGATIVE, POSITIVE)
ROOM, TINY = 1e-13, 1e-300
"""Relative and absolute rounding of a value, with room to spare."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What is true about ``f`` on which intervals.

    Attributes
    ----------
    name : str
        As users know the function.
    formula : callable (t, K)
        The function in the arithmetic K, see `cvxnet.functions.formulas`.
    derivative : callable
        Of arrays of doubles, entry by entry.
    convex, concave, rising, falling : tuple of intervals
        Maximal intervals on which the claim holds (nondecreasing counts as rising).
    low, high : float
        Bounds on the whole range.
    mirror : tuple (sigma, slope, offset) or None
        ``f(-t) = sigma f(t) + slope t + offset`` for all t, where such a law is known.
    kinks : tuple of (position, jump of slope), or None
        For continuous piecewise-linear functions all of their kinks, without rounding (a jump
        that is no float is a Fraction); None for others.
    tails : tuple (slope at minus infinity, slope at plus infinity, value at 0), or None
        For piecewise-linear functions, what the kinks leave open.
    smooth : bool
        Continuously differentiable everywhere.
    exact : bool
        Computed without rounding (choices between the argument and constants).
    whole : bool
        Whole numbers have whole values, computed without rounding below 2^53.
    domain : interval
        Where the function is defined.
    limits : tuple of two floats, or None
        Towards minus and plus infinity, where the formula has no value there.
    bounded_curvature : bool
        The second derivative is bounded apart from jumps of the slope: the function is a
        difference of two convex ones.
    log_log : "identity", "convex" or ""
        On t > 0: ``f(t) = t``, or ``log f(exp u)`` is convex and rising in u.
    """

    name: str
    formula: Callable[[Any, Any], Any]
    derivative: Callable[[Array], Array]
    convex: tuple[Interval, ...] = ()
    concave: tuple[Interval, ...] = ()
    rising: tuple[Interval, ...] = ()
    falling: tuple[Interval, ...] = ()
    low: float = -INF
    high: float = INF
    mirror: tuple[float, float, float] | None = None
    kinks: tuple[tuple[float, float | Fraction], ...] | None = None
    tails: tuple[float, float, float] | None = None
    smooth: bool = True
    exact: bool = False
    whole: bool = False
    domain: Interval = (-INF, INF)
    limits: tuple[float, float] | None = None
    bounded_curvature: bool = False
    log_log: str = ""

    def function(self, t: Array) -> Array:
        """``f`` of doubles, entry by entry; NaN outside the domain."""
        with np.errstate(all="ignore"):
            value: Array = self.formula(t, FLOATS)
        if self.limits is not None:
            value = np.where(t == -INF, self.limits[0], value)
            value = np.where(t == INF, self.limits[1], value)
        return value

    @property
    def quasiconvex(self) -> bool:
        """Falling up to some point and rising from there on."""
        return covers(self.falling[:1], self.rising[-1:], self.domain)

    @property
    def quasiconcave(self) -> bool:
        """Rising up to some point and falling from there on."""
        return covers(self.rising[:1], self.falling[-1:], self.domain)

    def bounds(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Bounds on ``f`` over the intervals [low, high], entry by entry, rounded outwards."""
        with np.errstate(all="ignore"):
            at_low, at_high = self._widened(low), self._widened(high)
        lower, upper = np.full(low.shape, self.low), np.full(low.shape, self.high)
        rising, falling = inside(low, high, self.rising), inside(low, high, self.falling)
        lower = np.where(rising, at_low[0], np.where(falling, at_high[0], lower))
        upper = np.where(rising, at_high[1], np.where(falling, at_low[1], upper))
        if self.quasiconvex:
            upper = np.maximum(at_low[1], at_high[1])
        elif self.quasiconcave:
            lower = np.minimum(at_low[0], at_high[0])
        return np.maximum(lower, self.low), np.minimum(upper, self.high)

    def _widened(self, t: Array) -> tuple[Array, Array]:
        """The value at ``t`` with room for rounding; limits at infinity are the range itself."""
        value = self.function(t)
        sure = (value == 0.0) & (t == 0.0)
        if self.exact:
            sure |= True
        elif self.whole:
            sure |= (t == np.round(t)) & (np.abs(value) < 2.0**53)
        room = np.where(sure, 0.0, ROOM * np.abs(value) + TINY)
        low = np.where(np.isfinite(value), value - room, np.where(value == INF, INF, self.low))
        high = np.where(np.isfinite(value), value + room, np.where(value == -INF, -INF, self.high))
        return low, high


def inside(low: Array, high: Array, intervals: tuple[Interval, ...]) -> NDArray[np.bool_]:
    """Whether [low, high] lies in one of the intervals, entry by entry."""
    found = np.zeros(np.shape(low), dtype=bool)
    for left, right in intervals:
        found |= (low >= left) & (high <= right)
    return found


def covers(first: tuple[Interval, ...], second: tuple[Interval, ...], domain: Interval) -> bool:
    """Whether the first interval, then the second, cover the domain up to a rounded endpoint."""
    if domain in (*first, *second):
        return True
    if not first or not second:
        return False
    (left, middle), (next_left, right) = first[0], second[0]
    starts, ends = left <= domain[0], right >= domain[1]
    return starts and ends and abs(middle - next_left) < 2e-3
