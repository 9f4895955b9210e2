"""
How many units are worth having?
================================

Three units and noise have made these data. The best network of any width has more units, to follow
the noise a little. But the optimum of each width is proved, and beyond three there is hardly
anything to gain.
"""

import numpy as np

import cvxnet as cn

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, 60))
bends = np.maximum(x, 0.0) - 1.5 * np.maximum(x - 1.0, 0.0) + 0.5 * np.maximum(-x - 1.0, 0.0)
X, y = x[:, None], bends + 0.1 * rng.standard_normal(60)

found = cn.widths("relu", X, y, weight_decay=0.04, up_to=5, gap=1e-3)
cn.plots.plot_widths(found)

# %%
# The network of three units: one for each bend.

cn.plots.plot_solution(found.solutions[2])
