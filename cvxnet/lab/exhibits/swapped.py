"""Swapped units: two networks as good as each other, and the straight line between them."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnet.analysis import convexity
from cvxnet.baselines.comparison import compare
from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Answer, Question, Tell
from cvxnet.layers import Layer
from cvxnet.objective import in_order, match_units, mix, read_network
from cvxnet.plots import slice_between_networks
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import train
from cvxnet.types import Array

X = np.linspace(-2.0, 2.0, 9)[:, None]
SETS = {
    "valley": np.abs(X[:, 0]),
    "hill": np.maximum(1.5 - np.abs(X[:, 0]), 0.0),
    "wave": np.sin(2.0 * X[:, 0]),
}
"""Targets for nine samples from -2 to 2, by name."""
GRID = np.linspace(-2.5, 2.5, 61)[:, None]
STOPS = np.linspace(0.0, 1.0, 41)
"""Places on the line whose networks are drawn."""
WEIGHTS = (0.01, 1.0)
"""The range of the weight decay."""
EPOCHS, RATE = 1500, 0.03
"""Of Adam."""


def optimum(asked: Asked) -> Answer:
    """An optimal network, and the same with its units in another order."""
    return compared(*swap(asked))


def proof(asked: Asked) -> Answer:
    """Whether those two and their midpoint refute convexity, in exact arithmetic."""
    one, other, solution = swap(asked)
    return {"proof": refutation(one, other, solution)}


def swap(asked: Asked) -> tuple[Layer, Layer, Solution]:
    """An optimal network, with its units in order and each in the place of another."""
    y, weight_decay = read_problem(asked)
    solution = train("relu", X, y, weight_decay=weight_decay, gap=1e-8)
    one = solution.network
    return one, in_order(one, np.roll(np.arange(read_network(one).width), 1)), solution


def trained(asked: Asked, tell: Tell) -> Answer:
    """Two networks that Adam has trained from different seeds."""
    y, weight_decay = read_problem(asked)
    width = asked.whole("width", 2, 32, default=8)
    seeds = sorted({asked.whole("seed", 0, 99, default=0), asked.whole("other", 0, 99, default=1)})
    tell({"doing": f"Adam, {EPOCHS} steps from each of {len(seeds)} seeds"})
    runs = compare(
        "relu",
        X,
        y,
        weight_decay=weight_decay,
        optimizers="adam",
        widths=width,
        seeds=seeds,
        epochs=EPOCHS,
        rates={"adam": RATE},
        gap=1e-8,
        width_seconds=0,
    )
    one, other = (runs.network("adam", width, seed) for seed in (seeds[0], seeds[-1]))
    tell({"doing": "verifying what lies between the two"})
    found = {"proof": refutation(one, other, runs.solution)}
    return compared(one, other, runs.solution) | found


def refutation(one: Layer, other: Layer, solution: Solution) -> dict[str, str] | None:
    """How far the objective at the midpoint is above the chord, verified; None where it is not."""
    goal = solution.objective
    data = goal.X, goal.y
    verdict = convexity(
        one, wrt="weights", loss="squared", data=data, weight_decay=goal.weight_decay
    )
    witness = verdict.counterexamples.get("convex")
    here = None if witness is None else witness.at(one.state_dict(), other.state_dict())
    return None if here is None else {"gap": here.gap, "arithmetic": here.arithmetic}


def read_problem(asked: Asked) -> tuple[Array, float]:
    """Targets and weight decay."""
    y = SETS[asked.choice("set", tuple(SETS), default="valley")]
    return y, asked.number("decay", *WEIGHTS, default=0.1)


def compared(one: Layer, other: Layer, solution: Solution) -> Answer:
    """The line between two networks, with the units as they came and matched, and the bound."""
    return {
        "x": X[:, 0].tolist(),
        "y": solution.objective.y.tolist(),
        "grid": GRID[:, 0].tolist(),
        "t": STOPS.tolist(),
        "lower": solution.lower_bound,
        "status": solution.status,
        "one": units_of(one),
        "came": walked(one, other, solution),
        "matched": walked(one, match_units(one, other), solution),
    }


def walked(one: Layer, other: Layer, solution: Solution) -> dict[str, Any]:
    """The objective along the line, the functions on it, and the units at its end."""
    goal = solution.objective
    found = slice_between_networks(
        one, other, goal.X, goal.y, weight_decay=goal.weight_decay, points=len(STOPS)
    )
    return {
        "values": found.values.tolist(),
        **found.heights,
        "functions": [mix(one, other, t)(GRID)[:, 0].round(6).tolist() for t in STOPS],
        "units": units_of(other),
    }


def units_of(network: Layer) -> list[list[float]]:
    """Hidden weight, bias and output weight of each unit."""
    w = read_network(network).weights
    biases = np.zeros(len(w.a)) if w.b is None else w.b
    return np.column_stack([w.W[:, 0], biases, w.a]).tolist()


QUESTIONS = (
    Question("swapped/optimum", optimum, seconds=60.0),
    Question("swapped/proof", proof, seconds=60.0),
    Question("swapped/trained", trained, seconds=180.0, long=True),
)
RECORDED = (
    *(
        (f"swapped/{what}", {"set": name, "decay": 0.1})
        for name in SETS
        for what in ("optimum", "proof")
    ),
    *(
        ("swapped/trained", {"set": name, "decay": 0.1, "width": 8, "seed": 0, "other": 1})
        for name in SETS
    ),
)
"""Asked once for the page without a server."""
