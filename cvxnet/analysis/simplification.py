"""Counterexamples with short numbers: round, drop entries, keep what still violates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from cvxnet.analysis.atoms import values_of
from cvxnet.types import Array

GRIDS = (1.0, 2.0, 10.0, 100.0, 1000.0)
TRIALS = 160


def simplified(space: Any, found: Any, sign: float) -> Iterator[Any]:
    """Candidates, simplest first; the last one is what was found."""
    for candidate in [*rounded(found), found]:
        candidate = clipped(space, candidate)
        if violates(space, candidate, sign):
            yield with_zeros(space, candidate, sign)
            yield candidate
            break
    yield found


def rounded(found: Any) -> Iterator[Any]:
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


def clipped(space: Any, candidate: Any) -> Any:
    """The candidate inside the domains of its leaves."""

    def inside(values: dict[int, Array]) -> dict[int, Array]:
        return {k: np.asarray(space.domains[k].clip(v) + 0.0) for k, v in values.items()}

    return replace(
        candidate, a=inside(candidate.a), b=inside(candidate.b), fixed=inside(candidate.fixed)
    )


def violates(space: Any, candidate: Any, sign: float) -> bool:
    """Whether the midpoint is clearly on the wrong side, in floating point."""
    ends = {k: (v, candidate.b[k], 0.5 * (v + candidate.b[k])) for k, v in candidate.a.items()}
    batch = {k: np.array(points) for k, points in ends.items()}
    batch |= {k: v[None] for k, v in candidate.fixed.items()}
    with np.errstate(all="ignore"):
        value = values_of(space.tape, batch)[-1]
    value = np.broadcast_to(value, (3, *value.shape[1:]))
    f_a, f_b, f_middle = value[(slice(None), *candidate.entry)]
    gap = sign * (f_middle - 0.5 * (f_a + f_b))
    return bool(np.isfinite(gap) and gap > 1e-9 * (abs(f_a) + abs(f_b) + abs(f_middle)))


def spoils_midpoint(candidate: Any, key: int, place: tuple[int, ...]) -> bool:
    """Whether setting one end to zero would lose a midpoint that is a whole number."""
    a, b = float(candidate.a[key][place]), float(candidate.b[key][place])
    whole = ((a + b) / 2).is_integer()
    return whole and not ((b if a == 0.0 else a) / 2).is_integer() and a != 0.0 and b != 0.0


def with_zeros(space: Any, candidate: Any, sign: float) -> Any:
    """Set entries to zero while the violation stays; fewer attempts for big networks."""
    arcs = sum(map(len, space.tape.inputs))
    trials, most = 0, max(8, min(TRIALS, 100_000 // arcs, 10_000_000 // space.work))
    for part in ("a", "b", "fixed"):
        for key, values in getattr(candidate, part).items():
            for place in np.argwhere(values != 0.0):
                if trials >= most:
                    return candidate
                trials += 1
                changed = np.array(values)
                changed[tuple(place)] = 0.0
                if part != "fixed" and spoils_midpoint(candidate, key, tuple(place)):
                    continue
                attempt = replace(candidate, **{part: {**getattr(candidate, part), key: changed}})
                attempt = clipped(space, attempt)
                if violates(space, attempt, sign):
                    candidate, values = attempt, getattr(attempt, part)[key]
    return candidate
