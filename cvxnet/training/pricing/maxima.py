"""What pricing finds: local maxima of ``|v . phi_u(X)|`` over the units of a family.

With c outputs the dual vector is (n, c), and it is the length of ``V^T phi_u(X)``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cvxnet.training.bounds.evidence import AnyEvidence
from cvxnet.types import Array

Sides = tuple[float, ...]
"""Signs of ``v . phi_u(X)`` that count."""
BOTH: Sides = (1.0, -1.0)


class LocalMaxima(NamedTuple):
    """Local maxima above a floor, largest first, and the maximum.

    Attributes
    ----------
    rho : float
        The maximum over all units, or the floor where nothing exceeds it.
    error : float
        ``rho + error`` bounds the maximum in spite of rounding. Where the search was cut short it
        is infinite.
    values : (m,) array
        The local maxima.
    units : (m, r) array
        Where they are.
    outputs : (m,) or (m, c) array
        The signs of ``v . phi_u(X)`` there, -1 or +1; the directions of ``V^T phi_u(X)``.
    evidence : optional
        What the checker needs in order to prove ``rho + error``, where that is something.
    work : float
        What it took, in rows looked at, where that was counted.
    """

    rho: float
    error: float
    values: Array
    units: Array
    outputs: Array
    evidence: AnyEvidence | None = None
    work: float = 0.0


def none_above(floor: float, rank: int, error: float = 0.0) -> LocalMaxima:
    """What is found where nothing exceeds the floor."""
    return LocalMaxima(floor, error, np.zeros(0), np.zeros((0, rank)), np.zeros(0))


def distinct(found: Array, floor: float) -> Array:
    """The rows (value, unit, ...) above the floor, each once, largest first."""
    found = found[found[:, 0] > floor]
    found = found[np.argsort(-found[:, 0], kind="stable")]
    _, first = np.unique(found[:, 1:].round(9), axis=0, return_index=True)
    return found[np.sort(first)]
