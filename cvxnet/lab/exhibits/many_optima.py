"""Many optima, one value: a walk through the optimal networks of a few points."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnet.baselines.networks import value_of_network
from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Answer, Question
from cvxnet.plots.optimal_set import claim, is_wide, kinks_at, places_of_band, used
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.optimal_set import OptimalSet, optimal_set
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import train
from cvxnet.types import Array

REACH = 3.0
"""Points have x and y from minus to plus this."""
VIEW = np.linspace(-1.3 * REACH, 1.3 * REACH, 157)
"""Where networks are drawn, and kinks shown."""
BAND = VIEW[::6]
STOPS = 49
"""Networks on the walk."""
FAR = 1e6
"""Units with their kink beyond are constant over all that is seen."""
MOST = 12
"""Points."""
WEIGHTS = (0.005, 1.0)
"""The range of the weight decay."""


def networks(asked: Asked) -> Answer:
    """The optimal networks of some points: the band, a walk through them, and their units."""
    points = asked.points("points", MOST, 2, -REACH, REACH)
    if len(np.unique(points[:, 0])) < 2:
        raise InputError("the points have one x in common: move one of them, or add another.")
    solution = train(
        "relu",
        points[:, :1],
        points[:, 1],
        weight_decay=asked.number("decay", *WEIGHTS),
        skip=asked.flag("slope"),
        gap=1e-10,
        time_limit=20.0,
    )
    found = optimal_set(solution)
    return bracket(solution) | band(found, solution) | walk(found) | touching(found)


def bracket(solution: Solution) -> Answer:
    """What was proved."""
    lower, upper = bracket_text(solution.lower_bound, solution.value)
    return {"status": solution.status, "lower": lower, "upper": upper}


def band(found: OptimalSet, solution: Solution) -> Answer:
    """The smallest and the largest that any optimal network says, and how many there are."""
    places = places_of_band(found, BAND)
    low, high = found.band(places[:, None])
    wide = is_wide(found, low, high)
    return {
        "places": places.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "wide": wide,
        "single": found.single,
        "claim": claim(found, wide, solution.status == "optimal"),
    }


def walk(found: OptimalSet) -> Answer:
    """Networks of the set one after the other: sizes of their units, functions and values."""
    tour = found.tour(STOPS)
    networks = [found.network(row) for row in tour]
    values = [value_of_network(found.objective, network) for network in networks]
    return {
        "x": VIEW.tolist(),
        "sizes": tour[:, : len(found.signs)].tolist(),
        "functions": [network(VIEW[:, None])[:, 0].round(6).tolist() for network in networks],
        "values": values,
        "spread": max(values) - min(values),
    }


def touching(found: OptimalSet) -> Answer:
    """``v . phi`` over the places of kinks, and the units where it touches plus or minus beta."""
    heights = {name: found.heights(kinks_at(VIEW, side)) for name, side in SIDES.items()}
    rows = zip(found.directions, found.signs, found.ranges, used(found), strict=True)
    levels = found.levels / found.problem.weight_decay
    return {
        "heights": {name: curve.tolist() for name, curve in heights.items()},
        "units": [unit(*row, level) for row, level in zip(rows, levels, strict=True)],
    }


SIDES = {"right": 1.0, "left": -1.0}


def unit(direction: Array, sign: float, size: Array, share: str, level: float) -> dict[str, Any]:
    """A unit: where its kink is, to which side it rises, and what sizes it has in the set."""
    w, b = direction
    return {
        "kink": float(-b / w) if abs(b) < FAR * abs(w) else None,
        "side": "right" if w > 0.0 else "left",
        "sign": float(sign),
        "least": float(size[0]),
        "most": float(size[1]),
        "used": share,
        "level": float(level),
    }


QUESTIONS = (Question("many-optima/networks", networks, seconds=60.0),)
SETS = (
    {"points": [[-2, 2], [0, 1], [2, 2]], "decay": 0.1, "slope": True},
    {"points": [[-2, 0], [-1, 0], [0, 1], [1, 0], [2, 0]], "decay": 0.02, "slope": False},
    {"points": [[-2, 0], [-1, 1], [0, 0], [1, 1], [2, 0]], "decay": 0.02, "slope": False},
)
RECORDED = tuple(("many-optima/networks", case) for case in SETS)
"""Asked once for the page without a server."""
