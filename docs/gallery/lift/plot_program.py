"""
The convex program, written down
================================

For four samples of one variable the whole program fits in a picture: to the left the predictions
as a sum over the cells, to the right the inequalities that keep each block in its cell.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

x = np.array([[-1.8], [-0.4], [0.7], [1.6]])
y = np.array([1.5, 0.7, 0.6, 1.8])
program = cn.program("relu", x, y, weight_decay=0.1)
plots.plot_program(program)

# %%
# It is an ordinary CVXPY problem. Column generation finds the same value without writing it down.

program.solve(solver="CLARABEL")
solution = cn.train("relu", x, y, weight_decay=0.1)
print(f"{program.value:.6f} {solution.value:.6f}")
