"""
From much weight decay to little
================================

From the largest useful weight decay on, the optimum is the zero network. Below it units enter, and
each of these networks has a bracket of its own: the proved lower bounds lie on the curve, too.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, GREY, ORANGE, RED, entitle, new_figure, styled

rng = np.random.default_rng(2)
X = rng.standard_normal((40, 2))
y = np.sin(2.0 * X[:, 0]) * np.cos(X[:, 1]) + 0.1 * rng.standard_normal(40)
largest = cn.largest_weight_decay("relu", X, y)
decays = largest * np.geomspace(0.01, 1.2, 13)
path = [cn.train("relu", X, y, weight_decay=decay) for decay in decays]

# %%
# The optimal value is a concave function of the weight decay, as a minimum of affine ones; here it
# is drawn over a logarithmic scale.

look = {"color": RED, "markersize": 13.0, "zorder": 3, "label": "proved lower bound"}
with styled():
    figure = new_figure(8.0, 5.6)
    above, below = figure.subplots(2, 1, sharex=True)
    above.semilogx(decays, [s.value for s in path], "o-", color=BLUE, label="network found")
    above.semilogx(decays, [s.lower_bound for s in path], "+", **look)
    above.set_ylabel("training objective")
    entitle(above, "The optimal value, and the number of units, by weight decay")
    above.legend()
    below.semilogx(decays, [s.units for s in path], "s-", color=ORANGE)
    below.set(xlabel="weight decay", ylabel="hidden units")
    for axes in (above, below):
        axes.axvline(largest, color=GREY, linestyle="--")
figure
