"""
Every run on its way
====================

A flat curve looks like an optimum. Beside the proved bracket one sees how far above it each run has
come to rest, at two widths.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (14, 1)), axis=0)
y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])

asked = {"optimizers": ("adam", "lbfgs"), "widths": (8, 50), "seeds": 5, "epochs": 500}
runs = cn.compare("relu", x, y, weight_decay=0.05, rates={"adam": 0.02}, **asked)
plots.plot_traces(runs)
