"""
How far from the optimum, and how often
=======================================

Adam and L-BFGS from five seeds each, at two widths, on the objective whose optimum is proved. Wide
networks come closer than narrow ones, and not because the narrow ones could not: the optimum of
three units is proved, too, and is nearly that of every width. What narrow runs miss is the
optimisers' part.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (14, 1)), axis=0)
y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])

asked = {"optimizers": ("adam", "lbfgs"), "widths": (3, 24), "seeds": 5, "epochs": 300}
runs = cn.compare("relu", x, y, weight_decay=0.05, rates={"adam": 0.05}, **asked)
plots.plot_runs(runs)
