"""
What the dual vector says
=========================

Each sample has one number in the dual vector: the slope of the loss at its prediction. For the
squared loss that is the residual. What it proves is a lower bound on the optimum, as long as v.phi
of every unit stays between plus and minus the weight decay.
"""

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, GREY, INK, RED, entitle, new_figure, styled

rng = np.random.default_rng(4)
x = np.sort(rng.uniform(-2.0, 2.0, (16, 1)), axis=0)
y = np.sin(2.0 * x[:, 0]) + 0.2 * rng.standard_normal(16)
solution = cn.train("relu", x, y, weight_decay=0.2)
v = solution.certificate.v

# %%
# ``-l*(v) = -(v.v / 2 + v.y)`` is the lower bound.

print(f"{-(v @ v / 2 + v @ y):.6f} <= optimum <= {solution.value:.6f}")

with styled():
    figure = new_figure(9.0, 5.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.0, 1.0])
    grid = np.linspace(-2.1, 2.1, 421)[:, None]
    above.plot(grid, solution.predict(grid), color=BLUE, label="network")
    above.vlines(x[:, 0], y, solution.predict(x), color=RED, label="residuals")
    above.plot(x, y, "o", color=INK, label="samples")
    above.legend()
    entitle(above, "The residuals of the optimal network")
    below.bar(x[:, 0], v, width=0.05, color=RED)
    below.axhline(0.0, color=GREY, linewidth=1.0)
    below.set(xlabel="x", ylabel="v")
    entitle(below, "The dual vector")
figure
