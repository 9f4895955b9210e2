"""
The unit ball of the penalty
============================

With two samples the predictions of a network are a point of the plane, and so are those of a single
unit. The networks whose penalty is at most 1 fill the convex hull of the units, up to sign: the
unit ball of a norm, the gauge. With the squared loss the optimal predictions are the point nearest
to the targets in a ball of this norm, whose size depends on the weight decay.
"""

import numpy as np
from scipy.spatial import ConvexHull

import cvxnet as cn
from cvxnet.plots.style import BLUE, INK, ORANGE, RED, entitle, new_figure, styled

x, y = np.array([[-0.6], [1.0]]), np.array([1.6, -1.0])
turn = np.linspace(0.0, 2.0 * np.pi, 721)
units = np.column_stack([np.cos(turn), np.sin(turn)])  # (w, b) of length one
features = np.maximum(units @ np.column_stack([x, np.ones(2)]).T, 0.0)  # phi_u at both samples

# %%
# For some weight decays the optimal predictions, each on the border of its ball; two points that
# span an edge of the hull are the two units of the network.

path = [cn.train("relu", x, y, weight_decay=decay) for decay in (0.05, 0.3, 0.8, 1.3)]
for solution in path:
    print(f"{solution.units} units, proved: {solution.status}")

with styled():
    figure = new_figure(7.0, 7.0)
    axes = figure.subplots()
    both = np.vstack([features, -features])
    hull = both[ConvexHull(both).vertices]
    for k, solution in enumerate(path):
        f = solution.predict(x)
        penalty = (solution.value - 0.5 * ((f - y) ** 2).sum()) / solution.objective.weight_decay
        axes.fill(*(penalty * hull).T, facecolor="none", edgecolor=BLUE, linewidth=1.0, alpha=0.7)
        axes.plot(*f, "o", color=RED, label=None if k else "optimal predictions")
    axes.fill(*hull.T, color=BLUE, alpha=0.2, label="networks with penalty at most 1")
    axes.plot(*features.T, color=ORANGE, label="single units")
    axes.plot(*-features.T, color=ORANGE, linestyle="--", label="with output weight -1")
    axes.plot(*y, "X", color=INK, markersize=10, label="targets")
    axes.set(xlabel="prediction at x = -0.6", ylabel="prediction at x = 1", aspect="equal")
    figure.legend(loc="outside lower center", ncols=2)
    entitle(axes, "Units, their hull, and the way from 0 to the targets")
figure
