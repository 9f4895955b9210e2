"""
The cells of five points
========================

Which samples a ReLU unit passes on is all that makes it nonlinear. Points of the plane cut the
units into finitely many cells, and within a cell the features are linear in the weights.
"""

from cvxnet import plots

five = [[-1.0, 0.2], [0.3, -0.9], [0.9, 0.8], [-0.4, 1.0], [0.1, 0.1]]
cells = plots.cells_of(five)
print(cells.count, "cells of", 2 ** len(five), "sign patterns")
plots.plot_cells(five, unit=[1.0, 0.5, 0.2])
