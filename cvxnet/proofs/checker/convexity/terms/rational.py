"""Rational functions of one leaf: where they bend and rise, exactly.

F = N / D bends up where D (N'' D^2 - 2 N' D' D - N D D'' + 2 N D'^2) >= 0, which is D^4 F''. A
polynomial is >= 0 on an interval iff it is so at one point inside and its factors of odd
multiplicity have no root inside; these are counted by Sturm's theorem.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from flint import fmpq, fmpq_poly

from ...arrays import require
from ...scalars import ONE
from ..calculus.intervals import Interval
from .table import Term, Terms

HIGHEST = 40  # degree


class Quotient(NamedTuple):
    """``N / D``."""

    N: fmpq_poly
    D: fmpq_poly


class Bends(NamedTuple):
    """What a function of one leaf does on all of an interval."""

    convex: bool = False
    concave: bool = False
    rising: bool = False
    falling: bool = False


def bends_of_rational(terms: Terms, root: int, interval: Interval) -> Bends:
    """How a rational function of one leaf bends between its poles."""
    quotient = rational(terms, root)
    if quotient is None:
        return Bends()
    N, D = quotient
    if not is_definite(D, interval):
        return Bends()
    dN, dD = N.derivative(), D.derivative()
    slope = dN * D - N * dD
    bend = D * (slope.derivative() * D - 2 * slope * dD)
    return Bends(
        convex=is_nonneg(bend, interval),
        concave=is_nonneg(-bend, interval),
        rising=is_nonneg(slope, interval),
        falling=is_nonneg(-slope, interval),
    )


def rational(terms: Terms, root: int) -> Quotient | None:
    """A term of one leaf as a quotient of polynomials, where it is one of moderate degree."""
    found: dict[int, Quotient] = {}
    for place in terms.below(root):
        term = terms[place]
        if term.kind == "call" or (term.kind == "product" and any(p.q != 1 for p in term.data)):
            return None
        found[place] = quotient_of(term, [found[k] for k in term.parts])
        if max(found[place].N.degree(), found[place].D.degree()) > HIGHEST:
            return None
    return found[root]


def quotient_of(term: Term, parts: list[Quotient]) -> Quotient:
    """One term from its parts."""
    one = fmpq_poly([1])
    if term.kind == "number":
        return Quotient(fmpq_poly([term.data]), one)
    if term.kind == "leaf":
        return Quotient(fmpq_poly([0, 1]), one)
    if term.kind == "product":
        N, D = one, one
        for part, p in zip(parts, term.data, strict=True):
            require(abs(p) <= HIGHEST, "a power that is too high")
            up, down = part if p > 0 else Quotient(part.D, part.N)
            N, D = N * up ** abs(int(p.p)), D * down ** abs(int(p.p))
        return reduced(N, D)
    constant, coefficients = term.data
    N, D = fmpq_poly([constant]), one
    for part, c in zip(parts, coefficients, strict=True):
        N, D = N * part.D + c * part.N * D, D * part.D
    return reduced(N, D)


def reduced(N: fmpq_poly, D: fmpq_poly) -> Quotient:
    """Without common factors."""
    require(not is_zero(D), "a division by zero")
    common = N.gcd(D)
    return Quotient(N // common, D // common)


def is_zero(f: fmpq_poly) -> bool:
    """Whether a polynomial is zero."""
    return bool(f.degree() < 0)


def is_definite(f: fmpq_poly, interval: Interval) -> bool:
    """Whether a polynomial has no root inside an interval."""
    return all(roots_inside(g, interval) == 0 for g, _ in squarefree(f))


def is_nonneg(f: fmpq_poly, interval: Interval) -> bool:
    """Whether a polynomial is nowhere negative on an interval."""
    if is_zero(f):
        return True
    changes = [g for g, power in squarefree(f) if power % 2]
    point = next(t for t in points_inside(interval) if f(t) != 0)
    return f(point) > 0 and all(roots_inside(g, interval) == 0 for g in changes)


def squarefree(f: fmpq_poly) -> list[tuple[fmpq_poly, int]]:
    """The factors without multiple roots, and how often each occurs (Yun's algorithm)."""
    found: list[tuple[fmpq_poly, int]] = []
    rest = f.gcd(f.derivative()) if f.degree() > 0 else fmpq_poly([1])
    once, k = f // rest, 1
    while once.degree() > 0:
        both = once.gcd(rest)
        found.append((once // both, k))
        once, rest, k = both, rest // both, k + 1
    return [(g, k) for g, k in found if g.degree() > 0]


def points_inside(interval: Interval) -> Iterator[fmpq]:
    """Points inside an interval, more than a polynomial has roots."""
    low, high = interval
    for k in range(1, 4 * HIGHEST * HIGHEST):
        step = fmpq(k, 4 * HIGHEST * HIGHEST)
        if low is not None and high is not None:
            yield low + step * (high - low)
        elif low is not None:
            yield low + k * step
        else:
            yield -k * step if high is None else high - k * step


def roots_inside(f: fmpq_poly, interval: Interval) -> int:
    """How many roots a polynomial without multiple ones has inside an interval."""
    low, high = interval
    for end in (low, high):
        if end is not None and f(end) == 0:
            f = f // fmpq_poly([-end, ONE])
    chain = [f, f.derivative()]
    while chain[-1].degree() > 0:
        rest = -(chain[-2] % chain[-1])
        if is_zero(rest):
            break
        size = abs(rest.leading_coefficient())
        chain.append(rest / size)
    return variations(chain, low, -1) - variations(chain, high, 1)


def variations(chain: list[fmpq_poly], at: fmpq | None, side: int) -> int:
    """Changes of sign along a chain at a point, or at an infinity."""
    signs = [sign_at(g, at, side) for g in chain]
    kept = [s for s in signs if s]
    return sum(s != t for s, t in pairwise(kept))


def sign_at(f: fmpq_poly, at: fmpq | None, side: int) -> int:
    """The sign of a polynomial at a point, or towards an infinity."""
    if at is not None:
        value = f(at)
        return int((value > 0) - (value < 0))
    if is_zero(f):
        return 0
    leading = 1 if f.leading_coefficient() > 0 else -1
    return leading if side > 0 or f.degree() % 2 == 0 else -leading
