"""
A loss along a line
===================

The loss of the smallest network, ``w2 relu(w1 x)`` at x = 1 with target 1, from one of its optima
to another. It rises in between: no convex function does that.
"""

import numpy as np

from cvxnet import plots

# %%
# Both ends have the loss 0, since w1 w2 = 1 there.


def loss(w):
    return 0.5 * (w[:, 1] * np.maximum(w[:, 0], 0.0) - 1.0) ** 2


line = plots.slice_between(loss, a=[0.5, 2.0], b=[2.0, 0.5], beyond=0.2)
plots.plot_slice(line, name="loss")
