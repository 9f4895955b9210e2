"""Exact pricing of units that are steps: over all dichotomies that hyperplanes make of the data.

The function to maximise over all ``u`` in ``R^r``, for s = +1 and for s = -1, is

    s g(u) = s (constant + sum_k plus_k [e_k.u > 0] + minus_k [e_k.u < 0] + on_k [e_k.u = 0]),

with ``c = (plus - minus) / 2`` and ``d = on - (plus + minus) / 2`` a constant plus ``side_k c_k``
for each hyperplane k, plus ``d_k`` for those that u lies on. Where a unit on hyperplanes does what
some unit off them does, or the mean of two, only cells count, which is d = 0.

Up to rank 3, and beyond where the hyperplanes are few, all faces are looked at. Elsewhere a local
search finds good cells, and branch and bound proves how good they are: within rounding where it
ends in time, which in general position it does up to rank 5 or 6 at some hundred hyperplanes.

Rounding: the sums err by less than ``error``; which faces there are is decided in integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cvxnet.training.branching import bound_sums
from cvxnet.training.circle_search import search_circles
from cvxnet.training.dichotomies import Batch, Dichotomies, Signs, sides_at, sign_of
from cvxnet.training.hyperplanes import Hyperplanes
from cvxnet.training.step_faces import best_face, middle_of_cell, point_on_face
from cvxnet.training.sweep import LocalMaxima

Array = NDArray[np.float64]

KEPT = 100
"""At most so many dichotomies are returned, best first."""
KEPT_A_CIRCLE = 3
"""Dichotomies remembered for each circle, at least."""
FEW = 3_000_000
"""Beyond rank 3 all faces are looked at where the walks see at most so many crossings."""
QUICK = {1.1: 1e8}
"""Bounds to prove, as multiples of the best value or of the floor, and the products spent on each:
a tenth of a second, as long as there are dichotomies to add."""
THOROUGH = {1.5: 2e10, 1.1: 2e10, 1.01: 2e10, 1.0 + 1e-9: 2e10}
"""The same for when the bound is what matters: up to a minute."""
NEAR = 1.02
"""The bound matters where the best value is below this multiple of the floor."""
APART = 0.99
"""Dichotomies are returned only where their correlation with better ones is below this."""


class Found(NamedTuple):
    """A dichotomy above the floor: value, sign of g, sides of the hyperplanes."""

    value: float
    sign: float
    sides: Signs


class Outcome(NamedTuple):
    """The largest value met, a bound on all values, and the good dichotomies above the floor."""

    rho: float
    bound: float
    found: list[Found]


def price_dichotomies(
    planes: Hyperplanes,
    plus: Array,
    minus: Array,
    on: Array | None,
    constant: float,
    floor: float,
) -> LocalMaxima:
    """The maximum of ``|g|`` over all units, and the best dichotomies above ``floor``.

    Parameters
    ----------
    planes : Hyperplanes
    plus, minus, on : (h,) arrays
        What a hyperplane adds to g on its two sides and on it; ``on`` is None where cells show all
        that there is.
    constant : float
        What is added whatever u.
    floor : float

    Returns
    -------
    LocalMaxima
        ``rho + error`` bounds ``|g|`` for every u. The units are of length one and in the middle
        of their cells, so that rounding cannot move a row to the other side; dichotomies too
        narrow for that count in rho but have no unit. Units on faces are integers; a unit of zeros
        stands for ``u = 0``.

    Examples
    --------
    >>> from cvxnet.training.hyperplanes import find_hyperplanes
    >>> planes, v = find_hyperplanes(np.eye(2)), np.array([3.0, -4.0])
    >>> found = price_dichotomies(planes, v, -v, None, 0.0, 0.0)
    >>> found.rho, found.values.tolist(), found.units.round(4).tolist()
    (7.0, [7.0], [[0.7071, -0.7071]])
    """
    c, mean = (plus - minus) / 2.0, (plus + minus) / 2.0
    d = np.zeros(len(c)) if on is None else on - mean
    constant += float(mean.sum())
    scale = float(np.abs(plus).sum() + np.abs(minus).sum() + np.abs(d).sum()) + abs(constant)
    error = (4 * len(planes) + 100) * np.finfo(float).eps * scale
    cells = planes.dichotomies
    look = look_everywhere if cells.rank <= 3 or cells.work <= FEW else search_and_bound
    rho, bound, found = look(cells, c, d, constant, floor)
    clear = list(islice(clear_units(cells, found), KEPT))
    rho = max(rho, floor)
    return LocalMaxima(
        rho=rho,
        error=max(bound - rho, 0.0) + error,
        values=np.array([item.value for item, _ in clear]),
        units=np.array([u for _, u in clear]).reshape(len(clear), planes.rank),
        signs=np.array([item.sign for item, _ in clear]),
    )


def clear_units(cells: Dichotomies, found: list[Found]) -> Iterator[tuple[Found, Array]]:
    """The dichotomies that have units, well apart, best first, and these units."""
    taken = np.zeros((0, len(cells.integers)), dtype=np.float32)
    distinct = {(item.sides.tobytes(), item.sign): item for item in found}
    for item in sorted(distinct.values(), key=lambda item: -item.value):
        pattern = np.float32(item.sign) * item.sides
        if (taken @ pattern > APART * pattern.size).any():
            continue
        u = unit_with(cells, item.sides)
        if u is not None:
            taken = np.vstack([taken, pattern])
            yield item, u


def unit_with(cells: Dichotomies, sides: Signs) -> Array | None:
    """A unit with these sides that rounding cannot move, or None; zeros for ``u = 0``."""
    if sides.all():
        return middle_of_cell(cells.normals, sides)
    return point_on_face(cells, sides) if sides.any() else np.zeros(cells.rank)


def look_everywhere(
    cells: Dichotomies, c: Array, d: Array, constant: float, floor: float
) -> Outcome:
    """The maximum over all faces."""
    found = origin(c, d, constant)
    rho = max((item.value for item in found), default=0.0)
    if cells.rank == 0:
        return Outcome(rho, rho, found)
    shift = np.array([constant, -constant])
    for batch in cells.scan(c, d, KEPT if cells.rank <= 2 else KEPT_A_CIRCLE):
        rho = max(rho, float((batch.faces + shift).max()))
        found.extend(best_cells(batch, c, constant, floor))
        if d.any():
            found.extend(best_faces(batch, c, d, constant, floor))
    return Outcome(rho, rho, [item for item in found if item.value > floor])


def origin(c: Array, d: Array, constant: float) -> list[Found]:
    """``u = 0``, where it counts."""
    value = constant + float(d.sum())
    sides = np.zeros(len(c), dtype=np.int8)
    return [Found(abs(value), float(np.sign(value)), sides)] if d.any() or not len(c) else []


def search_and_bound(
    cells: Dichotomies, c: Array, d: Array, constant: float, floor: float
) -> Outcome:
    """The best cells that local search finds, and a bound that branch and bound proves."""
    found = origin(c, d, constant)
    for u in search_circles(cells.normals, c):
        found.extend(both_signs(sign_of(cells.normals @ u), c, constant))
    rho = max(item.value for item in found)
    bound = abs(constant) + float(np.maximum(np.abs(c), np.abs(d)).sum())
    ladder = THOROUGH if rho <= NEAR * floor or floor == 0.0 else QUICK
    for factor, budget in ladder.items():
        target = factor * max(rho, floor)
        if target >= bound:
            continue
        proved = bound_sums(cells, c, d, target - abs(constant), budget)
        if proved is None:
            break
        bound = proved.bound + abs(constant)
        for u in proved.units:
            found.extend(both_signs(sign_of(cells.normals @ u), c, constant))
        rho = max(item.value for item in found)
    return Outcome(rho, bound, [item for item in found if item.value > floor])


def both_signs(sides: Signs, c: Array, constant: float) -> Iterator[Found]:
    """A cell and its opposite with the signs that make the sum over the sides positive."""
    total = float(sides @ c)
    if total < 0.0:
        sides, total = -sides, -total
    yield Found(constant + total, 1.0, sides)
    if constant:
        yield Found(total - constant, -1.0, -sides)


def best_cells(batch: Batch, c: Array, constant: float, floor: float) -> Iterator[Found]:
    """The best cells of a batch above the floor; without a constant g and -g have the same."""
    for s in (1.0, -1.0) if constant else (1.0,):
        values = batch.cells + s * constant
        best = np.argsort(-values, axis=None)[: 2 * KEPT]
        for i, slot in zip(*np.unravel_index(best, values.shape), strict=True):
            if values[i, slot] > floor:
                sides = sides_at(batch, int(i), int(slot), s, c)
                yield Found(s * (constant + float(sides @ c)), s, sides)


def best_faces(batch: Batch, c: Array, d: Array, constant: float, floor: float) -> Iterator[Found]:
    """The best face of each circle where it is better than all cells there (no flats)."""
    if batch.flats or not batch.circles.crossing.all():
        return
    for column, s in enumerate((1.0, -1.0)):
        values = batch.faces[:, column]
        better = values > batch.cells[:, 0] + 1e-9 * np.abs(batch.cells[:, 0])
        best = np.argsort(-values)[:KEPT]
        for i in best[better[best] & (values[best] + s * constant > floor)]:
            sides = best_face(batch, int(i), s, c, d)
            value = s * (constant + float(sides @ c + (sides == 0) @ d))
            yield Found(value, s, sides)
