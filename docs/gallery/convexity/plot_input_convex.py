"""
A deep network that is convex in its input
==========================================

With weights of at least 0 after the first layer, convex activations that rise, and connections from
the input to every layer, a network of any depth is convex in its input, whatever it was trained on.
"""

import cvxnet as cn
from cvxnet import plots

network = cn.input_convex([2, 16, 16, 1], seed=3)
verdict = cn.convexity(network, wrt="input")
print(verdict.convex, "-", verdict.reasons["convex"])

# %%
# The chord between any two points lies on or above the surface.

surface = plots.surface_over(lambda x: network(x)[:, 0], (-2.0, 2.0), (-2.0, 2.0))
plots.plot_surface(surface, ("first input", "second input"), a=(-1.5, 1.0), b=(1.5, -1.2))
