"""
Conditional gradient, and column generation
===========================================

Bach (2017) moves towards one unit at a time and never looks back: each step adds a unit, and the
objective approaches the optimum like 1 / t. Column generation solves for all units
that it has in every round, and ends.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, ORANGE, new_figure, styled

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (30, 1)), axis=0)
y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])
rounds = []
solution = cn.train("relu", x, y, weight_decay=0.05, gap=1e-9, progress=rounds.append)

# %%
# Its problem bounds the penalty instead of adding it. With the penalty of the optimum as the bound
# both have the same solution.

loss = 0.5 * ((solution.predict(x) - y) ** 2).sum()
penalty = (solution.value - loss) / 0.05
descent = cn.conditional_gradient("relu", x, y, radius=penalty, steps=1000)

with styled():
    figure = new_figure(8.0, 4.8)
    axes = figure.subplots()
    above = [each.upper - solution.lower_bound for each in rounds]
    axes.loglog(np.arange(1, len(above) + 1), above, "o-", color=BLUE, label="column generation")
    steps = np.arange(1, len(descent.values))
    axes.loglog(steps, descent.values[1:] - loss, color=ORANGE, label="conditional gradient")
    axes.set(xlabel="round or step", ylabel="objective above the optimum")
    axes.legend()
figure
