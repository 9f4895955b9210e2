"""
A network with its data and bracket
===================================

Fourteen samples of a function of one variable, and the ReLU network that is optimal
among those of every width: the bracket closes to the gap that the picture shows.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (14, 1)), axis=0)
y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])

solution = cn.train("relu", x, y, weight_decay=0.05)
print(f"{solution.status}: {solution.lower_bound:.8f} <= optimum <= {solution.value:.8f}")
plots.plot_solution(solution, ["dose"], "response")
