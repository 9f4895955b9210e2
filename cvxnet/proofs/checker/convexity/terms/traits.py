"""What is known of a term."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, TypeAlias

from flint import fmpq

from ...arrays import require
from ...scalars import ZERO
from ..calculus.intervals import (
    EVERYTHING,
    Interval,
    clipped,
    is_above,
    is_below,
    mirrored,
    multiplied,
)
from ..statement import OPPOSITE

RULES = {
    "sum": "a sum of functions that bend the same way",
    "constant factor": "a function times a constant factor",
    "product": "a product whose factors bend enough: power means multiply by Hoelder's inequality",
    "factors that rise or fall together": "a product of convex factors >= 0 that rise or fall "
    "together",
    "power": "a power, by its power mean",
    "odd power": "an odd power",
    "abs": "the absolute value of an affine function",
    "log": "the logarithm of a log-convex or log-concave function",
    "exp": "the exponential of a function that bends the same way",
    "form": "a semidefinite form",
    "maximum": "the maximum of convex functions",
    "minimum": "the minimum of concave functions",
    "composition": "a function that is monotone on the range of its argument",
    "difference quotient": "the mean of exponentials, as (exp(u) - 1) / u is",
    "rational": "a rational function of one variable, whose second derivative has one sign",
    "pieces": "pieces of one variable, and slopes that change the same way between them",
    "lemma": "a function of one variable whose second derivative, enclosed on boxes, has one sign",
    "whole": "the composition rules",
    "groups": "a sum that bends the same way in each group of unknowns",
    "through": "all unknowns enter through one inner function, of which it is a monotone function",
    "perspective": "the perspective of a function that bends the same way",
}
"""What a row says of the term that it was used for, as a reason."""


Degree: TypeAlias = Fraction | float
"""The a of a power mean, or an infinity."""


INF = float("inf")


ABOVE: Interval = (ZERO, None)


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What is known of a term.

    Attributes
    ----------
    interval : interval
        Holds all values.
    positive : bool
        All values are > 0.
    constant : bool
        It depends on no unknown.
    convex, concave : bool
        As a function of the unknowns.
    rising, falling : bool
        As a function of the one unknown, where there is only one.
    quasiconvex, quasiconcave : bool
        Sublevel (superlevel) sets are convex, those within the domain of the expression.
    up, down : degree
        For values >= 0 the least a for which it is a-convex, the largest for which it is
        a-concave; an infinity where nothing is known.
    rule : str
        The row that was used.
    """

    interval: Interval = EVERYTHING
    positive: bool = False
    constant: bool = False
    convex: bool = False
    concave: bool = False
    rising: bool = False
    falling: bool = False
    quasiconvex: bool = False
    quasiconcave: bool = False
    up: Degree = INF
    down: Degree = -INF
    rule: str = ""

    @property
    def nonneg(self) -> bool:
        """Whether no value is below zero."""
        return is_above(self.interval)

    @property
    def nonpos(self) -> bool:
        """Whether no value is above zero."""
        return is_below(self.interval)

    @property
    def affine(self) -> bool:
        """Whether it is convex and concave."""
        return self.convex and self.concave

    @property
    def bent(self) -> bool:
        """Whether it is known to be convex or concave."""
        return self.convex or self.concave

    def finished(self) -> Traits:
        """With what follows from each other."""
        self.check_not_empty()
        positive = self.positive or is_above_zero(self.interval)
        if self.constant:
            return replace(self, positive=positive).flat()
        interval = clipped(self.interval, ABOVE) if positive else self.interval
        up, down = self.degrees() if is_above(interval) else (INF, -INF)
        bends = replace(self, convex=self.convex or up <= 1, concave=self.concave or down >= 1)
        monotone = self.rising or self.falling
        return replace(
            bends,
            interval=interval,
            positive=positive,
            up=up,
            down=down,
            quasiconvex=any((self.quasiconvex, monotone, bends.convex, up < INF)),
            quasiconcave=any((self.quasiconcave, monotone, bends.concave, down > -INF)),
        )

    def check_not_empty(self) -> None:
        """Refuse a term that has no value at all."""
        low, high = self.interval
        require(low is None or high is None or low <= high, "an expression without a value")
        zero = self.positive and not self.constant and high is not None and high <= 0
        require(not zero, "an expression without a value")

    def flat(self) -> Traits:
        """With all that is true of constants."""
        up, down = (-INF, INF) if self.nonneg or self.positive else (INF, -INF)
        bent = replace(self, convex=True, concave=True, quasiconvex=True, quasiconcave=True)
        return replace(bent, rising=True, falling=True, up=up, down=down)

    def degrees(self) -> tuple[Degree, Degree]:
        """The degrees of values >= 0: 1-convex is convex, 1-concave is concave."""
        up = min(self.up, 1) if self.convex else self.up
        return up, max(self.down, 1) if self.concave else self.down


def turned(one: Traits) -> Traits:
    """What is known of ``-f``."""
    return replace(
        one,
        interval=mirrored(one.interval),
        positive=False,
        convex=one.concave,
        concave=one.convex,
        rising=one.falling,
        falling=one.rising,
        quasiconvex=one.quasiconcave,
        quasiconcave=one.quasiconvex,
        up=INF,
        down=-INF,
    ).finished()


def scaled(one: Traits, factor: fmpq) -> Traits:
    """What is known of ``c f``."""
    if factor < 0:
        return scaled(turned(one), -factor)
    return replace(one, interval=multiplied(one.interval, (factor, factor)))


def united(one: Traits, more: Traits) -> Traits:
    """What is known from two sources."""
    return replace(
        one,
        interval=clipped(one.interval, more.interval),
        positive=one.positive or more.positive,
        convex=one.convex or more.convex,
        concave=one.concave or more.concave,
        rising=one.rising or more.rising,
        falling=one.falling or more.falling,
        quasiconvex=one.quasiconvex or more.quasiconvex,
        quasiconcave=one.quasiconcave or more.quasiconcave,
        up=min(one.up, more.up),
        down=max(one.down, more.down),
        rule=one.rule if one.bent else more.rule or one.rule,
    ).finished()


def is_above_zero(interval: Interval) -> bool:
    """Whether it holds no number <= 0."""
    return interval[0] is not None and bool(interval[0] > 0)


def every(parts: Iterable[Traits], *names: str) -> dict[str, Any]:
    """What all of the parts are."""
    parts = list(parts)
    return {name: all(getattr(one, name) for one in parts) for name in names}


def follows(outer: Traits, same: bool, opposite: bool) -> bool:
    """Whether a monotone function has a property: a rising one keeps it, a falling one turns it."""
    return (outer.rising and same) or (outer.falling and opposite)


def chained(outer: Traits, inner: Traits, goal: str) -> bool:
    """Whether ``F(h)`` bends as F does: h is affine, or F monotone to suit it."""
    return inner.affine or follows(outer, getattr(inner, goal), getattr(inner, OPPOSITE[goal]))
