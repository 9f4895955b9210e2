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

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import gcd
from typing import Any

from flint import fmpq

from ..document import RefusalError
from ..dual import Clock
from ..scalars import ONE, ZERO
from .entries import Entries
from .intervals import EVERYTHING, Interval, clipped, is_above
from .logarithms import INF, RULES, Budget, Calculus, Traits, logarithm, magnitude, powered, turned
from .slopes import falls_to, rises_from, tangent_bound
from .statement import Checking, Proof, Statement
from .terms import Terms, is_even

EVEN = {"abs", "huber", "cos"}  # functions with f(-t) = f(t)
DEEPEST = 3  # variables in place of parts of parts
MOST_PARTS = 300  # of a term in which inner functions are looked for
MOST_CANDIDATES = 8  # for an inner function
MOST_CHANGES = 200  # of a part into a variable, for one expression


def by_terms(statement: Statement, proof: Proof, checking: Checking) -> None:
    """The rows of power means and of functions of one inner function, for each entry."""
    reason_by_terms(statement, checking.clock)


def reason_by_terms(statement: Statement, clock: Clock) -> str:
    """The row that proves the first entry, in words; refuses where one is not proved."""
    calculus, entries = calculus_of(statement, clock)
    for k in statement.entries:
        traits = calculus.of(entries[k])
        holds = {"convex": traits.convex, "concave": traits.concave, "affine": traits.affine}
        holds |= {"quasiconvex": traits.up < INF, "quasiconcave": traits.down > -INF}
        if not (holds[statement.goal] or traits.affine):
            raise RefusalError(f"the rows do not prove that entry {k} is {statement.goal}")
    rule = calculus.of(entries[statement.entries[0]]).rule
    return RULES.get(rule, "an affine function, once like terms are collected")


def calculus_of(statement: Statement, clock: Clock) -> tuple[Calculus, list[int]]:
    """The rows for the entries of the root, which are terms, on the domain."""
    first = Entries(statement)
    first.of(statement.root)
    entries = Entries(statement, nonneg_leaves(first))
    roots = entries.of(statement.root).entries
    limits, terms = restricted_terms(entries), entries.terms
    leaves = terms.leaves(*roots)
    unknown = [t for t in leaves if terms[t].data[0] in statement.unknowns]
    known = {
        t: leaf_traits(entries, t, limits.get(t, (EVERYTHING, False)), unknown) for t in leaves
    }
    return Calculus(terms, known, limits, clock, Budget(MOST_CHANGES), further), roots


def leaf_traits(
    entries: Entries, leaf: int, limit: tuple[Interval, bool], unknown: list[int]
) -> Traits:
    """What is known of an entry of a leaf."""
    place, k = entries.terms[leaf].data
    strict = "pos" in entries.statement.nodes[place]["attributes"]
    return Traits(
        interval=clipped(entries.bounds_of(place)[k], limit[0]),
        positive=strict or limit[1],
        constant=leaf not in unknown,
        convex=True,
        concave=True,
        rising=unknown == [leaf],
    ).finished()


def nonneg_leaves(entries: Entries) -> set[tuple[int, int]]:
    """Leaves that atoms ask to be >= 0."""
    limits = restricted_terms(entries)
    return {
        entries.terms[t].data
        for t, (interval, _) in limits.items()
        if entries.terms[t].kind == "leaf" and is_above(interval)
    }


def restricted_terms(entries: Entries) -> dict[int, tuple[Interval, bool]]:
    """For each term that an atom restricts, the interval, and whether zero is left out.

    What is asked of ``c x + d`` is asked of the leaf x, too.
    """
    found: dict[int, tuple[Interval, bool]] = {}

    def put(place: int, interval: Interval, *, positive: bool) -> None:
        old, strict = found.get(place, (EVERYTHING, False))
        found[place] = clipped(old, interval), strict or positive

    for place, low, strict in entries.restrictions:
        put(place, (low, None), positive=strict and low == 0)
        constant, coefficients, parts = entries.terms.as_sum(place)
        if len(parts) == 1 and entries.terms[parts[0]].kind == "leaf":
            end = (low - constant) / coefficients[0]
            interval = (end, None) if coefficients[0] > 0 else (None, end)
            put(parts[0], interval, positive=strict and end == 0 and coefficients[0] > 0)
    return found


# ------------------------------------------------------ one inner function


def further(calculus: Calculus, place: int, found: Traits) -> Traits:
    """What else is known of a term: by its one leaf, or by one inner function."""
    leaves = calculus.terms.leaves(place)
    moving = [t for t in leaves if not calculus.leaves[t].constant]
    if len(leaves) == 1 and moving:
        found = sharpened(calculus, place, found, leaves[0])
    if found.bent and not is_vague(found):
        return found
    for inner, outer, leaf in changes(calculus, place):
        found = united(found, through(calculus, outer, leaf, inner))
        if found.bent and not is_vague(found):
            return found
    return perspective(calculus, place, found) if len(moving) > 1 and not found.bent else found


def is_vague(found: Traits) -> bool:
    """Whether a bound is missing on the side to which the function bends."""
    low, high = found.interval
    return (found.convex and low is None) or (found.concave and high is None)


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
        up=min(one.up, more.up),
        down=max(one.down, more.down),
        rule=one.rule if one.bent else more.rule or one.rule,
    ).finished()


def inner_calculus(calculus: Calculus, leaves: Mapping[int, Traits]) -> Calculus:
    """The calculus in new variables."""
    fixed = {t: traits for t, traits in calculus.leaves.items() if traits.constant}
    return replace(
        calculus, leaves={**fixed, **leaves}, restrictions={}, depth=calculus.depth + 1, found={}
    )


def through(calculus: Calculus, outer: int, leaf: int, inner: Traits) -> Traits:
    """What is known of ``F(h)``, where F is the outer term in a leaf that stands for h."""
    own = replace(inner, convex=True, concave=True, rising=True, falling=False).finished()
    F = inner_calculus(calculus, {leaf: own}).of(outer)
    suits = inner.affine or (F.rising and inner.convex) or (F.falling and inner.concave)
    opposes = inner.affine or (F.rising and inner.concave) or (F.falling and inner.convex)
    return Traits(
        interval=F.interval,
        positive=F.positive,
        convex=F.convex and suits,
        concave=F.concave and opposes,
        rising=(F.rising and inner.rising) or (F.falling and inner.falling),
        falling=(F.rising and inner.falling) or (F.falling and inner.rising),
        up=F.up if suits else INF,
        down=F.down if opposes else -INF,
        rule="through",
    )


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


Direction = Mapping[int, fmpq]
"""The parts of a sum and their coefficients: what is one new variable, up to a factor."""


def candidates(calculus: Calculus, place: int) -> Iterator[tuple[int, Direction]]:
    """Terms that may hold all unknowns, each as the sum that it is, without its constant."""
    terms, seen = calculus.terms, set[int]()
    for part in terms.below(place)[:-1]:
        traits = calculus.found.get(part)
        if traits is None or traits.constant or len(seen) >= MOST_CANDIDATES:
            continue
        _, coefficients, parts = terms.as_sum(part)
        inner = terms.add(zip((c / coefficients[0] for c in coefficients), parts, strict=True))
        alone = terms[inner].kind == "leaf" and calculus.leaves[inner].rising
        if inner not in seen and not alone and inner != place and holds_all(calculus, place, inner):
            seen.add(inner)
            _, coefficients, parts = terms.as_sum(inner)
            yield inner, dict(zip(parts, coefficients, strict=True))


def holds_all(calculus: Calculus, place: int, inner: int) -> bool:
    """Whether the unknowns of a term are those of a part."""
    terms = calculus.terms
    return moving_leaves(calculus, terms.leaves(place)) == moving_leaves(
        calculus, terms.leaves(inner)
    )


def moving_leaves(calculus: Calculus, leaves: list[int]) -> list[int]:
    """The unknowns."""
    return [t for t in leaves if not calculus.leaves[t].constant]


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
            left = [k for k in terms.leaves(outer) if k != leaf]
            if outer is not None and all(calculus.leaves[k].constant for k in left):
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


# -------------------------------------------------------------- one leaf


def sharpened(calculus: Calculus, place: int, found: Traits, leaf: int) -> Traits:
    """What slopes say of a function of one leaf that is convex or concave."""
    if calculus.terms[place].kind != "sum":
        return found
    if found.convex:
        found = united(found, by_slopes(calculus, place, found, leaf))
    if found.concave:
        opposite = calculus.terms.add([(-1, place)])
        found = united(found, turned(by_slopes(calculus, opposite, turned(found), leaf)))
    return found


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


# ----------------------------------------------------------- perspectives


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
