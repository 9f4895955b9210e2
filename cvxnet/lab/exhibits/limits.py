"""What a proved optimum does not say: test error, chance in wide data, brackets that stay open."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Answer, Question, Tell
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import largest_weight_decay, train
from cvxnet.types import Array

HELD_OUT = 2000
"""Samples on which the networks were not trained."""
SHARES = np.logspace(0.0, -5.0, 16)
"""Weight decays, as shares of the largest useful one."""
WIDTHS = (1, 2, 3, 4, 6, 10, 16, 24, 40, 60)
"""Features of random data."""
RANKS = (1, 2, 3, 4, 6, 8)
"""Features of data that a network can learn."""
MOST_SEED = 10**9


def truth(x: Array) -> Array:
    """What the noise is added to."""
    return np.sin(4.0 * x)


def error(asked: Asked, tell: Tell) -> Answer:
    """The optimum at each of several weight decays, and its error where it was not trained."""
    n, noise = asked.whole("n", 10, 80), asked.number("noise", 0.0, 1.0)
    rng = np.random.default_rng(asked.whole("seed", 0, MOST_SEED))
    x, held_out = np.sort(rng.uniform(-1.0, 1.0, n)), rng.uniform(-1.0, 1.0, HELD_OUT)
    y = truth(x) + noise * rng.standard_normal(n)
    z = truth(held_out) + noise * rng.standard_normal(HELD_OUT)
    grid = np.linspace(-1.0, 1.0, 201)
    largest = largest_weight_decay("relu", x[:, None], y)
    tell(
        {"x": x.tolist(), "y": y.tolist(), "grid": grid.tolist(), "truth": truth(grid).tolist()}
        | {"count": len(SHARES)}
    )
    for share in SHARES:
        decay = float(share * largest)
        solution = train("relu", x[:, None], y, weight_decay=decay, gap=1e-4, time_limit=5.0)
        tell(
            proved(solution)
            | {
                "decay": decay,
                "train": squared_error(solution, x, y),
                "test": squared_error(solution, held_out, z),
                "curve": solution.predict(grid[:, None]).tolist(),
            }
        )
    return {"noise": noise**2, "held_out": HELD_OUT}


def squared_error(solution: Solution, x: Array, y: Array) -> float:
    """The mean squared error of its predictions."""
    return float(np.mean((solution.predict(x[:, None]) - y) ** 2))


def proved(solution: Solution) -> dict[str, Any]:
    """The bracket and the number of units."""
    return {
        "lower": solution.lower_bound,
        "upper": solution.value,
        "gap": solution.gap,
        "closed": solution.status == "optimal",
        "units": solution.units,
    }


def wide(asked: Asked, tell: Tell) -> Answer:
    """Networks for labels of chance, of more and more features."""
    n = asked.whole("n", 10, 40)
    rng = np.random.default_rng(asked.whole("seed", 0, MOST_SEED))
    decay = asked.number("decay", 0.01, 1.0)
    y, z = rng.choice([-1.0, 1.0], n), rng.choice([-1.0, 1.0], HELD_OUT)
    y[:2] = -1.0, 1.0
    tell({"count": len(WIDTHS)})
    for d in WIDTHS:
        X, held_out = rng.standard_normal((n, d)), rng.standard_normal((HELD_OUT, d))
        solution = solve(X, y, decay, loss="logistic", gap=1e-2, time_limit=2.0)
        tell(
            proved(solution)
            | {
                "features": d,
                "train": share_of_signs(solution, X, y),
                "test": share_of_signs(solution, held_out, z),
            }
        )
    return {"held_out": HELD_OUT, "rows": n}


def solve(X: Array, y: Array, share: float, loss: str, **budget: Any) -> Solution:
    """The best network at a share of the largest useful weight decay, with its bracket."""
    decay = share * largest_weight_decay("relu", X, y, loss=loss)
    return train("relu", X, y, loss=loss, weight_decay=decay, **budget)


def share_of_signs(solution: Solution, X: Array, y: Array) -> float:
    """The share of the labels that it gets right."""
    return float(np.mean(np.sign(solution.predict(X)) == y))


def bracket(asked: Asked, tell: Tell) -> Answer:
    """The bracket after a fixed time, over the number of features."""
    share, seconds = asked.number("decay", 0.01, 1.0), asked.number("seconds", 0.5, 10.0)
    rng = np.random.default_rng(asked.whole("seed", 0, MOST_SEED))
    tell({"count": len(RANKS)})
    for d in RANKS:
        X = rng.standard_normal((50, d))
        y = np.sin(2.0 * X[:, 0]) + X[:, -1] ** 2 / 2.0 + 0.1 * rng.standard_normal(50)
        solution = solve(X, y, share, loss="squared", gap=1e-6, time_limit=seconds)
        rounds = [[t, low, high] for t, low, high, _ in solution.stats["history"]]
        tell(proved(solution) | {"features": d, "rounds": rounds})
    return {"seconds": seconds, "rows": 50}


QUESTIONS = (
    Question("limits/error", error, seconds=240.0, long=True),
    Question("limits/wide", wide, seconds=240.0, long=True),
    Question("limits/bracket", bracket, seconds=300.0, long=True),
)
RECORDED = (
    ("limits/error", {"n": 30, "noise": 0.35, "seed": 1}),
    ("limits/wide", {"n": 30, "decay": 0.05, "seed": 1}),
    ("limits/bracket", {"decay": 0.1, "seconds": 2.0, "seed": 1}),
)
