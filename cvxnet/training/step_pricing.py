"""Exact pricing of units that are steps: over all dichotomies that hyperplanes make of the data.

The function to maximise over all ``u`` in ``R^r``, for s = +1 and for s = -1, is

    s g(u) = s (constant + sum_k plus_k [e_k.u > 0] + minus_k [e_k.u < 0] + on_k [e_k.u = 0]),

with ``c = (plus - minus) / 2`` and ``d = on - (plus + minus) / 2`` a constant plus ``side_k c_k``
for each hyperplane k, plus ``d_k`` for those that u lies on.

Rounding: the sums err by less than ``error``; which faces there are is decided in integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from cvxnet.training.dichotomies import Batch, Dichotomies, Signs, sides_at
from cvxnet.training.hyperplanes import Hyperplanes
from cvxnet.training.sweep import LocalMaxima

Array = NDArray[np.float64]

KEPT = 100
"""At most so many dichotomies are returned, best first."""
KEPT_A_CIRCLE = 3
"""Dichotomies remembered for each circle, at least."""
SAFE = 1e-13
"""A unit must clear all hyperplanes by this angle, which is far above rounding."""


class Found(NamedTuple):
    """A dichotomy above the floor: value, sign of g, sides of the hyperplanes."""

    value: float
    sign: float
    sides: Signs


def price_dichotomies(
    planes: Hyperplanes, plus: Array, minus: Array, on: Array, constant: float, floor: float
) -> LocalMaxima:
    """The maximum of ``|g|`` over all units, and the best dichotomies above ``floor``.

    Parameters
    ----------
    planes : Hyperplanes
    plus, minus, on : (h,) arrays
        What a hyperplane adds to g on its two sides and on it.
    constant : float
        What is added whatever u.
    floor : float

    Returns
    -------
    LocalMaxima
        ``rho + error`` bounds ``|g|`` for every u. The units are of length one and in the middle
        of their cells, so that rounding cannot move a row to the other side; dichotomies too
        narrow for that count in rho but have no unit. A unit of zeros stands for ``u = 0``.

    Examples
    --------
    >>> from cvxnet.training.hyperplanes import find_hyperplanes
    >>> planes, v = find_hyperplanes(np.eye(2)), np.array([3.0, -4.0])
    >>> found = price_dichotomies(planes, v, -v, 0.0 * v, 0.0, 0.0)
    >>> found.rho, found.values.tolist(), found.units.round(4).tolist()
    (7.0, [7.0], [[0.7071, -0.7071]])
    """
    c, d = (plus - minus) / 2.0, on - (plus + minus) / 2.0
    constant += float((plus + minus).sum()) / 2.0
    scale = float(np.abs(plus).sum() + np.abs(minus).sum() + np.abs(on).sum()) + abs(constant)
    error = (4 * len(planes) + 100) * np.finfo(float).eps * scale
    rho, found = look_everywhere(planes.dichotomies, c, d, constant, floor)
    middles = [(item, centre(planes.normals, item.sides)) for item in found]
    clear = [(item, u) for item, u in middles if u is not None]
    return LocalMaxima(
        rho=max(rho, floor),
        error=error,
        values=np.array([item.value for item, _ in clear]),
        units=np.array([u for _, u in clear]).reshape(len(clear), planes.rank),
        signs=np.array([item.sign for item, _ in clear]),
    )


def look_everywhere(
    cells: Dichotomies, c: Array, d: Array, constant: float, floor: float
) -> tuple[float, list[Found]]:
    """The maximum over all faces, and the best cells above the floor."""
    rho = abs(constant + float(d.sum()))  # u = 0
    if cells.rank == 0:
        return rho, []
    found: dict[tuple[bytes, float], Found] = {}
    shift = np.array([constant, -constant])
    for batch in cells.scan(c, d, KEPT if cells.rank <= 2 else KEPT_A_CIRCLE):
        rho = max(rho, float((batch.faces + shift).max()))
        for item in best_cells(batch, c, constant, floor):
            found.setdefault((item.sides.tobytes(), item.sign), item)
    return rho, sorted(found.values(), key=lambda item: -item.value)[:KEPT]


def best_cells(batch: Batch, c: Array, constant: float, floor: float) -> Iterator[Found]:
    """The best cells of a batch above the floor; without a constant g and -g have the same."""
    for s in (1.0, -1.0) if constant else (1.0,):
        values = batch.cells + s * constant
        best = np.argsort(-values, axis=None)[: 2 * KEPT]
        for i, slot in zip(*np.unravel_index(best, values.shape), strict=True):
            if values[i, slot] > floor:
                sides = sides_at(batch, int(i), int(slot), s, c)
                yield Found(s * (constant + float(sides @ c)), s, sides)


def centre(normals: Array, sides: Signs) -> Array | None:
    """The unit vector in a cell that is farthest from all its hyperplanes; None below SAFE.

    The shortest x with ``side_k e_k.x >= 1`` for all k, by non-negative least squares (Lawson and
    Hanson 1974, chapter 23): with ``E = (side_k e_k, 1)`` in columns and the residual
    ``p = E l - (0, 1)`` it is ``p[:r] / |p[r]|``; without residual there is no such x.
    """
    h, r = normals.shape
    E = np.vstack([(sides[:, None] * normals).T, np.ones(h)])
    target = np.append(np.zeros(r), 1.0)
    residual = E @ nnls(E, target)[0] - target
    u = residual[:r]
    length = float(np.linalg.norm(u))
    if length == 0.0:
        return None
    u /= length
    return u if (E[:r].T @ u).min() > SAFE else None
