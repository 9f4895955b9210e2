"""Power means: what is convex although its factors are not, from log-convexity on.

Let M_a(s, t) = ((s^a + t^a) / 2)^(1/a) be the power mean of two numbers s, t >= 0, for a = 0 the
geometric mean, for a <= 0 zero where s or t is. It rises in s, in t and in a. A function f >= 0 is
a-convex if f((x + y) / 2) <= M_a(f(x), f(y)), a-concave if >= (Avriel, *r-convex functions*,
Mathematical Programming 2, 1972). So 1-convex is convex, 0-convex is log-convex, and (-1)-convex
that 1 / f is concave; a-convex is b-convex for all b >= a, a-concave is b-concave for all b <= a.
Of each term the least known a is kept for which it is a-convex, ``up``, and the largest for
which it is a-concave, ``down``. The rows, f and g being a- and b-convex (or -concave), >= 0:

    power     f^p: a/p, as M_a(s, t)^p = M_(a/p)(s^p, t^p) for p > 0; for p < 0 convex and concave
              change places, since the inequality turns over.
    product   f g of a-concave and b-concave, a + b > 0 or a = b = 0: c-concave with 1/c = 1/a + 1/b
              (c = 0 if a or b is 0), by Hoelder's inequality M_a(s, t) M_b(u, v) >= M_c(su, tv)
              (Gardner, *The Brunn-Minkowski inequality*, Bull. AMS 39, 2002, lemma 10.1); if
              a + b = 0, c = -inf, and f g is quasiconcave.
              Of a- and b-convex, a + b < 0 or a = b = 0: c-convex, from the same about 1/f, 1/g.
    sum       of a-convex functions, a <= 1: a-convex, as M_a is superadditive for a <= 1; of
              a-concave ones, a >= 1: a-concave, as it is subadditive (Minkowski's inequality).
    less      f - c with a constant c >= 0, f - c >= 0, f a-concave: min(a, 1)-concave, by the same
              superadditivity.
    choice    the larger of two is max(a, b)-convex, the smaller min(a, b)-concave: M rises in a.
    log       log f is convex iff f is 0-convex, concave iff f is 0-concave: the definition.
    exp       exp h is 0-convex for a convex h, 0-concave for a concave h: the definition.
    form      (x' P x)^(1/2), P semidefinite, is a norm of R x with R'R = P: so x' P x is
              1/2-convex.
    quotient  (exp(u) - 1) / u is the integral of exp(s u) over s in [0, 1]: a sum of 0-convex
              functions that rise in u, so 0-convex for a convex u.
    softplus  log(1 + exp h), h concave, is 0-concave: it rises, and log log(1 + e^t) is concave,
              as s = log(1 + e^t) has s'' s = (1 - e^-s) e^-s s <= (1 - e^-s)^2 = s'^2 (from
              s <= e^s - 1).
    sigmoid   and the normal distribution function rise and are 0-concave: so they are of a
              concave h.
    together  of one variable: f g is convex for convex f, g >= 0 that both rise or both fall, as
              (f g)'' = f'' g + 2 f' g' + f g''; concave for concave ones of which one rises and
              one falls.

The rest is the composition calculus, term by term. All of it holds for the closure of what it is
proved for, as the functions are continuous.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from typing import Any

from flint import fmpq

from ...exact import fraction
from ...scalars import ONE, ZERO, power
from ..calculus.intervals import (
    EVERYTHING,
    Interval,
    added,
    clipped,
    inverted,
    larger,
    mirrored,
    multiplied,
    value_at,
)
from ..calculus.shapes import PLAIN, Shape, holds, range_on
from .table import POSITIVE, is_even
from .traits import ABOVE, INF, Degree, Traits, chained, every, follows, turned

LOG_CONCAVE = {"cvxnet.sigmoid", "normcdf"}
"""Functions that rise and are 0-concave."""


def total(parts: list[Traits], constant: fmpq, limit: Interval = EVERYTHING) -> Traits:
    """A sum, of which the domain says that it is within a limit."""
    if len(parts) == 1 and constant == 0:
        return parts[0]
    moving = [t for t in parts if not t.constant]
    alone = passed(moving[0], rising=True, falling=False) if len(moving) == 1 else {}
    return Traits(
        interval=clipped(added([(constant, constant), *(t.interval for t in parts)]), limit),
        constant=not moving,
        **every(parts, "convex", "concave", "rising", "falling"),
        **alone,
        **sum_above_zero(parts, constant),
        rule="sum",
    ).finished()


def sum_above_zero(parts: list[Traits], constant: fmpq) -> dict[str, Any]:
    """Whether a sum is positive, and its degrees, by the rows "sum" and "less"."""
    less = degree_of_less(parts) if constant <= 0 else -INF
    if constant < 0 or not every(parts, "nonneg")["nonneg"]:
        return {"down": less}
    up, down = max(t.up for t in parts), min(t.down for t in parts)
    positive = constant > 0 or any(t.positive for t in parts)
    down = down if down >= 1 else less
    return {"positive": positive, "up": up if up <= 1 else INF, "down": down}


def degree_of_less(parts: list[Traits]) -> Degree:
    """For which a one function and constants <= 0 are a-concave, by the row "less"."""
    moving = [t for t in parts if not t.constant]
    less = len(moving) == 1 and all(t.nonpos or not t.constant for t in parts)
    return min(moving[0].down, Fraction(1)) if less else -INF


def passed(one: Traits, *, rising: bool, falling: bool) -> dict[str, bool]:
    """What a monotone function keeps: its level sets are those of its argument."""
    return {
        "quasiconvex": (rising and one.quasiconvex) or (falling and one.quasiconcave),
        "quasiconcave": (rising and one.quasiconcave) or (falling and one.quasiconvex),
    }


def inverse_sum(degrees: Iterable[Degree]) -> Fraction:
    """``sum 1/a`` of degrees that are not zero; an infinite one adds nothing."""
    return sum((1 / Fraction(a) for a in degrees if abs(a) != INF), Fraction(0))


def degree_of_product(degrees: list[Degree]) -> Degree:
    """For which c a product of a-concave functions is c-concave; -inf for none.

    The negative of the degree of convexity of a product is that of the negatives.
    """
    if -INF in degrees:
        return -INF
    negative = [a for a in degrees if a < 0]
    if 0 in degrees:
        return -INF if negative else Fraction(0)
    inverse = inverse_sum(a for a in degrees if a > 0)
    rest = 1 / inverse if inverse else INF
    if not negative:
        return rest
    if len(negative) > 1 or rest + negative[0] <= 0:
        return -INF
    return 1 / (inverse + 1 / Fraction(negative[0]))


def are_opposite(degrees: list[Degree]) -> bool:
    """Whether a product of a-concave functions is quasiconcave because two degrees are a and -a."""
    negative = [a for a in degrees if a < 0]
    if len(negative) != 1 or 0 in degrees or -INF in degrees:
        return False
    inverse = inverse_sum(a for a in degrees if a > 0)
    return bool(inverse) and 1 / inverse + negative[0] == 0


def product(factors: list[Traits]) -> Traits:
    """A product."""
    sign, parts = 1, list[Traits]()
    for one in factors:
        sign = -sign if one.nonpos and not one.nonneg else sign
        parts.append(turned(one) if one.nonpos and not one.nonneg else one)
    start: Interval = (ONE, ONE)
    interval = reduce(multiplied, (t.interval for t in parts), start)
    if all(t.nonneg for t in parts):
        found = product_above_zero(parts, interval)
    else:
        found = product_of_any_sign(parts, interval)
    return found if sign > 0 else turned(found)


def product_of_any_sign(parts: list[Traits], interval: Interval) -> Traits:
    """One factor in the unknowns, times constants."""
    moving = [t for t in parts if not t.constant]
    fixed = [t for t in parts if t.constant]
    if len(moving) != 1:
        return Traits(interval=interval, constant=not moving).finished()
    one, above = moving[0], all(t.nonneg for t in fixed)
    kept = one.affine or above
    return Traits(
        interval=interval,
        convex=kept and one.convex,
        concave=kept and one.concave,
        rising=above and one.rising,
        falling=above and one.falling,
        **passed(one, rising=above, falling=False),
        rule="constant factor",
    ).finished()


def product_above_zero(parts: list[Traits], interval: Interval) -> Traits:
    """Factors that are all >= 0."""
    moving = [t for t in parts if not t.constant]
    shared = every(parts, "positive", "rising", "falling")
    together = (shared["rising"] or shared["falling"]) and all(t.convex for t in moving)
    negatives, degrees = [-t.up for t in parts], [t.down for t in parts]
    return Traits(
        interval=interval,
        constant=not moving,
        convex=together,
        concave=len(moving) == 2 and are_against(*moving),
        **shared,
        quasiconvex=are_opposite(negatives),
        quasiconcave=are_opposite(degrees),
        up=-degree_of_product(negatives),
        down=degree_of_product(degrees),
        rule="factors that rise or fall together" if together else "product",
    ).finished()


def are_against(one: Traits, other: Traits) -> bool:
    """Whether two are concave, and one rises where the other falls."""
    against = (one.rising and other.falling) or (one.falling and other.rising)
    return against and one.concave and other.concave


def powered(one: Traits, p: fmpq) -> Traits:
    """``f^p``."""
    if p == 1:
        return one
    if p.q == 1 and not one.nonneg:
        return whole_power(one, p)
    one = one if one.nonneg else replace(one, interval=clipped(one.interval, ABOVE)).finished()
    if p < 0:
        one = replace(one, positive=True).finished()
    rising, exponent = p > 0, fraction(p)
    up, down = (one.up, one.down) if rising else (one.down, one.up)
    return Traits(
        interval=power_interval(one.interval, p),
        positive=one.positive,
        constant=one.constant,
        rising=one.rising if rising else one.falling,
        falling=one.falling if rising else one.rising,
        **passed(one, rising=rising, falling=not rising),
        up=up / exponent,
        down=down / exponent,
        rule="power",
    ).finished()


def whole_power(one: Traits, p: fmpq) -> Traits:
    """``f^p`` for a whole p and an f that may be negative."""
    if one.nonpos:
        result = powered(turned(one), p)
        return result if is_even(p) else turned(result)
    return powered(magnitude(one), p) if is_even(p) else odd_power(one, p)


def odd_power(one: Traits, p: fmpq) -> Traits:
    """An odd power of what may have either sign."""
    low, high = (
        EVERYTHING if t is None or p < 0 else value_at(power, abs(t), abs(p)) for t in one.interval
    )
    low = mirrored(low) if one.interval[0] is not None and one.interval[0] < 0 else low
    high = mirrored(high) if one.interval[1] is not None and one.interval[1] < 0 else high
    return Traits(
        interval=(low[0], high[1]),
        constant=one.constant,
        rising=p > 0 and one.rising,
        falling=p > 0 and one.falling,
        rule="odd power",
    ).finished()


def power_interval(interval: Interval, p: fmpq) -> Interval:
    """Of ``t^p`` for t in an interval above zero."""
    if p < 0:
        return power_interval(inverted(interval), -p)
    ends = [EVERYTHING if t is None else value_at(power, t, p) for t in interval]
    return clipped((ends[0][0], ends[1][1]), ABOVE)


def magnitude(one: Traits) -> Traits:
    """``|f|``."""
    if one.nonneg:
        return one
    if one.nonpos:
        return turned(one)
    low, high = one.interval
    most = None if low is None or high is None else max(-low, high)
    return Traits(
        interval=(ZERO, most), constant=one.constant, convex=one.affine, rule="abs"
    ).finished()


def logarithm(one: Traits) -> Traits:
    """``log f`` where f > 0."""
    one = replace(one, positive=True).finished()
    return Traits(
        interval=range_on(PLAIN["log"], one.interval, rising=True, falling=False),
        constant=one.constant,
        convex=one.up <= 0,
        concave=one.down >= 0,
        rising=one.rising,
        falling=one.falling,
        **passed(one, rising=True, falling=False),
        rule="log",
    ).finished()


def softplus(one: Traits, inside: Traits) -> Traits:
    """``log(1 + exp h)`` from what is known of ``1 + exp h`` and of h."""
    found = logarithm(one)
    down = Fraction(0) if inside.concave else -INF
    return replace(
        found, interval=clipped(found.interval, ABOVE), positive=True, down=down
    ).finished()


def exponential(one: Traits) -> Traits:
    """``exp h``."""
    return Traits(
        interval=range_on(PLAIN["exp"], one.interval, rising=True, falling=False),
        positive=True,
        constant=one.constant,
        rising=one.rising,
        falling=one.falling,
        **passed(one, rising=True, falling=False),
        up=Fraction(0) if one.convex else INF,
        down=Fraction(0) if one.concave else -INF,
        rule="exp",
    ).finished()


def mean_of_exponentials(u: Traits) -> Traits:
    """``(exp(u) - 1) / u``, the integral of exp(s u) over s in [0, 1]."""
    return Traits(
        interval=(ONE if u.nonneg else ZERO, ONE if u.nonpos else None),
        positive=True,
        constant=u.constant,
        rising=u.rising,
        falling=u.falling,
        up=Fraction(0) if u.convex else INF,
        rule="difference quotient",
    ).finished()


def form(parts: list[Traits]) -> Traits:
    """``x' P x`` for a semidefinite P."""
    affine = all(t.affine for t in parts)
    return Traits(
        interval=ABOVE,
        constant=all(t.constant for t in parts),
        up=Fraction(1, 2) if affine else INF,
        rule="form",
    ).finished()


def largest(parts: list[Traits]) -> Traits:
    """The maximum; what is never the largest is left out."""
    kept = rivals(parts)
    alone = kept[0] if len(kept) == 1 else Traits()
    return Traits(
        interval=larger([t.interval for t in kept]),
        positive=any(t.positive for t in parts),
        concave=alone.concave,
        **every(kept, "constant", "convex", "rising", "falling"),
        up=max(t.up if t.nonneg else INF for t in kept),
        down=alone.down,
        rule="maximum",
    ).finished()


def rivals(parts: list[Traits]) -> list[Traits]:
    """What may be the largest somewhere."""
    kept = parts
    for one in parts:
        others = [t for t in kept if t is not one]
        if any(never_above(one, other) for other in others):
            kept = others
    return kept


def smallest(parts: list[Traits]) -> Traits:
    """The minimum."""
    found = turned(largest([turned(t) for t in parts]))
    down = min(t.down if t.nonneg else -INF for t in parts)
    positive = all(t.positive for t in parts)
    return replace(found, down=down, positive=positive, rule="minimum").finished()


def never_above(one: Traits, other: Traits) -> bool:
    """Whether the one is nowhere larger than the other, by their bounds."""
    high, low = one.interval[1], other.interval[0]
    return high is not None and low is not None and bool(high <= low)


def composed(one: Traits, shape: Shape, name: str) -> Traits:
    """``f(h)`` for a function of the table."""
    at = clipped(one.interval, shape.domain)
    within = shape.domain == EVERYTHING or at == one.interval
    rising, falling = holds(shape.rising, at), holds(shape.falling, at)
    own = Traits(rising=rising, falling=falling)
    extended = own if within else Traits()  # beyond its domain f is infinite
    logs = name in LOG_CONCAVE and one.concave
    return Traits(
        interval=range_on(shape, at, rising, falling),
        positive=name in POSITIVE,
        constant=one.constant,
        convex=holds(shape.convex, at) and chained(extended, one, "convex"),
        concave=holds(shape.concave, at) and chained(extended, one, "concave"),
        rising=follows(own, one.rising, one.falling),
        falling=follows(own, one.falling, one.rising),
        **passed(one, rising=rising, falling=falling),
        down=Fraction(0) if logs else -INF,
        rule="composition",
    ).finished()
