"""
A tree, leaf by leaf
====================

That no network of two units fits five points better is proved by a tree, in the certificate. A leaf
of it allows units in some regions only, which are arcs here, as a unit of one variable is an angle.
Its dual vector has to keep below the weight decay there, and nowhere else: so it proves more than
that of every width.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

x = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])
y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
solution = cn.train("relu", x, y, weight_decay=0.1, width=2)
print(f"{solution.status}: {solution.value:.4f}, of every width {solution.all_widths.value:.4f}")
plots.plot_leaves(solution)
