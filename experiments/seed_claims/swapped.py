"""Two optimal networks, the same but for the order of their units, and what lies between."""

from __future__ import annotations

import numpy as np

import cvxnet as cn
from cvxnet.objective import in_order, match_units, mix, read_network
from cvxnet.plots import slice_between_networks
from cvxnet.types import Array
from experiments.report import Row

WEIGHT_DECAY = 0.1
GRID = np.linspace(-2.2, 2.2, 111)[:, None]


def valley(seed: int) -> tuple[Array, Array]:
    """Nine samples of |x|, without noise for seed 0."""
    x = np.linspace(-2.0, 2.0, 9)
    noise = np.random.default_rng(seed).standard_normal(9)
    return x[:, None], np.abs(x) + (0.2 * noise if seed else 0.0)


def between_swapped(seed: int) -> Row:
    """The training objective from an optimum to the same with each unit in the next one's place."""
    X, y = valley(seed)
    found = cn.train("relu", X, y, weight_decay=WEIGHT_DECAY, gap=1e-8)
    one, width = found.network, read_network(found.network).width
    other = in_order(one, np.roll(np.arange(width), 1))
    came, matched = (
        slice_between_networks(one, end, X, y, weight_decay=WEIGHT_DECAY)
        for end in (other, match_units(one, other))
    )
    return {
        "units": width,
        "lower": found.lower_bound,
        "optimum": found.value,
        "midpoint": came.f_middle,
        "midpoint of matched": matched.f_middle,
        "X": X,
        "y": y,
        "slice": came,
        "functions": [mix(one, other, t)(GRID)[:, 0] for t in (0.0, 0.5, 1.0)],
    }
