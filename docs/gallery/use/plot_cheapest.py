"""
A trained network inside a CVXPY problem
========================================

Costs were measured at some operating points. A network with output weights of at least 0 is fitted
to them, to the proved optimum, and is convex: so CVXPY can minimise it under constraints, and finds
the global minimum.
"""

import cvxpy as cp
import numpy as np

import cvxnet as cn
from cvxnet.plots.style import INK, RED, entitle, new_figure, rising_map, styled

rng = np.random.default_rng(0)
X = rng.uniform(-2.0, 2.0, (80, 2))
costs = np.hypot(X[:, 0] + X[:, 1], 1.0) + np.abs(X[:, 0] - 0.5) + 0.1 * rng.standard_normal(80)
form = {"output_weights": "nonneg", "output_bias": True, "skip": True}
solution = cn.train("relu", X, costs, weight_decay=0.3, **form)

# %%
# The network is an expression like any other.

z = cp.Variable(2)
cost = cp.sum(cn.embed(solution.network, z))
problem = cp.Problem(cp.Minimize(cost), [z[0] + 2 * z[1] >= 2, cp.norm(z, "inf") <= 2])
problem.solve()
print(f"{problem.status}, DCP: {problem.is_dcp()}; cheapest at {np.round(z.value, 2)}")

with styled():
    figure = new_figure(7.6, 6.0)
    axes = figure.subplots()
    A, B = np.meshgrid(*[np.linspace(-2.0, 2.0, 101)] * 2)
    F = solution.predict(np.column_stack([A.ravel(), B.ravel()])).reshape(A.shape)
    drawn = axes.contourf(A, B, F, 12, cmap=rising_map())
    axes.fill_between([-2.0, 2.0], -2.0, [2.0, 0.0], color="white", alpha=0.6, linewidth=0.0)
    axes.plot(*X.T, ".", color=INK, label="measured")
    axes.plot(*z.value, "*", color=RED, markersize=16.0, label="cheapest allowed")
    axes.set(xlabel="first", ylabel="second", aspect="equal")
    figure.colorbar(drawn, label="cost")
    figure.legend(loc="outside lower center", ncols=2)
    entitle(axes, "The network; pale: not allowed")
figure
