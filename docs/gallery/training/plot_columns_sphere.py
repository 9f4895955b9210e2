"""
All units of two variables
==========================

Units over two variables and a bias are points of a sphere, drawn here as a map: by the direction in
which they rise and the place of their kink. In the optimum v.phi stays between plus and minus the
weight decay, and touches them at the units of the network.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

rng = np.random.default_rng(3)
X = rng.standard_normal((40, 2))
y = np.maximum(X[:, 0], 0.0) - np.maximum(X[:, 1] - X[:, 0], 0.0)
solution = cn.train("relu", X, y, weight_decay=1.0)
print(solution.status, solution.units, "units")
plots.plot_columns(solution)
