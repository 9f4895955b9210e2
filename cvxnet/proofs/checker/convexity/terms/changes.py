"""New variables: terms that may stand for all that an expression has of its unknowns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import gcd

from flint import fmpq

from .calculus import Calculus, moving_leaves
from .means import logarithm, magnitude, powered
from .table import Terms, is_even
from .traits import INF, Traits

EVEN = {"abs", "huber", "cos"}  # functions with f(-t) = f(t)


DEEPEST = 3  # variables in place of parts of parts


MOST_PARTS = 300  # of a term in which inner functions are looked for


MOST_CANDIDATES = 8  # for an inner function


Direction = Mapping[int, fmpq]
"""The parts of a sum and their coefficients: what is one new variable, up to a factor."""


def changes(calculus: Calculus, place: int) -> Iterator[tuple[Traits, int, int]]:
    """Inner functions h: what is known of h, the term in a new leaf for h, and that leaf."""
    terms = calculus.terms
    if calculus.depth >= DEEPEST or len(terms.below(place)) > MOST_PARTS:
        return
    for inner, direction in candidates(calculus, place):
        for h, inside in variables(calculus, inner):
            if not calculus.budget.spend():
                return
            leaf = terms.leaf(("inner", h.nonneg, calculus.depth, inner))
            outer = substituted(terms, place, direction, inside(leaf))
            left = [t for t in terms.leaves(outer) if t != leaf]
            if all(t in calculus.leaves and calculus.leaves[t].constant for t in left):
                yield h, outer, leaf
    yield from even_changes(calculus, place)


def is_new(calculus: Calculus, place: int, inner: int) -> bool:
    """Whether a term is neither the whole nor the one leaf of it."""
    alone = calculus.terms[inner].kind == "leaf" and calculus.leaves[inner].rising
    return not alone and inner != place


def candidates(calculus: Calculus, place: int) -> Iterator[tuple[int, Direction]]:
    """Terms that may hold all unknowns, each as the sum that it is, without its constant."""
    terms, seen = calculus.terms, set[int]()
    for part in terms.below(place)[:-1]:
        traits = calculus.found.get(part)
        if traits is None or traits.constant or len(seen) >= MOST_CANDIDATES:
            continue
        _, coefficients, parts = terms.as_sum(part)
        inner = terms.add(zip((c / coefficients[0] for c in coefficients), parts, strict=True))
        if inner in seen or not is_new(calculus, place, inner):
            continue
        if holds_all(calculus, place, inner):
            seen.add(inner)
            _, coefficients, parts = terms.as_sum(inner)
            yield inner, dict(zip(parts, coefficients, strict=True))


def holds_all(calculus: Calculus, place: int, inner: int) -> bool:
    """Whether the unknowns of a term are those of a part."""
    terms = calculus.terms
    return moving_leaves(calculus, terms.leaves(place)) == moving_leaves(
        calculus, terms.leaves(inner)
    )


def variables(calculus: Calculus, inner: int) -> Iterator[tuple[Traits, Callable[[int], int]]]:
    """What may stand for a term t: its power or logarithm that is just convex or concave, or t.

    With each, t as a function of the new variable.
    """
    terms, t = calculus.terms, calculus.of(inner)
    for degree in (t.up, t.down):
        if degree in (1, INF, -INF) or degree < 0:
            continue
        if degree == 0:
            yield logarithm(t), lambda leaf: terms.call("exp", leaf)
        elif (degree < 1) == (degree == t.up):
            p = fmpq(degree.numerator, degree.denominator)  # type: ignore[union-attr]
            yield powered(t, p), lambda leaf, p=p: terms.power(leaf, 1 / p)  # type: ignore[misc]
    yield t, lambda leaf: leaf


def substituted(terms: Terms, root: int, direction: Direction, new: int) -> int:
    """The term with a new one in place of a sum, also where it is hidden in a longer sum."""
    found: dict[int, int] = {}
    for place in terms.below(root):
        constant, coefficients, parts = terms.as_sum(place)
        row = dict(zip(parts, coefficients, strict=True))
        ratios = {row[t] / c if t in row else None for t, c in direction.items()}
        ratio = ratios.pop()
        if not ratios and ratio is not None:
            rest = [(c, found[t]) for t, c in row.items() if t not in direction]
            found[place] = terms.add([*rest, (ratio, new)], constant)
        else:
            term = terms[place]
            found[place] = terms.made(term, tuple(found[k] for k in term.parts))
    return found[root]


def is_constant_but(calculus: Calculus, place: int, leaf: int) -> bool:
    """Whether all unknowns of a term are in one leaf."""
    return all(calculus.leaves[k].constant for k in calculus.terms.leaves(place) if k != leaf)


def even_changes(calculus: Calculus, place: int) -> Iterator[tuple[Traits, int, int]]:
    """The absolute value of a term, or its least even power, where only these occur."""
    terms = calculus.terms
    for t, powers in even_powers(terms, place).items():
        traits = calculus.found.get(t)
        if traits is None or traits.constant or traits.nonneg:
            continue
        for p in {gcd(*powers), 1} if calculus.budget.spend() else ():
            leaf = terms.leaf(("inner", True, calculus.depth, t, p))
            outer = without_signs(terms, place, t, (leaf, p))
            if outer is not None and is_constant_but(calculus, outer, leaf):
                own = replace(magnitude(traits), rising=False, falling=False)
                yield powered(own, fmpq(p)), outer, leaf


def even_powers(terms: Terms, place: int) -> dict[int, set[int]]:
    """Terms that occur with even powers or as absolute values, and the powers."""
    found: dict[int, set[int]] = {}
    for k in terms.below(place):
        term = terms[k]
        if term.kind == "call" and term.data[0] in EVEN:
            found.setdefault(term.parts[0], set()).add(1)
        if term.kind == "product":
            for base, p in zip(term.parts, term.data, strict=True):
                if is_even(p):
                    found.setdefault(base, set()).add(abs(int(p.p)))
    return found


def without_signs(terms: Terms, root: int, t: int, new: tuple[int, int]) -> int:
    """The term with ``h`` in place of ``|t|^p``."""
    leaf, p = new
    found: dict[int, int] = {}
    for place in terms.below(root):
        term = terms[place]
        if term.kind == "product":
            rows = zip(term.parts, term.data, strict=True)
            found[place] = terms.multiply(
                (leaf, own / p) if base == t and is_even(own) else (found[base], own)
                for base, own in rows
            )
        elif term.kind == "call" and term.data[0] in EVEN and term.parts == (t,):
            found[place] = terms.made(term, (terms.power(leaf, fmpq(1, p)),))
        else:
            found[place] = terms.made(term, tuple(found[k] for k in term.parts))
    return found[root]
