"""Columns entering: ``v . phi_u(X)`` over all units, round by round, and the bracket closing."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Answer, Question
from cvxnet.plots import Columns, Course, Zonotopes, columns_at, follow_training, zonotopes_at
from cvxnet.plots.sphere import angle_of, place_of
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.progress import Round
from cvxnet.types import Array

MOST = 16
"""Samples."""
REACH = 3.0
"""Features and targets are within plus and minus this."""
GRID = np.linspace(-REACH, REACH, 121)
"""Where a network over one feature is drawn."""
SIDE = np.linspace(-REACH, REACH, 41)
"""Along each feature, where one over two is."""
TILES = (91, 46)
"""Places of the map of units."""
ROUNDS = 60
"""At most so many are shown."""
NEAR = 1e-3
"""Heights this close to the weight decay, relatively, touch it."""
BORDER = np.linspace(-180.0, 180.0, 181)


def rounds(asked: Asked) -> Answer:
    """Train, and show every round."""
    features = asked.whole("features", 1, 2)
    X = asked.points("X", MOST, features, -REACH, REACH)
    y = asked.numbers("y", MOST, -REACH, REACH)
    beta = asked.number("beta", 1e-3, 100.0)
    course = follow_training(
        "relu", X, y, weight_decay=beta, one_by_one=asked.flag("one_by_one", default=True)
    )
    if len(course.rounds) > ROUNDS:
        raise InputError(
            f"that took {len(course.rounds)} rounds, more than the {ROUNDS} that are shown: try a "
            "larger weight decay."
        )
    solution = course.solution
    return {
        "status": solution.status,
        "bracket": [solution.lower_bound, solution.value],
        "gap": solution.gap,
        "grid": (GRID if features == 1 else SIDE).round(6).tolist(),
        "frames": [frame(course, at) for at in course.rounds],
    }


def frame(course: Course, at: Round) -> dict[str, Any]:
    """A round: bracket, network, columns, and over one feature the zonotopes."""
    columns = columns_at(course.solution, at)
    return {
        "lower": at.lower,
        "upper": at.upper,
        "proved": bracket_text(at.lower, at.upper),
        "units": len(columns.units),
        "fit": fit_of(at, course.solution.objective.X.shape[1]),
        "largest": columns.largest,
        "out": bool(columns.poking_out.any()),
        "touching": bool((np.abs(np.abs(columns.present) - 1.0) < NEAR).all()),
        "present": placed(columns, columns.units.weights, columns.present),
        "entering": placed(columns, columns.entering, columns.entering_heights),
        "v": columns.v.tolist(),
    } | (on_circle(course, at, columns) if columns.rank == 2 else on_sphere(columns))


def fit_of(at: Round, features: int) -> list[Any]:
    """The network of a round on its grid."""
    if features == 1:
        return np.asarray(at.network(GRID[:, None])[:, 0]).round(5).tolist()
    rows = np.stack(np.meshgrid(SIDE, SIDE), axis=-1).reshape(-1, 2)
    shape = (len(SIDE), len(SIDE))
    return np.asarray(at.network(rows)[:, 0]).reshape(shape).round(4).tolist()


def placed(columns: Columns, units: Array, heights: Array) -> list[list[float]]:
    """Where units are, and how high: [angle, height], or [angle, tilt, height]."""
    where = [angle_of(units)] if columns.rank == 2 else [*place_of(units)]
    return np.column_stack([*where, heights]).tolist()


def on_circle(course: Course, at: Round, columns: Columns) -> dict[str, Any]:
    """The curve of ``v . phi`` over the circle, and the two zonotopes."""
    angles, heights = columns.around()
    pair = zonotopes_at(course.solution, at)
    return {
        "angles": angles.round(4).tolist(),
        "heights": heights.round(6).tolist(),
        "zonotopes": {
            "above": pair.above.tolist(),
            "below": pair.below.tolist(),
            "around": [pair.border(of, BORDER).round(5).tolist() for of in (0, 1)],
            "present": stretches(pair, columns.units.weights),
            "entering": stretches(pair, columns.entering),
        },
    }


def stretches(pair: Zonotopes, units: Array) -> list[list[list[float]]]:
    """For each unit the line from one polygon to the farthest vertex of the other."""
    return np.stack(pair.stretches(units), axis=1).tolist()


def on_sphere(columns: Columns) -> dict[str, Any]:
    """The map of ``v . phi`` over the sphere."""
    angles, tilts, heights = columns.over_map(*TILES)
    return {
        "angles": angles.tolist(),
        "tilts": tilts.tolist(),
        "map": heights.round(3).tolist(),
    }


QUESTIONS = (Question("columns/rounds", rounds, seconds=60.0),)
WAVE = {
    "features": 1,
    "X": [[-2.2], [-1.7], [-1.2], [-0.7], [-0.2], [0.3], [0.8], [1.3], [1.8], [2.3]],
    "y": [0.9, 0.2, -0.6, -1.0, -0.4, 0.5, 1.0, 0.6, -0.2, -0.9],
}
HILLS = {
    "features": 2,
    "X": [
        *([-1.5, -1.2], [-1.4, 0.2], [-1.1, 1.5], [-0.4, -0.6], [-0.2, 0.9], [0.1, -1.6]),
        *([0.3, 0.2], [0.6, 1.7], [0.9, -0.7], [1.2, 0.8], [1.5, -1.5], [1.7, 0.1]),
    ],
    "y": [0.6, -0.8, 0.5, 0.9, -0.5, -0.4, 1.2, -0.6, 0.1, -0.9, 0.8, -0.3],
}
RECORDED = tuple(
    ("columns/rounds", data | {"beta": beta, "one_by_one": one})
    for data, beta in ((WAVE, 0.2), (HILLS, 0.2))
    for one in (True, False)
)
"""Asked once for the page without a server."""
