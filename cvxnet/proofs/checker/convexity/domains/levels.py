"""Where an expression that moves with one coordinate is at most zero: an interval, or not.

The line is cut into intervals until on each one of these is known, from the enclosures of value
and slope (`boxes`): the expression is at most zero, above zero or without values ("in", "out"), or
it rises, or it falls. On a rising piece the points with f <= 0 come first, on a falling one last,
and there are all or none of them if f <= 0 at its right end, or f > 0 at its left one. Together
they are an interval if no points that may be out lie between two pieces that may have some in.

Where f has no value nothing is said, so the domain has to be convex: an interval here, too, on
which f is continuous. All atoms of this arithmetic are, where they have finite values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flint import ctx, fmpq

from ...arrays import require
from ...document import RefusalError
from ..boxes.boxes import BITS, OVERLAP, Box, Region, Side, length
from ..boxes.enclosures import ZERO, Interval, NowhereError, is_moderate
from ..boxes.jets import Jet, as_jet, axis
from ..calculus.intervals import middle
from ..statement import Checking, Proof, Statement

MOST_PIECES = 400
NARROWEST = fmpq(1, 2**40)
FARTHEST = 2**10


class Piece(NamedTuple):
    """What is known from one number to another: "in", "out", "rising" or "falling"."""

    says: str
    low: fmpq | None
    high: fmpq | None


def by_levels(statement: Statement, proof: Proof, checking: Checking) -> None:
    """The points where each entry is at most zero are those of an interval in one coordinate."""
    require(statement.goal == "sublevel", "levels prove what sets are")
    region = Region(statement)
    nodes = statement.nodes
    fixed = [k for k in region.nodes if nodes[k]["atom"] == "leaf" and k not in statement.unknowns]
    require(not fixed, "a value that is not known")
    with ctx.workprec(BITS):
        for entry in statement.entries:
            prove_interval(Along(region, entry), checking)


def prove_interval(line: Along, checking: Checking) -> None:
    """Refuse unless an entry is at most zero on an interval of its coordinate."""
    try:
        places = [*line.jet(line.region.whole).slope]
    except NowhereError:
        return
    require(len(places) <= 1, "an entry that moves with several coordinates")
    if places:
        line.place = places[0]
        require(is_interval(line, merged(pieces(line, checking))), "a level set in several parts")


class Along:
    """An entry as a function of the one coordinate that it moves with."""

    def __init__(self, region: Region, entry: int) -> None:
        self.region, self.entry, self.place = region, entry, 0

    def box(self, side: Side) -> Box:
        """All points with the coordinate on a side."""
        whole = self.region.whole
        return (*whole[: self.place], side, *whole[self.place + 1 :])

    def jet(self, box: Box) -> Jet:
        """What is known on a box."""
        values = self.region.values(box, self.region.nodes)
        return as_jet(values[self.region.statement.root].entries[self.entry])

    def at(self, point: fmpq) -> Jet | None:
        """The same at a point, where everything that it is made of has a finite value there.

        The other coordinates, which it does not move with, are put somewhere.
        """
        box = [(at, at) for at in (middle(side) for side in self.region.whole)]
        box[self.place] = point, point
        try:
            values = self.region.values(tuple(box), self.region.nodes)
        except RefusalError:
            return None
        ends = [
            end
            for place in self.region.nodes
            if self.region.statement.nodes[place]["atom"] != "leaf"
            for one in values[place].entries
            for end in (as_jet(one).value.low, as_jet(one).value.high)
        ]
        found = as_jet(values[self.region.statement.root].entries[self.entry])
        return found if all(map(is_moderate, ends)) else None

    def sign(self, point: fmpq | None) -> str:
        """ "in" or "out" at a point; "" where that is not known."""
        jet = None if point is None else self.at(point)
        return "" if jet is None else sign_of(jet.value)

    def says(self, side: Side) -> str:
        """What is known on a side; "" for nothing."""
        try:
            jet = self.jet(self.box(side))
        except NowhereError:
            return "out"
        except RefusalError:
            return ""
        if known := sign_of(jet.value):
            return known
        return next((direction(slope) for slope in self.slopes(side, jet) if direction(slope)), "")

    def may_jump(self, side: Side) -> bool:
        """Whether the slope may jump on a side or at its ends, where it would be that beyond."""
        size = length(side)
        more = fmpq(1) if size is None else size * OVERLAP
        low, high = side
        wider = None if low is None else low - more, None if high is None else high + more
        try:
            jet = self.jet(self.box(wider))
        except RefusalError:
            return True
        return jet.up or jet.down

    def slopes(self, side: Side, jet: Jet) -> Iterator[Interval]:
        """Enclosures of the slope: one, and those from its ends, where it has a slope itself."""
        yield jet.slope.get(self.place, ZERO)
        if set(jet.lines) - {axis(self.place)} or jet.pairs or self.may_jump(side):
            return
        bend = jet.lines.get(axis(self.place), ZERO)
        change = bend * Interval.between(fmpq(0), length(side))
        for point, more in ((side[0], change), (side[1], -change)):
            end = None if point is None else self.at(point)
            if end is not None:
                yield end.slope.get(self.place, ZERO) + more


def sign_of(value: Interval) -> str:
    """Whether all values are at most zero, or above."""
    if value.high <= 0:
        return "in"
    return "out" if value.low > 0 else ""


def direction(slope: Interval) -> str:
    """Whether slopes are those of something that rises, or falls."""
    if slope.low >= 0:
        return "rising"
    return "falling" if slope.high <= 0 else ""


def pieces(line: Along, checking: Checking) -> Iterator[Piece]:
    """From left to right."""
    stack, used = [line.region.whole[line.place]], 0
    while stack:
        checking.clock.check()
        side, used = stack.pop(), used + 1
        require(used <= MOST_PIECES, "too many pieces")
        known = line.says(side)
        if known:
            yield Piece(known, *side)
            continue
        size = length(side)
        narrow = size is not None and size <= NARROWEST
        far = size is None and any(t is not None and abs(t) >= FARTHEST for t in side)
        require(not narrow and not far, "a piece of which nothing is known")
        at = middle(side)
        stack += [(at, side[1]), (side[0], at)]


def merged(row: Iterator[Piece]) -> list[Piece]:
    """Neighbours of one kind as one piece."""
    found: list[Piece] = []
    for piece in row:
        if found and found[-1].says == piece.says:
            piece = Piece(piece.says, found.pop().low, piece.high)
        found.append(piece)
    return found


def is_interval(line: Along, row: list[Piece]) -> bool:
    """Whether nothing that may be out lies between what may be in."""
    parts = [part for piece in row for part in parts_of(line, piece)]
    places = [k for k, part in enumerate(parts) if part == "in"]
    return not places or "out" not in parts[places[0] : places[-1]]


def parts_of(line: Along, piece: Piece) -> list[str]:
    """What may be in and out, from left to right; a part may be empty."""
    if piece.says in ("in", "out"):
        return [piece.says]
    low, high = line.sign(piece.low), line.sign(piece.high)
    if piece.says == "falling":
        low, high = high, low
    if high == "in":
        return ["in"]
    if low == "out":
        return ["out"]
    return ["in", "out"] if piece.says == "rising" else ["out", "in"]
