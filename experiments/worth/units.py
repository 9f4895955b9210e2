"""How many units of a network matter.

A unit does not matter where it can be added to another one, or left out. Its *effective units* are
the fewest of a network that is made from it as follows, and whose objective is at most TOLERANCE
higher, relatively: units whose hidden weights (bias included, in standard deviations of the
features) point within an angle of a larger one become one, with the sum of their output weights and
the mean direction; then those with the smallest part of an output, at the sample where it is
largest, are left out; the output bias stays. Nothing is trained again. The angle is the best of
ANGLES, or nothing is put together.
"""

from __future__ import annotations

from itertools import chain

import numpy as np

from cvxnet.baselines.networks import value_of
from cvxnet.objective import Objective
from experiments.worth.gradients import Trained

TOLERANCE = 0.01
ANGLES = (0.01, 0.03, 0.1, 0.3)
"""In radians."""
DEAD = 1e-3
"""A unit is dead where no sample sees it: its largest part of an output, relative to the largest
of all units, is below."""


def parts_of(rows: np.ndarray, W: np.ndarray, a: np.ndarray) -> np.ndarray:
    """The largest part of an output that each unit gives at a sample."""
    return np.maximum(rows @ W.T, 0.0).max(axis=0) * lengths(a)


def lengths(a: np.ndarray) -> np.ndarray:
    """Of the output weights of each unit."""
    return np.linalg.norm(a.reshape(len(a), -1), axis=1)


def living_units(end: Trained) -> int:
    """How many units contribute at some sample."""
    parts = parts_of(end.goal.rows, end.W, end.a)
    return int((parts > DEAD * parts.max(initial=0.0)).sum())


def balanced(rows: np.ndarray, W: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The units that a sample sees, both weights of one length, the largest part first."""
    parts = parts_of(rows, W, a)
    order = np.argsort(-parts)[: (parts > 0.0).sum()]
    W, a = W[order], a[order]
    scale = np.sqrt(lengths(a) / np.linalg.norm(W, axis=1))
    return (W.T * scale).T, (a.T / scale).T


def added_up(W: np.ndarray, a: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Units within an angle of a larger one added to it, from the largest on."""
    directions, outputs = [], []
    while len(W):
        sizes = np.linalg.norm(W, axis=1)
        same = W @ W[0] >= np.cos(angle) * sizes * sizes[0]
        same[0] = True
        direction = W[same].sum(axis=0)
        directions.append(direction / np.linalg.norm(direction))
        outputs.append((a[same].T * sizes[same]).T.sum(axis=0))
        W, a = W[~same], a[~same]
    return np.array(directions), np.array(outputs)


def fewest(
    goal: Objective, W: np.ndarray, a: np.ndarray, free: np.ndarray, most: float
) -> int | None:
    """How many of the first units keep the objective below ``most``; None where all do not."""
    if value_of(goal, W, a, free) > most:
        return None
    counts = range(1, len(W))
    return next((m for m in counts if value_of(goal, W[:m], a[:m], free) <= most), len(W))


def effective_units(end: Trained) -> int:
    """The fewest units that matter; see above."""
    rows = end.goal.rows
    W, a = balanced(rows, end.W, end.a)
    if not len(W):
        return 0
    most = (1.0 + TOLERANCE) * value_of(end.goal, W, a, end.free)
    made = chain([(W, a)], (balanced(rows, *added_up(W, a, angle)) for angle in ANGLES))
    found = (fewest(end.goal, *one, end.free, most) for one in made)
    return min(count for count in found if count is not None)
