"""
Many networks, one value
========================

The optimum has one value, and often many networks. Three points and a free skip connection: all
optimal networks fill a band, agree on the data, and nowhere else.
"""

import cvxnet as cn
from cvxnet import plots

x, y = [[-2.0], [0.0], [2.0]], [3.0, 2.0, 3.0]
solution = cn.train("relu", x, y, weight_decay=0.1, skip=True, gap=1e-10)
plots.plot_optimal_set(solution)
