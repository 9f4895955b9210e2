"""Functions of one inner function: everything that an expression has of the unknowns is one h.

    through   F(h) with F convex on the range of h is convex if h is affine, if F rises and h is
              convex, or if F falls and h is concave: F(h(m)) <= F((h(x) + h(y)) / 2) <= ... .
              The same for a-convex F, and for concave and a-concave F with h turned over.
    slope     a convex F on [l, r] rises if its slope at l is >= 0, and falls if its slope at r is
              <= 0: slopes of convex functions rise.
    tangent   a convex F with slopes <= 0 at a and >= 0 at b > a is at least F(a) + F'(a) (b - a).

h is one of: the line t = sum a_i x_i where all affine parts are multiples c t + d of one; a term
that nothing goes around; |t| where there are only even powers of t and |t| itself; and in place of
a term t >= 0 that is a-convex with 0 < a < 1 its power t^a, which is convex, in place of a
log-convex one log t. So |x| exp|x| goes through |x|, |z|^2 exp|z| through |z|.
"""

from __future__ import annotations

from dataclasses import replace

from .calculus import Calculus, inner_calculus, moving_leaves
from .changes import changes
from .one_leaf import sharpened
from .perspectives import perspective
from .traits import INF, Traits, chained, follows, scaled, turned, united


def further(calculus: Calculus, place: int, found: Traits) -> Traits:
    """What else is known of a term: by its one leaf, or by one inner function."""
    leaves = calculus.terms.leaves(place)
    moving = [t for t in leaves if not calculus.leaves[t].constant]
    if len(leaves) == len(moving) == 1:
        found = sharpened(calculus, place, found, leaves[0])
        if not calculus.leaves[leaves[0]].rising:  # one of several unknowns
            found = replace(found, rising=False, falling=False)
    if is_enough(found):
        return found
    found = by_logarithm(calculus, place, found)
    for inner, outer, leaf in changes(calculus, place):
        found = united(found, through(calculus, outer, leaf, inner))
        if is_enough(found):
            return found
    return of_several(calculus, place, found) if len(moving) > 1 else found


def is_enough(found: Traits) -> bool:
    """Whether a term is known to bend, and where its values are."""
    return found.bent and not is_vague(found)


def of_several(calculus: Calculus, place: int, found: Traits) -> Traits:
    """What else is known of a function of several leaves."""
    if not found.bent and calculus.terms[place].kind == "sum":
        found = by_groups(calculus, place, found)
    return found if found.bent else perspective(calculus, place, found)


def by_logarithm(calculus: Calculus, place: int, found: Traits) -> Traits:
    """A product of positive factors by the sum of their logarithms."""
    if calculus.terms[place].kind != "product" or not found.positive:
        return found
    logarithm_place = calculus.terms.call("log", place)
    if calculus.terms[logarithm_place].kind != "sum":
        return found
    own = calculus.of(logarithm_place)
    more = Traits(up=0 if own.convex else INF, down=0 if own.concave else -INF, rule="log")
    return united(found, more)


def is_vague(found: Traits) -> bool:
    """Whether a bound is missing on the side to which the function bends."""
    low, high = found.interval
    return (found.convex and low is None) or (found.concave and high is None)


def through(calculus: Calculus, outer: int, leaf: int, inner: Traits) -> Traits:
    """What is known of ``F(h)``, where F is the outer term in a leaf that stands for h."""
    own = replace(inner, convex=True, concave=True, rising=True, falling=False).finished()
    F = inner_calculus(calculus, {leaf: own}).of(outer)
    suits, opposes = chained(F, inner, "convex"), chained(F, inner, "concave")
    quasiconvex = follows(F, inner.quasiconvex, inner.quasiconcave)
    quasiconcave = follows(F, inner.quasiconcave, inner.quasiconvex)
    return Traits(
        interval=F.interval,
        positive=F.positive,
        convex=F.convex and suits,
        concave=F.concave and opposes,
        rising=follows(F, inner.rising, inner.falling),
        falling=follows(F, inner.falling, inner.rising),
        quasiconvex=quasiconvex or (inner.affine and F.quasiconvex),
        quasiconcave=quasiconcave or (inner.affine and F.quasiconcave),
        up=F.up if suits else INF,
        down=F.down if opposes else -INF,
        rule="through",
    )


def by_groups(calculus: Calculus, place: int, found: Traits) -> Traits:
    """A sum whose terms bend together where they share their unknowns."""
    for sign in (1, -1):
        if is_convex_in_groups(calculus, calculus.terms.add([(sign, place)])):
            more = Traits(convex=True, rule="groups")
            return united(found, more if sign > 0 else turned(more))
    return found


def is_convex_in_groups(calculus: Calculus, place: int) -> bool:
    """Whether the terms that are not convex are so with others in the same unknowns."""
    terms = calculus.terms
    _, coefficients, parts = terms.as_sum(place)
    scaled_parts = {t: scaled(calculus.of(t), c) for c, t in zip(coefficients, parts, strict=True)}
    own = {t: frozenset(moving_leaves(calculus, terms.leaves(t))) for t in parts}
    groups = joined([own[t] for t, traits in scaled_parts.items() if not traits.convex])
    for group in groups:
        rows = [(c, t) for c, t in zip(coefficients, parts, strict=True) if own[t] <= group]
        if len(rows) == len(parts) or not calculus.of(terms.add(rows)).convex:
            return False
    return True


def joined(sets: list[frozenset[int]]) -> list[frozenset[int]]:
    """Unions of sets that have something in common."""
    found: list[frozenset[int]] = []
    for one in sets:
        touching = [other for other in found if one & other]
        found = [other for other in found if not one & other] + [one.union(*touching)]
    return found
