"""Second derivatives on boxes: a proof where they have one sign, a candidate where they do not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from flint import ctx, fmpq

from cvxnet.analysis.derivation import Derived
from cvxnet.analysis.documents import tape_of
from cvxnet.analysis.evidence import Finding, Proof, statement_of
from cvxnet.analysis.questions import Question
from cvxnet.analysis.spaces import Segment
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity.boxes.boxes import BITS, Box, Region, unproved
from cvxnet.proofs.checker.convexity.boxes.jets import Jet
from cvxnet.proofs.checker.dual import Clock
from cvxnet.types import Array

SECONDS = 10.0
POINTS = 40
"""At which the second derivatives are looked at, first of all."""
MOST_COORDINATES = 30
STEPS = (1.0, 0.1, 1e-3)
"""Half lengths of segments, relative to the size of the point."""
REASON = "second derivatives enclosed on boxes"


def prove_by_boxes(asked: Derived, goal: str) -> Iterator[Finding]:
    """A proof, or segments along which a second derivative has the wrong sign."""
    region = Region(statement_of(asked.question, goal))
    try:
        with ctx.workprec(BITS):
            count = len(region.whole)
            if 0 < count <= MOST_COORDINATES:
                yield from explored(region, asked)
    except RefusalError:
        return


def explored(region: Region, asked: Derived) -> Iterator[Finding]:
    """Where points do not tell, boxes may."""
    entries, clock = region.statement.entries, asked.clock(SECONDS)
    found = [segment for entry in entries for segment in refuting(region, asked.question, entry)]
    yield from found
    if not found and not any(True for entry in entries for _ in first_gap(region, entry, clock)):
        yield Proof(REASON, {"kind": "boxes"})


def first_gap(region: Region, entry: int, clock: Clock) -> Iterator[tuple[Box, Jet]]:
    """The first box that is not proved, if there is one."""
    return islice(unproved(region, entry, clock), 1)


def refuting(region: Region, question: Question, entry: int) -> Iterator[Segment]:
    """Segments through points where the Hessian has a negative eigenvalue, the worst first."""
    found = []
    for point in points_of(region.whole):
        box = tuple((fmpq(*t.as_integer_ratio()),) * 2 for t in point.tolist())
        try:
            jet = region.jet(box, entry)
        except RefusalError:
            continue
        least, direction = lowest_curvature(jet, len(point))
        if least < 0.0 and not region.excluded(box):
            found.append((least, point, direction))
    for _, point, direction in sorted(found, key=lambda row: row[0])[:2]:
        for step in STEPS:
            length = step * max(1.0, float(np.abs(point).max()))
            yield segment(region, question, entry, (point, direction * length))


def points_of(whole: Box) -> list[Array]:
    """Points of a box, of many sizes where it is infinite."""
    rng = np.random.default_rng(0)
    low, high = limits_of(whole)
    far = rng.normal(size=(POINTS, len(whole))) * 10.0 ** rng.uniform(-2.0, 1.5, (POINTS, 1))
    inside = rng.uniform(size=far.shape)
    with np.errstate(all="ignore"):
        reached = np.where(np.isfinite(low), low + np.abs(far), far)
        reached = np.where(np.isfinite(high), high - np.abs(far), reached)
        between = np.isfinite(high - low)
        return list(np.where(between, low + inside * (high - low), reached))


def limits_of(whole: Box) -> tuple[Array, Array]:
    """The lower and the upper ends of a box."""
    low = [-np.inf if side[0] is None else as_float(side[0]) for side in whole]
    high = [np.inf if side[1] is None else as_float(side[1]) for side in whole]
    return np.array(low), np.array(high)


def as_float(value: fmpq) -> float:
    """The nearest double."""
    return int(value.p) / int(value.q)


def lowest_curvature(jet: Jet, count: int) -> tuple[float, Array]:
    """The smallest eigenvalue of the Hessian at a point, about, and its direction."""
    hessian = np.zeros((count, count))
    for line, value in jet.lines.items():
        a = np.zeros(count)
        a[[k for k, _ in line]] = [as_float(t) for _, t in line]
        hessian += middle(value) * np.outer(a, a)
    for (i, j), value in jet.pairs.items():
        hessian[[i, j], [j, i]] += middle(value)
    if not np.isfinite(hessian).all():
        return 0.0, np.zeros(count)
    values, vectors = np.linalg.eigh(hessian)
    scale = float(np.abs(values).max())
    return (float(values[0]) if values[0] < -1e-9 * scale else 0.0), vectors[:, 0]


def middle(value: Any) -> float:
    """The middle of an interval."""
    return float(value.low.mid()) / 2 + float(value.high.mid()) / 2


def segment(region: Region, question: Question, entry: int, ray: tuple[Array, Array]) -> Segment:
    """From one side of a point to the other, as far as both sides lie in the box."""
    point, step = ray
    low, high = limits_of(region.whole)
    room = np.minimum(point - low, high - point)
    with np.errstate(all="ignore"):
        share = np.where(step != 0.0, room / np.abs(step), np.inf).min()
    step = step * min(1.0, float(share))
    ends = [leaf_values(region, question, p) for p in (point - step, point + step)]
    shape = region.statement.shape
    where = tuple(int(i) for i in np.unravel_index(entry, shape)) if shape else ()
    return Segment(ends[0][0], ends[1][0], ends[0][1], where, "boxes")


def leaf_values(
    region: Region, question: Question, point: Array
) -> tuple[dict[int, Array], dict[int, Array]]:
    """A point as values of the unknowns and of all else, by the id of the leaf."""
    tape, nodes = tape_of(question), region.statement.nodes
    unknown: dict[int, Array] = {}
    fixed: dict[int, Array] = {}
    for place in sorted({place for place, _ in region.coordinates}):
        rows = [k for k, (at, _) in enumerate(region.coordinates) if at == place]
        part = unknown if place in region.statement.unknowns else fixed
        part[id(tape.nodes[place])] = point[rows].reshape(nodes[place]["shape"])
    return unknown, fixed
