"""
A constraint learned from examples
==================================

Some operating points failed. A network with output weights of at least 0 and the hinge loss learns
where: its level sets are convex, so "the network says at most 0" is a constraint that CVXPY can
hold exactly.
"""

import cvxpy as cp
import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, INK, ORANGE, RED, new_figure, styled

rng = np.random.default_rng(0)
X = rng.uniform(-2.0, 2.0, (80, 2))
failed = np.maximum(np.abs(X[:, 0] + 0.5 * X[:, 1]), np.abs(X[:, 1])) > 1.2
form = {"output_weights": "nonneg", "output_bias": True, "skip": True}
y = np.where(failed, 1.0, -1.0)
solution = cn.train("relu", X, y, loss="hinge", weight_decay=0.05, **form)
right = (np.sign(solution.predict(X)) == y).mean()
print(f"{solution.status}; right for {right:.0%} of the points")

# %%
# The point furthest to the upper right that the network calls safe.

z = cp.Variable(2)
safe = cp.sum(cn.embed(solution.network, z)) <= 0
problem = cp.Problem(cp.Maximize(z[0] + z[1]), [safe])
problem.solve()

with styled():
    figure = new_figure(7.0, 6.6)
    axes = figure.subplots()
    A, B = np.meshgrid(*[np.linspace(-2.0, 2.0, 201)] * 2)
    F = solution.predict(np.column_stack([A.ravel(), B.ravel()])).reshape(A.shape)
    axes.contourf(A, B, F, [-100.0, 0.0], colors=[BLUE], alpha=0.2)
    axes.contour(A, B, F, [0.0], colors=[INK])
    axes.plot(*X[~failed].T, "o", color=BLUE, label="worked")
    axes.plot(*X[failed].T, "x", color=ORANGE, label="failed")
    axes.plot(*z.value, "*", color=RED, markersize=16.0, label="best that is called safe")
    axes.set(xlabel="first", ylabel="second", aspect="equal")
    figure.legend(loc="outside lower center", ncols=3)
figure
