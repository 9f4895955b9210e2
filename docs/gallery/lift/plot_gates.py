"""
From gates to ReLU units
========================

A gated unit has a fixed gate in place of its kink, so training is a group lasso and closes at any
size. With a gate for each cell its optimum is a lower bound on that of ReLU networks. Each gated
unit is a difference of two ReLU units, so the solution can be turned into a ReLU network: an upper
bound.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, INK, ORANGE, new_figure, styled

rng = np.random.default_rng(1)
X = rng.standard_normal((20, 2))
y = np.sin(2.0 * X[:, 0]) * np.cos(2.0 * X[:, 1])
optimum = cn.train("relu", X, y, weight_decay=0.3)

# %%
# More random gates lower the optimum of gated networks, but not the objective of the ReLU network
# that it is decomposed into, which was not trained for it.

counts = [2, 5, 10, 20, 50, 100]
families = [cn.Family("gated_relu", gates=m, seed=0) for m in counts]
gated = [cn.train(family, X, y, weight_decay=0.3) for family in families]
decomposed = [cn.decompose(solution).value for solution in gated]

with styled():
    figure = new_figure(8.0, 4.6)
    axes = figure.subplots()
    axes.axhline(optimum.value, color=INK, label="ReLU networks: proved optimum")
    axes.semilogx(counts, decomposed, "^--", color=ORANGE, label="ReLU network decomposed from it")
    values = [solution.value for solution in gated]
    axes.semilogx(counts, values, "o-", color=BLUE, label="gated network")
    axes.set(xlabel="gates", ylabel="training objective")
    axes.set_xticks(counts, counts)
    axes.minorticks_off()
    axes.legend()
figure
