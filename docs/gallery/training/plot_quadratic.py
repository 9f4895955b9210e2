"""
Quadratic units
===============

With the units (w.x + b)^2 a network is a quadratic function, its penalty a nuclear norm, and
pricing an eigenvalue: the bracket closes whatever the number of features. Two of these ten decide
the class.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

rng = np.random.default_rng(0)
X = rng.standard_normal((200, 10))
y = np.where(X[:, 0] ** 2 + X[:, 1] ** 2 < 1.5, 1.0, -1.0)
solution = cn.train("quadratic", X, y, loss="logistic", weight_decay=3.0)
print(solution.status, solution.units)
plots.plot_solution(solution, [f"x{j}" for j in range(10)], classes=["outside", "inside"])
