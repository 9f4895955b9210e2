"""
A convex problem past CVXPY's rules
===================================

How should a band be shared between two users, and how much power should each send with? The rate
of a user with the share w and the power p is ``w log(1 + g p / w)``. It is concave in both, and
CVXPY refuses it: "Problem does not follow DCP rules".
"""

import cvxpy as cp
import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, LINES, entitle, new_figure, styled

w, p = cp.Variable(2, pos=True, name="w"), cp.Variable(2, pos=True, name="p")
gains, power = np.array([1.0, 4.0]), cp.Parameter(nonneg=True, value=1.0)
rates = cp.multiply(w, cp.log(1 + cp.multiply(gains, p) / w))
least = cp.minimum(rates[0], rates[1])
problem = cp.Problem(cp.Maximize(least), [cp.sum(w) <= 1, cp.sum(p) <= power])
print("CVXPY accepts it:", problem.is_dcp())

# %%
# The same function is minus a relative entropy. What is rewritten stays a problem in the same
# variables and parameters.

rewriting = cn.rewrite(problem)
print("CVXPY accepts it now:", rewriting.problem.is_dcp())
print("written with", ", ".join(rewriting.steps[0].how))

levels = np.linspace(0.2, 4.0, 20)
shares, values = [], []
for power.value in levels:
    values.append(rewriting.solve(solver=cp.CLARABEL))
    shares.append(w.value)
shares = np.array(shares)

# %%
# The user with the worse channel gets the larger part of the band, the more so the less power
# there is.

with styled():
    figure = new_figure(9.0, 4.2)
    axes = figure.subplots()
    for k, gain in enumerate(gains):
        label = f"share of the user with gain {gain:g}"
        axes.plot(levels, shares[:, k], color=COLORS[k], linestyle=LINES[k], label=label)
    axes.plot(levels, values, color=COLORS[2], linestyle=LINES[2], label="rate of each")
    axes.set_xlabel("power of both")
    axes.legend()
    entitle(axes, "A fair share of band and power, at the optimum")
figure
