"""
A convex function from samples
==============================

With output weights of at least 0 the network is a sum of convex units. Training finds the best one
of that form, which passes through the noise where the free network follows it.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, INK, ORANGE, new_figure, styled

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (30, 1)), axis=0)
y = np.maximum(x[:, 0] ** 2 - 1.0, 0.0) + 0.3 * rng.standard_normal(30)
form = {"weight_decay": 0.02, "output_bias": True, "skip": True}
free = cn.train("relu", x, y, **form)
convex = cn.train("relu", x, y, output_weights="nonneg", **form)
print("proved convex:", cn.convexity(convex.network, wrt="input").convex)

# %%
# Both are global optima, the second over a smaller set of networks.

grid = np.linspace(-2.0, 2.0, 401)[:, None]
with styled():
    figure = new_figure(8.0, 4.6)
    axes = figure.subplots()
    axes.plot(x, y, "o", color=INK, label="samples")
    label = f"any output weights: {free.value:.3f}"
    axes.plot(grid, free.predict(grid), color=ORANGE, linestyle="--", label=label)
    label = f"at least 0, a convex function: {convex.value:.3f}"
    axes.plot(grid, convex.predict(grid), color=BLUE, label=label)
    axes.set(xlabel="x", ylabel="y")
    axes.legend(title="training objective")
figure
