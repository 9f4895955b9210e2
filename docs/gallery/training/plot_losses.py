"""
Losses and outliers
===================

Two samples of these twenty are wrong. The squared loss follows them, the absolute and the Huber
loss do not; all three networks are optimal for what they minimise.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, INK, LINES, new_figure, styled

rng = np.random.default_rng(1)
x = np.sort(rng.uniform(-2.0, 2.0, (20, 1)), axis=0)
y = np.abs(x[:, 0]) + 0.1 * rng.standard_normal(20)
y[[5, 14]] += [4.0, -3.0]

fits = {
    loss: cn.train("relu", x, y, loss=loss, weight_decay=0.2, output_bias=True)
    for loss in ("squared", "absolute", "huber")
}
for loss, solution in fits.items():
    print(loss, solution.status)

# %%
# Scores can be compared only where the loss is the same, so the picture shows the networks.

grid = np.linspace(-2.2, 2.2, 441)[:, None]
with styled():
    figure = new_figure(8.0, 4.6)
    axes = figure.subplots()
    for k, (loss, solution) in enumerate(fits.items()):
        look = {"color": COLORS[k], "linestyle": LINES[k]}
        axes.plot(grid, solution.predict(grid), label=loss, **look)
    axes.plot(x, y, "o", color=INK, label="samples")
    axes.set(xlabel="x", ylabel="y")
    axes.legend()
figure
