"""Second-order arithmetic: value, gradient and Hessian of an expression on a whole box.

The Hessian is kept as ``sum_k c_k a_k a_k' + sum_ij h_ij (e_i e_j' + e_j e_i') + U - D`` with
exact vectors a_k, intervals c_k and h_ij, and U, D positive semidefinite and otherwise unknown: a
function of an affine expression bends along one line, and ``c a a'`` is at least ``low(c) a a'``
whatever else is known. U stands for kinks that point upward and for atoms that are convex and not
smooth, D for their negatives; only whether they occur is kept.

Why a kink may be treated so: |t| is the limit of smooth, even, convex functions that equal |t|
outside of a small interval around 0. With these in its place the expression is smooth, has its
values and slopes in the same intervals, and U is what they bend. If the Hessian is positive
semidefinite for all of them, then the limit is convex. The same holds for ``|x|_2``.

Why an end of a domain may be touched (`Curve.edge`: the root, u log u): only where the argument
is affine. On a segment of the domain it is then above zero between the ends, where everything is
smooth, or it is zero all along, and the atom is a constant: one of the matrices enclosed (with any
curvature of the atom, as the argument does not move) has the second derivative along the segment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TypeAlias, TypeVar

from flint import arb, fmpq

from ...document import RefusalError
from .curves import Curve
from .enclosures import INF, LOW, ONE, ZERO, Interval

Line: TypeAlias = tuple[tuple[int, fmpq], ...]
"""The coordinates of an exact vector that are not zero, in order; the first one is 1."""
Pair: TypeAlias = tuple[int, int]
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Jet:
    """What is known of one entry on a box."""

    value: Interval
    slope: Mapping[int, Interval] = field(default_factory=dict)
    lines: Mapping[Line, Interval] = field(default_factory=dict)
    pairs: Mapping[Pair, Interval] = field(default_factory=dict)
    up: bool = False
    down: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it does not move."""
        return not (self.slope or self.bends)

    @property
    def bends(self) -> bool:
        """Whether it may be other than affine."""
        return bool(self.lines or self.pairs or self.up or self.down)

    def direction(self) -> tuple[Line, fmpq] | None:
        """The line and its factor, of an affine function whose gradient is known exactly."""
        if self.bends or not self.slope:
            return None
        exact = [
            (k, value) for k, s in sorted(self.slope.items()) if (value := s.exact) is not None
        ]
        if len(exact) < len(self.slope):
            return None
        first = exact[0][1]
        return tuple((k, value / first) for k, value in exact), first

    def __add__(self, other: object) -> Jet:
        jet = as_jet(other)
        return Jet(
            self.value + jet.value,
            added(self.slope, jet.slope),
            added(self.lines, jet.lines),
            added(self.pairs, jet.pairs),
            self.up or jet.up,
            self.down or jet.down,
        )

    __radd__ = __add__

    def __neg__(self) -> Jet:
        return self.scaled(-ONE)

    def __sub__(self, other: object) -> Jet:
        return self + -as_jet(other)

    def __rsub__(self, other: object) -> Jet:
        return -self + other

    def scaled(self, factor: Interval) -> Jet:
        """Its derivatives times an interval, and its value; of a factor that does not move."""
        if factor.is_zero:
            return Jet(ZERO)
        rises, falls = bool(factor.high > 0), bool(factor.low < 0)
        return Jet(
            self.value * factor,
            multiples(self.slope, factor),
            multiples(self.lines, factor),
            multiples(self.pairs, factor),
            (self.up and rises) or (self.down and falls),
            (self.down and rises) or (self.up and falls),
        )

    def __mul__(self, other: object) -> Jet:
        jet = as_jet(other)
        if jet.is_number or self.is_number:
            moved, number = (self, jet) if jet.is_number else (jet, self)
            return moved.scaled(number.value)
        parts = self.scaled(jet.value) + jet.scaled(self.value)
        return replace(mixed(parts, self, jet), value=self.value * jet.value)

    __rmul__ = __mul__


def as_jet(value: object) -> Jet:
    """A number as a jet."""
    if isinstance(value, Jet):
        return value
    if not isinstance(value, fmpq | int | arb):
        raise RefusalError("no number")
    return Jet(Interval.number(value))


def added(one: Mapping[K, Interval], two: Mapping[K, Interval]) -> Mapping[K, Interval]:
    """Sums place by place, without zeros."""
    if not one or not two:
        return one or two
    sums = dict(one)
    for key, value in two.items():
        sums[key] = sums[key] + value if key in sums else value
        if sums[key].is_zero:
            del sums[key]
    return sums


def multiples(parts: Mapping[K, Interval], factor: Interval) -> Mapping[K, Interval]:
    """Products place by place."""
    return {key: value * factor for key, value in parts.items()}


def mixed(parts: Jet, one: Jet, two: Jet) -> Jet:
    """With ``a b' + b a'`` for the gradients a and b of two factors added to the Hessian."""
    lines, pairs = dict(parts.lines), dict(parts.pairs)
    for i, s in one.slope.items():
        for j, t in two.slope.items():
            product = s * t
            if i == j:
                put(lines, axis(i), product.scaled(2))
            else:
                put(pairs, (min(i, j), max(i, j)), product)
    return replace(parts, lines=lines, pairs=pairs)


def axis(place: int) -> Line:
    """The line of one coordinate."""
    return ((place, fmpq(1)),)


def put(parts: dict[K, Interval], key: K, value: Interval) -> None:
    """Add to one place."""
    total = parts[key] + value if key in parts else value
    if total.is_zero:
        parts.pop(key, None)
    else:
        parts[key] = total


def chain(curve: Curve, u: Jet) -> Jet:
    """A function of one number of an expression: ``f' H + f'' a a'`` with its gradient a."""
    if u.is_number:
        return Jet(curve.value)
    if curve.edge and u.bends:
        return unknown(curve.value, u)
    inner = u.scaled(curve.slope)
    moved = replace(inner, value=curve.value, up=inner.up or curve.kink)
    return bent(moved, u, curve.bend)


def unknown(value: Interval, u: Jet) -> Jet:
    """Something of which only the values are known, and on what it depends."""
    anything = Interval(LOW, INF, value.inputs | u.value.inputs)
    moving = sorted(
        {
            *u.slope,
            *(k for line in u.lines for k, _ in line),
            *(k for pair in u.pairs for k in pair),
        }
    )
    return Jet(
        value,
        dict.fromkeys(moving, anything),
        dict.fromkeys(map(axis, moving), anything),
        dict.fromkeys(combinations(moving, 2), anything),
        up=True,
        down=True,
    )


def hull(one: Jet, two: Jet) -> Jet:
    """What holds two expressions, and all that lies between with the same weights everywhere."""
    return Jet(
        one.value.hull(two.value),
        hulls(one.slope, two.slope),
        hulls(one.lines, two.lines),
        hulls(one.pairs, two.pairs),
        one.up or two.up,
        one.down or two.down,
    )


def hulls(one: Mapping[K, Interval], two: Mapping[K, Interval]) -> Mapping[K, Interval]:
    """Hulls place by place."""
    return {key: one.get(key, ZERO).hull(two.get(key, ZERO)) for key in {**one, **two}}


def bent(jet: Jet, u: Jet, bend: Interval) -> Jet:
    """With ``bend a a'`` added to the Hessian, for the gradient a of u."""
    if bend.is_zero:
        return jet
    lines, pairs = dict(jet.lines), dict(jet.pairs)
    known = u.direction()
    if known is not None:
        line, factor = known
        put(lines, line, bend.scaled(factor * factor))
        return replace(jet, lines=lines)
    places = sorted(u.slope)
    for count, i in enumerate(places):
        put(lines, axis(i), bend * u.slope[i].square())
        for j in places[:count]:
            put(pairs, (j, i), bend * (u.slope[i] * u.slope[j]))
    return replace(jet, lines=lines, pairs=pairs)


def log_sum_exp(jets: Iterable[Jet], value: Interval, weights: list[Interval]) -> Jet:
    """``sum w_i H_i + sum_(i<j) w_i w_j (a_i - a_j)(a_i - a_j)'`` with the weights of softmax."""
    row = list(jets)
    total = Jet(ZERO)
    for jet, weight in zip(row, weights, strict=True):
        total = total + jet.scaled(weight)
    for i, one in enumerate(row):
        for j in range(i):
            difference = slope_only(one) + -slope_only(row[j])
            total = bent(total, difference, weights[i] * weights[j])
    return replace(total, value=value)


def slope_only(jet: Jet) -> Jet:
    """An affine function with the same gradient."""
    return Jet(ZERO, jet.slope)
