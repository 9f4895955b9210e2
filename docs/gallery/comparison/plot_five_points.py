"""
Five points, and SGD at four widths
===================================

The example of Pilanci and Ergen (2020): five points of the line, which SGD from eight seeds fits
well only where the network is wide. Their convex program says what the optimum is; here it is
proved.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, INK, MARKERS, new_figure, styled

x = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
widths = (4, 8, 15, 50)
asked = {"optimizers": ("sgd",), "rates": {"sgd": 0.02}, "epochs": 600}
runs = cn.compare("relu", x, y, weight_decay=0.01, widths=widths, seeds=8, **asked)
optimum = runs.solution
print(f"{optimum.status}: {optimum.value:.6f}, with {optimum.units} units")

# %%
# Each marker is a seed. No run can end below the line.

with styled():
    figure = new_figure(8.0, 4.6)
    axes = figure.subplots()
    for k, width in enumerate(widths):
        ends = runs.group("sgd", width).objective
        spread = k + np.linspace(-0.25, 0.25, len(ends))
        axes.plot(spread, ends, MARKERS[k], color=COLORS[k], alpha=0.8)
    axes.axhline(runs.solution.value, color=INK, label="proved optimum")
    axes.set_xticks(range(len(widths)), widths)
    axes.set(yscale="log", xlabel="width", ylabel="training objective at the end")
    axes.legend()
figure
