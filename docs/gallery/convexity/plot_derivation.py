"""
The rules, node by node
=======================

Whether a network is convex in its input is asked of rules first: each node of the expression takes
its curvature from those below it. Where no rule applies, the tree says so, and the verdict names
the layer and what it would need.
"""

import cvxnet as cn
from cvxnet import plots

network = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1))
verdict = cn.convexity(network, wrt="input")
print(verdict.convex, "- needed:", verdict.blame.needs)
plots.plot_derivation(verdict)

# %%
# Output weights that are at least 0 keep the convexity of the hidden units. Now every node has its
# rule, and the tree is a proof.

convex = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1, nonneg=True))
plots.plot_derivation(cn.convexity(convex, wrt="input"))
