"""
The dual constraint, as two zonotopes
=====================================

The dual vector gives each sample a weight. The samples with positive weights span one polygon,
those with negative weights another, both as sums of segments. Feasible means that neither reaches
further than the weight decay beyond the other, and a checker can test that exactly.
"""

import numpy as np

import cvxnet as cn
from cvxnet import plots

rng = np.random.default_rng(0)
x = np.sort(rng.uniform(-2.0, 2.0, (14, 1)), axis=0)
y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])
solution = cn.train("relu", x, y, weight_decay=0.05)
plots.plot_zonotope(solution)
