"""
Exclusive or, with steps
========================

A threshold unit is 1 on one side of a line and 0 on the other. Its gradient is 0 wherever there is
one, so gradient methods have nothing to follow; the convex program can be solved. Here are the four
corners of exclusive or, with noise.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

rng = np.random.default_rng(0)
corners = rng.choice([-1.0, 1.0], (60, 2))
X = corners + 0.35 * rng.standard_normal((60, 2))
y = corners[:, 0] * corners[:, 1]
solution = cn.train("threshold", X, y, loss="hinge", weight_decay=1.0)
print(f"{solution.status}; {(np.sign(solution.predict(X)) == y).mean():.0%} on the right side")
plots.plot_solution(solution, ["a", "b"], classes=["differ", "agree"])
