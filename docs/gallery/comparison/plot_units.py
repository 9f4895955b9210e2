"""
The same objective, other units
===============================

Adam's network of 50 units and the optimal one predict almost the same, and are built otherwise: the
optimum has a few units, and Adam has spread their sizes over many.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, INK, ORANGE, entitle, new_figure, styled

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (14, 1)), axis=0)
y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])
options = {"optimizers": ("adam",), "rates": {"adam": 0.02}, "epochs": 1000}
runs = cn.compare("relu", x, y, weight_decay=0.05, widths=50, seeds=1, **options)
networks = {"optimal": runs.solution.network, "Adam's": runs.network("adam", 50, seed=0)}

# %%
# Above the functions; below each unit, by the place of its kink and its size ``|u| |a|``.

with styled():
    figure = new_figure(9.0, 5.6)
    above, below = figure.subplots(2, 1, sharex=True)
    grid = np.linspace(-2.3, 2.3, 461)[:, None]
    for (name, network), color, marker in zip(networks.items(), (BLUE, ORANGE), "o^", strict=True):
        state = network.state_dict()
        w, b, a = state["0.weight"][:, 0], state["0.bias"], state["2.weight"][0]
        above.plot(grid, network(grid)[:, 0], color=color, label=name)
        below.plot(-b / w, np.hypot(w, b) * np.abs(a), marker, color=color, label=name)
    above.plot(x, y, "o", color=INK, markersize=4.0)
    above.legend()
    entitle(above, "Two networks")
    below.set(xlabel="x; of a unit: the place of its kink", ylabel="size", xlim=(-2.3, 2.3))
    entitle(below, "Their units")
figure
