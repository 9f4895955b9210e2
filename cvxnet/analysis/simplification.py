"""Counterexamples with short numbers: round, drop entries, keep what still violates, verify."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from cvxnet.analysis.atoms import values_of
from cvxnet.analysis.spaces import Segment, Space
from cvxnet.analysis.witnesses import Counterexample, verify
from cvxnet.types import Array

GRIDS = (1.0, 2.0, 10.0, 100.0, 1000.0)
TRIALS = 160
SIGNS = {"convex": 1.0, "concave": -1.0}


def simplest(space: Space, found: Segment, refutes: str) -> Counterexample | None:
    """The verified counterexample with the shortest numbers that still violates."""
    for candidate in simplified(space, found, SIGNS[refutes]):
        verified = verify(space.question, candidate, refutes)
        if verified is not None:
            return verified
    return None


def simplified(space: Space, found: Segment, sign: float) -> Iterator[Segment]:
    """Candidates, simplest first; the last one is what was found."""
    for candidate in [*rounded(found), found]:
        candidate = clipped(space, candidate)
        if violates(space, candidate, sign):
            yield with_zeros(space, candidate, sign)
            yield candidate
            break
    yield found


def rounded(found: Segment) -> Iterator[Segment]:
    """The points on coarser grids, after scaling the whole picture to size one, two or itself."""
    parts = [*found.a.values(), *found.b.values()]
    largest = max((float(np.abs(v).max(initial=0.0)) for v in parts), default=0.0)
    for grid in GRIDS:
        for scale in (1.0, 2.0 / largest if largest > 0.0 else 1.0):
            yield replace(
                found,
                a={k: on_grid(v * scale, grid) for k, v in found.a.items()},
                b={k: on_grid(v * scale, grid) for k, v in found.b.items()},
                fixed={k: on_grid(v, grid) for k, v in found.fixed.items()},
            )


def on_grid(values: Array, grid: float) -> Array:
    """Rounded to multiples of 1/grid, without negative zeros."""
    return np.round(values * grid) / grid + 0.0


def clipped(space: Space, candidate: Segment) -> Segment:
    """The candidate inside the domains of its leaves."""

    def inside(values: Mapping[int, Array]) -> dict[int, Array]:
        return {k: np.asarray(space.domain(k).clip(v) + 0.0) for k, v in values.items()}

    return replace(
        candidate, a=inside(candidate.a), b=inside(candidate.b), fixed=inside(candidate.fixed)
    )


def violates(space: Space, candidate: Segment, sign: float) -> bool:
    """Whether the midpoint is clearly on the wrong side, in floating point."""
    ends = {k: (v, candidate.b[k], 0.5 * (v + candidate.b[k])) for k, v in candidate.a.items()}
    batch = {k: np.array(points) for k, points in ends.items()}
    batch |= {k: v[None] for k, v in candidate.fixed.items()}
    with np.errstate(all="ignore"):
        value = values_of(space.tape, batch)[-1]
    value = np.broadcast_to(value, (3, *value.shape[1:]))
    f_a, f_b, f_middle = (point[candidate.entry] for point in value)
    gap = sign * (f_middle - 0.5 * (f_a + f_b))
    return bool(np.isfinite(gap) and gap > 1e-9 * (abs(f_a) + abs(f_b) + abs(f_middle)))


def spoils_midpoint(candidate: Segment, key: int, place: tuple[int, ...]) -> bool:
    """Whether setting one end to zero would lose a midpoint that is a whole number."""
    a, b = float(candidate.a[key][place]), float(candidate.b[key][place])
    whole = ((a + b) / 2).is_integer()
    return whole and not ((b if a == 0.0 else a) / 2).is_integer() and a != 0.0 and b != 0.0


def with_zeros(space: Space, candidate: Segment, sign: float) -> Segment:
    """Set entries to zero while the violation stays; fewer attempts for big networks."""
    arcs = sum(map(len, space.tape.inputs))
    most = max(8, min(TRIALS, 100_000 // arcs, 10_000_000 // space.work))
    for part, key, place in islice(entries_of(candidate), most):
        if part == "fixed" or not spoils_midpoint(candidate, key, place):
            attempt = clipped(space, zeroed(candidate, part, key, place))
            if violates(space, attempt, sign):
                candidate = attempt
    return candidate


def entries_of(candidate: Segment) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Every entry that is not zero: the part, the leaf by its id, and the place in it."""
    for part in ("a", "b", "fixed"):
        for key, values in getattr(candidate, part).items():
            for place in np.argwhere(values != 0.0):
                yield part, key, tuple(place)


def zeroed(candidate: Segment, part: str, key: int, place: tuple[int, ...]) -> Segment:
    """The candidate with that entry set to zero."""
    values = dict(getattr(candidate, part))
    values[key] = np.array(values[key])
    values[key][place] = 0.0
    changed: Any = {part: values}
    return replace(candidate, **changed)
