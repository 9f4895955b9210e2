"""
Half a saddle
=============

The smallest ReLU network, ``w2 relu(w1 x)``, at x = 1 as a function of its two weights. Its layers
are multiplied with one another, and a product of two variables is neither convex nor concave.
"""

import numpy as np

from cvxnet import plots


def network(w):
    return w[:, 1] * np.maximum(w[:, 0], 0.0)


# %%
# At both ends of the line the network is 0, and half way it is 1: the chord lies below the surface.

surface = plots.surface_over(network, (-3.0, 3.0), (-3.0, 3.0))
figure = plots.plot_surface(surface, ("w1", "w2"), a=(0.0, 2.0), b=(2.0, 0.0))
figure.set_size_inches(10.0, 4.2)
figure
