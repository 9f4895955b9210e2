"""Convex on boxes: the Hessian is enclosed on each and found positive semidefinite.

The second derivatives of the expression are enclosed on a box (`jets`), which is halved where that
does not tell, until everything is proved or a number of boxes is used up. Boxes on which some
constraint certainly fails hold no point of the domain. (Adjiman, Dallwig, Floudas and Neumaier, A
global optimization method, alpha-BB, for general twice-differentiable constrained NLPs I,
Computers and Chemical Engineering 22, 1998.)

Coordinates that no second derivative couples are proved one block after the other, each on boxes
of the coordinates only that its derivatives depend on. Where something has one value that is not
known (a parameter), that is a coordinate, too, in which nothing is asked.

Of a block, ``sum_k c_k a_k a_k' + sum_ij h_ij (e_i e_j' + e_j e_i')`` with intervals c_k, h_ij, is
positive semidefinite for all numbers in them if it is for the lower ends of c_k and the midpoints
of h_ij, with ``sum_j r_ij d_j / d_i`` taken off the i-th entry of the diagonal, where r are the
radii and d > 0 is anything: a matrix of entries at most r_ij has no more than that, by Gershgorin's
theorem for its rows and columns scaled by d.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from operator import mul
from typing import Any, NamedTuple, TypeAlias

from flint import ctx, fmpq

from ...arrays import Array, broadcast, common_shape, require
from ...document import RefusalError
from ...dual import Clock
from ...semidefinite import eliminates
from ...witness import read_options
from ..calculus.intervals import middle
from ..statement import Checking, Proof, Statement
from .atoms import evaluate
from .enclosures import ONE, Interval, NowhereError, is_moderate
from .jets import Jet, Line, Pair, as_jet

Side: TypeAlias = tuple[fmpq | None, fmpq | None]
"""From where to where a coordinate goes; None is infinite."""
Box: TypeAlias = tuple[Side, ...]

BITS = 128  # of the ends of intervals
MOST_BOXES, FEWEST_BOXES = 3000, 100
MOST_WORK = 600_000  # boxes * entries of nodes * coordinates
MOST_COORDINATES = 400
NARROWEST = fmpq(1, 2**60)
FARTHEST = 2**10
POWER_STEPS = 20
MOST_FLOAT = 1e150
OVERLAP = fmpq(1, 1024)


class Block(NamedTuple):
    """Coordinates that second derivatives couple, with those derivatives.

    ``inputs``: on what they depend, bit by bit.
    """

    places: tuple[int, ...]
    lines: Mapping[Line, Interval]
    pairs: Mapping[Pair, Interval]
    inputs: int


@dataclass(frozen=True)
class Region:
    """An expression in second-order arithmetic, on boxes of its domain."""

    statement: Statement

    @cached_property
    def nodes(self) -> list[int]:
        """The places that the root needs, in order."""
        return self.below([self.statement.root])

    @cached_property
    def limits(self) -> list[Mapping[str, Any]]:
        """The constraints that may exclude a box."""
        return [c for c in self.statement.constraints if c["kind"] in EXCLUDING]

    @cached_property
    def sides(self) -> list[int]:
        """The places that the constraints need, in order."""
        return self.below([k for limit in self.limits for k in limit["args"]])

    def below(self, roots: list[int]) -> list[int]:
        """These places and all that they are made of."""
        found, stack = set[int](), list(roots)
        while stack:
            place = stack.pop()
            if place not in found:
                found.add(place)
                stack += self.statement.nodes[place].get("args", ())
        return sorted(found)

    @cached_property
    def coordinates(self) -> list[tuple[int, int]]:
        """Place and position of every entry of a leaf."""
        nodes = self.statement.nodes
        leaves = [k for k, node in enumerate(nodes) if node["atom"] == "leaf"]
        found = [(k, i) for k in leaves for i in range(len(nodes[k]["low"]))]
        require(len(found) <= MOST_COORDINATES, "too many entries for boxes")
        return found

    @cached_property
    def whole(self) -> Box:
        """The box around the domain."""
        bounds = {place: self.statement.bounds(place) for place, _ in self.coordinates}
        return tuple(bounds[place][i] for place, i in self.coordinates)

    @cached_property
    def most_boxes(self) -> int:
        """Fewer of them where each takes longer."""
        entries = sum(prod(self.statement.nodes[k]["shape"]) for k in self.nodes)
        work = entries * max(1, len(self.coordinates))
        return max(FEWEST_BOXES, min(MOST_BOXES, MOST_WORK // max(1, work)))

    @cached_property
    def moving(self) -> set[int]:
        """The places that are made of unknowns."""
        found = set(self.statement.unknowns)
        for place, node in enumerate(self.statement.nodes):
            if any(k in found for k in node.get("args", ())):
                found.add(place)
        return found

    @cached_property
    def constants(self) -> dict[int, Array]:
        """The constants as numbers of this arithmetic."""
        return {
            place: Array(array.shape, [as_jet(t) for t in array.entries])
            for place, array in self.statement.constants.items()
        }

    @cached_property
    def options(self) -> dict[int, dict[str, Any]]:
        """The options of the atoms."""
        nodes = self.statement.nodes
        places = [k for k in {*self.nodes, *self.sides} if "options" in nodes[k]]
        return {k: read_options(nodes[k]["options"]) for k in places}

    def values(self, box: Box, places: list[int], moves: bool = True) -> dict[int, Array]:
        """The jets of all entries of these nodes on a box; values alone where nothing moves."""
        found = self.constants | self.leaves(box, self.statement.unknowns if moves else ())
        for place in places:
            if place not in found:
                node = self.statement.nodes[place]
                arguments = [found[k] for k in node["args"]]
                coupled = all(k in self.moving for k in node["args"])
                found[place] = evaluate(node, arguments, self.options[place], coupled)
        return found

    def leaves(self, box: Box, unknowns: Collection[int]) -> dict[int, Array]:
        """The jets of the leaves: unknowns move, all else has some value in its range."""
        entries: dict[int, list[Jet]] = {}
        for k, ((place, _), (low, high)) in enumerate(zip(self.coordinates, box, strict=True)):
            value = Interval.between(low, high, 1 << k)
            moves = place in unknowns
            entries.setdefault(place, []).append(Jet(value, {k: ONE}) if moves else Jet(value))
        shapes = {k: tuple(self.statement.nodes[k]["shape"]) for k in entries}
        require(all(len(row) == prod(shapes[k]) for k, row in entries.items()), "a broken leaf")
        return {k: Array(shapes[k], row) for k, row in entries.items()}

    def enlarged(self, box: Box) -> Box:
        """A little more of the domain: the parts of a cut overlap, so kinks lie inside of some."""
        return tuple(map(reaching, box, self.whole))

    def jet(self, box: Box, entry: int) -> Jet:
        """The root's entry on a box, mirrored if it is to be concave."""
        values = self.values(self.enlarged(box), self.nodes)
        found = as_jet(values[self.statement.root].entries[entry])
        return -found if self.statement.goal == "concave" else found

    def excluded(self, box: Box) -> bool:
        """Whether some constraint certainly fails on a box; no derivatives are asked for."""
        if not self.limits:
            return False
        try:
            values = self.values(self.enlarged(box), self.sides, moves=False)
        except RefusalError:
            return False
        return any(fails(limit, values) for limit in self.limits)


def reaching(side: Side, whole: Side) -> Side:
    """A side beyond its ends, as far as the whole goes."""
    size = length(side)
    more = (fmpq(1) if size is None else size) * OVERLAP
    low, high = side
    least, most = whole
    below = None if low is None else low - more
    above = None if high is None else high + more
    return (
        below if least is None or below is None else max(below, least),
        above if most is None or above is None else min(above, most),
    )


def fails(limit: Mapping[str, Any], values: Mapping[int, Array]) -> bool:
    """Whether a constraint certainly fails where its arguments have these values."""
    arrays = [values[k] for k in limit["args"]]
    shape = common_shape(array.shape for array in arrays)
    full = [[as_jet(t).value for t in broadcast(array, shape).entries] for array in arrays]
    return any(EXCLUDING[limit["kind"]](*row) for row in zip(*full, strict=True))


EXCLUDING: dict[str, Callable[..., bool]] = {
    "Inequality": lambda s, t: bool(s.low > t.high),
    "Equality": lambda s, t: bool(s.low > t.high or t.low > s.high),
    "Zero": lambda s: not s.mixed,
    "NonNeg": lambda s: bool(s.high < 0),
    "NonPos": lambda s: bool(s.low > 0),
}


def by_boxes(statement: Statement, proof: Proof, checking: Checking) -> None:
    """Second derivatives of one sign on boxes that cover the domain."""
    require(statement.goal in ("convex", "concave"), "boxes prove only convex and concave")
    region = Region(statement)
    with ctx.workprec(BITS):
        for entry in statement.entries:
            for _ in unproved(region, entry, checking.clock):
                raise RefusalError("a box on which the curvature is not certain")


def unproved(region: Region, entry: int, clock: Clock) -> Iterator[tuple[Box, Jet]]:
    """The boxes on which an entry could not be proved; where that ends, it is proved."""
    try:
        whole = region.jet(region.whole, entry)
    except NowhereError:
        return
    for block in blocks(whole):
        yield from cover(region, entry, block, clock)


def cover(region: Region, entry: int, block: Block, clock: Clock) -> Iterator[tuple[Box, Jet]]:
    """Halve boxes until the block is positive semidefinite on each of them."""
    stack, used = [region.whole], 0
    while stack:
        clock.check()
        box, used = stack.pop(), used + 1
        if region.excluded(box):
            continue
        try:
            jet = region.jet(box, entry)
        except NowhereError:
            continue
        part = restricted(jet, block.places)
        if not jet.down and is_apart(jet, block.places) and is_psd(part):
            continue
        side = widest(box, part) if part.inputs else widest(box, block)
        if side is None or used > region.most_boxes:
            yield box, jet
        else:
            stack += halves(box, side)


def blocks(jet: Jet) -> list[Block]:
    """The coordinates that second derivatives couple, block by block."""
    groups: list[set[int]] = []
    couplings = [{k for k, _ in line} for line in jet.lines] + [set(pair) for pair in jet.pairs]
    for places in couplings:
        apart = [group for group in groups if not group & places]
        joined = set.union(places, *(group for group in groups if group & places))
        groups = [*apart, joined]
    if jet.down and not groups:
        groups = [set()]  # nothing is asked but that no kink points downward
    return [restricted(jet, tuple(sorted(group))) for group in groups]


def restricted(jet: Jet, places: tuple[int, ...]) -> Block:
    """The second derivatives in some coordinates."""
    among = set(places)
    lines = {line: value for line, value in jet.lines.items() if among & {k for k, _ in line}}
    pairs = {pair: value for pair, value in jet.pairs.items() if among >= set(pair)}
    inputs = jet.value.inputs if jet.down else 0
    for value in (*lines.values(), *pairs.values()):
        inputs |= value.inputs
    return Block(places, lines, pairs, inputs)


def is_apart(jet: Jet, places: tuple[int, ...]) -> bool:
    """Whether no second derivative couples these coordinates with others."""
    among = set(places)
    return all(among.isdisjoint(pair) or among >= set(pair) for pair in jet.pairs)


def widest(box: Box, block: Block) -> int | None:
    """The side to cut: the one whose derivatives vary most; None if there is nothing to cut."""
    sides = coordinates(block.inputs)
    lengths = {k: length(box[k]) for k in sides}
    if any(size is None and is_far(box[k]) for k, size in lengths.items()):
        return None
    long = []
    for k, size in lengths.items():
        if size is None:
            return k
        if size > NARROWEST:
            long.append(k)
    losses = looseness(block) if len(long) > 1 else {}
    return max(long, key=lambda k: (losses.get(k, 0.0), lengths[k]), default=None)


def coordinates(inputs: int) -> list[int]:
    """The coordinates that ``inputs`` names bit by bit."""
    return [k for k in range(inputs.bit_length()) if inputs >> k & 1]


def looseness(block: Block) -> dict[int, float]:
    """For each coordinate how much its part in the enclosure costs in the worst direction."""
    if not are_moderate([*block.lines.values(), *block.pairs.values()]):
        return {}
    direction = worst_direction(block)
    weighted = [
        (value, sum(float(t) * direction[k] for k, t in line) ** 2)
        for line, value in block.lines.items()
        if direction.keys() >= {k for k, _ in line}
    ]
    weighted += [(v, 2 * abs(direction[i] * direction[j])) for (i, j), v in block.pairs.items()]
    losses: dict[int, float] = {}
    for value, weight in weighted:
        width = float((value.high - value.low).mid()) * weight
        for side in coordinates(value.inputs):
            losses[side] = losses.get(side, 0.0) + width
    return losses


def worst_direction(block: Block) -> dict[int, float]:
    """About the eigenvector of the smallest eigenvalue of the lowest matrix, by power steps."""
    matrix = [[as_float(t) for t in row] for row in lowest(block)]
    most = max((sum(map(abs, row)) for row in matrix), default=0.0)
    vector = [1.0 + 0.1 * i for i in range(len(matrix))]
    for _ in range(POWER_STEPS):
        image = [
            most * t - sum(map(mul, row, vector)) for t, row in zip(vector, matrix, strict=True)
        ]
        size = max(map(abs, image), default=0.0) or 1.0
        vector = [t / size for t in image]
    return dict(zip(block.places, vector, strict=True))


def as_float(value: fmpq) -> float:
    """About this number; of those that are too large, the largest double."""
    try:
        return int(value.p) / int(value.q)
    except OverflowError:
        return MOST_FLOAT if value > 0 else -MOST_FLOAT


def is_far(side: Side) -> bool:
    """Whether an infinite side begins so far out that cutting it will hardly help."""
    return any(end is not None and abs(end) >= FARTHEST for end in side)


def length(side: Side) -> fmpq | None:
    """The length; None if infinite."""
    low, high = side
    return None if low is None or high is None else high - low


def halves(box: Box, side: int) -> list[Box]:
    """Both parts of a box."""
    low, high = box[side]
    at = middle(box[side])
    return [(*box[:side], part, *box[side + 1 :]) for part in ((low, at), (at, high))]


def is_psd(block: Block) -> bool:
    """Whether all matrices in the enclosure are positive semidefinite."""
    ends = [value.low for value in block.lines.values()]
    if not block.pairs and all(end >= 0 for end in ends):
        return True
    if not (all(map(is_moderate, ends)) and are_moderate(block.pairs.values())):
        return False
    if not {k for line in block.lines for k, _ in line} <= set(block.places):
        return False
    return eliminates(lowest(block))


def are_moderate(values: Iterable[Interval]) -> bool:
    """Whether no end is infinite or too large to calculate with."""
    return all(is_moderate(end) for value in values for end in (value.low, value.high))


def lowest(block: Block) -> list[list[fmpq]]:
    """A matrix below all of the enclosure."""
    at = {place: i for i, place in enumerate(block.places)}
    matrix = [[fmpq(0)] * len(at) for _ in at]
    for line, value in block.lines.items():
        low = value.low.fmpq()
        for k, s in line:
            for j, t in line:
                matrix[at[k]][at[j]] += low * s * t
    scale = [scale_of(matrix[i][i]) for i in range(len(matrix))]
    for (k, j), value in block.pairs.items():
        one, two = at[k], at[j]
        low, high = value.low.fmpq(), value.high.fmpq()
        center, radius = (low + high) / 2, (high - low) / 2
        matrix[one][two] += center
        matrix[two][one] += center
        matrix[one][one] -= radius * scale[two] / scale[one]
        matrix[two][two] -= radius * scale[one] / scale[two]
    return matrix


def scale_of(diagonal: fmpq) -> fmpq:
    """About one over the root of an entry of the diagonal, a power of two."""
    if diagonal <= 0:
        return fmpq(1)
    exponent = (int(diagonal.q).bit_length() - int(diagonal.p).bit_length()) // 2
    return fmpq(2) ** exponent
