"""Functions of one leaf: their slopes, their derivatives, their pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...document import RefusalError
from .calculus import Calculus, inner_calculus
from .changes import DEEPEST
from .nodes import statement_about
from .pieces import bends_at, kinks_inside, on_piece, pieces_of
from .rational import bends_of_rational
from .slopes import falls_to, rises_from, tangent_bound
from .traits import Traits, turned, united


def sharpened(calculus: Calculus, place: int, found: Traits, leaf: int) -> Traits:
    """What is known of a function of one leaf by its slopes, its derivatives and its pieces."""
    low, high = calculus.leaves[leaf].interval
    if low is not None and low == high:
        return found
    kind = calculus.terms[place].kind
    if not found.bent and kind != "call":
        found = united(found, by_rational(calculus, place, leaf))
    for prove in (by_pieces, by_lemma) if calculus.depth < DEEPEST else (by_lemma,):
        if not found.bent:
            found = united(found, where_known(prove, calculus, place, leaf) or Traits())
    return with_slopes(calculus, place, found, leaf) if kind == "sum" else found


def with_slopes(calculus: Calculus, place: int, found: Traits, leaf: int) -> Traits:
    """What the slopes of a convex or concave sum at the ends say, too."""
    if found.convex:
        found = united(found, by_slopes(calculus, place, found, leaf))
    if found.concave:
        opposite = calculus.terms.add([(-1, place)])
        found = united(found, turned(by_slopes(calculus, opposite, turned(found), leaf)))
    return found


def by_lemma(calculus: Calculus, place: int, leaf: int) -> Traits:
    """What another kind of proof says of it, where the evidence names one."""
    inside = [calculus.terms[k] for k in calculus.terms.below(place)]
    if any(term.kind == "call" and term.data[0] == "whole" for term in inside):
        return Traits()  # an atom that has no term is not written as a node
    interval = calculus.leaves[leaf].interval
    goal = calculus.lemmas(
        lambda goal: statement_about(calculus.terms, place, leaf, interval, goal)
    )
    return Traits(convex=goal == "convex", concave=goal == "concave", rule="lemma")


def by_rational(calculus: Calculus, place: int, leaf: int) -> Traits:
    """The signs of the derivatives, where they are quotients of polynomials."""
    bends = bends_of_rational(calculus.terms, place, calculus.leaves[leaf].interval)
    return Traits(**bends._asdict(), rule="rational")


def by_pieces(calculus: Calculus, place: int, leaf: int) -> Traits | None:
    """Both sides of each kink, and how the slope changes there."""
    own = calculus.leaves[leaf]
    points = kinks_inside(calculus.terms, place, leaf, own.interval)
    if not points or not calculus.budget.spend():
        return None
    pieces = []
    for interval in pieces_of(own.interval, points):
        traits = replace(own, interval=interval).finished()
        simpler = on_piece(calculus.terms, place, leaf, interval)
        pieces.append(inner_calculus(calculus, {leaf: traits}).of(simpler))
    rises, falls = bends_at(calculus.terms, place, leaf, points)
    return Traits(
        convex=rises and all(t.convex for t in pieces),
        concave=falls and all(t.concave for t in pieces),
        rising=all(t.rising for t in pieces),
        falling=all(t.falling for t in pieces),
        rule="pieces",
    )


def by_slopes(calculus: Calculus, place: int, found: Traits, leaf: int) -> Traits:
    """Whether a convex function of one leaf rises or falls, and what it is at least."""
    at = (calculus.terms, place, leaf, calculus.leaves[leaf].interval)
    low = found.interval[0]
    if low is None or low < 0:
        low = where_known(tangent_bound, *at)
    rising = found.rising or bool(where_known(rises_from, *at))
    falling = found.falling or bool(where_known(falls_to, *at))
    return Traits(interval=(low, None), convex=True, rising=rising, falling=falling)


def where_known(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result, or None where a value is asked for that there is not."""
    try:
        return function(*arguments)
    except (RefusalError, ZeroDivisionError):
        return None
