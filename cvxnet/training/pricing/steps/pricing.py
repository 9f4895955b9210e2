"""Exact pricing of units that are steps: over all dichotomies that hyperplanes make of the data.

The function to maximise over all ``u`` in ``R^r``, for s = +1 and for s = -1, is

    s g(u) = s (constant + sum_k plus_k [e_k.u > 0] + minus_k [e_k.u < 0] + on_k [e_k.u = 0]),

with ``c = (plus - minus) / 2`` and ``d = on - (plus + minus) / 2`` a constant plus ``side_k c_k``
for each hyperplane k, plus ``d_k`` for those that u lies on. Where a unit on hyperplanes does what
some unit off them does, or the mean of two, only cells count, which is d = 0.

Up to rank 3, and beyond where the hyperplanes are few, all faces are looked at. Elsewhere see
cvxnet.training.pricing.steps.search.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from cvxnet.training.clock import now
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.pricing.steps.dichotomies import Batch, Dichotomies, Signs, sides_at
from cvxnet.training.pricing.steps.faces import best_face, middle_of_cell, point_on_face
from cvxnet.training.pricing.steps.hyperplanes import Hyperplanes
from cvxnet.types import Array

KEPT = 100
"""At most so many dichotomies are returned, best first."""
KEPT_A_CIRCLE = 3
"""Dichotomies remembered for each circle, at least."""
APART = 0.99
"""Dichotomies are returned only where their correlation with better ones is below this."""


class StepFunction(NamedTuple):
    """The function g, and a bound on the rounding of its values."""

    cells: Dichotomies
    c: Array
    d: Array
    constant: float
    error: float

    @property
    def most(self) -> float:
        """A bound on ``|g|``: every term at its largest."""
        largest = np.maximum(np.abs(self.c), np.abs(self.d))
        return abs(self.constant) + float(largest.sum()) + self.error


class Found(NamedTuple):
    """A dichotomy: the value of s g, s, and the sides of the hyperplanes."""

    value: float
    sign: float
    sides: Signs


def step_function(
    planes: Hyperplanes, plus: Array, minus: Array, on: Array | None, constant: float
) -> StepFunction:
    """The function with these effects of the hyperplanes (each (h,)) on their sides.

    ``on`` is None where cells show all that there is.
    """
    c, mean = (plus - minus) / 2.0, (plus + minus) / 2.0
    d = np.zeros(len(c)) if on is None else on - mean
    constant += float(mean.sum())
    scale = float(np.abs(plus).sum() + np.abs(minus).sum() + np.abs(d).sum()) + abs(constant)
    error = (4 * len(planes) + 100) * np.finfo(float).eps * scale
    return StepFunction(planes.dichotomies, c, d, constant, error)


def price_dichotomies(g: StepFunction, floor: float, deadline: float = np.inf) -> LocalMaxima:
    """The maximum of ``|g|`` over all units, and the best dichotomies above ``floor``.

    Where the deadline (`now`) comes before the last circle it is a bound on the maximum, and the
    best dichotomies of those that were seen.

    Returns
    -------
    LocalMaxima
        ``rho + error`` bounds ``|g|`` for every u; the error is rounding, as which faces there are
        is decided in integers. The units are of length one and in the middle of their cells, so
        that rounding cannot move a row to the other side; dichotomies too narrow for that count in
        rho but have no unit. Units on faces are integers; a unit of zeros stands for ``u = 0``.

    Examples
    --------
    >>> from cvxnet.training.pricing.steps.hyperplanes import find_hyperplanes
    >>> planes, v = find_hyperplanes(np.eye(2)), np.array([3.0, -4.0])
    >>> found = price_dichotomies(step_function(planes, v, -v, None, 0.0), 0.0)
    >>> found.rho, found.values.tolist(), found.units.round(4).tolist()
    (7.0, [7.0], [[0.7071, -0.7071]])
    """
    found = origin(g)
    rho, left = max((item.value for item in found), default=0.0), g.cells.number
    if g.cells.rank > 0:
        shift = np.array([g.constant, -g.constant])
        for batch in g.cells.scan(g.c, g.d, KEPT if g.cells.rank <= 2 else KEPT_A_CIRCLE):
            rho = max(rho, float((batch.faces + shift).max()))
            found.extend(best_cells(batch, g, floor))
            found.extend(best_faces(batch, g, floor) if g.d.any() else ())
            left -= len(batch.circles.subsets)
            if left and now() > deadline:
                return local_maxima(g, rho, g.most, found, floor)
    return local_maxima(g, rho, rho, found, floor)


def local_maxima(
    g: StepFunction, rho: float, bound: float, found: Iterable[Found], floor: float
) -> LocalMaxima:
    """The best dichotomies above the floor that have units, well apart, and the bound."""
    clear = list(islice(clear_units(g.cells, (item for item in found if item.value > floor)), KEPT))
    return LocalMaxima(
        rho=max(rho, floor),
        error=max(bound - max(rho, floor), 0.0) + g.error,
        values=np.array([item.value for item, _ in clear]),
        units=np.array([u for _, u in clear]).reshape(len(clear), g.cells.rank),
        outputs=np.array([item.sign for item, _ in clear]),
    )


def clear_units(cells: Dichotomies, found: Iterable[Found]) -> Iterator[tuple[Found, Array]]:
    """Dichotomies with a unit each, best first."""
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
    if sides.size and sides.all():
        return middle_of_cell(cells.normals, sides)
    return point_on_face(cells, sides) if sides.any() else np.zeros(cells.rank)


def origin(g: StepFunction) -> list[Found]:
    """``u = 0``, where it counts."""
    value = g.constant + float(g.d.sum())
    sides = np.zeros(len(g.c), dtype=np.int8)
    return [Found(abs(value), float(np.sign(value)), sides)] if g.d.any() or not len(g.c) else []


def best_cells(batch: Batch, g: StepFunction, floor: float) -> Iterator[Found]:
    """The best cells of a batch above the floor; without a constant g and -g have the same."""
    for s in (1.0, -1.0) if g.constant else (1.0,):
        values = batch.cells + s * g.constant
        best = np.argsort(-values, axis=None)[: 2 * KEPT]
        for i, slot in zip(*np.unravel_index(best, values.shape), strict=True):
            if values[i, slot] > floor:
                sides = sides_at(batch, int(i), int(slot), s, g.c)
                yield Found(s * (g.constant + float(sides @ g.c)), s, sides)


def best_faces(batch: Batch, g: StepFunction, floor: float) -> Iterator[Found]:
    """The best face of each circle where it is better than all cells there (no flats)."""
    if batch.flats or not batch.circles.crossing.all():
        return
    for column, s in enumerate((1.0, -1.0)):
        values = batch.faces[:, column]
        better = values > batch.cells[:, 0] + 1e-9 * np.abs(batch.cells[:, 0])
        best = np.argsort(-values)[:KEPT]
        for i in best[better[best] & (values[best] + s * g.constant > floor)]:
            sides = best_face(batch, int(i), s, g.c, g.d)
            yield Found(s * (g.constant + float(sides @ g.c + (sides == 0) @ g.d)), s, sides)
