"""Perspectives: ``v F(u / v)`` for affine u and v."""

from __future__ import annotations

from ...scalars import ONE, ZERO
from .calculus import Calculus, inner_calculus
from .changes import DEEPEST, MOST_PARTS
from .traits import Traits, united


def perspective(calculus: Calculus, place: int, found: Traits) -> Traits:
    """``v F(u / v)`` for affine u and v, v > 0: convex where F is, concave where F is."""
    terms = calculus.terms
    _, coefficients, parts = terms.as_sum(place)
    if calculus.depth >= DEEPEST or len(terms.below(place)) > MOST_PARTS:
        return found
    for v in affine_parts(calculus, place):
        if not calculus.of(v).positive or not calculus.budget.spend():
            continue
        leaf, known = in_units_of(calculus, place, v)
        rows = [
            (c, terms.multiply([(leaf[t], ONE), (leaf[v], -ONE)]))
            for c, t in zip(coefficients, parts, strict=True)
        ]
        F_place = terms.add(rows)
        if leaf[v] in terms.leaves(F_place):
            continue
        F = inner_calculus(calculus, known).of(F_place)
        found = united(found, Traits(convex=F.convex, concave=F.concave, rule="perspective"))
        if found.bent:
            break
    return found


def affine_parts(calculus: Calculus, place: int) -> list[int]:
    """Leaves and sums of leaves among the unknown parts of a term."""
    return [
        t
        for t in calculus.terms.below(place)[:-1]
        if is_affine_form(calculus, t) and not calculus.of(t).constant
    ]


def is_affine_form(calculus: Calculus, place: int) -> bool:
    """Whether a term is a leaf or a sum of leaves."""
    term = calculus.terms[place]
    leaf = term.kind == "leaf"
    return leaf or (
        term.kind == "sum" and all(calculus.terms[t].kind == "leaf" for t in term.parts)
    )


def in_units_of(calculus: Calculus, place: int, v: int) -> tuple[dict[int, int], dict[int, Traits]]:
    """All parts with ``s_u v`` for every affine u other than v; what is known of each s_u."""
    terms, known = calculus.terms, dict[int, Traits]()
    found: dict[int, int] = {v: terms.leaf(("inner", True, calculus.depth, v))}
    for t in terms.below(place):
        if t in found:
            continue
        term = terms[t]
        if is_affine_form(calculus, t) and not calculus.of(t).constant:
            traits = calculus.of(t)
            s = terms.leaf(("inner", traits.nonneg, calculus.depth, t))
            interval = (ZERO, None) if traits.nonneg else (None, None)
            known[s] = Traits(
                interval=interval, positive=traits.positive, convex=True, concave=True
            ).finished()
            found[t] = terms.multiply([(s, ONE), (found[v], ONE)])
        else:
            found[t] = terms.made(term, tuple(found[k] for k in term.parts))
    return found, known
