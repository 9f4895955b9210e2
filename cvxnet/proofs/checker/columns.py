"""Units of which there are finitely many features: the list of them, exactly.

A unit counts by its feature, the numbers phi_u(x_i) at the samples. Those of coordinate units are
the columns of X. Those of sign and threshold units belong to the faces into which the planes
x_i . w = 0 cut R^r: to each face a vector of signs -1, 0, 1. The faces that are open, the cells,
come from recursion as in steps.py: if there is a plane, then

    every cell has a facet, a cell of what the other planes cut out of one of them: its signs are
    those there, and either sign for the rows of that one;
    every other face lies in some plane, where its signs are those of a face of what the other
    planes cut out of it, and 0 for the rows of that one.

The list. A feature of zeros does nothing, and -phi with the output weight -a does what phi does
with a. So of each pair, phi and -phi, the one is listed whose first number other than 0 is
positive, each once, in lexicographic order: by the numbers at some samples that the certificate
chooses, then by those at all others. A network of at most m units has at most m columns of the
list, each with one sign, at no higher price.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain
from typing import NamedTuple

from flint import fmpq, fmpz, fmpz_mat

from .claims import Claims, rows_of
from .coordinates import MAX_RANK, coordinates
from .document import RefusalError
from .dual import Clock
from .exact import Matrix, integers, over_common_denominator
from .lines import primitive
from .steps import Effect, by_angle, within
from .tree import Space

MAX_NUMBERS = 2 * 10**7  # in the list
AT_ONCE = 10**6  # of these
MAX_SIGNS = 2 * 10**8  # of all faces
BEHIND, ON, AHEAD = 0, 1, 2  # the numbers -1, 0, 1 as bytes, in their order


class Faces(NamedTuple):
    """The signs of rows on the cells, and on all other faces."""

    cells: set[bytes]
    others: set[bytes]


class Plane(NamedTuple):
    """The rows that are multiples of one vector e: positive ones, and negative ones."""

    positive: list[int]
    negative: list[int]

    def turned(self, signs: bytes, side: int) -> bytes:
        """The same signs, but where e . w has this one."""
        new = bytearray(signs)
        for k in self.positive:
            new[k] = side
        for k in self.negative:
            new[k] = AHEAD - side
        return bytes(new)


class Range(NamedTuple):
    """Some columns of the list, one after the other, with the sign of the output weight."""

    sign: int
    places: range


class ColumnSpace(Space):
    """The list of a family, of which trees cut ranges in two.

    ``effect`` is that of steps; None stands for the columns of X.
    """

    def __init__(self, claims: Claims, effect: Effect | None, clock: Clock) -> None:
        assert claims.tree is not None
        first = dict.fromkeys(claims.tree["rows"] or [])
        self.order = [*first, *(i for i in range(len(claims.X)) if i not in first)]
        rows, scale = integers(rows_of(claims))
        rows = [rows[i] for i in self.order]
        self.limit = Fraction(claims.weight_decay) * (1 if effect else scale)
        self.columns = step_columns(rows, effect, clock) if effect else coordinate_columns(rows)

    def region(self, sign: int) -> Range:
        return Range(sign, range(sum(part.nrows() for part in self.columns)))

    def halves(self, region: Range, cut: list[int]) -> tuple[Range, Range]:
        if len(cut) != 1 or not 0 < cut[0] < len(region.places):
            raise RefusalError("evidence: a cut that leaves nothing of a list of columns, or all")
        first, second = region.places[: cut[0]], region.places[cut[0] :]
        return Range(region.sign, first), Range(region.sign, second)

    def violations(self, regions: list[Range], v: list[fmpq], clock: Clock) -> Iterator[Fraction]:
        (whole,), scale = over_common_denominator([[v[i] for i in self.order]])
        vector, g = fmpz_mat(len(whole), 1, whole), list[fmpz]()
        for part in self.columns:
            clock.check()
            g += (part * vector).entries()
        for sign, places in regions:
            most = max((-sign * x for x in g[places.start : places.stop]), default=fmpz(0))
            yield max(Fraction(int(most)) / (self.limit * scale) - 1, Fraction(0))


def step_columns(rows: Matrix, effect: Effect, clock: Clock) -> list[fmpz_mat]:
    """The list, of units with these values, each -1, 0 or 1."""
    points, H, _, rests = coordinates(rows, MAX_RANK)
    if any(rests):
        raise RefusalError(f"the rank of the rows of X is above {MAX_RANK}")
    faces = faces_of(points, len(H), clock)
    table = translation(ON + effect.off, ON + effect.at, ON + effect.on)
    found = {forward(signs.translate(table)) for signs in faces.cells | faces.others}
    found.discard(bytes([ON]) * len(rows))
    return listed([[x - ON for x in feature] for feature in sorted(found)], len(rows))


def coordinate_columns(rows: Matrix) -> list[fmpz_mat]:
    """The list, of units that are columns of X."""
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    turned = (tuple(-x for x in column) for column in columns)
    return listed(sorted(set(map(max, columns, turned))), len(rows))


def listed(features: Sequence[Sequence[int]], n: int) -> list[fmpz_mat]:
    """Features of n numbers as rows of matrices, of which none is large."""
    if len(features) * n > MAX_NUMBERS:
        raise RefusalError(f"too large: {len(features)} features of {n} samples")
    step = max(AT_ONCE // n, 1)
    parts = [features[k : k + step] for k in range(0, len(features), step)]
    return [fmpz_mat(len(part), n, list(chain(*part))) for part in parts]


def translation(behind: int, on: int, ahead: int) -> bytes:
    """What `bytes.translate` needs to put these in place of the three numbers."""
    return bytes([behind, on, ahead]).ljust(256, b"\0")


OPPOSITE = translation(AHEAD, ON, BEHIND)


def forward(feature: bytes) -> bytes:
    """The same or its opposite: its first number other than 0 is positive."""
    return max(feature, feature.translate(OPPOSITE))


def faces_of(rows: Matrix, r: int, clock: Clock) -> Faces:
    """Of the planes of the rows, in R^r."""
    clock.check()
    nowhere, planes = bytes([ON]) * len(rows), planes_of(rows)
    if not planes:
        return Faces({nowhere}, set())
    if r == 2:
        return around(planes, nowhere)
    found = Faces(set(), {nowhere})
    for e, plane in planes.items():
        inside = Faces({nowhere}, set())
        if r > 1:
            inside = faces_of([within(e, tuple(z)) for z in rows], r - 1, clock)
        found.others.update(inside.cells, inside.others)
        for side in (BEHIND, AHEAD):
            found.cells.update(plane.turned(signs, side) for signs in inside.cells)
        check_signs(len(found.cells) + len(found.others), len(rows))
    return found


def check_signs(count: int, n: int) -> None:
    """Refuse to keep the signs of n rows on too many faces."""
    if count * n > MAX_SIGNS:
        raise RefusalError(f"too large: {count} faces of {n} samples or more")


def planes_of(rows: Matrix) -> dict[tuple[int, ...], Plane]:
    """The different planes of rows that are not zero."""
    planes: dict[tuple[int, ...], Plane] = {}
    for i, z in enumerate(rows):
        k, e = primitive(z)
        if k:
            plane = planes.setdefault(e, Plane([], []))
            (plane.positive if k > 0 else plane.negative).append(i)
    return planes


def around(planes: dict[tuple[int, ...], Plane], nowhere: bytes) -> Faces:
    """With two coordinates: once round from where all e . w > 0, and opposite."""
    check_signs(4 * len(planes), len(nowhere))
    signs = nowhere
    for plane in planes.values():
        signs = plane.turned(signs, AHEAD)
    cells, others = set(both(signs)), {nowhere}
    for e in by_angle(planes):
        others.update(both(planes[e].turned(signs, ON)))
        signs = planes[e].turned(signs, BEHIND)
        cells.update(both(signs))
    return Faces(cells, others)


def both(signs: bytes) -> Iterator[bytes]:
    """These and the opposite ones."""
    yield signs
    yield signs.translate(OPPOSITE)
