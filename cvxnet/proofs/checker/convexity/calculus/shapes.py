"""Where scalar functions are convex, concave, rising and falling: the checker's own table.

Each row follows from the sign of the second and of the first derivative, or, for functions with
kinks and jumps, from their pieces. Where a derivative changes sign at an irrational point, the
intervals end at rational ones on its two sides. The tests hold every row against derivatives in
ball arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flint import arb, fmpq

from ...document import RefusalError
from ...exact import Number, positive
from ...losses import softplus
from ...scalars import (
    ONE,
    ZERO,
    exp,
    floor,
    huber,
    is_everywhere,
    larger,
    log,
    normal,
    not_negative,
    power,
    root,
    sigmoid,
    signum,
    smaller,
    t_log,
    tanh,
)
from .facts import ALL, CONCAVE, CONVEX, DOMAIN, QUASICONCAVE, QUASICONVEX, Fact, fact
from .intervals import EVERYTHING, End, Interval, clipped, inside, value_at

NEGATIVE: Interval = (None, ZERO)
POSITIVE: Interval = (ZERO, None)
EVERYWHERE = (EVERYTHING,)
HALVES = (NEGATIVE, POSITIVE)
BOTH = QUASICONVEX | QUASICONCAVE


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What holds for f on which closed intervals (of its domain).

    Attributes
    ----------
    value : callable
        f of a rational number or a ball, in its domain.
    convex, concave, rising, falling : tuples of intervals
        On each of them that holds.
    quasi : int
        QUASICONVEX where f falls up to some point and rises from there on, or does only one of
        the two; QUASICONCAVE likewise.
    range, domain : interval
        What holds the values; where there are values, up to ends of the interval.
    limits : pair of intervals
        What f is close to towards minus and plus infinity.
    open : bool
        Whether f has no value at the ends of its domain.
    """

    value: Callable[[Number], Number]
    convex: tuple[Interval, ...] = ()
    concave: tuple[Interval, ...] = ()
    rising: tuple[Interval, ...] = ()
    falling: tuple[Interval, ...] = ()
    quasi: int = 0
    range: Interval = EVERYTHING
    domain: Interval = EVERYTHING
    limits: tuple[Interval, Interval] = (EVERYTHING, EVERYTHING)
    open: bool = False


def composed(shape: Shape, one: Fact) -> Fact:
    """``f(g)``: convex where f is so on the range of g, and g affine or f monotone to suit it.

    Beyond its domain a convex f is infinite. That keeps a rising f rising above the domain, not
    below it; so below it there must be no g. The same turned over for the other three cases.
    The points where g is in the domain form a convex set if none is below it, or those above any
    number do; and likewise at its upper end.
    """
    at = clipped(one.interval, shape.domain)
    rising, falling = holds(shape.rising, at), holds(shape.falling, at)
    interval = range_on(shape, at, rising, falling)
    if one.constant:
        return fact(interval, ALL)
    above, below = stays_above(shape, one), stays_below(shape, one)
    bends = quasi_bends(shape, one, rising, falling) | domain_of(one, above, below)
    if holds(shape.convex, at) and keeps(one, CONVEX, rising and above, falling and below):
        bends |= CONVEX
    if holds(shape.concave, at) and keeps(one, CONCAVE, rising and below, falling and above):
        bends |= CONCAVE
    return fact(interval, bends)


def domain_of(one: Fact, above: bool, below: bool) -> int:
    """Whether the points form a convex set where g stays above and below the ends of a domain."""
    kept = (above or one.has(QUASICONCAVE)) and (below or one.has(QUASICONVEX))
    return one.bends & DOMAIN if kept else 0


def keeps(one: Fact, bend: int, rising: bool, falling: bool) -> bool:
    """Whether a function that bends so, rising or falling on all it is asked, bends so of g."""
    if one.affine:
        return True
    opposite = CONCAVE if bend == CONVEX else CONVEX
    return (rising and one.has(bend)) or (falling and one.has(opposite))


def stays_above(shape: Shape, one: Fact) -> bool:
    """Whether no value is below the domain of f."""
    low, least = shape.domain[0], one.low
    if low is None or least is None:
        return low is None
    return bool(least > low) if shape.open else bool(least >= low)


def stays_below(shape: Shape, one: Fact) -> bool:
    """Whether no value is above it."""
    high, most = shape.domain[1], one.high
    if high is None or most is None:
        return high is None
    return bool(most < high) if shape.open else bool(most <= high)


def quasi_bends(shape: Shape, one: Fact, rising: bool, falling: bool) -> int:
    """Monotone functions keep or mirror what is quasiconvex; all depends on f along a line."""
    found = 0
    if rising:
        found |= one.bends & BOTH
    if falling:
        found |= (-one).bends & BOTH
    if one.has(BOTH):  # g takes its values on a segment in order
        found |= shape.quasi
    return found


def holds(intervals: tuple[Interval, ...], at: Interval) -> bool:
    """Whether one of them holds an interval."""
    return any(inside(at, other) for other in intervals)


def range_on(shape: Shape, at: Interval, rising: bool, falling: bool) -> Interval:
    """What holds f on an interval: its values at the ends where it is monotone or bends one way."""
    ends = [
        limit if t is None else value_at(shape.value, t)
        for t, limit in zip(at, shape.limits, strict=True)
    ]
    if falling and not rising:
        ends = ends[::-1]
    (low, _), (_, high) = ends
    if not (rising or falling):
        low, high = turning(shape, ends)
    return clipped((low, high), shape.range)


def turning(shape: Shape, ends: list[Interval]) -> Interval:
    """Bounds where f may turn: quasiconvex functions are largest at an end."""
    lows, highs = [low for low, _ in ends], [high for _, high in ends]
    low: End = None
    high: End = None
    if shape.quasi & QUASICONVEX and None not in highs:
        high = max(t for t in highs if t is not None)
    if shape.quasi & QUASICONCAVE and None not in lows:
        low = min(t for t in lows if t is not None)
    return low, high


# The rows. Rational numbers beside the points where a derivative changes sign: 1/e = 0.367879...;
# the minimum of t sigmoid(t) at -1.278464..., -0.278464..., and its inflections at 2.399357...;
# the minimum of t Phi(t) at -0.751791..., -0.169971..., and its inflections at the root of two.


def number(text: str) -> fmpq:
    """A decimal number."""
    whole, _, digits = text.partition(".")
    return fmpq(int(whole + digits), 10 ** len(digits))


def rising(value: Callable[[Number], Number], **more: object) -> Shape:
    """A function that rises everywhere."""
    return Shape(value=value, rising=EVERYWHERE, quasi=BOTH, **more)  # type: ignore[arg-type]


def even(value: Callable[[Number], Number]) -> Shape:
    """A convex function that is 0 at 0, where it turns."""
    return Shape(
        value=value,
        convex=EVERYWHERE,
        rising=(POSITIVE,),
        falling=(NEGATIVE,),
        quasi=QUASICONVEX,
        range=POSITIVE,
    )


def sigmoidal(value: Callable[[Number], Number], low: int) -> Shape:
    """A function that rises to 1, convex below 0 and concave above."""
    return rising(value, convex=(NEGATIVE,), concave=(POSITIVE,), range=(fmpq(low), ONE))


def gated(value: Callable[[Number], Number], turn: str, low: str, bend: str) -> Shape:
    """t times a sigmoid: its minimum, rounded up, its value there and its inflection, down."""
    last = number(bend[:-1] + str(int(bend[-1]) + 1))
    before = number(turn[:-1] + str(int(turn[-1]) + 1))
    return Shape(
        value=value,
        convex=((-number(bend), number(bend)),),
        concave=((None, -last), (last, None)),
        rising=((number(turn), None),),
        falling=((None, before),),
        quasi=QUASICONVEX,
        range=(number(low), None),
        limits=((ZERO, ZERO), EVERYTHING),
    )


def power_shape(p: fmpq) -> Shape:
    """``t^p`` for p other than 0 and 1."""
    if is_everywhere(p):
        return even(lambda t: power(t, p))
    root, half = 0 < p < 1, (POSITIVE,)
    return Shape(
        value=lambda t: power(t, p),
        convex=() if root else half,
        concave=half if root else (),
        rising=half if p > 0 else (),
        falling=half if p < 0 else (),
        quasi=BOTH,
        range=POSITIVE,
        domain=POSITIVE,
        open=p < 0,
    )


def leaky_relu(slope: fmpq) -> Shape:
    """``t`` above 0, ``slope t`` below."""
    return Shape(
        value=lambda t: larger(t, ZERO) + slope * smaller(t, ZERO),
        convex=EVERYWHERE if slope <= 1 else HALVES,
        concave=EVERYWHERE if slope >= 1 else HALVES,
        rising=EVERYWHERE if slope >= 0 else (POSITIVE,),
        falling=(NEGATIVE,) if slope <= 0 else (),
        quasi=BOTH if slope >= 0 else QUASICONVEX,
        range=POSITIVE if slope <= 0 else EVERYTHING,
    )


def elu(alpha: fmpq) -> Shape | None:
    """``t`` above 0, ``alpha (exp(t) - 1)`` below: its slope jumps from alpha to 1."""
    if alpha < 0:
        return None
    return rising(
        lambda t: positive(t) + alpha * (exp(-positive(-t)) - 1),
        convex=EVERYWHERE if alpha <= 1 else HALVES,
        concave=(POSITIVE,),
        range=(-alpha, None),
    )


def squareplus(b: fmpq) -> Shape | None:
    """``(t + sqrt(t^2 + b)) / 2``; ``|t| + sqrt(t^2 + b)`` stands below where t is negative."""
    if b < 0:
        return None

    def value(t: Number) -> Number:
        size = abs(t) + root(t * t + b)
        return size / 2 if t >= 0 else b / 2 / size

    return rising(value, convex=EVERYWHERE, range=POSITIVE)


def hardtanh(low: fmpq, high: fmpq) -> Shape | None:
    """``t`` between low and high, flat outside."""
    if low > high:
        return None
    return rising(
        lambda t: smaller(larger(t, low), high),
        convex=((None, high), (high, None)),
        concave=((None, low), (low, None)),
        falling=((None, low), (high, None)),
        range=(low, high),
    )


def huber_shape(M: fmpq) -> Shape | None:
    """``t^2`` between -M and M, straight outside."""
    return even(lambda t: huber(t, M)) if M >= 0 else None


def huber_of_parameter(M: str) -> Shape | None:
    """The same for every M >= 0: without values."""
    return even(of_no_value) if M == "parameter >= 0" else None


def of_no_value(t: Number) -> Number:
    """The value of a function that is not known."""
    raise RefusalError("a function that is not known")


PLAIN: dict[str, Shape] = {
    "abs": leaky_relu(-ONE),
    "exp": rising(exp, convex=EVERYWHERE, range=POSITIVE),
    "log": Shape(
        value=log,
        concave=(POSITIVE,),
        rising=(POSITIVE,),
        quasi=BOTH,
        domain=POSITIVE,
        open=True,
    ),
    "log1p": Shape(
        value=lambda t: log(1 + t),
        concave=((-ONE, None),),
        rising=((-ONE, None),),
        quasi=BOTH,
        domain=(-ONE, None),
        open=True,
    ),
    "logistic": rising(softplus, convex=EVERYWHERE, range=POSITIVE),
    "entr": Shape(
        value=lambda t: -t_log(t, ONE),
        concave=(POSITIVE,),
        rising=((ZERO, number("0.367879")),),
        falling=((number("0.367880"), None),),
        quasi=QUASICONCAVE,
        range=(None, number("0.367880")),
        domain=POSITIVE,
    ),
    "xexp": Shape(
        value=lambda t: not_negative(t) * exp(t),
        convex=(POSITIVE,),
        rising=(POSITIVE,),
        quasi=BOTH,
        range=POSITIVE,
        domain=POSITIVE,
    ),
    "ceil": rising(lambda t: -floor(-t)),
    "floor": rising(floor),
    "sign": rising(  # here -1 at 0, so that it jumps at the end of t >= 0
        lambda t: ONE if signum(t) > 0 else -ONE,
        convex=(NEGATIVE,),
        concave=HALVES,
        falling=(NEGATIVE,),
        range=(-ONE, ONE),
    ),
    "sin": Shape(
        value=lambda t: arb(t).sin(),
        convex=((-number("3.14159"), ZERO),),
        concave=((ZERO, number("3.14159")),),
        rising=((-number("1.57079"), number("1.57079")),),
        range=(-ONE, ONE),
    ),
    "cos": Shape(
        value=lambda t: arb(t).cos(),
        concave=((-number("1.57079"), number("1.57079")),),
        rising=((-number("3.14159"), ZERO),),
        falling=((ZERO, number("3.14159")),),
        range=(-ONE, ONE),
    ),
    "sinh": rising(lambda t: arb(t).sinh(), convex=(POSITIVE,), concave=(NEGATIVE,)),
    "asinh": rising(lambda t: arb(t).asinh(), convex=(NEGATIVE,), concave=(POSITIVE,)),
    "tanh": sigmoidal(tanh, -1),
    "atanh": Shape(
        value=lambda t: arb(t).atanh(),
        convex=((ZERO, ONE),),
        concave=((-ONE, ZERO),),
        rising=((-ONE, ONE),),
        quasi=BOTH,
        domain=(-ONE, ONE),
        open=True,
    ),
    "normcdf": sigmoidal(normal, 0),
    "cvxnet.sigmoid": sigmoidal(sigmoid, 0),
    "cvxnet.tanh": sigmoidal(tanh, -1),
    "cvxnet.silu": gated(lambda t: t * sigmoid(t), "-1.278464", "-0.278465", "2.399357"),
    "cvxnet.gelu": gated(lambda t: t * normal(t), "-0.751791", "-0.169972", "1.414213"),
    "cvxnet.sign": rising(  # 0 at 0, so that it jumps there from both sides
        lambda t: fmpq(signum(t)), convex=(NEGATIVE,), concave=(POSITIVE,), range=(-ONE, ONE)
    ),
    "cvxnet.threshold": rising(  # 1 at 0
        lambda t: fmpq(signum(t) >= 0),
        convex=HALVES,
        concave=(POSITIVE,),
        falling=(POSITIVE,),
        range=(ZERO, ONE),
    ),
}
WITH_OPTIONS: dict[str, Callable[..., Shape | None]] = {
    "Power": power_shape,
    "huber": huber_shape,
    "cvxnet.leaky_relu": leaky_relu,
    "cvxnet.elu": elu,
    "cvxnet.squareplus": squareplus,
    "cvxnet.hardtanh": hardtanh,
}
"""By the names of the options; None where they say nothing that is known."""
WITH_PARAMETERS: dict[str, Callable[..., Shape | None]] = {"huber": huber_of_parameter}
"""Likewise where an option is a parameter: its text in place of a number."""
