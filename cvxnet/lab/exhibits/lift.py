"""The lift: points cut the units into cells, a unit costs ``|u||a|``, the rest is convex."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Answer, Question
from cvxnet.layers import Linear, ReLU, Sequential
from cvxnet.plots import Balance, Cells, ProgramParts, cells_of, program_parts
from cvxnet.plots.cells import split_lines
from cvxnet.plots.sphere import place_of
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.program import program, recover
from cvxnet.training.trainer import train
from cvxnet.types import Array

REACH = 2.0
"""Points are within a square from minus to plus this."""
MOST = 8
"""So many points are written out."""
MANY = 1000
PLACED = ("random", "grid", "line")
ANGLES = np.linspace(-180.0, 180.0, 121)
"""Where the curves of the map are drawn."""
OUTPUT = 2.0
"""The output weight of the unit whose layers are scaled; its hidden weights are (0.4, 0.3)."""
HIDDEN = (0.4, 0.3)
SMALL = 1e-6
"""Pieces of an optimal program that are smaller, relative to the largest or to one, are zero."""


def cells(asked: Asked) -> Answer:
    """The cells of some points, and the one of a unit."""
    found = cells_of(read_points(asked))
    angle, distance = asked.number("angle", -180.0, 180.0), asked.number("distance", -9.0, 9.0)
    a = np.deg2rad(angle)
    unit = np.array([np.cos(a), np.sin(a), -distance])
    active = found.active(unit)
    low, high = found.outline(active, ANGLES)
    there = low < high
    angles, tilts = place_of(found.units)
    return {
        "count": found.count,
        "most": found.most,
        "lines": split_lines(found).round(6).tolist(),
        "angles": ANGLES.tolist(),
        "borders": found.borders(ANGLES).round(3).tolist(),
        "places": np.column_stack([angles, tilts]).round(3).tolist(),
        "sizes": found.patterns.sum(axis=1).tolist(),
        "active": active.tolist(),
        "unit": unit.tolist(),
        "place": [float(x) for x in place_of(unit)],
        "outline": [
            [a if t else None, float(lo), float(hi)]
            for a, t, lo, hi in zip(ANGLES.tolist(), there, low, high, strict=True)
        ],
    }


def count(asked: Asked) -> Answer:
    """How many cells so many points make, counted, and at most."""
    n, placed = asked.whole("n", 1, MANY), asked.choice("placed", PLACED, default="random")
    found: Cells = cells_of(placed_points(n, placed))
    return {"count": found.count, "most": found.most}


def placed_points(n: int, placed: str) -> Array:
    """Points that are drawn at random, on a grid, or on a line."""
    if placed == "random":
        return np.random.default_rng(0).standard_normal((n, 2))
    k = np.arange(n, dtype=float)
    side = np.ceil(np.sqrt(n)) if placed == "grid" else float(n)
    return np.column_stack([k % side, k // side])


def price(asked: Asked) -> Answer:
    """The weight decay of one unit, where a scale is moved from one layer to the other."""
    scale = asked.number("scale", 0.05, 50.0)
    balance = Balance(float(np.linalg.norm(HIDDEN)), OUTPUT)
    scales = balance.scales(81)
    x = np.linspace(-3.0, 3.0, 61)
    first, now = (network_scaled(s)(x[:, None])[:, 0] for s in (1.0, scale))
    hidden, output = balance.sizes(scale)
    return {
        "scales": scales.tolist(),
        "pairs": np.column_stack(balance.sizes(scales)).tolist(),
        "penalties": balance.penalty(scales).tolist(),
        "best": balance.best,
        "least": balance.least,
        "unscaled": [balance.hidden, balance.output],
        "hidden": float(hidden),
        "output": float(output),
        "penalty": float(balance.penalty(scale)),
        "x": x.tolist(),
        "f": now.tolist(),
        "change": float(np.abs(now - first).max()),
    }


def network_scaled(scale: float) -> Sequential:
    """One unit over one feature, its hidden weights larger and its output weight smaller."""
    network = Sequential(Linear(1, 1), ReLU(), Linear(1, 1, bias=False))
    w, b = (scale * part for part in HIDDEN)
    network.load_state_dict({"0.weight": [[w]], "0.bias": [b], "2.weight": [[OUTPUT / scale]]})
    return network


def written(asked: Asked) -> Answer:
    """The whole convex program of some points, solved, beside what training proves."""
    X = read_points(asked)
    y = asked.numbers("targets", MOST, -9.0, 9.0)
    beta = asked.number("beta", 1e-3, 10.0)
    problem = program("relu", X, y, weight_decay=beta)
    parts = program_parts(problem)
    problem.solve(solver="CLARABEL")
    solution = train("relu", X, y, weight_decay=beta)
    return {
        "sizes": {
            "pieces": len(parts.pieces),
            "variables": parts.variables,
            "equations": len(parts.equations),
            "inequalities": len(parts.inequalities),
        },
        "dcp": bool(problem.is_dcp()),
        "pieces": pieces_of(parts),
        "entries": [
            np.argwhere(matrix).tolist() for matrix in (parts.equations, parts.inequalities)
        ],
        "value": float(problem.value),
        "proved": bracket_text(solution.lower_bound, solution.value),
        "solver": "Clarabel",
        "status": solution.status,
        "units": int(np.shape(recover(problem).state_dict()["0.weight"])[0]),
    }


def pieces_of(parts: ProgramParts) -> list[dict[str, Any]]:
    """Each piece: its sign, where it is active, its cell, and how large its vector came out."""
    w = next(v for v in parts.program.variables() if v.name() == "w").value
    vectors = np.asarray(w).reshape(len(parts.pieces), -1)
    sizes = np.linalg.norm(vectors, axis=1)
    used = sizes > SMALL * max(sizes.max(), 1.0)
    return [
        {
            "sign": piece.sign,
            "active": np.flatnonzero(piece.active).tolist(),
            "samples": piece.samples.tolist(),
            "size": float(size) if there else 0.0,
            "w": vector.tolist(),
        }
        for piece, vector, size, there in zip(parts.pieces, vectors, sizes, used, strict=True)
    ]


def read_points(asked: Asked) -> Array:
    """The points of the plane."""
    return asked.points("points", MOST, 2, -REACH, REACH)


QUESTIONS = (
    Question("lift/cells", cells, seconds=20.0),
    Question("lift/count", count, seconds=30.0),
    Question("lift/price", price, seconds=20.0),
    Question("lift/program", written, seconds=60.0),
)
FIVE = [[-1.2, 0.3], [0.3, -1.1], [1.1, 0.9], [-0.5, 1.2], [0.1, 0.1]]
RECORDED = (
    ("lift/cells", {"points": FIVE, "angle": 30.0, "distance": -0.2}),
    *(("lift/count", {"n": n, "placed": placed}) for n in (5, 1000) for placed in PLACED),
    *(("lift/price", {"scale": scale}) for scale in (1.0, 2.0, 5.0)),
    ("lift/program", {"points": FIVE, "targets": [1.0, -1.0, 0.5, 0.0, 1.0], "beta": 0.1}),
)
"""Asked once for the page without a server."""
