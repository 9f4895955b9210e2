"""The search for counterexamples: small whole numbers first, then lines, kinks and curvature.

Everything here is plain floating point and proves nothing; `witnesses.verify` has the last word.
What the checker could not evaluate is not searched at all (`Space.searchable`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, TypeAlias

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from cvxnet.analysis.atoms import kinks_of
from cvxnet.analysis.forms import normal_forms
from cvxnet.analysis.questions import Question
from cvxnet.analysis.simplification import SIGNS, simplest
from cvxnet.analysis.spaces import Batch, Segment, Space, violations
from cvxnet.analysis.tape import Tape, dense
from cvxnet.analysis.witnesses import Counterexample, verify
from cvxnet.functions.arithmetic import Undecided
from cvxnet.types import Array

RELATIVE = 1e-9
MOST_CANDIDATES = 12
MOST_KINKED = 12
Stage: TypeAlias = Callable[[Space, float, int], Iterator[Segment]]
"""Candidates from a space, for a sign (1 against convexity, -1 against concavity) and an effort."""


@np.errstate(all="ignore")
def find_infeasible_midpoint(question: Question) -> Counterexample | None:
    """Two points that satisfy the constraints whose midpoint certainly breaks one."""
    question = replace(question, expression=cp.Constant(0.0))
    space = Space(question, question.tape())
    if not space.searchable or not space.limits.nodes:
        return None
    count = budget(space, 1500)
    draws = (space.draw(count, True), space.powers(count // 3), space.draw(count // 3, False))
    points = np.concatenate(draws)
    free = {k: v[:1] for k, v in space.draw_free(1, True).items()}
    points = on_finite_sets(space, points)
    feasible = points[space.inside(points) & (space.excess(points, free) <= 0.0)]
    if len(feasible) < 2:
        return None
    pairs = space.rng.integers(0, len(feasible), (2, 2 * count))
    a, b = feasible[pairs[0]], feasible[pairs[1]]
    bad = space.excess(0.5 * (a + b), free) > RELATIVE
    cost = np.abs(a).sum(1) + np.abs(b).sum(1)
    batch = Batch(a, b, free)
    for row in sorted(np.flatnonzero(bad).tolist(), key=lambda r: float(cost[r]))[:5]:
        found = verify(question, space.segment(batch, row, 0, ""), "set")
        if found is not None:
            return found
    return None


def on_finite_sets(space: Space, points: Array) -> Array:
    """Entries that are in finite sets, moved onto them: to the nearest value, or to any."""
    points = points.copy()
    for constraint in space.question.constraints:
        if type(constraint) is not cp.FiniteSet:
            continue
        values = np.unique(dense(constraint.args[1].value))
        for column in columns_of(constraint.args[0], tuple(space.unknowns)):
            nearest = np.abs(points[:, column, None] - values).argmin(axis=1)
            anywhere = space.rng.integers(len(values), size=len(points))
            points[:, column] = values[
                np.where(space.rng.random(len(points)) < 0.7, nearest, anywhere)
            ]
    return space.clipped(points)


def columns_of(expression: Any, unknowns: tuple[Any, ...]) -> list[int]:
    """Which entries of the unknowns an expression consists of, in any order; none for others."""
    try:
        forms = np.ravel(normal_forms(Tape([expression]), unknowns))
    except Undecided:
        return []
    lines = [form.linear for form in forms if form.affine and form.constant == 0]
    return [k for line in lines for k, slope in line.items() if len(line) == 1 and slope == 1]


def budget(space: Space, wish: int) -> int:
    """How many points to spend: fewer for big networks."""
    return int(max(24, min(wish, 3e8 / max(space.work, 1) / 8)))


def best_first(gaps: Array, cost: Array | None = None, most: int = 3) -> Iterator[tuple[int, int]]:
    """(row, entry) of the best violations."""
    gaps = np.where(np.isfinite(gaps), gaps, -np.inf)
    rows = gaps.max(axis=1)
    good = np.flatnonzero(rows > RELATIVE)
    key = -rows[good] if cost is None else cost[good] - 1e-3 * rows[good]
    for row in good[np.argsort(key, kind="stable")][:most]:
        yield int(row), int(gaps[row].argmax())


def try_whole_numbers(space: Space, sign: float, effort: int) -> Iterator[Segment]:
    """Sparse points with entries in -2..2: what a student can compute by hand."""
    count = budget(space, 1500 * effort)
    a, b = space.draw(count, True), space.draw(count, True)
    swap = space.rng.random(count) < 0.3
    a, b = with_swaps(space, a, b, swap)
    batch = Batch(a, b, space.draw_free(count, True))
    cost = np.abs(a).sum(1) + np.abs(b).sum(1) + (a != 0).sum(1) + (b != 0).sum(1)
    cost = cost + 3.0 * ((a + b) % 2.0 != 0.0).sum(1)  # a midpoint in whole numbers is nicer
    for value in batch.free.values():
        cost = cost + np.abs(value).reshape(count, -1).sum(1)
    for row, entry in best_first(space.gaps(batch, sign), cost):
        yield space.segment(batch, row, entry, "small whole numbers")


def with_swaps(space: Space, a: Array, b: Array, chosen: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Let b be a rearranged, mirrored or rescaled: the symmetries of networks."""
    b = b.copy()
    rows = np.flatnonzero(chosen)
    b[rows] = a[rows][:, space.rng.permutation(space.size)]
    mirrored = rows[::3]
    b[mirrored] = -a[mirrored]
    return a, space.clipped(b)


def try_mirrors(space: Space, sign: float, effort: int) -> Iterator[Segment]:
    """Segments through the origin, of all sizes: there every unit without a bias has its kink."""
    count = budget(space, 400 * effort)
    sizes = 10.0 ** space.rng.uniform(-4.0, 0.5, (count, 1))
    a = space.clipped(space.rng.normal(size=(count, space.size)) * sizes)
    batch = Batch(a, space.clipped(-a), space.draw_free(count, False))
    for row, entry in best_first(space.gaps(batch, sign)):
        yield space.segment(batch, row, entry, "a segment through the origin")


def try_lines(space: Space, sign: float, effort: int) -> Iterator[Segment]:
    """Second differences of all strides along random lines."""
    steps = 33
    count = budget(space, 160 * effort * steps) // steps + 1
    for scale in (1.0, 0.05):
        a = space.draw(count, False)
        b = space.clipped(a + scale * (space.draw(count, False) - a))
        free = space.draw_free(count, False)
        shares = np.linspace(0.0, 1.0, steps)[None, :, None]
        lines = a[:, None] * (1 - shares) + b[:, None] * shares
        repeated = {k: np.repeat(v, steps, axis=0) for k, v in free.items()}
        f = space.f(lines.reshape(-1, space.size), repeated).reshape(count, steps, -1)
        for stride in (16, 8, 4, 2, 1):
            found = best_on_lines(f, stride, sign)
            if found is not None:
                row, place, entry = found
                ends = lines[row : row + 1, place], lines[row : row + 1, place + 2 * stride]
                batch = Batch(*ends, {k: v[row : row + 1] for k, v in free.items()})
                yield space.segment(batch, 0, entry, "second differences on lines")


def best_on_lines(f: Array, stride: int, sign: float) -> tuple[int, int, int] | None:
    """The line, the place on it and the output entry of the worst second difference, or None."""
    left, middle, right = f[:, : -2 * stride], f[:, stride:-stride], f[:, 2 * stride :]
    gaps = violations(left, middle, right, sign)
    flat = np.where(np.isfinite(gaps), gaps, -np.inf)
    row, place, entry = (int(i) for i in np.unravel_index(int(flat.argmax()), flat.shape))
    return (row, place, entry) if flat[row, place, entry] > RELATIVE else None


def try_kinks(space: Space, sign: float, effort: int) -> Iterator[Segment]:
    """Short segments across every kink that some lines meet: one wrong weight shows only there."""
    nodes = [k for k, n in enumerate(space.tape.nodes) if kinks_of(n) is not None]
    if not nodes:
        return
    nodes = sorted(space.rng.permutation(nodes)[:MOST_KINKED].tolist())
    steps, count = 33, budget(space, 40 * effort * 33) // 33 + 1
    a, b = space.draw(count, False), space.draw(count, False)
    free = space.draw_free(count, False)
    shares = np.linspace(0.0, 1.0, steps)

    def gates(t: Array, rows: NDArray[np.intp]) -> list[Array]:
        points = a[rows] * (1 - t[:, None]) + b[rows] * t[:, None]
        values = space.values(points, {k: v[rows] for k, v in free.items()})
        return [gate(space.tape, k, values, len(rows)) for k in nodes]

    def one_gate(which: int, row: Any, unit: Any) -> Callable[[Array], Array]:
        return lambda t: gates(t, row)[which][np.arange(len(row)), unit]

    rows = np.repeat(np.arange(count), steps)
    for which, on_grid in enumerate(gates(np.tile(shares, count), rows)):
        grid = on_grid.reshape(count, steps, -1)
        found = np.argwhere(np.sign(grid[:, :-1]) * np.sign(grid[:, 1:]) < 0)
        if not len(found):
            continue
        picks = found[space.rng.permutation(len(found))[: budget(space, 600 * effort)]]
        row, place, unit = picks.T
        at = bisect(one_gate(which, row, unit), shares[place], shares[place + 1])
        for width in (1e-3, 1e-6):
            left = a[row] * (1 - at + width)[:, None] + b[row] * (at - width)[:, None]
            right = a[row] * (1 - at - width)[:, None] + b[row] * (at + width)[:, None]
            picked = {k: v[row] for k, v in free.items()}
            batch = Batch(space.clipped(left), space.clipped(right), picked)
            for best, entry in best_first(space.gaps(batch, sign), most=2):
                yield space.segment(batch, best, entry, "a kink of one unit")


def gate(tape: Tape, place: int, values: list[Array], count: int) -> Array:
    """What changes sign at the node's kinks, one column a unit."""
    node, kinks = tape.nodes[place], kinks_of(tape.nodes[place])
    value = np.zeros(()) if kinks is None else kinks(node, [values[k] for k in tape.inputs[place]])
    return np.broadcast_to(value, (count, *value.shape[1:])).reshape(count, -1)


def bisect(function: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """The sign changes between ``low`` and ``high``, by regula falsi with bisection."""
    at_low, at_high = function(low), function(high)
    for step in range(12):
        with np.errstate(all="ignore"):
            guess = low - at_low * (high - low) / (at_high - at_low)
        middle = 0.5 * (low + high)
        guess = middle if step % 3 == 2 else np.where(np.isfinite(guess), guess, middle)
        value = function(guess)
        left = np.sign(value) == np.sign(at_low)
        low, at_low = np.where(left, guess, low), np.where(left, value, at_low)
        high, at_high = np.where(left, high, guess), np.where(left, at_high, value)
    return 0.5 * (low + high)


def try_curvature(space: Space, sign: float, effort: int) -> Iterator[Segment]:
    """Eigenvectors of finite-difference Hessians whose eigenvalue has the wrong sign."""
    n = space.size
    if n > 60 or budget(space, n * n) < n * n:
        return
    for _ in range(6 * effort):
        base = space.draw(1, False)
        free = space.draw_free(1, False)
        width = 1e-3 * (1.0 + np.abs(base).max())
        for entry, hessian in enumerate(hessians(space, base, free, width)[:3]):
            if not np.isfinite(hessian).all():
                continue
            _, vectors = np.linalg.eigh(sign * hessian)
            for size in (width, 30 * width, 1000 * width):
                a = space.clipped(base - size * vectors[:, 0])
                b = space.clipped(base + size * vectors[:, 0])
                batch = Batch(a, b, free)
                if space.gaps(batch, sign)[0, entry] > RELATIVE:
                    yield space.segment(batch, 0, entry, "a direction of wrong curvature")


def hessians(space: Space, base: Array, free: dict[int, Array], width: float) -> Array:
    """One finite-difference Hessian for each output entry."""
    n = space.size
    steps = width * np.eye(n)
    pairs = (base + steps[:, None] + steps[None, :]).reshape(-1, n)
    f_pairs = space.f(pairs, free).reshape(n, n, -1)
    f_one = space.f(base + steps, free)
    f_zero = space.f(base, free)
    second = f_pairs - f_one[:, None] - f_one[None, :] + f_zero[None]
    matrix = second.transpose(2, 0, 1) / width**2
    return 0.5 * (matrix + matrix.transpose(0, 2, 1))


STAGES: tuple[Stage, ...] = (
    try_whole_numbers,
    try_mirrors,
    try_lines,
    try_kinks,
    try_curvature,
)


@np.errstate(all="ignore")
def find_counterexample(
    space: Space, refutes: str, effort: int = 1, stages: tuple[Stage, ...] = STAGES
) -> Counterexample | None:
    """A verified counterexample, or None where the search found none."""
    if not space.searchable:
        return None
    sign = SIGNS[refutes]
    candidates = (segment for stage in stages for segment in stage(space, sign, effort))
    for segment in islice(candidates, MOST_CANDIDATES):
        found = simplest(space, segment, refutes)
        if found is not None:
            return found
    return None
