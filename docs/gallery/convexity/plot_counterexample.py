"""
A counterexample
================

Where rules stop nothing is refuted yet. A function is proved not to be convex by two points and a
chord between them that lies below it. cvxnet looks for one, and then verifies it in exact or ball
arithmetic.
"""

import cvxnet as cn
from cvxnet import plots

network = cn.Sequential(cn.Linear(2, 4), cn.Tanh(), cn.Linear(4, 1))
verdict = cn.convexity(network, wrt="input")
print(verdict.convex, "-", verdict.reasons["convex"])
plots.plot_counterexample(verdict.counterexample)
