"""
Every weight decay between two ends, proved
===========================================

A training at one weight decay says something of others. Its network has the objective
``loss + weight_decay * penalty`` everywhere, and its dual vector bounds the optima below. So each
band is one network, and what is proved at the two ends of a band holds for every weight decay
between them. Where two bands meet, both networks are equally good, and the gap is largest.
"""

import numpy as np

import cvxnet as cn

rng = np.random.default_rng(2)
X = rng.standard_normal((40, 2))
y = np.sin(2.0 * X[:, 0]) * np.cos(X[:, 1]) + 0.1 * rng.standard_normal(40)
path = cn.path("relu", X, y, gap=0.03)
cn.plots.plot_path(path)

# %%
# The network of any weight decay, with its bracket there; no training is needed for it.

print(path.at(0.2 * path.high))
print(cn.check(path).reason)
