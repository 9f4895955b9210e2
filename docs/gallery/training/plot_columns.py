"""
Which unit is missing?
======================

Column generation keeps a few units and asks which one is missing most. The answer is in v.phi, the
product of the dual vector with the features of a unit, here over the circle of all units of one
variable: where it leaves the band of plus and minus the weight decay, a unit can lower the
objective.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (14, 1)), axis=0)
y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])
rounds = []
solution = cn.train("relu", x, y, weight_decay=0.05, progress=rounds.append)

# %%
# After the first round.

plots.plot_columns(solution, rounds[0])

# %%
# In the end nothing pokes out: no unit can lower the objective, and that is the proof.

plots.plot_columns(solution)
