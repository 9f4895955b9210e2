"""
Other units, same data
======================

The algorithm does not know what a unit is; it needs features, and an oracle that prices them. Eight
families on the same samples, each solved to the global optimum of its own problem.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, INK, entitle, new_figure, styled

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (20, 1)), axis=0)
y = np.sin(2.0 * x[:, 0]) + 0.1 * rng.standard_normal(20)
families = [
    "relu",
    cn.Family("leaky_relu", slope=0.2),
    "abs",
    "squared_relu",
    "quadratic",
    "threshold",
    "sign",
    cn.Family("tanh", radius=3.0),
]

# %%
# Drawn with the number of units that the optimal network needs.

grid = np.linspace(-2.3, 2.3, 461)[:, None]
with styled():
    figure = new_figure(12.8, 5.6)
    panels = figure.subplots(2, 4, sharex=True, sharey=True).ravel()
    for axes, family in zip(panels, families, strict=True):
        solution = cn.train(family, x, y, weight_decay=0.1, gap=1e-4, output_bias=True)
        axes.plot(grid, solution.predict(grid), color=BLUE)
        axes.plot(x, y, "o", color=INK, markersize=4.0)
        more = "s" * (solution.units != 1)
        entitle(axes, f"{solution.objective.units.name}: {solution.units} unit{more}")
        print(f"{solution.objective.units.name:13} {solution.status}")
figure
