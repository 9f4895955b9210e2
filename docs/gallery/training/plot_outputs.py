"""
Two outputs that share units
============================

One network for two targets. Weight decay makes units that serve both cheaper than two of their own,
and the bracket is about the network as a whole.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 2))
ridge = np.maximum(X[:, 0] + X[:, 1], 0.0)
Y = np.column_stack([ridge, 0.5 * X[:, 0] - ridge])
solution = cn.train("relu", X, Y, weight_decay=1.0)
print(solution.status)
plots.plot_solution(solution, ["a", "b"], ["first", "second"])
