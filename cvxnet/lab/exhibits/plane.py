"""The plane: points in a square, and the proved optimum for them as regions, surface or curve."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cvxnet as cn
from cvxnet.data.point_sets import POINT_SETS, point_set
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits.pasted import pasted
from cvxnet.lab.question import Answer, Question, Tell
from cvxnet.layers import Layer, Linear, Sequential
from cvxnet.objective import Objective, make_objective
from cvxnet.objective.networks import read_network
from cvxnet.plots.canvas import places, segments
from cvxnet.plots.maps import grid_over
from cvxnet.plots.subject import shares
from cvxnet.proofs.gaps import excess, excess_text
from cvxnet.training.progress import Round
from cvxnet.training.solution import Solution
from cvxnet.types import Array

SIDE = (-1.25, 1.25)
"""What is shown of every axis."""
MOST_POINTS, MOST_CLASS, MOST_UNITS, MOST_WEIGHT = 200, 2, 400, 1e6
MOST_WIDTH = 8
KINDS = ("classes", "values", "curve")
LOSSES = {
    "classes": ("logistic", "hinge", "squared_hinge", "cross_entropy"),
    "values": ("squared", "absolute", "huber", "log_cosh"),
    "curve": ("squared", "absolute", "huber", "log_cosh"),
}
UNITS = (
    *("relu", "leaky_relu", "abs", "threshold", "sign"),
    *("squared_relu", "quadratic", "tanh", "linear"),
)
PLACES, PIXELS, FEW_PIXELS, MANY_PIXELS = 201, 61, 41, 121
"""Places of a curve, and along each side of a map: few while somebody drags, many for steps."""
DRAG_SECONDS, TRAIN_SECONDS = 0.02, 60.0
"""What training may take while somebody drags, and when not."""
WIDTH_DRAG_SECONDS, WIDTH_SECONDS = 0.15, 30.0
"""The same where there is a width: the optimum of every width comes first, and then a search."""
DRAG_GAP, GAP = 1e-2, 1e-6
DIGITS, STEPS = 4, 500


def drawn_set(asked: Asked) -> Answer:
    """A ready set: its points with a class or a value each."""
    name = asked.choice("set", tuple(POINT_SETS))
    n = asked.whole("n", 1, MOST_POINTS)
    X, y = point_set(name, n, asked.whole("seed", 0, 9999, default=0))
    kind = POINT_SETS[name].kind
    rows = [X[:, 0], y, np.zeros(n)] if kind == "curve" else [*X.T, y]
    return {"kind": kind, "points": on_grid(np.column_stack(rows))}


def on_grid(rows: Array) -> list[list[float]]:
    """Points as the address of the page can hold them: numbers are multiples of 1/STEPS."""
    return (np.round(rows * STEPS) / STEPS).tolist()


def table(asked: Asked) -> Answer:
    """Points from a table that was pasted."""
    found = pasted(asked, MOST_POINTS)
    return found | {"points": on_grid(found["points"])}


def problem(asked: Asked) -> dict[str, Any]:
    """What to minimise, as `cvxnet.train` takes it; a width of 0 stands for any."""
    kind = asked.choice("kind", KINDS)
    points = asked.points("points", MOST_POINTS, 3, SIDE[0], MOST_CLASS)
    X, y = data_of(kind, points)
    return {
        "X": X,
        "y": y,
        "loss": asked.choice("loss", LOSSES[kind]),
        "weight_decay": asked.number("beta", 1e-6, 1e6),
        "width": asked.whole("width", 0, MOST_WIDTH, default=0) or None,
    }


def data_of(kind: str, points: Array) -> tuple[Array, NDArray[Any]]:
    """X and y of points (n, 3): two places and a class or value, or the place and the value."""
    if kind == "curve":
        return points[:, :1], points[:, 1]
    if kind == "values":
        return points[:, :2], points[:, 2]
    return points[:, :2], points[:, 2].astype(int)


def drag(asked: Asked) -> Answer:
    """The best network that a moment finds, beginning with that of the moment before."""
    given, units = problem(asked), start_of(asked)
    seconds = WIDTH_DRAG_SECONDS if given["width"] else DRAG_SECONDS
    return described(cn.train(units, **given, gap=DRAG_GAP, time_limit=seconds), FEW_PIXELS)


def start_of(asked: Asked) -> Any:
    """The units, as a network where one is given: a row of hidden weights and bias for each."""
    name = asked.choice("units", UNITS)
    hidden, outputs = (asked.items(each, MOST_UNITS, []) for each in ("hidden", "outputs"))
    if not hidden:
        return name
    W = asked.points("hidden", MOST_UNITS, len(hidden[0]), -MOST_WEIGHT, MOST_WEIGHT)
    a = asked.points("outputs", MOST_UNITS, len(outputs[0]), -MOST_WEIGHT, MOST_WEIGHT)
    return network_of(name, W, a)


def network_of(units: str, hidden: Array, outputs: Array) -> Sequential:
    """A network of such units, hidden weights (m, d + 1) with the bias last, outputs (m, c)."""
    network = Sequential(
        Linear(hidden.shape[1] - 1, len(hidden)),
        *cn.Family(units).between(),
        Linear(len(hidden), outputs.shape[1], bias=False),
    )
    weights = (hidden[:, :-1], hidden[:, -1], outputs.T)
    return network.load_state_dict(dict(zip(network.state_dict(), weights, strict=True)))


def train(asked: Asked, tell: Tell) -> Answer:
    """The optimum, with the bracket and the network so far after each round."""
    given, units = problem(asked), asked.choice("units", UNITS)
    objective = make_objective(units, **given)

    def listen(state: Round) -> None:
        news = {"seconds": state.seconds, "lower": state.lower, "upper": state.upper}
        counts = {"units": state.units, "open": state.open}
        tell(news | counts | {"picture": picture(objective, state.network)})

    seconds = WIDTH_SECONDS if given["width"] else TRAIN_SECONDS
    solution = cn.train(units, **given, gap=GAP, time_limit=seconds, progress=listen)
    pixels = MANY_PIXELS if objective.units.traits.change == "step" else PIXELS
    largest = cn.largest_weight_decay(units, given["X"], given["y"], loss=given["loss"])
    certificate = json.dumps(solution.certificate.to_dict())
    return described(solution, pixels) | {"largest": largest, "certificate": certificate}


def described(solution: Solution, pixels: int) -> Answer:
    """What was found and proved, its picture, and the network to begin with next time."""
    weights = read_network(solution.network).weights
    ones = np.zeros(len(weights.W)) if weights.b is None else weights.b
    return {
        "status": solution.status,
        "lower": solution.lower_bound,
        "upper": solution.value,
        "gap": solution.gap,
        "units": solution.units,
        "seconds": solution.stats["seconds"],
        "stopped": solution.stats["stopped"],
        "checked": solution.stats["checked"],
        "hidden": np.column_stack([weights.W, ones]).tolist(),
        "outputs": weights.a.reshape(len(weights.W), weights.outputs).tolist(),
        "picture": picture(solution.objective, solution.network, pixels),
        "every": solution.all_widths and beside(solution, solution.all_widths),
    }


def beside(solution: Solution, every: Solution) -> Answer:
    """What was proved of every width, and how far the optimum of this one is above that."""
    lower, upper = every.lower_bound, every.value
    least, _ = excess(solution.lower_bound, lower, upper)
    _, most = excess(solution.value, lower, upper)
    return {
        "lower": lower,
        "upper": upper,
        "units": every.units,
        "excess": excess_text(least, most),
        "nodes": solution.stats["nodes"],
        "open": solution.stats["open"],
    }


def picture(objective: Objective, network: Layer, pixels: int = PIXELS) -> Answer:
    """A network over what is shown, and where its units have their kinks or steps.

    Of a curve the places ``x`` and its ``values``; else the values on an even grid, row by row from
    below: of each class how sure the network is of it.
    """
    W, b = changes(objective, network)
    if objective.X.shape[1] == 1:
        return curve(network, places(W, b, SIDE))
    f = np.asarray(network(grid_over([SIDE, SIDE], pixels)[2]))
    shown = shares(objective, f) if objective.loss.labels or objective.loss.classes else f
    lines = np.reshape(segments(W, b, [SIDE, SIDE]), (-1, 4))
    return {
        "pixels": pixels,
        "values": shown.T.round(DIGITS).tolist(),
        "kinks": lines.round(DIGITS).tolist(),
    }


def curve(network: Layer, at: Array) -> Answer:
    """A network of one feature, and where its units change."""
    x = np.union1d(np.linspace(*SIDE, PLACES), at)
    values = np.asarray(network(x[:, None]))[:, 0]
    return {"x": x.tolist(), "values": values.tolist(), "kinks": at.tolist()}


def changes(objective: Objective, network: Layer) -> tuple[Array, Array]:
    """Weights (k, d) and biases (k,) of the units that count, where they have kinks or steps."""
    weights = read_network(network).weights
    there = weights.a.reshape(len(weights.W), weights.outputs).any(axis=1)
    used = there & bool(objective.units.traits.change)
    W = weights.W[used]
    return W, np.zeros(len(W)) if weights.b is None else weights.b[used]


def usual(name: str, units: str = "relu") -> tuple[tuple[str, dict[str, Any]], ...]:
    """What the page asks about a ready set before anybody has changed anything else."""
    asked = {"set": name, "n": 60, "seed": 0}
    drawn = drawn_set(Asked(asked))
    three = len({z for _, _, z in drawn["points"]}) > 2 and drawn["kind"] == "classes"
    loss = "cross_entropy" if three else LOSSES[drawn["kind"]][0]
    return (
        ("plane/set", asked),
        ("plane/train", {**drawn, "units": units, "loss": loss, "beta": 0.3}),
    )


def narrow(name: str, width: int) -> tuple[str, dict[str, Any]]:
    """The same of so many units at most."""
    question, asked = usual(name)[1]
    return question, asked | {"width": width}


RECORDED = (
    *(entry for name in POINT_SETS for entry in usual(name)),
    *(usual("moons", units)[1] for units in ("abs", "threshold", "quadratic", "linear")),
    *(narrow("moons", width) for width in (1, 2, 3, 4)),
    *(narrow("sine", width) for width in (1, 2, 3, 4)),
)
"""Asked once for the page without a server."""
QUESTIONS = (
    Question("plane/set", drawn_set, seconds=5.0),
    Question("plane/table", table, seconds=10.0),
    Question("plane/drag", drag, seconds=60.0),
    Question("plane/train", train, seconds=200.0, long=True),
)
