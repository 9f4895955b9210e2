"""Proofs for steps, at any rank: what g is on all faces.

The planes z_j . w = 0 cut R^r into faces, the open cells and those that lie in planes, and on each
g has one value. Rows that are multiples of each other change sign together: each such class has
a primitive integer vector e, and adds ``on`` where e . w > 0, ``off`` where e . w < 0 and ``at``
where e . w = 0. If there is a plane, then

    every cell has a facet, which is a cell of what the other planes cut out of one of them: g is
    what the others add on it, and on or off of that one;
    every other face lies in some plane: g is what the others add on it, and at of that one.

(Deletion and restriction of arrangements; Orlik, Terao, Arrangements of Hyperplanes, 1992.)

In the plane of e, with e_k > 0, w_k is minus the sum of e_i w_i / e_k over the other coordinates,
and so z . w has the sign of the sum of (e_k z_i - z_k e_i) w_i: the same problem with one
coordinate less. With two coordinates all is seen by going round once: from the cell where all e . w
are positive, as w turns, one after the other becomes 0 and then negative, those of the smallest
angle first, until all are negative; and opposite each w is -w.

Of n planes that takes time like n^(r-1) log n. Of many planes step_cones.py searches cones instead,
and looks at all faces only of those that are left in a few of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from typing import NamedTuple

from .coordinates import MAX_RANK, coordinates
from .document import RefusalError, UnfinishedError
from .dual import Clock, Dual, only
from .lines import cotangent, in_order, primitive
from .step_cones import StepSearch

FEW = 50  # planes of which all faces are quickly seen
PLANE_SECONDS = 5e-6  # for each plane that crosses another one in all others


class Effect(NamedTuple):
    """What rows add where e . w < 0, > 0, = 0."""

    off: int
    on: int
    at: int


Planes = dict[tuple[int, ...], Effect]


class Extremes(NamedTuple):
    """The smallest and the largest value on cells, and on all faces."""

    cells: tuple[int, int]
    faces: tuple[int, int]


def step_violation(dual: Dual, effect: Effect, clock: Clock) -> Fraction:
    """`Units.violation` of units with the values ``effect`` where z < 0, z > 0, z = 0."""
    rows, weights, beta = dual.scaled(0)
    points, H, _, rests = coordinates(rows, MAX_RANK)
    if any(rests):
        raise RefusalError(f"the rank of the rows of X that v is not 0 on is above {MAX_RANK}")
    effects = [Effect(*(weight * x for x in effect)) for weight in only(weights)]
    planes, base = planes_of(zip(points, effects, strict=True))
    if len(H) > 2 and len(planes) > FEW:
        search = step_search(planes, base, beta, clock.within(sweep_seconds(planes, len(H))))
        with suppress(UnfinishedError):
            if search.finished():
                return Fraction(search.limit - beta, beta)
    low, high = extremes(planes, len(H), clock).faces
    most = max(base + high, -base - low)
    return Fraction(max(most - beta, 0), beta)


def sweep_seconds(planes: Planes, r: int) -> float:
    """About what looking at all faces takes: where cones take longer, they may help nothing."""
    return PLANE_SECONDS * float(len(planes)) ** (r - 1)


def step_search(planes: Planes, base: int, limit: int, clock: Clock) -> StepSearch:
    """Branch and bound for |g|, base included; the limit is a whole number."""
    vectors, effects = list(planes), list(planes.values())

    def bounds(which: list[int]) -> tuple[int, int]:
        some = {vectors[k]: effects[k] for k in which}
        return extremes(some, len(vectors[0]), clock).faces

    return StepSearch(vectors, effects, base, limit, bounds, clock)


def planes_of(rows: Iterable[tuple[list[int], Effect]]) -> tuple[Planes, int]:
    """The planes of rows (r numbers) with their effects, and what rows of zeros add everywhere."""
    planes: Planes = {}
    base = 0
    for z, (off, on, at) in rows:
        k, e = primitive(z)
        if k:
            off, on = (off, on) if k > 0 else (on, off)
            old = planes.get(e, Effect(0, 0, 0))
            planes[e] = Effect(old.off + off, old.on + on, old.at + at)
        else:
            base += at
    return planes, base


def extremes(planes: Planes, r: int, clock: Clock) -> Extremes:
    """Of what all planes add, in r coordinates."""
    if not planes:
        return Extremes((0, 0), (0, 0))
    if r == 1:
        ((off, on, at),) = planes.values()
        return Extremes(ends([off, on]), ends([off, on, at]))
    if r == 2:
        return around(planes)
    cells, faces = [], []
    for e, (off, on, at) in planes.items():
        clock.check()
        inside, _ = planes_of((within(e, z), effect) for z, effect in planes.items() if z != e)
        others = extremes(inside, r - 1, clock)
        cells += [x + side for x in others.cells for side in (off, on)]
        faces += [x + at for x in others.faces]
    return Extremes(ends(cells), ends(cells + faces))


def within(e: tuple[int, ...], z: tuple[int, ...]) -> list[int]:
    """z in the coordinates of the plane of e, all but the first that e is not 0 in."""
    k = next(k for k, x in enumerate(e) if x)
    return [e[k] * y - z[k] * x for i, (x, y) in enumerate(zip(e, z, strict=True)) if i != k]


def around(planes: Planes) -> Extremes:
    """With two coordinates."""
    value = sum(effect.on for effect in planes.values())
    both = value + sum(effect.off for effect in planes.values())
    cells, others = [value, both - value], [sum(effect.at for effect in planes.values())]
    for off, on, at in (planes[e] for e in by_angle(planes)):
        others += [value - on + at, both - off - value + at]
        value += off - on
        cells += [value, both - value]
    return Extremes(ends(cells), ends(cells + others))


def by_angle(vectors: Iterable[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Vectors of the right half plane, none a multiple of another, by their angle.

    A quarter turn takes them to the upper half plane.
    """
    return in_order([(cotangent(-e[1], e[0]), -e[1], e[0], e) for e in vectors])


def ends(values: list[int]) -> tuple[int, int]:
    """The smallest and the largest."""
    return min(values), max(values)
